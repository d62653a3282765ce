"""What people are told of an error: a sentence and a hint, and a code for the command line."""

import pytest

from bot import errors
from bot.errors import (
    BotError,
    BusyError,
    Code,
    DeniedError,
    NewerVersionError,
    NotRecordedError,
    NotYoursError,
    PoolChangedError,
    PoolUnavailableError,
    RestartingError,
    StoreUnavailableError,
    UnderWayError,
    UnknownRequestError,
    UsageError,
)

ALL = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BotError)]
OWN_WORDS = [each for each in ALL if "__init__" not in vars(each)] + [BotError]


@pytest.mark.parametrize("kind", OWN_WORDS, ids=lambda kind: kind.__name__)
def test_a_sentence_ends_as_one_and_so_does_its_hint(kind: type[BotError]) -> None:
    error = kind()
    for text in filter(None, (error.sentence, error.hint)):
        assert text[0].isupper()
        assert text.endswith(".")


def test_an_error_reads_as_its_sentence_and_its_hint() -> None:
    assert str(BotError("This was wrong.", "Do that.")) == "This was wrong. Do that."
    assert str(BotError("This was wrong.")) == "This was wrong."
    assert str(BotError()) == f"{BotError().sentence} {BotError().hint}"


def test_a_usage_line_goes_with_what_was_typed() -> None:
    error = UsageError("TARGET is missing.", "/signout TARGET")
    assert (str(error), error.usage, error.code) == ("TARGET is missing.", "/signout TARGET", Code.USAGE)


@pytest.mark.parametrize(("refused", "code"), [(True, Code.REFUSED), (False, Code.OTHER)])
def test_a_pool_that_refused_and_one_that_did_not_answer_have_different_codes(*, refused: bool, code: Code) -> None:
    error = PoolUnavailableError("Pool customers could not be asked.", "TimedOut", refused=refused)
    assert (error.code, error.error_code) == (code, "TimedOut")


def test_a_write_in_doubt_is_told_as_one() -> None:
    assert "may still happen" in str(StoreUnavailableError("away", in_doubt=True))
    assert "may still happen" not in str(StoreUnavailableError("away"))


NOT_TAKEN = [BusyError(), RestartingError(), NewerVersionError(), StoreUnavailableError("away")]
SAID_TO_A_SECOND_PRESS = [
    *NOT_TAKEN,
    BotError(),
    NotYoursError(),
    UnknownRequestError(),
    PoolChangedError(),
    UnderWayError(),
    NotRecordedError(),
    DeniedError(DeniedError.UNSURE),
    DeniedError(DeniedError.NOT_TOLD),
    StoreUnavailableError("away", in_doubt=True),
]
DENIALS = ("nothing was", "nothing has", "has done nothing", "not signed out", "no session")


@pytest.mark.parametrize("error", SAID_TO_A_SECOND_PRESS, ids=lambda error: type(error).__name__)
def test_what_a_second_press_may_be_told_does_not_deny_what_the_first_one_did(error: BotError) -> None:
    assert [words for words in DENIALS if words in str(error).lower()] == []


@pytest.mark.parametrize("error", NOT_TAKEN, ids=lambda error: type(error).__name__)
def test_a_press_that_was_not_taken_says_so_and_does_not_promise_that_an_earlier_one_was(error: BotError) -> None:
    assert "did not take this" in str(error) or "could not do this" in str(error)
    assert " before still counts." in str(error)
