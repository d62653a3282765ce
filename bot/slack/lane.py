"""What a conversation needs around it: threads to work on, and somebody who notes how long it took."""

from collections.abc import Callable
from typing import Protocol


class Seat(Protocol):
    """A place in a lane, held until `run` or `release`."""

    def run(self, work: Callable[[], object]) -> None:
        """Do `work` on one of the lane's threads, then give the place back."""

    def release(self) -> None:
        """Give the place back unused."""


class Lane(Protocol):
    """A bounded number of threads for one sort of work."""

    def reserve(self, *, urgent: bool = False) -> Seat:
        """Return a place, or raise `BusyError`. The last places are kept for what is urgent."""


class Meter(Protocol):
    """What times a conversation."""

    def card_shown(self, seconds: float) -> None:
        """Note how long a card took."""

    def result_shown(self, seconds: float) -> None:
        """Note how long a result took."""
