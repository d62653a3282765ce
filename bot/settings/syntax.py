"""How single settings are written. Each says what is wrong in a sentence that never quotes what was given."""

import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import re2  # type: ignore[import-untyped]  # it ships no types
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

from bot.action import ACTIONS
from bot.facts import aws_names
from bot.facts.duration import read_duration
from bot.facts.slack_words import LOOPBACK, SLACK_HOST
from bot.settings.environment import bare
from bot.settings.references import REFERENCE

LEAST_PER_SECOND, MOST_PER_SECOND = 0.5, 100
MOST_PER_HOUR = 1000  # a store keeps so many accounts in one item


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{sentence}", {"sentence": sentence})


def _matching(pattern: str | re.Pattern[str], sentence: str) -> AfterValidator:
    def check(value: Any) -> Any:
        if not re.fullmatch(pattern, value.get_secret_value() if isinstance(value, SecretStr) else value):
            raise _wrong(sentence)
        return value

    return AfterValidator(check)


def _secret(pattern: str, sentence: str) -> AfterValidator:
    """Take the secret itself, or a reference that was left as it is."""
    return _matching(f"{pattern}|{REFERENCE}", sentence)


_ASCII = _secret(r"[!-~]*", "has a letter or an invisible character in it that no token has. Copy it again.")


def duration(shortest: str, longest: str) -> BeforeValidator:
    """Take a number and a unit, such as 30s, 5m, 1h or 1d, from `shortest` to `longest`."""
    low, high = (read_duration(each) or timedelta() for each in (shortest, longest))

    def check(value: Any) -> timedelta:
        length = read_duration(value) if isinstance(value, str) else value
        if not isinstance(length, timedelta):
            raise _wrong("must be a number and a unit, such as 30s, 5m, 1h or 1d.")
        if not low <= length <= high:
            raise _wrong(f"must be {shortest} to {longest}.")
        return length

    return BeforeValidator(check)


def _comma_separated(value: Any) -> Any:
    if isinstance(value, str):
        return [word for each in value.split(",") if (word := bare(each))]
    return [bare(each) if isinstance(each, str) else each for each in value] if isinstance(value, list) else value


def _actions(value: Any) -> Any:
    """Return the actions that are named, `always` being all of them and `never` none."""
    words = _comma_separated(value)
    if words in (["never"], ["always"]):
        return [*ACTIONS] if words == ["always"] else []
    if not isinstance(words, list) or not words or not ACTIONS.keys() >= {*map(str, words)}:
        raise _wrong(f"must be never, always, or a list of actions: {', '.join(ACTIONS)}.")
    return words


def _slack_address(value: str) -> str:
    if "://" not in value:
        raise _wrong("has no https:// at its start. Write the whole address, such as https://slack.com/api/.")
    url = urlsplit(value)
    host = url.hostname or ""
    slack = url.scheme == "https" and SLACK_HOST.fullmatch(host)
    if url.username or not (slack or (url.scheme in {"http", "https"} and host in LOOPBACK)):
        raise _wrong("must be an address of Slack's own (https://slack.com/api/) or of this machine (loopback).")
    return value if value.endswith("/") else f"{value}/"


def _pattern(value: Any) -> Any:
    try:
        return re2.compile(value)
    except (re2.error, TypeError):
        raise _wrong("must be a regular expression as RE2 takes it (no look-around, no back-references).") from None


def _ticket_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in {"https", "http"} or not url.hostname or value.count("{}") != 1 or "{}" in url.netloc:
        raise _wrong("must be an address with {} where the ticket number goes, such as https://tickets.example.com/{}.")
    return value


def one_name_each(pools: dict[str, Any]) -> dict[str, Any]:
    """Take pools with one name each: a second one would have its own allowlist. Replicas differ in their region."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, pool in pools.items():
        names.setdefault((pool.id, pool.region), []).append(name)
    if same := "; ".join(" and ".join(each) for each in names.values() if len(each) > 1):
        raise _wrong(f"have one id under two names: {same}. Keep one of them (SIGNOUT_POOL_ID is called default).")
    return pools


def _per_hour(value: Any) -> Any:
    number = re.fullmatch(r"([1-9][0-9]{0,3})\s*/\s*h", value) if isinstance(value, str) else None
    if number and int(number[1]) <= MOST_PER_HOUR:
        return int(number[1])
    raise _wrong("must be a number of accounts an hour from 1/h to 1000/h, such as 10/h.")


def _per_second(value: Any) -> Any:
    number = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9])?)\s*/\s*s", value) if isinstance(value, str) else None
    if number and LEAST_PER_SECOND <= float(number[1]) <= MOST_PER_SECOND:
        return float(number[1])
    raise _wrong("must be a number of accounts a second from 0.5/s to 100/s, such as 12/s.")


def _number_of_accounts(value: Any) -> Any:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if re.fullmatch(r"[0-9]{1,7}", text):
        return int(text)
    raise _wrong("must be a number of accounts, such as 50.")


_User = Annotated[
    str,
    _matching(
        r"[UW][A-Z0-9]{7,14}", "must be Slack user ids such as U0123ABCDEF (profile > Copy member ID), not names."
    ),
]
_Group = Annotated[str, _matching(r"S[A-Z0-9]{7,14}", "must be Slack user group ids such as S0123ABCDEF, not handles.")]
UserIds = Annotated[frozenset[_User], BeforeValidator(_comma_separated)]
GroupIds = Annotated[frozenset[_Group], BeforeValidator(_comma_separated)]
# A role's path is dropped: its name is unique, and STS does not tell the path of an assumed role.
_CallerArn = Annotated[
    str,
    _matching(
        aws_names.ROLE_OR_USER, "must be ARNs of IAM roles or users such as arn:aws:iam::123456789012:role/Support."
    ),
    AfterValidator(lambda arn: re.sub(r":role/.*/", ":role/", arn)),
]
RoleArn = Annotated[
    str, _matching(aws_names.ROLE, "must be the ARN of an IAM role such as arn:aws:iam::123456789012:role/SignOut.")
]
Names = Annotated[frozenset[str], BeforeValidator(_comma_separated)]
ActionNames = Annotated[frozenset[str], BeforeValidator(_actions)]
PerHour = Annotated[int, BeforeValidator(_per_hour)]
PerSecond = Annotated[float, BeforeValidator(_per_second)]
NumberOfAccounts = Annotated[int, BeforeValidator(_number_of_accounts)]
CallerArns = Annotated[frozenset[_CallerArn], BeforeValidator(_comma_separated)]
ChannelId = Annotated[
    str,
    _matching(
        r"[CG][A-Z0-9]{7,14}", "must be a channel id such as C0123ABCDEF (channel details, at the end), not a name."
    ),
]
_NOT_ROTATING = _matching(
    r"(?!xoxe[.-])(?s:.*)",
    "is of a Slack app with token rotation: it ends after 12 hours, and the bot cannot renew it. Make a new app from "
    "manifest.yml, which leaves token rotation off, and use the bot token of that app: it starts with xoxb-.",
)
BotToken = Annotated[
    SecretStr,
    _NOT_ROTATING,
    _secret(r"xoxb-\S+", "must be a bot token: it starts with xoxb- (OAuth & Permissions > Bot User OAuth Token)."),
    _ASCII,
]
AppToken = Annotated[
    SecretStr,
    _secret(r"xapp-\S+", "must be an app-level token: it starts with xapp- (Basic Information > App-Level Tokens)."),
    _ASCII,
]
SigningSecret = Annotated[
    SecretStr,
    _secret(
        r"[0-9A-Za-z]{20,}",
        "must be your Slack app's signing secret (Basic Information > App Credentials), not a token.",
    ),
]
SlackAddress = Annotated[str, AfterValidator(_slack_address)]
PoolName = Annotated[str, _matching(r"[a-z0-9][a-z0-9-]{0,30}", "is not a pool name: use a-z, 0-9 and - (at most 31).")]
PoolId = Annotated[
    str,
    _matching(
        rf"(?=.{{1,55}}$)(?:{aws_names.REGION})_[0-9A-Za-z]+",
        "must be a user pool id such as eu-central-1_AbCdEf123 (Cognito console > User pools).",
    ),
]
Region = Annotated[str, _matching(aws_names.REGION, "must be an AWS region such as eu-central-1.")]
CountryCode = Annotated[str, _matching(r"[A-Z]{2}", "must be a country of two letters, such as DE.")]
ReasonPattern = Annotated[Any, BeforeValidator(_pattern)]
TicketUrl = Annotated[str, AfterValidator(_ticket_url)]
StoreAddress = Annotated[
    str,
    _matching(
        r"sqlite:///.+|dynamodb://[\w.-]{3,255}",
        "must be sqlite:///relative/path.db, sqlite:////absolute/path.db or dynamodb://TABLE.",
    ),
]
