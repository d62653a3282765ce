"""What operators are told in Slack: cards and sentences, all drawn and sent in this one way."""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.errors import BotError, DeliveryError, StoreUnavailableError
from bot.facts.leaving import Departure, leaving
from bot.history import Past
from bot.options import USAGE
from bot.ports import Left, Place
from bot.request import AWAITING, ENDED, Request
from bot.slack.approvals import approval_message, standing_message
from bot.slack.cards import card, error_message
from bot.slack.clients import BlockingClient, failure_of, post
from bot.slack.history import history_message
from bot.slack.list_facts import progress_message
from bot.slack.responses import respond
from bot.slack.shown import Shown
from bot.slack.text import Message
from bot.whoami import Standing

RESPONSE_URL_LASTS = timedelta(minutes=30)
MINUTE, STRANGERS_IN_A_MINUTE = timedelta(minutes=1), 20
NO_CARD = (
    "The card of this request may not show its result, so it comes as a direct message. Buttons that the card may "
    "still have change nothing of this request."
)
REFUSING_FOR = timedelta(minutes=10)  # it is tried again sooner; another instance may then be the one that tries
# A message that no one can edit any more.
_GONE_MESSAGE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "is_archived",
        "is_inactive",
    }
)
# A person whom the app cannot write to.
_NO_SUCH_PERSON = frozenset(
    {"channel_not_found", "user_not_found", "user_disabled", "is_archived", "messages_tab_disabled", "cannot_dm_bot"}
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SlackCards:
    """The cards of operators: what draws and sends them. `audit_refused`: the audit channel takes no messages now.

    `waiting` has the response_url of the card that was shown last, and until when it waits for a press. `refused` has,
    by the id of each approval channel that did not take its last message, Slack's word for why, and when that was.
    `strangers` has when each was shown a form.
    """

    client: BlockingClient
    shown: Shown
    audit_refused: Callable[[], bool]
    now: Callable[[], datetime]
    card_shown: Callable[[float], object]  # is told how many seconds it took from a command to its card
    result_shown: Callable[[float], object]  # and from a press to the result
    respond: Callable[..., None] = respond
    audit_channel: str = ""
    address: Callable[[str, str], str | None] = lambda _, __: None  # of the message in a channel with this `ts`
    progress_ts: Callable[[str], str | None] = lambda _: None  # Slack's id of a list's progress message
    refused: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    strangers: "deque[datetime]" = field(default_factory=partial(deque, maxlen=STRANGERS_IN_A_MINUTE))
    waiting: "deque[tuple[str, datetime]]" = field(default_factory=partial(deque, maxlen=1), repr=False)

    def show(self, request: Request, place: Place | None, left: Left = lambda: timedelta.max) -> None:
        """Show a request at `place`; without one, as a direct message. Raises `DeliveryError` unless Slack took it.

        Nothing is sent once no time is `left`.
        """
        drawn = card(
            self.shown,
            request,
            audit_refused=self.audit_refused(),
            approval_refused=bool(request.approval and request.approval.channel_id in self.refusing()),
            note=NO_CARD if place is None and request.state in ENDED else "",
            link=self._link(request) if request.has_progress else None,
        )
        with leaving(Departure(lambda: left().total_seconds())):
            if place:
                self.respond(self.client, place.response_url, drawn, replace=place.replaces)
                return
            try:
                post(self.client, request.ask.operator.id, drawn)
            except DeliveryError as error:
                error.gone = error.reason in _NO_SUCH_PERSON
                raise

    def _link(self, request: Request) -> str | None:
        """Return the address of a list's progress message; None where there is none, or it is not known."""
        try:
            ts = self.progress_ts(request.id)
        except StoreUnavailableError:  # the card is shown without it
            return None
        return self.address(self.audit_channel, ts) if ts else None

    def show_approval(self, request: Request, ts: str | None, left: Left = lambda: timedelta.max) -> str:
        """Post a request to those who may approve it, or edit the message `ts`; return its `ts`. Raises as `show`."""
        if request.approval is None:
            raise LookupError("no one was asked to approve this")
        channel = request.approval.channel_id
        try:
            shown_as = self._put(channel, ts, approval_message(self.shown, request), left)
        except DeliveryError as error:
            if error.for_good:  # a time-out says nothing of the channel
                self.refused[channel] = error.reason, self.now()
            raise
        if ts is None:
            self.refused.pop(channel, None)
        return shown_as

    def show_progress(self, request: Request, ts: str | None, left: Left) -> str:
        """Post how far a list is to the audit channel, or edit the message `ts`; return its `ts`. Raises as `show`."""
        return self._put(self.audit_channel, ts, progress_message(self.shown, request), left)

    def _put(self, channel: str, ts: str | None, drawn: Message, left: Left) -> str:
        with leaving(Departure(lambda: left().total_seconds())):
            if ts is None:
                return post(self.client, channel, drawn)
            try:
                self.client.chat_update(channel=channel, ts=ts, text=drawn.text, blocks=drawn.blocks)
            except Exception as error:  # noqa: BLE001 -- any error is not a yes
                failure = failure_of(error)
                failure.gone = failure.reason in _GONE_MESSAGE
                raise failure from None
            return ts

    def may_show_a_stranger(self) -> bool:
        """Whether one more stranger may see a form: Slack opens about a hundred a minute, for operators too."""
        now, shown = self.now(), self.strangers
        if len(shown) == shown.maxlen and abs(now - shown[0]) < MINUTE:
            return False
        shown.append(now)
        return True

    def refusing(self) -> Mapping[str, str]:
        """Return Slack's word for why an approval channel takes no messages, by its id. After a while it is unknown."""
        now = self.now()
        return {channel: word for channel, (word, at) in [*self.refused.items()] if abs(now - at) < REFUSING_FOR}


@dataclass(frozen=True)
class CardReply:
    """A `Reply` to a command or press that came at `came_at`: cards and sentences at `place`.

    `usage` goes with what is wrong with the command: how to write it, in the spelling that was used. Where there is no
    place, the person `to` gets direct messages.
    """

    cards: SlackCards
    place: Place | None
    came_at: datetime
    usage: str = field(default=USAGE, kw_only=True)
    to: str = field(default="", kw_only=True)

    def show(self, request: Request) -> bool:
        """Show a request as it is; return whether Slack took it."""
        if self.place is None and not self.to:
            return False
        try:
            self.cards.show(request, self.place)
        except DeliveryError as error:
            log.warning("A card was not shown: %s", error.reason)
            return False
        if self.place and request.state in AWAITING:
            self.cards.waiting.append((self.place.response_url, request.expires_at))
        seconds = (self.cards.now() - self.came_at).total_seconds()
        if request.version == 1:
            self.cards.card_shown(seconds)
        elif request.decided_at and request.decided_at >= self.came_at and request.state in ENDED:
            self.cards.result_shown(seconds)
        log.info("The card is shown")
        return True

    def tell(self, standing: Standing) -> None:
        """Say what the operator may do."""
        self._answer(standing_message(standing))

    def recount(self, past: Past) -> None:
        """Tell what was asked for before, and what came of it."""
        self._answer(history_message(self.cards.shown, past))

    def say(self, error: BotError) -> None:
        """Say what was wrong and what to do."""
        self._answer(error_message(error, self.usage))

    def _answer(self, said: Message) -> None:
        try:
            if self.place:
                self.cards.respond(self.cards.client, self.place.response_url, said, replace=False)
            elif self.to:
                post(self.cards.client, self.to, said)
        except DeliveryError as failure:
            log.warning("An operator was not told: %s", failure.reason)


@dataclass(frozen=True)
class BesideReply:
    """A `Reply` to a press on a message that all people in a channel see, and that `deliver.py` brings up to date.

    Only what is wrong is said, by `sender` to who pressed.
    """

    sender: CardReply
    place: None = field(default=None, init=False)  # the card is elsewhere

    def show(self, request: Request) -> bool:  # noqa: ARG002
        """Show nothing: the message is brought up to date."""
        return False

    def say(self, error: BotError) -> None:
        """Say what was wrong and what to do."""
        self.sender.say(error)
