"""Tries what the bot has to be allowed in its user pools, and asks for Cognito's quota. It can sign no one out."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import UNSIGNED
from botocore.exceptions import ClientError

from bot.action import SESSION_CALLS, Done, Step
from bot.aws.user_pool import NO_ACCOUNT, QUOTA, CognitoUserPool
from bot.errors import NO_CALL_MADE, NO_CREDENTIALS, NOT_READ, NOT_TRACKED, PoolUnavailableError
from bot.facts.aws_credentials import CHECK_THE_WAY
from bot.facts.aws_names import CODE
from bot.facts.aws_session import AwsSession, bounded
from bot.facts.clock import judge_clock
from bot.facts.duration import in_words
from bot.facts.finding import Finding
from bot.options import Attribute
from bot.ports import UserPool
from bot.request import new_id
from bot.work import CALL

# Stands for the operator where a role is assumed, and looks like one: a trust policy may ask for a Slack id.
_OPERATOR = "U0CHECK00000"
UNUSED_SESSION = f"tkn{'0' * 25}"  # has the form of a session's id
_TRACKED = "SessionsTracked"
_CONFIGURATION, _LIST, _REVOKE = SESSION_CALLS

# What is wrong with more than one permission: the further calls would say the same.
TROUBLES = {
    "ResourceNotFoundException": (
        "Cognito has no such pool in this region.",
        "Check the pool's id. For a replica, set pools.NAME.region.",
    ),
    "OperationNotEnabledException": (
        "This is not enabled in the user pool, or not in this region: it may be a replica of the pool.",
        "Check the pool's configuration, and pools.NAME.region.",
    ),
    NOT_TRACKED: (
        "The pool does not track sessions, though pools.NAME.sessions is true.",
        "Turn session tracking on in the pool, which takes its Essentials or Plus plan, or leave the setting out.",
    ),
    "FeatureUnavailableInTierException": (
        "The pool's feature plan has no session tracking, though pools.NAME.sessions is true.",
        "Leave the setting out, or change the pool's plan to Essentials or Plus.",
    ),
    NO_CREDENTIALS: (
        "The AWS credentials or settings did not work.",
        "`python -m bot check` says why, where the bot runs.",
    ),
    "ExpiredTokenException": ("The AWS credentials have expired.", "Renew them."),
    "UnrecognizedClientException": ("AWS does not know these credentials.", "Check them, and the account."),
    "InvalidSignatureException": ("AWS does not accept the signature.", "Check the secret key and the clock."),
    "AssumeRoleRefused": (
        "The pool's role cannot be assumed.",
        (
            "Check role_arn; let the bot's own role assume it (sts:AssumeRole, sts:SetSourceIdentity), on both sides. "
            "IAM's account settings say whether STS is active in the pool's region."
        ),
    ),
    "AssumeRoleThrottled": ("AWS gives out no more sessions of the pool's role.", "Run the check again in a minute."),
    "AssumeRoleUnanswered": ("AWS STS gave no answer.", CHECK_THE_WAY),
    "TimedOut": ("Cognito did not answer in time.", CHECK_THE_WAY),
    "Unreachable": ("Cognito cannot be reached.", CHECK_THE_WAY),
    NO_CALL_MADE: ("Nothing could be sent in time.", f"{CHECK_THE_WAY} See where the AWS credentials come from."),
}
_DENIED = frozenset({"AccessDeniedException", "NotAuthorizedException"})
_MEMBERS = "ListUsersInGroup"  # tried on groups, not on a name
_FOUND = "found"  # an account where there can be none

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


def try_pool(name: str, pool: UserPool, further: Sequence[str] = ()) -> Iterator[Finding]:
    """Try each operation on a user name made up just now, which no account can have: its 80 random bits are new."""
    now = datetime.now(UTC)
    unused = f"signout-check-{new_id(now)}"
    asked = pool.on_behalf(new_id(now), _OPERATOR)
    why_not = ""
    steps = [each for each in further if each in {*Step, *SESSION_CALLS}]
    look_ups = [each for each in further if each not in {*steps, _MEMBERS}]
    for operation in ("ListUsers", "AdminGetUser", *look_ups, Step.SIGN_OUT, *steps):
        line = f"pool {name}, {operation}"
        if why_not:
            yield Finding(line, "not tried", f"not tried: {why_not}")
            continue
        code = _tried(asked, operation, unused)
        if code == _FOUND:  # and so no step is tried
            why_not = "an account has a name made up just now, so no name is safe to try"
        elif code in TROUBLES:
            why_not = f"it would meet the same ({code})"
        yield _finding(line, operation, unused, code)


def _tried(pool: UserPool, operation: str, unused: str) -> str:
    """Return the error code of an operation, `_FOUND`, or `_TRACKED`."""
    looks: Mapping[str, Callable[[], object]] = {
        "ListUsers": lambda: pool.list_users(Attribute.USERNAME, unused),
        "AdminGetUser": lambda: pool.get_user(unused),
        "AdminListGroupsForUser": lambda: pool.groups_of(unused),
        _LIST: lambda: pool.sessions(unused),
    }
    try:
        if operation == _CONFIGURATION:
            return _TRACKED if pool.tracks_sessions() else NOT_TRACKED
        if look := looks.get(operation):
            return _FOUND if look() else NO_ACCOUNT
    except PoolUnavailableError as error:
        return str(error.error_code)
    if operation == _REVOKE:
        answer = pool.end_session(UNUSED_SESSION, unused, left=lambda: CALL)
    else:
        answer = pool.call(Step(operation), unused, left=lambda: CALL)
    if isinstance(answer, Done):
        return _FOUND
    # The pool itself was found before: what is not there is the session.
    return NO_ACCOUNT if (operation, answer.code) == (_REVOKE, "ResourceNotFoundException") else answer.code


def _finding(line: str, operation: str, unused: str, code: str) -> Finding:
    if code == NO_ACCOUNT:
        return Finding(line, "ok", f"allowed (tried on a name that no account has: {unused})")
    if code == _TRACKED:
        return Finding(line, "ok", "the pool tracks sessions")
    if code == _FOUND:
        return Finding(line, "missing", f"Found an account that cannot be: {unused}.", "Check AWS's endpoint.")
    return _failed(line, operation, code)


def _failed(line: str, operation: str, code: str) -> Finding:
    if code in TROUBLES:
        return Finding(line, "missing", *TROUBLES[code])
    shown = code if CODE.fullmatch(code) else "an answer that is not Cognito's"
    if code in _DENIED:
        fix = f"Allow cognito-idp:{operation} on this pool in the role's policy, and check the pool's id."
        return Finding(line, "missing", f"Not allowed ({shown}).", fix)
    return Finding(line, "missing", f"No clear answer ({shown}).", "Run the check again in a minute.")


def try_groups(name: str, pool: UserPool, groups: Collection[str]) -> Iterator[Finding]:
    """List the members of each group that protects accounts. The pool itself has been found before."""
    asked = pool.on_behalf(new_id(datetime.now(UTC)), _OPERATOR)
    for group in sorted(groups):
        line = f"pool {name}, {_MEMBERS} {group}"
        try:
            asked.members_of(group)
        except PoolUnavailableError as error:
            code = str(error.error_code)
            if code in _NOT_LISTED:
                yield Finding(line, "warning", *_NOT_LISTED[code])
            else:
                yield _failed(line, _MEMBERS, code)
        else:
            yield Finding(line, "ok", "its members can be listed")


def try_quota(place: str, pool: CognitoUserPool, pace: float) -> Iterator[Finding]:
    """Ask for the quotas that lists use, with the credentials of one of the pools there. Judge the pace by them."""
    asked = pool.on_behalf(new_id(datetime.now(UTC)), _OPERATOR)
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
    if code in _DENIED:
        return replace(found, fix=f"To have it asked, allow cognito-idp:{QUOTA} in the role's policy.")
    return found


def aws_clock(regions: Collection[str]) -> Sequence[Finding]:
    """Compare the clock with AWS's, by the answer to a call that needs no credentials and is given nothing."""
    name = "clock against AWS"
    for region in sorted(regions):
        asked_at = datetime.now(UTC)
        if date := _date_in(region):
            return [judge_clock(name, date, asked_at, datetime.now(UTC))]
    return [Finding(name, "not tried", "not tried: Cognito gave no answer with a date")]


def _date_in(region: str) -> str | None:
    try:
        with closing(AwsSession(bounded(signature_version=UNSIGNED)).create_client("cognito-idp", region)) as cognito:
            answer: Any = cognito.list_users(UserPoolId=f"{region}_check", Limit=1)
    except ClientError as error:
        answer = error.response  # this is how AWS always answers here
    except Exception:  # noqa: BLE001 -- the pool's own lines say what is wrong with the way to AWS
        return None
    metadata = answer["ResponseMetadata"]
    date: str | None = metadata["HTTPHeaders"].get("date")
    return date if metadata.get("RequestId") else None  # a proxy's page has no such id
