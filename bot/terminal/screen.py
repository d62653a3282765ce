"""What a terminal shows. Plain text on standard error, so that standard output stays the AWS CLI's: empty."""

import sys
from datetime import datetime

from bot.errors import NOT_KNOWN, NOTHING_ENDED, advice
from bot.request import SignOutRequest, State
from bot.visible import visible

QUESTION = "Sign this user out of all devices? [y/N] "
NOBODY_TO_ASK = "Nobody can be asked to confirm here: this is no terminal. Add --yes."
UNFINISHED = (
    "Whether it happened is not known here. The bot finishes what was begun once it runs; "
    "the audit channel will hear how it ended."
)
INTERRUPTED = f"Interrupted. {UNFINISHED}"


def say(text: str) -> None:
    """Show text, none of it raw, on standard error."""
    print("\n".join(map(visible, text.split("\n"))), file=sys.stderr)  # noqa: T201 -- a command line speaks there


def can_ask() -> bool:
    """Return whether somebody sits in front of this."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_confirmed(request: SignOutRequest) -> bool:
    """Show the account, ask, and return whether the answer was yes."""
    say("\n".join(f"{label:<11} {value}" for label, value in _facts(request)))
    print(QUESTION, end="", file=sys.stderr, flush=True)  # noqa: T201 -- and asks there
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def outcome(request: SignOutRequest) -> str:
    """Return what is known of a request that did not end signed out."""
    name = request.account.username
    match request.state:
        case State.FAILED:
            return f"{name} was not signed out. {NOTHING_ENDED} {advice(request.error_code)}"
        case State.CANCELLED:
            return f"Cancelled. {name} was not signed out."
        case State.EXPIRED:
            return f"Not confirmed in time. {name} was not signed out. Run the command again."
        case _:
            return f"Not known whether {name} was signed out. {NOT_KNOWN} {advice(request.error_code)}"


def _facts(request: SignOutRequest) -> list[tuple[str, str]]:
    account = request.account
    facts = [
        ("User name", account.username),
        ("Email", account.email),
        ("Phone", account.phone),
        ("Sign-in", account.sign_in),
        ("Status", account.standing),
        ("Created", _moment(account.created_at)),
        ("Changed", _moment(account.modified_at)),
        ("Sub", account.sub),
        ("Pool", f"{account.pool} ({account.pool_id}, {account.region})"),
        ("Reason", request.reason),
    ]
    return [(label, visible(value)) for label, value in facts if value]  # a line break would begin another fact


def _moment(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else None
