"""What a terminal shows of a request: the account before it is confirmed, and the outcome. Plain text."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from bot.account import Account
from bot.action import ACTIONS, SIGN_OUT
from bot.facts.advice import result
from bot.request import Request, State
from bot.spellings import difference
from bot.visible import visible
from bot.whoami import Standing

NO_ONE_TO_ASK = "This is not a terminal, so the command cannot ask you to confirm. Add --yes."
UNFINISHED = (
    "Whether it happened is not known here. The bot finishes what was begun, where it may, once it runs; "
    "the audit channel will show how it ended."
)
INTERRUPTED = f"Interrupted. {UNFINISHED}"


def can_ask(*, on_tty: bool = False) -> bool:
    """Return whether a person can answer here; `on_tty`: though standard input is something else."""
    if not on_tty:
        return sys.stdin.isatty() and sys.stderr.isatty()
    with suppress(OSError), open("/dev/tty", "rb"):  # noqa: PTH123 -- a device
        return sys.stderr.isatty()
    return False


def answer_to(question: str, *, on_tty: bool = False) -> str:
    """Ask, and return the answer; `on_tty`: standard input is something else, so it is read from the terminal."""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201 -- a command line asks there
    if not on_tty:
        return sys.stdin.readline()
    with open("/dev/tty", encoding="utf-8", errors="replace") as terminal:  # noqa: PTH123 -- a device
        return terminal.readline()


def answers_yes(request: Request) -> bool:
    """Ask for the confirmation, and return whether the answer was yes."""
    return answer_to(f"{ACTIONS[request.action].question} [y/N] ").strip().lower() in {"y", "yes"}


def facts(request: Request) -> str:
    """Return the account and the reason, each fact on a line of its own."""
    account = request.account
    labelled = [
        ("Read as", _how_read(request)),
        ("User name", account.username),
        ("Preferred", account.preferred_username),
        ("Email", account.email),
        ("Phone", account.phone),
        ("Sign-in", account.sign_in),
        ("Status", account.status_in_words),
        ("Created", _moment(account.created_at)),
        ("Changed", _moment(account.modified_at)),
        ("Sub", account.sub),
        ("Pool", f"{account.pool} ({account.pool_id}, {account.region})"),
        ("Reason", request.ask.options.reason),
        ("Effect", ACTIONS[request.action].effect if request.action != SIGN_OUT else None),
    ]
    # In a value, a line break would begin another fact.
    return "\n".join(f"{label:<11} {visible(value)}" for label, value in labelled if value)


def unsure(request: Request, *, yes: bool) -> str:
    """Return why the command does not go on, and what to do; `yes`: no one is asked. Empty where it is clear."""
    if request.chosen is None:
        by_region = len({each.region for each in request.candidates}) > 1
        found = "\n".join(f"  {visible(_told_apart(each, by_region=by_region))}" for each in request.candidates)
        return f"{request.matches} accounts match. Run the command again for the one that is meant:\n{found}"
    if yes and request.searched_as:
        read, name = _how_read(request), visible(request.account.username)
        return f"No one was found exactly as typed. Read as {read}, it is {name}. To confirm that, leave out --yes."
    if yes and not _is_named(request.account, typed := request.ask.options.target):
        not_its = "is not its user name, sub, email or phone number as Cognito has it"
        leads = f"{visible(typed)} leads to the account {visible(request.account.username)}, but {not_its}."
        return f"{leads} To confirm that, leave out --yes."
    return ""


def standing(told: Standing) -> str:
    """Return what the person at this terminal may do."""
    return "\n".join(
        [
            f"You are {visible(told.operator.id)}.",
            *(
                f"Pool {each.pool}: {_for_slack(each.needs) if each.needs else f'allowed by {each.asks}.'}"
                for each in told.pools
            ),
            *(
                f"Pool {each.pool}: you may also {ACTIONS[action].may}.{f' It {_for_slack(needs)}' if needs else ''}"
                for each in told.pools
                for action, needs in each.more.items()
            ),
            *(f"Accounts left within this hour: {number} ({name})." for name, number in told.left.items()),
        ]
    )


def _for_slack(needs: Sequence[str]) -> str:
    return f"needs the approval of a second person, so it is for Slack ({', '.join(needs)})."


def outcome(request: Request) -> str:
    """Return what is known of a request that has ended. Success needs no words, unless sessions are still listed."""
    name = request.chosen.username if request.chosen else request.ask.options.target
    match request.state:
        case State.DONE:
            return _listed(request)
        case State.CANCELLED:
            return f"Cancelled. Nothing was done to {name}."
        case State.EXPIRED:
            return f"Not confirmed in time. Nothing was done to {name}. Run the command again."
    title, meaning = result(request)
    return f"{title}: {name}. {meaning} {_listed(request)}".rstrip()


def _listed(request: Request) -> str:
    """Return what a list of the sessions at the end still has; empty where it has none, or there is no list."""
    if not (proof := request.proof):
        return ""
    left = f"Sessions that were still listed at {_moment(proof.at)}: {proof.left}. Run the command again to check."
    since = f"Sessions that began since the command and may go on: {len(proof.newer) + proof.more}."
    return " ".join([*([left] if proof.left else []), *([since] if proof.newer else [])])


def _is_named(account: Account, typed: str) -> bool:
    """Whether that is the account's own; a preferred_username is not: people choose theirs, also another's name."""
    names = (account.username, account.sub, account.email, account.phone)
    return typed.lower() in {name.lower() for name in names if name}


def _how_read(request: Request) -> str | None:
    """Return how the target was read, where no one was found as it was typed."""
    if request.searched_as is None:
        return None
    left_out, otherwise = difference(request.ask.options.target, request.searched_as)
    if not left_out:
        return f"{request.searched_as}, {otherwise}"
    return f"{request.searched_as} (left out: {' and '.join(left_out)})"


def _told_apart(account: Account, *, by_region: bool) -> str:
    options = f"--username {account.sub or account.username}{f' --region {account.region}' if by_region else ''}"
    names = (account.sub and account.username, account.preferred_username, account.email, account.phone)
    return "  ".join(filter(None, (options, *names, account.sign_in, f"pool {account.pool}")))


def _moment(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else None
