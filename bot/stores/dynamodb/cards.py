"""The part of the store that knows which cards wait to be shown, and where they are."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from uuid import uuid4

from bot.ports import LiveMessage, Show
from bot.request import Request
from bot.stores import documents
from bot.stores.documents import DUE_AT_ONCE, text, values_of_place
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import ConditionError
from bot.stores.dynamodb.items import IS_NEW, IS_THERE, Action, assign, put
from bot.stores.dynamodb.reader import DynamoDBReader

LOOKED_THROUGH = 100  # so many cards that wait to be shown, for places that have ended


class CardOutbox(DynamoDBReader):
    """What an `Outbox` does for cards. A move writes a card together with its request; the rest is here."""

    def due_messages(self, now: datetime, limit: int, beyond: datetime | None = None) -> Sequence[LiveMessage]:
        return self._first_due(limit, items.card_of_item, items.CARD, "due_at <= :at", at=now, beyond=beyond)

    def hold_message(self, message: LiveMessage, until: datetime) -> LiveMessage | None:
        hold = str(uuid4())

        def held(card: LiveMessage) -> LiveMessage | None:
            if card.hold == hold:  # the answer to the write was lost
                return card
            is_same = card.due_at is not None and card.due_at == message.due_at
            return replace(card, due_at=until, hold=hold) if is_same else None

        return self._change(message.request_id, held)

    def shown(self, message: LiveMessage) -> None:
        def settled(card: LiveMessage) -> LiveMessage | None:
            is_mine = card.hold == message.hold
            hold = None if is_mine else card.hold
            if card.version > message.version:
                return replace(card, due_at=DUE_AT_ONCE, hold=hold)
            due_at = card.due_at if card.failures or card.due_at == DUE_AT_ONCE else None
            return replace(card, due_at=due_at, hold=hold, failures=0) if is_mine else None

        self._change(message.request_id, settled)

    def not_shown(self, message: LiveMessage, next_at: datetime | None) -> None:
        def failed(card: LiveMessage) -> LiveMessage | None:
            is_mine, has_moved_on = card.hold == message.hold, card.version > message.version
            if not is_mine and not has_moved_on:
                return None
            due_at = DUE_AT_ONCE if has_moved_on or card.due_at == DUE_AT_ONCE else next_at or card.due_at
            return replace(card, due_at=due_at, hold=None if is_mine else card.hold, failures=card.failures + 1)

        self._change(message.request_id, failed)

    def show_again(self, request_id: str) -> None:
        self._change(request_id, lambda card: replace(card, due_at=DUE_AT_ONCE))

    def forget_places(self, now: datetime) -> None:
        """Forget some response_urls that no longer work."""

        def without_place(card: LiveMessage) -> LiveMessage | None:
            return replace(card, place=None) if card.place and card.place.until <= now else None

        ended = self._due(LOOKED_THROUGH, items.PLACE, "due_at <= :now", now=text(now))
        to_show = islice(self._due(LOOKED_THROUGH, items.CARD), LOOKED_THROUGH)
        for card in self._readable(items.card_of_item, chain(ended, to_show)):
            if without_place(card):
                self._change(card.request_id, without_place)

    def _change(self, request_id: str, rule: Callable[[LiveMessage], LiveMessage | None]) -> LiveMessage | None:
        """Change a card as `rule` says (None: not at all), even while others do so too; return what it is then.

        A write whose answer was lost fails when it is sent again. The rule then sees what it wrote, and must let it be.
        """
        key = items.card_key(request_id)
        while item := self._calls.get(key):
            card = next(self._readable(items.card_of_item, [item]), None)
            after = rule(card) if card else None
            if after is None or after == card:
                return after
            try:
                changes = {k: v for k, v in items.attributes_of_card(after).items() if v != item.get(k)}
                self._calls.write_one(assign(key, changes, "write_id = :was", was=item["write_id"]))
            except ConditionError:
                continue
            return after
        return None


def new_card(request: Request, show: Show) -> Action:
    """Return what stores the card of a new request."""
    card = LiveMessage(request_id=request.id, version=request.version, due_at=show.at, place=show.place)
    return put(items.item_of_card(card), IS_NEW)


def moved_card(request: Request, show: Show) -> Action:
    """Return what a move does to the card. Its holder stays, and so does its place, unless the move gives another."""
    change = {
        "version": request.version,
        "shape": documents.SHAPE,
        "due": items.CARD,
        "due_at": text(show.at),
        "write_id": str(uuid4()),
        **(values_of_place(show.place) if show.place else {}),
    }
    return assign(items.card_key(request.id), change, IS_THERE)
