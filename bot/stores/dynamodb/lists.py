"""Lists in the table: their accounts in portions, and who runs them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from bot.account import Account
from bot.audit import Entry
from bot.stores.documents import portion_of, text, text_of_portion
from bot.stores.dynamodb import items
from bot.stores.dynamodb.calls import Calls, ConditionError
from bot.stores.dynamodb.items import IS_NEW, delete, put


class DynamoDBLists:
    """What `Lists` promises of lists, beside the requests that they are."""

    _calls: Calls

    def put_portion(self, list_id: str, number: int, accounts: Sequence[Account]) -> None:
        self._calls.write_one(put({**items.portion_key(list_id, number), "document": text_of_portion(accounts)}))

    def portions(self, list_id: str, numbers: range) -> Iterator[Sequence[Account]]:
        if not numbers:
            return
        first, last = (items.portion_key(list_id, each) for each in (numbers[0], numbers[-1]))
        found = self._calls.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": first["pk"], ":first": first["sk"], ":last": last["sk"]},
            ConsistentRead=True,
        )
        for item in found:
            yield portion_of(item["document"])

    def lease(self, key: str, holder: str, now: datetime, until: datetime, longest: timedelta) -> bool:
        lease = {**items.make_key("lease", key), "holder": holder, "ends_at": text(until)}
        condition = f"{IS_NEW} OR holder = :holder OR ends_at < :now OR ends_at > :beyond"
        times = {"now": text(now), "beyond": text(now + longest)}
        with suppress(ConditionError):
            self._calls.write_one(put(lease, condition, holder=holder, **times))
            return True
        return False

    def give_back(self, key: str, holder: str) -> None:
        with suppress(ConditionError):
            self._calls.write_one(delete(items.make_key("lease", key), "holder = :holder", holder=holder))

    def _forget_portions(self, entry: Entry) -> None:
        """Delete the portions of the list that ended with this entry; none where it is of something else."""
        listed = entry.request and entry.request.listed
        if not listed:
            return
        for number in listed.numbers:
            self._calls.write_one(delete(items.portion_key(entry.ask.id, number)))
        # Others were stored and never noted, where the look-up of its lines was broken off.
        rest = items.portion_key(entry.ask.id, listed.portions)
        for item in self._calls.query(
            KeyConditionExpression="pk = :pk AND sk >= :sk",
            ExpressionAttributeValues={f":{name}": value for name, value in rest.items()},
            ConsistentRead=True,
        ):
            self._calls.write_one(delete(items.key_of(item)))
