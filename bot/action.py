"""What can be done to an account. An action is a list of steps, each a call of Cognito. To add one, add a row here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Step(StrEnum):
    """One call that changes an account. Its value is AWS's name of the operation."""

    SIGN_OUT = "AdminUserGlobalSignOut"
    DISABLE = "AdminDisableUser"
    ENABLE = "AdminEnableUser"
    RESET_PASSWORD = "AdminResetUserPassword"  # noqa: S105 -- an operation, no password
    END_SESSION = "AdminRevokeUserSession"
    END_SESSIONS = "AdminListUserSessions"  # with AdminRevokeUserSession for each that is left, and listed once more


# What is said of each step once it was done, once it is certain that it was not done, and while neither is known.
WORDS: Mapping[Step, tuple[str, str, str]] = {
    Step.SIGN_OUT: ("Signed out", "Not signed out", "Not known whether signed out"),
    Step.DISABLE: ("Disabled", "Not disabled", "Not known whether disabled"),
    Step.ENABLE: ("Enabled", "Not enabled", "Not known whether enabled"),
    Step.END_SESSION: ("Session ended", "Session not ended", "Not known whether the session was ended"),
    Step.END_SESSIONS: ("Sessions ended", "Not all sessions ended", "Not known whether all sessions were ended"),
    Step.RESET_PASSWORD: ("Password reset", "Password not reset", "Not known whether the password was reset"),
}


@dataclass(frozen=True, slots=True)
class Done:
    """Cognito said yes; `at`: when, by its own clock, in whole seconds."""

    aws_request_id: str | None
    at: datetime | None = None
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
    """Its steps, in their order, and its words. `outcome` is the word for "all done"; people's scripts read it.

    `may` comes after "you may", `effect` says what it does, `nothing` that no step was done.
    """

    steps: tuple[Step, ...]
    outcome: str
    may: str
    button: str
    question: str
    effect: str
    running: str
    done: str
    nothing: str = "Nothing was changed."


SIGN_OUT, END_SESSION = "sign_out", "end_session"
ACTIONS: Mapping[str, Action] = {
    SIGN_OUT: Action(
        steps=(Step.SIGN_OUT,),
        outcome="signed_out",
        may="sign people out",
        button="Sign out",
        question="Sign this user out of all devices?",
        effect="Every device has to sign in again, and can do so at once.",
        running="Signing out",
        done="Signed out",
        nothing="No session was ended.",
    ),
    # In this order: between the steps of the other one, a thief could sign in again.
    "keep_out": Action(
        steps=(Step.DISABLE, Step.SIGN_OUT),
        outcome="kept_out",
        may="keep people out",
        button="Keep out",
        question="Keep this user out?",
        effect="This disables the account, so that no one can sign in with it, and signs every device out.",
        running="Keeping out",
        done="Kept out",
    ),
    "let_in": Action(
        steps=(Step.ENABLE,),
        outcome="let_in",
        may="let people back in",
        button="Let back in",
        question="Let this user back in?",
        effect="This enables the account, so that its user can sign in again.",
        running="Enabling the account of",
        done="Let back in",
    ),
    "new_password": Action(
        steps=(Step.RESET_PASSWORD, Step.SIGN_OUT),
        outcome="password_reset",
        may="make people set a new password",
        button="New password",
        question="Make this user set a new password?",
        effect="This makes the password invalid, and signs every device out. Cognito sends a code to set a new one.",
        running="Resetting the password of",
        done="Password reset",
    ),
    END_SESSION: Action(
        steps=(Step.END_SESSION,),
        outcome="session_ended",
        may="end single sessions",
        button="End this session",
        question="End this session?",
        effect="The session ends, and what came through it. All others go on.",
        running="Ending a session of",
        done="Session ended",
    ),
}
OTHERS = tuple(action for action in ACTIONS if action not in {SIGN_OUT, END_SESSION})  # each is allowed by its own list
# What a pool that tracks sessions is asked for beside the look-up.
SESSION_CALLS = ("GetUserPoolSessionConfiguration", str(Step.END_SESSIONS), str(Step.END_SESSION))


def ends_tokens(done: Collection[str]) -> bool:
    """Whether one of these steps ends tokens, which some apps go on accepting."""
    return Step.SIGN_OUT in done or Step.END_SESSION in done


def came_of(steps: Sequence[Step], done: Sequence[str], *, in_doubt: bool, sessions_listed: bool = True) -> str:
    """Return what came of the steps of an action, in words; `in_doubt`: the first one that is not done may be.

    `sessions_listed`: Cognito listed the sessions that are left.
    """
    said = []
    for step in steps:
        is_done, is_not, not_known = WORDS[step]
        is_not = is_not if sessions_listed or step is not Step.END_SESSIONS else "Sessions not checked"
        said.append(is_done if step in done else not_known if in_doubt else is_not)
        in_doubt = in_doubt and step in done
    return ". ".join(said)
