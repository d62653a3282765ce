"""What came of a request, in words, and what is said of an error code of AWS's."""

from collections.abc import Mapping
from datetime import timedelta

from bot import errors
from bot.action import ACTIONS, Step, came_of
from bot.facts.list_words import list_result
from bot.offer import steps_of
from bot.request import Request, State

# No access or ID token of Cognito's lives longer: no pool can be set to more.
LONGEST_TOKEN, LONGEST_LIFETIME = timedelta(days=1), "1 day"
# Cognito's code, with what it says beside it: that has nothing to do with the bot's IAM role.
USER_DISABLED = "NotAuthorizedException.UserDisabled"
NOT_KNOWN = "It may or may not have happened. {} is possible{}."
_ALSO_SINCE = "; it would also end sessions opened since"

_GO_ON = "Sessions that were open may go on."  # to end them comes last in each action of several steps

# What an operator is told about an error code of Cognito's, of AWS's in front of it, or of the way there.
ADVICE: Mapping[str, str] = {
    "UserNotFoundException": "Cognito no longer has this account: it may have been deleted since the card was shown.",
    "ResourceNotFoundException": "Cognito has no such user pool. Ask the bot's engineer to check the pool's id.",
    "NotAuthorizedException": "Cognito does not allow this: for this account, or to the bot's IAM role. Ask the bot's "
    "engineer.",
    USER_DISABLED: "Cognito refuses, because this account is disabled. A disabled account cannot sign in. If its "
    "sessions must be ended too, enable it in the AWS console, run the command again, and then disable it again.",
    "AccessDeniedException": "AWS does not let the bot do this. Ask the bot's engineer to check its IAM role.",
    "TooManyRequestsException": "Cognito takes no more requests just now. Wait a minute and run the command again.",
    "InvalidParameterException": "Cognito does not accept this user name. Check it in the AWS console.",
    "OperationNotEnabledException": "This operation is not enabled in the user pool, or not in this region: it may be "
    "a replica of the pool. Ask the bot's engineer to check the pool's configuration and region.",
    "InternalErrorException": "Cognito had an internal error. Wait a minute and run the command again.",
    "ExpiredTokenException": "The bot's AWS credentials have expired. Ask the bot's engineer to renew them.",
    "UnrecognizedClientException": "AWS does not know the bot's credentials. Ask the bot's engineer to check them.",
    "InvalidSignatureException": "AWS does not accept the bot's signature. Ask the bot's engineer to check its clock.",
    errors.NO_CREDENTIALS: "The bot's AWS credentials or settings do not work. Ask the bot's engineer to run its "
    "check.",
    "AssumeRoleRefused": "AWS does not let the bot take the pool's role. Ask the bot's engineer to check role_arn.",
    "AssumeRoleThrottled": "AWS gives the bot no more sessions of the pool's role. Wait a minute and run it again.",
    "AssumeRoleUnanswered": "AWS did not say whether the bot may take the pool's role. Wait a minute and run it again.",
    "TimedOut": "Cognito did not answer in time.",
    "Unreachable": "Cognito could not be reached, or the connection broke.",
    errors.NOT_READ: "Cognito's list could not be read, or not to its end.",
    errors.NOT_TRACKED: "The user pool does not track sessions, so its lists prove nothing. Ask the bot's engineer to "
    "run its check.",
    errors.INTERRUPTED: "What came of an earlier try was not recorded.",
    errors.NO_CALL_MADE: "It was not sent to Cognito: no time was left, or the pool is not configured any more. Run it "
    "again.",
    errors.ACCOUNT_CHANGED: "The user name was deleted or given to another account after the look-up, so nothing was "
    "sent. Run the command again.",
    errors.PROTECTED: "After the card was shown, the account became protected or its protection stricter, so nothing "
    "was sent. Run the command again.",
    f"{Step.RESET_PASSWORD}.InvalidParameterException": "Cognito cannot send this user a code: the account has no "
    "verified email or phone number, or the user pool lets no one recover an account.",
    f"{Step.END_SESSION}.ResourceNotFoundException": "Cognito no longer has this session: it may have ended by itself.",
    "LimitExceededException": "Cognito has sent this user too many codes. Wait some minutes and run the command again.",
    errors.TOO_LATE: "The bot could not begin in time, so nothing was sent to Cognito. Run the command again.",
}
# What may be said where it is not known whether Cognito did it. The other sentences speak of a refusal.
_NOT_CLEAR = frozenset({"InternalErrorException", "TimedOut", "Unreachable", errors.NOT_READ, errors.INTERRUPTED})


def advice(code: str | None, *, is_clear: bool = True, step: str | None = None) -> str:
    """Return the sentence for an error code of a step, with the code; `is_clear`: it was a definite answer."""
    known = ADVICE.get(f"{step}.{code}", ADVICE.get(code or "")) if is_clear or code in _NOT_CLEAR else None
    said = "Cognito refused it." if is_clear else "The answer was not clear."
    sentence = known or f"{said} Show this code to the bot's engineer."
    return f"{sentence} ({code})" if code else sentence


def result(request: Request) -> tuple[str, str]:
    """Return what came of a request, in its action's words, and what that means; the latter is empty for a yes."""
    if request.listed:
        return list_result(request)
    action, is_clear = ACTIONS[request.action], request.state is not State.UNKNOWN
    steps = steps_of(request)
    step = next((each for each in steps if each not in request.done), None)
    advised = advice(request.error_code, is_clear=is_clear, step=step)
    title = came_of(steps, request.done, in_doubt=not is_clear, sessions_listed=request.proof is not None)
    match request.state:
        case State.DONE:
            return action.done, ""
        case State.PARTLY:
            return title, f"{_GO_ON} {advised}"
        case State.FAILED:
            return title, f"{action.nothing} {advised}"
        case State.DENIED:
            return "Denied", "Nothing was done."
    again = "Signing out again" if request.done else "Running it again"
    not_known = NOT_KNOWN.format(again, _ALSO_SINCE if Step.SIGN_OUT in action.steps else "")
    return title, f"{not_known} {advised}"
