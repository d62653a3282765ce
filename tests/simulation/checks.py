"""What must always hold (design's invariants, by number), each a function from what was seen to what is wrong."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from bot.recover import CLOCKS_AGREE_WITHIN, Delivery

from bot.audit import AuditEntry, Kind
from bot.errors import BotError, DeniedError, NotYoursError
from bot.request import MOVES, Operator, SignOutRequest, State
from bot.slack.cards import CANCEL, CHOOSE, CONFIRM
from simulation.cognito import SLOWEST
from simulation.instances import ALLOWLIST, START
from simulation.seen import Call, Move, Seen
from simulation.slack import HOME

Check = Callable[[Seen], Iterator[str]]
CHECKS: dict[str, Check] = {}
ROUNDING = 1e-5  # a datetime knows microseconds
GROUP_LISTS_ARE_GOOD_FOR = 60.0
SKEW = CLOCKS_AGREE_WITHIN.total_seconds()
ENDED = frozenset({State.SIGNED_OUT, State.FAILED, State.UNKNOWN})
STATE_OF = {
    Kind.CONFIRMED: State.SIGNING_OUT,
    Kind.RESUMED: State.SIGNING_OUT,
    Kind.SIGNED_OUT: State.SIGNED_OUT,
    Kind.FAILED: State.FAILED,
    Kind.UNKNOWN: State.UNKNOWN,
    Kind.CANCELLED: State.CANCELLED,
    Kind.EXPIRED: State.EXPIRED,
}


def check(function: Check) -> Check:
    """Count a function among the checks."""
    CHECKS[function.__name__] = function
    return function


def violations(seen: Seen) -> Iterator[tuple[str, str]]:
    """Give every check that fails, with what is wrong."""
    for name, function in CHECKS.items():
        for wrong in function(seen):
            yield name, wrong


@check
def every_call_is_for_a_claim_that_the_store_holds(seen: Seen) -> Iterator[str]:
    """4, and 1: the claim is durable before Cognito is called, for the account that was claimed."""
    for call in seen.calls:
        row = call.stored
        if row is None or row["state"] != State.SIGNING_OUT:
            yield f"{call.request_id} was called for while {row['state'] if row else 'not stored'}"
        elif (call.pool_id, call.username) != (row["chosen_pool_id"], row["chosen_username"]):
            yield f"{call.request_id}: {call.username} was signed out, not {row['chosen_username']}"
        elif call.operator_id != row["operator_id"]:
            yield f"{call.request_id} was called for on behalf of {call.operator_id}"


@check
def every_claim_was_allowed_then(seen: Seen) -> Iterator[str]:
    """1 and 7: by an id on the list, or by a group as Slack listed it to this instance at most 60 s before."""
    for claim in _claims(seen):
        request = claim.after
        if not _allowed(seen, claim, request.operator, request.account.pool):
            yield f"{request.id} was claimed for {request.operator.id}, by {request.allowed_by}"


@check
def every_claim_is_in_time(seen: Seen) -> Iterator[str]:
    """1: before expires_at on the claiming clock."""
    for claim in _claims(seen):
        claimed_at = claim.after.claimed_at
        if claimed_at is None or claimed_at >= claim.after.expires_at:
            yield f"{claim.after.id} was claimed at {claimed_at}, after {claim.after.expires_at}"
        elif _clock(claimed_at) > claim.clock + ROUNDING:
            yield f"{claim.after.id} was claimed at {claimed_at}, which was yet to come"


@check
def only_the_operator_moves_a_request(seen: Seen) -> Iterator[str]:
    """2: what needs a press was pressed by whoever asked, at the instance that did it, and as the store knows it."""
    for move in seen.moves:
        before, after = move.before, move.after
        action = {State.SIGNING_OUT: CONFIRM, State.CANCELLED: CANCEL, State.AWAITING_CONFIRMATION: CHOOSE}.get(
            after.state
        )
        if before is None or after.resumed or action is None:
            continue
        presses = [
            each
            for each in seen.presses
            if (each.action, each.request_id, each.instance) == (action, after.id, move.instance)
            and (each.operator.team_id, each.operator.id) == (before.operator.team_id, before.operator.id)
            and each.at <= move.at
        ]
        if not presses:
            yield f"{after.id} became {after.state} without a press by its operator"
        elif action == CHOOSE and after.chosen not in [
            before.candidates[each.number] for each in presses if each.number < len(before.candidates)
        ]:
            yield f"{after.id}: another account was chosen than was pressed"
        elif action != CHOOSE and after.chosen != before.chosen:
            yield f"{after.id}: its account changed on the way to {after.state}"


@check
def a_stored_request_keeps_what_was_asked(seen: Seen) -> Iterator[str]:
    """2: operator, target, and times are the first version's for ever."""
    first = {move.after.id: move.after for move in seen.moves if move.before is None}
    for request in seen.requests.values():
        opened = first.get(request.id)
        if opened is None or any(
            getattr(opened, name) != getattr(request, name)
            for name in ("operator", "target", "candidates", "created_at", "expires_at", "reason")
        ):
            yield f"{request.id} is not what was opened"


@check
def each_request_is_claimed_once(seen: Seen) -> Iterator[str]:
    """3: two clicks, two instances, a redelivered envelope lead to one sign-out."""
    for request in seen.requests.values():
        claims = [entry for entry in _entries(seen, request) if entry.kind is Kind.CONFIRMED]
        if len(claims) > 1:
            yield f"{request.id} was claimed {len(claims)} times"


@check
def one_holder_calls_at_a_time(seen: Seen) -> Iterator[str]:
    """3: a call is made by whoever holds the claim then, and is over before another holder's begins."""
    for call in seen.calls:
        if call.stored and call.claim_id != call.stored["claim_id"]:
            yield f"{call.request_id} was called for by {call.claim_id}, the holder is {call.stored['claim_id']}"
    for number, call in enumerate(seen.calls):
        for later in seen.calls[number + 1 :]:
            ended = call.begun + SLOWEST if call.ended is None else call.ended
            if later.request_id == call.request_id and later.begun < ended:
                yield f"{call.request_id} was called for twice at the same time"


@check
def a_claim_is_taken_over_only_after_its_lease(seen: Seen) -> Iterator[str]:
    """3: on every clock, since clocks agree within 5 s; and under a new claim_id."""
    for move in seen.moves:
        before, after = move.before, move.after
        if before is None or before.state is not State.SIGNING_OUT or after.state is not State.SIGNING_OUT:
            continue
        if before.lease_until is None or move.clock < _clock(before.lease_until) + SKEW - ROUNDING:
            yield f"{after.id} was taken over while its lease ran"
        if after.claim_id == before.claim_id or after.lease_until is None or not after.resumed:
            yield f"{after.id} was taken over without a new claim"


@check
def moves_and_entries_match_one_to_one(seen: Seen) -> Iterator[str]:
    """4: a state change and its audit entry are one write; the trail of a request is a legal walk to where it is."""
    for request in seen.requests.values():
        entries = _entries(seen, request)
        if len(entries) != request.version:
            yield f"{request.id} has version {request.version} and {len(entries)} entries"
            continue
        walk = list(_walk(entries))
        for old, new in pairwise(walk):
            if new not in MOVES[old]:
                yield f"{request.id} went from {old} to {new}"
        if walk[-1:] != [request.state]:
            yield f"{request.id} is {request.state}, its last entry says {walk[-1:]}"
        last = entries[-1]
        if (last.error_code, last.attempts, last.claim_id) != (request.error_code, request.attempts, request.claim_id):
            yield f"{request.id} and its last entry differ"


@check
def every_entry_belongs_to_something(seen: Seen) -> Iterator[str]:
    """4: no entry tells of a move that the store does not have."""
    for entry in seen.entries:
        if entry.kind not in {Kind.REFUSED, Kind.NOT_FOUND} and entry.request_id not in seen.requests:
            yield f"entry {entry.id} tells of a request that is not stored"


@check
def what_the_store_took_is_kept(seen: Seen) -> Iterator[str]:
    """5: no version that was written is lost, and none written twice."""
    for request in seen.requests.values():
        versions = [move.after.version for move in seen.moves if move.after.id == request.id]
        if versions != list(range(1, request.version + 1)):
            yield f"{request.id} has version {request.version}; written were {versions}"


@check
def every_claim_ends_and_the_audit_channel_hears_of_it(seen: Seen) -> Iterator[str]:
    """5: whatever was killed, once some instance runs on."""
    if not seen.quiet:
        yield "it did not come to rest"
    taken = {entry_id for post in seen.posts if post.ts for entry_id in post.entry_ids}
    for request in seen.requests.values():
        if request.claimed_at is None:
            continue
        if request.state not in ENDED:
            yield f"{request.id} was claimed and is {request.state}"
        elif not any(
            entry.kind.value == request.state.value and entry.id in taken for entry in _entries(seen, request)
        ):
            yield f"{request.id} is {request.state}, and the audit channel never heard"


@check
def a_card_that_was_not_claimed_ends_too(seen: Seen) -> Iterator[str]:
    for request in seen.requests.values():
        if request.state.awaits_operator:
            yield f"{request.id} still is {request.state}"


@check
def nothing_waits_for_delivery_at_rest(seen: Seen) -> Iterator[str]:
    """5: every outcome and every refusal was posted, as the message that the store names."""
    if seen.backlog:
        yield f"{seen.backlog} entries wait"
    took = {(entry_id, post.ts) for post in seen.posts for entry_id in post.entry_ids}
    for entry in seen.entries:
        posted = entry.kind in {Kind.REFUSED, *(Kind(state) for state in ENDED)}
        if posted != (entry.delivered_at is not None):
            yield f"entry {entry.id} ({entry.kind}) was delivered at {entry.delivered_at}"
        elif posted and (entry.id, entry.ts) not in took:
            yield f"entry {entry.id} was noted as delivered, Slack took no message {entry.ts} with it"


@check
def a_card_keeps_its_buttons_until_the_store_has_moved(seen: Seen) -> Iterator[str]:
    """5: a click is accepted when its claim commits."""
    for told in seen.told:
        if told.replace and not told.buttons and told.stored and State(told.stored["state"]).awaits_operator:
            yield f"the card of {told.request_id} lost its buttons while {told.stored['state']}: {told.text[:60]}"


@check
def signed_out_is_said_only_once_the_store_says_so(seen: Seen) -> Iterator[str]:
    """6: to the operator and to the audit channel; and so are the other outcomes."""
    for told in seen.told:
        for words, state in (
            ("Signed out: ", State.SIGNED_OUT),
            ("Not signed out: ", State.FAILED),
            ("Not known whether", State.UNKNOWN),
        ):
            if told.text.startswith(words) and (told.stored is None or told.stored["state"] != state):
                yield f"{told.request_id}: {told.text[:40]!r} was told of {told.stored and told.stored['state']}"
    for post in seen.posts:
        if post.outcome != Kind.REFUSED and (
            post.requests[0] is None or post.requests[0]["state"] != post.outcome or post.stored[0] is None
        ):
            yield f"entry {post.named} was posted as {post.outcome} before the store said so"


@check
def signed_out_only_if_cognito_did_it(seen: Seen) -> Iterator[str]:
    """6."""
    for request in _in(seen, State.SIGNED_OUT):
        if not any(call.done and call.answer == "yes" for call in _calls(seen, request)):
            yield f"{request.id} is SIGNED_OUT, and Cognito never said so"


@check
def failed_only_if_every_call_was_definitely_refused(seen: Seen) -> Iterator[str]:
    """6: nothing was done, and no call is left without a clear answer, be it by a time-out or by a kill."""
    for request in _in(seen, State.FAILED):
        calls = _calls(seen, request)
        if any(call.done or call.answer != "no" for call in calls):
            yield f"{request.id} is FAILED after {[(call.answer, call.done) for call in calls]}"
        if request.attempts != len(calls):
            yield f"{request.id} counts {request.attempts} of {len(calls)} calls"


@check
def unknown_only_if_something_is(seen: Seen) -> Iterator[str]:
    """6: a call without a clear answer, or a holder that died."""
    for request in _in(seen, State.UNKNOWN):
        if not request.resumed and all(call.answer != "unclear" for call in _calls(seen, request)):
            yield f"{request.id} is UNKNOWN, and nothing was unclear"


@check
def no_call_starts_later_than_resume_within(seen: Seen) -> Iterator[str]:
    """11: by the caller's clock, and before its lease leaves too little time."""
    for call in seen.calls:
        row = call.stored
        if row is None or row["claimed_at"] is None:
            continue
        claimed_at = _clock(datetime.fromisoformat(row["claimed_at"]))
        if call.clock > claimed_at + seen.resume_within + ROUNDING:
            yield f"{call.request_id} was called for {call.clock - claimed_at:.1f} s after its claim"
        lease_until = _clock(datetime.fromisoformat(row["lease_until"]))
        if call.claim_id == row["claim_id"] and call.clock > lease_until - SLOWEST - 10.0 + ROUNDING:
            yield f"{call.request_id} was called for {lease_until - call.clock:.1f} s before the end of its lease"


@check
def every_post_is_of_a_stored_entry_that_was_not_noted_as_taken(seen: Seen) -> Iterator[str]:
    """5: repeated only where Slack's yes was not recorded, with the same entry id."""
    for post in seen.posts:
        for entry_id, row in zip(post.entry_ids, post.stored, strict=True):
            if row is None:
                yield f"entry {entry_id} was posted and is not stored"
            elif row["delivered_at"]:
                yield f"entry {entry_id} was posted again, although Slack's yes was recorded"
        if post.named and post.named not in post.entry_ids:
            yield f"a message names entry {post.named}, which it does not tell of"


@check
def no_entry_is_posted_by_two_at_once(seen: Seen) -> Iterator[str]:
    """An entry is its holder's while it may be posting, on every clock."""
    alone = Delivery.POST.total_seconds() - 2 * SKEW
    for number, post in enumerate(seen.posts):
        for later in seen.posts[number + 1 :]:
            together = later.begun < (post.begun + alone if post.ended is None else post.ended)
            if together and set(post.entry_ids) & set(later.entry_ids):
                yield f"entry {post.named} was posted by {post.instance} and {later.instance} at once"


@check
def a_yes_that_was_heard_is_not_repeated_at_once(seen: Seen) -> Iterator[str]:
    """The same instance posts nothing twice: what the store cannot note yet, it remembers."""
    for number, post in enumerate(seen.posts):
        for later in seen.posts[number + 1 :]:
            heard = post.ts and post.answered
            if heard and later.instance == post.instance and set(post.entry_ids) & set(later.entry_ids):
                yield f"entry {post.named} was posted twice by {post.instance}"


@check
def whoever_is_refused_leaves_an_entry(seen: Seen) -> Iterator[str]:
    """A refusal that was told is in the store."""
    for told in seen.told:
        if not told.text.startswith((DeniedError.sentence, NotYoursError.sentence, "You may not do this in pool")):
            continue
        who = (told.request_id, told.operator.team_id, told.operator.id)
        if who not in [(each["request_id"], each["team_id"], each["operator_id"]) for each in told.refusals]:
            yield f"{told.operator.name} was refused {told.request_id} without an entry"


@check
def nothing_unexpected_is_raised(seen: Seen) -> Iterator[str]:
    """An error that nobody thought of would be told as "Something went wrong", or stop a round."""
    yield from seen.unexpected
    for told in seen.told:
        if told.text.startswith(BotError.sentence):
            yield f"{told.operator.name} was told that something went wrong"


def _claims(seen: Seen) -> Iterator[Move]:
    for move in seen.moves:
        if move.after.state is State.SIGNING_OUT and move.before and move.before.state is not State.SIGNING_OUT:
            yield move


def _allowed(seen: Seen, claim: Move, operator: Operator, pool: str) -> bool:
    if operator.team_id != HOME:
        return False
    lists = (ALLOWLIST.everywhere, ALLOWLIST.pools[pool])
    groups = frozenset[str]().union(*(each.groups for each in lists))
    return any(operator.id in each.users for each in lists) or any(
        operator.id in each.members and each.group_id in groups
        for each in seen.listings
        if each.instance == claim.instance and claim.at - GROUP_LISTS_ARE_GOOD_FOR <= each.at <= claim.at
    )


def _entries(seen: Seen, request: SignOutRequest) -> list[AuditEntry]:
    """Return the entries of a request's moves, in the order in which they were written."""
    return [
        entry
        for entry in seen.entries
        if entry.request_id == request.id and entry.kind not in {Kind.REFUSED, Kind.NOT_FOUND}
    ]


def _walk(entries: list[AuditEntry]) -> Iterator[State]:
    for entry in entries:
        if entry.kind is Kind.OPENED:
            yield State.AWAITING_CONFIRMATION if entry.account else State.AWAITING_CHOICE
        else:
            yield STATE_OF[entry.kind]


def _in(seen: Seen, state: State) -> list[SignOutRequest]:
    return [request for request in seen.requests.values() if request.state is state]


def _calls(seen: Seen, request: SignOutRequest) -> list[Call]:
    return [call for call in seen.calls if call.request_id == request.id]


def _clock(time: datetime) -> float:
    return (time - START) / timedelta(seconds=1)
