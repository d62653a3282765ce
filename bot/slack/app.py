"""Bolt's App and its listeners: ack, parse, one call, nothing else. An ack does no I/O."""

import logging
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.errors import BotError, UsageError
from bot.options import USAGE, Help, parse
from bot.request import Ask, Operator
from bot.slack.cards import CANCEL, CONFIRM, Message, note, usage
from bot.slack.conversation import Conversation, Press
from bot.slack.help import HELP

COMMAND = "/signout"
_QUIET = logging.getLogger("bot.slack.bolt")


class Installation:
    """The workspace the bot is installed in, known once auth.test has answered."""

    def __init__(self, bot_token: str) -> None:
        self._bot_token = bot_token
        self._answer: dict[str, Any] | None = None

    def learn(self, auth_test: dict[str, Any]) -> None:
        """Remember what auth.test said."""
        self._answer = auth_test

    def team_id(self) -> str | None:
        """Return the workspace's id, or None while it is not known."""
        return str(self._answer["team_id"]) if self._answer else None

    def authorize(self) -> AuthorizeResult:
        """Answer Bolt, which would otherwise ask Slack on the event loop."""
        if self._answer is None:
            raise RuntimeError("a request came before auth.test had answered")
        return AuthorizeResult.from_auth_test_response(
            bot_token=self._bot_token, auth_test_response=self._answer, user_auth_test_response=None
        )


def build_app(base_url: str, installation: Installation, conversation: Conversation) -> App:
    """Return the App. `process_before_response` makes an ack pure computation on the caller's thread."""
    app = App(
        name="signout-bot",
        logger=_QUIET,
        client=WebClient(base_url=base_url),  # without a token: authorize gives it
        authorize=lambda: installation.authorize(),  # noqa: PLW0108 -- Bolt passes `self` to what has one
        process_before_response=True,
        token_verification_enabled=False,
        request_verification_enabled=False,  # Socket Mode: the connection is the proof
    )

    @app.command(COMMAND)
    def on_command(ack: Ack, command: dict[str, Any]) -> None:
        try:
            options = parse(command.get("text") or "")
            if isinstance(options, Help):
                return _say(ack, HELP)
            conversation.ask(
                Ask(
                    operator=Operator(
                        team_id=command["team_id"], id=command["user_id"], name=command.get("user_name") or ""
                    ),
                    source="slack",
                    channel_id=command["channel_id"],
                    target=options.target,
                    pool=options.pool,
                    reason=options.reason,
                    response_url=command.get("response_url"),
                )
            )
        except UsageError as error:
            return _say(ack, usage(error.sentence, USAGE))
        except BotError as error:
            return _say(ack, note(error.sentence))
        ack()
        return None

    @app.action(CONFIRM)
    def on_confirm(ack: Ack, body: dict[str, Any]) -> None:
        ack()
        conversation.confirm(_press(body))

    @app.action(CANCEL)
    def on_cancel(ack: Ack, body: dict[str, Any]) -> None:
        ack()
        conversation.cancel(_press(body))

    return app


def _say(ack: Ack, message: Message) -> None:
    ack(text=message.text, blocks=message.blocks, response_type="ephemeral")


def _press(body: dict[str, Any]) -> Press:
    user = body["user"]
    # The presser's own team: `team` is where the message stands, and on Enterprise Grid it can be null.
    team_id = user.get("team_id") or (body.get("team") or {}).get("id") or ""
    return Press(
        request_id=str(body["actions"][0].get("value") or ""),
        operator=Operator(team_id=team_id, id=user["id"], name=user.get("username") or user.get("name") or ""),
        response_url=body.get("response_url"),
    )
