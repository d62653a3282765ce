"""Says what the lists come to: how many may sign out, approve and do more, and who is named for nothing."""

from collections.abc import Iterator, Mapping

from bot.action import ACTIONS
from bot.authorize import Allowed, Allowlist
from bot.facts.finding import Finding
from bot.slack.groups import CALLS_A_MINUTE, MOST_GROUPS

Members = frozenset[str] | None
Lists = tuple[Allowlist, Allowlist, *tuple[Allowlist, ...]]  # who may sign out, who may approve, who may do more
_NO_ONE_FIX = "Put people into the groups, or set SIGNOUT_ALLOW_USERS."
_BOTH_FIX = "Someone has to be on both lists: this one and the allowlist (allow). Change one of the two."


def people(lists: Lists, members: Mapping[str, Members]) -> Iterator[Finding]:
    """Say who may; `members` has each group of these lists, with None where Slack could not list it."""
    yield from _anyone(lists[0], members)
    yield from _approvers(lists[1], members)
    for listed in lists[2:]:
        yield from _performers(lists[0], listed, members)


def _anyone(allowlist: Allowlist, members: Mapping[str, Members]) -> Iterator[Finding]:
    """Say whether anyone may sign people out, and whether Slack can be asked about so many groups."""
    if len(members) > MOST_GROUPS:
        sentence = (
            f"{len(members)} groups are more than the {MOST_GROUPS} that can be kept up to date with Slack's about "
            f"{CALLS_A_MINUTE} calls of usergroups.users.list a minute. Some people may be told to try again."
        )
        yield Finding("number of groups", "warning", sentence, "Use fewer groups, or name people (allow.users).")
    everywhere = allowlist.everywhere
    people = {
        pool: everywhere.users.union(rule.users, *(members[id_] or () for id_ in everywhere.groups | rule.groups))
        for pool, rule in allowlist.pools.items()
    }
    count = len(frozenset[str]().union(*people.values()))
    lacking = ", ".join(sorted(pool for pool, who in people.items() if not who))
    if not lacking:
        yield Finding("allowlist", "ok", f"people who may sign out: {count}")
    elif None in members.values():
        yield Finding("allowlist", "not tried", "not tried: it needs groups that could not be listed")
    elif count:
        yield Finding("allowlist", "warning", f"No one may sign out of: {lacking}.", _NO_ONE_FIX)
    else:
        yield Finding("allowlist", "missing", "No one may sign out.", _NO_ONE_FIX)


def _approvers(approvers: Allowlist, members: Mapping[str, Members]) -> Iterator[Finding]:
    """Say how many may approve, where anyone is named for that."""
    named = approvers.all
    people = named.users.union(*(members[id_] or () for id_ in named.groups))
    if people:
        only_one = len(people) == 1
        fix = "They cannot approve what they ask for themselves. Name a second approver." if only_one else ""
        yield Finding("approvers", "warning" if only_one else "ok", f"people who may approve: {len(people)}", fix)
    elif named.groups:
        yield Finding("approvers", "missing", "No one may approve.", "Put people into the groups of approve.groups.")


def _performers(allowlist: Allowlist, listed: Allowlist, members: Mapping[str, Members]) -> Iterator[Finding]:
    """Say for each pool how many may do another action. They have to be on its list and on the allowlist."""
    action = listed.table.partition(".")[2]
    asks = {pool: _those(members, *_who_may_ask(allowlist, pool)) for pool in allowlist.pools}
    for pool, own in listed.pools.items():
        if (everywhere := listed.everywhere) == own == Allowed():
            continue
        name, mine, may = f"{action} in pool {pool}", _those(members, everywhere, own), asks[pool]
        in_terminal = (everywhere.terminal | own.terminal) & allowlist.terminal
        if may is None or mine is None:
            yield Finding(name, "not tried", "not tried: it needs groups that could not be listed")
        elif mine & may or in_terminal:
            also = f", and AWS roles and users that may in a terminal: {len(in_terminal)}" if in_terminal else ""
            yield Finding(name, "ok", f"people who may {ACTIONS[action].may}: {len(mine & may)}{also}")
        else:
            yield Finding(name, "warning", f"No one may {ACTIONS[action].may}.", _BOTH_FIX)
    if None not in asks.values():
        found = {pool: who or frozenset() for pool, who in asks.items()}
        yield from _in_vain(listed.table, listed.everywhere, frozenset().union(*found.values()), allowlist.terminal)
        for pool, own in listed.pools.items():
            yield from _in_vain(f"pools.{pool}.{listed.table}", own, found[pool], allowlist.terminal)


def _in_vain(name: str, listed: Allowed, may: frozenset[str], terminal: frozenset[str]) -> Iterator[Finding]:
    """Name those on a list for whom it does nothing, since they are not on the allowlist."""
    if strangers := sorted({*(listed.users - may), *(listed.terminal - terminal)}):
        yield Finding(
            name,
            "warning",
            f"These are on this list, but not on the allowlist there: {', '.join(strangers)}.",
            _BOTH_FIX,
        )


def _who_may_ask(allowlist: Allowlist, pool: str) -> list[Allowed]:
    places = (allowlist.everywhere, allowlist.pools[pool])
    return [each for place in places for each in (place, place.ask) if each]


def _those(members: Mapping[str, Members], *places: Allowed) -> Members:
    """Return the people that lists name, and those in their groups; None where not all of these could be listed."""
    groups = [members[id_] for place in places for id_ in place.groups]
    users = [place.users for place in places]
    return None if None in groups else frozenset[str]().union(*users, *(each or () for each in groups))
