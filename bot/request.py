"""What was asked, which account it turned out to be, and how far it is: the states, and the moves between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from ulid import ULID

from bot.account import Account, Proof, Session
from bot.listed import Listed

TERMINAL = "terminal"  # the source of what was asked in a terminal; it also takes the place of an operator's team


def new_id(at: datetime) -> str:
    """Return a new ULID: ids sort by the time they were made at, to the millisecond."""
    return str(ULID.from_datetime(at))


def first_id_at(time: datetime) -> str:
    """Return what sorts before each id of that millisecond and later, and after each of before."""
    # Without `from_datetime`, which forgets then what it gave out last, and with it the order within a millisecond.
    return str(ULID.from_bytes(int(time.timestamp() * 1000).to_bytes(6, "big") + bytes(10)))[:10]


class State(StrEnum):
    """How far a request is. The state chart in .github/docs/promises.md shows the same."""

    PREVIEWING = "previewing"  # the lines of a list are looked up
    CHOOSING = "choosing"  # the operator has to choose one of several accounts
    CONFIRMING = "confirming"  # the operator has to confirm the account
    APPROVING = "approving"  # confirmed: a second person has to approve it
    READY = "ready"  # decided: a worker may claim it
    RUNNING = "running"  # claimed: a worker is on it
    PAUSED = "paused"  # a list that no one works on until someone presses Go on
    STOPPING = "stopping"  # a list of which no more accounts are begun
    DONE = "done"  # every step was done
    PARTLY = "partly"  # every answer is known: some steps were done, some not
    FAILED = "failed"  # nothing was done
    UNKNOWN = "unknown"  # some call got no clear answer
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DENIED = "denied"  # the second person said no


# Every store refuses any other move. RUNNING to itself: a step's answer is noted, or a dead claim is taken over.
MOVES: Mapping[State, frozenset[State]] = {
    **dict.fromkeys(State, frozenset()),
    State.CHOOSING: frozenset({State.CONFIRMING, State.CANCELLED, State.EXPIRED}),
    State.CONFIRMING: frozenset({State.READY, State.APPROVING, State.CANCELLED, State.EXPIRED}),
    State.APPROVING: frozenset({State.READY, State.DENIED, State.CANCELLED, State.EXPIRED}),
    State.READY: frozenset({State.RUNNING, State.FAILED}),
    State.RUNNING: frozenset({State.RUNNING, State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN}),
}
# Those of a list. To itself: it was looked up further, one more account was chosen, or it is noted how far it is.
_GOES_ON = {State.RUNNING, State.PAUSED, State.STOPPING}
LIST_MOVES: Mapping[State, frozenset[State]] = {
    **MOVES,
    State.PREVIEWING: frozenset({State.PREVIEWING, State.CONFIRMING, State.CANCELLED, State.EXPIRED}),
    State.CONFIRMING: MOVES[State.CONFIRMING] | {State.CONFIRMING},
    State.READY: frozenset(_GOES_ON),
    State.RUNNING: MOVES[State.RUNNING] | _GOES_ON,
    State.PAUSED: MOVES[State.RUNNING] - {State.RUNNING} | {State.READY, State.PAUSED, State.STOPPING},
    State.STOPPING: MOVES[State.RUNNING] - {State.RUNNING} | {State.STOPPING},
}

AWAITING = frozenset({State.PREVIEWING, State.CHOOSING, State.CONFIRMING, State.APPROVING})  # until `expires_at`
STOPPABLE = frozenset({State.READY, State.RUNNING, State.PAUSED})  # a list that was confirmed and has not ended
# The states that a request of one account can have, in their order.
OF_ONE_ACCOUNT = tuple(state for state in State if state not in {State.PREVIEWING, State.PAUSED, State.STOPPING})
ENDED = frozenset(state for state in State if not LIST_MOVES[state])


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """The person in Slack who asks. `name` is what Slack calls them: shown, never trusted."""

    team_id: str
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a command says: its `target` exactly as typed, and its `action`, a key of `ACTIONS`.

    A short name, an id or a region names the pools; without any, all. `dropped`: what else was pasted and is ignored.
    """

    target: str
    pool: str | None = None
    pool_id: str | None = None
    region: str | None = None
    exactly: bool = False  # the target is the AWS CLI's --username: a user name before anything else
    reason: str | None = None
    action: str = "sign_out"
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What someone asked. Its `id` becomes the request's, and joins the trail, the logs and CloudTrail."""

    id: str
    operator: Operator
    source: str  # "slack" or `TERMINAL`
    channel_id: str
    options: Options


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who runs a request now: the worker that made this `id`. After `until` another may take the claim over."""

    id: str
    at: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """When this account was signed out before, and by whom."""

    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A second person is asked, since the operator's press at `asked_at`. `at` is the time of their answer."""

    asked_at: datetime
    channel_id: str  # where they are asked
    approver: Operator | None = None
    rule: str | None = None  # what allowed the approver
    digest: str | None = None  # of a list: of the accounts that are approved
    at: datetime | None = None
    reason: str | None = None  # of a no


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One accepted command, from its card to its outcome. All times are aware, in UTC."""

    ask: Ask
    version: int = 1  # counts the moves: a store writes a move only over the version that it was made from
    state: State
    candidates: tuple[Account, ...]  # the first of the `matches` accounts found
    matches: int = 1
    chosen: Account | None  # the one that is meant
    searched_as: str | None = None  # how the target was read, where no one was found as it was typed
    earlier: Earlier | None = None
    allowed_by: str
    needs: tuple[str, ...] = ()  # the rules by which a second person has to approve it
    may: tuple[str, ...] = ()  # the actions that its operator might do with the chosen account, where that is several
    may_ask: tuple[str, ...] = ()  # those of them, beside a sign-out, that a second person has to approve
    tracks_sessions: bool = False  # the pool of the chosen account does
    sessions: tuple[Session, ...] | None = None  # of the chosen account, as its card shows them; None: not known
    session: Session | None = None  # the one that is to be ended, where it is only one
    proof: Proof | None = None  # what the last list of its sessions said
    approval: Approval | None = None  # from the operator's press on, where one has to
    looked_up_at: datetime | None = None  # just before its accounts were looked up
    created_at: datetime
    expires_at: datetime  # the end of the present wait for a press
    decided_at: datetime | None = None  # the operator's press on the action, or the approver's where one is needed
    claim: Claim | None = None
    in_doubt: bool = False  # an earlier holder of the claim died; its calls, if any, got no recorded answer
    done: tuple[str, ...] = ()  # the steps that were answered with yes
    attempts: int = 0  # all calls that were sent
    error_code: str | None = None
    aws_request_ids: tuple[str, ...] = ()
    ended_at: datetime | None = None
    signed_out_at: datetime | None = None  # when Cognito said yes to that step, by its own clock, in whole seconds
    access_until: datetime | None = None  # the end of the tokens, by the settings
    login_until: datetime | None = None  # never set now: the session of a login page has no such end
    listed: Listed | None = None  # of a list
    list_id: str | None = None  # of an account of a list: the list's id
    pressed_by: Operator | None = None  # who last paused a list, let it go on, or stopped it

    @property
    def id(self) -> str:
        """The id of what was asked."""
        return self.ask.id

    @property
    def action(self) -> str:
        """What is to be done: a key of `ACTIONS`."""
        return self.ask.options.action

    @property
    def account(self) -> Account:
        """The account that is meant. Raises `LookupError` while none is chosen."""
        if self.chosen is None:
            raise LookupError("no account is chosen yet")
        return self.chosen

    @property
    def subject(self) -> Account | Listed:
        """What it is about: its account, or its list. Raises `LookupError` while none is chosen."""
        return self.listed or self.account

    @property
    def has_progress(self) -> bool:
        """Whether it is a list that was decided on, of which people can see how far it is."""
        return bool(self.listed and self.decided_at)

    @property
    def contents(self) -> Listed:
        """What the list holds that it is. Raises `LookupError` where it is not a list."""
        if self.listed is None:
            raise LookupError("this is not a list")
        return self.listed

    def move(self, state: State, **changes: Any) -> Self:
        """Return the next version, in `state`. Raises `IllegalMoveError` where the table has no such move."""
        check_move(self, state)
        return replace(self, state=state, version=self.version + 1, **changes)


def check_move(before: Request, state: State) -> None:
    """Raise `IllegalMoveError` where the table has no such move."""
    if state not in (LIST_MOVES if before.listed else MOVES)[before.state]:
        raise IllegalMoveError(f"no move leads from {before.state} to {state}")


class IllegalMoveError(Exception):
    """A move that the table does not have: a fault in the bot, never in what people typed."""
