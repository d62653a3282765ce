"""The numbers for Prometheus: plain methods on one side, one page on the other. No label names a person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram, Info
from prometheus_client.exposition import choose_encoder

from bot import __version__
from bot.action import ACTIONS
from bot.audit import OUTCOMES, Entry, Kind
from bot.facts.advice import ADVICE
from bot.facts.slack_words import TOKEN_ERRORS
from bot.limits import LIMITS
from bot.list_run import ListRun
from bot.listed import Listed
from bot.pace import Pace
from bot.ports import Clock

OTHER = "other"
COGNITO_ERRORS = frozenset(ADVICE) | {"ThrottlingException", "Throttling", "LimitExceededException"}
# Slack's words that ask the bot's engineer for different answers, and ours for trouble on the way to Slack.
SLACK_ERRORS = TOKEN_ERRORS | frozenset(
    {
        *("ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"),
        *("missing_scope", "not_allowed_token_type", "no_permission"),
        *("access_denied", "ekm_access_denied", "org_login_required"),
        *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "msg_too_long", "no_text"),
        *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_arguments", "not_found"),
        *("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "no_such_subteam"),
        *("http_3xx", "http_4xx", "http_5xx", "timed_out", "unreachable", "malformed"),
        *("too_many_websockets", "link_disabled"),
    }
)
Values = dict[str, Mapping[tuple[str, ...], float]]  # of each gauge, by what its labels are
_ACK = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
OF_AN_ACCOUNT = (Kind.SIGNED_OUT, Kind.FAILED, Kind.UNKNOWN)  # of a list, as which it can end
_DONE = frozenset(Kind(row.outcome) for row in ACTIONS.values())  # each is of one action only
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_BACK = timedelta(hours=1)
OVERLAP = timedelta(minutes=1)  # an entry is there some seconds after its time, and clocks differ
_LONG_WAIT = (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_WAIT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


# By name, without `signout_` before it: what it says, and its labels.
COUNTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "requests": ("Asks that ended in this instance, by what was asked for and outcome.", ["action", "outcome"]),
    "resumed": ("Requests taken over from an instance that had died.", []),
    "limited": ("Presses that met a limit, as the rule of the entry names it.", ["limit"]),
    "list_accounts": ("Accounts of lists that ended in this instance, by outcome.", ["outcome"]),
    "lists_paused": ("Lists that this instance paused by itself.", []),
    "lists_throttled": ("Calls for lists that Cognito throttled, by AWS account and region.", ["quota"]),
    "cognito_errors": ("Calls of Cognito that failed.", ["operation", "kind"]),
    "slack_errors": ("Calls of Slack that failed.", ["method", "kind"]),
    "lane_turned_away": ("Work for which a lane had no place.", ["lane"]),
    "socket_mode_reconnects": ("Hellos from Slack after the first.", []),
}
GAUGES: Mapping[str, tuple[str, Sequence[str]]] = {
    "socket_mode_connections": ("Of this app, as Slack counted at the last hello.", []),
    "status": ("What /readyz says: 1 for one of them.", ["status"]),
    "lane_places": ("How much a lane holds at once.", ["lane"]),
    "lane_places_taken": ("How much a lane holds now.", ["lane"]),
    "socket_mode_connected_seconds": ("Since Slack's last hello; 0 unconnected.", []),
    "clock_off_seconds": ("How wrong the clock is; 0: right.", []),
    "awaiting_approval": ("Requests that wait for a second person; 1,000: or more.", []),
    "audit_undelivered_entries": ("Audit entries that wait for delivery.", []),
    "audit_oldest_undelivered_age_seconds": ("Of the outcome that waits longest; refusals may wait.", []),
    "audit_channel_refusing": ("1: it takes none until someone repairs it.", []),
    "aws_credentials": ("0: the bot has none.", []),
    "aws_credentials_missing": ("1: this source gave none, for this reason.", ["source", "reason"]),
    "pool_trouble": ("1: its last call met no Cognito.", ["pool"]),
    "last_ended_timestamp_seconds": ("As the store has it; 0: long ago.", ["outcome"]),
    "lists_running": ("Lists that this instance runs.", ["pool"]),
    "list_accounts_per_second": ("How fast they go, together.", ["pool"]),
    "list_accounts_left": ("Accounts of them that have not ended.", ["pool"]),
    "list_accounts_not_done": ("Accounts of them that failed, or of which that is not known.", ["pool"]),
    "list_end_timestamp_seconds": ("When all of them will have ended, at this speed.", ["pool"]),
    "lists_slowed": ("1: slower than lists.pace, since Cognito throttles.", ["quota"]),
    "lists_stuck": ("Lists that should go on, and of which nothing was noted for over a minute.", []),
}


@dataclass
class Endings:
    """When requests last ended: reads from the trail what came since it last looked. Used by one thread at a time.

    The store knows it, so it is known after a crash and of every instance. `entries` need not have the accounts of
    lists, which may be a hundred a second.
    """

    entries: Callable[[datetime | None, str | None], Iterable[Entry]]
    clock: Clock
    _read_until: datetime = LONG_AGO
    _last: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0.0))

    def last(self) -> Mapping[str, float]:
        """Return for each outcome when a request last ended so, in seconds since 1970; 0: not as far as is known.

        What ended more than an hour before a look may be missed. Raises `StoreUnavailableError`.
        """
        now = self.clock.now()
        until = self._read_until if self._read_until <= now else LONG_AGO  # that clock has been put right since
        for entry in self.entries(max(now - LOOK_BACK, until - OVERLAP), None):
            if entry.kind in OUTCOMES and entry.at <= now + OVERLAP:  # else it was written by a clock that was ahead
                self._last[entry.kind] = max(self._last[entry.kind], entry.at.timestamp())
        self._read_until = now
        return dict(self._last)


class Metrics:
    """Counts and times what happens in this instance. Safe to use from many threads; never waits."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which no one looks at
        self._registry = at = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=at)
        prometheus_client.PlatformCollector(registry=at)
        self._counters = {name: Counter(f"signout_{name}", *row, registry=at) for name, row in COUNTERS.items()}
        self._gauges = {name: Gauge(f"signout_{name}", *row, registry=at) for name, row in GAUGES.items()}
        # Each is told how many seconds something took.
        says = "From the arrival of a command or form to Slack's yes to its card."
        self.card_shown = Histogram("signout_command_to_card_seconds", says, buckets=_WAIT, registry=at).observe
        says = "From the arrival of the operator's press to Slack's yes to the result."
        self.result_shown = Histogram("signout_click_to_result_seconds", says, buckets=_WAIT, registry=at).observe
        says = "From the operator's press to the approver's."
        self.approved = Histogram("signout_approval_seconds", says, buckets=_LONG_WAIT, registry=at).observe
        says = "From what Slack sent to its ack on the wire."
        self.acked = Histogram("signout_ack_seconds", says, buckets=_ACK, registry=at).observe
        self.clock_off = self._gauges["clock_off_seconds"].set
        self.connected_for = self._gauges["socket_mode_connected_seconds"].set_function  # it is asked at a scrape
        Info("signout_build", "This bot.", registry=at).info({"version": __version__})
        for action, row in ACTIONS.items():
            for outcome in OUTCOMES - _DONE | {row.outcome}:
                self._counters["requests"].labels(action, outcome)  # it starts at 0: `increase` sees its first event
        for limit in LIMITS:
            self._counters["limited"].labels(limit)
        for outcome in OF_AN_ACCOUNT:
            self._counters["list_accounts"].labels(outcome)

    def written(self, entry: Entry) -> None:
        """Count what an audit entry ended: exactly one instance writes it."""
        if entry.of_one_account and entry.kind in OUTCOMES:
            self._counters["list_accounts"].labels(entry.kind).inc()
        elif entry.kind in OUTCOMES:
            self._counters["requests"].labels(entry.ask.options.action, entry.kind).inc(entry.count)
        elif entry.kind is Kind.RESUMED:
            self._counters["resumed"].inc()
        elif entry.kind is Kind.LIMITED:
            self._counters["limited"].labels(entry.rule).inc()
        elif entry.kind is Kind.PAUSED:
            self._counters["lists_paused"].inc(entry.paused_by_bot)
        elif entry.request and entry.request.approval:
            self.approved((entry.at - entry.request.approval.asked_at).total_seconds())

    def cognito_failed(self, operation: str, code: str) -> None:
        """Count a failed call of Cognito."""
        self._counters["cognito_errors"].labels(operation, code if code in COGNITO_ERRORS else OTHER).inc()

    def slack_failed(self, method: str, kind: str) -> None:
        """Count a failed call of Slack."""
        self._counters["slack_errors"].labels(method, kind if kind in SLACK_ERRORS else OTHER).inc()

    def throttled(self, quota: str) -> Callable[[], None]:
        """Return what counts a call for a list that Cognito throttled. Its series is there from now on."""
        return self._counters["lists_throttled"].labels(quota).inc

    def turned_away(self, lane: str) -> Callable[[], None]:
        """Return what counts work for which a lane had no place. Its series is there from now on."""
        return self._counters["lane_turned_away"].labels(lane).inc

    def greeted(self, connections: int, *, again: bool) -> None:
        """Note Slack's hello on a new Socket Mode connection, and how many it counts."""
        self._gauges["socket_mode_connections"].set(connections)
        if again:
            self._counters["socket_mode_reconnects"].inc()

    def page(self, values: Values, accept: str) -> tuple[bytes, str]:
        """Return the page with these gauges, and its content type: OpenMetrics where the scraper asks for it."""
        for name, series in values.items():
            gauge = self._gauges[name]
            gauge.clear()
            for labels, value in series.items():
                (gauge.labels(*labels) if labels else gauge).set(value)
        try:
            encode, content_type = choose_encoder(accept)
        except Exception:  # noqa: BLE001 -- prometheus-client trips over some, and anyone may have written it
            encode, content_type = choose_encoder("")
        return encode(self._registry), content_type


def list_numbers(
    runs: Sequence[ListRun], pools: Iterable[str], paces: Mapping[str, Iterable[Pace]], now: datetime
) -> Values:
    """Return the gauges of all `runs` of lists, by pool, and of all `paces`, by quota.

    A pool may have several lists; without one it has zeros, and no end.
    """
    of = {(pool,): [run for run in runs if run.request.contents.pool == pool] for pool in pools}
    held = {pool: [run.request.contents for run in each] for pool, each in of.items()}
    return {
        "lists_running": {pool: len(each) for pool, each in of.items()},
        "list_accounts_per_second": {pool: sum(run.progress.rate for run in each) for pool, each in of.items()},
        "list_accounts_left": {pool: sum(contents.left for contents in each) for pool, each in held.items()},
        "list_accounts_not_done": {pool: sum(map(_not_done, each)) for pool, each in held.items()},
        "list_end_timestamp_seconds": {
            pool: (now + max(contents.time_left for contents in each)).timestamp()
            for pool, each in held.items()
            if each
        },
        "lists_slowed": {(quota,): any(pace.is_slowed for pace in each) for quota, each in paces.items()},
    }


def _not_done(contents: Listed) -> int:
    return contents.counts.failed + contents.counts.unknown
