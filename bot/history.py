"""`/signout history`: what was asked for an account, or by an operator, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot import errors
from bot.account import Account
from bot.audit import Entry, Kind, by_account, by_operator, by_target, pool_subject
from bot.authorize import Authorized
from bot.confirm import Confirmations
from bot.find import MAX_CANDIDATES, Found
from bot.request import Ask, Operator, Options
from bot.spellings import bare
from bot.store_ports import Trail

MOST = 20


@dataclass(frozen=True, slots=True)
class History:
    """`/signout history TARGET` or, without `options`, what the operator asked for themselves."""

    options: Options | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """The last outcomes, newest first, of what `ask` means in these `pools`; `more`: there are older ones.

    `accounts`: the first of the `matches` accounts that its target means now. `unsure`: why Cognito did not say that.
    """

    ask: Ask
    pools: Sequence[str]
    entries: Sequence[Entry]
    more: bool
    accounts: Sequence[Account] = ()
    matches: int = 0
    unsure: errors.BotError | None = None


def may_look(rules: Confirmations, ask: Ask) -> Authorized:
    """Return the proof that the operator may see the history of these pools, as for a sign-out. Raises as that does."""
    return replace(rules, trail=_ForHistory(rules.trail)).authorize(ask)


@dataclass(frozen=True, slots=True)
class _ForHistory:
    """A trail whose refusals say that nothing but the history was asked for."""

    trail: Trail

    def record(self, entry: Entry) -> None:
        self.trail.record(replace(entry, rule=f"history: {entry.rule}"))


def past(rules: Confirmations, authorized: Authorized, ask: Ask) -> Past:
    """Return the history. A target is looked up in Cognito; what was typed counts too, since it may mean no one now.

    Raises `UsageError`, and `StoreUnavailableError`.
    """
    found, unsure = Found(()), None
    places = list(_places(rules, authorized))
    if not ask.options.target:
        subjects = [by_operator(place, authorized.operator) for place in places]
    else:
        found, unsure = _found(rules, authorized, ask)
        typed = {ask.options.target, bare(ask.options.target), found.searched_as or ask.options.target}
        subjects = [by_target(place, each) for place in places for each in sorted(typed)]
        accounts = found.accounts[:MAX_CANDIDATES] or _meant_before(rules.requests.past(subjects, MOST))
        subjects += map(by_account, accounts)
    found_before = rules.requests.past(subjects, MOST + 1)[::-1]
    everywhere = len(authorized.rules) == len(rules.finder.pools)
    return Past(
        ask=replace(ask, operator=authorized.operator),
        pools=sorted(authorized.rules),
        entries=[each for each in found_before[:MOST] if everywhere or _may_see(authorized.operator, each)],
        more=len(found_before) > MOST,
        accounts=found.accounts[:MAX_CANDIDATES],
        matches=len(found.accounts),
        unsure=unsure,
    )


def _places(rules: Confirmations, authorized: Authorized) -> Iterable[str]:
    """Give where outcomes are that this operator may see: in their pools, or in none."""
    yield ""
    for name in authorized.rules:
        pool = rules.finder.pools[name]
        yield from (pool_subject(pool.pool_id, pool.region), name, pool.pool_id)


def _may_see(operator: Operator, entry: Entry) -> bool:
    """Whether someone who may not use all pools may see this. What is in no pool may have been meant for any.

    A refusal is seen by all: where no pool was named, who asked may do it in none.
    """
    options, asked_by = entry.ask.options, entry.ask.operator
    is_own = (asked_by.team_id, asked_by.id) == (operator.team_id, operator.id)
    return bool(entry.chosen or options.pool or options.pool_id or is_own or entry.kind is Kind.REFUSED)


def _found(rules: Confirmations, authorized: Authorized, ask: Ask) -> tuple[Found, errors.BotError | None]:
    try:
        return rules.finder.find(ask, sorted(authorized.rules)), None
    except errors.AccountNotFoundError:
        return Found(()), None
    except errors.PoolUnavailableError as error:
        return Found(()), error


def _meant_before(entries: Sequence[Entry]) -> Sequence[Account]:
    """Return the accounts that a target meant when it was typed, each once."""
    return list({by_account(each.chosen): each.chosen for each in entries if each.chosen}.values())
