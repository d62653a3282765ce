"""What holds for every message: Slack takes it, and no foreign text is ever interpreted."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from examples import ADA, KIM, NOON, SAM, asked
from headless import texts
from messages import AFTER_CONFIRMING, OUTCOMES, SHOWN, leaves, refused, refused_often, request, second

from bot.action import OTHERS, SIGN_OUT
from bot.audit import Kind, entry_of, entry_of_ask
from bot.errors import BotError, UsageError
from bot.facts.aws_cli import AWS_USAGE
from bot.history import Past
from bot.options import MAX_REASON, USAGE, ReasonRule
from bot.request import Account, Operator, Proof, Session, State
from bot.sandbox.limits import refusal
from bot.sessions import MAX_SESSIONS
from bot.slack.approvals import approval_message
from bot.slack.audit_channel import audit_message
from bot.slack.cards import card, help_message, told
from bot.slack.history import history_message
from bot.slack.shown import Shown
from bot.slack.text import Bold, Link, Message, as_text, lines, message, small_print

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


def every_message(username: str, reason: str) -> Iterator[Message]:
    for state in State:
        yield card(SHOWN, request(state, username, reason), audit_refused=True)
    for state in AFTER_CONFIRMING:
        yield card(SHOWN, second(state, username, reason), audit_refused=True)
        yield approval_message(SHOWN, second(state, username, reason))
    yield card(SHOWN, replace(second(State.CONFIRMING, username, reason), approval=None))
    for state in (*OUTCOMES, State.DENIED):
        yield audit_message(SHOWN, entry_of(second(state, username, reason), NOON))
    for state in OUTCOMES:
        yield audit_message(SHOWN, entry_of(request(state, username, reason), NOON))
    by_name = replace(SAM, name=username)
    federated = replace(ADA, username=username, provider=username)
    yield audit_message(SHOWN, entry_of(replace(request(State.DONE, username, reason), chosen=federated), NOON))
    yield audit_message(SHOWN, refused(username, by_name))
    yield audit_message(SHOWN, refused(username, by_name, federated))
    yield audit_message(SHOWN, refused_often(username, by_name))
    limited = asked(username, operator=by_name, reason=reason)
    yield audit_message(SHOWN, entry_of_ask(Kind.LIMITED, limited, "limits.all", NOON, federated))
    ended = [entry_of(second(state, username, reason), NOON) for state in (*OUTCOMES, State.DENIED)]
    entries = [*ended, refused(username, by_name, federated), refused_often(username, by_name)] * 3
    past = Past(ask=limited, pools=[username] * 20, entries=entries[:20], more=True, accounts=[federated], matches=2)
    yield history_message(SHOWN, past)
    yield history_message(SHOWN, replace(past, accounts=(), unsure=BotError(username)))
    yield told(UsageError(username))
    yield told(BotError(username, reason))
    yield help_message(SHOWN)


def every_message_of_sessions(device: str, shown: Shown, account: Account = ADA) -> Iterator[Message]:
    """With as many sessions as there can be; who signs in has a say in what their device is called."""
    sessions = tuple(
        Session(
            id=f"sso{number:025}",
            kind=device[:20],
            device=device,
            last_active_at=NOON,
            began_at=NOON,
            city=device[:256],
            country=device[:256],
            address=device[:128],
        )
        for number in range(MAX_SESSIONS)
    )
    tracked: dict[str, Any] = {
        "tracks_sessions": True,
        "sessions": sessions,
        "may": (SIGN_OUT, *OTHERS),
        "chosen": account,
    }
    yield card(shown, replace(request(State.CONFIRMING, reason="x" * MAX_REASON), **tracked))
    proof = Proof(at=NOON, left=3, newer=sessions, more=90)
    for state in OUTCOMES:
        ended = replace(request(state, action=SIGN_OUT), **tracked, proof=proof)
        yield card(shown, ended)
        yield audit_message(shown, entry_of(ended, NOON))
    for state in AFTER_CONFIRMING:
        one = replace(second(state), **tracked)
        for about in (replace(one, session=sessions[0]), replace(one, proof=proof)):
            yield card(shown, about)
            yield approval_message(shown, about)


@pytest.mark.parametrize("pii", ["masked", "full"])
@pytest.mark.parametrize("name", HOSTILE)
def test_slack_takes_every_message_about_sessions_whatever_a_device_is_called(name: str, pii: str) -> None:
    for each in every_message_of_sessions((name * 1024)[:1024], replace(SHOWN, pii=pii)):
        assert refusal({"text": each.text, "blocks": each.blocks}) is None
        assert all(leaf.get("type") not in {"mrkdwn", "link", "broadcast"} for leaf in leaves(each.blocks))


@pytest.mark.parametrize("pii", ["masked", "full"])
@pytest.mark.parametrize("name", HOSTILE)
def test_slack_takes_the_card_whatever_a_person_set_as_their_own_attributes(name: str, pii: str) -> None:
    longest = (name * 2048)[:2048]
    account = replace(ADA, preferred_username=longest, email=longest, phone=longest)
    shown = replace(SHOWN, pii=pii)
    for each in (
        *every_message_of_sessions("phone", shown, account),
        *(card(shown, replace(request(state), chosen=account, candidates=(account,) * 10)) for state in State),
        *(approval_message(shown, replace(second(state), chosen=account)) for state in AFTER_CONFIRMING),
    ):
        assert refusal({"text": each.text, "blocks": each.blocks}) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_slack_takes_every_message_whatever_people_and_accounts_are_called(name: str) -> None:
    for each in every_message(name, (name * MAX_REASON)[:MAX_REASON]):
        assert refusal({"text": each.text, "blocks": each.blocks}) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_is_never_interpreted_by_slack(name: str) -> None:
    for each in every_message(name, name):
        for leaf in leaves(each.blocks):
            assert leaf.get("type") != "mrkdwn"
            assert leaf.get("type") not in {"link", "broadcast", "usergroup", "channel", "emoji"}
            assert leaf.get("emoji", False) is False
            if leaf.get("type") == "user":
                assert leaf["user_id"] in {SAM.id, KIM.id}
        assert "<" not in each.text
        assert ">" not in each.text


@pytest.mark.parametrize("state", State)
def test_control_and_bidirectional_characters_can_be_seen(state: State) -> None:
    hidden = "a\u202eb\u2066c\x07d\u200be"
    for each in every_message(hidden, hidden):
        assert not set("\u202e\u2066\x07\u200b") & set("\n".join(texts(each.blocks)))
    if state not in {State.CANCELLED, State.EXPIRED}:
        assert r"a\u202Eb\u2066c\u0007d\u200Be" in "\n".join(texts(card(SHOWN, request(state, hidden)).blocks))


def test_an_operators_id_that_is_none_of_slacks_is_no_mention() -> None:
    shown = audit_message(SHOWN, refused("ada", Operator(team_id="T", id="<!channel>", name="sam")))
    assert not [leaf for leaf in leaves(shown.blocks) if leaf.get("type") == "user"]


def test_what_was_wrong_comes_with_what_to_do() -> None:
    assert told(BotError("It broke.", "Try again.")).text == "It broke. Try again."


def test_a_command_that_is_not_understood_gets_its_own_usage_line_or_the_usual_one() -> None:
    assert told(UsageError("What?")).text == f"What?\nUsage: {USAGE}"
    assert told(UsageError("What?", AWS_USAGE)).text == f"What?\nUsage: {AWS_USAGE}"


def test_the_fallback_text_says_everything_that_the_blocks_say_except_buttons() -> None:
    whole = message(
        ["a < b"],
        [],
        lines([[Bold("A  "), "1"], [], [Bold("B  "), "2"]]),
        small_print([["c", "d"], [], ["e"]]),
    )
    assert whole.text == "a &lt; b\nA  1\nB  2\nc · d\ne"
    assert as_text([]) == ""


def test_the_matched_words_of_a_reason_are_links_unless_the_address_is_too_long() -> None:
    text, rule, address = (
        "see HELP-1 and HELP-2",
        ReasonRule(pattern=re.compile(r"HELP-\d")),
        "https://tickets.example/{}",
    )
    linking = replace(SHOWN, reason_rule=rule, ticket_url=address)
    assert linking.reason(text) == [
        "see ",
        Link("HELP-1", "https://tickets.example/HELP-1"),
        " and ",
        Link("HELP-2", "https://tickets.example/HELP-2"),
    ]
    assert replace(linking, ticket_url=address + "x" * 500).reason(text) == [text]
    assert replace(linking, ticket_url=None).reason(text) == [text]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada@example.com", "a…@example.com"),
        ("@example.com", "…@example.com"),
        ("nobody", "nobody"),
        ("+4915112345678", "+49…78"),
        ("12345", "…45"),
        ("a@b@c", "a…@c"),
    ],
)
def test_a_masked_email_keeps_its_first_letter_and_domain_and_a_phone_number_its_ends(text: str, shown: str) -> None:
    assert SHOWN.personal(text) == shown
    assert replace(SHOWN, pii="full").personal(text) == text


@pytest.mark.parametrize(
    ("username", "shown"),
    [
        ("ada@example.com", "a…@example.com"),
        ("+4915112345678", "+49…78"),
        ("4915112345678", "491…78"),
        ("015112345678", "015…78"),
        ("(030)123456", "(03…56"),
        ("123456789", "…89"),
        ("12345678", "…78"),  # the end of the phone number of its account
        ("10023417", "10023417"),
        ("ada", "ada"),
    ],
)
def test_a_user_name_that_is_an_email_or_phone_number_is_masked_wherever_it_is_shown(username: str, shown: str) -> None:
    for state in State:
        account = replace(ADA, username=username, email=None, phone="+4915112345678")
        chosen = None if state is State.CHOOSING else account
        asked = replace(request(state, username), chosen=chosen, candidates=(account,))
        asked = replace(asked, ask=replace(asked.ask, operator=SAM))
        shown_texts = [card(SHOWN, asked).text, audit_message(SHOWN, entry_of(asked, NOON)).text]
        assert shown == username or not [text for text in shown_texts if username in text]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("lost phone", "lost phone"),
        ("call +49 151 12345678 now", "call +49…78 now"),
        ("call 0151/12345678.", "call 015…78."),
        ("(030) 123-4567 asked", "(03…67 asked"),
        ("tel:0151 1234567,ada@example.com", "tel:015…67,a…@example.com"),
        ("ask ada.l+x@mail.example.com, bob@example.com", "ask a…@mail.example.com, b…@example.com"),
        ('"ada"@example.com', '"…@example.com'),
        ("<ada@example.com>", "<a…@example.com>"),
        ("a@b@c", "a…@c"),
        ("0151234567@example.com", "0…@example.com"),
        ("+12345", "…45"),
        ("+4915112345678x", "+49…78x"),
        ("on 2026-11-28 at 10:00, or 28.11.2026 10:00, 3 of 12345", None),
        ("HELP-1234567 #1234567 INC0012345 1234567x @sam", None),
    ],
)
def test_emails_and_phone_numbers_in_a_reason_are_masked_and_dates_and_tickets_are_not(
    reason: str, shown: str | None
) -> None:
    assert "".join(map(str, SHOWN.reason(reason))) == (shown or reason)
    assert replace(SHOWN, pii="full").reason(reason) == [reason]


def test_a_ticket_number_is_a_link_also_where_it_looks_like_a_phone_number_but_not_inside_one_or_an_email() -> None:
    rule = ReasonRule(pattern=re.compile(r"\d{7}|[a-z]+@x"))
    linking = replace(SHOWN, reason_rule=rule, ticket_url="https://tickets.example/{}")
    assert linking.reason("1234567") == [Link("1234567", "https://tickets.example/1234567")]
    assert linking.reason("0151 1234567") == ["015…67"]
    assert linking.reason("ada@x") == ["a…@x"]
    assert replace(linking, ticket_url=None).reason("1234567") == ["1234567"]
    assert linking.reason("+49 151 1234567: 7654321") == [
        "+49…67",
        ": ",
        Link("7654321", "https://tickets.example/7654321"),
    ]


def test_nothing_personal_is_left_in_any_message_where_it_is_masked() -> None:
    personal = ("ada.lovelace", "15112345678", "151 12345678", "bob.builder", "987654")
    account = replace(ADA, username="4915112345678", email="ada.lovelace@example.com", phone="+4915112345678")
    account = replace(account, preferred_username="ada.lovelace@example.com")
    reason = "bob.builder@example.com called from +49 (0)30 987654"
    denied = entry_of_ask(Kind.REFUSED, asked("ada.lovelace@example.com", reason=reason), "not allowed", NOON)
    messages = [
        audit_message(SHOWN, denied),
        audit_message(SHOWN, replace(denied, count=3, until=NOON, examples=(denied.ask.options.target,))),
    ]
    for state in State:
        shown = replace(request(state), chosen=None if state is State.CHOOSING else account, candidates=(account,) * 3)
        shown = replace(shown, ask=asked("+49 151 12345678", reason=reason))
        messages += [card(SHOWN, shown), audit_message(SHOWN, entry_of(shown, NOON))]
        for target, read in (
            ("<ada.lovelace@example.com>", "ada.lovelace@example.com"),
            ("ada.lovelace@example.com <ada.lovelace@example.com>", "ada.lovelace@example.com"),
            ("ADA.lovelace@example.com", "ada.lovelace@example.com"),
            ('"+49 151 12345678"', "+49 151 12345678"),
        ):
            otherwise = replace(shown, ask=asked(target, reason=reason), searched_as=read)
            messages += [card(SHOWN, otherwise), audit_message(SHOWN, entry_of(otherwise, NOON))]
            messages.append(audit_message(SHOWN, entry_of_ask(Kind.REFUSED, asked(target), "not allowed", NOON)))
        past = [denied, replace(denied, count=3, examples=(denied.ask.options.target,)), entry_of(shown, NOON)]
        told_of = Past(ask=shown.ask, pools=["customers"], entries=past, more=False, accounts=[account], matches=1)
        messages.append(history_message(SHOWN, told_of))
    for each in messages:
        everything = f"{each.text}{json.dumps(each.blocks, ensure_ascii=False)}"
        assert [part for part in personal if part in everything] == []
