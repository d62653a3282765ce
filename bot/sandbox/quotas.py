"""Cognito's quotas, of which moto knows nothing: those that AWS documents, in calls a second."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox import aws_model
from bot.sandbox.accounts import Refused

GET = "GetProvisionedLimit"
OF = {"UserUpdate": 25, "UserList": 30}


def instead(action: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Answer in moto's stead, or None. Raises `Refused`."""
    if action != GET:
        return None
    definition = parameters.get("LimitDefinition", {})
    limit = OF.get(definition.get("Attributes", {}).get("Category"))
    if aws_model.faults(action, parameters) or limit is None:
        raise Refused("InvalidParameterException")
    return {"Limit": {"LimitDefinition": definition, "ProvisionedLimitValue": limit, "FreeLimitValue": limit}}
