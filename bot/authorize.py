"""May this operator sign people out, and of which pools? No one may unless a rule says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from bot.errors import DeniedError
from bot.request import TERMINAL, Operator

# The user ids in a Slack user group, at most 60 s old; None where Slack cannot list it.
Members = Callable[[str], frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Slack user ids and user group ids that a rule lets in."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Allowlist:
    """Who may, for all pools and for each configured pool; `terminal`: ARNs of those who may in a terminal."""

    everywhere: Allowed
    pools: Mapping[str, Allowed]
    terminal: frozenset[str] = frozenset()

    @property
    def users(self) -> frozenset[str]:
        """Every user id that is listed itself."""
        return self.everywhere.users.union(*(each.users for each in self.pools.values()))


@dataclass(frozen=True, slots=True)
class Home:
    """Whose people may be allowed: those of the bot's workspace, or of its organisation (Enterprise Grid).

    `id` is that of the organisation, or else of the workspace. Who comes from one of `teams` is ours. Only in an
    organisation there is `asks`: whether someone of another team belongs to it; None where Slack could not tell.
    """

    id: str
    teams: frozenset[str]
    asks: Callable[[Operator], bool | None] | None = None

    def known(self, operator: Operator) -> Operator:
        """Return the operator as far as their team tells: one person, from any of our workspaces."""
        return replace(operator, team_id=self.id) if operator.team_id in self.teams else operator

    def person(self, operator: Operator) -> "Operator | Denied":
        """Return the operator, with `id` for their team, where they are ours."""
        if not operator.team_id:
            return NOT_TOLD
        is_ours: bool | None = operator.team_id in {self.id, *self.teams}
        if not is_ours and self.asks:
            is_ours = self.asks(operator)
        if is_ours is None:
            return NOT_TOLD
        return replace(operator, team_id=self.id) if is_ours else Denied("from another team")


@dataclass(frozen=True, slots=True)
class Authorized:
    """Proof that an operator was allowed: pool name to the rule that allowed it. Only `authorize` makes one."""

    operator: Operator
    rules: Mapping[str, str]


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
        rules = dict.fromkeys(allowlist.pools if operator.id in allowlist.terminal else (), "allow.terminal")
        return Authorized(operator, rules) if rules else Denied("not allowed")
    if not home:
        return Denied("not allowed (Slack has not said yet which workspace this is)", DeniedError.UNSURE)
    if home.asks is None and isinstance(stranger := home.person(operator), Denied):
        return stranger
    members = cache(members)  # one question for each group, even if many pools name it
    if allowed := {pool: rule for pool in allowlist.pools if (rule := _rule(operator.id, allowlist, pool, members))}:
        ours = home.person(operator)
        return ours if isinstance(ours, Denied) else Authorized(ours, allowed)
    groups = allowlist.everywhere.groups.union(*(each.groups for each in allowlist.pools.values()))
    unreadable = sorted(group for group in groups if members(group) is None)
    if unreadable:
        return Denied(f"not allowed (Slack could not list {', '.join(unreadable)})", DeniedError.UNSURE)
    return Denied("not allowed")


def _rule(operator_id: str, allowlist: Allowlist, pool: str, members: Members) -> str | None:
    places = (("", allowlist.everywhere), (f"pools.{pool}.", allowlist.pools[pool]))
    for where, allowed in places:
        if operator_id in allowed.users:
            return f"{where}allow.users"
    for where, allowed in places:
        for group in sorted(allowed.groups):
            if operator_id in (members(group) or ()):
                return f"{where}allow.groups: {group}"
    return None
