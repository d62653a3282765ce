"""Samples of lists: see samples.py."""

from collections.abc import Iterator
from dataclasses import replace

from bot.audit import entry_of
from bot.request import Request, State
from bot.slack.approvals import approval_message
from bot.slack.audit_channel import audit_message
from bot.slack.cards import card
from bot.slack.form import FormState
from bot.slack.list_facts import progress_message
from bot.slack.list_form import PEOPLE, FilledList, list_form_view, looked_up_view, looking_up_view
from bot.slack.made_up import AT, POOL, MadeUp
from bot.slack.text import Drawn, Message

STATES = [state for state in State if state is not State.CHOOSING]
LINK = "https://a-workspace-with-a-long-name.slack.com/archives/C0123ABCDEF/p1767323045000100"


def list_samples(of: MadeUp) -> Iterator[tuple[str, Message | Drawn]]:
    """Give each, with its name."""
    for state in STATES:
        drawn = card(of.shown, of.a_list(state), audit_refused=True, approval_refused=True, link=LINK)
        yield f"the card of a list: {state}", drawn
    for name, asked in _previews(of).items():
        yield f"the card of a list: {name}", card(of.shown, asked)
    for state in (each for each in STATES if each not in {State.PREVIEWING, State.CONFIRMING}):
        asked = of.a_list(state)
        yield f"the approval message of a list: {state}", approval_message(of.shown, asked)
        if asked.has_progress:
            yield f"the progress of a list: {state}", progress_message(of.shown, asked)
    for state in (State.PAUSED, State.DENIED, State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN):
        yield f"the audit message of a list: {state}", audit_message(of.shown, entry_of(of.a_list(state), AT))
    yield from _forms(of)


def _previews(of: MadeUp) -> dict[str, Request]:
    asked = of.a_list(State.CONFIRMING, approval=None, needs=())
    some = replace(asked.contents, choices=asked.contents.choices[:1], recent=1, twice=1)
    several = [replace(each, begin=3 * number, count=3) for number, each in enumerate(asked.contents.choices)]
    return {
        "one choice": replace(asked, listed=some),
        "several choices": replace(asked, listed=replace(asked.contents, choices=tuple(several))),
        "the whole pool": replace(asked, listed=replace(some, everyone=True)),
        "once more": replace(asked, listed=replace(some, again_of=asked.id)),
    }


def _forms(of: MadeUp) -> Iterator[tuple[str, Message | Drawn]]:
    pools = [f"{POOL}{number}" for number in range(10)]
    url = "https://hooks.slack.com/commands/T0123ABCDEF/0/".ljust(200, "x")
    state = FormState(channel_id="C0123ABCDEF", pools=pools, reason_required=True, response_url=url)
    yield "the form of a list", list_form_view(replace(state, reason_required=False), FilledList())
    filled = FilledList([of.target * 20] * len(PEOPLE), pools[-1], of.reason)
    yield "the form of a list: corrected", list_form_view(state, filled, of.reason)
    yield "the form of a list: looking", looking_up_view(2_000)
    yield "the form of a list: looking further", looking_up_view(2_000, 120)
    for shown in (True, False):
        yield f"the form of a list: looked up, {'' if shown else 'not '}shown", looked_up_view(shown=shown)
