"""`course progress`: the table, the export, and forgetting."""

import os

import pytest
from click.testing import CliRunner

from course_utils import diary
from course_utils.cli import main
from course_utils.diary import Entry

ENTRIES = [
    Entry("01", "solved", "linear.affine", "2026-11-28"),
    Entry("01", "reached", "predict-12ab34cd", "2026-11-29"),
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return the file of a diary with two entries, one of them twice."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    for entry in (*ENTRIES, ENTRIES[0]):
        diary.append(entry)
    return path


def course(*arguments: str, says: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["progress", *arguments], input=says)
    return result.exit_code, result.output


def test_table_and_where_it_is_kept(file):
    code, text = course()
    lines = text.splitlines()
    assert code == 0
    assert lines[0].split() == "lesson solved predictions reached last on".split()
    assert lines[2].split() == "01 linear 1 of 9 1 of 8 2026-11-29".split()
    assert lines[-1] == f"It is kept in {file}."


def test_export_holds_each_entry_once(file, tmp_path):
    assert course("--export", "mine.csv") == (0, "Written: mine.csv\n")
    assert (tmp_path / "mine.csv").read_bytes() == (
        b"lesson,kind,name,day\n"
        b"01,solved,linear.affine,2026-11-28\n"
        b"01,reached,predict-12ab34cd,2026-11-29\n"
    )


def test_export_replaces_no_file(file, tmp_path):
    (tmp_path / "mine.csv").write_text("words")
    code, text = course("--export", "mine.csv")
    assert code == 2
    assert text == "course progress: mine.csv is there already: name a new file.\n"
    assert (tmp_path / "mine.csv").read_text() == "words"


def test_export_to_no_folder_is_one_line(file):
    code, text = course("--export", "no/mine.csv")
    assert code == 2
    assert text.startswith("course progress: no/mine.csv can't be written: ")


@pytest.mark.parametrize(("says", "kept"), [("n\n", True), ("", True), ("y\n", False)])
def test_forgetting_asks_first(says, kept, file):
    code, _ = course("--forget", says=says)
    assert (code, file.exists()) == (int(kept), kept)


def test_forgetting_asks_nothing_where_told(file):
    assert course("--forget", "--yes") == (0, f"Deleted: {file}\n")
    assert not file.exists()
    assert diary.read() == []
    code, text = course("--forget", "--yes")
    assert (code, "nothing to forget" in text) == (2, True)


def test_only_a_file_is_forgotten(file, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", os.devnull)
    code, _ = course("--forget", "--yes")
    assert code == 2
    assert os.path.exists(os.devnull)  # noqa: PTH110 - on Windows it is no path


def test_file_that_cant_be_read_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    code, text = course()
    assert code == 2
    assert text.startswith(f"course progress: {tmp_path} can't be read: ")
