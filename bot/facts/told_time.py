"""What AWS's answers say of the time, for a clock that is compared with them."""

import threading
from typing import Any

from bot.facts.clock import CheckedClock


def boto3_tells(client: Any, clock: CheckedClock) -> None:
    """Compare a clock with each answer to a client of boto3."""
    thread = threading.local()

    def before_send(**_: Any) -> None:
        thread.sent = clock.read()

    def before_parse(response_dict: Any, **_: Any) -> None:
        clock.answered(thread.sent, response_dict["headers"])

    client.meta.events.register("before-send", before_send)
    client.meta.events.register("before-parse", before_parse)
