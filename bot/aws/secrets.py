"""Secrets that a setting refers to, from AWS Secrets Manager or the Systems Manager Parameter Store."""

import json
import re
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from bot.errors import AwsSetupError, SecretError
from bot.facts.aws_session import AwsSession, bounded

ATTEMPTS = 4  # botocore pauses between them, some seconds altogether; after that the start ends with a sentence
_SECRET = re.compile(
    r"(?P<arn>arn:[\w-]+:secretsmanager:(?P<region>[\w-]+):\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6})(?:#(?P<key>.+))?"
)
_PARAMETER = re.compile(r"ssm:(?P<name>/[\w./-]+)")
_WHY = {
    "AccessDeniedException": "allow it with what `python -m bot iam-policy` prints",
    "AccessDenied": "allow it with what `python -m bot iam-policy` prints",
    "DecryptionFailure": "allow kms:Decrypt with its key",
    "ResourceNotFoundException": "there is no such secret there",
    "ParameterNotFound": "there is no such parameter in this account and region",
    "InvalidRequestException": "it may have been deleted",
}


def secret(reference: str) -> str:
    """Return the secret that a reference names: `arn:aws:secretsmanager:…`, with `#KEY` for JSON, or `ssm:/…`.

    Raises `SecretError`, which tells nothing of the secret. Where AWS cannot be reached it tries for some seconds.
    """
    asked = _SECRET.fullmatch(reference)
    return _value(asked["arn"], asked["region"], asked["key"]) if asked else _parameter(parameter_name(reference))


def secret_arn(reference: str) -> str | None:
    """Return the ARN of the secret that is referred to; None where it is a parameter."""
    asked = _SECRET.fullmatch(reference)
    return asked["arn"] if asked else None


def parameter_name(reference: str) -> str:
    """Return the name of the parameter that is referred to. Raises `SecretError` where it is not a reference."""
    asked = _PARAMETER.fullmatch(reference)
    if not asked:
        raise SecretError(
            "must be the secret itself, ssm:/PATH, or the whole ARN of a secret in Secrets Manager (with the six "
            "characters at its end), perhaps with #KEY after it."
        )
    return asked["name"]


def _value(arn: str, region: str, key: str | None) -> str:
    answer = _ask("secretsmanager", region, "get_secret_value", SecretId=arn)
    text: str | None = answer.get("SecretString")
    if text is None:
        raise SecretError("refers to a binary secret. Store it as text.")
    if key is None:
        if text.lstrip().startswith("{"):
            raise SecretError("refers to a secret that is JSON. Say which of its keys, as in arn:…#KEY.")
        return text
    with suppress(ValueError, LookupError, TypeError):
        if isinstance(found := json.loads(text)[key], str):
            return found
    raise SecretError("refers to a key of a secret that is not JSON, or has no text under that key.")


def _parameter(name: str) -> str:
    parameter = _ask("ssm", None, "get_parameter", Name=name, WithDecryption=True)["Parameter"]
    if parameter["Type"] != "SecureString":
        raise SecretError("refers to a parameter that is not encrypted. Store it as a SecureString.")
    return str(parameter["Value"])


def _ask(service: Any, region: str | None, method: str, **parameters: Any) -> Any:
    try:
        return getattr(AwsSession(bounded(ATTEMPTS)).create_client(service, region), method)(**parameters)
    except AwsSetupError as error:
        raise SecretError(f"could not be read. {error}") from None
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        why = _WHY.get(code, "correct that, and start again")
        raise SecretError(f"could not be read, AWS says {code}: {why}.") from None
    except NoRegionError:
        raise SecretError("refers to a parameter, but no region is set. Set AWS_DEFAULT_REGION.") from None
    except (BotoCoreError, ValueError) as error:
        # Only the kind: its text may quote what was answered.
        kind = type(error).__name__
        raise SecretError(f"could not be read, AWS was not reached ({kind}). Check credentials and network.") from None
