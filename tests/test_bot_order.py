"""No one reads "Signed out" before the store says so."""

import threading
from typing import Any

import pytest
from headless import AUDIT, SAM, Headless
from whole_bot import CONFIRM, card_for, states

from bot.request import ENDED, Request
from bot.sandbox.wire import Call
from bot.store_ports import Requests
from bot.work import Worker


def watch(headless: Headless) -> list[str]:
    """Note the stored state whenever something that says "Signed out" comes over the wire to Slack."""
    seen: list[str] = []

    def look(call: Call) -> None:
        if "Signed out: ada" in str(call.parameters.get("text")):
            seen.extend(states(headless))

    headless.do(lambda: headless.stage.weather.slack.observers.append(look))
    return seen


def test_signed_out_is_said_only_once_the_store_says_so(headless: Headless) -> None:
    seen = watch(headless)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert seen == ["done", "done"], "the operator, then the audit channel"


def test_a_bot_that_tells_before_it_writes_is_seen_by_that_test(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    rightly = Worker.run

    class WritesLater:
        """A store that keeps the outcome back until the operator was told."""

        def __init__(self, store: Requests) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def move(self, before: Request, after: Request, *rest: Any) -> None:
            """Write it, but an outcome too late."""

            def write() -> None:
                told.wait(10)
                self._store.move(before, after, *rest)

            if after.state in ENDED:
                threading.Thread(target=write).start()
            else:
                self._store.move(before, after, *rest)

    def wrongly(self: Worker, request: Request, **how: bool) -> Request | None:
        object.__setattr__(self, "requests", WritesLater(self.requests))
        return rightly(self, request, **how)

    monkeypatch.setattr(Worker, "run", wrongly)
    seen = watch(headless)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        told.set()
    assert seen[0] == "running"
