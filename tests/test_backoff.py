"""How long to wait before something is tried again."""

from datetime import timedelta

import pytest

from bot.backoff import pause, retry_after


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10**9, 300)])
def test_a_pause_doubles_up_to_five_minutes(failures: int, seconds: int) -> None:
    assert pause(failures) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("31536000", 300),
        ("99999999999999", 300),
        ("1e300", 300),
        ("inf", None),
        ("nan", None),
        ("-1", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_believed_up_to_five_minutes_and_where_it_is_a_number(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header) == (None if seconds is None else timedelta(seconds=seconds))
