"""Why AWS cannot be used from here: for each source of credentials and each error, what is said and what to do."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from bot.errors import AwsSetupError
from bot.facts.aws_names import CODE, THROTTLED
from bot.facts.way import shown

SETTINGS, NO_SOURCE = "settings", "none"  # where no source is at fault
NOT_OF_AWS = "NotOfAws"


class Source(NamedTuple):
    """How a source of credentials is called, where to look, and by which settings its profile is known."""

    words: str
    fix: str
    kept_in: Sequence[str] = ()


class Row(NamedTuple):
    """What is said of an error, and what to do. `may_pass`: trying again may help."""

    sentence: str = "{Source} gives no AWS credentials ({said})."
    fix: str = "{fix}"
    may_pass: bool = False


_OTHER = Source("the AWS settings", "Check {config}, {credentials} and the AWS_ variables.")
_KEYS = Source("the keys of profile {profile}", "Check them in {credentials} or {config}.", ("aws_access_key_id",))
# By botocore's word for it.
_SOURCES: Mapping[str, Source] = {
    "env": Source("the environment", "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."),
    "assume-role": Source(
        "the role of profile {profile}",
        "Check its role_arn in {config}, renew the credentials of its source_profile or credential_source, and allow "
        "sts:AssumeRole on both sides: in the role's trust policy, and in the policy of that source.",
        ("mfa_serial",),  # where one is set, no other role of the chain is reached
    ),
    "assume-role-with-web-identity": Source(
        "the web identity token file {token_file}",
        "AWS_WEB_IDENTITY_TOKEN_FILE (or web_identity_token_file) names it. Kubernetes writes it when the pod starts, "
        "if its service account has a role. The bot's user must be able to read it. The trust policy of AWS_ROLE_ARN "
        "must allow sts:AssumeRoleWithWebIdentity to the cluster's OIDC provider, for this service account (sub) and "
        "sts.amazonaws.com (aud).",
        ("web_identity_token_file",),
    ),
    "sso": Source(
        "the SSO login of profile {profile}",
        "Check sso_account_id and sso_role_name in {config}, then run `aws sso login --profile {profile}`.",
        ("sso_session", "sso_account_id", "sso_role_name"),
    ),
    "shared-credentials-file": _KEYS,
    "config-file": _KEYS,
    "login": Source(
        "the `aws login` session of profile {profile}",
        "Run `aws login --profile {profile}`, as someone who is allowed signin:CreateOAuth2Token.",
        ("login_session",),
    ),
    "custom-process": Source(
        "the credential_process of profile {profile}",
        "Run that command of {config} as the bot's user: it must print credentials as JSON, and ask nothing.",
        ("credential_process",),
    ),
    "container-role": Source(
        "the container's credentials endpoint",
        "Check the task's role (ECS), or the pod's identity association and its agent (EKS), and the AWS_CONTAINER_ "
        "variables.",
    ),
    "iam-role": Source(
        "the instance's role (IMDS)",
        "Check that the instance has a role. From a container on it, IMDS needs a hop limit of 2.",
    ),
}
CHECK_THE_WAY = "Check the way to AWS: network, proxy, region, endpoint."
_FOR_LONG = "where the bot runs. A bot that runs for long needs a role instead."
_OUT_OF_REACH = Row(
    "{Source} gives no AWS credentials: {host} cannot be reached ({said}).", CHECK_THE_WAY, may_pass=True
)
_NOT_OF_AWS = Row("What answers for {source} is not AWS ({said}).", CHECK_THE_WAY, may_pass=True)
_NO_LOGIN = Row("{Source} is missing or has ended.", f"Run `aws sso login --profile {{profile}}` {_FOR_LONG}")
_NO_SESSION = Row("{Source} is missing or has ended.", f"Run `aws login --profile {{profile}}` {_FOR_LONG}")
_NO_CREDENTIAL_SOURCE = "Profile {last} takes AWS credentials from {provider} (credential_source), which gave none."
# By botocore's name of an error, with or without the source's, by what a profile lacks, or by AWS's code.
_ROWS: Mapping[str, Row] = {
    "NoCredentialsError": Row(
        "There are no AWS credentials: none in the environment or in profile {profile}, no web identity, no "
        "container's endpoint, and the instance's IMDS is switched off, does not answer or has no role.",
        "Give the bot an IAM role, or this shell its credentials. From a container on an EC2 instance, IMDS needs "
        "a hop limit of 2.",
    ),
    "ProfileNotFound": Row(
        "There is no profile {wanted} in {config} or {credentials}.",
        "Check AWS_PROFILE, and that the bot's user can read these files.",
    ),
    "ConfigParseError": Row(
        "{path} is not written as AWS settings are{line}.",
        "Correct it: lines of NAME = VALUE, under [default], [profile NAME] or, in a credentials file, [NAME].",
    ),
    "InvalidConfigError": Row("The AWS settings do not fit together: {conflict}.", "Correct that in {config}."),
    "assume-role-with-web-identity InvalidConfigError": Row(
        "{Source} is named, but no role to assume with it.",
        "Set AWS_ROLE_ARN (or role_arn in {config}). Kubernetes sets it if the pod's service account has a role.",
    ),
    "source_profile or credential_source": Row(
        "Profile {last} has role_arn, but neither source_profile nor credential_source.",
        "Set one of the two in {config}.",
    ),
    "Environment": Row(_NO_CREDENTIAL_SOURCE, _SOURCES["env"].fix),
    "EcsContainer": Row(_NO_CREDENTIAL_SOURCE, _SOURCES["container-role"].fix),
    "Ec2InstanceMetadata": Row(_NO_CREDENTIAL_SOURCE, _SOURCES["iam-role"].fix),
    "PartialCredentialsError": Row("{variable} is missing in {source}.", "Set it there, or remove the other half."),
    "RefreshWithMFAUnsupportedError": Row(
        "Profile {profile} asks for an MFA code (mfa_serial), and no one can type one here.",
        "Use a role without mfa_serial. In a shell, first get credentials that live for some time: "
        '`eval "$(aws configure export-credentials --format env)"` asks for the code.',
    ),
    "SSOTokenLoadError": _NO_LOGIN,
    "UnauthorizedSSOTokenError": _NO_LOGIN,
    "TokenRetrievalError": _NO_LOGIN,
    "MissingDependencyException": Row(
        "Profile {profile} gets its credentials from `aws login`, and the package awscrt, which that needs, is not "
        "installed.",
        'Install it: pip install "botocore[crt]". The bot\'s image has none: give the bot a role there.',
    ),
    "LoginTokenLoadError": _NO_SESSION,
    "LoginRefreshRequired": _NO_SESSION,
    "RuntimeError": Row(
        "{Source} gave credentials that have expired already.", "{fix} Check this machine's clock, too."
    ),
    "TimeoutExpired": Row("{Source} did not end in time, and was stopped."),
    "RenewingError": Row("{Source} is being asked for new AWS credentials, and has not answered yet.", may_pass=True),
    "CredentialRetrievalError": Row(may_pass=True),
    "ParamValidationError": Row("{Source} gives no AWS credentials: the token is empty, or the role is not an ARN."),
    "RegionDisabledException": Row(
        fix="Activate AWS STS for this region in IAM's account settings, or set AWS_STS_REGIONAL_ENDPOINTS=legacy."
    ),
    "InvalidIdentityToken": Row(
        fix="The role's account must have the cluster's OIDC provider as an identity provider in IAM, with "
        "sts.amazonaws.com as audience."
    ),
    "IDPCommunicationError": Row(
        fix="AWS must be able to reach the cluster's OIDC provider: check the issuer's address. Or try again in a "
        "minute.",
        may_pass=True,
    ),
    NOT_OF_AWS: _NOT_OF_AWS,
    "ResponseParserError": _NOT_OF_AWS,
    "just now": Row("{Source} gives no AWS credentials just now ({said}).", "Try again in a minute.", may_pass=True),
    "ConnectionError": _OUT_OF_REACH,
    "HTTPClientError": _OUT_OF_REACH,
}
_SERVER_ERROR = 500
# Where AWS answers, these are what botocore makes of a page in its place.
_ASKS_AWS = frozenset({"assume-role", "assume-role-with-web-identity", "sso"})
_MADE_OF_A_PAGE = (KeyError, TypeError, AttributeError)


def source_of(method: str) -> Source:
    """Return what is said of a source of credentials, by botocore's word for it."""
    return _SOURCES.get(method, _OTHER)


def explained(error: Exception, method: str, names: Mapping[str, str]) -> AwsSetupError:
    """Return what is said of a source's error. Quoted are only `names` (profile, files): an answer may hold secrets."""
    kinds, source = list(_kinds(error, method)), source_of(method)
    words = source.words.format_map(names)
    values = {**names, "source": words, "Source": words[0].upper() + words[1:], "fix": source.fix.format_map(names)}
    values |= _details(error, kinds[0])
    looked_up = (values["variable"], values["provider"], f"{method} {kinds[0]}", *kinds)
    sentence, hint, may_pass = next((_ROWS[each] for each in looked_up if each in _ROWS), Row())
    sentence, hint = sentence.format_map(values), hint.format_map(values)
    return AwsSetupError(sentence, hint, source=method, kind=kinds[0], may_pass=may_pass)


def code_of(error: Exception) -> str | None:
    """Return AWS's code of an error; None where something else answered, such as a proxy: it sends no request id."""
    response: Any = getattr(error, "response", {"ResponseMetadata": {}})
    code = str(response.get("Error", {}).get("Code", ""))
    return code if response["ResponseMetadata"].get("RequestId") and CODE.fullmatch(code) else None


def _kinds(error: Exception, method: str) -> Iterator[str]:
    """Give what an error is, the most exact word first."""
    if not isinstance(error, ClientError):
        yield from (kind.__name__ for kind in type(error).__mro__)
        if method in _ASKS_AWS and isinstance(error, _MADE_OF_A_PAGE):
            yield NOT_OF_AWS
        return
    code = code_of(error)
    yield code or NOT_OF_AWS
    if code in THROTTLED or int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0)) >= _SERVER_ERROR:
        yield "just now"


def _details(error: Exception, kind: str) -> Mapping[str, str]:
    its: Mapping[str, Any] = getattr(error, "kwargs", {})
    parsing = its.get("error")
    line = getattr(parsing, "lineno", None) or next((number for number, _ in getattr(parsing, "errors", ())), None)
    status = re.search(r"non 200 response (\d{3})", str(error))
    said = filter(None, (getattr(error, "strerror", None), shown(str(getattr(error, "filename", "")), "")))
    return {
        "said": f"HTTP {status[1]}" if status else ": ".join(said) or kind,
        "host": urlsplit(str(its.get("endpoint_url", ""))).hostname or "AWS",
        "wanted": str(its.get("profile", "")),
        "path": shown(str(its.get("path", "")), "One of the AWS settings files"),
        "line": f", in line {line}" if line else "",
        "provider": str(its.get("provider", "")),
        "variable": str(its.get("cred_var", "")),
        "conflict": str(its.get("error_msg") or "a source_profile leads back to itself").rstrip("."),
    }
