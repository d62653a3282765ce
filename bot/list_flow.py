"""The flow of a list, for every front: look its lines up, show what they mean, and start what was decided.

All other presses on a list go through `Flow.press`, with a rule of lists.py where single requests have none.
"""

from dataclasses import dataclass
from functools import partial

from bot.authorize import Authorized
from bot.decide import Press
from bot.flow import Flow
from bot.lists import ListRules, Wanted
from bot.ports import Lane
from bot.replies import ListForm, ListReply
from bot.request import Ask


@dataclass(kw_only=True)
class ListFlow:
    """Takes lists."""

    flow: Flow
    rules: ListRules
    lane: Lane  # for look-ups, which may take minutes

    def open_form(self, ask: Ask, form: ListForm) -> None:
        """Begin to open a form; the target of this `ask` is empty. Raises as `Flow.ask` does."""
        self.flow.ask(ask, form, lambda: form.open(sorted(self.rules.authorize(ask).rules)))

    def ask(self, ask: Ask, wanted: Wanted, reply: ListReply) -> None:
        """Begin to look up what a list is to hold. Raises as `Flow.ask` does."""
        self.flow.ask(ask, reply, partial(self._authorize, ask, wanted, reply))

    def again(self, press: Press, reply: ListReply) -> None:
        """Ask for a list of what was not done of one that has ended; `reply` shows the new one."""
        wanted = Wanted(again_of=press.request_id)
        self.flow.press(press, reply, lambda _: self._authorize(self.rules.again(press), wanted, reply))

    def _authorize(self, ask: Ask, wanted: Wanted, reply: ListReply) -> None:
        authorized = self.rules.authorize(ask)
        work = partial(self._preview, authorized, ask, wanted, reply)
        self.lane.run(ask.id, partial(self.flow.telling, ask.operator, reply, work))

    def _preview(self, authorized: Authorized, ask: Ask, wanted: Wanted, reply: ListReply) -> None:
        if error := self.flow.worker.clock.error():
            raise error
        self.flow.show(self.rules.preview(authorized, ask, wanted, reply.place, reply.looking), reply)
