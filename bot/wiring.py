"""The one place where objects are built."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bot.aws.clients import Clients
from bot.aws.identity import caller
from bot.aws.phone_numbers import e164
from bot.aws.spelling import AwsSpelling
from bot.aws.user_pool import CognitoUserPool
from bot.config import Settings
from bot.confirm import Confirmations
from bot.edge.lanes import ThreadLane, together
from bot.edge.rounds import Rounds
from bot.edge.serve import Edge
from bot.errors import BusyError
from bot.find import Finder
from bot.ports import Clock, Groups, RequestStore, UserPool
from bot.recover import Delivery, Recovery
from bot.sign_out import Lifetimes, SignOuts
from bot.slack.accounts import Shown
from bot.slack.app import Installation, build_app
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.cards import Cards
from bot.slack.clients import refuse_redirects, web_client
from bot.slack.conversation import Conversation
from bot.slack.form import Forms
from bot.slack.groups import SlackGroups
from bot.stores.dynamodb import DynamoDBStore
from bot.stores.sqlite import SQLiteStore
from bot.terminal.sign_out import Terminal

SLACK_THREADS = 16
AWS_THREADS = 48
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_LOOKS = 5.0  # at what others wrote to the same store, such as a sign-out from a terminal


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)


class Store(RequestStore, Protocol):
    """A store as it is set up."""

    def open(self) -> None:
        """Make it ready. Raises `StoreError` where waiting will not mend it, else `StoreUnavailableError`."""

    def close(self) -> None:
        """Let go of it."""


class NoGroups:
    """Groups in a terminal, where Slack is not asked."""

    def members(self, group_id: str) -> frozenset[str] | None:  # noqa: ARG002 -- nobody can say
        """Return None."""
        return None


def jitter() -> float:
    """Return a factor that spreads retries."""
    return random.uniform(0.8, 1.2)


async def serve(settings: Settings, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Run the whole bot on this loop until `stop` is set, then drain. Raises as `Edge.serve` and the store do."""
    store = open_store(settings)
    try:
        await build(settings, store, SystemClock()).serve(host, port, stop)
    finally:
        store.close()


def open_store(settings: Settings) -> Store:
    """Return the configured store, its schema up to date."""
    store = _store(settings.store)
    store.open()
    return store


def _store(address: str) -> Store:
    kind, _, place = address.partition("://")
    return DynamoDBStore(place) if kind == "dynamodb" else SQLiteStore(Path(place.removeprefix("/")))


def user_pools(settings: Settings) -> Mapping[str, UserPool]:
    """Return the configured pools; those of one region share a client, which is built when it is first needed."""
    clients = Clients(AWS_THREADS)
    return {
        name: CognitoUserPool(name, pool.id, pool.region, clients, pool.default_region)
        for name, pool in settings.pools.items()
    }


def build(settings: Settings, store: RequestStore, clock: Clock) -> Edge:
    """Return the bot, joined up but not started. Touches neither the network nor the disk."""
    refuse_redirects()
    bot_token = settings.slack_bot_token.get_secret_value()
    slack = web_client(bot_token, settings.slack_api_url)
    installation = Installation(bot_token)
    pools = user_pools(settings)
    sign_outs = _sign_outs(settings, pools, store, clock)
    recovery = Recovery(sign_outs=sign_outs, store=store, clock=clock)
    confirmations = _confirmations(
        settings, pools, store, clock, groups=SlackGroups(slack), home_team=installation.team_id
    )
    shown = Shown(
        pii=settings.pii,
        reason_rule=settings.reason_rule,
        ticket_url=settings.ticket_url,
        token_lifetimes={name: pool.token_lifetime for name, pool in settings.pools.items()},
    )
    channel = SlackAuditChannel(slack, settings.audit_channel, shown)
    delivery = Delivery(
        store=store,
        channel=channel,
        clock=clock,
        jitter=jitter,
        kept=lambda entry: conversation.tell_kept(entry),  # noqa: PLW0108 -- each of the two knows the other
    )
    delivery_rounds = _delivery_rounds(delivery)
    lanes = (ThreadLane("slack", SLACK_THREADS), ThreadLane("aws", AWS_THREADS, kept=KEPT_FOR_PRESSES))
    conversation = Conversation(
        confirmations=confirmations,
        sign_outs=sign_outs,
        recovery=recovery,
        cards=Cards(shown),
        forms=Forms(slack),
        slack_lane=lanes[0],
        aws_lane=lanes[1],
        entry_written=delivery_rounds.hurry,
        audit_refused=lambda: delivery.refusing is not None,
    )
    return Edge(
        app=build_app(settings.slack_api_url, installation, conversation, AwsSpelling().read),
        conversation=conversation,
        lanes=lanes,
        rounds=(*_sweep_rounds(conversation, recovery, confirmations), delivery_rounds),
        learn=installation.learn,
        bot_token=bot_token,
        app_token=settings.slack_app_token.get_secret_value(),
        base_url=settings.slack_api_url,
        sole_instance=settings.store.startswith("sqlite:"),
        drain_seconds=settings.drain.total_seconds(),
    )


@contextmanager
def terminal(settings: Settings) -> Iterator[Terminal]:
    """Give the job in a terminal, over the same store. Raises `CallerUnknownError`, or as the store does."""
    arn = caller(next(iter(settings.pools.values())).region)
    store, clock, pools = open_store(settings), SystemClock(), user_pools(settings)
    try:
        yield Terminal(
            confirmations=_confirmations(settings, pools, store, clock, groups=NoGroups(), home_team=lambda: None),
            sign_outs=_sign_outs(settings, pools, store, clock),
            arn=arn,
        )
    finally:
        store.close()


def _sign_outs(settings: Settings, pools: Mapping[str, UserPool], store: RequestStore, clock: Clock) -> SignOuts:
    return SignOuts(
        pools=pools,
        lifetimes={
            name: Lifetimes(token=p.token_lifetime, login_cookie=p.login_cookie_lifetime)
            for name, p in settings.pools.items()
        },
        store=store,
        clock=clock,
        resume_within=settings.resume_within,
        jitter=jitter,
    )


def _confirmations(  # noqa: PLR0913 -- what the two ways to run the bot do not share
    settings: Settings,
    pools: Mapping[str, UserPool],
    store: RequestStore,
    clock: Clock,
    *,
    groups: Groups,
    home_team: Callable[[], str | None],
) -> Confirmations:
    return Confirmations(
        allowlist=settings.allowlist,
        groups=groups,
        home_team=home_team,
        pool_ids={name: pool.id for name, pool in settings.pools.items()},
        finder=Finder(pools=pools, e164=e164, together=together),
        store=store,
        clock=clock,
        confirm_within=settings.confirm_within,
        reason_rule=settings.reason_rule,
    )


def _delivery_rounds(delivery: Delivery) -> Rounds:
    def deliver() -> float:
        due = delivery.deliver()
        return min(max(due.total_seconds(), 0.1), SECONDS_BETWEEN_LOOKS) if due else SECONDS_BETWEEN_LOOKS

    return Rounds("delivery", deliver)


def _sweep_rounds(conversation: Conversation, recovery: Recovery, confirmations: Confirmations) -> tuple[Rounds, ...]:
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

    return (
        Rounds("resume", unless_draining(resume, SECONDS_BETWEEN_SWEEPS)),
        Rounds("expire", unless_draining(confirmations.expire, SECONDS_BETWEEN_SWEEPS)),
        Rounds("wipe", unless_draining(recovery.wipe_response_urls, SECONDS_BETWEEN_LOOKS)),
    )
