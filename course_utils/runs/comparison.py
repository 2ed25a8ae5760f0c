"""What the runs of a lesson measured, side by side, with a picture over them."""

import html
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.runs.model import Result, readable

# More runs than these are summed up: a column for each would fill no screen.
_MOST_COLUMNS = 8
_WIDTH, _HEIGHT, _EDGE = 120, 30, 4  # pixels


@dataclass(frozen=True)
class Line:
    """One thing measured: its expected range, and its value in each run.

    A value is None where a run does not have it.
    """

    name: str
    low: float
    high: float
    values: list[float | None]

    @property
    def known(self) -> list[float]:
        """The values that are there."""
        return [value for value in self.values if value is not None]

    @property
    def summary(self) -> list[float]:
        """The smallest, the median and the largest value, and how many are outside."""
        known = [value for value in self.known if not math.isnan(value)] or [math.nan]
        outside = sum(map(self.outside, self.known))
        return [min(known), statistics.median(known), max(known), outside]

    def outside(self, value: float) -> bool:
        """Return whether a value lies outside the expected range."""
        return not self.low <= value <= self.high  # nan lies nowhere

    @property
    def picture(self) -> str:
        """An SVG: a dot for each run, over a band that is the expected range.

        >>> Line("a", 0.0, 1.0, [0.5, None]).picture  # doctest: +ELLIPSIS
        '<svg class="runs" ... aria-label="1 of 1 in the range"><rect .../></svg>'
        """
        finite = [value for value in self.known if math.isfinite(value)]
        bottom, top = min([self.low, *finite]), max([self.high, *finite])

        def height(value: float) -> float:
            share = (value - bottom) / (top - bottom) if top > bottom else 0.5
            return round(_HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE), 1)

        step = (_WIDTH - 2 * _EDGE) / max(1, len(self.values) - 1)
        dots = "".join(
            f'<circle cx="{_EDGE + index * step:.1f}" cy="{height(value)}" r="2.5"'
            + (' class="out"/>' if self.outside(value) else "/>")
            for index, value in enumerate(self.values)
            if value is not None and math.isfinite(value)
        )
        band = max(1.0, height(self.low) - height(self.high))
        held = len(self.known) - sum(map(self.outside, self.known))
        said = html.escape(f"{held} of {len(self.known)} in the range")
        return (
            f'<svg class="runs" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
            f'aria-label="{said}"><rect x="0" y="{height(self.high)}" '
            f'width="{_WIDTH}" height="{band}"/>{dots}</svg>'
        )


@dataclass(frozen=True)
class Comparison:
    """What several runs of one lesson measured: a line for each thing."""

    lesson: str
    runs: list[str]
    lines: list[Line]

    @property
    def wide(self) -> bool:
        """Whether each run has a column."""
        return len(self.runs) <= _MOST_COLUMNS


def compare(results: Sequence[Result]) -> list[Comparison]:
    """Return what each lesson measured in these runs.

    >>> from pathlib import Path
    >>> from course_utils.runs.model import Task
    >>> said = {"name": "loss", "values": [0.1], "runs": [], "low": 0, "high": 1}
    >>> tasks = [Task(f"a{n}", Path("a.ipynb"), {"seed": n}) for n in (0, 1)]
    >>> compare([Result(task, measured=(said,)) for task in tasks])[0].runs
    ['seed=0', 'seed=1']
    """
    by_lesson: dict[str, list[Result]] = {}
    for result in results:
        if result.measured:
            by_lesson.setdefault(result.task.lesson, []).append(result)
    return [_compare(lesson, runs) for lesson, runs in by_lesson.items()]


def _compare(lesson: str, results: Sequence[Result]) -> Comparison:
    lines: dict[str, Line] = {}
    for index, result in enumerate(results):
        seen: dict[str, int] = {}
        for said in result.measured:
            labels = said["runs"] or [""] * len(said["values"])
            for label, value in zip(labels, said["values"], strict=True):
                name = ": ".join(filter(None, [str(said["name"]), str(label)]))
                seen[name] = seen.get(name, 0) + 1
                if seen[name] > 1:
                    name += f" ({seen[name]})"
                low, high = float(said["low"]), float(said["high"])
                blank = Line(name, low, high, [None] * len(results))
                lines.setdefault(name, blank).values[index] = float(value)
    return Comparison(
        lesson, [_run(result) for result in results], list(lines.values())
    )


def _run(result: Result) -> str:
    """Return what tells a run from the lesson's others: 'seed=1, epochs=2'."""
    values = result.task.values or {"seed": result.task.seed or "as it is"}
    return readable(", ".join(f"{name}={value}" for name, value in values.items()))
