"""Curves of a lab's measurement, laid out for a page that holds no script."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.labs.model import Curve

WIDTH, HEIGHT = 440, 130
_MOST = 300  # numbers of a line that are drawn


@dataclass(frozen=True)
class Drawn:
    """A curve on a page.

    Attributes:
        curve: what is drawn.
        lines: the name of each line, its dash pattern, and its points as SVG has them.
        low: the number at the bottom.
        high: the number at the top.
        said: the same in words.
    """

    curve: Curve
    lines: Sequence[tuple[str, str, str]]
    low: float
    high: float
    said: str


def draw(curve: Curve) -> Drawn | None:
    """Lay a curve out; None where it has no two numbers to draw.

    >>> drawn = draw(Curve("Loss", "step", {"relu": [2.0, 1.0, 0.5]}))
    >>> drawn.lines[0][2], drawn.said
    ('0,0 220,86.7 440,130', 'relu: from 2 to 0.5.')
    """
    shown = {name: _finite(line) for name, line in curve.lines.items()}
    shown = {name: line for name, line in shown.items() if len(line) > 1}
    numbers = [number for line in shown.values() for number in line]
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    scale = HEIGHT / (high - low) if high > low else 0.0
    lines = []
    for place, (name, line) in enumerate(shown.items()):
        step = WIDTH / (len(line) - 1)
        points = [
            f"{i * step:.4g},{(high - y) * scale:.3g}" for i, y in enumerate(line)
        ]
        dashes = ("none", "6 3", "2 3", "10 3 2 3")[place % 4]
        lines.append((name, dashes, " ".join(points)))
    said = "; ".join(f"{n}: from {v[0]:.3g} to {v[-1]:.3g}" for n, v in shown.items())
    return Drawn(curve, lines, low, high, f"{said}.")


def _finite(line: Sequence[float]) -> list[float]:
    every = max(1, math.ceil(len(line) / _MOST))
    return [y for y in line[::every] if math.isfinite(y)]
