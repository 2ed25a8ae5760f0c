"""What links a wrong result to the expected one, where a program can see it.

A relation must hold in every case that failed, and for numbers enough to exclude a
coincidence. The message says what is seen first, then what usually causes it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import (
    difference,
    has_numbers,
    is_number,
    part_names,
)

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


@dataclass(frozen=True)
class _Numbers:
    """A pair whose results are tensors of float64 on the CPU."""

    arguments: Mapping[str, Any]
    got: Tensor
    expected: Tensor


_Pairs = Sequence[_Numbers]
_Test = Callable[[Tensor, Tensor], bool]


def relate(
    failing: Sequence[Pair], passing: Sequence[Pair] = (), parts: Sequence[str] = ()
) -> str | None:
    """Say what links wrong results to the expected ones; None where nothing is seen.

    Args:
        failing: the cases with a wrong result.
        passing: the cases with a right one; what they lack may tell the cause.
        parts: what the items of a result are, if it is a tuple or list.

    >>> x = torch.arange(6.0).reshape(3, 2)
    >>> y = torch.arange(8.0).reshape(4, 2)
    >>> pairs = [Pair({"x": v}, v.sum(0), v.mean(0)) for v in (x, y)]
    >>> relate(pairs)[:57]
    'Your result is `x.shape[0]` times the expected one: often'
    """
    if all(isinstance(pair.expected, tuple | list) for pair in failing):
        return _relate_items(failing, passing, parts)
    wrong = [_numbers(pair) for pair in failing]
    right = [_numbers(pair) for pair in passing]
    pairs = [pair for pair in wrong if pair is not None]
    # Numbers that are right mean that something else is wrong, as the dtype.
    if not pairs or len(pairs) < len(wrong) or any(_is_right(pair) for pair in pairs):
        return None
    return _relate_numbers(pairs, [pair for pair in right if pair is not None])


def _relate_numbers(failing: _Pairs, passing: _Pairs) -> str | None:
    if any(pair.got.shape != pair.expected.shape for pair in failing):
        # All numbers alike would fit too much.
        results = [result for p in failing for result in (p.got, p.expected)]
        telling = all(len(r.unique()) > 1 for r in results if r.numel() > 1)
        return _first(_OTHER_SHAPE, failing) if telling else None
    if not _enough(failing):
        return None
    for finder in _WITH_RIGHT_ONES:
        if message := finder(failing, passing):
            return message
    return _first(_SAME_SHAPE, failing)


def _first(
    finders: Sequence[Callable[[_Pairs], str | None]], pairs: _Pairs
) -> str | None:
    for finder in finders:
        if message := finder(pairs):
            return message
    return None


def _numbers(pair: Pair) -> _Numbers | None:
    values = []
    for value in (pair.got, pair.expected):
        if isinstance(value, bool | int | float):
            value = torch.tensor(float(value))
        if not isinstance(value, Tensor) or not has_numbers(value):
            return None
        if value.is_complex():
            return None
        values.append(value.detach().to("cpu", torch.float64))
    return _Numbers(pair.arguments, *values)


def _enough(pairs: _Pairs) -> bool:
    """Tell whether there are numbers enough to exclude a coincidence."""
    expected = torch.cat([pair.expected.flatten() for pair in pairs])
    least = 2 if len(pairs) > 1 else 3
    return len(expected.unique()) >= least and all(
        bool(pair.got.isfinite().all() and pair.expected.isfinite().all())
        for pair in pairs
    )


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=RTOL, atol=ATOL)


def _is_right(pair: _Numbers) -> bool:
    return _close(pair.got, pair.expected)


def _always(pairs: _Pairs, test: _Test) -> bool:
    return all(test(pair.got, pair.expected) for pair in pairs)


# --- a result of several items ----------------------------------------------------


def _relate_items(
    failing: Sequence[Pair], passing: Sequence[Pair], parts: Sequence[str]
) -> str | None:
    counts = {len(pair.expected) for pair in failing}
    for pair in failing:
        if not isinstance(pair.got, tuple | list):
            return None
        counts.add(len(pair.got))
    if len(counts) > 1:
        return None
    (count,) = counts
    if message := _items_in_another_order(failing, count, parts):
        return message
    for index, name in enumerate(part_names(parts, count)):
        items = [_item(pair, index) for pair in (*failing, *passing)]
        wrong = [item for item in items if difference(item.got, item.expected)]
        right = [item for item in items if not difference(item.got, item.expected)]
        if wrong:
            message = relate(wrong, right)
            return f"In {name}: {message[0].lower()}{message[1:]}" if message else None
    return None


def _item(pair: Pair, index: int) -> Pair:
    return Pair(pair.arguments, pair.got[index], pair.expected[index])


def _items_in_another_order(
    failing: Sequence[Pair], count: int, parts: Sequence[str]
) -> str | None:
    items = [item for pair in failing for item in pair.expected]
    plain = all(is_number(item) for item in items)
    if count > 4 or not all(isinstance(i, Tensor) or is_number(i) for i in items):
        return None
    # Two numbers, or three in one case, may be exchanged by chance.
    if plain and (count < 3 or (count < 4 and len(failing) < 2)):
        return None
    if plain and max(len(set(pair.expected)) for pair in failing) < 3:
        return None
    for order in permutations(range(count)):
        if all(
            difference([pair.got[i] for i in order], list(pair.expected)) is None
            for pair in failing
        ):
            names = part_names(parts, count)
            wanted = (
                f": first {names[0]}, then {names[1]}" if len(parts) == count else ""
            )
            return f"The values are right, but in another order{wanted}."
    return None


# --- a factor or an offset ------------------------------------------------------


def _factor(failing: _Pairs, passing: _Pairs) -> str | None:
    ratios = [_ratio(pair) for pair in failing]
    known = [ratio for ratio in ratios if ratio is not None]
    if len(known) < len(ratios):
        return None
    if _all_close(known, [-1.0] * len(known)):
        return "Your result has the opposite sign: the expected one times -1."
    sign = -1 if all(ratio < 0 for ratio in known) else 1
    named = _name_of([sign * ratio for ratio in known], failing, passing)
    if named is None:
        return None
    name, cause = named
    return (
        f"Your result is {'minus ' * (sign < 0)}{name} times the expected one: {cause}"
    )


def _ratio(pair: _Numbers) -> float | None:
    """Return the factor between two results, if it is the same for all numbers."""
    largest = pair.expected.abs().argmax()
    expected = pair.expected.flatten()[largest].item()
    if expected == 0:
        return None
    ratio = pair.got.flatten()[largest].item() / expected
    return ratio if ratio and _close(pair.got, ratio * pair.expected) else None


def _name_of(
    ratios: Sequence[float], failing: _Pairs, passing: _Pairs
) -> tuple[str, str] | None:
    """Name the factors of all cases: one constant, or one expression of sizes."""
    scalar = all(pair.expected.numel() == 1 for pair in failing)
    if _all_close(ratios, [ratios[0]] * len(ratios)):
        if scalar and len(ratios) < 3:
            return None
        return _constant(ratios[0]), "look for a constant factor too much or missing."
    expected = [*ratios, *[1.0] * len(passing)]
    sizes = list(_sizes([*failing, *passing]))
    for name, values in sizes:
        if not _vary(values) or any(value <= 0 for value in values):
            continue
        for form, apply, cause in _FORMS:
            if _all_close([apply(value) for value in values], expected):
                is_size = "shape" in name or "numel" in name
                return form.format(name), cause.format(
                    name,
                    sum=", or a sum stands where a mean is meant" * is_size,
                    mean=", or a mean stands where a sum is meant" * is_size,
                )
    for (a, above), (b, below) in permutations(sizes, 2):
        if 0 not in below and _vary(above) and _vary(below) and len(expected) > 2:
            quotients = [x / y for x, y in zip(above, below, strict=True)]
            if _vary(quotients) and _all_close(quotients, expected):
                cause = f"often it is divided by `{b}` where `{a}` is meant."
                return f"`{a} / {b}`", cause
    return None


def _constant(value: float) -> str:
    """Return a number as people write it: 1/3 or √2, if it is that."""
    for power, form in ((1, "{0}"), (2, "√({0})")):
        simple = Fraction(value**power).limit_denominator(12)
        if simple.numerator <= 20 and math.isclose(simple, value**power, rel_tol=1e-4):
            return (
                form.format(simple)
                if simple.denominator > 1 or power > 1
                else (f"{simple}")
            )
    return f"{value:.4g}"


# (name of a factor, its value for a size, what usually causes it)
_FORMS: tuple[tuple[str, Callable[[float], float], str], ...] = (
    ("`{0}`", lambda v: v, "often a division by `{0}` is missing{sum}."),
    ("`1/{0}`", lambda v: 1 / v, "often it is divided by `{0}` once too much{mean}."),
    ("√(`{0}`)", math.sqrt, "often a division by √(`{0}`) is missing."),
    ("1/√(`{0}`)", lambda v: v**-0.5, "often it is divided by √(`{0}`) too much."),
    ("`{0}²`", lambda v: v * v, "often a division by `{0}` became a product."),
    ("`1/{0}²`", lambda v: v**-2, "often a product with `{0}` became a division."),
    (
        "`({0} - 1) / {0}`",
        lambda v: 1 / _over_1_less(v),
        "often it is divided by `{0}` where `{0} - 1` is meant.",
    ),
    (
        "`{0} / ({0} - 1)`",
        lambda v: _over_1_less(v),
        "often it is divided by `{0} - 1` where `{0}` is meant.",
    ),
    (
        "the root of `({0} - 1) / {0}`",
        lambda v: _over_1_less(v) ** -0.5,
        "often a variance is divided by `{0}` where `{0} - 1` is meant.",
    ),
    (
        "the root of `{0} / ({0} - 1)`",
        lambda v: _over_1_less(v) ** 0.5,
        "often a variance is divided by `{0} - 1` where `{0}` is meant.",
    ),
)


def _over_1_less(value: float) -> float:
    return value / (value - 1) if value > 1 else math.nan


def _offset(failing: _Pairs, passing: _Pairs) -> str | None:
    gaps = []
    for pair in failing:
        gap = (pair.got - pair.expected).mean().item()
        if not _close(pair.got, pair.expected + gap):
            return None
        gaps.append(gap)
    if len(gaps) < 2:
        return None
    if all(abs(gap - gaps[0]) < 1e-5 * max(1, abs(gaps[0])) for gap in gaps):
        return _constant_offset(gaps[0], failing, passing)
    if len(set(gaps)) < 3:
        return None
    large = all(gap > 0 for gap in gaps)
    amounts = [*(abs(gap) for gap in gaps), *[0.0] * len(passing)]
    terms = _terms([*failing, *passing])
    fitting = [term for term, values in terms if _all_close(values, amounts)]
    if len(fitting) != 1 or not (large or all(gap < 0 for gap in gaps)):
        return None
    if large:
        return f"Your result is too large by {fitting[0]}: it is counted too often."
    return f"Your result is too small by {fitting[0]}: it is left out somewhere."


def _constant_offset(gap: float, failing: _Pairs, passing: _Pairs) -> str | None:
    if not math.isclose(gap, round(gap), abs_tol=1e-5):
        return None
    amount, direction = f"{abs(round(gap))}", "more" if gap > 0 else "less"
    seen = f"Your result is {amount} {direction} than the expected one"
    whole = all(bool((p.expected == p.expected.round()).all()) for p in failing)
    if passing and whole and amount == "1":
        way = ("up", "down") if gap > 0 else ("down", "up")
        return (
            f"{seen} in some cases and right in others: often a division is rounded "
            f"{way[0]} where it should be rounded {way[1]}, or a limit is counted with "
            "the wrong comparison."
        )
    if passing:
        return f"{seen} in every failing case."
    return (
        f"{seen} in every case: often something is counted once too "
        f"{'much' if gap > 0 else 'little'}."
    )


def _terms(pairs: _Pairs) -> Iterator[tuple[str, list[float]]]:
    """Yield products of sizes, and small multiples of them, with their values."""
    sizes = list(_plain_sizes(pairs))[:6]
    products = [*sizes]
    for (a, left), (b, right) in combinations([*sizes, *sizes], 2):
        name = f"{a} * {b}"
        if name not in (known for known, _ in products):
            values = [x * y for x, y in zip(left, right, strict=True)]
            products.append((name, values))
    for factor in (1, 2, 3, 4):
        for name, values in products:
            text = name if factor == 1 else f"{factor} * {name}"
            yield f"`{text}`", [factor * value for value in values]


def _plain_sizes(pairs: _Pairs) -> Iterator[tuple[str, list[float]]]:
    for name, values in _sizes(pairs):
        if "-" not in name and "numel" not in name:
            yield name, values


def _sizes(pairs: _Pairs) -> Iterator[tuple[str, list[float]]]:
    """Yield each size or number among the arguments, with its value in each case."""
    for name in pairs[0].arguments:
        values: list[Any] = [pair.arguments.get(name) for pair in pairs]
        if all(isinstance(v, Tensor) for v in values):
            yield from _tensor_sizes(name, values)
        elif all(is_number(v) for v in values):
            numbers = [float(v) for v in values]
            yield name, numbers
            if all(v.is_integer() for v in numbers):
                yield f"({name} - 1)", [v - 1 for v in numbers]
            else:
                yield f"(1 - {name})", [1 - v for v in numbers]
        elif all(isinstance(v, tuple | list) for v in values):
            yield from _tuple_sizes(name, values)


def _tuple_sizes(
    name: str, values: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, list[float]]]:
    if len({len(v) for v in values}) > 1:
        yield f"len({name})", [float(len(v)) for v in values]
    elif all(is_number(item) for v in values for item in v):
        for place in range(len(values[0])):
            yield f"{name}[{place}]", [float(v[place]) for v in values]


def _tensor_sizes(
    name: str, values: Sequence[Tensor]
) -> Iterator[tuple[str, list[float]]]:
    dims = min(value.ndim for value in values)
    for dim in range(dims):
        yield f"{name}.shape[{dim}]", [float(v.shape[dim]) for v in values]
    if dims and len({v.ndim for v in values}) > 1:
        yield f"{name}.shape[-1]", [float(v.shape[-1]) for v in values]
    yield f"{name}.numel()", [float(v.numel()) for v in values]


def _vary(values: Sequence[float]) -> bool:
    # A size that is the same in all cases would also fit any constant.
    return len(set(values)) > 1


def _all_close(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(
        math.isclose(x, y, rel_tol=RTOL, abs_tol=1e-9)
        for x, y in zip(a, b, strict=True)
    )


def _slices(pairs: _Pairs) -> str | None:
    """Find a factor or an offset of its own for each row, or for each column."""
    for dim, name in ((-1, "row"), (0, "column")):
        if any(p.got.ndim != 2 or p.got.shape[dim] < 3 for p in pairs):
            continue
        gaps = [pair.got - pair.expected for pair in pairs]
        if all(_close(g, g.mean(dim, keepdim=True).expand_as(g)) for g in gaps):
            return (
                f"In each {name} of your result all numbers are wrong by the same "
                f"amount, but in each {name} by another: look at what is added to a "
                f"whole {name} or subtracted from it."
            )
        if any(bool((pair.expected == 0).any()) for pair in pairs):
            continue
        ratios = [pair.got / pair.expected for pair in pairs]
        if all(_close(r, r.mean(dim, keepdim=True).expand_as(r)) for r in ratios):
            return (
                f"Each {name} of your result is the expected {name} times a factor of "
                f"its own: look at what a whole {name} is divided or multiplied by."
            )
    return None


# --- a function of the expected result ------------------------------------------

_FUNCTIONS: tuple[tuple[_Test, str], ...] = (
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
    (
        lambda got, right: not _whole(got) and _close(got.floor(), right),
        "Rounded down, your result is the expected one: often `/` stands where `//` "
        "is meant.",
    ),
    (
        lambda got, right: not _whole(got) and _close(got.ceil(), right),
        "Rounded up, your result is the expected one.",
    ),
    (
        lambda got, right: len(got.unique()) > 1 and _close(got, right.clamp(min=0)),
        "Your result is the expected one with 0 in place of its negative numbers.",
    ),
    (
        lambda got, right: len(got.unique()) > 2 and _close(got, right.clamp(0, 1)),
        "Your result is the expected one, limited to numbers from 0 to 1.",
    ),
)


def _whole(values: Tensor) -> bool:
    return bool((values == values.round()).all())


def _function(pairs: _Pairs) -> str | None:
    numbers = torch.cat([pair.got.flatten() for pair in pairs]).unique()
    if len(numbers) == 1:
        return f"Your result is {numbers[0].item():g}, whatever the arguments."
    for test, message in _FUNCTIONS:
        if _always(pairs, test):
            return message
    return None


# --- an argument, or its sum or mean ----------------------------------------------

_REDUCTIONS: tuple[tuple[str, Callable[..., Tensor]], ...] = (
    ("mean", torch.mean),
    ("sum", torch.sum),
    ("largest number", torch.amax),
    ("smallest number", torch.amin),
    ("softmax", torch.softmax),
    ("running sum", torch.cumsum),
)


def _argument(pairs: _Pairs) -> str | None:
    """Recognise an argument itself, and reductions along another dim or of another
    kind."""
    for name in pairs[0].arguments:
        values = [_float(pair.arguments.get(name)) for pair in pairs]
        tensors = [value for value in values if value is not None]
        if len(tensors) < len(pairs):
            continue
        results = list(zip(tensors, pairs, strict=True))
        if all(_close(pair.got, x) for x, pair in results):
            return f"Your result is `{name}` itself, unchanged."
        if all(_close(pair.got, -x) for x, pair in results):
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


def _float(value: Any) -> Tensor | None:
    if not isinstance(value, Tensor) or value.is_complex() or not value.numel():
        return None
    return value.detach().to("cpu", torch.float64)


def _reduction(
    tensors: Sequence[Tensor], results: Sequence[Tensor]
) -> tuple[str, int] | None:
    for dim in range(min(tensor.ndim for tensor in tensors)):
        if all(tensor.shape[dim] == 1 for tensor in tensors):
            continue
        for name, reduce in _REDUCTIONS:
            if all(
                _close(reduce(x, dim=dim).squeeze(), result.squeeze())
                for x, result in zip(tensors, results, strict=True)
            ):
                return name, dim
    return None


# --- the same numbers in another order ------------------------------------------


def _order(pairs: _Pairs) -> str | None:
    ranks = {pair.expected.ndim for pair in pairs}
    if ranks == {0} or any(len(p.expected.unique()) < 3 for p in pairs):
        return None
    for dim in range(min(ranks)):
        if _always(pairs, lambda got, right, d=dim: _close(got, right.flip(d))):
            return f"Your result is the expected one in reverse order along dim {dim}."
    for order in _orders(ranks):
        if _always(pairs, lambda got, right, o=order: _close(got, right.permute(o))):
            return _transposed(order)
    for dim in range(min(ranks)):
        longest = max(pair.expected.shape[dim] for pair in pairs)
        for step, where in ((1, "later"), (-1, "earlier")):
            if longest > 2 and _always(
                pairs, lambda g, r, d=dim, s=step: _is_moved(g, r, d, s)
            ):
                return (
                    f"Your values stand one place {where} along dim {dim} than "
                    "expected: look at the first and the last index."
                )
    for dim in range(min(ranks)):
        if _always(pairs, lambda got, right, d=dim: _has_same_slices(got, right, d)):
            return f"The slices along dim {dim} are right, but stand in another order."
    if _always(pairs, lambda g, r: _close(*(t.flatten().sort()[0] for t in (g, r)))):
        return (
            "The numbers are right, their order is not: often a `reshape` stands where "
            "dims should be exchanged, or the other way round."
        )
    return None


def _is_moved(got: Tensor, right: Tensor, dim: int, step: int) -> bool:
    if _close(got, right.roll(step, dim)):
        return True
    if right.shape[dim] < 3:
        return False
    n = right.shape[dim] - 1
    mine, theirs = (1, 0) if step > 0 else (0, 1)
    moved = right.narrow(dim, theirs, n)
    return len(moved.unique()) > 2 and _close(got.narrow(dim, mine, n), moved)


def _has_same_slices(got: Tensor, right: Tensor, dim: int) -> bool:
    if right.ndim < 2 or not 1 < right.shape[dim] < 9:
        return False
    mine, theirs = got.unbind(dim), list(right.unbind(dim))
    for slice_ in mine:
        match = next((i for i, t in enumerate(theirs) if _close(slice_, t)), None)
        if match is None:
            return False
        theirs.pop(match)
    return True


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


def _places(pairs: _Pairs) -> str | None:
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
        return "Your result is right everywhere except on the diagonal."
    if all(mask.ndim and _all_but_first(mask) for mask in masks):
        return "Only the first along dim 0 is right, all others are wrong."
    return _where_values(pairs, masks)


def _where_values(pairs: _Pairs, masks: Sequence[Tensor]) -> str | None:
    if all(bool(mask.all()) for mask in masks):
        return None
    names = [*pairs[0].arguments, None]
    for name in names:
        values = [
            pair.expected if name is None else _float(pair.arguments.get(name))
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


# --- shares along another dim ----------------------------------------------------


def _shares(pairs: _Pairs) -> str | None:
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


def _same_numbers(pairs: _Pairs) -> str | None:
    pair = pairs[0]
    if _always(pairs, lambda got, right: _close(got.squeeze(), right.squeeze())):
        way = "missing" if pair.got.ndim < pair.expected.ndim else "too many"
        return (
            f"The numbers are right, the shape {_shape(pair.got)} is not: expected "
            f"{_shape(pair.expected)}. Dims of size 1 are {way} (`keepdim`, `squeeze`, "
            "`unsqueeze`)."
        )
    for order in _orders({pair.expected.ndim for pair in pairs}):
        if _always(pairs, lambda got, right, o=order: _close(got, right.permute(o))):
            return _transposed(order)
    if _always(pairs, lambda g, r: _close(g.flatten(), r.flatten())):
        return (
            "The numbers and their order are right, the shape is not: yours is "
            f"{_shape(pair.got)}, expected {_shape(pair.expected)}."
        )
    return None


def _broadcast(pairs: _Pairs) -> str | None:
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


def _reduced(pairs: _Pairs) -> str | None:
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


def _too_few(pairs: _Pairs) -> str | None:
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


def _every_other(pairs: _Pairs) -> str | None:
    for dim in range(min(min(p.got.ndim, p.expected.ndim) for p in pairs)):
        for step in (2, 3, 4):

            def thinned(
                got: Tensor, right: Tensor, d: int = dim, s: int = step
            ) -> bool:
                if right.ndim != got.ndim or right.shape[d] < 3:
                    return False
                places = torch.arange(0, right.shape[d], s)
                return _close(got, right.index_select(d, places))

            nth = {2: "second", 3: "third", 4: "fourth"}[step]
            if _always(pairs, thinned):
                return f"Your result has only every {nth} place along dim {dim}."
            if _always(pairs, lambda got, right, t=thinned: t(right, got)):
                return f"Only every {nth} place of yours along dim {dim} is expected."
    return None


def _shape(value: Tensor) -> str:
    return str(tuple(value.shape))


# --- right in some cases only -----------------------------------------------------


def shared_condition(failing: Sequence[Pair], passing: Sequence[Pair]) -> str | None:
    """Name what all failing cases have and no passing case has, or the reverse.

    None if there is no such thing, or if it could be more than one argument's.

    >>> failing = [Pair({"stride": n}, 1, 0) for n in (2, 3)]
    >>> shared_condition(failing, [Pair({"stride": 1}, n, n) for n in (5, 6)])
    'right only where `stride` is 1'
    """
    if not failing or not passing:
        return None
    if len(failing) + len(passing) < 3:
        return None
    separating = []
    for words, test, least in _conditions([*failing, *passing]):
        try:
            wrong = [test(pair.arguments) for pair in failing]
            right = [test(pair.arguments) for pair in passing]
        except (TypeError, KeyError, AttributeError, IndexError):
            continue
        if min(len(wrong), len(right)) < least:
            continue
        if all(wrong) and not any(right):
            separating.append(f"wrong exactly where {words}")
        elif all(right) and not any(wrong):
            separating.append(f"right only where {words}")
    return separating[0] if len(separating) == 1 else None


# What is said of a condition, the condition, and how many cases must be on each side.
_Condition = tuple[str, Callable[[Mapping[str, Any]], bool], int]


def _conditions(pairs: Sequence[Pair]) -> Iterator[_Condition]:
    for name in pairs[0].arguments:
        values: list[Any] = [pair.arguments.get(name) for pair in pairs]
        if any(value is None for value in values):
            yield f"`{name}` is None", lambda a, n=name: a[n] is None, 1
        if all(isinstance(value, bool) for value in values):
            yield f"`{name}` is True", lambda a, n=name: a[n], 1
        elif all(isinstance(value, int | float | None) for value in values):
            for limit in (0, 1):
                words = f"`{name}` is {limit}"
                yield words, lambda a, n=name, v=limit: bool(a[n] == v), 2
        elif all(isinstance(value, Tensor) for value in values):
            yield from _tensor_conditions(name, sorted({v.ndim for v in values}))


def _tensor_conditions(name: str, ranks: Sequence[int]) -> Iterator[_Condition]:
    for dim in range(ranks[-1]):
        words = f"dim {dim} of `{name}` has size 1"
        yield words, lambda a, n=name, d=dim: a[n].shape[d] == 1, 1
    if ranks[-1] > 1:
        yield f"`{name}` is square", lambda a, n=name: _square(a[n]), 1
    for ndim in ranks[:1] if len(ranks) == 2 else ranks:
        words = f"`{name}` has {ndim} {'dim' if ndim == 1 else 'dims'}"
        yield words, lambda a, n=name, d=ndim: a[n].ndim == d, 1
    words = f"`{name}` is not contiguous in memory"
    yield words, lambda a, n=name: not a[n].is_contiguous(), 1


def _square(value: Tensor) -> bool:
    return value.ndim > 1 and value.shape[-1] == value.shape[-2]


_WITH_RIGHT_ONES = (_factor, _offset)
_SAME_SHAPE = (_argument, _function, _order, _shares, _places, _slices)
_OTHER_SHAPE = (
    _same_numbers,
    _broadcast,
    _reduced,
    _too_few,
    _every_other,
)
