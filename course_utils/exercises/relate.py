"""What links a wrong result to the expected one, where a program can see it.

A relation must hold in every case that failed, and for numbers enough to exclude a
coincidence. The message says what is seen first, then what usually causes it.
"""

from collections.abc import Callable, Sequence
from itertools import permutations

from torch import Tensor

from course_utils.exercises.compare import difference, is_number, part_names
from course_utils.exercises.conditions import Pair
from course_utils.exercises.relations.function import (
    argument,
    function,
    proportions,
    shares,
    with_argument,
)
from course_utils.exercises.relations.limits import limit
from course_utils.exercises.relations.numbers import (
    Pairs,
    as_numbers,
    enough,
    is_right,
)
from course_utils.exercises.relations.order import memory_order, order
from course_utils.exercises.relations.places import mirrored, places, repeated
from course_utils.exercises.relations.scale import case_factor, factor, offset, slices
from course_utils.exercises.relations.shape import (
    broadcast,
    every_other,
    reduced,
    same_numbers,
    too_few,
)


def relate(
    failing: Sequence[Pair], passing: Sequence[Pair] = (), parts: Sequence[str] = ()
) -> str | None:
    """Say what links wrong results to the expected ones; None where nothing is seen.

    Args:
        failing: the cases with a wrong result; sizes are quoted from the first.
        passing: the cases with a right one; what they lack may tell the cause.
        parts: what the items of a result are, if it is a tuple or list.

    >>> x, y = Tensor([[1, 2], [3, 4]]), Tensor([[1, 5], [2, 2], [3, 8]])
    >>> pairs = [Pair({"x": v}, v.sum(0), v.mean(0)) for v in (x, y)]
    >>> relate(pairs)[:57]
    'Your result is `x.shape[0]` times the expected one: often'
    """
    if all(isinstance(pair.expected, tuple | list) for pair in failing):
        return _relate_items(failing, passing, parts)
    wrong = [as_numbers(pair) for pair in failing]
    right = [as_numbers(pair) for pair in passing]
    pairs = [pair for pair in wrong if pair is not None]
    # Numbers that are right mean that something else is wrong, as the dtype.
    if not pairs or len(pairs) < len(wrong) or any(is_right(pair) for pair in pairs):
        return None
    return _relate_numbers(pairs, [pair for pair in right if pair is not None])


def _relate_numbers(failing: Pairs, passing: Pairs) -> str | None:
    if any(pair.got.shape != pair.expected.shape for pair in failing):
        # All numbers alike would fit too much.
        results = [result for p in failing for result in (p.got, p.expected)]
        telling = all(len(r.unique()) > 1 for r in results if r.numel() > 1)
        return _first(_OTHER_SHAPE, failing) if telling else None
    if not enough(failing):
        return None
    for finder in _WITH_RIGHT_ONES:
        if message := finder(failing, passing):
            return message
    return _first(_SAME_SHAPE, failing)


def _first(
    finders: Sequence[Callable[[Pairs], str | None]], pairs: Pairs
) -> str | None:
    for finder in finders:
        if message := finder(pairs):
            return message
    return None


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
        if wrong and wrong[0] is items[0]:
            message = relate(wrong, right)
            return f"In {name}: {message[0].lower()}{message[1:]}" if message else None
    return None


def _item(pair: Pair, index: int) -> Pair:
    beside = {
        f"{name}[{index}]": value[index]
        for name, value in pair.arguments.items()
        if isinstance(value, list) and len(value) == len(pair.expected)
    }
    arguments = {**pair.arguments, **beside}
    return Pair(arguments, pair.got[index], pair.expected[index])


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
    for places_of in permutations(range(count)):
        if all(
            difference([pair.got[i] for i in places_of], list(pair.expected)) is None
            for pair in failing
        ):
            names = part_names(parts, count)
            wanted = f": first {', then '.join(names)}" if len(parts) == count else ""
            return f"The values are right, but in another order{wanted}."
    return None


_WITH_RIGHT_ONES = (factor, offset, memory_order)


_SAME_SHAPE = (
    argument,
    function,
    order,
    shares,
    proportions,
    with_argument,
    limit,
    repeated,
    mirrored,
    places,
    slices,
    case_factor,
)


_OTHER_SHAPE = (
    same_numbers,
    broadcast,
    reduced,
    too_few,
    every_other,
)
