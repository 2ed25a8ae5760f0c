"""The environment report, and what importing the package costs."""

import subprocess
import sys
from importlib import metadata

from course_utils import doctor, environment_report


def test_everything_is_here(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    environment_report()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(doctor.PACKAGES) + 3
    assert all(line.startswith("[ok]") for line in lines)
    assert metadata.version("torch") in lines[1]


def test_a_missing_package_comes_with_its_command(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no_such_package"))
    line = doctor.report_lines()[2]
    assert line.startswith("[missing] no_such_package not installed")
    assert "python -m pip install no_such_package" in line


def test_a_package_that_does_not_import(monkeypatch):
    def broken(name):
        raise OSError("shared library")

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    line = doctor.report_lines()[1]
    assert "does not import (OSError)" in line
    assert "--force-reinstall" in line


def test_a_data_folder_that_is_not_there(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "no/such/folder")
    assert doctor.report_lines()[-1].startswith("[missing] data")
    assert "COURSE_DATA=no/such/folder" in doctor.report_lines()[-1]


def test_the_import_is_light():
    code = (
        "import time, torch, matplotlib.pyplot, sys; start = time.perf_counter();"
        "import course_utils; print(time.perf_counter() - start);"
        "print([m for m in ('ipywidgets', 'torchvision') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    seconds, heavy = done.stdout.splitlines()
    assert float(seconds) < 0.3
    assert heavy == "[]"
