"""What can be done to an account. An action is a list of steps, each a call of Cognito. To add one, add a row here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Step(StrEnum):
    """One call that changes an account. Its value is AWS's name of the operation."""

    SIGN_OUT = "AdminUserGlobalSignOut"

    @property
    def permission(self) -> str:
        """The IAM action that allows it."""
        return f"cognito-idp:{self}"


@dataclass(frozen=True, slots=True)
class Done:
    """Cognito said yes."""

    aws_request_id: str | None
    may_retry: ClassVar = False
    sent: ClassVar = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The call did nothing: Cognito, or AWS in front of it, definitely said no, or it was never `sent`."""

    code: str
    aws_request_id: str | None
    may_retry: bool = False
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Unclear:
    """The call got no clear answer: it may or may not have been carried out."""

    code: str
    aws_request_id: str | None = None
    may_retry: ClassVar = True
    sent: ClassVar = True


Answer = Done | Refused | Unclear


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Its steps, in their order, and its words. `outcome` is the word for "all done"; people's scripts read it."""

    steps: tuple[Step, ...]
    outcome: str
    button: str
    question: str
    running: str
    done: str
    partly: str
    failed: str
    unknown: str


ACTIONS: Mapping[str, Action] = {
    "sign_out": Action(
        steps=(Step.SIGN_OUT,),
        outcome="signed_out",
        button="Sign out",
        question="Sign this user out of all devices?",
        running="Signing out",
        done="Signed out",
        partly="Partly signed out",
        failed="Not signed out",
        unknown="Not known whether signed out",
    ),
}
