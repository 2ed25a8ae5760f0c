"""Answers made of parts, with known mistakes in some of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from course_utils.exercises.model import Answer

Part = Callable[..., Any]  # of an answer's arguments


def switches(
    right: Sequence[Part], faults: Sequence[Mapping[str, Part]]
) -> Callable[[frozenset[str]], Answer | None]:
    """Return the `switches` of an exercise whose answer is a tuple of parts.

    What they return is None where two mistakes are in the same part, and where one of
    them is unknown.

    Args:
        right: what gives each part.
        faults: for each part, what gives it with a mistake, by the mistake's name.

    >>> with_faults = switches([min, max], [{"first": lambda a, b: a}, {}])
    >>> with_faults(frozenset({"first"}))(5, 3)
    (5, 5)
    >>> with_faults(frozenset({"unknown"})) is None
    True
    """

    def answer_with(names: frozenset[str]) -> Answer | None:
        chosen = dict(enumerate(right))
        wrong = {
            place: known[name]
            for place, known in enumerate(faults)
            for name in names & known.keys()
        }
        if len(wrong) < len(names):
            return None
        chosen.update(wrong)
        return lambda *args: tuple(part(*args) for part in chosen.values())

    return answer_with
