"""What the operator reads: a request in each of its states, what was wrong, and the help. No clock, no network."""

from collections.abc import Callable, Mapping, Sequence

from bot.action import ACTIONS, SIGN_OUT, Step
from bot.errors import BotError, UsageError
from bot.facts.aws_cli import AWS_USAGE, Help, Skeleton, left_out_sentence
from bot.facts.list_words import accounts
from bot.offer import offered, withheld
from bot.options import ACTION_OPTIONS, USAGE
from bot.request import AWAITING, ENDED, Request, State
from bot.slack.approvals import APPROVAL_REFUSED, approving, by_whom, denied, why
from bot.slack.lists import LIST_CARDS, progress_line
from bot.slack.outcomes import action_buttons, outcome
from bot.slack.sessions import session_rows
from bot.slack.shown import Shown
from bot.slack.text import Block, Bold, Code, Drawn, Line, Message, button, capitalized, choice, facts, lines, message

CHOOSE = "signout_choose_"
CONFIRM = "signout_confirm"
CANCEL = "signout_cancel"
AUDIT_REFUSED = (
    "The audit channel took no messages when this was written. What is missing there is saved and will be posted."
)
_STAYS_OUT = "This signs every device out. The account is disabled, so no one can sign in with it until it is enabled."
_OPTIONS: Sequence[Line] = (
    [Code("TARGET"), " is a user name, preferred_username, email, phone number or sub, spelled exactly."],
    [Code("--pool NAME"), " looks only in that user pool. Without it, the bot looks in all that you may use."],
    [Code("--region REGION"), " looks only in the user pools of that AWS region."],
    [Code("--reason TEXT"), " says why, such as a ticket number. The audit channel shows it."],
)
_HELP: Sequence[Block] = (
    [Code("/signout"), " with nothing after it opens a form."],
    [Code("/signout list"), " opens a form for many people at once. You see what was found before anything happens."],
    [Code("/signout whoami"), " tells what you may do, by which rule, and whether someone else has to approve it."],
    [
        Code("/signout history TARGET"),
        " tells what was asked for that account, by whom, and what came of it. Without TARGET: what you asked for.",
    ],
    [
        "You can also paste a line of the AWS CLI's cognito-idp admin-user-global-sign-out, or only its options: ",
        Code(AWS_USAGE),
        ", --region, --cli-input-json, --cli-input-yaml, --generate-cli-skeleton.",
    ],
    ["You see the account and confirm before anything happens. The audit channel shows what came of it."],
)
# Progress may stay as the last word where Slack takes no other, so it must be true for ever.
_RESULT_COMES = " The result comes here or as a direct message, and in the audit channel."


def card(  # noqa: PLR0913 -- what a card shows that is not in the request
    shown: Shown,
    request: Request,
    *,
    audit_refused: bool = False,
    approval_refused: bool = False,
    note: str = "",
    link: str | None = None,
) -> Message:
    """Return the card of a request, for each state that it can be in; a `note` comes first.

    `audit_refused`: see `AUDIT_REFUSED`. `approval_refused`: see `APPROVAL_REFUSED`. `link`: to a list's progress.
    """
    first: Line = [note] if note else []
    blocks = [first, *(_CARDS_OF_LISTS if request.listed else _CARDS)[request.state](shown, request)]
    if request.state in AWAITING:
        if request.ask.options.dropped:
            blocks.append([left_out_sentence(request.ask.options.dropped)])
        if request.state in {State.CHOOSING, State.CONFIRMING}:
            blocks.append(["You can confirm until ", request.expires_at, "."])
        elif request.state is State.APPROVING and approval_refused:
            blocks.append([APPROVAL_REFUSED])
        blocks.append(_buttons(request))
    if request.has_progress and request.state not in ENDED:
        blocks.insert(-1, progress_line(link))
    if audit_refused and (request.decided_at or request.state is State.DENIED) and request.state in ENDED:
        blocks.append([AUDIT_REFUSED])
    return message(*blocks)


def _buttons(request: Request) -> tuple[Drawn, ...]:
    """Return what may be pressed on the card of a request that waits."""
    cancel = button("Cancel", CANCEL, request.id)
    if request.state is not State.CONFIRMING:
        return (cancel,)
    label = "Ask for approval" if request.needs else ACTIONS[request.action].button
    if request.listed:
        label += f"{':' if request.needs else ''} {accounts(request.listed.size)}"
    confirm = button(label, CONFIRM, request.id, style="danger")
    return (confirm, *action_buttons(request, offered(request)[1:]), cancel)


def error_message(error: BotError, usage: str = USAGE) -> Message:
    """Return what was wrong and what to do; for a command that is not understood, how to write it as well."""
    line: Line = ["Usage: ", Code(error.usage or usage)] if isinstance(error, UsageError) else []
    return message(lines([[str(error)], line]))


def answer(asked: Help | Skeleton, shown: Shown) -> Message:
    """Return the answer to a command that begins nothing: the help has the actions that someone may ask for."""
    if isinstance(asked, Skeleton):
        if not asked.text:
            return message(["The output of this operation is empty."])
        return message(lines([[line] for line in asked.text.split("\n")], "preformatted"))
    others: list[Line] = [
        [Code(f"--{name}"), f", if you may: {ACTIONS[action].effect}"]
        for name, action in ACTION_OPTIONS.items()
        if action in shown.performers
    ]
    options = lines([*_OPTIONS, *others], "list")
    return message("Sign a Cognito user out of all devices", [Code(USAGE)], options, *_HELP)


def _choosing(shown: Shown, request: Request) -> list[Block]:
    left_out = request.matches - len(request.candidates)
    more = f" These are the first {len(request.candidates)}: add a user name, sub or --pool." if left_out else ""
    return [
        f"{request.matches} accounts match. Which one is it?",
        shown.how_read(request),
        [f"Nothing happens before you choose one and confirm.{more}"],
        *(
            choice(shown.brief(account), button("This one", f"{CHOOSE}{number}", request.id))
            for number, account in enumerate(request.candidates)
        ),
    ]


def _confirming(shown: Shown, request: Request) -> list[Block]:
    earlier, reason = request.earlier, request.ask.options.reason
    last: Line = [earlier.at, f" by @{earlier.by}"] if earlier else []
    action, others = ACTIONS[request.action], offered(request)[1:]
    stays_out = request.action == SIGN_OUT and request.account.enabled is False
    later = shown.accepted(request.account.pool, "more")
    return [
        action.question,
        shown.how_read(request),
        lines([*shown.who(request.account), *facts({"Last signed out": last, "Reason": shown.reason(reason)})]),
        [_STAYS_OUT if stays_out else action.effect, *([f" {later}"] if Step.SIGN_OUT in action.steps else [])],
        lines([_other(request, each) for each in others], "list"),
        *(session_rows(shown, request) if request.tracks_sessions and request.action == SIGN_OUT else []),
        lines(facts({ACTIONS[each].button: [no] for each, no in withheld(request).items()}), "list"),
        [f"{why(request.account.pool, request.needs)} Your press asks for that."] if request.needs else [],
    ]


def _other(request: Request, action: str) -> Line:
    """Say what the button of another action does."""
    row, asks = ACTIONS[action], action in request.may_ask
    return [Bold(f"{row.button}  "), f"{row.effect}{' A second person has to approve it.' if asks else ''}"]


def _expired(_: Shown, request: Request) -> list[Block]:
    until = min(request.expires_at, request.ended_at or request.expires_at)
    said = "No one approved this in time: it waited until " if request.approval else "This card expired: "
    return [[said, until, ". Nothing was done. Run the command again."]]


def _under_way(shown: Shown, request: Request) -> list[Block]:
    running = ACTIONS[request.action].running
    name, decided_at = Code(shown.name(request.account)), request.decided_at or request.created_at
    if request.state is State.RUNNING:
        by = by_whom(request) or ["confirmed ", decided_at]
        return [[f"{running} ", name, ", ", *by, f".{_RESULT_COMES}"]]
    by = capitalized(by_whom(request) or ["confirmed"])
    latest, waits = decided_at + shown.resume_within, " has begun or waits to begin, until "
    return [[*by, f". {running} ", name, waits, latest, f" at the latest.{_RESULT_COMES}"]]


_CARDS: Mapping[State, Callable[[Shown, Request], list[Block]]] = {
    State.CHOOSING: _choosing,
    State.CONFIRMING: _confirming,
    State.APPROVING: approving,
    **dict.fromkeys((State.READY, State.RUNNING), _under_way),
    **dict.fromkeys((State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN), outcome),
    State.CANCELLED: lambda *_: [["Cancelled. Nothing was done."]],
    State.EXPIRED: _expired,
    State.DENIED: denied,
}
_CARDS_OF_LISTS = {**_CARDS, **LIST_CARDS}
