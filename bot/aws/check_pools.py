"""Tries what the bot has to be allowed in its user pools. It can sign no one out."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from botocore import UNSIGNED
from botocore.exceptions import ClientError

from bot.action import SESSION_CALLS, Done, Step
from bot.aws.user_pool import NO_ACCOUNT
from bot.errors import NO_CALL_MADE, NO_CREDENTIALS, NOT_TRACKED, PoolUnavailableError
from bot.facts.aws_credentials import CHECK_THE_WAY
from bot.facts.aws_names import CODE
from bot.facts.aws_session import AwsSession, bounded
from bot.facts.finding import Finding
from bot.options import Attribute
from bot.ports import UserPool
from bot.request import new_id
from bot.work import CALL

# Stands for the operator where a role is assumed, and looks like one: a trust policy may ask for a Slack id.
OPERATOR = "U0CHECK00000"
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
DENIED = frozenset({"AccessDeniedException", "NotAuthorizedException"})
MEMBERS = "ListUsersInGroup"  # tried on groups, not on a name
_FOUND = "found"  # an account where there can be none


def try_pool(name: str, pool: UserPool, further: Sequence[str] = ()) -> Iterator[Finding]:
    """Try each operation on a user name made up just now, which no account can have: its 80 random bits are new."""
    now = datetime.now(UTC)
    unused = f"signout-check-{new_id(now)}"
    asked = pool.on_behalf(new_id(now), OPERATOR)
    ended = ""
    last = [each for each in further if each in {*Step, *SESSION_CALLS}]
    look_ups = [each for each in further if each not in {*last, MEMBERS}]
    for action in ("ListUsers", "AdminGetUser", *look_ups, Step.SIGN_OUT, *last):
        line = f"pool {name}, {action}"
        if ended:
            yield Finding(line, "not tried", f"not tried: {ended}")
            continue
        code = _tried(asked, action, unused)
        if code == _FOUND:  # and so no step is tried
            ended = "an account has a name made up just now, so no name is safe to try"
        elif code in TROUBLES:
            ended = f"it would meet the same ({code})"
        yield _finding(line, action, unused, code)


def _tried(pool: UserPool, action: str, unused: str) -> str:
    """Return the error code of an operation, `_FOUND`, or `_TRACKED`."""
    looks: Mapping[str, Callable[[], object]] = {
        "ListUsers": lambda: pool.list_users(Attribute.USERNAME, unused),
        "AdminGetUser": lambda: pool.get_user(unused),
        "AdminListGroupsForUser": lambda: pool.groups_of(unused),
        _LIST: lambda: pool.sessions(unused),
    }
    try:
        if action == _CONFIGURATION:
            return _TRACKED if pool.tracks_sessions() else NOT_TRACKED
        if look := looks.get(action):
            return _FOUND if look() else NO_ACCOUNT
    except PoolUnavailableError as error:
        return str(error.error_code)
    if action == _REVOKE:
        answer = pool.end_session(UNUSED_SESSION, unused, left=lambda: CALL)
    else:
        answer = pool.call(Step(action), unused, left=lambda: CALL)
    if isinstance(answer, Done):
        return _FOUND
    # The pool itself was found before: what is not there is the session.
    return NO_ACCOUNT if (action, answer.code) == (_REVOKE, "ResourceNotFoundException") else answer.code


def _finding(line: str, action: str, unused: str, code: str) -> Finding:
    if code == NO_ACCOUNT:
        return Finding(line, "ok", f"allowed (tried on a name that no account has: {unused})")
    if code == _TRACKED:
        return Finding(line, "ok", "the pool tracks sessions")
    if code == _FOUND:
        return Finding(line, "missing", f"Found an account that cannot be: {unused}.", "Check AWS's endpoint.")
    return failed(line, action, code)


def failed(line: str, action: str, code: str) -> Finding:
    """Return what is found where an operation failed, as far as it is known why."""
    if code in TROUBLES:
        return Finding(line, "missing", *TROUBLES[code])
    shown = code if CODE.fullmatch(code) else "an answer that is not Cognito's"
    if code in DENIED:
        fix = f"Allow cognito-idp:{action} on this pool in the role's policy, and check the pool's id."
        return Finding(line, "missing", f"Not allowed ({shown}).", fix)
    return Finding(line, "missing", f"No clear answer ({shown}).", "Run the check again in a minute.")


def aws_clock(
    regions: Collection[str], judge: Callable[[str, str | None, datetime, datetime], Finding]
) -> Sequence[Finding]:
    """Compare the clock with AWS's, by the answer to a call that needs no credentials and is given nothing."""
    name = "clock against AWS"
    for region in sorted(regions):
        asked_at = datetime.now(UTC)
        if date := _date_in(region):
            return [judge(name, date, asked_at, datetime.now(UTC))]
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
