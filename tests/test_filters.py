"""No text can widen a filter: Cognito is only asked for the value that was typed, of one attribute."""

import re
from contextlib import suppress
from typing import Any

import pytest
import re2  # type: ignore[import-untyped]  # it ships no types
from botocore.exceptions import ClientError
from examples import asked
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.aws.phone_numbers import e164
from bot.aws.user_pool import CognitoUserPool
from bot.edge.lanes import together
from bot.errors import AccountNotFoundError, UsageError
from bot.find import MAX_MORE_LOOKS, Finder
from bot.options import ReasonRule, check_target
from bot.spellings import other_spellings

FILTER = re.compile(r'(?P<attribute>username|preferred_username|email|phone_number|sub) = "(?P<value>[^"\\\s]+)"')
AS_TYPED = 4  # look-ups at most: a user name, an email in two spellings or another attribute, a preferred_username
YES = {"HTTPStatusCode": 200, "RequestId": "stand-in"}


class Nobody:
    """A stand-in for boto3's client (and for what keeps them): a pool without users that remembers its filters."""

    def __init__(self) -> None:
        self.filters: list[str] = []

    def of(self, *_: str) -> "Nobody":
        return self

    def forget(self, _: str) -> None:
        """Keep it."""

    def list_users(self, **parameters: Any) -> dict[str, Any]:
        self.filters.append(parameters["Filter"])
        return {"Users": [], "ResponseMetadata": YES}

    def admin_get_user(self, **_: Any) -> None:
        error: Any = {"Error": {"Code": "UserNotFoundException"}, "ResponseMetadata": {**YES, "HTTPStatusCode": 400}}
        raise ClientError(error, "AdminGetUser")


def finder(client: Nobody) -> Finder:
    pool = CognitoUserPool("customers", "eu-central-1_a", "eu-central-1", client)  # type: ignore[arg-type]
    return Finder(pools={"customers": pool}, e164=lambda text, _: e164(text, "DE"), together=together)


@settings(max_examples=1000)
@given(st.text(max_size=140) | st.text('"\\ =^*()@+0123456789abc-', max_size=60))
def test_every_filter_asks_for_one_value_that_was_typed_or_is_another_spelling_of_it(text: str) -> None:
    client = Nobody()
    with suppress(UsageError, AccountNotFoundError):
        finder(client).find(asked(check_target(text)), ["customers"])
    typed = " ".join(text.split())
    spelled = {each.lower() for each in (typed, *other_spellings(typed))}
    assert len(client.filters) <= AS_TYPED + MAX_MORE_LOOKS
    for each in client.filters:
        match = FILTER.fullmatch(each)
        assert match
        digits = "".join(filter(str.isdecimal, typed))
        if match["attribute"] == "phone_number":
            assert re.fullmatch(r"\+[1-9]\d+", match["value"])
            assert match["value"][-4:] in digits.translate({ord(d): str(int(d)) for d in digits})
        else:
            assert match["value"].lower() in spelled


@pytest.mark.parametrize("hidden", ["\x00", "\x7f", "\x85", "\xad", "\u200b", "\u202e", "\ue000", "\U000e0041"])
def test_no_filter_has_a_hidden_character_in_it(hidden: str) -> None:
    """The user name of an AWS CLI command gets here without `check_target`."""
    client = Nobody()
    for target in (f"ada{hidden}", f"{hidden}ada@example.com", f"*ada{hidden}*"):
        with pytest.raises(AccountNotFoundError):
            finder(client).find(asked(target, exactly=True), ["customers"])
    assert [each for each in client.filters if hidden in each] == []


def test_a_pattern_that_would_try_for_ever_elsewhere_is_matched_in_time_with_the_text() -> None:

    rule = ReasonRule(pattern=re2.compile(r"(a+)+b"))
    assert rule.tickets("a" * 500) == []  # a backtracking engine would try 2**500 ways
