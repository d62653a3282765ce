"""What the simulated Slack and Cognito saw, each with what the store held just then. The checks read only this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.account import Account
from bot.audit import Entry
from bot.request import Operator, Request


@dataclass(kw_only=True)
class Call:
    """One call that changes an account. Times are true ones; `clock` is the caller's own, in seconds as well.

    `clock_set`: that clock was set since the work began.
    """

    request_id: str
    operator_id: str
    claim_id: str | None  # of the claim that the caller last wrote
    pool_id: str
    username: str
    step: str
    begun: float
    clock: float
    clock_set: bool
    stored: Request | None
    instance: str
    turn: float  # when it was handed to the adapter
    lease: str | None  # the instance that held the lease of the quota, where there are lists
    done: bool = False
    code: str | None = None  # of an answer that is not yes
    answer: str | None = None  # yes, no or unclear; None where the caller died before it came
    ended: float | None = None


@dataclass(kw_only=True)
class Effect:
    """A step that was done to an account, by a call for a request or, without one, elsewhere."""

    step: str
    pool: str
    username: str
    sub: str
    request_id: str | None
    at: float


@dataclass(kw_only=True)
class Look:
    """Which account Cognito said a user name is, by its `sub`, and how it is; None for no account."""

    request_id: str
    pool_id: str
    username: str
    sub: str | None
    standing: Any
    begun: float


@dataclass(kw_only=True)
class Groups:
    """Whether Cognito said that an account is in a group that is protected, and to which instance."""

    request_id: str
    instance: str
    username: str
    protected: bool
    begun: float


@dataclass(kw_only=True)
class Members:
    """Who Cognito said is in the group that is protected, to an instance that looked up or ran a list."""

    request_id: str
    instance: str
    usernames: frozenset[str]
    begun: float
    ended: float


@dataclass(kw_only=True)
class Asked:
    """An approval or progress message, or a later version of it, as it came. `stored`: its request, as it was then."""

    ts: str
    drawn: Request
    stored: Request | None
    text: str


@dataclass(kw_only=True)
class Listing:
    """What Slack told an instance about a user group."""

    instance: str
    group_id: str
    members: frozenset[str]
    at: float


@dataclass(kw_only=True)
class Press:
    """A button that someone pressed, and the instance that Slack told."""

    action: str
    request_id: str
    number: int
    operator: Operator
    instance: str
    at: float


@dataclass(kw_only=True)
class Move:
    """A new version of a request that the store took. `clock` is the instance's own, when it was written.

    `clock_wrong`: that clock was wrong, and it could be known before the work began. `clock_set`: it was set since.
    `drained` is for how long the instance had been stopping before that work began; None for one that was not.
    """

    before: Request | None
    after: Request
    instance: str
    at: float
    clock: float
    clock_wrong: bool
    clock_set: bool
    drained: float | None


@dataclass(kw_only=True)
class Told:
    """What an operator could read. A card was drawn from `drawn`; `stored` is the request it is about, as it was then.

    `refused_at` is when the last refusal of that operator was that was in the store then.
    """

    text: str
    buttons: bool
    replace: bool
    direct: bool
    request_id: str
    operator: Operator
    drawn: Request | None
    stored: Request | None
    at: float
    refused_at: float | None


@dataclass(kw_only=True)
class Refused:
    """A refusal that an instance began to record, and whether and when it said that it did.

    `clock_set_at`: when its clock was last set before that. `draining`: it was about to stop.
    """

    entry_id: str
    instance: str
    who: tuple[str, str]
    begun: float
    at: float
    clock: float
    clock_set_at: float
    draining: bool
    returned: bool = False


@dataclass(kw_only=True)
class Post:
    """A message to the audit channel. `stored` is what the store had for its entry when it was sent.

    `held`: when the store gave the entry to the instance. `clock_set`: the instance's clock was set since this round
    of posts began.
    """

    entry_id: str
    named: str  # the entry id that its metadata carries
    outcome: str
    stored: Entry | None
    request: Request | None
    overtaken: Sequence[str]  # where it is a refusal: the outcomes that were due before it
    instance: str
    held: float
    begun: float
    clock_set: bool
    text: str = ""
    ended: float | None = None
    ts: str | None = None  # where Slack took it
    answered: bool = False  # where the bot was told so


@dataclass
class Seen:
    """Everything, in order."""

    calls: list[Call] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    asked: dict[str, Operator] = field(default_factory=dict)  # who sent each command, by its id
    groups: list[Groups] = field(default_factory=list)
    members: list[Members] = field(default_factory=list)
    approvals: list[Asked] = field(default_factory=list)
    progress: list[Asked] = field(default_factory=list)
    portions: dict[str, dict[int, Sequence[Account]]] = field(default_factory=dict)  # of each list, as the bot wrote it
    meddled: dict[str, float] = field(default_factory=dict)  # when someone else changed a list in the store
    listings: list[Listing] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    # What the store took of it: entries at once; and of each tally the number, by instance, operator and id.
    recorded: set[str] = field(default_factory=set)
    tallied: dict[tuple[str, tuple[str, str], str], int] = field(default_factory=dict)
    noted: dict[str, float] = field(default_factory=dict)  # when the store first took Slack's yes to each entry
    died: dict[str, float] = field(default_factory=dict)  # when each instance did that is no longer alive
    forgotten: int = 0
    # Filled in at the end, from the store and from Slack.
    requests: Mapping[str, Request] = field(default_factory=dict)
    entries: Sequence[Entry] = ()
    backlog: int = 0
    on_screen: Mapping[str, Sequence[Request]] = field(default_factory=dict)  # what each operator can read at last
    approval_ts: Mapping[str, list[str]] = field(default_factory=dict)  # of each request's approval messages, as stored
    progress_ts: Mapping[str, list[str]] = field(default_factory=dict)  # of each list's progress messages
    crowd: Any = None
    brakes: Any = None
    acts: Any = None
    clocks_were_set: bool = False
    quiet: bool = False
    resume_within: float = 0.0
    store_is_sound: bool = False  # it never refused a call
    unexpected: list[str] = field(default_factory=list)  # errors that no rule is known to raise
