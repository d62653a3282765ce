"""What must always hold (design's invariants, by number), each a function from what was seen to what is wrong."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from bot.approve import NOT_AN_APPROVER, OWN
from bot.audit import POSTED, Entry, Kind
from bot.deliver import POST
from bot.errors import BotError, ChosenBeforeError, DeniedError, NotYoursError, UnderWayError
from bot.limits import counted
from bot.request import AWAITING, ENDED, LIST_MOVES, MOVES, Ask, Request, State
from bot.slack.approvals import APPROVE, DENY
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from bot.slack.outcomes import DO
from bot.work import CALL, LEASE, MARGIN
from simulation import list_checks  # noqa: F401 -- its checks count too
from simulation.acts import Standing
from simulation.brakes import APPROVERS
from simulation.checking import (
    CHECKS,
    ROUNDING,
    SKEW,
    allowed,
    calls_for,
    check,
    is_same,
    seconds_of,
    violations,
)
from simulation.cognito import SLOWEST
from simulation.instances import ALLOWLIST, BETWEEN_COUNTS
from simulation.outcomes import ENABLE, RESET, SIGN_OUT, STEPS, TITLES, title_in
from simulation.seen import Effect, Move, Post, Seen
from simulation.slack import HOME
from simulation.slack import SLOWEST as SLOWEST_ANSWER
from simulation.store import SLOWEST as SLOWEST_STEP

__all__ = ["CHECKS", "violations"]

LOOK_UPS_ARE_GOOD_FOR = 60.0
# What the rules promise, so that it is still known here where a rule was broken.
FARTHEST = 2 * LEASE.total_seconds()
HELD_FOR = POST.total_seconds()
LEFT_OF_A_LEASE = (CALL + MARGIN).total_seconds()
COUNTED_FOR = 60.0  # refusals.MINUTE
SLOWEST_WRITE = 3 * SLOWEST_STEP
REFUSALS = (
    *(DeniedError().sentence, NotYoursError().sentence, "You may not do this in pool"),
    *(OWN, NOT_AN_APPROVER, "This account is protected"),
)
BEGINNINGS = {
    **{f"{title}: ": state for (_, title), (state, _, _) in TITLES.items()},
    "Cancelled": State.CANCELLED,
    "This card expired": State.EXPIRED,
    "No one approved this": State.EXPIRED,
    "Denied": State.DENIED,
}


APPROVAL_TITLES = {
    **{words: state for words, state in BEGINNINGS.items() if state not in {State.CANCELLED, State.EXPIRED}},
    "Cancelled: ": State.CANCELLED,
    "Not approved in time: ": State.EXPIRED,
}
GROUP_MEMBERS = {"U0GIL", "U0HAL"}  # who may by a group, as long as they are in it
CAME = {State.DONE, State.PARTLY, State.FAILED, State.UNKNOWN}
# What is said of an account with which Cognito would not do an action; True where that is so.
OBSTACLES: dict[str, Callable[[Standing], bool]] = {
    "This account is disabled": lambda now: not now.enabled,
    "This account is enabled": lambda now: now.enabled,
    "This user signs in through": lambda now: now.provider is not None,
    "This user has not set a first password": lambda now: now.status == "FORCE_CHANGE_PASSWORD",
}


@check
def every_call_is_for_a_claim_that_the_store_holds(seen: Seen) -> Iterator[str]:
    """4, and 1: the claim is durable before Cognito is called, for the account that was decided on."""
    for call in seen.calls:
        stored = call.stored
        if stored is None or stored.state is not State.RUNNING:
            yield f"{call.request_id} was called for while {stored.state if stored else 'not stored'}"
        elif (call.pool_id, call.username) != (stored.account.pool_id, stored.account.username):
            yield f"{call.request_id}: {call.username} was signed out, not {stored.account.username}"
        elif call.operator_id != stored.ask.operator.id:
            yield f"{call.request_id} was called for on behalf of {call.operator_id}"


@check
def every_call_is_for_the_account_that_was_shown(seen: Seen) -> Iterator[str]:
    """1: the user name was the same account (its `sub`) when Cognito was last asked, at most 60 s before the claim."""
    for call in seen.calls:
        if call.stored is None or call.stored.claim is None:
            continue  # wrong by another check
        if call.stored.list_id:
            continue  # a list looks no one up again
        looks = [each for each in seen.looks if each.request_id == call.request_id and each.begun <= call.begun]
        looks = [each for each in looks if (each.pool_id, each.username) == (call.pool_id, call.username)]
        oldest = seconds_of(call.stored.claim.at) - LOOK_UPS_ARE_GOOD_FOR - 2 * SKEW  # the clocks of two instances
        if not looks or looks[-1].begun < oldest:
            yield f"{call.request_id}: Cognito was not asked lately who {call.username} is"
        elif looks[-1].sub != call.stored.account.sub:
            yield f"{call.request_id}: {call.username} was {looks[-1].sub}, not {call.stored.account.sub}"


@check
def every_decision_was_allowed_then(seen: Seen) -> Iterator[str]:
    """1 and 8: by an id on the list, or by a group as Slack listed it to this instance at most 60 s before."""
    for move in _decisions(seen):
        request = move.after
        lists = [ALLOWLIST] if request.action == "sign_out" else [ALLOWLIST, seen.acts.lists.get(request.action)]
        if not all(each and allowed(seen, move, request.ask.operator, request.subject.pool, each) for each in lists):
            yield f"{request.id} ({request.action}) was decided by {request.ask.operator.id}, by {request.allowed_by}"


@check
def every_decision_is_in_time(seen: Seen) -> Iterator[str]:
    """1: before expires_at on the deciding clock."""
    for move in (*_decisions(seen), *_second_decisions(seen)):
        request, decided_at = move.after, _said_at(move.after)
        end = move.before.expires_at if move.before else request.expires_at
        if decided_at is None or decided_at >= end:
            yield f"{request.id} was decided at {decided_at}, after {end}"
        elif seconds_of(decided_at) > move.clock + ROUNDING and not move.clock_set:
            yield f"{request.id} was decided at {decided_at}, which was yet to come"


@check
def only_the_operator_moves_a_request(seen: Seen) -> Iterator[str]:
    """2: what needs a press was pressed by the person who asked, at the instance that did it, as the store knows it."""
    actions = {
        State.READY: CONFIRM,
        State.APPROVING: CONFIRM,
        State.CANCELLED: CANCEL,
        State.CONFIRMING: CHOOSE,
    }
    seconds = _second_decisions(seen)
    for move in seen.moves:
        before, after, action = move.before, move.after, actions.get(move.after.state)
        if before is None or action is None or move in seconds:
            continue
        if before.state in {State.PREVIEWING, State.PAUSED}:
            continue  # see list_checks.py
        who = before.ask.operator
        pressed = {action} if after.action == before.action else set[str]()
        if action == CONFIRM:
            pressed.add(f"{DO}{after.action}")
        presses = [
            each
            for each in seen.presses
            if each.action in pressed
            and (each.request_id, each.instance) == (after.id, move.instance)
            and (each.operator.team_id, each.operator.id) == (who.team_id, who.id)
            and each.at <= move.at
        ]
        if not presses:
            yield f"{after.id} became {after.state} without a press by its operator"
        elif (
            action == CHOOSE
            and after.chosen
            and after.chosen
            not in [before.candidates[each.number] for each in presses if each.number < len(before.candidates)]
        ):
            yield f"{after.id}: another account was chosen than was pressed"
        elif action != CHOOSE and after.chosen != before.chosen:
            yield f"{after.id}: its account changed on the way to {after.state}"


@check
def a_stored_request_keeps_what_was_asked(seen: Seen) -> Iterator[str]:
    """2: what was asked, what was found, and times stay as they were opened; the decision's time stays, too.

    What is done may become another action, by the operator's press that decides.
    """
    moves = [move for move in seen.moves if move.after.state is not State.PREVIEWING]
    first = {move.after.id: move.after for move in reversed(moves)}
    decisions = _decisions(seen)
    for move in moves:
        opened, request = first[move.after.id], move.after
        names = ["ask", "candidates", "created_at"] + ([] if request.approval else ["expires_at"])
        as_opened = replace(request, ask=_with_action(request, opened.action))
        if any(getattr(opened, name) != getattr(as_opened, name) for name in names):
            yield f"{request.id} is not what was opened"
        if move.before and move.before.action != request.action and move not in decisions:
            yield f"{request.id} became {request.action} while {request.state}"
        if move.before and move.before.decided_at not in {None, request.decided_at}:
            yield f"{request.id} was decided at another time"


@check
def by_a_clock_that_is_known_to_be_wrong_nothing_is_opened_or_decided(seen: Seen) -> Iterator[str]:
    """12: known by what Slack and AWS said, or since it was set after they agreed with it."""
    for move in seen.moves:
        if move.clock_wrong and (move.before is None or move.before.state in AWAITING):
            yield f"{move.after.id} became {move.after.state} by the wrong clock of {move.instance}"


@check
def by_a_clock_that_is_known_to_be_wrong_nothing_is_claimed_or_taken_over(seen: Seen) -> Iterator[str]:
    """12: what was claimed before may end."""
    for move in seen.moves:
        ended = move.before and move.before.state is State.RUNNING and move.after.state in ENDED
        if move.clock_wrong and move.before and move.before.state not in AWAITING and not ended:
            yield f"{move.after.id} became {move.after.state} by the wrong clock of {move.instance}"


@check
def nothing_young_is_deleted(seen: Seen) -> Iterator[str]:
    """12: not even by a clock that was not confirmed. All that a world writes is young."""
    if seen.forgotten:
        yield f"{seen.forgotten} entries were deleted"


@check
def each_request_is_decided_once(seen: Seen) -> Iterator[str]:
    """3: two clicks, two instances, a redelivered envelope lead to one decision."""
    for request in seen.requests.values():
        decisions = [entry for entry in _entries(seen, request) if entry.kind is Kind.CONFIRMED]
        if len(decisions) > 1:
            yield f"{request.id} was decided {len(decisions)} times"
        said = [entry for entry in _entries(seen, request) if entry.kind in {Kind.APPROVED, Kind.DENIED}]
        if len(said) > 1:
            yield f"{request.id} was approved or denied {len(said)} times"


@check
def a_bot_that_stops_decides_nothing_new(seen: Seen) -> Iterator[str]:
    """A press that came before goes on, and so does what it decides."""
    for move in (*_decisions(seen), *_second_decisions(seen)):
        if move.drained is not None and move.drained > 0:
            yield f"{move.after.id} was decided by an instance that was stopping"


@check
def one_holder_calls_at_a_time(seen: Seen) -> Iterator[str]:
    """3: a call is made by the one who holds the claim then, and is over before another holder's begins."""
    for call in seen.calls:
        holder = call.stored and call.stored.claim and call.stored.claim.id
        if call.claim_id != holder:
            yield f"{call.request_id} was called for by {call.claim_id}, the holder is {holder}"
    for number, call in enumerate(seen.calls):
        for later in seen.calls[number + 1 :]:
            ended = call.begun + SLOWEST if call.ended is None else call.ended
            if later.request_id == call.request_id and later.begun < ended:
                yield f"{call.request_id} was called for twice at the same time"


@check
def a_step_that_was_done_is_not_repeated(seen: Seen) -> Iterator[str]:
    """3 and 6: a decision is carried out once, unless the answer to a call was lost with its caller."""
    for request in seen.requests.values():
        for step in STEPS[request.action]:
            for call, later in pairwise(each for each in calls_for(seen, request) if each.step == step):
                if call.answer == "yes" and not (later.stored and later.stored.in_doubt):
                    yield f"{request.id} was called for again after a yes to {step}"


@check
def each_step_is_called_once_the_answer_of_the_one_before_is_stored(seen: Seen) -> Iterator[str]:
    """6: in the order of the action, and never again once its yes is stored."""
    for call in seen.calls:
        if call.stored and call.step not in STEPS[call.stored.action]:
            yield f"{call.request_id}: {call.step} does not belong to {call.stored.action}"
        elif call.stored and call.stored.done != _before(call.stored.action, call.step):
            yield f"{call.request_id}: {call.step} was called while {call.stored.done} was stored as done"


@check
def what_is_stored_as_done_was_answered_with_yes(seen: Seen) -> Iterator[str]:
    """6: by Cognito, to the holder of the claim, whose lease is then renewed."""
    for move in seen.moves:
        done, before = move.after.done, move.before
        answered = [each for each in seen.calls if each.request_id == move.after.id and each.answer == "yes"]
        yeses = {each.step for each in answered if each.ended is not None and each.ended <= move.at}
        if done != STEPS[move.after.action][: len(done)] or not yeses.issuperset(done):
            yield f"{move.after.id} has {done} as done, yes was said to {sorted(yeses)}"
        if before and _is_note(move) and not before.listed:
            if len(done) != len(before.done) + 1:
                yield f"{move.after.id}: {before.done} became {done} in one write"
            if not before.claim or not move.after.claim or move.after.claim.until < before.claim.until:
                yield f"{move.after.id}: its lease was not renewed"


@check
def a_claim_is_taken_over_only_after_its_lease(seen: Seen) -> Iterator[str]:
    """3: on every clock, since clocks agree within 5 s; under a new claim id, and with the doubt kept."""
    for move in seen.moves:
        before, after = move.before, move.after
        if before is None or {before.state, after.state} != {State.RUNNING} or _is_note(move) or after.listed:
            continue
        until = seconds_of(before.claim.until) if before.claim else 0.0
        if not move.clock_set and move.clock < until + SKEW - ROUNDING and until <= move.clock + FARTHEST:
            yield f"{after.id} was taken over while its lease ran"
        if after.claim is None or before.claim is None or after.claim.id == before.claim.id or not after.in_doubt:
            yield f"{after.id} was taken over without a new claim, or without doubt"


@check
def moves_and_entries_match_one_to_one(seen: Seen) -> Iterator[str]:
    """4: a move and its audit entry are one write; only the first claim and the answer of a step have none."""
    for request in seen.requests.values():
        moves = [move for move in seen.moves if move.after.id == request.id]
        for move in moves:
            if move.before and move.after.state not in (LIST_MOVES if request.listed else MOVES)[move.before.state]:
                yield f"{request.id} went from {move.before.state} to {move.after.state}"
        told = [replace(move.after, candidates=()) for move in moves if not _has_no_entry(move)]
        if [entry.request for entry in _entries(seen, request)] != told:
            yield f"{request.id} made {len(told)} moves, and its entries tell of others"
        if moves[-1].after != request:
            yield f"{request.id} is not what was last written"


@check
def every_entry_belongs_to_something(seen: Seen) -> Iterator[str]:
    """4: no entry tells of a move that the store does not have."""
    for entry in seen.entries:
        if entry.kind not in {Kind.REFUSED, Kind.NOT_FOUND} and entry.ask.id not in seen.requests:
            yield f"entry {entry.id} tells of a request that is not stored"


@check
def what_the_store_took_is_kept(seen: Seen) -> Iterator[str]:
    """5: no version that was written is lost, and none written twice."""
    for request in seen.requests.values():
        versions = [move.after.version for move in seen.moves if move.after.id == request.id]
        if versions != list(range(1, request.version + 1)):
            yield f"{request.id} has version {request.version}; written were {versions}"


@check
def every_decided_request_ends_and_the_audit_channel_is_told(seen: Seen) -> Iterator[str]:
    """5: all ends once some instance runs on, after any kill."""
    if not seen.quiet:
        yield "it did not come to rest"
    taken = {post.entry_id for post in seen.posts if post.ts}
    for request in _decided(seen):
        if request.state is State.PAUSED and request.contents.at_rest:
            continue  # it waits for a press
        if request.state not in ENDED:
            yield f"{request.id} was decided and is {request.state}"
        elif not request.list_id and not any(
            entry.kind in POSTED and entry.id in taken for entry in _entries(seen, request)
        ):
            yield f"{request.id} is {request.state}, and the audit channel was never told"


@check
def every_operator_can_read_the_outcome_at_last(seen: Seen) -> Iterator[str]:
    """5: on the card, or in a direct message; and no message that came late hides it."""
    for request in seen.requests.values():
        if request.list_id or request.state not in ENDED or not (request.decided_at or request.approval):
            continue
        states = [drawn.state for drawn in seen.on_screen.get(request.id, ())]
        if request.state not in states:
            yield f"{request.id} is {request.state}, its operator reads {states}"


@check
def a_card_that_was_not_pressed_ends_too(seen: Seen) -> Iterator[str]:
    for request in seen.requests.values():
        if request.state in AWAITING:
            yield f"{request.id} still is {request.state}"


@check
def nothing_waits_for_delivery_at_rest(seen: Seen) -> Iterator[str]:
    """5: every outcome and every refusal was posted, as the message that the store names."""
    if seen.backlog:
        yield f"{seen.backlog} entries wait"
    took = {(post.entry_id, post.ts) for post in seen.posts}
    for entry in seen.entries:
        noted = entry.delivery
        posted = entry.kind in POSTED or (entry.kind is Kind.LIMITED and noted.delivered_at is not None)
        if entry.request and entry.list_id:
            posted = entry.request.listed is not None and (posted or _was_paused_by_the_bot(entry))
        if posted != (noted.delivered_at is not None):
            yield f"entry {entry.id} ({entry.kind}) was delivered at {noted.delivered_at}"
        elif posted and (entry.id, noted.ts) not in took:
            yield f"entry {entry.id} was noted as delivered, Slack took no message {noted.ts} with it"


@check
def a_card_keeps_its_buttons_until_the_store_has_moved(seen: Seen) -> Iterator[str]:
    """5: a press is accepted when its decision commits."""
    for told in seen.told:
        if told.replace and not told.buttons and told.stored and told.stored.state in AWAITING:
            yield f"the card of {told.request_id} lost its buttons while {told.stored.state}: {told.text[:60]}"


@check
def an_outcome_is_said_only_once_the_store_says_so(seen: Seen) -> Iterator[str]:
    """6: to the operator and to the audit channel."""
    for told in seen.told:
        for words, state in () if told.stored and told.stored.listed else BEGINNINGS.items():
            if told.text.startswith(words) and (told.stored is None or told.stored.state is not state):
                yield f"{told.request_id}: {told.text[:40]!r} was told of {told.stored and told.stored.state}"
        of = told.stored
        ended = of and (of.decided_at or of.approval) and of.state in ENDED
        if told.direct and not ended:
            yield f"{told.request_id}: a direct message told of {told.stored and told.stored.state}"
    for post in seen.posts:
        stored, request = post.stored, post.request
        if stored is None or stored.kind.value != post.outcome:
            yield f"entry {post.named} was posted as {post.outcome}, and the store has {stored and stored.kind}"
        elif _was_paused_by_the_bot(stored):
            continue
        elif stored.request and (request is None or request.state is not stored.request.state):
            yield f"entry {post.named} was posted as {post.outcome} before the store said so"


@check
def no_sentence_is_untrue(seen: Seen) -> Iterator[str]:
    """7: not to the second click of a double click either."""
    for told in seen.told:
        stored = told.stored
        if told.text.startswith(UnderWayError().sentence) and not (stored and stored.decided_at):
            yield f"{told.request_id} was said to be confirmed"
        if told.text.startswith(ChosenBeforeError().sentence) and not (stored and stored.chosen):
            yield f"{told.request_id} was said to be chosen"
        denies = any(words in told.text.lower() for words in ("nothing was done", "nothing was signed", "nothing has"))
        if denies and stored and stored.decided_at:
            yield f"{told.request_id} was said to have done nothing: {told.text[:60]!r}"


@check
def no_one_on_the_list_is_told_that_they_are_not(seen: Seen) -> Iterator[str]:
    """8: where Slack could not be asked, the sentence says that this is why."""
    for told in seen.told:
        listed = told.operator.team_id == HOME and told.operator.id in ALLOWLIST.everywhere.users
        if listed and told.text.startswith(DeniedError().sentence):
            yield f"{told.operator.name} is on the list, and was told not to be"


@check
def done_only_if_cognito_did_it(seen: Seen) -> Iterator[str]:
    """6: each step of the action, and it said so."""
    for request in _in(seen, State.DONE):
        for step in STEPS[request.action]:
            if not any(call.done and call.answer == "yes" and call.step == step for call in calls_for(seen, request)):
                yield f"{request.id} is DONE, and Cognito never said so of {step}"


@check
def partly_only_if_every_answer_is_known_and_one_was_yes(seen: Seen) -> Iterator[str]:
    """6: what was not done was definitely refused, or never sent."""
    for request in _in(seen, State.PARTLY):
        left = [call for call in calls_for(seen, request) if call.step not in request.done]
        if not request.done or any(call.done or call.answer != "no" for call in left):
            yield f"{request.id} is PARTLY with {request.done} after {[(call.step, call.answer) for call in left]}"


@check
def failed_only_if_every_call_was_definitely_refused(seen: Seen) -> Iterator[str]:
    """6: nothing was done, and no call is left without a clear answer, be it by a time-out or by a kill."""
    for request in _in(seen, State.FAILED):
        calls = calls_for(seen, request)
        if any(call.done or call.answer != "no" for call in calls):
            yield f"{request.id} is FAILED after {[(call.answer, call.done) for call in calls]}"
        if request.attempts != len(calls):
            yield f"{request.id} counts {request.attempts} of {len(calls)} calls"


@check
def unknown_only_if_something_is(seen: Seen) -> Iterator[str]:
    """6: a call without a clear answer, or a holder that died. What was never claimed is never UNKNOWN."""
    for request in _in(seen, State.UNKNOWN):
        left = [call for call in calls_for(seen, request) if call.step not in request.done]
        if not request.in_doubt and all(call.answer != "unclear" for call in left):
            yield f"{request.id} is UNKNOWN, and nothing was unclear"


@check
def who_was_kept_out_has_no_way_in(seen: Seen) -> Iterator[str]:
    """6: someone tries to sign in all the time. After DONE the account is disabled, and no session of theirs lives.

    Nor does one that was opened with a password that was reset, once that is DONE.
    """
    for move in seen.moves:
        request = move.after
        if request.state is not State.DONE or request.listed or SIGN_OUT not in STEPS[request.action]:
            continue
        account, its = request.account, [each for each in seen.effects if each.request_id == request.id]
        if any(each.sub != account.sub for each in its):  # it was another account within a minute after the look-up
            continue
        key = account.pool, account.username, account.sub
        effects = [each for each in seen.effects if (each.pool, each.username, each.sub) == key and each.at <= move.at]
        begun = min((each.at for each in its), default=move.at)
        let_in = any(each.step == ENABLE and each.at >= begun for each in effects)
        at_first = seen.acts.at_first.get(key[:2], Standing()) if account.sub == "sub-1" else Standing()
        now, someone_is_in = _after(at_first, effects)
        if request.action == "keep_out" and not let_in and (now.enabled or someone_is_in):
            yield f"{request.id} keeps {account.username} out, who has a way in"
        if request.action == "new_password" and someone_is_in:
            yield f"{request.id}: {account.username} is still signed in with the old password"


@check
def what_is_told_of_each_step_is_true(seen: Seen) -> Iterator[str]:
    """6 and 7: to the operator, to approvers and to the audit channel."""
    told = [(each.drawn, each.text) for each in seen.told if each.drawn]
    told += [(each.drawn, each.text) for each in seen.approvals]
    told += [(each.stored.request, each.text) for each in seen.posts if each.stored and each.stored.request and each.ts]
    for request, text in told:
        if request.listed:
            continue
        title, request_id = title_in(text), request.id
        state, done, left = TITLES.get((request.action, title or ""), (None, (), ()))
        if request.state in CAME and state is not request.state:
            yield f"{request_id} ({request.action}) is {request.state}, and {text[:60]!r} was told"
        calls = calls_for(seen, request)
        if not {call.step for call in calls if call.done and call.answer == "yes"}.issuperset(done):
            yield f"{request_id}: {title!r} was told, and not all of {done} was done"
        if {call.step for call in calls if call.done}.intersection(left):
            yield f"{request_id}: {title!r} was told, and one of {left} was done"
        if ("Nothing was changed." in text or "No session was ended." in text) and any(call.done for call in calls):
            yield f"{request_id} was said to have changed nothing"


@check
def what_is_told_of_an_account_is_true(seen: Seen) -> Iterator[str]:
    """7: that Cognito would not do it was so when the account was looked up; what is offered has a button."""
    for told in seen.told:
        looks = [each.standing for each in seen.looks if each.request_id == told.request_id and each.standing]
        for words, is_so in OBSTACLES.items():
            if told.text.startswith(words) and looks and not any(map(is_so, looks)):
                yield f"{told.request_id}: {told.text[:60]!r} was told, and it is not so"
        if "Use a button below." in told.text and not told.buttons:
            yield f"{told.request_id}: a button was promised that is not there"


@check
def every_request_was_asked_for_by_its_operator(seen: Seen) -> Iterator[str]:
    """2: in a command of theirs, or with a button of a request of their own that had ended, for the same account."""
    for move in seen.moves:
        who, request = move.after.ask.operator, move.after
        if request.listed or request.list_id:
            continue  # see list_checks.py
        if move.before or (request.id in seen.asked and is_same(who, seen.asked[request.id])):
            continue
        pressed = [
            seen.requests[each.request_id]
            for each in seen.presses
            if each.action == f"{DO}{request.action}"
            and each.request_id in seen.requests
            and each.at <= move.at
            and is_same(each.operator, who)
        ]
        if request.id in seen.asked or not any(
            is_same(each.ask.operator, who)
            and each.state in ENDED
            and each.chosen
            and (each.chosen.pool, each.chosen.username)
            == (request.ask.options.pool, request.ask.options.target)
            == (request.account.pool, request.account.username)
            for each in pressed
        ):
            yield f"{request.id} was not asked for by {who.id}"


@check
def no_call_starts_later_than_resume_within(seen: Seen) -> Iterator[str]:
    """12: by the caller's clock, and before its lease leaves too little time."""
    for call in seen.calls:
        stored = call.stored
        if stored is None or stored.decided_at is None or stored.claim is None or call.clock_set:
            continue
        decided_at, until = seconds_of(stored.decided_at), seconds_of(stored.claim.until)
        if call.clock > decided_at + seen.resume_within + ROUNDING:
            yield f"{call.request_id} was called for {call.clock - decided_at:.1f} s after its decision"
        if call.claim_id == stored.claim.id and call.clock > until - LEFT_OF_A_LEASE + ROUNDING:
            yield f"{call.request_id} was called for {until - call.clock:.1f} s before the end of its lease"


@check
def what_was_never_claimed_in_time_fails(seen: Seen) -> Iterator[str]:
    """A READY request is not claimed later than resume_within after its decision."""
    for move in seen.moves:
        before = move.before
        if before is None or before.state is not State.READY or before.decided_at is None or move.clock_set:
            continue
        if before.listed:
            continue
        end = seconds_of(before.decided_at) + seen.resume_within
        if move.after.claim and seconds_of(move.after.claim.at) > end + ROUNDING:
            yield f"{before.id} was claimed too late"
        if move.after.state is State.FAILED and end - FARTHEST - seen.resume_within <= move.clock < end - ROUNDING:
            yield f"{before.id} was given up too soon"


@check
def every_post_is_of_a_stored_entry_that_was_not_noted_as_taken(seen: Seen) -> Iterator[str]:
    """5: repeated only where Slack's yes was not recorded, with the same entry id.

    Where a clock was set, the yes may be recorded between the hold and the post: see the check of two at once.
    """
    for post in seen.posts:
        if post.stored is None:
            yield f"entry {post.entry_id} was posted and is not stored"
        elif post.stored.delivery.delivered_at and not _was_held_at_once(seen, post):
            yield f"entry {post.entry_id} was posted again, although Slack's yes was recorded"
        if post.named and post.named != post.entry_id:
            yield f"a message names entry {post.named}, which it does not tell of"


def _was_held_at_once(seen: Seen, post: Post) -> bool:
    """Whether it was held before the yes to another post was noted, and one of the two clocks was set meanwhile."""
    others = (each for each in seen.posts if each.entry_id == post.entry_id and each.instance != post.instance)
    noted = next((each for each in others if post.stored and each.ts == post.stored.delivery.ts), None)
    set_meanwhile = noted and (noted.clock_set or post.clock_set)
    return bool(set_meanwhile) and post.held < seen.noted[post.entry_id]


@check
def outcomes_are_posted_before_refusals(seen: Seen) -> Iterator[str]:
    """11: no refusal is posted while an outcome is due."""
    for post in seen.posts:
        if post.overtaken:
            yield f"refusal {post.entry_id} was posted before {post.overtaken}"


@check
def no_entry_is_posted_by_two_at_once(seen: Seen) -> Iterator[str]:
    """An entry is its holder's while it may be posting, on every clock that is not set meanwhile."""
    by_one, posts = HELD_FOR - 2 * SKEW, [post for post in seen.posts if not post.clock_set]
    for number, post in enumerate(posts):
        for later in posts[number + 1 :]:
            together = later.begun < (post.begun + by_one if post.ended is None else post.ended)
            if together and post.entry_id == later.entry_id:
                yield f"entry {post.named} was posted by {post.instance} and {later.instance} at once"


@check
def a_yes_that_was_told_is_not_repeated_at_once(seen: Seen) -> Iterator[str]:
    """The same instance posts nothing twice: what the store cannot note yet, it remembers."""
    for number, post in enumerate(seen.posts):
        for later in seen.posts[number + 1 :]:
            answered = post.ts and post.answered
            if answered and later.instance == post.instance and post.entry_id == later.entry_id:
                yield f"entry {post.named} was posted twice by {post.instance}"


@check
def everyone_who_is_refused_leaves_an_entry(seen: Seen) -> Iterator[str]:
    """A refusal that was told is in the store, or the first one of that minute is, unless that is not written yet."""
    for told in seen.told:
        if not told.text.startswith(REFUSALS):
            continue
        begin, who = told.at - COUNTED_FOR - SLOWEST_ANSWER, (told.operator.team_id, told.operator.id)
        first_is_not_written = any(
            each.who == who and begin <= each.begun <= told.at and (not each.returned or each.at > told.at)
            for each in seen.refused
        )
        if not first_is_not_written and (told.refused_at is None or told.refused_at < begin):
            yield f"{told.operator.name} was refused {told.request_id} without an entry"


@check
def each_refusal_that_the_store_took_is_in_one_entry(seen: Seen) -> Iterator[str]:
    """4: as many are told of as were recorded and counted, though instances died and writes were repeated."""
    for who in sorted({each.who for each in seen.refused}):
        told = sum(entry.count for entry in _refusals_of(seen, who))
        taken = sum(number for (_, whose, __), number in seen.tallied.items() if whose == who)
        taken += sum(each.entry_id in seen.recorded for each in seen.refused if each.who == who)
        if told != taken:
            yield f"{told} refusals of {who} are told of, the store took {taken}"


@check
def no_refusal_is_lost_but_of_the_last_second_before_a_kill(seen: Seen) -> Iterator[str]:
    """Of an instance that lives on each is counted once; one that died had written all that were older."""
    for instance, who in sorted({(each.instance, each.who) for each in seen.refused}):
        its = [each for each in seen.refused if (each.instance, each.who) == (instance, who)]
        taken = sum(number for (name, whose, _), number in seen.tallied.items() if (name, whose) == (instance, who))
        taken += sum(each.entry_id in seen.recorded for each in its)
        made = [each for each in its if each.returned or each.entry_id in seen.recorded]
        died = seen.died.get(instance)
        late = [each for each in made if died is not None and each.at > died - BETWEEN_COUNTS - SLOWEST_WRITE]
        if taken > len(made) or (taken < len(made) - len(late) and (died is None or seen.store_is_sound)):
            yield f"{instance} refused {who} {len(made)} times, {len(late)} of them late, and the store took {taken}"


@check
def the_refusals_of_an_operator_make_few_entries(seen: Seen) -> Iterator[str]:
    """11: each instance writes one at once in a minute, and one number for all others of that minute."""
    for instance, who in sorted({(each.instance, each.who) for each in seen.refused}):
        its = [each for each in seen.refused if (each.instance, each.who) == (instance, who)]
        at_once = [each for each in its if each.entry_id in seen.recorded]
        for each, later in pairwise(at_once):
            # Another minute begins when the clock is set, and once a bot that stops has written what it counted.
            another = later.clock_set_at >= each.begun or later.draining
            if each.returned and not another and later.clock < each.clock + COUNTED_FOR - ROUNDING:
                yield f"{instance} wrote two refusals of {who} at once within {later.clock - each.clock:.1f} s"
        tallies = [name for name, whose, _ in seen.tallied if (name, whose) == (instance, who)]
        if len(tallies) > len(at_once) + sum(not each.returned for each in its):
            yield f"{instance} wrote {len(tallies)} tallies of {who} in {len(at_once)} minutes"


@check
def no_step_is_called_for_without_an_approval_where_one_is_needed(seen: Seen) -> Iterator[str]:
    """1: by the settings, since the operator may only ask, or since the account was shown as protected."""
    for call in seen.calls:
        if (request := call.stored) is None:
            continue  # wrong by another check
        only_asks = request.ask.operator.id not in ALLOWLIST.everywhere.users | GROUP_MEMBERS
        approving, of = seen.brakes.approving.get(request.account.pool), seen.requests.get(request.list_id or "")
        above = approving and approving.above is not None and of and of.contents.size > approving.above
        needed = approving and request.action in approving.actions
        if above or needed or only_asks or request.needs or (seen.brakes.protection and request.account.protected):
            approval = request.approval
            if approval is None or approval.approver is None:
                yield f"{request.id} was called for without an approval: {request.needs}"


@check
def every_second_decision_is_an_approvers_press(seen: Seen) -> Iterator[str]:
    """1 and 2: of what was asked, by someone who may at that moment, and never by the asker."""
    for move in _second_decisions(seen):
        before, request, approval = move.before, move.after, move.after.approval
        who = approval.approver if approval else None
        action = DENY if request.state is State.DENIED else APPROVE
        if who is None or before is None:
            yield f"{request.id} became {request.state} without an approver"
            continue
        if who.id == request.ask.operator.id:
            yield f"{request.id} was {request.state} by the one who asked"
        if not allowed(seen, move, who, request.subject.pool, APPROVERS):
            yield f"{request.id} was {request.state} by {who.id}, who may not"
        (asked,) = (
            each.after for each in seen.moves if each.after.id == request.id and each.after.version == before.version
        )
        if (request.chosen, request.ask, request.listed) != (asked.chosen, asked.ask, asked.listed):
            yield f"{request.id}: what was approved is not what was asked"
        if not any(
            (each.action, each.request_id, each.instance, each.operator.id)
            == (action, request.id, move.instance, who.id)
            and each.at <= move.at
            for each in seen.presses
        ):
            yield f"{request.id} became {request.state}, and {who.id} did not press {action}"


@check
def nothing_is_called_for_after_a_no(seen: Seen) -> Iterator[str]:
    """5: what was denied, cancelled or not approved in time is never run."""
    for request in seen.requests.values():
        if request.state in {State.DENIED, State.CANCELLED, State.EXPIRED} and calls_for(seen, request):
            yield f"{request.id} is {request.state}, and Cognito was called for it"
        if request.state is State.DENIED and (request.approval is None or request.decided_at):
            yield f"{request.id} was denied and decided"


@check
def everyone_who_may_approve_reads_the_outcome_at_last(seen: Seen) -> Iterator[str]:
    """7: in each message that the store knows; and no message asks for what the store does not wait for."""
    last = {asked.ts: asked.drawn for asked in seen.approvals}
    for request_id, ts in ((request_id, ts) for request_id, known in seen.approval_ts.items() for ts in known):
        if last[ts].state is not seen.requests[request_id].state:
            yield f"{request_id} is {seen.requests[request_id].state}, its approvers read {last[ts].state}"
    for asked in seen.approvals:
        for words, state in () if asked.drawn.listed else APPROVAL_TITLES.items():
            if asked.text.startswith(words) and (asked.stored is None or asked.stored.state is not state):
                yield f"{asked.drawn.id}: approvers read {asked.text[:40]!r} of {asked.stored and asked.stored.state}"


@check
def no_limit_is_exceeded_without_an_approval(seen: Seen) -> Iterator[str]:
    """A press decides only where its account is one of as many as the limit says, of this operator and of all."""
    if seen.clocks_were_set:
        return  # what was counted by a wrong clock counts for nothing
    before: list[Request] = []
    for move in seen.moves:
        request = move.after
        if request.state is not State.READY or move.before is None or move.before.state is State.PAUSED:
            continue
        who, (key, _) = request.ask.operator, counted(request)
        mine = [each for each in before if each.ask.operator == who]
        for name, those, most in (("all", before, seen.brakes.everyone), (who.id, mine, seen.brakes.per_operator)):
            keys = dict(map(counted, [*those, request]))
            number = sum(keys.values())
            new = key not in dict(map(counted, those))
            if most is not None and new and number > most and not request.approval:
                yield f"{request.id} was decided as number {number} of {most} for {name}"
        before.append(request)


@check
def no_protected_account_is_signed_out(seen: Seen) -> Iterator[str]:
    """1: each holder of a claim asks Cognito for the groups before its first call; a failed look-up is not a yes."""
    if not seen.brakes.protection:
        return
    claimed = {move.after.claim.id: move for move in reversed(seen.moves) if move.after.claim}
    for call in seen.calls:
        move = claimed.get(call.claim_id or "")
        if move is None or call.stored is None or call.stored.list_id:
            continue  # wrong by another check, or see list_checks.py
        looks = [
            each
            for each in seen.groups
            if (each.request_id, each.instance) == (call.request_id, move.instance)
            and move.at <= each.begun <= call.begun
        ]
        if not looks:
            yield f"{call.request_id}: Cognito was not asked for the groups of {call.username}"
        elif looks[-1].protected:
            request = call.stored
            approved = request.approval and request.approval.approver and request.account.protected
            if not (approved and seen.brakes.protection.may_approve):
                yield f"{call.request_id}: {call.username} was protected by then"


@check
def the_audit_channel_is_told_once_of_a_limit(seen: Seen) -> Iterator[str]:
    """Of each window once within the hour that a world lasts."""
    told = [entry for entry in seen.entries if entry.kind is Kind.LIMITED and entry.delivery.delivered_at]
    of_operator = Counter(entry.ask.operator.id for entry in told if entry.rule == "limits.per_operator")
    of_all = sum(entry.rule == "limits.all" for entry in told)
    if not seen.clocks_were_set and (of_all > 1 or any(number > 1 for number in of_operator.values())):
        yield f"of limits it was told {of_all} times, {dict(of_operator)}"


@check
def nothing_unexpected_is_raised(seen: Seen) -> Iterator[str]:
    """An error that was not foreseen would be told as "Something went wrong", or stop a round."""
    yield from seen.unexpected
    for told in seen.told:
        if told.text.startswith(BotError().sentence):
            yield f"{told.operator.name} was told that something went wrong"


def _decisions(seen: Seen) -> list[Move]:
    """Return the operators' presses that were taken."""
    decided = {State.READY, State.APPROVING}
    return [
        move
        for move in seen.moves
        if move.before and move.before.state is State.CONFIRMING and move.after.state in decided
    ]


def _second_decisions(seen: Seen) -> list[Move]:
    """Return the approvals and denials."""
    said = {State.READY, State.DENIED}
    return [
        move for move in seen.moves if move.before and move.before.state is State.APPROVING and move.after.state in said
    ]


def _has_no_entry(move: Move) -> bool:
    """Whether a move is one of those without: a first claim, a note, and an account of a list that becomes READY."""
    before, after = move.before, move.after
    if before is None:
        return bool(after.list_id)
    if after.state is State.RUNNING:
        return before.state is State.READY or _is_note(move)
    return bool(after.listed) and after.state is before.state is not State.CONFIRMING


def _was_paused_by_the_bot(entry: Entry) -> bool:
    return bool(entry.kind is Kind.PAUSED and entry.request and not entry.request.pressed_by)


def _is_note(move: Move) -> bool:
    """Whether the holder of a claim noted the answer of a step."""
    before, after = move.before, move.after
    same = before and before.claim and after.claim and before.claim.id == after.claim.id
    return bool(same) and after.state is State.RUNNING


def _before(action: str, step: str) -> tuple[str, ...]:
    """Return the steps of an action that come before one of them."""
    return STEPS[action][: STEPS[action].index(step)]


def _with_action(request: Request, action: str) -> Ask:
    return replace(request.ask, options=replace(request.ask.options, action=action))


def _after(at_first: Standing, effects: Sequence[Effect]) -> tuple[Standing, bool]:
    """Return an account after all that was done to it, and whether someone with its first password is signed in.

    They sign in whenever they can.
    """
    now, password_is_known, is_in = at_first, True, at_first.enabled
    for effect in effects:
        now = now.after(effect.step)
        password_is_known = password_is_known and effect.step != RESET
        is_in = (is_in and effect.step != SIGN_OUT) or (now.enabled and password_is_known)
    return now, is_in


def _said_at(request: Request) -> datetime | None:
    """Return when the last press was that asked for an approval, gave it, denied it or decided without one."""
    approval = request.approval
    return (approval.at or approval.asked_at) if approval else request.decided_at


def _entries(seen: Seen, request: Request) -> list[Entry]:
    """Return the entries of a request's moves, in the order of the moves."""
    found = [entry for entry in seen.entries if entry.request and entry.ask.id == request.id]
    return sorted(found, key=lambda entry: entry.request.version if entry.request else 0)


def _refusals_of(seen: Seen, who: tuple[str, str]) -> list[Entry]:
    refused = [entry for entry in seen.entries if entry.kind is Kind.REFUSED]
    return [entry for entry in refused if (entry.ask.operator.team_id, entry.ask.operator.id) == who]


def _decided(seen: Seen) -> list[Request]:
    return [request for request in seen.requests.values() if request.decided_at]


def _in(seen: Seen, state: State) -> list[Request]:
    """Return the requests for one account in a state."""
    return [request for request in seen.requests.values() if request.state is state and not request.listed]
