"""How long to wait before something is tried again."""

from datetime import timedelta

import pytest

from bot.backoff import pause


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10**9, 300)])
def test_a_pause_doubles_up_to_five_minutes(failures: int, seconds: int) -> None:
    assert pause(failures) == timedelta(seconds=seconds)
