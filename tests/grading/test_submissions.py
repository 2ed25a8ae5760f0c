"""Submissions: every layout that platforms export, and every odd file in them."""

import json
import os
import shutil
import zipfile
from dataclasses import replace

import pytest

from course_utils.errors import CourseError
from course_utils.grading.learners import Roster
from course_utils.grading.model import Learner
from course_utils.grading.submissions import find_submissions
from tests.grading.lesson import write_lesson

GOOD = "def answer(n):\n    return n"


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lessons")
    return [
        write_lesson(folder / "01_lines.ipynb", ["linear.count", "linear.affine"]),
        write_lesson(folder / "02_bends.ipynb", ["activations.gain"]),
    ]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "subs"
    place.mkdir()
    return place


def put(folder, name, lesson, answer=GOOD, when=0.0):
    """Hand in a lesson with an answer to its first exercise."""
    notebook = json.loads(lesson.read_text())
    notebook["cells"][1]["source"] = answer
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    if when:
        os.utime(path, (when, when))
    return path


def test_notebook_in_which_nothing_was_changed_is_noted(folder, lessons):
    shutil.copy(lessons[0], folder / "ada.ipynb")
    put(folder, "bo.ipynb", lessons[0])
    ada, bo = find_submissions([folder], lessons)
    assert ada.notes == ("Nothing was changed: all is as it was given out.",)
    assert bo.notes == ()


# Names of which a part could be taken for a copy's number.
OWN_NAMES = {
    "numbers alone": ("1234567.ipynb", "1234568.ipynb"),
    "short numbers": ("s1.ipynb", "s2.ipynb", "s10.ipynb"),
    "numbers after the lesson": ("01_lines_1234567.ipynb", "01_lines_1234568.ipynb"),
    "few digits after the lesson": ("01_lines-1.ipynb", "01_lines-2.ipynb"),
}


@pytest.mark.parametrize("names", OWN_NAMES.values(), ids=OWN_NAMES)
def test_a_number_that_tells_learners_apart_is_no_copys(folder, lessons, names):
    for name in names:
        put(folder, name, lessons[0])
    found = {one.learner.id for one in find_submissions([folder], lessons)}
    wanted = [name.removesuffix(".ipynb").removeprefix("01_lines") for name in names]
    assert found == {name.strip("-_") for name in wanted}


COPIES = {
    "in brackets": ("1234567.ipynb", "1234567 (1).ipynb"),
    "Jupyter's": ("01_lines_ada.ipynb", "01_lines_ada-Copy1.ipynb"),
    "a number after learner and lesson": ("ada_01_lines.ipynb", "ada_01_lines-1.ipynb"),
    "a number in the learner's folder": (
        "ada/01_lines.ipynb",
        "ada/01_lines-1.ipynb",
    ),
}


@pytest.mark.parametrize("names", COPIES.values(), ids=COPIES)
def test_a_copy_is_its_learners(folder, lessons, names):
    for name in names:
        put(folder, name, lessons[0])
    (found,) = find_submissions([folder], lessons)
    assert found.learner.id in ("1234567", "ada")


LAYOUTS = {
    "moodle": (
        "Ada L_7_assignsubmission_file_/01_lines.ipynb",
        "Bo_8_assignsubmission_file_/deep/er/hw.ipynb",
    ),
    "moodle, one folder": (
        "Ada L_7_assignsubmission_file_01_lines.ipynb",
        "Bo_8_assignsubmission_file_hw.ipynb",
    ),
    "canvas": ("lada_7_70_01_lines-1.ipynb", "bo_LATE_8_80_hw.ipynb"),
    "nbgrader": ("submitted/ada/01/x.ipynb", "submitted/bo/01/x.ipynb"),
    "exchange": (
        "inbound/ada+01+2025-02-02 15:58:23.9 UTC+r/x.ipynb",
        "inbound/bo+01+2025-02-02 15:58:23.9 UTC+r/x.ipynb",
    ),
    "flat": ("ada.ipynb", "bo.ipynb"),
    "flat, named after the lesson": ("ada_01_lines.ipynb", "01_lines-bo (1).ipynb"),
    "a folder each": ("ada/01_lines.ipynb", "bo/01_lines-Copy1.ipynb"),
    "a folder each, any name": ("ada/homework.ipynb", "bo/homework.ipynb"),
    "a folder each, own names": ("ada/mine.ipynb", "bo/final.ipynb"),
    "groups": ("A/ada.ipynb", "A/bo.ipynb"),
    "a folder each for the lesson": (
        "ada/01_lines/01_lines.ipynb",
        "bo/01_lines/01_lines.ipynb",
    ),
}
IDS = {"moodle": "Participant", "canvas": ""}


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(layout, zipped, folder, lessons):
    for name in LAYOUTS[layout]:
        put(folder, name, lessons[0])
    if zipped:
        folder = shutil.make_archive(str(folder), "zip", folder)
    ada, bo = find_submissions([folder], lessons)
    ids = {"moodle": ("Participant 7", "Participant 8"), "canvas": ("7", "8")}
    ids = ids.get(layout.partition(",")[0], ("ada", "bo"))
    assert {ada.learner.id, bo.learner.id} == set(ids)
    for submission in (ada, bo):
        assert submission.lesson == "01_lines"
        assert submission.cells["linear.count"] == GOOD
        assert len(submission.checksum) == 64 and submission.submitted
        assert not submission.problem and not submission.notes
    assert {ada.late, bo.late} == ({True, False} if layout == "canvas" else {False})


def test_one_file_alone_is_its_folders(folder, lessons):
    path = put(folder, "01_lines.ipynb", lessons[0])
    (submission,) = find_submissions([path], lessons)
    assert submission.learner.id == "subs"


def test_folders_as_a_shell_lists_them(folder, lessons):
    for name in ("ada", "bo"):
        put(folder, f"{name}/01_lines.ipynb", lessons[0])
    found = find_submissions(sorted(folder.iterdir()), lessons)
    assert [s.learner.id for s in found] == ["ada", "bo"]


def test_notebooks_of_several_lessons_are_one_each(folder, lessons):
    for lesson in lessons:
        put(folder, f"ada/{lesson.name}", lesson)
    found = find_submissions([folder], lessons)
    assert [s.lesson for s in found] == ["01_lines", "02_bends"]
    assert len({s.key for s in found}) == 2


def test_keys_are_good_names_of_files_and_differ(folder, lessons):
    for number, name in enumerate(("Zoë", "zoe", "con", "x..", "-", "李")):
        place = f"{name}_{number}_assignsubmission_file_"
        put(folder, f"{place}/x.ipynb", lessons[0])
    keys = [s.key for s in find_submissions([folder], lessons)]
    assert len(set(keys)) == 6
    assert all(
        set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.") for key in keys
    )
    assert not any(key.startswith((".", "-")) for key in keys)


def test_latest_of_several_files_counts(folder, lessons):
    put(folder, "ada/01_lines.ipynb", lessons[0], "def answer(n): 1", when=1e9)
    put(folder, "ada/01_lines-Copy1.ipynb", lessons[0], when=1.1e9)
    (submission,) = find_submissions([folder], lessons)
    assert submission.cells["linear.count"] == GOOD
    (note,) = submission.notes
    assert "2 files" in note and "not subs/ada/01_lines.ipynb" in note


def test_latest_on_canvas_is_the_larger_number(folder, lessons):
    put(folder, "lada_7_9_x.ipynb", lessons[0], "def answer(n): 1", when=2e9)
    put(folder, "lada_7_10_x-1.ipynb", lessons[0], when=1e9)
    (submission,) = find_submissions([folder], lessons)
    assert submission.cells["linear.count"] == GOOD


def test_latest_in_an_exchange_is_by_its_time(folder, lessons):
    late, early = "2025-02-03 00:30:00.0 UTC", "2025-02-02 23:59:59.0 UTC"
    put(folder, f"in/ada+01+{early}/x.ipynb", lessons[0], "def answer(n): 1", when=2e9)
    put(folder, f"in/ada+01+{late}/x.ipynb", lessons[0], when=1e9)
    (submission,) = find_submissions([folder], lessons)
    assert submission.cells["linear.count"] == GOOD
    assert submission.submitted == "2025-02-03T00:30:00+00:00"


def test_timestamp_of_nbgrader_is_read(folder, lessons):
    put(folder, "submitted/ada/01/x.ipynb", lessons[0])
    stamp = folder / "submitted/ada/01/timestamp.txt"
    stamp.write_text("2025-02-02 15:58:23.948203 UTC\n")
    (submission,) = find_submissions([folder], lessons)
    assert submission.submitted == "2025-02-02T15:58:23+00:00"


def test_file_that_can_be_read_counts_before_a_later_one_that_can_not(folder, lessons):
    put(folder, "ada/01_lines.ipynb", lessons[0], when=1e9)
    (folder / "ada/01_lines-2.ipynb").write_text("{")
    (submission,) = find_submissions([folder], lessons)
    assert submission.cells and "2 files" in submission.notes[0]


ODD = {
    "empty.ipynb": (b"", "is empty"),
    "cut.ipynb": (b'{"cells": [', "broken"),
    "latin.ipynb": (b'{"cells": ["\xe9"]}', "not UTF-8"),
    "list.ipynb": (b"[]", "no notebook"),
    "julia.ipynb": (
        b'{"cells": [], "metadata": {"kernelspec": {"language": "julia"}}}',
        "julia",
    ),
    "other.ipynb": (b'{"cells": []}', "has no exercise of 01_lines"),
}


def test_odd_files_cost_their_own_row(folder, lessons):
    put(folder, "ada.ipynb", lessons[0])
    for name, (data, _) in ODD.items():
        (folder / name).write_bytes(data)
    found = {s.learner.id: s for s in find_submissions([folder], lessons[:1])}
    assert found.pop("ada").cells
    assert {f"{id}.ipynb" for id in found} == set(ODD)
    for id, submission in found.items():
        assert ODD[f"{id}.ipynb"][1] in submission.problem
        assert submission.lesson == "01_lines" and not submission.missing


def test_notebook_that_is_called_after_a_lesson_counts_as_it(folder, lessons):
    (folder / "ada_01_lines.ipynb").write_bytes(b'{"cells": []}')
    (submission,) = find_submissions([folder], lessons)
    assert not submission.cells and not submission.problem
    assert "No cell is an exercise's" in submission.notes[0]


def test_learner_without_a_notebook_has_a_row_where_a_platform_names_them(
    folder, lessons
):
    for name in (
        "Bo_8_assignsubmission_file_/report.pdf",
        "Ada_7_assignsubmission_file_/a.pdf",
        "x.pdf",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"%PDF")
    put(folder, "Ada_7_assignsubmission_file_/x.ipynb", lessons[0])
    ada, bo = find_submissions([folder], lessons)
    assert ada.cells and not ada.notes
    assert bo.problem == "There is no notebook, but report.pdf."


ROSTER = Roster(
    [
        Learner("s1", "Ada Lovelace", "ada@example.org"),
        Learner("s2", "Bo Li", "bo@example.org"),
        Learner("s3", "Cy Young", "cy@example.org"),
    ]
)


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace_7_assignsubmission_file_/x.ipynb",
        "lovelaceada_7_8_x.ipynb",
        "submitted/s1/01/x.ipynb",
        "ada@example.org/01_lines.ipynb",
        "groups/s1/01_lines.ipynb",
        "groups/s1/my/own/x.ipynb",
        "Lovelace, Ada.ipynb",
        "01_lines_ada.ipynb",
    ],
)
def test_roster_tells_who_is_who_and_who_is_missing(folder, lessons, name):
    put(folder, name, lessons[0])
    ada, bo, cy = find_submissions([folder], lessons, ROSTER)
    assert (ada.learner.id, ada.notes) == ("s1", ())
    assert ada.cells
    for missing in (bo, cy):
        assert missing.missing and missing.problem == "Nothing was submitted."
        assert missing.lesson == "01_lines" and not missing.checksum


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "Ada Lovelace_7_assignsubmission_file_/x.ipynb",
            {"Identifier": "Participant 7"},
        ),
        ("lovelaceada_7_8_x.ipynb", {"ID": "7"}),
        ("01_lines_ada.ipynb", {}),
    ],
)
def test_what_a_platform_calls_a_learner_is_kept_beside_a_roster(
    folder, lessons, name, columns
):
    put(folder, name, lessons[0])
    ada, *_ = find_submissions([folder], lessons, ROSTER)
    assert ada.learner == replace(ROSTER.learners[0], columns=columns)


def test_who_is_not_in_the_roster_is_graded_with_a_note(folder, lessons):
    put(folder, "mallory.ipynb", lessons[0])
    found = find_submissions([folder], lessons, ROSTER)
    (mallory,) = [s for s in found if not s.missing]
    assert mallory.notes == ("Not found in the roster.",)
    assert len(found) == 4


def test_with_a_roster_a_file_that_can_not_be_read_is_not_missing(folder, lessons):
    (folder / "s1.ipynb").write_bytes(b"")
    found = find_submissions([folder], lessons, ROSTER)
    assert [s.missing for s in found if s.learner.id == "s1"] == [False]


def test_nothing_submitted_is_an_error(folder, lessons):
    (folder / "notes.txt").write_text("x")
    with pytest.raises(CourseError, match="no notebook was submitted in"):
        find_submissions([folder], lessons)


def test_canvas_zip_with_a_zip_of_a_learner(folder, lessons):
    path = put(folder, "work/01_lines.ipynb", lessons[0])
    with zipfile.ZipFile(folder / "lada_7_8_work.zip", "w") as archive:
        archive.write(path, "work/01_lines.ipynb")
    shutil.rmtree(folder / "work")
    (submission,) = find_submissions([folder], lessons)
    assert submission.learner.id == "7"
