"""`signout`: the flow of a Slack command, with the caller's AWS identity as operator and a question for a card."""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.decide import Press
from bot.errors import NO_CREDENTIALS, BotError, Code, DeniedError, NotRecordedError, UnderWayError
from bot.flow import Flow
from bot.ports import Place
from bot.request import AWAITING, TERMINAL, Ask, Operator, Options, Request, State, new_id
from bot.terminal import screen
from bot.terminal.output import DONE, OF_SIGNOUT, say, show
from bot.whoami import Standing, WhoAmI

NOT_LISTED = "{arn} is not in allow.terminal, so it may not sign users out. If it should be, ask the bot's engineer."


def take(command: Options | WhoAmI, flow: Flow, now: datetime, arn: str, *, yes: bool) -> int:
    """Carry out a command of the person at this terminal, who is `arn` to AWS, in this thread; return the exit code.

    `yes`: without a question. What is not a success is said on standard error. Raises as `Flow.ask` does.
    """
    reply = TerminalReply(arn=arn, quiet=yes)
    if isinstance(command, WhoAmI):
        flow.whoami(ask_of(Options(target=""), now, arn), reply)
    else:
        flow.ask(ask_of(command, now, arn), reply)
    if reply.confirming:
        _decide(flow, reply.confirming, reply, yes=yes)
    if not reply.is_answered:  # another worker took the request over
        reply.say(UnderWayError())
    return reply.exit_code


def ask_of(options: Options, now: datetime, arn: str) -> Ask:
    """Return what the person at this terminal asks for."""
    operator = Operator(team_id=TERMINAL, id=arn, name=local_account())
    return Ask(id=new_id(now), operator=operator, source=TERMINAL, channel_id="", options=options)


def _decide(flow: Flow, request: Request, reply: "TerminalReply", *, yes: bool) -> None:
    press = Press(request_id=request.id, operator=request.ask.operator)

    def asked() -> bool:
        if why := screen.unsure(request, yes=yes):
            say(why)
        return not why and (yes or screen.answers_yes(request))

    if is_confirmed(asked, flow, press, reply):
        try:
            flow.confirm(press, reply)
        except KeyboardInterrupt:
            say(f"\n{screen.INTERRUPTED}")
            raise


def is_confirmed(asked: Callable[[], bool], flow: Flow, press: Press, reply: "TerminalReply") -> bool:
    """Return what is `asked`. A no, and Ctrl-C at the question, cancel the request that `press` is about."""
    try:
        confirmed = asked()
    except KeyboardInterrupt:
        say("")  # the question's line ends here
        flow.cancel(press, reply)
        raise
    if not confirmed:
        flow.cancel(press, reply)
    return confirmed


@dataclass(kw_only=True)
class TerminalReply:
    """Tells the person whose AWS identity is `arn`; with `quiet`, without showing the account first.

    `confirming` is the request that awaits their answer. Once their command `is_answered`, `exit_code` is the code.
    """

    arn: str
    quiet: bool
    confirming: Request | None = None
    is_answered: bool = False
    exit_code: int = OF_SIGNOUT[Code.OTHER]
    place: Place | None = None  # a terminal has no card

    def show(self, request: Request) -> bool:
        """Show the account that is to be confirmed, or the outcome."""
        if request.state in AWAITING:
            self.confirming = request
            words = "" if self.quiet or not request.chosen else screen.facts(request)
        else:
            self.is_answered, self.exit_code = True, _exit_code(request)
            words = screen.outcome(request)
        if words:
            say(words)
        return True

    def tell(self, standing: Standing) -> None:
        """Say what the operator may do."""
        self.is_answered, self.exit_code = True, DONE
        show(screen.standing(standing))

    def say(self, error: BotError) -> None:
        """Say what was wrong and what to do."""
        self.is_answered, self.exit_code = True, OF_SIGNOUT[error.code]
        match error:
            case DeniedError(everywhere=True):
                say(NOT_LISTED.format(arn=self.arn))
            case UnderWayError() | NotRecordedError():
                say(screen.UNFINISHED)
            case _:
                say(str(error))


def _exit_code(request: Request) -> int:
    if request.state is State.DONE:
        return DONE
    if request.error_code == NO_CREDENTIALS:
        return OF_SIGNOUT[Code.SETTINGS]
    return OF_SIGNOUT[Code.REFUSED if request.state is State.FAILED and request.attempts else Code.OTHER]


def local_account() -> str:
    """Return the name of the local account: only a note, since people choose it on their own machines."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
