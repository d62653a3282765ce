"""Bolt's App, and its listeners: ack, parse, one call, nothing else. An ack does no I/O, and no network is touched."""

import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient

from bot.confirm import Press
from bot.errors import BotError
from bot.facts.aws_cli import Skeleton, Spelling
from bot.flow import Flow
from bot.options import Help, check_reason, check_target
from bot.ports import Place
from bot.request import Ask, Operator, Options, new_id
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM, told
from bot.slack.form import (
    FORM,
    TARGET,
    Filled,
    FormReply,
    FormState,
    NewForm,
    filled_of,
    looking_view,
    state_of,
    troubles_in,
)
from bot.slack.help import HELP, skeleton
from bot.slack.reply import RESPONSE_URL_LASTS, CardReply, SlackCards
from bot.slack.text import Message
from bot.slack.typed import parse

COMMAND = "/signout"
_QUIET = logging.getLogger("bot.slack.bolt")

log = logging.getLogger(__name__)


class Installation:
    """The workspace the bot is installed in; its `team_id` is None until auth.test has answered."""

    team_id: str | None = None

    def learn(self, auth_test: dict[str, Any]) -> None:
        """Remember what auth.test said."""
        self.team_id = str(auth_test["team_id"])


def build_app(base_url: str, flow: Flow, cards: SlackCards, spelling: Spelling) -> App:
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

    listeners = Listeners(flow, cards, spelling)
    app.command(COMMAND)(listeners.command)
    app.view(FORM)(listeners.submit)
    app.action(re.compile(rf"{CHOOSE}\d"))(listeners.choose)
    app.action(CONFIRM)(listeners.confirm)
    app.action(CANCEL)(listeners.cancel)
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

    def __init__(self, flow: Flow, cards: SlackCards, spelling: Spelling) -> None:
        self._flow = flow
        self._cards = cards
        self._spelling = spelling

    def command(self, ack: Ack, command: dict[str, Any], context: BoltContext) -> None:
        """Take `/signout …`; with nothing after it, it opens the form."""
        try:
            answer = self._begin(command, context)
        except BotError as error:
            answer = told(error)
        ack(text=answer.text, blocks=answer.blocks, response_type="ephemeral") if answer else ack()

    def submit(self, ack: Ack, body: dict[str, Any], view: dict[str, Any], context: BoltContext) -> None:
        """Take a form that was sent. What is malformed is said at once, under its field."""
        filled, state = filled_of(view), state_of(view)
        troubles = troubles_in(filled, self._cards.shown.reason_rule)
        if not troubles:
            card = CardReply(self._cards, state.place, self._cards.now())
            troubles = self._look(
                _ask_of_form(body, context, state, filled), FormReply(card, view["id"], state, filled)
            )
        if troubles:
            ack(response_action="errors", errors=troubles)
        else:
            ack(response_action="update", view=looking_view())

    def choose(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on one of several accounts."""
        ack()
        self._flow.choose(*self._press(body))

    def confirm(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on the action."""
        ack()
        self._flow.confirm(*self._press(body))

    def cancel(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on Cancel."""
        ack()
        self._flow.cancel(*self._press(body))

    def _begin(self, command: dict[str, Any], context: BoltContext) -> Message | None:
        text = command.get("text") or ""
        options = parse(text, self._spelling) if text.strip() else None
        if isinstance(options, Help):
            return HELP
        if isinstance(options, Skeleton):
            return skeleton(options)
        operator = _operator(command["team_id"], command["user_id"], command.get("user_name"))
        ask = _ask(context, operator, command["channel_id"], options or Options(target=""))
        place, now = self._place(command, replaces=False), self._cards.now()
        if options is None:
            self._flow.open_form(ask, NewForm(self._cards, place, now, command["trigger_id"], ask.channel_id))
        else:
            self._flow.ask(ask, CardReply(self._cards, place, now))
        return None

    def _look(self, ask: Ask, reply: FormReply) -> dict[str, str]:
        try:
            self._flow.ask(ask, reply)
        except BotError as error:
            return {TARGET: str(error)}
        return {}

    def _press(self, body: dict[str, Any]) -> tuple[Press, CardReply]:
        action = body["actions"][0]
        number = action["action_id"].removeprefix(CHOOSE)
        place = self._place(body, replaces=True)
        press = Press(
            request_id=str(action.get("value") or ""),
            operator=_operator_of(body),
            place=place,
            number=int(number) if number.isdecimal() else 0,
        )
        return press, CardReply(self._cards, place, self._cards.now())

    def _place(self, payload: dict[str, Any], *, replaces: bool) -> Place | None:
        url, until = payload.get("response_url"), self._cards.now() + RESPONSE_URL_LASTS
        return Place(response_url=url, until=until, replaces=replaces) if url else None


def _ask(context: BoltContext, operator: Operator, channel_id: str, options: Options) -> Ask:
    # The edge gives an id: over HTTP a request that comes again has that of the first.
    id_ = str(context.get("ask_id") or new_id(datetime.now(UTC)))
    return Ask(id=id_, operator=operator, source="slack", channel_id=channel_id, options=options)


def _ask_of_form(body: dict[str, Any], context: BoltContext, state: FormState, filled: Filled) -> Ask:
    options = Options(target=check_target(filled.target), pool=filled.pool, reason=check_reason(filled.reason))
    return _ask(context, _operator_of(body), state.channel_id, options)


def _operator_of(body: dict[str, Any]) -> Operator:
    user = body["user"]
    # The person's own team: `team` is where the message is, and on Enterprise Grid it can be null.
    team_id = user.get("team_id") or (body.get("team") or {}).get("id") or ""
    return _operator(team_id, user["id"], user.get("username") or user.get("name"))


def _operator(team_id: str, id_: str, name: str | None) -> Operator:
    # Without lone surrogates, which no store can hold: a refusal must leave its trace all the same.
    return Operator(team_id=team_id, id=id_, name=(name or "").encode("utf-8", "replace").decode())
