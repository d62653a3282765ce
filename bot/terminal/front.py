"""`signout`: the flow of a Slack command, with the caller's AWS identity as operator and a question for a card."""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass

from bot.confirm import Press
from bot.errors import UnderWayError
from bot.flow import Flow
from bot.options import Options
from bot.ports import Clock
from bot.request import TERMINAL, Ask, Operator, new_id
from bot.terminal import screen
from bot.terminal.output import say
from bot.terminal.reply import TerminalReply


class AtOnce:
    """A lane that does its work here and now: a terminal does one thing, and waits for it."""

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:  # noqa: ARG002
        """Do `work`; what it raises is raised here."""
        work()


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Takes a command of the person at this terminal, who is `arn` to AWS."""

    flow: Flow
    clock: Clock
    arn: str

    def take(self, options: Options, *, yes: bool) -> int:
        """Carry a command out, without a question where `yes`; return the exit code.

        What is not a success is said on standard error. Raises what `Flow.ask` does.
        """
        reply = TerminalReply(arn=self.arn, quiet=yes)
        operator = Operator(team_id=TERMINAL, id=self.arn, name=local_account())
        ask = Ask(id=new_id(self.clock.now()), operator=operator, source=TERMINAL, channel_id="", options=options)
        self.flow.ask(ask, reply)
        if reply.confirming:
            press = Press(request_id=ask.id, operator=operator)
            if yes or self._is_confirmed(press, reply):
                self._confirm(press, reply)
            else:
                self.flow.cancel(press, reply)
        if reply.exit_code is None:  # another worker has taken it over
            reply.say(UnderWayError())
        return reply.exit_code
