"""What several verbs share: clock, pools, and the rules over them."""

import random
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.approve import Approvals
from bot.authorize import Home
from bot.aws.clients import Clients
from bot.aws.phone_numbers import e164
from bot.aws.roles import Role, Roles
from bot.aws.user_pool import CognitoUserPool, Heard
from bot.confirm import Confirmations
from bot.edge.lanes import together
from bot.facts.aws_names import account_of
from bot.facts.clock import CheckedClock
from bot.find import Finder
from bot.flow import Flow
from bot.limits import Limits
from bot.list_flow import ListFlow
from bot.list_work import ListWorker
from bot.lists import ListRules
from bot.pace import Pace
from bot.ports import Entrance, Lane, UserPool
from bot.settings.model import Settings
from bot.store_ports import Trail
from bot.wiring.stores import Store
from bot.work import Worker

AWS_THREADS = 48
OWN = "own"  # the AWS account of the bot


class SystemClock:
    """The machine's clock."""

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def jitter() -> float:
    """Return a factor that spreads retries."""
    return random.uniform(0.8, 1.2)


def user_pools(
    settings: Settings,
    clients: Clients,
    failed: Callable[[str, str], None] = lambda _, __: None,
    heard: MutableMapping[str, Heard] | None = None,
) -> Mapping[str, CognitoUserPool]:
    """Return the configured pools; those of one region share one of the `clients`.

    `failed` is told the operation and the error code of each call that failed. `heard` is where each pool notes how its
    last call ended.
    """
    roles = Roles(clients)
    return {
        name: CognitoUserPool(
            name,
            pool.id,
            pool.region,
            clients,
            Role(pool.role_arn, roles) if pool.role_arn else None,
            failed,
            {} if heard is None else heard,
        )
        for name, pool in settings.pools.items()
    }


def quota_of(settings: Settings, pool: str) -> str:
    """Return the AWS account and region whose quota a pool's calls count for; `OWN`: the bot's account.

    For a pool that left the settings, and so is never called, it is the pool's name.
    """
    if not (found := settings.pools.get(pool)):
        return pool
    return f"{account_of(found.role_arn) if found.role_arn else OWN}/{found.region}"


def lists_of(  # noqa: PLR0913, PLR0917 -- what the two ways to run the bot do not share
    settings: Settings,
    flow: Flow,
    store: Store,
    lane: Lane,
    accounts_lane: Lane,
    look_ups_lane: Lane,
    *,
    only: str | None = None,
    throttled: Callable[[str], Callable[[], object]] = lambda _: lambda: None,
) -> tuple[ListFlow, ListWorker]:
    """Return the flow of lists, over the rules of `flow`, and what runs them.

    `throttled` gives what is called each time that Cognito throttles calls for lists of that quota.
    """
    confirmations, look_ups = flow.confirmations, dict[str, Pace]()
    shared = {each.name: getattr(confirmations, each.name) for each in fields(confirmations)}

    def pace(pool: str) -> Pace:
        quota = quota_of(settings, pool)
        new = Pace(clock=confirmations.clock, per_second=settings.lists.pace, throttled=throttled(quota))
        return look_ups.setdefault(quota, new)

    rules = ListRules(**{**shared, "requests": store}, per_second=settings.lists.pace, look_ups=pace)
    worker = ListWorker(
        requests=store,
        worker=flow.worker,
        lane=lane,
        accounts_lane=accounts_lane,
        clock=confirmations.clock,
        quota_of=partial(quota_of, settings),
        per_second=settings.lists.pace,
        closed=flow.closed,
        only=only,
        throttled=throttled,
    )
    return ListFlow(flow=flow, rules=rules, lane=look_ups_lane), worker


def flow_of(  # noqa: PLR0913 -- what the two ways to run the bot do not share
    settings: Settings,
    pools: Mapping[str, UserPool],
    store: Store,
    clock: CheckedClock,
    *,
    entrance: Entrance,
    aws_lane: Lane,
    trail: Trail,
    terminal: bool = False,
    members: Callable[[str, str], frozenset[str] | None] = lambda _, __: None,
    home: Callable[[], Home | None] = lambda: None,
) -> Flow:
    """Return the flow over the rules, as they are configured: for a terminal, or for what comes from Slack."""
    allowlist = settings.allowlist
    if not terminal:  # nothing that comes from Slack speaks for those in a terminal
        allowlist = replace(allowlist, everywhere=replace(allowlist.everywhere, terminal=frozenset()))
    limits = Limits(windows=store.windows, per_operator=settings.limits.per_operator, everyone=settings.limits.all)
    shared: dict[str, Any] = {
        "members": members,
        "home": home,
        "requests": store,
        "trail": trail,
        "clock": clock,
        "approvers": settings.approvers,
        "limits": limits,
    }
    confirmations = Confirmations(
        allowlist=allowlist,
        actions=settings.performers,
        finder=Finder(
            pools=pools, e164=lambda text, name: e164(text, settings.pools[name].default_region), together=together
        ),
        confirm_within=settings.confirm_within,
        reason_rule=settings.reason_rule,
        approving=settings.approving,
        protections=settings.protections,
        tracked=settings.with_sessions,
        **shared,
    )
    worker = Worker(
        pools=pools,
        token_lifetimes={name: pool.token_lifetime for name, pool in settings.pools.items()},
        requests=store,
        clock=clock,
        resume_within=settings.resume_within,
        jitter=jitter,
        protections=settings.protections,
        with_role=frozenset(name for name, pool in settings.pools.items() if pool.role_arn and not terminal),
    )
    return Flow(
        confirmations=confirmations,
        approvals=Approvals(**shared),
        worker=worker,
        outbox=store,
        entrance=entrance,
        aws_lane=aws_lane,
        is_outdated=lambda: store.is_outdated,
    )
