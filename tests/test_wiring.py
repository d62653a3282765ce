"""What is joined up holds no secret that it would show, and gives no one more than their way in."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from examples import KIM, StoppedClock, asked
from test_settings import GOOD

from bot.__main__ import main
from bot.edge.serve import Edge
from bot.errors import BusyError, DeniedError
from bot.facts.finding import Finding
from bot.request import TERMINAL, Operator
from bot.settings.load import load
from bot.settings.model import SECRETS
from bot.slack.clients import CONNECTIONS
from bot.wiring.run import build

ROOT = Path(__file__).parent.parent
SUPPORT = "arn:aws:iam::123456789012:role/Support"


def joined_up() -> Edge:
    Path("signout.toml").write_text(f'allow.terminal = ["{SUPPORT}"]')
    return build(load(GOOD | {"SIGNOUT_STORE": "sqlite:///signout.db"}), StoppedClock())


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_joined_up_shows_no_secret() -> None:
    edge = joined_up()
    assert [secret for secret in load(GOOD).secrets if secret in repr(edge)] == []


def test_each_thread_that_may_call_slack_has_a_connection() -> None:
    edge = joined_up()
    # Each round has a thread, and so has each refusal, outcome and answer about readiness.
    assert sum(lane.threads for lane in edge.lanes) + len(edge.rounds) + 10 <= CONNECTIONS


def test_whatever_is_sent_over_slack_nobody_is_taken_for_somebody_in_a_terminal() -> None:
    edge = joined_up()
    edge.store.open()
    forged = Operator(team_id=TERMINAL, id=SUPPORT, name="support")
    try:
        with pytest.raises(DeniedError):
            edge.flow.confirmations.authorize(asked(operator=forged))
    finally:
        edge.store.close()


def test_a_newcomers_press_waits_where_strangers_have_every_thread_and_is_not_dropped() -> None:
    edge, hold, gone = joined_up(), threading.Event(), list[str]()
    for number in range(99):
        with suppress(BusyError):
            edge.flow.entrance.run(replace(KIM, id=f"U0STRANGER{number}"), "x", hold.wait)
    with pytest.raises(BusyError):
        edge.flow.entrance.run(KIM, "x", lambda: gone.append("command"))
    edge.flow.entrance.run(KIM, "x", lambda: gone.append("press"), urgent=True)
    hold.set()
    for lane in edge.lanes:
        assert lane.join(10)
        lane.stop()
    assert gone == ["press"]


def test_what_boto3_starts_for_credentials_inherits_no_secret_of_slacks(monkeypatch: pytest.MonkeyPatch) -> None:
    inherited = set[str]()

    def look(*_: object, **__: object) -> list[Finding]:
        inherited.update(os.environ)
        return []

    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bot.wiring.check.checks", look)
    assert main(["check"]) == 0
    assert "SIGNOUT_POOL_ID" in inherited
    assert inherited.isdisjoint(SECRETS)


def test_what_reads_a_sqlite_store_imports_nothing_of_aws() -> None:
    code = "import sys, bot.wiring.stores; print({'boto3', 'botocore'} & set(sys.modules))"
    ran = subprocess.run((sys.executable, "-c", code), cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
