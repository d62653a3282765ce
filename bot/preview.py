"""A list before anything happens: which accounts its lines mean, and which lines are left out of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice
from typing import Any

from bot.account import Account
from bot.errors import AccountNotFoundError, BotError, UsageError
from bot.find import Finder, Found, Look, looks_of
from bot.limits import HOUR, Protection
from bot.list_accounts import digest_of
from bot.listed import Listed, Several
from bot.options import Attribute, check_target
from bot.ports import Clock, UserPool
from bot.request import Request, State
from bot.store_ports import Lists

LINES_AT_ONCE = 10_000  # so many are in memory
LOOKED_UP_AT_ONCE = 8  # lines: no more than calls a second, or so many could take longer than `UNNOTED_FOR`
ACCOUNTS_IN_A_PORTION = 100
MOST_TEXT = 60_000  # characters of accounts in one item of a store
READ_ONCE_FROM = 10  # lines: fewer are looked up one by one
NOTED_EVERY = timedelta(seconds=3)
UNNOTED_FOR = timedelta(minutes=2)  # after that, who looked the lines up is dead
MOST_CHOICES, MOST_CANDIDATES = 5, 10
Looking = Callable[[Request], object]


@dataclass(kw_only=True)
class Preview:
    """Looks the lines of one list up, and stores the accounts that they mean, portion by portion. For one thread.

    `pool` waits for its turn with each call and knows who is in its protected groups; `finder` looks only there.
    `looking` is called every few seconds with the request, to show how far it is. Each `take_…` raises
    `PoolUnavailableError`, `StoreUnavailableError`, and `SupersededError` where the operator cancelled it meanwhile.
    """

    request: Request
    pool: UserPool
    finder: Finder
    protection: Protection | None
    requests: Lists
    clock: Clock
    looking: Looking
    _listed: Listed = field(init=False)
    _candidates: list[Account] = field(default_factory=list, init=False)
    _portion: list[Account] = field(default_factory=list, init=False)
    _text: int = field(default=0, init=False)
    _seen: set[int] = field(default_factory=set, init=False)  # a hash each, of the accounts in the list
    _noted_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._listed, self._noted_at = self.request.contents, self.clock.now()

    def take_lines(self, lines: Iterable[str]) -> None:
        """Look up what each line means."""
        rest = iter(lines)
        while some := [*islice(rest, LINES_AT_ONCE)]:
            targets = [target for line in some if (target := self._target(line))]
            directory = self._read_once(targets) if len(targets) >= READ_ONCE_FROM else None
            pools: Mapping[str, Any] = {self._listed.pool: directory or self.pool}
            find = partial(self._found, replace(self.finder, pools=pools))
            at_once = max(1, min(LOOKED_UP_AT_ONCE, int(self._listed.pace)))
            for start in range(0, len(targets), at_once):
                now = targets[start : start + at_once]
                for target, found in zip(now, self.finder.together([partial(find, each) for each in now]), strict=True):
                    self._take(target, found)
                self._note()

    def take_everyone(self) -> None:
        """Take the whole pool."""
        for account in chain.from_iterable(_pages(self.pool)):
            self._listed = replace(self._listed, lines=self._listed.lines + 1)
            self._add(account.username, account)
            self._note()

    def end(self) -> tuple[Listed, Sequence[Account]]:
        """Store what is left; return what the list holds then, and the accounts of which some may be chosen."""
        if self._portion:
            self._store_portion()
        return self._listed, self._candidates

    def _target(self, line: str) -> str | None:
        self._listed = replace(self._listed, lines=self._listed.lines + 1)
        try:
            return check_target(line)
        except UsageError:
            self._listed = replace(self._listed, unreadable=self._listed.unreadable.with_line(line))
            return None

    def _read_once(self, targets: Sequence[str]) -> "_Directory | None":
        """Read the whole pool, if that takes no more calls than one for each target; None where it has more pages."""
        wanted = {key for each in targets for key in map(_normal, self.finder.wanted(each, self._listed.pool))}
        found: defaultdict[Look, list[Account]] = defaultdict(list)
        for number, page in enumerate(_pages(self.pool)):
            if number == len(targets):
                return None
            for account in page:
                for look in {_normal(look) for look in looks_of(account)} & wanted:
                    found[look].append(account)
            self._note()
        return _Directory(self.pool, found)

    def _found(self, finder: Finder, target: str) -> Found | BotError:
        ask = self.request.ask
        try:
            return finder.find(replace(ask, options=replace(ask.options, target=target)), [self._listed.pool])
        except (AccountNotFoundError, UsageError) as error:
            return error

    def _take(self, target: str, found: Found | BotError) -> None:
        listed = self._listed
        match found:
            case UsageError():
                self._listed = replace(listed, unreadable=listed.unreadable.with_line(target))
            case BotError():
                self._listed = replace(listed, not_found=listed.not_found.with_line(target))
            case Found(accounts=[account]):
                self._add(target, account)
            case Found(accounts=accounts):
                self._listed = replace(listed, several=listed.several.with_line(target))
                offered = [each for each in accounts if not self._is_protected(each)][:MOST_CANDIDATES]
                both = [*self._candidates, *offered]
                if offered and len(listed.choices) < MOST_CHOICES and sum(map(_length, both)) <= MOST_TEXT:
                    choice = Several(line=target, begin=len(self._candidates), count=len(offered))
                    self._candidates = both
                    self._listed = replace(self._listed, choices=(*listed.choices, choice))

    def _add(self, line: str, account: Account) -> None:
        listed, mark = self._listed, hash(account.key)
        if mark in self._seen:
            self._listed = replace(listed, twice=listed.twice + 1)
        elif self._is_protected(account):
            self._listed = replace(listed, protected=listed.protected.with_line(line))
        else:
            self._seen.add(mark)
            signed_out_at = self.requests.signed_out_at(account)
            is_recent = bool(signed_out_at and abs(self.clock.now() - signed_out_at) < HOUR)
            self._listed = replace(listed, size=listed.size + 1, recent=listed.recent + is_recent)
            self._portion.append(trimmed(account))
            self._text += _length(account)
            if len(self._portion) == ACCOUNTS_IN_A_PORTION or self._text > MOST_TEXT:
                self._store_portion()

    def _is_protected(self, account: Account) -> bool:
        return bool(self.protection and self.protection.rule(account, self.pool.groups_of))

    def _store_portion(self) -> None:
        listed = self._listed
        self.requests.put_portion(self.request.id, listed.portions, self._portion)
        digest = digest_of(self._portion, listed.digest)
        self._listed = replace(listed, portions=listed.portions + 1, digest=digest)
        self._portion, self._text = [], 0

    def _note(self) -> None:
        """Every few seconds, note that the lines are still looked up, and tell how far this is."""
        now = self.clock.now()
        if abs(now - self._noted_at) >= NOTED_EVERY:
            after = self.request.move(State.PREVIEWING, listed=self._listed, expires_at=now + UNNOTED_FOR)
            self.requests.move(self.request, after, None, None)
            self.request, self._noted_at = after, now
            self.looking(after)


def trimmed(account: Account) -> Account:
    """Return an account with no more than the trail shows of it."""
    return replace(
        account, status=None, enabled=None, created_at=None, modified_at=None, preferred_username=None, protected=None
    )


def _length(account: Account) -> int:
    names = (account.username, account.preferred_username, account.email, account.phone, account.provider)
    return sum(len(name or "") for name in names) + 200


@dataclass(frozen=True, slots=True)
class _Directory:
    """A pool that was read once: what was found under each look that is wanted. Its accounts are a moment old.

    Only Cognito knows which aliases there are, so the pool itself is asked whom nothing else was found for.
    """

    pool: UserPool
    found: Mapping[Look, Sequence[Account]]

    def on_behalf(self, request_id: str, operator_id: str) -> "_Directory":  # noqa: ARG002 -- no one is asked
        return self

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        return self.found.get(_normal((attribute, value)), ())

    def get_user(self, username: str) -> Account | None:
        return self.pool.get_user(username)


def _normal(look: Look) -> Look:
    attribute, value = look
    return (attribute, value.lower()) if attribute is Attribute.EMAIL else look


def _pages(pool: UserPool) -> Iterator[Sequence[Account]]:
    """Give all accounts of a pool, page by page."""
    page, token = pool.everyone()
    yield page
    while token:
        page, token = pool.everyone(token)
        yield page
