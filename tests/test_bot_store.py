"""A store that cannot be written: nothing is signed out, the operator reads why, and the bot recovers by itself."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from headless import AUDIT, RAY, SAM, Headless, shows
from whole_bot import CONFIRM, POST, SIGN_OUT, card_for, entries, states, store_path, travel

from bot.edge.rounds import Rounds
from bot.errors import NotRecordedError, StoreUnavailableError
from bot.stores.sqlite import file
from bot.stores.sqlite.file import File, connect_to_write

NO_STORE = "The bot cannot use its store, so it could not do this."


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounds, "AFTER_A_FAILURE", 0.1)


@contextmanager
def away(headless: Headless) -> Iterator[None]:
    """Take the store's file away from under the bot."""
    path = store_path(headless)
    elsewhere = path.with_suffix(".elsewhere")
    path.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(path)


@pytest.mark.parametrize("person", [SAM, RAY])
def test_a_command_opens_nothing(headless: Headless, caplog: pytest.LogCaptureFixture, person: str) -> None:
    with headless.bot_in_process():
        with away(headless):
            headless.command(person, "ada --pool customers")
            headless.wait_for_message(person, containing=NO_STORE)
            headless.wait_for(lambda: "rounds wait for the store (No such file or directory)" in caplog.text)
        assert states(headless) == []
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    (line,) = [each for each in caplog.records if "A command or press failed" in each.message]
    assert line.message.endswith("the store is out of order (No such file or directory)")
    assert [each.message for each in caplog.records if each.exc_info] == [], "a line, not a traceback for each"


def test_a_press_decides_nothing_and_the_card_can_be_pressed_again(headless: Headless) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        with away(headless):
            headless.press(SAM, card, CONFIRM)
            headless.wait_for_message(SAM, containing=NO_STORE)
        assert states(headless) == ["confirming"]
        assert headless.cognito_calls(SIGN_OUT) == []
        kept = headless.wait_for_message(SAM, button=CONFIRM)
        assert kept.ts == card.ts
        headless.press(SAM, kept, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert not headless.is_signed_in("ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


@pytest.mark.parametrize(
    ("later", "outcome", "calls"),
    [
        ({"seconds": 36}, (["done"], "signed_out", "Signed out: ada"), 2),
        ({"minutes": 6}, (["unknown"], "unknown", "Not known whether signed out: ada"), 1),
    ],
)
def test_an_outcome_that_cannot_be_recorded_is_not_told_and_ends_by_the_rules_of_a_resume(
    headless: Headless, later: dict[str, float], outcome: tuple[list[str], str, str], calls: int
) -> None:
    (state, kind, told) = outcome
    clock = travel(headless)
    held = headless.pause(SIGN_OUT, after=True)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.press(SAM, card, CONFIRM)
        held.wait_until_arrived()
        with away(headless):
            held.release()
            headless.wait_for_message(SAM, containing=str(NotRecordedError()))
        assert states(headless) == ["running"]
        assert not [each for each in headless.messages(SAM) if shows(each, "igned out: ada")]
        clock.forward(**later)
        headless.wait_for_message(SAM, AUDIT, containing=told)
        assert headless.wait_for_message(SAM, containing=told).ts == card.ts
    assert states(headless) == state
    assert entries(headless) == ["opened", "confirmed", "resumed", kind]
    assert len(headless.cognito_calls(SIGN_OUT)) == calls


@pytest.mark.parametrize("written", [True, False])
def test_a_decision_of_which_no_one_knows_whether_it_was_written_is_either_carried_out_or_was_nothing(
    headless: Headless,
    monkeypatch: pytest.MonkeyPatch,
    written: bool,  # noqa: FBT001 -- an example
) -> None:
    write, once = File.write, threading.Lock()

    @contextmanager
    def lost(store: File) -> Iterator[sqlite3.Connection]:
        is_lost = threading.current_thread().name.startswith("slack-") and once.acquire(blocking=False)
        with write(store) as db:
            yield db
            if is_lost and not written:
                raise StoreUnavailableError("disk I/O error", in_doubt=True)
        if is_lost:
            raise StoreUnavailableError("disk I/O error", in_doubt=True)

    with headless.bot_in_process():
        card = card_for(headless, SAM)
        monkeypatch.setattr(File, "write", lost)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="What was confirmed may still happen")
        if not written:
            assert states(headless) == ["confirming"]
            headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        assert headless.wait_for_message(SAM, containing="Signed out: ada").ts == card.ts
    assert entries(headless) == ["opened", "confirmed", "signed_out"]
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


def test_what_the_channel_took_is_not_posted_again_because_the_store_was_away(
    headless: Headless, caplog: pytest.LogCaptureFixture
) -> None:
    held = headless.pause(POST, after=True)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        held.wait_until_arrived()
        with away(headless):
            held.release()
            headless.wait_for(lambda: "The delivery rounds wait for the store" in caplog.text)
        headless.press(SAM, card_for(headless, SAM, "grace --pool customers"), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: grace")
    assert len([each for each in headless.audit() if shows(each, "Signed out: ada")]) == 1


def test_a_store_that_stays_locked_is_told_and_works_again_once_it_is_free(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        other = File(store_path(headless), connect_to_write)
        with other.write():
            headless.press(SAM, card, CONFIRM)
            headless.wait_for_message(SAM, containing=NO_STORE)
            assert headless.cognito_calls(SIGN_OUT) == []
        other.close()
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
