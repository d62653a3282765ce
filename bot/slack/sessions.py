"""What people read about an account's sessions, in a pool that tracks them: before they are ended, and after."""

from collections.abc import Sequence
from datetime import datetime

from bot.action import ACTIONS, END_SESSION
from bot.request import Request, Session
from bot.slack.shown import Shown
from bot.slack.text import Block, Code, Line, button, choice

END_THIS = "signout_end_session_"  # with the number of the session in the list
_TIME = "%Y-%m-%d %H:%M UTC"
_KINDS = {"SSO": "login page", "TOKEN": "app"}


def session_rows(shown: Shown, request: Request) -> list[Block]:
    """Return the sessions of an account, each with the button that ends only it."""
    if request.sessions is None:
        return [["Its sessions could not be listed just now. They will be ended all the same."]]
    if not request.sessions:
        return [["Cognito lists no session of this account."]]
    label = ACTIONS[END_SESSION].button
    return [
        choice(in_words(shown, each), button(label, f"{END_THIS}{number}", request.id))
        for number, each in enumerate(request.sessions)
    ]


def in_words(shown: Shown, session: Session) -> str:
    """Return what tells one session from another, in one line. An address is personal data."""
    return " · ".join(
        filter(
            None,
            (
                session.device or "Unknown device",
                _KINDS.get(session.kind, session.kind),
                _moment("last active", session.last_active_at),
                ", ".join(filter(None, (session.city, session.country))),
                session.address if shown.pii == "full" else "",
                _moment("began", session.began_at),
            ),
        )
    )


def proof_lines(shown: Shown, request: Request) -> Sequence[Line]:
    """Return what a list of the sessions said once they were ended; nothing where none was asked for."""
    if not (proof := request.proof):
        return []
    lines: list[Line] = [["No session is left (checked ", proof.at, ")."]]
    if proof.left:
        again = Code(f"/signout {shown.name(request.account)}")
        said = "session was" if proof.left == 1 else "sessions were"
        lines = [[f"{proof.left} {said} still listed at ", proof.at, ". Check again with ", again, "."]]
    if newer := "; ".join(in_words(shown, each) for each in proof.newer):
        lines.append([f"Begun after the press, and not ended: {newer}."])
    return lines


def _moment(label: str, time: datetime | None) -> str:
    return f"{label} {time:{_TIME}}" if time else ""
