"""What the operator reads: a request's state to blocks. Pure: no clock, no network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.errors import NOT_KNOWN, NOTHING_ENDED, advice
from bot.request import SignOutRequest, State
from bot.slack.accounts import Line, Shown
from bot.slack.text import (
    LINE_BREAK,
    Block,
    Element,
    ago,
    as_text,
    bullets,
    button,
    facts,
    header,
    moment,
    paragraph,
    plain,
    shortened,
    words,
)
from bot.visible import visible

CHOOSE = "signout_choose_"
CONFIRM = "signout_confirm"
CANCEL = "signout_cancel"
AUDIT_KEPT = "The audit channel could not be reached. The entry is kept and will be delivered."
LONGEST_CANDIDATE = 600  # ten of the longest would be more than Slack takes in one message


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


@dataclass(frozen=True, slots=True)
class Cards:
    """Renders a request as its operator sees it."""

    shown: Shown

    def card(self, request: SignOutRequest, last: SignOutRequest | None = None, *, audit_kept: bool = False) -> Message:
        """Return the one card for whatever state a request is in; `last` signed the same account out before.

        `audit_kept`: the audit channel takes no message just now.
        """
        if request.state is State.AWAITING_CONFIRMATION:
            return message(*_awaiting_confirmation(self.shown, request, last))
        kept = [paragraph(words(AUDIT_KEPT))] if audit_kept and request.claimed_at and request.ended_at else []
        return message(*_CARDS[request.state](self.shown, request), *kept)


def _awaiting_choice(shown: Shown, request: SignOutRequest) -> list[Block]:
    left_out = request.matches - len(request.candidates)
    more = f" These are the first {len(request.candidates)}; narrow it by user name, sub or --pool." if left_out else ""
    return [
        header(f"{request.matches} accounts match. Which one is it?"),
        paragraph(words(f"Nothing happens before you choose one and confirm.{more}")),
        *(
            {
                "type": "section",
                "text": plain(shortened(visible(shown.brief(account)), LONGEST_CANDIDATE)),
                "accessory": button("This one", f"{CHOOSE}{number}", request.id),
            }
            for number, account in enumerate(request.candidates)
        ),
        _until(request),
        {"type": "actions", "elements": [button("Cancel", CANCEL, request.id)]},
    ]


def _awaiting_confirmation(shown: Shown, request: SignOutRequest, last: SignOutRequest | None) -> list[Block]:
    return [
        header("Sign this user out of all devices?"),
        facts([*shown.who(request.account), *_before(last), *shown.reason(request.reason)]),
        paragraph(
            words(
                "Every device has to sign in again, and may do so at once. An app that checks only a token's signature "
                f"may go on accepting it for up to {shown.token_lifetime(request.account.pool)}."
            )
        ),
        _until(request),
        {
            "type": "actions",
            "elements": [
                button("Sign out", CONFIRM, request.id, "danger"),
                button("Cancel", CANCEL, request.id),
            ],
        },
    ]


def _until(request: SignOutRequest) -> Block:
    return paragraph(words("You can confirm until "), moment(request.expires_at), words("."))


def _before(last: SignOutRequest | None) -> list[Line]:
    if last is None or last.ended_at is None:
        return []
    return [("Last signed out", [ago(last.ended_at), words(f" by @{last.operator.name}")])]


def _signing_out(shown: Shown, request: SignOutRequest) -> list[Block]:
    return [
        paragraph(
            words("Signing out "),
            words(shown.name(request.account.username), code=True),
            words(" … This takes a second, at most half a minute. The result will be here."),
        )
    ]


def _signed_out(shown: Shown, request: SignOutRequest) -> list[Block]:
    return [
        header(f"Signed out: {shown.name(request.account.username)}"),
        bullets([item for item in _truth(shown, request) if item]),
        facts(_trace(request)),
    ]


def _truth(shown: Shown, request: SignOutRequest) -> list[list[Element]]:
    ended, access, login = request.ended_at, request.access_until, request.login_until
    return [
        [words("All refresh tokens were revoked"), *([words(": "), moment(ended)] if ended else []), words(".")],
        [words("Apps that check only a token's signature may accept it until "), moment(access), words(".")]
        if access
        else [],
        [
            words("A browser that used the hosted login page may get new tokens without a password until "),
            moment(login),
            words(f", each good for up to {shown.token_lifetime(request.account.pool)}."),
        ]
        if login
        else [],
        [words("The person can sign in again at once.")],
        [words("Is that too long, or must they stay out? Disable the account or reset its password in Cognito.")],
    ]


def _failed(shown: Shown, request: SignOutRequest) -> list[Block]:
    return [
        header(f"Not signed out: {shown.name(request.account.username)}"),
        paragraph(words(f"{NOTHING_ENDED} {advice(request.error_code)}")),
        facts(_trace(request)),
    ]


def _unknown(shown: Shown, request: SignOutRequest) -> list[Block]:
    return [
        header(f"Not known whether signed out: {shown.name(request.account.username)}"),
        paragraph(words(f"{NOT_KNOWN} {advice(request.error_code)}")),
        facts(_trace(request)),
    ]


def _cancelled(_: Shown, __: SignOutRequest) -> list[Block]:
    return [paragraph(words("Cancelled. Nobody was signed out."))]


def _expired(_: Shown, request: SignOutRequest) -> list[Block]:
    return [
        paragraph(
            words("This card expired: "),
            moment(request.expires_at),
            words(". Nobody was signed out. Run the command again."),
        )
    ]


def _trace(request: SignOutRequest) -> list[Line]:
    aws = ", ".join(request.aws_request_ids)
    return [
        ("Request", [words(request.id, code=True)]),
        *([("AWS request", [words(aws, code=True)])] if aws else []),
    ]


_CARDS: Mapping[State, Callable[[Shown, SignOutRequest], list[Block]]] = {
    State.AWAITING_CHOICE: _awaiting_choice,
    State.SIGNING_OUT: _signing_out,
    State.SIGNED_OUT: _signed_out,
    State.FAILED: _failed,
    State.UNKNOWN: _unknown,
    State.CANCELLED: _cancelled,
    State.EXPIRED: _expired,
}
