"""`check`: everything that is tried."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial

from bot.aws.check_pools import aws_clock, try_pool
from bot.edge.lanes import ThreadLane, settle
from bot.facts.finding import Finding
from bot.settings.model import Settings
from bot.slack.check_workspace import SlackChecks
from bot.slack.clients import BlockingClient
from bot.terminal.check_report import judge_clock
from bot.wiring.shared import user_pools
from bot.wiring.stores import probes_of

THREADS = 16
WITHIN_SECONDS = 60.0

Probe = tuple[str, Callable[[], Iterable[Finding]]]


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
            *probes_of(settings),
        ]
    )


def findings(probes: Sequence[Probe], within: float = WITHIN_SECONDS) -> Iterator[Finding]:
    """Start all probes in their order; give their findings in the same, each as soon as it is there.

    What hangs longer than `within` seconds is given up, and does not keep the process from ending.
    """
    lane = ThreadLane("check", THREADS, waiting=len(probes))
    found = {name: Future[list[Finding]]() for name, _ in probes}
    for name, probe in probes:
        lane.run(None, partial(settle, found[name], partial(_tried, name, probe)), urgent=True)
    lane.stop()
    deadline = time.monotonic() + within
    for name, future in found.items():
        try:
            yield from future.result(max(deadline - time.monotonic(), 0))
        except TimeoutError:
            yield Finding(name, "missing", f"No answer within {within:.0f} s.", "Check the way there.")


def _tried(name: str, probe: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(probe())
    except Exception as error:  # noqa: BLE001 -- a line for any error
        sentence = f"Could not be tried ({type(error).__name__})."
        return [Finding(name, "missing", sentence, "Please report this: it is a fault of the bot.")]
