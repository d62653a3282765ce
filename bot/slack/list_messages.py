"""The message in the audit channel that shows how far a list is."""

from collections.abc import Mapping

from bot.facts.list_words import accounts, list_result
from bot.request import ENDED, Request, State
from bot.slack.list_facts import failures, how_far, list_buttons, what_is_begun, why_so
from bot.slack.shown import Shown
from bot.slack.text import Line, Message, lines, message, small_print

_TITLES: Mapping[State, str] = {
    State.READY: "Waiting",
    State.RUNNING: "Signing out",
    State.PAUSED: "Paused",
    State.STOPPING: "Stopping",
}


def progress_message(shown: Shown, request: Request) -> Message:
    """Return the message in the audit channel that shows how far a list is."""
    listed, ended = request.contents, request.state in ENDED
    title, meaning = list_result(request) if ended else (f"{_TITLES[request.state]}: {accounts(listed.size)}", "")
    reason = request.ask.options.reason
    why: Line = [" · ", *shown.reason(reason)] if reason else []
    return message(
        title,
        [request.ask.operator, f" · pool {listed.pool}", *why],
        lines(how_far(request)),
        why_so(request),
        what_is_begun(request),
        [meaning] if meaning else [],
        *failures(request),
        small_print([[f"List {request.id}"]]),
        list_buttons(request),
    )
