"""`run`: the whole bot."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from slack_bolt import App

from bot.audit import Entry
from bot.aws.spelling import AwsSpelling
from bot.deliver import CardDelivery, Delivery
from bot.edge.http import HttpMode
from bot.edge.lanes import NEWCOMERS, Doorway, ThreadLane
from bot.edge.metrics import Metrics
from bot.edge.readiness import Outlook
from bot.edge.rounds import Rounds
from bot.edge.serve import Edge
from bot.edge.socket_mode import SocketMode
from bot.facts.duration import in_words
from bot.flow import Flow
from bot.ports import Clock
from bot.refusals import Refusals
from bot.settings.faults import NO_FRONT, SettingsError
from bot.settings.model import Settings
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import refuse_redirects, web_client
from bot.slack.groups import SlackGroups
from bot.slack.listeners import Installation, build_app
from bot.slack.reply import SlackCards
from bot.slack.text import Shown
from bot.wiring.shared import AWS_THREADS, SystemClock, confirmations_of, jitter, user_pools, worker_of
from bot.wiring.stores import Store, build_store

SLACK_THREADS = 16
PRESSES_WAITING = 64
NEWCOMERS_THREADS = 8
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_CARDS = 0.5
SECONDS_BETWEEN_COUNTS = 1.0
SECONDS_BETWEEN_CLEARINGS = 300.0
SECONDS_BETWEEN_DELETIONS = 0.1  # so that others get to write between two of them
SECONDS_BETWEEN_LOOKS = 5.0


async def serve(  # noqa: PLR0913 -- what the command line and tests say of how it runs
    settings: Settings,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    http: bool = False,
    clock: Clock | None = None,
) -> None:
    """Run the whole bot on this loop until `stop` is set, then drain. Raises as `Edge.serve` does.

    `http`: in HTTP mode even where there is a token for Socket Mode.
    """
    await build(settings, clock or SystemClock(), http=http).serve(host, port, stop)


@dataclass(frozen=True, kw_only=True)
class SlackSide:
    """What reaches Slack's Web API."""

    groups: SlackGroups
    installation: Installation
    delivery: Delivery
    cards: SlackCards


def build(settings: Settings, clock: Clock, *, http: bool = False) -> Edge:
    """Return the bot, joined up but not started. Touches neither the network nor the disk."""
    refuse_redirects()
    metrics, hurry = Metrics(), threading.Event()
    store = build_store(settings, partial(_written, metrics, hurry))
    slack = _slack_side(settings, store, clock, metrics)
    flow, lanes = _flow(settings, store, clock, metrics, slack)
    refusals = Refusals(tallies=store, clock=clock)
    flow.confirmations = replace(flow.confirmations, trail=refusals)
    app = build_app(settings.slack_api_url, flow, slack.cards, AwsSpelling().read)
    sweeps = _sweeps(settings, store, clock, flow, slack)
    return Edge(
        front=_front(settings, app, metrics, http=http),
        store=store,
        flow=flow,
        lanes=lanes,
        outlook=_outlook(settings, store, clock, slack),
        metrics=metrics,
        rounds=(*sweeps, *_counts(refusals, flow), Rounds("delivery", slack.delivery.deliver, hurry)),
        learn=slack.installation.learn,
        bot_token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        drain_seconds=settings.drain.total_seconds(),
    )


def _written(metrics: Metrics, hurry: threading.Event, entry: Entry) -> None:
    """Count an entry; where it is to be delivered, do that now."""
    metrics.written(entry)
    if entry.delivery.next_at:
        hurry.set()


def _slack_side(settings: Settings, store: Store, clock: Clock, metrics: Metrics) -> SlackSide:
    client = web_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, metrics.slack_failed)
    shown = _shown(settings)
    channel = SlackAuditChannel(client, settings.audit_channel, shown)
    delivery = Delivery(outbox=store, channel=channel, clock=clock, jitter=jitter)
    cards = SlackCards(
        client=client,
        shown=shown,
        audit_refused=lambda: delivery.refusing is not None,
        meter=metrics,
        now=clock.now,
    )
    return SlackSide(groups=SlackGroups(client), installation=Installation(), delivery=delivery, cards=cards)


def _flow(
    settings: Settings, store: Store, clock: Clock, metrics: Metrics, slack: SlackSide
) -> tuple[Flow, Sequence[ThreadLane]]:
    pools = user_pools(settings, metrics.cognito_failed)
    installation = slack.installation
    confirmations = replace(
        confirmations_of(
            settings, pools, store, clock, members=slack.groups.members, home_team=lambda: installation.team_id
        ),
        allowlist=replace(settings.allowlist, terminal=frozenset()),  # nothing that comes from Slack speaks for those
    )
    slack_lane = ThreadLane("slack", SLACK_THREADS, waiting=PRESSES_WAITING, turned_away=metrics.turned_away)
    newcomers_lane = ThreadLane(NEWCOMERS, NEWCOMERS_THREADS, turned_away=metrics.turned_away)
    aws_lane = ThreadLane("aws", AWS_THREADS, kept=KEPT_FOR_PRESSES, turned_away=metrics.turned_away)
    flow = Flow(
        confirmations=confirmations,
        worker=worker_of(settings, pools, store, clock, terminal=False),
        outbox=store,
        entrance=Doorway(lane=slack_lane, newcomers_lane=newcomers_lane, listed=confirmations.allowlist.users),
        aws_lane=aws_lane,
        is_outdated=lambda: store.is_outdated,
    )
    return flow, (slack_lane, newcomers_lane, aws_lane)


def _outlook(settings: Settings, store: Store, clock: Clock, slack: SlackSide) -> Outlook:
    return Outlook(
        store,
        clock,
        audit_refusing=lambda: slack.delivery.refusing,
        unlisted_groups=lambda: slack.groups.unlisted(settings.groups),
    )


def _shown(settings: Settings) -> Shown:
    return Shown(
        pii=settings.pii,
        reason_rule=settings.reason_rule,
        ticket_url=settings.ticket_url,
        token_lifetimes={name: in_words(pool.token_lifetime) for name, pool in settings.pools.items()},
        resume_within=settings.resume_within,
    )


def _front(settings: Settings, app: App, metrics: Metrics, *, http: bool) -> SocketMode | HttpMode:
    """Return what Slack reaches the bot through. `load` has seen to it that one of the two can be made."""
    if settings.slack_app_token and not http:
        token = settings.slack_app_token.get_secret_value()
        sole_instance = settings.kind_and_place[0] == "sqlite"
        return SocketMode(app, token, settings.slack_api_url, metrics, sole_instance=sole_instance)
    if settings.slack_signing_secret:
        return HttpMode(app, settings.slack_signing_secret.get_secret_value(), metrics.acked)
    raise SettingsError([NO_FRONT])


def _sweeps(settings: Settings, store: Store, clock: Clock, flow: Flow, slack: SlackSide) -> Sequence[Rounds]:
    """Return one for each task, so that none suffers from another's trouble. A bot that drains begins nothing."""
    cards = CardDelivery(outbox=store, requests=store, cards=slack.cards, clock=clock, jitter=jitter)
    tasks: Sequence[tuple[str, Callable[[], None], float]] = (
        ("forget", partial(_forget, settings.retain, store, clock, flow), SECONDS_BETWEEN_CLEARINGS),
        ("sweep", flow.sweep, SECONDS_BETWEEN_SWEEPS),
        ("expire", flow.confirmations.expire, SECONDS_BETWEEN_SWEEPS),
        ("places", lambda: store.forget_places(clock.now()), SECONDS_BETWEEN_LOOKS),
    )
    return (
        *(Rounds(name, partial(_then_wait, task, seconds, flow)) for name, task, seconds in tasks),
        Rounds("cards", partial(_then_wait, cards.show_due, SECONDS_BETWEEN_CARDS)),
    )


def _counts(refusals: Refusals, flow: Flow) -> Sequence[Rounds]:
    """Return what writes counted refusals down, and at the end all of them."""
    return (
        Rounds("tallies", partial(_then_wait, refusals.sweep, SECONDS_BETWEEN_LOOKS, flow)),
        Rounds(
            "refusals", lambda: _then_wait(partial(refusals.store, all_ended=flow.draining), SECONDS_BETWEEN_COUNTS)
        ),
    )


def _then_wait(task: Callable[[], None], seconds: float, unless_closed: Flow | None = None) -> float:
    """Do a task; return in how many seconds it comes round again."""
    if not (unless_closed and unless_closed.closed()):
        task()
    return seconds


def _forget(retain: timedelta | None, store: Store, clock: Clock, flow: Flow) -> None:
    while retain and not flow.closed() and store.forget(clock.now() - retain):
        time.sleep(SECONDS_BETWEEN_DELETIONS)
