"""Controls of a playground: what a learner moves, and what `draw` gets for it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar

WHAT_FITS = (
    "give True or False, (low, high), (low, high, step), a list, a text, "
    "Matrix(...) or Steps(...)."
)
NONE = inspect.Parameter.empty  # the default of a parameter that has none


class Control:
    """A control. The page holds its state as plain JSON: at first `start`."""

    kind: ClassVar[str]

    def __init__(self, start: Any, **shown: Any) -> None:
        self.start = start
        self._shown = shown

    def start_at(self, value: Any) -> None:
        """Start where `draw` gets `value`."""
        self.start = value

    def value(self, held: Any) -> Any:
        """Return what `draw` gets where the page holds `held`."""
        return held

    def page(self) -> dict[str, Any]:
        """Return what the page needs to show the control."""
        return {"kind": self.kind, "start": self.start, **self._shown}


class Switch(Control):
    """A check box."""

    kind = "switch"


class Entry(Control):
    """A line of text."""

    kind = "entry"


class Menu(Control):
    """One of several options, by its name; the page holds its index."""

    kind = "menu"

    def __init__(self, options: Mapping[str, Any] | Sequence[Any]) -> None:
        if isinstance(options, Mapping):
            self.options = list(options.values())
        else:
            self.options = list(options)
        if not self.options:
            raise ValueError("a menu needs an option.")
        super().__init__(0, names=[str(name) for name in options])

    def start_at(self, value: Any) -> None:
        if value not in self.options:
            raise ValueError(f"it starts at {value!r}, which is no option.")
        self.start = self.options.index(value)

    def value(self, held: Any) -> Any:
        return self.options[held]


class Slider(Control):
    """A number in a range; whole where the ends and the step are whole."""

    kind = "slider"

    def __init__(self, low: float, high: float, step: float | None = None) -> None:
        self.number = _number_type(low, high, 1 if step is None else step)
        if step is None:
            step = 1 if self.number is int else 0.1
        if not low < high or step <= 0:
            raise ValueError(f"no range: {low} to {high} in steps of {step}.")
        self.low, self.high = low, high
        middle = low + step * ((high - low) / step // 2)
        super().__init__(self.number(middle), low=low, high=high, step=step)

    def start_at(self, value: float) -> None:
        if not self.low <= value <= self.high:
            raise ValueError(f"it starts at {value}, outside {self.low} to {self.high}")
        self.start = self.number(value)

    def value(self, held: Any) -> float:
        return self.number(held)


class Steps(Slider):
    """An index that is stepped back and forth, or played like a film.

    It starts at the default of `draw`'s parameter, else at `low`.

    Args:
        low: the first index.
        high: the last index.

    Raises:
        ValueError: `high` is not above `low`.

    >>> Steps(0, 11).start
    0
    """

    kind = "steps"

    def __init__(self, low: int, high: int) -> None:
        super().__init__(low, high, 1)
        self.start = low


class Matrix(Control):
    """A matrix whose numbers are edited where they stand.

    `draw` gets a list of rows; its numbers are whole if all those here are.

    Args:
        rows: the numbers that it starts with.
        low: the smallest that can be typed.
        high: the largest.
        step: how far an arrow key moves a number.

    Raises:
        ValueError: the rows are not equally long, or a number is out of range.

    >>> Matrix([[1, 0], [0, 1]], low=-2.0, high=2.0, step=0.5).value([[1, 0], [2, 1]])
    [[1.0, 0.0], [2.0, 1.0]]
    """

    kind = "matrix"

    def __init__(
        self, rows: Sequence[Sequence[float]], low: float, high: float, step: float = 1
    ) -> None:
        every = [number for row in rows for number in row]
        if not every or len({len(row) for row in rows}) > 1:
            raise ValueError("a matrix needs rows, all equally long.")
        if not low <= min(every) <= max(every) <= high:
            raise ValueError(f"a number of the matrix is outside {low} to {high}.")
        self.number = _number_type(*every, low, high, step)
        super().__init__(self.value(rows), low=low, high=high, step=step)

    def value(self, held: Any) -> list[list[float]]:
        return [[self.number(number) for number in row] for row in held]


def controls_of(
    draw: Callable[..., Any], specs: Mapping[str, Any]
) -> dict[str, Control]:
    """Return the control of each parameter of `draw` that `specs` names.

    Raises:
        TypeError: `draw` takes no such parameter, or nothing fits what is given.
        ValueError: a range is empty, or `draw`'s default is outside it.
    """
    parameters = inspect.signature(draw).parameters
    controls = {}
    for name, spec in specs.items():
        if name not in parameters:
            raise TypeError(
                f"draw takes no parameter '{name}': add it, or drop '{name}='."
            )
        try:
            controls[name] = _control(spec, parameters[name].default)
        except ValueError as error:
            raise ValueError(f"{name}={spec!r}: {error}") from None
        except TypeError:
            raise TypeError(f"no control fits {name}={spec!r}: {WHAT_FITS}") from None
    return controls


def _control(spec: Any, default: Any) -> Control:
    if isinstance(spec, Matrix):
        return spec  # it says itself where it starts
    control = copy(spec) if isinstance(spec, Steps) else _by_type(spec)
    if default is not NONE:
        control.start_at(default)
    return control


def _by_type(spec: Any) -> Control:
    if isinstance(spec, bool):
        return Switch(spec)
    if isinstance(spec, str):
        return Entry(spec)
    if isinstance(spec, tuple):
        return Slider(*spec)
    if isinstance(spec, (list, Mapping)):
        return Menu(spec)
    raise TypeError


def _number_type(*numbers: float) -> type[int] | type[float]:
    """Return int where all the numbers are whole by type, else float."""
    if not all(isinstance(number, Real) for number in numbers):
        raise TypeError
    return int if all(isinstance(n, Integral) for n in numbers) else float
