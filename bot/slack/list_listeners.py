"""The listeners of lists: the form that was sent, and the presses on a list's card and on its progress message."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from slack_bolt import Ack, BoltContext

from bot.decide import Press
from bot.errors import BotError
from bot.list_flow import ListFlow
from bot.lists import Wanted
from bot.preview import MOST_CANDIDATES, MOST_CHOICES
from bot.request import Request
from bot.slack.form import state_of
from bot.slack.list_facts import AGAIN, GO_ON, PAUSE, STOP
from bot.slack.list_form import PEOPLE, ListFormReply, filled_list_of, looking_up_view, read_list
from bot.slack.lists import CHOOSE_ONE
from bot.slack.received import ask_of, pressed, sender_of
from bot.slack.reply import BesideReply, CardReply, SlackCards
from bot.slack.text import message

LOOKING = "The bot looks up which accounts were not signed out. The preview of a new list comes here."


@dataclass(frozen=True)
class NewListReply(CardReply):
    """A `ListReply` to a press that asks for another list: its card comes beside what was pressed."""

    announced: set[str] = field(default_factory=set)

    def looking(self, request: Request) -> None:
        """Say once that this takes a while: a response_url can be used five times only."""
        if request.id not in self.announced:
            self.announced.add(request.id)
            self._answer(message([LOOKING]))


class ListListeners:
    """What Slack can tell the bot about lists."""

    def __init__(self, lists: ListFlow, cards: SlackCards) -> None:
        self._lists = lists
        self._cards = cards
        rules = lists.rules
        self.buttons: dict[str, Callable[[Press], Request]] = {
            PAUSE: rules.pause,
            GO_ON: rules.go_on,
            STOP: rules.stop,
            **{f"{CHOOSE_ONE}{number}": rules.choose for number in range(MOST_CHOICES * MOST_CANDIDATES)},
        }

    def submit(self, ack: Ack, body: dict[str, Any], view: dict[str, Any], context: BoltContext) -> None:
        """Take a form that was sent. What is malformed is said at once, under its field."""
        state = state_of(view)
        filled = filled_list_of(view, state)
        found, troubles = read_list(filled, self._cards.shown.reason_rule)
        try:
            if not troubles:
                operator, reply = sender_of(self._cards, body, state.place)
                ask = ask_of(context, operator, state.channel_id, filled.options)
                form = ListFormReply(reply.cards, reply.place, reply.came_at, view["id"], state, filled, len(found))
                self._lists.ask(ask, Wanted(lines=found), form)
        except BotError as error:
            troubles = {PEOPLE[0]: str(error)}
        if troubles:
            ack(response_action="errors", errors=troubles)
        else:
            ack(response_action="update", view=looking_up_view(len(found)))

    def press(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on one of a list's buttons: on its card, or on the message that shows how far it is."""
        ack()
        action_id, request_id = pressed(body)
        on_card = bool((body.get("container") or {}).get("is_ephemeral"))
        operator, reply = sender_of(self._cards, body, replaces=on_card and action_id != AGAIN)
        number = int(action_id.removeprefix(CHOOSE_ONE)) if action_id.startswith(CHOOSE_ONE) else 0
        press = Press(request_id=request_id, operator=operator, number=number)
        if action_id == AGAIN:
            self._lists.again(press, NewListReply(reply.cards, reply.place, reply.came_at))
        elif on_card:
            self._lists.flow.press(replace(press, place=reply.place), reply, self.buttons[action_id])
        else:
            self._lists.flow.press(press, BesideReply(reply), self.buttons[action_id])
