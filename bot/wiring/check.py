"""`check`: everything that is tried."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bot.aws.check_pools import aws_clock, try_pool
from bot.facts.finding import Finding
from bot.settings.model import Settings, StoreSettings
from bot.slack.check_workspace import SlackChecks
from bot.slack.clients import BlockingClient
from bot.stores.dynamodb.probe import try_table
from bot.stores.dynamodb.store import DynamoDBStore
from bot.stores.sqlite.probe import try_sqlite
from bot.terminal.check_report import findings, judge_clock
from bot.wiring.shared import kind_and_place, user_pools


def checks(settings: Settings, *, post: bool) -> Iterator[Finding]:
    """Try everything the bot needs, signing no one out; give what is found in a stable order, as it comes."""
    pools = user_pools(settings)
    regions = {pool.region for pool in settings.pools.values()}
    slack = SlackChecks(
        client=BlockingClient(settings.slack_bot_token.get_secret_value(), settings.slack_api_url),
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
    kind, place = kind_and_place(settings)
    return partial(try_table, DynamoDBStore(place)) if kind == "dynamodb" else partial(try_sqlite, Path(place))
