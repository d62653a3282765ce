"""The grammar of `/signout`."""

import json
import re
import shlex
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.aws.spelling import MAX_DOCUMENT, AwsSpelling
from bot.errors import UsageError
from bot.facts.aws_cli import AWS_USAGE, Help, Skeleton
from bot.history import History
from bot.request import Options
from bot.slack.typed import AskForList, Parsed, parse
from bot.visible import visible
from bot.whoami import WhoAmI

POOL = "eu-central-1_AbCdEf123"
SPELLING = AwsSpelling().read


def read(text: str) -> Parsed:
    return parse(text, SPELLING)


def exactly(username: str = "ada", **more: Any) -> Options:
    return Options(target=username, pool_id=POOL, exactly=True, **more)


@pytest.mark.parametrize("text", ["whoami", "WhoAmI", " WHOAMI "])
def test_whoami_is_no_target_however_it_is_written(text: str) -> None:
    assert read(text) == WhoAmI()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("history", None),
        (" HISTORY ", None),
        ("history ada", Options(target="ada")),
        ("history <mailto:ada@example.com|ada@example.com>", Options(target="ada@example.com")),
        ("History +49 30 123456 --pool staff", Options(target="+49 30 123456", pool="staff")),
        ("history ada --region eu-west-1", Options(target="ada", region="eu-west-1")),
        ("history history", Options(target="history")),
        ("history whoami", Options(target="whoami")),
        ("`history ada`", Options(target="ada")),
    ],
)
def test_a_history_is_of_a_target_or_of_ones_own(text: str, options: Options | None) -> None:
    assert read(text) == History(options)


def test_before_an_option_history_is_a_user_name() -> None:
    assert read("history --pool staff") == read("history  --pool staff") == Options(target="history", pool="staff")
    assert read("histories") == Options(target="histories")
    assert read(f"--user-pool-id {POOL} --username history") == exactly("history")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("history ada --reason lost phone", "--reason is not for a history."),
        ("history ada --keep-out", "--keep-out is not for a history."),
        (f"history ada --username ada --user-pool-id {POOL}", "Use either TARGET"),
        ("history ada bob", "More than one TARGET"),
        ("history ada --pool", "--pool needs a value."),
        ("history ada --colour", "There is no option --colour."),
    ],
)
def test_what_is_not_for_a_history_is_said_with_how_to_write_one(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)) as raised:
        read(text)
    assert raised.value.usage == "/signout history [TARGET [--pool NAME]]"


def test_help_on_a_history_is_the_help() -> None:
    assert read("history --help") == read("history ada --help") == read("history ada help") == Help()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("list", Options(target="")),
        ("List", Options(target="")),
        (
            "list --pool customers --reason leaked in HELP-1",
            Options(target="", pool="customers", reason="leaked in HELP-1"),
        ),
        ("list \u2014region eu-central-1", Options(target="", region="eu-central-1")),
    ],
)
def test_the_word_list_asks_for_the_form_of_a_list(text: str, options: Options) -> None:
    assert read(text) == AskForList(options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("list ada grace", "`list` opens a form."),
        ("list --username ada", "`list` opens a form."),
        ("list --keep-out", "A list can only sign out."),
        ("list --pool", "--pool needs a value."),
        ("list --everyone", "There is no option --everyone."),
        ("list --keep-out --let-in", "--keep-out and --let-in are two actions."),
        (f"list --reason {'x' * 501}", "--reason is longer than 500 characters."),
    ],
)
def test_what_a_list_does_not_take_is_said_with_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.sentence.startswith(said)
    assert caught.value.usage == "/signout list [--pool NAME] [--reason TEXT]"


def test_help_on_a_list_is_the_help_and_other_words_that_begin_so_are_targets() -> None:
    assert read("list --help") == read("list help") == Help()
    assert read("listing") == Options(target="listing")
    assert read("list@example.com") == Options(target="list@example.com")
    assert read(f"--user-pool-id {POOL} --username list") == exactly("list")


@pytest.mark.parametrize("text", ["whoami --pool customers", "who-am-i"])
def test_only_the_word_itself_asks_who_one_is(text: str) -> None:
    assert isinstance(read(text), Options)


def test_an_account_called_whoami_can_be_named_as_the_aws_cli_does() -> None:
    assert read(f"--user-pool-id {POOL} --username whoami") == exactly("whoami")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ada", Options(target="ada")),
        ("  ada  ", Options(target="ada")),
        ("ada --pool staff", Options(target="ada", pool="staff")),
        ("--pool staff ada", Options(target="ada", pool="staff")),
        ("--pool=staff ada", Options(target="ada", pool="staff")),
        ("ada --reason lost phone", Options(target="ada", reason="lost phone")),
        ("ada --reason lost phone --pool staff", Options(target="ada", reason="lost phone", pool="staff")),
        ("ada --reason 'lost phone'", Options(target="ada", reason="lost phone")),
        ('--reason "lost phone" ada', Options(target="ada", reason="lost phone")),
        ("--reason \u201clost phone\u201d ada", Options(target="ada", reason="lost phone")),
        ("ada --reason \u2018Ada\u2019s phone\u2019", Options(target="ada", reason="Ada\u2019s phone")),
        ("ada --reason said 'help' twice", Options(target="ada", reason="said 'help' twice")),
        ("ada \u2014pool staff", Options(target="ada", pool="staff")),
        ("ada \u2013pool staff", Options(target="ada", pool="staff")),
        ("ada \u2014reason x \u2014pool staff", Options(target="ada", reason="x", pool="staff")),
        ("o'brien@example.com", Options(target="o'brien@example.com")),
        ("a--b\u2014c", Options(target="a--b\u2014c")),
        ("\u201cada\u201d", Options(target="\u201cada\u201d")),
        ("-ada", Options(target="-ada")),
        ("<mailto:ada@example.com|ada@example.com>", Options(target="ada@example.com")),
        ("<mailto:ada@example.com>", Options(target="ada@example.com")),
        ("<tel:+4915112345|+4915112345> --pool staff", Options(target="+4915112345", pool="staff")),
        ("<http://ada.example|ada.example>", Options(target="ada.example")),
        ("&lt;!channel&gt;*ops*", Options(target="<!channel>*ops*")),
        ("a&amp;b", Options(target="a&b")),
        ("a&amp;lt;b", Options(target="a&lt;b")),
        ("&lt;mailto:ada|ada&gt;", Options(target="<mailto:ada|ada>")),
        ("Google_123", Options(target="Google_123")),
        ("/signout ada --pool staff", Options(target="ada", pool="staff")),
        ("/signout", Options(target="/signout")),
        ("*ada* --pool staff", Options(target="*ada*", pool="staff")),
        ("Ada L &lt;ada@a.de&gt; --pool staff", Options(target="Ada L <ada@a.de>", pool="staff")),
        ("Ada L &lt;<mailto:ada@a.de|ada@a.de>&gt;", Options(target="Ada L <ada@a.de>")),
        ('"L, Ada"  &lt;ada@a.de&gt;;', Options(target='"L, Ada" <ada@a.de>;')),
        ("\u201c ada \u201d", Options(target="\u201c ada \u201d")),
        ("&lt;+49 30 123456&gt;", Options(target="<+49 30 123456>")),
        ("ada ,", Options(target="ada ,")),
        ("x" * 128, Options(target="x" * 128)),
    ],
)
def test_text_as_slack_delivers_it_is_read_as_it_was_typed(text: str, options: Options) -> None:
    assert read(text) == options


@pytest.mark.parametrize(
    "text",
    [
        *("help", " HELP ", "--help", "--HELP", "-h", "-H", "-help", "?", "-?", "/?", "\uff1f"),
        *("\u2014help", "\u2013help", "\u2013h", "\u2014h", "\u2013-help"),
        *("ada --help", "ada --pool staff --help", "ada -h", "--user-pool-id x --help", "--help me"),
    ],
)
def test_help_may_be_asked_for_in_many_ways(text: str) -> None:
    assert read(text) == Help()


@pytest.mark.parametrize(
    "text", ["help@example.com", "h", "helper", "help?", "-help-", "--", "a?", "Help_Desk", "`help`"]
)
def test_what_only_looks_like_help_is_a_target(text: str) -> None:
    assert read(text) == Options(target=text)


def test_a_person_who_is_called_help_can_be_reached() -> None:
    assert read("help --pool staff") == Options(target="help", pool="staff")
    assert read("-h --reason x") == Options(target="-h", reason="x")
    assert read(f"--user-pool-id {POOL} --username=--help") == exactly("--help")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ada --region eu-central-1", Options(target="ada", region="eu-central-1")),
        ("--region=eu-central-1 ada", Options(target="ada", region="eu-central-1")),
        ("ada \u2014region 'eu-central-1' --pool staff", Options(target="ada", region="eu-central-1", pool="staff")),
        ("ada --reason=--x and y --pool staff", Options(target="ada", reason="--x and y", pool="staff")),
        ("ada --pool=--staff", Options(target="ada", pool="--staff")),
        ("ada --pool= staff", Options(target="ada", pool="staff")),
        (f"--username=--pool --user-pool-id {POOL}", exactly("--pool")),
        (f"\u2014username=\u2014pool --user-pool-id {POOL}", exactly("\u2014pool")),
        (f"--username=ada --user-pool-id={POOL} --reason=--x", exactly(reason="--x")),
    ],
)
def test_a_region_names_pools_and_a_value_after_an_equals_sign_may_look_like_an_option(
    text: str, options: Options
) -> None:
    assert read(text) == options


@pytest.mark.parametrize("text", ["ada --profile x", "ada --force", "ada --region", "--endpoint-url x ada"])
def test_what_is_wrong_with_a_target_goes_with_the_usage_line_of_a_target(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.usage is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "TARGET is missing"),
        ("--pool staff", "TARGET is missing"),
        ("ada grace", "More than one TARGET"),
        ('"ada grace"', "More than one TARGET"),
        ("*ada* *grace*", "More than one TARGET"),
        ("ada, grace", "More than one TARGET"),
        ("Ada &lt;ada@a.de&gt;, Grace &lt;grace@a.de&gt;", "More than one TARGET"),
        ("grace@a.de &lt;ada@a.de&gt;", "More than one TARGET"),
        ("ada grace@a.de", "More than one TARGET"),
        ("Ada (London)", "More than one TARGET"),
        ("--reason lost phone ada", "TARGET is missing"),
        ("ada --pool", "--pool needs a value"),
        ("ada --pool --reason x", "--pool needs a value"),
        ("ada --reason", "--reason needs a value"),
        ("ada --reason ''", "--reason needs a value"),
        ("ada --reason 'lost phone", "quote of --reason is not closed"),
        ("ada --pool a --pool b", "--pool is given twice"),
        ("ada --force", "There is no option --force"),
        ("ada --pool:staff", "There is no option --pool"),
        ("ada --reason " + "x" * 501, "--reason is longer than 500"),
        ("x" * 129, "TARGET is longer than 128"),
        ("a\u202eda", "invisible character"),
        ("a\u200bda", "invisible character"),
        ("a\x00da", "invisible character"),
        ("<@U0123ABCDEF|ada>", "person or channel in Slack"),
        ("<#C0123ABCDEF|support>", "person or channel in Slack"),
        ("<!channel>", "person or channel in Slack"),
    ],
)
def test_what_is_not_in_the_grammar_gets_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read(text)


LINE = "aws cognito-idp admin-user-global-sign-out"
DOCUMENT = f'{{"UserPoolId": "{POOL}", "Username": "ada"}}'


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (f"--user-pool-id {POOL} --username ada", exactly()),
        (f"--username=ada --user-pool-id={POOL}", exactly()),
        (f"\u2014user-pool-id {POOL} \u2014username ada", exactly()),
        (f"--user-pool-id '{POOL}' --username \"ada\"", exactly()),
        (f"--user-pool-id {POOL} --username \u201cada\u201d", exactly()),
        (f"--user-pool-id {POOL} --username o'brien@example.com", exactly("o'brien@example.com")),
        (f"--user-pool-id {POOL} --username 'o'\\''brien'", exactly("o'brien")),
        (f"--user-pool-id {POOL} --username <mailto:a@b.de|a@b.de>", exactly("a@b.de")),
        (f"--user-pool-id {POOL} --username '&lt;!channel&gt;*ops*'", exactly("<!channel>*ops*")),
        (f"--user-pool-id {POOL} --username=-ada", exactly("-ada")),
        (f"--user-pool-id {POOL} --username ada --region eu-central-1", exactly(region="eu-central-1")),
        (f"--user-pool-id {POOL} --username ada --reason Ada's phone is lost", exactly(reason="Ada's phone is lost")),
        (f"--reason 'lost' --user-pool-id {POOL} --username ada", exactly(reason="lost")),
        (f"{LINE} --user-pool-id {POOL} --username ada", exactly()),
        (f"$ {LINE} --user-pool-id {POOL} --username ada", exactly()),
        (f"{LINE} \\\n    --user-pool-id {POOL} \\\n    --username ada", exactly()),
        (f"{LINE} \\\r\n --user-pool-id {POOL} \\\r\n --username 'ada'", exactly()),
        (f"{LINE} \\ --user-pool-id {POOL} \\ --username ada", exactly()),
        (f"{LINE} --cli-input-json '{DOCUMENT}'", exactly()),
        (f"--cli-input-json '{DOCUMENT}'", exactly()),
        (f"--cli-input-json {DOCUMENT} --reason lost", exactly(reason="lost")),
        ("--cli-input-json " + DOCUMENT.replace('"', "\u201d"), exactly()),
        ("--cli-input-json \u2018" + DOCUMENT.replace('"', "\u201c") + "\u2019", exactly()),
        ('--cli-input-json "' + DOCUMENT.replace('"', '\\"') + '"', exactly()),
        (f"--cli-input-json '{DOCUMENT}' --username grace", exactly("grace")),
        ("--cli-input-json '" + DOCUMENT.replace("ada", "a\u201cda") + "'", exactly("a\u201cda")),
        (f"--cli-input-yaml 'UserPoolId: {POOL}\nUsername: ada'", exactly()),
        (f"--cli-input-yaml 'Username: ada' --user-pool-id {POOL}", exactly()),
        ("--generate-cli-skeleton output " + f"--user-pool-id {POOL} --username ada", Skeleton("")),
        ("--generate-cli-skeleton", Skeleton('{\n    "UserPoolId": "",\n    "Username": ""\n}')),
        (f"{LINE} --generate-cli-skeleton input", Skeleton('{\n    "UserPoolId": "",\n    "Username": ""\n}')),
        ("aws --pool staff", Options(target="aws", pool="staff")),
        ("aws", Options(target="aws")),
    ],
)
def test_the_aws_clis_line_means_what_it_means_there(text: str, options: Options | Skeleton) -> None:
    assert read(text) == options


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (LINE, "The following arguments are required: --user-pool-id, --username"),
        ("--username ada", "The following arguments are required: --user-pool-id"),
        (f"ada --user-pool-id {POOL} --username ada", "Use either TARGET and --pool, or --username"),
        (f"{LINE} --user-pool-id {POOL} --username ada grace", "The line has words that belong to no option."),
        ("--username ada --pool staff", "Use either TARGET and --pool, or --username"),
        (f"--user-pool-id {POOL} --username", "--username needs a value"),
        (f"--user-pool-id {POOL} --username --reason x", "--username needs a value"),
        (f"--user-pool-id {POOL} --username ada --username grace", "--username is given twice"),
        (f"--user-pool-id {POOL} --username 'ada", "The quote of --username is not closed"),
        (
            f"--user-pool-id {POOL} --username ''",
            "Invalid length for parameter Username, value: 0, valid min length: 1",
        ),
        (f"--user-pool-id {POOL} --username 'a b'", "Invalid value for parameter Username, valid pattern"),
        (f"--user-pool-id {POOL} --username a\u202eda", "Invalid value for parameter Username, valid pattern"),
        (f"--user-pool-id {POOL} --username {'x' * 129}", "value: 129, valid max length: 128"),
        ("--user-pool-id nope --username ada", "Invalid value for parameter UserPoolId, valid pattern"),
        (f"--user-pool-id {POOL} --username ada --profile x", "--profile is not taken."),
        (f"--user-pool-id {POOL} --username ada --yes", "There is no option --yes"),
        (f"--user-pool-id {POOL} --username file:///etc/passwd", "files and addresses are not followed"),
        (f"--user-pool-id {POOL} --username ada --reason ''", "--reason needs a value"),
        ("--cli-input-json file:///etc/passwd", "files and addresses are not followed"),
        ("--cli-input-json FILE://x", "files and addresses are not followed"),
        ("--cli-input-json <http://169.254.169.254/|169.254.169.254>", "Invalid JSON received"),
        ("--cli-input-json <http://169.254.169.254/>", "files and addresses are not followed"),
        ("--cli-input-yaml https://example.com/", "files and addresses are not followed"),
        ("--cli-input-json '{'", "Invalid JSON received"),
        ("--cli-input-json ''", "Invalid JSON received"),
        ("--cli-input-json '[]'", "must hold parameters by name"),
        ("--cli-input-json '{}'", 'Missing required parameter in input: "UserPoolId"; Missing'),
        ("--cli-input-json '{}' --cli-input-yaml '{}'", "Only one --cli-input- parameter may be specified"),
        (f'--cli-input-json \'{{"x": "{"x" * MAX_DOCUMENT}"}}\'', "longer than 1,024 characters"),
        ("--generate-cli-skeleton bogus", "--generate-cli-skeleton takes one of: input, yaml-input, output"),
        ("--generate-cli-skeleton output", "The following arguments are required: --user-pool-id, --username"),
        ("--generate-cli-skeleton input --cli-input-json '{'", "Invalid JSON received"),
        ("aws cognito-idp admin-delete-user --username ada", "only `aws cognito-idp admin-user-global-sign-out`"),
    ],
)
def test_what_the_aws_cli_would_not_take_gets_one_sentence_and_its_own_usage_line(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)) as caught:
        read(text)
    assert "\n" not in caught.value.sentence
    assert caught.value.usage == AWS_USAGE


WORDS = st.sampled_from(
    [
        *("ada", "--pool", "staff", "--reason", "--username", "--user-pool-id", POOL, "--cli-input-json", DOCUMENT),
        *("--cli-input-yaml", "--generate-cli-skeleton", "output", LINE, "\\\n", "'", '"', "\u201c", "\u2019", "="),
        *(
            "<mailto:a@b|a@b>",
            "&lt;",
            "file://x",
            "{",
            "}",
            "[",
            "&a",
            "*a",
            "!!int x",
            "\u2014",
            "$",
            "\ud800",
            "\x00",
        ),
    ]
)
SLACK_TEXT = st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=9)), max_size=12).map(" ".join))


@given(SLACK_TEXT)
@settings(max_examples=300)
def test_any_text_gives_a_value_or_one_sentence(text: str) -> None:
    try:
        value: object = read(text)
    except UsageError as error:
        value = error
    if isinstance(value, UsageError):
        assert value.sentence.endswith(".") or "Parameter validation failed" in value.sentence
        assert len(value.sentence) < 1000
    if isinstance(value, Options):
        assert 0 < len(value.target) <= 128
        assert not any(unicodedata.category(character)[0] == "C" for character in value.target)
        assert value.reason is None or value.reason.encode()


NAMES = st.text(
    st.characters(exclude_categories=("C", "Z")).filter(lambda each: visible(each) == each), min_size=1, max_size=128
)


@given(NAMES.filter(lambda name: not re.match(r"(--|[\u2013\u2014]-?)[^\W\d_]|[$]$", name, re.IGNORECASE)))
def test_what_was_typed_as_target_is_what_is_looked_for(name: str) -> None:
    typed = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert read(f"{typed} --pool staff") == Options(target=name, pool="staff")


@given(NAMES.filter(lambda name: not re.match(r"(fileb?|https?)://", name, re.IGNORECASE)))
def test_what_was_typed_as_user_name_is_what_is_signed_out_however_it_was_spelled(name: str) -> None:
    document = json.dumps({"UserPoolId": POOL, "Username": name}, ensure_ascii=False)
    for typed in (
        f"{LINE} --user-pool-id {POOL} --username={shlex.quote(name)}",
        f"--cli-input-json {shlex.quote(document)}",
        f"--cli-input-yaml {shlex.quote(document)}",
    ):
        delivered = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert read(delivered) == exactly(name)


def test_a_text_that_looks_like_very_many_mentions_is_read_in_time_with_its_length() -> None:
    with pytest.raises(UsageError):
        read("<@" * 500_000)
