"""A simulated Cognito: two user pools that may throttle, refuse, hang, break off, or do it and not say so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from bot.account import Account, Session
from bot.action import Answer, Done, Refused, Step, Unclear
from bot.errors import PoolUnavailableError
from bot.options import Attribute
from simulation.crowd import PAGE, PEOPLE, Change, email_of, found_by
from simulation.seen import Call, Groups, Look, Members

if TYPE_CHECKING:
    from simulation.instances import Instance

SLOWEST = 7.0  # bot.work.CALL: the adapter's time-outs
POOLS = {"customers": "eu-central-1_customers", "staff": "eu-central-1_staff"}
ACCOUNTS = {"customers": ("ada", "bob"), "staff": ("bob", "dan")}
NAMES = [(pool, username) for pool, usernames in ACCOUNTS.items() for username in usernames]


@dataclass(frozen=True)
class Registered:
    """Which account each user name is: some are deleted at some time, and most of those registered again."""

    changes: Mapping[tuple[str, str], tuple[float, str | None]]

    @classmethod
    def of(cls, random: Random, horizon: float, more: Mapping[tuple[str, str], Change] | None) -> "Registered":
        """Draw it. There may be `more` changes."""
        changes = {each: (random.uniform(0.0, horizon), random.choice(("sub-2", "sub-2", None))) for each in NAMES}
        return cls({each: change for each, change in changes.items() if random.random() < 1 / 4} | dict(more or {}))

    def sub(self, pool: str, username: str, now: float) -> str | None:
        """Return the sub of a user name at a time; None where there is no such account."""
        at, later = self.changes.get((pool, username), (now, None))
        if username in PEOPLE[pool]:
            return f"sub-{username}" if now <= at else later and f"{later}-{username}"
        return "sub-1" if username in ACCOUNTS[pool] and now <= at else later


@dataclass(frozen=True)
class SimulatedPool:
    """A `UserPool` as one instance reaches it."""

    name: str
    instance: "Instance"
    request_id: str = ""
    operator_id: str = ""
    region: str = "eu-central-1"

    @property
    def pool_id(self) -> str:
        return POOLS[self.name]

    def on_behalf(self, request_id: str, operator_id: str) -> "SimulatedPool":
        return SimulatedPool(self.name, self.instance, request_id, operator_id)

    def list_users(self, attribute: Attribute, value: str) -> Sequence[Account]:
        if attribute is Attribute.EMAIL and self.instance.world.crowd.on:
            self._asked()
            return [found for each in found_by(self.name, value) if (found := self._account(each))]
        found = self._look(value) if attribute is Attribute.USERNAME else None
        return [found] if found else []

    def everyone(self, token: str | None = None) -> tuple[Sequence[Account], str | None]:
        self._asked()
        begin, names = int(token or 0), PEOPLE[self.name]
        page = [found for each in names[begin : begin + PAGE] if (found := self._account(each))]
        return page, str(begin + PAGE) if begin + PAGE < len(names) else None

    def members_of(self, group: str) -> frozenset[str]:
        world, begun = self.instance.world, self.instance.world.schedule.now
        self._asked()
        found = frozenset(name for name in PEOPLE[self.name] if group in self._groups(name))
        world.seen.members.append(
            Members(
                request_id=self.request_id,
                instance=self.instance.name,
                usernames=found,
                begun=begun,
                ended=world.schedule.now,
            )
        )
        return found

    def prepare(self) -> None:
        world = self.instance.world
        world.delay(20.0 if world.chance(0.02) else 0.3)  # credentials may be slow to come
        world.schedule.current().notes["prepared"] = True

    def _groups(self, username: str) -> frozenset[str]:
        return self.instance.world.brakes.groups(self.name, username, self.instance.world.schedule.now)

    def _asked(self) -> None:
        """Take the time that an answer takes; there may be none."""
        world, sent = self.instance.world, self.instance.sending()
        world.delay(3.0)
        self.instance.heard(sent)
        if world.chance(world.weather.cognito / 10):
            raise PoolUnavailableError(f"Pool {self.name} could not be asked.", may_retry=world.crowd.on)

    def get_user(self, username: str) -> Account | None:
        return self._look(username)

    def groups_of(self, username: str) -> frozenset[str]:
        world, begun = self.instance.world, self.instance.world.schedule.now
        self._asked()
        found = self._groups(username)
        world.seen.groups.append(
            Groups(
                request_id=self.request_id,
                instance=self.instance.name,
                username=username,
                protected=bool(world.brakes.protection and found & world.brakes.protection.groups),
                begun=begun,
            )
        )
        return found

    def tracks_sessions(self) -> bool:
        return False

    def sessions(self, username: str) -> Sequence[Session]:
        raise NotImplementedError(username)

    def end_session(self, session_id: str, username: str, left: Callable[[], timedelta]) -> Answer:
        raise NotImplementedError(session_id, username, left)

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
        world, instance = self.instance.world, self.instance
        task, turn = world.schedule.current(), world.schedule.now
        slow = not task.notes.pop("prepared", False) and world.chance(0.05)
        world.delay(60.0 if slow else 1.0)  # credentials may be slow to come, or a name
        if left() <= timedelta(0):
            world.schedule.note("cognito: not sent, too late")
            return Refused("NoCallMade", None, sent=False)
        call = Call(
            request_id=self.request_id,
            operator_id=self.operator_id,
            claim_id=task.notes.get("claim_id"),
            pool_id=self.pool_id,
            username=username,
            step=str(step),
            begun=world.schedule.now,
            clock=instance.seconds(),
            clock_set=instance.knowledge.was_set_since(instance.work_begun()),
            stored=world.stored(self.request_id),
            instance=instance.name,
            turn=turn,
            lease=world.lease(self.name) if world.crowd.on else None,
        )
        world.seen.calls.append(call)
        world.schedule.note(f"cognito: {step} {username} of {self.name} for {self.request_id[-4:]}")
        sent = instance.sending()
        answer = self._answered(call)
        if not isinstance(answer, Unclear):
            instance.heard(sent)
        call.ended, call.code = world.schedule.now, getattr(answer, "code", None)
        call.answer = {Done: "yes", Refused: "no", Unclear: "unclear"}[type(answer)]
        world.schedule.note(f"cognito: {call.answer} {getattr(answer, 'code', '')}{' (done)' * call.done}")
        return answer

    def _answered(self, call: Call) -> Answer:
        world = self.instance.world
        fault = world.chance(world.weather.cognito)
        kind = world.random.choice(("throttled", "refused", "before", "after", "later", "broken")) if fault else ""
        aws_id = f"aws-{len(world.seen.calls)}"
        world.delay(SLOWEST / 2)
        refusal = None
        if kind in {"", "after"} or (kind == "broken" and world.chance(0.5)):
            refusal = self._carry_out(call)
        if kind == "later":  # a call that hangs on the way and is carried out after its caller gave up
            late = partial(self._carry_out, call)
            world.schedule.spawn("cognito, late", late, after=world.random.uniform(SLOWEST, 3 * SLOWEST))
        world.delay(SLOWEST / 2)
        match kind:
            case "throttled":
                return Refused("TooManyRequestsException", aws_id, may_retry=True)
            case "refused":
                return Refused("UserNotFoundException", aws_id)
            case "before" | "after" | "later":
                return Unclear("TimedOut")
            case "broken":
                return Unclear("Unreachable")
        return Refused(refusal, aws_id) if refusal else Done(aws_id)

    def _carry_out(self, call: Call) -> str | None:
        """Do what is called for, unless Cognito refuses it; return the code of a refusal."""
        refusal = self.instance.world.accounts.carry_out(call.step, self.name, call.username, call.request_id)
        call.done = call.done or not refusal
        return refusal

    def _look(self, username: str) -> Account | None:
        world, begun = self.instance.world, self.instance.world.schedule.now
        self._asked()
        sub = world.registered.sub(self.name, username, world.schedule.now)
        now = world.accounts.standing(self.name, username)
        world.seen.looks.append(
            Look(
                request_id=self.request_id, pool_id=self.pool_id, username=username, sub=sub, standing=now, begun=begun
            )
        )
        return self._account(username)

    def _account(self, username: str) -> Account | None:
        world = self.instance.world
        sub = world.registered.sub(self.name, username, world.schedule.now)
        now = world.accounts.standing(self.name, username)
        if sub is None or now is None:
            return None
        return Account(
            pool=self.name,
            pool_id=self.pool_id,
            region=self.region,
            username=username,
            sub=sub,
            email=email_of(self.name, username),
            provider=now.provider,
            status=now.status,
            enabled=now.enabled,
        )
