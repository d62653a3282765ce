"""`run`: the whole bot."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from slack_bolt import App

from bot.aws.spelling import AwsSpelling
from bot.confirm import Confirmations
from bot.edge.counted import CountedPool, counted
from bot.edge.http import HttpMode
from bot.edge.lanes import ThreadLane
from bot.edge.metrics import Metrics
from bot.edge.readiness import Outlook
from bot.edge.rounds import Rounds
from bot.edge.serve import Edge
from bot.edge.socket_mode import SocketMode
from bot.errors import BusyError
from bot.ports import Clock
from bot.recover import Delivery, Recovery
from bot.settings.faults import NO_FRONT, SettingsError
from bot.settings.model import Settings
from bot.slack.accounts import Shown
from bot.slack.app import Installation, build_app
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.cards import Cards
from bot.slack.clients import refuse_redirects, respond, web_client
from bot.slack.conversation import Conversation
from bot.slack.form import Forms
from bot.slack.groups import SlackGroups
from bot.wiring.shared import (
    AWS_THREADS,
    Store,
    SystemClock,
    build_store,
    confirmations_of,
    jitter,
    kind_and_place,
    sign_outs_of,
    user_pools,
)

SLACK_THREADS = 16
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_CLEARINGS = 300.0
SECONDS_BETWEEN_DELETIONS = 0.1  # so that others get to write between two of them
SECONDS_BETWEEN_LOOKS = 5.0  # at what others wrote to the same store, such as a sign-out from a terminal


async def serve(settings: Settings, *, host: str, port: int, stop: asyncio.Event, http: bool = False) -> None:
    """Run the whole bot on this loop until `stop` is set, then drain. Raises as `Edge.serve` does.

    `http`: in HTTP mode even where there is a token for Socket Mode.
    """
    await build(settings, build_store(settings), SystemClock(), http=http).serve(host, port, stop)


def build(settings: Settings, store: Store, clock: Clock, *, http: bool = False) -> Edge:
    """Return the bot, joined up but not started. Touches neither the network nor the disk."""
    refuse_redirects()
    metrics = Metrics()
    requests = counted(store, metrics.written)
    bot_token = settings.slack_bot_token.get_secret_value()
    slack = web_client(bot_token, settings.slack_api_url, metrics.slack_failed)
    groups = SlackGroups(slack)
    installation = Installation(bot_token)
    pools = {name: CountedPool(pool, metrics.cognito_failed) for name, pool in user_pools(settings).items()}
    sign_outs = sign_outs_of(settings, pools, requests, clock)
    recovery = Recovery(sign_outs=sign_outs, store=requests, clock=clock)
    confirmations = replace(
        confirmations_of(settings, pools, requests, clock, groups=groups, home_team=installation.team_id),
        allowlist=replace(settings.allowlist, terminal=frozenset()),  # nothing that comes from Slack speaks for those
    )
    shown = Shown(
        pii=settings.pii,
        reason_rule=settings.reason_rule,
        ticket_url=settings.ticket_url,
        token_lifetimes={name: pool.token_lifetime for name, pool in settings.pools.items()},
    )
    channel = SlackAuditChannel(slack, settings.audit_channel, shown)
    delivery = Delivery(
        store=requests,
        channel=channel,
        clock=clock,
        jitter=jitter,
        kept=lambda entry: conversation.tell_kept(entry),  # noqa: PLW0108 -- each of the two knows the other
    )
    delivery_rounds = _delivery_rounds(delivery)
    lanes = (
        ThreadLane("slack", SLACK_THREADS, turned_away=metrics.turned_away),
        ThreadLane("aws", AWS_THREADS, kept=KEPT_FOR_PRESSES, turned_away=metrics.turned_away),
    )
    conversation = Conversation(
        confirmations=confirmations,
        sign_outs=sign_outs,
        recovery=recovery,
        cards=Cards(shown),
        forms=Forms(slack),
        respond=partial(respond, failed=metrics.slack_failed, base_url=settings.slack_api_url),
        meter=metrics,
        slack_lane=lanes[0],
        aws_lane=lanes[1],
        entry_written=delivery_rounds.hurry,
        audit_refused=lambda: delivery.refusing is not None,
    )
    app = build_app(settings.slack_api_url, installation, conversation, AwsSpelling().read)
    return Edge(
        front=_front(settings, app, metrics, http=http),
        store=store,
        conversation=conversation,
        lanes=lanes,
        outlook=Outlook(
            store,
            clock,
            audit_refusing=lambda: delivery.refusing,
            unlisted_groups=lambda: groups.unlisted(settings.groups),
        ),
        metrics=metrics,
        rounds=(*_sweep_rounds(conversation, recovery, confirmations, settings.retain), delivery_rounds),
        learn=installation.learn,
        bot_token=bot_token,
        base_url=settings.slack_api_url,
        drain_seconds=settings.drain.total_seconds(),
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


def _delivery_rounds(delivery: Delivery) -> Rounds:
    def deliver() -> float:
        due = delivery.deliver()
        return min(max(due.total_seconds(), 0.1), SECONDS_BETWEEN_LOOKS) if due else SECONDS_BETWEEN_LOOKS

    return Rounds("delivery", deliver)


def _sweep_rounds(
    conversation: Conversation, recovery: Recovery, confirmations: Confirmations, retain: timedelta | None
) -> tuple[Rounds, ...]:
    """Return one for each task, so that none suffers from another's trouble. A bot that drains begins nothing."""

    def unless_draining(task: Callable[[], None], seconds: float) -> Callable[[], float]:
        def work() -> float:
            if not conversation.draining:
                task()
            return seconds

        return work

    def resume() -> None:
        with suppress(BusyError):  # what finds no place is found again in the next round
            for dead in recovery.dead_claims():
                conversation.resume(dead)

    def forget() -> None:
        while retain and not conversation.draining and recovery.forget(retain):
            time.sleep(SECONDS_BETWEEN_DELETIONS)

    return (
        Rounds("forget", unless_draining(forget, SECONDS_BETWEEN_CLEARINGS)),
        Rounds("resume", unless_draining(resume, SECONDS_BETWEEN_SWEEPS)),
        Rounds("expire", unless_draining(confirmations.expire, SECONDS_BETWEEN_SWEEPS)),
        Rounds("wipe", unless_draining(recovery.wipe_response_urls, SECONDS_BETWEEN_LOOKS)),
    )
