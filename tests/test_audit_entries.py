"""Which entry each move writes, and what an entry holds."""

from dataclasses import replace

import pytest
from examples import ADA, NOON, SAM, asked, awaiting, choosing, listing

from bot import __version__
from bot.audit import OUTCOMES, POSTED, Entry, Kind, entry_of, entry_of_ask
from bot.request import Approval, State

KINDS = {
    State.PREVIEWING: "opened",
    State.CHOOSING: "opened",
    State.CONFIRMING: "opened",
    State.APPROVING: "confirmed",
    State.READY: "confirmed",
    State.RUNNING: "resumed",
    State.PAUSED: "paused",
    State.STOPPING: "stopped",
    State.DONE: "signed_out",
    State.PARTLY: "partly",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.CANCELLED: "cancelled",
    State.EXPIRED: "expired",
    State.DENIED: "denied",
}
POSTED_KINDS = {
    "signed_out",
    "kept_out",
    "let_in",
    "password_reset",
    "session_ended",
    "partly",
    "failed",
    "unknown",
    "denied",
    "refused",
}
ON_THE_WAY = {"opened", "confirmed", "approved", "resumed", "paused", "continued", "stopped", "limited"}


@pytest.mark.parametrize("state", State)
def test_each_state_that_a_request_arrives_in_has_its_word(state: State) -> None:
    assert entry_of(awaiting(state=state), NOON).kind == KINDS[state]


def test_a_decision_is_an_approval_where_a_second_person_made_it() -> None:
    approval = Approval(asked_at=NOON, channel_id="C0APPROVE1")
    kinds = {state.value: entry_of(awaiting(state=state, approval=approval), NOON).kind.value for state in KINDS}
    assert kinds == {state.value: kind for state, kind in KINDS.items()} | {"ready": "approved"}


def test_a_list_that_someone_lets_go_on_was_not_decided_on_again() -> None:
    approval = Approval(asked_at=NOON, channel_id="C0APPROVE1")
    for request in (listing(), listing(approval=approval)):
        assert entry_of(replace(request, state=State.READY, pressed_by=SAM), NOON).kind == "continued"


def test_the_channel_is_told_of_a_pause_that_no_one_pressed() -> None:
    paused = listing(state=State.PAUSED)
    assert entry_of(paused, NOON).delivery.next_at == NOON
    assert entry_of(replace(paused, pressed_by=SAM), NOON).delivery.next_at is None


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.UNKNOWN])
def test_of_the_accounts_of_a_list_the_channel_is_told_with_the_list(state: State) -> None:
    entry = entry_of(awaiting(state=state, list_id="01LIST"), NOON)
    assert (entry.delivery.next_at, entry.list_id, entry.kind) == (None, "01LIST", KINDS[state])
    of_list = entry_of(listing(state=state), NOON)
    assert (of_list.delivery.next_at, of_list.list_id) == (NOON, of_list.ask.id)
    assert entry_of(awaiting(state=state), NOON).list_id is None
    assert entry_of_ask(Kind.REFUSED, asked(), "rule", NOON).list_id is None


@pytest.mark.parametrize("kind", Kind)
def test_outcomes_and_refusals_are_posted_and_all_else_is_only_recorded(kind: Kind) -> None:
    assert (kind in POSTED) == (kind.value in POSTED_KINDS)
    entry = entry_of_ask(kind, asked(), "rule", NOON)
    assert entry.delivery.next_at == (NOON if kind.value in POSTED_KINDS else None)


def test_a_command_ends_with_every_kind_that_is_no_step_on_the_way() -> None:
    assert {kind.value for kind in Kind} - {kind.value for kind in OUTCOMES} == ON_THE_WAY


def test_an_entry_is_a_snapshot_without_the_accounts_that_were_not_meant() -> None:
    request = choosing()
    entry = entry_of(request, NOON)
    assert entry.request == replace(request, candidates=())
    assert (entry.ask, entry.chosen, entry.rule, entry.at) == (request.ask, None, request.allowed_by, NOON)
    assert entry.bot_version == __version__


def test_an_entry_of_something_that_moved_nothing_holds_what_was_asked_and_of_whom() -> None:
    ask = asked()
    entry = entry_of_ask(Kind.REFUSED, ask, "not allowed", NOON, ADA)
    assert (entry.ask, entry.chosen, entry.rule, entry.request) == (ask, ADA, "not allowed", None)


def test_two_entries_never_have_the_same_id() -> None:
    assert entry_of(awaiting(), NOON).id != entry_of(awaiting(), NOON).id


def test_an_entry_of_nothing_is_an_error() -> None:
    with pytest.raises(LookupError):
        _ = Entry(id="1", kind=Kind.REFUSED, at=NOON, rule="rule").ask
