"""What people read about an account's sessions, in a pool that tracks them: before they are ended, and after."""

import re
from collections.abc import Sequence
from datetime import datetime

from bot.account import Session
from bot.action import ACTIONS, END_SESSION
from bot.request import Request
from bot.sessions import MAX_SESSIONS
from bot.slack.shown import Shown
from bot.slack.text import Block, Code, Line, button, choice, cut, facts

BEGUN_SINCE = "These began after the press, so the bot did not end them one by one. They may go on:"
END_THIS = "signout_end_session_"  # with the number of the session in the list
NOT_ON_THIS_CARD = (
    "The sessions of this account are not on this card. To see them, run the command again with its user name. You can "
    "sign this user out all the same."
)
MAYBE_MORE = f"These {MAX_SESSIONS} were used last. There may be more."
_LONGEST = 60  # who signs in has a say in what the device is called: no part pushes out the others, or the message
_PLAIN = re.compile(r"[\w.+@-]+")  # no shell reads it otherwise
_TIME = "%Y-%m-%d %H:%M UTC"
_KINDS = {"SSO": "login page", "TOKEN": "app"}


def session_rows(shown: Shown, request: Request) -> list[Block]:
    """Return the sessions of an account, each with the button that ends only it."""
    if request.sessions is None:
        return [[NOT_ON_THIS_CARD]]
    if not request.sessions:
        return [["Cognito lists no session of this account."]]
    label, more = ACTIONS[END_SESSION].button, len(request.sessions) == MAX_SESSIONS
    rows: list[Block] = [
        choice(in_words(shown, each), button(label, f"{END_THIS}{number}", request.id))
        for number, each in enumerate(request.sessions)
    ]
    return [*rows, [MAYBE_MORE]] if more else rows


def in_words(shown: Shown, session: Session) -> str:
    """Return what tells one session from another, in one line. An address is personal data."""
    told = (
        session.device or "Unknown device",
        _KINDS.get(session.kind, session.kind),
        _moment("last active", session.last_active_at),
        ", ".join(filter(None, (session.city, session.country))),
        session.address if shown.pii == "full" else "",
        _moment("began", session.began_at),
    )
    return " · ".join(cut(each, _LONGEST) for each in told if each)


def about_sessions(shown: Shown, request: Request) -> Sequence[Line]:
    """Return which session was to be ended, or what was left of all of them; nothing where it was about neither."""
    if request.session:
        return facts({"Session": [in_words(shown, request.session)]})
    if not (proof := request.proof):
        return []
    none = "No session from before the press is left" if proof.newer else "No session is left"
    left: Line = [f"{none} (checked ", proof.at, ")."]
    if proof.left:
        said = "session was" if proof.left == 1 else "sessions were"
        left = [f"{proof.left} {said} still listed at ", proof.at, ". Check again with ", _again(shown, request), "."]
    named = [in_words(shown, each) for each in proof.newer]
    more = [f"and {proof.more} more"] if proof.more else []
    since: Line = [f"{BEGUN_SINCE} {'; '.join([*named, *more])}."] if named else []
    return [left, *([since] if named else [])]


def _again(shown: Shown, request: Request) -> Code:
    """Return the command that finds the account: never with a masked name."""
    account, name = request.account, shown.name(request.account)
    is_whole = name == account.username and _PLAIN.fullmatch(name)
    return Code(f"/signout {name if is_whole or not account.sub else account.sub}")


def _moment(label: str, time: datetime | None) -> str:
    return f"{label} {time:{_TIME}}" if time else ""
