"""Each rule of lists that the simulation guards, broken: see test_simulation_bites.py."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from simulation.broken import Any_, Broken
from simulation.world import ACCOUNTS_IN_A_PORTION

from bot import confirm, list_accounts, list_run, lists
from bot.account import Account
from bot.confirm import Confirmations
from bot.decide import Press
from bot.list_progress import Progress
from bot.list_run import ListRun
from bot.listed import Listed
from bot.lists import ListRules
from bot.pace import Pace, PacedPool, Turn
from bot.ports import LiveMessage, MessageKind
from bot.preview import Preview
from bot.request import Operator, Request, State
from bot.stores import documents
from bot.stores.sqlite import store as sqlite_store
from bot.stores.sqlite.store import SQLiteStore

pytestmark = pytest.mark.long

FAR = timedelta(days=9999)
NUMBERS = count(1000)


def _leased_to_anyone(sound: Any_, store: SQLiteStore, *lease: Any) -> bool:
    key, holder, now, *rest = lease
    return sound(store, key, holder, now + FAR, *rest)  # type: ignore[no-any-return]


def _told_and_not_stored(_: Any_, rules: ListRules, press: Press) -> Request:
    return rules._list(press.request_id).move(State.STOPPING, pressed_by=press.operator)


def _not_followed(sound: Any_, run: ListRun, found: Request | None) -> None:
    held = found and found.state in {State.PAUSED, State.STOPPING}
    sound(run, replace(found, state=State.RUNNING) if found and held else found)


def _without_the_first_of_a_portion(sound: Any_, *arguments: Any) -> Iterator[tuple[int, Account]]:
    return (each for each in sound(*arguments) if not each[0] or each[0] % ACCOUNTS_IN_A_PORTION)


def _settled_past_what_has_not_ended(sound: Any_, progress: Progress, *of: Any, **changes: Any) -> Listed:
    noted: Listed = sound(progress, *of, **changes)
    return replace(noted, settled=noted.counts)


def _another_id_each_time(sound: Any_, list_id: str, _: int) -> str:
    return sound(list_id, next(NUMBERS))  # type: ignore[no-any-return]


def _left_where_it_is_paused(sound: Any_, request: Request) -> bool:
    return request.state is not State.PAUSED and sound(request)


def _worked_on_just_now(sound: Any_, run: ListRun) -> None:
    run.request = replace(run.request, listed=replace(run.request.contents, worked_at=run.clock.now()))
    sound(run)


def _anyone_may(_: Any_, __: ListRules, press: Press, ___: Request, *, recheck: bool) -> Operator:
    assert recheck in {True, False}
    return press.operator


def _as_many_as_it_likes(sound: Any_, request: Request) -> tuple[str, int]:
    key, _ = sound(request)
    return key, 1


def _last_portion_forgotten(sound: Any_, preview: Preview) -> Any:
    preview._portion.clear()
    return sound(preview)


def _no_end_in_the_channel(sound: Any_, request: Request, **named: Any) -> Sequence[LiveMessage]:
    found: Sequence[LiveMessage] = sound(request, **named)
    return [each for each in found if each.kind is not MessageKind.PROGRESS or request.state is not State.DONE]


BROKEN = {
    "two instances run one list": Broken(
        SQLiteStore, "lease", _leased_to_anyone, "one_instance_calls_for_a_quota_at_a_time", begin=14
    ),
    "a stop is told and not stored": Broken(
        ListRules, "stop", _told_and_not_stored, "what_is_read_of_a_list_is_what_was_stored"
    ),
    "a run does not see what was pressed": Broken(
        ListRun, "_follow", _not_followed, "no_account_is_begun_after_a_pause_or_stop"
    ),
    "an account is lost between two portions": Broken(
        list_run,
        "accounts_of",
        _without_the_first_of_a_portion,
        "every_decided_request_ends_and_the_audit_channel_is_told",
        begin=22,
    ),
    "who takes a list over begins behind one that has not ended": Broken(
        Progress, "of", _settled_past_what_has_not_ended, "the_counts_of_a_list_are_those_of_its_accounts", begin=170
    ),
    "an approval does not cover the list that runs": Broken(
        list_run, "sizes_as_decided", lambda *_: (), "every_account_is_called_as_its_list_was_decided_on", begin=141
    ),
    "who takes a list over begins accounts again": Broken(
        list_accounts, "child_id", _another_id_each_time, "each_account_of_a_list_that_was_begun_ends_once"
    ),
    "accounts that were under way in a paused list are left": Broken(
        documents,
        "_wants_work",
        _left_where_it_is_paused,
        "every_decided_request_ends_and_the_audit_channel_is_told",
        begin=427,
    ),
    "a list goes on however long no one worked on it": Broken(
        ListRun, "_take_up", _worked_on_just_now, "a_list_that_no_one_worked_on_for_long_is_paused", begin=99
    ),
    "a throttled list does not slow down": Broken(
        Pace, "slow_down", lambda *_: None, "a_throttled_list_slows_down", begin=47
    ),
    "more calls leave in a second than the pace allows": Broken(
        Pace, "wait", lambda _, pace: Turn(pace.clock.monotonic()), "the_pace_is_kept", begin=228
    ),
    "no one of a list is taken to be in a protected group": Broken(
        PacedPool, "groups_of", lambda *_: frozenset(), "no_protected_account_of_a_list_is_signed_out", begin=8
    ),
    "calls do not wait for their turn": Broken(
        Pace, "wait", lambda _, pace: Turn(pace.clock.monotonic()), "a_throttled_list_slows_down", begin=47
    ),
    "anyone may press a list's buttons": Broken(
        ListRules, "_may_press", _anyone_may, "every_press_on_a_list_is_by_someone_who_may"
    ),
    "a list counts as one account": Broken(
        confirm, "counted", _as_many_as_it_likes, "no_limit_is_exceeded_without_an_approval", begin=70
    ),
    "a long list needs no approval": Broken(
        Confirmations, "_needs_of_list", lambda *_: (), "no_account_is_begun_without_a_decision", begin=42
    ),
    "the last portion is not stored": Broken(Preview, "end", _last_portion_forgotten, "a_preview_tells_every_line"),
    "the channel is not told of the end": Broken(
        sqlite_store, "other_messages", _no_end_in_the_channel, "the_channel_reads_at_last_how_far_a_list_is", begin=99
    ),
    "the card of a list is not kept up to date": Broken(
        lists, "show_card", lambda *_: None, "every_operator_can_read_the_outcome_at_last", begin=22
    ),
}


@pytest.mark.parametrize("broken", [pytest.param(broken, id=name) for name, broken in BROKEN.items()])
def test_a_broken_rule_of_lists_is_found(broken: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken.is_found(tmp_path, monkeypatch, lists=True)
