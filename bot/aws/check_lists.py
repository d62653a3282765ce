"""Tries what lists need beside what single accounts do: the members of groups that protect, and Cognito's quota."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.aws.check_pools import DENIED, MEMBERS, OPERATOR, failed
from bot.aws.user_pool import QUOTA, CognitoUserPool
from bot.errors import NOT_READ, PoolUnavailableError
from bot.facts.aws_names import CODE
from bot.facts.duration import in_words
from bot.facts.finding import Finding
from bot.ports import UserPool
from bot.request import new_id

# Which calls of a list count for a quota, and what AWS documents of it: calls a second for an AWS account and region.
SIGN_OUTS = "UserUpdate"
QUOTAS = {SIGN_OUTS: ("sign-outs", 25), "UserList": ("look-ups", 30)}
SIZE = 10_000
_NO_LIST = "so no list can be looked up or run in this pool."
_NOT_LISTED = {
    "ResourceNotFoundException": (
        f"Cognito has no such group, {_NO_LIST}",
        "Make the group, or take it out of protect.groups.",
    ),
    NOT_READ: (
        f"It has more members than the bot reads, {_NO_LIST}",
        "Put the accounts to protect into a smaller group.",
    ),
}


def try_groups(name: str, pool: UserPool, groups: Collection[str]) -> Iterator[Finding]:
    """List the members of each group that protects accounts. The pool itself has been found before."""
    asked = pool.on_behalf(new_id(datetime.now(UTC)), OPERATOR)
    for group in sorted(groups):
        line = f"pool {name}, {MEMBERS} {group}"
        try:
            asked.members_of(group)
        except PoolUnavailableError as error:
            code = str(error.error_code)
            if code in _NOT_LISTED:
                yield Finding(line, "warning", *_NOT_LISTED[code])
            else:
                yield failed(line, MEMBERS, code)
        else:
            yield Finding(line, "ok", "its members can be listed")


def try_quota(place: str, pool: CognitoUserPool, pace: float) -> Iterator[Finding]:
    """Ask for the quotas that lists use, with the credentials of one of the pools there. Judge the pace by them."""
    asked = pool.on_behalf(new_id(datetime.now(UTC)), OPERATOR)
    for category, (calls, documented) in QUOTAS.items():
        known, code = 0, ""
        try:
            known = asked.quota(category)
        except PoolUnavailableError as error:
            code = str(error.error_code)
        except (LookupError, TypeError):  # AWS's answer has another form by now
            pass
        limit = known or documented
        told = f"Cognito takes {limit} calls a second from all together"
        if not known:
            why = f" ({code})" if CODE.fullmatch(code) else ""
            told = f"AWS does not say{why}; it documents {limit} calls a second for all together"
        sentence = f"{told}, and up to {pace:g} are {calls} of lists (lists.pace)."
        if category == SIGN_OUTS:
            sentence += f" A list of {SIZE:,} accounts takes {in_words(timedelta(seconds=SIZE / pace))}."
        found = Finding(f"quota {place}, {category}", "ok" if known else "not tried", sentence)
        yield _judged(found, limit, pace, code)


def _judged(found: Finding, limit: int, pace: float, code: str) -> Finding:
    """Return it with what is to be said of a pace that leaves nothing to others, or of a question not allowed."""
    if pace >= limit:
        fix = f"That leaves nothing for the customers' app. Set lists.pace lower, such as {limit / 2:g}/s."
        return replace(found, status="warning", fix=fix)
    if code in DENIED:
        return replace(found, fix=f"To have it asked, allow cognito-idp:{QUOTA} in the role's policy.")
    return found
