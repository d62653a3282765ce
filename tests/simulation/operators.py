"""People in Slack: they ask, press, press twice or late, press what is another's, and forge what they press."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.action import ACTIONS, OTHERS, SIGN_OUT
from bot.decide import Press
from bot.errors import BotError
from bot.flow import Flow
from bot.ports import Place
from bot.replies import Reply
from bot.request import Ask, Operator, Options, new_id
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from bot.slack.outcomes import DO
from bot.slack.reply import CardReply
from simulation.brakes import ANN
from simulation.seen import Press as SeenPress
from simulation.slack import HOME, OnScreen, Thread, buttons

if TYPE_CHECKING:
    from simulation.instances import Instance
    from simulation.world import World

SAM = Operator(team_id=HOME, id="U0SAM", name="sam")  # allowed by id
GIL = Operator(team_id=HOME, id="U0GIL", name="gil")  # by a group, for all pools
HAL = Operator(team_id=HOME, id="U0HAL", name="hal")  # by a group, for one pool
MAL = Operator(team_id=HOME, id="U0MAL", name="mal")  # not at all
ZED = replace(SAM, team_id="T0OTHER", name="zed")  # sam's id, in another team
ANYONE = (*[SAM] * 4, *[GIL] * 4, HAL, HAL, MAL, ZED)
EVERYBODY = (SAM, GIL, HAL, MAL, ZED)
TARGETS = {who.id: ("ada", "bob", "dan") for who in (*EVERYBODY, ANN)} | {HAL.id: ("bob", "dan", "dan")}
TWICE = ("keep_out", "new_password")  # asked for twice as often: they have two steps
ACT = {f"{DO}{action}": action for action in ACTIONS}
LISTENERS: dict[str, Callable[[Flow, Press, Reply], None]] = {
    CONFIRM: Flow.confirm,
    CANCEL: Flow.cancel,
    CHOOSE: Flow.choose,
}


class Person:
    """One command and what is pressed on its card."""

    def __init__(self, world: "World", one_of: Sequence[Operator] = ANYONE) -> None:
        self.world = world
        self.who = world.random.choice(one_of)
        if world.brakes.on and world.random.random() < 0.15:
            self.who = ANN
        self.begins: float | None = None
        self.thread = Thread()

    def live(self) -> None:
        """Ask, and then press this and that."""
        world = self.world
        begins = world.random.uniform(2.0, world.weather.horizon * 0.4)
        world.schedule.pause(begins if self.begins is None else self.begins)
        for _ in range(4):
            if self._ask() and self._waits_for_a_card():
                break
            world.schedule.pause(world.random.uniform(1.0, 15.0))
        for _ in range(world.random.randint(2, 10 if world.acts.on else 5)):
            if world.weather.calm:
                return
            self._press_something()
            world.schedule.pause(world.random.uniform(0.5, 8.0))
            if world.chance(world.weather.dawdling):
                world.schedule.pause(world.weather.confirm_within * world.random.uniform(0.5, 1.0))

    def _waits_for_a_card(self, looks: int = 4) -> bool:
        """Give the bot some seconds; return whether a card came."""
        for _ in range(looks):
            self.world.schedule.pause(self.world.random.uniform(0.5, 4.0))
            if self.thread.card or self.world.weather.calm:
                return True
        return False

    def _ask(self) -> bool:
        world = self.world
        instance = world.any_instance()
        if instance is None:
            return False
        options = Options(
            target="nobody" if world.chance(0.05) else world.random.choice(TARGETS[self.who.id]),
            pool="staff" if world.chance(0.1) else None,
            action=world.random.choice((SIGN_OUT, *OTHERS, *TWICE)) if world.acts.on else SIGN_OUT,
        )
        id_ = new_id(instance.clock.now())
        ask = Ask(id=id_, operator=self.who, source="slack", channel_id="C0SUPPORT", options=options)
        world.seen.asked[ask.id] = self.who
        said = f"{options.action} {options.target} ({ask.id[-4:]}) at {instance.name}"
        world.schedule.note(f"{self.who.name}: {said}")
        try:
            instance.flow.ask(ask, self._reply(instance, None, ask.id, self.who, replaces=False))
        except BotError as error:
            world.schedule.note(f"answered: {type(error).__name__}")
            return False
        self.thread.request_id = ask.id
        return True

    def _reply(
        self, instance: "Instance", pressed: OnScreen | None, request_id: str, who: Operator, *, replaces: bool
    ) -> CardReply:
        world, now = self.world, instance.clock.now()
        thread = self.thread if who is self.who else Thread()  # no one else sees the card
        url = world.slack.response_url(thread, pressed, request_id, who)
        place = Place(response_url=url, until=now + timedelta(seconds=world.weather.url_lasts), replaces=replaces)
        return CardReply(instance.cards, place, now)

    def _press_something(self) -> None:
        world = self.world
        on_card, others = buttons(self.thread.card), tuple(ACT) if world.acts.on else ()
        if world.chance(0.05):
            choice = f"{CHOOSE}{world.random.randint(0, 9)}"
            self._press(world.random.choice((CONFIRM, CANCEL, choice, *others)), "FORGED")
        elif world.chance(0.15):  # a request id is not a secret: the audit channel shows it
            stranger = world.random.choice(EVERYBODY)
            pressed = world.random.choice((CONFIRM, CANCEL, f"{CHOOSE}0", *others))
            self._press(pressed, self.thread.request_id, stranger)
        elif world.chance(0.1):  # a press that no card offers just now
            choice = f"{CHOOSE}{world.random.randint(0, 9)}"
            self._press(world.random.choice((CONFIRM, choice, *others)), self.thread.request_id)
        elif on_card:
            likely = on_card if world.chance(0.1) else [each for each in on_card if each[0] != CANCEL]
            if not likely and not world.chance(0.2):  # it waits for a second person
                return
            on_it = world.random.choice(likely or on_card)
            for _ in range(world.random.choice((1, 1, 2, 3))):
                self._press(*on_it)

    def _press(self, action: str, request_id: str | None, who: Operator | None = None) -> None:
        world, who = self.world, who or self.who
        instance = world.any_instance()
        if instance is None:
            return
        kind = CHOOSE if action.startswith(CHOOSE) else action
        card = self.thread.card if who is self.who else None
        if request_id not in {value for _, value in buttons(card)}:
            card = None  # a message has no other request's buttons
        reply = self._reply(instance, card, request_id or "", who, replaces=True)
        number = int(action.removeprefix(CHOOSE)) if kind == CHOOSE else 0
        named = ACT.get(action)
        press = Press(request_id=request_id or "", operator=who, place=reply.place, number=number, action=named)
        world.seen.presses.append(
            SeenPress(
                action=kind,
                request_id=press.request_id,
                number=press.number,
                operator=who,
                instance=instance.name,
                at=world.schedule.now,
            )
        )
        world.schedule.note(f"{who.name} presses {action} of {press.request_id[-4:]} at {instance.name}")
        if named:
            instance.flow.act(press, reply, self._reply(instance, None, "", who, replaces=False))
        else:
            LISTENERS[kind](instance.flow, press, reply)


class Stranger(Person):
    """Someone who may not, and sends very many commands."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.who = world.random.choice((MAL, MAL, ZED))

    def live(self) -> None:
        """Send a few bursts."""
        world = self.world
        for _ in range(world.random.randint(1, 3)):
            world.schedule.pause(world.random.uniform(2.0, world.weather.horizon * 0.4))
            for _ in range(world.random.randint(5, 30)):
                if world.weather.calm:
                    return
                self._ask()
                world.schedule.pause(world.random.uniform(0.0, 0.5))
