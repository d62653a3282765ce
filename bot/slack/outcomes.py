"""What the operator reads of an outcome: what came of it, what it does not reach, and what they may do next."""

from collections.abc import Iterator, Mapping, Sequence

from bot.action import ACTIONS, END_SESSION, SIGN_OUT, Step, ends_tokens
from bot.authorize import Allowed
from bot.facts.advice import LONGEST_TOKEN, result
from bot.offer import obstacle, offered
from bot.request import Request
from bot.slack.approvals import by_whom, named
from bot.slack.sessions import about_sessions
from bot.slack.shown import Shown
from bot.slack.text import Block, Code, Drawn, Line, button, facts, lines

DO = "signout_"  # with the action's name, the action_id of its button
AS_SET, AT_MOST = " if tokens live no longer than the bot's settings say, and until ", " at most."
HOSTED = (
    "A browser that used the hosted login page can get new tokens without a password. Each use of that page renews "
    "this, so it has no fixed end."
)
_BEGIN: Mapping[str, str] = {
    SIGN_OUT: "All refresh tokens were revoked: ",
    "keep_out": "The account was disabled, and all refresh tokens were revoked: ",
    "let_in": "The account was enabled: ",
    "new_password": "The password was reset, and all refresh tokens were revoked: ",
    END_SESSION: "The session was ended: ",
}


def may_come_back(request: Request) -> bool:
    """Whether this is a sign-out after which the person may sign in again: the account was not seen to be disabled."""
    return request.action == SIGN_OUT and request.account.enabled is not False


def goes_on_hosted(shown: Shown, request: Request) -> bool:
    """Whether a session of the hosted login page may go on: where the pool tracks sessions, it is ended too."""
    return shown.outlives(request.account.pool).hosted_login and may_come_back(request) and not request.tracks_sessions


def _goes_on(shown: Shown, request: Request) -> Iterator[Line]:
    """Say what an action does not reach, and whether the person can sign in now."""
    comes_back, done, provider = may_come_back(request), request.done, request.account.provider
    lasting = shown.outlives(request.account.pool)
    if goes_on_hosted(shown, request):
        yield [HOSTED]
    if lasting.hosted_login and Step.RESET_PASSWORD in done and not request.tracks_sessions:
        yield ["A browser that used the hosted login page may still get new tokens without a password."]
    if provider and comes_back:
        yield [f"The session at {provider} goes on: it may let the person in without a password."]
    if ends_tokens(done) and lasting.identity_pool is not False:
        where = "" if lasting.identity_pool else "If there is an identity pool: "
        yield [f"{where}AWS credentials that the identity pool gave out stay valid until they expire."]
    if comes_back:
        yield ["The person can sign in again at once."]
    elif request.action == SIGN_OUT:
        yield ["The account was disabled when it was looked up. No one can sign in with it until it is enabled."]
    if Step.DISABLE in done:
        yield ["No one can sign in with this account until it is enabled."]
    if Step.RESET_PASSWORD in done:
        yield ["Cognito sends the person a code, with which they set a new password."]
    if Step.ENABLE in done:
        yield ["The person can sign in again. Sessions that no one has ended may go on."]


def outcome(shown: Shown, request: Request) -> list[Block]:
    """Return the card of a request that was decided and has ended."""
    title, meaning = result(request)
    second = by_whom(request) if request.approval else []
    aws: Line = [Code(", ".join(request.aws_request_ids))] if request.aws_request_ids else []
    return [
        f"{title}: {shown.name(request.account)}",
        *([[meaning], *about_sessions(shown, request)] if meaning else [lines(_reached(shown, request), "list")]),
        lines(facts({"Second person": second, "Request": [Code(request.id)], "AWS request": aws})),
        action_buttons(request, offered(request)),
    ]


def action_buttons(request: Request, actions: Sequence[str]) -> tuple[Drawn, ...]:
    """Return the buttons of actions that its operator did not ask for, but may."""
    return tuple(button(ACTIONS[each].button, f"{DO}{each}", request.id) for each in actions)


def _reached(shown: Shown, request: Request) -> list[Line]:
    """Return what an action did that was done, and what goes on all the same."""
    ended = request.ended_at or request.created_at
    bound: Line = [
        *("Apps that check only a token's signature may accept it until ", request.access_until or ended, AS_SET),
        *(ended + LONGEST_TOKEN, AT_MOST),
    ]
    return [
        [_BEGIN[request.action], ended, "."],
        *about_sessions(shown, request),
        bound if ends_tokens(request.done) else [],
        *_goes_on(shown, request),
        _stay_out(shown, request) if may_come_back(request) else [],
        _way_back(shown, request) if Step.DISABLE in request.done else [],
    ]


def _way_back(shown: Shown, request: Request) -> Line:
    """Say who can let the person back in."""
    if "let_in" in request.may:
        return ["Use the button below to let them back in."]
    people = shown.who_may("let_in", request.account.pool)
    who = ["ask ", *named(people, 10)] if people != Allowed() else ["enable the account in Cognito"]
    return ["To let them back in, ", *who, "."]


def _stay_out(shown: Shown, request: Request) -> Line:
    """Say how the person can be kept out: with a button, by whom, or without this bot."""
    account, first = request.account, "Is that too long, or must they stay out?"
    stricter = [each for each in ("keep_out", "new_password") if not obstacle(each, account)]
    others = {each: shown.who_may(each, account.pool) for each in stricter if each not in request.may}
    line: Line = [first, " Use a button below."] if set(stricter) & set(request.may) else [first]
    for action, people in others.items():
        if people != Allowed():
            line += [f" {ACTIONS[action].button}: ask ", *named(people, 10), "."]
    if len(line) > 1:
        return line
    if account.provider:
        return [first, f" Disable the account in Cognito, and end the session at {account.provider}."]
    return [first, " Disable the account or reset its password in Cognito."]
