"""A card that two threads change: with progress, and with the result."""

import threading
from collections.abc import Callable

from bot.request import SignOutRequest
from bot.slack.cards import Cards


class LiveCard:
    """One card as it changes. An older version never covers a newer."""

    def __init__(self, respond: Callable[..., bool], cards: Cards, audit_refused: Callable[[], bool]) -> None:
        self._respond = respond
        self._cards = cards
        self._audit_refused = audit_refused
        self._lock = threading.Lock()
        self._version = 0

    def show(self, request: SignOutRequest) -> bool:
        """Show a request as it stands, unless a later version was shown; return whether Slack took it."""
        with self._lock:
            if request.version <= self._version:
                return False
            self._version = request.version
            card = self._cards.card(request, audit_kept=self._audit_refused())
            return self._respond(card, replace=True)
