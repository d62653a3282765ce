from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from examples import KIM, StoppedClock, approvals, asked
from lists import Setting, people, press

from bot.authorize import Allowed, Allowlist
from bot.edge.lanes import CallersThread, Doorway
from bot.errors import AccountNotFoundError, BotError, BusyError, ClockChangedError, DeniedError, RestartingError
from bot.flow import Flow
from bot.list_flow import ListFlow
from bot.lists import MOVED_ON, Wanted
from bot.ports import Place
from bot.request import Operator, Request, State
from bot.stores.sqlite.store import SQLiteStore

EVE = Operator(team_id="T0SIGNOUT1", id="U0EVE00001", name="eve")


@dataclass
class Told:
    """A reply, or a form, that keeps what it was told."""

    place: Place | None = None
    shown: list[Request] = field(default_factory=list)
    said: list[BotError] = field(default_factory=list)
    looked: list[Request] = field(default_factory=list)
    opened: list[Sequence[str]] = field(default_factory=list)

    def show(self, request: Request) -> bool:
        self.shown.append(request)
        return True

    def say(self, error: BotError) -> None:
        self.said.append(error)

    def looking(self, request: Request) -> None:
        self.looked.append(request)

    def open(self, pools: Sequence[str]) -> None:
        self.opened.append(pools)


@dataclass
class Full:
    """A lane without room."""

    def run(self, request_id: str, work: Callable[[], object], *, urgent: bool = False) -> None:  # noqa: ARG002
        raise BusyError


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    return Setting(store, people(30))


def flow_of(setting: Setting, **changes: Any) -> ListFlow:
    lane = CallersThread()
    flow = Flow(
        confirmations=setting.rules,
        approvals=approvals(setting.rules),
        worker=setting.instance.worker,
        outbox=setting.store,
        entrance=Doorway(lane=lane, newcomers_lane=lane),
        aws_lane=lane,
        **changes,
    )
    return ListFlow(flow=flow, rules=setting.rules, lane=lane)


def test_a_list_is_looked_up_shown_confirmed_and_begun_at_once(setting: Setting) -> None:
    lists, reply, begun = flow_of(setting), Told(), list[bool]()
    lists.flow.begin_lists = lambda: begun.append(True)
    lists.ask(asked("", pool="customers"), Wanted(lines=setting.names()), reply)
    (shown,) = reply.shown
    assert (shown.state, shown.contents.size, begun) == (State.CONFIRMING, 30, [])
    lists.flow.confirm(press(shown), reply)
    assert (reply.shown[-1].state, begun) == (State.READY, [True])
    assert reply.said == []


def test_each_press_on_a_list_is_shown_and_what_runs_lists_looks_at_it_at_once(setting: Setting) -> None:
    lists, reply, begun = flow_of(setting), Told(), list[bool]()
    lists.flow.begin_lists = lambda: begun.append(True)
    request = setting.confirmed(*setting.names())
    for button, state in (("pause", State.PAUSED), ("go_on", State.READY), ("stop", State.STOPPING)):
        lists.flow.press(press(request), reply, getattr(lists.rules, button))
        assert reply.shown[-1].state is state
    assert begun == [True] * 3
    lists.flow.press(press(request), reply, lists.rules.stop)
    assert reply.shown[-1].state is State.STOPPING
    assert [error.sentence for error in reply.said] == [MOVED_ON]


def test_a_choice_is_shown(setting: Setting) -> None:
    setting.pool.accounts = people(4, preferred_username="twin")
    lists, reply = flow_of(setting), Told()
    request = setting.preview("p00000", "twin")
    lists.flow.press(press(request, number=1), reply, lists.rules.choose)
    assert reply.shown[-1].contents.size == 2


def test_what_was_not_done_is_looked_up_again_and_shown(setting: Setting) -> None:
    lists, reply = flow_of(setting), Told()
    request = setting.confirmed("p00000", "p00001")
    setting.rules.stop(press(request))
    setting.run()
    lists.again(press(request), reply)
    (shown,) = reply.shown
    assert (shown.state, shown.contents.size, shown.contents.again_of) == (State.CONFIRMING, 2, request.id)


def test_a_form_is_opened_for_the_pools_that_someone_may_use(setting: Setting) -> None:
    lists, form = flow_of(setting), Told()
    lists.open_form(asked(""), form)
    lists.open_form(asked("", operator=EVE), form)
    assert form.opened == [["customers"]]
    assert [type(error) for error in form.said] == [DeniedError]


def test_who_is_not_allowed_looks_no_one_up(setting: Setting) -> None:
    lists, reply = flow_of(setting), Told()
    lists.ask(asked("", operator=EVE), Wanted(everyone=True), reply)
    assert [type(error) for error in reply.said] == [DeniedError]
    assert (setting.pool.looked_at, reply.shown) == ([], [])


def test_the_operator_is_told_why_there_is_no_list(setting: Setting) -> None:
    lists, reply = flow_of(setting), Told()
    lists.ask(asked("", pool="customers"), Wanted(lines=["nobody"]), reply)
    assert [type(error) for error in reply.said] == [AccountNotFoundError]


def test_a_bot_that_drains_takes_no_list_and_no_press_on_one(setting: Setting) -> None:
    lists, reply = flow_of(setting, draining=True), Told()
    with pytest.raises(RestartingError):
        lists.ask(asked(""), Wanted(everyone=True), reply)
    with pytest.raises(RestartingError):
        lists.open_form(asked(""), reply)
    request = setting.confirmed(*setting.names())
    lists.flow.press(press(request), reply, lists.rules.pause)
    assert [type(error) for error in reply.said] == [RestartingError]
    assert setting.get(request) == request


def test_where_no_thread_is_free_for_a_look_up_the_operator_is_told(setting: Setting) -> None:
    lists, reply = flow_of(setting), Told()
    lists.lane = Full()
    lists.ask(asked("", pool="customers"), Wanted(everyone=True), reply)
    assert [type(error) for error in reply.said] == [BusyError]


def test_a_clock_that_was_set_while_someone_was_authorized_opens_no_list(setting: Setting) -> None:
    clock = StoppedClock()
    errors: list[BotError | None] = [None]
    clock.error = lambda: errors[0]
    lists, reply = flow_of(setting), Told()
    lists.flow.worker = replace(lists.flow.worker, clock=clock)

    def members(_: str, __: str) -> frozenset[str]:
        errors[0] = ClockChangedError()
        return frozenset({KIM.id})

    allowlist = Allowlist(Allowed(groups=frozenset({"S0GROUP001"})), {"customers": Allowed()})
    lists.rules = replace(setting.rules, allowlist=allowlist, members=members)
    lists.ask(asked("", pool="customers", operator=KIM), Wanted(everyone=True), reply)
    assert [type(error) for error in reply.said] == [ClockChangedError]
    assert list(setting.store.entries(None, None)) == []
