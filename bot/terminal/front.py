"""`signout`: the flow of a Slack command, with the caller's AWS identity as operator and a question for a card."""

import os
import pwd
from dataclasses import dataclass

from bot.confirm import Press
from bot.errors import UnderWayError
from bot.flow import Flow
from bot.ports import Clock
from bot.request import TERMINAL, Ask, Operator, Options, Request, new_id
from bot.terminal import screen
from bot.terminal.output import say
from bot.terminal.reply import TerminalReply


@dataclass(frozen=True, kw_only=True)
class TerminalFront:
    """Takes the command of the person at this terminal, who is `arn` to AWS. The flow runs in the caller's thread."""

    flow: Flow
    clock: Clock
    arn: str

    def take(self, options: Options, *, yes: bool) -> int:
        """Carry a command out, without a question where `yes`; return the exit code.

        What is not a success is said on standard error. Raises as `Flow.ask` does.
        """
        reply = TerminalReply(arn=self.arn, quiet=yes)
        operator = Operator(team_id=TERMINAL, id=self.arn, name=local_account())
        ask = Ask(id=new_id(self.clock.now()), operator=operator, source=TERMINAL, channel_id="", options=options)
        self.flow.ask(ask, reply)
        if reply.confirming:
            self._decide(reply.confirming, reply, yes=yes)
        if not reply.told:  # another worker took the request over
            reply.say(UnderWayError())
        return reply.exit_code

    def _decide(self, request: Request, reply: TerminalReply, *, yes: bool) -> None:
        press = Press(request_id=request.id, operator=request.ask.operator)
        try:
            confirmed = yes or screen.answers_yes(request)
        except KeyboardInterrupt:
            say("")  # the question's line ends here
            self.flow.cancel(press, reply)
            raise
        if not confirmed:
            self.flow.cancel(press, reply)
            return
        try:
            self.flow.confirm(press, reply)
        except KeyboardInterrupt:
            say(f"\n{screen.INTERRUPTED}")
            raise


def local_account() -> str:
    """Return the name of the local account: only a note, since people choose it on their own machines."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
