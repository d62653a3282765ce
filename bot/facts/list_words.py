"""What came of a list, in words: how many accounts, why some were not done, and how long the rest takes."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import ceil

from bot import errors
from bot.list_progress import SAME_FAILURES, TOO_MANY
from bot.listed import Counts
from bot.request import Request, State

MOST_REASONS = 8
_LONG = 100  # of a unit: then the next one is said
# Why an account of a list was not done, or why that is not known, by error code.
REASONS: Mapping[str, str] = {
    "UserNotFoundException": "Cognito no longer has the account",
    "ResourceNotFoundException": "Cognito has no such user pool",
    "NotAuthorizedException": "Cognito does not allow it, for the account or to the bot's IAM role",
    "NotAuthorizedException.UserDisabled": "the account is disabled",
    "AccessDeniedException": "AWS does not let the bot do this",
    TOO_MANY: "Cognito took no more requests",
    "InvalidParameterException": "Cognito does not accept the user name",
    "OperationNotEnabledException": "this operation is not enabled in the user pool or region",
    "InternalErrorException": "Cognito had an internal error",
    "ExpiredTokenException": "the bot's AWS credentials have expired",
    "UnrecognizedClientException": "AWS does not know the bot's credentials",
    "InvalidSignatureException": "AWS does not accept the bot's signature",
    errors.NO_CREDENTIALS: "the bot's AWS credentials or settings do not work",
    "AssumeRoleRefused": "AWS does not let the bot take the pool's role",
    "AssumeRoleThrottled": "AWS gives the bot no more sessions of the pool's role",
    "AssumeRoleUnanswered": "AWS did not say whether the bot may take the pool's role",
    "TimedOut": "Cognito did not answer in time",
    "Unreachable": "Cognito could not be reached, or the connection broke",
    errors.INTERRUPTED: "what came of an earlier try was not recorded",
    errors.NO_CALL_MADE: "it was not sent to Cognito",
    errors.ACCOUNT_CHANGED: "the user name was deleted or given to another account",
    errors.PROTECTED: "the account became protected after the preview",
    errors.TOO_LATE: "the bot could not begin in time",
}
NOT_AGAIN = "Accounts are not looked up again: who gets one of these user names later is signed out in its place."
CHANGED = "The accounts of the list are not those that were confirmed, so the bot began no more of them."
_TOO_LATE = "The bot did not work on it for longer than it may, so people may have signed in again since."
_NOT_KNOWN = "may or may not have been signed out. Trying again is possible; it would also end sessions opened since."


def accounts(count: int) -> str:
    """Return so many accounts, in words."""
    return f"{count:,} account{'' if count == 1 else 's'}"


def about(length: timedelta) -> str:
    """Return about how long something takes, in words."""
    seconds = max(1, ceil(length.total_seconds()))
    minutes = ceil(seconds / 60)
    if seconds < _LONG:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{minutes} minutes" if minutes < _LONG else f"{minutes // 60} h {minutes % 60} min"


def reason_of(code: str) -> str:
    """Return why an account was not done, with the code."""
    known = REASONS.get(code)
    return f"{known} ({code})" if known else code


def reasons_of(counts: Counts) -> Sequence[str]:
    """Return why accounts were not done, with how many were not for each reason, the most first."""
    by_count = sorted(counts.reasons.items(), key=lambda each: (-each[1], each[0]))
    more = sum(number for _, number in by_count[MOST_REASONS:])
    said = [f"{number:,}: {reason_of(code)}" for code, number in by_count[:MOST_REASONS]]
    return [*said, f"{more:,}: for other reasons"] if more else said


def list_result(request: Request) -> tuple[str, str]:
    """Return what came of a list that has ended, and what that means; the latter is empty where all was done."""
    listed = request.contents
    counts, of = listed.counts, f"{listed.counts.done:,} of {accounts(listed.size)}"
    changed = CHANGED if request.error_code == errors.LIST_CHANGED else ""
    rest = f"{accounts(listed.left)} {_was(listed.left)} not begun: nothing was sent for them." if listed.left else ""
    failed = f"{accounts(counts.failed)} {_was(counts.failed)} not signed out." if counts.failed else ""
    why = [each for each in (changed, rest, failed) if each]
    match request.state:
        case State.DONE:
            return f"Signed out: {accounts(listed.size)}", ""
        case State.PARTLY:
            return f"Signed out: {of}", " ".join(why)
        case State.FAILED:
            return f"Not signed out: {accounts(listed.size)}", " ".join([*why, "No session was ended."])
        case State.DENIED:
            return f"Denied: {accounts(listed.size)}", "Nothing was done."
    not_known = f"{accounts(counts.unknown)} {_NOT_KNOWN}"
    return f"Signed out: {of}. Not known of {counts.unknown:,}", " ".join([*why, not_known])


def trouble_of(request: Request) -> str:
    """Return why a list waits, is slow or was paused by the bot itself, in a sentence; empty where it is not."""
    code, state = request.contents.trouble, request.state
    if code is None or state not in {State.RUNNING, State.PAUSED, State.STOPPING}:
        return ""
    if state is State.RUNNING and code == TOO_MANY:
        return "Cognito takes fewer requests just now, so this goes more slowly."
    if state is State.RUNNING:
        return f"It is not known who is protected, so no account is begun: {reason_of(code)}."
    if code == errors.LIST_CHANGED:
        return CHANGED
    if code == errors.TOO_LATE:
        return _TOO_LATE
    return f"{SAME_FAILURES} accounts in a row were not signed out, for the same reason: {reason_of(code)}."


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
