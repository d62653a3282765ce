"""What a terminal shows of lists, for the page of all that people read."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from examples import NOON, SAM, asked, awaiting
from messages import approval

from bot.authorize import Allowed
from bot.errors import LIST_CHANGED, TOO_LATE
from bot.listed import Counts, LeftOut, Listed, Several
from bot.request import Request, State
from bot.terminal import list_screen
from bot.terminal.list_command import NEEDS_SIZE
from bot.terminal.signout_command import NO_ONE_TO_ASK_OF_A_LIST


def of_lists_in_a_terminal() -> Iterator[tuple[str, str]]:
    """Give what a terminal shows of lists, each by its name."""
    yield "signout of a list, no terminal", NO_ONE_TO_ASK_OF_A_LIST
    yield "signout of a list, --yes without --size", NEEDS_SIZE
    left_out = LeftOut(count=52, first=("no@example.com", ""))
    listed = Listed(
        pool="customers",
        pool_id="eu-central-1_AbCdEf123",
        region="eu-central-1",
        lines=4_000,
        size=3_900,
        not_found=left_out,
        unreadable=LeftOut(),
        protected=LeftOut(count=1, first=("root",)),
        several=LeftOut(count=2, first=("a@b.de", "c@d.de")),
        choices=(Several(line="a@b.de", begin=0, count=2),),
        twice=45,
        recent=1,
    )
    second = second_of_list(listed)
    yield "The terminal, of a list: the preview", list_screen.preview(second(State.CONFIRMING))
    yield "The terminal, of a list: the question", list_screen.question(listed)
    yield "The terminal, of a list: the question, of everyone", list_screen.question(replace(listed, everyone=True))
    yield "The terminal, of a list: not the number", list_screen.not_the_number(listed)
    approvers = Allowed(frozenset({"U0KIM00001"}), frozenset({"S0SECOND01"}))
    yield "The terminal, of a list: who is asked", list_screen.approving(second(State.APPROVING), approvers, NOON)
    yield "The terminal, of a list: approved", list_screen.approved(second(State.READY))
    counts = Counts(ended=1_200, done=1_190, failed=9, unknown=1, reasons={"AccessDeniedException": 9, "TimedOut": 1})
    running = replace(listed, counts=counts, rate=11.9)
    yield "The terminal, of a list: how far it is", list_screen.how_far(running)
    yield "The terminal, of a list: beside the bar", list_screen.beside_the_bar(running)
    paused = replace(second(State.PAUSED), listed=replace(running, trouble=TOO_LATE), pressed_by=None)
    yield "The terminal, of a list: paused, too late", list_screen.paused(paused, here=True)
    by_sam = replace(paused, pressed_by=SAM, listed=running)
    yield "The terminal, of a list: paused by a person", list_screen.paused(by_sam, here=False)
    for state in (State.DONE, State.PARTLY, State.CANCELLED, State.EXPIRED, State.DENIED):
        all_done = replace(listed, counts=Counts(ended=3_900, done=3_900), begun_at=NOON)
        so_far = all_done if state is State.DONE else replace(running, begun_at=NOON)
        ended = replace(second(state), listed=so_far, ended_at=NOON + timedelta(minutes=5))
        yield f"The terminal, of a list: {state}", list_screen.outcome(ended)
    changed = replace(second(State.FAILED), error_code=LIST_CHANGED)
    yield "The terminal, of a list: changed after the decision", list_screen.outcome(changed)
    for name in ("STOPPING", "STOPPED_AND_LEFT", "NOT_STOPPED", "LEFT_TO_THE_BOT", "LEFT_UNAPPROVED", "WAITS"):
        yield f"The terminal, of a list: {name.lower()}", getattr(list_screen, name)


def second_of_list(listed: Listed) -> Callable[[State], Request]:
    def made(state: State) -> Request:
        ask = asked("", reason="SEC-1", id="01JDA0000000000000000000AA", pool="customers")
        needs = ("approve.above",)
        asked_of = approval(state)
        return awaiting(
            ask=ask, state=state, chosen=None, listed=listed, needs=needs, approval=asked_of, decided_at=NOON
        )

    return made
