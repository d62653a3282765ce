"""Work that is done again and again, on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

from bot.errors import StoreUnavailableError

log = logging.getLogger(__name__)


class Rounds:
    """Calls `work`, where it `may` be done, again and again until `stop`.

    Between two rounds are the seconds that `work` returns, or else `every`. Setting `hurry` ends the wait.
    """

    AFTER_A_FAILURE = 5.0
    AFTER_A_HURRY = 0.02  # what set `hurry` goes on first: an operator is told before the audit channel
    UNTIL_IT_MAY = 1.0

    def __init__(
        self,
        name: str,
        work: Callable[[], float | None],
        every: float,
        may: Callable[[], bool] = lambda: True,
        hurry: threading.Event | None = None,
    ) -> None:
        self._work, self._every, self._may = work, every, may
        self._hurry = hurry or threading.Event()
        self._stopped = False
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin the first round."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Begin a last round; wait for its end, for `seconds` at most."""
        self._stopped = True
        self._hurry.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        last = False
        while not last:
            last = self._stopped
            self._hurry.clear()  # before the work: what is written meanwhile is seen in the next round
            pause = self._round()
            if not self._stopped and self._hurry.wait(pause) and not self._stopped:
                time.sleep(self.AFTER_A_HURRY)

    def _round(self) -> float:
        """Work where it may be done now. Return in how many seconds to come back."""
        try:
            pause = (self._work() or self._every) if self._may() else min(self._every, self.UNTIL_IT_MAY)
        except StoreUnavailableError as error:
            if error.reason != self._trouble:  # said once, not in each round
                log.warning("The %s rounds wait for the store (%s)", self._thread.name, error.reason)
            self._trouble = error.reason
            return self.AFTER_A_FAILURE
        except Exception:
            log.exception("A round of %s failed; the next one is in %.0f s", self._thread.name, self.AFTER_A_FAILURE)
            return self.AFTER_A_FAILURE
        if self._trouble:
            log.info("The %s rounds go on: the store is there again", self._thread.name)
        self._trouble = None
        return pause
