"""One instance as a process: `python instance.py TABLE SCHEMA SECONDS_BETWEEN_LOOKS`.

It does what the lines on its input say, and answers each with a line.

Schema 2 is made up: its requests and entries have a shape that schema 1 does not know.
"""

import sys
from dataclasses import dataclass, field
from datetime import timedelta

from examples import NOON, added_to, claimed_in

from bot.audit import entry_of
from bot.errors import BotError, SupersededError
from bot.ports import Place, Show
from bot.request import Request, State
from bot.stores import documents
from bot.stores.dynamodb import schema
from bot.stores.dynamodb.store import DynamoDBStore

LATER = NOON + timedelta(days=1)
HELD_UNTIL = LATER + timedelta(minutes=1)
SHOW = Show(
    at=NOON,
    place=Place(
        response_url="https://hooks.slack.com/commands/T/1/x", until=NOON + timedelta(minutes=30), replaces=True
    ),
)


@dataclass
class Instance:
    """What it was told to do, on its store. Each answer is one line."""

    store: DynamoDBStore
    requests: list[Request] = field(default_factory=list)

    def claim(self) -> str:
        """Claim a request of its own."""
        self.requests.append(claimed_in(self.store, show=SHOW))
        return self.requests[-1].id

    def ask(self) -> str:
        """Open a request, whose card is due and which expires."""
        self.requests.append(added_to(self.store, show=SHOW))
        return self.requests[-1].id

    def cancel(self, request_id: str) -> str:
        """Cancel a request."""
        request = self.store.get(request_id)
        assert request
        self._end(request, State.CANCELLED)
        return "cancelled"

    def finish(self) -> str:
        """End what it claimed, with its entry and card."""
        self._end(self.requests.pop(0), State.DONE)
        return "done"

    def press_late(self) -> str:
        """Decide a request, from what it knows of it."""
        try:
            self._end(self.requests.pop(), State.EXPIRED)
        except SupersededError:
            return "superseded"
        return "moved"

    def sweep(self) -> str:
        """Look for everything that is due, and try to take it."""
        store = self.store
        due = [*store.expired(LATER, 9), *store.ready(LATER, 9), *store.dead(LATER, 9)]
        entries = list(filter(None, (store.hold(each, HELD_UNTIL) for each in store.due_entries(LATER, 9))))
        cards = [store.hold_message(each, HELD_UNTIL) for each in store.due_messages(LATER, 9)]
        return f"{len(due)} requests, {len(entries)} entries, {len(list(filter(None, cards)))} cards"

    def read(self, request_id: str) -> str:
        """Read a request."""
        try:
            request = self.store.get(request_id)
        except BotError as error:
            return type(error).__name__
        return request.state if request else "none"

    def outdated(self) -> str:
        """Say whether the table belongs to a newer bot."""
        return str(self.store.is_outdated)

    def _end(self, request: Request, state: State) -> None:
        after = request.move(state, ended_at=NOON)
        self.store.move(request, after, entry_of(after, NOON), SHOW)


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(table: str, known: int, seconds_between_looks: float) -> None:
    """Do what the input says until it ends."""
    documents.SHAPE = known
    schema.LOOK_EVERY_SECONDS = seconds_between_looks
    instance = Instance(DynamoDBStore(table))
    instance.store._schema.known = known
    try:
        instance.store.open()
    except BotError as error:
        sys.exit(str(error))
    answer("open")
    for line in sys.stdin:
        name, *arguments = line.split()
        answer(getattr(instance, name)(*arguments))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
