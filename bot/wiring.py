"""The one place where objects are built."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from slack_bolt import App

from bot.aws.checks import aws_clock, try_pool
from bot.aws.clients import Clients
from bot.aws.identity import account, caller, own_region
from bot.aws.phone_numbers import e164
from bot.aws.policies import Pool, Reach, account_of, policies
from bot.aws.roles import Role, Roles
from bot.aws.spelling import AwsSpelling
from bot.aws.user_pool import CognitoUserPool
from bot.config import NO_FRONT, Settings, SettingsError, StoreSettings
from bot.confirm import Confirmations
from bot.edge.counted import CountedPool, counted
from bot.edge.http import HttpMode
from bot.edge.lanes import ThreadLane, together
from bot.edge.metrics import Metrics
from bot.edge.readiness import Outlook
from bot.edge.rounds import Rounds
from bot.edge.serve import Edge
from bot.edge.socket_mode import SocketMode
from bot.errors import BusyError
from bot.find import Finder
from bot.ports import Clock, Finding, Groups, RequestStore, UserPool
from bot.recover import Delivery, Recovery
from bot.sign_out import Lifetimes, SignOuts
from bot.slack.accounts import Shown
from bot.slack.app import Installation, build_app
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.cards import Cards
from bot.slack.checks import SlackChecks
from bot.slack.clients import refuse_redirects, respond, web_client
from bot.slack.conversation import Conversation
from bot.slack.form import Forms
from bot.slack.groups import SlackGroups
from bot.stores.checks import try_sqlite, try_table
from bot.stores.dynamodb import DynamoDBStore
from bot.stores.sqlite import SQLiteStore
from bot.stores.sqlite_reader import SQLiteReader
from bot.terminal.check import findings, judge_clock
from bot.terminal.sign_out import Terminal

SLACK_THREADS = 16
AWS_THREADS = 48
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_CLEARINGS = 300.0
SECONDS_BETWEEN_DELETIONS = 0.1  # so that others get to write between two of them
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


async def serve(settings: Settings, *, host: str, port: int, stop: asyncio.Event, http: bool = False) -> None:
    """Run the whole bot on this loop until `stop` is set, then drain. Raises as `Edge.serve` does.

    `http`: in HTTP mode even where there is a token for Socket Mode.
    """
    await build(settings, build_store(settings), SystemClock(), http=http).serve(host, port, stop)


def build_store(settings: Settings) -> Store:
    """Return the configured store, not yet opened."""
    kind, place = _kind_and_place(settings)
    return DynamoDBStore(place) if kind == "dynamodb" else SQLiteStore(Path(place))


def _kind_and_place(settings: StoreSettings) -> tuple[str, str]:
    kind, _, place = settings.store.partition("://")
    return kind, place if kind == "dynamodb" else place.removeprefix("/")


@contextmanager
def trail(settings: StoreSettings) -> Iterator[RequestStore]:
    """Give the configured store for reading alone; nothing is made where there is none. Raises `StoreError`."""
    kind, place = _kind_and_place(settings)
    store: Store = DynamoDBStore(place) if kind == "dynamodb" else SQLiteReader(Path(place))
    try:
        store.open()
        yield store
    finally:
        store.close()


def user_pools(settings: Settings) -> Mapping[str, UserPool]:
    """Return the configured pools; those of one region share a client, which is built when it is first needed."""
    clients = Clients(AWS_THREADS)
    roles = Roles(clients)
    return {
        name: CognitoUserPool(
            name,
            pool.id,
            pool.region,
            clients,
            pool.default_region,
            Role(pool.role_arn, roles) if pool.role_arn else None,
        )
        for name, pool in settings.pools.items()
    }


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
    sign_outs = _sign_outs(settings, pools, requests, clock)
    recovery = Recovery(sign_outs=sign_outs, store=requests, clock=clock)
    confirmations = _confirmations(settings, pools, requests, clock, groups=groups, home_team=installation.team_id)
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
        respond=partial(respond, failed=metrics.slack_failed),
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
        return SocketMode(
            app, token, settings.slack_api_url, metrics, sole_instance=settings.store.startswith("sqlite:")
        )
    if settings.slack_signing_secret:
        return HttpMode(app, settings.slack_signing_secret.get_secret_value(), metrics.acked)
    raise SettingsError([NO_FRONT])


@contextmanager
def terminal(settings: Settings) -> Iterator[Terminal]:
    """Give the job in a terminal, over the same store. Raises `CallerUnknownError`, or as opening the store does."""
    arn = caller(next(iter(settings.pools.values())).region)
    store, clock, pools = build_store(settings), SystemClock(), user_pools(settings)
    store.open()
    try:
        yield Terminal(
            confirmations=_confirmations(settings, pools, store, clock, groups=NoGroups(), home_team=lambda: None),
            sign_outs=_sign_outs(settings, pools, store, clock),
            arn=arn,
        )
    finally:
        store.close()


def checks(settings: Settings, *, post: bool) -> Iterator[Finding]:
    """Try everything the bot needs, signing nobody out; give what is found in a stable order, as it comes."""
    refuse_redirects()
    pools = user_pools(settings)
    regions = {pool.region for pool in settings.pools.values()}
    slack = SlackChecks(
        client=web_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url),
        app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else None,
        post_to=settings.audit_channel if post else None,
        allowlist=settings.allowlist,
        judge_clock=judge_clock,
    )
    return findings(
        [
            ("settings", lambda: [Finding("settings", "ok", "are valid")]),
            *slack.probes,
            *((f"pool {name}", partial(try_pool, name, pool)) for name, pool in pools.items()),
            ("clock against AWS", partial(aws_clock, regions, judge_clock)),
            ("store", _try_store(settings)),
        ]
    )


def _try_store(settings: StoreSettings) -> Callable[[], Sequence[Finding]]:
    kind, place = _kind_and_place(settings)
    return partial(try_table, DynamoDBStore(place)) if kind == "dynamodb" else partial(try_sqlite, Path(place))


def iam_policies(
    settings: Settings, references: Sequence[str], *, principal: str | None, own_account: str | None
) -> Mapping[str, object]:
    """Return the policies that the bot needs; `principal` is its own role.

    Raises `SettingsError` where something is not said, `CallerUnknownError` where AWS does not say it either, and
    `SecretError`.
    """
    reach = Reach(
        pools=[Pool(pool.id, pool.region, pool.role_arn) for pool in settings.pools.values()],
        references=references,
        terminal=settings.allow.terminal,
    )
    if reach.role_arns and not principal:
        raise SettingsError(["Say which role the bot itself runs as: --principal arn:aws:iam::ACCOUNT:role/NAME."])
    region = own_region()
    if reach.needs_region and not region:
        raise SettingsError(["Say in which region the bot runs: set AWS_DEFAULT_REGION."])
    own_account = own_account or (account_of(principal) if principal else None)
    if reach.needs_account and not own_account:
        own_account = account(region or reach.pools[0].region)
    return policies(reach, account=own_account or "", region=region or "", principal=principal or "")


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
