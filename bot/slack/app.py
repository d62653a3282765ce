"""Bolt's App, built so that nothing of it touches the network."""

import logging
import re
import traceback
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient

from bot.options import Spelling
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from bot.slack.conversation import Conversation
from bot.slack.form import FORM
from bot.slack.listeners import Listeners

COMMAND = "/signout"
_QUIET = logging.getLogger("bot.slack.bolt")

log = logging.getLogger(__name__)


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


def _not_taken(error: Exception) -> BoltResponse:
    """Answer what no listener took, or what one could not read. A traceback's last line could quote it."""
    if isinstance(error, BoltUnhandledRequestError):
        log.warning("Slack sent something that this bot does not know")
        return BoltResponse(status=404)
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("What Slack sent cannot be read: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
    return BoltResponse(status=400)


def build_app(base_url: str, installation: Installation, conversation: Conversation, spelling: Spelling) -> App:
    """Return the App. `process_before_response` makes an ack pure computation on the caller's thread."""
    app = App(
        name="signout-bot",
        logger=_QUIET,
        client=WebClient(base_url=base_url),  # without a token: authorize gives it
        authorize=lambda: installation.authorize(),  # noqa: PLW0108 -- Bolt passes `self` to what has one
        process_before_response=True,
        token_verification_enabled=False,
        request_verification_enabled=False,  # Socket Mode's connection is the proof; over HTTP the edge verifies
        raise_error_for_unhandled_request=True,  # otherwise Bolt logs what was sent
    )
    app.error(_not_taken)

    listeners = Listeners(conversation, spelling)
    app.command(COMMAND)(listeners.command)
    app.view(FORM)(listeners.submit)
    app.action(re.compile(rf"{CHOOSE}\d"))(listeners.choose)
    app.action(CONFIRM)(listeners.confirm)
    app.action(CANCEL)(listeners.cancel)
    return app
