"""The environment as other tools write it, and what is wrong there besides single settings.

Docker keeps the quotes of an env file, editors put a byte order mark at the start, and a template leaves variables
empty. Here each variable that the bot or boto3 reads becomes what was meant.
"""

import codecs
import re
from collections.abc import Mapping, MutableMapping

_PROXIES = r"(?i:(?:https?|all|no)_proxy)"
# Not the text of a settings file: quotes and commas in it are TOML's.
_READ = re.compile(
    r"(?!SIGNOUT_CONFIG_TEXT$)(?:SIGNOUT_|SLACK_|AWS_)\w+"
    rf"|PORT|(?:REQUESTS|CURL)_CA_BUNDLE|SSL_CERT_(?:FILE|DIR)|{_PROXIES}"
)
# Quotes may belong to this one, an expression: to take them off would change what it says.
_AS_IT_IS = "SIGNOUT_REASON_PATTERN"
# To boto3 two of these mean "no file" where they are empty, and its usual file where they are not set. An empty proxy
# in lower case means that there is no proxy, even if the one in upper case is set.
_EMPTY_ON_PURPOSE = re.compile(rf"AWS_CONFIG_FILE|AWS_SHARED_CREDENTIALS_FILE|{_PROXIES}")
# What is empty here is told. Others that are empty would be taken as set by Bolt, boto3 or OpenSSL.
_TOLD_IF_EMPTY = re.compile(r"SIGNOUT_\w+|SLACK_(?:BOT_TOKEN|APP_TOKEN|SIGNING_SECRET)")
_OF_SERVICES = "COGNITO_IDENTITY_PROVIDER|DYNAMODB|SECRETS_MANAGER|SIGNIN|SSM|SSO|SSO_OIDC|STS"
_ENDPOINT = re.compile(
    rf"AWS_ENDPOINT_URL(?:_(?:{_OF_SERVICES}))?|AWS_EC2_METADATA_SERVICE_ENDPOINT|AWS_CONTAINER_CREDENTIALS_FULL_URI"
)
# Blanks, byte order marks, and their like.
_UNSEEN = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "".join(
    map(chr, (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF))
)
_QUOTES = "\"'"
_STRAIGHT = str.maketrans("“”„‟‘’‚‛", "\"\"\"\"''''")  # noqa: RUF001 -- what word processors make of them


def bare(text: str) -> str:
    """Return a text without the blanks, marks and quotes around it. Quotes around a part of it stay."""
    text = text.strip(_UNSEEN)
    plain = text.translate(_STRAIGHT)
    quoted = len(plain) > 1 and plain[0] in _QUOTES and plain[0] == plain[-1] and plain[0] not in plain[1:-1]
    return bare(text[1:-1]) if quoted else text


def decoded(content: bytes) -> str:
    """Return the text of a file: UTF-8, or what its byte order mark says. Raises `ValueError`."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def correct(environment: MutableMapping[str, str]) -> None:
    """Change the variables that are read here to what was meant. Empty ones are "" then, or taken out.

    boto3 and OpenSSL fail on an empty variable, and take quotes as they are.
    """
    for given in list(environment):
        name = given.strip(_UNSEEN).removeprefix("export ").strip()
        if _READ.fullmatch(name) and (name == given or name not in environment):
            value = environment.pop(given)
            meant = value.strip(_UNSEEN) if name == _AS_IT_IS else bare(value)
            if any([meant] if name == _AS_IT_IS else map(bare, meant.split(","))) or _EMPTY_ON_PURPOSE.fullmatch(name):
                environment[name] = meant
            elif _TOLD_IF_EMPTY.fullmatch(name):
                environment[name] = ""


def faults_in(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return, by the variable's name, a sentence for each unclear quote and each endpoint of AWS's without a scheme."""
    read = {name: value for name, value in sorted(environment.items()) if value and _READ.fullmatch(name)}
    return {name: fault for name, value in read.items() if (fault := _fault(name, value))}


def _fault(name: str, value: str) -> str | None:
    plain = value.translate(_STRAIGHT)
    if name == _AS_IT_IS and bare(value) != value:
        return f'{name} has quotes around it, which may belong to it or not. Leave them out, or write ["] for a quote.'
    if any(end in _QUOTES and plain.count(end) % 2 for end in (plain[0], plain[-1])):
        return f"{name} has a quote on one side only. Leave it out, or close it."
    if _ENDPOINT.fullmatch(name) and not value.lower().startswith(("http://", "https://")):
        return f"{name} has no http:// or https:// at its start. Write the whole address, as in http://127.0.0.1:5000."
    return None


def unquoted(text: str) -> str:
    """Return a text without any quote at its ends."""
    return text.strip("".join({*_QUOTES, *map(chr, _STRAIGHT)}))
