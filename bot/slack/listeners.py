"""Bolt's App, and its listeners: ack, parse, one call, nothing else. An ack does no I/O, and no network is touched."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient

from bot.action import END_SESSION, OTHERS, SIGN_OUT
from bot.decide import Press
from bot.errors import BotError
from bot.facts.aws_cli import AWS_USAGE, Help, Skeleton, Spelling
from bot.find import MAX_CANDIDATES
from bot.flow import Flow
from bot.history import History
from bot.list_flow import ListFlow
from bot.request import Options
from bot.sessions import MAX_SESSIONS
from bot.slack.approvals import APPROVE, DENY
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM, answer, error_message
from bot.slack.denial import DENIAL, ApproverReply, DenialReply, NewDenial, pressed_in, reason_of, sent_view
from bot.slack.form import FORM, REASON, TARGET, FormReply, NewForm, filled_of, looking_view, state_of, troubles_in
from bot.slack.list_facts import AGAIN
from bot.slack.list_form import LIST_FORM, FilledList, NewListForm
from bot.slack.list_listeners import ListListeners
from bot.slack.outcomes import DO
from bot.slack.received import ask_of, check_texts, pressed, sender_of
from bot.slack.reply import CardReply, SlackCards
from bot.slack.sessions import END_THIS
from bot.slack.targets import targets_in
from bot.slack.typed import HISTORY_USAGE, LIST_USAGE, AskForList, Parsed, parse
from bot.whoami import WhoAmI

COMMAND = "/signout"
_Begun = Options | AskForList | WhoAmI | History | None
SHORTCUTS = ("signout_message", "signout_anywhere")  # as the manifest calls them
_QUIET = logging.getLogger("bot.slack.bolt")

log = logging.getLogger(__name__)


def build_app(base_url: str, flow: Flow, lists: ListFlow, cards: SlackCards, spelling: Spelling) -> App:
    """Return the App. `process_before_response` makes an ack pure computation on the caller's thread."""
    app = App(
        name="signout-bot",
        logger=_QUIET,
        client=WebClient(base_url=base_url),
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None),  # Bolt would ask Slack, on the event loop
        process_before_response=True,
        token_verification_enabled=False,
        request_verification_enabled=False,  # Socket Mode's connection is the proof; over HTTP the edge verifies
        raise_error_for_unhandled_request=True,  # otherwise Bolt logs what was sent
    )
    app.error(_not_taken)

    listeners = Listeners(flow, lists, cards, spelling)
    app.command(COMMAND)(listeners.command)
    for callback_id in SHORTCUTS:
        app.shortcut(callback_id)(listeners.shortcut)
    app.view(FORM)(listeners.submit)
    app.view(DENIAL)(listeners.deny)
    for action_id in listeners.buttons:
        app.action(action_id)(listeners.press)
    for action_id in (APPROVE, DENY):
        app.action(action_id)(listeners.approve)
    of_lists = ListListeners(lists, cards)
    app.view(LIST_FORM)(of_lists.submit)
    for action_id in (*of_lists.buttons, AGAIN):
        app.action(action_id)(of_lists.press)
    return app


def _not_taken(error: Exception) -> BoltResponse:
    """Answer what no listener took, or what one could not read. A traceback's last line could quote it."""
    if isinstance(error, BoltUnhandledRequestError):
        log.warning("Slack sent something that this bot does not know")
        return BoltResponse(status=404)
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("What Slack sent cannot be read: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
    return BoltResponse(status=400)


class Listeners:
    """What Slack can tell the bot."""

    def __init__(self, flow: Flow, lists: ListFlow, cards: SlackCards, spelling: Spelling) -> None:
        self._flow = flow
        self._lists = lists
        self._cards = cards
        self._spelling = spelling
        self.buttons: dict[str, tuple[Callable[[Press, CardReply], None], dict[str, Any]]] = {
            CONFIRM: (flow.confirm, {}),
            CANCEL: (flow.cancel, {}),
            **{f"{CHOOSE}{number}": (flow.choose, {"number": number}) for number in range(MAX_CANDIDATES)},
            **{f"{DO}{action}": (self._act, {"action": action}) for action in (SIGN_OUT, *OTHERS)},
        }
        for number in range(MAX_SESSIONS):
            self.buttons[f"{END_THIS}{number}"] = self._act, {"action": END_SESSION, "number": number}

    def command(self, ack: Ack, command: dict[str, Any], context: BoltContext) -> None:
        """Take `/signout …`; with nothing after it, it opens the form."""
        text, said = (command.get("text") or "").strip(), None
        try:
            asked: Parsed | None = parse(text, self._spelling) if text else None
            if isinstance(asked, Help | Skeleton):
                said = answer(asked, self._cards.shown)
            else:
                self._begin(asked, command, context)
        except BotError as error:
            said = error_message(error)
        ack(text=said.text, blocks=said.blocks, response_type="ephemeral") if said else ack()

    def _begin(self, asked: _Begun, command: dict[str, Any], context: BoltContext) -> None:
        operator, reply = sender_of(self._cards, command)
        given = asked.options if isinstance(asked, History | AskForList) else asked
        options = given if isinstance(given, Options) else Options(target="")
        ask = ask_of(context, operator, command["channel_id"], options)
        if isinstance(asked, Options):
            self._flow.ask(ask, replace(reply, usage=AWS_USAGE) if asked.pool_id is not None else reply)
        elif isinstance(asked, History):
            self._flow.history(ask, replace(reply, usage=HISTORY_USAGE))
        elif isinstance(asked, AskForList):
            trigger_id, filled = command["trigger_id"], FilledList(pool=options.pool, reason=options.reason)
            form = NewListForm(self._cards, reply.place, reply.came_at, trigger_id, ask.channel_id, filled)
            self._lists.open_form(ask, replace(form, usage=LIST_USAGE))
        elif asked:
            self._flow.whoami(ask, reply)
        else:
            new = NewForm(self._cards, reply.place, reply.came_at, command["trigger_id"], ask.channel_id)
            self._flow.open_form(ask, new)

    def shortcut(self, ack: Ack, shortcut: dict[str, Any], context: BoltContext) -> None:
        """Take a shortcut: it opens the form, with whom the message names that it was used on."""
        ack()
        message, channel_id = shortcut.get("message"), (shortcut.get("channel") or {}).get("id") or ""
        # Slack may leave the person's team out, so it is the installation's. The form, once it is sent, has their own.
        home = shortcut.get("team") or shortcut.get("enterprise") or {}
        operator, reply = sender_of(self._cards, {**shortcut, "user": {"team_id": home.get("id"), **shortcut["user"]}})
        trigger_id, found = shortcut["trigger_id"], targets_in(message) if message else None
        form = NewForm(self._cards, reply.place, reply.came_at, trigger_id, channel_id, found, to=operator.id)
        self._flow.open_form(ask_of(context, operator, channel_id, Options(target="")), form, acked=True)

    def submit(self, ack: Ack, body: dict[str, Any], view: dict[str, Any], context: BoltContext) -> None:
        """Take a form that was sent. What is malformed is said at once, under its field."""
        filled, state = filled_of(view), state_of(view)
        troubles = troubles_in(filled, self._cards.shown.reason_rule)
        try:
            if not troubles:
                operator, reply = sender_of(self._cards, body, state.place)
                ask = ask_of(context, operator, state.channel_id, filled.options)
                form = FormReply(reply.cards, reply.place, reply.came_at, view["id"], state, filled, to=operator.id)
                self._flow.ask(ask, form)
        except BotError as error:
            troubles = {TARGET: str(error)}
        if troubles:
            ack(response_action="errors", errors=troubles)
        else:
            ack(response_action="update", view=looking_view())

    def press(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on one of a card's buttons."""
        ack()
        action_id, request_id = pressed(body)
        decide, which = self.buttons[action_id]
        operator, reply = sender_of(self._cards, body, replaces=True)
        decide(Press(request_id=request_id, operator=operator, place=reply.place, **which), reply)

    def _act(self, press: Press, reply: CardReply) -> None:
        """Pass on an action's button. A card for a new request is posted; it does not replace this one."""
        self._flow.act(press, reply, replace(reply, place=reply.place and replace(reply.place, replaces=False)))

    def approve(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on one of an approval message's buttons."""
        ack()
        (action_id, request_id), ts = pressed(body), (body.get("container") or {}).get("message_ts")
        check_texts(ts or "")
        operator, reply = sender_of(self._cards, body)
        press, outbox = Press(request_id=request_id, operator=operator), self._flow.outbox
        if action_id == APPROVE:
            self._flow.approve(press, ApproverReply(reply, outbox, ts))
        else:
            self._flow.open_denial(press, NewDenial(reply, outbox, ts, body["trigger_id"]))

    def deny(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Take the sent form for a no. A bad reason, or that the bot is busy, is said in the form."""
        request_id, ts = pressed_in(view)
        check_texts(request_id, ts or "")
        try:
            reason = reason_of(view)
            operator, reply = sender_of(self._cards, body)
            press = Press(request_id=request_id, operator=operator, reason=reason)
            self._flow.deny(press, DenialReply(reply, self._flow.outbox, ts, view["id"], request_id, reason))
        except BotError as error:
            ack(response_action="errors", errors={REASON: str(error)})
        else:
            ack(response_action="update", view=sent_view())
