"""What several folders know about Slack, AWS and how people write things."""

from datetime import timedelta

import pytest

from bot.facts.aws_names import ROLE, ROLE_OR_USER, account_of
from bot.facts.aws_session import AwsSession
from bot.facts.duration import in_words, read_duration, retry_after
from bot.facts.slack_words import SLACK_HOST


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0s", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("2 h", timedelta(hours=2)),
        ("36500d", timedelta(days=36500)),
        ("999999999d", timedelta.max.days * timedelta(days=1)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5w", "-5m", "1.5h", "5m ", " 5m", "5  m", "1h30m", "1000000000s", "5m\n"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    assert read_duration(text) is None


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=24), "1 day"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=12), "12 hours"),
    ],
)
def test_a_length_of_time_is_told_in_words(length: timedelta, said: str) -> None:
    assert in_words(length) == said


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("31536000", 300),
        ("99999999999999", 300),
        ("1e300", 300),
        ("inf", None),
        ("nan", None),
        ("-1", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_believed_up_to_five_minutes_and_where_it_is_a_number(
    header: str | None, seconds: float | None
) -> None:
    for name in ("Retry-After", "retry-after"):  # Slack writes it so, too
        headers = {} if header is None else {"Server": "Apache", name: header}
        assert retry_after(headers) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("host", ["slack.com", "hooks.slack.com", "slack-gov.com", "hooks.slack-gov.com"])
def test_slacks_hosts_are_known(host: str) -> None:
    assert SLACK_HOST.fullmatch(host)


@pytest.mark.parametrize("host", ["", "evilslack.com", "slack.com.evil.example", "slackxcom", "slack.co", ".slack.com"])
def test_no_other_host_is_taken_for_slacks(host: str) -> None:
    assert not SLACK_HOST.fullmatch(host)


def test_a_role_and_a_user_are_told_apart_and_both_have_an_account() -> None:
    role, user = "arn:aws:iam::123456789012:role/a/Support", "arn:aws-cn:iam::210987654321:user/sam"
    assert (account_of(role), account_of(user)) == ("123456789012", "210987654321")
    assert ROLE.fullmatch(role)
    assert ROLE_OR_USER.fullmatch(user)
    assert not ROLE.fullmatch(user)


@pytest.mark.parametrize(
    "text",
    [
        "U0123ABCDEF",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::12345678901:role/Support",
        "arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/Support",
        "arn:aws:sts::123456789012:assumed-role/Support/sam",
    ],
)
def test_anything_else_is_neither(text: str) -> None:
    assert not ROLE_OR_USER.fullmatch(text)


def test_the_region_is_botos_else_that_of_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert AwsSession().region == "eu-central-1"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert AwsSession().region == "eu-west-1"
    monkeypatch.delenv("AWS_REGION")
    assert AwsSession().region is None
