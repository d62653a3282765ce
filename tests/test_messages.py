"""What people read: Slack takes every message, and no foreign text is ever interpreted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from examples import ADA, NOON, SAM, asked, awaiting
from headless import texts

from bot.audit import POSTED, AuditEntry, Kind, entry_of, entry_of_ask
from bot.errors import ADVICE, BotError
from bot.options import MAX_REASON, USAGE
from bot.reason import ReasonRule
from bot.request import Operator, SignOutRequest, State
from bot.sandbox.limits import refusal
from bot.slack.accounts import Shown, duration, masked
from bot.slack.audit_messages import audit_message, metadata
from bot.slack.cards import Cards, Message, note, usage
from bot.slack.help import HELP

SHOWN = Shown(
    pii="masked", reason_rule=ReasonRule(), ticket_url=None, token_lifetimes={"customers": timedelta(hours=1)}
)
CARDS = Cards(SHOWN)
HOSTILE = [
    "<!channel>",
    "<@U0SAM00001>",
    "<https://evil.example|click>",
    "*bold* _it_ ~no~ `code`",
    "```\nblock",
    ":tada:",
    "&lt;!here&gt;",
    "\u202eada\u2066",
    "a\u200bb\x07c\u2028d",
    "@channel",
    "x" * 128,
    "\u202e" * 128,
]


def ended(state: State, username: str = "ada", reason: str | None = "lost phone") -> SignOutRequest:
    account = replace(ADA, username=username, email=f"{username}@example.com", status=username[:40])
    return awaiting(
        state=state,
        chosen=None if state is State.AWAITING_CHOICE else account,
        candidates=(account,) * 10,
        matches=12,
        target=username,
        reason=reason,
        operator=replace(SAM, name=username),
        claimed_at=NOON,
        ended_at=NOON,
        attempts=1,
        error_code=None if state is State.SIGNED_OUT else "TimedOut",
        aws_request_ids=("8da554a7-3bb9-4841-8630-abf386eecebc",) * 4,
        access_until=NOON + timedelta(hours=1) if state is State.SIGNED_OUT else None,
        login_until=NOON + timedelta(hours=1) if state is State.SIGNED_OUT else None,
    )


def refused(target: str, operator: Operator = SAM) -> AuditEntry:
    return entry_of_ask(Kind.REFUSED, asked(target, operator=operator, reason=target), "not allowed", NOON)


def every_message(username: str, reason: str) -> Iterator[Message]:
    for state in State:
        yield CARDS.card(ended(state, username, reason))
    for state in (State.SIGNED_OUT, State.FAILED, State.UNKNOWN):
        yield audit_message(SHOWN, [entry_of(ended(state, username, reason), NOON)])
    yield audit_message(SHOWN, [refused(username, replace(SAM, name=username))])
    yield audit_message(SHOWN, [refused(username, replace(SAM, name=username))] * 100)
    yield usage(username, USAGE)
    yield note(username)
    yield HELP


def leaves(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for held in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from leaves(held)


@pytest.mark.parametrize("name", HOSTILE)
def test_slack_takes_every_message_whatever_people_and_accounts_are_called(name: str) -> None:
    for message in every_message(name, (name * MAX_REASON)[:MAX_REASON]):
        assert refusal({"text": message.text, "blocks": message.blocks}) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_is_never_interpreted_by_slack(name: str) -> None:
    for message in every_message(name, name):
        for leaf in leaves(message.blocks):
            assert leaf.get("type") != "mrkdwn"
            assert leaf.get("type") not in {"link", "broadcast", "usergroup", "channel", "emoji"}
            assert leaf.get("emoji", False) is False
            if leaf.get("type") == "user":
                assert leaf["user_id"] == SAM.id
        assert "<" not in message.text
        assert ">" not in message.text


def test_control_and_bidirectional_characters_can_be_seen() -> None:
    shown = "\n".join(texts(CARDS.card(ended(State.AWAITING_CONFIRMATION, "a\u202eb\u2066c\x07d\u200be")).blocks))
    assert r"a\u202Eb\u2066c\u0007d\u200Be" in shown


def test_an_operators_id_that_is_none_of_slacks_is_no_mention() -> None:
    message = audit_message(SHOWN, [refused("ada", Operator(team_id="T", id="<!channel>", name="sam"))])
    assert not [leaf for leaf in leaves(message.blocks) if leaf.get("type") == "user"]


def test_a_button_carries_the_request_id_alone() -> None:
    request = awaiting()
    buttons = [leaf for leaf in leaves(CARDS.card(request).blocks) if leaf.get("type") == "button"]
    assert [(each["action_id"], each["value"], each.get("style")) for each in buttons] == [
        ("signout_confirm", request.id, "danger"),
        ("signout_cancel", request.id, None),
    ]


@pytest.mark.parametrize("state", [state for state in State if not state.awaits_operator])
def test_only_a_card_that_awaits_its_operator_has_buttons(state: State) -> None:
    assert "actions" not in {block["type"] for block in CARDS.card(ended(state)).blocks}


def test_the_card_tells_the_account_what_will_happen_and_until_when() -> None:
    request = awaiting()
    text = CARDS.card(request).text
    for fact in ("ada", "a…@example.com", "CONFIRMED, enabled", "2025-10-18", "customers (eu-central-1)", "lost phone"):
        assert fact in text
    assert "for up to 1 hour" in text
    moments = [leaf["timestamp"] for leaf in leaves(CARDS.card(request).blocks) if leaf.get("type") == "date"]
    assert int(request.expires_at.timestamp()) in moments


def test_pii_full_shows_the_whole_email() -> None:
    assert "ada@example.com" in Cards(replace(SHOWN, pii="full")).card(awaiting()).text
    assert "ada@example.com" not in CARDS.card(awaiting()).text


def test_the_result_tells_the_truth_about_what_goes_on() -> None:
    text = CARDS.card(ended(State.SIGNED_OUT)).text
    assert "signature may accept it until 2026-11-22 13:00:00 UTC" in text
    assert "hosted login page may get new tokens without a password until 2026-11-22 13:00:00 UTC" in text
    assert "can sign in again at once" in text
    assert "Disable the account or reset its password" in text
    assert "all access" not in text.lower()


def test_a_pool_without_hosted_login_says_nothing_of_it() -> None:
    assert "hosted login" not in CARDS.card(replace(ended(State.SIGNED_OUT), login_until=None)).text


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN, State.SIGNING_OUT, State.CANCELLED, State.EXPIRED])
def test_signed_out_is_said_of_that_state_alone(state: State) -> None:
    for message in (CARDS.card(ended(state)), audit_message(SHOWN, [replace(entry_of(ended(state), NOON))])):
        assert "Signed out" not in message.text


def test_unknown_says_that_it_may_have_happened() -> None:
    text = CARDS.card(ended(State.UNKNOWN)).text
    assert (
        "It may or may not have happened. Running it again is possible; it would also end sessions opened since."
        in text
    )


@pytest.mark.parametrize("code", ADVICE)
def test_each_known_error_has_advice_of_its_own_that_the_result_shows(code: str) -> None:
    assert ADVICE[code] in CARDS.card(replace(ended(State.FAILED), error_code=code)).text
    assert list(ADVICE.values()).count(ADVICE[code]) == 1


def test_an_audit_message_carries_its_ids_as_metadata() -> None:
    entry = entry_of(ended(State.UNKNOWN), NOON)
    assert metadata([entry]) == {
        "event_type": "signout_outcome",
        "event_payload": {"entry_id": entry.id, "request_id": entry.request_id, "outcome": "unknown"},
    }
    denied = refused("ada")
    assert metadata([denied])["event_payload"]["request_id"] == denied.request_id


def test_several_refusals_make_one_message_with_the_first_ten() -> None:
    text = audit_message(SHOWN, [refused(f"target-{number}") for number in range(13)]).text
    assert "Refused: 13 times" in text
    assert "target-9" in text
    assert "target-10" not in text
    assert "and 3 more" in text


def test_every_posted_kind_has_a_title() -> None:
    for kind in POSTED:
        assert kind.value not in json.dumps(audit_message(SHOWN, [replace(refused("ada"), kind=kind)]).blocks[0])


def test_every_error_has_a_sentence() -> None:
    errors: list[type[BotError]] = [BotError, *BotError.__subclasses__()]
    for error in errors:
        assert error.sentence.endswith(".")


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("ada@example.com", "a…@example.com"),
        ("@example.com", "…@example.com"),
        ("nobody", "nobody"),
        ("+4915112345678", "+49…78"),
        ("a@b@c", "a…@c"),
    ],
)
def test_a_masked_email_keeps_its_first_letter_and_domain(email: str, shown: str) -> None:
    assert masked(email) == shown


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=24), "1 day"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=12), "12 hours"),
    ],
)
def test_a_duration_is_told_in_words(length: timedelta, words: str) -> None:
    assert duration(length) == words


@pytest.mark.parametrize(
    ("username", "shown"),
    [("ada@example.com", "a…@example.com"), ("+4915112345678", "+49…78"), ("10023417", "10023417"), ("ada", "ada")],
)
def test_a_user_name_that_is_an_email_or_phone_number_is_masked_wherever_it_stands(username: str, shown: str) -> None:
    for state in State:
        account = replace(ADA, username=username, email=None)
        request = replace(
            ended(state), chosen=None if state is State.AWAITING_CHOICE else account, candidates=(account,)
        )
        shown_texts = [CARDS.card(request).text, audit_message(SHOWN, [entry_of(request, NOON)]).text]
        assert shown == username or not [text for text in shown_texts if username in text]


def test_look_alikes_are_told_apart_by_their_sub_and_by_what_cannot_be_seen() -> None:
    names = ["ada", "ad\u0430", "ada\u3164"]
    accounts = tuple(replace(ADA, username=name, sub=f"sub-{number}") for number, name in enumerate(names))
    text = CARDS.card(awaiting(state=State.AWAITING_CHOICE, chosen=None, candidates=accounts, matches=3)).text
    assert r"ada\u3164" in text
    assert all(f"sub-{number}" in text for number in range(3))
