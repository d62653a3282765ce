"""Which accounts does a target mean? Exact matches only, in all pools that the operator may use.

First as it was typed. Only if no pool has an account with it, other spellings are searched for, and the card says so.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from bot.account import Account
from bot.errors import AccountNotFoundError, UsageError
from bot.listed import Listed
from bot.options import MAX_TARGET, Attribute, looks_like_phone
from bot.ports import UserPool
from bot.request import Ask
from bot.spellings import bare, other_spellings, unusual

MAX_CANDIDATES = 10
MAX_MORE_LOOKS = 6  # in each pool, for other spellings
EXAMPLE = ", such as +49 30 123456"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What people call each attribute, and where an `Account` has it.
_ATTRIBUTES: Mapping[Attribute, tuple[str, Callable[[Account], str | None]]] = {
    Attribute.USERNAME: ("user name", attrgetter("username")),
    Attribute.PREFERRED_USERNAME: ("preferred_username", attrgetter("preferred_username")),
    Attribute.EMAIL: ("email", attrgetter("email")),
    Attribute.PHONE: ("phone number", attrgetter("phone")),
    Attribute.SUB: ("sub", attrgetter("sub")),
}
# What a ListUsers filter can hold, if no character of it is hidden: a quote or backslash ends or bends it.
_can_be_searched = re.compile(rf'[^"\\\s]{{0,{MAX_TARGET}}}').fullmatch

# ASCII only: beyond it, lower-casing makes letters equal that are not.
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

Look = tuple[Attribute, str]  # a search for an attribute with this value
# Accounts, each with the spelling of the target by which it was found, and whether by more than a preferred_username,
# which people often choose themselves.
Matches = Sequence[tuple[str, bool, Account]]


@dataclass(frozen=True, slots=True)
class Found:
    """The accounts that a target means; `searched_as` is how it was read, where no one was found as it was typed."""

    accounts: Sequence[Account]
    searched_as: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Looks in several pools at the same time."""

    pools: Mapping[str, UserPool]
    e164: Callable[[str, str], str | None]  # of a text that is a phone number in the country of the pool of this name
    together: Callable[[Sequence[Callable[[], Any]]], Sequence[Any]]  # does all, or raises the first error

    def find(self, ask: Ask, pools: Sequence[str]) -> Found:
        """Return every account that the target names: by user name, preferred_username, email, phone number or sub.

        Raises `AccountNotFoundError`, and `PoolUnavailableError` where a pool that might have it could not be asked.
        """
        target = ask.options.target
        found = self._first(self._as_typed, [target], ask, pools)
        found = found or self._first(self._otherwise, other_spellings(target), ask, pools)
        if found:
            return found
        made = {look[0] for name in pools for look in self.wanted(target, name)}
        raise AccountNotFoundError(_in_vain(ask, pools, made))

    def wanted(self, target: str, pool: str) -> Collection[Look]:
        """Return every search that `find` may make for a target in a pool, but for the alias that Cognito resolves."""
        return {*self._looks(target, pool), *self._more_looks(target, pool)}

    def _first(
        self, search: Callable[[str, Ask], Matches], spellings: Sequence[str], ask: Ask, pools: Sequence[str]
    ) -> Found | None:
        """Return whom the first of the spellings means that means anyone; None where none of them does."""
        target = ask.options.target
        matches = list(chain(*self.together([partial(search, name, ask) for name in pools])))
        for spelling in spellings:
            such = [(better, account) for read, better, account in matches if read == spelling]
            found = _told_apart(account for better, account in such if better)
            found = found or _told_apart(account for _, account in such)
            if looks_like_phone(spelling):
                _check_phone(spelling, {name: self._looks(spelling, name) for name in pools}, found)
            if found:  # first whose user name or sub it is, since a card shows only some
                found.sort(key=lambda account: account.username != spelling and account.sub != spelling.lower())
                return Found(found, spelling if spelling != target else _other_case(target, found))
        return None

    def _looks(self, text: str, pool: str) -> Sequence[Look]:
        """Return the searches for a text, each as Cognito spells it there."""
        looks = [(Attribute.USERNAME, text)]
        if "@" in text:
            looks += [(Attribute.EMAIL, spelling) for spelling in sorted({text, text.translate(_LOWER)})]
        if _UUID.fullmatch(text):
            looks.append((Attribute.SUB, text.lower()))
        if looks_like_phone(text) and (number := self.e164(text, pool)):
            looks.append((Attribute.PHONE, number))
        looks.append((Attribute.PREFERRED_USERNAME, text))
        return [(attribute, value) for attribute, value in looks if value.isprintable() and _can_be_searched(value)]

    def _more_looks(self, target: str, pool: str) -> Mapping[Look, str]:
        """Return the searches for other spellings, each with its spelling; those without any sign come first."""
        made, more = self._looks(target, pool), dict[Look, str]()
        for spelling in (bare(target), *other_spellings(target)):
            for look in sorted(self._looks(spelling, pool), key=lambda look: look[0] is not Attribute.EMAIL):
                if look not in made and len(more) < MAX_MORE_LOOKS:
                    more.setdefault(look, spelling)
        return more

    def _as_typed(self, name: str, ask: Ask) -> Matches:
        pool, target = self.pools[name].on_behalf(ask.id, ask.operator.id), ask.options.target
        looks = self._looks(target, name)
        first = [look for look in looks if look[0] is not Attribute.PREFERRED_USERNAME]  # many people may set their own
        better = _told_apart(account for look in first for account in _listed(pool, look))
        found = better or _told_apart(account for look in looks[len(first) :] for account in _listed(pool, look))
        named = [account for account in found if account.username == target or account.sub == target.lower()]
        if not found and " " not in target:
            # ListUsers lags behind, and cannot hold every name. This counts for the bill, so it is asked once.
            account = pool.get_user(target)
            better = found = [account] if account and _holds(account, {target, *(value for _, value in looks)}) else []
        return [(target, bool(better), account) for account in (ask.options.exactly and named) or found]

    def _otherwise(self, name: str, ask: Ask) -> Matches:
        pool, looks = self.pools[name].on_behalf(ask.id, ask.operator.id), self._more_looks(ask.options.target, name)
        return [
            (spelling, look[0] is not Attribute.PREFERRED_USERNAME, account)
            for look, spelling in looks.items()
            for account in _listed(pool, look)
        ]


def looks_of(account: Account) -> Sequence[Look]:
    """Return the searches that find an account."""
    return [(attribute, value) for attribute, (_, field) in _ATTRIBUTES.items() if (value := field(account))]


def pool_of(account: Account | Listed, pools: Mapping[str, UserPool]) -> UserPool | None:
    """Return the pool that an account, or a list, is in; None where that name now means another pool, or none."""
    pool = pools.get(account.pool)
    return pool if pool and (pool.pool_id, pool.region) == (account.pool_id, account.region) else None


def _listed(pool: UserPool, look: Look) -> Sequence[Account]:
    """Return who is found, compared again: Cognito interprets the filter, which must never lead to someone else."""
    (attribute, value), (_, field) = look, _ATTRIBUTES[look[0]]
    case = _LOWER if attribute is Attribute.EMAIL else {}
    accounts = pool.list_users(attribute, value)
    return [account for account in accounts if (field(account) or "").translate(case) == value.translate(case)]


def _told_apart(accounts: Iterable[Account]) -> list[Account]:
    """Return each account once: by its sub, since answers may spell its name differently."""
    return list({(account.pool, account.sub or account.username): account for account in accounts}.values())


def _holds(account: Account, values: Collection[str]) -> bool:
    """Whether an account has one of these values in any attribute, in any case: Cognito resolves aliases too."""
    held = ((field(account) or "").translate(_LOWER) for _, field in _ATTRIBUTES.values())
    return not {each.translate(_LOWER) for each in values}.isdisjoint(held)


def _other_case(target: str, found: Sequence[Account]) -> str | None:
    """Return the spelling of an email by which it was found, where no account has it as it was typed."""
    lower = target.translate(_LOWER)
    if "@" not in target or any(target in {each.email, each.username, each.preferred_username} for each in found):
        return None
    return lower if lower != target else None


def _check_phone(text: str, looks: Mapping[str, Sequence[Look]], found: Sequence[Account]) -> None:
    """Raise `UsageError` where this phone number can be searched for in some pools only.

    What is found there would seem to be all there is.
    """
    without = [name for name, made in looks.items() if Attribute.PHONE not in dict(made)]
    by_name = any(account.username == text for account in found)
    if len(without) < len(looks) and without and not by_name:
        raise UsageError(f"For {' and '.join(without)}, write the phone number with its country code{EXAMPLE}.")


def _in_vain(ask: Ask, pools: Sequence[str], made: Collection[Attribute]) -> str:
    """Say what was searched, and what else may be tried. It tells of no pool but those that were searched."""
    target = ask.options.target
    *but_one, last = [name for attribute, (name, _) in _ATTRIBUTES.items() if attribute in made] or ["user name"]
    how = f"{', '.join(but_one)} or {last}" if but_one else last
    searched = f"No one was found in {' and '.join(pools)}, looking for a {how}."
    hints = [searched] if made or " " not in target else ["No search was made."]
    if bare(target) != target:
        hints.append("Without the signs around it, no one was found either.")
    hints.append(_hint(bare(target), is_phone=Attribute.PHONE in made))
    if odd := unusual(target):
        hints.append(f"Look at {', '.join(odd)}: is another letter meant?")
    if ask.options.pool:
        hints.append("Leave out --pool (in the form: choose all pools) to look in every pool that you may use.")
    elif ask.options.pool_id:
        hints.append("It looked only in the user pool of --user-pool-id.")
    return " ".join(hints)


def _hint(text: str, *, is_phone: bool) -> str:
    """Say what else to try instead of such a text."""
    if _UUID.fullmatch(text):
        return "Check that the sub is complete. Or try the email, phone number or user name."
    if "@" in text:
        return "Check the spelling. The account may have another email: try its user name, phone number or sub."
    if not looks_like_phone(text):
        return "Check the spelling: in many pools, capital letters count. Or try the email, phone number or sub."
    if is_phone:
        return "Check the number. The account may have another one: try its email, user name or sub."
    if text.startswith("+"):
        return "This is not a valid phone number. Check it, or try the email, user name or sub."
    missing = f"write it with its country code{EXAMPLE}"
    return f"This is not a complete phone number: {missing}. Or try the email, user name or sub."
