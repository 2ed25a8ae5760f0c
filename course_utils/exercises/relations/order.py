"""Wrong results that hold the right numbers in another order."""

from collections.abc import Sequence
from itertools import permutations

from torch import Tensor

from course_utils.exercises.relations.numbers import (
    Numbers,
    Pairs,
    always,
    as_float,
    is_close,
)


def order(pairs: Pairs) -> str | None:
    """Recognise the right numbers in another order: reversed, transposed, moved.

    >>> x = Tensor([[1, 2, 3], [4, 5, 6]])
    >>> order([Numbers({}, x.flip(1), x)])
    'Your result is the expected one in reverse order along dim 1.'
    """
    ranks = {pair.expected.ndim for pair in pairs}
    if ranks == {0} or any(len(p.expected.unique()) < 3 for p in pairs):
        return None
    for dim in range(min(ranks)):
        if always(pairs, lambda got, right, d=dim: is_close(got, right.flip(d))):
            return f"Your result is the expected one in reverse order along dim {dim}."
    for order in orders_of(ranks):
        if always(pairs, lambda got, right, o=order: is_close(got, right.permute(o))):
            return transposed(order)
    for dim in range(min(ranks)):
        longest = max(pair.expected.shape[dim] for pair in pairs)
        for step, where in ((1, "later"), (-1, "earlier")):
            if longest > 2 and always(
                pairs, lambda g, r, d=dim, s=step: _is_moved(g, r, d, s)
            ):
                return (
                    f"Your values stand one place {where} along dim {dim} than "
                    "expected: look at the first and the last index."
                )
    for dim in range(min(ranks)):
        if always(pairs, lambda got, right, d=dim: _has_same_slices(got, right, d)):
            return f"The slices along dim {dim} are right, but stand in another order."
    if not always(pairs, _has_same_numbers):
        return None
    plain = "The numbers are right, but in the wrong order."
    return _unmoved(pairs) or _flattened(pairs) or plain


def _unmoved(pairs: Pairs) -> str | None:
    """Recognise numbers that `reshape` was to move, though it moves none."""
    for order in orders_of({pair.expected.ndim for pair in pairs}):
        if always(pairs, lambda g, r, o=order: _reads_alike(g, r.permute(o))):
            return (
                "The numbers are right, but in the wrong order: in that of the "
                "expected result with its dims exchanged. `reshape` and `view` only "
                "cut the row of numbers anew; to exchange dims, use `.T`, "
                "`transpose` or `permute`."
            )
    return None


def _flattened(pairs: Pairs) -> str | None:
    """Recognise an argument whose dims are exchanged before it is reshaped."""
    for name in pairs[0].arguments:
        values = [as_float(pair.arguments.get(name)) for pair in pairs]
        tensors = [v for v in values if v is not None and len(v.unique()) > 2]
        if len(tensors) < len(pairs):
            continue
        if not all(
            _reads_alike(pair.expected, x)
            for x, pair in zip(tensors, pairs, strict=True)
        ):
            continue
        for order in orders_of({x.ndim for x in tensors}):
            if all(
                _reads_alike(pair.got, x.permute(order))
                for x, pair in zip(tensors, pairs, strict=True)
            ):
                return (
                    f"Your result has the numbers of `{name}` in another order, as if "
                    f"by `{name}.permute{tuple(order)}` before they are reshaped: "
                    "leave the order of its dims alone."
                )
    return None


def _reads_alike(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors hold the same numbers in the order of reading."""
    return is_close(a.flatten(), b.flatten())


def memory_order(failing: Pairs, passing: Pairs) -> str | None:
    """Recognise numbers that are misplaced exactly where an input isn't contiguous.

    >>> x = Tensor([[1, 2, 3], [4, 5, 6]])
    >>> wrong = Numbers({"x": x.T}, x.flatten(), x.T.flatten())
    >>> memory_order([wrong], [Numbers({"x": x}, x, x)])[:52]
    'The numbers are right, but in the wrong order where '
    """
    if not passing or not always(failing, _has_same_numbers):
        return None
    for name, value in failing[0].arguments.items():
        if not isinstance(value, Tensor):
            continue
        wrong = [pair.arguments[name].is_contiguous() for pair in failing]
        right = [pair.arguments[name].is_contiguous() for pair in passing]
        if all(right) and not any(wrong):
            return (
                f"The numbers are right, but in the wrong order where `{name}` is not "
                "contiguous: there the order in memory is not the order of the shape. "
                "Only the shape counts; often `as_strided`, or strides worked out by "
                "hand, take the numbers as they lie in memory."
            )
    return None


def _has_same_numbers(got: Tensor, right: Tensor) -> bool:
    return is_close(*(numbers.flatten().sort()[0] for numbers in (got, right)))


def _is_moved(got: Tensor, right: Tensor, dim: int, step: int) -> bool:
    if is_close(got, right.roll(step, dim)):
        return True
    if right.shape[dim] < 3:
        return False
    n = right.shape[dim] - 1
    mine, theirs = (1, 0) if step > 0 else (0, 1)
    moved = right.narrow(dim, theirs, n)
    return len(moved.unique()) > 2 and is_close(got.narrow(dim, mine, n), moved)


def _has_same_slices(got: Tensor, right: Tensor, dim: int) -> bool:
    if right.ndim < 2 or not 1 < right.shape[dim] < 9:
        return False
    mine, theirs = got.unbind(dim), list(right.unbind(dim))
    for slice_ in mine:
        match = next((i for i, t in enumerate(theirs) if is_close(slice_, t)), None)
        if match is None:
            return False
        theirs.pop(match)
    return True


def orders_of(ranks: set[int]) -> list[tuple[int, ...]]:
    """Return the orders of dims to try for results with these numbers of dims.

    >>> orders_of({2})
    [(1, 0)]
    """
    if len(ranks) > 1 or min(ranks) > 4:
        return []
    plain = tuple(range(min(ranks)))
    return [order for order in permutations(plain) if order != plain]


def transposed(order: Sequence[int]) -> str:
    """Say that dims stand in another order.

    >>> transposed((1, 0))
    'Your result is the transpose of the expected one: rows are columns.'
    """
    if len(order) == 2:
        return "Your result is the transpose of the expected one: rows are columns."
    return (
        "Your result has the expected numbers with its dims in another order, as if "
        f"by `.permute{tuple(order)}` of the expected one."
    )
