"""Each rule that the simulation guards, broken: it must not take the broken bot for a sound one.

A rule is broken by putting something in place of one function or one number of it.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from simulation.broken import Any_, Broken

from bot import refusals, work
from bot.account import Account
from bot.action import ACTIONS, Answer, Step, Unclear
from bot.approve import Approvals
from bot.audit import Entry, Kind
from bot.authorize import Authorized, authorize
from bot.confirm import Confirmations
from bot.decide import AlreadyDecidedError, Press
from bot.deliver import POST, CardDelivery, EntryDelivery
from bot.errors import (
    ACCOUNT_CHANGED,
    DeniedError,
    PoolUnavailableError,
    StoreUnavailableError,
    SupersededError,
    UnderWayError,
)
from bot.facts import advice
from bot.facts.clock import CheckedClock
from bot.flow import Flow
from bot.limits import Count, Limits, Window
from bot.ports import Left, LiveMessage, Place, lasting
from bot.refusals import MINUTE, Refusals
from bot.request import Ask, Claim, Operator, Request, State, new_id
from bot.slack import groups
from bot.slack.cards import error_message
from bot.slack.groups import SlackGroups
from bot.stores.sqlite import store as sqlite_store
from bot.stores.sqlite.store import SQLiteStore
from bot.work import LEASE, Worker

pytestmark = pytest.mark.long

FAR = datetime(2100, 1, 1, tzinfo=UTC)


def _unconditional(sound: Any_, store: SQLiteStore, before: Request, *rest: Any) -> None:
    """Write a move over anything that was written meanwhile."""
    now = store.get(before.id)
    sound(store, replace(before, version=now.version) if now else before, *rest)


def _claimed_unconditionally(sound: Any_, store: SQLiteStore, before: Request, after: Request, *rest: Any) -> None:
    write = _unconditional if before.state is State.READY and after.state is State.RUNNING else _as_it_is
    write(sound, store, before, after, *rest)


def _as_it_is(sound: Any_, *arguments: Any) -> None:
    sound(*arguments)


def _without_its_entry(
    sound: Any_, store: SQLiteStore, before: Request, after: Request, _: Entry | None, *rest: Any
) -> None:
    sound(store, before, after, None, *rest)


def _runs_though_another_has_it(sound: Any_, worker: Worker, request: Request) -> Request:
    try:
        return sound(worker, request)  # type: ignore[no-any-return]
    except SupersededError:
        return _not_written(sound, worker, request)


def _not_written(_: Any_, worker: Worker, request: Request) -> Request:
    now = worker.clock.now()
    return request.move(State.RUNNING, claim=Claim(id=new_id(now), at=now, until=now + LEASE))


def _without_doubt(sound: Any_, worker: Worker, request: Request, *rest: Any) -> Any:
    return sound(worker, replace(request, in_doubt=False), *rest)


def _told_anyway(sound: Any_, worker: Worker, *rest: Any) -> Request:
    class Forgiving:
        def move(self, *arguments: Any) -> None:
            with suppress(StoreUnavailableError, SupersededError):
                worker.requests.move(*arguments)

    forgiving: Any = Forgiving()
    return sound(replace(worker, requests=forgiving), *rest)  # type: ignore[no-any-return]


def _anyone(_: Press, asked: Request) -> bool:
    return bool(asked)


def _same_id(press: Press, asked: Request) -> bool:
    return press.operator.id == asked.ask.operator.id


def _pressed_by_others(who: Callable[[Press, Request], bool]) -> Any_:
    """Take a press of others for the operator's."""

    def awaiting(sound: Any_, rules: Confirmations, press: Press, *states: State) -> Request:
        asked = rules.requests.get(press.request_id)
        if asked and who(press, asked):
            press = replace(press, operator=asked.ask.operator)
        return sound(rules, press, *states)  # type: ignore[no-any-return]

    return awaiting


def _always_in_time(_: Any_, rules: Confirmations, __: Request, ___: Place | None) -> datetime:
    return rules.clock.now()


def _not_recorded(sound: Any_, store: SQLiteStore, entry: Entry) -> None:
    if entry.kind is not Kind.REFUSED:
        sound(store, entry)


def _unclear_is_a_no(sound: Any_, answer: Answer, step: Step, request: Request, made: int) -> Request:
    known: Request = sound(answer, step, request, made)
    return replace(known, in_doubt=request.in_doubt) if isinstance(answer, Unclear) else known


def _not_asked_again(sound: Any_, rules: Confirmations, ask: Ask, account: Account | None = None) -> Any:
    """Take a press for allowed."""
    return Authorized(ask.operator, {account.pool: "because I say so"}) if account else sound(rules, ask)


def _buttons_gone_first(sound: Any_, flow: Flow, press: Press, reply: Any, *rest: Any, **named: Any) -> None:
    with suppress(Exception):
        reply.cards.respond(reply.cards.client, reply.place.response_url, error_message(UnderWayError()), replace=True)
    sound(flow, press, reply, *rest, **named)


def _decided_by_any_clock(
    sound: Any_, flow: Flow, press: Press, reply: Any, decide: Callable[..., Any], **named: Any
) -> None:
    trusted = CheckedClock(flow.worker.clock)  # no answer says anything against it
    whose = flow.approvals if decide.__name__ in {"approve", "deny"} else flow.confirmations
    rules = replace(whose, clock=trusted)
    trusting = replace(flow, worker=replace(flow.worker, clock=trusted))
    sound(trusting, press, reply, getattr(rules, decide.__name__), **named)


def _noted_before_posted(sound: Any_, delivery: EntryDelivery, entry: Entry, left: Left) -> bool:
    delivery.outbox.delivered(entry, "1.0", delivery.clock.now())
    return sound(delivery, entry, left)  # type: ignore[no-any-return]


def _held_by_no_one(_: Any_, __: SQLiteStore, entry: Entry, ___: datetime) -> Entry:
    return entry


def _held_from_another(sound: Any_, store: SQLiteStore, entry: Entry, until: datetime) -> Entry | None:
    now = {each.id: each for each in store.due_entries(FAR, 1000)}
    return sound(store, now.get(entry.id, entry), until)  # type: ignore[no-any-return]


def _forgotten_if_not_noted(sound: Any_, delivery: EntryDelivery, entry: Entry, left: Left) -> bool:
    try:
        return sound(delivery, entry, left)  # type: ignore[no-any-return]
    except StoreUnavailableError:
        delivery.taken = None
        raise


def _refused_is_delivered(_: Any_, delivery: EntryDelivery, entry: Entry, __: Exception) -> bool:
    delivery.outbox.delivered(entry, "1.0", delivery.clock.now())
    return True


def _refusals_first(sound: Any_, delivery: EntryDelivery, now: datetime) -> None:
    for entry in delivery.outbox.due_entries(now, 1, refused=True):
        if held := delivery.outbox.hold(entry, now + POST):
            delivery._post(held, lasting(delivery.clock, POST))
    sound(delivery, now)


def _stored_once_its_minute_is_over(sound: Any_, rule: Refusals, *, all_ended: bool) -> None:
    now = rule.clock.now()
    if all_ended or rule._ended or any(now >= each.first_at + MINUTE for each in rule._counted.values()):
        sound(rule, all_ended=all_ended)


def _not_always_counted(sound: Any_, tally: Entry | None, entry: Entry) -> Entry:
    counted: Entry = sound(tally, entry)
    return tally if tally and tally.count % 4 == 0 else counted


def _everyone_is_in_it(sound: Any_, slack_groups: SlackGroups, asker: str, group_id: str) -> frozenset[str]:
    found: frozenset[str] | None = sound(slack_groups, asker, group_id)
    return frozenset({"U0GIL", "U0HAL", "U0MAL"}) if found is None else found


def _shown_before_slack_took_it(sound: Any_, cards: CardDelivery, held: LiveMessage, left: Left) -> None:
    cards.outbox.shown(replace(held, version=held.version + 1))
    sound(cards, held, left)


def _newest_whatever_was_shown(sound: Any_, store: SQLiteStore, message: LiveMessage) -> None:
    sound(store, replace(message, version=10**9))


def _no_direct_message(
    _: Any_, cards: CardDelivery, request: Request, ways: Sequence[Place | None], left: Left
) -> Place | None:
    place = next(filter(None, ways), None)
    if place:
        cards.cards.show(request, place, left)
    return place


def _decided_though_decided(sound: Any_, store: SQLiteStore, before: Request, after: Request, *rest: Any) -> None:
    now = store.get(before.id)
    if after.state is State.READY and now and now.state is State.READY:
        before, after = replace(before, version=now.version), replace(after, version=now.version + 1)
    sound(store, before, after, *rest)


def _anyone_with_the_name(sound: Any_, worker: Worker, request: Request) -> str | None:
    stopped: str | None = sound(worker, request)
    return None if stopped == ACCOUNT_CHANGED else stopped


# With a second person, protected accounts and limits.


def _by(press: Press, request: Request) -> tuple[Request, Authorized]:
    """Return what a press is taken for where it is taken from anyone."""
    if request.state is not State.APPROVING:
        raise AlreadyDecidedError(request)
    return request, Authorized(press.operator, {request.account.pool: "because I say so"})


def _approved_by_the_asker(sound: Any_, rules: Approvals, press: Press) -> tuple[Request, Authorized]:
    request = rules.requests.get(press.request_id)
    if request and request.ask.operator.id == press.operator.id:
        return _by(press, request)
    return sound(rules, press)  # type: ignore[no-any-return]


def _approved_by_anyone(sound: Any_, rules: Approvals, press: Press) -> tuple[Request, Authorized]:
    request = rules.requests.get(press.request_id)
    if request and request.ask.operator.id != press.operator.id:
        return _by(press, request)
    return sound(rules, press)  # type: ignore[no-any-return]


def _approved_for_another_account(sound: Any_, rules: Approvals, press: Press) -> tuple[Request, Authorized]:
    request, authorized = sound(rules, press)
    return replace(request, chosen=replace(request.account, username="bob")), authorized


def _denied_and_run(_: Any_, rules: Approvals, press: Press) -> Request:
    return rules.approve(press)


def _approved_though_approved(sound: Any_, store: SQLiteStore, before: Request, after: Request, *rest: Any) -> None:
    if after.approval:
        _decided_though_decided(sound, store, before, after, *rest)
    else:
        sound(store, before, after, *rest)


def _no_one_is_needed(_: Any_, rules: Confirmations, *__: Any, **___: Any) -> tuple[str, ...]:
    assert rules
    return ()


MEMORY: WeakKeyDictionary[Any, dict[str, Window]] = WeakKeyDictionary()  # of each process


def _counted_in_memory(sound: Any_, limits: Limits, operator: Operator, account: Account, now: datetime) -> Count:
    """Count what this process decided."""
    memory = MEMORY.setdefault(limits.windows, {})
    here = replace(limits, windows=lambda keys: [memory.get(key) or Window(key=key) for key in keys])
    count: Count = sound(here, operator, account, now)
    memory.update({} if count.rule else {window.key: window for window in count.windows})
    return replace(count, windows=())


def _counted_afterwards(sound: Any_, store: SQLiteStore, *move: Any) -> None:
    sound(store, *move[:4])
    for window in move[4] if len(move) > 4 else ():
        (now,) = store.windows([window.key])
        store._write(None, None, (), [replace(now, accounts={**now.accounts, **window.accounts})])


def _protected_only_for_the_first(sound: Any_, worker: Worker, request: Request, pool: Any) -> str | None:
    found: str | None = sound(replace(worker, protections={}) if request.in_doubt else worker, request, pool)
    return found


def _protected_where_cognito_says_so(sound: Any_, worker: Worker, request: Request, pool: Any) -> str | None:
    try:
        return sound(worker, request, pool)  # type: ignore[no-any-return]
    except PoolUnavailableError:
        return None


def _approval_counts_for_any_account(sound: Any_, worker: Worker, request: Request, pool: Any) -> Any:
    """Take an approval for one of a protected account, though the account was not shown as one."""
    return sound(worker, replace(request, chosen=replace(request.account, protected="yes")), pool)


def _told_in_vain(sound: Any_, request: Request, **named: Any) -> Sequence[LiveMessage]:
    messages: Sequence[LiveMessage] = sound(request, **named)
    return [each if request.state is State.APPROVING else replace(each, due_at=None) for each in messages]


# With several actions.


def _backwards(sound: Any_, request: Request) -> Sequence[Step]:
    return sound(request)[::-1]  # type: ignore[no-any-return]


def _called_again_after_a_yes(sound: Any_, worker: Worker, request: Request, step: Step) -> Request:
    known: Request = sound(worker, request, step)
    if step in known.done:
        sound(worker, request, step)
    return known


def _failed_though_half_done(sound: Any_, worker: Worker, request: Request, known: Request, *rest: Any) -> Request:
    is_partly = known.done and not known.in_doubt and len(known.done) < len(ACTIONS[known.action].steps)
    return sound(worker, request, replace(known, done=()) if is_partly else known, *rest)  # type: ignore[no-any-return]


def _only_the_allowlist(_: Any_, rules: Confirmations, ask: Ask, pools: Iterable[str]) -> Any:
    return authorize(ask.operator, rules.allowlist.within(pools), rules.members, rules.home())


def _approved_as_a_sign_out_is(sound: Any_, rules: Confirmations, _: str, *rest: Any, **named: Any) -> Any:
    return sound(rules, "sign_out", *rest, **named)


def _kept_in_memory(sound: Any_, store: SQLiteStore, before: Request, after: Request, *rest: Any) -> None:
    """Do not write the answer of a step. What is written next comes after what is stored."""
    is_note = before.state is after.state is State.RUNNING and before.claim and before.claim.id == after.claim.id  # type: ignore[union-attr]
    if not is_note:
        sound(store, before, after, *rest)


def _followed_by_anyone(sound: Any_, rules: Confirmations, press: Press) -> Ask | None:
    asked = rules.requests.get(press.request_id)
    return sound(rules, replace(press, operator=asked.ask.operator) if asked else press)  # type: ignore[no-any-return]


def _gone_on_without_a_look(sound: Any_, worker: Worker, request: Request) -> str | None:
    return None if request.done else sound(worker, request)


def _another_action_than_was_pressed(sound: Any_, rules: Confirmations, press: Press) -> Request:
    return sound(rules, replace(press, action="sign_out" if press.action else None))  # type: ignore[no-any-return]


def _said_to_be_done(sound: Any_, steps: Sequence[Step], done: Sequence[str], **rest: Any) -> str:
    return sound(steps, steps if done else done, **rest)  # type: ignore[no-any-return]


BROKEN = {
    "the steps are called in the wrong order": Broken(
        work, "steps_of", _backwards, "each_step_is_called_once_the_answer_of_the_one_before_is_stored"
    ),
    "an account is disabled after its sign-out": Broken(work, "steps_of", _backwards, "who_was_kept_out_has_no_way_in"),
    "a step is repeated after a yes": Broken(
        Worker, "_call", _called_again_after_a_yes, "a_step_that_was_done_is_not_repeated"
    ),
    "the answer of a step is not stored before the next": Broken(
        SQLiteStore, "move", _kept_in_memory, "each_step_is_called_once_the_answer_of_the_one_before_is_stored"
    ),
    "FAILED is said after a half-done action": Broken(
        Worker, "_end", _failed_though_half_done, "failed_only_if_every_call_was_definitely_refused", begin=57
    ),
    "what was half done is said to be done": Broken(
        advice, "came_of", _said_to_be_done, "what_is_told_of_each_step_is_true", begin=26
    ),
    "the list of an action is not looked at": Broken(
        Confirmations, "_may", _only_the_allowlist, "every_decision_was_allowed_then"
    ),
    "the approval that an action needs is skipped": Broken(
        Confirmations,
        "always_needs",
        _approved_as_a_sign_out_is,
        "no_step_is_called_for_without_an_approval_where_one_is_needed",
        begin=51,
    ),
    "another action is done than was pressed": Broken(
        Confirmations, "confirm", _another_action_than_was_pressed, "only_the_operator_moves_a_request", begin=22
    ),
    "someone else presses a button of an outcome": Broken(
        Confirmations, "follow_up", _followed_by_anyone, "every_request_was_asked_for_by_its_operator", begin=633
    ),
    "who takes over between the steps does not look whose user name it is": Broken(
        Worker, "_stopped", _gone_on_without_a_look, "every_call_is_for_the_account_that_was_shown", begin=100
    ),
    "someone approves their own request": Broken(
        Approvals, "_request", _approved_by_the_asker, "every_second_decision_is_an_approvers_press", begin=77
    ),
    "an approver is not authorized at the press": Broken(
        Approvals, "_request", _approved_by_anyone, "every_second_decision_is_an_approvers_press"
    ),
    "another account is approved than was asked for": Broken(
        Approvals, "_request", _approved_for_another_account, "every_second_decision_is_an_approvers_press"
    ),
    "an approval counts after its time": Broken(
        Approvals, "_in_time", _always_in_time, "every_decision_is_in_time", begin=18
    ),
    "a denial does not stop the run": Broken(
        Approvals, "deny", _denied_and_run, "every_second_decision_is_an_approvers_press", begin=15
    ),
    "two approvals decide": Broken(
        SQLiteStore, "move", _approved_though_approved, "each_request_is_decided_once", begin=32
    ),
    "a second person is not asked where one is needed": Broken(
        Confirmations, "needs", _no_one_is_needed, "no_step_is_called_for_without_an_approval_where_one_is_needed"
    ),
    "a limit is read from memory": Broken(
        Limits, "count", _counted_in_memory, "no_limit_is_exceeded_without_an_approval", begin=315
    ),
    "a decision is counted after its write": Broken(
        SQLiteStore, "move", _counted_afterwards, "no_limit_is_exceeded_without_an_approval", begin=1061
    ),
    "who takes a claim over does not look whether the account is protected": Broken(
        Worker, "_changed", _protected_only_for_the_first, "no_protected_account_is_signed_out", begin=45
    ),
    "an account is not protected while Cognito does not say so": Broken(
        Worker, "_changed", _protected_where_cognito_says_so, "no_protected_account_is_signed_out", begin=468
    ),
    "an approval counts for an account that was not shown as protected": Broken(
        Worker, "_changed", _approval_counts_for_any_account, "no_protected_account_is_signed_out", begin=290
    ),
    "approvers are not told what came of it": Broken(
        sqlite_store, "other_messages", _told_in_vain, "everyone_who_may_approve_reads_the_outcome_at_last", begin=15
    ),
    "Cognito is not asked again whose user name it is": Broken(
        Worker, "_stopped", lambda *_: None, "every_call_is_for_the_account_that_was_shown", begin=105
    ),
    "another account under the same name is signed out": Broken(
        Worker, "_stopped", _anyone_with_the_name, "every_call_is_for_the_account_that_was_shown", begin=1000
    ),
    "a move is written whatever was written meanwhile": Broken(
        SQLiteStore, "move", _unconditional, "what_the_store_took_is_kept"
    ),
    "READY is claimed without a condition": Broken(
        SQLiteStore, "move", _claimed_unconditionally, "what_the_store_took_is_kept", begin=165
    ),
    "a decision is executed twice by two workers": Broken(
        SQLiteStore, "move", _claimed_unconditionally, "a_step_that_was_done_is_not_repeated", begin=167
    ),
    "the one who lost the claim signs out all the same": Broken(
        Worker, "_claim", _runs_though_another_has_it, "one_holder_calls_at_a_time", begin=165
    ),
    "the claim is not written before Cognito is called": Broken(
        Worker, "_claim", _not_written, "every_call_is_for_a_claim_that_the_store_holds"
    ),
    "a claim is taken over without doubt": Broken(
        Request,
        "move",
        lambda sound, *of, **to: sound(*of, **(to | {"in_doubt": False})),
        "failed_only_if_every_call_was_definitely_refused",
        begin=36,
    ),
    "a dead holder's calls are forgotten": Broken(
        Worker, "_call", _without_doubt, "failed_only_if_every_call_was_definitely_refused", begin=385
    ),
    "two presses decide": Broken(
        SQLiteStore, "move", _decided_though_decided, "each_request_is_decided_once", begin=32
    ),
    "a press is not authorized": Broken(
        Confirmations, "authorize", _not_asked_again, "every_decision_was_allowed_then", begin=9
    ),
    "a late press is taken": Broken(Confirmations, "_in_time", _always_in_time, "every_decision_is_in_time", begin=15),
    "anyone may press": Broken(
        Confirmations, "_awaiting", _pressed_by_others(_anyone), "only_the_operator_moves_a_request", begin=11
    ),
    "someone of another team with the same id may press": Broken(
        Confirmations, "_awaiting", _pressed_by_others(_same_id), "only_the_operator_moves_a_request", begin=13
    ),
    "a refusal leaves no entry": Broken(
        SQLiteStore, "record", _not_recorded, "everyone_who_is_refused_leaves_an_entry"
    ),
    "a claim is taken over while its lease runs": Broken(
        SQLiteStore,
        "dead",
        lambda sound, store, before, *rest: sound(store, before + LEASE, *rest),
        "a_claim_is_taken_over_only_after_its_lease",
    ),
    "clocks are taken to agree to the second": Broken(
        work, "CLOCKS_AGREE_WITHIN", timedelta(0), "a_claim_is_taken_over_only_after_its_lease", begin=46
    ),
    "FAILED is said after a time-out": Broken(
        work, "known_after", _unclear_is_a_no, "failed_only_if_every_call_was_definitely_refused"
    ),
    "a call is made however long ago the decision was": Broken(
        Worker, "_latest", lambda *_: FAR, "no_call_starts_later_than_resume_within", begin=36
    ),
    "a call leaves however long its way to the first byte took": Broken(
        Worker, "_left", lambda *_: timedelta(hours=1), "no_call_starts_later_than_resume_within", begin=26
    ),
    "the outcome is told although the store did not take it": Broken(
        Worker, "_end", _told_anyway, "an_outcome_is_said_only_once_the_store_says_so", begin=22
    ),
    "the card loses its buttons before the decision": Broken(
        Flow, "_decide", _buttons_gone_first, "a_card_keeps_its_buttons_until_the_store_has_moved"
    ),
    "a bot that stops decides": Broken(
        Flow, "closed", lambda *_: None, "a_bot_that_stops_decides_nothing_new", begin=500
    ),
    "what seems to be old is deleted by a clock that is wrong": Broken(
        CheckedClock, "is_confirmed", lambda *_: True, "nothing_young_is_deleted", begin=21
    ),
    "a claim is taken over by a clock that is wrong": Broken(
        CheckedClock,
        "error",
        lambda *_: None,
        "by_a_clock_that_is_known_to_be_wrong_nothing_is_claimed_or_taken_over",
        begin=8,
    ),
    "a press is taken by a clock that is wrong": Broken(
        Flow,
        "_decide",
        _decided_by_any_clock,
        "by_a_clock_that_is_known_to_be_wrong_nothing_is_opened_or_decided",
        begin=75,
    ),
    "what a clock that was ahead put off waits until then": Broken(
        CheckedClock, "beyond", lambda *_: None, "every_decided_request_ends_and_the_audit_channel_is_told", begin=27
    ),
    "what killed processes left is not taken up": Broken(
        SQLiteStore, "ready", lambda *_: [], "every_decided_request_ends_and_the_audit_channel_is_told", begin=45
    ),
    "a move is written without its entry": Broken(
        SQLiteStore, "move", _without_its_entry, "moves_and_entries_match_one_to_one"
    ),
    "an entry is noted as delivered before it is posted": Broken(
        EntryDelivery, "_post", _noted_before_posted, "every_post_is_of_a_stored_entry_that_was_not_noted_as_taken"
    ),
    "an entry is posted without being held": Broken(
        SQLiteStore, "hold", _held_by_no_one, "no_entry_is_posted_by_two_at_once"
    ),
    "an entry that another instance took is held all the same": Broken(
        SQLiteStore, "hold", _held_from_another, "no_entry_is_posted_by_two_at_once", begin=22
    ),
    "what Slack took is forgotten where the store cannot note it": Broken(
        EntryDelivery, "_post", _forgotten_if_not_noted, "a_yes_that_was_told_is_not_repeated_at_once", begin=60
    ),
    "what Slack refused is noted as delivered": Broken(
        EntryDelivery, "_put_off", _refused_is_delivered, "nothing_waits_for_delivery_at_rest"
    ),
    "a refusal is posted before an outcome": Broken(
        EntryDelivery, "_deliver_due", _refusals_first, "outcomes_are_posted_before_refusals", begin=6
    ),
    "what a killed process counted is left": Broken(
        Refusals, "sweep", lambda *_: None, "each_refusal_that_the_store_took_is_in_one_entry", begin=10
    ),
    "what is counted is written only when its minute is over": Broken(
        Refusals,
        "store",
        _stored_once_its_minute_is_over,
        "no_refusal_is_lost_but_of_the_last_second_before_a_kill",
        begin=17,
    ),
    "a count is not exact": Broken(
        refusals, "_one_more", _not_always_counted, "no_refusal_is_lost_but_of_the_last_second_before_a_kill"
    ),
    "each refusal is written by itself": Broken(
        refusals, "MINUTE", timedelta(0), "the_refusals_of_an_operator_make_few_entries"
    ),
    "a group's members are kept for long": Broken(
        groups, "MAX_AGE_SECONDS", 500.0, "every_decision_was_allowed_then", begin=4500
    ),
    "a group that Slack cannot list lets people in": Broken(
        SlackGroups, "members", _everyone_is_in_it, "every_decision_was_allowed_then", begin=12
    ),
    "who could not be looked up is told not to be on the list": Broken(
        DeniedError, "UNSURE", None, "no_one_on_the_list_is_told_that_they_are_not", begin=47
    ),
    "a press in doubt is told that nothing was done": Broken(
        StoreUnavailableError,
        "IN_DOUBT",
        "The store did not answer. Nothing was done.",
        "no_sentence_is_untrue",
        begin=86,
    ),
    "a card is noted as shown before Slack said yes": Broken(
        CardDelivery, "_show", _shown_before_slack_took_it, "every_operator_can_read_the_outcome_at_last", begin=86
    ),
    "progress that comes late hides the result": Broken(
        SQLiteStore, "shown", _newest_whatever_was_shown, "every_operator_can_read_the_outcome_at_last", begin=89
    ),
    "no direct message is sent once the card can be changed no more": Broken(
        CardDelivery, "_send", _no_direct_message, "every_operator_can_read_the_outcome_at_last", begin=15
    ),
}


@pytest.mark.parametrize("broken", [pytest.param(broken, id=name) for name, broken in BROKEN.items()])
def test_a_broken_rule_is_found(broken: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken.is_found(tmp_path, monkeypatch, lists=False)
