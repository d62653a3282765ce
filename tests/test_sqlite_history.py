"""The old requests that tests and benchmarks copy are what a bot would have left, and a bot goes on beside them."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from headless import AUDIT, SAM, Headless
from shell import BARE
from sqlite_history import AGE, SORTS, make_history
from whole_bot import CONFIRM, card_for, states, store_path

REQUESTS = 30
OF_EACH = REQUESTS // SORTS + 1  # and the example of which they are copies


def test_a_history_has_every_sort_of_old_request_and_a_bot_goes_on_beside_it(headless: Headless) -> None:
    make_history(headless, store_path(headless), REQUESTS)
    assert sorted(Counter(states(headless)).values()) == [OF_EACH] * SORTS
    trail = audited(headless)
    assert len({entry["id"] for entry in trail}) == len(trail) == 15 * OF_EACH
    assert {count // OF_EACH for count in Counter(entry["kind"] for entry in trail).values()} == {1, 3, 5}
    assert {entry["next_at"] for entry in trail} == {None}, "nothing waits"
    assert all(datetime.now(UTC) - datetime.fromisoformat(entry["at"]) >= AGE for entry in trail)
    of_requests = Counter(entry["request_id"] for entry in trail)
    assert Counter(of_requests.values()) == {1: 2 * OF_EACH, 2: 2 * OF_EACH, 3: 3 * OF_EACH}
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert len(audited(headless)) == len(trail) + 3


def audited(headless: Headless) -> list[dict[str, Any]]:
    environment = BARE | {"SIGNOUT_STORE": headless.environment["SIGNOUT_STORE"]}
    command = (sys.executable, "-m", "bot", "audit", "--format", "json")
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]
