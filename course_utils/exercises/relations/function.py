"""Wrong results that are a known function of the right ones, or of an argument."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.exercises.relations.numbers import (
    Numbers,
    Pairs,
    Test,
    always,
    as_float,
    is_close,
)

_FUNCTIONS: tuple[tuple[Test, str], ...] = (
    (
        lambda got, right: is_close(got, right**2),
        "Your result is the square of the expected one: a root may be missing.",
    ),
    (
        lambda got, right: bool((got >= 0).all()) and is_close(got**2, right),
        "Your result is the square root of the expected one: often a root is taken "
        "where none is asked for.",
    ),
    (
        lambda got, right: bool((right > 0).all()) and is_close(got, right.log()),
        "Your result is the logarithm of the expected one.",
    ),
    (
        lambda got, right: bool((right < 50).all()) and is_close(got, right.exp()),
        "Your result is exp(…) of the expected one: often a logarithm is missing.",
    ),
    (
        # Of two numbers, one is 1 minus the other by chance.
        lambda got, right: len(right.unique()) > 2 and is_close(got, 1 - right),
        "Your result is 1 minus the expected one: `1 - …` is missing somewhere, or one "
        "too many.",
    ),
    (
        lambda got, right: bool((right != 0).all()) and is_close(got, 1 / right),
        "Your result is 1 divided by the expected one: numerator and denominator may "
        "have changed places.",
    ),
    (
        lambda got, right: is_close(got, right.abs()),
        "Your result is the expected one without its sign.",
    ),
    (
        lambda got, right: is_close(got, right.floor()),
        "Your result is the expected one rounded down: often `//` or `int()` stands "
        "where `/` is meant.",
    ),
    (
        lambda got, right: is_close(got, right.round()),
        "Your result is the expected one rounded to a whole number.",
    ),
    (
        lambda got, right: not _whole(got) and is_close(got.floor(), right),
        "Rounded down, your result is the expected one: often `/` stands where `//` "
        "is meant.",
    ),
    (
        lambda got, right: not _whole(got) and is_close(got.ceil(), right),
        "Rounded up, your result is the expected one.",
    ),
    (
        lambda got, right: len(got.unique()) > 1 and is_close(got, right.clamp(min=0)),
        "Your result is the expected one with 0 in place of its negative numbers.",
    ),
    (
        lambda got, right: len(got.unique()) > 2 and is_close(got, right.clamp(0, 1)),
        "Your result is the expected one, limited to numbers from 0 to 1.",
    ),
)


def _whole(values: Tensor) -> bool:
    return bool((values == values.round()).all())


def function(pairs: Pairs) -> str | None:
    """Recognise a wrong result as a function of the right one.

    >>> x = Tensor([1, 2, 3])
    >>> function([Numbers({}, x**2, x)])
    'Your result is the square of the expected one: a root may be missing.'
    """
    numbers = torch.cat([pair.got.flatten() for pair in pairs]).unique()
    scalar = all(pair.expected.numel() == 1 for pair in pairs)
    if len(numbers) == 1 and (len(pairs) > 2 or not scalar):
        number = f"{numbers[0].item():g}"
        return f"In every case that fails, your result is {number} throughout."
    for test, message in _FUNCTIONS:
        if always(pairs, test):
            return message
    return None


_REDUCTIONS: tuple[tuple[str, Callable[..., Tensor]], ...] = (
    ("mean", torch.mean),
    ("sum", torch.sum),
    ("largest number", torch.amax),
    ("smallest number", torch.amin),
    ("softmax", torch.softmax),
    ("running sum", torch.cumsum),
)


def argument(pairs: Pairs) -> str | None:
    """Recognise an argument itself, and its reduction along another dim.

    >>> x = Tensor([1, 2, 3]).double()
    >>> argument([Numbers({"x": x}, x, x + 1)])
    'Your result is `x` itself, unchanged.'
    """
    for name in pairs[0].arguments:
        values = [as_float(pair.arguments.get(name)) for pair in pairs]
        tensors = [value for value in values if value is not None]
        if len(tensors) < len(pairs):
            continue
        results = list(zip(tensors, pairs, strict=True))
        if all(is_close(pair.got, x) for x, pair in results):
            return f"Your result is `{name}` itself, unchanged."
        if all(is_close(pair.got, -x) for x, pair in results):
            return f"Your result is `-{name}`, and nothing more."
        mine = _reduction(tensors, [pair.got for pair in pairs])
        right = _reduction(tensors, [pair.expected for pair in pairs])
        if mine and right and mine != right:
            if mine[0] == right[0]:
                return (
                    f"Your {mine[0]} of `{name}` runs along dim {mine[1]}: it should "
                    "run along another one."
                )
            return f"Your result is the {mine[0]} of `{name}` along dim {mine[1]}."
    return None


def _reduction(
    tensors: Sequence[Tensor], results: Sequence[Tensor]
) -> tuple[str, int] | None:
    for dim in range(min(tensor.ndim for tensor in tensors)):
        if all(tensor.shape[dim] == 1 for tensor in tensors):
            continue
        for name, reduce in _REDUCTIONS:
            if all(
                is_close(reduce(x, dim=dim).squeeze(), result.squeeze())
                for x, result in zip(tensors, results, strict=True)
            ):
                return name, dim
    return None


def shares(pairs: Pairs) -> str | None:
    """Recognise shares that sum to 1 along another dim than the right ones.

    >>> x = Tensor([[1, 2, 3], [5, 1, 1]])
    >>> shares([Numbers({}, x.softmax(0), x.softmax(1))])[:37]
    'Your values sum to 1 along dim -2; th'
    """
    right = _dims_of_shares([pair.expected for pair in pairs])
    mine = _dims_of_shares([pair.got for pair in pairs])
    if right and mine and right.isdisjoint(mine):
        return (
            f"Your values sum to 1 along dim {max(mine)}; the expected ones sum to 1 "
            f"along dim {max(right)}: the softmax or the division runs along another "
            "dim."
        )
    return None


def proportions(pairs: Pairs) -> str | None:
    """Recognise shares that are right among each other, but don't sum to 1.

    >>> x = Tensor([[1, 2, 3], [5, 1, 1]]).exp()
    >>> right = x / x.sum(1, keepdim=True)
    >>> proportions([Numbers({}, x / (x.sum(1, keepdim=True) + 1), right)])[:31]
    'The proportions of your numbers'
    """
    for dim in sorted(_dims_of_shares([pair.expected for pair in pairs])):
        totals = [pair.got.sum(dim, keepdim=True) for pair in pairs]
        if not all(
            is_close(pair.got, pair.expected * total)
            for pair, total in zip(pairs, totals, strict=True)
        ):
            continue
        message = (
            f"The proportions of your numbers along dim {dim} are right, but their sum "
            "is not 1: divide by their own sum"
        )
        below = all(bool(((total > 0) & (total < 1)).all()) for total in totals)
        return f"{message}, and add nothing to it." if below else f"{message}."
    return None


def _dims_of_shares(tensors: Sequence[Tensor]) -> set[int]:
    dims = range(-min(t.ndim for t in tensors), 0)
    return {
        dim
        for dim in dims
        if all(is_close(t.sum(dim), torch.ones_like(t.sum(dim))) for t in tensors)
    }


def with_argument(pairs: Pairs) -> str | None:
    """Recognise a result that has an argument too much: added, or as a factor.

    >>> x, b = Tensor([1, 2, 3]).double(), Tensor([5, 7, 6]).double()
    >>> with_argument([Numbers({"b": b}, x - b, x)])[:41]
    'Your result is the expected one minus `b`'
    """
    for name in pairs[0].arguments:
        values = [as_float(pair.arguments.get(name)) for pair in pairs]
        tensors = [value for value in values if value is not None]
        if len(tensors) < len(pairs) or not any(len(t.unique()) > 2 for t in tensors):
            continue
        results = list(zip(tensors, pairs, strict=True))
        for test, what in _WITH_ARGUMENT:
            if all(
                _broadcasts(x, pair.expected) and test(pair.got, pair.expected, x)
                for x, pair in results
            ):
                return f"Your result is the expected one {what.format(name)}"
    return None


_WITH_ARGUMENT: tuple[tuple[Callable[[Tensor, Tensor, Tensor], bool], str], ...] = (
    (
        lambda got, right, x: is_close(got, right + x),
        "plus `{0}`: it is added once too often.",
    ),
    (
        lambda got, right, x: is_close(got, right - x),
        "minus `{0}`: it is left out, or subtracted once more.",
    ),
    (
        lambda got, right, x: is_close(got, right - 2 * x),
        "minus `2 * {0}`: it may have the wrong sign.",
    ),
    (
        lambda got, right, x: is_close(got, right + 2 * x),
        "plus `2 * {0}`: it may have the wrong sign.",
    ),
    (
        lambda got, right, x: is_close(got, right * x),
        "times `{0}`: it is a factor once too often.",
    ),
    (
        lambda got, right, x: is_close(got * x, right),
        "divided by `{0}`: it is left out as a factor, or divided by once more.",
    ),
)


def _broadcasts(x: Tensor, result: Tensor) -> bool:
    try:
        x.expand(result.shape)
    except RuntimeError:
        return False
    return True
