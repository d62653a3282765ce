"""Nobody reads "Signed out" before the store says so."""

import sqlite3
import threading

import pytest
from bot.sign_out import SignOuts
from headless import AUDIT, SAM, Headless
from whole_bot import CONFIRM, card_for, store_path

from bot.audit import AuditEntry
from bot.ports import RequestStore
from bot.request import SignOutRequest
from bot.sandbox.wire import Call


def watch(headless: Headless) -> list[str]:
    """Note the stored state whenever something that says "Signed out" comes over the wire to Slack."""
    seen: list[str] = []

    def look(call: Call) -> None:
        if "Signed out: ada" in str(call.parameters.get("text")):
            with sqlite3.connect(store_path(headless)) as db:
                seen.append(db.execute("SELECT state FROM requests").fetchone()[0])
            db.close()

    headless.do(lambda: headless.stage.weather.slack.observers.append(look))
    return seen


def test_signed_out_is_said_only_once_the_store_says_so(headless: Headless) -> None:
    seen = watch(headless)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert seen == ["signed_out", "signed_out"], "the operator, then the audit channel"


def test_a_bot_that_tells_before_it_writes_is_seen_by_that_test(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    rightly = SignOuts.sign_out

    class WritesLater:
        """A store that keeps the outcome back until the operator was told."""

        def __init__(self, store: RequestStore) -> None:
            self._store = store

        def advance(self, before: SignOutRequest, after: SignOutRequest, entry: AuditEntry) -> None:
            """Write it, but too late."""

            def write() -> None:
                told.wait(10)
                self._store.advance(before, after, entry)

            threading.Thread(target=write).start()

    def wrongly(self: SignOuts, claimed: SignOutRequest) -> SignOutRequest:
        object.__setattr__(self, "store", WritesLater(self.store))
        return rightly(self, claimed)

    monkeypatch.setattr(SignOuts, "sign_out", wrongly)
    seen = watch(headless)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        told.set()
    assert seen[0] == "signing_out"
