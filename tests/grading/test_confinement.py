"""Where code can't be confined, grading refuses and says why."""

import pydoc_data
import shutil
import struct
import sys
from pathlib import Path

import pytest

from course_utils.data.sketches import FOLDERS
from course_utils.errors import CourseError
from course_utils.grading import confinement
from course_utils.grading.confinement import environment, find_confinement
from course_utils.grading.judge import judge
from course_utils.grading.system_calls import filter_program, lone_program
from tests.grading.lesson import write_lesson

linux = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")


def lesson(folder):
    return write_lesson(folder / "lesson.ipynb", ["start.means"])


def test_other_systems_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(CourseError, match=r"on Linux\. This is .*--unconfined"):
        judge({}, lesson(tmp_path))


@linux
def test_missing_bubblewrap_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match=r"no `bwrap` here: install .*--unconfined"):
        judge({}, lesson(tmp_path))


@linux
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo", "it is too old"),
        ('test "$1" = --help && echo "--size" || { echo "no namespaces" >&2; exit 1; }',
         "no namespaces"),
    ],
)  # fmt: skip
def test_bubblewrap_that_does_not_work_is_refused(
    monkeypatch, tmp_path, script, reason
):
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    with pytest.raises(CourseError, match=f"does not work here: {reason}"):
        find_confinement()


def test_environment_passes_nothing_on(monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    assert "hunter2" not in environment().values()


def test_folder_of_a_project_is_not_shown_with_its_python(monkeypatch, tmp_path):
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    shown = confinement._readable()
    assert f"{tmp_path}/lib" in shown
    assert str(tmp_path) not in shown


def test_sketches_are_shown_wherever_they_lie():
    package = Path(confinement.__file__).parents[1]
    shown = [Path(path).resolve() for path in [*confinement._readable(), package]]
    assert all({folder, *folder.parents} & {*shown} for folder in FOLDERS)


def test_reference_text_is_hidden_of_every_python(monkeypatch, tmp_path):
    other = tmp_path / "lib" / "python3.99" / "pydoc_data"
    other.mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    own = Path(pydoc_data.__path__[0]).resolve()
    assert {other, own} <= {path.resolve() for path in confinement._hidden()}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("filter_of", [filter_program, lone_program])
def test_jumps_of_the_filter_stay_inside_it(machine, filter_of):
    program = filter_of(machine)
    lines = list(struct.iter_unpack("=HBBI", program))
    for place, (code, yes, no, _) in enumerate(lines):
        if code & 7 == 5:
            assert place + 1 + max(yes, no) < len(lines)
    assert lines[-1][0] == 6


@linux
def test_course_in_the_folder_that_submissions_do_not_see_is_refused(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(confinement, "_fault", lambda program: "")
    monkeypatch.setattr(confinement, "_PACKAGE", Path("/tmp/course/course_utils"))
    with pytest.raises(CourseError, match=r"^/tmp/course/course_utils lies in /tmp, "):
        find_confinement()
