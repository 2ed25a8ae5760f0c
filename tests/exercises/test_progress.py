"""The count of solved exercises: what it shows, and what counts."""

import pytest

from course_utils import CourseError, check, progress
from course_utils.display.bundles import HTML, PLAIN, PROGRESS_CLASS
from course_utils.exercises import progress as progress_module
from course_utils.exercises.registry import find_exercise, numbered_exercises

ALL_OPEN = (
    "Still open: 1 count, 2 design, 3 affine, 4 standardise, 5 merge, 6 backward, "
    "7 heads, 8 repair, 9 budget."
)


@pytest.fixture(autouse=True)
def nothing_solved(monkeypatch):
    monkeypatch.setattr(progress_module, "_solved", set())


def text(displayed) -> str:
    progress("linear")
    return displayed[-1][0][PLAIN]


def affine(x, weight, bias):
    return x @ weight.T + bias


def test_nothing_is_solved_at_first(displayed):
    assert text(displayed) == f"Solved in this session: 0 of 9. {ALL_OPEN}"
    page = displayed[0][0][HTML]
    assert page.startswith(f'<div class="{PROGRESS_CLASS}" ')
    assert "><b>Solved in this session: 0 of 9.</b> " in page
    assert (
        'href="#Exercise-1" style="text-decoration: underline">1 count</a>, <a' in page
    )
    assert page.count("<a ") == 9


def test_correct_answer_counts_once(displayed):
    check("linear.affine", affine)
    check("linear.affine", affine)
    rest = ALL_OPEN.replace(" 3 affine,", "")
    assert text(displayed) == f"Solved in this session: 1 of 9. {rest}"
    assert "#Exercise-3" not in displayed[-1][0][HTML]


@pytest.mark.parametrize("answer", [..., lambda x, weight, bias: x, lambda: 1 / 0])
def test_other_answers_do_not_count(answer, displayed):
    check("linear.affine", answer)
    check("start.means", lambda x: x.mean(dim=0))  # another lesson's
    assert text(displayed).startswith("Solved in this session: 0 of 9.")


def test_what_was_solved_stays_solved(displayed):
    check("linear.affine", affine)
    check("linear.affine", lambda x, weight, bias: x)
    assert text(displayed).startswith("Solved in this session: 1 of 9.")


def test_all_solved(displayed):
    for name in numbered_exercises("linear"):
        check(name, find_exercise(name).reference)
    assert text(displayed) == "Solved in this session: 9 of 9. That is all of them."


@pytest.mark.parametrize("lesson", ["lineal", "linear.affine", "", "01"])
def test_unknown_lesson_is_refused(lesson):
    with pytest.raises(CourseError) as error:
        progress(lesson)
    assert str(error.value) == (
        f"No lesson has exercises named '{lesson}.…': give the part before the dot, "
        'as in progress("linear").'
    )
