"""What a teacher decides after reading: it fits, and is shown wherever points are."""

from dataclasses import replace

import pytest

from course_utils.errors import CourseError
from course_utils.grading.explanations import unread
from course_utils.grading.feedback import write_feedback
from course_utils.grading.gradebook import Gradebook, Scale, as_csv
from course_utils.grading.learners import read_table
from course_utils.grading.model import Learner
from course_utils.grading.overrides import (
    Override,
    outdated,
    overridden,
    read_overrides,
    to_read,
    write_to_read,
)
from course_utils.grading.overview import make_sheets, write_overview
from tests.grading.results import EXERCISES, LESSON, SCALE, broken, result, write
from tests.grading.test_explanations import FIRST, TASK
from tests.grading.test_explanations import result as explained

RESULTS = [result(1, "ada"), result(2, "bo"), broken(3, "cy"), broken(4, "di", "")]
FOUR = Scale({TASK: 4.0})
HEAD = "learner,exercise,points,reason\n"
LINE = 'ada 1,linear.count,1.5,"Right, in other words."\n'


def read(tmp_path, text):
    path = tmp_path / "overrides.csv"
    path.write_text(text)
    submissions = [result.submission for result in RESULTS]
    return read_overrides(path, submissions, {LESSON: EXERCISES}, SCALE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the columns are called learner, exercise, points, reason"),
        ("learner,points\nada,1\n", "the columns are called"),
        (f"{HEAD}zed,linear.count,1,So.", "line 2: 'zed' names no learner"),
        (f"{HEAD}ada 1,linear.cont,1,So.", "no exercise 'linear.cont' here; there are"),
        (f"{HEAD}ada 1,linear.count,2.5,So.", "linear.count, which has 0 to 2"),
        (f"{HEAD}ada 1,linear.count,-1,So.", "'-1' is no number of points"),
        (f"{HEAD}ada 1,linear.count,nan,So.", "'nan' is no number of points"),
        (f"{HEAD}ada 1,linear.count,all,So.", "'all' is no number of points"),
        (f"{HEAD}ada 1,linear.count,1,", "the reason is missing"),
        (f"{HEAD}ada 1,linear.count,1,So, then.", "5 cells, not 4"),
        (f"{HEAD}{LINE}{LINE}", "line 3: ada 1 has another line for linear.count"),
        (f"{HEAD}cy 3,linear.count,1,So.", "handed in nothing that linear.count"),
        (f"{HEAD}di 4,linear.count,1,So.", "handed in nothing that linear.count"),
    ],
)
def test_line_that_does_not_fit_is_refused(tmp_path, text, told):
    with pytest.raises(CourseError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)


def test_points_that_were_set_stand_in_tables_and_on_pages(tmp_path):
    found = overridden(RESULTS, read(tmp_path, HEAD + LINE), SCALE)
    assert found[1:] == RESULTS[1:]
    book = Gradebook(found, {LESSON: EXERCISES}, SCALE)
    head, *rows = book.table()
    ada = dict(zip(head, rows[0], strict=True))
    assert ada["linear.count"] == "1.5" and ada["total"] == "2"
    told = "linear.count: 1.5, set by the teacher: Right, in other words."
    assert told in ada["notes"] and book.moodle()[1][-1] == told
    pages = write(found, tmp_path / "pages")  # read again from its line of JSON
    assert "Set by the teacher: Right, in other words." in pages["feedback/k1.html"]
    assert "et by the teacher" not in pages["feedback/k2.html"]
    index = pages["index.html"]
    assert "set by the teacher: Right, in other words." in index and "✎" in index
    assert "✎" not in write(RESULTS, tmp_path / "before")["index.html"]


def test_moodles_number_names_a_learner_and_a_reason_ends_in_a_stop(tmp_path):
    path = tmp_path / "overrides.csv"
    path.write_text(f"{HEAD}101,{TASK},3,half of it\n102,{TASK},4,Right!\n")
    submissions = [
        replace(
            explained("ada", FIRST).submission, learner=Learner(f"Participant {id}")
        )
        for id in (101, 102)
    ]
    first, second = read_overrides(path, submissions, {"repair_shop": [TASK]}, FOUR)
    assert (first.learner, first.reason) == ("Participant 101", "half of it.")
    assert (second.learner, second.reason) == ("Participant 102", "Right!")


@pytest.mark.parametrize(
    ("points", "state", "sign"),
    [
        (4, "correct", '"good" aria-hidden="true">✓'),
        (3, "partly", '"soft" aria-hidden="true">◐'),
        (0, "wrong", '"bad" aria-hidden="true">✗'),
        (None, "partly", '"soft" aria-hidden="true">◐'),
    ],
)
def test_learner_sees_what_was_measured_and_what_was_set(tmp_path, points, state, sign):
    told = [] if points is None else [Override("ada", TASK, points, "So I read it.")]
    results = overridden([explained("ada", FIRST)], told, FOUR)
    write_feedback(results, Scale({TASK: 4.0}), tmp_path)
    page = (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert f'<section class="task {state}"' in page and sign in page
    said = f"Measured 2.67 of 4, set to {points} of 4 points."
    assert (said in page) == (">Measured<" in page) == (points is not None)
    assert "0 of 1" in page  # of the rubric: as it was measured
    assert ("All points, set by the teacher" in page) == (points == 4)
    assert ("For your teacher to read" in page) == (points is None)
    assert ("has read it and decided" in page) == (points is not None)
    red = '<td class="count bad">0 of 1'
    assert (red in page) == (points is None)


@pytest.mark.parametrize(
    ("points", "shown", "state"),
    [(4, "correct", "correct"), (3, "part", "wrong"), (0, "wrong", "wrong")],
)
def test_page_of_the_class_shows_and_counts_what_was_decided(
    tmp_path, points, shown, state
):
    told = [Override("ada", TASK, points, "So I read it.")]
    results = overridden([explained("ada", FIRST)], told, FOUR)
    book = Gradebook(results, {"repair_shop": [TASK]}, Scale({TASK: 4.0}))
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    cell = f'class="mark {shown}" data-exercise="{TASK}" data-state="{state}"'
    assert cell in text
    (column,) = make_sheets(book)[0].columns
    assert column.states == {state: 1}


def test_a_no_says_that_the_points_stay(tmp_path):
    told = [Override("ada", TASK, 2.67, "It names no cause.")]
    write_feedback(
        overridden([explained("ada", FIRST)], told, FOUR), Scale({TASK: 4.0}), tmp_path
    )
    page = (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert "As it was measured: 2.67 of 4 points." in page and "set to" not in page


def test_what_is_to_be_read_comes_as_a_table_that_is_given_back(tmp_path):
    results = [explained(name, FIRST) for name in ("ada", "bo", "cy")]
    results.append(explained("di", FIRST, "It has 2 words."))
    lessons, scale = {"repair_shop": [TASK]}, Scale({TASK: 4.0})
    write_to_read(results, scale, tmp_path, "")
    path = tmp_path / "to-read.csv"
    rows = read_table(path.read_bytes())
    assert [row["learner"] for row in rows] == ["ada", "bo", "cy"]
    assert rows[0] == {
        **{"learner": "ada", "exercise": TASK, "points": "2.67", "reason": ""},
        **{"measured": "2.67", "most": "4", "name": "", "sentence": FIRST},
    }
    rows[0] |= {"points": "4", "reason": "Right."}
    rows[1] |= {"reason": "It names no cause."}  # points stay: this is a no
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    path.write_text(as_csv(table))
    submissions = [result.submission for result in results]
    decided = read_overrides(path, submissions, lessons, scale)
    assert decided == [
        Override("ada", TASK, 4.0, "Right."),
        Override("bo", TASK, 2.67, "It names no cause."),
    ]
    results = overridden(results, decided, FOUR)
    assert [one.result.submission.key for one in unread(results)] == ["cy"]
    before = path.read_bytes()
    write_to_read(results, scale, tmp_path, str(path))
    assert path.read_bytes() == before  # nothing is written over a teacher's table
    write_to_read(results, scale, tmp_path, "")
    assert read_overrides(path, submissions, lessons, scale) == decided
    path.write_text(path.read_text().replace(",2.67,,", ",3,,"))
    with pytest.raises(CourseError, match="line 4: the reason is missing"):
        read_overrides(path, submissions, lessons, scale)


def test_decision_on_an_earlier_answer_is_told_and_to_be_read_again(tmp_path):
    results = [explained("ada", FIRST), explained("bo", FIRST)]  # each measures 2.67
    path = tmp_path / "overrides.csv"
    lines = f"ada,{TASK},4,Right.,1.33\nbo,{TASK},4,Right.,2.67\n"
    path.write_text("learner,exercise,points,reason,measured\n" + lines)
    submissions = [result.submission for result in results]
    decided = read_overrides(path, submissions, {"repair_shop": [TASK]}, FOUR)
    (told,) = outdated(results, decided, FOUR)
    assert told.startswith(f"{path}, line 2: ada's {TASK} was handed in or graded")
    assert "(measured 1.33 then, 2.67 now)" in told and "Your 4 still count" in told
    results = overridden(results, decided, FOUR)
    (again,) = unread(results)
    assert again.result.submission.key == "ada"
    assert again.why.startswith("You set 4 points for another answer: measured 1.33")
    _, ada, bo = to_read(results, FOUR)
    assert ada[2:5] == ["2.67", "", "2.67"] and bo[2:5] == ["4", "Right.", "2.67"]
    book = Gradebook(results, {"repair_shop": [TASK]}, FOUR)
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    assert "Also what has changed since you set its points" in text


def test_sentence_that_was_read_leaves_the_list(tmp_path):
    results = [explained("ada", FIRST), explained("bo", FIRST)]
    path = tmp_path / "overrides.csv"
    path.write_text(f"{HEAD}ada;{TASK};3;She says it in other words.".replace(",", ";"))
    submissions = [result.submission for result in results]
    lessons, scale = {"repair_shop": [TASK]}, Scale({TASK: 4.0})
    decided = read_overrides(path, submissions, lessons, scale)
    results = overridden(results, decided, FOUR)
    assert [one.result.submission.key for one in unread(results)] == ["bo"]
    book = Gradebook(results, lessons, scale)
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    assert "3 of 4 <span" in text and "2.67 of 4</a>" in text
