"""The gradebook: points, and the tables that spreadsheets and platforms read."""

import csv
import io
import re

import pytest

from course_utils.errors import CourseError
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import Exercise, State, Verdict
from course_utils.exercises.registry import find_exercise
from course_utils.grading.gradebook import Gradebook, Scale, as_csv, read_points
from course_utils.grading.model import Learner, Mark, Result, Submission

EXERCISES = {"01_lines": ["a.one", "a.two"], "02_bends": ["b.one"]}


def mark(exercise, state, steps=None, fault=None):
    return Mark(exercise, Verdict(State(state), steps=steps), 0.1, fault)


def result(learner, *marks, lesson="01_lines", source="x.ipynb", **more):
    problem = more.pop("problem", "")
    submission = Submission("key", learner, lesson, source, **more)
    return Result(submission, marks, problem)


ADA = Learner("Participant 7", "Ada", "ada@x.org")
RESULTS = [
    result(
        ADA,
        mark("a.one", "correct", (4, 4)),
        mark("a.two", "wrong", (1, 4)),
        late=True,
        notes=("2 files.",),
    ),
    result(ADA, mark("b.one", "error", fault="out of time"), lesson="02_bends"),
    result(Learner("8", "Bo"), problem="The file is empty."),
    result(Learner("9", "Cy"), source="", problem="Nothing was submitted."),
]


def dicts(rows):
    head, *rest = csv.reader(io.StringIO(as_csv(rows)))
    return [dict(zip(head, row, strict=True)) for row in rest]


def test_one_row_for_each_learner_and_one_column_for_each_exercise():
    scale = Scale({"a.one": 3, "b.one": 0.5}, partial=0.5)
    ada, bo, cy = dicts(Gradebook(RESULTS, EXERCISES, scale).table())
    assert (ada["id"], ada["name"], ada["email"]) == (
        "Participant 7",
        "Ada",
        "ada@x.org",
    )
    assert [ada[name] for name in ("a.one", "a.two", "b.one")] == ["3", "0.12", "0"]
    assert (ada["total"], ada["of"], ada["state"]) == ("3.12", "4.5", "graded")
    assert ada["late"] == "late" and "2 files." in ada["notes"]
    assert "b.one: out of time." in ada["notes"]
    assert (bo["total"], bo["a.one"], bo["state"]) == ("", "", "not graded")
    assert bo["notes"] == "The file is empty."
    assert (cy["total"], cy["a.one"], cy["state"]) == ("0", "", "missing")


def test_comment_in_moodle_names_the_lesson_where_there_are_several():
    missing = result(ADA, source="", problem="Nothing was submitted.", lesson="b")
    both = [result(ADA, mark("a.one", "correct", (4, 4))), missing]
    (ada,) = dicts(Gradebook(both, EXERCISES).moodle())
    assert ada["Feedback comments"] == "b: Nothing was submitted."
    bo = dicts(Gradebook(RESULTS, EXERCISES).moodle())[1]
    assert bo["Feedback comments"] == "The file is empty."


def test_comment_in_moodle_says_what_stopped_an_answer():
    ada = dicts(Gradebook(RESULTS, EXERCISES).moodle())[0]
    assert ada["Feedback comments"] == "b.one: out of time."


@pytest.mark.parametrize(
    ("state", "steps", "partial", "points"),
    [
        ("correct", (4, 4), 0.0, 2.0),
        ("wrong", (3, 4), 0.0, 0.0),
        ("wrong", (3, 4), 0.5, 0.75),
        ("wrong", (4, 4), 1.0, 2.0),
        ("error", (1, 4), 1.0, 0.5),
        ("wrong", (0, 4), 1.0, 0.0),
        ("wrong", (0, 0), 1.0, 0.0),
        ("not attempted", None, 1.0, 0.0),
        ("error", None, 1.0, 0.0),
    ],
)
def test_points_of_a_mark(state, steps, partial, points):
    assert Scale({"a": 2.0}, partial).of(mark("a", state, steps)) == points


AFFINE = find_exercise("linear.affine")
CASES = 7


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        (AFFINE.reference, (14, 14)),
        (lambda x, weight, bias: x @ weight.T, (0, 14)),
        (lambda x, weight, bias: (x @ weight.T + bias).detach(), (7, 14)),
        (lambda x, weight, bias: x @ weight + bias, (1, 14)),  # that of one weight
        (lambda x, weight, bias: x.missing, (0, 14)),
        (lambda x, weight, bias: ..., None),
    ],
)
def test_steps_are_results_and_gradients(answer, steps):
    assert len(list(AFFINE.cases())) == CASES
    assert diagnose(AFFINE, answer).steps == steps


def test_what_is_forbidden_has_no_step_right():
    from torch.nn import functional as F

    answer = lambda x, weight, bias: F.linear(x, weight, bias)  # noqa: E731
    assert diagnose(AFFINE, answer).steps == (0, 14)


def test_of_a_value_no_steps_are_counted():
    exercise = Exercise("a.b", 13, ())
    assert diagnose(exercise, 13).steps is None


POINTS = b"exercise;points\na.one;2,5\na.two;0\n"


def test_points_are_read(tmp_path):
    (tmp_path / "p.csv").write_bytes(POINTS)
    assert read_points(tmp_path / "p.csv", ["a.one", "a.two"]) == {
        "a.one": 2.5,
        "a.two": 0,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"exercise,points\na.three,1", "line 2: there is no exercise 'a.three'"),
        (b"exercise,points\na.one,1\na.one,x", "line 3: 'x' is no number"),
        (b"exercise,points\na.one,-1", "'-1' is no number"),
        (b"exercise,points\na.one,nan", "'nan' is no number"),
        (b"exercise,points\na.one,inf", "'inf' is no number"),
        (b"name,worth\na.one,1", "columns are called exercise and points"),
        (b"exercise,points\na.one", "columns are called exercise and points"),
        (None, "can't be read: No such file"),
    ],
)
def test_points_that_can_not_be_read_are_said(tmp_path, text, told):
    path = tmp_path / "p.csv"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(CourseError, match=re.escape(told)):
        read_points(path, ["a.one"])


def test_moodle_finds_its_columns():
    rows = dicts(Gradebook(RESULTS, EXERCISES).moodle())
    needed = {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"}
    assert needed <= set(rows[0])
    assert [row["Identifier"] for row in rows] == ["Participant 7", "8", "9"]
    assert [row["Grade"] for row in rows] == ["1", "", ""]
    assert {row["Last modified (grade)"] for row in rows} == {"-"}
    assert rows[1]["Feedback comments"] == "The file is empty."


def test_moodle_worksheet_as_a_roster_comes_back_as_it_was():
    columns = {
        "Identifier": "Participant 7",
        "Full name": "Ada",
        "Last modified (grade)": "Monday, 3 March 2025, 9:00 AM",
    }
    learner = Learner("s1", "Ada", "", columns)
    (row,) = dicts(Gradebook([result(learner)], EXERCISES).moodle())
    assert {name: row[name] for name in columns} == columns


def test_canvas_finds_its_columns():
    rows = Gradebook(RESULTS, EXERCISES).canvas()
    head, possible, *rest = rows
    assert head[:2] == ["Student", "ID"] and head[4:] == ["Section", *EXERCISES]
    assert "Points Possible" in possible[0] and possible[5:] == ["2", "1"]
    # Only Canvas's own numbers are ids there.
    assert [row[1] for row in rest] == ["", "8", "9"]
    assert [row[5:] for row in rest] == [["1", "0"], ["", ""], ["", ""]]


def test_canvas_gradebook_as_a_roster_comes_back_as_it_was():
    columns = {
        "Student": "Lovelace, Ada",
        "ID": "41",
        "SIS User ID": "s1",
        "SIS Login ID": "ada",
        "Section": "A",
    }
    learner = Learner("41", "Lovelace, Ada", "", columns)
    one = {"01_lines": EXERCISES["01_lines"]}
    book = Gradebook(
        [result(learner, mark("a.one", "correct"))], one, assignment="L (9)"
    )
    (_, row) = dicts(book.canvas())
    assert row == columns | {"L (9)": "1"}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1+1", "@sum(a)", " =1", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
def test_no_text_is_a_formula(text):
    assert as_csv([[text, "x"]]).lstrip('"').startswith("'")


@pytest.mark.parametrize("text", ["1", "Ada", "a=b", "-", "", "Zoë-Ann", "'x"])
def test_other_texts_stay_as_they_are(text):
    ((cell,),) = csv.reader(io.StringIO(as_csv([[text]])))
    assert cell == text


def test_files_can_be_read_by_their_platforms(tmp_path):
    learner = Learner("7", 'Zoë =, "x"\n', "z@x.org")
    written = Gradebook([result(learner)], EXERCISES).write(tmp_path)
    assert [path.name for path in written] == [
        "grades.csv",
        "grades-moodle.csv",
        "grades-canvas.csv",
    ]
    starts = [path.read_bytes()[:3] == b"\xef\xbb\xbf" for path in written]
    assert starts == [True, False, False]  # for Excel alone
    with written[0].open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == learner.name


def test_worksheet_with_another_maximum_is_told():
    right = mark("a.one", "correct")

    def told(*maxima):
        results = [
            result(
                Learner(str(n), columns={"Maximum grade": text} if text else {}), right
            )
            for n, text in enumerate(maxima)
        ]
        scale = Scale({"a.one": 30.0, "a.two": 10.0})
        book = Gradebook(results, {"01_lines": ["a.one", "a.two"]}, scale)
        return book.other_maximum()

    assert told("40.00", "40,00") == told("", "") == ""
    assert "maximum grade is 9, these points go to 40: change it" in told("9.00", "")


def test_who_handed_in_nothing_gets_no_grade_or_zero():
    for zero, grade in ((False, ""), (True, "0")):
        book = Gradebook(RESULTS, EXERCISES, missing_zero=zero)
        _, bo, cy = dicts(book.moodle())
        assert (bo["Grade"], cy["Grade"]) == ("", grade)  # Bo's file is broken
        *_, bo, cy = dicts(book.canvas())
        assert (bo["01_lines"], cy["01_lines"]) == ("", grade)
