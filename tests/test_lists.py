from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import KIM, NOON, SAM, approvals, claimed_in
from lists import Setting, people, press

from bot.action import OTHERS, Answer, Done, Refused, Unclear
from bot.approve import ApprovalSettings
from bot.audit import Kind
from bot.authorize import NO_ONE, Allowed, Allowlist, Home
from bot.decide import AlreadyDecidedError
from bot.errors import (
    LIST_CHANGED,
    ClockChangedError,
    DeniedError,
    LimitReachedError,
    NotYoursError,
    OldListError,
    PoolChangedError,
    SecondPersonError,
    UnknownRequestError,
    UsageError,
)
from bot.limits import Limits
from bot.list_accounts import digest_of
from bot.lists import Wanted
from bot.request import AWAITING, Claim, Operator, Request, State
from bot.stores.sqlite.store import SQLiteStore


@pytest.fixture
def store(tmp_path: Path) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    return store


def test_a_list_is_previewed_confirmed_and_each_account_signed_out_once(store: SQLiteStore) -> None:
    setting = Setting(store, people(250))
    listed = setting.preview(*(f"p{n:05}" for n in range(250)), "p00000", "nobody")
    contents = listed.contents
    assert (contents.lines, contents.size, contents.twice, contents.not_found.count) == (252, 250, 1, 1)
    ready = setting.rules.confirm(press(listed))
    assert ready.state is State.READY
    setting.run()
    done = setting.get(ready)
    assert (done.state, done.contents.counts.done) == (State.DONE, 250)
    kinds = [entry.kind for entry in setting.entries(done)]
    assert kinds.count(Kind.SIGNED_OUT) == 251
    assert len({entry.ask.id for entry in setting.entries(done)}) == 251


def test_an_account_is_called_once_though_the_instance_dies_in_between(store: SQLiteStore) -> None:
    """The second instance goes on where the first one was killed, after its lease."""
    setting = Setting(store, people(60))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(60)))

    class KilledError(BaseException):
        pass

    def die() -> None:
        if len(setting.pool.called_at) == 40:
            raise KilledError

    setting.pool.during = die
    with pytest.raises(KilledError):
        setting.run()
    setting.pool.during = lambda: None
    other = setting.another()
    other.sweep()
    assert len(setting.pool.called_at) == 40  # the lease of the first one holds
    setting.clock.sleep(21)
    other.sweep()
    while setting.get(listed).state is State.RUNNING:
        setting.clock.sleep(21)
        other.sweep()
    done = setting.get(listed)
    assert (done.state, done.contents.counts.done) == (State.DONE, 60)
    assert len(setting.pool.called_at) == 61  # one whose answer was lost
    assert sum(entry.kind is Kind.SIGNED_OUT for entry in setting.entries(done)) == 61


def test_a_list_that_no_one_worked_on_for_long_is_paused_until_someone_lets_it_go_on(store: SQLiteStore) -> None:
    setting = Setting(store, people(5))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(5)))
    setting.clock.sleep(301)
    setting.run()
    paused = setting.get(listed)
    assert (paused.state, paused.contents.trouble, setting.pool.called_at) == (State.PAUSED, "TooLate", [])
    setting.run()
    assert setting.get(listed) == paused
    setting.rules.go_on(press(listed))
    setting.run()
    assert setting.get(listed).state is State.DONE


@pytest.mark.parametrize("hours", [25, -25])
def test_a_list_that_was_looked_up_more_than_a_day_ago_goes_on_no_more_and_can_be_stopped(
    store: SQLiteStore, hours: int
) -> None:
    """By then its user names may be other people's. A clock that was set back does not say how long ago that was."""
    setting = Setting(store, people(5))
    setting.clock.beyond = lambda longest: setting.clock.now() + longest  # it is confirmed
    listed = setting.confirmed(*setting.names())
    setting.rules.pause(press(listed))
    setting.clock.time += timedelta(hours=hours)
    paused = setting.get(listed)
    with pytest.raises(OldListError):
        setting.rules.go_on(press(listed))
    assert setting.get(listed) == paused
    setting.rules.stop(press(listed))
    setting.run()
    assert (setting.get(listed).state, setting.pool.called) == (State.FAILED, [])


def test_a_list_that_was_decided_by_a_clock_that_was_ahead_is_paused(store: SQLiteStore) -> None:
    """It is not known how long ago the decision was."""
    setting = Setting(store, people(5))
    setting.clock.beyond = lambda longest: setting.clock.now() + longest  # it is confirmed
    setting.clock.time += timedelta(days=2)
    listed = setting.confirmed(*setting.names())
    setting.clock.time -= timedelta(days=2)
    setting.run()
    paused = setting.get(listed)
    assert (paused.state, paused.contents.trouble, setting.pool.called) == (State.PAUSED, "TooLate", [])


def test_a_stop_is_durable_and_says_what_was_done(store: SQLiteStore) -> None:
    setting = Setting(store, people(50))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(50)))

    def stop() -> None:
        if len(setting.pool.called_at) == 20:
            setting.rules.stop(press(listed))

    setting.pool.during = stop
    setting.run()
    stopped = setting.get(listed)
    assert stopped.state is State.PARTLY
    assert 20 <= stopped.contents.counts.done < 40
    assert len(setting.pool.called_at) == stopped.contents.counts.done


def test_a_list_that_was_changed_after_the_decision_does_not_run(store: SQLiteStore) -> None:
    setting = Setting(store, people(5))
    listed = setting.confirmed("p00000", "p00001")
    store.put_portion(listed.id, 0, people(3)[1:])
    setting.run()
    failed = setting.get(listed)
    assert (failed.state, failed.error_code, setting.pool.called_at) == (State.FAILED, "ListChanged", [])


def test_the_pace_is_kept(store: SQLiteStore) -> None:
    setting = Setting(store, people(100))
    setting.confirmed(*(f"p{n:05}" for n in range(100)))
    setting.run()
    called = [at.timestamp() for at in setting.pool.called_at]
    assert all(sum(at <= other < at + 1 for other in called) <= 13 for at in called)
    assert 99 / (called[-1] - called[0]) > 0.98 * 12


# Presses: choose, confirm with its limits and approvals, pause, go on, stop, again

APPROVERS = Allowlist(Allowed(users=frozenset({KIM.id})), {"customers": Allowed()}, table="approve")
EVE = Operator(team_id="T0SIGNOUT1", id="U0EVE00001", name="eve")


def with_approvals(store: SQLiteStore, count: int, **changes: Any) -> Setting:
    """Return a setting in which KIM may approve."""
    asking = ApprovalSettings(channel_id="C0APPROVE1", **changes.pop("asking", {}))
    changes = {"approvers": APPROVERS, "approving": {"customers": asking}} | changes
    return Setting(store, people(count, preferred_username="twin"), changes=changes)


def test_an_account_that_was_chosen_is_signed_out_with_the_others(store: SQLiteStore) -> None:
    setting = with_approvals(store, 4)
    request = setting.preview("p00000", "twin")
    chosen = setting.rules.choose(press(request, number=2))
    assert (chosen.contents.size, chosen.contents.choices) == (2, ())
    done = run(setting, setting.rules.confirm(press(request)))
    assert (done.state, done.contents.counts.done) == (State.DONE, 2)
    assert signed_out(setting, done) == ["p00000", "p00002"]


def test_who_was_in_the_list_already_is_not_in_it_twice_when_chosen(store: SQLiteStore) -> None:
    setting = with_approvals(store, 4)
    request = setting.preview("p00000", "twin")
    chosen = setting.rules.choose(press(request, number=0))
    assert (chosen.contents.size, chosen.contents.twice) == (1, 1)


@pytest.mark.parametrize("number", [-1, 4, 99])
def test_a_choice_that_is_not_there_changes_nothing(store: SQLiteStore, number: int) -> None:
    setting = with_approvals(store, 4)
    request = setting.preview("p00000", "twin")
    with pytest.raises(AlreadyDecidedError):
        setting.rules.choose(press(request, number=number))
    assert setting.get(request) == request


def test_one_account_is_chosen_of_a_line_and_the_second_press_changes_nothing(store: SQLiteStore) -> None:
    setting = with_approvals(store, 4)
    request = setting.preview("p00000", "twin")
    setting.rules.choose(press(request, number=2))
    with pytest.raises(AlreadyDecidedError):
        setting.rules.choose(press(request, number=3))
    assert signed_out(setting, run(setting, setting.rules.confirm(press(request)))) == ["p00000", "p00002"]


class Racing(SQLiteStore):
    """A store in which something else happens just before the next move."""

    first: Callable[[], object] | None = None

    def move(self, *arguments: Any, **more: Any) -> None:
        first, self.first = self.first, None
        if first:
            first()
        super().move(*arguments, **more)


@pytest.fixture
def racing(tmp_path: Path) -> Racing:
    store = Racing(tmp_path / "signout.db")
    store.open()
    return store


def test_a_choice_that_comes_after_the_confirmation_signs_no_one_out(racing: Racing) -> None:
    setting = with_approvals(racing, 4)
    request = setting.preview("p00000", "twin")
    racing.first = lambda: setting.rules.confirm(press(request))
    with pytest.raises(AlreadyDecidedError):
        setting.rules.choose(press(request, number=2))
    done = run(setting, request)
    assert (done.state, signed_out(setting, done)) == (State.DONE, ["p00000"])


def test_of_two_choices_at_the_same_moment_one_counts_and_the_list_runs_with_it(racing: Racing) -> None:
    setting = with_approvals(racing, 4)
    request = setting.preview("p00000", "twin")
    racing.first = lambda: setting.rules.choose(press(request, number=2))
    with pytest.raises(AlreadyDecidedError):
        setting.rules.choose(press(request, number=3))
    done = run(setting, setting.rules.confirm(press(request)))
    assert (done.state, signed_out(setting, done)) == (State.DONE, ["p00000", "p00002"])


@pytest.mark.parametrize(("above", "needs"), [(3, ()), (2, ("approve.above",)), (0, ("approve.above",)), (None, ())])
def test_a_list_of_more_accounts_than_the_settings_say_has_to_be_approved(
    store: SQLiteStore, above: int | None, needs: tuple[str, ...]
) -> None:
    setting = with_approvals(store, 3, asking={"above": above})
    request = setting.preview(*setting.names())
    confirmed = setting.rules.confirm(press(request))
    assert (request.needs, confirmed.needs) == (needs, needs)
    assert confirmed.state is (State.APPROVING if needs else State.READY)


def test_a_choice_can_make_a_list_one_that_has_to_be_approved(store: SQLiteStore) -> None:
    setting = with_approvals(store, 3, asking={"above": 1})
    request = setting.preview("p00000", "twin")
    assert request.needs == ()
    chosen = setting.rules.choose(press(request, number=1))
    assert chosen.needs == ("approve.above",)
    assert setting.rules.confirm(press(request)).state is State.APPROVING


def test_a_list_that_was_approved_runs_and_one_that_was_denied_does_not(store: SQLiteStore) -> None:
    setting = with_approvals(store, 3, asking={"above": 1})
    for decide, state, calls in (("approve", State.DONE, 3), ("deny", State.DENIED, 3)):
        request = setting.confirmed(*setting.names())
        getattr(approvals(setting.rules), decide)(press(request, KIM))
        setting.run()
        assert (setting.get(request).state, len(setting.pool.called_at)) == (state, calls)
        setting.clock.sleep(5)


def test_no_one_approves_their_own_list_and_no_stranger_does(store: SQLiteStore) -> None:
    both = Allowlist(Allowed(users=frozenset({KIM.id, SAM.id})), {"customers": Allowed()}, table="approve")
    setting = with_approvals(store, 3, asking={"above": 1}, approvers=both)
    request = setting.confirmed(*setting.names())
    for who in (SAM, EVE):
        with pytest.raises(DeniedError):
            approvals(setting.rules).approve(press(request, who))
    setting.run()
    assert (setting.get(request).state, setting.pool.called_at) == (State.APPROVING, [])


def test_a_list_that_needs_approval_is_not_opened_where_no_one_could_approve_it(store: SQLiteStore) -> None:
    only_sam = Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()}, table="approve")
    setting = with_approvals(store, 3, asking={"above": 1}, approvers=only_sam)
    with pytest.raises(SecondPersonError):
        setting.preview(*setting.names())
    assert [entry.kind for entry in store.entries(None, None)] == [Kind.OPENED, Kind.CANCELLED]


def test_a_list_of_someone_who_may_only_ask_has_to_be_approved(store: SQLiteStore) -> None:
    asks = Allowlist(Allowed(ask=Allowed(users=frozenset({SAM.id}))), {"customers": Allowed()})
    setting = with_approvals(store, 3, allowlist=asks)
    confirmed = setting.confirmed(*setting.names())
    assert confirmed.state is State.APPROVING
    approvals(setting.rules).approve(press(confirmed, KIM))
    assert run(setting, confirmed).state is State.DONE


def test_a_list_that_was_changed_after_its_approval_was_asked_for_does_not_run(store: SQLiteStore) -> None:
    setting = with_approvals(store, 3, asking={"above": 1})
    request = setting.confirmed("p00000", "p00001")
    changed = replace(request.contents, digest=digest_of(people(3)[1:]))
    approved = approvals(setting.rules).approve(press(request, KIM))
    store.put_portion(request.id, 0, people(3)[1:])
    store.move(approved, approved.move(State.PAUSED, listed=changed), None, None)  # as if its digest were changed too
    setting.rules.go_on(press(request))
    failed = run(setting, request)
    assert (failed.state, failed.error_code, setting.pool.called_at) == (State.FAILED, LIST_CHANGED, [])


def limited(store: SQLiteStore, most: int, **changes: Any) -> Setting:
    limits = Limits(windows=store.windows, per_operator=most)
    return with_approvals(store, 6, limits=limits, **changes)


def test_a_list_counts_as_its_size(store: SQLiteStore) -> None:
    setting = limited(store, 5, approvers=NO_ONE, approving={})
    setting.confirmed("p00000", "p00001", "p00002")
    second = setting.preview("p00003", "p00004", "p00005")
    with pytest.raises(LimitReachedError):
        setting.rules.confirm(press(second))
    third = setting.preview("p00003", "p00004")
    assert setting.rules.confirm(press(third)).state is State.READY
    setting.clock.sleep(3601)
    assert setting.confirmed("p00003", "p00004", "p00005").state is State.READY


def test_a_list_beyond_a_limit_has_to_be_approved_where_someone_may(store: SQLiteStore) -> None:
    setting = limited(store, 2)
    confirmed = setting.confirmed("p00003", "p00004", "p00005")
    assert (confirmed.state, confirmed.needs) == (State.APPROVING, ("limits.per_operator",))
    approvals(setting.rules).approve(press(confirmed, KIM))
    assert run(setting, confirmed).state is State.DONE
    assert limits_left(setting) == 0


def limits_left(setting: Setting) -> int:
    return setting.rules.limits.left(SAM, setting.clock.now())["limits.per_operator"]


def test_the_accounts_of_a_list_are_not_counted_once_more_while_it_runs(store: SQLiteStore) -> None:
    setting = limited(store, 5)
    run(setting, setting.confirmed("p00000", "p00001"))
    assert limits_left(setting) == 3


@pytest.mark.parametrize("action", ["keep_out", "end_session", "new_password"])
def test_no_button_makes_a_list_do_anything_but_sign_out(store: SQLiteStore, action: str) -> None:
    everyone = Allowlist(Allowed(users=frozenset({SAM.id})), {"customers": Allowed()})
    setting = with_approvals(store, 3, actions=dict.fromkeys(OTHERS, everyone))
    request = setting.preview("p00000")
    with pytest.raises(UsageError):
        setting.rules.confirm(press(request, action=action))
    assert setting.get(request) == request


BUTTONS = ("pause", "go_on", "stop")
# What each button makes of each state; it changes no other.
MADE = {
    ("pause", State.READY): State.PAUSED,
    ("pause", State.RUNNING): State.PAUSED,
    ("go_on", State.PAUSED): State.READY,
    ("stop", State.READY): State.STOPPING,
    ("stop", State.RUNNING): State.STOPPING,
    ("stop", State.PAUSED): State.STOPPING,
}


def in_state(setting: Setting, state: State) -> Request:
    """Return a stored list in this state."""
    request = setting.preview("p00000", "p00001")
    claim = Claim(id="claim-1", at=NOON, until=NOON)
    listed = replace(request.contents, at_rest=False, worked_at=NOON)
    confirmed = request if state in AWAITING else request.move(State.READY, decided_at=NOON)
    after = replace(confirmed, state=state, version=2, claim=claim, listed=listed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.stores.sqlite.store.check_move", lambda *_: None)
        setting.store.move(request, replace(after, version=request.version + 1), None, None)
    return setting.get(request)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("button", BUTTONS)
def test_each_button_works_in_its_states_and_a_second_press_changes_nothing(
    store: SQLiteStore, button: str, state: State
) -> None:
    setting = with_approvals(store, 3)
    before = in_state(setting, state)
    made = MADE.get((button, state))
    if made:
        after = getattr(setting.rules, button)(press(before))
        assert (after.state, after.pressed_by, after.claim) == (made, SAM, before.claim)
        assert setting.entries(after)[-1].kind == {"pause": "paused", "go_on": "continued", "stop": "stopped"}[button]
        before = after
    with pytest.raises(AlreadyDecidedError):
        getattr(setting.rules, button)(press(before))
    assert setting.get(before) == before


WHO = {
    "operator": (SAM, SAM.id, set(BUTTONS)),
    "approver": (KIM, SAM.id, set(BUTTONS)),
    "stranger": (EVE, SAM.id, set[str]()),
    "operator off the list since": (SAM, EVE.id, {"pause", "stop"}),
    "operator's id in another workspace": (replace(SAM, team_id="T0OTHER"), SAM.id, set[str]()),
}


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize("who", WHO)
def test_who_may_pause_let_go_on_and_stop(store: SQLiteStore, who: str, button: str) -> None:
    presser, listed, may = WHO[who]
    setting = with_approvals(store, 3)
    request = in_state(setting, State.PAUSED if button == "go_on" else State.RUNNING)
    allowlist = Allowlist(Allowed(users=frozenset({listed})), {"customers": Allowed()})
    rules = replace(setting.rules, allowlist=allowlist)
    if button in may:
        assert getattr(rules, button)(press(request, presser)).pressed_by == presser
        return
    with pytest.raises(DeniedError):
        getattr(rules, button)(press(request, presser))
    assert setting.get(request) == request
    assert [entry.kind for entry in store.entries(None, None)][-1] is Kind.REFUSED


@pytest.mark.parametrize("button", BUTTONS)
def test_a_clock_that_was_set_while_slack_was_asked_decides_nothing(store: SQLiteStore, button: str) -> None:
    setting = with_approvals(store, 3)
    request = in_state(setting, State.PAUSED if button == "go_on" else State.RUNNING)
    real = setting.rules.home

    def home() -> Home | None:
        setting.clock.error = ClockChangedError
        return real()

    with pytest.raises(ClockChangedError):
        getattr(replace(setting.rules, home=home), button)(press(request, KIM))
    assert setting.get(request) == request


@pytest.mark.parametrize("button", BUTTONS)
def test_where_no_one_may_approve_a_stranger_is_refused_as_well(store: SQLiteStore, button: str) -> None:
    setting = Setting(store, people(3), changes={"approvers": Allowlist(Allowed(), {"customers": Allowed()})})
    request = in_state(setting, State.PAUSED if button == "go_on" else State.RUNNING)
    with pytest.raises(DeniedError):
        getattr(setting.rules, button)(press(request, EVE))


def test_a_press_while_it_is_noted_how_far_the_list_is_loses_neither(racing: Racing) -> None:
    setting = with_approvals(racing, 3)
    request = in_state(setting, State.RUNNING)
    counts = replace(request.contents.counts, ended=1, done=1)

    def note() -> None:
        noted = request.move(State.RUNNING, listed=replace(request.contents, counts=counts))
        racing.move(request, noted, None, None)

    racing.first = note
    paused = setting.rules.pause(press(request))
    assert (paused.state, paused.contents.counts) == (State.PAUSED, counts)


@pytest.mark.parametrize("button", BUTTONS)
def test_the_buttons_of_a_list_do_nothing_to_a_single_request(store: SQLiteStore, button: str) -> None:
    setting = with_approvals(store, 3)
    request = claimed_in(store)
    with pytest.raises(UnknownRequestError):
        getattr(setting.rules, button)(press(request))
    assert setting.get(request) == request


def test_what_was_not_done_is_tried_again_as_a_new_list_of_who_is_there_still(store: SQLiteStore) -> None:
    setting = with_approvals(store, 6)
    answers: dict[str, Answer] = {
        "p00001": Refused("InternalErrorException", "aws-1"),
        "p00003": Unclear("ReadTimeout"),
    }
    setting.pool.answer_to = lambda username: answers.get(username, Done("aws-1"))
    ended = run(setting, setting.confirmed(*setting.names()[:5]))
    assert ended.state is State.UNKNOWN
    setting.pool.accounts = [replace(each, sub="new") if each.username == "p00003" else each for each in people(6)]
    ask = setting.rules.again(press(ended))
    wanted = Wanted(again_of=ended.id)
    again = setting.rules.preview(setting.rules.authorize(ask), ask, wanted, None, lambda _: None)
    contents = again.contents
    assert (contents.again_of, contents.size, contents.not_found.count) == (ended.id, 1, 1)
    assert (ask.id != ended.id, ask.options.reason, ask.options.pool) == (True, "leaked", "customers")


def test_a_list_of_a_pool_whose_name_means_another_one_now_is_not_tried_again(store: SQLiteStore) -> None:
    setting = with_approvals(store, 3)
    failed = in_state(setting, State.FAILED)
    pools = {"customers": replace(setting.pool, pool_id="eu-central-1_Other")}
    rules = replace(setting.rules, finder=replace(setting.rules.finder, pools=pools))
    with pytest.raises(PoolChangedError):
        rules.again(press(failed))


@pytest.mark.parametrize("state", [each for each in State if each not in {State.PARTLY, State.FAILED, State.UNKNOWN}])
def test_only_a_list_that_ended_without_doing_all_is_tried_again(store: SQLiteStore, state: State) -> None:
    setting = with_approvals(store, 3)
    with pytest.raises(AlreadyDecidedError):
        setting.rules.again(press(in_state(setting, state)))


def test_only_who_asked_for_a_list_tries_it_again(store: SQLiteStore) -> None:
    setting = with_approvals(store, 3)
    with pytest.raises(NotYoursError):
        setting.rules.again(press(in_state(setting, State.FAILED), KIM))


def run(setting: Setting, request: Request) -> Request:
    """Let the instance run a list, and return it."""
    setting.run()
    return setting.get(request)


def signed_out(setting: Setting, request: Request) -> list[str]:
    """Return who was signed out by a list, by the entries."""
    return [
        entry.request.account.username
        for entry in setting.entries(request)
        if entry.kind is Kind.SIGNED_OUT and entry.request and entry.request.list_id
    ]


def test_the_log_says_how_a_list_ended_and_alarms_look_for_that(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    setting = Setting(store, people(2), answers=[Done("1"), Unclear("TimedOut")])
    with caplog.at_level("INFO", "bot.list_work"):
        setting.confirmed("p00000", "p00001")
        setting.run()
    assert [each.message for each in caplog.records if each.name == "bot.list_work"] == [
        "Ended as unknown after 2 accounts"
    ]
