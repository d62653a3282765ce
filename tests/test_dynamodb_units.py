"""What a sign-out and an idle minute cost in DynamoDB, in AWS's units: as operate.md says, with any history."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from dynamodb_units import MeteredDynamoDB, Units
from examples import (
    ADA,
    CLICK,
    COMMAND,
    KIM,
    NOON,
    SAM,
    ScriptedPool,
    StoppedClock,
    approvals,
    asked,
    awaiting,
    listing,
)
from lists import Setting, people
from stand_ins import Channel, StepLane, TakenCards, Told, card_delivery, delivery, flow, lanes
from test_approve import ALWAYS, approvers
from test_dynamodb_cost import REFUSED, history
from test_settings import GOOD

from bot.action import Done
from bot.decide import Press
from bot.deliver import PROGRESS_AFTER, SHOWN_HERE
from bot.edge.lanes import Doorway
from bot.limits import Limits
from bot.list_accounts import child_of
from bot.ports import LiveMessage
from bot.request import State, new_id
from bot.settings.load import load
from bot.stores.dynamodb import items
from bot.stores.dynamodb.store import DynamoDBStore
from bot.wiring.run import build
from bot.wiring.shared import SystemClock

OPERATE = Path(__file__).parent.parent / ".github/docs/operate.md"
pytestmark = pytest.mark.long
YES = Done("0f3e2a54-6a3e-4d0a-9f39-6f1c5d0b7a10")
SIGN_OUT = ("command, until its card is shown", "press, until its result is shown", "message in the audit channel")
SECOND_PERSON = (
    "press, until a second person is asked, with two limits",
    "approval, until its result is shown, with two limits",
)
PROGRESS, REFUSAL = "progress, where Cognito takes longer than half a second", "refusal, with its message"
ACCOUNT_OF_LIST = "account of a list, from its turn to its result"
LIST_NOTED = "how far a list is, every 3 s, with its message"
LIST = "list of 100 accounts, until it is confirmed", "list of 100 accounts, until it has ended"
READYZ, IDLE_MINUTE = "question to `/readyz`, every 3 s at most", "idle minute of an instance"
MINUTES_A_MONTH = 30 * 24 * 60


class Steps:
    """The steps of a sign-out by the real rules, on a table of their own."""

    def __init__(self, table: str) -> None:
        self.store, self.clock = DynamoDBStore(table), StoppedClock()
        self.clock.beyond = lambda longest: self.clock.time + longest  # it is confirmed
        self.store.open()
        self.store._placed(replace(REFUSED, id=new_id(NOON)))  # notes the month, once
        self.rules = flow(self.store, ScriptedPool([YES] * 9, self.clock))

    def command(self) -> None:
        self.ask = replace(asked(reason="lost phone, ticket SUP-4711"), id=new_id(NOON))
        self.rules.ask(self.ask, Told(COMMAND))
        for lane in lanes(self.rules):
            lane.do()

    def press(self, *, until_decided: bool = False) -> None:
        self.rules.confirm(Press(request_id=self.ask.id, operator=SAM, place=CLICK), Told(CLICK))
        slack, aws = lanes(self.rules)
        slack.do()
        if not until_decided:
            aws.do()

    def with_second_person(self) -> None:
        """Let KIM have to approve, and count what is decided."""
        limits = Limits(windows=self.store.windows, per_operator=9, everyone=9)
        rules = replace(
            self.rules.confirmations, approvers=approvers(KIM), approving={"customers": ALWAYS}, limits=limits
        )
        self.rules = replace(self.rules, confirmations=rules, approvals=approvals(rules))

    def ask_second_person(self) -> None:
        self.press()
        self.show()

    def approve(self) -> None:
        self.rules.approve(Press(request_id=self.ask.id, operator=KIM), Told())
        for lane in (*lanes(self.rules), self.newcomers):
            lane.do()
        lanes(self.rules)[1].do()
        self.store.keep_up_to_date(self.ask.id, "1.0")  # as `ApproverReply` does
        self.show()

    @property
    def newcomers(self) -> StepLane:
        assert isinstance(self.rules.entrance, Doorway)
        assert isinstance(self.rules.entrance.newcomers_lane, StepLane)
        return self.rules.entrance.newcomers_lane

    def show(self) -> None:
        self.clock.time += SHOWN_HERE
        card_delivery(self.store, TakenCards(), self.clock).show_due()

    def progress(self) -> None:
        self.clock.time += PROGRESS_AFTER
        card_delivery(self.store, TakenCards(), self.clock).show_due()

    def audit(self) -> None:
        channel = Channel(self.clock)
        delivery(self.store, channel).deliver()
        assert len(channel.posts) == 1

    def begin_list(self) -> None:
        self.list = listing(id=new_id(NOON), reason="lost phone, ticket SUP-4711", state=State.RUNNING, decided_at=NOON)
        self.store.add(self.list, None, None)
        self.note_list()  # its message is posted

    def account_of_list(self) -> None:
        child = child_of(self.list, 0, ADA, self.clock.now())
        self.store.add(child, None, None)
        assert self.rules.worker.run(child)

    def note_list(self) -> None:
        noted = replace(self.list.contents, worked_at=self.clock.now())
        before, self.list = self.list, self.list.move(State.RUNNING, listed=noted)
        self.store.move(before, self.list, None, None)
        cards = TakenCards()
        card_delivery(self.store, cards, self.clock).show_due()
        assert len(cards.progress) == 1

    def refusal(self) -> None:
        self.store.record(replace(REFUSED, id=new_id(self.clock.now())))
        self.audit()


@pytest.fixture(scope="module")
def metered() -> Iterator[MeteredDynamoDB]:
    server = MeteredDynamoDB()
    yield server
    server.stop()


@pytest.fixture
def table(metered: MeteredDynamoDB, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    for name, value in metered.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return metered.new_table()


def cost(metered: MeteredDynamoDB, step: Callable[[], object]) -> Units:
    with metered.metered() as units:
        step()
    return units


def cost_of_steps(metered: MeteredDynamoDB, table: str) -> dict[str, Units]:
    steps = Steps(table)
    found = {
        name: cost(metered, step)
        for name, step in zip(SIGN_OUT, (steps.command, steps.press, steps.audit), strict=True)
    }
    steps.command()
    steps.press(until_decided=True)
    found |= {PROGRESS: cost(metered, steps.progress), REFUSAL: cost(metered, steps.refusal)}
    of_list = Steps(metered.new_table())
    of_list.begin_list()
    found |= {ACCOUNT_OF_LIST: cost(metered, of_list.account_of_list), LIST_NOTED: cost(metered, of_list.note_list)}
    with_second_person = Steps(metered.new_table())
    with_second_person.with_second_person()
    for name, step in zip(
        SECOND_PERSON, (with_second_person.ask_second_person, with_second_person.approve), strict=True
    ):
        if name == SECOND_PERSON[0]:
            with_second_person.command()
        found[name] = cost(metered, step)
    done = with_second_person.store.get(with_second_person.ask.id)
    assert done
    assert done.state is State.DONE
    return found


def cost_of_a_list(metered: MeteredDynamoDB, table: str) -> dict[str, Units]:
    """Look up, confirm and run a list at its pace."""
    steps = Steps(table)
    setting = Setting(steps.store, people(100), steps.clock)
    names = [account.username for account in setting.accounts]
    costs = [cost(metered, lambda: setting.confirmed(*names)), cost(metered, setting.run)]
    return dict(zip(LIST, costs, strict=True))


def cost_of_idleness(metered: MeteredDynamoDB, table: str) -> dict[str, Units]:
    """Let each round of the real bot come as often as in a minute."""
    edge = build(load(GOOD | {"SIGNOUT_STORE": f"dynamodb://{table}"}), SystemClock())
    edge.store.open()
    for _ in range(9):
        edge.store.backlog()  # the clock is right: so say its answers

    def minute() -> None:
        for rounds in edge.rounds:
            second = 0.0
            while second < 60:
                second += rounds._round()

    return {READYZ: cost(metered, edge.store.check_writable), IDLE_MINUTE: cost(metered, minute)}


def rendered(found: Mapping[str, Units]) -> str:
    """The tables of operate.md."""
    lines = ["| step | requests | read units | write units |", "|---|--:|--:|--:|"]
    lines += [row(name, units) for name, units in found.items()]
    lines += [row("1,000 sign-outs", times(1_000, *(found[name] for name in SIGN_OUT)))]
    lines += [row("idle month of an instance", times(MINUTES_A_MONTH, found[IDLE_MINUTE]))]
    return "\n".join(lines)


def row(name: str, units: Units) -> str:
    counts = (f"{each:,.1f}".removesuffix(".0") for each in (units.requests, units.read, units.write))
    return f"| {name} | {' | '.join(counts)} |"


def times(number: int, *each: Units) -> Units:
    requests, read, write = (sum(getattr(units, name) for units in each) for name in ("requests", "read", "write"))
    return Units(int(number * requests), int(number * read), int(number * write))


def test_the_docs_say_what_each_step_costs(metered: MeteredDynamoDB, table: str) -> None:
    of_a_list, of_idleness = (
        cost_of_a_list(metered, metered.new_table()),
        cost_of_idleness(metered, metered.new_table()),
    )
    measured = rendered(cost_of_steps(metered, table) | of_a_list | of_idleness)
    assert measured in OPERATE.read_text("utf-8"), f"it is\n{measured}"


def test_no_step_and_no_idle_minute_costs_more_after_much_history(metered: MeteredDynamoDB, table: str) -> None:
    """The docs say what each costs on a new table."""
    oldest = metered.new_table()
    for each in (table, oldest):
        metered.put_many(each, history(150))
    rows = OPERATE.read_text("utf-8").splitlines()
    for name, units in (cost_of_steps(metered, table) | cost_of_idleness(metered, oldest)).items():
        assert row(name, units) in rows


def test_what_waits_makes_no_step_ask_or_write_more_and_each_read_only_a_little_more(
    metered: MeteredDynamoDB, table: str
) -> None:
    busy = metered.new_table()
    cards = [awaiting(ask=asked(id=new_id(NOON)), expires_at=NOON + timedelta(minutes=5)) for _ in range(300)]
    metered.put_many(busy, map(items.item_of_request, cards))
    metered.put_many(busy, (items.item_of_card(LiveMessage(request_id=each.id, version=1)) for each in cards))
    metered.put_many(busy, (items.item_of_entry(replace(REFUSED, id=new_id(NOON))) for _ in range(1_000)))
    few, many = cost_of_steps(metered, table), cost_of_steps(metered, busy)
    for name, units in few.items():
        assert (many[name].requests, many[name].write) <= (units.requests, units.write), name
        assert many[name].read <= units.read + 4, name
