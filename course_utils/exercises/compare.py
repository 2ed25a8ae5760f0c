"""Compare a learner's result with the expected one, and say how they differ."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.cases import Fact

RETURNS_NONE = "Your function returns None: it may lack a `return`."
RTOL, ATOL = 1e-4, 1e-5  # room for another order of summation in float32


def difference(actual: Any, expected: Any, parts: Sequence[str] = ()) -> str | None:
    """Say how `actual` differs from `expected`; None if it does not.

    Tensors must agree in shape, dtype, device and, within rounding, in value.
    Numbers may also come as a tensor with one element; two whole numbers must be equal,
    however large. Tuples and lists are compared item by item, everything else with
    `==`.

    Args:
        actual: the learner's result.
        expected: the right one.
        parts: what its items are, if it is a tuple or list: "the bias".

    >>> difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    'The shape is right, 1 of 2 values is not: the largest difference is 0.5.'
    >>> difference((3, 4), [3, 4]) is None
    True
    >>> difference((3.0, torch.ones(2)), (4.0, torch.ones(2)), ["the loss", "the mean"])
    'The loss: 3 is not the number asked for.'
    """
    if actual is None and expected is not None:
        return RETURNS_NONE
    if isinstance(actual, Fact):
        return None if actual == expected else f"The check sees this: {actual}."
    if isinstance(expected, Tensor):
        return _tensor_difference(actual, expected)
    if isinstance(expected, Real) and not isinstance(expected, bool):
        return _number_difference(actual, expected)
    if isinstance(expected, tuple | list):
        return _sequence_difference(actual, expected, parts)
    if isinstance(expected, str) and isinstance(actual, str) and actual != expected:
        return f"The check sees this: {actual}."  # a fact that it put in words
    # The expected type compares: that of the answer could claim to equal everything.
    equal = actual is expected or expected.__eq__(actual) is True
    if isinstance(expected, bool):
        equal = actual is expected
    if isinstance(expected, np.ndarray):  # two results of one answer; `==` gives many
        equal = isinstance(actual, np.ndarray) and _facts(actual) == _facts(expected)
    # The expected value stays unsaid: it is the answer.
    return None if equal else f"{describe(actual)} is not what is asked for."


def _facts(array: np.ndarray) -> tuple[object, ...]:
    return array.shape, array.dtype, array.tobytes()


def close(actual: Tensor, expected: Tensor) -> Tensor:
    """Tell for each number whether it is right, within rounding.

    >>> close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0])).tolist()
    [True, False]
    """
    if not expected.is_floating_point() or actual.dtype != expected.dtype:
        return actual == expected
    return torch.isclose(actual, expected, rtol=RTOL, atol=ATOL, equal_nan=True)


def close_gradients(actual: Tensor, expected: Tensor) -> bool:
    """Tell whether a gradient is right, within rounding.

    >>> close_gradients(torch.tensor([1.0]), torch.tensor([1.0005]))
    True
    """
    if actual.shape != expected.shape:
        return False
    limit = gradient_limit(expected)
    return torch.allclose(actual, expected, rtol=1e-3, atol=limit)


def gradient_limit(gradient: Tensor) -> float:
    """Return below which number a gradient counts as 0.

    >>> gradient_limit(torch.tensor([1.0, -50.0]))  # doctest: +ELLIPSIS
    0.0050...
    """
    # Rounding grows on the way back: it is measured by the largest gradient, not by
    # each. Right ways to write attention and a normalization were 1e-4 off for scores
    # of 100, and 4e-6 where the gradient itself nearly vanishes.
    return 1e-5 + 1e-4 * gradient.abs().max().item() if gradient.numel() else 0.0


def _tensor_difference(actual: Any, expected: Tensor) -> str | None:
    if not isinstance(actual, Tensor):
        message = (
            f"Expected a tensor of shape {_shape(expected)}, got {describe(actual)}"
        )
        if type(actual).__module__ == "torch.return_types":
            return f"{message}: take its `.values` or its `.indices`."
        if isinstance(actual, list | tuple) and actual:
            tensors = all(isinstance(item, Tensor) for item in actual)
            way = "`torch.stack`" if tensors else "`torch.tensor`"
            return f"{message}: {way} makes one tensor of it."
        if is_number(actual):
            return (
                f"{message}: a plain number, which carries no gradient. `.item()`, "
                "`float(…)` and `math` make one of a tensor."
            )
        return f"{message}."
    actual = plain(actual)
    if actual.is_nested or actual.layout != torch.strided:
        kind = "nested" if actual.is_nested else "sparse"
        return f"Your result is a {kind} tensor: a plain, dense one is expected."
    if actual.shape != expected.shape:
        return _shape_difference(actual, expected)
    if actual.dtype != expected.dtype:
        return f"Expected dtype {expected.dtype}, yours is {actual.dtype}."
    if actual.device.type != expected.device.type:
        return (
            f"Your result is on {actual.device}, the input on {expected.device}: "
            "make new tensors with `device=x.device`."
        )
    return _value_difference(actual.detach(), expected.detach())


def _shape_difference(actual: Tensor, expected: Tensor) -> str:
    message = f"Expected shape {_shape(expected)}, yours is {_shape(actual)}"
    if actual.ndim != expected.ndim:
        return f"{message}: {_count(actual.ndim, 'dim')} in place of {expected.ndim}."
    differ = [d for d, n in enumerate(expected.shape) if actual.shape[d] != n]
    if len(differ) == 1 and expected.ndim > 1:
        return f"{message}: dim {differ[0]} differs."
    return f"{message}."


def _value_difference(actual: Tensor, expected: Tensor) -> str | None:
    right = close(actual, expected)
    total, wrong = actual.numel(), int((~right).sum())
    if not wrong:
        return None
    if not expected.is_floating_point():
        return f"{wrong} of {_count(total, 'value')} {_verb(wrong, 'differ')}."
    if count := int((actual.isnan() & ~expected.isnan()).sum()):
        return (
            f"{count} of {_count(total, 'value')} {_verb(count, 'are')} NaN (not a "
            "number): 0/0, ∞ - ∞ and roots or logarithms of negative numbers give that."
        )
    if count := int((actual.isinf() & expected.isfinite()).sum()):
        return (
            f"{count} of {_count(total, 'value')} {_verb(count, 'are')} infinite: exp "
            "of a large number, the logarithm of 0 and a division by 0 give that."
        )
    gaps = (actual.double() - expected.double()).abs()
    gap = gaps[gaps.isfinite()].max().item() if gaps.isfinite().any() else math.inf
    size = f"the largest difference is {gap:.4g}."
    if wrong == total:
        return f"The shape is right, the values are not: {size}"
    return (
        f"The shape is right, {wrong} of {total} values {_verb(wrong, 'are')} not: "
        + size
    )


def _number_difference(actual: Any, expected: Real) -> str | None:
    if isinstance(actual, Tensor) and actual.numel() == 1:
        actual = plain(actual).item()
    if isinstance(actual, bool) or not isinstance(actual, Real):
        return f"Expected a number, got {describe(actual)}."
    whole = isinstance(actual, int) and isinstance(expected, int)
    if whole and actual == expected:
        return None
    if not whole and math.isclose(actual, expected, rel_tol=RTOL, abs_tol=ATOL):
        return None
    if math.isnan(actual) and math.isnan(expected):
        return None
    # The expected number stays unsaid: it is the answer.
    shown = str(actual) if whole else f"{float(actual):g}"
    return f"{shown} is not the number asked for."


def _sequence_difference(
    actual: Any, expected: Sequence[Any], parts: Sequence[str]
) -> str | None:
    if not isinstance(actual, tuple | list):
        kind = "list" if isinstance(expected, list) else "tuple"
        message = f"Expected {len(expected)} values in a {kind}, got {describe(actual)}"
        if isinstance(actual, Tensor) and all(map(is_number, expected)):
            return f"{message}: its sizes are in `.shape`, its numbers in `.tolist()`."
        return f"{message}."
    if len(actual) != len(expected):
        message = f"Expected {len(expected)} values, got {len(actual)}"
        inner = actual[0] if len(actual) == 1 else None
        if isinstance(inner, tuple | list) and len(inner) == len(expected):
            if isinstance(actual, list):
                return f"{message}: your values stand in a list of their own."
            return (
                f"{message}: your values stand in a tuple of their own, as where a "
                "comma follows the closing bracket. Take one of the two away."
            )
        return f"{message}."
    if all(is_number(item) for item in (*actual, *expected)):
        return _numbers_difference(actual, expected, parts)
    names = part_names(parts, len(expected))
    for name, mine, right in zip(names, actual, expected, strict=True):
        if mine is None and right is not None:
            return f"{_capital(name)} is None."
        if message := difference(mine, right):
            return f"{_capital(name)}: {_after_colon(message)}"
    return None


def _numbers_difference(
    actual: Sequence[Any], expected: Sequence[Any], parts: Sequence[str]
) -> str | None:
    names = part_names(parts, len(expected))
    wrong = [
        (name, mine)
        for name, mine, right in zip(names, actual, expected, strict=True)
        if _number_difference(mine, right)
    ]
    if not wrong:
        return None
    name, value = wrong[0]
    count = f"{len(wrong)} of {len(expected)} numbers {_verb(len(wrong), 'are')} wrong"
    return f"{count}. {_capital(name)}: {value:g} is not the number asked for."


def plain(value: Any) -> Any:
    """Return a tensor of a class of the learner's own without that class's methods.

    They could claim that everything is equal. Other values are returned as they are,
    tuples and lists with plain tensors.

    >>> class Loud(Tensor): ...
    >>> type(plain(torch.ones(2).as_subclass(Loud))).__name__
    'Tensor'
    """
    if type(value) in (tuple, list):
        return type(value)(map(plain, value))
    if not isinstance(value, Tensor) or type(value) in (Tensor, torch.nn.Parameter):
        return value
    with torch._C.DisableTorchFunctionSubclass():
        return Tensor.as_subclass(value, Tensor)


def has_numbers(tensor: Tensor) -> bool:
    """Tell whether the numbers of a tensor can be looked at one by one.

    >>> has_numbers(torch.ones(2)), has_numbers(torch.ones(2, device="meta"))
    (True, False)
    """
    if tensor.is_nested or tensor.is_meta or tensor.is_quantized:
        return False
    return tensor.layout == torch.strided


def is_number(value: Any) -> bool:
    """Tell whether a value is a number of Python; True and False are not.

    >>> is_number(3.5), is_number(True)
    (True, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def part_names(parts: Sequence[str], count: int) -> list[str]:
    """Return what to call the items of a result: their names, or their numbers.

    >>> part_names((), 2)
    ['the first value', 'the second value']
    """
    if len(parts) == count:
        return list(parts)
    words = ("first", "second", "third", "fourth", "fifth", "sixth")
    return [
        f"the {words[i]} value" if i < len(words) else f"value {i + 1}"
        for i in range(count)
    ]


def describe(value: Any) -> str:
    """Say what kind of thing a value is: its type, and the shapes in it.

    >>> describe((torch.zeros(2, 1), 3))
    'a tuple of (a tensor of shape (2, 1), int 3)'
    """
    if isinstance(value, Tensor):
        shape = "unknown shape" if value.is_nested else f"shape {tuple(value.shape)}"
        return f"a tensor of {shape}"
    if isinstance(value, tuple | list) and not all(map(is_number, value)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return f"a {kind} of {_describe_items(value)}"
    if isinstance(value, torch.nn.Module):
        return f"a layer ({type(value).__name__})"
    if callable(value):
        return "a function; give what it returns"
    return f"{type(value).__name__} {safe_repr(value, 80)}"


def _describe_items(items: Sequence[Any]) -> str:
    shapes = {str(tuple(i.shape)) if isinstance(i, Tensor) else None for i in items}
    (shape,) = shapes if len(shapes) == 1 else (None,)
    if shape and len(items) > 1:
        return f"{len(items)} tensors of shape {shape}"
    if items and all(isinstance(item, list) for item in items):
        return f"{len(items)} lists"
    return f"({', '.join(map(describe, items[:6]))}{', …' if len(items) > 6 else ''})"


def safe_repr(value: Any, most: int) -> str:
    """Return the representation of a value, cut; its type's name if that fails.

    >>> safe_repr("x" * 9, 4)
    "'xxx"
    """
    try:
        return f"{value!r:.{most}}"
    except Exception:
        return f"(a {type(value).__name__} that can't be shown)"


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _verb(count: int, plural: str) -> str:
    return {"are": "is", "differ": "differs"}[plural] if count == 1 else plural


def _after_colon(message: str) -> str:
    """Begin with a small letter, unless the first word may be a name."""
    if message.startswith(("The ", "Expected ", "Your ")):
        return message[0].lower() + message[1:]
    return message


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
