"""`aws cognito-idp admin-user-global-sign-out` and its parameters, after botocore's own model of them."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import re2  # type: ignore[import-untyped]  # it ships no types
import yaml
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape
from botocore.utils import ArgumentGenerator
from botocore.validate import ParamValidator

from bot.errors import UsageError
from bot.facts.aws_cli import DOCUMENTS, SKELETON

MAX_DOCUMENT = 1_024  # characters; two strings need a third of it
MAX_TOKENS = 40  # of a YAML document: two names and their values are 12. For each one PyYAML looks at all open brackets
MAX_SENTENCE = 400
_SKELETONS = (None, "input", "yaml-input", "output")
_ADDRESS = re.compile(r"(?:fileb?|https?)://", re.IGNORECASE)


class AwsSpelling:
    """Its `read` is a `Spelling`. `read_file` reads documents given as `file://PATH`; without it, none is followed."""

    def __init__(self, read_file: Callable[[str], str] | None = None) -> None:
        model = ServiceModel(Loader().load_service_model("cognito-idp", "service-2"))
        shape = model.operation_model("AdminUserGlobalSignOut").input_shape
        if not isinstance(shape, StructureShape):
            raise TypeError("botocore's model has no parameters for this operation")
        self._shape = shape
        self._members = {xform_name(member, "-"): member for member in shape.members}
        self._read_file = read_file

    def read(self, given: Mapping[str, str]) -> tuple[str, str] | str:
        """Return the user pool's id and the user name, or the text of the skeleton that was asked for."""
        form = given.get(SKELETON)
        if form not in _SKELETONS:
            raise UsageError(f"--{SKELETON} takes one of: {', '.join(filter(None, _SKELETONS))}.")
        values = {member: self._text(name, given[name]) for name, member in self._members.items() if name in given}
        parameters = self._document(given) | values
        if form in ("input", "yaml-input"):
            return self._skeleton(form)
        missing = [f"--{option}" for option, member in self._members.items() if member not in parameters]
        if missing and given.keys().isdisjoint(DOCUMENTS):
            raise UsageError(f"The following arguments are required: {', '.join(missing)}.")
        self._check(parameters)
        pool_id, username = str(parameters["UserPoolId"]), str(parameters["Username"])
        return "" if form else (pool_id, username)

    def _document(self, given: Mapping[str, str]) -> dict[str, Any]:
        options = [option for option in DOCUMENTS if option in given]
        if not options:
            return {}
        if len(options) > 1:
            raise UsageError("Only one --cli-input- parameter may be specified.")
        text = self._text(options[0], given[options[0]])
        if len(text) > MAX_DOCUMENT:
            raise UsageError(f"The document of --{options[0]} is longer than {MAX_DOCUMENT:,} characters.")
        parameters = _from_json(text) if options == ["cli-input-json"] else _from_yaml(text)
        if not isinstance(parameters, dict):
            raise UsageError(f"The document of --{options[0]} must hold parameters by name.")
        return parameters

    def _text(self, option: str, value: str) -> str:
        if not _ADDRESS.match(value):
            return value
        if self._read_file and option in DOCUMENTS and value.startswith("file://"):
            return self._read_file(value.removeprefix("file://"))
        raise UsageError(f"--{option} takes the value itself: files and addresses are not followed.")

    def _skeleton(self, form: str) -> str:
        skeleton = ArgumentGenerator().generate_skeleton(self._shape)
        if form == "input":
            return json.dumps(skeleton, indent=4)
        lines = {member: yaml.safe_dump({member: value}).strip() for member, value in skeleton.items()}
        return "\n".join(f"{line}  # {self._comment(member)}" for member, line in lines.items())

    def _comment(self, member: str) -> str:
        documentation = re.sub(r"<[^>]*>", "", self._shape.members[member].documentation)
        overview = f"{documentation.partition('. ')[0].rstrip('.')}."
        return f"[REQUIRED] {overview}" if member in self._shape.required_members else overview

    def _check(self, parameters: Mapping[str, Any]) -> None:
        faults = ParamValidator().validate(parameters, self._shape).generate_report().replace("\n", "; ")
        if not faults:
            limits = [_limits(name, value, self._shape.members[name]) for name, value in parameters.items()]
            faults = "; ".join(filter(None, limits))
        if faults:
            cut = faults if len(faults) <= MAX_SENTENCE else f"{faults[:MAX_SENTENCE]}…"
            raise UsageError(f"Parameter validation failed: {cut}")


def _limits(member: str, value: str, shape: Shape) -> str | None:
    """Say what is wrong of what botocore's validator leaves to the service."""
    longest, pattern = shape.metadata.get("max"), shape.metadata.get("pattern")
    if longest is not None and len(value) > longest:
        return f"Invalid length for parameter {member}, value: {len(value)}, valid max length: {longest}"
    # Python's own expressions know no Unicode categories. Half a character is of none.
    if pattern and not re2.fullmatch(pattern, value.encode("utf-8", "surrogatepass")):
        hint = " (no blanks, nothing invisible)" if r"\p{" in pattern else ""
        return f"Invalid value for parameter {member}, valid pattern: {pattern}{hint}"
    return None


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise UsageError("Error parsing parameter 'cli-input-json': Invalid JSON received.") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise UsageError("The document names a parameter twice.")
    return dict(pairs)


class _PlainLoader(yaml.SafeLoader):
    """Takes no aliases, with which a short document can stand for an endless one, and no name twice.

    It reads no more than `MAX_TOKENS`: what comes after them costs nothing.
    """

    def fetch_more_tokens(self) -> None:
        if self.tokens_taken + len(self.tokens) > MAX_TOKENS:
            raise UsageError("The document has more in it than two parameters, or is nested too deeply.")
        super().fetch_more_tokens()

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise UsageError("The document must not use aliases.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        # -- PyYAML's own signature
        _once_each([(str(key.value), None) for key, _ in node.value])
        return super().construct_mapping(node, deep)


def _from_yaml(text: str) -> Any:
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 -- it is a SafeLoader
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        # Some of YAML's scalars raise what their Python type raises.
        raise UsageError("Error parsing parameter 'cli-input-yaml': Invalid YAML received.") from None
