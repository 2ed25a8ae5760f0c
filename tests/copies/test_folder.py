"""A learner's folder: filled, updated, and nothing in it lost."""

import errno
import json
import os
from datetime import date
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from course_utils import files
from course_utils.copies import folder as module
from course_utils.copies.folder import RELOAD, update_folder
from course_utils.copies.record import NAME, Record, Released
from course_utils.errors import CourseError
from tests.copies.lesson import Chance, changed, code, lesson, sources, write

DAY = date(2027, 3, 9)
ANSWER = "def line(x):\n    return 2 * x"
FILE = "01_lines.ipynb"
SAME = "1 lesson had this version's text already."
KEPT = "01_lines-kept-2027-03-09.ipynb"


class Course:
    """The course and a learner's folder, side by side."""

    def __init__(self, place: Path) -> None:
        self.course, self.mine = place / "course", place / "mine"
        self.course.mkdir()
        self.file = self.mine / FILE
        self.release(lesson())

    def release(self, notebook) -> None:
        write(notebook, self.course / FILE)

    def update(self) -> list[str]:
        lessons = sorted(self.course.glob("*.ipynb"))
        return list(update_folder(self.mine, lessons, DAY))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.mine.iterdir())


@pytest.fixture
def course(tmp_path) -> Course:
    """A course whose lesson the learner has by now."""
    course = Course(tmp_path)
    assert course.update() == ["1 lesson was copied."]
    return course


def test_first_time_copies_the_lessons_and_leaves_a_record(course):
    assert course.names() == [NAME, FILE]
    assert course.file.read_bytes() == (course.course / FILE).read_bytes()


def test_same_version_leaves_what_the_learner_wrote(course):
    write(changed(lesson(), c005=ANSWER), course.file)
    before = course.file.read_bytes()
    assert course.update() == [SAME]
    assert course.file.read_bytes() == before
    assert course.names() == [NAME, FILE]


def test_new_version_has_the_answer_and_the_old_file_stands_beside(course):
    mine = changed(lesson(), c005=ANSWER, c001='device = "cpu"\nseed = 0')
    mine.cells.append(new_markdown_cell("a note"))
    write(mine, course.file)
    before = course.file.read_bytes()
    course.release(changed(lesson(), c002="new"))
    assert course.update() == [
        "01_lines.ipynb: a new version. Carried over: 1 answer, 1 cell of your own and "
        f"1 parameter. The old file is kept as {KEPT}.",
        RELOAD,
    ]
    assert ANSWER in sources(course.file)
    assert (course.mine / KEPT).read_bytes() == before


def test_what_could_not_be_joined_is_named_as_a_learner_finds_it(course):
    mine = changed(lesson(), c005=ANSWER, c003="slope = 9")
    write(mine, course.file)
    new = changed(lesson(), c005="def line(x, height): ...", c003="slope = 3")
    course.release(new)
    sentence, _ = course.update()
    assert "run the check again. It asks now: 'def line(x, height): ...'. " in sentence
    assert "not clear how to join them: 'slope = 3'. " in sentence


def test_second_update_of_a_day_keeps_both_old_files(course):
    for number in range(3):
        write(
            changed(nbformat.read(course.file, 4), c005=f"answer {number}"), course.file
        )
        course.release(changed(lesson(), c002=f"new {number}"))
        course.update()
    kept = [name for name in course.names() if "-kept-" in name]
    assert len(kept) == 3
    assert "answer 0" in sources(course.mine / KEPT)
    assert "answer 2" in sources(course.file)


def test_lesson_that_was_only_run_is_replaced(course):
    mine = lesson()
    Chance(1).execute(mine.cells)
    mine.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    write(mine, course.file)
    course.release(changed(lesson(), c002="new"))
    sentence, _ = course.update()
    assert sentence.endswith("in place of one that you had not changed.")
    assert course.names() == [NAME, FILE]
    assert course.file.read_bytes() == (course.course / FILE).read_bytes()


def test_lesson_that_the_learner_deleted_is_copied_again(course):
    course.file.unlink()
    assert course.update() == ["1 lesson was copied."]


def test_file_that_is_no_notebook_is_kept(course):
    course.file.write_text("<<<<<<< HEAD\n{}")
    sentence, _ = course.update()
    assert "can't be read as a notebook" in sentence and KEPT in sentence
    assert (course.mine / KEPT).read_text() == "<<<<<<< HEAD\n{}"
    assert sources(course.file) == [cell.source for cell in lesson().cells]


def test_lesson_that_the_course_has_no_more_stays(course):
    (course.course / FILE).rename(course.course / "02_more.ipynb")
    assert course.update() == [
        "1 lesson was copied.",
        "01_lines.ipynb: this version has no lesson of that name. Yours stays as it "
        "is, and its answers are in it alone.",
    ]
    assert course.file.is_file()


@pytest.mark.parametrize(
    "record",
    [None, "", "[]", "{}", '{"format": 2, "lessons": {"01_lines.ipynb": 3}}', "\0"],
)
def test_lost_or_damaged_record_loses_nothing(course, record):
    mine = changed(lesson(), c005=ANSWER)
    mine.cells.append(new_markdown_cell("a note"))
    write(mine, course.file)
    before = course.file.read_bytes()
    if record is None:
        (course.mine / NAME).unlink()
    else:
        (course.mine / NAME).write_text(record)
    course.release(changed(lesson(), c002="new"))
    said = course.update()
    assert (f"{NAME}, which says" in said[0]) is (record is not None)
    assert {ANSWER, "a note", "new"} <= set(sources(course.file))
    assert (course.mine / KEPT).read_bytes() == before
    assert not Record.read(course.mine).damaged


def test_lost_record_alone_is_no_news(course):
    write(changed(lesson(), c005=ANSWER), course.file)
    (course.mine / NAME).unlink()
    assert course.update() == [SAME]
    assert course.names() == [NAME, FILE]


def test_record_of_a_later_form_is_not_misread(course):
    path = course.mine / NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3}))
    assert Record.read(course.mine).damaged


def test_update_that_was_cut_off_goes_on(course):
    write(changed(lesson(), c005=ANSWER), course.file)
    record = (course.mine / NAME).read_bytes()
    course.release(changed(lesson(), c002="new"))
    course.update()
    (course.mine / NAME).write_bytes(record)  # as if killed before it was written
    after = course.file.read_bytes()
    assert course.update() == [SAME]
    assert course.file.read_bytes() == after


def test_only_an_answered_exercise_was_rewritten_and_that_is_said_once(course):
    write(changed(lesson(), c005=ANSWER), course.file)
    course.release(changed(lesson(), c005="def line(x, height): ..."))
    said = course.update()
    assert "run the check again" in said[0]
    assert ANSWER in sources(course.file)
    assert course.update() == [SAME]


def test_old_file_that_was_put_back_is_brought_up_to_date_again(course):
    write(changed(lesson(), c005=ANSWER), course.file)
    old = course.file.read_bytes()
    second = changed(lesson(), c002="corrected", c003="slope = 3")
    course.release(second)
    course.update()
    after = course.file.read_bytes()
    # Also by a program that gives cells other ids.
    for content in (old, old.replace(b'"c01-', b'"x01-')):
        course.file.write_bytes(content)
        assert "Carried over: 1 answer. " in course.update()[0]
        assert course.file.read_bytes() == after
    course.file.write_bytes(old)
    course.release(changed(second, c007="Bye."))
    assert "Carried over: 1 answer. " in course.update()[0]
    assert {"corrected", "slope = 3", "Bye."} <= set(sources(course.file))


def test_record_does_not_grow_for_ever(course):
    for number in range(12):
        course.release(changed(lesson(), c002=f"new {number}"))
        course.update()
    editions = Record.read(course.mine).lessons[FILE]
    assert len(editions) == 10
    assert editions[0] == Released.of(changed(lesson(), c002="new 11").cells)


def test_stub_of_an_old_file_that_was_put_back_is_no_answer(course):
    write(changed(lesson(), c007="Goodbye, mine."), course.file)
    old = course.file.read_bytes()
    course.release(changed(lesson(), c005="def line(x, height): ..."))
    course.update()
    course.file.write_bytes(old)
    new = changed(lesson(), c005="def line(x, height): ...", c002="third")
    course.release(new)
    course.update()
    assert "def line(x): ..." not in sources(course.file)


def test_answer_to_a_new_exercise_stands_though_the_record_is_older(course):
    write(changed(lesson(), c005=ANSWER), course.file)
    record = (course.mine / NAME).read_bytes()
    new = lesson()
    new.cells.insert(7, code("c01-008", "def area(x): ...", "exercise"))
    course.release(new)
    course.update()
    (course.mine / NAME).write_bytes(record)
    answered = changed(nbformat.read(course.file, 4), c008="def area(x): return 9")
    write(answered, course.file)
    course.update()
    assert sources(course.file) == [cell.source for cell in answered.cells]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free some room"), (errno.EROFS, "name a folder in which")],
)
def test_no_room_says_what_to_do_and_leaves_all_as_it_was(
    course, monkeypatch, number, remedy
):
    write(changed(lesson(), c005=ANSWER), course.file)
    course.release(changed(lesson(), c002="new"))
    before = {name: (course.mine / name).read_bytes() for name in course.names()}

    def fail(self: Path, content: bytes) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(files.Path, "write_bytes", fail)
    with pytest.raises(CourseError, match=f"as it was: {remedy}"):
        course.update()
    assert {n: (course.mine / n).read_bytes() for n in course.names()} == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or not os.geteuid(), reason="as root")
def test_read_only_folder_says_so(course):
    course.mine.chmod(0o500)
    try:
        course.update()  # nothing is new: nothing is written
        course.release(changed(lesson(), c002="new"))
        with pytest.raises(CourseError, match="see that you may write there"):
            course.update()
    finally:
        course.mine.chmod(0o700)


def test_folder_in_the_place_of_a_lesson_is_named(course):
    course.file.unlink()
    course.file.mkdir()
    with pytest.raises(CourseError, match=r"01_lines\.ipynb can't be read"):
        course.update()


def test_lesson_that_another_program_writes_meanwhile_is_left(course, monkeypatch):
    write(changed(lesson(), c005=ANSWER), course.file)
    course.release(changed(lesson(), c002="new"))

    def slow(path: Path, content: bytes, today: date) -> Path:
        write(changed(lesson(), c005="saved just now"), course.file)
        return path

    monkeypatch.setattr(module, "keep", slow)
    with pytest.raises(CourseError, match="written by another program"):
        course.update()
    assert "saved just now" in sources(course.file)


def test_save_at_the_last_moment_is_seen(course, monkeypatch):
    """Between writing the new file beside the old one and its renaming."""
    course.release(changed(lesson(), c002="new"))
    real = files.Path.write_bytes

    def write_and_save(self: Path, content: bytes) -> int:
        if self.name.startswith(f".{FILE}"):
            write(changed(lesson(), c005="saved just now"), course.file)
        return real(self, content)

    monkeypatch.setattr(files.Path, "write_bytes", write_and_save)
    for _ in range(2):  # a lesson without and with something of the learner's
        with pytest.raises(CourseError, match="written by another program"):
            course.update()
        assert "saved just now" in sources(course.file)
        write(changed(lesson(), c005=ANSWER), course.file)


@pytest.mark.parametrize("error", [PermissionError, KeyboardInterrupt])
def test_tries_that_fail_leave_no_kept_files(course, monkeypatch, error):
    """As on Windows, where another program has the lesson open; or Ctrl-C."""
    write(changed(lesson(), c005=ANSWER), course.file)
    course.release(changed(lesson(), c002="new"))
    before = course.file.read_bytes()
    real = files.Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if Path(target).name == FILE:
            raise error(errno.EACCES, "open elsewhere", str(self))
        return real(self, target)

    monkeypatch.setattr(files.Path, "replace", refuse)
    said = {PermissionError: rf"mine.{FILE} can't be .*: close the programs"}
    for _ in range(2):
        expected = CourseError if error is PermissionError else error
        with pytest.raises(expected, match=said.get(error)):
            course.update()
    assert course.names() == [NAME, FILE]
    assert course.file.read_bytes() == before


def test_interrupted_keeping_leaves_no_empty_file(course, monkeypatch):
    write(changed(lesson(), c005=ANSWER), course.file)
    course.release(changed(lesson(), c002="new"))

    def interrupt(self: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.Path, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        course.update()
    assert course.names() == [NAME, FILE]


def test_lesson_that_is_a_link_stays_one(course):
    place = course.mine.parent / "elsewhere.ipynb"
    write(changed(lesson(), c005=ANSWER), place)
    course.file.unlink()
    course.file.symlink_to(place)
    course.release(changed(lesson(), c002="new"))
    course.update()
    assert course.file.is_symlink()
    assert {"new", ANSWER} <= set(sources(place))


def test_course_s_own_folder_is_refused(course):
    course.mine = course.course
    with pytest.raises(CourseError, match="the course's own lessons"):
        course.update()


def test_half_a_character_in_a_note_survives(course):
    mine = lesson()
    mine.cells.append(new_markdown_cell("half"))
    text = nbformat.writes(mine).replace("half", "half \\ud83d")
    course.file.write_text(text)
    course.release(changed(lesson(), c002="new"))
    course.update()
    assert "half \ud83d" in sources(course.file)


@pytest.mark.parametrize("number", range(60))
@pytest.mark.parametrize("record", ["record", "no record"])
def test_nothing_that_a_learner_wrote_is_lost(tmp_path, number, record):
    """Two updates in a row, with edits before each of them."""
    chance, course = Chance(number), Course(tmp_path)
    version = chance.release()
    course.release(version)
    course.update()
    for _ in range(2):
        mine = chance.learn(nbformat.read(course.file, as_version=4))
        write(mine, course.file)
        if record == "no record":
            (course.mine / NAME).unlink()
        version = chance.next_version(version)
        course.release(version)
        course.update()
        new = sources(course.file)
        nbformat.validate(nbformat.read(course.file, as_version=4))
        kept = [text for p in course.mine.glob("*-kept-*") for text in sources(p)]
        assert set(chance.written) <= {*new, *kept}
        assert chance.standing() <= set(new)
        last = {text.partition("(")[0]: text for text in new}
        assert chance.answers().items() <= last.items()
        assert {cell.id for cell in version.cells} <= {
            cell.id for cell in nbformat.read(course.file, as_version=4).cells
        }
