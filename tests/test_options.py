"""The grammar of `/signout`."""

import pytest

from bot.errors import UsageError
from bot.options import Help, SignOutOptions, parse


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ada", SignOutOptions(target="ada")),
        ("  ada  ", SignOutOptions(target="ada")),
        ("ada --pool staff", SignOutOptions(target="ada", pool="staff")),
        ("--pool staff ada", SignOutOptions(target="ada", pool="staff")),
        ("--pool=staff ada", SignOutOptions(target="ada", pool="staff")),
        ("ada --reason lost phone", SignOutOptions(target="ada", reason="lost phone")),
        ("ada --reason lost phone --pool staff", SignOutOptions(target="ada", reason="lost phone", pool="staff")),
        ("ada --reason 'lost phone'", SignOutOptions(target="ada", reason="lost phone")),
        ('--reason "lost phone" ada', SignOutOptions(target="ada", reason="lost phone")),
        ("--reason \u201clost phone\u201d ada", SignOutOptions(target="ada", reason="lost phone")),
        ("ada --reason \u2018Ada\u2019s phone\u2019", SignOutOptions(target="ada", reason="Ada\u2019s phone")),
        ("ada --reason said 'help' twice", SignOutOptions(target="ada", reason="said 'help' twice")),
        ("ada \u2014pool staff", SignOutOptions(target="ada", pool="staff")),
        ("ada \u2013pool staff", SignOutOptions(target="ada", pool="staff")),
        ("ada \u2014reason x \u2014pool staff", SignOutOptions(target="ada", reason="x", pool="staff")),
        ("o'brien@example.com", SignOutOptions(target="o'brien@example.com")),
        ("a--b\u2014c", SignOutOptions(target="a--b\u2014c")),
        ("\u201cada\u201d", SignOutOptions(target="\u201cada\u201d")),
        ("-ada", SignOutOptions(target="-ada")),
        ("<mailto:ada@example.com|ada@example.com>", SignOutOptions(target="ada@example.com")),
        ("<mailto:ada@example.com>", SignOutOptions(target="ada@example.com")),
        ("<tel:+4915112345|+4915112345> --pool staff", SignOutOptions(target="+4915112345", pool="staff")),
        ("<http://ada.example|ada.example>", SignOutOptions(target="ada.example")),
        ("&lt;!channel&gt;*ops*", SignOutOptions(target="<!channel>*ops*")),
        ("a&amp;b", SignOutOptions(target="a&b")),
        ("a&amp;lt;b", SignOutOptions(target="a&lt;b")),
        ("&lt;mailto:ada|ada&gt;", SignOutOptions(target="<mailto:ada|ada>")),
        ("Google_123", SignOutOptions(target="Google_123")),
        ("x" * 128, SignOutOptions(target="x" * 128)),
    ],
)
def test_text_as_slack_delivers_it_is_read_as_it_was_typed(text: str, options: SignOutOptions) -> None:
    assert parse(text) == options


def test_help_is_a_word_alone() -> None:
    assert isinstance(parse("help"), Help)
    assert isinstance(parse(" HELP "), Help)
    assert parse("help --pool staff") == SignOutOptions(target="help", pool="staff")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "TARGET is missing"),
        ("--pool staff", "TARGET is missing"),
        ("ada grace", "More than one TARGET"),
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
        parse(text)
