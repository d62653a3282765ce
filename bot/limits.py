"""Which accounts are protected, and on how many accounts may be decided within an hour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter

from bot.account import Account
from bot.request import Operator, Request

HOUR = timedelta(hours=1)
EVERYONE = "all"
LIMITS = ("limits.per_operator", "limits.all", "limits.per_operator and limits.all")  # what `Count.rule` may be


@dataclass(frozen=True, kw_only=True, slots=True)
class Protection:
    """Accounts of a pool that no one signs out or, where `may_approve`, only with the approval of a second person."""

    groups: frozenset[str] = frozenset()  # of Cognito
    usernames: frozenset[str] = frozenset()
    subs: frozenset[str] = frozenset()
    may_approve: bool = False

    def rule(self, account: Account, groups_of: Callable[[str], frozenset[str]]) -> str | None:
        """Return the rule that protects an account, or None. Cognito is asked only where groups are configured.

        Capital letters make no difference, since to most pools they make none. Raises as `groups_of` does.
        """
        if account.username.casefold() in map(str.casefold, self.usernames):
            return "protect.usernames"
        if self.subs and (account.sub is None or account.sub.casefold() in map(str.casefold, self.subs)):
            return "protect.subs" if account.sub else "protect.subs: its sub is not known"
        found = sorted(self.groups & groups_of(account.username)) if self.groups else ()
        return f"protect.groups: {', '.join(found)}" if found else None

    def members(self, members_of: Callable[[str], frozenset[str]]) -> Mapping[str, frozenset[str]]:
        """Return the user names in each of its groups. Raises as `members_of` does."""
        return {group: members_of(group) for group in sorted(self.groups)}


Counted = tuple[str, int]  # what is decided on: the key of an account, or of a list, and how many accounts that is


def counted(request: Request) -> Counted:
    """Return what a decision on this request counts as."""
    return (f"list/{request.id}", request.listed.size) if request.listed else (request.account.key, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The accounts that were decided on within the last hour, by one operator or by all, as `key` says.

    `version` counts its writes, from 0 for one that was never stored. `told_at`: when the audit channel was last told
    that the limit was reached.
    """

    key: str
    version: int = 0
    accounts: Mapping[str, datetime] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)  # of what counts as more than one account: a list
    told_at: datetime | None = None

    @property
    def taken(self) -> int:
        """How many accounts these are."""
        return sum(self.sizes.get(key, 1) for key in self.accounts)

    def at(self, now: datetime) -> "Window":
        """Return it without what is more than an hour old, or that a wrong clock wrote."""
        accounts = {key: at for key, at in self.accounts.items() if abs(now - at) < HOUR}
        told_at = self.told_at if self.told_at and abs(now - self.told_at) < HOUR else None
        sizes = {key: size for key, size in self.sizes.items() if key in accounts}
        return replace(self, accounts=accounts, sizes=sizes, told_at=told_at)

    def with_one(self, counted: Counted, now: datetime) -> "Window":
        """Return it with an account, or a list, that is decided on now."""
        key, size = counted
        sizes = {**self.sizes, key: size} if size > 1 else self.sizes
        return replace(self, accounts={**self.accounts, key: now}, sizes=sizes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """The windows to store with a decision; `rule` is the limit that it would exceed, until `free_at`."""

    windows: Sequence[Window] = ()
    rule: str | None = None
    free_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many distinct accounts an hour, for each operator and for all together; None: any number.

    `windows` reads what the store has, by their keys.
    """

    windows: Callable[[Sequence[str]], Sequence[Window]] = lambda _: ()
    per_operator: int | None = None
    everyone: int | None = None

    def count(self, operator: Operator, counted: Counted, now: datetime) -> Count:
        """Return the windows with this account, or list, in them. Without limits nothing is read or written."""
        windows = self._windows(operator, now)
        full = [(window, most) for window, most in windows if _is_full(window, most, counted)]
        free_at = max((at for window, most in full if (at := _free_at(window, most, counted[1]))), default=None)
        written = [window.with_one(counted, now) for window, _ in windows]
        return Count(windows=written, rule=rule_of([window for window, _ in full]) or None, free_at=free_at)

    def reached(self, operator: Operator, counted: Counted, now: datetime) -> Sequence[Window]:
        """Return the full windows that the audit channel was not told of within the hour, marked as told now."""
        windows = self._windows(operator, now)
        full = [window for window, most in windows if _is_full(window, most, counted)]
        return [replace(each, told_at=now) for each in full if each.told_at is None]

    def left(self, operator: Operator, now: datetime) -> Mapping[str, int]:
        """Return how many accounts more are possible now, by the name of each limit."""
        return {_name(window.key): max(0, most - window.taken) for window, most in self._windows(operator, now)}

    def _windows(self, operator: Operator, now: datetime) -> Sequence[tuple[Window, int]]:
        """Return the window of this operator and that of all, where they have a limit, each with it."""
        limits = {f"{operator.team_id}/{operator.id}": self.per_operator, EVERYONE: self.everyone}
        most = {key: limit for key, limit in limits.items() if limit is not None}
        return [(window.at(now), most[window.key]) for window in (self.windows(list(most)) if most else ())]


def _is_full(window: Window, most: int, counted: Counted) -> bool:
    key, size = counted
    return key not in window.accounts and window.taken + size > most


def rule_of(windows: Sequence[Window]) -> str:
    """Return the names of the limits of these windows, as an entry's `rule` has them."""
    return " and ".join(_name(window.key) for window in windows)


def _name(key: str) -> str:
    return "limits.all" if key == EVERYONE else "limits.per_operator"


def _free_at(window: Window, most: int, size: int) -> datetime | None:
    """Return when enough has left for so many accounts more; None where that will never be."""
    taken = window.taken
    for key, at in sorted(window.accounts.items(), key=itemgetter(1)):
        taken -= window.sizes.get(key, 1)
        if taken + size <= most:
            return at + HOUR
    return None
