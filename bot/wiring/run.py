"""`run`: the whole bot."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from slack_bolt import App

from bot.audit import Entry
from bot.authorize import Allowed
from bot.aws.clients import Clients
from bot.aws.spelling import AwsSpelling
from bot.aws.watch import NOT_ASKED, OwnCredentials, troubles
from bot.deliver import CardDelivery, EntryDelivery
from bot.edge.ahead import LOOK_AGAIN_SECONDS, look_ahead
from bot.edge.http import HttpMode
from bot.edge.lanes import NEWCOMERS, Doorway, ThreadLane
from bot.edge.metrics import Endings, Metrics, Values, list_numbers
from bot.edge.readiness import Outlook
from bot.edge.rounds import Rounds
from bot.edge.serve import Edge
from bot.edge.socket_mode import SocketMode
from bot.facts.clock import CheckedClock
from bot.facts.duration import in_words
from bot.flow import Flow
from bot.list_run import MOST_AT_ONCE
from bot.list_work import ListWorker
from bot.lists import ListRules
from bot.ports import Clock
from bot.refusals import Refusals
from bot.settings.faults import SettingsError, missing
from bot.settings.model import Settings
from bot.slack.audit_channel import SlackAuditChannel
from bot.slack.clients import BlockingClient
from bot.slack.groups import GroupTeams, SlackGroups
from bot.slack.installation import Installation, SlackPeople
from bot.slack.listeners import build_app
from bot.slack.reply import SlackCards
from bot.slack.shown import Lasting, Shown
from bot.wiring.shared import AWS_THREADS, SystemClock, flow_of, jitter, lists_of, quota_of, user_pools
from bot.wiring.stores import Store, build_store

SLACK_THREADS = 16
PRESSES_WAITING = 64
NEWCOMERS_THREADS = 8
LISTS = 8  # that run at once
LOOK_UPS = 4  # of lists, at once
KEPT_FOR_PRESSES = 16
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_BETWEEN_CARDS = 0.5
SECONDS_BETWEEN_COUNTS = 1.0
SECONDS_BETWEEN_CLEARINGS = 300.0
SECONDS_BETWEEN_DELETIONS = 0.1  # so that others get to write between two of them
SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_BETWEEN_QUESTIONS = 2.0
SECONDS_FOR_AN_ANSWER = 3.0  # the start waits so long for one that confirms the clock; Slack may be away


def build(settings: Settings, clock: Clock | None = None, *, http: bool = False) -> Edge:
    """Return the bot, joined up but not started. Touches neither the network nor the store.

    `http`: in HTTP mode even where there is a token for Socket Mode.
    """
    metrics, hurry = Metrics(), threading.Event()
    checked = CheckedClock(clock or SystemClock(), metrics.clock_off)
    store = build_store(settings, checked, partial(_written, metrics, hurry))
    token = settings.slack_bot_token.get_secret_value()
    client = BlockingClient(token, settings.slack_api_url, metrics.slack_failed, checked)
    installation = Installation(SlackPeople(client).belongs)
    groups = SlackGroups(client, teams=GroupTeams(client, lambda: installation.install.is_org_wide))
    shown = _shown(settings)
    channel = SlackAuditChannel(client, settings.audit_channel, shown)
    delivery = EntryDelivery(outbox=store, channel=channel, clock=checked, jitter=jitter)
    cards = SlackCards(
        client=client,
        shown=shown,
        audit_refused=lambda: delivery.refusing is not None,
        now=checked.now,
        card_shown=metrics.card_shown,
        result_shown=metrics.result_shown,
        audit_channel=settings.audit_channel,
        address=installation.address,
        progress_ts=store.progress_ts,
    )
    heard, clients = dict.fromkeys(settings.pools, NOT_ASKED), Clients(AWS_THREADS, checked)
    pools = user_pools(settings, clients, metrics.cognito_failed, heard)
    ahead = partial(look_ahead, checked, cards.waiting, client.keep_ready, clients.keep_ready)
    away = metrics.turned_away
    slack_lane = ThreadLane("slack", SLACK_THREADS, waiting=PRESSES_WAITING, turned_away=away("slack"))
    newcomers = ThreadLane(NEWCOMERS, NEWCOMERS_THREADS, waiting=PRESSES_WAITING, turned_away=away(NEWCOMERS))
    aws_lane = ThreadLane("aws", AWS_THREADS, kept=KEPT_FOR_PRESSES, turned_away=away("aws"))
    refusals = Refusals(tallies=store, clock=checked)
    flow = flow_of(
        settings,
        pools,
        store,
        checked,
        entrance=Doorway(
            lane=slack_lane,
            newcomers_lane=newcomers,
            named=settings.allowlist.all.users | settings.approvers.all.users,
        ),
        aws_lane=aws_lane,
        trail=refusals,
        members=groups.members,
        home=lambda: installation.home,
    )
    list_lanes = [
        ThreadLane(name, threads, turned_away=away(name))
        for name, threads in (("lists", LISTS), ("list accounts", MOST_AT_ONCE), ("look-ups", LOOK_UPS))
    ]
    lists, list_worker = lists_of(settings, flow, store, *list_lanes, throttled=metrics.throttled)
    begin_lists = threading.Event()
    flow.begin_lists = begin_lists.set
    app = build_app(settings.slack_api_url, flow, lists, cards, AwsSpelling().read)
    rounds = _rounds(settings, store, checked, flow, client, cards, refusals, ahead)
    rounds += [  # where the clock is in doubt, what another instance holds would seem to be due
        Rounds("lists", list_worker.sweep, SECONDS_BETWEEN_SWEEPS, lambda: not checked.is_doubtful(), begin_lists),
        Rounds("delivery", delivery.deliver, SECONDS_BETWEEN_SWEEPS, lambda: not checked.is_doubtful(), hurry),
    ]
    outlook = Outlook(
        store=store,
        clock=checked,
        audit_refusing=lambda: delivery.refusing,
        approvals_refusing=cards.refusing,
        unlisted_groups=lambda: groups.unlisted(settings.groups),
        no_credentials=OwnCredentials().missing,
        pool_troubles=lambda: troubles(heard),
        last_ended=Endings(partial(store.entries, each_account=False), checked).last,
        awaiting_approval=store.awaiting_approval if settings.approvers.all != Allowed() else lambda: 0,
        stuck_lists=list_worker.stuck,
        lists=_list_numbers(settings, lists.rules, list_worker),
    )
    return Edge(
        front=_front(settings, app, client, metrics, checked, http=http),
        store=store,
        flow=flow,
        lanes=(slack_lane, newcomers, aws_lane, *list_lanes),
        outlook=outlook,
        metrics=metrics,
        rounds=rounds,
        learn=installation.learn,
        client=client,
        clock=checked,
        drain_seconds=settings.drain.total_seconds(),
    )


def _list_numbers(settings: Settings, rules: ListRules, worker: ListWorker) -> Callable[[], Values]:
    """Return what gives the gauges of lists."""
    quotas = {quota_of(settings, pool): pool for pool in settings.pools}
    paces = {quota: (worker.pace(quota), rules.look_ups(pool)) for quota, pool in quotas.items()}
    return lambda: list_numbers(worker.runs(), settings.pools, paces, worker.clock.now())


def _written(metrics: Metrics, hurry: threading.Event, entry: Entry) -> None:
    """Count an entry, and wake the delivery where it has to be posted."""
    metrics.written(entry)
    if entry.delivery.next_at:
        hurry.set()


def _shown(settings: Settings) -> Shown:
    return Shown(
        pii=settings.pii,
        reason_rule=settings.reason_rule,
        ticket_url=settings.ticket_url,
        lasting={
            name: Lasting(
                lifetime=in_words(pool.token_lifetime),
                hosted_login=bool(pool.login_cookie_lifetime),
                identity_pool=pool.identity_pool,
            )
            for name, pool in settings.pools.items()
        },
        resume_within=settings.resume_within,
        performers=settings.performers,
    )


def _front(  # noqa: PLR0913 -- what both need
    settings: Settings, app: App, web: BlockingClient, metrics: Metrics, clock: CheckedClock, *, http: bool
) -> SocketMode | HttpMode:
    """Return what Slack reaches the bot through. `load` has checked that one of the two can be made."""
    if settings.slack_app_token and not http:
        ask = partial(web.apps_connections_open, app_token=settings.slack_app_token.get_secret_value())
        sole_instance = settings.kind_and_place[0] == "sqlite"
        return SocketMode(app, ask, metrics, sole_instance=sole_instance)
    if settings.slack_signing_secret:
        return HttpMode(app, settings.slack_signing_secret.get_secret_value(), metrics.acked, clock.told_now)
    raise SettingsError([missing("SLACK_APP_TOKEN", {})])


def _rounds(  # noqa: PLR0913, PLR0917 -- each task's own
    settings: Settings,
    store: Store,
    clock: CheckedClock,
    flow: Flow,
    client: BlockingClient,
    slack_cards: SlackCards,
    refusals: Refusals,
    ahead: Callable[[], None],
) -> list[Rounds]:
    """Return one for each task, so that a task in trouble holds up no other. A bot that drains begins nothing."""
    cards = CardDelivery(outbox=store, requests=store, cards=slack_cards, clock=clock, jitter=jitter)
    begun = clock.monotonic()

    def may_begin() -> bool:
        waited = clock.monotonic() - begun >= SECONDS_FOR_AN_ANSWER
        return not flow.closed() and not clock.is_doubtful() and (clock.is_confirmed() or waited)

    def may_delete() -> bool:
        return not flow.closed() and clock.is_confirmed()

    def forget() -> None:
        while settings.retain and may_delete() and store.forget(clock.now() - settings.retain):
            time.sleep(SECONDS_BETWEEN_DELETIONS)

    return [
        Rounds("forget", forget, SECONDS_BETWEEN_CLEARINGS, may_delete),
        Rounds("sweep", flow.sweep, SECONDS_BETWEEN_SWEEPS, may_begin),
        Rounds("expire", flow.confirmations.expire, SECONDS_BETWEEN_SWEEPS, may_begin),
        Rounds("places", lambda: store.forget_places(clock.now()), SECONDS_BETWEEN_LOOKS, may_delete),
        Rounds("cards", cards.show_due, SECONDS_BETWEEN_CARDS, lambda: not clock.is_doubtful()),
        Rounds("ahead", ahead, LOOK_AGAIN_SECONDS, lambda: not flow.closed()),
        Rounds("tallies", refusals.sweep, SECONDS_BETWEEN_LOOKS, may_begin),
        Rounds("refusals", lambda: refusals.store(all_ended=flow.draining), SECONDS_BETWEEN_COUNTS),
        Rounds("clock", partial(_ask_the_time, client), SECONDS_BETWEEN_QUESTIONS, clock.is_doubtful),
    ]


def _ask_the_time(client: BlockingClient) -> None:
    """Get an answer from Slack, which the client compares the clock with."""
    with suppress(Exception):  # the client counts it, and the next round tries again
        client.auth_test()
