"""Lists in the file: their accounts in portions, and who runs them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.account import Account
from bot.stores.documents import portion_of, text, text_of_portion
from bot.stores.sqlite import statements as sql
from bot.stores.sqlite.file import File


class SQLiteLists:
    """What `Lists` promises of lists, beside the requests that they are."""

    _file: File

    def put_portion(self, list_id: str, number: int, accounts: Sequence[Account]) -> None:
        with self._file.write() as db:
            values = {"list_id": list_id, "number": number, "document": text_of_portion(accounts)}
            db.execute(sql.PUT_PORTION, values)

    def portions(self, list_id: str, numbers: range) -> Iterator[Sequence[Account]]:
        for number in numbers:
            for row in self._file.rows(sql.PORTION, {"list_id": list_id, "number": number}):
                yield portion_of(row["document"])

    def lease(self, key: str, holder: str, now: datetime, until: datetime, longest: timedelta) -> bool:
        times = {"now": text(now), "until": text(until), "beyond": text(now + longest)}
        with self._file.write() as db:
            return bool(db.execute(sql.LEASE, {"key": key, "holder": holder, **times}).rowcount)

    def give_back(self, key: str, holder: str) -> None:
        with self._file.write() as db:
            db.execute(sql.GIVE_BACK, {"key": key, "holder": holder})
