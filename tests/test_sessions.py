"""Ending what is left of an account's sessions: which are ended, when a list proves it, and what is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from examples import ADA, NOON, ScriptedPool, StoppedClock, awaiting, worker
from messages import SHOWN
from stand_ins import meanwhile, ready_in

from bot.account import Proof, Session
from bot.action import Answer, Done, Refused, Step, Unclear
from bot.audit import entry_of
from bot.errors import INTERRUPTED, NO_CALL_MADE, NOT_TRACKED, PoolUnavailableError
from bot.facts.advice import result
from bot.request import Request, State
from bot.sessions import LOOKS, MAX_SESSIONS, SETTLED, each_device
from bot.slack.cards import card
from bot.slack.sessions import about_sessions, in_words, session_rows
from bot.slack.text import as_text, lines, message
from bot.terminal.screen import outcome as in_a_terminal
from bot.wiring.stores import Store
from bot.work import LEASE

T = TypeVar("T")

TOKEN, SSO = "TOKEN", "SSO"
WAYS = [(), (TOKEN,), (TOKEN, SSO)]  # what a sign-out may end by itself
NO = Refused("AccessDeniedException", "aws-no")
LATER = Refused("TooManyRequestsException", "aws-later", may_retry=True)
GONE = Refused("ResourceNotFoundException", "aws-gone")
DOUBT = Unclear("TimedOut")
YES = Done("aws-yes")
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def session(id_: str, began: timedelta = -HOUR, origin_id: str | None = None) -> Session:
    """One that began so long from noon, when the decision is; its id begins with its kind."""
    kind = SSO if id_.startswith("sso") else TOKEN
    return Session(id=id_, kind=kind, device=id_, began_at=NOON + began, last_active_at=NOON, origin_id=origin_id)


PHONE = session("sso-phone"), session("tkn-phone", origin_id="sso-phone")
LAPTOP = session("tkn-laptop", origin_id="sso-laptop"), session("sso-laptop")
TABLET = (session("tkn-tablet"),)
DEVICES = (*PHONE, *LAPTOP, *TABLET)
NEWER = session("tkn-newer", timedelta(0))


@dataclass
class TrackedPool(ScriptedPool):
    """A pool that tracks sessions. A list is as it was `delay` seconds ago.

    `lists` and `ends` are the next answers, None where the call is as usual; the last one stays. What `does` so ends
    the session all the same.
    """

    answers: Sequence[Answer] = (YES,)
    clock: StoppedClock = field(default_factory=StoppedClock)
    there: Sequence[Session] = DEVICES
    delay: float = 0.0
    sign_out_ends: Sequence[str] = ()
    lists: list[PoolUnavailableError | None] = field(default_factory=lambda: [None])
    ends: list[Answer | None] = field(default_factory=lambda: [None])
    does: Sequence[Answer] = ()
    listed_at: list[datetime] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    before_end: Callable[[], object] = lambda: None
    ended: dict[str, datetime] = field(default_factory=dict)
    tracked: list[bool] = field(default_factory=lambda: [True])  # what it says to that, the next at each question

    def tracks_sessions(self) -> bool:
        """Say whether it does."""
        return _next(self.tracked)

    def sessions(self, username: str) -> list[Session]:
        """List them."""
        assert username == ADA.username
        self.listed_at.append(self.clock.now())
        then = self.clock.now() - timedelta(seconds=self.delay)
        self.clock.sleep(self.seconds)
        if fault := _next(self.lists):
            raise fault
        return [
            each
            for each in self.there
            if (each.began_at or then) <= then and (each.id not in self.ended or self.ended[each.id] > then)
        ]

    def end_session(self, session_id: str, username: str, left: Callable[[], timedelta]) -> Answer:
        """End one, and what is linked to it."""
        assert username == ADA.username
        self.before_end()
        if left() <= timedelta(0):
            return Refused(NO_CALL_MADE, None, sent=False)
        self.asked.append(session_id)
        self.clock.sleep(self.seconds)
        answer = _next(self.ends)
        if answer and answer not in self.does:
            return answer
        if session_id in self.ended:
            return GONE
        one = next(each for each in self.there if each.id == session_id)
        self._end([one, *(each for each in self.there if each.id == one.origin_id or each.origin_id == one.id)])
        return answer or YES

    def call(self, step: Step, username: str, left: Callable[[], timedelta]) -> Answer:
        """Sign out."""
        answer, now = super().call(step, username, left), self.clock.now()
        self._end([each for each in self.there if each.kind in self.sign_out_ends and (each.began_at or now) <= now])
        return answer

    def _end(self, ended: Sequence[Session]) -> None:
        for each in ended:
            self.ended.setdefault(each.id, self.clock.now())


def _next(answers: list[T]) -> T:
    return answers.pop(0) if len(answers) > 1 else answers[0]


def away(code: str = "TimedOut") -> PoolUnavailableError:
    return PoolUnavailableError("Pool customers could not be asked.", code)


def signed_out(store: Store, pool: TrackedPool, **changes: object) -> Request:
    """Return a sign-out that was decided at noon, with its outcome."""
    ended = worker(store, pool, pool.clock).run(ready_in(store, tracks_sessions=True, **changes))
    assert ended
    assert ended == store.get(ended.id)
    assert pool.steps == [Step.SIGN_OUT]
    return ended


class TestWhatIsEnded:
    @pytest.mark.parametrize("delay", [0.0, 0.5, 1.5, 3.0])
    @pytest.mark.parametrize("ways", WAYS)
    def test_each_session_is_asked_for_once_at_most_sso_sessions_first_until_a_list_has_none(
        self, store: Store, ways: Sequence[str], delay: float
    ) -> None:
        pool = TrackedPool(delay=delay, sign_out_ends=ways)
        ended = signed_out(store, pool)
        assert (ended.state, ended.error_code) == (State.DONE, None)
        assert ended.done == (Step.SIGN_OUT, Step.END_SESSIONS)
        assert ended.proof == Proof(at=pool.listed_at[-1], left=0)
        assert len(set(pool.asked)) == len(pool.asked) == ended.attempts - 1
        assert set(pool.ended) == {each.id for each in DEVICES}
        if SSO not in ways:  # else an SSO session is there no more, and who knows if its tokens ended with it
            assert pool.asked == ["sso-phone", "sso-laptop", "tkn-tablet"][: 2 + (TOKEN not in ways or delay > 0)]
        assert sorted(pool.asked, key=lambda each: not each.startswith("sso")) == pool.asked

    def test_what_came_through_an_sso_session_ends_with_it_and_is_not_asked_for(self, store: Store) -> None:
        pool = TrackedPool(delay=60)
        signed_out(store, pool)
        assert pool.asked == ["sso-phone", "sso-laptop", "tkn-tablet"]

    def test_the_tokens_of_an_sso_session_that_had_ended_by_itself_are_ended(self, store: Store) -> None:
        pool = TrackedPool(there=PHONE, delay=2.5)
        pool.ended["sso-phone"] = NOON - TICK
        ended = signed_out(store, pool)
        assert pool.asked == ["sso-phone", "tkn-phone"]
        assert ended.state is State.DONE

    def test_those_that_began_at_the_decision_or_later_live_on_and_are_named(self, store: Store) -> None:
        pool = TrackedPool(there=(*DEVICES, NEWER))
        ended = signed_out(store, pool)
        assert ended.proof == Proof(at=pool.listed_at[-1], left=0, newer=(NEWER,))
        assert NEWER.id not in pool.asked
        assert NEWER.id not in pool.ended

    def test_of_very_many_newer_ones_only_some_are_kept_and_the_others_are_counted(self, store: Store) -> None:
        newer = [session(f"tkn-{number:03}", timedelta(0)) for number in range(120)]
        ended = signed_out(store, TrackedPool(there=newer))
        assert ended.proof
        assert (ended.proof.left, len(ended.proof.newer), ended.proof.more) == (0, MAX_SESSIONS, 110)

    def test_one_that_began_just_before_is_ended_and_so_is_one_whose_begin_is_not_known(self, store: Store) -> None:
        pool = TrackedPool(there=(session("tkn-a", -TICK), replace(session("tkn-b"), began_at=None)))
        assert signed_out(store, pool).state is State.DONE
        assert pool.asked == ["tkn-a", "tkn-b"]

    def test_a_newer_one_is_ended_only_with_the_older_session_that_it_came_through(self, store: Store) -> None:
        since = session("tkn-since", timedelta(0), origin_id="sso-phone")
        pool = TrackedPool(there=(*PHONE, since), delay=60)
        ended = signed_out(store, pool)
        assert pool.asked == ["sso-phone"]
        # It is on no list of a minute ago. Where it is on one, it is still listed, and is not said to go on.
        assert ended.proof == Proof(at=pool.listed_at[-1], left=2)
        pool = TrackedPool(there=(*PHONE, since), delay=0.05)
        assert signed_out(store, pool, ask=awaiting(id="01JDA0000000000000000000AB").ask).proof == Proof(
            at=pool.listed_at[-1], left=0
        )

    def test_where_that_session_could_not_be_ended_the_newer_one_is_named(self, store: Store) -> None:
        since = session("tkn-since", timedelta(0), origin_id="sso-phone")
        ended = signed_out(store, TrackedPool(there=(*PHONE, since), ends=[NO]))
        assert ended.proof
        assert (ended.proof.left, ended.proof.newer) == (2, (since,))


class TestTheProof:
    def test_a_list_from_just_after_the_decision_may_lack_a_session_and_proves_nothing(self, store: Store) -> None:
        pool = TrackedPool(there=[session("tkn-just-begun", -timedelta(seconds=0.1))], delay=1.0)
        ended = signed_out(store, pool)
        assert pool.asked == ["tkn-just-begun"]
        assert ended.proof
        assert ended.proof.left == 0

    def test_no_list_is_the_last_before_that_time_and_a_later_empty_one_is(self, store: Store) -> None:
        pool = TrackedPool(there=())
        ended = signed_out(store, pool)
        assert ended.proof
        assert [at >= NOON + SETTLED for at in pool.listed_at] == [False, False, True]
        assert ended.proof.at == pool.listed_at[-1]

    def test_an_empty_list_of_a_pool_that_tracks_nothing_any_more_proves_nothing(self, store: Store) -> None:
        pool = TrackedPool(there=(), tracked=[False])
        ended = signed_out(store, pool)
        assert (ended.state, ended.error_code, ended.proof) == (State.PARTLY, NOT_TRACKED, None)
        assert pool.listed_at == []
        text = card(SHOWN, ended).text
        assert "Signed out. Sessions not checked" in text
        assert "The user pool does not track sessions" in text

    def test_what_is_listed_after_the_last_look_is_counted_though_cognito_said_yes_for_each(self, store: Store) -> None:
        pool = TrackedPool(delay=sum(LOOKS) + 60)
        ended = signed_out(store, pool)
        assert (ended.state, ended.error_code) == (State.DONE, None)
        assert ended.proof == Proof(at=pool.listed_at[-1], left=len(DEVICES))
        assert len(pool.listed_at) == len(LOOKS) + 1
        assert len(pool.asked) == len(set(pool.asked)) == 3

    def test_one_that_comes_to_light_only_in_the_last_list_is_not_called_ended(self, store: Store) -> None:
        pool = TrackedPool(there=[*TABLET, session("tkn-late", -TICK)], delay=sum(LOOKS), seconds=0.1)
        ended = signed_out(store, pool)
        assert pool.asked == ["tkn-tablet"]
        assert (ended.state, ended.error_code) == (State.PARTLY, NO_CALL_MADE)
        assert ended.proof == Proof(at=pool.listed_at[-1], left=1)


BACK = [None]
REFUSED_LIST, THROTTLED_LIST = away("AccessDeniedException"), away("TooManyRequestsException")


class TestListsThatFail:
    @pytest.mark.parametrize("error", [REFUSED_LIST, THROTTLED_LIST, away(), away("InternalErrorException")])
    @pytest.mark.parametrize("times", [1, len(LOOKS)])
    def test_what_fails_is_asked_again_and_may_come_right(
        self, store: Store, error: PoolUnavailableError, times: int
    ) -> None:
        pool = TrackedPool(lists=[*[error] * times, None], sign_out_ends=(TOKEN, SSO))
        ended = signed_out(store, pool)
        assert (ended.state, ended.error_code, pool.asked) == (State.DONE, None, [])
        assert ended.proof
        assert ended.proof.left == 0

    @pytest.mark.parametrize("ways", WAYS)
    @pytest.mark.parametrize("error", [REFUSED_LIST, THROTTLED_LIST, away()])
    def test_without_any_list_nothing_is_said_of_the_sessions_but_that_they_were_not_checked(
        self, store: Store, error: PoolUnavailableError, ways: Sequence[str]
    ) -> None:
        ended = signed_out(store, TrackedPool(lists=[error], sign_out_ends=ways))
        assert (ended.state, ended.error_code, ended.proof) == (State.PARTLY, error.error_code, None)
        title, meaning = result(ended)
        assert title == "Signed out. Sessions not checked"
        assert f"({error.error_code})" in meaning

    @pytest.mark.parametrize("error", [REFUSED_LIST, THROTTLED_LIST, away()])
    def test_once_some_were_ended_but_the_last_list_fails_it_is_not_known(
        self, store: Store, error: PoolUnavailableError
    ) -> None:
        ended = signed_out(store, TrackedPool(lists=[None, error]))
        assert (ended.state, ended.error_code, ended.proof) == (State.UNKNOWN, error.error_code, None)
        assert result(ended)[0] == "Signed out. Not known whether all sessions were ended"

    def test_an_error_before_cognito_was_asked_has_a_code_too(self, store: Store) -> None:
        ended = signed_out(store, TrackedPool(lists=[PoolUnavailableError("Too many sessions to list.")]))
        assert (ended.state, ended.error_code) == (State.PARTLY, NO_CALL_MADE)


class TestEndsThatFail:
    def test_a_clear_no_is_asked_for_once_and_is_no_success(self, store: Store) -> None:
        pool = TrackedPool(ends=[NO])
        ended = signed_out(store, pool)
        assert sorted(pool.asked) == sorted(each.id for each in DEVICES)
        assert (ended.state, ended.error_code) == (State.PARTLY, NO.code)
        assert ended.proof == Proof(at=pool.listed_at[-1], left=len(DEVICES))
        assert result(ended)[0] == "Signed out. Not all sessions ended"

    def test_a_no_for_one_of_them_leaves_only_that_one(self, store: Store) -> None:
        pool = TrackedPool(ends=[NO, None])
        ended = signed_out(store, pool)
        assert pool.asked == ["sso-phone", "sso-laptop", "tkn-phone", "tkn-tablet"]
        assert ended.state is State.DONE  # to end the tokens ended the browser's session with them

    def test_a_no_for_one_without_tokens_is_no_success(self, store: Store) -> None:
        ended = signed_out(store, TrackedPool(there=[PHONE[0], *LAPTOP], ends=[NO, None]))
        assert (ended.state, ended.error_code) == (State.PARTLY, NO.code)
        assert ended.proof
        assert ended.proof.left == 1

    def test_a_throttled_one_is_asked_for_again_after_the_next_list_and_the_others_wait_too(self, store: Store) -> None:
        pool = TrackedPool(ends=[LATER, None])
        ended = signed_out(store, pool)
        assert pool.asked == ["sso-phone", "sso-laptop", "tkn-phone", "tkn-tablet", "sso-phone"]
        assert ended.state is State.DONE

    def test_while_cognito_goes_on_throttling_each_list_is_followed_by_one_call(self, store: Store) -> None:
        pool = TrackedPool(ends=[LATER])
        ended = signed_out(store, pool)
        assert len(pool.asked) == len(LOOKS)
        assert (ended.state, ended.error_code) == (State.PARTLY, LATER.code)

    @pytest.mark.parametrize("ends", [[DOUBT], [DOUBT, NO], [DOUBT, LATER]])
    def test_after_a_doubt_no_refusal_makes_it_certain(self, store: Store, ends: list[Answer | None]) -> None:
        ended = signed_out(store, TrackedPool(there=TABLET, ends=ends))
        assert (ended.state, ended.error_code) == (State.UNKNOWN, DOUBT.code)
        assert result(ended)[0] == "Signed out. Not known whether all sessions were ended"

    def test_a_doubt_about_one_and_a_no_for_another_is_not_known(self, store: Store) -> None:
        ended = signed_out(store, TrackedPool(there=[PHONE[0], *TABLET], ends=[NO, DOUBT]))
        assert (ended.state, ended.error_code) == (State.UNKNOWN, DOUBT.code)

    def test_a_list_without_it_ends_the_doubt(self, store: Store) -> None:
        pool = TrackedPool(there=TABLET, ends=[DOUBT], does=[DOUBT])
        ended = signed_out(store, pool)
        assert (ended.state, ended.error_code, pool.asked) == (State.DONE, None, ["tkn-tablet"])

    def test_that_it_is_there_no_more_ends_the_doubt_too(self, store: Store) -> None:
        pool = TrackedPool(there=TABLET, ends=[DOUBT, None], does=[DOUBT], delay=60)
        ended = signed_out(store, pool)
        assert (ended.state, pool.asked) == (State.DONE, ["tkn-tablet"] * 2)

    @pytest.mark.parametrize("delay", [0.5, 60])
    def test_what_the_sign_out_has_ended_but_is_still_listed_is_not_said_to_be_refused(
        self, store: Store, delay: float
    ) -> None:
        pool = TrackedPool(delay=delay, sign_out_ends=(TOKEN, SSO))
        ended = signed_out(store, pool)
        assert (ended.state, ended.error_code) == (State.DONE, None)
        assert len(pool.asked) == len(set(pool.asked))


class TestALongRun:
    def test_the_lease_is_renewed_so_that_no_one_takes_it_over(self, store: Store) -> None:
        pool = TrackedPool(there=[session(f"tkn-{number}") for number in range(100)], seconds=0.9)
        other = worker(store, pool, pool.clock)
        pool.before_end = lambda: taken.extend(other.waiting())
        taken: list[Request] = []
        ended = signed_out(store, pool)
        assert pool.clock.now() > NOON + 2 * LEASE
        assert (ended.state, taken, len(pool.asked)) == (State.DONE, [], 100)

    def test_slow_lists_do_not_keep_it_from_ending_what_is_left(self, store: Store) -> None:
        pool = TrackedPool(seconds=6.5)
        assert signed_out(store, pool).state is State.DONE

    def test_no_call_is_sent_after_the_time_from_the_decision_is_over(self, store: Store) -> None:
        pool = TrackedPool(there=[session(f"tkn-{number}") for number in range(100)], seconds=6.5)
        ended = signed_out(store, pool)
        assert len(pool.asked) < 100
        assert (ended.state, ended.error_code) == (State.PARTLY, NO_CALL_MADE)
        assert ended.proof
        assert ended.proof.left == 100 - len(pool.asked)

    def test_one_whose_claim_was_taken_over_ends_no_more(self, store: Store) -> None:
        pool = TrackedPool()
        asked_by_the_first: list[str] = []

        def sleep_for_long() -> None:
            if len(pool.asked) == 1 and not asked_by_the_first:
                asked_by_the_first.extend(pool.asked)
                pool.clock.sleep(LEASE.total_seconds() + 6)
                (dead,) = worker(store, pool, pool.clock).waiting()
                others.append(worker(store, pool, pool.clock).run(dead))

        others: list[Request | None] = []
        pool.before_end = sleep_for_long
        ended = signed_out(store, pool)
        assert others == [ended]
        assert ended.state is State.DONE
        assert pool.asked == ["sso-phone", "sso-laptop", "tkn-tablet"]


class TestATakeOver:
    @pytest.mark.parametrize("is_gone", [True, False], ids=["its pool is gone", "its list is refused"])
    def test_where_it_can_do_nothing_the_outcome_says_what_is_not_known_and_why(
        self,
        store: Store,
        is_gone: bool,  # noqa: FBT001 -- an example
    ) -> None:
        pool = TrackedPool()

        def die() -> None:
            raise KilledError

        pool.before_end = die
        with pytest.raises(KilledError):
            worker(store, pool, pool.clock).run(ready_in(store, tracks_sessions=True))
        pool.clock.sleep(LEASE.total_seconds() + 6)
        pool.lists, pool.before_end = [REFUSED_LIST], lambda: None
        heir = worker(store, pool, pool.clock)
        (dead,) = heir.waiting()
        if is_gone:
            pool.pool_id = "eu-central-1_another"
            pool.clock.sleep(300)  # until then another instance may have it
        ended = heir.run(dead)
        assert ended
        assert (ended.state, ended.error_code) == (State.UNKNOWN, INTERRUPTED)
        assert "What came of an earlier try was not recorded." in result(ended)[1]


class KilledError(BaseException):
    """The process ends here."""


class TestAKill:
    @pytest.mark.parametrize("at", range(3))
    @pytest.mark.parametrize("delay", [0.0, 60.0])
    def test_the_step_is_taken_over_and_repeated_as_a_whole_and_the_sign_out_is_not(
        self, store: Store, at: int, delay: float
    ) -> None:
        pool = TrackedPool(delay=delay)

        def die() -> None:
            if len(pool.asked) == at:
                raise KilledError

        pool.before_end = die
        with pytest.raises(KilledError):
            worker(store, pool, pool.clock).run(ready_in(store, tracks_sessions=True))
        pool.before_end = lambda: None
        pool.clock.sleep(LEASE.total_seconds() + 6)
        heir = worker(store, pool, pool.clock)
        (dead,) = heir.waiting()
        assert dead.done == (Step.SIGN_OUT,)
        ended = heir.run(dead)
        assert ended
        assert (ended.state, pool.steps) == (State.DONE, [Step.SIGN_OUT])
        assert set(pool.ended) == {each.id for each in DEVICES}
        assert ended.proof == Proof(at=pool.listed_at[-1], left=0 if delay == 0 else len(DEVICES))

    def test_taken_over_too_late_it_lists_and_ends_none_and_that_is_not_known(self, store: Store) -> None:
        pool = TrackedPool()

        def die() -> None:
            raise KilledError

        pool.before_end = die
        with pytest.raises(KilledError):
            worker(store, pool, pool.clock).run(ready_in(store, tracks_sessions=True))
        pool.before_end = lambda: None
        pool.clock.time = NOON + timedelta(days=1)
        heir = worker(store, pool, pool.clock)
        ended = heir.run(heir.waiting()[0])
        assert ended
        assert (ended.state, pool.asked, pool.steps) == (State.UNKNOWN, [], [Step.SIGN_OUT])
        assert (len(pool.listed_at), ended.proof) == (1, None)

    def test_a_store_that_takes_no_note_of_the_sign_out_keeps_the_sessions_from_being_ended(self, store: Store) -> None:
        pool = TrackedPool()

        def die() -> None:
            if pool.steps:
                raise KilledError

        with pytest.raises(KilledError):
            worker(meanwhile(store, before_move=die), pool, pool.clock).run(ready_in(store, tracks_sessions=True))
        assert (pool.listed_at, pool.asked) == ([], [])


class TestOneSession:
    def ended(self, store: Store, pool: TrackedPool) -> Request:
        ready = ready_in(store, tracks_sessions=True, session=PHONE[0], action="end_session")
        ended = worker(store, pool, pool.clock).run(ready)
        assert ended
        assert (pool.steps, pool.listed_at) == ([], []), "only that call"
        return ended

    def test_it_ends_and_what_came_through_it_and_no_other(self, store: Store) -> None:
        pool = TrackedPool()
        ended = self.ended(store, pool)
        assert (ended.state, ended.done, ended.proof) == (State.DONE, (Step.END_SESSION,), None)
        assert set(pool.ended) == {each.id for each in PHONE}
        assert result(ended) == ("Session ended", "")
        assert ended.access_until
        assert store.last_signed_out(ADA) is None

    @pytest.mark.parametrize(
        ("answers", "state", "calls", "title"),
        [
            ([LATER, YES], State.DONE, 2, "Session ended"),
            ([LATER], State.FAILED, 4, "Session not ended"),
            ([NO], State.FAILED, 1, "Session not ended"),
            ([GONE], State.FAILED, 1, "Session not ended"),
            ([DOUBT, NO], State.UNKNOWN, 2, "Not known whether the session was ended"),
            ([DOUBT, YES], State.DONE, 2, "Session ended"),
        ],
    )
    def test_its_answers_count_as_those_of_any_step(
        self, store: Store, answers: list[Answer | None], state: State, calls: int, title: str
    ) -> None:
        pool = TrackedPool(ends=answers)
        ended = self.ended(store, pool)
        assert (ended.state, len(pool.asked), result(ended)[0]) == (state, calls, title)

    def test_one_that_has_ended_by_itself_is_said_to_be_there_no_more(self, store: Store) -> None:
        pool = TrackedPool(ends=[GONE])
        assert "Cognito no longer has this session" in result(self.ended(store, pool))[1]


class TestDevices:
    def test_what_came_through_an_sso_session_is_one_device_with_it_used_when_either_was(self) -> None:
        sso, token = PHONE
        token = replace(token, last_active_at=NOON + HOUR)
        assert each_device([sso, token, *TABLET]) == (replace(sso, last_active_at=NOON + HOUR), *TABLET)

    def test_tokens_whose_sso_session_is_over_are_a_device_of_their_own(self) -> None:
        assert each_device([PHONE[1]]) == (PHONE[1],)

    def test_the_one_used_last_is_first_and_those_of_unknown_times_are_last(self) -> None:
        unknown = replace(session("tkn-a"), last_active_at=None)
        before = replace(session("tkn-b"), last_active_at=NOON - HOUR)
        assert each_device([unknown, before, *TABLET]) == (*TABLET, before, unknown)


# What people read


ENDED = {"tracks_sessions": True, "state": State.DONE, "done": (Step.SIGN_OUT, Step.END_SESSIONS), "ended_at": NOON}


def said(request: Request) -> str:
    return as_text(message(lines(about_sessions(SHOWN, request))).blocks)


def proved(left: int = 0, newer: Sequence[Session] = (), **changes: object) -> Request:
    return awaiting(**ENDED | {"proof": Proof(at=NOON, left=left, newer=tuple(newer))} | changes)


@pytest.mark.parametrize(
    ("left", "begins", "ends"),
    [
        (0, "No session is left (checked ", ")."),
        (1, "1 session was still listed at ", ". Check again with /signout ada."),
        (2, "2 sessions were still listed at ", ". Check again with /signout ada."),
    ],
)
def test_the_proof_is_said_with_its_time(left: int, begins: str, ends: str) -> None:
    words = said(proved(left))
    assert words.startswith(begins)
    assert words.endswith(ends)
    assert "2026-11-22 12:00" in words


def test_with_newer_sessions_it_is_not_said_that_none_is_left() -> None:
    words = said(proved(newer=[NEWER]))
    assert words.startswith("No session from before the press is left (checked ")
    assert "These began after the press" in words
    assert in_words(SHOWN, NEWER) in words


def test_very_many_newer_sessions_are_counted_and_not_all_named() -> None:
    newer = each_device([session(f"tkn-{number:02}", timedelta(0)) for number in range(MAX_SESSIONS)])
    words = said(replace(proved(), proof=Proof(at=NOON, left=0, newer=newer, more=3)))
    assert words.count("tkn-") == MAX_SESSIONS
    assert words.endswith("and 3 more.")


@pytest.mark.parametrize("username", ["ada@example.com", "+491701234567", "ada lovelace", "a'da"])
def test_the_command_to_check_again_finds_the_account_whatever_is_masked(username: str) -> None:
    words = said(proved(1, chosen=replace(ADA, username=username, phone=username)))
    assert f"Check again with /signout {ADA.sub}." in words
    assert username not in words


def test_an_address_is_shown_only_with_full_personal_data() -> None:
    one = replace(TABLET[0], address="203.0.113.7", city="Lisbon", country="Portugal")
    assert "203.0.113.7" not in in_words(SHOWN, one)
    assert "203.0.113.7" in in_words(replace(SHOWN, pii="full"), one)
    assert "203.0.113.7" not in repr(one)


def test_what_cognito_does_not_know_of_a_session_is_left_out() -> None:
    assert in_words(SHOWN, Session(id="tkn-a", kind=TOKEN)) == "Unknown device · app"


@pytest.mark.parametrize("state", [State.PARTLY, State.UNKNOWN])
def test_the_card_of_a_sign_out_that_did_not_end_all_says_how_many_are_listed(state: State) -> None:
    shown = as_text(card(SHOWN, proved(2, state=state, done=(Step.SIGN_OUT,), error_code=NO.code)).blocks)
    assert "2 sessions were still listed at " in shown


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN, State.PARTLY])
def test_where_the_sign_out_itself_came_to_nothing_no_session_is_said_to_be_left_or_not(state: State) -> None:
    done = (Step.DISABLE,) if state is State.PARTLY else ()
    request = awaiting(**ENDED | {"state": state, "done": done, "error_code": NO.code, "action": "keep_out"})
    title = result(request)[0]
    assert title.endswith("Sessions not checked")
    assert "Not all sessions" not in title


def test_a_card_without_a_list_says_so_and_one_with_an_empty_list_says_that() -> None:
    assert "not on this card" in as_text(message(*session_rows(SHOWN, awaiting(sessions=None))).blocks)
    assert "lists no session" in as_text(message(*session_rows(SHOWN, awaiting(sessions=()))).blocks)


def test_only_a_card_with_as_many_sessions_as_it_can_have_says_that_there_may_be_more() -> None:
    def words(number: int) -> str:
        sessions = tuple(session(f"tkn-{each}") for each in range(number))
        return as_text(message(*session_rows(SHOWN, awaiting(sessions=sessions))).blocks)

    assert "There may be more" not in words(MAX_SESSIONS - 1)
    assert "There may be more" in words(MAX_SESSIONS)


def test_a_terminal_is_silent_on_success_unless_something_is_still_listed() -> None:
    assert in_a_terminal(proved()) == ""
    assert "still listed at 2026-11-22 12:00:00 UTC: 2." in in_a_terminal(proved(2))
    assert "began since the command and may go on: 1." in in_a_terminal(proved(newer=[NEWER]))
    failed = proved(2, state=State.PARTLY, done=(Step.SIGN_OUT,), error_code=NO.code)
    assert "still listed" in in_a_terminal(failed)


def test_the_trail_keeps_the_session_that_was_ended_and_not_the_others() -> None:
    request = awaiting(sessions=DEVICES, session=PHONE[0])
    kept = entry_of(request, NOON).request
    assert kept
    assert (kept.sessions, kept.session) == (None, PHONE[0])
