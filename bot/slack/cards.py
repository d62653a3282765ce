"""What the operator reads: a request in each of its states, and what was wrong. Pure: no clock, no network."""

from collections.abc import Callable, Mapping

from bot.action import ACTIONS
from bot.errors import BotError, UsageError
from bot.facts.advice import NOT_KNOWN, NOTHING_ENDED, advice
from bot.options import USAGE
from bot.request import AWAITING, ENDED, Request, State
from bot.slack.text import (
    LINE_BREAK,
    Block,
    Element,
    Line,
    Message,
    Shown,
    bullets,
    button,
    facts,
    header,
    message,
    moment,
    paragraph,
    plain,
    words,
)

CHOOSE = "signout_choose_"
CONFIRM = "signout_confirm"
CANCEL = "signout_cancel"
AUDIT_REFUSED = "The audit channel takes no messages just now. What is missing there is saved and will be posted."
LONGEST_CANDIDATE = 600  # ten of the longest would be more than Slack takes in one message


def card(shown: Shown, request: Request, *, audit_refused: bool = False) -> Message:
    """Return the card of a request, for each state that it can be in. `audit_refused`: see `AUDIT_REFUSED`."""
    blocks = _CARDS[request.state](shown, request)
    if request.state in AWAITING:
        buttons = [button("Cancel", CANCEL, request.id)]
        if request.state is State.CONFIRMING:
            buttons.insert(0, button(ACTIONS[request.ask.options.action].button, CONFIRM, request.id, "danger"))
        blocks.append(paragraph(words("You can confirm until "), moment(request.expires_at), words(".")))
        blocks.append({"type": "actions", "elements": buttons})
    if audit_refused and request.decided_at and request.state in ENDED:
        blocks.append(paragraph(words(AUDIT_REFUSED)))
    return message(*blocks)


def told(error: BotError) -> Message:
    """Return what was wrong and what to do; for a command that is not understood, how to write it as well."""
    elements = [words(str(error))]
    if isinstance(error, UsageError):
        elements += [LINE_BREAK, words("Usage: "), words(error.usage or USAGE, code=True)]
    return message(paragraph(*elements))


def _choosing(shown: Shown, request: Request) -> list[Block]:
    left_out = request.matches - len(request.candidates)
    more = f" These are the first {len(request.candidates)}: add a user name, sub or --pool." if left_out else ""
    return [
        header(f"{request.matches} accounts match. Which one is it?"),
        paragraph(words(f"Nothing happens before you choose one and confirm.{more}")),
        *(
            {
                "type": "section",
                "text": plain(shown.brief(account), LONGEST_CANDIDATE),
                "accessory": button("This one", f"{CHOOSE}{number}", request.id),
            }
            for number, account in enumerate(request.candidates)
        ),
    ]


def _confirming(shown: Shown, request: Request) -> list[Block]:
    action, earlier, reason = ACTIONS[request.ask.options.action], request.earlier, request.ask.options.reason
    lines = shown.who(request.account)
    if earlier:
        lines.append(("Last signed out", [moment(earlier.at, "{ago}"), words(f" by @{earlier.by}")]))
    if reason:
        lines.append(("Reason", shown.reason(reason)))
    return [
        header(action.question),
        facts(lines),
        paragraph(
            words(
                "Every device has to sign in again, and can do so at once. An app that checks only a token's signature "
                f"may accept it for up to {shown.token_lifetime(request.account.pool)} more."
            )
        ),
    ]


def _ready(shown: Shown, request: Request) -> list[Block]:
    latest = (request.decided_at or request.created_at) + shown.resume_within
    return [
        paragraph(
            words(f"Confirmed. {ACTIONS[request.ask.options.action].running} "),
            words(shown.name(request.account), code=True),
            words(" has begun or waits to begin, until "),
            moment(latest),
            words(" at the latest. The result will be here."),
        )
    ]


def _running(shown: Shown, request: Request) -> list[Block]:
    return [
        paragraph(
            words(f"{ACTIONS[request.ask.options.action].running} "),
            words(shown.name(request.account), code=True),
            words(" … This takes a second, seldom more than half a minute. The result will be here."),
        )
    ]


def _outcome(shown: Shown, request: Request) -> list[Block]:
    aws: list[Line] = [("AWS request", [words(", ".join(request.aws_request_ids), code=True)])]
    meaning = what_it_means(request)
    return [
        header(f"{title_of(request)}: {shown.name(request.account)}"),
        paragraph(words(meaning)) if meaning else bullets(_truth(shown, request)),
        facts([("Request", [words(request.id, code=True)]), *(aws if request.aws_request_ids else [])]),
    ]


def title_of(request: Request) -> str:
    """Return what came of a request, in its action's words."""
    action = ACTIONS[request.ask.options.action]
    titles = {State.DONE: action.done, State.PARTLY: action.partly, State.FAILED: action.failed}
    return titles.get(request.state, action.unknown)


def what_it_means(request: Request) -> str:
    """Return what an outcome that is no yes means; empty for a yes."""
    match request.state:
        case State.DONE:
            return ""
        case State.PARTLY:
            steps = ACTIONS[request.ask.options.action].steps
            missing = ", ".join(step for step in steps if step not in request.done)
            known = f"Done: {', '.join(request.done)}. Not done: {missing}."
        case State.FAILED:
            known = NOTHING_ENDED
        case _:
            known = NOT_KNOWN
    return f"{known} {advice(request.error_code, is_clear=request.state is not State.UNKNOWN)}"


def _truth(shown: Shown, request: Request) -> list[list[Element]]:
    ended, access, login = request.ended_at, request.access_until, request.login_until
    items = [
        [words("All refresh tokens were revoked"), *([words(": "), moment(ended)] if ended else []), words(".")],
        [words("Apps that check only a token's signature may accept it until "), moment(access), words(".")]
        if access
        else [],
        [
            words("A browser that used the hosted login page may get new tokens without a password until "),
            moment(login),
            words(f", each good for up to {shown.token_lifetime(request.account.pool)}."),
        ]
        if login
        else [],
        [words("The person can sign in again at once.")],
        [words("Is that too long, or must they stay out? Disable the account or reset its password in Cognito.")],
    ]
    return [item for item in items if item]


def _cancelled(_: Shown, __: Request) -> list[Block]:
    return [paragraph(words("Cancelled. Nothing was done."))]


def _expired(_: Shown, request: Request) -> list[Block]:
    return [
        paragraph(
            words("This card expired: "),
            moment(request.expires_at),
            words(". Nothing was done. Run the command again."),
        )
    ]


_CARDS: Mapping[State, Callable[[Shown, Request], list[Block]]] = {
    State.CHOOSING: _choosing,
    State.CONFIRMING: _confirming,
    State.READY: _ready,
    State.RUNNING: _running,
    **dict.fromkeys((State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN), _outcome),
    State.CANCELLED: _cancelled,
    State.EXPIRED: _expired,
}
