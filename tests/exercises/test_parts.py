"""Answers made of parts, with known mistakes in some of them."""

import pytest

from course_utils.exercises.parts import switches

WITH_FAULTS = switches(
    (lambda a, b: a + b, lambda a, b: a - b),
    (
        {"not added": lambda a, b: a, "b added": lambda a, b: b},
        {"exchanged": lambda a, b: b - a},
    ),
)


@pytest.mark.parametrize(
    ("names", "result"),
    [
        ((), (8, 2)),
        (("not added",), (5, 2)),
        (("exchanged",), (8, -2)),
        (("exchanged", "b added"), (3, -2)),
    ],
)
def test_part_is_given_with_its_mistake(names, result):
    assert WITH_FAULTS(frozenset(names))(5, 3) == result


@pytest.mark.parametrize("names", [("not added", "b added"), ("exchanged", "unknown")])
def test_mistakes_that_do_not_go_together_give_no_answer(names):
    assert WITH_FAULTS(frozenset(names)) is None
