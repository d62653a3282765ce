"""Everything that people read, on one page: a change of words is seen in review as a change of `words.md`."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from examples import ADA, NOON, asked, awaiting

from bot.audit import Kind, entry_of, entry_of_ask
from bot.aws.spelling import AwsSpelling
from bot.errors import ADVICE, BotError, StoreUnavailableError, UsageError, advice
from bot.options import USAGE
from bot.reason import ReasonRule
from bot.request import SignOutRequest, State
from bot.slack.accounts import Shown
from bot.slack.audit_messages import audit_message
from bot.slack.cards import Cards, Message, note, usage
from bot.slack.conversation import CHOSEN_BEFORE, STILL_SIGNING_OUT, UNFINISHED
from bot.slack.form import FormState, form_view, found_view, looking_view
from bot.slack.help import HELP
from bot.slack.text import as_text
from bot.slack.typed import parse
from bot.terminal.screen import INTERRUPTED, NOBODY_TO_ASK, outcome
from bot.terminal.sign_out import NOT_LISTED

PAGE = Path(__file__).parent / "words.md"
SHOWN = Shown(
    pii="masked", reason_rule=ReasonRule(), ticket_url=None, token_lifetimes={"customers": timedelta(hours=1)}
)
GOOGLE = replace(ADA, username="Google_123", provider="Google", status="EXTERNAL_PROVIDER")
MALFORMED = [
    "--pool customers",
    "ada grace",
    "x" * 129,
    "a\u202eda",
    "<@U0123ABCDEF|ada>",
    "ada --force",
    "ada --pool",
    "ada --pool a --pool b",
    "ada --reason 'lost",
    "ada --reason " + "x" * 501,
    "--username ada",
    "ada --username ada",
    "--user-pool-id nope --username ada",
    "--user-pool-id eu-central-1_AbCdEf123 --username 'a da' --region eu-central-1",
    "--user-pool-id eu-central-1_AbCdEf123 --username ada --region us-east-1",
    "--cli-input-json file://ada.json",
    "--cli-input-json '{'",
    "--cli-input-json '{}' --cli-input-yaml '{}'",
    "--cli-input-json '{\"UserName\": 5}'",
    "--cli-input-yaml 'a: &a b'",
    "--cli-input-yaml 'a: [*a]'",
    "--generate-cli-skeleton yaml",
    "aws cognito-idp admin-get-user --username ada",
]


def request(state: State) -> SignOutRequest:
    signed_out = state is State.SIGNED_OUT
    return awaiting(
        id="01JDA0000000000000000000AA",
        state=state,
        candidates=(ADA, GOOGLE),
        matches=2 if state is State.AWAITING_CHOICE else 1,
        chosen=None if state is State.AWAITING_CHOICE else ADA,
        claimed_at=NOON + timedelta(seconds=20),
        ended_at=NOON + timedelta(seconds=21),
        attempts=1,
        error_code={State.FAILED: "NotAuthorizedException", State.UNKNOWN: "TimedOut"}.get(state),
        aws_request_ids=("8da554a7-3bb9-4841-8630-abf386eecebc",) if signed_out else (),
        access_until=NOON + timedelta(hours=1) if signed_out else None,
        login_until=NOON + timedelta(hours=1) if signed_out else None,
    )


def messages() -> Iterator[tuple[str, Message | str]]:
    cards = Cards(SHOWN)
    for state in State:
        last = request(State.SIGNED_OUT) if state is State.AWAITING_CONFIRMATION else None
        yield f"The card: {state}", cards.card(request(state), last)
    yield "The card while the audit channel takes nothing", cards.card(request(State.FAILED), audit_kept=True)
    ask = asked("ada@example.com", id="01JDA000000000000000000000")
    refused = entry_of_ask(Kind.REFUSED, ask, "not allowed", NOON)
    entries = [entry_of(request(state), NOON) for state in (State.SIGNED_OUT, State.FAILED, State.UNKNOWN)]
    for number, entry in enumerate([*entries, refused], 1):
        fixed = replace(entry, id=f"01JDA000000000000000000E{number:02}")
        yield f"The audit channel: {entry.kind}", audit_message(SHOWN, [fixed])
    yield "The audit channel: several refusals", audit_message(SHOWN, [refused] * 12)
    yield "Help", HELP
    state_of_form = FormState(channel_id="C0SUPPORT1", pools=["customers", "staff"], reason_required=False)
    for name, view in (
        ("empty", form_view(state_of_form)),
        ("looking", looking_view()),
        ("found", found_view(shown=True)),
        ("found, not shown", found_view(shown=False)),
    ):
        yield f"The form: {name}", _form(view)


def _form(view: dict[str, object]) -> str:
    lines = [as_text(view["blocks"])]  # type: ignore[arg-type]
    for block in view["blocks"]:  # type: ignore[attr-defined]
        if block["type"] == "input":
            hint = f" ({block['hint']['text']})" if "hint" in block else ""
            lines.append(f"[{block['label']['text']}]{hint}{' optional' if block['optional'] else ''}")
    return "\n".join(filter(None, lines))


def sentences() -> Iterator[tuple[str, str]]:
    errors: list[type[BotError]] = BotError.__subclasses__()
    yield "anything unexpected", BotError.sentence
    yield "the outcome could not be recorded", UNFINISHED
    yield "a second press", STILL_SIGNING_OUT
    yield "a second choice", CHOSEN_BEFORE
    for error in errors:
        if error.sentence != BotError.sentence:
            yield error.__name__, error.sentence
    yield "StoreUnavailableError, in doubt", StoreUnavailableError.IN_DOUBT
    for code in (*ADVICE, "SomethingNewException"):
        yield code, advice(code)
    yield "signout, who is not listed", NOT_LISTED
    yield "signout, no terminal", NOBODY_TO_ASK
    yield "signout, Ctrl-C during the call", INTERRUPTED
    for state in (State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED):
        yield f"signout, {state}", outcome(request(state))
    for text in MALFORMED:
        with pytest.raises(UsageError) as caught:
            parse(text, AwsSpelling().read)
        shown = text if len(text) < 40 else f"{text[:20]}…"
        yield f"/signout {shown.encode('unicode_escape').decode()}", caught.value.sentence


def page() -> str:
    parts = ["# What people read\n", "Made by test_words.py. `UPDATE_WORDS=1` writes it anew.\n"]
    for title, shown in messages():
        text = shown if isinstance(shown, str) else shown.text
        parts.append(f"## {title}\n\n```text\n{text}\n```\n")
    parts.append("## Single sentences\n")
    parts += [f"- `{name}`: {sentence}" for name, sentence in sentences()]
    return "\n".join(parts) + "\n"


def test_the_page_of_words_shows_what_the_bot_says() -> None:
    if os.environ.get("UPDATE_WORDS"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()


def test_what_the_bot_says_of_its_own_shows_as_it_was_written() -> None:
    assert [title for title, shown in messages() if not isinstance(shown, str) and "\\u" in shown.text] == []


def test_no_sentence_stands_in_two_places() -> None:
    said = [sentence for _, sentence in sentences()]
    assert len(set(said)) == len(said)
    assert usage("x", USAGE).text.endswith(USAGE)
    assert note("x").text == "x"
