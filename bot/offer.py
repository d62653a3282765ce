"""What can be done with an account as it is, and what of that an operator is offered beside what they asked for."""

from collections.abc import Sequence
from dataclasses import replace

from bot.account import Account
from bot.action import ACTIONS, SIGN_OUT, Step
from bot.request import ENDED, Request, State


def steps_of(request: Request) -> Sequence[Step]:
    """Return what is to be done, in its order. A sign-out ends what is left of the sessions of a pool that has them."""
    steps = ACTIONS[request.action].steps
    return (*steps, Step.END_SESSIONS) if request.tracks_sessions and Step.SIGN_OUT in steps else steps


def may_have_signed_out(request: Request) -> bool:
    """Whether every session of the account was ended, or may have been."""
    steps, done = steps_of(request), request.done
    in_doubt = steps[len(done) :][:1] if request.state is State.UNKNOWN else ()
    return Step.SIGN_OUT in (*done, *in_doubt)


def obstacle(action: str, account: Account) -> str:
    """Return the sentence for why an action cannot be done to an account as it is; empty where it may."""
    steps, disabled = ACTIONS[action].steps, account.enabled is False
    if Step.DISABLE in steps and disabled:
        return "This account is disabled already. To end its sessions too, ask for a sign-out."
    if Step.ENABLE in steps and account.enabled:
        return "This account is enabled, so no one keeps its user out."
    if Step.RESET_PASSWORD not in steps:
        return ""
    if account.provider:
        return f"This user signs in through {account.provider}, so Cognito has no password of theirs to reset."
    if account.status == "FORCE_CHANGE_PASSWORD":
        return "This user has not set a first password yet, so there is none to reset. Send the invitation again."
    return "This account is disabled, so its password cannot be reset. Let the user back in first." if disabled else ""


def offered(request: Request) -> Sequence[str]:
    """Return the actions that have a button on the card of a request, what was asked for first.

    Once something was done, these are the ones that may come next.
    """
    asked = request.action
    if request.listed:
        return [asked] if request.state is State.CONFIRMING else []
    if request.state is State.CONFIRMING:
        others = [each for each in request.may if each != asked and not obstacle(each, request.account)]
        return [asked, *others] if asked == SIGN_OUT else [asked]
    if request.state not in ENDED or not request.done:
        return []
    enabled = request.account.enabled
    for step in request.done:
        enabled = {Step.DISABLE: False, Step.ENABLE: True}.get(Step(step), enabled)
    now, done = replace(request.account, enabled=enabled), set(request.done)
    return [each for each in request.may if not obstacle(each, now) and not done.issuperset(ACTIONS[each].steps)]


def withheld(request: Request) -> dict[str, str]:
    """Return the actions that its operator may do but not to this account, enabled or not, each with the reason."""
    account = replace(request.account, enabled=None)
    return {each: why for each in request.may if request.action == SIGN_OUT and (why := obstacle(each, account))}
