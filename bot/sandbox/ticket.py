"""A ticket with its thread, in which no command can be typed: what the shortcuts are tried on."""

from bot.sandbox.cast import APPROVER, ASKER, SUPPORT_CHANNEL
from bot.sandbox.workspace import Workspace

TICKET = "HELP-4711: a stolen phone. What the caller says is in the thread."
ONE = "She is grace@example.com. She wants to be signed out of everything."
SEVERAL = "Her colleague lost a phone on the same trip. It is margaret@example.com or barbara@example.com."


def open_ticket(workspace: Workspace) -> None:
    """Post the ticket, and what was answered in its thread."""
    ticket = workspace.say(ASKER, TICKET, SUPPORT_CHANNEL)
    for said in (ONE, SEVERAL):
        workspace.say(APPROVER, said, SUPPORT_CHANNEL, thread_ts=ticket.ts)
