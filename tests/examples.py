"""Example values that tests share, and a clock that only moves when told."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.audit import entry_of
from bot.deliver import show_card
from bot.ports import Place, Requests
from bot.request import Account, Ask, Claim, Operator, Options, Request, State, new_id
from bot.work import LEASE

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAM = Operator(team_id="T0SIGNOUT1", id="U0SAM00001", name="sam")
KIM = Operator(team_id="T0SIGNOUT1", id="U0KIM00001", name="kim")
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
PLACE = Place(
    response_url="https://hooks.slack.com/commands/T/1/secret", until=NOON + timedelta(minutes=30), replaces=False
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


def asked(target: str = "ada", **changes: Any) -> Ask:
    """Return what SAM asked at noon. `changes` are fields of the ask or of its options."""
    ask = Ask(
        id=new_id(NOON), operator=SAM, source="slack", channel_id="C0SUPPORT1", options=Options(target=target)
    )
    return _changed(ask, changes)


def awaiting(**changes: Any) -> Request:
    """Return a request whose card was just shown. `changes` are fields of it, of its ask or of the options."""
    request = Request(
        ask=asked(reason="lost phone"),
        state=State.CONFIRMING,
        candidates=(ADA,),
        chosen=ADA,
        allowed_by="allow.users",
        created_at=NOON,
        expires_at=NOON + timedelta(minutes=5),
    )
    return _changed(request, changes)


def choosing(**changes: Any) -> Request:
    """Return a request of two accounts, of which none is chosen yet."""
    both = (ADA, replace(ADA, username="Google_ada", provider="Google"))
    return awaiting(**{"state": State.CHOOSING, "candidates": both, "matches": 2, "chosen": None} | changes)


def added(store: Requests, request: Request, place: Place | None = PLACE) -> Request:
    """Return a request once it is stored, as it is opened at noon."""
    store.add(request, entry_of(request, NOON), show_card(request, NOON, place))
    return request


def moved(store: Requests, before: Request, state: State, at: datetime = NOON, **changes: Any) -> Request:
    """Return a request once it was moved, with its entry and card as the rules have them."""
    after = before.move(state, **changes)
    first_claim = before.state is State.READY and state is State.RUNNING
    running = state is State.RUNNING
    store.move(
        before, after, None if first_claim else entry_of(after, at), None if running else show_card(after, at, None)
    )
    return after


def ready_in(store: Requests, **changes: Any) -> Request:
    """Return a request that was stored, and decided at noon."""
    return moved(store, added(store, awaiting(**changes)), State.READY, decided_at=NOON)


def claimed_in(store: Requests, **changes: Any) -> Request:
    """Return a request that was stored, and decided and claimed at noon."""
    claim = Claim(id="claim-1", at=NOON, until=NOON + LEASE)
    return moved(store, ready_in(store, **changes), State.RUNNING, claim=claim)


def _changed(value: Any, changes: dict[str, Any]) -> Any:
    """Change fields of a value, or of the ask or the options inside it."""
    own = {each.name for each in fields(value)}
    inner = {name: change for name, change in changes.items() if name not in own}
    for part in ("ask", "options"):
        if inner and part in own:
            changes = changes | {part: _changed(changes.get(part, getattr(value, part)), inner)}
    assert not inner or own & {"ask", "options"}, f"there is no field {sorted(inner)}"
    return replace(value, **{name: change for name, change in changes.items() if name in own})
