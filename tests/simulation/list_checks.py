"""What must always hold of lists (design's invariants, by number), as checks.py has it of single requests."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise

from ulid import ULID

from bot.account import Account
from bot.audit import OUTCOMES
from bot.errors import LIST_CHANGED, TOO_LATE
from bot.request import AWAITING, ENDED, LIST_MOVES, Request, State
from bot.slack.cards import CANCEL, CHOOSE
from bot.work import LEASE
from simulation.brakes import APPROVERS
from simulation.checking import ROUNDING, allowed, check, is_same, seconds_of
from simulation.instances import ALLOWLIST
from simulation.seen import Call, Move, Seen
from simulation.slack import AGAIN, GO_ON, PAUSE, STOP
from simulation.store import SLOWEST as SLOWEST_STEP

# From a stored press until no account is begun: the look of each second; then what was under way before the next look.
LOOK = 1.0
UNTIL_IT_LOOKS = LOOK + 6 * SLOWEST_STEP
GROUPS_ARE_GOOD_FOR = 60.0
NOTED_WITHIN = 60.0  # a run notes each 3 s how far it is, unless the store is slow or out of order
FARTHEST = 2 * LEASE.total_seconds()
CAME = {State.DONE: "done", State.UNKNOWN: "unknown"}
PRESSED = {State.PAUSED: PAUSE, State.STOPPING: STOP, State.READY: GO_ON}


@check
def each_account_of_a_list_that_was_begun_ends_once(seen: Seen) -> Iterator[str]:
    """5: in one outcome, with one entry of it, and no account is begun twice."""
    outcomes = Counter(entry.ask.id for entry in seen.entries if entry.kind in OUTCOMES)
    for request in _lists(seen):
        children = _children(seen, request)
        for child in children:
            if child.state not in ENDED and not _rests(request):
                yield f"{child.id} of {request.id} was begun and is {child.state}"
            elif child.state in ENDED and outcomes[child.id] != 1:
                yield f"{child.id} of {request.id} has {outcomes[child.id]} outcomes"
        for key, number in Counter(child.account.key for child in children).items():
            if number > 1:
                yield f"{request.id} began {key} {number} times"


@check
def no_account_of_a_list_is_lost(seen: Seen) -> Iterator[str]:
    """5: not between two portions, nor where another instance went on. A list that was not stopped did them all."""
    for request in _lists(seen):
        ended = [child for child in _children(seen, request) if child.state in ENDED]
        was_stopped = any(move.after.state is State.STOPPING for move in _moves(seen, request))
        if request.state in ENDED and request.decided_at and not was_stopped:
            missing = len(_accounts(seen, request)) - len(ended)
            if missing or request.contents.size != len(ended):
                yield f"{request.id} is {request.state}, and {missing} of its accounts did not end"


@check
def the_counts_of_a_list_are_those_of_its_accounts(seen: Seen) -> Iterator[str]:
    """6: as they are shown, and so is what the list came to."""
    for request in _lists(seen):
        counts, ended = request.contents.counts, [each for each in _children(seen, request) if each.state in ENDED]
        if not request.decided_at or (request.state not in ENDED and not _rests(request)):
            continue
        if _rests(request) and not request.contents.left:
            yield f"{request.id} is paused, and nothing of it is left"
        came = Counter(CAME.get(child.state, "failed") for child in ended)
        if (counts.done, counts.failed, counts.unknown) != (came["done"], came["failed"], came["unknown"]):
            yield f"{request.id} counts {counts}, and its accounts came to {dict(came)}"
        if counts.ended != len(ended) or sum(counts.reasons.values()) != counts.failed + counts.unknown:
            yield f"{request.id} counts {counts}, and {len(ended)} ended"
        if request.state in ENDED and request.state is not _state_of(came, request.contents.size):
            yield f"{request.id} is {request.state} of {dict(came)}"


@check
def a_preview_tells_every_line(seen: Seen) -> Iterator[str]:
    """7: each is an account of the list, one that is there already, or one of those that were left out."""
    for request in _lists(seen):
        listed, moves = request.contents, _moves(seen, request)
        if not any(move.after.state is State.CONFIRMING for move in moves):
            continue
        chosen = sum(
            move.before is not None and move.before.state is move.after.state is State.CONFIRMING for move in moves
        )
        left_out = (listed.not_found, listed.unreadable, listed.protected, listed.several)
        if listed.lines != listed.size + listed.twice + sum(each.count for each in left_out) - chosen:
            yield f"{request.id} has {listed.lines} lines, which became {listed}"
        keys = [account.key for account in _accounts(seen, request)]
        different = len(set(keys))
        if (len(keys) != listed.size or different != listed.size) and request.id not in seen.meddled:
            yield f"{request.id} says {listed.size} accounts, and stored {len(keys)}, {different} of them different"


@check
def every_account_is_called_as_its_list_was_decided_on(seen: Seen) -> Iterator[str]:
    """1: at its place in the list that was confirmed and approved, and of no list that someone changed since."""
    for call, child in _calls_of_lists(seen):
        listed = seen.requests.get(child.list_id or "")
        accounts = _accounts(seen, listed) if listed else []
        places = {_id_of(child.list_id or "", place): account for place, account in enumerate(accounts)}
        if child.id not in places or places[child.id].key != child.account.key:
            yield f"{child.account.username} was called for, and is not there in list {child.list_id}"
        if child.list_id in seen.meddled:
            yield f"{call.username} was called for in {child.list_id}, which was changed"


@check
def no_account_is_begun_without_a_decision(seen: Seen) -> Iterator[str]:
    """1: the list was confirmed and, where one is needed, approved; only while it runs are accounts begun."""
    for request in _lists(seen):
        moves = _moves(seen, request)
        for begun in _begun(seen, request):
            before = [move for move in moves if move.at <= begun.at]
            if not any(_decides(move) for move in before):
                yield f"{begun.after.id} was begun before {request.id} was decided on"
        approving = seen.brakes.approving.get(request.contents.pool)
        above = approving and approving.above is not None and request.contents.size > approving.above
        if any(map(_decides, moves)) and (above or request.needs):
            approval = request.approval
            if not approval or not approval.approver or approval.digest != request.contents.digest:
                yield f"{request.id} was decided without an approval of it: {request.needs}"


@check
def no_account_is_begun_after_a_pause_or_stop(seen: Seen) -> Iterator[str]:
    """5: later than the look of the run. The press is durable: nothing overwrites it, nor does the next instance."""
    for request in _lists(seen):
        moves = _moves(seen, request)
        held = [(move, later) for move, later in pairwise([*moves, None]) if move]
        for begun in _begun(seen, request):
            last = [move for move in moves if move.at <= begun.at]
            since = _held_since(last)
            if since is not None and begun.at > since + UNTIL_IT_LOOKS:
                state = last[-1].after.state
                yield f"{begun.after.id} was begun {begun.at - since:.1f} s after {request.id} was {state}"
        for move, later in held:
            if later and later.after.state not in LIST_MOVES[move.after.state]:
                yield f"{request.id} went from {move.after.state} to {later.after.state}"


@check
def every_press_on_a_list_is_by_someone_who_may(seen: Seen) -> Iterator[str]:
    """1 and 2: by its operator or an approver; to let it go on, they have to be allowed at that moment."""
    for request in _lists(seen):
        for move in _moves(seen, request):
            before, after = move.before, move.after
            action = PRESSED.get(after.state)
            if before is None or before.state in AWAITING or action is None or after.state is before.state:
                continue
            who = after.pressed_by
            if who is None:
                if after.state is State.READY or after.contents.trouble is None:
                    yield f"{request.id} became {after.state}, and no one pressed"
                continue
            if not any(
                (each.action, each.request_id, each.instance) == (action, request.id, move.instance)
                and is_same(each.operator, who)
                and each.at <= move.at
                for each in seen.presses
            ):
                yield f"{request.id} became {after.state}, and {who.id} did not press {action}"
            is_operator, pool = is_same(who, request.ask.operator), request.contents.pool
            may = is_operator and (after.state is not State.READY or allowed(seen, move, who, pool, ALLOWLIST))
            approves = seen.brakes.approvers is APPROVERS and allowed(seen, move, who, pool, APPROVERS)
            if not may and not approves:
                yield f"{request.id} became {after.state} by {who.id}, who may not"


@check
def a_list_is_opened_and_ended_early_only_by_its_operator(seen: Seen) -> Iterator[str]:
    """2: it was asked for by them, or is what was not done of a list that had ended."""
    for request in _lists(seen):
        who, moves = request.ask.operator, _moves(seen, request)
        again = [each for each in seen.presses if each.action == AGAIN and is_same(each.operator, who)]
        of = request.contents.again_of
        if of:
            was = seen.requests.get(of)
            if not was or was.state not in ENDED or of not in {each.request_id for each in again}:
                yield f"{request.id} is of {of}, and {who.id} did not ask for that"
        elif request.id not in seen.asked or not is_same(seen.asked[request.id], who):
            yield f"{request.id} was not asked for by {who.id}"
        for move in moves:
            if not move.before or move.before.state is not State.CONFIRMING or move.after.state is not State.CONFIRMING:
                continue
            presses = [each for each in seen.presses if (each.action, each.request_id) == (CHOOSE, request.id)]
            if not any(is_same(each.operator, who) and each.at <= move.at for each in presses):
                yield f"{request.id}: an account was chosen, and {who.id} did not press"
        ended = moves[-1].after.state is State.CANCELLED and moves[-1].before
        if ended and moves[-1].before and moves[-1].before.state is not State.PREVIEWING:
            pressed = [each for each in seen.presses if (each.action, each.request_id) == (CANCEL, request.id)]
            if not any(is_same(each.operator, who) for each in pressed):
                yield f"{request.id} was cancelled, and {who.id} did not press"


@check
def one_instance_calls_for_a_quota_at_a_time(seen: Seen) -> Iterator[str]:
    """3: the one that holds the lease, as the store has it, unless its clock was set meanwhile."""
    for call, child in _calls_of_lists(seen):
        if call.lease not in {None, call.instance} and not _set_around(seen, call):
            yield f"{child.id} was called for by {call.instance}, and {call.lease} had the lease"


@check
def the_pace_is_kept(seen: Seen) -> Iterator[str]:
    """No second has more than as many turns as the settings say, and one."""
    quotas: dict[str, list[float]] = {}
    for call, child in _calls_of_lists(seen):
        if not _set_around(seen, call):
            quotas.setdefault(seen.crowd.quota_of(child.account.pool), []).append(call.turn)
    for quota, unsorted in quotas.items():
        turns = sorted(unsorted)
        for first, turn in enumerate(turns):
            within = [each for each in turns[first:] if each < turn + 1 - ROUNDING]
            if len(within) > seen.crowd.pace + 1:
                yield f"{quota}: {len(within)} turns in a second from {turn:.1f} s on"


@check
def a_throttled_list_slows_down(seen: Seen) -> Iterator[str]:
    """Once Cognito throttled one of its calls, the next two turns there are twice as far apart as before."""
    calls = [(call, child) for call, child in _calls_of_lists(seen) if not _set_around(seen, call)]
    for call, child in calls:
        if call.code != "TooManyRequestsException" or call.ended is None:
            continue
        quota = seen.crowd.quota_of(child.account.pool)
        later = sorted(
            each.turn
            for each, of in calls
            if seen.crowd.quota_of(of.account.pool) == quota
            and each.instance == call.instance
            and each.turn > call.ended + ROUNDING
        )
        if later and later[0] < call.ended + 1 / seen.crowd.pace - ROUNDING and not _slowed_just_before(calls, call):
            yield f"{quota}: throttled at {call.ended:.1f} s, and the next turn was at {later[0]:.1f} s"


@check
def a_list_that_no_one_worked_on_for_long_is_paused(seen: Seen) -> Iterator[str]:
    """12: nothing of it is begun before someone lets it go on."""
    for request in _lists(seen):
        moves = _moves(seen, request)
        begun = _begun(seen, request)
        for each in begun:
            worked = [move.at for move in moves if move.at <= each.at and _is_work(move)]
            worked += [other.at for other in begun if other.at < each.at]
            idle = each.at - max(worked, default=each.at)
            if idle > seen.resume_within + NOTED_WITHIN:
                yield f"{each.after.id} was begun when {request.id} had waited for {idle:.0f} s"
        for last, move in pairwise(moves):
            before = last.after  # as the store had it
            since = before.contents.worked_at or before.decided_at
            if since is None or move.clock_set:
                continue
            waited = move.clock - seconds_of(since)
            taken_up = move.after.state is State.RUNNING and move.after.claim != before.claim
            if taken_up and waited > seen.resume_within + SLOWEST_STEP + ROUNDING:
                yield f"{request.id} was taken up {waited:.0f} s after someone worked on it"
            paused = move.after.state is State.PAUSED is not before.state and move.after.contents.trouble == TOO_LATE
            if paused and 0 <= waited < seen.resume_within - ROUNDING:
                yield f"{request.id} was paused after {waited:.0f} s"


@check
def a_list_that_was_changed_says_so(seen: Seen) -> Iterator[str]:
    """7: it ends with nothing done, and the reason."""
    for request in _lists(seen):
        changed = request.id in seen.meddled
        if request.error_code == LIST_CHANGED and not changed:
            yield f"{request.id} says that it was changed, and it was not"
        ran = any(move.after.state is State.RUNNING for move in _moves(seen, request))
        if changed and ran:
            yield f"{request.id} was changed, and it ran"


@check
def no_protected_account_of_a_list_is_signed_out(seen: Seen) -> Iterator[str]:
    """1: as the members of the groups were read within the minute before it was begun or taken over."""
    if not seen.brakes.protection:
        return
    claimed = {move.after.claim.id: move for move in reversed(seen.moves) if move.after.claim}
    for call, child in _calls_of_lists(seen):
        move = claimed.get(call.claim_id or "")
        reads = [
            each
            for each in seen.members
            if (each.request_id, each.instance) == (child.list_id, call.instance) and each.ended <= call.begun
        ]
        if move is None or not reads:
            yield f"{child.id}: Cognito was not asked who is protected"
            continue
        since = [each for each in reads if each.ended >= move.at]
        known = [each for each in reads if each.ended < move.at][-1:] + since
        if all(call.username in each.usernames for each in known):
            yield f"{child.id}: {call.username} was protected by then"


@check
def what_is_read_of_a_list_is_what_was_stored(seen: Seen) -> Iterator[str]:
    """7: on the card, in the audit channel, and by approvers: no press is said to be taken that the store has not."""
    versions = {(move.after.id, move.after.version): move.after for move in seen.moves if move.after.listed}
    told = [each.drawn for each in seen.told if each.drawn]
    told += [each.drawn for each in (*seen.approvals, *seen.progress)]
    for drawn in told:
        if drawn.listed and versions.get((drawn.id, drawn.version)) != drawn:
            yield f"{drawn.id} was shown as {drawn.state} (version {drawn.version}), which was never stored"


@check
def the_channel_reads_at_last_how_far_a_list_is(seen: Seen) -> Iterator[str]:
    """Once Slack takes messages, each one that the store knows shows the last version."""
    last = {asked.ts: asked.drawn.version for asked in seen.progress}
    for request in _lists(seen):
        versions = {last[ts] for ts in seen.progress_ts.get(request.id, [])}
        if versions != ({request.version} if request.decided_at else set()):
            yield f"{request.id} has version {request.version}, the channel reads {versions or 'nothing'}"


def _lists(seen: Seen) -> list[Request]:
    return [request for request in seen.requests.values() if request.listed]


def _moves(seen: Seen, request: Request) -> list[Move]:
    return [move for move in seen.moves if move.after.id == request.id]


def _children(seen: Seen, request: Request) -> list[Request]:
    return [each for each in seen.requests.values() if each.list_id == request.id]


def _begun(seen: Seen, request: Request) -> list[Move]:
    """Return how each of its accounts became READY."""
    return [move for move in seen.moves if move.before is None and move.after.list_id == request.id]


def _calls_of_lists(seen: Seen) -> Iterator[tuple[Call, Request]]:
    for call in seen.calls:
        if call.stored and call.stored.list_id:
            yield call, call.stored


def _accounts(seen: Seen, request: Request) -> Sequence[Account]:
    """Return the accounts of a list as the bot stored them, in their order."""
    portions = seen.portions.get(request.id, {})
    return [account for number in request.contents.numbers for account in portions.get(number, ())]


def _id_of(list_id: str, place: int) -> str:
    """Return the id of the request for the account at a place, written once more."""
    digest = sha256(f"{list_id}/{place}".encode()).digest()
    return str(ULID.from_bytes(ULID.from_str(list_id).bytes[:6] + digest[:10]))


def _rests(request: Request) -> bool:
    return request.state is State.PAUSED and request.contents.at_rest


def _state_of(came: Counter[str], size: int) -> State:
    if came["unknown"]:
        return State.UNKNOWN
    if came["done"]:
        return State.DONE if came["done"] == size else State.PARTLY
    return State.FAILED


def _decides(move: Move) -> bool:
    waited = move.before and move.before.state in {State.CONFIRMING, State.APPROVING}
    return bool(waited) and move.after.state is State.READY


def _held_since(moves: Sequence[Move]) -> float | None:
    """Return since when a list is paused or stops; None where it goes on."""
    since = None
    for move in moves:
        if move.after.state not in {State.PAUSED, State.STOPPING}:
            since = None
        elif since is None:
            since = move.at
    return since


def _is_work(move: Move) -> bool:
    return move.after.state in {State.READY, State.RUNNING}


def _set_around(seen: Seen, call: Call) -> bool:
    """Whether a clock was set in this world: leases and turns are kept only by clocks that agree."""
    return seen.clocks_were_set or call.clock_set


def _slowed_just_before(calls: Sequence[tuple[Call, Request]], call: Call) -> bool:
    """Whether it was slowed down within the second before, so that this time changes nothing."""
    return any(
        each.instance == call.instance
        and each is not call
        and each.code == call.code
        and each.ended is not None
        and call.ended is not None
        and call.ended - 2.0 <= each.ended <= call.ended
        for each, _ in calls
    )
