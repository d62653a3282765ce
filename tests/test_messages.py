"""What holds for every message: Slack takes it, and no foreign text is ever interpreted."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from examples import ADA, NOON, SAM, asked
from headless import texts
from messages import SHOWN, leaves, refused, request

from bot.audit import Kind, entry_of, entry_of_ask
from bot.errors import BotError, UsageError
from bot.facts.aws_cli import AWS_USAGE
from bot.history import Past
from bot.options import MAX_REASON, MAX_TARGET, USAGE, ReasonRule
from bot.request import OF_ONE_ACCOUNT, Operator, State
from bot.sandbox.limits import refusal
from bot.slack.audit_channel import audit_message
from bot.slack.cards import card, error_message
from bot.slack.history import history_message
from bot.slack.made_up import LONGEST_ATTRIBUTE, MANY, MadeUp
from bot.slack.samples import LINK, samples
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


def every_message(pii: str = "full", **made_up: str) -> Iterator[Message]:
    """Give all that people read outside forms, where accounts, people and devices are called like that."""
    drawn = samples(MadeUp(**made_up, shown=replace(SHOWN, pii=pii)))
    return (each for each in drawn.values() if isinstance(each, Message))


@pytest.mark.parametrize("pii", ["masked", "full"])
@pytest.mark.parametrize("name", HOSTILE)
def test_slack_takes_every_message_whatever_people_accounts_and_devices_are_called(name: str, pii: str) -> None:
    longest, reason = (name * LONGEST_ATTRIBUTE)[:LONGEST_ATTRIBUTE], (name * MAX_REASON)[:MAX_REASON]
    target = "x" * MAX_TARGET  # in it nothing hidden is taken
    of_accounts = every_message(pii, name=name, attribute=longest, target=target)
    for each in (*of_accounts, *every_message(pii, name="ada", attribute="ada", target=target, reason=reason)):
        assert refusal({"text": each.text, "blocks": each.blocks}) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_is_never_interpreted_by_slack(name: str) -> None:
    for each in every_message(name=name, attribute=name, target=name, reason=name):
        for leaf in leaves(each.blocks):
            if leaf.get("url") == LINK:
                continue
            assert leaf.get("type") not in {"mrkdwn", "link", "broadcast", "channel", "emoji"}
            assert leaf.get("emoji", False) is False
            if leaf.get("type") in {"user", "usergroup"}:
                mentioned = leaf.get("user_id") or leaf["usergroup_id"]
                assert mentioned in MANY.users | MANY.groups | {"U0123ABCDEF", "U0456ABCDEF"}
        assert "<" not in each.text
        assert ">" not in each.text


@pytest.mark.parametrize("state", OF_ONE_ACCOUNT)
def test_control_and_bidirectional_characters_can_be_seen(state: State) -> None:
    hidden = "a\u202eb\u2066c\x07d\u200be"
    for each in every_message(name=hidden, attribute=hidden, target=hidden, reason=hidden):
        assert not set("\u202e\u2066\x07\u200b") & set("\n".join(texts(each.blocks)))
    if state not in {State.CANCELLED, State.EXPIRED}:
        assert r"a\u202Eb\u2066c\u0007d\u200Be" in "\n".join(texts(card(SHOWN, request(state, hidden)).blocks))


def test_an_operators_id_that_is_none_of_slacks_is_no_mention() -> None:
    shown = audit_message(SHOWN, refused("ada", Operator(team_id="T", id="<!channel>", name="sam")))
    assert not [leaf for leaf in leaves(shown.blocks) if leaf.get("type") == "user"]


def test_what_was_wrong_comes_with_what_to_do() -> None:
    assert error_message(BotError("It broke.", "Try again.")).text == "It broke. Try again."


def test_a_command_that_is_not_understood_gets_its_own_usage_line_or_the_usual_one() -> None:
    assert error_message(UsageError("What?")).text == f"What?\nUsage: {USAGE}"
    assert error_message(UsageError("What?", AWS_USAGE)).text == f"What?\nUsage: {AWS_USAGE}"


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
    for state in OF_ONE_ACCOUNT:
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
    for state in OF_ONE_ACCOUNT:
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
