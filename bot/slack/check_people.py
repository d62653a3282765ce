"""Says what the lists come to: how many may sign out, approve and do more, and who is named for nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

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
    for performers in lists[2:]:
        yield from _performers(lists[0], performers, members)


def _anyone(allowlist: Allowlist, members: Mapping[str, Members]) -> Iterator[Finding]:
    """Say whether anyone may sign people out, and whether Slack can be asked about so many groups."""
    if len(members) > MOST_GROUPS:
        sentence = (
            f"{len(members)} groups are more than the {MOST_GROUPS} that can be kept up to date with Slack's about "
            f"{CALLS_A_MINUTE} calls of usergroups.users.list a minute. Some people may be told to try again."
        )
        yield Finding("number of groups", "warning", sentence, "Use fewer groups, or name people (allow.users).")
    people = {pool: _known(members, allowlist.of(pool)) for pool in allowlist.pools}
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
    if people := _known(members, approvers.all):
        only_one = len(people) == 1
        fix = "They cannot approve what they ask for themselves. Name a second approver." if only_one else ""
        yield Finding("approvers", "warning" if only_one else "ok", f"people who may approve: {len(people)}", fix)
    elif approvers.all.groups:
        yield Finding("approvers", "missing", "No one may approve.", "Put people into the groups of approve.groups.")


def _performers(allowlist: Allowlist, performers: Allowlist, members: Mapping[str, Members]) -> Iterator[Finding]:
    """Say for each pool how many may do another action. They have to be on its list and on the allowlist."""
    action = performers.table.partition(".")[2]
    terminal = allowlist.everywhere.terminal
    # Who may sign out, and who may only ask for it.
    asks = {pool: replace(allowlist, pools={pool: own}).all for pool, own in allowlist.pools.items()}
    for pool, own in performers.pools.items():
        if (everywhere := performers.everywhere) == own == Allowed():
            continue
        name, mine = f"{action} in pool {pool}", everywhere | own
        may = _known(members, mine) & _known(members, asks[pool])
        in_terminal = (everywhere.terminal | own.terminal) & terminal
        if not _all_listed(members, mine | asks[pool]):
            yield Finding(name, "not tried", "not tried: it needs groups that could not be listed")
        elif may or in_terminal:
            also = f", and AWS roles and users that may in a terminal: {len(in_terminal)}" if in_terminal else ""
            yield Finding(name, "ok", f"people who may {ACTIONS[action].may}: {len(may)}{also}")
        else:
            yield Finding(name, "warning", f"No one may {ACTIONS[action].may}.", _BOTH_FIX)
    if _all_listed(members, allowlist.all):
        yield from _in_vain(performers.table, performers.everywhere, _known(members, allowlist.all), terminal)
        for pool, own in performers.pools.items():
            name = f"pools.{pool}.{performers.table}"
            yield from _in_vain(name, own, _known(members, asks[pool]), terminal)


def _in_vain(name: str, allowed: Allowed, may: frozenset[str], terminal: frozenset[str]) -> Iterator[Finding]:
    """Name those on a list for whom it does nothing, since they are not on the allowlist."""
    if strangers := sorted({*(allowed.users - may), *(allowed.terminal - terminal)}):
        sentence = f"These are on this list, but not on the allowlist there: {', '.join(strangers)}."
        yield Finding(name, "warning", sentence, _BOTH_FIX)


def _known(members: Mapping[str, Members], allowed: Allowed) -> frozenset[str]:
    """Return the people that a list names, and those in its groups, as far as these could be listed."""
    return allowed.users.union(*(members[id_] or () for id_ in allowed.groups))


def _all_listed(members: Mapping[str, Members], allowed: Allowed) -> bool:
    return None not in (members[id_] for id_ in allowed.groups)
