"""Actions as data: how one of two steps is carried out, and the rows that there are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from examples import NOON, ScriptedPool, StoppedClock, worker
from stand_ins import meanwhile, ready_in

from bot.action import ACTIONS, Answer, Done, Refused, Step, Unclear, came_of
from bot.audit import POSTED, Kind
from bot.errors import ClockChangedError, StoreUnavailableError
from bot.limits import Protection
from bot.request import Request, State
from bot.wiring.stores import Store
from bot.work import LEASE, Worker

YES, NO, DOUBT = Done("aws-yes"), Refused("NotAuthorizedException", "aws-no"), Unclear("TimedOut")
UNSENT = Refused("NoCallMade", None, sent=False)
RESUME_WITHIN = timedelta(minutes=5)
BOTH = ("AdminDisableUser", "AdminUserGlobalSignOut")


@dataclass
class Story:
    """One request to keep someone out, and what answers its calls."""

    store: Store
    answers: list[Answer]
    clock: StoppedClock

    def __post_init__(self) -> None:
        self.pool = ScriptedPool(self.answers, self.clock)
        self.request = ready_in(self.store, action="keep_out")

    def worker(self, **happens: Callable[..., object]) -> Worker:
        return worker(meanwhile(self.store, **happens), self.pool, self.clock)

    def stored(self) -> Request:
        found = self.store.get(self.request.id)
        assert found
        return found

    def called(self) -> list[str]:
        return [str(step) for step in self.pool.steps]


@pytest.mark.parametrize(
    ("answers", "state", "code", "done"),
    [
        ([YES, YES], State.DONE, None, BOTH),
        ([YES, NO], State.PARTLY, "NotAuthorizedException", BOTH[:1]),
        ([YES, UNSENT], State.PARTLY, "NoCallMade", BOTH[:1]),
        ([YES, *[DOUBT] * 4], State.UNKNOWN, "TimedOut", BOTH[:1]),
        ([YES, DOUBT, NO], State.UNKNOWN, "TimedOut", BOTH[:1]),
        ([YES, DOUBT, YES], State.DONE, None, BOTH),
        ([DOUBT, YES, NO], State.PARTLY, "NotAuthorizedException", BOTH[:1]),
        ([NO], State.FAILED, "NotAuthorizedException", ()),
        ([DOUBT, NO], State.UNKNOWN, "TimedOut", ()),
    ],
)
def test_the_outcome_of_two_steps_says_no_more_than_their_answers_do(
    store: Store, answers: list[Answer], state: State, code: str | None, done: tuple[str, ...]
) -> None:
    story = Story(store, answers, StoppedClock())
    ended = story.worker().run(story.request)
    assert ended
    assert (ended.state, ended.error_code, ended.done) == (state, code, done)
    assert ended.attempts == sum(answer is not UNSENT for answer in answers)
    assert story.stored() == ended
    (*_, entry) = store.entries(None, None)
    assert entry.kind == (Kind.KEPT_OUT if state is State.DONE else Kind(state.value))
    assert entry.delivery.next_at == ended.ended_at


def test_steps_are_called_in_their_order_and_each_answer_is_noted_before_the_next_call(store: Store) -> None:
    story = Story(store, [YES, YES], StoppedClock())
    noted: list[tuple[str, ...]] = []
    story.pool.during = lambda: noted.append(story.stored().done)
    story.worker().run(story.request)
    assert story.called() == list(BOTH)
    assert noted == [(), BOTH[:1]]


def test_each_step_has_a_lease_of_its_own_under_the_same_claim(store: Store) -> None:
    story = Story(store, [YES, YES], StoppedClock())
    story.pool.seconds = 9  # with the first lease only, the second call would be too late
    claims: list[Any] = []
    story.pool.during = lambda: claims.append(story.stored().claim)
    story.worker().run(story.request)
    assert claims[0].id == claims[1].id
    assert [claim.until for claim in claims] == [NOON + LEASE, NOON + timedelta(seconds=9) + LEASE]


def test_a_lease_does_not_end_sooner_though_the_clock_was_set_back_between_the_steps(store: Store) -> None:
    """Else another would take the claim over while the second call is under way."""
    story = Story(store, [YES, YES], StoppedClock())
    untils: list[Any] = []

    def set_back() -> None:
        untils.append(getattr(story.stored().claim, "until", None))
        story.clock.time -= timedelta(minutes=9)

    story.pool.during = set_back
    story.worker().run(story.request)
    assert untils == [NOON + LEASE] * 2


def test_by_a_clock_that_was_set_no_lease_is_renewed(store: Store) -> None:
    """Else, if it was set ahead, the others would take the lease for a wrong clock's, and the claim over at once."""
    story = Story(store, [YES, YES], StoppedClock())
    story.pool.seconds = 3
    untils: list[Any] = []

    def doubt() -> None:
        untils.append(getattr(story.stored().claim, "until", None))
        story.clock.error = ClockChangedError

    story.pool.during = doubt
    ended = story.worker().run(story.request)
    assert untils == [NOON + LEASE] * 2
    assert ended
    assert ended.state is State.DONE, "what the first lease leaves time for is done"


def test_no_step_begins_later_than_resume_within_after_the_decision(store: Store) -> None:
    story = Story(store, [YES], StoppedClock(NOON + RESUME_WITHIN - timedelta(seconds=1)))
    story.pool.seconds = 2
    ended = story.worker().run(story.request)
    assert ended
    assert (ended.state, ended.error_code, story.called()) == (State.PARTLY, "NoCallMade", [BOTH[0]])


def killed() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_between_the_steps_repeats_no_step_that_is_known_to_be_done(store: Store, when: str) -> None:
    """Before the answer of the first step is noted it is not known; afterwards it is."""
    story = Story(store, [YES, YES, YES], StoppedClock())
    moves: list[None] = []

    def at_the_second_move() -> None:
        moves.append(None)
        if len(moves) == 2:
            killed()

    with pytest.raises(KeyboardInterrupt):
        story.worker(**{f"{when}_move": at_the_second_move}).run(story.request)
    story.clock.sleep(60)
    ended = story.worker().run(story.stored())
    assert ended
    assert (ended.state, ended.done) == (State.DONE, BOTH)
    assert story.called() == [BOTH[0], *(BOTH if when == "before" else BOTH[1:])]


@pytest.mark.parametrize(
    ("answers", "state"),
    [([YES, YES], State.DONE), ([YES, NO], State.UNKNOWN)],
    ids=["yes", "no"],
)
def test_a_kill_in_the_second_call_leaves_that_step_in_doubt(store: Store, answers: list[Answer], state: State) -> None:
    story = Story(store, answers, StoppedClock())
    story.pool.during = lambda: killed() if len(story.pool.steps) == 2 else None
    with pytest.raises(KeyboardInterrupt):
        story.worker().run(story.request)
    story.clock.sleep(60)
    story.pool.during = lambda: None
    ended = story.worker().run(story.stored())
    assert ended
    assert story.called() == [BOTH[0], BOTH[1], BOTH[1]]
    assert (ended.state, ended.in_doubt) == (state, True)


def test_a_step_that_is_answered_with_yes_ends_the_doubt_of_its_dead_holder(store: Store) -> None:
    """The dead one cannot have begun the second step: it would have noted the first before."""
    story = Story(store, [YES, NO], StoppedClock())
    story.pool.during = lambda: killed() if len(story.pool.steps) == 1 else None
    with pytest.raises(KeyboardInterrupt):
        story.worker().run(story.request)
    story.clock.sleep(60)
    story.pool.during = lambda: None
    ended = story.worker().run(story.stored())
    assert ended
    assert story.called() == [BOTH[0], *BOTH]
    assert ended.state is State.PARTLY


def test_a_worker_that_lost_its_claim_between_the_steps_sends_no_more(store: Store) -> None:
    story = Story(store, [YES, YES], StoppedClock())

    def another_takes_over() -> None:
        held = story.stored()
        claim = replace(held.claim, id="another's") if held.claim else None
        store.move(held, held.move(State.RUNNING, claim=claim, in_doubt=True), None, None)

    story.pool.during = another_takes_over
    assert story.worker().run(story.request) is None
    assert story.called() == [BOTH[0]]


def test_a_store_that_cannot_note_the_first_answer_means_no_second_step(store: Store) -> None:
    def away_once_called() -> None:
        if story.pool.steps:
            raise StoreUnavailableError("away")

    story = Story(store, [YES], StoppedClock())
    with pytest.raises(StoreUnavailableError):
        story.worker(before_move=away_once_called).run(story.request)
    assert story.called() == [BOTH[0]]


@pytest.mark.parametrize("action", ACTIONS)
def test_no_action_touches_what_became_protected_meanwhile(store: Store, action: str) -> None:
    pool = ScriptedPool([], StoppedClock(), groups={"ada": frozenset({"leads"})})
    leads = {"customers": Protection(groups=frozenset({"leads"}))}
    ended = worker(store, pool, pool.clock, protections=leads).run(ready_in(store, action=action))
    assert ended
    assert (ended.state, ended.error_code, pool.steps) == (State.FAILED, "Protected", [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_the_store_did_not_take_at_once_is_noted_and_its_step_not_repeated(
    store: Store, when: str
) -> None:
    def away_once() -> None:
        if len(story.pool.steps) == 1 and not away:
            away.append(True)
            raise StoreUnavailableError("away", in_doubt=when == "after")

    away: list[bool] = []
    story = Story(store, [YES, YES], StoppedClock())
    ended = story.worker(**{f"{when}_move": away_once}).run(story.request)
    assert away
    assert ended
    assert (ended.state, ended.done, story.called()) == (State.DONE, BOTH, list(BOTH))


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_has_a_step_and_an_outcome_of_its_own_that_the_trail_knows(name: str) -> None:
    action = ACTIONS[name]
    assert action.steps
    assert Kind(action.outcome) in POSTED
    assert sum(each.outcome == action.outcome for each in ACTIONS.values()) == 1


def test_an_account_is_closed_before_its_sessions_are_ended_so_that_no_one_signs_in_between() -> None:
    assert ACTIONS["keep_out"].steps == (Step.DISABLE, Step.SIGN_OUT)
    assert ACTIONS["new_password"].steps == (Step.RESET_PASSWORD, Step.SIGN_OUT)


@pytest.mark.parametrize(
    ("done", "in_doubt", "said"),
    [
        ((), False, "Not disabled. Not signed out"),
        ((), True, "Not known whether disabled. Not signed out"),
        (BOTH[:1], False, "Disabled. Not signed out"),
        (BOTH[:1], True, "Disabled. Not known whether signed out"),
        (BOTH, False, "Disabled. Signed out"),
        (BOTH, True, "Disabled. Signed out"),
    ],
)
def test_each_step_is_said_to_be_done_not_done_or_not_known(
    done: tuple[str, ...], *, in_doubt: bool, said: str
) -> None:
    assert came_of(ACTIONS["keep_out"].steps, done, in_doubt=in_doubt) == said
