"""The AWS CLI's own command for a global sign-out: which options it has, and what they mean here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.errors import UsageError
from bot.options import action_of, check_reason, has_surrogate
from bot.request import Options

AWS_USAGE = "/signout --user-pool-id ID --username NAME [--reason TEXT]"
# The AWS CLI's options that this command has too. Any of them makes it the AWS CLI's command, without a TARGET.
DOCUMENTS = ("cli-input-json", "cli-input-yaml")
SKELETON = "generate-cli-skeleton"
AWS_OPTIONS = frozenset({"user-pool-id", "username", SKELETON, *DOCUMENTS})
AWS_COMMAND = ("aws", "cognito-idp", "admin-user-global-sign-out")
OTHER_COMMAND = f"Of the AWS CLI's commands, only `{' '.join(AWS_COMMAND)}` can be given here."
# Its options that change only what it shows and how it runs: they are left out. The first ones have a value.
VALUED = frozenset(
    {"output", "query", "color", "cli-read-timeout", "cli-connect-timeout", "cli-binary-format", "cli-error-format"}
)
FLAGS = frozenset({"no-cli-pager", "no-paginate", "debug", "v2-debug", "cli-auto-prompt", "no-cli-auto-prompt"})
_AS_ITSELF = "The bot asks with its own AWS credentials, and no one can choose others here."
_ONE_AWS = "The bot asks the Cognito that it was set up for, and no other."
_CHECKS = "The bot always checks AWS's certificate, in the way that it was set up for."
# Its options that change who asks, or whom, and why the bot takes none of them.
REFUSED: Mapping[str, str] = {
    "profile": _AS_ITSELF,
    "no-sign-request": _AS_ITSELF,
    "endpoint-url": _ONE_AWS,
    "ca-bundle": _CHECKS,
    "no-verify-ssl": _CHECKS,
    "version": "It would only show the version of the AWS CLI.",
}

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


def left_out_sentence(dropped: Sequence[str]) -> str:
    """Return what says that this was left out of a pasted line."""
    return f"The bot left this out, since it changes nothing here: {', '.join(dropped)}"


def spelled(options: Mapping[str, str], spelling: Spelling, dropped: Sequence[str] = ()) -> Options | Skeleton:
    """Return what options mean that are the AWS CLI's, `reason` or an action; `dropped` was left out.

    Raises `UsageError`.
    """
    reason, region = check_reason(options.get("reason")), options.get("region")
    if region and has_surrogate(region):
        raise UsageError("--region is not valid text. Type it instead of pasting it.", AWS_USAGE)
    try:
        meant = spelling({name: value for name, value in options.items() if name in AWS_OPTIONS})
    except UsageError as error:
        raise UsageError(error.sentence, AWS_USAGE) from None
    if isinstance(meant, str):
        return Skeleton(meant)
    pool_id, username = meant
    asked = Options(target=username, pool_id=pool_id, region=region, exactly=True, reason=reason)
    return replace(asked, action=action_of(options), dropped=tuple(dropped))
