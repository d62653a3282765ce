"""Why AWS cannot be used from here: for each source of credentials and each error, what is said and what to do."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from bot.errors import AwsSetupError

SETTINGS, NO_SOURCE = "settings", "none"  # where it is no source's fault


class Source(NamedTuple):
    """How a source of credentials is called, what it asks for them, and where to look."""

    words: str
    asks: str
    fix: str


class Row(NamedTuple):
    """What is said of an error, and what to do. `may_pass`: trying again may help."""

    sentence: str
    fix: str = "{fix}"
    may_pass: bool = False


# By botocore's word for it.
SOURCES: Mapping[str, Source] = {
    "env": Source("the environment", "AWS", "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."),
    "assume-role": Source(
        "the role of profile {profile}",
        "AWS STS",
        "Check its role_arn, and its source_profile or credential_source, in {config}.",
    ),
    "assume-role-with-web-identity": Source(
        "the web identity token file {token_file}",
        "AWS STS",
        "Check that file, AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN.",
    ),
    "sso": Source(
        "the SSO login of profile {sso}",
        "AWS IAM Identity Center",
        "Check sso_account_id and sso_role_name in {config}, then run `aws sso login --profile {sso}`.",
    ),
    "shared-credentials-file": Source("the keys of profile {keys}", "AWS", "Check it in {credentials}."),
    "config-file": Source("the keys of profile {keys}", "AWS", "Check it in {config}."),
    "login": Source("the `aws login` session of profile {login}", "AWS Sign-In", "Run `aws login --profile {login}`."),
    "custom-process": Source(
        "the credential_process of profile {process}",
        "AWS",
        "Run that command of {config} as the bot's user: it must print credentials as JSON, and ask nothing.",
    ),
    "container-role": Source(
        "the container's credentials endpoint",
        "the container's credentials endpoint",
        "Check the task's role (ECS), or the pod's identity association and its agent (EKS).",
    ),
    "iam-role": Source(
        "the instance's role (IMDS)",
        "the instance's metadata service (IMDS)",
        "Check that the instance has a role. From a container on it, IMDS needs a hop limit of 2.",
    ),
    "ec2-credentials-file": Source("the file of AWS_CREDENTIAL_FILE", "AWS", "Check that file."),
    "boto-config": Source("Boto 2's settings", "AWS", "Check ~/.boto, /etc/boto.cfg and BOTO_CONFIG."),
    SETTINGS: Source("these AWS settings", "AWS", "Check {config}, {credentials} and the AWS_ variables."),
}
_WAY = "Check the way to AWS: network, proxy, region, endpoint."
_AGAIN = "Try again in a minute."
_OUT_OF_REACH = Row("{Asks} cannot be reached, so {source} gives no AWS credentials ({kind}).", _WAY, may_pass=True)
_NOT_OF_AWS = Row("What answers in the place of {asks} is not AWS ({kind}).", _WAY, may_pass=True)
_NO_LOGIN = Row(
    "The SSO login of profile {sso} has expired, or was ended.",
    "Run `aws sso login --profile {sso}` where the bot runs. A bot that runs for long needs a role instead.",
)
_NO_SESSION = Row(
    "The `aws login` session of profile {login} is missing or has ended.",
    "Run `aws login --profile {login}` where the bot runs. A bot that runs for long needs a role instead.",
)
_MFA = Row(
    "Profile {mfa} asks for an MFA code (mfa_serial), and no one can type one here.",
    "Use a role without mfa_serial. In a shell, first get credentials that live for some time: "
    '`eval "$(aws configure export-credentials --profile {profile} --format env)"` asks for the code.',
)
_OF_THE_SOURCE = Row(
    "AWS STS does not take the credentials with which profile {profile} assumes its role ({kind}).",
    "Renew those of its source_profile or credential_source, which {config} names.",
)
_NOT_CREDENTIALS = Row("{Source} printed something else than credentials.")
# By source ("": any), then by error: botocore's name of it, or the code of an answer of AWS's.
_ROWS: Mapping[str, Mapping[str, Row]] = {
    "": {
        "ProfileNotFound": Row(
            "There is no profile {wanted} in {config} or {credentials}.",
            "Check AWS_PROFILE, and that the bot's user can read these files.",
        ),
        "ConfigParseError": Row(
            "{path} is not written as AWS settings are{line}.",
            "Correct it: lines of NAME = VALUE, under [default], [profile NAME] or, in a credentials file, [NAME].",
        ),
        "InvalidConfigError": Row("The AWS settings do not fit together: {said}.", "Correct that in {config}."),
        "PartialCredentialsError": Row("{variable} is missing in {source}.", "Set it there, or remove the rest of it."),
        "MfaError": _MFA,
        "RefreshWithMFAUnsupportedError": _MFA,
        "SSOTokenLoadError": Row("There is no SSO login for profile {sso}.", _NO_LOGIN.fix),
        "UnauthorizedSSOTokenError": _NO_LOGIN,
        "TokenRetrievalError": _NO_LOGIN,
        "MissingDependencyException": Row(
            "Profile {login} gets its credentials from `aws login`, and the package awscrt, which that needs, is not "
            "installed.",
            'Install it: pip install "botocore[crt]". The bot\'s image has none: give the bot a role there.',
        ),
        "LoginInsufficientPermissions": Row(
            "AWS does not let the `aws login` session of profile {login} get credentials.",
            "Allow signin:CreateOAuth2Token to the person who logs in, or use another profile.",
        ),
        "LoginTokenLoadError": _NO_SESSION,
        "LoginRefreshRequired": _NO_SESSION,
        "LoginError": Row("AWS Sign-In does not take the `aws login` session of profile {login}.", _NO_SESSION.fix),
        "RuntimeError": Row(
            "{Source} gave credentials that have expired already.", "{fix} Check this machine's clock, too."
        ),
        "RegionDisabledException": Row(
            "AWS STS is switched off for this account in the region that was asked (RegionDisabledException).",
            "Activate it in IAM's account settings, or set AWS_STS_REGIONAL_ENDPOINTS=legacy.",
        ),
        "NotOfAws": _NOT_OF_AWS,
        "ResponseParserError": _NOT_OF_AWS,
        "5xx": Row("{Asks} had an error ({kind}), so {source} gave no AWS credentials.", _AGAIN, may_pass=True),
        "throttled": Row("{Asks} takes no more requests just now ({kind}).", _AGAIN, may_pass=True),
        "4xx": Row("{Asks} does not give AWS credentials for {source} ({kind})."),
        "ConnectionError": _OUT_OF_REACH,
        "HTTPClientError": _OUT_OF_REACH,
    },
    "assume-role": {
        "AccessDenied": Row(
            "AWS STS does not let profile {profile} assume its role (AccessDenied).",
            "Check role_arn in {config}, and allow sts:AssumeRole on both sides: in the role's trust policy, and in "
            "the policy of its source_profile or credential_source.",
        ),
        "ExpiredToken": _OF_THE_SOURCE,
        "ExpiredTokenException": _OF_THE_SOURCE,
        "InvalidClientTokenId": _OF_THE_SOURCE,
        "SignatureDoesNotMatch": _OF_THE_SOURCE,
    },
    "assume-role-with-web-identity": {
        "OSError": Row(
            "The web identity token file {path} cannot be read: {why}.",
            "AWS_WEB_IDENTITY_TOKEN_FILE (or web_identity_token_file) names it. Kubernetes puts it there when the pod "
            "starts, if its service account has a role. The bot's user must be able to read it.",
        ),
        "ParamValidationError": Row(
            "The web identity token file {token_file} is empty, or AWS_ROLE_ARN is no role.",
            "Check both. Kubernetes writes the file when the pod starts.",
        ),
        "AccessDenied": Row(
            "AWS STS does not let this web identity assume the role (AccessDenied; token file {token_file}).",
            "Check AWS_ROLE_ARN. The role's trust policy must allow sts:AssumeRoleWithWebIdentity to the cluster's "
            "OIDC provider, for this service account (sub) and sts.amazonaws.com (aud).",
        ),
        "InvalidIdentityToken": Row(
            "AWS STS does not accept the web identity token in {token_file} (InvalidIdentityToken).",
            "The role's account must have the cluster's OIDC provider as an identity provider in IAM, with "
            "sts.amazonaws.com as audience.",
        ),
        "IDPCommunicationError": Row(
            "AWS STS could not ask the cluster's OIDC provider about the web identity token (IDPCommunicationError).",
            "AWS must be able to reach it: check the issuer's address. Or try again in a minute.",
            may_pass=True,
        ),
        "IDPRejectedClaim": Row(
            "The OIDC provider rejected the web identity token in {token_file} (IDPRejectedClaim).",
            "It may have expired or been taken back: start the pod again. Then compare its claims with the provider's.",
        ),
        "ExpiredTokenException": Row(
            "The web identity token in {token_file} has expired (ExpiredTokenException).",
            "Kubernetes writes a new one in time: start the pod again, and check this machine's clock.",
        ),
    },
    "custom-process": {
        "CredentialRetrievalError": Row("{Source} failed, or printed no credentials."),
        "TimeoutExpired": Row("{Source} did not end in time, and was stopped."),
        "OSError": Row("{Source} cannot be started: {why}."),
        "JSONDecodeError": _NOT_CREDENTIALS,
        "UnicodeDecodeError": _NOT_CREDENTIALS,
        "ParserError": _NOT_CREDENTIALS,  # of a date
        "ValueError": Row("{Source} is no command: its quotation marks do not match."),
        "TypeError": _NOT_CREDENTIALS,
        "AttributeError": _NOT_CREDENTIALS,
    },
    "container-role": {
        "CredentialRetrievalError": Row("{Source} gives no AWS credentials ({status}).", may_pass=True),
        "OSError": Row(
            "The token file for the container's credentials endpoint, {path}, cannot be read: {why}.",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names it. EKS puts it there when the pod starts.",
        ),
        "ValueError": Row(
            "{Source} cannot be asked: its address, or the token for it, is not valid.",
            "Check AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.",
        ),
    },
    "iam-role": {
        "CredentialRetrievalError": Row("{Asks} gives no AWS credentials any more.", may_pass=True),
    },
    NO_SOURCE: {
        "NoCredentialsError": Row(
            "There are no AWS credentials: none in the environment or in profile {profile}, no web identity, no "
            "container's endpoint, and {imds}.",
            "Give the bot an IAM role, or this shell its credentials. From a container on an EC2 instance, IMDS needs "
            "a hop limit of 2.",
        ),
    },
}
_OTHERWISE = Row("{Source} gives no AWS credentials ({kind}).")
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"})
_CODE = re.compile(r"[A-Za-z][\w.]{0,79}")
_SERVER_ERROR = 500


def words_for(method: str, names: Mapping[str, str]) -> str:
    """Return how a source of credentials is called."""
    return _source(method).words.format_map(names)


def explained(error: Exception, method: str, names: Mapping[str, str]) -> AwsSetupError:
    """Return what is said of an error that this source met; `names` are those of profiles and files.

    Nothing is quoted that a program, an endpoint or a service said: there may be secrets in it.
    """
    kinds, (words, asks, fix) = list(_kinds(error)), (each.format_map(names) for each in _source(method))
    values = {**names, "source": words, "asks": asks, "fix": fix, "kind": kinds[0], **_details(error)}
    values |= {"Source": words[0].upper() + words[1:], "Asks": asks[0].upper() + asks[1:]}
    rows = {**_ROWS[""], **_ROWS.get(method, {})}
    sentence, hint, may_pass = next((rows[kind] for kind in kinds if kind in rows), _OTHERWISE)
    return AwsSetupError(
        sentence.format_map(values), hint.format_map(values), source=method, kind=kinds[0], may_pass=may_pass
    )


def _source(method: str) -> Source:
    return SOURCES.get(method, SOURCES[SETTINGS])


def _kinds(error: Exception) -> Iterator[str]:
    """Give what an error is, the most exact word first."""
    if not isinstance(error, ClientError):
        yield from (kind.__name__ for kind in type(error).__mro__)
        return
    metadata, code = error.response["ResponseMetadata"], str(error.response["Error"].get("Code"))
    yield code if metadata.get("RequestId") and _CODE.fullmatch(code) else "NotOfAws"
    if int(metadata.get("HTTPStatusCode", 0)) >= _SERVER_ERROR:
        yield "5xx"
    yield "throttled" if code in _THROTTLED else "4xx"


def _details(error: Exception) -> Mapping[str, str]:
    its: Mapping[str, Any] = getattr(error, "kwargs", {})
    parsing = its.get("error")
    line = getattr(parsing, "lineno", None) or next((number for number, _ in getattr(parsing, "errors", ())), None)
    status = re.search(r"non 200 response (\d{3})", str(error))
    return {
        "why": getattr(error, "strerror", None) or type(error).__name__,
        "wanted": str(its.get("profile", "")),
        "path": str(its.get("path") or getattr(error, "filename", "")),
        "line": f", in line {line}" if line else "",
        "variable": str(its.get("cred_var", "")),
        "said": str(its.get("error_msg") or "a source_profile leads back to itself").rstrip("."),
        "status": f"HTTP {status[1]}" if status else "no answer",
    }
