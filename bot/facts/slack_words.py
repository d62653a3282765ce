"""Slack's hosts, and its words for a token that no longer works."""

import re

SLACK_HOST = re.compile(r"(?:[a-z0-9-]+\.)*slack(?:-gov)?\.com")
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # where the sandbox plays Slack
# Asking again with the same token does not help.
TOKEN_ERRORS = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
