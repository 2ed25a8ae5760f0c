"""A difference between a learner's result and the expected one, as a sentence."""

import math
from numbers import Number

import torch

RTOL, ATOL = 1e-4, 1e-5  # room for another order of summation in float32


def difference(got, expected) -> str | None:
    """Say in a sentence how `got` differs from `expected`; None if it does not.

    Tensors must agree in shape, dtype, device and, within rounding, in value.
    Numbers may also come as a tensor with one element. Tuples and lists are compared
    item by item, everything else with `==`.
    """
    if got is None and expected is not None:
        return "Your function returns None: it may lack a `return`."
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(got, expected)
    if isinstance(expected, bool):
        return None if got is expected else f"{_brief(got)} is not what is asked for."
    if isinstance(expected, Number):
        return _number_difference(got, expected)
    if isinstance(expected, tuple | list):
        return _sequence_difference(got, expected)
    # The expected value stays unsaid: it is the answer.
    return None if got == expected else f"{_brief(got)} is not what is asked for."


def _tensor_difference(got, expected: torch.Tensor) -> str | None:
    if not isinstance(got, torch.Tensor):
        kind = type(got).__name__
        return (
            f"Expected a tensor of shape {_shape(expected)}, got {kind}: {got!r:.80}."
        )
    if got.shape != expected.shape:
        return f"Expected shape {_shape(expected)}, yours is {_shape(got)}."
    if got.dtype != expected.dtype:
        return f"Expected dtype {expected.dtype}, yours is {got.dtype}."
    if got.device.type != expected.device.type:
        return (
            f"Your result is on {got.device}, the input on {expected.device}: "
            "make new tensors with `device=x.device`."
        )
    return _value_difference(got.detach(), expected.detach())


def _value_difference(got: torch.Tensor, expected: torch.Tensor) -> str | None:
    if not expected.is_floating_point():
        unequal = int((got != expected).sum())
        return f"{unequal} of {got.numel()} values differ." if unequal else None
    if (stray := got.isnan() & ~expected.isnan()).any():
        return f"{int(stray.sum())} of {got.numel()} values are NaN (not a number)."
    if torch.allclose(got, expected, rtol=RTOL, atol=ATOL, equal_nan=True):
        return None
    gap = (got.double() - expected.double()).abs().nan_to_num().max().item()
    return (
        f"The shape is right, the values are not: the largest difference is {gap:.4g}."
    )


def _number_difference(got, expected: Number) -> str | None:
    if isinstance(got, torch.Tensor) and got.numel() == 1:
        got = got.item()
    if isinstance(got, bool) or not isinstance(got, Number):
        return f"Expected a number, got {_brief(got)}."
    if math.isclose(got, expected, rel_tol=RTOL, abs_tol=ATOL):
        return None
    # The expected number stays unsaid: it is the answer.
    return f"{got:g} is not the number asked for."


def _sequence_difference(got, expected: tuple | list) -> str | None:
    if isinstance(got, torch.Tensor) or not isinstance(got, tuple | list | torch.Size):
        return f"Expected {len(expected)} values in a tuple, got {_brief(got)}."
    if len(got) != len(expected):
        return f"Expected {len(expected)} values, got {len(got)}."
    for index, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        if said := difference(mine, theirs):
            return f"Value {index} (counted from 0): {said}"
    return None


def _shape(tensor: torch.Tensor) -> str:
    return str(tuple(tensor.shape))


def _brief(value) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {_shape(value)}"
    if callable(value):
        return "a function; give what it returns"
    return f"{type(value).__name__} {value!r:.80}"
