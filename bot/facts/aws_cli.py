"""The AWS CLI's own command for a global sign-out: which options it has, and what they mean here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.errors import UsageError
from bot.options import check_reason
from bot.request import Options

AWS_USAGE = "/signout --user-pool-id ID --username NAME [--reason TEXT]"
# The AWS CLI's options that this command has too. Any of them makes it the AWS CLI's command, without a TARGET.
DOCUMENTS = ("cli-input-json", "cli-input-yaml")
SKELETON = "generate-cli-skeleton"
AWS_OPTIONS = frozenset({"user-pool-id", "username", "region", SKELETON, *DOCUMENTS})
AWS_COMMAND = ("aws", "cognito-idp", "admin-user-global-sign-out")

# What the AWS CLI's options mean: the user pool's id and the user name, or the text of the skeleton that was asked for.
# It raises UsageError, in the AWS CLI's words.
Spelling = Callable[[Mapping[str, str]], tuple[str, str] | str]


@dataclass(frozen=True, slots=True)
class Help:
    """`/signout help`."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`/signout --generate-cli-skeleton`: the text to answer with, which may be empty."""

    text: str


def spelled(options: Mapping[str, str], spelling: Spelling) -> Options | Skeleton:
    """Return what options mean that are the AWS CLI's, or `reason`. Raises `UsageError`."""
    reason = check_reason(options.get("reason"))
    try:
        meant = spelling({name: value for name, value in options.items() if name in AWS_OPTIONS})
    except UsageError as error:
        raise UsageError(error.sentence, AWS_USAGE) from None
    if isinstance(meant, str):
        return Skeleton(meant)
    pool_id, username = meant
    return Options(target=username, pool_id=pool_id, exactly=True, reason=reason)
