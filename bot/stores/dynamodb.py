"""Requests and audit entries in one DynamoDB table, for any number of instances. table.py says what is where."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter

from bot.audit import AuditEntry
from bot.errors import StoreError, StoreUnavailableError, SupersededError
from bot.request import MOVES, Account, IllegalMoveError, SignOutRequest, State, new_id
from bot.stores import items
from bot.stores.actions import IS_NEW, Action, delete, put, update
from bot.stores.calls import Calls, ConditionError
from bot.stores.deliveries import Deliveries
from bot.stores.items import Item
from bot.stores.log import Log
from bot.stores.rows import text
from bot.stores.table import EXPIRES, NOT_THERE, SCHEMA, check

LONGEST_CARD = timedelta(minutes=25)  # what `confirm_within` may be at most


class DynamoDBStore(Deliveries):
    """A `RequestStore` in the table `name`. Safe to use from many threads, and from many instances.

    Each write depends on what was read, so that an index which lags does no harm.
    """

    def __init__(self, name: str) -> None:
        super().__init__(Calls(name))
        self._name = name
        self._log = Log(self._calls, self._reader)

    def open(self) -> None:
        """See that the table is there, as this bot knows it. Raises `StoreError`, or `StoreUnavailableError`."""
        try:
            check(self._name, self._calls.describe())
        except StoreUnavailableError as error:
            if error.reason != NOT_THERE:
                raise
            raise StoreUnavailableError(
                f"there is no table {self._name} in this region; `python -m bot table --create` makes it"
            ) from None
        schema = (self._calls.get(items.META) or {}).get("schema_version")
        if schema is None:
            self._calls.write([update(items.META, "SET schema_version = :schema", schema=SCHEMA)])
        elif schema > SCHEMA:
            raise StoreError(
                f"The table {self._name} has schema {schema}, this bot knows {SCHEMA}."
                " Run the newer bot, or give another table."
            )

    def close(self) -> None:
        """Close the connections. Nothing may use the store afterwards."""
        self._calls.close()

    def check_writable(self) -> None:
        """Write something and take it back. Raises `StoreUnavailableError`."""
        now = datetime.now(UTC)
        probe = {"pk": "probe", "sk": new_id(now)}
        self._calls.write([put({**probe, EXPIRES: items.epoch(now + timedelta(days=1))}, IS_NEW)])
        self._calls.write([delete(probe, "attribute_exists(pk)")])

    def add(self, request: SignOutRequest, entry: AuditEntry) -> None:
        """Store a new request together with its entry."""
        try:
            self._write(entry, put(items.item_of_request(request), IS_NEW))
        except ConditionError:
            raise SupersededError from None

    def advance(self, before: SignOutRequest, after: SignOutRequest, entry: AuditEntry) -> None:
        """Replace `before` by `after` and add the entry, both or neither."""
        if after.state not in MOVES[before.state]:
            raise IllegalMoveError(before.state, after.state)
        # The version is the whole condition: each move makes a new one.
        moved = put(items.item_of_request(after), "version = :before", before=after.version - 1)
        for also in (_last_signed_out(after), ()):
            try:
                self._write(entry, moved, *also)
                break
            except ConditionError as error:
                if error.failed[1]:
                    raise SupersededError from None
                # The account was signed out by a later request: that is to be remembered, and this move done.

    def get(self, request_id: str) -> SignOutRequest | None:
        """Return a request, or None."""
        key = items.request_key(request_id)
        item = self._calls.get(key) if items.fits(key) else None
        return next(self._requests([item] if item else []), None)

    def last_signed_out(self, account: Account) -> SignOutRequest | None:
        """Return the request that last signed this account out, or None."""
        item = self._calls.get(items.account_key(account))
        return self.get(item["request_id"]) if item else None

    def dead_claims(self, now: datetime) -> Sequence[SignOutRequest]:
        """Return the requests in SIGNING_OUT whose lease has run out, oldest first."""
        return self._oldest_first(self._reader.due(items.CLAIMED, "due_at < :now", now=text(now)))

    def expired(self, now: datetime) -> Sequence[SignOutRequest]:
        """Return the requests that still await their operator after `expires_at`, oldest first."""
        return self._oldest_first(self._reader.due(items.AWAITING, "due_at <= :now", now=text(now)))

    def wipe_response_urls(self, created_before: datetime) -> None:
        """Forget the response_urls that Slack no longer takes."""
        for request in self._requests(self._reader.due(items.URL_KEPT, "due_at < :at", at=text(created_before))):
            self._wipe(request, "REMOVE response_url, due, due_at")
        # What has not ended stands in the index by other times. Little of it is so old, where everything works.
        latest = text(created_before + LONGEST_CARD)
        awaiting = self._reader.due(items.AWAITING, "due_at < :latest", latest=latest)
        for request in self._requests(chain(awaiting, self._reader.due(items.CLAIMED))):
            if request.response_url and (request.claimed_at or request.created_at) < created_before:
                self._wipe(request, "REMOVE response_url")

    def record(self, entry: AuditEntry) -> None:
        """Store an entry that belongs to no move, such as a refusal."""
        self._write(entry)

    def entries(self, since: datetime | None, request_id: str | None) -> Iterator[AuditEntry]:
        """Give all entries, or those from a time on, or of one request, oldest first; memory holds a page of them."""
        return self._reader.readable(items.entry_of_item, self._log.items(since, request_id))

    def forget_delivered(self, before: datetime) -> int:
        """Delete some of what ended, and was delivered where it had to be, before then; return how many entries."""
        return self._log.forget(before)

    def _write(self, entry: AuditEntry, *actions: Action) -> None:
        """Add an entry and do these, all or nothing. Raises `ConditionError` where one of these may not be done."""
        self._log.make_room(entry.id)
        try:
            self._calls.write([put(items.item_of_entry(entry), IS_NEW), *actions])
        except ConditionError as error:
            if error.failed[0]:
                raise StoreUnavailableError(f"there is an entry {entry.id} already") from None
            raise

    def _wipe(self, request: SignOutRequest, change: str) -> None:
        with suppress(ConditionError):  # it has moved on: the next round sees to it
            wipe = update(items.request_key(request.id), change, "version = :version", version=request.version)
            self._calls.write([wipe])

    def _requests(self, found: Iterable[Item]) -> Iterator[SignOutRequest]:
        return self._reader.readable(items.request_of_item, found)

    def _oldest_first(self, found: Iterable[Item]) -> Sequence[SignOutRequest]:
        return sorted(self._requests(found), key=attrgetter("id"))


def _last_signed_out(request: SignOutRequest) -> Sequence[Action]:
    """Return what notes that this request signed its account out, unless a later one did."""
    if request.state is not State.SIGNED_OUT or request.chosen is None:
        return ()
    ended_at = text(request.ended_at) or ""
    item = {**items.account_key(request.chosen), "request_id": request.id, "ended_at": ended_at}
    return [put(item, "attribute_not_exists(pk) OR ended_at <= :ended_at", ended_at=ended_at)]
