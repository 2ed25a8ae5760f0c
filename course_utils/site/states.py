"""The states of a playground that are drawn beforehand, for pages without a kernel."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from course_utils.display.controls import Control, Entry, Matrix, Menu, Slider, Switch

MOST = 400  # pictures of one playground
FEWEST = 5  # stops that a slider keeps


@dataclass(frozen=True)
class Axis:
    """What can be moved by itself: a control, or one number of a matrix.

    Attributes:
        name: the control's.
        stops: the states that the page can hold, in order.
        rest: the place of the state at the start.
        cell: row and column in a matrix.
        is_slider: whether it may be drawn at fewer stops.
    """

    name: str
    stops: tuple[Any, ...]
    rest: int
    cell: tuple[int, int] | None = None
    is_slider: bool = False

    def thinned(self) -> "Sequence[Axis]":
        """Return this axis at all its stops, and a slider at fewer, evenly spaced.

        The start and both ends are among them.

        >>> axis = Axis("w", (0, 1, 2, 3, 4, 5, 6, 7, 8), rest=2, is_slider=True)
        >>> [each.stops for each in axis.thinned()[1:]]
        [(0, 2, 4, 6, 8)]
        """
        last = len(self.stops) - 1
        longest = last // (FEWEST - 1) if self.is_slider else 1
        return [self] + [
            replace(self, stops=self.stops[::stride], rest=self.rest // stride)
            for stride in range(2, longest + 1)
            if last % stride == 0 and self.rest % stride == 0
        ]


@dataclass(frozen=True)
class Plan:
    """Which states are drawn.

    Attributes:
        axes: what moves, in the order of the controls.
        together: how many of the axes can be away from their start at a time.
    """

    axes: tuple[Axis, ...]
    together: int

    @property
    def is_complete(self) -> bool:
        """Whether all combinations are drawn."""
        return self.together >= sum(len(axis.stops) > 1 for axis in self.axes)

    def __len__(self) -> int:
        return count(self.axes, self.together)

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """Yield each state as one place for each axis, the start first."""
        rest = tuple(axis.rest for axis in self.axes)
        for size in range(self.together + 1):
            for moved in combinations(range(len(self.axes)), size):
                for places in product(*(_others(self.axes[i]) for i in moved)):
                    state = list(rest)
                    for axis, place in zip(moved, places, strict=True):
                        state[axis] = place
                    yield tuple(state)

    def held(
        self, state: Sequence[int], controls: Mapping[str, Control]
    ) -> dict[str, Any]:
        """Return what the page holds for each control in a state."""
        values = {
            name: [list(row) for row in control.start]
            if isinstance(control, Matrix)
            else control.start
            for name, control in controls.items()
        }
        for axis, place in zip(self.axes, state, strict=True):
            if axis.cell:
                row, column = axis.cell
                values[axis.name][row][column] = axis.stops[place]
            else:
                values[axis.name] = axis.stops[place]
        return values


def plans(controls: Mapping[str, Control], most: int = MOST) -> Iterator[Plan]:
    """Yield what could be drawn with at most so many pictures, the best plan first.

    That is all combinations. Where they are more, half as many pictures have to do: for
    as many controls at a time as there is room for, with sliders at fewer stops where
    that lets more controls be moved together.

    >>> two = {"w": Slider(0.0, 2.0, 0.1), "b": Slider(0.0, 2.0, 0.1)}
    >>> best = next(plans(two, most=400))
    >>> [len(axis.stops) for axis in best.axes], len(best), best.is_complete
    ([11, 11], 121, True)
    """
    whole = tuple(axis for name in controls for axis in axes_of(name, controls[name]))
    moving = sum(len(axis.stops) > 1 for axis in whole)
    if count(whole, moving) <= most:
        yield Plan(whole, moving)
    most //= 2
    for together in range(moving, 1, -1):
        ways = product(*(axis.thinned() for axis in whole))
        fit = [Plan(axes, together) for axes in ways if count(axes, together) <= most]
        yield from sorted(fit, key=len, reverse=True)
    yield Plan(whole, min(moving, 1))


def count(axes: Sequence[Axis], together: int) -> int:
    """Return how many states have at most so many axes away from their start."""
    ways = [1] + [0] * together  # by how many axes are away
    for axis in axes:
        for size in range(together, 0, -1):
            ways[size] += ways[size - 1] * (len(axis.stops) - 1)
    return sum(ways)


def axes_of(name: str, control: Control) -> list[Axis]:
    """Return what of a control moves by itself.

    >>> axes_of("rate", Menu([0.1, 0.5]))
    [Axis(name='rate', stops=(0, 1), rest=0, cell=None, is_slider=False)]
    """
    if isinstance(control, Matrix):
        shown = control.page()
        stops = _range(shown["low"], shown["high"], shown["step"])
        return [
            Axis(name, *_with(stops, number), cell=(row, column))
            for row, numbers in enumerate(control.start)
            for column, number in enumerate(numbers)
        ]
    match control:
        case Slider():
            shown = control.page()
            stops = _range(shown["low"], shown["high"], shown["step"])
        case Menu():
            stops = list(range(len(control.options)))
        case Switch():
            stops = [False, True]
        case Entry() | _:  # nobody can draw every text
            stops = [control.start]
    is_slider = isinstance(control, Slider)
    return [Axis(name, *_with(stops, control.start), is_slider=is_slider)]


def _with(stops: list[Any], start: Any) -> tuple[tuple[Any, ...], int]:
    """Return the stops, the start among them, and its place."""
    for place, stop in enumerate(stops):
        if stop == start or (
            isinstance(stop, float) and math.isclose(stop, start, abs_tol=1e-9)
        ):
            return tuple(stops), place
    together = sorted([*stops, start])
    return tuple(together), together.index(start)


def _range(low: float, high: float, step: float) -> list[float]:
    last = math.floor((high - low) / step + 1e-9)
    return [round(low + place * step, 10) for place in range(last + 1)]


def _others(axis: Axis) -> list[int]:
    return [place for place in range(len(axis.stops)) if place != axis.rest]
