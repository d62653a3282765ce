"""response_urls: addresses at which an app may answer a command or a press, five times within half an hour."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.board import Board
from bot.sandbox.cast import TEAM_ID
from bot.sandbox.limits import refusal

LIFETIME = 30 * 60.0
MOST_USES = 5


@dataclass(kw_only=True)
class ResponseUrl:
    """One address: whom it answers, where, and for a press which message it may replace."""

    person: str
    channel: str
    message_ts: str | None
    expires: float
    uses: int = 0


class ResponseUrls:
    """All addresses that were given out."""

    def __init__(self, board: Board) -> None:
        self.lifetime = LIFETIME
        self._board = board
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, person: str, channel: str, message_ts: str | None) -> str:
        """Give out a new address; with `message_ts` it is one for a press on that message."""
        kind = "actions" if message_ts else "commands"
        path = f"/{kind}/{TEAM_ID}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        self._issued[path] = ResponseUrl(
            person=person, channel=channel, message_ts=message_ts, expires=time.monotonic() + self.lifetime
        )
        return self._board.address + path

    async def handle(self, request: web.Request) -> web.Response:
        """Post, replace or delete a message as the app asks, or refuse as Slack would."""
        found = self._issued.get(request.path)
        if found is None or found.expires < time.monotonic():
            return _refused(404, "expired_url")
        if found.uses >= MOST_USES:
            return _refused(404, "used_url")
        try:
            content = await request.json()
        except ValueError:
            return _refused(400, "invalid_payload")
        if not isinstance(content, dict):
            return _refused(400, "invalid_payload")
        error = self._answer(found, content)
        if error:
            return _refused(410 if error == "channel_is_archived" else 400, error)
        found.uses += 1
        return web.Response(text="ok")

    def _answer(self, to: ResponseUrl, content: dict[str, Any]) -> str | None:
        board = self._board
        original = board.find(to.channel, to.message_ts) if to.message_ts else None
        replaces, deletes = _yes(content.get("replace_original")), _yes(content.get("delete_original"))
        if board.channels[to.channel].archived:
            return "channel_is_archived"
        if (replaces or deletes) and original is None:
            return "cannot_replace_original"
        if deletes and original:
            board.delete(original)
            return None
        if refused := refusal(content):
            return refused.error
        if replaces and original:
            board.replace(original, content)
            return None
        public = content.get("response_type") == "in_channel"
        board.post(to.channel, content, only_for=None if public else to.person)
        return None


def _yes(flag: Any) -> bool:
    return flag is True or flag == "true"


def _refused(status: int, error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
