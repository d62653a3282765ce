"""A list of this terminal from its confirmation to its end: it waits for the second person, runs, and is shown."""

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bot import errors
from bot.decide import Press
from bot.list_flow import ListFlow
from bot.list_work import LIST_LEASE, ListWorker
from bot.request import ENDED, Request, State
from bot.terminal import list_screen as screen
from bot.terminal.front import TerminalReply
from bot.terminal.output import DONE, INTERRUPTED, Signals, say
from bot.terminal.progress import Bar
from bot.terminal.screen import can_ask
from bot.work import CLOCKS_AGREE_WITHIN

LOOK_EVERY = 0.25  # seconds
LOOKS_BEFORE_IT_WAITS = 8  # so many without a run: another instance has the lease


@dataclass(kw_only=True)
class Watch:
    """Runs the list `request`, which awaits the confirmation by `press`; `reply` tells the person here of it."""

    lists: ListFlow
    worker: ListWorker
    reply: TerminalReply
    request: Request
    press: Press
    bar: Bar

    def __post_init__(self) -> None:
        self._flow = self.lists.flow
        self._signals = Signals(last_words=screen.NOT_STOPPED)
        self.worker.only = self.request.id
        self._looks = 0  # without a run, one after the other

    def run(self) -> int:
        """Confirm it, and run it to its end; return the exit code."""
        with self._signals.noted(), self._leaving():
            self._flow.confirm(self.press, self.reply)
            if self.reply.is_answered:
                return self.reply.exit_code
            self._look()
            return self._wait_for_approval() or self._run()

    def _wait_for_approval(self) -> int | None:
        """Wait for the second person, where one has to approve it. Return the exit code where it does not run."""
        if not self._is(State.APPROVING):
            return None
        approvers = self.lists.rules.approvers.of(self.request.contents.pool)
        say(screen.approving(self.request, approvers, self.worker.clock.now()))
        while self._is(State.APPROVING):
            is_over = self.worker.clock.now() > self.request.expires_at + CLOCKS_AGREE_WITHIN
            if self._signals.ended:
                say(screen.LEFT_UNAPPROVED)
                return self.reply.exit_code
            if self._signals.interrupted or is_over:  # past its time, that ends it as expired
                self._flow.cancel(self.press, self.reply)
                if self.reply.is_answered:
                    return INTERRUPTED if self._signals.interrupted else self.reply.exit_code
            self._rest()
        if self.request.state in ENDED:
            self.reply.show(self.request)
            return self.reply.exit_code
        say(screen.approved(self.request))
        return None

    def _run(self) -> int:
        while self.request.state not in ENDED:
            if self._signals.ended and not self._flow.draining:
                self._flow.draining = True  # nothing more is begun here
            if self._signals.interrupted:
                self._stop()
            self._sweep()
            if self._flow.draining and not self.worker.running:
                self.bar.close()
                say(screen.LEFT_TO_THE_BOT)
                return self.reply.exit_code
            self._show()
            self._rest()
        self.bar.close()
        self.reply.show(self.request)
        return INTERRUPTED if self._signals.interrupted and self.reply.exit_code != DONE else self.reply.exit_code

    def _stop(self) -> None:
        """Stop the list, once."""
        if not self._is(State.STOPPING):
            self._flow.press(self.press, self.reply, self.lists.rules.stop)
            self._look()
            if self._is(State.STOPPING):
                self._signals.last_words = screen.STOPPED_AND_LEFT
                self.bar.say(screen.STOPPING)

    def _sweep(self) -> None:
        with suppress(errors.StoreUnavailableError):
            self.worker.sweep()

    def _show(self) -> None:
        """Show how far it is, or why it is not run."""
        listed = self.request.contents
        if self._is(State.PAUSED) and listed.at_rest:
            self._wait_while_paused()
        elif self._waits():
            self.bar.say(screen.WAITS)
        elif listed.begun_at:
            beside, line = screen.beside_the_bar(listed), screen.how_far(listed)
            self.bar.show(listed.counts.ended, listed.size, beside=beside, line=line)

    def _waits(self) -> bool:
        """Whether no one runs it now; true only once for each time that it waits."""
        now, worked_at = self.worker.clock.now(), self.request.contents.worked_at
        is_run = self.worker.running or (worked_at and abs(now - worked_at) < LIST_LEASE)
        self._looks = 0 if is_run else self._looks + 1
        return self._looks == LOOKS_BEFORE_IT_WAITS

    def _wait_while_paused(self) -> None:
        here = can_ask()
        self.bar.say(screen.paused(self.request, here=here))
        while self._is(State.PAUSED) and not (self._signals.interrupted or self._signals.ended):
            if here and select.select([sys.stdin], [], [], 0)[0]:
                here = bool(sys.stdin.readline())
                self._flow.press(self.press, self.reply, self.lists.rules.go_on)
            self._sweep()
            self._rest()

    def _rest(self) -> None:
        self.worker.clock.sleep(LOOK_EVERY)
        self._look()

    def _is(self, state: State) -> bool:
        return self.request.state is state

    def _look(self) -> None:
        with suppress(errors.StoreUnavailableError):
            self.request = self.worker.requests.get(self.request.id) or self.request

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """At the end, begin nothing more, and give the lease back, so that no other list waits for its end."""
        try:
            yield
        finally:
            self._flow.draining = True
            while self.worker.running:
                self.worker.clock.sleep(LOOK_EVERY)
            self._sweep()
            self.bar.close()
