"""Forms: who has which one open, how the app opens and changes them, and what it is told of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.sandbox import payloads
from bot.sandbox.cast import ORG_ID, Install, Person
from bot.sandbox.changes import Changes
from bot.sandbox.form_limits import is_too_large, refused_arguments
from bot.sandbox.socket_mode import Ack, Sockets
from bot.sandbox.views import Answers, Content, View

TRIGGER_LIFETIME = 3.0
TROUBLE = "We had some trouble connecting. Try again?"


class NotDone(Exception):  # noqa: N818 - it is an answer to the app
    """Slack's name for why it does not do what the app asks."""


@dataclass
class Trigger:
    """What lets the app open one form before one person, for a moment."""

    person: str
    expires: float
    used: bool = False


class Forms:
    """The open forms, one for each person at most; only its person sees a form."""

    def __init__(
        self,
        people: Mapping[str, Person],
        sockets: Sockets,
        changes: Changes,
        install: Callable[[], Install] = lambda: Install.WORKSPACE,
    ) -> None:
        self.trigger_lifetime = TRIGGER_LIFETIME
        self._people = people
        self._sockets = sockets
        self._changes = changes
        self._install = install
        self._triggers: dict[str, Trigger] = {}
        self._open: dict[str, View] = {}

    # What the app does

    def admit(self, payload: dict[str, Any], person_id: str) -> None:
        """Let the app use the trigger_id in what it is about to be told, once and soon."""
        self._triggers[payload["trigger_id"]] = Trigger(person_id, time.monotonic() + self.trigger_lifetime)

    def open(self, trigger_id: str, content: Content) -> View:
        """Open a form, already checked, for the person whose trigger it is."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise NotDone("invalid_trigger_id")
        if trigger.used:
            raise NotDone("exchanged_trigger_id")
        if trigger.expires < time.monotonic():
            raise NotDone("expired_trigger_id")
        self._check(content, None)
        trigger.used = True
        view = self._open[trigger.person] = View(person=trigger.person, content=content)
        self._changes.note()
        return view

    def update(self, view_id: str, content: Content, view_hash: str = "") -> View:
        """Put other content, already checked, into an open form, named by its own id or by the app's `external_id`."""
        views = self._open.values()
        view = next((one for one in views if view_id in (one.id, one.content.get("external_id"))), None)
        if view is None or not view_id:
            raise NotDone("not_found")
        if view_hash and view_hash != view.hash:
            raise NotDone("hash_conflict")
        self._check(content, view)
        view.become(content)
        self._changes.note()
        return view

    # What people do

    def of(self, person_id: str) -> View | None:
        """Give the form that this person has open."""
        return self._open.get(person_id)

    async def submit(self, person_id: str, view: View, given: Answers) -> Ack:
        """Send a form as that person's window shows it. What the window itself complains of is not sent."""
        form, answers = self._theirs(person_id, view), view.answers(given)
        form.answered, form.errors, form.trouble = answers, view.faults(answers), None
        self._changes.note()
        if form.errors:
            return Ack(seconds=0.0, error="not_submitted")
        payload = payloads.view_submission(self._people[person_id], self._shown(view, answers), self._install())
        self.admit(payload, person_id)
        ack = await self._sockets.deliver("interactive", payload, accepts_response=True)
        error = ack.error or self._answer(form, ack.payload or {})
        form.trouble = TROUBLE if error else None
        self._changes.note()
        return replace(ack, error=error)

    async def act(self, person_id: str, view: View, action_id: str, given: Answers) -> Ack:
        """Press a button in a form, or change an input of which the app is told at once (`dispatch_action`)."""
        form, answers = self._theirs(person_id, view), view.answers(given)
        shown = self._shown(view, answers)
        payload = payloads.view_actions(self._people[person_id], shown, _action(shown, action_id), self._install())
        form.answered = answers
        self.admit(payload, person_id)
        return await self._sockets.deliver("interactive", payload, accepts_response=False)

    async def close(self, person_id: str, view: View) -> Ack | None:
        """Close a form unsent; the app is told if it asked to be."""
        self._remove(self._theirs(person_id, view))
        if not view.content.get("notify_on_close"):
            return None
        payload = payloads.view_closed(self._people[person_id], self._shown(view), self._install())
        return await self._sockets.deliver("interactive", payload, accepts_response=False)

    def _shown(self, view: View, answers: Answers | None = None) -> Content:
        """Show the view as the app is told of it. Installed in a whole organisation, it is in that, not in a team."""
        shown = view.as_the_api_shows_it(answers)
        return shown | ({"app_installed_team_id": ORG_ID} if self._install() is Install.ORG_WIDE else {})

    def _theirs(self, person_id: str, view: View) -> View:
        form = self._open.get(person_id)
        if form is None or form.id != view.id:
            raise LookupError("that form is not before that person")
        return form

    def _answer(self, form: View, answer: dict[str, Any]) -> str | None:
        match answer:
            case {"response_action": "errors", "errors": dict(errors)}:
                return _show_errors(form, errors)
            case {"response_action": "update", "view": content}:
                if refused_arguments(answer):
                    return "invalid_arguments"
                form.become(content)
            case {"response_action": "clear"}:
                self._remove(form)
            case _ if answer:
                return "invalid_response_action"  # among them "push", which the bot does without
            case _:
                self._remove(form)
        return None

    def _check(self, content: Content, view: View | None) -> None:
        external_id = content.get("external_id")
        others = [other for other in self._open.values() if other is not view]
        if external_id and any(other.content.get("external_id") == external_id for other in others):
            raise NotDone("duplicate_external_id")
        if is_too_large(content):
            raise NotDone("view_too_large")

    def _remove(self, form: View) -> None:
        if self._open.get(form.person) is form:
            del self._open[form.person]
            self._changes.note()


def _show_errors(form: View, errors: dict[str, Any]) -> str | None:
    """Slack shows errors only under inputs: one for anything else, or without words, makes it give up."""
    if not errors or not all(isinstance(text, str) and text for text in errors.values()):
        return "invalid_errors"
    if errors.keys() - form.inputs().keys():
        return "invalid_errors"
    form.errors = errors
    return None


def _action(view: Content, action_id: str) -> dict[str, Any]:
    """Give what the app is told of an element of a view; LookupError where it is told of none."""
    for block in view["blocks"]:
        elements = block["elements"] if block["type"] == "actions" else [block.get("accessory") or {}]
        if block.get("dispatch_action"):
            elements = [
                {"action_id": name, **state} for name, state in view["state"]["values"][block["block_id"]].items()
            ]
        for element in elements:
            if element.get("action_id") == action_id:
                return {"block_id": block["block_id"], **element}
    raise LookupError(f"the form has nothing called {action_id} to act on")
