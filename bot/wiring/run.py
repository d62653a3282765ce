"""`run`: the whole bot."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from slack_bolt import App

from bot.audit import Entry
from bot.aws.spelling import AwsSpelling
from bot.confirm import Confirmations
from bot.deliver import CardDelivery, Delivery
from bot.edge.http import HttpMode
from bot.edge.lanes import ThreadLane
from bot.edge.metrics import Metrics
from bot.edge.readiness import Outlook
from bot.edge.rounds import Rounds
from bot.edge.serve import Edge
from bot.edge.socket_mode import SocketMode
from bot.flow import Flow
from bot.ports import Clock
from bot.settings.faults import NO_FRONT, SettingsError
from bot.settings.model import Settings
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import BlockingClient
from bot.slack.groups import SlackGroups
from bot.slack.listeners import Installation, build_app
from bot.slack.reply import SlackCards
from bot.slack.text import Shown
from bot.wiring.shared import (
    AWS_THREADS,
    Store,
    SystemClock,
    build_store,
    confirmations_of,
    jitter,
    kind_and_place,
    user_pools,
    worker_of,
)

SLACK_THREADS = 16
PRESSES_WAITING = 64
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_CARDS = 0.5
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


def build(settings: Settings, clock: Clock, *, http: bool = False) -> Edge:
    """Return the bot, joined up but not started. Touches neither the network nor the disk."""
    metrics = Metrics()

    def written(entry: Entry) -> None:
        metrics.written(entry)
        if entry.delivery.next_at:
            delivery_rounds.hurry()

    store = build_store(settings, written)
    slack = BlockingClient(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, metrics.slack_failed)
    groups = SlackGroups(slack)
    installation = Installation()
    shown = _shown(settings)
    delivery = Delivery(
        outbox=store, channel=SlackAuditChannel(slack, settings.audit_channel, shown), clock=clock, jitter=jitter
    )
    delivery_rounds = Rounds("delivery", delivery.deliver)
    cards = SlackCards(
        client=slack,
        shown=shown,
        audit_refused=lambda: delivery.refusing is not None,
        meter=metrics,
        now=clock.now,
    )
    card_delivery = CardDelivery(outbox=store, requests=store, cards=cards, clock=clock, jitter=jitter)
    slack_lane = ThreadLane("slack", SLACK_THREADS, waiting=PRESSES_WAITING, turned_away=metrics.turned_away)
    aws_lane = ThreadLane("aws", AWS_THREADS, kept=KEPT_FOR_PRESSES, turned_away=metrics.turned_away)
    pools = user_pools(settings, metrics.cognito_failed)
    confirmations = replace(
        confirmations_of(settings, pools, store, clock, groups=groups, home_team=lambda: installation.team_id),
        allowlist=replace(settings.allowlist, terminal=frozenset()),  # nothing that comes from Slack speaks for those
    )
    flow = Flow(
        confirmations=confirmations,
        worker=worker_of(settings, pools, store, clock, terminal=False),
        outbox=store,
        slack_lane=slack_lane,
        aws_lane=aws_lane,
        is_outdated=store.is_outdated,
    )
    app = build_app(settings.slack_api_url, flow, cards, AwsSpelling().read)
    return Edge(
        front=_front(settings, app, metrics, http=http),
        store=store,
        flow=flow,
        lanes=(slack_lane, aws_lane),
        outlook=Outlook(
            store,
            clock,
            audit_refusing=lambda: delivery.refusing,
            unlisted_groups=lambda: groups.unlisted(settings.groups),
        ),
        metrics=metrics,
        rounds=(*_sweeps(flow, confirmations, card_delivery, store, clock, settings.retain), delivery_rounds),
        learn=installation.learn,
        bot_token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        drain_seconds=settings.drain.total_seconds(),
    )


def _shown(settings: Settings) -> Shown:
    return Shown(
        pii=settings.pii,
        reason_rule=settings.reason_rule,
        ticket_url=settings.ticket_url,
        token_lifetimes={name: pool.token_lifetime for name, pool in settings.pools.items()},
        resume_within=settings.resume_within,
    )


def _front(settings: Settings, app: App, metrics: Metrics, *, http: bool) -> SocketMode | HttpMode:
    """Return what Slack reaches the bot through. `load` has seen to it that one of the two can be made."""
    if settings.slack_app_token and not http:
        token = settings.slack_app_token.get_secret_value()
        sole_instance = kind_and_place(settings)[0] == "sqlite"
        return SocketMode(app, token, settings.slack_api_url, metrics, sole_instance=sole_instance)
    if settings.slack_signing_secret:
        return HttpMode(app, settings.slack_signing_secret.get_secret_value(), metrics.acked)
    raise SettingsError([NO_FRONT])


def _sweeps(  # noqa: PLR0913, PLR0917 -- each task's own
    flow: Flow,
    confirmations: Confirmations,
    cards: CardDelivery,
    store: Store,
    clock: Clock,
    retain: timedelta | None,
) -> tuple[Rounds, ...]:
    """Return one for each task, so that none suffers from another's trouble. A bot that drains begins nothing."""

    def unless_closed(task: Callable[[], None], seconds: float) -> Callable[[], float]:
        def work() -> float:
            if not flow.closed():
                task()
            return seconds

        return work

    def show_cards() -> float:
        cards.show_due()
        return SECONDS_BETWEEN_CARDS

    def forget() -> None:
        while retain and not flow.closed() and store.forget(clock.now() - retain):
            time.sleep(SECONDS_BETWEEN_DELETIONS)

    return (
        Rounds("forget", unless_closed(forget, SECONDS_BETWEEN_CLEARINGS)),
        Rounds("sweep", unless_closed(flow.sweep, SECONDS_BETWEEN_SWEEPS)),
        Rounds("expire", unless_closed(confirmations.expire, SECONDS_BETWEEN_SWEEPS)),
        Rounds("places", unless_closed(lambda: store.forget_places(clock.now()), SECONDS_BETWEEN_LOOKS)),
        Rounds("cards", show_cards),
    )
