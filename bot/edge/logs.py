"""Logging to standard error, from which no secret can be read whatever a library writes."""

import logging
import re
import sys
from collections.abc import Sequence

# slack_sdk writes response_urls at DEBUG and the Socket Mode ticket at ERROR: these forms are hidden wherever found.
_FORMS = re.compile(
    r"(?P<token>xox[a-z]-|xapp-)[\w-]+"
    r"|(?P<url>https?://[^\s'\"<>]*/(?:commands|actions|services|workflows)/)[^\s'\"<>\\]+"
    r"|(?P<ticket>wss?://[^\s'\"<>?]*\?)[^\s'\"<>\\]+"
)
# Below INFO these write whole payloads: personal data and response_urls.
_TALKATIVE = ("slack_sdk", "slack_bolt", "bot.slack.bolt", "botocore", "boto3", "urllib3", "asyncio", "aiohttp")


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, and then hides `secrets` and everything that has a secret's form."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")
        self._secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def format(self, record: logging.LogRecord) -> str:
        """Return one record without secrets."""
        line = super().format(record)
        if self._secrets:
            line = self._secrets.sub("[hidden]", line)
        return _FORMS.sub(lambda found: f"{found['token'] or found['url'] or found['ticket'] or ''}[hidden]", line)


def configure(level: str, secrets: Sequence[str]) -> None:
    """Log from `level` on; libraries never below INFO."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level)))
