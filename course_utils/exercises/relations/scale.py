"""A factor or an offset between wrong results and right ones."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, permutations
from typing import Any

from torch import Tensor

from course_utils.exercises.compare import is_number
from course_utils.exercises.relations.numbers import RTOL, Numbers, Pairs, is_close

_Size = tuple[str, list[float]]  # a size or a product of some, its value in each case


def factor(failing: Pairs, passing: Pairs) -> str | None:
    """Find one factor for all numbers of a result, and what it is.

    >>> factor([Numbers({}, Tensor([2, 4, 6]), Tensor([1, 2, 3]))], [])[:43]
    'Your result is 2 times the expected one: lo'
    """
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


def _ratio(pair: Numbers) -> float | None:
    """Return the factor between two results, if it is the same for all numbers."""
    largest = pair.expected.abs().argmax()
    expected = pair.expected.flatten()[largest].item()
    if expected == 0:
        return None
    ratio = pair.got.flatten()[largest].item() / expected
    return ratio if ratio and is_close(pair.got, ratio * pair.expected) else None


def _name_of(
    ratios: Sequence[float], failing: Pairs, passing: Pairs
) -> tuple[str, str] | None:
    """Name the factors of all cases: one constant, or one expression of sizes."""
    scalar = all(pair.expected.numel() == 1 for pair in failing)
    if _all_close(ratios, [ratios[0]] * len(ratios)):
        if (scalar and len(ratios) < 3) or (passing and len(ratios) == 1):
            return None  # in one case of several, the factor may be that case's own
        return _constant(ratios[0]), "look for a constant factor too much or missing."
    expected = [*ratios, *[1.0] * len(passing)]
    sizes = list(_sizes([*failing, *passing]))
    for name, values in sizes:
        if not _vary(values) or any(value <= 0 for value in values):
            continue
        for form, apply, cause in _FORMS:
            if _fits([apply(value) for value in values], expected, len(ratios)):
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
    for power, root in ((1, ""), (2, "√")):
        simple = Fraction(value**power).limit_denominator(12)
        if simple.numerator <= 20 and math.isclose(simple, value**power, rel_tol=1e-4):
            return (
                f"{root}{simple}"
                if simple.denominator == 1 or not root
                else f"{root}({simple})"
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


def offset(failing: Pairs, passing: Pairs) -> str | None:
    """Find one offset for all numbers of a result, and what it is.

    >>> pairs = [Numbers({}, Tensor([n + 1]), Tensor([n])) for n in (2, 5)]
    >>> offset(pairs, [])[:45]
    'Your result is 1 more than the expected one i'
    """
    gaps = []
    for pair in failing:
        gap = (pair.got - pair.expected).mean().item()
        if not is_close(pair.got, pair.expected + gap):
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
    pairs = [*failing, *passing]
    fitting = _fitting(_plain_sizes(pairs), amounts)
    if not fitting and len(amounts) > 3:
        sizes = [s for s in _sizes(pairs) if "[-1]" not in s[0] and "numel" not in s[0]]
        fitting = _fitting(sizes, amounts)
    if len(fitting) != 1 or not (large or all(gap < 0 for gap in gaps)):
        return None
    if large:
        return f"Your result is too large by {fitting[0]}: it is counted too often."
    return f"Your result is too small by {fitting[0]}: it is left out somewhere."


def _constant_offset(gap: float, failing: Pairs, passing: Pairs) -> str | None:
    if not math.isclose(gap, round(gap), abs_tol=1e-5):
        return None
    amount, direction = f"{abs(round(gap))}", "more" if gap > 0 else "less"
    seen = f"Your result is {amount} {direction} than the expected one"
    whole = all(bool((p.expected == p.expected.round()).all()) for p in failing)
    if passing and whole and amount == "1":
        way = ("up or to the nearest", "down") if gap > 0 else ("down", "up")
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


def _fitting(sizes: Iterable[_Size], amounts: Sequence[float]) -> list[str]:
    terms = _terms(list(sizes)[:8])
    return [term for term, values in terms if _all_close(values, amounts)]


def _terms(sizes: Sequence[_Size]) -> Iterator[_Size]:
    """Yield products of sizes, and small multiples of them, with their values."""
    products = [*sizes]
    for (a, left), (b, right) in combinations_with_replacement(sizes, 2):
        values = [x * y for x, y in zip(left, right, strict=True)]
        products.append((f"{a} * {b}", values))
    for factor in (1, 2, 3, 4):
        for name, values in products:
            text = name if factor == 1 else f"{factor} * {name}"
            yield f"`{text}`", [factor * value for value in values]


def _plain_sizes(pairs: Pairs) -> Iterator[_Size]:
    for name, values in _sizes(pairs):
        if "-" not in name and "numel" not in name:
            yield name, values


def _sizes(pairs: Pairs) -> Iterator[_Size]:
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


def _tuple_sizes(name: str, values: Sequence[Sequence[Any]]) -> Iterator[_Size]:
    if len({len(v) for v in values}) > 1:
        yield f"len({name})", [float(len(v)) for v in values]
    elif all(is_number(item) for v in values for item in v):
        for place in range(len(values[0])):
            yield f"{name}[{place}]", [float(v[place]) for v in values]


def _tensor_sizes(name: str, values: Sequence[Tensor]) -> Iterator[_Size]:
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


def _fits(formula: Sequence[float], expected: Sequence[float], wrong: int) -> bool:
    """Compare a formula's values with factors; a right result may be out of its reach.

    Code that divides by N - 1 makes an exception of N = 1.
    """
    right = zip(formula[wrong:], expected[wrong:], strict=True)
    known = [1.0 if math.isnan(value) else value for value, _ in right]
    return _all_close([*formula[:wrong], *known], expected)


def slices(pairs: Pairs) -> str | None:
    """Find a factor or an offset of its own for each row, or for each column.

    >>> x = Tensor([[1, 2, 4], [3, 5, 9]])
    >>> slices([Numbers({}, x + Tensor([[1], [2]]), x)])[:40]
    'In each row of your result all numbers a'
    """
    for dim, name in ((-1, "row"), (0, "column")):
        if any(p.got.ndim != 2 or p.got.shape[dim] < 3 for p in pairs):
            continue
        gaps = [pair.got - pair.expected for pair in pairs]
        if all(is_close(g, g.mean().expand_as(g)) for g in gaps):
            continue
        if all(is_close(g, g.mean(dim, keepdim=True).expand_as(g)) for g in gaps):
            return (
                f"In each {name} of your result all numbers are wrong by the same "
                f"amount, but in each {name} by another: look at what is added to a "
                f"whole {name} or subtracted from it."
            )
        if any(bool((pair.expected == 0).any()) for pair in pairs):
            continue
        ratios = [pair.got / pair.expected for pair in pairs]
        if all(is_close(r, r.mean().expand_as(r)) for r in ratios):
            continue
        if all(is_close(r, r.mean(dim, keepdim=True).expand_as(r)) for r in ratios):
            return (
                f"Each {name} of your result is the expected {name} times a factor of "
                f"its own: look at what a whole {name} is divided or multiplied by."
            )
    return None


def case_factor(pairs: Pairs) -> str | None:
    """Find one factor for a whole result that is another in each case.

    >>> x = Tensor([1, 2, 4])
    >>> case_factor([Numbers({}, n * x, x) for n in (1.3, 0.7)])[:53]
    'In each case that fails, all numbers are wrong by one'
    """
    if any(len(pair.expected.unique()) < 3 or not _ratio(pair) for pair in pairs):
        return None
    where = "In each case that fails" if len(pairs) > 1 else "In the case that fails"
    each = ", in each case by another" if len(pairs) > 1 else ""
    return (
        f"{where}, all numbers are wrong by one factor{each}: look at what the whole "
        "result is multiplied or divided by, and when."
    )
