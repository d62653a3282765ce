"""Everything that can go wrong for an operator, each with the sentence that tells them what to do."""

from collections.abc import Mapping
from datetime import timedelta


class BotError(Exception):
    """Something an operator is told. `sentence` is plain text: what was wrong, what to do."""

    sentence = (
        "Something went wrong. Nothing was signed out. Try again, and tell the bot's engineer if it happens again."
    )

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or self.sentence
        super().__init__(self.sentence)


class UsageError(BotError):
    """What was typed cannot be understood; a usage line goes with it: `usage`, or else the command's usual one."""

    def __init__(self, sentence: str, usage: str | None = None) -> None:
        self.usage = usage
        super().__init__(sentence)


class DeniedError(BotError):
    """The operator may not do this. The sentence reveals nothing; `rule` is for the audit entry."""

    sentence = "You are not on the list of people who may sign users out. If you should be, ask the bot's engineer."

    def __init__(self, rule: str, sentence: str | None = None) -> None:
        self.rule = rule
        super().__init__(sentence)


class CallerUnknownError(BotError):
    """AWS does not say whose credentials these are."""


class AccountNotFoundError(BotError):
    """The pool has no such account."""


class PoolUnavailableError(BotError):
    """Cognito did not answer, or (`refused`) would not look the account up: its error `code`, where it was asked."""

    refused = False
    code: str | None = None


class BusyError(BotError):
    """A lane is full: nothing was begun."""

    sentence = "The bot is busy and has done nothing yet. Try again in a moment."


class RestartingError(BotError):
    """The bot is draining: nothing was begun."""

    sentence = "The bot is restarting and has done nothing yet. Try again in a moment."


class UnknownRequestError(BotError):
    """A button whose request is not in the store."""

    sentence = "This request is no longer known here, so nothing was done. Run the command again."


class PoolChangedError(BotError):
    """The pool of a card is no longer the one that its name stands for."""

    sentence = "The bot's pools have changed since, so nothing was done. Run the command again."


class NotYoursError(BotError):
    """Somebody other than the operator pressed."""

    sentence = "Only the person who ran the command can press these buttons. Nothing was done."


class StoreUnavailableError(BotError):
    """The store cannot be read or written just now. `in_doubt`: a write may have been done all the same."""

    sentence = "The bot's store is out of order, so nothing was signed out. Try again, and tell the bot's engineer."
    IN_DOUBT = (
        "The bot's store did not answer. If you had just confirmed, the sign-out may still happen: the bot goes on by "
        "itself, and the audit channel will hear of it. Otherwise nothing was signed out. Look there, then try again."
    )

    def __init__(self, reason: str, *, in_doubt: bool = False) -> None:
        self.reason = reason
        self.in_doubt = in_doubt
        super().__init__(self.IN_DOUBT if in_doubt else None)


class SupersededError(Exception):
    """Somebody else added or moved the request first, so this write did not happen. Read it again."""


class StoreError(Exception):
    """The store cannot be used as it is, and waiting will not mend it: why, and what to do."""


class SecretError(Exception):
    """What a setting refers to cannot be had: what follows the setting's name in the sentence that says so."""


class DeliveryError(Exception):
    """Slack did not take an audit message. `retry_after` is how long it asked to be left alone, where it did.

    `for_good`: it will not take any before somebody mends the channel, such as one that was archived.
    """

    def __init__(self, reason: str, retry_after: timedelta | None = None, *, for_good: bool = False) -> None:
        self.reason = reason
        self.retry_after = retry_after
        self.for_good = for_good
        super().__init__(reason)


# What the two outcomes without a yes mean, for the operator and for the audit channel.
NOTHING_ENDED = "No session was ended."
NOT_KNOWN = "It may or may not have happened. Running it again is possible; it would also end sessions opened since."

NO_CALL_MADE = "NoCallMade"
INTERRUPTED = "Interrupted"

# What an operator is told about an error code of Cognito's, of AWS's in front of it, or of the way there.
ADVICE: Mapping[str, str] = {
    "UserNotFoundException": "Cognito has no such account any more: it may have been deleted since the card was shown.",
    "ResourceNotFoundException": "Cognito has no such user pool. Ask the bot's engineer to check the pool's id.",
    "NotAuthorizedException": "Cognito does not allow this. Ask the bot's engineer to check its IAM role.",
    "AccessDeniedException": "AWS does not let the bot do this. Ask the bot's engineer to check its IAM role.",
    "TooManyRequestsException": "Cognito is taking no more requests just now. Wait a minute and run the command again.",
    "InvalidParameterException": "Cognito does not accept this user name. Check it in the AWS console.",
    "OperationNotEnabledException": "This operation is not enabled in the user pool. Ask the bot's engineer.",
    "InternalErrorException": "Cognito had an internal error. Wait a minute and run the command again.",
    "ExpiredTokenException": "The bot's AWS credentials have expired. Ask the bot's engineer to renew them.",
    "UnrecognizedClientException": "AWS does not know the bot's credentials. Ask the bot's engineer to check them.",
    "InvalidSignatureException": "AWS does not accept the bot's signature. Ask the bot's engineer to check its clock.",
    "NoCredentials": "The bot has no AWS credentials. Ask the bot's engineer to give it an IAM role.",
    "AssumeRoleRefused": "AWS does not let the bot take the pool's role. Ask the bot's engineer to check role_arn.",
    "AssumeRoleThrottled": "AWS gives the bot no more sessions of the pool's role. Wait a minute and run it again.",
    "AssumeRoleUnanswered": "AWS did not say whether the bot may take the pool's role. Wait a minute and run it again.",
    "TimedOut": "Cognito did not answer in time.",
    "Unreachable": "Cognito could not be reached, or the connection broke.",
    INTERRUPTED: "The bot was stopped while it was signing out.",
    NO_CALL_MADE: "Cognito was not asked: no time was left, or the bot knows the pool no more. Run the command again.",
}
_NO_ADVICE = "Cognito refused it. Show this code to the bot's engineer."


def advice(code: str | None) -> str:
    """Return the sentence for an error code, with the code itself where an engineer will want it."""
    sentence = ADVICE.get(code or "", _NO_ADVICE)
    return f"{sentence} ({code})" if code else sentence
