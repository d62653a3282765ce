"""The message that shows how far a list is, and what people read about a list in more than one place."""

from collections.abc import Mapping

from bot.facts.list_words import about, accounts, list_result, reasons_of, trouble_of
from bot.list_progress import TOO_MANY
from bot.listed import LeftOut, Listed
from bot.preview import MOST_CHOICES
from bot.request import ENDED, STOPPABLE, Request, State
from bot.slack.shown import Shown
from bot.slack.text import Block, Bold, Code, Drawn, Line, Message, button, cut, lines, message, small_print

PAUSE, GO_ON, STOP, AGAIN = "signout_list_pause", "signout_list_go_on", "signout_list_stop", "signout_list_again"
MOST_NAMED, LONGEST_NAME = 5, 50  # of each sort of lines that were left out: all sorts have to fit
_BAR, _FULL, _EMPTY = 20, "\u2588", "\u2591"
_TITLES: Mapping[State, str] = {
    State.READY: "Waiting",
    State.RUNNING: "Signing out",
    State.PAUSED: "Paused",
    State.STOPPING: "Stopping",
}
# What a pause or a stop means.
BEGUN: Mapping[State, Line] = {
    State.PAUSED: ["What was under way ends, and no more is begun until someone presses Go on."],
    State.STOPPING: ["What was under way ends, and no more is begun."],
}


def holds(listed: Listed) -> list[Line]:
    """Return what a list holds, and how long it takes."""
    whole = accounts(listed.size)
    if listed.everyone:
        whole = f"{whole}, all of the pool"
    elif listed.again_of:
        whole = f"{whole} of list {listed.again_of} that were not signed out"
    elif listed.lines:
        whole = f"{whole}, from {listed.lines:,} line{'' if listed.lines == 1 else 's'}"
    return [
        [Bold("Pool  "), f"{listed.pool} ({listed.region})"],
        [Bold("Accounts  "), whole],
        [Bold("Takes  "), f"about {about(listed.time_left)}, at {listed.pace:g} accounts a second"],
    ]


def left_out(shown: Shown, listed: Listed) -> Block:
    """Return which lines were left out of a list and why, and what else is odd about it."""
    sorts = {
        "Not found": listed.not_found,
        "Several accounts": listed.several,
        "Protected, so left out": listed.protected,
        "Not readable": listed.unreadable,
    }
    said = [[Bold(f"{sort}: {each.count:,}  "), *_named(shown, each)] for sort, each in sorts.items() if each.count]
    if chosen := min(listed.several.count, MOST_CHOICES) - len(listed.choices):
        said.append([f"For {chosen:,} of the lines with several accounts, one of them was chosen."])
    if listed.twice:
        each = "line leads" if listed.twice == 1 else "lines lead"
        said.append([Bold(f"Twice: {listed.twice:,}  "), f"{each} to an account that is in the list already."])
    if listed.recent:
        was, they_are = ("was", "It is") if listed.recent == 1 else ("were", "They are")
        lately = f"{was} signed out within the last hour. {they_are} signed out again."
        said.append([Bold(f"Lately: {listed.recent:,}  "), lately])
    return lines(said, "list") if said else []


def _named(shown: Shown, left: LeftOut) -> Line:
    """Return the first of the lines, as they may be shown."""
    names = [cut(shown.personal(line), LONGEST_NAME) for line in left.first[:MOST_NAMED]]
    more = left.count - len(names)
    return [", ".join(names), f" and {more:,} more"] if more else [", ".join(names)]


def progress_message(shown: Shown, request: Request) -> Message:
    """Return the message in the audit channel that shows how far a list is."""
    listed, ended = request.contents, request.state in ENDED
    title, meaning = list_result(request) if ended else (f"{_TITLES[request.state]}: {accounts(listed.size)}", "")
    reason = request.ask.options.reason
    why: Line = [" · ", *shown.reason(reason)] if reason else []
    return message(
        title,
        [request.ask.operator, f" · pool {listed.pool}", *why],
        lines(_how_far(request)),
        why_so(request),
        BEGUN.get(request.state, []),
        [meaning] if meaning else [],
        *failures(request),
        small_print([[f"List {request.id}"]]),
        list_buttons(request),
    )


def _how_far(request: Request) -> list[Line]:
    """Return how far a list is: a bar, what was counted, and how fast it goes."""
    listed, counts = request.contents, request.contents.counts
    share = counts.ended / listed.size if listed.size else 1.0
    full = int(share * _BAR)
    told: list[Line] = [
        [Code(f"{_FULL * full}{_EMPTY * (_BAR - full)} {int(share * 100)}%")],
        [f"{counts.done:,} signed out, {counts.failed:,} failed, {counts.unknown:,} not known, {listed.left:,} left."],
    ]
    if request.state is State.RUNNING and listed.left and listed.trouble in {None, TOO_MANY}:
        rate = f"{listed.rate:.1f} accounts a second, about" if listed.rate else "About"
        told.append([f"{rate} {about(listed.time_left)} left."])
    return told


def why_so(request: Request) -> Line:
    """Return who paused or stopped a list or let it go on, and why it waits or is slow; empty where it just runs."""
    said = {State.PAUSED: "Paused", State.STOPPING: "Stopped", State.READY: "Let go on"}.get(request.state)
    if request.state in ENDED:
        said = "Stopped" if request.decided_at and request.contents.left else None
    trouble = trouble_of(request)
    who: Line = []
    if said and request.pressed_by:
        who = [f"{said} by ", request.pressed_by, "."]
    elif request.state in {State.PAUSED, State.STOPPING}:
        who = [f"{said} by the bot."]
    return [*who, *([f" {trouble}" if who else trouble] if trouble else [])]


def failures(request: Request) -> list[Drawn]:
    """Return why accounts were not signed out, or why that is not known; nothing where there are none."""
    said = reasons_of(request.contents.counts)
    return [lines([[each] for each in said], "list")] if said else []


def list_buttons(request: Request) -> tuple[Drawn, ...]:
    """Return what may be pressed once a list was decided on: on its card and on its progress message."""
    if request.state in STOPPABLE:
        paused = request.state is State.PAUSED
        first = button("Go on", GO_ON, request.id) if paused else button("Pause", PAUSE, request.id)
        return (first, button("Stop", STOP, request.id, style="danger"))
    if request.state in {State.PARTLY, State.FAILED, State.UNKNOWN}:
        label = "Try the rest again" if request.contents.left else "Try the failed again"
        return (button(label, AGAIN, request.id),)
    return ()
