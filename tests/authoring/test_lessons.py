"""Every lesson keeps to every rule."""

import pytest

from course_utils.authoring.lint import RULES
from course_utils.authoring.lint.document import Document
from tests.lessons import LESSONS


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request) -> Document:
    return Document(request.param, request.param.read_bytes())


@pytest.mark.parametrize("rule", RULES)
def test_lesson_keeps_to_the_rule(lesson, rule):
    problems = list(RULES[rule](lesson))
    assert not problems, "\n".join([f"{lesson.path.name}:", *problems])
