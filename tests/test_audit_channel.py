"""What the audit channel reads of an outcome."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from examples import ADA, NOON, SAM, asked, at_leisure
from messages import AWS_REQUEST, OUTCOMES, SHOWN, leaves, refused, refused_often, request, second

from bot import __version__
from bot.action import END_SESSION, OTHERS
from bot.audit import POSTED, Entry, Kind, entry_of, entry_of_ask
from bot.options import ReasonRule
from bot.request import State
from bot.slack.audit_channel import SlackAuditChannel, audit_message
from bot.slack.outcomes import HOSTED
from bot.slack.shown import Lasting


def entry(state: State) -> Entry:
    return entry_of(request(state), NOON)


def lines(entry: Entry) -> list[str]:
    return audit_message(SHOWN, entry).text.split("\n")


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (State.DONE, "✅ Signed out: ada"),
        (State.PARTLY, "🟠 Disabled. Not signed out: ada"),
        (State.FAILED, "❌ Not signed out: ada"),
        (State.UNKNOWN, "❓ Not known whether signed out: ada"),
        (State.DENIED, "🚫 Denied: ada"),
    ],
)
def test_the_first_two_lines_say_whom_outcome_who_and_why(state: State, title: str) -> None:
    assert lines(entry(state))[:2] == [title, "U0SAM00001 · pool customers · lost phone"]


@pytest.mark.parametrize("state", OUTCOMES)
def test_all_ids_and_times_are_in_one_context_block_at_the_end(state: State) -> None:
    posted = entry(state)
    blocks = audit_message(SHOWN, posted).blocks
    assert [block["type"] == "context" for block in blocks] == [False] * (len(blocks) - 1) + [True]
    for fact in (posted.id, posted.ask.id, AWS_REQUEST, "eu-central-1_AbCdEf123", str(ADA.sub), SAM.id, SAM.team_id):
        assert fact in json.dumps(blocks[-1])
        assert fact not in json.dumps(blocks[:-1]) or fact == SAM.id
    assert len(lines(posted)) <= 3 + 5


def test_the_small_print_tells_each_time_in_utc() -> None:
    at = "2026-11-22 12:00:00"
    posted = entry_of(replace(request(State.DONE), aws_request_ids=(AWS_REQUEST,)), NOON)
    assert lines(posted)[-5:] == [
        f"Request {posted.ask.id} · AWS request {AWS_REQUEST}",
        f"Asked {at}, confirmed {at}, ended {at} (UTC) · Calls: 1 · Asked for ada, read as ada,",
        "Operator ada (U0SAM00001, team T0SIGNOUT1) · Allowed by allow.users",
        f"Pool customers (eu-central-1_AbCdEf123) · Sub {ADA.sub}",
        f"Entry {posted.id}, bot {__version__}",
    ]


def test_what_goes_on_after_a_sign_out_is_told_with_its_end() -> None:
    settings = "if tokens live no longer than the bot's settings say"
    until = f"2026-11-22 13:00:00 UTC {settings}, and until 2026-11-23 12:00:00 UTC at most"
    assert f"Tokens that were given out may be accepted until {until}. {HOSTED}" in lines(entry(State.DONE))
    without = replace(SHOWN, lasting={"customers": Lasting(hosted_login=False)})
    assert f"Tokens that were given out may be accepted until {until}." in audit_message(
        without, entry(State.DONE)
    ).text.split("\n")


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        (State.PARTLY, "Sessions that were open may go on."),
        (State.FAILED, "No session was ended."),
        (State.UNKNOWN, "It may or may not have happened."),
    ],
)
def test_what_an_outcome_without_a_yes_means_is_in_the_third_line(state: State, meaning: str) -> None:
    assert lines(entry(state))[2].startswith(f"{meaning}")
    assert lines(entry(state))[2].endswith("Cognito did not answer in time. (TimedOut)")


@pytest.mark.parametrize("state", [State.PARTLY, State.FAILED, State.UNKNOWN])
def test_signed_out_is_said_only_of_what_was_done(state: State) -> None:
    assert "Signed out" not in audit_message(SHOWN, entry(state)).text


def test_a_federated_account_says_where_it_signs_in() -> None:
    federated = replace(ADA, username="Google_123", provider="Google")
    text = audit_message(SHOWN, entry_of(replace(request(State.DONE), chosen=federated), NOON)).text
    assert "U0SAM00001 · pool customers · through Google (federated) · lost phone" in text


def test_a_ticket_in_the_reason_is_a_link() -> None:
    linking = replace(SHOWN, ticket_url="https://tickets.example/{}", reason_rule=ReasonRule(pattern=re.compile("H-1")))
    posted = entry_of(request(State.DONE, reason="see H-1"), NOON)
    (link,) = [leaf for leaf in leaves(audit_message(linking, posted).blocks) if leaf.get("type") == "link"]
    assert (link["url"], link["text"]) == ("https://tickets.example/H-1", "H-1")


def test_a_refusal_says_who_whom_and_why_in_the_first_two_lines() -> None:
    assert lines(refused("ada@example.com"))[:2] == [
        "⛔ Refused: a…@example.com",
        "U0SAM00001 · not allowed · a…@example.com",
    ]
    assert lines(refused("ada", account=ADA))[1] == "U0SAM00001 · pool customers · not allowed · ada"
    assert lines(refused("ada@example.com"))[-3:-1] == [
        "At 2026-11-22 12:00:00 UTC · Asked for a…@example.com",
        "Operator sam (U0SAM00001, team T0SIGNOUT1)",
    ]


def test_many_refusals_make_one_message_that_says_how_many_since_when_until_when_and_of_what() -> None:
    period = "Asked from 2026-11-22 12:00:00 UTC to 2026-11-22 12:00:58 UTC"
    assert lines(refused_often("ada@example.com"))[:3] == [
        "⛔ Refused: 4,899 more times",
        "U0SAM00001 · not allowed · a…@example.com",
        f"{period}, such as for a…@example.co0, a…@example.co1, a…@example.co2.",
    ]
    of_a_form = replace(refused_often("ada"), examples=("",))
    assert lines(of_a_form)[2] == f"{period}."
    once = refused_often("ada", count=1)
    assert audit_message(SHOWN, once) == audit_message(SHOWN, replace(once, until=None, examples=()))


def test_an_audit_message_carries_its_ids_as_metadata() -> None:
    calls = list[dict[str, Any]]()

    def take(**call: Any) -> dict[str, str]:
        calls.append(call)
        return {"ts": "1.1"}

    client: Any = SimpleNamespace(chat_postMessage=take)
    channel = SlackAuditChannel(client, "C0AUDIT001", SHOWN)
    posted, denied = entry(State.UNKNOWN), refused_often("ada")
    assert (channel.post(posted, at_leisure), channel.post(denied, at_leisure)) == ("1.1", "1.1")
    assert calls[0]["metadata"] == {
        "event_type": "signout_outcome",
        "event_payload": {"entry_id": posted.id, "request_id": posted.ask.id, "outcome": "unknown"},
    }
    assert calls[1]["metadata"]["event_payload"] == {
        "entry_id": denied.id,
        "request_id": denied.ask.id,
        "outcome": "refused",
        "count": 4_899,
    }


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.LIMITED])
def test_what_was_refused_is_named_where_it_is_no_sign_out(kind: Kind) -> None:
    def second_line(**ask: Any) -> str:
        return lines(entry_of_ask(kind, asked("ada", **ask), "a rule", NOON))[1]

    assert second_line(action="keep_out") == "U0SAM00001 · a rule · asked for: keep out"
    assert second_line(action="let_in") == "U0SAM00001 · a rule · asked for: let back in"
    assert second_line() == "U0SAM00001 · a rule"


def test_a_no_names_the_action_and_an_outcome_needs_no_more_words() -> None:
    denied, done = (entry_of(request(state, action="keep_out"), NOON) for state in (State.DENIED, State.DONE))
    assert lines(denied)[1] == "U0SAM00001 · pool customers · asked for: keep out · lost phone"
    assert lines(done)[:2] == ["✅ Kept out: ada", "U0SAM00001 · pool customers · lost phone"]


def test_many_refusals_in_one_name_no_action_since_they_may_be_of_several() -> None:
    many = refused_often("ada")
    ask = many.ask
    mixed = replace(many, asked=replace(ask, options=replace(ask.options, action="keep_out")))
    assert "asked for" not in "\n".join(lines(mixed)[:2])


def test_every_kind_that_is_posted_has_a_title_in_words() -> None:
    posted = [entry(state) for state in (*OUTCOMES, State.DENIED)]
    posted += [entry_of(request(State.DONE, action=action), NOON) for action in (*OTHERS, END_SESSION)]
    posted += [refused("ada"), limited()]
    assert {each.kind for each in posted} == POSTED | {Kind.LIMITED}
    for each in posted:
        assert f'"{each.kind.value}' not in json.dumps(audit_message(SHOWN, each).blocks[0])


def limited() -> Entry:
    return entry_of_ask(Kind.LIMITED, asked("ada", reason="lost phone"), "limits.per_operator", NOON, account=ADA)


def test_who_approved_what_was_done_is_told_with_their_rule_and_when() -> None:
    said = lines(entry_of(second(State.DONE), NOON))
    assert said[:3] == [
        "✅ Signed out: ada",
        "U0SAM00001 · pool customers · lost phone",
        "Approved by U0KIM00001 2026-11-22 12:01:00 UTC",
    ]
    assert "confirmed 2026-11-22 12:00:00, approved 2026-11-22 12:01:00, ended" in said[-5]
    assert said[-3] == "Approver ada (U0KIM00001, team T0SIGNOUT1) · Allowed by approve.users"


def test_a_no_is_told_with_who_said_it_and_why() -> None:
    said = lines(entry_of(second(State.DENIED), NOON))
    assert said[:4] == [
        "🚫 Denied: ada",
        "U0SAM00001 · pool customers · lost phone",
        "Denied by U0KIM00001 2026-11-22 12:01:00 UTC: lost phone",
        "Nothing was done.",
    ]
    assert "confirmed 2026-11-22 12:00:00, denied 2026-11-22 12:01:00, ended" in said[-5]


def test_a_limit_that_is_reached_is_told_with_its_rule_and_who_asked() -> None:
    assert lines(limited())[:3] == [
        "🛑 Limit reached: ada",
        "U0SAM00001 · pool customers · limits.per_operator · lost phone",
        (
            "So many accounts within an hour are the limit. More are refused, or a second person has to approve them. "
            "This is posted once an hour."
        ),
    ]
