"""Requests and audit entries in one DynamoDB table, for any number of instances. table.py says what is where."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.audit import COUNTED, OUTCOMES, Entry, Kind, entry_of_tally
from bot.clock import CheckedClock
from bot.errors import NewerVersionError, StoreUnavailableError, SupersededError
from bot.facts.boto3_clients import tell_time
from bot.ports import Show
from bot.request import Account, Request, State, check_move, new_id
from bot.stores.documents import account_key, entry_of, request_of
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import ConditionError
from bot.stores.dynamodb.cards import CardOutbox, moved_card, new_card
from bot.stores.dynamodb.entries import EntryOutbox
from bot.stores.dynamodb.items import IS_NEW, IS_THERE, Action, Item, delete, put, update
from bot.stores.dynamodb.reader import first_id_at
from bot.stores.dynamodb.schema import SCHEMA
from bot.stores.dynamodb.table import EXPIRES

# With these a request ends, so that it can be forgotten together with one. Its other moves are before it in the log.
ENDINGS = OUTCOMES - {Kind.REFUSED, Kind.NOT_FOUND}
FORGOTTEN_AT_ONCE = 100
TALLIED_AT_ONCE = 100  # what DynamoDB writes at once


class DynamoDBStore(EntryOutbox, CardOutbox):
    """`Requests`, `Tallies` and `Outbox` in the table `name`, for any number of threads and instances.

    `written` is called with each `COUNTED` entry that a move or a refusal added, once it is durable. `schema` is the
    newest one that this bot knows. Each write depends on what was read, so that an index which lags does no harm.
    `clock` is compared with each answer.
    """

    def __init__(
        self,
        name: str,
        written: Callable[[Entry], None] = lambda _: None,
        *,
        schema: int = SCHEMA,
        clock: CheckedClock | None = None,
    ) -> None:
        super().__init__(name, schema=schema)
        if clock:
            self._calls.on_client = partial(tell_time, clock=clock)
        self._calls.on_refusal = self._schema.look
        self._known_months: set[str] = set()
        self._written = written

    def open(self) -> None:
        """See that the table is there, as this bot knows it, and take it.

        Raises `StoreError` where waiting will not help, else `StoreUnavailableError`.
        """
        self._schema.take()

    def check_writable(self) -> None:
        now = datetime.now(UTC)
        probe = {"pk": "probe", "sk": new_id(now)}
        self._calls.write_one(put({**probe, EXPIRES: items.epoch(now + timedelta(days=1))}))
        self._calls.write_one(delete(probe))

    @property
    def is_outdated(self) -> bool:
        """Whether the table was seen to belong to a newer version of the bot. Asks no one: sweeps look."""
        return self._schema.is_outdated

    # Requests

    def add(self, request: Request, entry: Entry, show: Show | None) -> None:
        card = [new_card(request, show)] if show else []
        self._write(entry, [put(items.item_of_request(request), IS_NEW), *card])

    def move(self, before: Request, after: Request, entry: Entry | None, show: Show | None) -> None:
        check_move(before.state, after.state)
        item = items.item_of_request(after)
        moved = put(item, "version = :before", before=before.version)
        if entry is None and show is None:
            self._move_only(moved)
            return
        card = [moved_card(after, show)] if show else []
        self._write(entry, [moved], [*card, *_last_signed_out(after.id, item)])

    def get(self, request_id: str) -> Request | None:
        key = items.request_key(request_id)
        item = self._calls.get(key) if items.fits(key) else None
        if item is None:
            return None
        request = next(self._readable(request_of, [item]), None)
        if request is None and self._schema.look():
            raise NewerVersionError
        return request

    def last_signed_out(self, account: Account) -> Request | None:
        item = self._calls.get(items.account_key(account_key(account)))
        return self.get(item["request_id"]) if item else None

    def expired(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due_requests(limit, "awaiting", "due_at <= :at", now, beyond)

    def ready(self, decided_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due_requests(limit, "ready", "due_at < :at", decided_before, beyond)

    def dead(self, lease_before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Request]:
        return self._due_requests(limit, "running", "due_at < :at", lease_before, beyond)

    # Trail

    def record(self, entry: Entry) -> None:
        self._write(entry, [])

    def tally(self, tallies: Sequence[Entry]) -> None:
        for start in range(0, len(tallies), TALLIED_AT_ONCE):
            some = tallies[start : start + TALLIED_AT_ONCE]
            self._calls.write([put(items.item_of_tally(each)) for each in some])

    def tallies(self, before: datetime, limit: int, beyond: datetime | None = None) -> Sequence[Entry]:
        return self._first_due(limit, entry_of, items.TALLY, "due_at < :at", at=before, beyond=beyond)

    def settle(self, tally_id: str, now: datetime) -> None:
        key = items.tally_key(tally_id)
        item, before = (self._calls.get(each) for each in (key, items.entry_key(tally_id)))
        for tally in self._readable(entry_of, [item] if item else ()):
            entry = entry_of_tally(tally, now, items.entry_of_item(before) if before else None)
            with suppress(SupersededError):  # another instance did it first, or it has grown
                self._write(entry, [delete(key, "document = :document", document=(item or {})["document"])])

    def forget(self, before: datetime) -> int:
        """Forget some of what had ended before then. Return how many entries; 0 once there are no more."""
        forgotten = 0
        for month in self._months():
            if month > items.month_at(before):
                break
            empty = True
            for item in self._in_month(month, last=first_id_at(before), Limit=FORGOTTEN_AT_ONCE):
                empty = False
                forgotten += "due" not in item and self._forget(item)
                if forgotten == FORGOTTEN_AT_ONCE:
                    return forgotten
            if empty and month < items.month_at(before):
                # An entry is written at its own time: nothing more comes to a month that had ended before `before`.
                self._calls.write([update(items.META, "DELETE months :months", months={month})])
                self._known_months.discard(month)
        return forgotten

    def _forget(self, item: Item) -> bool:
        """Forget an entry that can be read, and with the one of its end a request and its card."""
        for entry in self._readable(items.entry_of_item, [item]):
            actions = [delete(items.key_of(item), f"{IS_THERE} AND attribute_not_exists(due)")]
            if entry.kind in ENDINGS:
                if entry.request and entry.request.state is State.DONE:
                    key = items.account_key(account_key(entry.request.account))
                    with suppress(ConditionError):  # a later request signed this account out
                        self._calls.write([delete(key, "request_id = :id", id=entry.ask.id)])
                actions += [delete(items.request_key(entry.ask.id)), delete(items.card_key(entry.ask.id))]
            with suppress(ConditionError):
                self._calls.write(actions)
                return True
        return False

    def _due_requests(
        self, limit: int, what: str, when: str, at: datetime, beyond: datetime | None
    ) -> Sequence[Request]:
        self._schema.look_now_and_then()  # here, since each instance sweeps each second, and no one waits for a sweep
        return self._first_due(limit, request_of, what, when, at=at, beyond=beyond)

    def _move_only(self, moved: Action) -> None:
        """Write a request and nothing else: one conditional write, at half the price of a transaction."""
        item = moved["Put"]["Item"]
        try:
            self._calls.write_one(moved)
        except ConditionError as error:
            # A write whose answer was lost may have been done. Sent again it fails, since it moved the version itself.
            # What is stored tells: no other write has the same claim.
            if not (error.in_doubt and self._is_stored(item)):
                raise SupersededError from None

    def _is_stored(self, item: Item) -> bool:
        try:
            return self._calls.get(items.key_of(item)) == item
        except StoreUnavailableError as error:
            raise StoreUnavailableError(error.reason, in_doubt=True) from None

    def _write(self, entry: Entry | None, actions: Sequence[Action], also: Sequence[Action] = ()) -> None:
        """Add an entry and do these, all or nothing. What is `also` to be done is left out where it may not be."""
        added = [put(items.item_of_entry(entry), IS_NEW)] if entry else []
        if entry:
            self._note_month(items.month_of(entry.id))
        needed = [*actions, *added]
        while True:
            try:
                self._calls.write([*needed, *also])
                break
            except ConditionError as error:
                if any(error.failed[: len(actions)]):
                    raise SupersededError from None
                if any(error.failed[: len(needed)]):
                    raise StoreUnavailableError("there is such an entry already") from None
                also = [each for each, failed in zip(also, error.failed[len(needed) :], strict=True) if not failed]
        if entry and entry.kind in COUNTED:
            self._written(entry)

    def _note_month(self, month: str) -> None:
        """Note the month of an entry before the entry is written: it would not be looked for there otherwise."""
        if month not in self._known_months:
            self._calls.write([update(items.META, "ADD months :months", months={month})])
            self._known_months.add(month)


def _last_signed_out(request_id: str, item: Item) -> Sequence[Action]:
    """Return what notes that this request signed its account out, unless a later one did."""
    if not {"account", "ended_at"} <= item.keys():
        return []
    at = item["ended_at"]
    last = {**items.account_key(item["account"]), "request_id": request_id, "ended_at": at}
    return [put(last, f"{IS_NEW} OR ended_at <= :ended_at", ended_at=at)]
