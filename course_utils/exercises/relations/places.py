"""Wrong results that are right except in some places."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.exercises.relations.numbers import (
    ATOL,
    RTOL,
    Numbers,
    Pairs,
    as_float,
)


def places(pairs: Pairs) -> str | None:
    """Name the places where a result is wrong, if they have something in common.

    >>> x = Tensor([1, 2, 3])
    >>> places([Numbers({}, x + Tensor([0, 0, n]), x) for n in (1, 2)])
    'Your result is right everywhere except in the last place.'
    """
    if len(pairs) < 2:
        return None
    masks = [
        ~torch.isclose(pair.got, pair.expected, rtol=RTOL, atol=ATOL) for pair in pairs
    ]
    for names, region in _REGIONS:
        for dim in range(-1, -1 - min(mask.ndim for mask in masks), -1):
            if all(_only_in(mask, region, dim) for mask in masks):
                where = f"{names} along dim {dim}"
                if all(mask.ndim == 1 for mask in masks):
                    where = names
                return f"Your result is right everywhere except in {where}."
    if all(_only_on_diagonal(mask) for mask in masks):
        seen = "Your result is right everywhere except on the diagonal"
        if all(mask.ndim == 2 for mask in masks) and _one_for_all(pairs):
            return f"{seen}: there all its numbers are the same. Each has its own."
        return f"{seen}."
    if all(mask.ndim and _all_but_first(mask) for mask in masks):
        return "Only the first along dim 0 is right, all others are wrong."
    return _where_values(pairs, masks) or _zero_where(pairs, masks)


def repeated(pairs: Pairs) -> str | None:
    """Recognise slices that are all alike, where each should be another.

    >>> x = Tensor([[1, 2], [3, 4], [5, 7]])
    >>> repeated([Numbers({}, x[-1:].expand(3, 2), x)])[:49]
    'Along dim 0, all slices of your result are alike:'
    """
    for dim in range(min(pair.got.ndim for pair in pairs)):
        long = [pair for pair in pairs if pair.got.shape[dim] > 1]
        if not long or not all(
            _alike(pair.got, dim) and not _alike(pair.expected, dim) for pair in long
        ):
            continue
        if all(len(pair.got.unique()) == 1 for pair in long):
            continue  # alike along every dim
        seen = f"Along dim {dim}, all slices of your result are alike"
        for place, name in ((-1, "last"), (0, "first")):
            if all(_is_slice(pair, dim, place) for pair in pairs):
                return (
                    f"{seen}: each is the expected {name} one. Often the index of a "
                    "loop is fixed or not used; and a `lambda` made in a loop reads "
                    "the loop's variable when it is called, after the loop's end."
                )
        return (
            f"{seen}; the expected ones differ. Often a sum or a mean runs along dim "
            f"{dim} too, and is spread over it again."
        )
    return None


def _alike(result: Tensor, dim: int) -> bool:
    return torch.allclose(result, result.narrow(dim, 0, 1), rtol=RTOL, atol=ATOL)


def _is_slice(pair: Numbers, dim: int, place: int) -> bool:
    mine, right = (t.select(dim, place) for t in (pair.got, pair.expected))
    return torch.allclose(mine, right, rtol=RTOL, atol=ATOL)


def mirrored(pairs: Pairs) -> str | None:
    """Recognise a table that is symmetric where it should not be.

    >>> x = Tensor([[1, 2, 9], [3, 4, 8]])
    >>> mirrored([Numbers({}, Tensor([[1, 2, 9], [2, 4, 8]]), x)])[:50]
    'Your table is symmetric: what stands at [i, j] sta'
    """
    tables = [pair for pair in pairs if pair.got.ndim == 2 and min(pair.got.shape) > 1]
    if len(tables) < len(pairs):
        return None
    if all(_symmetric(p.got) and not _symmetric(p.expected) for p in tables):
        return (
            "Your table is symmetric: what stands at [i, j] stands at [j, i] too. The "
            "expected one is not: compute both."
        )
    return None


def _symmetric(table: Tensor) -> bool:
    n = min(table.shape)
    square = table[:n, :n]
    off = square - square.diag().diag()
    return bool(off.any()) and torch.allclose(square, square.T, rtol=RTOL, atol=ATOL)


def _one_for_all(pairs: Pairs) -> bool:
    """Tell whether all diagonals hold one number, and should hold several."""
    mine, right = (
        [results.diagonal() for results in group]
        for group in zip(*((pair.got, pair.expected) for pair in pairs), strict=True)
    )
    several = [d for d in right if len(d.unique()) > 1]
    alike = all(torch.allclose(d, d[0], rtol=RTOL) for d in mine)
    return alike and len(several) == len(right)


def _zero_where(pairs: Pairs, masks: Sequence[Tensor]) -> str | None:
    """Name what an argument is where results are 0 and should not be."""
    if any(bool((pair.got[mask] != 0).any()) for pair, mask in _both(pairs, masks)):
        return None
    if sum(int(mask.sum()) for mask in masks) < _FEWEST_ZEROS or not any(
        bool((pair.got != 0).any()) for pair in pairs
    ):
        return None
    for name in pairs[0].arguments:
        values = [as_float(pair.arguments.get(name)) for pair in pairs]
        tensors = [value for value in values if value is not None]
        if [t.shape for t in tensors] != [mask.shape for mask in masks]:
            continue
        for words, test in _VALUES:
            if all(
                torch.equal(mask, test(value) & (pair.expected != 0))
                for value, (pair, mask) in zip(
                    tensors, _both(pairs, masks), strict=True
                )
            ):
                return (
                    f"Your result is 0 wherever `{name}` is {words}, and right "
                    "elsewhere: numbers are dropped there that should stay."
                )
    return None


def _both(pairs: Pairs, masks: Sequence[Tensor]) -> Sequence[tuple[Numbers, Tensor]]:
    return list(zip(pairs, masks, strict=True))


_FEWEST_ZEROS = 4  # that make a coincidence unlikely


def _where_values(pairs: Pairs, masks: Sequence[Tensor]) -> str | None:
    if all(bool(mask.all()) for mask in masks):
        return None
    names = [*pairs[0].arguments, None]
    for name in names:
        values = [
            pair.expected if name is None else as_float(pair.arguments.get(name))
            for pair in pairs
        ]
        tensors = [v for v in values if v is not None]
        if len(tensors) < len(pairs) or any(
            v.shape != m.shape for v, m in zip(tensors, masks, strict=True)
        ):
            continue
        what = "the expected one" if name is None else f"`{name}`"
        for words, test in _VALUES:
            if all(
                bool(mask.any()) and torch.equal(mask, test(value))
                for mask, value in zip(masks, tensors, strict=True)
            ):
                if words == "not zero" and name is None:
                    return "The zeros of your result are right, its other numbers not."
                return f"Your result is wrong exactly where {what} is {words}."
    return None


_REGIONS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("the last place", (-1,)),
    ("the first place", (0,)),
    ("the first and the last place", (0, -1)),
)


_VALUES: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("negative", lambda right: right < 0),
    ("positive", lambda right: right > 0),
    ("zero", lambda right: right == 0),
    ("zero or negative", lambda right: right <= 0),
    ("not zero", lambda right: right != 0),
)


def _only_in(mask: Tensor, region: Sequence[int], dim: int) -> bool:
    size = mask.shape[dim]
    if size <= len(region):
        return False
    inside = {index % size for index in region}
    rest = [index for index in range(size) if index not in inside]
    touched = all(bool(mask.select(dim, index).any()) for index in region)
    return touched and not mask.index_select(dim, torch.tensor(rest)).any()


def _only_on_diagonal(mask: Tensor) -> bool:
    if mask.ndim < 2 or mask.shape[-1] < 2 or mask.shape[-2] < 2:
        return False
    eye = torch.eye(mask.shape[-2], mask.shape[-1], dtype=torch.bool)
    return bool(mask.any()) and not (mask & ~eye).any()


def _all_but_first(mask: Tensor) -> bool:
    return len(mask) > 2 and not mask[0].any() and all(bool(m.any()) for m in mask[1:])
