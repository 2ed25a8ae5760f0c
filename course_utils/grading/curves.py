"""Curves of a lab's measurement, laid out for a page that holds no script."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.labs.model import Curve

WIDTH, HEIGHT = 440, 160
_MOST = 300  # numbers of a line that are drawn
# "layers, from 1 to 50": what stands at both ends of the axis.
_ENDS = re.compile(r"(.*), from (-?\d+) to (-?\d+)")
_DASHES = ("none", "6 3", "2 3", "10 3 2 3", "16 4", "1 7", "4 9", "10 2 2 2 2 2")


@dataclass(frozen=True)
class Drawn:
    """A curve on a page.

    Attributes:
        curve: what is drawn.
        lines: the name of each line, its dash pattern, and its points as SVG has them.
        columns: places on the axis across, and the numbers there.
        rows: places on the axis upwards, and the numbers there.
        across: what the axis across counts.
        said: the same in words.
    """

    curve: Curve
    lines: Sequence[tuple[str, str, str]]
    columns: Sequence[tuple[float, str]]
    rows: Sequence[tuple[float, str]]
    across: str
    said: str


def draw(curve: Curve) -> Drawn | None:
    """Lay a curve out; None where it has no two numbers to draw.

    >>> drawn = draw(Curve("Loss", "step", {"relu": [2.0, 1.0, 0.5]}))
    >>> drawn.lines[0][2], drawn.said
    ('0,0 220,107 440,160', 'relu: from 2 to 0.5.')
    >>> drawn.columns, [label for _, label in drawn.rows]
    ([(0.0, '1'), (220.0, '2'), (440.0, '3')], ['0.5', '1', '1.5', '2'])
    """
    shown = {name: _finite(line) for name, line in curve.lines.items()}
    shown = {name: line for name, line in shown.items() if len(line) > 1}
    numbers = [y for line in shown.values() for _, y in line]
    if not numbers:
        return None
    rows = ticks(*_apart(min(numbers), max(numbers)))
    low, high = rows[0], rows[-1]
    last = max(x for line in shown.values() for x, _ in line)
    lines = []
    for place, (name, line) in enumerate(shown.items()):
        points = [
            f"{x / last * WIDTH:.4g},{(high - y) / (high - low) * HEIGHT:.3g}"
            for x, y in line
        ]
        lines.append((name, _DASHES[place % len(_DASHES)], " ".join(points)))
    up = [((high - y) / (high - low) * HEIGHT, f"{y:g}") for y in rows]
    across, first, end = curve.across, 1, last + 1
    if found := _ENDS.fullmatch(across):
        across, first, end = found[1], int(found[2]), int(found[3])
    said = "; ".join(
        f"{n}: from {v[0][1]:.3g} to {v[-1][1]:.3g}" for n, v in shown.items()
    )
    return Drawn(curve, lines, _columns(first, end), up, across, f"{said}.")


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from below the lower to above the higher one.

    >>> ticks(0.71, 0.93)
    [0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    """
    least = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(least))
    step = next(f * size for f in (1, 2, 5, 10, 20) if f * size >= least * 0.999)
    first = math.floor(low / step + 1e-9)
    count = math.ceil(high / step - 1e-9) - first
    return [float(f"{(first + number) * step:.9g}") for number in range(count + 1)]


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis; where all numbers are one, it has room on both sides.

    >>> _apart(2.0, 2.0)
    (1.8, 2.2)
    """
    most = max(abs(low), abs(high))
    if high - low > max(1e-6 * most, 1e-100):
        return low, high
    room = most / 10 if most > 1e-9 else 1.0
    return low - room, high + room


def _columns(first: int, last: int) -> list[tuple[float, str]]:
    """Return the first number and the round ones up to the last, with their places."""
    whole = [int(n) for n in ticks(first, last) if n == int(n) and first < n <= last]
    places = [(n - first) / (last - first) * WIDTH for n in (first, *whole)]
    return list(zip(places, map(str, (first, *whole)), strict=True))


def _finite(line: Sequence[float]) -> list[tuple[int, float]]:
    """Return places and numbers, some of very many; none that an axis can't hold."""
    every = max(1, math.ceil(len(line) / _MOST))
    kept = list(enumerate(line))[::every]
    return [(x, y) for x, y in kept if abs(y) < 1e100]
