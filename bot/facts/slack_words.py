"""Slack's hosts, and its words for what went wrong."""

import re

SLACK_HOST = re.compile(r"(?:[a-z0-9-]+\.)*slack(?:-gov)?\.com")
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # where the sandbox plays Slack
_WORD = re.compile(r"[a-z][a-z_]{0,59}")  # Slack's words have no dashes, and tokens do
# Asking again with the same token does not help.
TOKEN_ERRORS = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})


def word_in(body: object) -> str | None:
    """Return Slack's word for what went wrong, of an answer's body; None where it has none. Nothing else is quoted."""
    word = body.get("error") if isinstance(body, dict) else None
    return word if isinstance(word, str) and _WORD.fullmatch(word) else None
