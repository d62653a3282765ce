"""People who ask for lists and press their buttons; people who press those of others; and who changes a list."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lists import portion

from bot.decide import Press
from bot.errors import BotError
from bot.list_flow import ListFlow
from bot.lists import Wanted
from bot.ports import Place
from bot.replies import Reply
from bot.request import Ask, Operator, Options, Request, State, new_id
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from bot.slack.denial import ApproverReply
from bot.slack.reply import CardReply
from simulation.brakes import KIM, LIZ
from simulation.crowd import FAMILY, PEOPLE
from simulation.operators import GIL, HAL, MAL, SAM, Person
from simulation.seen import Press as SeenPress
from simulation.slack import AGAIN, GO_ON, PAUSE, STOP, OnScreen, Thread, buttons

if TYPE_CHECKING:
    from simulation.instances import Instance
    from simulation.world import World

WHO = (*[SAM] * 8, *[GIL] * 4, HAL, MAL)
MOST_LOOKS = 12
ODD_LINES = ("nobody", FAMILY, FAMILY, FAMILY, "two words", "")
LISTENERS: dict[str, Callable[[ListFlow, Press, Reply], None]] = {
    PAUSE: lambda lists, press, reply: lists.flow.press(press, reply, lists.rules.pause),
    GO_ON: lambda lists, press, reply: lists.flow.press(press, reply, lists.rules.go_on),
    STOP: lambda lists, press, reply: lists.flow.press(press, reply, lists.rules.stop),
    CONFIRM: lambda lists, press, reply: lists.flow.confirm(press, reply),
    CANCEL: lambda lists, press, reply: lists.flow.cancel(press, reply),
    CHOOSE: lambda lists, press, reply: lists.flow.press(press, reply, lists.rules.choose),
}
OFTEN = {CONFIRM: 12, CANCEL: 1, PAUSE: 3, GO_ON: 8, STOP: 1, AGAIN: 2}  # how likely each button is pressed


class ListCardReply(CardReply):
    """A card of a list. How far its look-up is, no check reads."""

    def looking(self, request: Request) -> None:
        """Show how many lines were looked up."""
        assert request.state is State.PREVIEWING


class Lister(Person):
    """One list, what is pressed on its card, and perhaps another list of what was not done."""

    def __init__(self, world: "World") -> None:
        super().__init__(world, WHO)

    def live(self) -> None:
        """Ask, and then press this and that."""
        world = self.world
        world.schedule.pause(world.random.uniform(0.5, world.weather.horizon * 0.15))
        while not world.weather.calm and not (self._ask_for_a_list() and self._waits_for_a_card(MOST_LOOKS)):
            world.schedule.pause(world.random.uniform(0.5, 3.0))
        while not world.weather.calm:
            world.schedule.pause(world.random.uniform(0.5, 6.0))
            if world.chance(world.weather.dawdling / 4):
                world.schedule.pause(world.weather.confirm_within * world.random.uniform(0.5, 1.0))
            self._press_one()

    def _wanted(self, pool: str) -> Wanted:
        random = self.world.random
        if random.random() < 0.1:
            return Wanted(everyone=True)
        names = random.sample(PEOPLE[pool], random.randint(3, len(PEOPLE[pool])))
        odd = [random.choice(ODD_LINES) for _ in range(random.choice((0, 0, 1, 2)))]
        lines = [*names, *odd, *random.choices(names, k=random.choice((0, 0, 1)))]
        random.shuffle(lines)
        return Wanted(lines=lines)

    def _ask_for_a_list(self) -> bool:
        world = self.world
        instance = world.any_instance()
        if instance is None:
            return False
        pool = world.random.choice(("customers", "customers", "customers", "staff"))
        options = Options(target="", pool=None if world.chance(0.05) else pool)
        ask = Ask(
            id=new_id(instance.clock.now()),
            operator=self.who,
            source="slack",
            channel_id="C0SUPPORT",
            options=options,
        )
        world.seen.asked[ask.id] = self.who
        world.schedule.note(f"{self.who.name}: a list of {pool} ({ask.id[-4:]}) at {instance.name}")
        try:
            instance.lists.ask(ask, self._wanted(pool), self._list_reply(instance, None, ask.id, replaces=False))
        except BotError as error:
            world.schedule.note(f"answered: {type(error).__name__}")
            return False
        self.thread.request_id = ask.id
        return True

    def _list_reply(
        self, instance: "Instance", pressed: OnScreen | None, request_id: str, *, replaces: bool
    ) -> ListCardReply:
        reply = self._reply(instance, pressed, request_id, self.who, replaces=replaces)
        return ListCardReply(reply.cards, reply.place, reply.came_at)

    def _press_one(self) -> None:
        world = self.world
        cards = [each for each in self.thread.messages if buttons(each)]
        if not cards:
            return
        card = cards[-1] if world.random.random() < 0.6 else world.random.choice(cards)
        on_card = buttons(card)
        if {action for action, _ in on_card} == {CANCEL} and world.random.random() < 0.9:
            return  # it waits for a second person
        weights = [OFTEN.get(action, 4) for action, _ in on_card]
        ((action, request_id),) = world.random.choices(on_card, weights)
        for _ in range(world.random.choice((1, 1, 1, 2))):
            self._press_of_list(action, request_id, card)

    def _press_of_list(self, action: str, request_id: str, card: OnScreen) -> None:
        instance = self.world.any_instance()
        if instance is None:
            return
        reply = self._list_reply(instance, card, request_id, replaces=action != AGAIN)
        pressed(instance, action, request_id, self.who, reply)


class Bystander:
    """People who press the buttons of a list in the audit channel: approvers, its operator, and who may not."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def live(self) -> None:
        """Press this and that."""
        world = self.world
        while not world.weather.calm:
            world.schedule.pause(world.random.uniform(4.0, 25.0))
            instance, shown = world.any_instance(), [each.drawn for each in world.slack.progress.values() if each.drawn]
            if not shown or instance is None:
                continue
            drawn = world.random.choice(shown)
            who = world.random.choice((KIM, LIZ, drawn.ask.operator, drawn.ask.operator, world.any_operator()))
            now = instance.clock.now()
            url = world.slack.response_url(Thread(), None, drawn.id, who)
            place = Place(response_url=url, until=now + timedelta(minutes=30), replaces=False)
            reply = ApproverReply(CardReply(instance.cards, place, now), instance.flow.outbox, None)
            likely = (GO_ON,) if drawn.state is State.PAUSED else (PAUSE, PAUSE, STOP)
            pressed(instance, world.random.choice((*likely * 2, PAUSE, GO_ON, STOP)), drawn.id, who, reply)


def pressed(
    instance: "Instance", action: str, request_id: str, who: Operator, reply: "ListCardReply | ApproverReply"
) -> None:
    """Press a button of a list."""
    world = instance.world
    kind = CHOOSE if action.startswith(CHOOSE) else action
    number = int(action.removeprefix(CHOOSE)) + world.random.randint(0, 1) if kind == CHOOSE else 0
    press = Press(request_id=request_id, operator=who, place=reply.place, number=number)
    world.seen.presses.append(
        SeenPress(
            action=kind,
            request_id=request_id,
            number=number,
            operator=who,
            instance=instance.name,
            at=world.schedule.now,
        )
    )
    world.schedule.note(f"{who.name} presses {action} of {request_id[-4:]} at {instance.name}")
    if kind != AGAIN:
        LISTENERS[kind](instance.lists, press, reply)
    elif isinstance(reply, ListCardReply):
        instance.lists.again(press, reply)


class Meddler:
    """Someone changes what the store has of a list, before it is decided on: such a list must never run."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def live(self) -> None:
        """Do it once, to a list that waits for a press."""
        world = self.world
        while not world.weather.calm:
            world.schedule.pause(world.random.uniform(0.5, 6.0))
            waiting = [each for each in map(world.stored, world.seen.portions) if each and _waits(each)]
            if waiting:
                self._change(world.random.choice(waiting))
                return

    def _change(self, request: Request) -> None:
        store = self.world.observer
        first, *others = portion(store, request.id, 0)
        store.put_portion(request.id, 0, [*others, replace(first, username="ada")])
        self.world.seen.meddled[request.id] = self.world.schedule.now
        self.world.schedule.note(f"the accounts of {request.id[-4:]} are changed in the store")


def _waits(request: Request) -> bool:
    return request.state in {State.CONFIRMING, State.APPROVING}
