"""The count of solved exercises: what it shows, and what counts."""

import re
from datetime import date

import pytest

from course_utils import CourseError, check, diary, progress
from course_utils.diary import Entry
from course_utils.display.bundles import HTML, PLAIN, PROGRESS_CLASS
from course_utils.exercises import progress as progress_module
from course_utils.exercises.progress import note_solved
from course_utils.exercises.registry import find_exercise, numbered_exercises
from tests.lessons import LESSONS

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


def of(reached: int, number: str) -> str:
    """Return what the table says of a lesson that has cards to predict."""
    return f"{reached} of {cards(number)}"


def cards(number: str) -> int:
    (path,) = [path for path in LESSONS if path.stem.startswith(number)]
    return len(re.findall(r'(?m)^ *"ask\(', path.read_text(encoding="utf-8")))


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


@pytest.fixture
def diary_file(tmp_path, monkeypatch):
    """Have a person run the cells, with a diary of two lessons."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    monkeypatch.setattr(diary, "reader_present", lambda: True)
    monkeypatch.setattr(diary, "_noted", set())
    for entry in (
        Entry("01", "solved", "linear.count", "2026-11-20"),
        Entry("01", "solved", "linear.count", "2026-11-21"),
        Entry("01", "solved", "linear.of_old", "2026-11-22"),  # the lesson has it not
        Entry("01", "reached", "predict-1", "2026-11-23"),
        Entry("02", "reached", "predict-2", "2026-11-24"),
        Entry("02", "reached", "predict-3", "2026-11-19"),
    ):
        diary.append(entry)


def test_other_sessions_count_and_are_told_apart(diary_file, displayed):
    assert text(displayed).startswith(
        "Solved: 1 of 9 (1 in another session). Still open: 2 design, 3 affine, "
    )
    check("linear.affine", affine)
    assert text(displayed).startswith("Solved: 2 of 9 (1 in another session).")
    check("linear.count", find_exercise("linear.count").reference)
    assert text(displayed).startswith("Solved in this session: 2 of 9.")


def test_table_of_all_lessons(diary_file, displayed):
    note_solved("start.means")
    note_solved("mine.double")  # a teacher's own
    progress()
    data = displayed[-1][0]
    head, *rows, note = data[PLAIN].splitlines()
    total = sum(len(numbered_exercises(lesson)) for lesson in diary.LESSONS)
    asked = sum(cards(path.stem[:2]) for path in LESSONS)
    today = date.today().isoformat()
    of_02 = len(numbered_exercises("activations"))
    assert [re.split("  +", line) for line in (head, *rows)] == [
        ["lesson", "solved", "predictions reached", "last on"],
        ["00 start", "1 of 8", of(0, "00"), today],
        ["01 linear", "1 of 9", of(1, "01"), "2026-11-23"],
        ["02 activations", f"0 of {of_02}", of(2, "02"), "2026-11-24"],
        *(
            [
                f"{n:02} {lesson}",
                f"0 of {len(numbered_exercises(lesson))}",
                of(0, f"{n:02}"),
                "–",
            ]
            for n, lesson in enumerate(diary.LESSONS)
            if n > 2
        ),
        ["all", f"2 of {total}", f"3 of {asked}", today],
    ]
    cells = re.findall(r"<t[hd] [^>]*>(.*?)</t[hd]>", data[HTML])
    assert cells == [c for line in (head, *rows) for c in re.split("  +", line)]
    assert note in data[HTML]


def test_table_in_a_batch_knows_this_session_alone(diary_file, displayed, monkeypatch):
    monkeypatch.setattr(diary, "reader_present", lambda: False)
    note_solved("start.means")
    progress()
    rows = displayed[-1][0][PLAIN].splitlines()
    assert re.split("  +", rows[1]) == ["00 start", "1 of 8", of(0, "00"), "–"]
    assert re.split("  +", rows[2]) == ["01 linear", "0 of 9", of(0, "01"), "–"]
