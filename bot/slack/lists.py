"""What people read of a list: its preview, how far it is, and what came of it."""

from bot.request import Request
from bot.slack.shown import Shown
from bot.slack.text import Message, message


def progress_message(shown: Shown, request: Request) -> Message:  # noqa: ARG001
    """Return the message in the audit channel that shows how far a list is."""
    listed = request.contents
    return message(f"List: {listed.counts.ended:,} of {listed.size:,}")
