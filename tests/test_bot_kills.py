"""The promise, kept through SIGKILL at each point between a click and its audit message. The wire tells when."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from headless import KIM, BotProcess, Headless, shows
from whole_bot import CONFIRM, POST, SIGN_OUT, TELL, card_for, entries, states, trail

from bot.sandbox.cognito import Moto
from bot.sandbox.wire import Call, Fault, refuse, slow

T = TypeVar("T")

GROUPS = "usergroups.users.list"
OUTCOMES = {"signed_out", "failed", "unknown"}
TOLD = {"signed_out": "Signed out: ada", "unknown": "Not known whether signed out: ada"}
THROTTLED = refuse(400, "TooManyRequestsException")
PATIENCE = 150  # a take-over needs the lease and 5 s, and the machine may be busy
STARTS_AT_ONCE = threading.Semaphore(2)


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Where the bot is killed: at a call, or (`after`) once that was done but not answered.

    `before`: what becomes of the calls before that one. `meanwhile`: what becomes of the sign-out. `again`: and once
    more, during the take-over. `later`: what becomes of the calls of the next start. `sign_outs`, `messages`,
    `results`: how often Cognito may get it, the audit channel its message, and the operator the result.
    """

    at: str
    after: bool = False
    before: tuple[Fault, ...] = ()
    meanwhile: tuple[Fault, ...] = ()
    again: bool = False
    later: tuple[Fault, ...] = ()
    decided: bool = True
    outcome: str = "signed_out"
    sign_outs: range = range(1, 2)
    messages: range = range(1, 2)
    results: range = range(1, 2)


KILLS = {
    "before the decision": Kill(at=GROUPS, decided=False),
    "before Cognito gets it": Kill(at=SIGN_OUT),
    "before Cognito answers": Kill(at=SIGN_OUT, after=True, sign_outs=range(2, 3)),
    "in the second try": Kill(at=SIGN_OUT, before=(THROTTLED,)),
    "while it shows progress": Kill(at=TELL, meanwhile=(slow(3),), sign_outs=range(1, 3), messages=range(1, 3)),
    "while it shows the result": Kill(at=TELL, messages=range(1, 3), results=range(2, 3)),
    "before Slack's yes to the result comes": Kill(at=TELL, after=True, messages=range(1, 3), results=range(2, 3)),
    "before the audit channel gets it": Kill(at=POST, results=range(1, 3)),
    "before the audit channel answers": Kill(at=POST, after=True, messages=range(1, 3), results=range(1, 3)),
    "again during the take-over": Kill(at=SIGN_OUT, again=True),
    "and the take-over is refused": Kill(
        at=SIGN_OUT, after=True, later=(refuse(400, "NotAuthorizedException"),), outcome="unknown"
    ),
}


@pytest.mark.long(waits=True)
@pytest.mark.timeout(600)
def test_a_press_keeps_its_promise_wherever_the_bot_is_killed(moto: Moto) -> None:
    assert side_by_side(live_through, KILLS, moto) == dict.fromkeys(KILLS)


def side_by_side(
    live: Callable[[T, Moto], None], kills: Mapping[str, T], moto: Moto
) -> dict[str, BaseException | None]:
    """Live through all of them at once, each on a stage of its own; return what went wrong in each."""
    with ThreadPoolExecutor(len(kills)) as threads:
        lives = {name: threads.submit(live, kill, moto) for name, kill in kills.items()}
    return {name: life.exception() for name, life in lives.items()}


def live_through(kill: Kill, moto: Moto) -> None:
    with Headless(moto, ("ada",)) as headless, ExitStack() as life:
        too_early = watch(headless)
        begin(life, headless)
        card = card_for(headless, KIM)
        if kill.at == GROUPS:  # a list is good for a minute, but not for another life
            begin(life, headless)
        put = headless.before_cognito if kill.at == SIGN_OUT else headless.before_slack
        put(kill.at, *kill.before)
        headless.before_cognito(SIGN_OUT, *kill.meanwhile)
        held = headless.pause(kill.at, after=kill.after)
        assert headless.press(KIM, card, CONFIRM).error is None
        held.wait_until_arrived(PATIENCE)
        if kill.again:
            held = headless.pause(SIGN_OUT)
            begin(life, headless)
            held.wait_until_arrived(PATIENCE)
        life.close()
        assert (states(headless) != ["confirming"]) is kill.decided
        headless.before_cognito(SIGN_OUT, *kill.later)
        bot = begin(life, headless)
        if not kill.decided:
            assert headless.press(KIM, card, CONFIRM).error is None
        told = headless.wait_for_message(KIM, containing=TOLD[kill.outcome], timeout=PATIENCE)
        headless.wait_for(lambda: everything_is_delivered(headless), PATIENCE)  # a look takes longer than that above
        headless.wait_for(lambda: results(headless, kill) >= kill.results.start, PATIENCE)
        assert bot.terminate(PATIENCE) == 0
        assert told.ts == card.ts
        assert too_early == []
        check(headless, kill)


def begin(life: ExitStack, headless: Headless, **settings: Any) -> BotProcess:
    """Kill the bot that runs, where one does, and start another."""
    life.close()
    headless.wait_for(lambda: headless.connections() == 0)
    with STARTS_AT_ONCE:
        return life.enter_context(headless.forked_bot(**settings))


def check(headless: Headless, kill: Kill) -> None:
    assert states(headless) == [{"signed_out": "done"}.get(kill.outcome, kill.outcome)]
    assert [kind for kind in entries(headless) if kind in OUTCOMES] == [kill.outcome]
    if not kill.meanwhile:  # by then it may be done or not
        assert entries(headless).count("resumed") == (kill.at == SIGN_OUT) + kill.again
    assert sum(call.forwarded for call in headless.cognito_calls(SIGN_OUT)) in kill.sign_outs
    assert results(headless, kill) in kill.results
    assert all(shows(message, TOLD[kill.outcome]) for message in headless.audit())
    posted = [message.metadata["event_payload"]["entry_id"] for message in headless.audit() if message.metadata]
    assert len(posted) in kill.messages
    assert len(set(posted)) == 1, "a message that comes twice has the same entry id"
    assert not headless.is_signed_in("ada")


def results(headless: Headless, kill: Kill) -> int:
    """How often the operator was shown the result."""
    return sum(TOLD[kill.outcome] in str(call.parameters.get("text")) for call in headless.slack_calls(TELL))


def everything_is_delivered(headless: Headless) -> bool:
    stored = trail(headless)
    return not any(entry.delivery.next_at for entry in stored) and any(entry.kind in OUTCOMES for entry in stored)


def watch(headless: Headless) -> list[Call]:
    """Note every "Signed out" that comes over the wire to Slack before Cognito has done it."""
    seen: list[Call] = []

    def look(call: Call) -> None:
        done = any(each.forwarded for each in headless.cognito_wire.calls if each.action == SIGN_OUT)
        if "Signed out: ada" in str(call.parameters.get("text")) and not done:
            seen.append(call)

    headless.do(lambda: headless.stage.weather.slack.observers.append(look))
    return seen
