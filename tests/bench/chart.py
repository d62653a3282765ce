"""The chart, as SVG: how long people wait, beside each floor; and what a sign-out costs against the age of a store."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.flatness import Side
from bench.rows import Row, quantile

WIDTH, LEFT, RIGHT = 760, 250, 735
BOT, FLOOR, INK, LINE = "#1f6feb", "#8c959f", "#1f2328", "#d0d7de"
ROW_HEIGHT, PLOT_HEIGHT = 46, 150
TICKS = (1, 3, 10, 30, 100, 300, 1000, 3000)


def chart(rows: Sequence[Row], sides: Sequence[Side]) -> str:
    """Return the chart of these rows (those with samples), and of a store's size (where that was measured)."""
    timed = [row for row in rows if row.samples[0]]
    below = 40 + len(timed) * ROW_HEIGHT + 40
    height = below + (PLOT_HEIGHT + 90 if sides else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(15, 22, "How long it takes, in ms: line 5 % to 95 %, box the middle half, mark the median"),
        _text(RIGHT, 22, "bot", BOT, "end"),
        _text(RIGHT - 30, 22, "floor", FLOOR, "end"),
        *_waits(timed, 40),
        *(_sizes(sides, below + 20) if sides else ()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _waits(rows: Sequence[Row], top: int) -> Iterator[str]:
    values = [value for row in rows for side in row.samples for value in side]
    low, high = math.log10(min(values) * 0.8), math.log10(max(values) * 1.2)

    def x(milliseconds: float) -> float:
        return LEFT + (math.log10(milliseconds) - low) / (high - low) * (RIGHT - LEFT)

    bottom = top + len(rows) * ROW_HEIGHT
    for tick in (tick for tick in TICKS if low <= math.log10(tick) <= high):
        yield _line((x(tick), top), (x(tick), bottom), LINE)
        yield _text(x(tick), bottom + 16, f"{tick:,}", anchor="middle")
    for number, row in enumerate(rows):
        middle = top + number * ROW_HEIGHT + ROW_HEIGHT / 2
        head, _, rest = row.what.removesuffix(", p99").partition(", ")
        yield _text(LEFT - 10, middle - 2, head, anchor="end")
        yield _text(LEFT - 10, middle + 13, rest, FLOOR, "end")
        for samples, colour, y in zip(row.samples, (BOT, FLOOR), (middle - 9, middle + 9), strict=True):
            yield from _box([x(quantile(samples, share)) for share in (0.05, 0.25, 0.5, 0.75, 0.95)], y, colour)


def _box(at: Sequence[float], y: float, colour: str) -> Iterator[str]:
    yield _line((at[0], y), (at[4], y), colour, 1.5)
    yield (
        f'<rect x="{at[1]:.1f}" y="{y - 5:.1f}" width="{max(at[3] - at[1], 1):.1f}" height="10" fill="{colour}" '
        'fill-opacity="0.35"/>'
    )
    yield _line((at[2], y - 7), (at[2], y + 7), colour, 2.5)


def _sizes(sides: Sequence[Side], top: int) -> Iterator[str]:
    yield _text(15, top, "What it costs against the number of old requests in the store: processor time in ms")
    lines = (
        ("for a sign-out", BOT, [side.sign_out for side in sides]),
        ("each second while idle", INK, [side.idle for side in sides]),
    )
    most = 2 * math.ceil(max(max(values) for _, _, each in lines for values in each) / 2)
    bottom = top + 20 + PLOT_HEIGHT
    xs = [LEFT + (number + 0.5) * (RIGHT - LEFT) / len(sides) for number in range(len(sides))]
    yield _line((LEFT, bottom), (RIGHT, bottom), INK)
    for tick in (0, most // 2, most):
        yield _text(LEFT - 10, bottom - tick / most * PLOT_HEIGHT + 4, f"{tick}", anchor="end")
    for x, side in zip(xs, sides, strict=True):
        yield _text(x, bottom + 16, f"{side.requests:,}", anchor="middle")
    for name, colour, each in lines:
        middles = [bottom - quantile(values, 0.5) / most * PLOT_HEIGHT for values in each]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, middles, strict=True))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, values in zip(xs, each, strict=True):
            ends = [bottom - value / most * PLOT_HEIGHT for value in (min(values), max(values))]
            yield _line((x, ends[0]), (x, ends[1]), colour, 4)
        yield _text(15, middles[0] + 4, name, colour)


def _text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start") -> str:
    at = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {at} fill="{colour}" text-anchor="{anchor}" font-size="12">{escape(words)}</text>'


def _line(begin: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1) -> str:
    at = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {at} stroke="{colour}" stroke-width="{width:g}"/>'
