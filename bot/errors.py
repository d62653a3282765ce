"""What can go wrong, each with a sentence that says what was wrong and a hint that says what to do."""

from datetime import timedelta
from enum import StrEnum

# What ended a request where Cognito said nothing.
NO_CALL_MADE = "NoCallMade"
INTERRUPTED = "Interrupted"
TOO_LATE = "TooLate"


class Code(StrEnum):
    """The kind of an error. A command line turns it into an exit code."""

    USAGE = "usage"  # what was typed
    SETTINGS = "settings"  # settings, store, credentials or permission
    REFUSED = "refused"  # Cognito said no
    OTHER = "other"


class BotError(Exception):
    """Something that a person is told: `sentence`, `hint` and `code`. Both texts are plain text."""

    sentence = "Something went wrong."
    hint = "If you had just confirmed, see the audit channel. Otherwise nothing was done. Tell the bot's engineer."
    code = Code.OTHER

    def __init__(self, sentence: str | None = None, hint: str = "") -> None:
        if sentence is not None:
            self.sentence, self.hint = sentence, hint
        super().__init__(f"{self.sentence} {self.hint}".rstrip())


class UsageError(BotError):
    """What was typed cannot be understood; a usage line goes with it: `usage`, or else the command's usual one."""

    code = Code.USAGE

    def __init__(self, sentence: str, usage: str | None = None) -> None:
        self.usage = usage
        super().__init__(sentence)


class DeniedError(BotError):
    """The operator may not do this. The sentence reveals nothing; `rule` is for the audit entry."""

    sentence = "You are not on the list of people who may sign users out."
    hint = "If you should be, ask the bot's engineer."
    code = Code.SETTINGS

    def __init__(self, rule: str, sentence: str | None = None) -> None:
        self.rule = rule
        super().__init__(sentence)


class AccountNotFoundError(BotError):
    """The pool has no such account."""

    code = Code.REFUSED


class PoolUnavailableError(BotError):
    """Cognito did not answer, or (`refused`) would not look the account up: its `error_code`, where it was asked."""

    def __init__(self, sentence: str, error_code: str | None = None, *, refused: bool = False) -> None:
        self.error_code = error_code
        self.code = Code.REFUSED if refused else Code.OTHER
        super().__init__(sentence)


class BusyError(BotError):
    """A lane is full: nothing was begun."""

    sentence = "The bot is busy and did not take this."
    hint = "Try again in a moment."


class RestartingError(BotError):
    """The bot is draining: nothing was begun."""

    sentence = "The bot is restarting and did not take this."
    hint = "Press or type it again in a moment."


class NewerVersionError(BotError):
    """The store belongs to a newer version of the bot: this instance finishes what it holds and begins nothing."""

    sentence = "A newer version of the bot is taking over, so this one did not take this."
    hint = "Try again in a moment."


class UnknownRequestError(BotError):
    """A button whose request is not in the store."""

    sentence = "The bot no longer knows this request, so your press did nothing."
    hint = "Run the command again."


class PoolChangedError(BotError):
    """The pool of a card is no longer the one that its name stands for."""

    sentence = "The bot's pools have changed since then, so nothing was done."
    hint = "Run the command again."


class NotYoursError(BotError):
    """Someone other than the operator pressed."""

    sentence = "Only the person who ran the command can press these buttons."
    hint = "Your press did nothing."


class ChosenBeforeError(BotError):
    """A second choice: the first one stays."""

    sentence = "The card shows the account that you chose first."
    hint = "For another one, cancel and run the command again."


class UnderWayError(BotError):
    """A press on what was confirmed before."""

    sentence = "This was already confirmed and is under way."
    hint = "The result will replace the card."


class NotRecordedError(BotError):
    """The outcome of what was confirmed could not be written down."""

    sentence = "The outcome could not be recorded yet, so it is not known here."
    hint = "The bot keeps trying, and the audit channel will show how it ended."


class StoreUnavailableError(BotError):
    """The store cannot be read or written just now. `in_doubt`: a write may have been done all the same."""

    sentence = "The bot cannot use its store, so it could not do this."
    hint = "Try again, and tell the bot's engineer."
    IN_DOUBT = (
        "The bot's store did not answer. If you had just confirmed, the sign-out may still happen, and the audit "
        "channel will show it. Otherwise nothing was signed out. Look there before you try again."
    )

    def __init__(self, reason: str, *, in_doubt: bool = False) -> None:
        self.reason, self.in_doubt = reason, in_doubt
        super().__init__(self.IN_DOUBT if in_doubt else None)


class StoreError(BotError):
    """The store cannot be used as it is, and waiting will not help: why, and what to do."""

    code = Code.SETTINGS


class SecretError(BotError):
    """What a setting refers to cannot be read: what follows the setting's name in the sentence that says so."""

    code = Code.SETTINGS


class SupersededError(Exception):
    """Someone else added or moved the request first, so this write did not happen. Read it again."""


class DeliveryError(Exception):
    """Slack did not take a message. `retry_after` is how long it asked not to be called, where it did.

    `for_good`: it takes none until someone repairs the channel. `gone`: it takes none at this address ever again.
    """

    def __init__(
        self, reason: str, retry_after: timedelta | None = None, *, for_good: bool = False, gone: bool = False
    ) -> None:
        self.reason, self.retry_after, self.for_good, self.gone = reason, retry_after, for_good, gone
        super().__init__(reason)
