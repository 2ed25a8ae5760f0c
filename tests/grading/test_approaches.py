"""How a class went about a lab: where points were lost, and what answers call."""

from dataclasses import replace

import pytest

from course_utils.exercises.model import State, Verdict
from course_utils.grading.alike import wrong_answers
from course_utils.grading.approaches import (
    bins_of,
    calls_of,
    count_between,
    lines_of,
    uses_of,
)
from course_utils.grading.gradebook import Gradebook, Scale
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.overview import write_overview
from course_utils.labs.model import Score
from tests.grading.test_pages import Page

FIT, DEEP = "hinges.fit", "hinges.deep"
DROPOUT = "def deep():\n    return torch.nn.Sequential(nn.Dropout(0.1), nn.ReLU())"
PLAIN = "def deep():\n    return nn.Sequential(nn.ReLU())"


def result(name, text, *points):
    """Return a result of two tasks with a rubric of one line and of two."""
    rubric = [(FIT, "few", 10.0), (DEEP, "lives", 6.0), (DEEP, "learns", 4.0)]
    scores = {FIT: [], DEEP: []}
    for (task, item, most), given in zip(rubric, points, strict=True):
        scores[task].append(Score(item, given, most, "So it is."))
    marks = [
        Mark(task, Verdict(State.WRONG), 0.1, scores=tuple(given))
        for task, given in scores.items()
    ]
    own = Submission(name, Learner(name), "hinges", f"{name}.ipynb", {DEEP: text})
    return Result(own, tuple(marks), seconds=1.0)


CLASS = [
    result("ada", DROPOUT, 10.0, 6.0, 4.0),
    result("bo", DROPOUT, 5.0, 2.0, 4.0),
    result("cy", PLAIN, 0.0, 2.0, 0.0),
    result("di", PLAIN, 4.0, 0.0, 0.0),
    result("ed", "def deep(:", 3.0, 0.0, 0.0),
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("torch.nn.functional.interpolate(x)", {"F.interpolate"}),
        ("import torch.nn as nn\nnn.Linear(2, 3)(x).relu()", {"nn.Linear"}),
        ("%matplotlib inline\ntorch.optim.AdamW([])", {"torch.optim.AdamW"}),
        ("fit(x)[0](y); x.nn.Linear(2); model.train()", set()),
        ("layer = nn.Linear", set()),
        ("def f(:", set()),
        ("(" * 500 + ")" * 500, set()),
    ],
)
def test_calls_are_those_of_torch_by_the_names_of_the_lessons(text, names):
    assert calls_of(text) == names


def test_lines_hold_what_everyone_got():
    lines = lines_of(CLASS, Scale())
    assert [line.item for line in lines] == ["few", "lives", "learns"]
    few, _, learns = lines
    assert (few.median, few.full, few.without) == (4, 1, 1)
    assert (learns.median, learns.full, learns.without) == (0, 2, 3)


def test_lines_hold_what_the_teacher_decided_where_that_is_known(tmp_path):
    scale = Scale({FIT: 10.0, DEEP: 10.0})
    ada, bo, cy, *rest = CLASS
    part = tuple(replace(mark, points=7.5) for mark in bo.marks)  # of which line?
    whole = tuple(replace(mark, points=10.0) for mark in cy.marks)
    decided = [ada, replace(bo, marks=part), replace(cy, marks=whole), *rest]
    assert [line.full for line in lines_of(CLASS, scale)] == [1, 1, 2]
    assert [line.full for line in lines_of(decided, scale)] == [2, 2, 3]
    assert (count_between(CLASS, scale), count_between(decided, scale)) == (0, 2)
    book = Gradebook(decided, {"hinges": [FIT, DEEP]}, scale)
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    told = "2 marks that you set to a part of the points (✎) are not in here."
    assert f"As measured: {told}" in text


def test_uses_tell_answers_apart():
    (use,) = uses_of(CLASS)  # all that are Python call the rest, the last calls nothing
    assert (use.task, use.name, use.points, use.rest) == (DEEP, "nn.Dropout", 8, 0)
    assert [one.submission.key for one in use.results] == ["ada", "bo"]
    assert uses_of(CLASS[:4]) == []  # too few, though two call it and two don't


def test_task_that_was_left_as_it_was_is_no_try():
    left = [
        Mark(mark.exercise, Verdict(State.NOT_ATTEMPTED), 0.0, scores=mark.scores)
        for mark in CLASS[2].marks
    ]
    few, *_ = lines_of([*CLASS[:2], replace(CLASS[2], marks=tuple(left))], Scale())
    assert list(few.points) == [5, 10]


def test_no_point_falls_between_two_bins():
    values = [number / 100 for number in range(2001)]
    assert sum(bins_of(values, 20.0).values()) == len(values)
    assert list(bins_of([1.99, 2.0, 20.0], 20.0).values()) == [1, 1, *[0] * 7, 1]


def test_page_of_the_class_shows_distribution_rubric_and_approaches(tmp_path):
    book = Gradebook(CLASS, {"hinges": [FIT, DEEP]})
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert page.words.count("learners by points") == 1
    bins = [int(row["data-bin"]) for row in page.rows if "data-bin" in row]
    assert len(bins) == 10 and sum(bins) == len(CLASS)
    lines = [row["data-line"] for row in page.rows if "data-line" in row]
    assert lines == ["few", "lives", "learns"]
    assert [row["data-use"] for row in page.rows if "data-use" in row] == ["nn.Dropout"]


def test_page_of_the_class_shows_points_and_calls_no_part_of_them_wrong(tmp_path):
    ada = result("ada", DROPOUT, 10.0, 6.0, 3.2)
    book = Gradebook([ada], {"hinges": [FIT, DEEP]}, Scale({FIT: 10.0, DEEP: 10.0}))
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    cell = text.partition(f'data-exercise="{DEEP}"')[2].partition("</td>")[0]
    assert ">9.2 of 10</a>" in cell and "✗" not in cell
    assert 'title="hinges.deep: 9.2 of 10 points"' in cell
    assert "more wrong answers" not in Page(text).words


def test_right_function_of_a_lab_is_no_common_wrong_answer():
    right = [result(name, PLAIN, 0.0, 6.0, 0.0) for name in ("ada", "bo")]
    assert wrong_answers(right) == []
    (group,) = wrong_answers([result(name, PLAIN, 0.0, 5.0, 4.0) for name in "ab"])
    assert group.mark.exercise == DEEP


def test_page_of_a_lesson_has_no_rubric(tmp_path):
    marks = (Mark("linear.affine", Verdict(State.CORRECT), 0.1),)
    own = Submission("ada", Learner("ada"), "01", "a.ipynb", {"linear.affine": "1"})
    book = Gradebook([Result(own, marks)], {"01": ["linear.affine"]})
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    assert "#rubric" not in text and 'id="distribution"' in text
