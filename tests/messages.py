"""What tests of messages share: how things are shown, requests in each state, and what is inside a message."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from examples import ADA, KIM, NOON, SAM, asked, awaiting

from bot.account import Account
from bot.action import ACTIONS, SIGN_OUT
from bot.audit import Entry, Kind, entry_of_ask
from bot.request import AWAITING, ENDED, OF_ONE_ACCOUNT, Approval, Operator, Request, State
from bot.slack.shown import Lasting, Shown

SHOWN = Shown(
    pii="masked",
    reason_rule=None,
    ticket_url=None,
    lasting={"customers": Lasting(lifetime="1 hour")},
    resume_within=timedelta(minutes=5),
)
AWS_REQUEST = "8da554a7-3bb9-4841-8630-abf386eecebc"
OUTCOMES = (State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN)


def request(
    state: State, username: str = "ada", reason: str | None = "lost phone", action: str | None = None
) -> Request:
    """Return a request in this state, with as much in it as there can be: to keep out where it is PARTLY."""
    account = replace(ADA, username=username, email=f"{username}@example.com", status=username[:40])
    account = replace(account, preferred_username=username)
    done, action = state is State.DONE, action or ("keep_out" if state is State.PARTLY else SIGN_OUT)
    steps = tuple(str(step) for step in ACTIONS[action].steps)
    decided = state not in {*AWAITING, State.CANCELLED, State.EXPIRED, State.DENIED}
    return awaiting(
        ask=asked(username, reason=reason, operator=replace(SAM, name=username), action=action),
        state=state,
        chosen=None if state is State.CHOOSING else account,
        candidates=(account,) * 10,
        matches=12,
        searched_as=f"{username},",
        decided_at=NOON if decided else None,
        ended_at=NOON if state in ENDED else None,
        done=steps if done else steps[:1] if state is State.PARTLY else (),
        attempts=1,
        error_code=None if done else "TimedOut",
        aws_request_ids=(AWS_REQUEST,) * 4,
        access_until=NOON + timedelta(hours=1) if done else None,
    )


NEEDS = ("approve.when", "allow.ask.users", "protect.groups: admins", "limits.per_operator and limits.all")


def approval(state: State, name: str = "kim", reason: str | None = "not them") -> Approval:
    """Return what a second person was asked, and what they said where the request is so far."""
    if state in {State.APPROVING, State.CANCELLED, State.EXPIRED}:
        return Approval(asked_at=NOON, channel_id="C0AUDIT001")
    return Approval(
        asked_at=NOON,
        channel_id="C0AUDIT001",
        approver=replace(KIM, name=name),
        rule="approve.users",
        at=NOON + timedelta(minutes=1),
        reason=reason if state is State.DENIED else None,
    )


def second(state: State, username: str = "ada", reason: str | None = "lost phone") -> Request:
    """Return a request that a second person has, or had, to approve, in this state."""
    asked_for = request(state, username, reason)
    protected = replace(asked_for.chosen or ADA, protected="protect.groups: admins")
    return replace(
        asked_for,
        chosen=protected,
        needs=NEEDS,
        approval=approval(state, username, reason),
        decided_at=NOON + timedelta(minutes=1) if asked_for.decided_at else None,
        expires_at=NOON + timedelta(minutes=15),
    )


AFTER_CONFIRMING = [state for state in OF_ONE_ACCOUNT if state not in {State.CHOOSING, State.CONFIRMING}]


def refused(target: str, operator: Operator = SAM, account: Account | None = None) -> Entry:
    """Return the entry of a refusal."""
    return entry_of_ask(
        Kind.REFUSED, asked(target, operator=operator, reason=target), "not allowed", NOON, account=account
    )


def refused_often(target: str, operator: Operator = SAM, count: int = 4_899) -> Entry:
    """Return the entry of many refusals within a minute."""
    examples = tuple(f"{target[:-1]}{number}" for number in range(3))
    return replace(refused(target, operator), count=count, until=NOON + timedelta(seconds=58), examples=examples)


def leaves(node: Any) -> Iterator[dict[str, Any]]:
    """Give every dictionary inside blocks."""
    if isinstance(node, dict):
        yield node
    for held in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from leaves(held)
