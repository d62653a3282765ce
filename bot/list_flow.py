"""The flow of a list, for every front: look its lines up, show what they mean, and start what was decided.

A press on Confirm, Approve, Deny or Cancel is the same as for one account: flow.py.
"""

from dataclasses import dataclass
from functools import partial

from bot.authorize import Authorized
from bot.decide import Press
from bot.entrance import Lane
from bot.flow import Flow
from bot.lists import ListRules, Wanted
from bot.replies import ListForm, ListReply, Reply
from bot.request import Ask


@dataclass(kw_only=True)
class ListFlow:
    """Takes lists, and the presses on them that single requests do not have."""

    flow: Flow
    rules: ListRules
    lane: Lane  # for look-ups, which may take minutes

    def open_form(self, ask: Ask, form: ListForm) -> None:
        """Begin to open a form; the target of this `ask` is empty. Raises as `Flow.ask` does."""
        self.flow.begin(ask, form, lambda: form.open(sorted(self.rules.authorize(ask).rules)))

    def ask(self, ask: Ask, wanted: Wanted, reply: ListReply) -> None:
        """Begin to look up what a list is to hold. Raises as `Flow.ask` does."""
        self.flow.begin(ask, reply, partial(self._authorize, ask, wanted, reply))

    def choose(self, press: Press, reply: Reply) -> None:
        """Take one of the accounts that a line means."""
        self.flow.press(press, reply, self.rules.choose)

    def pause(self, press: Press, reply: Reply) -> None:
        """Pause a list."""
        self.flow.press(press, reply, self.rules.pause)

    def go_on(self, press: Press, reply: Reply) -> None:
        """Let a list go on."""
        self.flow.press(press, reply, self.rules.go_on)

    def stop(self, press: Press, reply: Reply) -> None:
        """Stop a list."""
        self.flow.press(press, reply, self.rules.stop)

    def again(self, press: Press, reply: ListReply) -> None:
        """Ask for a list of what was not done of one that has ended; `reply` shows the new one."""
        self.flow.press(press, reply, partial(self._again, reply))

    def _authorize(self, ask: Ask, wanted: Wanted, reply: ListReply) -> None:
        authorized = self.rules.authorize(ask)
        work = partial(self._preview, authorized, ask, wanted, reply)
        self.lane.run(ask.id, partial(self.flow.telling, ask.operator, reply, work))

    def _preview(self, authorized: Authorized, ask: Ask, wanted: Wanted, reply: ListReply) -> None:
        if error := self.flow.worker.clock.error():
            raise error
        self.flow.show(self.rules.preview(authorized, ask, wanted, reply.place, reply.looking), reply)

    def _again(self, reply: ListReply, press: Press) -> None:
        ask = self.rules.again(press)
        self._authorize(ask, Wanted(again_of=press.request_id), reply)
