"""api.md names exactly what programs can read: exit codes, words, fields, ids, metrics. The code says what there is."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import pytest
from examples import ASKED_FOR, NOON, at_leisure
from messages import SHOWN, refused_often, request
from prometheus_client.parser import text_string_to_metric_families

from bot.action import ACTIONS, Step
from bot.audit import OUTCOMES, POSTED, Kind, entry_of
from bot.aws.spelling import AwsSpelling
from bot.edge.metrics import COUNTERS, GAUGES, Metrics
from bot.edge.readiness import STATUSES
from bot.errors import LimitReachedError, SecondPersonError
from bot.facts.finding import Finding
from bot.request import State
from bot.slack.approvals import APPROVE, DENY
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from bot.slack.listeners import Listeners
from bot.slack.outcomes import DO
from bot.slack.sessions import END_THIS
from bot.terminal.audit_formats import as_csv, as_json
from bot.terminal.check_report import report
from bot.terminal.output import DONE, FAILED, INTERRUPTED, OF_SIGNOUT
from bot.terminal.signout_command import HELP

PAGE = (Path(__file__).parent.parent / ".github/docs/api.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE))
WRONG_USAGE = 2  # argparse's


def rows(section: str) -> Sequence[Sequence[str]]:
    """Return the cells of each row of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named(text: str) -> list[str]:
    """Return what is written as code."""
    return re.findall(r"`([^`]+)`", text)


def example(section: str) -> Any:
    """Return a section's example of a JSON document."""
    (block,) = re.findall(r"^```json\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return json.loads(block)


def test_the_exit_codes_are_those_that_commands_end_with() -> None:
    of_signout = {code for verb, code, _ in rows("Exit codes") if verb == "`signout`"}
    of_others = {code for verb, code, _ in rows("Exit codes") if verb != "`signout`"}
    assert of_signout == {f"`{code}`" for code in (DONE, *OF_SIGNOUT.values())}
    assert of_others == {f"`{code}`" for code in (DONE, FAILED, WRONG_USAGE, INTERRUPTED)}


def test_the_help_of_signout_tells_the_same_of_a_limit_and_of_a_second_person() -> None:
    page = {code.strip("`"): when for verb, code, when in rows("Exit codes") if verb != "all but `signout`"}
    helped = " ".join(HELP.partition("Exit codes: ")[2].removesuffix(".").split())
    told = dict(re.findall(r"(?:^|, )(\d+) (.*?)(?=, \d+ |$)", helped))
    assert list(told) == [*map(str, (DONE, *OF_SIGNOUT.values(), INTERRUPTED))]
    for error, words in ((LimitReachedError("", timedelta()), "a limit"), (SecondPersonError([]), "a second person")):
        code = str(OF_SIGNOUT[error.code])
        assert words in told[code]
        assert words.split()[-1] in page[code]


def test_each_outcome_word_is_told_with_whether_it_is_posted() -> None:
    assert [word for word, *_ in rows("Outcome words")] == [f"`{kind}`" for kind in Kind]
    assert {word for word, _, posted in rows("Outcome words") if posted == "yes"} == {f"`{kind}`" for kind in POSTED}
    steps = [kind for kind in Kind if kind not in OUTCOMES]
    assert steps == [*list(Kind)[:7], Kind.LIMITED]
    assert "The first seven are steps on the way, and `limited` is beside them" in SECTIONS["Outcome words"]


def test_the_metadata_of_an_audit_message_has_the_shape_that_is_shown() -> None:
    posted = dict[str, Any]()
    client: Any = SimpleNamespace(chat_postMessage=lambda **call: posted.update(call) or {"ts": "1.1"})
    SlackAuditChannel(client, "C0AUDIT001", SHOWN).post(refused_often("ada"), at_leisure)
    shown = example("Audit messages in Slack")
    assert shown["event_type"] == posted["metadata"]["event_type"]
    assert list(shown["event_payload"]) == list(posted["metadata"]["event_payload"])
    assert shown["event_payload"]["outcome"] == posted["metadata"]["event_payload"]["outcome"]


def test_the_ids_of_buttons_are_those_that_the_bot_takes() -> None:
    nothing: Any = SimpleNamespace(confirm=None, cancel=None, choose=None, approve=None, open_denial=None)
    buttons = list(Listeners(nothing, nothing, nothing, AwsSpelling().read).buttons)
    told = re.findall(r"`(signout_\w+)`", SECTIONS["Audit messages in Slack"])
    others = [f"{DO}{each}" for each in ASKED_FOR]
    choices, sessions = ([each for each in buttons if each.startswith(start)] for start in (CHOOSE, END_THIS))
    assert told == [CONFIRM, CANCEL, *(choices[0], choices[-1]), *others, *(sessions[0], sessions[-1]), APPROVE, DENY]
    assert {*buttons, APPROVE, DENY} >= {*told}


def test_check_prints_the_json_that_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = example("`check --json`")
    assert report([Finding(**each) for each in shown["checks"]], as_json=True) == FAILED
    assert json.loads(capsys.readouterr().out) == shown
    statuses = get_args(get_type_hints(Finding)["status"])
    assert set(named(SECTIONS["`check --json`"])) >= set(statuses)


def test_the_fields_and_columns_of_the_audit_log_are_told_in_their_order(tmp_path: Path) -> None:
    table = rows("`audit --format json` and `csv`")
    with (tmp_path / "log").open("w+") as out:
        as_json(out)(entry_of(request(State.DONE), NOON))
        as_csv(out)
        out.seek(0)
        in_json, columns = out.read().splitlines()
    assert [name for field, *_ in table for name in named(field)] == list(json.loads(in_json))
    assert [name for _, cells, _ in table for name in named(cells)] == columns.split(",")


def test_each_action_and_each_step_is_told() -> None:
    told = {cells[0]: cells[2] for cells in rows("`audit --format json` and `csv`")}
    assert set(named(told["`action`"])) == set(ACTIONS)
    assert set(named(SECTIONS["`audit --format json` and `csv`"].partition("### Steps\n")[2])) == set(Step)


def test_the_health_pages_statuses_are_told() -> None:
    assert set(named(SECTIONS["Health pages"])) >= set(STATUSES)


def test_each_metric_is_told_with_its_labels_and_no_other() -> None:
    page, _ = Metrics().page({}, "")
    families = [each for each in text_string_to_metric_families(page.decode()) if each.name.startswith("signout_")]
    there = {f"signout_{name}_total": labels for name, (_, labels) in COUNTERS.items()}
    there |= {f"signout_{name}": labels for name, (_, labels) in GAUGES.items()}
    there |= {each.name: [] for each in families if each.type == "histogram"}
    there |= {each.name: ["version"] for each in families if each.name == "signout_build_info"}
    counted = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    assert counted == set(there), "the page of a bot shows nothing else"
    assert {named(name)[0]: named(labels) for name, labels, _ in rows("Metrics")} == there
    assert len(rows("Metrics")) == len(there)
