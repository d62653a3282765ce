"""`/signout history`: who sees what of what was asked before, and how it reads."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from examples import (
    ADA,
    KIM,
    NOON,
    SAM,
    ScriptedPool,
    StoppedClock,
    added_to,
    approving_in,
    asked,
    choosing,
    confirmations,
    done_in,
)
from lists import Setting, people
from messages import SHOWN
from test_approve import listed

from bot.account import Account
from bot.action import Done, Unclear
from bot.audit import Entry, Kind, entry_of, entry_of_ask
from bot.authorize import Allowed, Allowlist
from bot.errors import DeniedError, PoolUnavailableError
from bot.history import MOST, Past, may_look, past
from bot.request import Approval, Operator, State, new_id
from bot.sandbox.limits import refusal
from bot.slack.history import history_message
from bot.wiring.stores import Store

POOLS = Allowlist(listed(SAM), {"customers": Allowed(), "staff": listed(KIM)})
IN_STAFF = replace(ADA, pool="staff", pool_id="eu-central-1_staff", sub="9")
HOSTILE = "<!channel> *b* `c` :wave: \u202e\x07 & <https://x.example|y>"


def look(
    store: Store, target: str = "ada", operator: Operator = SAM, accounts: Sequence[Account] = (ADA,), **named: Any
) -> Past:
    rules = confirmations(store, StoppedClock(), ScriptedPool([], StoppedClock(), accounts=accounts), allowlist=POOLS)
    ask = asked(target, operator=operator, **named)
    return past(rules, may_look(rules, ask), ask)


def refused(store: Store, target: str = "ada", at: datetime = NOON, **changes: Any) -> Entry:
    account, values = changes.pop("account", None), {"id": new_id(at)} | changes
    entry = entry_of_ask(Kind.REFUSED, asked(target, **values), "not allowed", at, account)
    store.record(entry)
    return entry


def kinds(found: Past) -> list[str]:
    return [str(each.kind) for each in found.entries]


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_an_account_is_found_by_any_of_its_names_with_all_that_was_asked_for_it_newest_first(store: Store) -> None:
    done_in(store, NOON)
    refused(store, "ada@example.com", later(1), account=ADA)
    refused(store, "someone else", later(2))
    for target in ("ada", "ada@example.com", str(ADA.sub)):
        found = look(store, target)
        assert (kinds(found), found.accounts, found.more) == (["refused", "signed_out"], [ADA], False)


def test_only_outcomes_are_told_and_no_step_on_the_way(store: Store) -> None:
    added_to(store)
    approving_in(store)
    assert look(store).entries == []


@pytest.mark.parametrize("typed", ["ada@example.com", "ADA@Example.com"])
def test_an_account_that_is_gone_is_found_by_what_was_typed_for_it_with_what_was_typed_otherwise(
    store: Store, typed: str
) -> None:
    done_in(store, NOON, ask=asked("ada@example.com", id=new_id(NOON)))
    done_in(store, later(1), ask=asked(str(ADA.sub), id=new_id(later(1))))
    found = look(store, typed, accounts=())
    assert (kinds(found), found.accounts, found.unsure) == (["signed_out"] * 2, (), None)


def test_where_cognito_does_not_say_whom_a_target_means_what_was_typed_is_told(store: Store) -> None:
    done_in(store, NOON)
    silent = ScriptedPool([], StoppedClock(), accounts=(), registered=[PoolUnavailableError("Cognito is silent.")])
    rules = confirmations(store, StoppedClock(), silent)
    found = past(rules, may_look(rules, asked()), asked())
    assert kinds(found) == ["signed_out"]
    assert "Cognito is silent. So this shows" in history_message(SHOWN, found).text


def test_someone_with_the_name_of_another_who_is_gone_is_told_apart(store: Store) -> None:
    done_in(store, NOON, ask=asked("ada@example.com", id=new_id(NOON)))
    assert look(store, "ada", accounts=(replace(ADA, sub="another"),)).entries == []


def test_without_a_target_the_operator_is_told_their_own(store: Store) -> None:
    done_in(store, NOON)
    refused(store, "grace", later(1))
    refused(store, "grace", later(2), operator=KIM)
    assert [each.ask.options.target for each in look(store, "").entries] == ["grace", "ada"]
    assert [each.ask.operator for each in look(store, "", KIM).entries] == [KIM]


def test_outcomes_in_pools_that_the_operator_may_not_use_are_not_told(store: Store) -> None:
    done_in(store, NOON)
    done_in(store, later(1), ask=asked(operator=KIM, id=new_id(later(1))), chosen=IN_STAFF)
    refused(store, "ada", later(2), pool="customers")
    refused(store, "ada", later(3), pool="staff")
    refused(store, "ada", later(4))
    assert [each.at for each in look(store, operator=KIM, accounts=()).entries] == [later(4), later(3), later(1)]
    assert [each.at for each in look(store, accounts=(), pool="customers").entries] == [later(4), later(2), NOON]
    assert len(look(store, accounts=()).entries) == 5


def test_what_was_asked_without_a_pool_is_not_told_to_someone_who_may_use_only_another(store: Store) -> None:
    secret = asked(reason="the fraud case", id=new_id(NOON))
    store.record(entry_of_ask(Kind.NOT_FOUND, secret, "allow.users", NOON))
    one_of_two = choosing(ask=replace(secret, id=new_id(later(1))))
    store.add(one_of_two, entry_of(one_of_two, later(1)), None)
    given_up = one_of_two.move(State.CANCELLED, ended_at=later(1))
    store.move(one_of_two, given_up, entry_of(given_up, later(1)), None)
    store.record(entry_of_ask(Kind.NOT_FOUND, replace(secret, operator=KIM, id=new_id(later(2))), "x", later(2)))
    assert kinds(look(store, accounts=())) == ["not_found", "cancelled", "not_found"]
    assert [each.at for each in look(store, operator=KIM, accounts=()).entries] == [later(2)]


def test_who_may_not_is_refused_and_the_entry_says_that_only_the_history_was_asked_for(store: Store) -> None:
    with pytest.raises(DeniedError):
        look(store, operator=replace(SAM, id="U0OTHER001"))
    (entry,) = look(store).entries
    assert (entry.kind, entry.rule) == (Kind.REFUSED, "history: not allowed")


def test_who_may_leaves_no_entry(store: Store) -> None:
    look(store)
    assert list(store.entries(None, None)) == []


def test_the_last_twenty_are_told_and_that_there_are_more(store: Store) -> None:
    for minute in range(MOST + 1):
        refused(store, at=later(minute))
    found = look(store)
    assert (found.more, [each.at for each in found.entries]) == (True, [later(20 - each) for each in range(20)])
    drawn = history_message(SHOWN, found)
    assert "These are the last 20 that you may see. The bot's engineer can list all" in drawn.text
    assert len(drawn.blocks[-1]["rows"]) == 21


def test_many_refusals_in_one_are_found_by_each_target_that_they_name(store: Store) -> None:
    entry = replace(refused(store), id=new_id(later(1)), at=later(1), count=7, examples=("ada", "grace", "bob@x.org"))
    store.record(entry)
    refused(store, "bob@x.org", later(2))
    found = look(store, "BOB@x.org", accounts=())
    assert found.entries[1] == entry
    assert "Refused, 7 more times | such as ada, grace, b…@x.org" in history_message(SHOWN, found).text


def test_what_was_refused_without_a_target_is_for_no_one_named(store: Store) -> None:
    form = refused(store, "")
    often = replace(form, id=new_id(later(1)), count=7, examples=("", "ada"))
    said = history_message(SHOWN, of(often, replace(often, examples=("",)), form, target="")).text
    assert [row.split(" | ")[2] for row in said.split("\n")[-3:]] == ["such as ada", "no one named", "no one named"]


def of(*entries: Entry, target: str = "ada", **changes: Any) -> Past:
    values: dict[str, Any] = {"accounts": [ADA], "matches": 1, "more": False, "pools": ["customers"]}
    return Past(ask=asked(target), entries=entries, **(values | changes))


def test_a_row_says_who_when_why_and_what_came_of_it(store: Store) -> None:
    done = done_in(store, NOON)
    approval = Approval(
        asked_at=NOON, channel_id="C0APPROVE1", approver=KIM, rule="approve.users", at=NOON, reason="she is on leave"
    )
    ended = replace(done, state=State.DENIED, approval=approval)
    failed = replace(done, state=State.FAILED, done=(), error_code="TimedOut")
    text = history_message(SHOWN, of(entry_of(ended, NOON), entry_of(failed, NOON), entry_of(done, NOON))).text
    assert text.split("\n")[-4:] == [
        "When | What came of it | Asked by | Why",
        "2026-11-22 12:00:00 UTC | Denied | U0SAM00001 | lost phone · denied by U0KIM00001: she is on leave",
        "2026-11-22 12:00:00 UTC | Not signed out | U0SAM00001 | lost phone · TimedOut",
        "2026-11-22 12:00:00 UTC | Signed out | U0SAM00001 | lost phone",
    ]
    assert "All for" not in text
    gone = history_message(SHOWN, of(entry_of(done, NOON), accounts=[])).text
    assert "All for  ada (customers)" in gone


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED])
def test_what_was_given_up_says_what_had_been_asked_for(store: Store, state: State) -> None:
    request = replace(added_to(store, ask=asked(action="keep_out", id=new_id(NOON))), state=state)
    said = history_message(SHOWN, of(entry_of(request, NOON))).text
    assert f"| {str(state).capitalize()}: keep out |" in said


def test_personal_data_is_masked_in_every_cell_where_the_settings_say_so(store: Store) -> None:
    account = replace(ADA, username="ada@example.com")
    reason = "ada@example.com called from +49 170 1234567"
    entry = refused(store, "ada@example.com", reason=reason, account=account)
    found = of(entry, replace(entry, account=None), target="ada@example.com", accounts=[account])
    assert "ada@example.com" not in str(history_message(SHOWN, found))
    assert "1234567" not in str(history_message(SHOWN, found))
    assert "ada@example.com" in str(history_message(replace(SHOWN, pii="full"), found))


def test_hostile_text_is_only_text_in_every_cell(store: Store) -> None:
    who = Operator(team_id="T", id="arn:aws:iam::1:user/<!here>", name=HOSTILE)
    entry = refused(store, HOSTILE, operator=who, reason=HOSTILE)
    entry = replace(entry, rule=HOSTILE)
    named = replace(entry, account=replace(ADA, username=HOSTILE, pool="p"))
    drawn = history_message(replace(SHOWN, pii="full"), of(entry, named, target=HOSTILE))
    assert refusal({"text": drawn.text, "blocks": drawn.blocks}) is None
    assert "<!" not in drawn.text
    assert "\u202e" not in json.dumps(drawn.blocks, ensure_ascii=False)
    cells = [cell for row in drawn.blocks[-1]["rows"] for cell in row if cell["type"] == "raw_text"]
    assert {cell["text"] for cell in cells} == {"When", "What came of it", "For", "Asked by", "Why", "Refused"}


def test_a_history_of_the_longest_texts_shows_as_many_as_fit_and_says_so(store: Store) -> None:
    entry = refused(store, "a" * 128, reason='"' * 500)
    entry = replace(entry, rule="\u202e" * 300)
    drawn = history_message(replace(SHOWN, pii="full"), of(*[entry] * MOST, pools=["p" * 60] * 50, target="a" * 128))
    assert refusal({"text": drawn.text, "blocks": drawn.blocks}) is None
    count = len(drawn.blocks[-1]["rows"]) - 1
    assert 5 < count < MOST
    assert f"These are the last {count} that you may see." in drawn.text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (of(), "There is nothing of this that you may see."),
        (of(more=True), "You may see none of the last 20. The bot's engineer can list all"),
        (of(target=""), "What you asked for"),
        (of(accounts=[]), "No account is found for this now."),
        (of(accounts=[ADA] * 10, matches=12), "and 2 more, which are left out"),
    ],
)
def test_what_there_is_to_say_about_it(found: Past, said: str) -> None:
    drawn = history_message(SHOWN, found)
    assert said in drawn.text
    assert all(block["type"] != "table" for block in drawn.blocks)


def test_a_list_says_how_many_of_it_were_signed_out(store: Store) -> None:
    setting = Setting(store, people(3), answers=[Done("1"), Done("2"), Unclear("TimedOut")])
    listed = setting.confirmed(*(each.username for each in setting.accounts))
    setting.run()
    (entry,) = look(store, "").entries
    assert entry.ask.id == listed.id
    said = history_message(SHOWN, of(entry, target="")).text
    assert "All for  a list (customers)" in said
    assert said.endswith(" UTC | Signed out: 2 of 3, 1 not known | leaked")


def test_in_a_history_of_several_each_row_says_for_whom(store: Store) -> None:
    found = of(refused(store, account=ADA), refused(store, "grace"), target="")
    rows = history_message(SHOWN, found).text.split("\n")[-3:]
    assert [row.split(" | ")[1:] for row in rows] == [
        ["What came of it", "For", "Why"],
        ["Refused", "ada (customers)", "not allowed"],
        ["Refused", "grace", "not allowed"],
    ]
