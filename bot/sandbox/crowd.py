"""A pool with so many people that it takes a list to sign them out, and the list of those whose passwords leaked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, product
from typing import TypeVar

from bot.sandbox.cognito import Account, Cognito, Pool

POOL, SIZE = "shop", 400
FIRST_NAMES = (
    *("Ana", "Ava", "Bea", "Ben", "Cem", "Dan", "Eli", "Eva", "Fay", "Gus", "Hal", "Ian", "Ida", "Ivy", "Jan", "Joe"),
    *("Kai", "Lea", "Leo", "Liv", "Lou", "Max", "Mia", "Ned", "Nia", "Noa", "Ole", "Pia", "Ron", "Roy", "Sue", "Tea"),
    *("Tim", "Tom", "Uma", "Una", "Val", "Wes", "Yan", "Zoe"),
)
LAST_NAMES = ("Abel", "Berg", "Cruz", "Diaz", "Ekman", "Fox", "Gold", "Hahn", "Iqbal", "Jung")
FAMILY = "family@example.com"  # an email of two accounts
NO_ONES = ("old.shop", "nobody@example.com", "x.y", "+49 30 23125 999", "00000000-0000-4000-8000-000000000000")
SEPARATORS = ("\n", "\n", "\n", "\n", ", ", "\n", "\n", "\n", "; ")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Someone:
    """One of these people. User names are short, so that a list of 300 has room in a form."""

    username: str
    name: str
    email: str
    phone: str  # one that no one has


class Crowd:
    """The people of the pool `shop`: so many that they are only counted. `leaked` is the list, once all are there."""

    def __init__(self, cognito: Cognito, size: int) -> None:
        self.leaked = ""
        self._cognito = cognito
        self._signing_in = asyncio.Lock()
        everyone = people(size)
        self.everyone = everyone
        self.family, self.protected, self.hit = everyone[:2], everyone[2:4], everyone[4 : 4 + size * 3 // 4]

    @property
    def pool(self) -> Pool:
        """Their pool."""
        return self._cognito.pools[POOL]

    @property
    def signed_in(self) -> int:
        """How many are signed in, by what Cognito said after the bot's last call for each."""
        return sum(map(is_signed_in, self.pool.accounts.values()))

    async def gather(self) -> None:
        """Create everyone, and sign them in. It takes some seconds, in which others are served."""
        for each in self.everyone:
            of = {"email": each.email, "phone": each.phone}
            await self._cognito.add(POOL, each.username, each.name, **of, protected=each in self.protected)
        by_sub = [each.username for number, each in enumerate(self.hit) if is_by_sub(number)]
        self.leaked = self.listed({username: await self._sub(username) for username in by_sub})
        self._cognito.changes.note()

    async def sign_in_again(self) -> None:
        """Sign in everyone who is signed out."""
        async with self._signing_in:  # once at a time
            for each in [*self.pool.accounts.values()]:
                if not is_signed_in(each):
                    each.devices.clear()
                    await self._cognito.sign_in(POOL, each.username, "phone")

    async def _sub(self, username: str) -> str:
        told = await self._cognito.ask("AdminGetUser", UserPoolId=self.pool.id, Username=username)
        return next(str(each["Value"]) for each in told["UserAttributes"] if each["Name"] == "sub")

    def listed(self, subs: Mapping[str, str]) -> str:
        """Give the list of three people in four, as it is when it comes from several places.

        One line means both of the family, some people are in it twice, and two are protected. The pool knows some not.
        """
        lines = [written(number, each, subs) for number, each in enumerate(self.hit)]
        twice = [each.email for number, each in enumerate(self.hit) if is_twice(number)]
        lines = mixed([*lines, *twice, FAMILY, *(each.username for each in self.protected), *NO_ONES])
        return "".join(chain.from_iterable(zip(lines, cycle(SEPARATORS), strict=False))).strip(",; \n")


def is_signed_in(account: Account) -> bool:
    """Whether a refresh token of theirs works."""
    return any(device.refresh_works for device in account.devices)


def people(size: int) -> Sequence[Someone]:
    """Give so many people, 400 at most. The first two are a family."""
    return [
        Someone(
            username=(username := f"{first}.{last[0]}".lower()),
            name=f"{first} {last}",
            email=f"{username}@example.com" if number > 1 else FAMILY,
            phone=f"+493023125{number:03}",
        )
        for number, (first, last) in enumerate(mixed(product(FIRST_NAMES, LAST_NAMES))[:size])
    ]


def mixed(things: Iterable[T]) -> list[T]:
    """Give things in another order, always the same."""
    return [each for _, each in sorted(enumerate(things), key=lambda pair: pair[0] * 7919 % 10007)]


def is_by_sub(number: int) -> bool:
    """Whether the list has someone by their sub."""
    return number % 50 == 9  # noqa: PLR2004 - any number would do


def is_twice(number: int) -> bool:
    """Whether the list has someone by their email too."""
    return number % 40 == 3  # noqa: PLR2004 - any number would do


def written(number: int, who: Someone, subs: Mapping[str, str]) -> str:
    """Give someone as the list has them."""
    if is_by_sub(number):
        return subs[who.username]
    match number % 25:
        case 1:
            return f"+49 30 {who.phone[5:10]} {who.phone[10:]}"
        case 2 if number % 2:
            return f"{who.name} <{who.email}>"
        case 6 | 15:
            return who.email
    return who.username
