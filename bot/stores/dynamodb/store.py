"""Requests and audit entries in one DynamoDB table, for any number of instances. table.py says what is where."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

from bot.account import Account
from bot.audit import COUNTED, OUTCOMES, Entry, Kind, entry_of_tally
from bot.errors import CountChangedError, NewerVersionError, StoreUnavailableError, SupersededError
from bot.facts.clock import CheckedClock
from bot.limits import Window
from bot.ports import LiveMessage, MessageKind, Show
from bot.request import Request, State, check_move, first_id_at, new_id
from bot.stores.documents import (
    CARD,
    Stored,
    card_of,
    new_card,
    other_messages,
    read_entry,
    request_of,
    text,
    window_of,
)
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import ConditionError
from bot.stores.dynamodb.items import EXPIRES, IS_NEW, IS_THERE, Item, Write, assign, delete, put, update
from bot.stores.dynamodb.lists import DynamoDBLists
from bot.stores.dynamodb.reader import DynamoDBReader
from bot.stores.dynamodb.table import INDEX
from bot.stores.waiting import ALWAYS, EVER, CardRule, Waiting

# With these a request ends, so that it can be forgotten together with one. Its other moves are before it in the log.
ENDINGS = OUTCOMES - {Kind.REFUSED, Kind.NOT_FOUND}
FORGOTTEN_AT_ONCE = 100
TALLIED_AT_ONCE = 100  # what DynamoDB writes at once
LOOKED_THROUGH = 100  # so many cards that wait to be shown, for places that have ended
PAST_UNREADABLE = 10  # so many are read for one, since the first may be one that cannot be read


class DynamoDBStore(DynamoDBReader, DynamoDBLists, Waiting):
    """`Lists`, `Tallies` and `Outbox` in the table `name`, for any number of threads and instances.

    `written` is called with each `COUNTED` entry that a move or a refusal added, once it is durable. Each write depends
    on what was read, so that an index which lags does no harm. `clock` is compared with each answer, and gives each
    entry a new id as it is written: see `reader.FINAL_AFTER`.
    """

    def __init__(
        self, name: str, written: Callable[[Entry], None] = lambda _: None, *, clock: CheckedClock | None = None
    ) -> None:
        super().__init__(name, clock=clock)
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
        self._calls.write_one(put({**probe, EXPIRES: int((now + timedelta(days=1)).timestamp())}))
        self._calls.write_one(delete(probe))

    @property
    def is_outdated(self) -> bool:
        """Whether the table was seen to belong to a newer version of the bot. Asks no one: sweeps look."""
        return self._schema.is_outdated

    # Requests

    def add(self, request: Request, entry: Entry | None, show: Show | None) -> None:
        added = put(items.item_of_request(request), IS_NEW)
        card = [put(items.item_of_card(new_card(request, show)), IS_NEW)] if show else []
        if entry or card:
            self._write(entry, [added, *card])
        else:
            self._write_only(added)

    def move(
        self, before: Request, after: Request, entry: Entry | None, show: Show | None, counted: Sequence[Window] = ()
    ) -> None:
        check_move(before, after.state)
        item = items.item_of_request(after)
        moved = put(item, "version = :before", before=before.version)
        shown = [items.card_moved(new_card(after, show))] if show else []
        shown += [items.card_moved(each) for each in other_messages(after, with_card=bool(show))]
        if entry or shown:
            self._write(entry, [moved], [*shown, *_last_signed_out(after.id, item)], counted)
        else:
            self._write_only(moved)

    def windows(self, keys: Sequence[str]) -> Sequence[Window]:
        found = [self._calls.get(items.make_key("window", key)) for key in keys]
        return [window_of(item) if item else Window(key=key) for key, item in zip(keys, found, strict=True)]

    def tell(self, windows: Sequence[Window], entry: Entry) -> None:
        self._write(entry, [], (), windows)

    def get(self, request_id: str) -> Request | None:
        key = items.make_key("request", request_id)
        item = self._calls.get(key) if items.fits(key) else None
        if item is None:
            return None
        request = next(self._readings.each(request_of, [item]), None)
        if request is None and self._schema.look():
            raise NewerVersionError
        return request

    def last_signed_out(self, account: Account) -> Request | None:
        item = self._calls.get(items.make_key("account", account.key))
        return self.get(item["request_id"]) if item else None

    def signed_out_at(self, account: Account) -> datetime | None:
        item = self._calls.get(items.make_key("account", account.key))
        return datetime.fromisoformat(item["ended_at"]) if item else None

    def past(self, subjects: Sequence[str], limit: int) -> Sequence[Entry]:
        ids = {each["sk"] for subject in subjects for each in self._last_of(subject, limit)}
        found = [item for each in sorted(ids)[-limit:] if (item := self._calls.get(items.entry_key(each)))]
        return list(self._readings.each(read_entry, map(items.stored, found)))

    def _last_of(self, subject: str, limit: int) -> Iterator[Item]:
        history = items.make_key("history", subject)
        if not items.fits(history):
            return iter(())
        found = self._calls.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": history["pk"]},
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return islice(found, limit)

    # Trail

    def record(self, entry: Entry) -> None:
        self._write(entry, [])

    def tally(self, tallies: Sequence[Entry]) -> None:
        for start in range(0, len(tallies), TALLIED_AT_ONCE):
            some = tallies[start : start + TALLIED_AT_ONCE]
            self._calls.write([put(items.item_of_tally(each)) for each in some])

    def settle(self, tally_id: str, now: datetime) -> None:
        key = items.make_key("tally", tally_id)
        item, told = (self._calls.get(each) or {} for each in (key, items.make_key("tally", tally_id, "told")))
        for tally in self._readings.each(read_entry, [item] if item else ()):
            entry = entry_of_tally(tally, now, int(told.get("told", 0)))
            unchanged = "told = :was" if told else IS_NEW
            was = {"was": told["told"]} if told else {}
            noted = [put(items.item_of_told(tally_id, tally.count, now), unchanged, **was)] if entry else []
            with suppress(SupersededError):  # another instance did it first, or it has grown
                self._write(entry, [delete(key, "document = :document", document=item["document"]), *noted])

    def delivered(self, entry: Entry, ts: str, now: datetime) -> None:
        change = "SET attempts = attempts + :one, delivered_at = :now, ts = :ts REMOVE due, due_at"
        condition = f"{IS_THERE} AND attribute_not_exists(delivered_at)"
        with suppress(ConditionError):
            self._calls.write([update(items.entry_key(entry.id), change, condition, one=1, now=text(now), ts=ts)])

    def forget(self, before: datetime) -> int:
        """Forget some of what had ended before then. Return how many entries; 0 once there are no more."""
        forgotten, months = 0, self._months()
        newest = self._newest(months)
        for month in months:
            if month > items.month_at(before):
                break
            empty = True
            for item in self._in_month(month, last=first_id_at(before), Limit=FORGOTTEN_AT_ONCE):
                empty = False
                forgotten += "due" not in item and item["sk"] != newest and self._forget(item)
                if forgotten == FORGOTTEN_AT_ONCE:
                    return forgotten
            if empty and month < items.month_at(before):
                # An entry is written at its own time: nothing more comes to a month that had ended before `before`.
                self._calls.write([update(items.META, "DELETE months :months", months={month})])
                self._known_months.discard(month)
        return forgotten

    def _newest(self, months: Sequence[str]) -> str | None:
        """Return the id of the newest entry. It stays: so who follows the trail finds the last entry that they have."""
        found = chain.from_iterable(self._in_month(each, ScanIndexForward=False, Limit=1) for each in reversed(months))
        return next((item["sk"] for item in found), None)

    def _forget(self, item: Item) -> bool:
        """Forget an entry that can be read, and with the one of its end a request and its card."""
        for entry in self._readings.each(read_entry, [items.stored(item)]):
            writes = [delete(items.key_of(item), f"{IS_THERE} AND attribute_not_exists(due)")]
            writes += map(delete, items.history_keys(entry))
            if entry.kind in ENDINGS:
                if entry.chosen and entry.request and entry.request.state is State.DONE:
                    key = items.make_key("account", entry.chosen.key)
                    with suppress(ConditionError):  # a later request signed this account out
                        self._calls.write([delete(key, "request_id = :id", id=entry.ask.id)])
                writes += [delete(items.make_key("request", entry.ask.id, sort)) for sort in ("request", *MessageKind)]
                self._forget_portions(entry)
            with suppress(ConditionError):
                self._calls.write(writes)
                return True
        return False

    def forget_places(self, now: datetime) -> None:
        """Forget some response_urls that no longer work."""

        def without_place(card: LiveMessage) -> LiveMessage | None:
            return replace(card, place=None) if card.place and card.place.until <= now else None

        ended = self._waiting(items.PLACE, EVER, text(now), LOOKED_THROUGH)
        to_show = islice(self._waiting(CARD, EVER, ALWAYS, LOOKED_THROUGH), LOOKED_THROUGH)
        for card in self._readings.each(card_of, chain(ended, to_show)):
            if without_place(card):
                self._change_card(card.request_id, card.kind, without_place)

    def _waiting(self, what: str, since: str | None, upto: str | None, limit: int) -> Generator[Stored, None, None]:
        """Give what the index has under `what`. It may lag by moments."""
        self._schema.look_now_and_then()  # here, since each instance sweeps each second, and no one waits for a sweep
        found = self._calls.query(
            IndexName=INDEX,
            KeyConditionExpression="due = :due AND due_at BETWEEN :since AND :upto",
            ExpressionAttributeValues={":due": what, ":since": since, ":upto": upto},
            Limit=limit if limit > 1 else PAST_UNREADABLE,
        )
        yield from map(items.stored, found)

    def _due_again(self, entry: Entry, at: datetime, *, failures: int) -> bool:
        change = "SET due_at = :at, attempts = attempts + :failures"
        was = text(entry.delivery.next_at)  # where someone took it since, it is another time, or none
        again = update(items.entry_key(entry.id), change, "due_at = :was", at=text(at), failures=failures, was=was)
        try:
            self._calls.write([again])  # as a transaction, which may be sent again when its answer was lost
        except ConditionError:
            return False
        return True

    def _card(self, request_id: str, kind: MessageKind) -> LiveMessage | None:
        item = self._calls.get(items.make_key("request", request_id, kind))
        return next(self._readings.each(card_of, [items.stored(item)] if item else []), None)

    def _change_card(self, request_id: str, kind: MessageKind, rule: CardRule) -> LiveMessage | None:
        # A write whose answer was lost fails when it is sent again. The rule then sees what it wrote, and lets it be.
        key = items.make_key("request", request_id, kind)
        while item := self._calls.get(key):
            card = next(self._readings.each(card_of, [items.stored(item)]), None)
            after = rule(card) if card else None
            if after is None or after == card:
                return after
            changes = {k: v for k, v in items.attributes_of_card(after).items() if v != item.get(k)}
            with suppress(ConditionError):
                self._calls.write_one(assign(key, changes, "write_id = :was", was=item["write_id"]))
                return after
        return None

    def _write_only(self, written: Write) -> None:
        """Write a request and nothing else: one conditional write, at half the price of a transaction."""
        item = written["Put"]["Item"]
        try:
            self._calls.write_one(written)
        except ConditionError as error:
            # A write whose answer was lost may have been done. Sent again it fails, since it moved the version itself.
            # What is stored tells: no other write has the same claim.
            try:
                is_stored = error.in_doubt and self._calls.get(items.key_of(item)) == item
            except StoreUnavailableError as trouble:
                raise StoreUnavailableError(trouble.reason, in_doubt=True) from None
            if not is_stored:
                raise SupersededError from None

    def _write(
        self, entry: Entry | None, writes: Sequence[Write], also: Sequence[Write] = (), counted: Sequence[Window] = ()
    ) -> None:
        """Add an entry, do and count these, all or nothing. What is `also` to be done is left out where it may not."""
        while True:
            entry = entry and self._placed(entry)
            added = [put(items.item_of_entry(entry), IS_NEW), *map(put, items.history_keys(entry))] if entry else []
            needed = [*writes, *map(items.window_counted, counted), *added]
            try:
                self._calls.write([*needed, *also])
                break
            except ConditionError as error:
                if any(error.failed[: len(writes)]):
                    raise SupersededError from None
                if any(error.failed[len(writes) : len(writes) + len(counted)]):
                    raise CountChangedError from None
                if any(error.failed[: len(needed)]):
                    raise StoreUnavailableError("there is such an entry already") from None
                also = [each for each, failed in zip(also, error.failed[len(needed) :], strict=True) if not failed]
        if entry and entry.kind in COUNTED:
            self._written(entry)

    def _placed(self, entry: Entry) -> Entry:
        """Return an entry with an id of this moment. Its month is noted first: no one would look for it there else."""
        while True:
            placed = replace(entry, id=new_id(self._clock.told_now())) if self._clock else entry
            month = items.month_of(placed.id)
            if month in self._known_months:
                return placed
            self._calls.write([update(items.META, "ADD months :months", months={month})])
            self._known_months.add(month)


def _last_signed_out(request_id: str, item: Item) -> Sequence[Write]:
    """Return what notes that this request signed its account out, unless a later one did."""
    if not {"account", "ended_at"} <= item.keys():
        return []
    at = item["ended_at"]
    last = {**items.make_key("account", item["account"]), "request_id": request_id, "ended_at": at}
    return [put(last, f"{IS_NEW} OR ended_at <= :ended_at", ended_at=at)]
