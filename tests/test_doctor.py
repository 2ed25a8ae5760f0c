"""What the doctor finds, and what importing the package costs."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement

from course_utils import doctor, environment_report
from course_utils.cli import main
from course_utils.errors import CourseError


@pytest.fixture
def asks_for(monkeypatch):
    """Let the course's metadata ask for other packages."""

    def ask(*requirements: str) -> None:
        monkeypatch.setattr(metadata, "requires", lambda name: list(requirements))

    return ask


def course_doctor(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def test_everything_is_here(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    environment_report()
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("[ok]") for line in lines)
    names = [line.split()[1] for line in lines]
    assert (names[0], names[-2:]) == ("Python", ["device", "data"])
    base = [Requirement(line) for line in metadata.requires(doctor.COURSE)]
    assert names[1:-2] == [package.name for package in base if not package.marker]
    assert f"[ok]      torch        {metadata.version('torch')}" in lines


def test_missing_package_comes_with_its_command(asks_for):
    asks_for("torch>=2.6", "no-such-package")
    finding = doctor.examine_lessons()[2]
    assert not finding.ok
    assert finding.line().startswith("[missing] no-such-package not installed: run")
    assert "python -m pip install no-such-package" in finding.line()


def test_outdated_package_comes_with_its_command(asks_for, monkeypatch):
    asks_for("torch>=2.6")
    monkeypatch.setattr(doctor, "installed_version", lambda name: "2.5.1+cu121")
    finding = doctor.examine_lessons()[1]
    assert finding.line() == (
        "[missing] torch        2.5.1+cu121 is not >=2.6: "
        'run  python -m pip install "torch>=2.6"'
    )


def test_package_that_does_not_import_is_missing(monkeypatch):
    def fail(name: str) -> None:
        raise OSError("shared library")

    monkeypatch.setattr(doctor.importlib, "import_module", fail)
    finding = doctor.examine_lessons()[1]
    assert not finding.ok
    assert "does not import (OSError)" in finding.line()
    assert "--force-reinstall" in finding.line()


def test_broken_torch_does_not_stop_the_report(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # so that importing it fails
    for name in [name for name in sys.modules if name.startswith("course_utils.data")]:
        monkeypatch.delitem(sys.modules, name)
    findings = {finding.name: finding for finding in doctor.examine_lessons()}
    assert "does not import" in findings["torch"].state
    assert findings["device"].state == "unknown without torch"
    assert findings["data"].state == "unknown without torch"


def test_marker_that_does_not_apply_is_left_out(asks_for):
    asks_for('no-such-package; python_version < "3"')
    names = [finding.name for finding in doctor.examine_lessons()]
    assert names == ["Python", "device", "data"]


def test_course_that_is_not_installed_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "COURSE", "no-such-course")
    finding = doctor.examine_lessons()[1]
    assert finding.line().startswith("[missing] the course   not installed: run")
    assert doctor.examine_extras() == {}


def test_data_folder_that_is_not_there_is_missing(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "no/such/folder")
    line = doctor.examine_lessons()[-1].line()
    assert line.startswith("[missing] data")
    assert "COURSE_DATA=no/such/folder" in line


def test_extras_hold_only_what_they_add():
    extras = doctor.examine_extras()
    base = {finding.name for finding in doctor.examine_lessons()}
    assert {"lab", "batch", "test"} <= set(extras)
    for findings in extras.values():
        assert findings
        assert not base & {finding.name for finding in findings}


def test_command_prints_the_report(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    result = course_doctor()
    environment_report()
    report, _, line = result.stdout.partition("\nFor a bug report: ")
    assert report == capsys.readouterr().out
    assert line == f"{doctor.summary_line(doctor.examine_lessons())}\n"
    assert result.exit_code == 0


def test_line_for_a_bug_report_says_what_is_installed_and_no_more():
    line = doctor.summary_line(doctor.examine_lessons())
    assert line.startswith(f"{doctor.COURSE} ")
    assert f"; torch {metadata.version('torch')}; " in line
    assert line.endswith("; missing: nothing")
    assert str(Path.home()) not in line and platform.node() not in line


def test_line_for_a_bug_report_names_what_is_missing(asks_for):
    asks_for("no-such-package")
    result = course_doctor()
    assert result.stdout.endswith("; missing: no-such-package\n")


def test_command_fails_where_something_is_missing(asks_for):
    asks_for("no-such-package")
    result = course_doctor()
    assert "[missing] no-such-package not installed" in result.stdout
    assert result.exit_code == 1


def test_command_examines_extras_where_asked(asks_for):
    asks_for("torch>=2.6", 'no-such-package; extra == "test"')
    assert course_doctor().exit_code == 0
    result = course_doctor("--all")
    assert result.exit_code == 1
    _, _, extra = result.stdout.partition("\ntest:\n")
    assert extra.startswith(
        "[missing] no-such-package not installed: "
        "run  python -m pip install no-such-package\n\nFor a bug report: "
    )


def test_run_needs_what_executes_notebooks(monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: None)
    with pytest.raises(CourseError, match="ipykernel is not installed in"):
        doctor.require_packages("ipykernel")


@pytest.mark.parametrize(
    "code",
    [
        "import course_utils",
        "from course_utils.cli import main; main(['--help'], standalone_mode=False)",
    ],
    ids=["import", "course --help"],
)
def test_start_up_loads_nothing_heavy(code):
    heavy = ["torch", "torchvision", "matplotlib", "ipywidgets", "IPython", "nbformat"]
    code += f"; import sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_name_of_the_face_loads_no_widgets():
    heavy = ["ipywidgets", "torchvision", "IPython"]
    code = "import sys; from course_utils import playground, show, check;"
    code += f"print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
