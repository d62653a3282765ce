"""The form of `/signout list`: its views, and what is told in it. What its lines mean is a card."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bot.errors import BotError, UsageError
from bot.options import MAX_REASON, ReasonRule, check_reason
from bot.request import Options, Request
from bot.slack.form import POOL, REASON, FormState, state_for, trouble_with_reason, values_of
from bot.slack.modal import field_of, modal, select, took, typed, updated
from bot.slack.pasted_list import people_in
from bot.slack.reply import CardReply
from bot.slack.text import Drawn, lines, plain
from bot.slack.typed import without_links

LIST_FORM = "signout_list"
PEOPLE = ("people", "people_2", "people_3", "people_4")  # a field takes 3,000 characters, which are some 100 emails
MOST_TYPED = 3000
NO_ONE = "There is no one in this list."
CLOSED = "You may close this. What comes of it is then shown in the channel where you typed the command."
_TITLE = "Sign out a list"
_HINT = (
    "User names, emails, phone numbers with their country code, or subs. One a line, or as you copied them: with "
    "commas or bullets between them, or a table whose first line names its columns. Nothing happens before you have "
    "seen what was found, and confirmed it."
)


@dataclass(frozen=True, slots=True)
class FilledList:
    """What was put into a form, as it was typed: `people` has the text of each field."""

    people: Sequence[str] = ()
    pool: str | None = None
    reason: str | None = None

    @property
    def options(self) -> Options:
        """What it asks for. Raises `UsageError`."""
        return Options(target="", pool=self.pool, reason=check_reason(self.reason))


@dataclass(frozen=True)
class NewListForm(CardReply):
    """A form that is not open yet, with what the command said. Until it is, an error is said where that was typed."""

    trigger_id: str
    channel_id: str
    filled: FilledList

    def open(self, pools: Sequence[str]) -> None:
        """Open it. A trigger_id is good for 3 s."""
        view = list_form_view(state_for(self, self.channel_id, pools), self.filled)
        if not took(self.cards.client, "views.open", trigger_id=self.trigger_id, view=view):
            self.say(BotError("Slack may not have opened the form.", "If there is none, run the command again."))


@dataclass(frozen=True)
class ListFormReply(CardReply):
    """A `ListReply` to a form that was sent: the preview is a card, and what was wrong is in the form."""

    view_id: str
    state: FormState
    filled: FilledList
    total: int

    def looking(self, request: Request) -> None:
        """Show how many lines were looked up."""
        self._update(looking_up_view(self.total, request.contents.looked_up))

    def show(self, request: Request) -> bool:
        """Show the card; return whether Slack took it."""
        is_shown = super().show(request)
        self._update(looked_up_view(shown=is_shown))
        return is_shown

    def say(self, error: BotError) -> None:
        """Say what was wrong in the form, to be corrected there; where the form was closed, in the channel."""
        if not self._update(list_form_view(self.state, self.filled, str(error))):
            super().say(error)

    def _update(self, view: Drawn) -> bool:
        return updated(self.cards.client, self.view_id, view)


def list_form_view(state: FormState, filled: FilledList, trouble: str | None = None) -> Drawn:
    """Return the form, with what was put in before and what was wrong with it.

    At first no pool is chosen: in a hurry, a wrong one would stay.
    """
    before, pools = dict(zip(PEOPLE, filled.people, strict=False)), {pool: pool for pool in state.pools}
    fields = [
        field_of(
            id_,
            "Whom to sign out" if number == 0 else "More people",
            {**typed(before.get(id_), MOST_TYPED), "multiline": True},
            optional=number > 0,
            **({} if number else {"hint": plain(_HINT)}),
        )
        for number, id_ in enumerate(PEOPLE)
    ]
    return modal(
        LIST_FORM,
        _TITLE,
        *([lines([[trouble]])] if trouble else ()),
        fields[0],
        *([field_of(POOL, "Pool", select(pools, filled.pool, first=False))] if len(pools) > 1 else []),
        field_of(REASON, "Reason", typed(filled.reason, MAX_REASON), optional=not state.reason_required),
        *fields[1:],
        private_metadata=json.dumps(asdict(state)),
        submit=plain("Look up"),
    )


def looking_up_view(total: int, done: int | None = None) -> Drawn:
    """Return what is shown while the lines are looked up. It may stay there, so it has to be true for ever."""
    begun = f"The bot looks up {total:,} lines."
    said = begun if done is None else f"Looked up so far: {done:,} of {total:,} lines."
    return modal(LIST_FORM, _TITLE, lines([[said], [CLOSED]]))


def looked_up_view(*, shown: bool) -> Drawn:
    """Return what is shown once the lines were looked up. `shown`: the card is in the channel."""
    sentence = (
        "The preview is a card in the channel where you typed the command. Nothing happens before you press a button "
        "on it."
        if shown
        else "The lines were looked up, but Slack may not show the card yet. Nothing happens before you press a button "
        "on it. If the card is not in the channel in a minute, run /signout list again."
    )
    return modal(LIST_FORM, _TITLE, lines([[sentence]]))


def filled_list_of(view: Drawn, state: FormState) -> FilledList:
    """Return what was put into a form. Where it could only be one pool, it is that."""
    values, only = values_of(view), state.pools[0] if len(state.pools) == 1 else None
    return FilledList(
        people=[values.get(id_) or "" for id_ in PEOPLE],
        pool=values.get(POOL) or only,
        reason=values[REASON],
    )


def read_list(filled: FilledList, rule: ReasonRule | None) -> tuple[Sequence[str], dict[str, str]]:
    """Return the people who are meant, and what is wrong with each field, as far as no one has to be asked."""
    people: Sequence[str] = ()
    try:
        people = people_in(without_links("\n".join(filled.people)))
        trouble = "" if people else NO_ONE
    except UsageError as error:
        trouble = error.sentence
    return people, ({PEOPLE[0]: trouble} if trouble else {}) | trouble_with_reason(filled.reason, rule)
