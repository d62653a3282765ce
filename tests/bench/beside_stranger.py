"""Operators beside a hostile stranger, against operators without one: acks, and the way to the audit channel."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.sides import say, verdict

STRANGERS = Path(__file__).parent / "strangers.py"
ACK_LIMIT, CHANNEL_LIMIT = 5.0, 3.0


@dataclass(frozen=True, kw_only=True)
class Attack:
    """So many hostile commands a second, for so many seconds, of so many people; and how long to look on afterwards."""

    rate: float
    seconds: float
    people: int
    afterwards: float


def compare_with_stranger(here: Path, against: Path | None, attack: Attack) -> bool:
    """Measure this checkout, and another one to look at; return whether this one is within the limits."""
    if against:
        _ratios("The other checkout", against, attack)
    acks, channel = _ratios("This checkout", here, attack)
    is_within = verdict("Ack of an operator beside a stranger, p99", acks, ACK_LIMIT)
    return verdict("Press to the audit channel beside a stranger, p90", channel, CHANNEL_LIMIT) and is_within


def _ratios(name: str, checkout: Path, attack: Attack) -> tuple[float, float]:
    """Return how many times longer an ack (p99) and the way to the channel (p90) took beside the stranger."""
    without, beside = (_measure(checkout.resolve(), each) for each in (replace(attack, rate=0.0), attack))
    for side, times in (("without a stranger", without), ("beside a stranger", beside)):
        sent = f", {times['hostile']} hostile commands" if times["hostile"] else ""
        say(f"{name}, {side}: {times['tried']} sign-outs, {times['turned_away']} of them turned away{sent}")
        for what in ("acks", "channel"):
            shares = (0.5, 0.9, 0.99)
            p50, p90, p99 = (1000 * _quantile(times[what], share) for share in shares)
            say(f"  {what}: median {p50:,.1f} ms, p90 {p90:,.1f} ms, p99 {p99:,.1f} ms")
    acks, channel = (
        _quantile(beside[what], share) / _quantile(without[what], share)
        for what, share in (("acks", 0.99), ("channel", 0.9))
    )
    say(f"{name}: acks {acks:.2f}x (p99), to the audit channel {channel:.2f}x (p90)")
    return acks, channel


def _measure(checkout: Path, attack: Attack) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, STRANGERS, *(f"--{name}={value}" for name, value in asdict(attack).items())],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (checkout / "tests", checkout)))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return times


def _quantile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(int(share * len(seconds)), len(seconds) - 1)]
