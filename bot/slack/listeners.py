"""Bolt's listeners: ack, parse, one call, nothing else. An ack does no I/O."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt import Ack, BoltContext

from bot.errors import BotError, UsageError
from bot.options import USAGE, Help, SignOutOptions, Skeleton, Spelling, check_reason, check_target
from bot.reason import ReasonRule
from bot.request import Ask, Operator, new_id
from bot.slack.cards import CHOOSE, Message, note, usage
from bot.slack.conversation import Conversation, Press
from bot.slack.form import REASON, TARGET, Filled, FormState, filled_of, form_view, looking_view, state_of
from bot.slack.help import HELP, skeleton
from bot.slack.typed import parse


class Listeners:
    """What Slack can tell the bot."""

    def __init__(self, conversation: Conversation, spelling: Spelling) -> None:
        self._conversation = conversation
        self._spelling = spelling

    def command(self, ack: Ack, command: dict[str, Any], context: BoltContext) -> None:
        """Take `/signout …`; alone, it opens the form."""
        answer = _refusal(lambda: self._begin(command, _ask_id(context)))
        ack(text=answer.text, blocks=answer.blocks, response_type="ephemeral") if answer else ack()

    def submit(self, ack: Ack, body: dict[str, Any], view: dict[str, Any], context: BoltContext) -> None:
        """Take a filled form. What is malformed is said at once, under its field."""
        filled, state = filled_of(view), state_of(view)
        troubles = _troubles(filled, self._conversation.confirmations.reason_rule)
        if not troubles:
            again = partial(form_view, state, filled)
            ask = _asked_by_form(_ask_id(context), body, state, filled)
            busy = _refusal(lambda: self._conversation.submit(ask, view["id"], again))
            troubles = {TARGET: busy.text} if busy else {}
        if troubles:
            ack(response_action="errors", errors=troubles)
        else:
            ack(response_action="update", view=looking_view())

    def choose(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on one of several accounts."""
        ack()
        self._conversation.choose(_press(body))

    def confirm(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on Sign out."""
        ack()
        self._conversation.confirm(_press(body))

    def cancel(self, ack: Ack, body: dict[str, Any]) -> None:
        """Take a press on Cancel."""
        ack()
        self._conversation.cancel(_press(body))

    def _begin(self, command: dict[str, Any], ask_id: str) -> Message | None:
        text = command.get("text") or ""
        if not text.strip():
            self._conversation.ask_by_form(_asked(ask_id, command), command["trigger_id"])
            return None
        options = parse(text, self._spelling)
        if isinstance(options, Help):
            return HELP
        if isinstance(options, Skeleton):
            return skeleton(options)
        self._conversation.ask(_asked(ask_id, command, options))
        return None


def _refusal(begin: Callable[[], Message | None]) -> Message | None:
    """Return what `begin` answers, or the sentence of why it could not begin."""
    try:
        return begin()
    except UsageError as error:
        return usage(error.sentence, error.usage or USAGE)
    except BotError as error:
        return note(error.sentence)


def _ask_id(context: BoltContext) -> str:
    """Return the id that the edge gave: over HTTP a replayed request has the first one's. Else a new one."""
    return str(context.get("ask_id") or new_id(datetime.now(UTC)))


def _asked(ask_id: str, command: dict[str, Any], options: SignOutOptions | None = None) -> Ask:
    return Ask(
        id=ask_id,
        operator=Operator(team_id=command["team_id"], id=command["user_id"], name=_storable(command.get("user_name"))),
        source="slack",
        channel_id=command["channel_id"],
        target=options.target if options else "",
        pool=options.pool if options else None,
        pool_id=options.pool_id if options else None,
        exactly=bool(options and options.exactly),
        reason=options.reason if options else None,
        response_url=command.get("response_url"),
    )


def _asked_by_form(ask_id: str, body: dict[str, Any], state: FormState, filled: Filled) -> Ask:
    return Ask(
        id=ask_id,
        operator=_operator(body),
        source="slack",
        channel_id=state.channel_id,
        target=check_target(filled.target),
        pool=filled.pool,
        reason=check_reason(filled.reason),
        response_url=state.response_url,
    )


def _troubles(filled: Filled, reason_rule: ReasonRule) -> dict[str, str]:
    checks: dict[str, Callable[[], object]] = {
        TARGET: partial(check_target, filled.target),
        REASON: lambda: reason_rule.check(check_reason(filled.reason)),
    }
    troubles: dict[str, str] = {}
    for block_id, check in checks.items():
        try:
            check()
        except UsageError as error:
            troubles[block_id] = error.sentence
    return troubles


def _storable(text: str | None) -> str:
    """Return text without lone surrogates, which no store can hold: a refusal must leave its trace all the same."""
    return (text or "").encode("utf-8", "replace").decode()


def _operator(body: dict[str, Any]) -> Operator:
    user = body["user"]
    # The person's own team: `team` is where the message stands, and on Enterprise Grid it can be null.
    team_id = user.get("team_id") or (body.get("team") or {}).get("id") or ""
    return Operator(team_id=team_id, id=user["id"], name=_storable(user.get("username") or user.get("name")))


def _press(body: dict[str, Any]) -> Press:
    action = body["actions"][0]
    number = action["action_id"].removeprefix(CHOOSE)
    return Press(
        request_id=str(action.get("value") or ""),
        operator=_operator(body),
        response_url=body.get("response_url"),
        number=int(number) if number.isdecimal() else 0,
    )
