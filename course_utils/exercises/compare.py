"""Compare a learner's result with the expected one, and say how they differ."""

import math
from numbers import Real
from typing import Any

import torch

RTOL, ATOL = 1e-4, 1e-5  # room for another order of summation in float32


def difference(actual: Any, expected: Any) -> str | None:
    """Say how `actual` differs from `expected`; None if it does not.

    Tensors must agree in shape, dtype, device and, within rounding, in value.
    Numbers may also come as a tensor with one element. Tuples and lists are compared
    item by item, everything else with `==`.

    >>> difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    'The shape is right, the values are not: the largest difference is 0.5.'
    >>> difference((3, 4), [3, 4]) is None
    True
    """
    if actual is None and expected is not None:
        return "Your function returns None: it may lack a `return`."
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(actual, expected)
    if isinstance(expected, Real) and not isinstance(expected, bool):
        return _number_difference(actual, expected)
    if isinstance(expected, tuple | list):
        return _sequence_difference(actual, expected)
    equal = actual is expected if isinstance(expected, bool) else actual == expected
    # The expected value stays unsaid: it is the answer.
    return None if equal else f"{_brief(actual)} is not what is asked for."


def _tensor_difference(actual: Any, expected: torch.Tensor) -> str | None:
    if not isinstance(actual, torch.Tensor):
        kind = type(actual).__name__
        return (
            f"Expected a tensor of shape {_shape(expected)}, "
            f"got {kind}: {actual!r:.80}."
        )
    if actual.shape != expected.shape:
        return f"Expected shape {_shape(expected)}, yours is {_shape(actual)}."
    if actual.dtype != expected.dtype:
        return f"Expected dtype {expected.dtype}, yours is {actual.dtype}."
    if actual.device.type != expected.device.type:
        return (
            f"Your result is on {actual.device}, the input on {expected.device}: "
            "make new tensors with `device=x.device`."
        )
    return _value_difference(actual.detach(), expected.detach())


def _value_difference(actual: torch.Tensor, expected: torch.Tensor) -> str | None:
    if not expected.is_floating_point():
        unequal = int((actual != expected).sum())
        return f"{unequal} of {actual.numel()} values differ." if unequal else None
    if count := int((actual.isnan() & ~expected.isnan()).sum()):
        return f"{count} of {actual.numel()} values are NaN (not a number)."
    if torch.allclose(actual, expected, rtol=RTOL, atol=ATOL, equal_nan=True):
        return None
    gap = (actual.double() - expected.double()).abs().nan_to_num().max().item()
    return (
        f"The shape is right, the values are not: the largest difference is {gap:.4g}."
    )


def _number_difference(actual: Any, expected: Real) -> str | None:
    if isinstance(actual, torch.Tensor) and actual.numel() == 1:
        actual = actual.item()
    if isinstance(actual, bool) or not isinstance(actual, Real):
        return f"Expected a number, got {_brief(actual)}."
    if math.isclose(actual, expected, rel_tol=RTOL, abs_tol=ATOL):
        return None
    # The expected number stays unsaid: it is the answer.
    return f"{float(actual):g} is not the number asked for."


def _sequence_difference(
    actual: Any, expected: tuple[Any, ...] | list[Any]
) -> str | None:
    if not isinstance(actual, tuple | list):
        return f"Expected {len(expected)} values in a tuple, got {_brief(actual)}."
    if len(actual) != len(expected):
        return f"Expected {len(expected)} values, got {len(actual)}."
    for index, pair in enumerate(zip(actual, expected, strict=True)):
        if message := difference(*pair):
            return f"Value {index} (counted from 0): {message}"
    return None


def _shape(tensor: torch.Tensor) -> str:
    return str(tuple(tensor.shape))


def _brief(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {_shape(value)}"
    if callable(value):
        return "a function; give what it returns"
    return f"{type(value).__name__} {value!r:.80}"
