"""What the operator reads of an outcome: what came of it, what it does not reach, and what they may do next."""

from collections.abc import Callable, Mapping, Sequence

from bot.action import ACTIONS, END_SESSION, SIGN_OUT, Step
from bot.authorize import Allowed
from bot.facts.advice import LONGEST_TOKEN, result
from bot.offer import obstacle, offered
from bot.request import Request
from bot.slack.approvals import by_whom, named
from bot.slack.sessions import about_sessions
from bot.slack.shown import Lasting, Shown
from bot.slack.text import Block, Bold, Code, Drawn, Line, button, lines

ACTION = "signout_"  # the action_id of an action's button begins so
AS_SET, AT_MOST = " if tokens live no longer than the bot's settings say, and until ", " at most."
HOSTED = (
    "A browser that used the hosted login page can get new tokens without a password. Each use of that page renews "
    "this, so it has no fixed end."
)
_STILL_HOSTED = "A browser that used the hosted login page may still get new tokens without a password."
_CREDENTIALS = "AWS credentials that the identity pool gave out stay valid until they expire."
_BEGIN: Mapping[str, str] = {
    SIGN_OUT: "All refresh tokens were revoked: ",
    "keep_out": "The account was disabled, and all refresh tokens were revoked: ",
    "let_in": "The account was enabled: ",
    END_SESSION: "The session was ended: ",
    "new_password": "The password was reset, and all refresh tokens were revoked: ",
}


def may_come_back(request: Request) -> bool:
    """Whether the person may sign in again after a sign-out: not where the account was disabled at the look-up."""
    return request.action == SIGN_OUT and request.account.enabled is not False


def goes_on_hosted(lasting: Lasting, request: Request) -> bool:
    """Whether a session of the hosted login page may go on: where the pool tracks sessions, it is ended too."""
    return lasting.hosted_login and may_come_back(request) and not request.tracks_sessions


# What an action does not reach, and when the card says so; {} is where a federated account signs in.
_GOES_ON: Sequence[tuple[Callable[[Lasting, Request], object], str]] = (
    (goes_on_hosted, HOSTED),
    (
        lambda lasting, request: (
            lasting.hosted_login and Step.RESET_PASSWORD in request.done and not request.tracks_sessions
        ),
        _STILL_HOSTED,
    ),
    (
        lambda _, request: request.account.provider and may_come_back(request),
        "The session at {} goes on: it may let the person in without a password.",
    ),
    (lambda lasting, request: lasting.identity_pool and ends_tokens(request), _CREDENTIALS),
    (
        lambda lasting, request: lasting.identity_pool is None and ends_tokens(request),
        f"If there is an identity pool: {_CREDENTIALS}",
    ),
    (lambda _, request: may_come_back(request), "The person can sign in again at once."),
    (
        lambda _, request: request.action == SIGN_OUT and not may_come_back(request),
        "The account was disabled when it was looked up. No one can sign in with it until it is enabled.",
    ),
    (lambda _, request: Step.DISABLE in request.done, "No one can sign in with this account until it is enabled."),
    (
        lambda _, request: Step.RESET_PASSWORD in request.done,
        "Cognito sends the person a code, with which they set a new password.",
    ),
    (
        lambda _, request: Step.ENABLE in request.done,
        "The person can sign in again. Sessions that no one has ended may go on.",
    ),
)


def outcome(shown: Shown, request: Request) -> list[Block]:
    """Return the card of a request that was decided and has ended."""
    (title, meaning), account = result(request), request.account
    return [
        f"{title}: {shown.name(account)}",
        *([[meaning], *about_sessions(shown, request)] if meaning else [lines(_reached(shown, request), "list")]),
        lines(
            [
                [Bold("Second person  "), *by_whom(request)] if request.approval else [],
                [Bold("Request  "), Code(request.id)],
                [Bold("AWS request  "), Code(", ".join(request.aws_request_ids))] if request.aws_request_ids else [],
            ]
        ),
        action_buttons(request, offered(request)),
    ]


def action_buttons(request: Request, actions: Sequence[str]) -> tuple[Drawn, ...]:
    """Return the buttons of actions that its operator did not ask for, but may."""
    return tuple(button(ACTIONS[each].button, f"{ACTION}{each}", request.id) for each in actions)


def _reached(shown: Shown, request: Request) -> list[Line]:
    """Return what an action did that was done, and what goes on all the same."""
    account, ended = request.account, request.ended_at or request.created_at
    lasting = shown.lasting.get(account.pool, Lasting())
    bound: Line = [
        *("Apps that check only a token's signature may accept it until ", request.access_until or ended, AS_SET),
        *(ended + LONGEST_TOKEN, AT_MOST),
    ]
    goes_on: list[Line] = [[said.format(account.provider)] for applies, said in _GOES_ON if applies(lasting, request)]
    return [
        [_BEGIN[request.action], ended, "."],
        *about_sessions(shown, request),
        *([bound] if ends_tokens(request) else []),
        *goes_on,
        *([_stay_out(shown, request)] if may_come_back(request) else []),
        *([_way_back(shown, request)] if Step.DISABLE in request.done else []),
    ]


def ends_tokens(request: Request) -> bool:
    """Whether a step was done that ends tokens, which some apps go on accepting."""
    return bool({Step.SIGN_OUT, Step.END_SESSION} & set(request.done))


def _way_back(shown: Shown, request: Request) -> Line:
    """Say who can let the person back in."""
    if "let_in" in request.may:
        return ["Use the button below to let them back in."]
    people = shown.performers("let_in", request.account.pool)
    who = ["ask ", *named(people, 10)] if people != Allowed() else ["enable the account in Cognito"]
    return ["To let them back in, ", *who, "."]


def _stay_out(shown: Shown, request: Request) -> Line:
    """Say how the person can be kept out: with a button, by whom, or without this bot."""
    account, first = request.account, "Is that too long, or must they stay out?"
    stricter = [each for each in ("keep_out", "new_password") if not obstacle(each, account)]
    others = {each: shown.performers(each, account.pool) for each in stricter if each not in request.may}
    line: Line = [first, " Use a button below."] if set(stricter) & set(request.may) else [first]
    for action, people in others.items():
        if people != Allowed():
            line += [f" {ACTIONS[action].button}: ask ", *named(people, 10), "."]
    if len(line) > 1:
        return line
    if account.provider:
        return [first, f" Disable the account in Cognito, and end the session at {account.provider}."]
    return [first, " Disable the account or reset its password in Cognito."]
