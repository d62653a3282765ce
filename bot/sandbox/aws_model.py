"""What botocore's model of Cognito says that a call may be given, and may answer."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator


@cache
def _cognito() -> ServiceModel:
    return botocore.session.get_session().get_service_model("cognito-idp")


def faults(operation: str, value: Mapping[str, Any], *, answers: bool = False) -> list[str]:
    """Return what is wrong with what an operation is given or, with `answers`, with what it answers."""
    model = _cognito().operation_model(operation)
    shape: Any = model.output_shape if answers else model.input_shape
    report = ParamValidator().validate(value, shape)  # members, types and lower limits
    return [report.generate_report()] if report.has_errors() else list(_beyond(value, shape, shape.name))


def _beyond(value: Any, shape: Any, name: str) -> Iterator[str]:
    """Give where a value breaks a limit that `ParamValidator` does not look at."""
    match shape.type_name:
        case "structure":
            for member, each in value.items():
                yield from _beyond(each, shape.members[member], f"{name}.{member}")
        case "list":
            for each in value:
                yield from _beyond(each, shape.member, f"{name}[]")
    size = len(value) if hasattr(value, "__len__") else value
    pattern = shape.metadata.get("pattern", "")
    if size > shape.metadata.get("max", size):
        yield f"{name} is more than {shape.metadata['max']}"
    if value not in shape.metadata.get("enum", [value]):
        yield f"{name} is not one of {shape.metadata['enum']}"
    if pattern and r"\p" not in pattern and not re.fullmatch(pattern, value):  # re has no \p
        yield f"{name} is not like {pattern}"
