"""Sessions that begin, end and are listed late, answers that fail, and kills, by seeds; and the rule, broken in turn.

What comes of each seed is compared with what really happened at Cognito.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from examples import NOON, worker
from stand_ins import ready_in
from test_sessions import DOUBT, GONE, LATER, NO, WAYS, KilledError, TrackedPool, away, session

from bot import sessions
from bot.account import Proof, Session
from bot.action import Answer, Done, Step, Unclear
from bot.errors import PoolUnavailableError
from bot.ports import Left
from bot.request import Request, State, new_id
from bot.sessions import Ending
from bot.stores.sqlite.store import SQLiteStore
from bot.work import CLOCKS_AGREE_WITHIN, LEASE

pytestmark = pytest.mark.long
SEEDS = 400
LATE = (0.0, 0.5, 1.5, 3.0, 60.0)  # how late lists may be
AS_PROMISED = 2.0  # so late at most, or no list proves anything
SECOND = timedelta(seconds=1)


@dataclass
class RandomPool(TrackedPool):
    """A pool that notes what it was asked and what it gave, and at which something may die."""

    random: Random = field(default_factory=Random)
    kills: float = 0.0
    given: list[Sequence[Session] | None] = field(default_factory=list)  # each list; None for one that failed
    said: list[tuple[str, Answer]] = field(default_factory=list)  # to this holder

    def sessions(self, username: str) -> list[Session]:
        """List them."""
        self._perhaps_die()
        self.given.append(None)
        listed = super().sessions(username)
        self.given[-1] = listed
        return listed

    def end_session(self, session_id: str, username: str, left: Left) -> Answer:
        """End one."""
        self._perhaps_die()
        answer = super().end_session(session_id, username, left)
        self._perhaps_die()
        self.said.append((session_id, answer))
        return answer

    def _perhaps_die(self) -> None:
        if self.random.random() < self.kills:
            self.kills = 0.0
            raise KilledError


def pool_of(seed: int) -> RandomPool:
    random = Random(seed)
    there: list[Session] = []
    for number in range(random.choice((0, 1, 2, 4))):
        began = -random.choice((SECOND / 10, timedelta(hours=1)))
        there.append(session(f"sso-{number}", began))
        there += [session(f"tkn-{number}-{each}", began, f"sso-{number}") for each in range(random.choice((0, 1, 2)))]
        if random.random() < 0.3:
            there.append(session(f"tkn-{number}-since", SECOND * random.uniform(0, 4), f"sso-{number}"))
    for number in range(random.choice((0, 1, 2))):
        there.append(session(f"tkn-alone-{number}", -random.choice((SECOND / 10, timedelta(hours=1)))))
    for number in range(random.choice((0, 0, 1, 2))):
        there.append(session(f"sso-new-{number}", SECOND * random.uniform(0, 6)))
        there.append(session(f"tkn-new-{number}", SECOND * random.uniform(6, 7), f"sso-new-{number}"))
    chance = random.choice((0.0, 0.0, 0.2, 0.6))
    ends: list[Answer | None] = [
        random.choice((LATER, NO, DOUBT)) if random.random() < chance else None for _ in range(200)
    ]
    errors = [away(code) for code in ("TimedOut", "TooManyRequestsException", "AccessDeniedException")]
    lists = [*(random.choice(errors) if random.random() < chance / 2 else None for _ in range(50)), None]
    return RandomPool(
        there=there,
        random=random,
        seconds=random.choice((0.05, 0.3, 2.0)),
        delay=random.choice(LATE),
        sign_out_ends=random.choice(WAYS),
        lists=lists if random.random() < 0.9 else [random.choice(errors)],
        ends=[*ends, None],
        does=random.choice(((), (DOUBT,))),
        kills=random.choice((0.0, 0.0, 0.1)),
    )


def live_through(seed: int, store: SQLiteStore) -> list[str]:
    """Return what is wrong with what came of a seed."""
    pool, taken_over = pool_of(seed), False
    ready = ready_in(store, tracks_sessions=True, id=new_id(NOON))
    first, heir = worker(store, pool, pool.clock), worker(store, pool, pool.clock)
    faults: list[str] = []
    try:
        ended = first.run(ready)
    except KilledError:
        faults += _faults_of_a_holder(pool)
        taken_over, pool.said = True, []
        pool.clock.sleep((LEASE + CLOCKS_AGREE_WITHIN).total_seconds() + 1)
        (dead,) = heir.waiting()
        ended = heir.run(dead)
    assert ended
    return [*faults, *_faults_of_a_holder(pool), *_faults(pool, ended, taken_over=taken_over)]


def _faults_of_a_holder(pool: RandomPool) -> Iterator[str]:
    over: set[str] = set()
    for id_, answer in pool.said:
        if id_ in over:
            yield f"{id_} was asked for after a yes"
        if isinstance(answer, Done) or answer == GONE:
            over.add(id_)


def _faults(pool: RandomPool, ended: Request, *, taken_over: bool) -> Iterator[str]:
    began = {each.id: each.began_at or NOON for each in pool.there}
    old = {id_ for id_, at in began.items() if at < NOON}
    last = pool.given[-1]
    yield from (f"{id_} began after the decision and was asked for" for id_ in pool.asked if id_ not in old)
    if pool.steps != [Step.SIGN_OUT]:
        yield f"the steps were {pool.steps}"
    if (ended.proof is None) is not (last is None):
        yield f"the last list was {last}, the proof is {ended.proof}"
    if last is None or not ended.proof:
        if ended.state is State.DONE:
            yield "it is called done without a list"
        return
    lasting = {each.id for each in last} & old
    if ended.proof.left < len(lasting) or ended.proof.at != pool.listed_at[-1]:
        yield f"{len(lasting)} were listed at {pool.listed_at[-1]}: {ended.proof}"
    if ended.state is State.DONE and not lasting <= pool.ended.keys():
        yield f"it is called done though these go on: {lasting - pool.ended.keys()}"
    if (
        ended.state is State.DONE
        and not ended.proof.left
        and pool.delay <= AS_PROMISED
        and not old <= pool.ended.keys()
    ):
        yield f"none is said to be left, though these go on: {old - pool.ended.keys()}"
    yield from (f"{each.id} is named, though it was ended" for each in ended.proof.newer if _was_ended(pool, each))
    yield from _faults_of_the_doubt(pool, ended, lasting, taken_over=taken_over)


def _was_ended(pool: RandomPool, newer: Session) -> bool:
    """Whether it was ended by the bot and not by Cognito at the sign-out."""
    linked = pool.ended.get(newer.id)
    return linked is not None and any(id_ == newer.origin_id and isinstance(said, Done) for id_, said in pool.said)


def _faults_of_the_doubt(pool: RandomPool, ended: Request, lasting: set[str], *, taken_over: bool) -> Iterator[str]:
    answers = [(id_, answer) for id_, answer in pool.said if id_ in lasting]
    over = {id_ for id_, answer in answers if isinstance(answer, Done) or answer == GONE}
    linked = {
        each.id for each in pool.there if (each.origin_id, True) in {(i, isinstance(a, Done)) for i, a in pool.said}
    }
    unsure = {id_ for id_, answer in answers if isinstance(answer, Unclear)} - over - linked
    if unsure and ended.state is not State.UNKNOWN:
        yield f"it is {ended.state} though there is a doubt about {unsure}"
    if ended.state is State.UNKNOWN and not unsure and not taken_over:
        yield "it is called unknown, though each answer is known"
    if ended.state is State.PARTLY and not lasting - over - linked:
        yield "it is called partly done, though Cognito said yes to each that is left"


def first_fault(store: SQLiteStore) -> str | None:
    return next((f"seed {seed}: {fault}" for seed in range(SEEDS) for fault in live_through(seed, store)), None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A store for many requests."""
    store = SQLiteStore(tmp_path / "store.db")
    store.open()
    yield store
    store.close()


def test_whatever_happens_the_outcome_is_what_really_came_of_it(store: SQLiteStore) -> None:
    assert first_fault(store) is None


def test_seeds_come_to_each_outcome_with_and_without_a_proof(store: SQLiteStore) -> None:
    seen = set()
    for seed in range(SEEDS):
        live_through(seed, store)
    for entry in store.entries(None, None):
        request = entry.request
        if request and request.ended_at:
            seen.add((request.state, request.proof and request.proof.left > 0))
    assert seen >= {
        *((State.DONE, False), (State.DONE, True), (State.PARTLY, True), (State.PARTLY, None)),
        *((State.UNKNOWN, True), (State.UNKNOWN, None)),
    }


def _without_the_second_list(ending: Ending) -> Answer:
    ending._end(ending._remaining())
    ending.proof = Proof(at=ending.clock.now(), left=0)
    return Done(None)


def _a_failed_list_is_empty(ending: Ending) -> list[Session]:
    try:
        return SOUND_REMAINING(ending)
    except PoolUnavailableError:
        ending.proof = Proof(at=ending.clock.now(), left=0)
        return []


def _a_later_no_counts(ending: Ending, lasting: Sequence[Session]) -> Answer:
    answer = SOUND_CAME_OF(ending, lasting)
    return NO if isinstance(answer, Unclear) else answer


SOUND_REMAINING, SOUND_CAME_OF = Ending._remaining, Ending._came_of
BROKEN: dict[str, tuple[Any, str, Any]] = {
    "sessions are called ended without the second list": (Ending, "run", _without_the_second_list),
    "a session newer than the decision is ended": (Ending, "_is_old", lambda *_: True),
    "a list that failed counts as an empty one": (Ending, "_remaining", _a_failed_list_is_empty),
    "a list from just after the decision is the proof": (sessions, "SETTLED", timedelta(0)),
    "a doubt is taken for a no": (Ending, "_came_of", _a_later_no_counts),
    "whatever is left, it is done": (Ending, "_came_of", lambda *_: Done(None)),
    "a session is asked for again after a yes": (Ending, "_is_over", lambda *_: False),
    "that a session is there no more is a no": (sessions, "GONE", "another code"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_found(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    owner, name, by = BROKEN[rule]
    monkeypatch.setattr(owner, name, by)
    if rule == "a session is asked for again after a yes":
        monkeypatch.setattr(Ending, "_may_ask", lambda *_: True)
    assert first_fault(store)
