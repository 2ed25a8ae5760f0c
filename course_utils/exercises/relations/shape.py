"""Wrong results of another shape."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.relations.numbers import (
    Numbers,
    Pairs,
    always,
    is_close,
    shape_text,
)
from course_utils.exercises.relations.order import orders_of, transposed


def same_numbers(pairs: Pairs) -> str | None:
    """Recognise the right numbers in another shape.

    >>> x = Tensor([[1, 2, 3], [4, 5, 6]])
    >>> same_numbers([Numbers({}, x.flatten(), x)])[:40]
    'The numbers and their order are right, t'
    """
    pair = pairs[0]
    if always(pairs, lambda got, right: is_close(got.squeeze(), right.squeeze())):
        mine, right = shape_text(pair.got), shape_text(pair.expected)
        way = "missing" if pair.got.ndim < pair.expected.ndim else "too many"
        return (
            f"The numbers are right, the shape {mine} is not: expected {right}. Dims "
            f"of size 1 are {way} (`keepdim`, `squeeze`, `unsqueeze`)."
        )
    for order in orders_of({pair.expected.ndim for pair in pairs}):
        if always(pairs, lambda got, right, o=order: is_close(got, right.permute(o))):
            return transposed(order)
    if always(pairs, lambda g, r: is_close(g.flatten(), r.flatten())):
        return (
            "The numbers and their order are right, the shape is not: yours is "
            f"{shape_text(pair.got)}, expected {shape_text(pair.expected)}."
        )
    return None


def broadcast(pairs: Pairs) -> str | None:
    """Recognise the right numbers, repeated.

    >>> x = Tensor([1, 2, 3])
    >>> broadcast([Numbers({}, x.expand(2, 3), x)])[:40]
    'Your result repeats the expected numbers'
    """

    def repeated(got: Tensor, right: Tensor) -> bool:
        try:
            wide = right.expand_as(got)
        except RuntimeError:
            return False
        return got.numel() > right.numel() and is_close(got, wide)

    if always(pairs, repeated):
        mine, right = shape_text(pairs[0].got), shape_text(pairs[0].expected)
        return (
            "Your result repeats the expected numbers: broadcasting made "
            f"{mine} where {right} is expected."
        )
    return None


def reduced(pairs: Pairs) -> str | None:
    """Recognise a sum or a mean that is missing, or is one too many.

    >>> x = Tensor([[1, 2, 3], [4, 5, 6]])
    >>> reduced([Numbers({}, x, x.sum(0))])[:40]
    'The sum of your result along dim 0 is th'
    """
    for name, reduce in (("sum", torch.sum), ("mean", torch.mean)):
        for dim in (-1, 0, 1):

            def too_little(
                got: Tensor,
                right: Tensor,
                r: Callable[..., Tensor] = reduce,
                d: int = dim,
            ) -> bool:
                return d < got.ndim and got.ndim > 0 and is_close(r(got, dim=d), right)

            if always(pairs, too_little):
                return (
                    f"The {name} of your result along dim {dim} is the expected one: "
                    f"that {name} is still missing."
                )
            if always(pairs, lambda got, right, t=too_little: t(right, got)):
                return (
                    f"Your result is the {name} of the expected one along dim {dim}: "
                    f"that {name} is one too many."
                )
        if always(pairs, lambda got, right, r=reduce: is_close(r(got), right)):
            return f"The {name} of all your values is the expected number."
        if always(pairs, lambda got, right, r=reduce: is_close(got, r(right))):
            return f"Your result is the {name} of all expected values in one number."
    return None


def too_few(pairs: Pairs) -> str | None:
    """Recognise a result that is one place too short or too long.

    >>> x = Tensor([1, 2, 3])
    >>> too_few([Numbers({}, x[:2], x)])
    'The last place along dim 0 is missing in your result.'
    """
    for dim in range(min(min(p.got.ndim, p.expected.ndim) for p in pairs)):
        for place, start in (("last", 0), ("first", 1)):

            def shorter(
                got: Tensor, right: Tensor, d: int = dim, s: int = start
            ) -> bool:
                n = right.shape[d] - 1 if right.ndim == got.ndim else 0
                return n > 0 and is_close(got, right.narrow(d, s, n))

            if always(pairs, shorter):
                return f"The {place} place along dim {dim} is missing in your result."
            if always(pairs, lambda got, right, t=shorter: t(right, got)):
                return (
                    f"Your result has one place too many along dim {dim}: the {place}."
                )
    return None


def every_other(pairs: Pairs) -> str | None:
    """Recognise a result that skips places, or should.

    >>> x = Tensor([1, 2, 3, 4])
    >>> every_other([Numbers({}, x[::2], x)])
    'Your result has only every second place along dim 0.'
    """
    for dim in range(min(min(p.got.ndim, p.expected.ndim) for p in pairs)):
        for step in (2, 3, 4):

            def thinned(
                got: Tensor, right: Tensor, d: int = dim, s: int = step
            ) -> bool:
                if right.ndim != got.ndim or right.shape[d] < 3:
                    return False
                places = torch.arange(0, right.shape[d], s)
                return is_close(got, right.index_select(d, places))

            nth = {2: "second", 3: "third", 4: "fourth"}[step]
            if always(pairs, thinned):
                return f"Your result has only every {nth} place along dim {dim}."
            if always(pairs, lambda got, right, t=thinned: t(right, got)):
                return f"Only every {nth} place of yours along dim {dim} is expected."
    return None
