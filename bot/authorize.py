"""May this operator sign people out, and of which pools? No one may unless a rule says so."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial, reduce
from operator import or_

from bot.errors import DeniedError
from bot.request import TERMINAL, Operator

# The user ids in a Slack user group, at most 60 s old, by the id of who asks and that of the group; None where Slack
# cannot list it.
Members = Callable[[str, str], frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Slack user ids and user group ids that a rule lets in; those of `ask` only to ask for what others approve.

    `terminal`: ARNs of those who may in a terminal.
    """

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    ask: "Allowed | None" = None
    terminal: frozenset[str] = frozenset()

    def __or__(self, other: "Allowed") -> "Allowed":
        """Return the users and groups of both, without `ask` and `terminal`."""
        return Allowed(self.users | other.users, self.groups | other.groups)


@dataclass(frozen=True, slots=True)
class Allowlist:
    """Who may, for all pools and for each configured pool. `table` is the settings' name for it."""

    everywhere: Allowed
    pools: Mapping[str, Allowed]
    table: str = "allow"

    def of(self, pool: str) -> Allowed:
        """Return the users and groups that may in a pool, without `ask` and `terminal`."""
        return self.everywhere | self.pools.get(pool, Allowed())

    def within(self, pools: Iterable[str]) -> "Allowlist":
        """Return who may, for these pools only."""
        return replace(self, pools={name: self.pools[name] for name in pools if name in self.pools})

    @property
    def all(self) -> Allowed:
        """All users and groups of these lists, those of `ask` too. Without `terminal`."""
        places = (self.everywhere, *self.pools.values())
        return reduce(or_, (each for place in places for each in (place, place.ask) if each))


NO_ONE = Allowlist(Allowed(), {})


@dataclass(frozen=True, slots=True)
class Home:
    """Whose people may be allowed: those of the bot's workspace, or of its organisation (Enterprise Grid).

    `id` is that of the organisation, or else of the workspace. Who comes from one of `teams` is ours. Only an
    organisation has `belongs`: whether it has someone of another team; None where Slack could not tell.
    """

    id: str
    teams: frozenset[str]
    belongs: Callable[[Operator], bool | None] | None = None

    def known(self, operator: Operator) -> Operator:
        """Return the operator as far as their team tells: one person, from any of our workspaces."""
        return replace(operator, team_id=self.id) if operator.team_id in self.teams else operator

    def person(self, operator: Operator) -> "Operator | Denied":
        """Return the operator, with `id` for their team, where they are ours."""
        if not operator.team_id:
            return NOT_TOLD
        is_ours: bool | None = operator.team_id in {self.id, *self.teams}
        if not is_ours and self.belongs:
            is_ours = self.belongs(operator)
        if is_ours is None:
            return NOT_TOLD
        return replace(operator, team_id=self.id) if is_ours else Denied("from another team")


@dataclass(frozen=True, slots=True)
class Authorized:
    """Proof that an operator was allowed: pool name to the rule that allowed it. Each comes from `authorize`.

    In the pools of `only_ask` they may ask for what someone else has to approve.
    """

    operator: Operator
    rules: Mapping[str, str]
    only_ask: frozenset[str] = frozenset()

    def and_by(self, further: "Authorized") -> "Authorized":
        """Return the proof for the pools in which both allow it, with the rules of both."""
        rules = {pool: f"{rule}; {further.rules[pool]}" for pool, rule in self.rules.items() if pool in further.rules}
        return replace(self, rules=rules)


@dataclass(frozen=True, slots=True)
class Denied:
    """Why not, in the words of the audit entry; `sentence`: Slack did not say who may, so perhaps this operator may."""

    rule: str
    sentence: str | None = None


NOT_TOLD = Denied("not allowed (Slack could not tell whether they belong here)", DeniedError.NOT_TOLD)


def authorize(operator: Operator, allowlist: Allowlist, members: Members, home: Home | None) -> Authorized | Denied:
    """Decide for all pools at once.

    A group that Slack cannot list allows no one. Slack is asked for groups only where no user id decides. A person who
    is not of `home` is never allowed; Slack is asked about that last, so that it is asked about few. While it has not
    said what `home` is, no one is allowed. In a terminal the operator's id is an ARN, and Slack has no say.
    """
    if operator.team_id == TERMINAL:
        rules = {pool: by for pool in allowlist.pools if (by := _rule_in_terminal(operator.id, allowlist, pool))}
        return Authorized(operator, rules) if rules else Denied("not allowed")
    if not home:
        return Denied("not allowed (Slack has not said yet which workspace this is)", DeniedError.UNSURE)
    if not home.belongs and isinstance(denied := home.person(operator), Denied):  # this asks no one
        return denied
    in_group = cache(partial(members, operator.id))  # one question for each group, even if many pools name it
    if allowed := {pool: rule for pool in allowlist.pools if (rule := _rule(operator.id, allowlist, pool, in_group))}:
        ours = home.person(operator)
        only_ask = frozenset(pool for pool, (_, is_only_ask) in allowed.items() if is_only_ask)
        rules = {pool: rule for pool, (rule, _) in allowed.items()}
        return ours if isinstance(ours, Denied) else Authorized(ours, rules, only_ask)
    unreadable = sorted(group for group in allowlist.all.groups if in_group(group) is None)
    if unreadable:
        return Denied(f"not allowed (Slack could not list {', '.join(unreadable)})", DeniedError.UNSURE)
    return Denied("not allowed")


def _rule_in_terminal(arn: str, allowlist: Allowlist, pool: str) -> str | None:
    if arn in allowlist.everywhere.terminal:
        return f"{allowlist.table}.terminal"
    return f"pools.{pool}.{allowlist.table}.terminal" if arn in allowlist.pools[pool].terminal else None


def _rule(
    operator_id: str, allowlist: Allowlist, pool: str, members: Callable[[str], frozenset[str] | None]
) -> tuple[str, bool] | None:
    """Return the rule that lets someone in, and whether only to ask. One that lets them do it comes first."""
    lists = ((allowlist.table, allowlist.everywhere), (f"pools.{pool}.{allowlist.table}", allowlist.pools[pool]))
    asks = [(f"{name}.ask", allowed.ask) for name, allowed in lists if allowed.ask]
    for places, only_ask in ((lists, False), (asks, True)):
        for name, allowed in places:
            if operator_id in allowed.users:
                return f"{name}.users", only_ask
        for name, allowed in places:
            for group in sorted(allowed.groups):
                if operator_id in (members(group) or ()):
                    return f"{name}.groups: {group}", only_ask
    return None
