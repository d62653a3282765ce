"""What an operator may ask for, and of which pools; what to say where they may not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot import errors
from bot.account import Account
from bot.action import ACTIONS, END_SESSION, OTHERS, SIGN_OUT
from bot.approve import ApprovalSettings
from bot.authorize import NO_ONE, Allowlist, Authorized, Denied, authorize
from bot.decide import Decisions
from bot.find import Finder, pool_of
from bot.listed import Listed
from bot.request import Ask, Options

MAY_NOT = "You may not {} with this bot. If you should be able to, ask the bot's engineer."


@dataclass(frozen=True, kw_only=True)
class Permissions(Decisions):
    """The rules for commands. `allowlist` says who may sign out, `actions` which of them may do each other action."""

    allowlist: Allowlist
    finder: Finder
    actions: Mapping[str, Allowlist] = field(default_factory=dict)
    approving: Mapping[str, ApprovalSettings] = field(default_factory=dict)  # by pool

    def authorize(self, ask: Ask, subject: Account | Listed | None = None) -> Authorized:
        """Return the proof that the operator may act on `subject` or, without one, in some pools.

        Of those that were named, or of all, they are the ones they may use. Raises `DeniedError`, `PoolChangedError`,
        and `UsageError` for a pool that is not configured. Asks Slack at most, never AWS.
        """
        if subject and not pool_of(subject, self.finder.pools):
            raise errors.PoolChangedError
        named = [subject.pool] if subject else self._named(ask.options)
        decision = self._may(ask, named)
        if isinstance(decision, Authorized):
            return decision
        if subject:
            account = subject if isinstance(subject, Account) else None
            raise self.refused(ask, decision, account, _not_in(subject.pool, ask.options.action))
        anywhere = decision if len(named) == len(self.finder.pools) else self._may(ask, self.finder.pools)
        if isinstance(anywhere, Denied):
            signs_out = self._may(for_action(ask, SIGN_OUT), self.finder.pools)
            sentence = MAY_NOT.format(ACTIONS[ask.options.action].may) if isinstance(signs_out, Authorized) else None
            raise self.refused(ask, anywhere, sentence=sentence)
        raise self._not_there(replace(ask, operator=anywhere.operator), decision, named, sorted(anywhere.rules))

    def _named(self, options: Options) -> Sequence[str]:
        return [
            name
            for name, pool in self.finder.pools.items()
            if options.pool in {None, name}
            and options.pool_id in {None, pool.pool_id}
            and options.region in {None, pool.region}
        ]

    def _may(self, ask: Ask, pools: Iterable[str]) -> Authorized | Denied:
        action, home = ask.options.action, self.home()
        decision = authorize(ask.operator, self.allowlist.within(pools), self.members, home)
        if action not in OTHERS or isinstance(decision, Denied):
            return decision
        performers = self.actions.get(action, NO_ONE).within(decision.rules)
        further = authorize(ask.operator, performers, self.members, home)
        if isinstance(further, Authorized):
            return decision.and_by(further)
        return replace(further, rule=f"actions.{action}: {further.rule}")

    def _not_there(self, ask: Ask, denied: Denied, named: Sequence[str], mine: Sequence[str]) -> errors.BotError:
        """Return why they may not use the pools that were named, or that there are none. It tells only of `mine`."""
        pools = f"pool {' or '.join(named)}"
        if named:
            denied = denied if denied.sentence else Denied(f"not allowed in {pools}")
            where = pools if ask.options.pool or ask.options.pool_id else "that region"
            sentence = f"You may not do this in {where}. You may use: {', '.join(mine)}."
            return self.refused(ask, denied, sentence=sentence)
        where = ""
        if self._named(replace(ask.options, region=None)):
            where, mine = " in that region", [f"{name} ({self.finder.pools[name].region})" for name in mine]
        return errors.UsageError(f"This bot knows no such pool{where}. You may use: {', '.join(mine)}.")

    def always_needs(self, action: str, pool: str, authorized: Authorized) -> tuple[str, ...]:
        """Return the rules by which a second person must always approve an action that this operator asks for."""
        approving = self.approving.get(pool)
        # Else ending sessions one by one would need no approval.
        covering = {action, SIGN_OUT} if action == END_SESSION else {action}
        by_action = approving and covering & approving.actions
        only_asks = [authorized.rules[pool]] if pool in authorized.only_ask else []
        return (*(["approve.when"] if by_action else ()), *only_asks)

    def actions_in(self, ask: Ask, pools: Sequence[str]) -> Sequence[str]:
        """Return the actions that the operator may ask for in one of these pools at least."""
        more = {action for pool in pools for action in self.more_needs(ask, pool)}
        return [action for action in ACTIONS if action == SIGN_OUT or action in more]

    def more_needs(self, ask: Ask, pool: str) -> Mapping[str, tuple[str, ...]]:
        """Return what the operator may do in a pool beside signing out, each with the rules of `always_needs`."""
        found = {each: self._may(for_action(ask, each), [pool]) for each in self.actions}
        return {each: self.always_needs(each, pool, may) for each, may in found.items() if isinstance(may, Authorized)}


def for_action(ask: Ask, action: str) -> Ask:
    """Return what was asked, for another action."""
    return ask if ask.options.action == action else replace(ask, options=replace(ask.options, action=action))


def _not_in(pool: str, action: str) -> str:
    """Return the no to a press. Who could sign out until now had a card; the button of another action may be forged."""
    if action == SIGN_OUT:
        return f"You may no longer do this in pool {pool}."
    return f"You may not {ACTIONS[action].may} (pool {pool})."
