"""However a command ends, its cluster of this machine ends with it."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from course_utils.grading.records import read_results
from course_utils.runs.processes import await_ends
from tests.grading.lesson import write_lesson
from tests.lessons import clean_environment
from tests.processes import eventually

ANSWERS = {
    "ada": "def answer(x, weight, bias):\n    return x @ weight.T + bias",
    "bo": "def answer(x, weight, bias):\n    while True: pass",
}


@pytest.fixture
def start(tmp_path):
    """Grade on a cluster of this machine; its messages go to the file `told`."""
    lesson = write_lesson(tmp_path / "01_lines.ipynb", ["linear.affine"])
    (tmp_path / "subs").mkdir()
    for name, text in ANSWERS.items():
        notebook = json.loads(lesson.read_text())
        notebook["cells"][1]["source"] = text
        (tmp_path / "subs" / f"{name}.ipynb").write_text(json.dumps(notebook))
    command = [sys.executable, "-m", "course_utils.cli", "grade", "subs", "--lesson"]
    command += [str(lesson), "--dask-local", "1", "--unconfined"]
    with (tmp_path / "told").open("w") as told:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["while it starts", "while it grades"])
def test_closed_terminal_ends_all_of_it_quietly(start, tmp_path, when):
    command, told = psutil.Process(start.pid), tmp_path / "told"
    begun = {
        # One process keeps track of what all share, the other becomes the worker.
        "while it starts": lambda: len(command.children(recursive=True)) > 1,
        "while it grades": lambda: "[1/2]" in told.read_text(),
    }
    eventually(begun[when], 120)
    family = command.children(recursive=True)
    os.killpg(start.pid, signal.SIGHUP)
    assert start.wait(timeout=60) == 130
    assert psutil.wait_procs(family, timeout=20)[1] == []
    lines = told.read_text().splitlines()
    if when == "while it starts":
        assert lines == ["course grade: interrupted."]
    else:
        assert [line.partition(": ")[0] for line in lines] == ["[1/2] ada, 01_lines"]


@pytest.mark.slow
def test_killed_command_takes_its_cluster_along(start, tmp_path):
    command, told = psutil.Process(start.pid), tmp_path / "told"
    eventually(lambda: "[1/2]" in told.read_text(), 120)
    family = command.children(recursive=True)
    start.kill()
    start.wait()
    assert family and await_ends(family, 20) == []
    (batch,) = (tmp_path / "grades").glob("2*")
    assert [r.submission.learner.id for r in read_results(batch)] == ["ada"]
