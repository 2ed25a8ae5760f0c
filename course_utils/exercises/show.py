"""Show a learner's values and results in a few words."""

import inspect
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from torch import Tensor

from course_utils.exercises.cases import Fact
from course_utils.exercises.compare import close, has_numbers, part_names, safe_repr

MOST_NUMBERS = 12
_AROUND = 2  # neighbours shown on each side of a differing number


def show_value(value: Any, memory: bool = False) -> str:
    """Return a short text for a value: tensors of up to 12 numbers whole.

    Args:
        value: anything that an answer takes or returns.
        memory: say it of a tensor that is not contiguous.

    >>> show_value(Tensor([[1.0, 2.5]]))
    '[[1, 2.5]]   (shape (1, 2), float32)'
    >>> show_value(Tensor(3, 5))
    'shape (3, 5), float32'
    >>> show_value(Tensor(3, 5).T, memory=True)
    'shape (5, 3), float32, not contiguous'
    >>> show_value(Tensor.relu)
    'relu'
    """
    if isinstance(value, tuple | list) and tensor_inside(value):
        items = [show_value(item, memory) for item in value]
        return f"{len(items)} values: {'; '.join(items)}"[:400]
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.6g}"
    if inspect.isroutine(value):
        return value.__name__.strip("_")
    if not isinstance(value, Tensor):
        return safe_repr(value, 200)
    if value.is_nested:
        return "a nested tensor"
    head = f"shape {tuple(value.shape)}, {value.dtype}".replace("torch.", "")
    if memory and has_numbers(value) and not value.is_contiguous():
        head += ", not contiguous"
    if value.numel() > MOST_NUMBERS or not has_numbers(value):
        return head
    return f"{_rounded(value.detach().cpu().tolist())}   ({head})"


def show_results(actual: Any, expected: Any, parts: Sequence[str] = ()) -> list[str]:
    """Return lines that set a result beside the expected one, where they differ.

    >>> print(*show_results(Tensor([1.0, 3.0]), Tensor([1.0, 2.0])))
    expected [1, 2]   (shape (2,), float32) yours    [1, 3]   (shape (2,), float32)
    >>> show_results(Fact("autograd is left off"), 0.5)
    ['the check sees: autograd is left off']
    """
    if isinstance(expected, tuple | list) and _needs_items(actual, expected):
        lines = []
        for name, mine, right in zip(
            part_names(parts, len(expected)), actual, expected, strict=True
        ):
            same = show_value(mine) == show_value(right) and not _large(right)
            lines += [f"{name.replace('`', '')}:{' as expected' if same else ''}"]
            lines += [] if same else [f"  {x}" for x in show_results(mine, right)]
        return lines
    if isinstance(actual, Fact):  # the answer itself returned something else
        return [f"the check sees: {actual}"]
    mine, right = show_value(actual), show_value(expected)
    lines = [f"expected {right}", f"yours    {mine}"]
    if isinstance(actual, Tensor) and isinstance(expected, Tensor) and _large(expected):
        lines += _first_difference(actual, expected)
    return lines


def tensor_inside(value: Any) -> bool:
    """Tell whether there is a tensor among the items of a tuple or list.

    >>> tensor_inside([1, Tensor(2)])
    True
    """
    return any(isinstance(item, Tensor) for item in value)


def _needs_items(actual: Any, expected: Any) -> bool:
    numbers = all(isinstance(item, Real) for item in expected)
    return (
        not (numbers and not any(isinstance(item, bool) for item in expected))
        and isinstance(actual, tuple | list)
        and len(actual) == len(expected)
    )


def _large(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() > MOST_NUMBERS


def _first_difference(actual: Tensor, expected: Tensor) -> list[str]:
    """Show the first place where two large tensors differ, and its neighbours."""
    if actual.shape != expected.shape or not (has_numbers(actual) and expected.ndim):
        return []
    mine, right = (t.detach().cpu() for t in (actual, expected))
    differ = ~close(mine, right)
    if not differ.any():
        return []
    place = differ.nonzero()[0].tolist()
    *row, column = place
    start = max(0, column - _AROUND)
    end = min(right.shape[-1], column + _AROUND + 1)
    index = ", ".join([*map(str, row), f"{start}:{end}"])
    lines = [f"first difference at {place} (counted from 0); around it, at [{index}]:"]
    for name, tensor in (("expected", right), ("yours   ", mine)):
        lines.append(f"{name} {_rounded(tensor[(*row, slice(start, end))].tolist())}")
    return lines


def _rounded(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(map(_rounded, values))}]"
    if isinstance(values, float):
        return f"{values + 0.0:.4g}" if not math.isnan(values) else "nan"
    return str(values)
