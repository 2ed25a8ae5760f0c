"""Each rule sees what it is for: a good lesson passes, a broken one does not."""

from copy import deepcopy
from pathlib import Path

import pytest

from course_utils import Exercise, Misconception, register
from tests.lesson_rules import RULES
from tests.lesson_rules import fixture as made
from tests.lesson_rules.breaks import BREAKS
from tests.lesson_rules.changes import replace
from tests.lesson_rules.lesson import Lesson
from tools.lessons import dumps, normalise


def known(name: str, count: int) -> Exercise:
    mistakes = [Misconception(f"{i}", i, f"This is {i}.") for i in range(count)]
    return Exercise(f"fixture.{name}", -1, mistakes)


for own in [*(known(name, 3) for name in made.EXERCISES), known("thin", 2)]:
    register(own)


def write(notebook, folder: Path, name: str = made.NAME) -> Lesson:
    path = folder / name
    path.write_bytes(dumps(notebook).encode())
    return Lesson(path)


GOOD = normalise(made.good_lesson())


@pytest.fixture
def good():
    return deepcopy(GOOD)


CASES = [(rule, n) for rule, changes in BREAKS.items() for n in range(len(changes))]


@pytest.mark.parametrize("rule", RULES)
def test_a_good_lesson_passes(tmp_path, good, rule):
    assert RULES[rule](write(good, tmp_path)) == []


@pytest.mark.parametrize(("rule", "number"), CASES)
def test_a_broken_lesson_is_seen(tmp_path, good, rule, number):
    BREAKS[rule][number](good)
    assert RULES[rule](write(good, tmp_path)) != []


@pytest.mark.parametrize("name", ["1_good.ipynb", "01-good.ipynb", "01_Good.ipynb"])
def test_a_bad_name_is_seen(tmp_path, good, name):
    assert RULES["named_by_number"](write(good, tmp_path, name)) != []


def test_a_large_file_is_seen(tmp_path, good):
    made_large = replace("word ", "wordy " * 300, everywhere=True)
    made_large(good)
    assert RULES["small_enough"](write(good, tmp_path)) != []


def test_widget_state_is_seen(tmp_path, good):
    good.metadata["widgets"] = {}
    lesson = write(good, tmp_path)
    assert RULES["without_widget_state"](lesson) != []
    assert RULES["normalised"](lesson) != []


@pytest.mark.parametrize("count", [None, 1, 99])
def test_a_count_out_of_order_is_seen(tmp_path, good, count):
    good.cells[-2].execution_count = count
    assert RULES["counted_from_one"](write(good, tmp_path)) != []


def test_every_rule_is_broken_by_a_test():
    here = {"named_by_number", "small_enough", "without_widget_state"}
    here |= {"normalised", "counted_from_one"}
    assert set(RULES) == set(BREAKS) | here
