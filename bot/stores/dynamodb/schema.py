"""Which version of the bot a table belongs to. The item `meta` says it."""

import logging
import time
from contextlib import suppress

from bot.errors import StoreUnavailableError
from bot.stores.documents import of_another_version
from bot.stores.dynamodb.calls import Calls, ConditionError
from bot.stores.dynamodb.items import IS_NEW, META, update
from bot.stores.dynamodb.table import NOT_THERE, check_form

SCHEMA = 3  # 2: a second person, and limits. 3: lists. An older bot cannot read them
LOOK_EVERY_SECONDS = 60.0
# Bots before 0.2.0 look at `schema_version`, know 1, and refuse more. So they never write to a table of this bot.
_REFUSED_BEFORE_0_2_0 = 2

log = logging.getLogger(__name__)


class Schema:
    """The schema of the table behind `calls`, `is_outdated` once a newer one was seen there. Safe for many threads."""

    def __init__(self, calls: Calls) -> None:
        self.known = SCHEMA
        self.is_outdated = False
        self._calls = calls
        self._looked_at = time.monotonic()

    def stored(self) -> int | None:
        """Return the table's schema; None before a bot used it. Raises `StoreError`, and `StoreUnavailableError`."""
        name = self._calls.table
        try:
            check_form(name, self._calls.describe())
        except StoreUnavailableError as error:
            if not error.reason.endswith(NOT_THERE):
                raise
            reason = f"there is no table {name} in this region; `python -m bot table --create` makes it"
            raise StoreUnavailableError(reason) from None
        meta = self._calls.get(META)
        if meta is None:
            return None
        schema = meta.get("table_schema")
        if schema is None or schema > self.known:
            raise of_another_version(f"table {name}", schema, self.known)
        return int(schema)

    def take(self) -> None:
        """Give the table this bot's schema where it has none yet, or an older one. Raises as `stored` does."""
        while (stored := self.stored()) != self.known:
            was = {} if stored is None else {"stored": stored}
            condition = "table_schema = :stored" if was else IS_NEW
            change = "SET table_schema = :known, schema_version = :refused"
            with suppress(ConditionError):  # another instance was first
                values = {"known": self.known, "refused": _REFUSED_BEFORE_0_2_0, **was}
                self._calls.write([update(META, change, condition, **values)])

    def look(self) -> bool:
        """See whether a newer bot has taken the table since, and return that. What cannot be read says nothing."""
        self._looked_at = time.monotonic()
        if not self.is_outdated:
            with suppress(StoreUnavailableError):
                meta = self._calls.get(META) or {}
                self.is_outdated = meta.get("table_schema", self.known) > self.known
            if self.is_outdated:
                log.warning("The table belongs to a newer version of the bot now. This one begins nothing more")
        return self.is_outdated

    def look_now_and_then(self) -> None:
        """Look, once a minute. Of several threads the first does it; the others do not wait for it."""
        if time.monotonic() - self._looked_at >= LOOK_EVERY_SECONDS:
            self.look()
