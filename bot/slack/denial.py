"""What approvers are told when they press, and the form that asks for the reason of a no."""

import logging
from dataclasses import dataclass
from typing import Any

from bot.errors import BotError, StoreUnavailableError, UsageError
from bot.options import MAX_REASON, check_reason
from bot.request import Request, State
from bot.slack.form import REASON, values_of
from bot.slack.modal import field_of, modal, took, typed, updated
from bot.slack.reply import BesideReply
from bot.slack.text import Drawn, plain
from bot.store_ports import Outbox

DENIAL = "signout_denial"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ApproverReply(BesideReply):
    """A reply to a press on the approval message `ts`.

    It makes the message known to `deliver.py`: a lost answer, or a bot that was killed, may have left another one.
    """

    outbox: Outbox
    ts: str | None

    def show(self, request: Request) -> bool:
        """Have the message brought up to date; return False, since nothing is shown here."""
        try:
            if self.ts and request.approval:
                self.outbox.keep_up_to_date(request.id, self.ts)
        except StoreUnavailableError as error:
            log.warning("A pressed approval message was not noted: %s", error.reason)
        return False


@dataclass(frozen=True)
class NewDenial(ApproverReply):
    """A form that is not open yet. Until it is, an error is said beside the approval message."""

    trigger_id: str

    def open(self, request: Request) -> None:
        """Open it. A trigger_id is good for 3 s."""
        view = denial_view(request.id, self.ts)
        if not took(self.sender.cards.client, "views.open", trigger_id=self.trigger_id, view=view):
            self.say(BotError("Slack may not have opened the form.", "If there is none, press Deny again."))


@dataclass(frozen=True)
class DenialReply(ApproverReply):
    """A `Reply` to the form that was sent: what came of it is said in it."""

    view_id: str
    request_id: str
    reason: str

    def show(self, request: Request) -> bool:
        """Say that it is denied, where it is; return whether Slack took that."""
        super().show(request)
        is_denied, client = request.state is State.DENIED, self.sender.cards.client
        return is_denied and updated(client, self.view_id, denied_view(request.id))

    def say(self, error: BotError) -> None:
        """Say what was wrong, above what was typed."""
        view = denial_view(self.request_id, self.ts, self.reason, str(error))
        updated(self.sender.cards.client, self.view_id, view)


def denial_view(request_id: str, ts: str | None, reason: str | None = None, trouble: str | None = None) -> Drawn:
    """Return the form, with what was typed before and what was wrong. It remembers the request, and the message."""
    hint = plain("The person who asked sees it, and the audit channel.")
    return modal(
        DENIAL,
        "Deny",
        [trouble] if trouble else [],
        field_of(REASON, "Why not", typed(reason, MAX_REASON), hint=hint),
        private_metadata=f"{request_id} {ts or ''}",
        submit=plain("Deny"),
    )


def sent_view() -> Drawn:
    """Return what is shown until the result is known. It may stay there, so it has to be true for ever."""
    return modal(DENIAL, "Deny", ["Your no was sent to the bot. It counts once the message in the channel shows it."])


def denied_view(request_id: str) -> Drawn:
    """Return what is shown once the request is denied."""
    return modal(DENIAL, "Deny", [f"Denied. Request {request_id} ended, and nothing was done."])


def pressed_in(view: dict[str, Any]) -> tuple[str, str | None]:
    """Return what a form remembers: the id of the request, and the `ts` of the message whose button opened it."""
    request_id, _, ts = view["private_metadata"].partition(" ")
    return request_id, ts or None


def reason_of(view: dict[str, Any]) -> str:
    """Return the reason that was typed. Raises `UsageError` for one that will not do."""
    try:
        return check_reason(values_of(view)[REASON] or "") or ""
    except UsageError as error:
        raise UsageError(error.sentence.replace("--reason", "The reason")) from None
