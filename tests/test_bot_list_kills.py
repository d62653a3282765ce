"""A list through SIGKILL of the bot that runs it, beside another bot on the same store. Cognito's wire tells when."""

from collections import Counter
from contextlib import closing
from typing import Any

import pytest
from bench.lists import make_list, outcomes
from headless import Headless
from whole_bot import SIGN_OUT, store_path

from bot.audit import Kind
from bot.request import State
from bot.sandbox.cognito import Moto
from bot.sandbox.wire import REQUEST_ID, answer
from bot.stores.sqlite.store import SQLiteStore

ACCOUNTS, PACE = 90, 20
YES = answer(200, {}, "application/x-amz-json-1.1", **{REQUEST_ID: "aws-1"})
PATIENCE = 200  # a take-over needs the lease, and what was under way its own; the machine may be busy


@pytest.mark.long(waits=True)
@pytest.mark.timeout(600)
def test_a_list_comes_to_its_end_though_the_bot_that_runs_it_is_killed(moto: Moto) -> None:
    with Headless(moto, ("ada",)) as headless:
        headless.do(lambda: headless.stage.weather.cognito.always(SIGN_OUT, YES))
        settings: dict[str, Any] = {"SIGNOUT_LISTS_PACE": f"{PACE}/s"}
        with (
            headless.forked_bot(**settings) as one,
            headless.forked_bot(**settings) as other,
            closing(SQLiteStore(store_path(headless))) as store,
        ):
            store.open()
            before = [bot.processor_seconds() for bot in (one, other)]
            request = make_list(headless, store, ACCOUNTS)
            headless.wait_for(lambda: len(called(headless)) >= ACCOUNTS // 3, PATIENCE)
            held = headless.pause(SIGN_OUT, after=True)
            held.wait_until_arrived(PATIENCE)
            runs, waits = (bot.processor_seconds() - at for bot, at in zip((one, other), before, strict=True))
            (one if runs > waits else other).kill()
            headless.wait_for(lambda: state(store, request.id) is not State.RUNNING, PATIENCE)
            done, entries = store.get(request.id), list(store.entries(None, None, request.id))
            assert done
            assert (done.state, done.contents.counts.done) == (State.DONE, ACCOUNTS)
            assert [entry.kind for entry in entries if entry.ask.id == request.id][-2:] == [
                Kind.RESUMED,
                Kind.SIGNED_OUT,
            ]
            recorded, calls = outcomes(store, request), Counter(called(headless))
            assert (len(recorded), set(recorded.values())) == (ACCOUNTS, {1})
            assert len(calls) == ACCOUNTS
            again = {name for name, count in calls.items() if count > 1}
            assert 1 <= len(again) <= PACE  # those that were under way, so that their answers were lost
            assert max(calls.values()) == 2


def called(headless: Headless) -> list[str]:
    """Return for whom Cognito was called, in order."""
    return [str(call.parameters["Username"]) for call in headless.cognito_calls(SIGN_OUT)]


def state(store: SQLiteStore, request_id: str) -> State | None:
    """Return how far a request is."""
    found = store.get(request_id)
    return found.state if found else None
