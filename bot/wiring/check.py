"""`check`: everything that is tried."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from bot.aws.check_pools import aws_clock, try_groups, try_pool, try_quota
from bot.aws.clients import Clients
from bot.aws.user_pool import CognitoUserPool
from bot.aws.watch import CREDENTIALS, try_credentials
from bot.edge.lanes import UnwaitedThreads
from bot.facts.advice import LONGEST_TOKEN
from bot.facts.duration import in_words
from bot.facts.finding import Finding
from bot.ports import UserPool
from bot.settings.model import Settings
from bot.slack.check_samples import ALL, Validation, try_samples
from bot.slack.check_workspace import try_workspace
from bot.slack.clients import BlockingClient
from bot.slack.samples import samples
from bot.terminal.output import to_a_person
from bot.wiring.shared import AWS_THREADS, OWN, quota_of, user_pools
from bot.wiring.stores import probes_of

WITHIN_SECONDS = 60.0

Probe = tuple[str, Callable[[], Iterable[Finding]]]


def checks(settings: Settings, *, post: bool) -> Iterator[Finding]:
    """Try everything the bot needs, signing no one out; give what is found in a stable order, as it comes."""
    pools = user_pools(settings, Clients(AWS_THREADS))
    asked = UnwaitedThreads().submit(try_credentials)
    regions, pace = {pool.region for pool in settings.pools.values()}, settings.lists.pace
    client = BlockingClient(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    slack = partial(
        try_workspace,
        client,
        (settings.allowlist, settings.approvers, *settings.performers.values()),
        app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else None,
        channels={name: id_ if post else None for name, id_ in _channels(settings).items()},
    )
    of_pools = [(f"pool {name}", partial(_pool, settings, name, pool)) for name, pool in pools.items()]
    quotas = _quotas(settings, pools)
    of_quotas = [(f"quota {place}", partial(try_quota, place, pool, pace)) for place, pool in quotas.items()]
    return findings(
        [
            ("settings", partial(_settings, settings)),
            ("replicas", partial(_unguarded, settings)),
            ("Slack", slack),
            (CREDENTIALS, lambda: [asked.result()]),
            *((name, partial(_once_asked, asked, name, probe)) for name, probe in (*of_pools, *of_quotas)),
            ("clock against AWS", partial(aws_clock, regions)),
            *probes_of(settings),
            (ALL, partial(_shown_to_slack, client)),
        ]
    )


def _shown_to_slack(client: BlockingClient) -> Iterator[Finding]:
    drawn = samples()
    to_a_person(f"Slack is asked whether it takes {len(drawn)} {ALL}. That posts nothing.")
    return try_samples(Validation(client), drawn)


def _channels(settings: Settings) -> Mapping[str, str]:
    """Return the channels that the bot posts to, by their names in the report."""
    asked = {each.channel_id for each in settings.approving.values()} - {settings.audit_channel}
    return {"audit channel": settings.audit_channel} | {f"approval channel {id_}": id_ for id_ in sorted(asked)}


def _unguarded(settings: Settings) -> Iterator[Finding]:
    """Name each pool that lacks a rule which guards another pool of the same id: one is a replica of the other."""
    asks = [name for name, each in settings.approving.items() if each.actions]
    for rule, guarded in (("approve.when", asks), ("protect", settings.protections)):
        ids = {settings.pools[name].id: name for name in guarded}
        for name, pool in settings.pools.items():
            if pool.id in ids and name not in guarded:
                other = ids[pool.id]
                sentence = f"Pool {name} has the id of pool {other}, but {rule} of {other} does not count for {name}."
                yield Finding(f"{rule} of pool {name}", "warning", sentence, f"Set {rule} for all pools, or for both.")


def _settings(settings: Settings) -> Sequence[Finding]:
    """Say that they are valid, and what of them is taken as it is written, since Cognito is not asked."""
    shorter = {
        name: pool.token_lifetime for name, pool in settings.pools.items() if pool.token_lifetime < LONGEST_TOKEN
    }
    if not shorter:
        return [Finding("settings", "ok", "are valid")]
    told = ", ".join(f"{in_words(lifetime)} in pool {name}" for name, lifetime in sorted(shorter.items()))
    sentence = f"are valid. The bot assumes that tokens live {told} (token_lifetime). It does not ask Cognito."
    return [Finding("settings", "ok", sentence, "Compare it there with the longest of each pool's app clients.")]


def _pool(settings: Settings, name: str, pool: UserPool) -> Iterator[Finding]:
    further = [operation for operation, names in settings.further_operations.items() if name in names]
    protection = settings.protections.get(name)
    found = list(try_pool(name, pool, further))
    yield from found
    if protection and found[0].status == "ok":  # the pool is there, and can be asked
        yield from try_groups(name, pool, protection.groups)


def _quotas(settings: Settings, pools: Mapping[str, CognitoUserPool]) -> Mapping[str, CognitoUserPool]:
    """Return where lists have a quota, in words, each with a pool by which it can be asked for."""
    found: dict[str, CognitoUserPool] = {}
    for name, pool in pools.items():
        account, _, region = quota_of(settings, name).partition("/")
        found.setdefault(f"in {region}" if account == OWN else f"of account {account} in {region}", pool)
    return found


def _once_asked(asked: Future[Finding], name: str, probe: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Try it where there are credentials. Else each of its lines would say the same."""
    if asked.result().status == "ok":
        yield from probe()
    else:
        yield Finding(name, "not tried", f"not tried: it needs {CREDENTIALS}")


def findings(probes: Sequence[Probe], within: float = WITHIN_SECONDS) -> Iterator[Finding]:
    """Start all probes in their order; give their findings in the same, each as soon as it is there.

    What hangs longer than `within` seconds is given up, and does not keep the process from ending.
    """
    threads = UnwaitedThreads()
    found = {name: threads.submit(_tried, name, probe) for name, probe in probes}
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
