"""Written questions: given out without what they are marked by."""

from pathlib import Path

from click.testing import CliRunner

from course_utils.cli import main

PAGE = Path(__file__).parents[1] / "instructors" / "questions.md"


def asked(*numbers):
    return CliRunner().invoke(main, ["questions", *numbers])


def test_questions_come_without_answers_and_titles():
    text = asked().output
    heads = [line for line in PAGE.read_text().splitlines() if line[:4] == "### "]
    assert text.count("## ") == len(heads) and text.startswith("## 00.1\n")
    for told in ("Model answer", "Four points", "Often seen", "The same points in"):
        assert told not in text
    assert "| program | step 1 |" in text and "\n>" not in text


def test_a_lesson_or_single_questions_are_chosen():
    heads = [line for line in asked("03").output.splitlines() if line[:3] == "## "]
    assert heads == ["## 03.1", "## 03.2", "## 03.3"]
    assert asked("04.1").output.count("## ") == 1
    wrong = asked("99")
    assert wrong.exit_code == 2 and "no question 99" in wrong.output


def test_each_lesson_has_three_and_the_teachers_page_counts_them():
    root = PAGE.parents[1]
    lessons = sorted(path.name[:2] for path in (root / "notebooks").glob("*.ipynb"))
    heads = [line[3:] for line in asked().output.splitlines() if line[:3] == "## "]
    assert heads == [f"{lesson}.{k}" for lesson in lessons for k in (1, 2, 3)]
    told = {
        "README.md": "{} [written questions]",
        "INSTRUCTORS.md": "lesson, {} in all",
    }
    for page, words in told.items():
        assert words.format(len(heads)) in (root / page).read_text(encoding="utf-8")
