"""The simulation itself: the seeds that every run of the tests lives through, and that a seed decides everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.checks import violations
from simulation.seen import Seen
from simulation.world import run

from bot.action import OTHERS
from bot.approve import NOT_AN_APPROVER
from bot.audit import Kind
from bot.errors import ACCOUNT_CHANGED, LIST_CHANGED, PROTECTED, TOO_LATE
from bot.request import State

ROOT = Path(__file__).parent.parent
FEW, MANY, CHUNK = 80, 180, 100


def wrong_in(seed: int, folder: Path) -> tuple[Seen, list[str]]:
    """Live through the world of a seed; return what was seen and what was wrong."""
    _, seen = run(seed, folder)
    return seen, [f"{invariant}: {text}" for invariant, text in violations(seen)]


def test_through_faults_and_kills_the_invariants_hold(tmp_path: Path) -> None:
    for seed in range(FEW):
        assert not wrong_in(seed, tmp_path)[1], f"python tests/simulation --seed {seed} --trace"


@pytest.mark.long
@pytest.mark.parametrize("first", range(FEW, MANY, CHUNK))
def test_they_hold_in_many_worlds_of_which_none_is_too_kind(first: int, tmp_path: Path) -> None:
    happened: set[str] = set()
    for seed in range(first, first + CHUNK):
        seen, wrong = wrong_in(seed, tmp_path)
        assert not wrong, f"python tests/simulation --seed {seed} --trace"
        happened |= _what_happened(seen)
    assert happened >= INTERESTING - SELDOM


# In one of several hundred worlds.
SELDOM = {
    "an action between whose steps a worker died",
    "an old card that came after a newer one",
    "a decision that no one carried out in time",
    "a user name that was another account by then",
    "an approval that another instance carried out",
    "a protected account that its worker found out",
    "an approval that no one gave in time",
    "a press beyond a limit that was refused",
    "a protected account that was approved",
    "sign_out that was asked for after an outcome",
    "a list that no one worked on for long",
    "one of several accounts that was chosen into a list",
    "what was not done of a list, tried again",
}
INTERESTING = {
    *(f"a request ended {state}" for state in (State.DONE, State.FAILED, State.UNKNOWN)),
    *(f"a request ended {state}" for state in (State.CANCELLED, State.EXPIRED, State.DENIED)),
    # No pool of these worlds tracks sessions: for those see test_sessions_at_random.py.
    *(f"an entry of {kind}" for kind in Kind if kind is not Kind.SESSION_ENDED),
    *(f"a call answered {answer}" for answer in ("yes", "no", "unclear")),
    *(f"{action} that was asked for on a card of another action" for action in ("keep_out", "new_password")),
    *(f"{action} that was asked for after an outcome" for action in ("sign_out", *OTHERS)),
    "another action that was approved",
    "a step whose answer was noted",
    "an action between whose steps a worker died",
    "a step that Cognito refuses for the account as it is",
    "an action that someone on the allowlist was refused",
    "a call whose answer came to no one",
    "a call that was unclear and done",
    "an entry posted twice",
    "a post that Slack refused",
    "a request moved by several instances",
    "a decision that another instance carried out",
    "a decision that no one carried out in time",
    "a user name that was another account by then",
    "a dead worker's claim that was taken over",
    "refusals counted into one entry",
    "a dead process's count that became an entry",
    "an outcome told directly",
    "progress told of",
    "an old card that came after a newer one",
    "work during which a clock was set",
    "an approval that was carried out",
    "an approval that another instance carried out",
    "an approval that no one gave in time",
    "a request cancelled while it waited for an approval",
    "an approver's press that was refused",
    "someone's own request that they tried to approve",
    "a press beyond a limit that was refused",
    "a press beyond a limit that needed an approval",
    "a protected account that was approved",
    "a protected account that its worker found out",
    "an approval message that came to its outcome",
    *(f"a list that ended {state}" for state in (State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN)),
    "a list that another instance went on with",
    "a list that was changed before it was decided on",
    "a list that no one worked on for long",
    "a list that was approved",
    "a list that was throttled",
    "a list from which protected accounts were left out",
    "one of several accounts that was chosen into a list",
    "what was not done of a list, tried again",
    "lists of one quota that ran side by side",
}


def _what_happened(seen: Seen) -> set[str]:
    posted = [post.entry_id for post in seen.posts if post.ts]
    movers = {(move.after.id, move.instance) for move in seen.moves}
    deciders = {move.after.id: move.instance for move in seen.moves if move.after.state is State.READY}
    claims = [move for move in seen.moves if move.before and move.before.state is State.READY]
    read = [told.drawn for told in seen.told if told.drawn]
    things = _of_second_people(seen) | {
        "an entry posted twice": len(posted) > len(set(posted)),
        "a post that Slack refused": any(post.ended and not post.ts for post in seen.posts),
        "a call whose answer came to no one": any(call.answer is None for call in seen.calls),
        "a call that was unclear and done": any(call.done and call.answer == "unclear" for call in seen.calls),
        "a request moved by several instances": len(movers) > len({request_id for request_id, _ in movers}),
        "a decision that another instance carried out": any(
            deciders[move.after.id] != move.instance for move in claims
        ),
        "a decision that no one carried out in time": any(move.after.error_code == TOO_LATE for move in claims),
        "a user name that was another account by then": any(
            each.error_code == ACCOUNT_CHANGED for each in seen.requests.values()
        ),
        "a dead worker's claim that was taken over": any(entry.kind is Kind.RESUMED for entry in seen.entries),
        "refusals counted into one entry": any(entry.count > 1 for entry in seen.entries),
        "a dead process's count that became an entry": any(
            name in seen.died and entry_id in {entry.id for entry in seen.entries} for name, _, entry_id in seen.tallied
        ),
        "an outcome told directly": any(told.direct for told in seen.told),
        "work during which a clock was set": any(move.clock_set for move in seen.moves),
        "progress told of": any(each.state in {State.READY, State.RUNNING} for each in read),
        "an old card that came after a newer one": any(
            later.id == each.id and later.version < each.version
            for number, each in enumerate(read)
            for later in read[number + 1 :]
        ),
    }
    return {
        *(name for name, did in (things | _of_other_actions(seen) | _of_lists(seen)).items() if did),
        *(f"a request ended {request.state}" for request in seen.requests.values()),
        *(f"an entry of {entry.kind}" for entry in seen.entries),
        *(f"a call answered {call.answer}" for call in seen.calls),
    }


def _of_lists(seen: Seen) -> dict[str, bool]:
    lists = [each for each in seen.requests.values() if each.listed]
    runs = [move for move in seen.moves if move.after.listed and move.after.state is State.RUNNING]
    ran = {id_: {move.instance for move in runs if move.after.id == id_} for id_ in seen.portions}
    troubles = {move.after.contents.trouble for move in seen.moves if move.after.listed}
    ended = {each.state for each in lists if each.decided_at}
    times = [(at[0], at[-1]) for id_ in seen.portions if (at := [move.at for move in runs if move.after.id == id_])]
    return {
        **{f"a list that ended {state}": state in ended for state in State},
        "a list that another instance went on with": any(len(instances) > 1 for instances in ran.values()),
        "a list that was changed before it was decided on": any(each.error_code == LIST_CHANGED for each in lists),
        "a list that no one worked on for long": TOO_LATE in troubles,
        "a list that was approved": any(each.approval and each.decided_at for each in lists),
        "a list that was throttled": "TooManyRequestsException" in troubles,
        "a list from which protected accounts were left out": any(each.contents.protected.count for each in lists),
        "one of several accounts that was chosen into a list": any(
            move.before and move.before.listed and move.before.state is move.after.state is State.CONFIRMING
            for move in seen.moves
        ),
        "what was not done of a list, tried again": any(each.contents.again_of and each.decided_at for each in lists),
        "lists of one quota that ran side by side": any(
            first < begin < last for first, last in times for begin, _ in times
        ),
    }


def _of_other_actions(seen: Seen) -> dict[str, bool]:
    requests = seen.requests.values()
    opened = {move.after.id: move.after for move in seen.moves if move.before is None}
    others = [each for each in requests if each.action != "sign_out"]
    again = [move for move in seen.moves if move.before and {move.before.state, move.after.state} == {State.RUNNING}]
    resumed = [
        move.after for move in again if move.before and move.before.claim != move.after.claim and move.before.done
    ]
    return {
        **{
            f"{action} that was asked for on a card of another action": any(
                each.action == action != opened[each.id].action for each in requests
            )
            for action in OTHERS
        },
        **{
            f"{action} that was asked for after an outcome": any(
                each.action == action and each.id not in seen.asked for each in requests
            )
            for action in ("sign_out", *OTHERS)
        },
        "another action that was approved": any(each.approval and each.state is State.DONE for each in others),
        "a step whose answer was noted": any(move.before and move.before.done != move.after.done for move in again),
        "an action between whose steps a worker died": bool(resumed),
        "a step that Cognito refuses for the account as it is": any(
            told.text.startswith(("This account is disabled", "This user signs in")) for told in seen.told
        ),
        "an action that someone on the allowlist was refused": any(
            told.text.startswith("You may not keep people out") for told in seen.told
        ),
    }


def _of_second_people(seen: Seen) -> dict[str, bool]:
    requests = seen.requests.values()
    approved = {move.after.id: move.instance for move in seen.moves if move.after.approval and move.after.decided_at}
    claims = [move for move in seen.moves if move.after.claim and move.after.approval]
    rules = {entry.rule for entry in seen.entries if entry.kind is Kind.REFUSED}
    limited = {entry.ask.id for entry in seen.entries if entry.kind is Kind.LIMITED}
    waited = [each for each in requests if each.approval]
    return {
        "an approval that was carried out": any(each.state is State.DONE for each in waited),
        "an approval that another instance carried out": any(
            approved[move.after.id] != move.instance for move in claims
        ),
        "an approval that no one gave in time": any(each.state is State.EXPIRED for each in waited),
        "a request cancelled while it waited for an approval": any(each.state is State.CANCELLED for each in waited),
        "an approver's press that was refused": any(told.text.startswith(NOT_AN_APPROVER) for told in seen.told),
        "someone's own request that they tried to approve": "pressed Approve or Deny on their own request" in rules,
        "a press beyond a limit that was refused": any(each.id in limited and not each.approval for each in requests),
        "a press beyond a limit that needed an approval": any(
            need.startswith("limits") for each in waited for need in each.needs
        ),
        "a protected account that was approved": any(
            each.state is State.DONE and each.chosen and each.chosen.protected for each in waited
        ),
        "a protected account that its worker found out": any(each.error_code == PROTECTED for each in requests),
        "an approval message that came to its outcome": any(
            asked.drawn.state is State.DONE for asked in seen.approvals
        ),
    }


@pytest.mark.long
def test_a_seed_decides_everything_here_and_in_another_process(tmp_path: Path) -> None:
    seed, traces = 8, [list[str](), list[str]()]
    for trace in traces:
        run(seed, tmp_path, trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 50
    for hash_seed in ("1", "2"):
        assert _trace_elsewhere(seed, hash_seed) == traces[0]


@pytest.mark.long
def test_looking_on_changes_nothing(tmp_path: Path) -> None:
    for seed in range(20, 30):
        assert run(seed, tmp_path)[0].schedule.steps == run(seed, tmp_path, [])[0].schedule.steps


def _trace_elsewhere(seed: int, hash_seed: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "tests/simulation", "--seed", str(seed), "--trace"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.splitlines()[:-1]
