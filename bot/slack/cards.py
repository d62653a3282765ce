"""What the operator reads: a request in each of its states, and what was wrong. Pure: no clock, no network."""

from collections.abc import Callable, Mapping

from bot.action import ACTIONS
from bot.errors import BotError, UsageError
from bot.facts.advice import LONGEST_TOKEN, NOT_KNOWN, NOTHING_ENDED, advice
from bot.facts.duration import in_words
from bot.options import USAGE
from bot.request import AWAITING, ENDED, Request, State
from bot.slack.text import (
    Ago,
    Block,
    Bold,
    Button,
    Buttons,
    Choice,
    Code,
    Header,
    Line,
    Lines,
    Message,
    Shown,
    message,
)

CHOOSE = "signout_choose_"
CONFIRM = "signout_confirm"
CANCEL = "signout_cancel"
AUDIT_REFUSED = (
    "The audit channel took no messages when this was written. What is missing there is saved and will be posted."
)
HOSTED = (
    "A browser that used the hosted login page can get new tokens without a password. Each use of that page renews "
    "this, so it has no fixed end."
)
# Progress may stay as the last word where Slack takes no other, so it must be true for ever.
_RESULT_COMES = " The result comes here or as a direct message, and in the audit channel."


def card(shown: Shown, request: Request, *, audit_refused: bool = False, note: str = "") -> Message:
    """Return the card of a request, for each state that it can be in; a `note` comes first.

    `audit_refused`: see `AUDIT_REFUSED`.
    """
    first: Line = [note] if note else []
    blocks = [first, *_CARDS[request.state](shown, request)]
    if request.state in AWAITING:
        buttons = [Button("Cancel", CANCEL, request.id)]
        if request.state is State.CONFIRMING:
            buttons.insert(0, Button(ACTIONS[request.ask.options.action].button, CONFIRM, request.id, "danger"))
        blocks += [["You can confirm until ", request.expires_at, "."], Buttons(buttons)]
    if audit_refused and request.decided_at and request.state in ENDED:
        blocks.append([AUDIT_REFUSED])
    return message(*blocks)


def told(error: BotError) -> Message:
    """Return what was wrong and what to do; for a command that is not understood, how to write it as well."""
    usage: Line = ["Usage: ", Code(error.usage or USAGE)] if isinstance(error, UsageError) else []
    return message(Lines([[str(error)], usage]))


def result(request: Request) -> tuple[str, str]:
    """Return what came of a request, in its action's words, and what that means; the latter is empty for a yes."""
    action, code = ACTIONS[request.ask.options.action], request.error_code
    match request.state:
        case State.DONE:
            return action.done, ""
        case State.PARTLY:
            missing = ", ".join(step for step in action.steps if step not in request.done)
            return action.partly, f"Done: {', '.join(request.done)}. Not done: {missing}. {advice(code)}"
        case State.FAILED:
            return action.failed, f"{NOTHING_ENDED} {advice(code)}"
    return action.unknown, f"{NOT_KNOWN} {advice(code, is_clear=False)}"


def _choosing(shown: Shown, request: Request) -> list[Block]:
    left_out = request.matches - len(request.candidates)
    more = f" These are the first {len(request.candidates)}: add a user name, sub or --pool." if left_out else ""
    return [
        Header(f"{request.matches} accounts match. Which one is it?"),
        [f"Nothing happens before you choose one and confirm.{more}"],
        *(
            Choice(shown.brief(account), Button("This one", f"{CHOOSE}{number}", request.id))
            for number, account in enumerate(request.candidates)
        ),
    ]


def _confirming(shown: Shown, request: Request) -> list[Block]:
    earlier, reason = request.earlier, request.ask.options.reason
    lifetime, longest = shown.lasting_of(request.account).token_lifetime, in_words(LONGEST_TOKEN)
    bound = f" by the bot's settings, and for {longest} at most" if lifetime < LONGEST_TOKEN else ""
    later = (
        "Every device has to sign in again, and can do so at once. An app that checks only a token's signature "
        f"may accept it for up to {in_words(lifetime)} more{bound}."
    )
    return [
        Header(ACTIONS[request.ask.options.action].question),
        Lines(
            [
                *shown.who(request.account),
                [Bold("Last signed out  "), Ago(earlier.at), f" by @{earlier.by}"] if earlier else [],
                [Bold("Reason  "), *shown.reason(reason)] if reason else [],
            ]
        ),
        [later],
    ]


def _under_way(shown: Shown, request: Request) -> list[Block]:
    running = ACTIONS[request.ask.options.action].running
    name = Code(shown.personal(request.account.username, is_name=True))
    if request.state is State.RUNNING:
        return [[f"{running} ", name, ", confirmed ", request.decided_at or request.created_at, f".{_RESULT_COMES}"]]
    latest = (request.decided_at or request.created_at) + shown.resume_within
    waits = " has begun or waits to begin, until "
    return [[f"Confirmed. {running} ", name, waits, latest, f" at the latest.{_RESULT_COMES}"]]


def _outcome(shown: Shown, request: Request) -> list[Block]:
    title, meaning = result(request)
    return [
        Header(f"{title}: {shown.personal(request.account.username, is_name=True)}"),
        [meaning] if meaning else Lines(_what_goes_on(shown, request), "list"),
        Lines(
            [
                [Bold("Request  "), Code(request.id)],
                [Bold("AWS request  "), Code(", ".join(request.aws_request_ids))] if request.aws_request_ids else [],
            ]
        ),
    ]


def _what_goes_on(shown: Shown, request: Request) -> list[Line]:
    """Return what a sign-out did and what it did not reach, as far as that applies to this account."""
    provider, lasting, ended = request.account.provider, shown.lasting_of(request.account), request.ended_at
    keep_out = f" in Cognito, and end the session at {provider}" if provider else " or reset its password in Cognito"
    credentials = "AWS credentials that the identity pool gave out stay valid until they expire."
    return [
        ["All refresh tokens were revoked: ", ended, "."] if ended else ["All refresh tokens were revoked."],
        ["Apps that check only a token's signature may accept it until ", *until(request)],
        [HOSTED] if lasting.hosted_login else [],
        [f"The session at {provider} was not ended: it may let the person in without a password."] if provider else [],
        [credentials] if lasting.identity_pool else [],
        [f"If there is an identity pool: {credentials}"] if lasting.identity_pool is None else [],
        ["The person can sign in again at once."],
        [f"Is that too long, or must they stay out? Disable the account{keep_out}."],
    ]


def until(request: Request) -> Line:
    """Return until when tokens are accepted: by the settings, and at the most, since a pool may give out others."""
    latest = (request.ended_at or request.created_at) + LONGEST_TOKEN
    if request.access_until is None or request.access_until >= latest:
        return [latest, "."]
    return [
        request.access_until,
        " if tokens live no longer than the bot's settings say, and until ",
        latest,
        " at most.",
    ]


_CARDS: Mapping[State, Callable[[Shown, Request], list[Block]]] = {
    State.CHOOSING: _choosing,
    State.CONFIRMING: _confirming,
    **dict.fromkeys((State.READY, State.RUNNING), _under_way),
    **dict.fromkeys((State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN), _outcome),
    State.CANCELLED: lambda *_: [["Cancelled. Nothing was done."]],
    State.EXPIRED: lambda _, request: [
        ["This card expired: ", request.expires_at, ". Nothing was done. Run the command again."]
    ],
}
