"""Lines of the AWS CLI as people paste them into Slack, and the exact answer to each."""

import pytest

from bot.aws.spelling import AwsSpelling
from bot.errors import UsageError
from bot.facts.aws_cli import AWS_USAGE, Help
from bot.request import Options
from bot.slack.typed import Parsed, parse

POOL = "eu-central-1_AbCdEf123"
COMMAND = "cognito-idp admin-user-global-sign-out"
BOTH = f"--user-pool-id {POOL} --username ada"
LINE = f"aws {COMMAND} {BOTH}"
SPELLING = AwsSpelling().read


def read(text: str) -> Parsed:
    return parse(text, SPELLING)


def told(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.usage == AWS_USAGE
    return caught.value.sentence


def ada(*dropped: str, region: str | None = None) -> Options:
    return Options(target="ada", pool_id=POOL, exactly=True, region=region, dropped=dropped)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        # options before the service, between the names and after them
        (f"aws --region eu-central-1 {COMMAND} {BOTH}", ada(region="eu-central-1")),
        (f"aws --output json --region=eu-central-1 {COMMAND} {BOTH}", ada("--output", region="eu-central-1")),
        (f"aws --debug cognito-idp --output text admin-user-global-sign-out {BOTH}", ada("--debug", "--output")),
        (f"{LINE} --output json --no-cli-pager", ada("--output", "--no-cli-pager")),
        (f"{LINE} --query 'a | b' --no-paginate", ada("--query", "--no-paginate")),
        (f"{LINE} --color off --cli-read-timeout 0 --cli-connect-timeout=5", None),
        (f"{LINE} --cli-binary-format raw-in-base64-out --no-cli-auto-prompt", None),
        # the environment
        (f"AWS_REGION=eu-central-1 {LINE}", ada(region="eu-central-1")),
        (f"AWS_DEFAULT_REGION=eu-central-1 AWS_REGION=eu-west-1 {LINE}", ada(region="eu-west-1")),
        (f"AWS_REGION=eu-west-1 {LINE} --region eu-central-1", ada(region="eu-central-1")),
        (f"env AWS_REGION='eu-central-1' {LINE}", ada(region="eu-central-1")),
        (f"export AWS_REGION=eu-central-1 && {LINE}", ada(region="eu-central-1")),
        (f"set AWS_REGION=eu-central-1 && {LINE}", ada(region="eu-central-1")),
        (f'$env:AWS_REGION = "eu-central-1"; {LINE}', ada(region="eu-central-1")),
        (f'$Env:AWS_REGION = "eu-central-1"; {LINE}', ada(region="eu-central-1")),
        (f"--reason admin-user-global-sign-out {BOTH}", None),
        (f'AWS_PAGER="" {LINE}', ada("AWS_PAGER")),
        (f"sudo {LINE}", ada("sudo")),
        (f"time {LINE}", ada("time")),
        # prompts
        *(
            (f"{prompt}{LINE}", ada())
            for prompt in (
                *(
                    "$ ",
                    "% ",
                    "&gt; ",
                    "# ",
                    "PS C:\\&gt; ",
                    "PS C:\\Users\\Ada L&gt; ",
                    "PS /home/ada&gt; ",
                    "C:\\&gt;",
                ),
                *("user@host:~$ ", "[user@host dir]$ ", "ada@mac ~ % ", "~/aws $ ", "sh-4.2$ ", "(venv) $ ", "  501  "),
                *("\u276f ", "\u279c  ~ git:(main) \u2717 ", "[12:00:01] root@host:/# ", "\u2026$ "),
            )
        ),
        (f"(venv) ada@host:~$ AWS_REGION=eu-central-1 {LINE} | cat", ada("| …", region="eu-central-1")),
        # lines that go on in the next
        *(
            (f"aws {COMMAND} {sign}--user-pool-id {POOL} {sign}--username ada", ada())
            for sign in (
                *("\\\n    ", "\\\r\n", "\\ \n", "^\n  ", "^\r\n", "`\n  ", "`\r\n&gt;&gt; ", "\\\n&gt; ", "^\nMore? "),
                *("\\ ", "^ ", "` ", "\\ &gt; ", "\n", "\u00a0"),
            )
        ),
        (f"{LINE} \\", ada()),
        (f"user@host:~$ {LINE}\nuser@host:~$ ", ada()),
        (f"{LINE} | cat\n[user@host dir]$", ada("| …")),
        *(
            (f"{LINE}\n{prompt}", ada())
            for prompt in ("$", "PS C:\\Users\\Ada L&gt; ", "C:\\Program Files&gt;", "sh-4.2$ ")
        ),
        (f"ada@mac ~ % {LINE}\nada@mac ~ % ", ada()),
        # a last line that may be more than a prompt
        (f"{LINE}\nand bob too $", ada("the last line")),
        (f"{LINE}\nbob@example.com &gt; ", ada("the last line")),
        (f"sudo {LINE} | cat\nada@mac ~ %", ada("sudo", "the last line", "| …")),
        (f"/signout {BOTH}", ada()),
        # what a chat puts around it
        (f"```{LINE}```", ada()),
        (f"```\n{LINE}\n```", ada()),
        (f"```bash\n$ {LINE}\n```", ada()),
        (f"```powershell aws {COMMAND} `\n  {BOTH}```", ada()),
        (f"`{LINE}`", ada()),
        (f"`{BOTH}`", ada()),
        # what a shell reads after it
        (f"{LINE} | cat", ada("| …")),
        (f"{LINE} | jq -r '.a && .b'", ada("| …")),
        (f"{LINE} &gt; out.json", ada("> …")),
        (f"{LINE} 2&gt;&amp;1 | tee log", ada("> …", "| …")),
        (f"{LINE} &gt;/dev/null 2&gt;&amp;1 &amp;", ada("> …")),
        (f"{LINE} --output json &amp;&gt; log", ada("--output", "> …")),
        (f"{LINE} # Ada's phone", ada("# …")),
        (f"{LINE};", ada()),
        (f"aws {COMMAND} --user-pool-id {POOL} --username 'ada';", ada()),
        (f"{BOTH} | cat", ada("| …")),
        # other names of the program
        *(
            (f"{program} {COMMAND} {BOTH}", ada())
            for program in (
                *("aws2", "aws.exe", "Aws", "/usr/local/bin/aws", "~/bin/aws", "C:\\aws\\aws.exe"),
                *('"C:\\Program Files\\Amazon\\AWSCLIV2\\aws.exe"', "&amp; 'C:\\Program Files\\AWSCLIV2\\aws.exe'", ""),
            )
        ),
        (f"admin-user-global-sign-out {BOTH}", ada()),
        # a value that looks like an option
        (f"--user-pool-id {POOL} --username=--pool", Options(target="--pool", pool_id=POOL, exactly=True)),
        (f"aws {COMMAND} --username=--user-pool-id --user-pool-id={POOL}", None),
        # in single quotes a shell does not take it for a variable
        (f"aws {COMMAND} --user-pool-id {POOL} --username '$ada'", None),
    ],
)
def test_a_pasted_line_means_the_same_as_without_what_is_around_it(text: str, options: Options | None) -> None:
    meant = read(text)
    assert isinstance(meant, Options)
    if options:
        assert meant == options


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        *(
            (
                text,
                f"{name} is not taken. The bot asks with its own AWS credentials, and no one can choose others here.",
            )
            for text, name in (
                (f"aws --profile prod {COMMAND} {BOTH}", "--profile"),
                (f"aws --region eu-central-1 --profile prod {COMMAND} {BOTH}", "--profile"),
                (f"{LINE} --profile=prod", "--profile"),
                (f"{BOTH} --profile prod", "--profile"),
                (f"{LINE} --no-sign-request", "--no-sign-request"),
            )
        ),
        *(
            (text, f"{name} is not taken. The bot asks the Cognito that it was set up for, and no other.")
            for text, name in (
                (f"aws --endpoint-url http://localhost:9229 {COMMAND} {BOTH}", "--endpoint-url"),
                (f"{LINE} --endpoint-url &lt;http://localhost:9229&gt;", "--endpoint-url"),
            )
        ),
        *(
            (text, f"{name} is not taken. The bot always checks AWS's certificate, in the way that it was set up for.")
            for text, name in (
                (f"{LINE} --no-verify-ssl", "--no-verify-ssl"),
                (f"{LINE} --ca-bundle ca.pem", "--ca-bundle"),
            )
        ),
        (f"aws --version {COMMAND} {BOTH}", "--version is not taken. It would only show the version of the AWS CLI."),
    ],
)
def test_what_changes_who_asks_or_whom_is_refused_by_its_name(text: str, sentence: str) -> None:
    assert told(text) == f"{sentence} Leave it out."


VARIABLE = "before `aws` is not taken: it may change who asks, or what is asked. Leave it out."
BEFORE = "What is before `aws` is not taken: it may change who asks, or what is asked. Paste the line from `aws` on."
OTHER = "Of the AWS CLI's commands, only `aws cognito-idp admin-user-global-sign-out` can be given here."
BOTH_WAYS = "Use either TARGET and --pool, or --username and --user-pool-id, but not both."
STRAY = (
    "The line has words that belong to no option. Put quotes around a value with blanks in it, and a blank before a "
    "sign such as `|`."
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"HTTPS_PROXY=http://hidden@proxy {LINE}", f"HTTPS_PROXY {VARIABLE}"),
        *(
            (text, f"{name} {VARIABLE}")
            for text, name in (
                (f"AWS_PROFILE=x {LINE}", "AWS_PROFILE"),
                (f"AWS_PROFILE='my profile' {LINE}", "AWS_PROFILE"),
                (f"$ AWS_REGION=eu-central-1 AWS_PROFILE=x {LINE}", "AWS_PROFILE"),
                (f"env AWS_PROFILE=x {LINE}", "AWS_PROFILE"),
                (f"export AWS_PROFILE=x; {LINE}", "AWS_PROFILE"),
                (f"AWS_ACCESS_KEY_ID=AKIA0 AWS_SECRET_ACCESS_KEY=hidden {LINE}", "AWS_ACCESS_KEY_ID"),
                (f"AWS_SESSION_TOKEN=hidden {LINE}", "AWS_SESSION_TOKEN"),
                (f"AWS_ENDPOINT_URL=http://x {LINE}", "AWS_ENDPOINT_URL"),
                (f"AWS_ENDPOINT_URL_STS=http://x {LINE}", "AWS_ENDPOINT_URL_STS"),
                (f"AWS_CA_BUNDLE=ca.pem {LINE}", "AWS_CA_BUNDLE"),
            )
        ),
        (f"AWS_USE_DUALSTACK_ENDPOINT=hidden {LINE}", f"AWS_USE_DUALSTACK_ENDPOINT {VARIABLE}"),
        (f"hidden=x {LINE}", f"A variable {VARIABLE}"),
        (f"AWS_HIDDEN9=x {LINE}", f"A variable {VARIABLE}"),
        (f"aws-vault exec hidden -- {LINE}", BEFORE),
        (f"ssh hidden {LINE}", BEFORE),
        (f"sudo -u hidden {LINE}", BEFORE),
        (f"cd hidden &amp;&amp; {LINE}", BEFORE),
        (f"for u in a b; do {LINE}; done", BEFORE),
        (f"yes | {LINE}", BEFORE),
        *(
            (text, f"With `{sign}` it is more than one command. Paste only the line that begins with `aws`.")
            for sign, text in (
                ("&&", f"{LINE} &amp;&amp; echo hidden"),
                ("&&", f"{LINE} | jq . &amp;&amp; rm hidden"),
                ("||", f"{LINE} || true"),
                (";", f"{LINE}; echo hidden"),
                (";", f"{LINE} ; {LINE}"),
                (";", f"aws {COMMAND} --user-pool-id {POOL} --username 'ada'; ls"),
                ("&", f"{LINE} &amp; echo hidden"),
            )
        ),
        *(
            (text, "What is around the AWS CLI's line is not taken. Paste the line from `aws` on.")
            for text in (
                f"hidden, run `{LINE}` for me",
                f"please run: `{LINE}`",
                f"\u201c{LINE}\u201d",
                f"!{LINE}",
                f"$({LINE})",
                f"ran:{LINE}",
                f"docker run amazon/aws-cli {COMMAND} {BOTH}",
                f"docker run --rm -e AWS_PROFILE=hidden amazon/aws-cli {COMMAND} {BOTH}",
                f"hidden --bogus {COMMAND} {BOTH}",
            )
        ),
        (f"--reason admin-user-global-sign-out {BOTH} --pool staff", BOTH_WAYS),
        (f"ada {BOTH} --reason admin-user-global-sign-out", BOTH_WAYS),
        (f"{LINE} grace", STRAY),
        (f"{LINE} {LINE}", "--user-pool-id is given twice."),
        (f"{LINE} &gt; out.json hidden", STRAY),
        (f"{LINE}|jq .", STRAY),
        ("aws s3 ls", OTHER),
        ("aws sso login --profile hidden", OTHER),
        ("aws cognito-idp admin-get-user --username ada", OTHER),
        ("$ aws --region eu-central-1 cognito-idp global-sign-out --access-token hidden", OTHER),
        (f"awslocal {COMMAND} {BOTH}", OTHER),
        (f"{LINE} --bogus", "There is no option --bogus."),
        (f"--bogus {BOTH}", "There is no option --bogus."),
        (f"aws {COMMAND} --username | cat", "--username needs a value."),
        *(
            (
                f"aws {COMMAND} {option} {value}",
                f"{option} has a shell's variable in it, and there is no shell here. Write its value.",
            )
            for option, value in (
                ("--user-pool-id", "$POOL_ID"),
                ("--user-pool-id", "${HIDDEN}"),
                ("--username", '"$HIDDEN"'),
                ("--username", "$(cat hidden)"),
                ("--region", "$env:AWS_REGION"),
            )
        ),
        (
            f"aws {COMMAND} --username &lt;@U0123ABCDEF|ada&gt;".replace("&lt;", "<").replace("&gt;", ">"),
            "That names a person or channel in Slack. Write the user's name in Cognito.",
        ),
    ],
)
def test_what_is_not_one_line_of_this_command_gets_a_sentence_that_names_what_is_wrong(
    text: str, sentence: str
) -> None:
    assert told(text) == sentence
    assert "hidden" not in sentence.lower()


@pytest.mark.parametrize(
    "text",
    [
        f"aws {COMMAND} help",
        "aws cognito-idp help",
        "aws help",
        f"$ aws {COMMAND} help",
        f"{LINE} --help",
        f"`aws {COMMAND} help`",
    ],
)
def test_the_help_of_the_aws_cli_is_the_help(text: str) -> None:
    assert read(text) == Help()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("aws", Options(target="aws")),
        ("aws --pool staff", Options(target="aws", pool="staff")),
        ("aws --region eu-central-1", Options(target="aws", region="eu-central-1")),
        (
            "aws --reason pasted cognito-idp admin-user-global-sign-out",
            Options(target="aws", reason=f"pasted {COMMAND}"),
        ),
        (f"ada --reason ran $ aws {COMMAND}", Options(target="ada", reason=f"ran $ aws {COMMAND}")),
        ("`ada`", Options(target="`ada`")),
        ("admin-user-global-sign-out", Options(target="admin-user-global-sign-out")),
        ("$ada", Options(target="$ada")),
        ("|ada", Options(target="|ada")),
        ("ada;", Options(target="ada;")),
        (f"--user-pool-id {POOL} --username ada;", Options(target="ada;", pool_id=POOL, exactly=True)),
        (f"--user-pool-id {POOL} --username $ada", Options(target="$ada", pool_id=POOL, exactly=True)),
        (f"aws {COMMAND} --user-pool-id {POOL} --username a|b", Options(target="a|b", pool_id=POOL, exactly=True)),
    ],
)
def test_what_is_no_line_of_a_shell_is_taken_as_typed(text: str, options: Options) -> None:
    assert read(text) == options
