"""What a terminal shows of a list: what it would hold, what it waits for, and what came of it. Plain text."""

from collections.abc import Iterator
from datetime import datetime

from bot.account import Account
from bot.authorize import Allowed
from bot.facts.list_words import NOT_AGAIN, about, accounts, list_result, reasons_of, trouble_of
from bot.listed import Listed
from bot.request import Request, State
from bot.visible import visible

LEFT_TO_THE_BOT = (
    "This command does nothing more. The bot goes on with the list within half a minute, where it may, if it runs; "
    "the audit channel shows it."
)
LEFT_UNAPPROVED = "This command does nothing more. If the list is approved, the bot runs it, where it may."
STOPPING = (
    "Stopping: what is under way ends, and nothing more is begun. Ctrl-C again ends the command at once; what was "
    "under way then, the bot finishes where it may."
)
STOPPED_AND_LEFT = (
    "Ended. The list was stopped, so nothing more is begun. What was under way, the bot finishes where it may, if it "
    "runs; the audit channel shows it."
)
NOT_STOPPED = (
    "Ended. Whether the list was stopped is not known here. If not, the bot goes on with it within half a minute, "
    "where it may, if it runs; the audit channel shows it."
)
WAITS = (
    "The bot or another terminal runs lists of this AWS account and region just now. Where the bot may, it takes this "
    "one too; else this one begins after them."
)
NOTHING_DONE = "Nothing was done."
_GO_ON_HERE = "Press Enter and it goes on; Ctrl-C stops it."
_GO_ON = "Someone who may approve it can let it go on in Slack. Ctrl-C stops it."


def preview(request: Request) -> str:
    """Return what a list would hold, and what is left out of it."""
    listed, reason = request.contents, request.ask.options.reason
    what = f"accounts of list {listed.again_of}" if listed.again_of else "lines"
    read = f"{listed.lines:,} {'accounts in the pool' if listed.everyone else what}"
    labelled = [
        ("List", request.id),
        ("Pool", f"{listed.pool} ({listed.pool_id}, {listed.region})"),
        ("Looked up", read),
        ("Sign out", f"{accounts(listed.size)}, in about {about(listed.time_left)} at {listed.pace:g} a second"),
        ("Recent", f"Signed out within the last hour, and now once more: {listed.recent:,}" if listed.recent else ""),
        ("Twice", f"Lines whose account is in the list already: {listed.twice:,}" if listed.twice else ""),
        ("Reason", reason),
        ("Approval", f"A second person has to approve it ({'; '.join(request.needs)})" if request.needs else ""),
    ]
    lines = [f"{label:<11} {visible(value)}" for label, value in labelled if value]
    return "\n".join([*lines, *_left_out(request), NOT_AGAIN])


def _left_out(request: Request) -> Iterator[str]:
    listed = request.contents
    choices = {each.line: request.candidates[each.begin : each.begin + each.count] for each in listed.choices}
    for title, left in (
        ("Not found", listed.not_found),
        ("Not readable as an account", listed.unreadable),
        ("Protected", listed.protected),
        ("Several accounts for one line", listed.several),
    ):
        if left.count:
            yield f"Left out. {title}: {left.count:,}"
        for line in left.first:
            yield f"  {visible(line) or '(empty)'}"
            yield from (f"    {visible(_told_apart(each))}" for each in choices.get(line, ()))
        if left.count > len(left.first):
            yield f"  and {left.count - len(left.first):,} more"
    if listed.several.count:
        yield "  To have one of them signed out, write its sub or user name into the list."


def _told_apart(account: Account) -> str:
    names = (account.sub, account.username, account.email, account.phone, account.sign_in)
    return "  ".join(name for name in names if name)


def question(listed: Listed) -> str:
    """Return what asks for the confirmation."""
    count, pool = accounts(listed.size), listed.pool
    what = f"the whole pool {pool}, {count}," if listed.everyone else f"{count} of pool {pool}"
    return f"This signs {what} out of all devices. Type the number of accounts to confirm: "


def not_the_number(listed: Listed) -> str:
    """Return what is said where another number was given."""
    return f"The list has {accounts(listed.size)}."


def approving(request: Request, approvers: Allowed, now: datetime) -> str:
    """Return who is asked to approve a list, and until when this waits for them."""
    approval, who = request.approval, ", ".join(sorted(approvers.users | approvers.groups))
    where = f" The bot asks them in Slack's channel {approval.channel_id}, if it runs." if approval else ""
    until = f"{request.expires_at:%H:%M:%S} UTC, for {about(request.expires_at - now)}"
    return f"A second person has to approve it: {who}.{where} This waits until {until}. Ctrl-C cancels it."


def approved(request: Request) -> str:
    """Return who approved a list."""
    return f"Approved{_by_approver(request)}."


def _by_approver(request: Request) -> str:
    approver = request.approval and request.approval.approver
    return f" by {visible(approver.name)} ({approver.id})" if approver else ""


def paused(request: Request, *, here: bool) -> str:
    """Return why a list is paused, and what lets it go on; `here`: someone at this terminal can be asked."""
    by = visible(request.pressed_by.name) if request.pressed_by else "the bot itself"
    return " ".join(filter(None, [f"Paused by {by}.", trouble_of(request), _GO_ON_HERE if here else _GO_ON]))


def how_far(listed: Listed) -> str:
    """Return how far a list is, on one line."""
    counts = listed.counts
    speed = f" {listed.rate:.1f} a second, about {about(listed.time_left)} left." if listed.rate else ""
    parts = f"{counts.done:,} signed out, {counts.failed:,} failed, {counts.unknown:,} not known"
    return f"{counts.ended:,} of {accounts(listed.size)}: {parts}.{speed}"


def beside_the_bar(listed: Listed) -> str:
    """Return what the bar does not show."""
    speed = f", {listed.rate:.1f}/s, {about(listed.time_left)} left" if listed.rate else ""
    return f"{listed.counts.failed:,} failed, {listed.counts.unknown:,} not known{speed}"


def outcome(request: Request) -> str:
    """Return what came of a list that has ended."""
    match request.state:
        case State.CANCELLED:
            return f"Cancelled. {NOTHING_DONE}"
        case State.EXPIRED:
            late = "approved" if request.approval else "confirmed"
            return f"Not {late} in time. {NOTHING_DONE} Run the command again."
        case State.DENIED:
            reason = request.approval and request.approval.reason
            return f"Denied{_by_approver(request)}{f': {visible(reason)}' if reason else ''}. {NOTHING_DONE}"
    return "\n".join(_summary(request))


def _summary(request: Request) -> Iterator[str]:
    listed, (title, meaning) = request.contents, list_result(request)
    taken = request.ended_at - listed.begun_at if request.ended_at and listed.begun_at else None
    yield f"{title}{f', in about {about(taken)}' if taken and listed.counts.ended else ''}."
    if meaning:
        yield meaning
    if reasons := reasons_of(listed.counts):
        yield "Why:"
        yield from (f"  {each}" for each in reasons)
    yield f"Each account that has ended: signout-bot audit --list {request.id} --format csv"
    if request.state is not State.DONE:
        yield f"What was not done, once more: signout-bot signout --again {request.id}"
