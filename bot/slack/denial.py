"""The form that asks an approver for the reason of a no, and what is told in it."""

from dataclasses import dataclass
from typing import Any

from bot.errors import BotError, UsageError
from bot.options import MAX_REASON, check_reason
from bot.request import Request
from bot.slack.form import REASON, field_of, modal, took, typed, updated
from bot.slack.reply import ApproverReply
from bot.slack.text import Drawn, lines, plain

DENIAL = "signout_denial"


@dataclass(frozen=True)
class NewDenial(ApproverReply):
    """A form that is not open yet. Until it is, an error is said beside the approval message."""

    trigger_id: str

    def open(self, request: Request) -> None:
        """Open it. A trigger_id is good for 3 s."""
        view = denial_view(request.id)
        if not took(self.sender.cards.client, "views.open", trigger_id=self.trigger_id, view=view):
            self.say(BotError("Slack may not have opened the form.", "If there is none, press Deny again."))


@dataclass(frozen=True)
class DenialReply(ApproverReply):
    """A `Reply` to the form that was sent: what came of it is said in it."""

    view_id: str
    request_id: str
    reason: str

    def show(self, request: Request) -> bool:
        """Say that it is denied; return whether Slack took that."""
        return self._update(
            modal(DENIAL, "Deny", lines([[f"Denied. Request {request.id} ended, and nothing was done."]]))
        )

    def say(self, error: BotError) -> None:
        """Say what was wrong, above what was typed."""
        self._update(denial_view(self.request_id, self.reason, str(error)))

    def _update(self, view: Drawn) -> bool:
        return updated(self.sender.cards.client, self.view_id, view)


def denial_view(request_id: str, reason: str | None = None, trouble: str | None = None) -> Drawn:
    """Return the form, with what was typed before and what was wrong. It remembers the request's id only."""
    hint = plain("The person who asked sees it, and the audit channel.")
    return modal(
        DENIAL,
        "Deny",
        *([lines([[trouble]])] if trouble else ()),
        field_of(REASON, "Why not", typed(reason, MAX_REASON), hint=hint),
        private_metadata=request_id,
        submit=plain("Deny"),
    )


def sent_view() -> Drawn:
    """Return what is shown until the result is known. It may stay there, so it has to be true for ever."""
    said = "Your no was sent to the bot. It counts once the message in the channel shows it."
    return modal(DENIAL, "Deny", lines([[said]]))


def reason_of(view: dict[str, Any]) -> str:
    """Return the reason that was typed. Raises `UsageError` for one that will not do."""
    (sent,) = view["state"]["values"][REASON].values()
    try:
        return check_reason(sent.get("value") or "") or ""
    except UsageError as error:
        raise UsageError(error.sentence.replace("--reason", "The reason")) from None
