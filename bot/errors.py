"""What can go wrong. An error's docstring is what people are told, unless it is raised with words of its own.

All are true for each reader: also at the second click of a double click, and when someone else pressed too.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil

# What ended a request where Cognito said nothing.
NO_CALL_MADE = "NoCallMade"
INTERRUPTED = "Interrupted"
TOO_LATE = "TooLate"
ACCOUNT_CHANGED = "AccountChanged"
PROTECTED = "Protected"
NO_CREDENTIALS = "NoCredentials"
NOT_READ, NOT_TRACKED = "ListNotRead", "SessionsNotTracked"
LIST_CHANGED = "ListChanged"


class Code(StrEnum):
    """The kind of an error. A command line turns it into an exit code."""

    USAGE = "usage"  # what was typed
    SETTINGS = "settings"  # settings, store, credentials or permission
    REFUSED = "refused"  # Cognito or a limit said no
    OTHER = "other"


class BotError(Exception):
    """Something went wrong, so it is not known here what this did. Look into the audit channel before you try again."""

    # `sentence` says what was wrong, `hint` what to do: plain text, both.
    code = Code.OTHER

    def __init__(self, sentence: str | None = None, hint: str = "") -> None:
        if sentence is None:
            first, _, hint = " ".join(str(self.__doc__).split()).partition(". ")
            sentence = f"{first.rstrip('.')}."
        self.sentence, self.hint = sentence, hint
        super().__init__(f"{sentence} {hint}".rstrip())


class UsageError(BotError):
    """What was typed cannot be understood. A usage line goes with it: `usage`, or else the command's usual one."""

    code = Code.USAGE

    def __init__(self, sentence: str, usage: str | None = None) -> None:
        self.usage = usage
        super().__init__(sentence)


class DeniedError(BotError):
    """You are not on the list of people who may sign users out. If you should be, ask the bot's engineer."""

    code = Code.SETTINGS
    UNSURE = (
        "Slack could not be asked who is in a group or in this workspace, so it is not known whether you may do this. "
        "This did nothing. Try again in a minute. If that does not help, ask the bot's engineer."
    )
    NOT_TOLD = (
        "Slack could not tell whether you belong to this workspace or organisation, so it is not known whether you may "
        "do this. This did nothing. Try again in a minute. If that does not help, ask the bot's engineer."
    )

    def __init__(self, sentence: str | None = None) -> None:
        self.everywhere = sentence is None  # they may use no pool, for certain
        super().__init__(sentence)


class AccountNotFoundError(BotError):
    """The pool has no such account."""

    code = Code.REFUSED


class PoolUnavailableError(BotError):
    """Cognito did not answer, or (`refused`) would not look up. `error_code`: where it was asked. `may_retry`: soon."""

    def __init__(
        self, sentence: str, code: str | None = None, *, refused: bool = False, may_retry: bool = False
    ) -> None:
        self.error_code, self.may_retry = code, may_retry
        self.code = Code.SETTINGS if code == NO_CREDENTIALS else Code.REFUSED if refused else Code.OTHER
        super().__init__(sentence)


class BusyError(BotError):
    """The bot is busy and did not take this. What it took before still counts. Try again in a moment."""


class RestartingError(BotError):
    """The bot is restarting and did not take this. What it took before still counts. Try again in a moment."""


class NewerVersionError(BotError):
    """A newer version of the bot is taking over, so this one did not take this.

    What was taken before still counts. Try again in a moment.
    """


class ClockChangedError(BotError):
    """The bot's clock was changed and is checked just now, so the bot did not take this. Try again in a moment."""


class ClockWrongError(BotError):
    """The bot's clock is wrong: ahead of Slack and AWS by `off`, or behind. `compared` says so to an engineer."""

    def __init__(self, off: timedelta) -> None:
        seconds = abs(off.total_seconds())
        units = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
        about = next(f"{seconds / size:.0f} {unit}" for unit, size in units.items() if seconds >= 2 * size or size == 1)
        where = "ahead of" if off > timedelta(0) else "behind"
        self.compared = f"The clock is {about} {where} the time that Slack and AWS tell, so the bot does nothing."
        wrong = f"The bot's clock is wrong by about {about}, so it does nothing just now."
        super().__init__(wrong, "Tell the bot's engineer.")


class UnknownRequestError(BotError):
    """The bot no longer knows this request, so your press did nothing. Look into the audit channel, then ask again."""


class PoolChangedError(BotError):
    """The bot's pools have changed since then, so your press did nothing. Run the command again."""


class OldListError(BotError):
    """The list was looked up more than a day ago, and its user names may be other people's by now.

    Your press did nothing. Stop the list and ask for the rest of it again: that looks the accounts up once more.
    """


class SecondPersonError(BotError):
    """By the rules `needs` a second person has to approve this, and no one can be asked."""

    def __init__(self, needs: Sequence[str]) -> None:
        sentence = f"A second person has to approve this ({'; '.join(needs)}), and no one can be asked from here."
        hint = (
            "Nothing was done. In a terminal: use /signout in Slack. In Slack: ask the bot's engineer for an approver."
        )
        super().__init__(sentence, hint)


class NothingToApproveError(BotError):
    """Your press did nothing: this was decided before, or its time was over. Who asked is told what came of it."""


class LimitReachedError(BotError):
    """As many accounts were decided on within an hour as `rule` allows. After `wait` this is possible; None: never."""

    code = Code.REFUSED

    def __init__(self, rule: str, wait: timedelta | None) -> None:
        sentence, hint = f"The list has more accounts than the bot allows ({rule}), so nothing was done.", ""
        if wait is not None:
            minutes = max(1, ceil(wait / timedelta(minutes=1)))
            sentence = f"As many accounts were confirmed within the last hour as the bot allows ({rule})."
            hint = f"Nothing was done. The next one is possible in {minutes} minute{'s' if minutes > 1 else ''}."
        super().__init__(sentence, hint)


class NotYoursError(BotError):
    """Only the person who ran the command can press these buttons. Your press did nothing."""


class ChosenBeforeError(BotError):
    """The card shows the account that you chose first. For another one, cancel and run the command again."""


class UnderWayError(BotError):
    """The request was already confirmed and is under way. Its result comes in the card or as a direct message.

    The audit channel shows it too.
    """

    def __init__(self, button: str = "") -> None:
        super().__init__()
        if button:  # where the card had several: the one whose press counts
            super().__init__(f"The request was already confirmed ({button}) and is under way.", self.hint)


class NotRecordedError(BotError):
    """The bot could not note how far this got, so it is not known here how it ends. The audit channel will show it."""


class StoreUnavailableError(BotError):
    """The bot cannot use its store, so it could not do this. What it took before still counts.

    Try again in a minute, and tell the bot's engineer.
    """

    IN_DOUBT = (
        "The bot's store did not answer. It is not known here what this did. What was confirmed may still "
        "happen, and the audit channel will show it. Look there before you try again."
    )

    def __init__(self, reason: str, *, in_doubt: bool = False) -> None:
        self.reason, self.in_doubt = reason, in_doubt  # in doubt: a write may have been done all the same
        super().__init__(self.IN_DOUBT if in_doubt else None)


class StoreError(BotError):
    """The store cannot be used as it is, and waiting will not help."""

    code = Code.SETTINGS


class AwsSetupError(BotError):
    """AWS cannot be used from here: its settings or credentials do not work, so nothing was sent to it.

    `source` gave no credentials, and `kind` is the word for why, both in the words of AWS's libraries. Neither is a
    secret. `may_pass`: trying again may help.
    """

    code = Code.SETTINGS

    def __init__(self, sentence: str, hint: str, *, source: str, kind: str, may_pass: bool = False) -> None:
        self.source, self.kind, self.may_pass = source, kind, may_pass
        super().__init__(sentence, hint)


class SecretError(BotError):
    """What a setting refers to cannot be read. The sentence begins after the setting's name."""

    code = Code.SETTINGS


class CountChangedError(Exception):
    """Another decision was counted at the same moment, so this write did not happen. Count again."""


class SupersededError(Exception):
    """Someone else added or moved the request first, so this write did not happen. Read it again."""


@dataclass(eq=False)
class DeliveryError(Exception):
    """Slack did not take a message."""

    reason: str
    retry_after: timedelta | None = None  # for so long it asked not to be called
    _: KW_ONLY
    for_good: bool = False  # it takes none until someone repairs the channel
    gone: bool = False  # it takes none at this address ever again
