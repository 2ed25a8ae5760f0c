"""What the cases share that an answer gets wrong, where the others lack it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Pair:
    """One case: its arguments by name, the learner's result and the expected one.

    >>> Pair({"n": 3}, got=6.0, expected=2.0).got
    6.0
    """

    arguments: Mapping[str, Any]
    got: Any
    expected: Any


def shared_condition(failing: Sequence[Pair], passing: Sequence[Pair]) -> str | None:
    """Name what all failing cases have and no passing case has, or the reverse.

    None if there is no such thing, or if it could be more than one argument's.

    >>> failing = [Pair({"stride": n}, 1, 0) for n in (2, 3)]
    >>> shared_condition(failing, [Pair({"stride": 1}, n, n) for n in (5, 6)])
    'right only where `stride` is 1'
    """
    if not failing or not passing:
        return None
    if len(failing) + len(passing) < 3:
        return None
    separating = []
    for words, test, least in _conditions([*failing, *passing]):
        try:
            wrong = [test(pair.arguments) for pair in failing]
            right = [test(pair.arguments) for pair in passing]
        except (TypeError, KeyError, AttributeError, IndexError):
            continue
        if min(len(wrong), len(right)) < least:
            continue
        if all(wrong) and not any(right):
            separating.append(f"wrong exactly where {words}")
        elif all(right) and not any(wrong):
            separating.append(f"right only where {words}")
    return separating[0] if len(separating) == 1 else None


# What is said of a condition, the condition, and how many cases must be on each side.
_Condition = tuple[str, Callable[[Mapping[str, Any]], bool], int]


def _conditions(pairs: Sequence[Pair]) -> Iterator[_Condition]:
    for name in pairs[0].arguments:
        values: list[Any] = [pair.arguments.get(name) for pair in pairs]
        if any(value is None for value in values):
            yield f"`{name}` is None", lambda a, n=name: a[n] is None, 1
        if all(isinstance(value, bool) for value in values):
            yield f"`{name}` is True", lambda a, n=name: a[n], 1
        elif all(isinstance(value, int | float | None) for value in values):
            for limit in (0, 1):
                words = f"`{name}` is {limit}"
                yield words, lambda a, n=name, v=limit: bool(a[n] == v), 2
        elif all(isinstance(value, Tensor) for value in values):
            yield from _tensor_conditions(name, sorted({v.ndim for v in values}))


def _tensor_conditions(name: str, ranks: Sequence[int]) -> Iterator[_Condition]:
    for dim in range(ranks[-1]):
        words = f"dim {dim} of `{name}` has size 1"
        yield words, lambda a, n=name, d=dim: a[n].shape[d] == 1, 1
    if ranks[-1] > 1:
        yield f"`{name}` is square", lambda a, n=name: _square(a[n]), 1
    for ndim in ranks[:1] if len(ranks) == 2 else ranks:
        words = f"`{name}` has {ndim} {'dim' if ndim == 1 else 'dims'}"
        yield words, lambda a, n=name, d=ndim: a[n].ndim == d, 1
    for ndim in ranks[1:-2]:  # at the ends it is one rank, named above
        words = (
            f"`{name}` has more than {ndim} dims: often a dim is counted from the "
            "front where -1, the last, is meant"
        )
        yield words, lambda a, n=name, d=ndim: a[n].ndim > d, 1
    words = f"`{name}` is not contiguous in memory"
    yield words, lambda a, n=name: not a[n].is_contiguous(), 1


def _square(value: Tensor) -> bool:
    return value.ndim > 1 and value.shape[-1] == value.shape[-2]
