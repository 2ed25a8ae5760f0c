"""The states of a playground that are drawn beforehand, for pages without a kernel."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, groupby, product
from typing import Any, TypeAlias

from course_utils.display.controls import Control, Entry, Matrix, Menu, Slider, Switch

MOST = 400  # pictures of one playground
FINEST = 33  # stops of a slider where not all combinations are drawn
FEWEST = 5  # stops that a slider keeps to be moved together with all others
PLANS = 4  # with equal steps, of which one is looked for that reaches the goal
TRIES = 1000  # states that are looked at to reach a goal, for each number of controls

State: TypeAlias = tuple[int, ...]  # one place for each axis
Reaches: TypeAlias = Callable[[Sequence["Axis"], State], bool]


@dataclass(frozen=True)
class Axis:
    """What can be moved by itself: a control, or one number of a matrix.

    Attributes:
        name: the control's.
        stops: the states that the page can hold, in order.
        rest: the place of the state at the start.
        cell: row and column in a matrix.
        is_range: whether it may be drawn at fewer stops.
    """

    name: str
    stops: tuple[Any, ...]
    rest: int
    cell: tuple[int, int] | None = None
    is_range: bool = False

    def some(self, most: int) -> list[int]:
        """Return the places of so many stops, evenly spaced, and of the start.

        All of what is no range: there is nothing between two entries of a menu.

        >>> Axis("w", (0, 1, 2, 3, 4, 5, 6), rest=2, is_range=True).some(3)
        [0, 2, 3, 6]
        """
        last = len(self.stops) - 1
        if not self.is_range or most > last:
            return list(range(last + 1))
        return sorted({self.rest, *(round(last * n / (most - 1)) for n in range(most))})

    def even(self) -> "Sequence[Axis]":
        """Return this axis at all its stops, and at fewer with equal steps between.

        The start and both ends are among them.

        >>> axis = Axis("w", (0, 1, 2, 3, 4, 5, 6, 7, 8), rest=2, is_range=True)
        >>> [each.stops for each in axis.even()[1:]]
        [(0, 2, 4, 6, 8)]
        """
        last = len(self.stops) - 1
        longest = last // (FEWEST - 1) if self.is_range and not self.cell else 1
        return [self] + [
            replace(self, stops=self.stops[::stride], rest=self.rest // stride)
            for stride in range(2, longest + 1)
            if last % stride == 0 and self.rest % stride == 0
        ]

    def thinned(self, most: int) -> "Axis":
        """Return this axis at fewer stops."""
        places = self.some(most)
        stops = tuple(self.stops[place] for place in places)
        return replace(self, stops=stops, rest=places.index(self.rest))


@dataclass(frozen=True)
class Plan:
    """Which states are drawn.

    Attributes:
        axes: what moves, in the order of the controls.
        states: one place for each axis; the start first.
    """

    axes: tuple[Axis, ...]
    states: tuple[State, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all combinations are drawn."""
        return len(self.states) == math.prod(len(axis.stops) for axis in self.axes)

    def __len__(self) -> int:
        return len(self.states)

    def __iter__(self) -> Iterator[State]:
        return iter(self.states)

    def held(self, state: State, controls: Mapping[str, Control]) -> dict[str, Any]:
        """Return what the page holds for each control in a state."""
        return held(self.axes, state, controls)


def held(
    axes: Sequence[Axis], state: State, controls: Mapping[str, Control]
) -> dict[str, Any]:
    """Return what the page holds for each control in a state."""
    values = {
        name: [list(row) for row in control.start]
        if isinstance(control, Matrix)
        else control.start
        for name, control in controls.items()
    }
    for axis, place in zip(axes, state, strict=True):
        if axis.cell:
            row, column = axis.cell
            values[axis.name][row][column] = axis.stops[place]
        else:
            values[axis.name] = axis.stops[place]
    return values


def plan(
    controls: Mapping[str, Control], most: int = MOST, reaches: Reaches | None = None
) -> Plan:
    """Return what is drawn, in at most so many pictures where that can be.

    That is all combinations where there is room for them, else half as many with
    sliders in larger steps. Where these miss the goal or are too many, each axis moves
    alone, and besides as many together as there is room for, at fewer stops: all of
    them, or those that a goal needs, or any two.

    Args:
        controls: the playground's, by name.
        most: pictures.
        reaches: tells of a state whether the playground's goal is reached in it.

    >>> two = {"w": Slider(0.0, 2.0, 0.1), "b": Slider(0.0, 1.0, 0.1)}
    >>> len(plan(two)), len(plan(two, most=100))
    (231, 47)
    """
    axes = tuple(axis for name in controls for axis in axes_of(name, controls[name]))
    if math.prod(len(axis.stops) for axis in axes) <= most:
        return Plan(axes, _united(axes, product(*map(_places, axes))))
    ways = product(*(axis.even() for axis in axes))
    fit = [way for way in ways if math.prod(len(a.stops) for a in way) <= most // 2]
    fit.sort(key=lambda way: math.prod(len(a.stops) for a in way), reverse=True)
    for way in fit[:PLANS]:
        states = _united(way, product(*map(_places, way)))
        if not reaches or any(reaches(way, state) for state in states):
            return Plan(way, states)
    axes = tuple(axis.thinned(FINEST) for axis in axes)
    aim = reaching(axes, reaches) if reaches else None
    for room, states in _ways(axes, most, aim):
        found = _united(axes, alone(axes), states)
        if len(found) <= room:
            return Plan(axes, found)
    return Plan(axes, _united(axes, alone(axes)))


def _ways(
    axes: Sequence[Axis], most: int, aim: State | None
) -> Iterator[tuple[int, Iterable[State]]]:
    """Yield what may be drawn besides each axis alone, what is worth most first.

    With it comes how many pictures it is worth.
    """
    moving = [n for n, axis in enumerate(axes) if len(axis.stops) > 1]
    needed = [n for n in moving if aim and aim[n] != axes[n].rest]
    ways = [(most // 2, moving, len(moving), FEWEST)]
    if len(needed) > 1:
        others = [n for n in moving if n not in needed]
        ways += [(most, [*needed, n], len(needed) + 1, FINEST) for n in others]
        ways.append((most, needed, len(needed), 2))
    ways.append((most // 2, moving, 2, FEWEST))
    for room, chosen, size, least in ways:
        for stops in range(FINEST, least - 1, -1):
            if _count(axes, chosen, size, stops, aim) <= room:
                yield room, together(axes, chosen, size, stops, aim)


def _count(
    axes: Sequence[Axis],
    chosen: Sequence[int],
    size: int,
    stops: int,
    aim: State | None,
) -> int:
    """Return how many states `together` has at most."""
    lengths = [len(_stops(axes, n, stops, aim)) for n in chosen]
    return sum(math.prod(each) for each in combinations(lengths, size))


def together(
    axes: Sequence[Axis],
    chosen: Sequence[int],
    size: int,
    stops: int,
    aim: State | None = None,
) -> Iterator[State]:
    """Yield the states in which so many of the chosen axes move, at so many stops.

    Args:
        axes: all axes.
        chosen: which of them move.
        size: how many of those at a time.
        stops: of each of them, the start and the place in `aim` besides.
        aim: a state that has to be among them.
    """
    rest = [axis.rest for axis in axes]
    for moved in combinations(chosen, size):
        for places in product(*(_stops(axes, n, stops, aim) for n in moved)):
            state = rest.copy()
            for n, place in zip(moved, places, strict=True):
                state[n] = place
            yield tuple(state)


def _stops(axes: Sequence[Axis], n: int, stops: int, aim: State | None) -> list[int]:
    return sorted({*axes[n].some(stops), *([aim[n]] if aim else [])})


def alone(axes: Sequence[Axis]) -> Iterator[State]:
    """Yield the states in which one axis moves, at all its stops.

    >>> list(alone(axes_of("right", Switch(True))))
    [(0,), (1,)]
    """
    return together(axes, range(len(axes)), 1, max(len(axis.stops) for axis in axes))


def reaching(axes: Sequence[Axis], reaches: Reaches) -> State | None:
    """Return a state that reaches the goal, with few controls moved; None if none does.

    Looked at are at first the axes one by one, then one, two and more controls, at as
    many stops as may be tried. All numbers of a matrix move together, if they can.
    """
    by_control = groupby(range(len(axes)), key=lambda n: axes[n].name)
    groups = [[n for n in group if len(axes[n].stops) > 1] for _, group in by_control]
    groups = [group for group in groups if group]
    chosen = [[[n] for group in groups for n in group]]
    for size in range(1, len(groups) + 1):
        chosen.append([[*chain(*some)] for some in combinations(groups, size)])
    for ways in chosen:
        for stops in range(FINEST, 1, -1):
            if sum(_count(axes, way, len(way), stops, None) for way in ways) > TRIES:
                continue
            for way in ways:
                for state in together(axes, way, len(way), stops):
                    if reaches(axes, state):
                        return state
            break
    return None


def _united(axes: Sequence[Axis], *groups: Iterable[State]) -> tuple[State, ...]:
    """Return the states of all groups, each once, the start first."""
    rest = tuple(axis.rest for axis in axes)
    return tuple(dict.fromkeys([rest, *(state for group in groups for state in group)]))


def axes_of(name: str, control: Control) -> list[Axis]:
    """Return what of a control moves by itself.

    >>> axes_of("rate", Menu([0.1, 0.5]))
    [Axis(name='rate', stops=(0, 1), rest=0, cell=None, is_range=False)]
    """
    if isinstance(control, Matrix):
        shown = control.page()
        stops = _range(shown["low"], shown["high"], shown["step"])
        return [
            Axis(name, *_with(stops, number), cell=(row, column), is_range=True)
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
    return [Axis(name, *_with(stops, control.start), is_range=is_slider)]


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


def _places(axis: Axis) -> range:
    return range(len(axis.stops))
