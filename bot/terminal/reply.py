"""How a terminal tells its operator what came of each step: on standard error, and by the exit code."""

from dataclasses import dataclass

from bot.errors import BotError, Code, DeniedError, NotRecordedError, UnderWayError
from bot.ports import Place
from bot.request import Request, State
from bot.terminal import screen
from bot.terminal.exit_codes import DONE, OF_SIGNOUT
from bot.terminal.output import say

NOT_LISTED = "{arn} is not in allow.terminal, so it may not sign users out. If it should be, ask the bot's engineer."


@dataclass(kw_only=True)
class TerminalReply:
    """Tells the person whose AWS identity is `arn`; with `quiet`, without showing the account first.

    `confirming` is the request that awaits their answer. Once they were `told` how it ended, `exit_code` is the code.
    """

    arn: str
    quiet: bool
    confirming: Request | None = None
    told: bool = False
    exit_code: int = OF_SIGNOUT[Code.OTHER]
    place: Place | None = None  # a terminal has no card

    def show(self, request: Request) -> bool:
        """Show the account that is to be confirmed, or the outcome."""
        if request.state is State.CONFIRMING:
            self.confirming = request
            words = "" if self.quiet else screen.facts(request)
        else:
            self.told, self.exit_code = True, _exit_code(request)
            words = screen.outcome(request)
        if words:
            say(words)
        return True

    def say(self, error: BotError) -> None:
        """Say what was wrong and what to do."""
        self.told, self.exit_code = True, OF_SIGNOUT[error.code]
        match error:
            case DeniedError():
                say(NOT_LISTED.format(arn=self.arn))
            case UnderWayError() | NotRecordedError():
                say(screen.UNFINISHED)
            case _:
                say(str(error))


def _exit_code(request: Request) -> int:
    if request.state is State.DONE:
        return DONE
    if request.error_code == "NoCredentials":
        return OF_SIGNOUT[Code.SETTINGS]
    return OF_SIGNOUT[Code.REFUSED if request.state is State.FAILED and request.attempts else Code.OTHER]
