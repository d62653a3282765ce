"""`iam-policy`: what the settings let the bot reach."""

from collections.abc import Mapping, Sequence

from bot.aws.identity import CallerUnknownError, caller
from bot.aws.policies import Reach, policies
from bot.errors import SecretError
from bot.facts.aws_names import account_of
from bot.facts.aws_session import AwsSession
from bot.settings.faults import SettingsError
from bot.settings.model import Settings
from bot.stores.dynamodb.create import CHECK_ACTIONS
from bot.stores.dynamodb.table import ACTIONS, INDEX, INDEX_ACTIONS


def iam_policies(
    settings: Settings, references: Sequence[str], *, principal: str | None, own_account: str | None
) -> Mapping[str, object]:
    """Return the policies that the bot needs; `principal` is its own role.

    Raises `SettingsError` for what is not said, and AWS does not say either, or for a reference that leads nowhere.
    """
    reach = _reach(settings, references)
    if any(reach.pools) and not principal:
        raise SettingsError(["Say which role the bot itself runs as: --principal arn:aws:iam::ACCOUNT:role/NAME."])
    region = AwsSession().region or ""
    try:
        if reach.needs_region and not region:
            raise SettingsError(["Say in which region the bot runs: set AWS_DEFAULT_REGION."])
        own_account = own_account or (account_of(principal) if principal else None)
        if reach.needs_account and not own_account:
            own_account = account_of(caller(region or next(iter(settings.pools.values())).region))
        return policies(reach, account=own_account or "", region=region, principal=principal or "")
    except SecretError as error:
        raise SettingsError([f"A SLACK_ setting {error}"]) from None
    except CallerUnknownError as error:
        raise SettingsError(["Say in which account the bot runs: --account ID.", str(error)]) from None


def _reach(settings: Settings, references: Sequence[str]) -> Reach:
    pools: dict[str | None, list[tuple[str, str]]] = {}
    places = {name: (pool.region, pool.id) for name, pool in settings.pools.items()}
    for name, pool in settings.pools.items():
        pools.setdefault(pool.role_arn, []).append(places[name])
    kind, place = settings.kind_and_place
    table = {
        "Table": ((*ACTIONS, *CHECK_ACTIONS), f"table/{place}"),
        "TableIndex": (INDEX_ACTIONS, f"table/{place}/index/{INDEX}"),
    }
    return Reach(
        pools=pools,
        further={
            operation: [places[name] for name in names] for operation, names in settings.further_operations.items()
        },
        references=references,
        table=table if kind == "dynamodb" else {},
        terminal=settings.allow.terminal,
    )
