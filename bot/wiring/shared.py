"""What several verbs share: clock, store, pools, and the rules over them."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bot.aws.clients import Clients
from bot.aws.phone_numbers import e164
from bot.aws.roles import Role, Roles
from bot.aws.user_pool import CognitoUserPool
from bot.confirm import Confirmations
from bot.edge.lanes import together
from bot.find import Finder
from bot.ports import Clock, Groups, RequestStore, UserPool
from bot.settings.model import Settings, StoreSettings
from bot.sign_out import Lifetimes, SignOuts
from bot.stores.dynamodb import DynamoDBStore
from bot.stores.sqlite import SQLiteStore

AWS_THREADS = 48


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


def jitter() -> float:
    """Return a factor that spreads retries."""
    return random.uniform(0.8, 1.2)


def build_store(settings: Settings) -> Store:
    """Return the configured store, not yet opened."""
    kind, place = kind_and_place(settings)
    return DynamoDBStore(place) if kind == "dynamodb" else SQLiteStore(Path(place))


def kind_and_place(settings: StoreSettings) -> tuple[str, str]:
    """Return `dynamodb` and the table's name, or `sqlite` and the file's path."""
    kind, _, place = settings.store.partition("://")
    return kind, place if kind == "dynamodb" else place.removeprefix("/")


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


def sign_outs_of(settings: Settings, pools: Mapping[str, UserPool], store: RequestStore, clock: Clock) -> SignOuts:
    """Return the rule that carries claims out, as it is configured."""
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


def confirmations_of(  # noqa: PLR0913 -- what the two ways to run the bot do not share
    settings: Settings,
    pools: Mapping[str, UserPool],
    store: RequestStore,
    clock: Clock,
    *,
    groups: Groups,
    home_team: Callable[[], str | None],
) -> Confirmations:
    """Return the rules up to a claim, as they are configured."""
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
