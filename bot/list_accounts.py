"""The accounts of a list: where they are, what tells them from others, and the request that each becomes."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import accumulate, chain

from ulid import ULID

from bot.account import Account
from bot.errors import SupersededError
from bot.ports import SureClock
from bot.request import Options, Request, State
from bot.store_ports import Lists
from bot.work import CLOCKS_AGREE_WITHIN, FARTHEST


def accounts_of(
    requests: Lists,
    request: Request,
    meanwhile: Callable[[], object] = lambda: None,
    *,
    sizes: Sequence[int] = (),
    settled: int = 0,
) -> Iterator[tuple[int, Account]]:
    """Give the accounts of a list, each with its place from 0 on. One page of the store is in memory.

    Only the portions that the list names are read; `meanwhile` is called before each. With `sizes`, portions with none
    but the first `settled` accounts are skipped; the next one may begin before `settled`.
    """
    ends = list(accumulate(sizes))
    skipped = bisect_right(ends, settled)
    rest = chain.from_iterable(_portions(requests, request, meanwhile, skipped))
    return enumerate(rest, ends[skipped - 1] if skipped else 0)


def _portions(
    requests: Lists, request: Request, meanwhile: Callable[[], object], skipped: int = 0
) -> Iterator[Sequence[Account]]:
    listed = request.contents
    for accounts in requests.portions(request.id, range(skipped, listed.portions)):
        meanwhile()
        yield accounts
    for number in listed.numbers[max(skipped, listed.portions) :]:
        meanwhile()
        yield from requests.portions(request.id, range(number, number + 1))


def digest_of(accounts: Iterable[Account], before: str = "") -> str:
    """Return what tells these accounts, in their order and after what `before` tells, from all others."""
    keys = "".join(f"{each.key}\n{each.sub}\n" for each in accounts)
    return sha256(f"{before}\n{keys}".encode("utf-8", "surrogatepass")).hexdigest()


def sizes_as_decided(requests: Lists, request: Request, meanwhile: Callable[[], object]) -> Sequence[int] | None:
    """Return how many accounts each portion has; None if they are not those that were confirmed or approved."""
    approval, digest, sizes = request.approval, "", list[int]()
    for accounts in _portions(requests, request, meanwhile):
        digest = digest_of(accounts, digest)
        sizes.append(len(accounts))
    return sizes if digest == request.contents.digest == (approval.digest if approval else digest) else None


def child_id(list_id: str, index: int) -> str:
    """Return the id of the request of the account at this place: always the same, and that of no other."""
    return str(ULID.from_bytes(ULID.from_str(list_id).bytes[:6] + sha256(f"{list_id}/{index}".encode()).digest()[:10]))


def child_of(request: Request, index: int, account: Account, now: datetime) -> Request:
    """Return the request of an account of a list, decided now."""
    ask, asked = request.ask, request.ask.options
    options = Options(
        target=account.username, pool=account.pool, exactly=True, reason=asked.reason, action=asked.action
    )
    return Request(
        ask=replace(ask, id=child_id(request.id, index), options=options),
        state=State.READY,
        candidates=(),
        chosen=account,
        allowed_by=request.allowed_by,
        approval=request.approval,
        looked_up_at=request.looked_up_at,
        created_at=now,
        expires_at=now,
        decided_at=now,
        list_id=request.id,
    )


def added(requests: Lists, child: Request) -> Request:
    """Store the request of an account, once, and return it."""
    try:
        requests.add(child, None, None)
    except SupersededError:  # by this very write, whose answer was lost
        return requests.get(child.id) or child
    return child


def is_held(child: Request, clock: SureClock) -> bool:
    """Whether the claim of an account's request may still be worked on."""
    until, beyond = child.claim and child.claim.until, clock.beyond(FARTHEST)
    return bool(until and until >= clock.now() - CLOCKS_AGREE_WITHIN and (beyond is None or until < beyond))
