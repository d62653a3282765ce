"""Requests and entries as documents: what is written says its shape, and each shape that was ever stored is read."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from examples import ADA, ASKED_FOR, NOON, SAM, asked, awaiting, delivered_all, done_in, listing

from bot.action import ACTIONS, Step
from bot.audit import Delivery, Entry, Kind, entry_of, entry_of_ask
from bot.facts.finding import COUNTED_UP_TO
from bot.listed import Counts, LeftOut, Several
from bot.request import AWAITING, ENDED, Claim, Request, State
from bot.stores import documents
from bot.stores.documents import (
    SHAPE,
    portion_of,
    text,
    text_of_portion,
    values_of_entry,
    values_of_request,
)
from bot.stores.sqlite.store import SQLiteStore

NO_DELIVERY: dict[str, object] = {"attempts": 0, "next_at": None, "delivered_at": None, "ts": None}


def json_of_request(request: Request) -> str:
    return str(values_of_request(request)["document"])


def json_of_entry(entry: Entry) -> str:
    return str(values_of_entry(entry)["document"])


def request_of_json(stored: str) -> Request:
    return documents.request_of({"document": stored})


def entry_of_json(stored: str, delivery: Mapping[str, object] = NO_DELIVERY) -> Entry:
    return documents.read_entry({"document": stored, **delivery})


def test_a_document_says_its_shape_and_every_field_by_its_name() -> None:
    request = awaiting()
    document = json.loads(json_of_request(request))
    assert document.pop("shape") == SHAPE == 4
    assert set(document) == {each.name for each in fields(request)}
    entry = json.loads(json_of_entry(entry_of(request, NOON)))
    assert entry.pop("shape") == SHAPE == 4
    assert set(entry) == {each.name for each in fields(Entry)} - {"delivery"}


# What version 0.2.0 wrote. It is in people's stores, and is never to be edited here.
REQUEST_1 = """
{"shape":1,"ask":{"id":"01M81J18G0VRQ4DBJ6SQ2BB8WQ","operator":{"team_id":"T0SIGNOUT1","id":"U0SAM00001","name":"sam"},
"source":"slack","channel_id":"C0SUPPORT1","options":{"target":"ada","pool":null,"pool_id":null,"exactly":false,
"reason":"lost phone","action":"sign_out"}},"version":4,"state":"done","candidates":[],"matches":1,"chosen":{"pool":
"customers","pool_id":"eu-central-1_AbCdEf123","region":"eu-central-1","username":"ada","sub":
"343d94cb-5ddd-4f39-ab9f-be013c348223","email":"ada@example.com","phone":null,"provider":null,"status":"CONFIRMED",
"enabled":true,"created_at":"2025-10-18T12:00:00Z","modified_at":null},"earlier":{"at":"2026-11-22T11:00:00Z","by":
"kim"},"allowed_by":"allow.users","created_at":"2026-11-22T12:00:00Z","expires_at":"2026-11-22T12:05:00Z","decided_at":
"2026-11-22T12:00:01.000005Z","claim":{"id":"x","at":"2026-11-22T12:00:02Z","until":"2026-11-22T12:00:32Z"},"in_doubt":
true,"done":["AdminUserGlobalSignOut"],"attempts":2,"error_code":null,"aws_request_ids":["a","b"],"ended_at":
"2026-11-22T12:00:03Z","access_until":"2026-11-22T13:00:03Z","login_until":null}
"""
ENTRY_1 = (
    '{"shape":1,"id":"01M81J18G0VRQ4DBJ6SQ2BB8WR","kind":"signed_out","at":"2026-11-22T12:00:03Z","rule":"allow.users",'
    f'"request":{REQUEST_1.replace(chr(34) + "shape" + chr(34) + ":1,", "")},"asked":null,"account":null,'
    '"bot_version":"0.2.0"}'
)
REFUSAL_1 = (
    '{"shape":1,"id":"01M81J18G0VRQ4DBJ6SQ2BB8WS","kind":"refused","at":"2026-11-22T12:00:00Z","rule":"not allowed",'
    '"request":null,"asked":{"id":"01M81J18G0VRQ4DBJ6SQ2BB8WQ","operator":{"team_id":"T0SIGNOUT1","id":"U0SAM00001",'
    '"name":"sam"},"source":"slack","channel_id":"C0SUPPORT1","options":{"target":"ada","pool":null,"pool_id":null,'
    '"exactly":false,"reason":null,"action":"sign_out"}},"account":null,"bot_version":"0.2.0"}'
)


def test_a_document_of_shape_1_is_read() -> None:
    request = request_of_json(REQUEST_1)
    assert (request.state, request.chosen, request.attempts, request.in_doubt) == (State.DONE, ADA, 2, True)
    assert request.decided_at == NOON + timedelta(seconds=1, microseconds=5)
    entry = entry_of_json(ENTRY_1, NO_DELIVERY)
    assert (entry.kind, entry.request, entry.bot_version) == (Kind.SIGNED_OUT, request, "0.2.0")
    refusal = entry_of_json(REFUSAL_1, NO_DELIVERY | {"attempts": 2, "next_at": text(NOON)})
    assert (refusal.kind, refusal.ask.options.target) == (Kind.REFUSED, "ada")
    assert refusal.delivery == Delivery(attempts=2, next_at=NOON)


# 0.2.0 did not write these at first; of the fields of shape 1 it does not mind any.
LATER_FIELDS: dict[str, object] = {
    "looked_up_at": None,
    "searched_as": None,
    "needs": [],
    "may": [],
    "may_ask": [],
    "tracks_sessions": False,
    "sessions": None,
    "session": None,
    "proof": None,
    "approval": None,
    "signed_out_at": None,
    "listed": None,
    "list_id": None,
    "pressed_by": None,
}  # of a request
LATER_OPTIONS: dict[str, object] = {"region": None, "dropped": []}
LATER_ACCOUNT_FIELDS: dict[str, object] = {"preferred_username": None, "protected": None}
LATER_ENTRY_FIELDS: dict[str, object] = {"count": 1, "until": None, "examples": []}


def with_later_fields(request: dict[str, Any]) -> dict[str, Any]:
    return request | LATER_FIELDS | {"chosen": request["chosen"] | LATER_ACCOUNT_FIELDS}


def test_what_is_read_is_written_again_as_it_was_and_with_the_fields_that_came_later() -> None:
    request = with_later_fields(json.loads(REQUEST_1)) | {"shape": SHAPE}
    request["ask"]["options"] |= LATER_OPTIONS
    assert json.loads(json_of_request(request_of_json(REQUEST_1))) == request
    for stored in (ENTRY_1, REFUSAL_1):
        expected = json.loads(stored) | LATER_ENTRY_FIELDS | {"shape": SHAPE}
        if expected["request"]:
            expected["request"] = {name: value for name, value in request.items() if name != "shape"}
        else:
            expected["asked"]["options"] |= LATER_OPTIONS
        assert json.loads(json_of_entry(entry_of_json(stored, NO_DELIVERY))) == expected


@pytest.mark.parametrize("shape", range(1, SHAPE + 1))
def test_a_document_of_each_shape_that_was_ever_stored_is_read(shape: int) -> None:
    for stored, read in ((REQUEST_1, request_of_json), (ENTRY_1, entry_of_json), (REFUSAL_1, entry_of_json)):
        assert read(of_shape(shape, stored)) == read(stored)


def of_shape(shape: int, stored: str) -> str:
    return json.dumps(json.loads(stored) | {"shape": shape})


def test_a_trail_of_two_shapes_is_read_and_none_of_it_is_rewritten(store: SQLiteStore) -> None:
    done_in(store)
    before = list(store.entries(None, None))
    stored = store._file.rows("SELECT number, document FROM entries")
    earlier = {row["number"]: of_shape(1, row["document"]) for row in stored[::2]}
    for number, document in earlier.items():
        store._file.rows(
            "UPDATE entries SET document = :document WHERE number = :number", {"document": document, "number": number}
        )
    assert list(store.entries(None, None)) == before
    delivered_all(store, NOON)
    after = {row["number"]: row["document"] for row in store._file.rows("SELECT number, document FROM entries")}
    assert after == {row["number"]: row["document"] for row in stored} | earlier


NEWER = json.dumps(json.loads(REQUEST_1) | json.loads(ENTRY_1) | {"shape": SHAPE + 1})


@pytest.mark.parametrize(
    "stored", ["", "{", "{}", "null", "[]", '{"shape":3}', '{"shape":2}', '{"shape":1}', '{"shape":null}', NEWER]
)
def test_what_is_no_document_of_a_known_shape_cannot_be_read(stored: str) -> None:
    for read in (request_of_json, lambda stored: entry_of_json(stored, NO_DELIVERY)):
        with pytest.raises((ValueError, LookupError, TypeError)):
            read(stored)


# What is stored beside the documents


def test_times_are_of_one_width_and_sort_as_text() -> None:
    times = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(seconds=1), NOON + timedelta(days=300)]
    texts = [str(text(time)) for time in times]
    assert texts == sorted(texts)
    assert {len(each) for each in texts} == {32}
    assert text(NOON.astimezone(timezone(timedelta(hours=5)))) == text(NOON)
    assert datetime.fromisoformat(texts[0]) == NOON
    assert NOON.tzinfo is UTC


def test_accounts_have_keys_of_their_own() -> None:
    accounts = [ADA, replace(ADA, username="b"), replace(ADA, pool_id="eu-central-1_B"), replace(ADA, username="#")]
    assert len({each.key for each in accounts}) == len(accounts)


def test_an_account_in_a_replica_has_a_key_of_its_own_and_all_others_the_one_they_always_had() -> None:
    assert ADA.key == "eu-central-1_AbCdEf123#ada"
    assert replace(ADA, region="us-west-2").key == "eu-central-1_AbCdEf123@us-west-2#ada"


@pytest.mark.parametrize("state", State)
def test_a_request_is_due_while_something_is_to_be_done_about_it(state: State) -> None:
    claim = Claim(id="x", at=NOON, until=NOON + timedelta(seconds=30))
    request = awaiting(
        state=state, decided_at=NOON, claim=claim, done=(str(Step.SIGN_OUT),) if state is State.DONE else ()
    )
    expected = {
        State.PREVIEWING: ("awaiting", text(request.expires_at)),
        State.CHOOSING: ("awaiting", text(request.expires_at)),
        State.CONFIRMING: ("awaiting", text(request.expires_at)),
        State.APPROVING: ("awaiting", text(request.expires_at)),
        State.READY: ("ready", text(NOON)),
        State.RUNNING: ("running", text(claim.until)),
    }
    values = values_of_request(request)
    assert (values["due"], values["due_at"]) == expected.get(state, (None, None))
    assert (values["due"] is None) == (state in {*ENDED, State.PAUSED, State.STOPPING})
    assert values["account"] == (ADA.key if state is State.DONE else None)


@pytest.mark.parametrize("state", State)
def test_a_list_is_due_while_something_is_to_be_done_about_it(state: State) -> None:
    request = listing(state=state, decided_at=NOON)
    awaited = ("awaiting", text(request.expires_at))
    for_its_runners = ("list", text(NOON))
    values = values_of_request(request)
    expected = {
        **dict.fromkeys(AWAITING, awaited),
        **dict.fromkeys((State.READY, State.RUNNING, State.STOPPING), for_its_runners),
    }
    assert (values["due"], values["due_at"]) == expected.get(state, (None, None))
    assert (values["due"] is None) == (state in {*ENDED, State.PAUSED})
    assert values["account"] is None


def test_a_paused_list_is_due_until_no_account_of_it_is_under_way() -> None:
    worked_at = NOON + timedelta(seconds=3)
    listed = replace(listing().contents, worked_at=worked_at, at_rest=False)
    values = values_of_request(listing(state=State.PAUSED, decided_at=NOON, listed=listed))
    assert (values["due"], values["due_at"]) == ("list", text(worked_at))


@pytest.mark.parametrize("state", [State.READY, State.RUNNING, State.DONE])
def test_an_account_of_a_list_is_due_to_no_one_but_is_found_as_signed_out(state: State) -> None:
    claim = Claim(id="x", at=NOON, until=NOON)
    request = awaiting(state=state, list_id="l", decided_at=NOON, claim=claim, done=(str(Step.SIGN_OUT),))
    values = values_of_request(request)
    assert (values["due"], values["due_at"]) == (None, None)
    assert values["account"] == (ADA.key if state is State.DONE else None)


def test_a_list_comes_back_as_it_was_and_so_do_its_accounts() -> None:
    left_out = LeftOut().with_line("\u202e'").with_line("b")
    listed = replace(
        listing().contents,
        everyone=True,
        again_of="another",
        several=left_out,
        choices=(Several(line="c", begin=0, count=2),),
        counts=Counts(ended=1, failed=1, reasons={"UserNotFoundException": 1}),
        settled=Counts(ended=1, done=1),
        begun_at=NOON,
        worked_at=NOON,
        rate=11.5,
        trouble="x",
        at_rest=False,
    )
    request = listing(state=State.RUNNING, listed=listed, pressed_by=SAM, candidates=(ADA, ADA))
    assert request_of_json(json_of_request(request)) == request
    accounts = [ADA, replace(ADA, username="\U0001f600\u202e'", sub=None)]
    assert portion_of(text_of_portion(accounts)) == accounts


@pytest.mark.parametrize("action", ASKED_FOR)
def test_each_action_that_signed_the_account_out_is_found_as_a_sign_out_of_it(action: str) -> None:
    steps = tuple(map(str, ACTIONS[action].steps))
    values = values_of_request(awaiting(state=State.DONE, action=action, done=steps))
    assert values["account"] == (None if action == "let_in" else ADA.key)
    assert values_of_request(awaiting(state=State.PARTLY, action=action, done=steps[:1]))["account"] is None


def test_an_entry_has_its_document_whatever_its_delivery_is() -> None:
    entry = entry_of_ask(Kind.REFUSED, asked(), "not allowed", NOON)
    assert json_of_entry(entry) == json_of_entry(replace(entry, delivery=Delivery(attempts=COUNTED_UP_TO)))
