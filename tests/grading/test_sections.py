"""The exercises of every lesson are found, and what their page defines."""

import pytest

from course_utils.errors import CourseError
from course_utils.exercises.registry import numbered_exercises
from course_utils.grading.sections import read_paper
from tests.grading.lesson import write_lesson
from tests.lessons import LESSONS


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_all_exercises_of_a_lesson_are_found_in_order(lesson):
    sections = read_paper(lesson).sections
    bank = sections[0].exercise.partition(".")[0]
    assert [s.exercise for s in sections] == list(numbered_exercises(bank))
    assert all(s.stub and s.cell and s.answer.isidentifier() for s in sections)


def test_page_holds_the_class_to_repair_and_no_solution():
    page = read_paper(LESSONS[1]).page
    defined = {name for statement in page for name in statement.defines}
    assert {"Broken", "torch", "nn"} <= defined
    assert not {name for name in defined if name.endswith("_solution")}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": []}', '{"cells": [{}]}'])
def test_what_is_no_lesson_is_said(tmp_path, text):
    path = tmp_path / "lesson.ipynb"
    path.write_text(text)
    with pytest.raises(CourseError, match="can't be read as a lesson"):
        read_paper(path)


def test_changed_lesson_is_read_again(tmp_path):
    path = write_lesson(tmp_path / "lesson.ipynb", ["linear.count"])
    assert len(read_paper(path).sections) == 1
    write_lesson(path, ["linear.count", "linear.affine"])
    assert len(read_paper(path).sections) == 2


def test_every_exercise_has_the_title_of_its_task():
    for lesson in LESSONS:
        assert all(section.title for section in read_paper(lesson).sections), lesson
    titles = [section.title for section in read_paper(LESSONS[1]).sections]
    assert titles[2:4] == ["The layer", "Standardise with a layer"]
