"""`course lab`: what it copies, from where it can be installed, how it opens."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from course_utils import doctor
from course_utils.cli import main
from course_utils.copies import jupyter
from course_utils.copies.record import NAME
from course_utils.lessons import course_lessons
from tests.lessons import LESSONS, ROOT

# What `pip install layer-by-layer-course[lab]` does not bring.
ABSENT = ["papermill", "pebble", "jinja2", "latex2mathml", "psutil", "distributed"]
BLOCKED = """
import sys
for name in {absent} + ["dask", "nbclient", "nbconvert"]:
    sys.modules[name] = None
from course_utils.cli import main
main({arguments})
"""


def course_lab(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["lab", *arguments])


@pytest.fixture
def opened(monkeypatch) -> list[list[str]]:
    """The commands that would have been run."""
    commands: list[list[str]] = []

    def note(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(jupyter, "run_until_closed", note)
    return commands


def test_folder_that_is_named_gets_every_lesson(tmp_path, opened):
    result = course_lab(str(tmp_path / "mine"), "--no-open")
    assert (result.exit_code, opened) == (0, [])
    assert result.stdout == (
        f"{len(LESSONS)} lessons were copied.\nYour lessons are in {tmp_path}/mine "
        "(another day, `course lab` with this folder opens them again).\n"
    )
    copies = sorted((tmp_path / "mine").glob("*.ipynb"))
    assert [path.name for path in copies] == [path.name for path in LESSONS]


def test_lesson_00_is_opened_with_the_course_s_settings(tmp_path, opened):
    assert course_lab(str(tmp_path), "--no-browser").exit_code == 0
    (command,) = opened
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--config={ROOT / 'tools' / 'jupyter' / 'lab.py'}" in command
    assert f"--ServerApp.root_dir={tmp_path.resolve()}" in command
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
    assert "--no-browser" in command


def test_without_a_name_it_is_one_folder_also_from_inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert course_lab("--no-open").exit_code == 0
    monkeypatch.chdir(tmp_path / "layer-by-layer")
    result = course_lab("--no-open")
    assert result.exit_code == 0
    assert f"Your lessons are in {Path().resolve()} (" in result.stdout
    assert not Path("layer-by-layer").exists()
    assert Path(NAME).is_file()


def test_file_in_the_place_of_the_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("layer-by-layer").touch()
    result = course_lab("--no-open")
    assert result.exit_code == 2
    assert "layer-by-layer is a file: name a folder." in result.stderr


def test_lessons_of_the_course_are_never_a_copy():
    result = course_lab(str(ROOT / "notebooks"), "--no-open")
    assert result.exit_code == 2
    assert "holds the course's own lessons: name another" in result.stderr


def test_without_jupyterlab_it_says_how_to_get_it(tmp_path, monkeypatch):
    def version(name: str) -> str | None:
        return None if name == "jupyterlab" else "9"

    monkeypatch.setattr(doctor, "installed_version", version)
    result = course_lab(str(tmp_path / "mine"))
    assert result.exit_code == 2
    assert "`python -m pip install jupyterlab` brings it" in result.stderr
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    "arguments", [["lab", "mine", "--no-open"], ["doctor"], ["--help"]], ids=str
)
def test_command_works_without_the_packages_of_other_extras(tmp_path, arguments):
    code = BLOCKED.format(absent=ABSENT, arguments=arguments)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_lab_needs_no_torch(tmp_path):
    code = BLOCKED.format(
        absent=["torch", "matplotlib"], arguments=["lab", "mine", "--no-open"]
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_lessons_of_a_checkout_are_those_of_notebooks():
    assert course_lessons() == LESSONS


@pytest.mark.all
@pytest.mark.network
def test_wheel_that_is_installed_alone_brings_the_lessons(tmp_path):
    """Built by way of the sdist, installed beside the packages that are here."""
    build = [sys.executable, "-m", "uv", "build", "-q", "--out-dir", str(tmp_path)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "course_utils/_jupyter/kernels/python3/kernel.json" in names
    for lesson in LESSONS:
        assert names.count(f"course_utils/_lessons/{lesson.name}") == 1

    venv.create(tmp_path / "env", with_pip=False)
    python = next((tmp_path / "env").glob("[bS]*/python*"))
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps"]
    subprocess.run([*install, f"--python={python}", str(wheel)], check=True)
    (site,) = (tmp_path / "env").glob("[lL]ib/**/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    # After the environment's own; a .pth there would bring this checkout along.
    code = (
        f"import sys; sys.path += {here}; from course_utils.cli import main; "
        "from course_utils.lessons import LESSONS; print(LESSONS[0]); main()"
    )
    command = [str(python), "-c", code, "lab", "mine", "--no-open"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    package = (site / "course_utils").resolve()
    assert done.stdout.splitlines()[:2] == [
        str(package / "_lessons"),
        f"{len(LESSONS)} lessons were copied.",
    ]
    assert (package / "_jupyter" / "lab.py").is_file()
