"""What the operator reads: a request's state to blocks. Pure: no clock, no network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.errors import advice
from bot.request import Account, SignOutRequest, State
from bot.slack.text import (
    LINE_BREAK,
    Block,
    Element,
    as_text,
    bullets,
    button,
    facts,
    header,
    moment,
    paragraph,
    visible,
    words,
)

CONFIRM = "signout_confirm"
CANCEL = "signout_cancel"


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the same as escaped text for notifications and screen readers."""

    blocks: list[Block]
    text: str


def message(*blocks: Block) -> Message:
    """Return a message of these blocks."""
    return Message(list(blocks), as_text(blocks))


def note(sentence: str) -> Message:
    """Return a message of one sentence."""
    return message(paragraph(words(sentence)))


def usage(sentence: str, usage_line: str) -> Message:
    """Return what was wrong with a command, and how to write it."""
    return message(paragraph(words(sentence), LINE_BREAK, words("Usage: "), words(usage_line, code=True)))


def masked(email: str) -> str:
    """Return an email of which only the first letter and the domain can be read."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else f"{email[:1]}…"


def duration(length: timedelta) -> str:
    """Return a length of time in words, exact to the minute."""
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}{'s' * (count != 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"


@dataclass(frozen=True, slots=True)
class Cards:
    """Renders a request as its operator sees it. `pii` is "masked" or "full"."""

    pii: str
    token_lifetimes: Mapping[str, timedelta]

    def card(self, request: SignOutRequest) -> Message:
        """Return the one card for whatever state a request is in."""
        return message(*_CARDS[request.state](self, request))

    def who(self, account: Account) -> list[tuple[str, list[Element]]]:
        """Return the lines that tell one account from another."""
        email = account.email if self.pii == "full" or not account.email else masked(account.email)
        enabled = (
            {True: ", enabled", False: ", disabled"}.get(account.enabled, "") if account.enabled is not None else ""
        )
        return [
            ("User name", [words(account.username, code=True)]),
            *([("Email", [words(email)])] if email else []),
            *([("Status", [words(f"{account.status}{enabled}")])] if account.status else []),
            *([("Created", [moment(account.created_at)])] if account.created_at else []),
            ("Pool", [words(f"{account.pool} ({account.region})")]),
        ]

    def lifetime(self, request: SignOutRequest) -> str:
        """Return how long a token of the request's pool lives."""
        return duration(self.token_lifetimes.get(request.account.pool, timedelta(hours=1)))


def _awaiting(cards: Cards, request: SignOutRequest) -> list[Block]:
    reason = [("Reason", [words(request.reason)])] if request.reason else []
    return [
        header("Sign this user out of all devices?"),
        facts([*cards.who(request.account), *reason]),
        paragraph(
            words(
                "Every device has to sign in again, and may do so at once. An app that checks only a token's signature "
                f"may go on accepting it for up to {cards.lifetime(request)}."
            )
        ),
        paragraph(words("You can confirm until "), moment(request.expires_at), words(".")),
        {
            "type": "actions",
            "elements": [
                button("Sign out", CONFIRM, request.id, "danger"),
                button("Cancel", CANCEL, request.id),
            ],
        },
    ]


def _signing_out(_: Cards, request: SignOutRequest) -> list[Block]:
    return [
        paragraph(
            words("Signing out "),
            words(request.account.username, code=True),
            words(" … This takes a second, at most half a minute. The result will be here."),
        )
    ]


def _signed_out(cards: Cards, request: SignOutRequest) -> list[Block]:
    return [
        header(f"Signed out: {request.account.username}"),
        bullets([item for item in _truth(cards, request) if item]),
        facts(_trace(request)),
    ]


def _truth(cards: Cards, request: SignOutRequest) -> list[list[Element]]:
    ended, access, login = request.ended_at, request.access_until, request.login_until
    return [
        [words("All refresh tokens were revoked"), *([words(": "), moment(ended)] if ended else []), words(".")],
        [words("Apps that check only a token's signature may accept it until "), moment(access), words(".")]
        if access
        else [],
        [
            words("A browser that used the hosted login page may get new tokens without a password until "),
            moment(login),
            words(f", each good for up to {cards.lifetime(request)}."),
        ]
        if login
        else [],
        [words("The person can sign in again at once.")],
        [words("Is that too long, or must they stay out? Disable the account or reset its password in Cognito.")],
    ]


def _failed(_: Cards, request: SignOutRequest) -> list[Block]:
    return [
        header(f"Not signed out: {request.account.username}"),
        paragraph(words("Cognito refused every call, so no session was ended. "), words(advice(request.error_code))),
        facts(_trace(request)),
    ]


def _unknown(_: Cards, request: SignOutRequest) -> list[Block]:
    return [
        header(f"Not known whether signed out: {request.account.username}"),
        paragraph(
            words(
                "It may or may not have happened. Running it again is possible; "
                "it would also end sessions opened since. "
            ),
            words(advice(request.error_code)),
        ),
        facts(_trace(request)),
    ]


def _cancelled(_: Cards, request: SignOutRequest) -> list[Block]:
    return [paragraph(words("Cancelled. "), words(request.account.username, code=True), words(" was not signed out."))]


def _expired(_: Cards, request: SignOutRequest) -> list[Block]:
    return [
        paragraph(
            words("This card expired: "),
            moment(request.expires_at),
            words(". "),
            words(request.account.username, code=True),
            words(" was not signed out. Run the command again."),
        )
    ]


def _trace(request: SignOutRequest) -> list[tuple[str, list[Element]]]:
    aws = ", ".join(request.aws_request_ids)
    return [
        ("Request", [words(request.id, code=True)]),
        *([("AWS request", [words(visible(aws), code=True)])] if aws else []),
    ]


_CARDS: Mapping[State, Callable[[Cards, SignOutRequest], list[Block]]] = {
    State.AWAITING_CONFIRMATION: _awaiting,
    State.SIGNING_OUT: _signing_out,
    State.SIGNED_OUT: _signed_out,
    State.FAILED: _failed,
    State.UNKNOWN: _unknown,
    State.CANCELLED: _cancelled,
    State.EXPIRED: _expired,
}
