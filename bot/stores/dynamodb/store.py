"""Requests and audit entries in one DynamoDB table, for any number of instances. table.py says what is where."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bot.audit import COUNTED, Entry, Kind
from bot.errors import NewerVersionError, StoreUnavailableError, SupersededError
from bot.ports import Show
from bot.request import Account, Request, check_move, new_id
from bot.stores.documents import signed_out, text
from bot.stores.dynamodb import items
from bot.stores.dynamodb.actions import IS_NEW, Action, delete, put
from bot.stores.dynamodb.calls import Calls, ConditionError
from bot.stores.dynamodb.cards import CardOutbox, moved_card, new_card
from bot.stores.dynamodb.entries import EntryOutbox
from bot.stores.dynamodb.index import Index
from bot.stores.dynamodb.log import Log
from bot.stores.dynamodb.schema import SCHEMA, Schema
from bot.stores.dynamodb.table import EXPIRES


class DynamoDBStore(EntryOutbox, CardOutbox):
    """`Requests`, `Trail` and `Outbox` in the table `name`, for any number of threads and instances.

    `written` is called with each `COUNTED` entry that a move or a refusal added, once it is durable. `schema` is the
    newest one that this bot knows. Each write depends on what was read, so that an index which lags does no harm.
    """

    def __init__(self, name: str, written: Callable[[Entry], None] = lambda _: None, *, schema: int = SCHEMA) -> None:
        self.schema = schema
        self._calls = Calls(name)
        self._schema = Schema(self._calls, schema)
        self._calls.on_refusal = self._schema.look
        self._index = Index(self._calls)
        self._log = Log(self._calls, self._index)
        self._written = written

    def open(self) -> None:
        """See that the table is there, as this bot knows it, and take it.

        Raises `StoreError` where waiting will not help, else `StoreUnavailableError`.
        """
        self._schema.take()

    def table_schema(self) -> int | None:
        """Return the table's schema, or None for a new table. Raises as `open` does, and writes nothing."""
        return self._schema.stored()

    def close(self) -> None:
        """Close the connections. Nothing may use the store afterwards."""
        self._calls.close()

    def check_writable(self) -> None:
        """Write something and take it back. Raises `StoreUnavailableError`."""
        now = datetime.now(UTC)
        probe = {"pk": "probe", "sk": new_id(now)}
        self._calls.write_one(put({**probe, EXPIRES: items.epoch(now + timedelta(days=1))}))
        self._calls.write_one(delete(probe))

    def is_outdated(self) -> bool:
        """Return whether the table was seen to belong to a newer version of the bot. Asks no one: sweeps look."""
        return self._schema.is_outdated

    def add(self, request: Request, entry: Entry, show: Show | None) -> None:
        """Store a new request, its entry and its card. Raises `SupersededError` where its id is there already."""
        card = [new_card(request, show)] if show else []
        self._write(entry, [put(items.item_of_request(request), IS_NEW), *card])

    def move(self, before: Request, after: Request, entry: Entry | None, show: Show | None) -> None:
        """Replace `before` by `after`, add the entry and note the card, all or nothing.

        Raises `SupersededError` where the stored version is no longer `before`'s, and `IllegalMoveError`.
        """
        check_move(before.state, after.state)
        moved = put(items.item_of_request(after), "version = :before", before=before.version)
        if entry is None and show is None:
            self._move_only(moved)
        else:
            card = [moved_card(after, show)] if show else []
            self._write(entry, [moved], [*card, *_last_signed_out(after)])

    def get(self, request_id: str) -> Request | None:
        """Return a request, or None. Raises `NewerVersionError` for one that only a newer bot can read."""
        key = items.request_key(request_id)
        item = self._calls.get(key) if items.fits(key) else None
        if item is None:
            return None
        request = next(self._index.readable(items.request_of_item, [item]), None)
        if request is None and self._schema.look():
            raise NewerVersionError
        return request

    def last_signed_out(self, account: Account) -> Request | None:
        """Return the request that last signed this account out, or None."""
        item = self._calls.get(items.account_key(account))
        return self.get(item["request_id"]) if item else None

    def expired(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the requests that still await their operator after `expires_at`."""
        return self._due(limit, "awaiting", "due_at <= :at", now)

    def ready(self, decided_before: datetime, limit: int) -> Sequence[Request]:
        """Return the requests in READY that were decided before then."""
        return self._due(limit, "ready", "due_at < :at", decided_before)

    def dead(self, lease_before: datetime, limit: int) -> Sequence[Request]:
        """Return the requests in RUNNING whose lease ended before then."""
        return self._due(limit, "running", "due_at < :at", lease_before)

    def record(self, entry: Entry) -> None:
        """Store an entry that belongs to no move, such as a refusal."""
        waits = entry.kind is Kind.REFUSED and entry.delivery.next_at
        self._write(entry, [put(dict(items.waiting_key(entry)))] if waits else [])

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[Entry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""
        return self._log.entries(since, request_id)

    def forget(self, before: datetime) -> int:
        """Delete some of what ended, and was delivered where it had to be, before then; return how many entries."""
        return self._log.forget(before)

    def _due(self, limit: int, what: str, when: str, at: datetime) -> Sequence[Request]:
        self._schema.look_now_and_then()  # here, since each instance sweeps each second, and no one waits for a sweep
        return self._index.first(limit, items.request_of_item, what, when, at=text(at))

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

    def _is_stored(self, item: items.Item) -> bool:
        try:
            return self._calls.get(items.key_of(item)) == item
        except StoreUnavailableError as error:
            raise StoreUnavailableError(error.reason, in_doubt=True) from None

    def _write(self, entry: Entry | None, actions: Sequence[Action], also: Sequence[Action] = ()) -> None:
        """Add an entry and do these, all or nothing. What is `also` to be done is left out where it may not be."""
        added = [put(items.item_of_entry(entry), IS_NEW)] if entry else []
        if entry:
            self._log.make_room(entry.id)
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


def _last_signed_out(request: Request) -> Sequence[Action]:
    """Return what notes that this request signed its account out, unless a later one did."""
    account = signed_out(request)
    if account is None or request.ended_at is None:
        return []
    at = text(request.ended_at)
    item = {**items.account_key(account), "request_id": request.id, "ended_at": at}
    return [put(item, "attribute_not_exists(pk) OR ended_at <= :ended_at", ended_at=at)]
