"""What is asked of a reason: whether there must be one, and what it must contain."""

import re

import pytest

from bot.errors import UsageError
from bot.options import ReasonRule

TICKET = re.compile(r"[A-Z]+-\d+")


@pytest.mark.parametrize("reason", [None, "", "lost phone", "SUP-1"])
def test_without_a_rule_every_reason_will_do_and_none_as_well(reason: str | None) -> None:
    ReasonRule().check(reason)


@pytest.mark.parametrize(
    ("pattern", "hint"), [(None, r"TEXT\."), (TICKET, r"TEXT with what \[A-Z\]\+-\\d\+ matches\.")]
)
@pytest.mark.parametrize("reason", [None, ""])
def test_a_required_reason_is_asked_for_with_what_it_must_contain(
    reason: str | None, pattern: re.Pattern[str] | None, hint: str
) -> None:
    with pytest.raises(UsageError, match=f"A reason is needed: add --reason {hint}"):
        ReasonRule(required=True, pattern=pattern).check(reason)


def test_a_reason_must_contain_what_the_pattern_matches_anywhere_in_it() -> None:
    rule = ReasonRule(pattern=TICKET)
    rule.check("see SUP-1, please")
    with pytest.raises(UsageError, match="must contain what"):
        rule.check("lost phone")


def test_where_none_is_required_no_reason_will_do_though_there_is_a_pattern() -> None:
    ReasonRule(pattern=TICKET).check(None)


def test_tickets_are_where_the_pattern_matches_something() -> None:
    assert ReasonRule(pattern=TICKET).tickets("SUP-1 and SUP-22") == [(0, 5), (10, 16)]
    assert ReasonRule(pattern=re.compile("x*")).tickets("abc") == []
    assert ReasonRule().tickets("SUP-1") == []
