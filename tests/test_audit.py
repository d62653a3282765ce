"""`signout-bot audit`: what it shows, byte for byte, what it leaves out, and how it ends."""

import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ctrl_c
import pytest
from examples import ADA, KIM, NOON, SAM, ScriptedPool, StoppedClock, asked, awaiting, decided_in, worker
from headless import AUDIT, Headless
from headless import SAM as SAM_ID
from lists import Setting, people
from messages import request, second
from shell import BARE, Ran, Tty
from whole_bot import CONFIRM, card_for, store_path

from bot.__main__ import main
from bot.account import Proof, Session
from bot.action import Done, Step, Unclear
from bot.audit import OUTCOMES, Delivery, Entry, Kind, entry_of, entry_of_ask
from bot.request import Claim, Operator, State, new_id
from bot.stores.sqlite.store import SQLiteStore
from bot.terminal.audit_command import AuditQuery, parse, write_entries
from bot.terminal.audit_formats import MARK, as_csv, as_json, as_table

HOSTILE = Entry(
    id="01M81J18G0S2FYJA4JPP0958ZS",
    kind=Kind.UNKNOWN,
    at=NOON + timedelta(microseconds=5),
    rule="@rule",
    request=awaiting(
        id="01M81J18G0S2FYJA4JPP0958ZR",
        operator=Operator(team_id="T0SIGNOUT1", id="U0SAM00001", name='=cmd|"/c calc"!A1'),
        target="-ada,\r\n\x1b[2Jé\u202egpj.\U0001f600\x9b\x7f",
        reason="lost 'phone'\u2028\U000e0041",
        state=State.UNKNOWN,
        chosen=replace(ADA, phone="+4915112345678", username="\tada", created_at=None),
        claim=Claim(id="=claim", at=NOON, until=NOON + timedelta(seconds=30)),
        aws_request_ids=("a", "b"),
    ),
    delivery=Delivery(next_at=NOON),
    bot_version="0.2.0",
)
HOSTILE_JSON = (
    r'{"id":"01M81J18G0S2FYJA4JPP0958ZS","kind":"unknown","at":"2026-11-22T12:00:00.000005Z","operator":{"team_id":'
    r'"T0SIGNOUT1","id":"U0SAM00001","name":"=cmd|\"/c calc\"!A1"},"source":"slack","channel_id":"C0SUPPORT1",'
    r'"target":"-ada,\r\n\u001b[2Jé\u202egpj.😀\u009b\u007f","rule":"@rule","request_id":"01M81J18G0S2FYJA4JPP0958ZR",'
    r'"account":{"pool":"customers","pool_id":"eu-central-1_AbCdEf123","region":"eu-central-1","username":"\tada",'
    r'"sub":"343d94cb-5ddd-4f39-ab9f-be013c348223","email":"ada@example.com","phone":"+4915112345678","provider":null,'
    r'"status":"CONFIRMED","enabled":true,"created_at":null,"modified_at":null,"preferred_username":null,"protected":null},'
    r'"reason":"lost '
    r"'phone'\u2028\udb40\udc41"
    r'","created_at":"2026-11-22T12:00:00Z","expires_at":"2026-11-22T12:05:00Z","claim_id":"=claim","claimed_at":'
    r'"2026-11-22T12:00:00Z","lease_until":"2026-11-22T12:00:30Z","ended_at":null,'
    r'"attempts":0,"error_code":null,"aws_request_ids":["a","b"],"access_until":null,"login_until":null,'
    r'"bot_version":"0.2.0","delivery_attempts":0,"next_at":"2026-11-22T12:00:00Z","delivered_at":null,"ts":null,"count":1,'
    r'"needs":[],"approver":null,"approved_by":null,"approver_at":null,"denied_reason":null,"action":"sign_out","done":[],'
    r'"session_id":null,"sessions_left":null,"iss":null,"sub":null,"not_before":null,'
    r'"list_id":null,"list_pool":null,"list_size":null,"list_done":null,"list_failed":null,"list_unknown":null,'
    r'"pressed_by":null}'
    "\n"
)
HOSTILE_CSV = (
    "id,kind,at,operator_team_id,operator_id,operator_name,source,channel_id,target,rule,request_id,account_pool,"
    "account_pool_id,account_region,account_username,account_sub,account_email,account_phone,account_provider,"
    "account_status,account_enabled,account_created_at,account_modified_at,reason,created_at,expires_at,claim_id,"
    "claimed_at,lease_until,ended_at,attempts,error_code,aws_request_ids,access_until,login_until,bot_version,"
    "delivery_attempts,next_at,delivered_at,ts,count,needs,approver_team_id,approver_id,approver_name,approved_by,"
    "approver_at,denied_reason,action,done,session_id,sessions_left,iss,sub,not_before,list_id,list_pool,list_size,"
    "list_done,list_failed,list_unknown,pressed_by_team_id,pressed_by_id,pressed_by_name\r\n"
    '01M81J18G0S2FYJA4JPP0958ZS,unknown,2026-11-22T12:00:00.000005Z,T0SIGNOUT1,U0SAM00001,"\'=cmd|""/c calc""!A1",'
    "slack,C0SUPPORT1,\"'-ada,\r\n\x1b[2Jé\u202egpj.\U0001f600\x9b\x7f\",'@rule,01M81J18G0S2FYJA4JPP0958ZR,customers,"
    "eu-central-1_AbCdEf123,eu-central-1,'\tada,343d94cb-5ddd-4f39-ab9f-be013c348223,ada@example.com,'+4915112345678,"
    ",CONFIRMED,true,,,lost 'phone'\u2028\U000e0041,2026-11-22T12:00:00Z,2026-11-22T12:05:00Z,'=claim,"
    "2026-11-22T12:00:00Z,2026-11-22T12:00:30Z,,0,,a b,,,0.2.0,0,2026-11-22T12:00:00Z,,,1,,,,,,,,"
    "sign_out,,,,,,,,,,,,,,,\r\n"
)
HOSTILE_TABLE = (
    "Time (UTC)           Outcome     Target                    Operator                  Account"
    "                   Pool                      Reason                    Rule or error             Request\n"
    "2026-11-22 12:00:00  unknown     -ada,\\u000D\\u000A\\u001B[2Jé\\u202Egpj.\U0001f600\\u009B\\u007F"
    '  =cmd|"/c calc"!A1 (U0SAM00001)  \\u0009ada                 customers                 '
    "lost 'phone'\\u2028\\uE0041  @rule                     01M81J18G0S2FYJA4JPP0958ZR\n"
)


class Screen(io.StringIO):
    """Something written to that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def written(form: Callable[[Any], Callable[[Entry], object]], *entries: Entry, out: Any = None) -> str:
    out = out or io.StringIO()
    write = form(out)
    for entry in entries:
        write(entry)
    return str(out.getvalue())


def table(width: int | None, *entries: Entry) -> list[str]:
    return written(lambda out: as_table(out, width), *entries).splitlines()


@pytest.fixture
def full() -> Entry:
    ready = awaiting().move(State.READY, decided_at=NOON)
    running = ready.move(State.RUNNING, claim=Claim(id="c", at=NOON, until=NOON + timedelta(seconds=30)))
    ended = running.move(State.FAILED, ended_at=NOON, error_code="AccessDeniedException", attempts=2)
    return replace(entry_of(ended, NOON), delivery=Delivery(attempts=1, delivered_at=NOON, ts="1.0"))


# Formats


def test_json_is_exact_and_nothing_in_it_acts_on_a_terminal() -> None:
    line = written(as_json, HOSTILE)
    assert line == HOSTILE_JSON
    assert json.loads(line)["target"] == HOSTILE.ask.options.target
    assert json.loads(line)["reason"] == HOSTILE.ask.options.reason


def test_an_entry_of_a_request_has_what_is_known_of_its_claim_outcome_and_delivery(full: Entry) -> None:
    shown = json.loads(written(as_json, full))
    assert full.request
    at_noon = dict.fromkeys(("at", "created_at", "claimed_at", "ended_at", "delivered_at"), "2026-11-22T12:00:00Z")
    assert shown.items() >= at_noon.items()
    assert shown["request_id"] == full.request.id
    assert (shown["claim_id"], shown["lease_until"]) == ("c", "2026-11-22T12:00:30Z")
    assert (shown["attempts"], shown["error_code"]) == (2, "AccessDeniedException")
    assert (shown["delivery_attempts"], shown["next_at"], shown["ts"]) == (1, None, "1.0")


def test_a_decision_was_claimed_when_it_was_pressed_until_a_worker_claims_it() -> None:
    ready = awaiting().move(State.READY, decided_at=NOON + timedelta(seconds=3))
    shown = json.loads(written(as_json, entry_of(ready, NOON + timedelta(seconds=3))))
    assert (shown["kind"], shown["claimed_at"]) == ("confirmed", "2026-11-22T12:00:03Z")
    assert (shown["claim_id"], shown["lease_until"]) == (None, None)


def test_an_entry_of_no_request_has_the_same_fields_with_nothing_in_those_of_requests() -> None:
    refused = entry_of_ask(Kind.REFUSED, asked("mallory", reason="why"), "not allowed", NOON, ADA)
    shown = json.loads(written(as_json, refused))
    assert list(shown) == list(json.loads(HOSTILE_JSON))
    assert (shown["target"], shown["reason"], shown["account"]["username"]) == ("mallory", "why", "ada")
    assert (shown["created_at"], shown["claimed_at"], shown["attempts"], shown["aws_request_ids"]) == (
        None,
        None,
        0,
        [],
    )


def test_an_entry_of_what_a_second_person_decided_has_who_by_which_rule_when_and_why() -> None:
    denied, done = (entry_of(second(state, reason="not them"), NOON) for state in (State.DENIED, State.DONE))
    for entry, reason in ((denied, "not them"), (done, None)):
        shown = json.loads(written(as_json, entry))
        assert shown["needs"] == list(second(State.DONE).needs)
        assert shown["approver"] == {"team_id": KIM.team_id, "id": KIM.id, "name": "ada"}
        assert (shown["approved_by"], shown["approver_at"]) == ("approve.users", "2026-11-22T12:01:00Z")
        assert shown["denied_reason"] == reason
        assert shown["account"]["protected"] == "protect.groups: admins"
        (row,) = csv.DictReader(io.StringIO(written(as_csv, entry), newline=""))
        assert row["needs"] == " ".join(second(State.DONE).needs)
        assert (row["approver_team_id"], row["approver_id"], row["approver_name"]) == (KIM.team_id, KIM.id, "ada")
        assert (row["approved_by"], row["approver_at"]) == ("approve.users", "2026-11-22T12:01:00Z")
        assert row["denied_reason"] == (reason or "")


def test_an_entry_says_what_was_asked_for_and_which_steps_were_done() -> None:
    partly, refused = (
        entry_of(request(State.PARTLY), NOON),
        entry_of_ask(Kind.REFUSED, asked(action="let_in"), "x", NOON),
    )
    for entry, action, done in ((partly, "keep_out", ["AdminDisableUser"]), (refused, "let_in", [])):
        shown = json.loads(written(as_json, entry))
        assert (shown["action"], shown["done"]) == (action, done)
        (row,) = csv.DictReader(io.StringIO(written(as_csv, entry), newline=""))
        assert (row["action"], row["done"]) == (action, " ".join(done))


def test_what_waits_for_a_second_person_names_no_approver_yet() -> None:
    shown = json.loads(written(as_json, entry_of(second(State.APPROVING), NOON)))
    assert (shown["kind"], shown["expires_at"]) == ("confirmed", "2026-11-22T12:15:00Z")
    assert shown["needs"]
    assert [shown[name] for name in ("approver", "approved_by", "approver_at", "denied_reason")] == [None] * 4


def test_no_spreadsheet_runs_the_name_or_the_reason_of_a_second_person() -> None:
    denied = second(State.DENIED)
    assert denied.approval
    approver = replace(KIM, name="@kim")
    hostile = replace(denied, approval=replace(denied.approval, approver=approver, reason="no;=1+1"))
    (row,) = csv.DictReader(io.StringIO(written(as_csv, entry_of(hostile, NOON)), newline=""))
    assert (row["approver_name"], row["denied_reason"]) == ("'@kim", "no;'=1+1")


@pytest.mark.parametrize(
    ("state", "action", "done", "word"),
    [
        (State.PARTLY, "keep_out", (Step.DISABLE,), "partly (keep_out)"),
        (State.FAILED, "let_in", (), "failed (let_in)"),
        (State.DONE, "keep_out", (Step.DISABLE, Step.SIGN_OUT), "kept_out "),
        (State.DONE, "sign_out", (Step.SIGN_OUT,), "signed_out "),
        (State.FAILED, "sign_out", (), "failed "),
    ],
)
def test_an_entry_says_which_action_it_was_and_which_steps_were_done(
    state: State, action: str, done: tuple[str, ...], word: str
) -> None:
    entry = entry_of(awaiting(state=state, action=action, done=done, ended_at=NOON), NOON)
    shown = json.loads(written(as_json, entry))
    assert (shown["action"], shown["done"]) == (action, list(done))
    (row,) = csv.DictReader(io.StringIO(written(as_csv, entry), newline=""))
    assert (row["action"], row["done"]) == (action, " ".join(done))
    assert f"  {word}" in table(None, entry)[1]


SIGN_OUT, DISABLE, END_SESSIONS = Step.SIGN_OUT, Step.DISABLE, Step.END_SESSIONS


@pytest.mark.parametrize(
    ("state", "action", "done", "says"),
    [
        (State.DONE, "sign_out", (SIGN_OUT,), True),
        (State.UNKNOWN, "sign_out", (), True),
        (State.FAILED, "sign_out", (), False),
        (State.RUNNING, "sign_out", (), False),
        (State.DONE, "keep_out", (DISABLE, SIGN_OUT), True),
        (State.UNKNOWN, "keep_out", (DISABLE,), True),
        (State.UNKNOWN, "keep_out", (), False),
        (State.PARTLY, "keep_out", (DISABLE,), False),
        (State.PARTLY, "sign_out", (SIGN_OUT,), True),
        (State.DONE, "let_in", (Step.ENABLE,), False),
        (State.DONE, "end_session", (Step.END_SESSION,), False),
        (State.UNKNOWN, "end_session", (), False),
    ],
)
def test_an_entry_says_from_when_on_tokens_are_new_where_all_sessions_were_ended_or_may_be(
    state: State, action: str, done: tuple[str, ...], *, says: bool
) -> None:
    ended = awaiting(
        state=state, action=action, done=done, ended_at=NOON + timedelta(seconds=2.5), tracks_sessions=True
    )
    shown = json.loads(written(as_json, entry_of(ended, NOON)))
    second = int(NOON.timestamp()) + 3
    expected = ("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123", ADA.sub, second)
    assert (shown["iss"], shown["sub"], shown["not_before"]) == (expected if says else (None, None, None))


def test_it_says_so_by_cognitos_clock_and_not_by_the_bots(store: SQLiteStore) -> None:
    said_yes = NOON - timedelta(seconds=4)
    worker(store, ScriptedPool([Done("1", said_yes)], StoppedClock()), StoppedClock()).run(decided_in(store))
    *_, ended = store.entries(None, None)
    assert json.loads(written(as_json, ended))["not_before"] == int(said_yes.timestamp()) + 1


def test_a_list_of_which_an_account_is_not_known_names_no_one_whose_tokens_are_old(store: SQLiteStore) -> None:
    of_two = Setting(store, people(2), answers=[Done("aws-1"), Unclear("TimedOut")])
    of_two.confirmed("p00000", "p00001")
    of_two.run()
    shown = [json.loads(written(as_json, each)) for each in store.entries(None, None) if each.kind in OUTCOMES]
    assert [(each["kind"], bool(each["sub"])) for each in shown] == [
        ("signed_out", True),
        ("unknown", True),
        ("unknown", False),
    ]


def test_an_entry_says_which_session_was_ended_or_how_many_are_left() -> None:
    phone = Session(id="tkn-phone", kind="TOKEN", device="phone", city="Lisbon", address="203.0.113.7")
    one = awaiting(state=State.DONE, action="end_session", session=phone, ended_at=NOON)
    every = awaiting(state=State.DONE, proof=Proof(at=NOON, left=2), ended_at=NOON)
    for ended, session_id, left in ((one, "tkn-phone", None), (every, None, 2)):
        line = written(as_json, entry_of(ended, NOON))
        shown = json.loads(line)
        assert (shown["session_id"], shown["sessions_left"]) == (session_id, left)
        assert "203.0.113.7" not in line
        assert "Lisbon" not in line


def test_csv_is_as_rfc_4180_has_it_and_runs_no_formula() -> None:
    text = written(as_csv, HOSTILE)
    assert text == HOSTILE_CSV
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["target"] == f"'{HOSTILE.ask.options.target}"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


@pytest.mark.parametrize("sign", [*"=+-@", *"＝＋－＠", *"﹦﹢﹣﹫"])  # noqa: RUF001 -- they look like ASCII's
@pytest.mark.parametrize("before", ["", " ", "\n", "\u3000", "\ufeff", "\u200b\x00", "\t", "\r"])
def test_no_spreadsheet_runs_a_cell_whatever_is_before_its_first_sign(before: str, sign: str) -> None:
    text = written(as_csv, entry_of(awaiting(target=f"{before}{sign}1+1"), NOON))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    again = "'" if before in {"\n", "\t", "\r"} else ""  # a cell of its own may begin there
    assert row["target"] == f"'{before}{again}{sign}1+1"


@pytest.mark.parametrize("between", [";", "\t", "\n", "\r\n", "; ", ";\u200b", ';"', ';" "', ";;", "\n;"])
@pytest.mark.parametrize("sign", [*"=+-@", "＝"])  # noqa: RUF001 -- it looks like ASCII's
def test_no_spreadsheet_runs_a_part_of_a_text_that_it_takes_for_a_cell(between: str, sign: str) -> None:
    text = written(as_csv, entry_of(awaiting(target=f"x{between}{sign}cmd|'/C calc'!A0;y"), NOON))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    blank = between.rstrip(' "\u200b')
    assert row["target"] == f"x{blank}'{between.removeprefix(blank)}{sign}cmd|'/C calc'!A0;y"
    for cell in re.split(r"[;\t\r\n]", text):
        assert not re.match('[ "\u200b]*[=+@＝-]', cell)  # noqa: RUF001


def test_several_values_in_one_cell_run_no_formula_either() -> None:
    done = replace(awaiting(), aws_request_ids=("=1+1", "b"))
    (row,) = csv.DictReader(io.StringIO(written(as_csv, entry_of(done, NOON)), newline=""))
    assert row["aws_request_ids"] == "'=1+1 b"


@pytest.mark.parametrize(
    "target", ["ada", "a=1", " ada", "a;b=1", "a; b", "a\tb", "josé", "日本語", "1-2", "—x", "", " "]
)
def test_csv_leaves_any_other_text_as_it_is(target: str) -> None:
    text = written(as_csv, entry_of(awaiting(target=target), NOON))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["target"] == target


def test_csv_for_excel_is_the_csv_after_a_byte_order_mark() -> None:
    assert written(lambda out: as_csv(out, MARK), HOSTILE) == f"\ufeff{HOSTILE_CSV}"


def test_csv_on_a_terminal_shows_what_would_act_on_it() -> None:
    text = written(as_csv, HOSTILE, out=Screen())
    assert "\\u000D\\u000A\\u001B[2Jé\\u202Egpj.\U0001f600\\u009B\\u007F" in text
    assert len(text.splitlines()) == 2


def test_the_table_shows_what_would_not_be_seen_and_keeps_each_entry_on_its_line() -> None:
    assert written(lambda out: as_table(out, None), HOSTILE) == HOSTILE_TABLE


@pytest.mark.parametrize("width", [45, 57, 79, 80, 100, 120, 132, 133, 200, 400])
def test_the_table_fits_the_terminal(width: int, full: Entry) -> None:
    operator = replace(SAM, name="\U0001f600" * 30)
    wide = replace(full, request=awaiting(target="日本語" * 20, reason="e\u0301" * 40, operator=operator))
    for line in table(width, full, wide, HOSTILE):
        assert cells(line) <= width
        assert not any(character in line for character in "\x1b\x9b\u202e\r")


def cells(line: str) -> int:
    return sum(2 if each in "日本語\U0001f600" else each != "\u0301" for each in line)


def test_a_narrow_terminal_keeps_when_what_and_to_whom(full: Entry) -> None:
    assert table(20, replace(full, request=awaiting(target="ada@example.com"))) == [
        "Time (UTC)           Outcome     Target",
        "2026-11-22 12:00:00  failed      ada@examp…",
    ]


def test_a_common_terminal_has_room_for_who_and_where(full: Entry) -> None:
    assert table(80, full) == [
        "Time (UTC)           Outcome     Target       Operator     Account    Pool",
        "2026-11-22 12:00:00  failed      ada          sam (U0SAM…  ada        custome…",
    ]


def test_a_wide_terminal_has_room_for_everything(full: Entry) -> None:
    header, row = table(200, full)
    for title in ("Reason", "Rule or error", "Request"):
        assert title in header
    for fact in ("sam (U0SAM00001)", "lost phone", "AccessDenied", full.ask.id):
        assert fact in row


@pytest.mark.parametrize(
    ("state", "outcome", "by"),
    [
        (State.READY, "approved", "approve.users, ada (U0KIM00001)"),
        (State.DENIED, "denied", "approve.users, ada (U0KIM00001): not them"),
        (State.DONE, "signed_out", "allow.users"),
    ],
)
def test_the_table_says_who_approved_or_denied(state: State, outcome: str, by: str) -> None:
    _, row = table(None, entry_of(second(state, reason="not them"), NOON))
    assert re.split(" {2,}", row)[1] == outcome
    assert f"  {by}  " in row


def test_the_table_says_which_limit_was_reached() -> None:
    _, row = table(None, entry_of_ask(Kind.LIMITED, asked("ada"), "limits.per_operator", NOON, ADA))
    assert re.split(" {2,}", row)[1:3] == ["limited", "ada"]
    assert "  limits.per_operator  " in row


# Filters and their forms

OTHER = Operator(team_id="terminal", id="arn:aws:iam::123456789012:role/Support", name="Kim")
GRACE = replace(ADA, pool="staff", pool_id="eu-west-1_Staff1", username="grace", email="g@example.com", sub="s-2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signout.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    opened = SQLiteStore(path)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def environment(store: SQLiteStore, path: Path) -> dict[str, str]:
    assert store
    return {**BARE, "SIGNOUT_STORE": f"sqlite:///{path}"}


@pytest.fixture
def audit(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    def run(*words: str, **changes: str) -> Ran:
        with monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in (environment | changes).items():
                patch.setenv(name, value)
            capfd.readouterr()
            try:
                code = main(["audit", *words])
            except SystemExit as ended:
                code = int(str(ended.code))
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def three(store: SQLiteStore) -> list[Entry]:
    """Sam's to ada, signed out on the 20th; Kim's to grace, failed on the 21st; Sam's, refused at noon on the 22nd."""
    ada = entry_of(awaiting(target="Ada", chosen=replace(ADA, phone="+49151")), NOON - timedelta(days=2))
    grace = entry_of(awaiting(id=new_id(NOON), operator=OTHER, target="g", chosen=GRACE), NOON - timedelta(days=1))
    refused = entry_of_ask(Kind.REFUSED, asked("mallory"), "not allowed", NOON)
    entries = [replace(ada, kind=Kind.SIGNED_OUT), replace(grace, kind=Kind.FAILED), refused]
    for entry in entries:
        store.record(entry)
    return entries


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], ["Ada", "g", "mallory"]),
        (["--operator", "U0SAM00001"], ["Ada", "mallory"]),
        (["--operator", "SAM"], ["Ada", "mallory"]),
        (["--operator", "arn:aws:iam::123456789012:role/Support"], ["g"]),
        (["--operator", "sa"], []),
        (["--last", "2"], ["g", "mallory"]),
        (["--last", "1", "--operator", "sam", "--outcome", "signed_out"], ["Ada"]),
        (["--last", "99999"], ["Ada", "g", "mallory"]),
        (["--target", "ada"], ["Ada"]),
        (["--target", "ada@example.COM"], ["Ada"]),
        (["--target", "+49151"], ["Ada"]),
        (["--target", "s-2"], ["g"]),
        (["--target", "grace"], ["g"]),
        (["--target", "mallory"], ["mallory"]),
        (["--target", ""], []),
        (["--pool", "staff"], ["g"]),
        (["--pool", "eu-central-1_AbCdEf123"], ["Ada"]),
        (["--outcome", "signed_out"], ["Ada"]),
        (["--outcome", "failed", "--outcome", "refused"], ["g", "mallory"]),
        (["--outcome", "unknown"], []),
        (["--since", "2026-11-21"], ["g", "mallory"]),
        (["--since", "2026-11-21T12:00Z"], ["g", "mallory"]),
        (["--since", "2026-11-21T12:00:00.000001Z"], ["mallory"]),
        (["--since", "2026-11-21T14:00+02:00"], ["g", "mallory"]),
        (["--since", "2026-11-21 12:01"], ["mallory"]),
        (["--until", "2026-11-21"], ["Ada"]),
        (["--until", "2026-11-21T12:00Z"], ["Ada"]),
        (["--since", "2026-11-21", "--until", "2026-11-22"], ["g"]),
        (["--since", "36500d"], ["Ada", "g", "mallory"]),
        (["--since", "1h", "--until", "1m"], []),
        (["--operator", "sam", "--pool", "customers", "--outcome", "signed_out", "--until", "2026-11-21"], ["Ada"]),
    ],
)
def test_a_filter_leaves_what_it_says(
    audit: Callable[..., Ran], three: list[Entry], words: list[str], shown: list[str]
) -> None:
    ran = audit("--format", "json", *words)
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(line)["target"] for line in ran.out.splitlines()] == shown
    assert len(three) == 3


@pytest.mark.parametrize("kind", ["approved", "denied", "limited"])
def test_what_a_second_person_or_a_limit_did_can_be_asked_for(
    audit: Callable[..., Ran], store: SQLiteStore, three: list[Entry], kind: str
) -> None:
    for state in (State.READY, State.DENIED):
        store.record(entry_of(second(state), NOON))
    store.record(entry_of_ask(Kind.LIMITED, asked("ada"), "limits.all", NOON, ADA))
    ran = audit("--format", "json", "--outcome", kind)
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(line)["kind"] for line in ran.out.splitlines()] == [kind]
    assert f"2026-11-22 12:00:00  {kind}" in audit("--outcome", kind).out
    assert kind not in {entry.kind for entry in three}


def test_one_request_can_be_asked_for_however_its_id_is_cased(audit: Callable[..., Ran], three: list[Entry]) -> None:
    for given in (three[1].ask.id, three[1].ask.id.lower()):
        ran = audit("--format", "json", "--request", given)
        assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [three[1].id]


@pytest.mark.parametrize(
    ("given", "ago"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604800)],
)
def test_a_length_of_time_counts_back_from_now(given: str, ago: int) -> None:
    assert parse(["--since", given], NOON).since == NOON - timedelta(seconds=ago)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--since", "yesterday"], "--since: must be 90s, 30m, 2h or 7d ago, or a date such as 2026-11-20"),
        (["--since", ""], "--since: must be"),
        (["--since", "2"], "--since: must be"),
        (["--since", "-2h"], "expected one argument"),
        (["--since=-2h"], "--since: must be"),
        (["--since", "999999999d"], "--since: must be"),
        (["--since", "0001-01-01T00:00+14:00"], "--since: must be"),
        (["--until", "2026-13-01"], "--until: must be"),
        (["--until", "2026-11-20T25:00Z"], "--until: must be"),
        (["--since", "2h", "--until", "3h"], "--since must be before --until"),
        (["--since", "2026-11-20", "--until", "2026-11-20"], "--since must be before --until"),
        (["--outcome", "done"], "--outcome: invalid"),
        (["--request", "ada"], "--request: must be an id of 26 characters"),
        (["--request", "01M81J18G0S2FYJA4JPP0958ZI"], "--request: must be an id"),
        (["--after", "01M81J18G0S2FYJA4JPP0958ZS"], "--after needs --follow"),
        (["--follow", "--after", "last"], "--after: must be an id of 26 characters"),
        (["--follow", "--until", "2026-11-20"], "--follow writes --format json, and goes on"),
        (["--follow", "--last", "5"], "--follow writes --format json, and goes on"),
        (["--follow", "--format", "csv"], "--follow writes --format json, and goes on"),
        (["--follow", "--request", "01M81J18G0S2FYJA4JPP0958ZS"], "--follow writes --format json, and goes on"),
        (["--format", "xml"], "--format: invalid choice"),
        (["--sinc", "2h"], "unrecognized arguments: --sinc"),
        (["ada"], "unrecognized arguments: ada"),
        (["--pool"], "--pool: expected one argument"),
    ],
)
def test_wrong_usage_is_said_before_the_store_is_looked_for(
    audit: Callable[..., Ran], words: list[str], sentence: str
) -> None:
    ran = audit(*words, SIGNOUT_STORE="sqlite:////nowhere/none.db")
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_help_says_what_is_personal_and_what_is_done_to_formulas(audit: Callable[..., Ran]) -> None:
    ran = audit("--help", SIGNOUT_STORE="rubbish")
    assert ran.code == 0
    for words in ("personal data too", "apostrophe", "UTC", "Exit codes"):
        assert words in ran.out


def test_without_a_store_there_is_a_sentence_and_still_no_store(audit: Callable[..., Ran], tmp_path: Path) -> None:
    ran = audit(SIGNOUT_STORE=f"sqlite:///{tmp_path}/none.db")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"There is no store at {tmp_path}/none.db. Check SIGNOUT_STORE")
    assert not (tmp_path / "none.db").exists()


def test_a_fault_in_the_store_setting_is_said(audit: Callable[..., Ran]) -> None:
    ran = audit(SIGNOUT_STORE="signout.db", SIGNOUT_STOER="x")
    assert ran.code == 1
    assert "SIGNOUT_STOER is not a setting" in ran.err
    assert "SIGNOUT_STORE (store in the file) must be" in ran.err


def test_where_nothing_matches_the_table_is_its_header(audit: Callable[..., Ran]) -> None:
    ran = audit()
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Time (UTC) ")
    assert len(ran.out.splitlines()) == 1


def test_an_entry_that_cannot_be_read_is_named_beside_the_others(
    audit: Callable[..., Ran], three: list[Entry], path: Path
) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE entries SET document = 'rubbish' WHERE id = ?", (three[1].id,))
    db.close()
    assert [json.loads(line)["target"] for line in audit("--format", "json").out.splitlines()] == ["Ada", "mallory"]


def test_the_first_line_is_out_before_the_next_entry_is_read(capfd: pytest.CaptureFixture[str]) -> None:
    seen = []

    def entries() -> Iterator[Entry]:
        yield HOSTILE
        seen.append(capfd.readouterr().out)

    write_entries(entries(), AuditQuery(format="json"))
    assert seen == [HOSTILE_JSON]


# As a process


@pytest.fixture
def many(store: SQLiteStore) -> int:
    """So many entries that no pipe holds them."""
    entry = entry_of_ask(Kind.NOT_FOUND, asked(), "no such account", NOON)
    for _ in range(400):
        store.record(replace(entry, id=new_id(NOON)))
    return 400


def started(environment: dict[str, str], *words: str, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bot", "audit", *words]
    with ctrl_c.taken():
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, **streams)


def test_a_reader_who_has_seen_enough_ends_it_quietly(environment: dict[str, str], many: int) -> None:
    with started(environment, "--format", "json", stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["target"] == "ada"
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)
    assert many == 400


def test_ctrl_c_ends_it_with_130(environment: dict[str, str], many: int) -> None:
    with started(environment, "--format", "json", stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()  # it waits now until more is read
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert len(out.splitlines()) < many


def test_a_full_disk_is_said(environment: dict[str, str], many: int) -> None:
    assert many
    with Path("/dev/full").open("wb") as full_disk, started(environment, stdout=full_disk) as process:
        assert process.stderr
        assert process.stderr.read() == b"Standard output does not take it: No space left on device.\n"
        assert process.wait() == 1


def test_it_is_utf_8_in_any_locale(environment: dict[str, str], store: SQLiteStore) -> None:
    store.record(entry_of(awaiting(target="日本"), NOON))
    strange = environment | {"PYTHONIOENCODING": "latin-1"}
    with started(strange, "--format", "json", stdout=subprocess.PIPE) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert "日本" in out.decode()


def test_on_a_terminal_the_table_takes_its_width(environment: dict[str, str], three: list[Entry]) -> None:
    assert len(three) == 3
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    with started(environment, stdout=theirs, stdin=theirs) as process:
        os.close(theirs)
        tty = Tty(process, ours)
        assert tty.ended() == 0
    os.close(ours)
    lines = tty.shown.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 60
    assert "Operator" in lines[0]
    assert "Account" not in lines[0]


def test_it_runs_beside_a_bot_and_needs_none_of_its_secrets(headless: Headless, audit: Callable[..., Ran]) -> None:
    with headless.bot_in_process():
        card = card_for(headless, SAM_ID)
        headless.press(SAM_ID, card, CONFIRM)
        headless.wait_for_message(SAM_ID, AUDIT, containing="Signed out")
        ran = audit("--format", "json", SIGNOUT_STORE=f"sqlite:///{store_path(headless)}")
    kinds = [json.loads(line)["kind"] for line in ran.out.splitlines()]
    assert (ran.code, kinds) == (0, ["opened", "confirmed", "signed_out"])


def test_a_bot_forgets_what_is_older_than_retain_and_nothing_else(headless: Headless) -> None:
    store = SQLiteStore(store_path(headless))
    store.open()
    now = datetime.now(UTC)
    for days in (3, 1):
        entry = entry_of_ask(Kind.NOT_FOUND, asked(str(days)), "no such account", now - timedelta(days=days))
        store.record(entry)
    with headless.bot_in_process():
        pass
    assert len(list(store.entries(None, None))) == 2
    with headless.bot_in_process(SIGNOUT_RETAIN="2d"):
        headless.wait_for(lambda: [each.ask.options.target for each in store.entries(None, None)] == ["1"])
    store.close()
