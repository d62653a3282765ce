"""A sample of each card, form and message, of made-up people and as long as it can be: what `check` shows to Slack.

Each thing that people can be shown has a `yield` here; tests name what has none, and try each with hostile text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from bot.account import Proof
from bot.action import END_SESSION, OTHERS, SIGN_OUT, Step
from bot.audit import Kind, entry_of
from bot.errors import BotError, UsageError
from bot.facts.aws_cli import Help, Skeleton
from bot.history import MOST, Past
from bot.request import ENDED, OF_ONE_ACCOUNT, State
from bot.slack.approvals import MOST_POOLS, approval_message, standing_message
from bot.slack.audit_channel import audit_message
from bot.slack.cards import answer, card, error_message
from bot.slack.denial import denial_view, denied_view, sent_view
from bot.slack.form import Filled, FormState, form_view, found_view, looking_view
from bot.slack.history import history_message
from bot.slack.list_facts import progress_message
from bot.slack.list_form import PEOPLE, FilledList, list_form_view, looked_up_view, looking_up_view
from bot.slack.made_up import AT, ID, MANY, NEEDS, POOL, MadeUp
from bot.slack.reply import NO_CARD
from bot.slack.text import Drawn, Message
from bot.whoami import InPool, Standing

Named = Iterator[tuple[str, Message | Drawn]]  # a form is its view

_OUTCOMES = (State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN)
STATES_OF_LISTS = [state for state in State if state is not State.CHOOSING]
LINK = "https://a-workspace-with-a-long-name.slack.com/archives/C0123ABCDEF/p1767323045000100"
AFTER_CONFIRMING = [state for state in OF_ONE_ACCOUNT if state not in {State.CHOOSING, State.CONFIRMING}]


def samples(of: MadeUp | None = None) -> Mapping[str, Message | Drawn]:
    """Return all samples by their names."""
    of = of or MadeUp()
    of_accounts = (_cards, _cards_of_actions, _cards_of_sessions, _approvals, _audit_messages, _answers, _history)
    return dict(chain.from_iterable(kind(of) for kind in (*of_accounts, _cards_of_lists, _messages_of_lists, _forms)))


def _cards(of: MadeUp) -> Named:
    for state in OF_ONE_ACCOUNT:
        note = NO_CARD if state in ENDED else ""
        yield f"the card: {state}", card(of.shown, of.request(state), audit_refused=True, note=note)
    for state in AFTER_CONFIRMING:
        drawn = card(of.shown, of.second(state), audit_refused=True, approval_refused=True)
        yield f"the card, with a second person: {state}", drawn
    yield "the card: a second person is needed", card(of.shown, of.second(State.CONFIRMING, approval=None))
    for state in (State.CONFIRMING, State.DONE):
        federated = of.request(state, chosen=of.federated, may=(SIGN_OUT, "keep_out"))
        yield f"the card of a federated account: {state}", card(of.shown, federated)


def _cards_of_actions(of: MadeUp) -> Named:
    for action in OTHERS:
        account = replace(of.account, enabled=action != "let_in")
        asked = of.request(State.CONFIRMING, action, chosen=account, may_ask=OTHERS)
        yield f"the card: {action}", card(of.shown, asked)
        yield f"the card: {action}, done", card(of.shown, of.request(State.DONE, action, chosen=account, may=()))


def _cards_of_sessions(of: MadeUp) -> Named:
    listed = of.request(State.CONFIRMING, tracks_sessions=True, sessions=of.sessions)
    yield "the card: with sessions", card(of.shown, listed)
    yield "the card: sessions not known", card(of.shown, replace(listed, sessions=None))
    one = of.request(State.DONE, END_SESSION, tracks_sessions=True, session=of.sessions[0])
    yield "the card: one session ended", card(of.shown, one)
    proof = Proof(at=AT, left=3, newer=of.sessions, more=90)
    for state in (State.DONE, State.PARTLY, State.UNKNOWN):
        ended = of.second(state, tracks_sessions=True, proof=proof, done=(str(Step.SIGN_OUT),))
        yield f"the card: {state}, sessions listed again", card(of.shown, ended, audit_refused=True)
        yield f"the audit message: {state}, sessions listed again", audit_message(of.shown, entry_of(ended, AT))
        yield f"the approval message: {state}, sessions listed again", approval_message(of.shown, ended)


def _approvals(of: MadeUp) -> Named:
    for state in AFTER_CONFIRMING:
        yield f"the approval message: {state}", approval_message(of.shown, of.second(state))
    one = of.second(State.APPROVING, END_SESSION, session=of.sessions[0], tracks_sessions=True)
    yield "the approval message: one session", approval_message(of.shown, one)


def _audit_messages(of: MadeUp) -> Named:
    for state in (*_OUTCOMES, State.DENIED):
        yield f"the audit message: {state}", audit_message(of.shown, entry_of(of.second(state), AT))
    for action in OTHERS:
        yield f"the audit message: {action}", audit_message(of.shown, entry_of(of.request(State.DONE, action), AT))
    refused, limited = of.nothing_moved(Kind.REFUSED), of.nothing_moved(Kind.LIMITED)
    often = replace(refused, count=4_899, until=AT, examples=(of.target,) * 3)
    for name, entry in {"refused": refused, "many refusals": often, "a limit": limited}.items():
        yield f"the audit message: {name}", audit_message(of.shown, entry)


def _answers(of: MadeUp) -> Named:
    yield "help", answer(Help(), of.shown)
    yield "a skeleton", answer(Skeleton("UserPoolId: ''\nUsername: ''\n"), of.shown)
    yield "an empty skeleton", answer(Skeleton(""), of.shown)
    yield "a sentence", error_message(BotError(of.reason, of.reason))
    yield "what is wrong with a command", error_message(UsageError(of.reason))
    pool = InPool(
        pool=POOL,
        asks=f"pools.{POOL}.allow.users",
        approves=f"pools.{POOL}.approve.users",
        needs=NEEDS,
        approvers=MANY,
        more=dict.fromkeys(OTHERS, NEEDS[:1]),
    )
    left = {"limits.per_operator": 999, "limits.all": 999}
    standing = Standing(operator=of.operator, pools=[pool] * (MOST_POOLS + 1), left=left, unsure=True)
    yield "whoami", standing_message(standing)


def _history(of: MadeUp) -> Named:
    ended = [entry_of(of.second(state), AT) for state in (*_OUTCOMES, State.DENIED)]
    entries = [*ended, of.nothing_moved(Kind.REFUSED)] * MOST
    ask = of.request(State.DONE).ask
    past = Past(ask=ask, pools=[POOL] * 20, entries=entries[:MOST], more=True, accounts=[of.federated], matches=2)
    yield "the history", history_message(of.shown, past)
    silent = replace(past, accounts=(), unsure=BotError(of.reason))
    yield "the history: Cognito was silent", history_message(of.shown, silent)


def _cards_of_lists(of: MadeUp) -> Named:
    for state in STATES_OF_LISTS:
        drawn = card(of.shown, of.a_list(state), audit_refused=True, approval_refused=True, link=LINK)
        yield f"the card of a list: {state}", drawn
    asked = of.a_list(State.CONFIRMING, approval=None, needs=())
    some = replace(asked.contents, choices=asked.contents.choices[:1], recent=1, twice=1)
    several = [replace(each, begin=3 * number, count=3) for number, each in enumerate(asked.contents.choices)]
    previews = {
        "one choice": some,
        "several choices": replace(asked.contents, choices=tuple(several)),
        "the whole pool": replace(some, everyone=True),
        "once more": replace(some, again_of=asked.id),
    }
    for name, listed in previews.items():
        yield f"the card of a list: {name}", card(of.shown, replace(asked, listed=listed))


def _messages_of_lists(of: MadeUp) -> Named:
    for state in (State.PAUSED, State.DENIED, *_OUTCOMES):
        yield f"the audit message of a list: {state}", audit_message(of.shown, entry_of(of.a_list(state), AT))
    for state in (each for each in STATES_OF_LISTS if each not in {State.PREVIEWING, State.CONFIRMING}):
        asked = of.a_list(state)
        yield f"the approval message of a list: {state}", approval_message(of.shown, asked)
        if asked.has_progress:
            yield f"the progress of a list: {state}", progress_message(of.shown, asked)


def _forms(of: MadeUp) -> Named:
    pools, actions = [f"{POOL}{number}" for number in range(10)], (SIGN_OUT, *OTHERS)
    url = "https://hooks.slack.com/commands/T0123ABCDEF/0/".ljust(200, "x")
    state = FormState(channel_id="C0123ABCDEF", pools=pools, actions=actions, reason_required=True, response_url=url)
    yield "the form", form_view(replace(state, reason_required=False))
    yield "the form: corrected", form_view(state, Filled(of.target, pools[-1], of.reason, actions[-1]), of.reason)
    yield "the form: looking", looking_view()
    for shown in (True, False):
        yield f"the form: found, {'' if shown else 'not '}shown", found_view(shown=shown, approval=True)
    yield "the form of a list", list_form_view(replace(state, reason_required=False), FilledList())
    filled = FilledList([of.target * 20] * len(PEOPLE), pools[-1], of.reason)
    yield "the form of a list: corrected", list_form_view(state, filled, of.reason)
    yield "the form of a list: looking", looking_up_view(2_000)
    yield "the form of a list: looking further", looking_up_view(2_000, 120)
    for shown in (True, False):
        yield f"the form of a list: looked up, {'' if shown else 'not '}shown", looked_up_view(shown=shown)
    yield "the form of a no", denial_view(ID, "1767323045.000100")
    yield "the form of a no: corrected", denial_view(ID, "1767323045.000100", of.reason, of.reason)
    yield "the form of a no: sent", sent_view()
    yield "the form of a no: denied", denied_view(ID)
