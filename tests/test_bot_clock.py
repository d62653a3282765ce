"""The whole bot by a clock that is wrong, or was: nothing is opened, decided, taken over, expired or deleted by it."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from examples import added_to, asked, claimed_in, decided_in
from headless import AUDIT, SAM, Headless
from shell import Shell
from test_observe import Watcher
from whole_bot import CONFIRM, SIGN_OUT, Travel, card_for, entries, requests, states, store_path, trail

from bot.audit import Kind, entry_of_ask
from bot.confirm import Confirmations
from bot.decide import Press
from bot.errors import ClockChangedError
from bot.ports import Show
from bot.request import Request, State, new_id
from bot.stores.sqlite.store import SQLiteStore
from bot.terminal.screen import UNFINISHED
from bot.wiring import run, terminal
from bot.wiring.shared import SystemClock

WRONG = "The bot's clock is wrong by about"
DAY = timedelta(days=1)


@dataclass
class SetClock(Travel):
    """A clock that someone sets, while the machine's seconds go on."""

    def monotonic(self) -> float:
        return SystemClock.monotonic()


@pytest.fixture
def clock(headless: Headless) -> SetClock:
    """The bot's clock. Slack and AWS tell the true time."""
    headless.clock = clock = SetClock(at_rest=headless.at_rest)
    headless.date = SystemClock.now
    return clock


@pytest.fixture
def watcher(headless: Headless, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Watcher:
    monkeypatch.setattr(run, "SECONDS_BETWEEN_QUESTIONS", 0.1)
    caplog.set_level(logging.INFO, "bot")
    return Watcher(headless, lambda: caplog.text)


def test_while_its_clock_is_wrong_the_bot_begins_and_decides_nothing_and_says_by_how_much(
    headless: Headless, clock: SetClock, watcher: Watcher
) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        card = card_for(headless, SAM)
        clock.forward(minutes=9)
        watcher.wait_until(
            503,
            "not ready",
            "The clock is 9 minutes ahead of the time that Slack and AWS tell, so the bot does nothing.",
        )
        assert watcher.numbers()["signout_clock_off_seconds", ""] == pytest.approx(9 * 60, abs=3)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing=f"{WRONG} 9 minutes, so it does nothing just now.")
        headless.command(SAM, "grace")
        headless.wait_for(lambda: len([m for m in headless.messages(SAM) if WRONG in m.text]) == 2)
        assert states(headless) == ["confirming"], "it is not expired either"
        assert entries(headless) == ["opened"]
        clock.forward(minutes=-9)
        watcher.wait_until(200, "ready")
        assert watcher.numbers()["signout_clock_off_seconds", ""] == 0
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")


def test_so_it_does_where_slack_signs_its_requests_with_the_time(
    headless: Headless, clock: SetClock, watcher: Watcher
) -> None:
    clock.forward(minutes=-9)
    with headless.bot_in_process("--http"):
        watcher.wait_until(503, "not ready", "The clock is 9 minutes behind the time")
        headless.command(SAM, "ada")
        headless.wait_for_message(SAM, containing=f"{WRONG} 9 minutes, so it does nothing just now.")
    assert entries(headless) == []


def test_a_clock_that_was_just_set_is_not_trusted_before_slack_agrees(
    headless: Headless, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECONDS_BETWEEN_QUESTIONS", 60.0)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        clock.forward(days=-1)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing=ClockChangedError().sentence)
        assert states(headless) == ["confirming"]


def test_a_clock_that_is_two_years_ahead_for_a_moment_deletes_nothing(
    headless: Headless, clock: SetClock, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECONDS_BETWEEN_CLEARINGS", 0.01)
    with headless.bot_in_process(SIGNOUT_RETAIN="365d"):
        watcher.wait_until(200, "ready")
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.wait_for(lambda: all(each.delivery.delivered_at for each in trail(headless) if each.delivery.next_at))
        clock.forward(days=730)
        watcher.wait_until(503, "not ready", "The clock is 730 days ahead of")
        assert entries(headless) == ["opened", "confirmed", "signed_out"]
        clock.forward(days=-730)
        watcher.wait_until(200, "ready")
    assert entries(headless) == ["opened", "confirmed", "signed_out"]


def test_nor_does_one_that_was_ahead_from_the_beginning(
    headless: Headless, clock: SetClock, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECONDS_BETWEEN_CLEARINGS", 0.01)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    clock.forward(days=730)
    with headless.bot_in_process(SIGNOUT_RETAIN="365d"):
        watcher.wait_until(503, "not ready", "The clock is 730 days ahead of")
    assert entries(headless) == ["opened", "confirmed", "signed_out"]


def test_nothing_is_expired_or_given_up_at_the_start_by_a_clock_that_is_ahead_since_then(
    headless: Headless, clock: SetClock, watcher: Watcher
) -> None:
    store = _opened(store_path(headless))
    card, ready = (
        added_to(store, now := datetime.now(UTC), expires_at=now + timedelta(minutes=5)),
        decided_in(store, now),
    )
    store.close()
    clock.forward(days=1)
    with headless.bot_in_process():
        watcher.wait_until(503, "not ready", "The clock is 24 hours ahead of")
    assert [_state_of(headless, each) for each in (card, ready)] == [State.CONFIRMING, State.READY]


def test_what_was_written_while_the_clock_was_ahead_is_settled_at_once_when_it_is_right(
    headless: Headless, clock: SetClock
) -> None:
    ahead = datetime.now(UTC) + 30 * DAY
    store = _opened(store_path(headless))
    card, claimed = _left_behind(store, ahead)
    store.close()
    with headless.bot_in_process():
        headless.wait_for_message(SAM, AUDIT, containing="not allowed")
        headless.wait_for_message(SAM, AUDIT, containing="Not known whether signed out: ada")
        headless.wait_for(lambda: _state_of(headless, card) is State.EXPIRED)
    assert _state_of(headless, claimed) is State.UNKNOWN
    assert headless.cognito_calls(SIGN_OUT) == []
    assert clock.ahead == timedelta(0)


def test_in_a_terminal_nothing_is_begun_by_a_clock_that_is_wrong(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(headless, monkeypatch)
    clock = SetClock(timedelta(minutes=-9))
    monkeypatch.setattr(terminal, "SystemClock", lambda: clock)
    words = ("--user-pool-id", shell.customers, "--username", "ada", "--yes")
    ran = shell.run(capfd, *words)
    assert (ran.code, ran.out) == (255, "")
    assert f"{WRONG} 9 minutes, so it does nothing just now." in ran.err
    assert headless.cognito_calls() == []
    assert entries(headless) == []
    clock.forward(minutes=9)
    assert shell.run(capfd, *words).code == 0


def test_in_a_terminal_that_aws_does_not_answer_after_the_decision_it_is_not_known_whether_it_happens(
    headless: Headless, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The bot carries the decision out, so an error that says that nothing was done would be untrue."""
    shell = Shell(headless, monkeypatch)
    clock = SetClock(timedelta(0))
    monkeypatch.setattr(terminal, "SystemClock", lambda: clock)
    decide = Confirmations.confirm

    def and_then_the_clock_is_set(rules: Confirmations, press: Press) -> Request:
        decided = decide(rules, press)
        clock.forward(minutes=1)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        return decided

    monkeypatch.setattr(Confirmations, "confirm", and_then_the_clock_is_set)
    ran = shell.run(capfd, "--user-pool-id", shell.customers, "--username", "ada", "--yes")
    assert (ran.code, ran.out, ran.err) == (255, "", f"{UNFINISHED}\n")
    assert states(headless) == ["ready"]


def _opened(path: Path) -> SQLiteStore:
    store = SQLiteStore(path)
    store.open()
    return store


def _left_behind(store: SQLiteStore, at: datetime) -> tuple[Request, Request]:
    """Leave a refusal that waits for the channel, a card and a dead claim; return the last two."""
    store.record(entry_of_ask(Kind.REFUSED, asked(id=new_id(at)), "not allowed", at))
    return added_to(store, at, expires_at=at + timedelta(minutes=5)), claimed_in(store, at, show=Show(at=at))


def _state_of(headless: Headless, request: Request) -> State:
    return next(each.state for each in requests(headless) if each.id == request.id)
