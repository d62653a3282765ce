"""The numbers for Prometheus: plain methods on one side, one page on the other. No label names a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from bot import __version__
from bot.audit import OUTCOMES, Entry, Kind
from bot.facts.advice import ADVICE
from bot.facts.slack_words import TOKEN_ERRORS

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
_ACK = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
_WAIT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


@dataclass(frozen=True, kw_only=True)
class Scrape:
    """How things are at a scrape. None: it could not be asked in time (NaN on the page), or there is none."""

    status: str
    lanes: Mapping[str, tuple[int, int]]
    connected_for: float | None
    undelivered: int | None
    oldest_undelivered: float | None


class Metrics:
    """Counts and times what happens in this instance. Safe to use from many threads; never waits."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which no one looks at
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter(
            "signout_requests", "Asks that ended in this instance, by outcome.", ["outcome"], registry=registry
        )
        self._resumed = Counter(
            "signout_resumed", "Sign-outs taken over from an instance that had died.", registry=registry
        )
        card = Histogram(
            "signout_command_to_card_seconds",
            "From the arrival of a command or form to Slack's yes to its card.",
            buckets=_WAIT,
            registry=registry,
        )
        result = Histogram(
            "signout_click_to_result_seconds",
            "From the arrival of a press on Sign out to Slack's yes to the result.",
            buckets=_WAIT,
            registry=registry,
        )
        ack = Histogram(
            "signout_ack_seconds", "From what Slack sent to its ack on the wire.", buckets=_ACK, registry=registry
        )
        self._cognito = Counter(
            "signout_cognito_errors", "Calls of Cognito that failed.", ["operation", "kind"], registry=registry
        )
        self._slack = Counter(
            "signout_slack_errors", "Calls of Slack that failed.", ["method", "kind"], registry=registry
        )
        self._turned_away = Counter(
            "signout_lane_turned_away", "Work for which a lane had no place.", ["lane"], registry=registry
        )
        self._connections = Gauge(
            "signout_socket_mode_connections", "Of this app, as Slack counted at the last hello.", registry=registry
        )
        self._reconnects = Counter(
            "signout_socket_mode_reconnects", "Hellos from Slack after the first.", registry=registry
        )
        self._status = Gauge("signout_status", "What /readyz says: 1 for one of them.", ["status"], registry=registry)
        self._places = Gauge("signout_lane_places", "How much a lane holds at once.", ["lane"], registry=registry)
        self._taken = Gauge("signout_lane_places_taken", "How much a lane holds now.", ["lane"], registry=registry)
        self._socket_age = Gauge(
            "signout_socket_mode_connected_seconds", "Since Slack's last hello; 0 unconnected.", registry=registry
        )
        self._undelivered = Gauge(
            "signout_audit_undelivered_entries", "Audit entries that wait for delivery.", registry=registry
        )
        self._oldest = Gauge(
            "signout_audit_oldest_undelivered_age_seconds", "Of the entry that waits longest.", registry=registry
        )
        # How many seconds each took.
        self.card_shown, self.result_shown, self.acked = card.observe, result.observe, ack.observe
        Info("signout_build", "This bot.", registry=registry).info({"version": __version__})
        for outcome in OUTCOMES:
            self._requests.labels(outcome)  # a series that starts at 0: `increase` sees its first event

    def written(self, entry: Entry) -> None:
        """Count what an audit entry ended: exactly one instance writes it."""
        if entry.kind in OUTCOMES:
            self._requests.labels(entry.kind).inc()
        elif entry.kind is Kind.RESUMED:
            self._resumed.inc()

    def cognito_failed(self, operation: str, code: str) -> None:
        """Count a failed call of Cognito."""
        self._cognito.labels(operation, code if code in COGNITO_ERRORS else OTHER).inc()

    def slack_failed(self, method: str, kind: str) -> None:
        """Count a failed call of Slack."""
        self._slack.labels(method, kind if kind in SLACK_ERRORS else OTHER).inc()

    def turned_away(self, lane: str) -> None:
        """Count work for which a lane had no place."""
        self._turned_away.labels(lane).inc()

    def greeted(self, connections: int, *, again: bool) -> None:
        """Note Slack's hello on a new Socket Mode connection, and how many it counts."""
        self._connections.set(connections)
        if again:
            self._reconnects.inc()

    def page(self, scrape: Scrape, accept: str) -> tuple[bytes, str]:
        """Return the page, and its content type: OpenMetrics where the scraper asks for it."""
        for status in ("ready", "degraded", "not ready"):
            self._status.labels(status.replace(" ", "_")).set(status == scrape.status)
        for lane, (places, taken) in scrape.lanes.items():
            self._places.labels(lane).set(places)
            self._taken.labels(lane).set(taken)
            self._turned_away.labels(lane)
        self._socket_age.set(scrape.connected_for or 0)
        self._undelivered.set(_or_nan(scrape.undelivered))
        self._oldest.set(_or_nan(scrape.oldest_undelivered))
        encode, content_type = _encoder(accept)
        return encode(self._registry), content_type


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """Return what a scraper asks for; the plain form where prometheus-client trips over what it says."""
    try:
        return choose_encoder(accept)
    except Exception:  # noqa: BLE001 -- anyone may have written it
        return choose_encoder("")


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
