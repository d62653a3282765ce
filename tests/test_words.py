"""Everything that people read, on one page: a change of words is seen in review as a change of `words.md`."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import ADA, KIM, NOON, SAM, ScriptedPool, StoppedClock, asked, awaiting, listing
from messages import AFTER_CONFIRMING, AWS_REQUEST, SHOWN, approval, leaves
from terminal_words import of_lists_in_a_terminal

from bot.account import Proof, Session
from bot.action import ACTIONS, END_SESSION, OTHERS, SIGN_OUT, Step
from bot.approve import NOT_AN_APPROVER, OWN
from bot.audit import Kind, entry_of, entry_of_ask
from bot.authorize import Allowed, Allowlist
from bot.aws.spelling import AwsSpelling
from bot.confirm import PROTECTED
from bot.edge.lanes import together
from bot.errors import (
    LIST_CHANGED,
    TOO_LATE,
    AccountNotFoundError,
    BotError,
    BusyError,
    ChosenBeforeError,
    ClockChangedError,
    ClockWrongError,
    DeniedError,
    LimitReachedError,
    NewerVersionError,
    NothingToApproveError,
    NotRecordedError,
    NotYoursError,
    PoolChangedError,
    PoolUnavailableError,
    RestartingError,
    SecondPersonError,
    StoreUnavailableError,
    UnderWayError,
    UnknownRequestError,
    UsageError,
)
from bot.facts.advice import ADVICE, advice
from bot.facts.aws_cli import Help
from bot.facts.list_words import REASONS
from bot.find import Finder
from bot.history import Past
from bot.listed import Counts, LeftOut, Several
from bot.lists import MOVED_ON, NOT_YOURS
from bot.request import ENDED, OF_ONE_ACCOUNT, Earlier, Request, State
from bot.slack.approvals import approval_message, standing_message
from bot.slack.audit_channel import audit_message
from bot.slack.cards import answer, card
from bot.slack.denial import denial_view, sent_view
from bot.slack.form import DIRECT, OF_MESSAGE, FormState, form_view, found_view, looking_view
from bot.slack.history import history_message
from bot.slack.list_facts import progress_message
from bot.slack.list_form import NO_ONE, FilledList, list_form_view, looked_up_view, looking_up_view
from bot.slack.list_listeners import LOOKING
from bot.slack.pasted_list import TOO_MANY
from bot.slack.reply import NO_CARD
from bot.slack.shown import Lasting
from bot.slack.text import Message, as_text
from bot.slack.typed import parse
from bot.terminal.front import NOT_LISTED
from bot.terminal.screen import INTERRUPTED, NO_ONE_TO_ASK, UNFINISHED, facts, outcome, unsure
from bot.terminal.screen import standing as terminal_standing
from bot.whoami import InPool, Standing

OTHER_LISTS = {
    each: Allowlist(Allowed(frozenset({"U0KIM00001"}), frozenset({"S0SECOND01"})), {"customers": Allowed()})
    for each in OTHERS
}
PAGE = Path(__file__).parent / "words.md"
GOOGLE = replace(ADA, username="Google_123", sub="8", provider="Google", status="EXTERNAL_PROVIDER")
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
    "--user-pool-id eu-central-1_AbCdEf123 --username ada --profile x",
    "--user-pool-id eu-central-1_AbCdEf123 --username ada --endpoint-url http://x",
    "--user-pool-id eu-central-1_AbCdEf123 --username ada --no-verify-ssl",
    "aws cognito-idp admin-user-global-sign-out --username ada grace",
    "aws cognito-idp admin-user-global-sign-out --username ada; ls",
    "aws cognito-idp admin-user-global-sign-out --username $X",
    "ssh host aws cognito-idp admin-user-global-sign-out --username ada",
    "X=1 aws cognito-idp admin-user-global-sign-out --username ada",
    "--cli-input-json file://ada.json",
    "--cli-input-json '{'",
    "--cli-input-json '{}' --cli-input-yaml '{}'",
    "--cli-input-json '{\"UserName\": 5}'",
    "--cli-input-yaml 'a: &a b'",
    "--cli-input-yaml 'a: [*a]'",
    "--generate-cli-skeleton yaml",
    "aws cognito-idp admin-get-user --username ada",
    "list ada",
    "list --keep-out",
]


NOT_FOUND = [
    "nobody",
    "no@example.com",
    "+49 30 123456",
    "030 123456",
    "343d94cb-5ddd-4f39-ab9f-be013c348223",
    "*nobody*",
    "ad\u0131",
]


def request(state: State, action: str | None = None) -> Request:
    done, action = state is State.DONE, action or ("keep_out" if state is State.PARTLY else SIGN_OUT)
    steps = tuple(str(step) for step in ACTIONS[action].steps)
    return awaiting(
        ask=asked(reason="lost phone", id="01JDA0000000000000000000AA", action=action),
        state=state,
        candidates=(ADA, GOOGLE),
        matches=2 if state is State.CHOOSING else 1,
        chosen=None if state is State.CHOOSING else ADA,
        earlier=Earlier(at=NOON - timedelta(hours=1), by="kim"),
        decided_at=NOON + timedelta(seconds=20),
        ended_at=NOON + (timedelta(minutes=5) if state is State.EXPIRED else timedelta(seconds=21)),
        done=steps if done else steps[:1] if state is State.PARTLY else (),
        attempts=1,
        error_code={State.FAILED: "NotAuthorizedException", State.UNKNOWN: "TimedOut", State.PARTLY: "TimedOut"}.get(
            state
        ),
        aws_request_ids=(AWS_REQUEST,) if done else (),
        access_until=NOON + timedelta(hours=1) if done else None,
    )


def second(state: State) -> Request:
    protected = replace(ADA, protected="protect.groups: admins")
    needs = ("approve.when", "pools.customers.allow.ask.users", "protect.groups: admins", "limits.all")
    return replace(request(state), chosen=protected, needs=needs, approval=approval(state))


def of_other_actions() -> Iterator[tuple[str, Message | str]]:
    shown = replace(SHOWN, performers=OTHER_LISTS)
    offering = replace(request(State.CONFIRMING), may=(SIGN_OUT, *OTHERS))
    yield "The card: confirming, with what else its operator may do", _with_buttons(card(shown, offering))
    for action in OTHERS:
        account = replace(ADA, enabled=action != "let_in")
        asked_for = replace(request(State.CONFIRMING, action), chosen=account)
        yield f"The card: confirming, {action}", _with_buttons(card(shown, asked_for))
        asking = replace(second(State.APPROVING), ask=asked_for.ask, needs=("approve.when",))
        yield f"The message to those who may approve: {action}", approval_message(shown, asking)
        yield f"The terminal: {action}, not known", outcome(request(State.UNKNOWN, action))
    signed_out = request(State.DONE)
    yield "The card: done, where others may do more", _with_buttons(card(shown, signed_out))
    some = replace(signed_out, may=("sign_out", "keep_out"))
    yield "The card: done, where its operator may do some, and others the rest", _with_buttons(card(shown, some))
    yield "Help, with other actions", answer(Help(), shown)
    more: dict[str, tuple[str, ...]] = {"keep_out": (), "new_password": ("approve.when",)}
    mine = InPool(pool="customers", asks="allow.users", approves=None, needs=(), approvers=Allowed(), more=more)
    standing = Standing(operator=SAM, pools=[mine], left={})
    yield "/signout whoami: more than signing out", standing_message(standing)
    yield "signout whoami: more than signing out", terminal_standing(standing)
    state = FormState(channel_id="C0SUPPORT1", pools=["customers"], reason_required=False, actions=(SIGN_OUT, *OTHERS))
    yield "The form: with other actions", _form(form_view(state))


def of_sessions() -> Iterator[tuple[str, Message | str]]:
    phone = Session(
        id="sso-1", kind="SSO", device="iOS, Mobile Safari", began_at=NOON, city="Lisbon", country="Portugal"
    )
    tracked = replace(request(State.CONFIRMING), tracks_sessions=True, sessions=(phone,))
    yield "The card: with sessions", _with_buttons(card(SHOWN, tracked))
    yield "The card: with sessions that are not known", card(SHOWN, replace(tracked, sessions=None))
    ended = replace(request(State.DONE, END_SESSION), tracks_sessions=True, session=phone)
    done = replace(request(State.DONE), tracks_sessions=True, proof=Proof(at=NOON, left=0))
    unproved = replace(done, state=State.PARTLY, error_code="AccessDeniedException", done=(str(Step.SIGN_OUT),))
    left = Proof(at=NOON, left=2, newer=(phone,))
    told = {
        "ended": ended,
        "no session left": done,
        "newer ones": replace(done, proof=Proof(at=NOON, left=0, newer=(phone,))),
        "some still listed": replace(done, proof=left),
        "not checked": replace(unproved, proof=None),
        "not all ended": replace(unproved, proof=left),
        "not known": replace(unproved, proof=left, state=State.UNKNOWN, error_code="TimedOut"),
    }
    for name, each in told.items():
        yield f"The card, of sessions: {name}", card(SHOWN, each)
        entry = replace(entry_of(each, NOON), id="01JDA000000000000000000E30")
        yield f"The audit channel, of sessions: {name}", audit_message(SHOWN, entry)
        if said := outcome(each):
            yield f"The terminal, of sessions: {name}", said
    asking = replace(second(State.APPROVING), ask=ended.ask, session=phone)
    yield "The message to those who may approve: one session", approval_message(SHOWN, asking)


def _with_buttons(drawn: Message) -> str:
    buttons = [leaf["text"]["text"] for leaf in leaves(drawn.blocks) if leaf.get("type") == "button"]
    return f"{drawn.text}\n[{'] ['.join(buttons)}]" if buttons else drawn.text


def of_lists() -> Iterator[tuple[str, Message | str]]:
    for name, one in _lists().items():
        yield f"The card of a list: {name}", _with_buttons(card(SHOWN, one))
        if one.has_progress:
            yield f"How far a list is: {name}", _with_buttons(progress_message(SHOWN, one))
        if one.approval:
            yield f"The message to those who may approve a list: {name}", approval_message(SHOWN, one)
    for name in ("paused by the bot", "done", "partly", "failed", "unknown", "changed"):
        entry = replace(entry_of(_lists()[name], NOON), id="01JDA000000000000000000E40")
        yield f"The audit channel, of a list: {name}", audit_message(SHOWN, entry)
    state = FormState(channel_id="C0SUPPORT1", pools=["customers", "staff"], reason_required=False)
    for name, view in (
        ("empty", list_form_view(state, FilledList())),
        ("looking", looking_up_view(300)),
        ("looking further", looking_up_view(300, 120)),
        ("looked up", looked_up_view(shown=True)),
        ("looked up, not shown", looked_up_view(shown=False)),
    ):
        yield f"The form of a list: {name}", _form(view)


def _lists() -> dict[str, Request]:
    one = replace(
        listing(),
        ask=asked("", reason="leaked", id="01JDA0000000000000000000AA", pool="customers"),
        candidates=(ADA, GOOGLE),
    )
    listed = replace(one.contents, lines=300, size=287, begun_at=NOON, rate=11.8)
    odd = replace(
        listed,
        not_found=LeftOut(count=1, first=("nobody",)),
        unreadable=LeftOut(count=1, first=("a b",)),
        protected=LeftOut(count=1, first=("root",)),
        several=LeftOut(count=7, first=tuple("several")),
        choices=(Several(line="several", begin=0, count=2),),
        twice=2,
        recent=3,
    )
    some = Counts(ended=120, done=117, failed=2, unknown=1, reasons={"UserNotFoundException": 2, "TimedOut": 1})
    all_but = replace(some, ended=287, done=285, unknown=0, reasons={"UserNotFoundException": 2})
    failed = Counts(ended=287, failed=287, reasons={"AccessDeniedException": 287})
    approved = approval(State.READY)

    def of(state: State, counts: Counts = some, trouble: str | None = None, **changes: Any) -> Request:
        ended_at = NOON if state in ENDED else None
        now = replace(listed, counts=counts, trouble=trouble)
        return replace(one, state=state, listed=now, decided_at=NOON, ended_at=ended_at, **changes)

    approving = replace(one, state=State.APPROVING, listed=odd, needs=("approve.above",))
    return {
        "previewing": replace(one, state=State.PREVIEWING, listed=replace(listed, size=120)),
        "confirming": replace(one, listed=odd),
        "confirming, of the whole pool": replace(one, listed=replace(listed, everyone=True)),
        "confirming, once more": replace(one, listed=replace(listed, size=2, again_of=one.id)),
        "confirming, for a second person": replace(one, listed=listed, needs=("approve.above",)),
        "approving": replace(approving, approval=approval(State.APPROVING)),
        "approved": of(State.READY, Counts(), approval=approved),
        "ready": of(State.READY, Counts()),
        "running": of(State.RUNNING),
        "running, throttled": of(State.RUNNING, trouble="TooManyRequestsException"),
        "running, protection not known": of(State.RUNNING, trouble="AccessDeniedException"),
        "paused": of(State.PAUSED, pressed_by=KIM, approval=approved),
        "paused by the bot": of(State.PAUSED, trouble="AccessDeniedException"),
        "paused, too late": of(State.PAUSED, trouble=TOO_LATE),
        "let go on": of(State.READY, pressed_by=KIM),
        "stopping": of(State.STOPPING, pressed_by=SAM),
        "done": of(State.DONE, replace(all_but, done=287, failed=0, reasons={}), approval=approved),
        "partly": of(State.PARTLY, all_but),
        "stopped": of(State.PARTLY, pressed_by=SAM),
        "failed": of(State.FAILED, failed),
        "changed": of(State.FAILED, Counts(), LIST_CHANGED, error_code=LIST_CHANGED),
        "unknown": of(State.UNKNOWN, replace(some, ended=287, done=284)),
        "denied": replace(approving, state=State.DENIED, ended_at=NOON, approval=approval(State.DENIED)),
        "cancelled": replace(one, state=State.CANCELLED, ended_at=NOON),
        "expired": replace(one, state=State.EXPIRED, ended_at=NOON),
    }


def of_a_second_person() -> Iterator[tuple[str, Message | str]]:
    yield "The card: a second person is needed", card(SHOWN, replace(second(State.CONFIRMING), approval=None))
    for state in AFTER_CONFIRMING:
        yield f"The card, with a second person: {state}", card(SHOWN, second(state))
        yield f"The message to those who may approve: {state}", approval_message(SHOWN, second(state))
    for state in (State.DONE, State.DENIED):
        entry = replace(entry_of(second(state), NOON), id="01JDA000000000000000000E20")
        yield f"The audit channel, with a second person: {state}", audit_message(SHOWN, entry)
    ask = asked("ada", id="01JDA000000000000000000000")
    limited = entry_of_ask(Kind.LIMITED, ask, "limits.per_operator", NOON, ADA)
    yield "The audit channel: a limit", audit_message(SHOWN, replace(limited, id="01JDA000000000000000000E21"))
    for name, view in (("empty", denial_view("1", None)), ("sent", sent_view())):
        yield f"The form of a no: {name}", _form(view)
    approvers = Allowed(frozenset({"U0KIM00001"}), frozenset({"S0SECOND01"}))
    mine = InPool(pool="customers", asks="allow.users", approves=None, needs=(), approvers=approvers)
    asks = replace(mine, asks="allow.ask.users", needs=("allow.ask.users",))
    approves = replace(mine, asks=None, approves="approve.users")
    for name, pool in (("may", mine), ("may ask", asks), ("may approve", approves)):
        standing = Standing(operator=SAM, pools=[pool], left={"limits.per_operator": 3})
        yield f"/signout whoami: {name}", standing_message(standing)


def of_a_history() -> Iterator[tuple[str, Message | str]]:
    ended = [entry_of(second(State.DENIED), NOON), entry_of(request(State.FAILED), NOON)]
    refused = entry_of_ask(Kind.REFUSED, asked("ada"), "history: not allowed", NOON)
    entries = [*ended, refused, replace(refused, count=7, examples=("ada", "grace"))]
    past = Past(ask=asked("ada"), pools=["customers"], entries=entries, more=False, accounts=[ADA], matches=1)
    own = replace(past, ask=asked(""), accounts=(), matches=0)
    for name, each in {
        "of an account": past,
        "of several": replace(past, matches=3),
        "of one that is gone": replace(past, accounts=(), entries=ended),
        "where Cognito does not answer": replace(past, accounts=(), unsure=PoolUnavailableError("Cognito is down.")),
        "with more": replace(past, more=True),
        "one's own": own,
        "with nothing": replace(own, entries=()),
    }.items():
        yield f"/signout history: {name}", history_message(SHOWN, each)


def messages() -> Iterator[tuple[str, Message | str]]:
    yield from of_a_second_person()
    yield from of_other_actions()
    yield from of_sessions()
    yield from of_lists()
    yield from of_a_history()
    for state in (each for each in OF_ONE_ACCOUNT if each not in {State.APPROVING, State.DENIED}):
        yield f"The card: {state}", card(SHOWN, request(state))
    for target, read in (("*ada*", "ada"), ("jos\u00e9", "jose\u0301")):
        otherwise = replace(request(State.CONFIRMING), ask=asked(target), searched_as=read)
        yield f"The card: {target}, read as {read.encode('unicode_escape').decode()}", card(SHOWN, otherwise)
        yield f"The terminal: {target}", facts(otherwise)
        yield f"The terminal with --yes: {target}", unsure(otherwise, yes=True)
    yield "The terminal: choosing", unsure(request(State.CHOOSING), yes=False)
    plain = replace(SHOWN, lasting={"customers": Lasting(hosted_login=False, identity_pool=False)})
    yield (
        "The card: done, federated, neither hosted login nor identity pool",
        card(plain, replace(request(State.DONE), chosen=GOOGLE)),
    )
    pasted = replace(awaiting(), ask=asked(dropped=("--output", "| …"), id="01JDA0000000000000000000AA"))
    yield "The card: of a pasted line", card(SHOWN, pasted)
    too_late = replace(request(State.FAILED), error_code=TOO_LATE, attempts=0)
    yield "The card: failed, too late", card(SHOWN, too_late)
    yield "The card while the audit channel takes nothing", card(SHOWN, request(State.FAILED), audit_refused=True)
    yield (
        "The card while the approval channel takes nothing",
        card(SHOWN, second(State.APPROVING), approval_refused=True),
    )
    ask = asked("ada@example.com", id="01JDA000000000000000000000")
    refused = entry_of_ask(Kind.REFUSED, ask, "not allowed", NOON)
    federated = replace(request(State.DONE), chosen=GOOGLE)
    outcomes = [entry_of(request(state), NOON) for state in (State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN)]
    entries = {str(entry.kind): entry for entry in (*outcomes, refused)} | {"federated": entry_of(federated, NOON)}
    for number, (name, entry) in enumerate(entries.items(), 1):
        fixed = replace(entry, id=f"01JDA000000000000000000E{number:02}")
        yield f"The audit channel: {name}", audit_message(SHOWN, fixed)
    fixed = replace(refused, id="01JDA000000000000000000E09")
    examples = ("ada@example.com", "grace", "bob")
    often = replace(fixed, count=4_899, until=NOON + timedelta(seconds=58), examples=examples)
    yield "The audit channel: many refusals", audit_message(SHOWN, often)
    yield "Help", answer(Help(), SHOWN)
    state_of_form = FormState(channel_id="C0SUPPORT1", pools=["customers", "staff"], reason_required=False)
    for name, view in (
        ("empty", form_view(state_of_form)),
        ("looking", looking_view()),
        ("of a message that names two", form_view(replace(state_of_form, found=("ada@example.com", "bob")))),
        ("found", found_view(shown=True)),
        ("found, of a message", found_view(shown=True, where=OF_MESSAGE)),
        ("found, from anywhere", found_view(shown=True, where=DIRECT)),
        ("found, not shown", found_view(shown=False)),
    ):
        yield f"The form: {name}", _form(view)


def _form(view: dict[str, object]) -> str:
    lines = [as_text(view["blocks"])]
    for block in view["blocks"]:  # type: ignore[attr-defined]
        if block["type"] == "input":
            hint = f" ({block['hint']['text']})" if "hint" in block else ""
            lines.append(f"[{block['label']['text']}]{hint}{' optional' if block['optional'] else ''}")
    return "\n".join(filter(None, lines))


def sentences() -> Iterator[tuple[str, str]]:
    for error in (
        BotError(),
        DeniedError(),
        BusyError(),
        RestartingError(),
        NewerVersionError(),
        ClockChangedError(),
        ClockWrongError(timedelta(minutes=9)),
        UnknownRequestError(),
        PoolChangedError(),
        SecondPersonError(["approve.when", "allow.ask.users"]),
        NothingToApproveError(),
        LimitReachedError("limits.all", timedelta(minutes=7)),
        NotYoursError(),
        ChosenBeforeError(),
        UnderWayError(),
        UnderWayError("Keep out"),
        NotRecordedError(),
        StoreUnavailableError("full"),
    ):
        yield type(error).__name__, str(error)
    yield "StoreUnavailableError, in doubt", str(StoreUnavailableError("full", in_doubt=True))
    for code in (*ADVICE, "SomethingNewException"):
        yield code, advice(code)
    yield "DeniedError, Slack could not be asked", DeniedError.UNSURE
    yield "DeniedError, Slack could not tell", DeniedError.NOT_TOLD
    for code, reason in REASONS.items():
        yield f"{code}, of an account of a list", reason
    yield "a press of a stranger to a list", NOT_YOURS
    yield "a press on a list that moved on", MOVED_ON
    yield "a list of no one", NO_ONE
    yield "a list of too many", TOO_MANY
    yield "a list that is tried again", LOOKING
    yield "an approver's press on their own request", OWN
    yield "a press of someone who is not an approver", NOT_AN_APPROVER
    yield "a protected account", PROTECTED.format(rule="protect.usernames")
    yield from of_lists_in_a_terminal()
    yield "signout, who is not listed", NOT_LISTED
    yield "signout, no terminal", NO_ONE_TO_ASK
    yield "signout, Ctrl-C during the call", INTERRUPTED
    yield "signout, not known here how it ended", UNFINISHED
    yield "a direct message of a result", NO_CARD
    for state in (State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED):
        yield f"signout, {state}", outcome(request(state))
    pool = ScriptedPool([], StoppedClock(), accounts=())
    number = {"+49 30 123456": "+4930123456"}
    nobody = Finder(pools={"customers": pool}, e164=lambda text, _: number.get(text), together=together)
    for target in NOT_FOUND:
        with pytest.raises(AccountNotFoundError) as not_found:
            nobody.find(asked(target), ["customers"])
        yield f"/signout {target.encode('unicode_escape').decode()}, not found", not_found.value.sentence
    for text in MALFORMED:
        with pytest.raises(UsageError) as caught:
            parse(text, AwsSpelling().read)
        shown = text if len(text) < 40 else f"{text[:20]}…"
        yield f"/signout {shown.encode('unicode_escape').decode()}", caught.value.sentence


def page() -> str:
    parts = ["# What people read\n", "Made by test_words.py. `UPDATE_WORDS=1` writes it again.\n"]
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


def test_no_sentence_is_in_two_places() -> None:
    said = [sentence for _, sentence in sentences()]
    assert len(set(said)) == len(said)
