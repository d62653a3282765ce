"""Each action on each sort of account, with each answer of Cognito's: what came of it, and what people read then.

`actions.md` shows it. `UPDATE_WORDS=1` writes it again.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from examples import ADA, ASKED_FOR, SAM, ScriptedPool, StoppedClock, asked, confirmations, worker
from messages import SHOWN, leaves
from stand_ins import meanwhile

from bot.account import Account
from bot.action import ACTIONS, OTHERS, SIGN_OUT, WORDS, Answer, Done, Refused, Step, Unclear
from bot.audit import Entry
from bot.authorize import Allowed, Allowlist
from bot.decide import Press
from bot.errors import DeniedError
from bot.limits import Protection
from bot.request import Request, State
from bot.slack.audit_channel import audit_message
from bot.slack.cards import card, error_message
from bot.stores.sqlite.store import SQLiteStore

PAGE = Path(__file__).parent / "actions.md"
YES, NO = Done("aws-yes"), Refused("NotAuthorizedException", "aws-no")
BUSY, SILENT = [Refused("TooManyRequestsException", "aws-busy", may_retry=True)] * 4, [Unclear("TimedOut")] * 4
MAY = {
    each: Allowlist(Allowed(frozenset({SAM.id})), {"customers": Allowed()}, table=f"actions.{each}") for each in OTHERS
}
DISABLED = replace(ADA, enabled=False)
ACCOUNTS: Mapping[str, Account] = {
    "local": ADA,
    "federated": replace(ADA, provider="Google", status="EXTERNAL_PROVIDER"),
    "disabled": DISABLED,
    "unconfirmed": replace(ADA, status="UNCONFIRMED"),
    "reset required": replace(ADA, status="RESET_REQUIRED"),
    "without a first password": replace(ADA, status="FORCE_CHANGE_PASSWORD"),
    "protected": ADA,
    "gone after the look-up": ADA,
}
FEDERATED = " · through Google (federated)"  # the channel is told that of each such account
SMALL_PRINT = re.compile(r"(Request|AWS request) .*")


@dataclass(frozen=True)
class Story:
    """What Cognito answers, and when the process is killed: in a call, or between a noted answer and the next call."""

    title: str
    answers: Sequence[Answer]
    killed_in: int | None = None  # the number of the step, from 0
    killed_after: int | None = None
    taken_over: timedelta = timedelta(minutes=1)


def stories(steps: Sequence[Step]) -> Iterator[Story]:
    yield Story("yes", [YES] * len(steps))
    for number, step in enumerate(steps):
        before, rest = [YES] * number, [YES] * (len(steps) - number)
        yield Story(f"{step}: refused", [*before, NO])
        yield Story(f"{step}: throttled", [*before, *BUSY])
        yield Story(f"{step}: no answer", [*before, *SILENT])
        yield Story(f"{step}: no answer, then refused", [*before, SILENT[0], NO])
        yield Story(f"{step}: killed in the call; taken over: yes", [*before, *rest], killed_in=number)
        yield Story(f"{step}: killed in the call; taken over: refused", [*before, NO], killed_in=number)
    for number, step in enumerate(steps[:-1]):
        yield Story(f"killed after {step}; taken over: yes", [YES] * len(steps), killed_after=number)
        too_late = timedelta(minutes=6)
        yield Story(f"killed after {step}; taken over too late", [YES], killed_after=number, taken_over=too_late)


@dataclass
class Played:
    """What came of a story: `request` once it has ended (None where there was no card), and what people read."""

    outcome: str
    operator: Sequence[str]
    channel: Sequence[str]
    request: Request | None = None
    sent: Sequence[Step] = ()
    noted: list[tuple[str, ...]] = field(default_factory=list)  # the steps in the store as done, at each call

    def row(self) -> tuple[str, ...]:
        """What the table shows of it; of a yes only the titles, since the texts are below it."""
        most = 1 if self.request and self.request.state is State.DONE else 9
        calls = ", ".join(f"{step} x{len([*same])}" for step, same in groupby(self.sent)) or "none"
        return (
            self.outcome,
            calls.replace(" x1", ""),
            "<br>".join(self.operator[:most]),
            "<br>".join(self.channel[:most]).replace(FEDERATED, ""),
        )


def play(store: SQLiteStore, action: str, sort: str, story: Story) -> Played:
    """Ask for an action, confirm it, and carry it out."""
    is_gone = sort.startswith("gone")
    account = DISABLED if action == "let_in" and (is_gone or sort == "protected") else ACCOUNTS[sort]
    protection = Protection(usernames=frozenset({"ada"} if sort == "protected" else {"root"}))
    clock = StoppedClock()
    pool = ScriptedPool(list(story.answers), clock, accounts=(account,))
    rules = confirmations(store, clock, pool, actions=MAY, protections={"customers": protection})
    ask = asked(action=action)
    try:
        request = rules.open(rules.authorize(ask), ask, None)
    except DeniedError as error:
        (refused,) = [each for each in store.entries(None, None) if each.ask.id == ask.id]
        return Played("no card: refused", error_message(error).text.split("\n"), _channel(refused))
    if is_gone:
        pool.registered = [None]
        clock.sleep(61)
    decided = rules.confirm(Press(request_id=request.id, operator=SAM))
    ended, noted = _run(store, pool, decided, story)
    (*_, entry) = (each for each in store.entries(None, None) if each.ask.id == ask.id)
    return Played(entry.kind.value, _card(ended), _channel(entry), ended, tuple(pool.steps), noted)


def _run(
    store: SQLiteStore, pool: ScriptedPool, decided: Request, story: Story
) -> tuple[Request, list[tuple[str, ...]]]:
    noted: list[tuple[str, ...]] = []

    def in_a_call() -> None:
        noted.append(_stored(store, decided).done)
        if story.killed_in == len(pool.steps) - 1:
            raise KeyboardInterrupt

    def after_a_move() -> None:
        if story.killed_after is not None and len(_stored(store, decided).done) == story.killed_after + 1:
            raise KeyboardInterrupt

    pool.during = in_a_call
    with suppress(KeyboardInterrupt):
        ended = worker(meanwhile(store, after_move=after_a_move), pool, pool.clock).run(decided)
        assert ended
        return ended, noted
    pool.during = lambda: noted.append(_stored(store, decided).done)
    pool.clock.sleep(story.taken_over.total_seconds())
    ended = worker(store, pool, pool.clock).run(_stored(store, decided))
    assert ended
    return ended, noted


def _stored(store: SQLiteStore, request: Request) -> Request:
    found = store.get(request.id)
    assert found
    return found


def _card(request: Request) -> Sequence[str]:
    drawn = card(replace(SHOWN, performers=MAY), request)
    buttons = [leaf["text"]["text"] for leaf in leaves(drawn.blocks) if leaf.get("type") == "button"]
    lines = [line for line in drawn.text.split("\n") if not SMALL_PRINT.fullmatch(line)]
    return [*lines, f"[{'] ['.join(buttons)}]"] if buttons else lines


def _channel(entry: Entry) -> Sequence[str]:
    lines = audit_message(SHOWN, entry).text.split("\n")
    return lines[: next(number for number, line in enumerate(lines) if SMALL_PRINT.fullmatch(line))]


@cache
def played() -> Mapping[tuple[str, str, str], Played]:
    """Return what came of each story, by action, sort of account and title."""
    found = {}
    with TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "signout.db")
        store.open()
        for action in ASKED_FOR:
            for sort in ACCOUNTS:
                for story in stories(ACTIONS[action].steps):
                    found[action, sort, story.title] = result = play(store, action, sort, story)
                    if not result.sent:  # what Cognito would have answered makes no difference
                        break
        store.close()
    return found


def grouped() -> Iterator[tuple[str, str, str, Played]]:
    """Give each row of the table: the sorts of accounts for which all is the same are one row."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for (action, sort, title), each in played().items():
        groups.setdefault((action, title if each.sent else "", *each.row()), []).append(sort)
    for (action, title, *row), sorts in groups.items():
        yield (
            action,
            ", ".join(sorts),
            title or "not asked",
            next(each for key, each in played().items() if key[:2] == (action, sorts[0]) and list(each.row()) == row),
        )


def page() -> str:
    rows = [
        f"| {ACTIONS[action].button} | {sorts} | {title} | {' | '.join(each.row())} |"
        for action, sorts, title, each in grouped()
    ]
    parts = [
        "# What came of each action\n",
        "Made by test_actions_page.py. `UPDATE_WORDS=1` writes it again.\n",
        "The operator may do all actions. Of what was done, the first line is here, and the rest below.\n",
        "| action | account | Cognito's answers | outcome | calls | the operator reads | the audit channel shows |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]
    for (action, sort, title), each in played().items():
        if title == "yes" and each.sent and sort in {"local", "federated", "disabled"}:
            text = "\n".join([*each.operator, "", *each.channel])
            parts.append(f"## {ACTIONS[action].button}, {sort}, yes\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def test_the_page_of_actions_shows_what_comes_of_each() -> None:
    if os.environ.get("UPDATE_WORDS"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()


def test_each_outcome_says_no_more_than_what_the_store_has_of_each_step() -> None:
    for (action, *_), each in played().items():
        if not (ended := each.request):
            continue
        steps = tuple(map(str, ACTIONS[action].steps))
        assert ended.done == steps[: len(ended.done)]
        assert (ended.state is State.DONE) == (ended.done == steps)
        assert ended.state is not State.FAILED or not ended.done
        assert ended.state is not State.PARTLY or ended.done
        for step in ACTIONS[action].steps:
            said = "\n".join((*each.operator, *each.channel))
            assert str(step) in ended.done or WORDS[step][0] not in re.sub(r"Not known whether \w+|Not \w+", "", said)


def test_no_step_is_sent_again_after_its_yes_was_noted_and_each_is_sent_in_its_turn() -> None:
    for (action, *_), each in played().items():
        steps = tuple(map(str, ACTIONS[action].steps))
        assert len(each.noted) == len(each.sent)
        for step, noted in zip(each.sent, each.noted, strict=True):
            assert str(step) == steps[len(noted)], "what is sent is the first step that is not noted as done"


def test_nothing_is_sent_for_an_account_that_is_protected_gone_or_in_a_state_that_the_action_does_not_suit() -> None:
    quiet = {(action, sort) for (action, sort, _), each in played().items() if not each.sent}
    assert quiet == {
        *((action, sort) for action in ASKED_FOR for sort in ("protected", "gone after the look-up")),
        *(("let_in", sort) for sort in ACCOUNTS if sort != "disabled"),
        ("keep_out", "disabled"),
        *(("new_password", sort) for sort in ("federated", "disabled", "without a first password")),
    }


def test_a_kill_leads_to_the_same_words_as_without_it_once_all_steps_were_done() -> None:
    def words(lines: Sequence[str]) -> list[str]:
        return [re.sub(r"\d\d:\d\d:\d\d", "…", line) for line in lines]

    for (action, sort, title), each in played().items():
        if title.endswith("taken over: yes"):
            without = played()[action, sort, "yes"]
            assert (words(each.operator), words(each.channel)) == (words(without.operator), words(without.channel))


def test_every_action_has_a_row_of_its_own() -> None:
    assert {action for action, *_ in grouped()} == {SIGN_OUT, *OTHERS}
