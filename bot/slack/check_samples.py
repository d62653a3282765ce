"""Shows Slack a sample of everything that the bot can show, so that a change of Slack's rules is seen in time."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from bot.facts.duration import retry_after
from bot.facts.finding import Finding
from bot.slack.check_workspace import Answer, ask
from bot.slack.clients import UNSAID, BlockingClient
from bot.slack.text import Drawn, Message

ALL = "cards, forms and messages"
SECONDS = 45.0  # for all calls, and for what Slack asks to wait: its limit for this method is nowhere in figures
MOST_BLOCKS, MOST_CHARACTERS = 50, 12_000  # in one message
MOST_FAULTS, LONGEST_FAULT = 3, 300
_FAULTY = frozenset({"invalid_blocks", "invalid_message", "invalid_view"})
_UNKNOWN = frozenset({"unknown_method", "method_deprecated", "deprecated_endpoint"})
_FIX = (
    "Slack may show it no longer. Update the bot; where this is the newest version, please report this line. To be "
    "sure, try it in Slack."
)


class NotValidatedError(Exception):
    """Slack did not say whether it takes something; the argument says why."""


Samples = Mapping[str, Message | Drawn]  # by their names; a form is its view


@dataclass
class Validation:
    """Calls of blocks.validate, which end in time. It needs no scope, and posts nothing."""

    client: BlockingClient
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    calls: int = 0

    def __post_init__(self) -> None:
        """Begin the time that there is for all calls."""
        self.until = self.now() + SECONDS

    def faults(self, **sent: Any) -> list[str]:
        """Return what Slack finds wrong with a `message` or a `view`. Raises `NotValidatedError`."""
        while self.now() < self.until:
            self.calls += 1
            answer = ask(lambda: self.client.blocks_validate(**sent))
            if not answer.trouble:
                return []
            if answer.trouble in _FAULTY:
                return _said(answer)
            if answer.trouble in _UNKNOWN:
                raise NotValidatedError(f"this Slack has no blocks.validate ({answer.trouble})")
            if answer.trouble != "ratelimited":
                raise NotValidatedError(answer.trouble)
            pause = (retry_after(answer.headers) or UNSAID).total_seconds()
            if self.now() + pause >= self.until:
                raise NotValidatedError("ratelimited; run the check again in a few minutes")
            self.wait(pause)
        raise NotValidatedError("no answers in time")


def try_samples(validation: Validation, samples: Samples) -> Iterator[Finding]:
    """Name each sample that Slack finds fault with; where there is none, say how many it takes."""
    taken = asked = 0
    try:
        for name, faults in _asked(validation, samples):
            asked, taken = asked + 1, taken + (not faults)
            if faults:
                yield Finding(name, "missing", f"Slack finds fault with {'; with '.join(faults)}.", _FIX)
    except NotValidatedError as error:
        sentence = f"not tried: {len(samples) - asked} of {len(samples)} were not shown to Slack ({error})"
        yield Finding(ALL, "not tried", sentence)
    if taken == len(samples):
        yield Finding(ALL, "ok", f"Slack takes all {taken} ({validation.calls} calls of blocks.validate)")


def _asked(validation: Validation, samples: Samples) -> Iterator[tuple[str, list[str]]]:
    """Give what is wrong with each. Where Slack does not take messages together, it is asked about each by itself."""
    for batch in _batches(samples):
        together = {"blocks": [*chain(*batch.values())]}  # Slack takes no `text` here
        is_taken = len(batch) > 1 and not validation.faults(message=together)
        for name, blocks in batch.items():
            yield name, [] if is_taken else validation.faults(message={"blocks": blocks})
    for name, each in samples.items():
        if not isinstance(each, Message):
            yield name, validation.faults(view=each)


def _batches(samples: Samples) -> list[dict[str, list[Drawn]]]:
    """Put the blocks of messages together, as many as make one message that Slack would take."""
    batches = list[dict[str, list[Drawn]]]()
    for name, each in samples.items():
        if isinstance(each, Message):
            batch = next((batch for batch in batches if _fits([*chain(*batch.values()), *each.blocks])), None)
            if batch is None:
                batches.append(batch := {})
            batch[name] = each.blocks
    return batches


def _fits(blocks: list[Drawn]) -> bool:
    is_short = len(blocks) <= MOST_BLOCKS and len(json.dumps(blocks)) <= MOST_CHARACTERS
    return is_short and len(set(once := [*_only_once(blocks)])) == len(once)


def _only_once(drawn: Any) -> Iterator[str]:
    """Give what a message may have only once: each id, and a table."""
    if isinstance(drawn, dict):
        yield from (str(drawn[name]) for name in ("action_id", "block_id") if name in drawn)
        yield from ["a table"] if drawn.get("type") in {"table", "data_table"} else []
    for inner in drawn.values() if isinstance(drawn, dict) else drawn if isinstance(drawn, list) else ():
        yield from _only_once(inner)


def _said(answer: Answer) -> list[str]:
    """Return what is wrong and where, in Slack's words, cut where they are many."""
    errors = answer.body.get("errors")
    found = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    said = [_in_words(each)[:LONGEST_FAULT] for each in found[:MOST_FAULTS]]
    more = [f"{len(found) - MOST_FAULTS} places more"] if len(found) > MOST_FAULTS else []
    return [*said, *more] or [f"it, without saying where ({answer.trouble})"]


def _in_words(error: Mapping[str, Any]) -> str:
    rule = f", {json.dumps(error['constraint'])}" if error.get("constraint") else ""
    return f"{error.get('pointer')}: {error.get('message')} ({error.get('code')}{rule})"
