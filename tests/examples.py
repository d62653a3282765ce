"""Example values and the few stand-ins that tests of single rules share: a clock that only moves when told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.audit import entry_of
from bot.authorize import Allowed, Allowlist
from bot.confirm import Confirmations
from bot.ports import Attribute, Clock, Refused, RequestStore, SignedOut, Unclear
from bot.reason import ReasonRule
from bot.request import Account, Ask, Operator, SignOutRequest, State, new_id
from bot.sign_out import LEASE, Lifetimes, SignOuts
from bot.wiring.terminal import NoGroups

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAM = Operator(team_id="T0SIGNOUT1", id="U0SAM00001", name="sam")
ADA = Account(
    pool="customers",
    pool_id="eu-central-1_AbCdEf123",
    region="eu-central-1",
    username="ada",
    sub="343d94cb-5ddd-4f39-ab9f-be013c348223",
    email="ada@example.com",
    status="CONFIRMED",
    enabled=True,
    created_at=NOON - timedelta(days=400),
)


@dataclass
class StoppedClock:
    """A clock that moves only by `sleep`, or when told."""

    time: datetime = NOON

    def now(self) -> datetime:
        """Return its time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on by so much."""
        self.time += timedelta(seconds=seconds)


def awaiting(**changes: object) -> SignOutRequest:
    """Return a request whose card was just shown."""
    values: dict[str, object] = {
        "id": new_id(NOON),
        "state": State.AWAITING_CONFIRMATION,
        "operator": SAM,
        "source": "slack",
        "channel_id": "C0SUPPORT1",
        "target": "ada",
        "candidates": (ADA,),
        "chosen": ADA,
        "reason": "lost phone",
        "allowed_by": "allow.users",
        "created_at": NOON,
        "expires_at": NOON + timedelta(minutes=5),
        "response_url": "https://hooks.slack.com/commands/T/1/secret",
    }
    return SignOutRequest(**(values | changes))  # type: ignore[arg-type]


def confirmations(store: RequestStore, clock: Clock, **changes: Any) -> Confirmations:
    """Return the rules up to a claim, where SAM may and no group is asked."""
    values: dict[str, Any] = {
        "allowlist": Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()}),
        "groups": NoGroups(),
        "home_team": lambda: SAM.team_id,
        "pool_ids": {"customers": ADA.pool_id},
        "finder": None,  # nothing is looked for
        "store": store,
        "clock": clock,
        "confirm_within": timedelta(minutes=5),
        "reason_rule": ReasonRule(),
    }
    return Confirmations(**(values | changes))


def asked(target: str = "ada", **changes: object) -> Ask:
    """Return what SAM asked at noon."""
    values: dict[str, object] = {
        "id": new_id(NOON),
        "operator": SAM,
        "source": "slack",
        "channel_id": "C0SUPPORT1",
        "target": target,
    }
    return Ask(**(values | changes))  # type: ignore[arg-type]


def claimed_in(store: RequestStore, **changes: object) -> SignOutRequest:
    """Return a request that was stored, and claimed at noon."""
    request = awaiting(**changes)
    store.add(request, entry_of(request, NOON))
    claimed = request.move(State.SIGNING_OUT, claim_id="claim-1", claimed_at=NOON, lease_until=NOON + LEASE)
    store.advance(request, claimed, entry_of(claimed, NOON))
    return claimed


@dataclass
class ScriptedPool:
    """A pool that gives the next of `answers` at each call, taking as long as each says."""

    answers: Iterable[SignedOut | Refused | Unclear]
    clock: StoppedClock
    seconds: float = 0.1
    called_at: list[datetime] = field(default_factory=list)
    during: Callable[[], object] = lambda: None

    default_region = None
    pool_id = ADA.pool_id

    def on_behalf(self, request_id: str, operator_id: str) -> "ScriptedPool":
        """Answer whoever asks."""
        assert (request_id, operator_id) > ("", "")
        return self

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        """Find nobody: the rules under test have found already."""
        raise AssertionError((attribute, value))

    def get_user(self, username: str) -> Account:
        """Find nobody."""
        raise AssertionError(username)

    def sign_out(self, username: str, leave_within: timedelta) -> SignedOut | Refused | Unclear:
        """Give the next answer."""
        assert username == "ada"
        assert leave_within > timedelta(0)
        self.called_at.append(self.clock.now())
        self.answers = iter(self.answers)
        self.clock.sleep(self.seconds)
        self.during()
        return next(self.answers)


def sign_outs(store: RequestStore, pool: ScriptedPool, clock: StoppedClock) -> SignOuts:
    """Return the rule over these parts, with lifetimes of 1 h and 2 h."""
    return SignOuts(
        pools={"customers": pool},
        lifetimes={"customers": Lifetimes(token=timedelta(hours=1), login_cookie=timedelta(hours=2))},
        store=store,
        clock=clock,
        resume_within=timedelta(minutes=5),
        jitter=lambda: 1.0,
    )
