"""Sessions of the pools' roles, so that CloudTrail shows the operator and the request behind each call (STS)."""

import hashlib
import logging
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from botocore.credentials import ReadOnlyCredentials

from bot.action import Refused, Unclear
from bot.aws.answers import answer_to
from bot.aws.clients import Clients
from bot.errors import NO_CREDENTIALS
from bot.facts.leaving import TooLateError, holding, leaving
from bot.work import CALL

SESSION_SECONDS = 900  # the shortest that STS gives
KEPT_SECONDS = SESSION_SECONDS - 60  # so that no call leaves with a session that ends on its way
MAX_SESSIONS = 512
MAX_CLEAR = 47  # with a digest after it, 64

# What is wrong with the bot's own credentials, as STS says it and as Cognito does.
_OWN_FAULTS = {
    "ExpiredToken": "ExpiredTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
_WORD = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_NOT_IN_A_WORD = re.compile(r"[^\w+=,.@-]", re.ASCII)
# A name is unique in its account, also across paths, and STS does not tell a role's path.
_CALLER = re.compile(r"arn:[\w-]+:iam::(?P<account>\d+):(?P<kind>role|user)/(?:.*/)?(?P<name>[^/]+)", re.DOTALL)

log = logging.getLogger(__name__)


@dataclass(eq=False)
class NotAssumedError(Exception):
    """STS gave no session, so the call that needed it was never sent: `refused` says why."""

    refused: Refused


@dataclass(frozen=True, slots=True)
class Role:
    """The role that a pool is asked with, and for whose request: no one else's calls are signed with its session."""

    arn: str
    roles: "Roles"
    request_id: str = ""
    operator_id: str = ""


@dataclass(slots=True)
class _Session:
    lock: threading.Lock = field(default_factory=threading.Lock)
    credentials: ReadOnlyCredentials | None = field(default=None, repr=False)
    good_until: float = 0.0  # on time.monotonic's clock, so that no clock of AWS's matters


class Roles:
    """Assumes each role once for each request, and keeps the session in memory. Safe to use from many threads."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._sessions: OrderedDict[Role, _Session] = OrderedDict()

    def session(self, role: Role, region: str) -> ReadOnlyCredentials:
        """Return the session, asking the STS of `region` if need be. Raises `NotAssumedError`, `TooLateError`."""
        if not role.request_id:
            raise RuntimeError("a pool with a role is only asked on someone's behalf")
        with self._lock:
            session = self._sessions.setdefault(role, _Session())
            self._sessions.move_to_end(role)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        with holding(session.lock, CALL.total_seconds()):
            if session.credentials is None or time.monotonic() >= session.good_until:
                asked_at = time.monotonic()
                session.credentials = self._assume(role, region)
                session.good_until = asked_at + KEPT_SECONDS
            return session.credentials

    def forget(self, role: Role) -> None:
        """Assume the role again when it is next needed, for instance because AWS no longer takes this session."""
        with self._lock:
            self._sessions.pop(role, None)

    def _assume(self, role: Role, region: str) -> ReadOnlyCredentials:
        try:
            with leaving():  # its own: what is sent to STS is not part of the call that needs the session
                made = self._clients.of(region, "sts").assume_role(
                    RoleArn=role.arn,
                    RoleSessionName=session_word(role.request_id),
                    SourceIdentity=session_word(role.operator_id),
                    DurationSeconds=SESSION_SECONDS,
                )["Credentials"]
        except TooLateError:
            raise
        except Exception as error:  # noqa: BLE001 -- for any error: there is no session
            refused = _refusal(answer_to(error))
            if refused.code == NO_CREDENTIALS:
                self._clients.forget(region)
            raise NotAssumedError(refused) from None
        return ReadOnlyCredentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def session_word(text: str) -> str:
    """Return an operator's id, or a request's, as STS takes it: 2 to 64 characters. Most ids stay as they are.

    The ARN of an IAM role or user becomes `role=Support@123456789012`, since STS takes no `:` and `/`. What STS
    still would not take is cut and ends in a digest, so that no two operators share a word.
    """
    caller = _CALLER.fullmatch(text)
    word = f"{caller['kind']}={caller['name']}@{caller['account']}" if caller else text
    if _WORD.fullmatch(word):
        return word
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{_NOT_IN_A_WORD.sub('.', word)[:MAX_CLEAR]}.{digest}"


def _refusal(answer: Refused | Unclear) -> Refused:
    """Return what STS's answer means for the call that needed a session: it was never sent."""
    log.warning("STS gave no session of a pool's role: %s (AWS request %s)", answer.code, answer.aws_request_id)
    if isinstance(answer, Unclear):
        return Refused("AssumeRoleUnanswered", None, may_retry=True, sent=False)
    if answer.code == NO_CREDENTIALS:
        return answer
    if answer.may_retry:
        return Refused("AssumeRoleThrottled", None, may_retry=True, sent=False)
    return Refused(_OWN_FAULTS.get(answer.code, "AssumeRoleRefused"), None, sent=False)
