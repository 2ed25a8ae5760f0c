"""Wrong and right results as numbers that can be compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import has_numbers
from course_utils.exercises.conditions import Pair

RTOL, ATOL = 1e-4, 1e-6


@dataclass(frozen=True)
class Numbers:
    """A pair whose results are tensors of float64 on the CPU.

    >>> Numbers({}, Tensor([1]), Tensor([2])).got.tolist()
    [1.0]
    """

    arguments: Mapping[str, Any]
    got: Tensor
    expected: Tensor


Pairs = Sequence[Numbers]


Test = Callable[[Tensor, Tensor], bool]


def as_numbers(pair: Pair) -> Numbers | None:
    """Return a pair as tensors; None if one of its results is no plain numbers.

    >>> as_numbers(Pair({}, 3, 4)).expected.item()
    4.0
    """
    values = []
    for value in (pair.got, pair.expected):
        if isinstance(value, bool | int | float):
            value = torch.tensor(float(value))
        if not isinstance(value, Tensor) or not has_numbers(value):
            return None
        if value.is_complex():
            return None
        values.append(value.detach().to("cpu", torch.float64))
    return Numbers(pair.arguments, *values)


def enough(pairs: Pairs) -> bool:
    """Tell whether there are numbers enough to exclude a coincidence.

    >>> enough([Numbers({}, Tensor([2, 4]), Tensor([1, 2]))])
    False
    """
    expected = torch.cat([pair.expected.flatten() for pair in pairs])
    least = 2 if len(pairs) > 1 else 3
    return len(expected.unique()) >= least and all(
        bool(pair.got.isfinite().all() and pair.expected.isfinite().all())
        for pair in pairs
    )


def is_close(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors agree in shape and, within rounding, in value.

    >>> is_close(Tensor([1]), Tensor([1.00001]))
    True
    """
    return a.shape == b.shape and torch.allclose(a, b, rtol=RTOL, atol=ATOL)


def is_right(pair: Numbers) -> bool:
    """Tell whether the numbers of a result are right.

    >>> is_right(Numbers({}, Tensor([1]), Tensor([1])))
    True
    """
    return is_close(pair.got, pair.expected)


def always(pairs: Pairs, test: Test) -> bool:
    """Tell whether `test(got, expected)` holds for every pair.

    >>> always([Numbers({}, Tensor([1]), Tensor([2]))], torch.equal)
    False
    """
    return all(test(pair.got, pair.expected) for pair in pairs)


def as_float(value: Any) -> Tensor | None:
    """Return an argument as float64 on the CPU; None if it is no tensor of numbers.

    >>> as_float(torch.tensor([1, 2])).dtype
    torch.float64
    """
    if not isinstance(value, Tensor) or value.is_complex() or not value.numel():
        return None
    return value.detach().to("cpu", torch.float64)


def shape_text(value: Tensor) -> str:
    """Return the shape of a tensor as the course writes it.

    >>> shape_text(torch.ones(2, 3))
    '(2, 3)'
    """
    return str(tuple(value.shape))
