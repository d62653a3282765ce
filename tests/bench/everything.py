"""All rows of the table, one after the other, and the chart."""

import sys
import time
from argparse import Namespace
from pathlib import Path

from bench.backlog import backlog
from bench.chart import chart
from bench.flatness import Side, history
from bench.latency import acks, far, here
from bench.reading import read_meanwhile
from bench.rows import Row, progress, table
from bench.sides import say
from bench.starting import starts
from bot.sandbox.cognito import Moto


def measure(options: Namespace) -> None:
    """Measure, print the table, and write the chart."""
    begun, moto = time.monotonic(), Moto()
    rounds, sign_outs = options.rounds, options.sign_outs
    found: list[Row | Side] = []
    try:
        with read_meanwhile(moto, rounds, options.reading) as read:
            found += acks(moto, rounds, options.acks)
            found += here(moto, rounds, sign_outs)
            found += far(moto, rounds, sign_outs)
            place = len(found) - 1
            found += starts(moto, rounds)
            if sys.platform == "linux":
                found += history(moto, rounds, options)
            else:
                progress("processor time is measured on Linux only: rows about it are left out")
            found += backlog(rounds, options.backlog)
            found.insert(place, read())
    finally:
        moto.stop()
    rows = [each for each in found if isinstance(each, Row)]
    _write(options.chart, chart(rows, [each for each in found if isinstance(each, Side)]))
    say(table(rows))
    progress(f"{options.chart} has the chart. It took {time.monotonic() - begun:.0f} s")


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
