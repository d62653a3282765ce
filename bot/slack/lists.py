"""The card of a list, in each of its states."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from bot.action import ACTIONS
from bot.facts.list_words import NOT_AGAIN, accounts, list_result
from bot.request import Request, State
from bot.slack.approvals import by_whom, why
from bot.slack.list_facts import BEGUN, failures, holds, left_out, list_buttons, why_so
from bot.slack.outcomes import HOSTED
from bot.slack.shown import Shown
from bot.slack.text import Block, Code, Line, Link, Span, button, capitalized, choice, cut, facts, lines

CHOOSE_ONE = "signout_list_choose_"  # with the number of the account among the request's candidates
MOST_ROWS, LONGEST_ROW, LONGEST_LINE = 10, 125, 50  # of accounts to choose from: more would not fit beside the rest
LATER = "Some lines are not shown here for lack of room. They come once you have chosen for these."
_SINCE = "after the sign-out"
_PROVIDER = "A person who signs in through Google or another provider may come back without a password."
_CREDENTIALS = "AWS credentials that an identity pool gave out stay valid until they expire."
_COME_BACK = "The people can sign in again at once, except where their account is disabled."


def progress_line(link: str | None) -> Line:
    """Say where one can see how far a list is."""
    where = Link("The audit channel", link) if link else "The audit channel"
    return [where, " shows how far it is, and what came of it."]


def _previewing(_: Shown, request: Request) -> list[Block]:
    return [[f"Looked up so far: {request.contents.looked_up:,} lines. Nothing has happened yet."]]


def _preview(shown: Shown, request: Request) -> list[Block]:
    listed = request.contents
    reason = shown.reason(request.ask.options.reason)
    return [
        f"Sign out {accounts(listed.size)}?",
        lines([*holds(listed), *facts({"Reason": reason, "Request": [Code(request.id)]})]),
        left_out(shown, listed),
        *_choices(shown, request),
        [f"{ACTIONS[request.action].effect} {shown.accepted(listed.pool, _SINCE)} {NOT_AGAIN}"],
        [f"{why(listed.pool, request.needs)} Your press asks for that."] if request.needs else [],
    ]


def _choices(shown: Shown, request: Request) -> Iterator[Block]:
    """Give the accounts to choose from, for the lines that mean several."""
    left = MOST_ROWS
    for each in request.contents.choices:
        if each.count > left:
            yield [LATER]
            return
        left -= each.count
        line = cut(shown.personal(each.line), LONGEST_LINE)
        yield [Code(line), " means several accounts. None of them is signed out, unless you choose one:"]
        for number in range(each.begin, each.begin + each.count):
            text = cut(shown.brief(request.candidates[number], of_one_pool=True), LONGEST_ROW)
            yield choice(text, button("Add this one", f"{CHOOSE_ONE}{number}", request.id))


def _decided(shown: Shown, request: Request) -> list[Block]:
    """Return the card of a list that was decided on and has not ended.

    It may stay as it is, so it has to be true for ever: the message that shows how far the list is has the rest.
    """
    listed, action = request.contents, ACTIONS[request.action]
    by = by_whom(request) or ["confirmed ", request.decided_at or request.created_at]
    name, waits = f"{action.running} {accounts(listed.size)}, {listed.pace:g} a second at most.", list[Span]()
    if request.state is State.READY:
        latest = (listed.worked_at or request.decided_at or request.created_at) + shown.resume_within
        waits = ["If the bot cannot begin until ", latest, ", the list is paused, until someone lets it go on."]
    return [
        [*capitalized(by), f". {name}"],
        why_so(request) if request.state is not State.RUNNING else [],
        BEGUN.get(request.state, []),
        waits,
        list_buttons(request),
    ]


def _outcome(shown: Shown, request: Request) -> list[Block]:
    title, meaning = list_result(request)
    return [
        title,
        why_so(request),
        [meaning] if meaning else [],
        *failures(request),
        lines(not_reached(shown, request), "list") if request.contents.counts.done else [],
        lines(facts({"Second person": by_whom(request), "Request": [Code(request.id)]})),
        list_buttons(request),
    ]


def not_reached(shown: Shown, request: Request) -> Sequence[Line]:
    """Return what the sign-outs of a list do not reach."""
    pool = request.contents.pool
    lasting = shown.outlives(pool)
    where = "" if lasting.identity_pool else "If there is an identity pool: "
    said = [
        shown.accepted(pool, _SINCE),
        HOSTED if lasting.hosted_login else "",
        _PROVIDER,
        "" if lasting.identity_pool is False else f"{where}{_CREDENTIALS}",
        _COME_BACK,
    ]
    return [[each] for each in said if each]


# Where it is not what it would be for one account: see cards.py.
LIST_CARDS: Mapping[State, Callable[[Shown, Request], list[Block]]] = {
    State.PREVIEWING: _previewing,
    State.CONFIRMING: _preview,
    **dict.fromkeys((State.READY, State.RUNNING, State.PAUSED, State.STOPPING), _decided),
    **dict.fromkeys((State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN), _outcome),
}
