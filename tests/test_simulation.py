"""The simulation itself: the seeds that every run of the tests lives through, and that a seed decides everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.checks import violations
from simulation.seen import Seen
from simulation.world import run

from bot.audit import Kind
from bot.request import State

ROOT = Path(__file__).parent.parent
SEEDS = range(2000)
CHUNK = 250


@pytest.mark.parametrize("first", SEEDS[::CHUNK])
def test_whatever_fails_or_is_killed_the_invariants_hold(first: int, tmp_path: Path) -> None:
    happened: set[str] = set()
    for seed in range(first, first + CHUNK):
        _, seen = run(seed, tmp_path)
        wrong = [f"{invariant}: {text}" for invariant, text in violations(seen)]
        assert not wrong, f"python tests/simulation --seed {seed} --trace"
        happened |= _what_happened(seen)
    assert happened >= INTERESTING, "the worlds have become too kind"


INTERESTING = {
    *(f"a request ended {state}" for state in (State.SIGNED_OUT, State.FAILED, State.UNKNOWN)),
    *(f"a request ended {state}" for state in (State.CANCELLED, State.EXPIRED)),
    *(f"an entry of {kind}" for kind in Kind),
    *(f"a call answered {answer}" for answer in ("yes", "no", "unclear")),
    "a call whose answer nobody lived to hear",
    "a call that was unclear and done",
    "an entry posted twice",
    "a post that Slack refused",
    "a request moved by several instances",
}


def _what_happened(seen: Seen) -> set[str]:
    posted = [entry_id for post in seen.posts if post.ts for entry_id in post.entry_ids]
    movers = {(move.after.id, move.instance) for move in seen.moves}
    things = {
        "an entry posted twice": len(posted) > len(set(posted)),
        "a post that Slack refused": any(post.ended and not post.ts for post in seen.posts),
        "a call whose answer nobody lived to hear": any(call.answer is None for call in seen.calls),
        "a call that was unclear and done": any(call.done and call.answer == "unclear" for call in seen.calls),
        "a request moved by several instances": len(movers) > len({request_id for request_id, _ in movers}),
    }
    return {
        *(name for name, did in things.items() if did),
        *(f"a request ended {request.state}" for request in seen.requests.values()),
        *(f"an entry of {entry.kind}" for entry in seen.entries),
        *(f"a call answered {call.answer}" for call in seen.calls),
    }


def test_a_seed_decides_everything_here_and_in_another_process(tmp_path: Path) -> None:
    for seed in (8, 9, 10):
        traces: list[list[str]] = [[], []]
        for trace in traces:
            run(seed, tmp_path, trace)
        assert traces[0] == traces[1]
        assert len(traces[0]) > 50
        for hash_seed in ("1", "2"):
            assert _trace_elsewhere(seed, hash_seed) == traces[0]


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
