"""Every lesson keeps to every rule."""

import pytest

from tests.lesson_rules import RULES
from tests.lesson_rules.lesson import Lesson
from tests.lessons import LESSONS


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request) -> Lesson:
    return Lesson(request.param)


@pytest.mark.parametrize("rule", RULES)
def test_lesson(lesson, rule):
    problems = RULES[rule](lesson)
    assert not problems, "\n".join([f"{lesson.path.name}:", *problems])
