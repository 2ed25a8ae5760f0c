"""Under which other arguments a wrong result would be the right one.

"It would be right if `stride` were 1" tells a learner which argument is left out or
taken for another. The reference itself is asked, and must agree in every case.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import difference, is_number, part_names
from course_utils.exercises.model import Case, Exercise
from course_utils.exercises.outcome import Outcome, run

_MOST_TRIES = 150
_LEAST_CHANGED = 3  # cases with a number as result, to exclude a coincidence


def what_if(
    exercise: Exercise,
    names: Sequence[str],
    cases: Sequence[Case],
    actual: Sequence[Outcome],
    expected: Sequence[Outcome],
) -> str | None:
    """Say how an argument would have to change for a wrong result to be right.

    Args:
        exercise: its reference is run with other arguments.
        names: what the learner calls the arguments.
        cases: all cases of the exercise.
        actual: what the answer did with each.
        expected: what is right.

    >>> area = Exercise("mine.area", lambda a, b: a * b, ())
    >>> cases = [(2, 3), (4, 7), (5, 9)]
    >>> mine = [run(area, lambda a, b: a * a, case) for case in cases]
    >>> right = [run(area, area.reference, case) for case in cases]
    >>> what_if(area, "ab", cases, mine, right)
    'Your result would be right if `b` were `a`: is `a` used where `b` belongs?'
    """
    target = _Target.find(actual, expected)
    if target is None:
        return None
    for count, (place, message, change) in enumerate(_changes(names, cases[0])):
        if count == _MOST_TRIES:
            return None
        if _explains(exercise, cases, target, place, change):
            part = target.name(exercise.parts, expected)
            return f"{part} would be right if {message}"
    return None


class _Target:
    """What is to be explained: whole results, or one item of each."""

    def __init__(
        self, got: Sequence[Any], expected: Sequence[Any], item: int | None
    ) -> None:
        self.got, self.item = got, item
        self._expected = expected

    @classmethod
    def find(
        cls, actual: Sequence[Outcome], expected: Sequence[Outcome]
    ) -> "_Target | None":
        pairs = [(a.value, e.value) for a, e in zip(actual, expected, strict=True)]
        if any(outcome.error for outcome in actual):
            return None
        if any(isinstance(item, str) for _, right in pairs for item in _items(right)):
            return None  # what the check saw is no result of the arguments
        if not isinstance(pairs[0][1], tuple | list):
            return cls([a for a, _ in pairs], [e for _, e in pairs], None)
        for mine, right in pairs:
            if not isinstance(mine, tuple | list) or len(mine) != len(right):
                return None
        for item in range(min(len(right) for _, right in pairs)):
            got = [mine[item] for mine, _ in pairs]
            wanted = [right[item] for _, right in pairs]
            if any(difference(*pair) for pair in zip(got, wanted, strict=True)):
                return cls(got, wanted, item)
        return None

    def part_of(self, value: Any) -> Any:
        if self.item is None:
            return value
        return value[self.item] if len(value) > self.item else None

    def name(self, parts: Sequence[str], expected: Sequence[Outcome]) -> str:
        if self.item is None:
            return "Your result"
        part = part_names(parts, len(expected[0].value))[self.item]
        return part[0].upper() + part[1:]

    def evidence(self, index: int) -> int:
        """Return how much it means that the result of a case is explained."""
        value = self._expected[index]
        if not difference(self.got[index], value):
            return 0
        numbers = value.numel() if isinstance(value, Tensor) else 1
        return _LEAST_CHANGED if numbers >= _LEAST_CHANGED else 1


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple | list) else (value,)


_Change = Callable[[Any, Case], Any]


def _explains(
    exercise: Exercise,
    cases: Sequence[Case],
    target: _Target,
    place: int,
    change: _Change,
) -> bool:
    evidence = 0
    for index, case in enumerate(cases):
        try:
            other = _replaced(case, place, change)
        except (TypeError, ValueError, RuntimeError, IndexError):
            return False
        outcome = run(exercise, exercise.reference, other)
        if outcome.error or difference(
            target.got[index], target.part_of(outcome.value)
        ):
            return False
        evidence += target.evidence(index)
    return evidence >= _LEAST_CHANGED


def _replaced(case: Case, place: int, change: _Change) -> Case:
    new = change(case[place], case)
    if isinstance(new, _Exchanged):
        other = list(case)
        other[place], other[new.place] = case[new.place], case[place]
        return tuple(other)
    return (*case[:place], new, *case[place + 1 :])


class _Exchanged:
    def __init__(self, place: int) -> None:
        self.place = place


def _changes(names: Sequence[str], case: Case) -> Iterator[tuple[int, str, _Change]]:
    """Yield changes of one argument: its place, what is said of it, how to make it."""
    for place, (name, value) in enumerate(zip(names, case, strict=True)):
        for message, change in _changes_of(f"`{name}`", value):
            yield place, message, change
    pairs = [
        (a, b) for a, b in permutations(range(len(case)), 2) if _alike(case[a], case[b])
    ]
    for a, b in pairs:  # before the exchanges: a result may depend on one alone
        yield (
            b,
            f"`{names[b]}` were `{names[a]}`: {_confused(names[a], names[b])}",
            lambda value, case, a=a: case[a],
        )
    for a, b in pairs:
        if a < b:
            yield (
                a,
                f"`{names[a]}` and `{names[b]}` were exchanged: look where each is "
                "used.",
                lambda value, case, b=b: _Exchanged(b),
            )
    for a, b in permutations(range(len(case)), 2):
        if type(case[a]) is type(case[b]) is int:
            for factor in (2, 4):
                yield (
                    b,
                    f"`{names[b]}` were `{factor} * {names[a]}`: that is a usual "
                    f"value, but `{names[b]}` may be another.",
                    lambda value, case, a=a, f=factor: f * case[a],
                )


def _confused(used: str, wanted: str) -> str:
    return f"is `{used}` used where `{wanted}` belongs?"


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.ndim == b.ndim and a.dtype == b.dtype
    return is_number(a) and is_number(b)


_LEFT_OUT = "it seems to be left out or to come too late."


def _changes_of(name: str, value: Any) -> Iterator[tuple[str, _Change]]:
    if isinstance(value, bool):
        for fixed in (True, False):
            yield f"{name} were always {fixed}.", lambda v, c, f=fixed: f
        yield f"{name} were its opposite.", lambda v, c: not v
    elif isinstance(value, Tensor):
        yield from _changes_of_tensor(name, value)
    elif is_number(value) or value is None:
        yield from _changes_of_number(name, value)
    elif isinstance(value, tuple) and all(map(is_number, value)):
        yield from _changes_of_tuple(name, value)


def _changes_of_number(name: str, value: Any) -> Iterator[tuple[str, _Change]]:
    for fixed in (0, 1):
        text = f"{name} were {fixed}: it seems to be left out somewhere."
        yield text, lambda v, c, f=fixed: type(value)(f) if value is not None else f
    if isinstance(value, float):
        text = f"{name} were `1 - {name.strip('`')}`: the two are exchanged."
        yield text, lambda v, c: 1 - v
        yield f"{name} had the opposite sign.", lambda v, c: -v
        yield f"{name} were 1 at most: is it limited to 1?", lambda v, c: min(v, 1.0)
        return
    for step, word in ((1, "more"), (-1, "less")):
        yield (
            f"{name} were 1 {word}: something is counted once too "
            f"{'often' if step > 0 else 'little'}.",
            lambda v, c, s=step: v + s,
        )
    yield f"{name} were 2: a number is built in.", lambda v, c: 2
    yield f"{name} were twice as large.", lambda v, c: 2 * v
    yield f"{name} were half as large.", lambda v, c: v // 2


def _changes_of_tuple(
    name: str, value: tuple[Any, ...]
) -> Iterator[tuple[str, _Change]]:
    bare = name.strip("`")
    yield f"{name} were reversed.", lambda v, c: v[::-1]
    yield f"the last number of {name} were left out.", lambda v, c: v[:-1]
    yield f"the first number of {name} were left out.", lambda v, c: v[1:]
    yield f"only the first two numbers of {name} counted.", lambda v, c: v[:2]
    for a, b in permutations(range(min(4, len(value))), 2):
        if a < b:
            yield (
                f"`{bare}[{a}]` and `{bare}[{b}]` were exchanged.",
                lambda v, c, a=a, b=b: _with(_with(v, a, v[b]), b, v[a]),
            )
        yield (
            f"`{bare}[{b}]` were `{bare}[{a}]`: "
            + _confused(f"{bare}[{a}]", f"{bare}[{b}]"),
            lambda v, c, a=a, b=b: _with(v, b, v[a]),
        )


def _with(values: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _changes_of_tensor(name: str, value: Tensor) -> Iterator[tuple[str, _Change]]:
    if value.dtype == torch.bool:
        yield f"{name} were inverted: True is taken for False.", lambda v, c: ~v
        for word, fill in (("True", torch.ones_like), ("False", torch.zeros_like)):
            yield (
                f"{name} were {word} everywhere: {_LEFT_OUT}",
                lambda v, c, f=fill: f(v),
            )
    else:
        yield f"{name} were 0: {_LEFT_OUT}", lambda v, c: torch.zeros_like(v)
        yield f"{name} were 1: {_LEFT_OUT}", lambda v, c: torch.ones_like(v)
    if value.is_floating_point():
        bare = name.strip("`")
        text = f"{name} were `{bare}.abs()`: are absolute values taken?"
        yield text, lambda v, c: v.abs()
        yield f"{name} were squared first.", lambda v, c: v.square()
        yield f"{name} had its root taken first.", lambda v, c: v.sqrt()
        yield f"{name} had the opposite sign.", lambda v, c: -v
        yield f"{name} had no negative numbers.", lambda v, c: v.clamp(min=0)
        for dim in (0, value.ndim - 1) if value.ndim > 1 else ():
            text = f"{name} had a mean of 0 along dim {dim}: is its mean subtracted?"
            yield text, lambda v, c, d=dim: v - v.mean(d, keepdim=True)
    elif value.dtype != torch.bool:
        yield f"{name} were 1 more.", lambda v, c: v + 1
        yield f"{name} were 1 less.", lambda v, c: v - 1
    if value.ndim >= 2:
        yield f"{name} were transposed.", lambda v, c: v.mT
        text = f"`reshape` swapped the dims of {name}, which it does not: transpose it."
        yield text, _reshaped
        yield f"all rows of {name} were its first.", lambda v, c: v[:1].expand_as(v)
    if value.ndim >= 1:
        yield f"{name} were reversed along dim 0.", lambda v, c: v.flip(0)
        for word, down in (("ascending", False), ("descending", True)):
            yield (
                f"{name} were sorted in {word} order: keep the order that is given.",
                lambda v, c, d=down: v.sort(dim=0, descending=d).values,
            )
        yield f"the first of {name} (along dim 0) were left out.", lambda v, c: v[1:]
        yield f"the last of {name} (along dim 0) were left out.", lambda v, c: v[:-1]


def _reshaped(value: Tensor, _case: Case) -> Tensor:
    return value.reshape(value.mT.shape).mT
