"""What links a wrong result to the expected one, where a program can see it.

A relation is reported only if it holds in every case that failed: one case is often
a coincidence. The message says what is seen first, then what usually causes it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

RTOL, ATOL = 1e-4, 1e-6


@dataclass(frozen=True)
class Pair:
    """One case: its arguments by name, the learner's result and the expected one.

    >>> Pair({"n": 3}, got=6.0, expected=2.0).got
    6.0
    """

    arguments: Mapping[str, Any]
    got: Any
    expected: Any


def relate(failing: Sequence[Pair], passing: Sequence[Pair] = ()) -> str | None:
    """Say what links wrong results to the expected ones; None where nothing is seen.

    Args:
        failing: the cases with a wrong result, tensors or numbers.
        passing: the cases with a right one; what they lack may tell the cause.

    >>> x = torch.arange(6.0).reshape(3, 2)
    >>> y = torch.arange(8.0).reshape(4, 2)
    >>> pairs = [Pair({"x": v}, v.sum(0), v.mean(0)) for v in (x, y)]
    >>> relate(pairs)[:57]
    'Your result is `x.shape[0]` times the expected one: often'
    """
    numeric = [_numeric(pair) for pair in failing]
    pairs = [pair for pair in numeric if pair is not None]
    if not pairs or len(pairs) < len(numeric):
        return None
    if all(pair.got.shape == pair.expected.shape for pair in pairs):
        finders = _SAME_SHAPE if _enough(pairs) else ()
    else:
        finders = _OTHER_SHAPE
    for finder in finders:
        if message := finder(pairs):
            return message
    return _shared_condition(failing, passing)


def _numeric(pair: Pair) -> Pair | None:
    values = []
    for value in (pair.got, pair.expected):
        if isinstance(value, bool | int | float):
            value = torch.tensor(float(value))
        if not isinstance(value, Tensor) or value.is_complex() or value.is_sparse:
            return None
        values.append(value.detach().to("cpu", torch.float64))
    return Pair(pair.arguments, *values)


def _enough(pairs: Sequence[Pair]) -> bool:
    """Tell whether there are numbers enough to exclude a coincidence."""
    expected = torch.cat([pair.expected.flatten() for pair in pairs])
    return len(expected.unique()) >= 2 and all(
        pair.got.isfinite().all() and pair.expected.isfinite().all() for pair in pairs
    )


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=RTOL, atol=ATOL)


def _always(pairs: Sequence[Pair], test: Callable[[Tensor, Tensor], bool]) -> bool:
    return all(test(pair.got, pair.expected) for pair in pairs)


# --- a factor or an offset ------------------------------------------------------


def _factor(pairs: Sequence[Pair]) -> str | None:
    ratios = []
    for pair in pairs:
        largest = pair.expected.abs().argmax()
        expected = pair.expected.flatten()[largest].item()
        if expected == 0:
            return None
        ratio = pair.got.flatten()[largest].item() / expected
        if ratio == 0 or not _close(pair.got, ratio * pair.expected):
            return None
        ratios.append(ratio)
    if all(math.isclose(ratio, -1, rel_tol=RTOL) for ratio in ratios):
        return "Your result has the opposite sign: the expected one times -1."
    sign = -1 if all(ratio < 0 for ratio in ratios) else 1
    minus = "minus " if sign < 0 else ""
    named = _name_of([sign * ratio for ratio in ratios], pairs)
    if named is None:
        return None
    name, cause = named
    return f"Your result is {minus}{name} times the expected one: {cause}"


def _offset(pairs: Sequence[Pair]) -> str | None:
    gaps = []
    for pair in pairs:
        gap = (pair.got - pair.expected).mean().item()
        if not _close(pair.got, pair.expected + gap):
            return None
        gaps.append(gap)
    first = gaps[0]
    whole = math.isclose(first, round(first), abs_tol=1e-5)
    if whole and len(gaps) > 1 and all(abs(gap - first) < 1e-5 for gap in gaps):
        amount, direction = f"{abs(first):.4g}", "more" if first > 0 else "less"
        return (
            f"Your result is {amount} {direction} than the expected one in every "
            "failing case: often something is counted once too much or too little."
        )
    for sign, direction in ((1, "more"), (-1, "less")):
        for name, values in _sizes(pairs):
            if _all_close(values, [sign * gap for gap in gaps]) and _vary(values):
                return (
                    f"Your result is {name} {direction} than the expected one: look "
                    f"at where {name} is added or left out."
                )
    return None


def _name_of(ratios: Sequence[float], pairs: Sequence[Pair]) -> tuple[str, str] | None:
    """Name the factors of all cases: one constant, or one expression of sizes."""
    if len(ratios) > 1 and _all_close(ratios, [ratios[0]] * len(ratios)):
        return f"{ratios[0]:.4g}", "look for a constant factor too much or missing."
    for name, values in _sizes(pairs):
        if not _vary(values) or any(value <= 0 for value in values):
            continue
        for form, apply, cause in _FORMS:
            if _all_close([apply(value) for value in values], ratios):
                return form.format(name), cause.format(name)
    return None


_FORMS: tuple[tuple[str, Callable[[float], float], str], ...] = (
    (
        "{0}",
        lambda v: v,
        "often a division by {0} is missing, or a sum stands where a mean is meant.",
    ),
    (
        "1/{0}",
        lambda v: 1 / v,
        "often it is divided by {0} once too much, or a mean stands where a sum is "
        "meant.",
    ),
    ("√({0})", math.sqrt, "often a division by √({0}) is missing."),
    ("1/√({0})", lambda v: v**-0.5, "often it is divided by √({0}) once too much."),
    ("({0})²", lambda v: v * v, "often a division by ({0})² is missing."),
)


def _sizes(pairs: Sequence[Pair]) -> Iterator[tuple[str, list[float]]]:
    """Yield each size or number among the arguments, with its value in each case."""
    for name in pairs[0].arguments:
        values = [pair.arguments.get(name) for pair in pairs]
        if all(isinstance(v, Tensor) for v in values):
            yield from _tensor_sizes(name, values)
        elif all(isinstance(v, int | float) for v in values):
            numbers = [float(v) for v in values]
            yield f"`{name}`", numbers
            yield f"`{name} - 1`", [v - 1 for v in numbers]
            if any(not v.is_integer() for v in numbers):
                yield f"`(1 - {name})`", [1 - v for v in numbers]


def _tensor_sizes(
    name: str, values: Sequence[Tensor]
) -> Iterator[tuple[str, list[float]]]:
    dims = min(value.ndim for value in values)
    for dim in range(dims):
        yield f"`{name}.shape[{dim}]`", [float(v.shape[dim]) for v in values]
    if dims and len({v.ndim for v in values}) > 1:
        yield f"`{name}.shape[-1]`", [float(v.shape[-1]) for v in values]
    yield f"`{name}.numel()`", [float(v.numel()) for v in values]


def _vary(values: Sequence[float]) -> bool:
    # A size that is the same in all cases would also fit any constant.
    return len(set(values)) > 1


def _all_close(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(math.isclose(x, y, rel_tol=RTOL) for x, y in zip(a, b, strict=True))


# --- a function of the expected result ------------------------------------------

_FUNCTIONS: tuple[tuple[Callable[[Tensor, Tensor], bool], str], ...] = (
    (
        lambda got, right: _close(got, right**2),
        "Your result is the square of the expected one: a root may be missing.",
    ),
    (
        lambda got, right: bool((got >= 0).all()) and _close(got**2, right),
        "Your result is the square root of the expected one: often a root is taken "
        "where none is asked for.",
    ),
    (
        lambda got, right: bool((right > 0).all()) and _close(got, right.log()),
        "Your result is the logarithm of the expected one.",
    ),
    (
        lambda got, right: bool((right < 50).all()) and _close(got, right.exp()),
        "Your result is exp(…) of the expected one: often a logarithm is missing.",
    ),
    (
        lambda got, right: _close(got, 1 - right),
        "Your result is 1 minus the expected one: often a share is taken for the rest.",
    ),
    (
        lambda got, right: bool((right != 0).all()) and _close(got, 1 / right),
        "Your result is 1 divided by the expected one: numerator and denominator may "
        "have changed places.",
    ),
    (
        lambda got, right: _close(got, right.abs()),
        "Your result is the expected one without its sign.",
    ),
    (
        lambda got, right: _close(got, right.floor()),
        "Your result is the expected one rounded down: often `//` or `int()` stands "
        "where `/` is meant.",
    ),
    (
        lambda got, right: _close(got, right.round()),
        "Your result is the expected one rounded to a whole number.",
    ),
)


def _function(pairs: Sequence[Pair]) -> str | None:
    for test, message in _FUNCTIONS:
        if _always(pairs, test):
            return message
    return None


# --- the same numbers in another order ------------------------------------------


def _order(pairs: Sequence[Pair]) -> str | None:
    ranks = {pair.expected.ndim for pair in pairs}
    if ranks == {0}:
        return None
    for dim in range(min(ranks)):
        if _always(pairs, lambda got, right, d=dim: _close(got, right.flip(d))):
            return f"Your result is the expected one in reverse order along dim {dim}."
    for order in _orders(ranks):
        if _always(pairs, lambda got, right, o=order: _close(got, right.permute(o))):
            return _transposed(order)
    for dim in range(min(ranks)):
        for step, where in ((1, "later"), (-1, "earlier")):

            def rolled(got: Tensor, right: Tensor, d: int = dim, s: int = step) -> bool:
                return _close(got, right.roll(s, d))

            def moved(got: Tensor, right: Tensor, d: int = dim, s: int = step) -> bool:
                n = right.shape[d] - 1
                start = (1, 0) if s > 0 else (0, 1)
                return n > 1 and _close(
                    got.narrow(d, start[0], n), right.narrow(d, start[1], n)
                )

            if _always(pairs, rolled) or _always(pairs, moved):
                return (
                    f"Your values stand one place {where} along dim {dim} than "
                    "expected: look at the first and the last index."
                )
    if _always(pairs, lambda g, r: _close(*(t.flatten().sort()[0] for t in (g, r)))):
        return "The numbers are right, their order is not."
    return None


def _orders(ranks: set[int]) -> list[tuple[int, ...]]:
    if len(ranks) > 1 or min(ranks) > 4:
        return []
    plain = tuple(range(min(ranks)))
    return [order for order in permutations(plain) if order != plain]


def _transposed(order: Sequence[int]) -> str:
    if len(order) == 2:
        return "Your result is the transpose of the expected one: rows are columns."
    return (
        "Your result has the expected numbers with its dims in another order: that of "
        f"`expected.permute{tuple(order)}`."
    )


# --- right but for some places ---------------------------------------------------


def _places(pairs: Sequence[Pair]) -> str | None:
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
        return "Your result is right everywhere except on the diagonal."
    for words, test in _VALUES:
        everywhere = all(bool(mask.all()) for mask in masks)
        if not everywhere and all(
            bool(mask.any()) and torch.equal(mask, test(pair.expected))
            for mask, pair in zip(masks, pairs, strict=True)
        ):
            return f"Your result is wrong exactly where the expected one is {words}."
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
)


def _only_in(mask: Tensor, region: Sequence[int], dim: int) -> bool:
    size = mask.shape[dim]
    if size <= len(region):
        return False
    inside = {index % size for index in region}
    rest = [index for index in range(size) if index not in inside]
    touched = all(mask.select(dim, index).any() for index in region)
    return bool(touched) and not mask.index_select(dim, torch.tensor(rest)).any()


def _only_on_diagonal(mask: Tensor) -> bool:
    if mask.ndim < 2 or mask.shape[-1] < 2 or mask.shape[-2] < 2:
        return False
    eye = torch.eye(mask.shape[-2], mask.shape[-1], dtype=torch.bool)
    return bool(mask.any()) and not (mask & ~eye).any()


# --- shares along another dim ----------------------------------------------------


def _shares(pairs: Sequence[Pair]) -> str | None:
    right = _dims_of_shares([pair.expected for pair in pairs])
    mine = _dims_of_shares([pair.got for pair in pairs])
    if right and mine and right.isdisjoint(mine):
        return (
            f"Your values sum to 1 along dim {max(mine)}; the expected ones sum to 1 "
            f"along dim {max(right)}: the softmax or the division runs along another "
            "dim."
        )
    return None


def _dims_of_shares(tensors: Sequence[Tensor]) -> set[int]:
    dims = range(-min(t.ndim for t in tensors), 0)
    return {
        dim
        for dim in dims
        if all(_close(t.sum(dim), torch.ones_like(t.sum(dim))) for t in tensors)
    }


# --- other shapes ----------------------------------------------------------------


def _same_numbers(pairs: Sequence[Pair]) -> str | None:
    if _always(pairs, lambda got, right: _close(got.squeeze(), right.squeeze())):
        return (
            f"The numbers are right, the shape {_shape(pairs[0].got)} is not: expected "
            f"{_shape(pairs[0].expected)}. Dims of size 1 are added or "
            "missing (`keepdim`, `squeeze`, `unsqueeze`)."
        )
    for order in _orders({pair.expected.ndim for pair in pairs}):
        if _always(pairs, lambda got, right, o=order: _close(got, right.permute(o))):
            return _transposed(order)
    if _always(pairs, lambda g, r: _close(g.flatten(), r.flatten())):
        return (
            "The numbers and their order are right, the shape is not: yours is "
            f"{_shape(pairs[0].got)}, expected {_shape(pairs[0].expected)}."
        )
    return None


def _broadcast(pairs: Sequence[Pair]) -> str | None:
    def repeated(got: Tensor, right: Tensor) -> bool:
        try:
            wide = right.expand_as(got)
        except RuntimeError:
            return False
        return got.numel() > right.numel() and _close(got, wide)

    if _always(pairs, repeated):
        return (
            "Your result repeats the expected numbers: broadcasting made "
            f"{_shape(pairs[0].got)} where {_shape(pairs[0].expected)} is expected."
        )
    return None


def _reduced(pairs: Sequence[Pair]) -> str | None:
    for name, reduce in (("sum", torch.sum), ("mean", torch.mean)):
        for dim in (-1, 0, 1):

            def too_little(
                got: Tensor,
                right: Tensor,
                r: Callable[..., Tensor] = reduce,
                d: int = dim,
            ) -> bool:
                return d < got.ndim and got.ndim > 0 and _close(r(got, dim=d), right)

            if _always(pairs, too_little):
                return (
                    f"The {name} of your result along dim {dim} is the expected one: "
                    f"that {name} is still missing."
                )
            if _always(pairs, lambda got, right, t=too_little: t(right, got)):
                return (
                    f"Your result is the {name} of the expected one along dim {dim}: "
                    f"that {name} is one too many."
                )
        if _always(pairs, lambda got, right, r=reduce: _close(r(got), right)):
            return f"The {name} of all your values is the expected number."
        if _always(pairs, lambda got, right, r=reduce: _close(got, r(right))):
            return f"Your result is the {name} of all expected values in one number."
    return None


def _too_few(pairs: Sequence[Pair]) -> str | None:
    for dim in range(min(min(p.got.ndim, p.expected.ndim) for p in pairs)):
        for place, start in (("last", 0), ("first", 1)):

            def shorter(
                got: Tensor, right: Tensor, d: int = dim, s: int = start
            ) -> bool:
                n = right.shape[d] - 1 if right.ndim == got.ndim else 0
                return n > 0 and _close(got, right.narrow(d, s, n))

            if _always(pairs, shorter):
                return f"Your result lacks the {place} place along dim {dim}."
            if _always(pairs, lambda got, right, t=shorter: t(right, got)):
                return (
                    f"Your result has one place too many along dim {dim}: the {place}."
                )
    return None


def _shape(value: Tensor) -> str:
    return str(tuple(value.shape))


# --- right in some cases only -----------------------------------------------------


def _shared_condition(failing: Sequence[Pair], passing: Sequence[Pair]) -> str | None:
    """Name what all failing cases have and no passing case has."""
    if not failing or not passing:
        return None
    for words, test in _conditions(failing[0].arguments):
        try:
            if all(test(p.arguments) for p in failing) and not any(
                test(p.arguments) for p in passing
            ):
                return f"Your result is wrong exactly where {words}."
            if not any(test(p.arguments) for p in failing) and all(
                test(p.arguments) for p in passing
            ):
                return f"Your result is right only where {words}."
        except (TypeError, KeyError, AttributeError, IndexError):
            continue
    return None


Condition = tuple[str, Callable[[Mapping[str, Any]], bool]]


def _conditions(arguments: Mapping[str, Any]) -> Iterator[Condition]:
    for name, value in arguments.items():
        if isinstance(value, bool) or value is None:
            yield f"`{name}` is {value}", lambda a, n=name, v=value: a[n] is v
        elif isinstance(value, int | float):
            for limit in (0, 1):
                yield f"`{name}` is {limit}", lambda a, n=name, v=limit: a[n] == v
            yield f"`{name}` is negative", lambda a, n=name: a[n] < 0
            if isinstance(value, int):
                yield f"`{name}` is even", lambda a, n=name: a[n] % 2 == 0
        elif isinstance(value, Tensor):
            yield from _tensor_conditions(name)


def _tensor_conditions(name: str) -> Iterator[Condition]:
    yield f"`{name}` has one row", lambda a: len(a[name]) == 1
    yield (
        f"`{name}` is square",
        lambda a: a[name].ndim > 1 and a[name].shape[-1] == a[name].shape[-2],
    )
    yield f"`{name}` has negative numbers", lambda a: bool((a[name] < 0).any())
    yield f"`{name}` has large numbers", lambda a: bool((a[name].abs() > 50).any())


_SAME_SHAPE = (_factor, _offset, _function, _order, _shares, _places)
_OTHER_SHAPE = (_same_numbers, _broadcast, _reduced, _too_few)
