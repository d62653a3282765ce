"""What each action does and what is said of it, written once more: it is still known here where a rule was broken."""

from collections.abc import Iterator, Mapping

from bot.request import State

SIGN_OUT, DISABLE, ENABLE, RESET = (
    *("AdminUserGlobalSignOut", "AdminDisableUser", "AdminEnableUser"),
    "AdminResetUserPassword",
)
STEPS: Mapping[str, tuple[str, ...]] = {
    "sign_out": (SIGN_OUT,),
    "keep_out": (DISABLE, SIGN_OUT),
    "let_in": (ENABLE,),
    "new_password": (RESET, SIGN_OUT),
}
# Of each step: what is said once it was done, where it was not, and where no one knows.
_WORDS: Mapping[str, tuple[str, str, str]] = {
    SIGN_OUT: ("Signed out", "Not signed out", "Not known whether signed out"),
    DISABLE: ("Disabled", "Not disabled", "Not known whether disabled"),
    ENABLE: ("Enabled", "Not enabled", "Not known whether enabled"),
    RESET: ("Password reset", "Password not reset", "Not known whether the password was reset"),
}
_ALL_DONE = {
    "sign_out": "Signed out",
    "keep_out": "Kept out",
    "let_in": "Let back in",
    "new_password": "Password reset",
}


def _titles() -> Iterator[tuple[str, str, State, tuple[str, ...], tuple[str, ...]]]:
    for action, steps in STEPS.items():
        yield action, _ALL_DONE[action], State.DONE, steps, ()
        for number in range(len(steps)):
            said = [_WORDS[step][step not in steps[:number]] for step in steps]
            state = State.PARTLY if number else State.FAILED
            yield action, ". ".join(said), state, steps[:number], steps[number:]
            said[number] = _WORDS[steps[number]][2]
            yield action, ". ".join(said), State.UNKNOWN, steps[:number], steps[number + 1 :]


# By action and title: the state, the steps that it says were done, and those that it says were not.
TITLES: Mapping[tuple[str, str], tuple[State, tuple[str, ...], tuple[str, ...]]] = {
    (action, title): (state, done, left) for action, title, state, done, left in _titles()
}


def title_in(text: str) -> str | None:
    """Return the title of an outcome's message, without its sign, or the note before it; None for another message."""
    for line in text.split("\n")[:2]:
        said, colon, _ = line.partition(": ")
        title = said if said[:1].isascii() else said.partition(" ")[2]
        if colon and any(title == each for _, each in TITLES):
            return title
    return None
