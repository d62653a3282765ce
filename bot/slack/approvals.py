"""What people read about a second person: those who are asked to approve, those who asked, and who `whoami` tells."""

from collections.abc import Mapping, Sequence

from bot.action import ACTIONS
from bot.authorize import Allowed
from bot.facts.advice import result
from bot.listed import Listed
from bot.request import Operator, Request, State
from bot.slack.list_facts import holds, left_out
from bot.slack.sessions import about_sessions
from bot.slack.shown import Shown
from bot.slack.text import Block, Bold, Code, Group, Line, Message, Span, button, capitalized, facts, lines, message
from bot.whoami import InPool, Standing

APPROVE = "signout_approve"
DENY = "signout_deny"
_UNLESS = " Nothing is done unless they approve. What comes of it is shown here or comes as a direct message."
APPROVAL_REFUSED = (
    "The channel in which they are asked took no messages when this was written. If they could not be asked yet, they "
    "will be once it takes messages, as long as this waits."
)
_QUESTION = "Sign these accounts out of all devices?"
MOST_NAMED, MOST_POOLS = 20, 10  # people and groups, and pools: with more Slack would refuse the message
_UNSURE = (
    "Slack could not be asked who is in a group or in this workspace, so you may be allowed more than this says. Try "
    "again in a minute."
)
# Why a second person has to approve something, by the beginning of the rule's name.
_WHY: Mapping[str, str] = {
    "approve": "the settings ask for it",
    "allow": "the person who asks may only ask for it",
    "protect": "the account is protected",
    "limits": "the limit of accounts within an hour is reached",
}


def why(pool: str, needs: Sequence[str]) -> str:
    """Return why a second person has to approve something, in words and with the names of the rules."""
    names = [(rule, rule.removeprefix(f"pools.{pool}.").partition(".")[0]) for rule in needs]
    return f"A second person has to approve this: {'; '.join(f'{_WHY[name]} ({rule})' for rule, name in names)}."


def by_whom(request: Request) -> Line:
    """Return who approved or denied a request, and when; empty where no one did."""
    approval = request.approval
    if not approval or not approval.approver:
        return []
    said = "denied" if request.state is State.DENIED else "approved"
    return [f"{said} by ", approval.approver, " ", approval.at or approval.asked_at]


def approving(shown: Shown, request: Request) -> list[Block]:
    """Return the asker's card while a second person is asked."""
    running, name = ACTIONS[request.action].running, Code(shown.subject(request))
    return [
        [f"{running} ", name, " waits for a second person's approval until ", request.expires_at, f".{_UNLESS}"],
        *about_sessions(shown, request),
        [why(request.subject.pool, request.needs)] if request.needs else [],
    ]


def denied(shown: Shown, request: Request) -> list[Block]:
    """Return the asker's card once a second person said no."""
    reason = request.approval.reason if request.approval else None
    return [
        f"Denied: {shown.subject(request)}",
        [*capitalized(by_whom(request) or ["denied"]), ". Nothing was done."],
        lines(facts({"Why": shown.reason(reason), "Request": [Code(request.id)]})),
    ]


def approval_message(shown: Shown, request: Request) -> Message:
    """Return what those who may approve a request see: what is asked, or what came of it."""
    action, subject, waits = ACTIONS[request.action], request.subject, request.state is State.APPROVING
    question = _QUESTION if request.listed else action.question
    more = facts({"Reason": shown.reason(request.ask.options.reason), "Request": [Code(request.id)]})
    if waits:
        title, end = f"Approval needed: {shown.subject(request)}", _asked(shown, request)
        about = holds(subject) if isinstance(subject, Listed) else shown.who(subject)
    else:
        title, came = _came(shown, request)
        about, end = facts({"Pool": [subject.pool]}), [came]
    return message(
        title,
        [request.ask.operator, f" asks: {question}{f' {action.effect}' if waits else ''}"],
        shown.how_read(request) if waits else [],
        lines([*about, *about_sessions(shown, request), *more]),
        *end,
    )


def _asked(shown: Shown, request: Request) -> list[Block]:
    """Return why approvers are asked, until when, and the buttons for their answer."""
    subject, cannot = request.subject, ". Nothing is done unless someone approves it. The person who asks cannot."
    return [
        left_out(shown, subject) if isinstance(subject, Listed) else [],
        [why(subject.pool, request.needs)],
        ["Approve or deny it until ", request.expires_at, cannot],
        (
            button("Approve", APPROVE, request.id, style="primary"),
            button("Deny", DENY, request.id, style="danger"),
        ),
    ]


def _came(shown: Shown, request: Request) -> tuple[str, Line]:
    """Return what came of a request that waits for no one any more, as a title and as a line."""
    ended_at, approval, subject = request.ended_at or request.expires_at, request.approval, shown.subject(request)
    by = capitalized(by_whom(request))
    who: Line = [*by, ". "] if by else []
    match request.state:
        case State.DENIED:
            reason = shown.reason(approval.reason) if approval else []
            return f"Denied: {subject}", [*who, "Nothing was done.", *([" Why: ", *reason] if reason else [])]
        case State.CANCELLED:
            return f"Cancelled: {subject}", ["The person who asked cancelled it ", ended_at, ". Nothing was done."]
        case State.EXPIRED:
            until = min(request.expires_at, ended_at)
            return f"Not approved in time: {subject}", ["It waited until ", until, ". Nothing was done."]
        case State.PAUSED | State.STOPPING:
            return f"Approved: {subject}", [*who, "The audit channel shows how far it is."]
        case State.READY | State.RUNNING:
            return f"Approved: {subject}", [*who, "It is under way. The audit channel shows what comes of it."]
    title, meaning = result(request)
    said: Line = [*who, "Ended ", ended_at, f". {meaning}"]
    return title if request.listed else f"{title}: {subject}", said


def standing_message(standing: Standing) -> Message:
    """Return the message that tells an operator what they may do."""
    most = MOST_POOLS // 2 if any(each.more for each in standing.pools) else MOST_POOLS
    shown, more = standing.pools[:most], len(standing.pools) - most
    pools = [each for pool in shown for each in _in_pool(pool, MOST_NAMED // len(shown), unsure=standing.unsure)]
    return message(
        ["You are ", standing.operator, "."],
        *pools,
        [f"And {more} more pools, which do not fit here."] if more > 0 else [],
        [_UNSURE] if standing.unsure else [],
        lines(
            [[f"Accounts left within this hour: {number} ({name})."] for name, number in standing.left.items()], "list"
        ),
    )


def _in_pool(pool: InPool, most: int, *, unsure: bool) -> Sequence[Block]:
    approvers = named(pool.approvers, most)
    may = "It is not known whether you may sign people out." if unsure else "You may sign no one out."
    ask_to = "ask to " if pool.asks in pool.needs else ""
    if pool.asks:
        may = f"You may {ask_to}sign people out ({pool.asks})."
    also: list[Line] = [[f"You may also {ask_to}{ACTIONS[each].may}.{_needing(pool, each)}"] for each in pool.more]
    return [
        [Bold(f"Pool {pool.pool}")],
        lines(
            [
                [may],
                [why(pool.pool, pool.needs)] if pool.needs else [],
                *also,
                ["Someone else may have to approve it, such as for a protected account."]
                if pool.asks and approvers and not pool.needs
                else [],
                ["Who may approve: ", *approvers, "."] if pool.asks and approvers else [],
                [f"You may approve what others ask for ({pool.approves})."] if pool.approves else [],
            ],
            "list",
        ),
    ]


def _needing(pool: InPool, action: str) -> str:
    """Return why another action needs a second person, where that is not so for each sign-out."""
    needs = pool.more[action]
    return f" {why(pool.pool, needs)}" if needs and needs != pool.needs else ""


def named(people: Allowed, most: int) -> Line:
    """Return people and groups as mentions, at most so many."""
    everyone: list[Span] = [Operator(team_id="", id=each, name=each) for each in sorted(people.users)]
    everyone += [Group(each) for each in sorted(people.groups)]
    shown = [part for each in everyone[:most] for part in (", ", each)][1:]
    more = len(everyone) - most
    return [*shown, f" and {more} more"] if more > 0 else shown
