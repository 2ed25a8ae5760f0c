"""Batches that several tests look at, each run once."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.runs.batch import run_batch
from course_utils.runs.lessons import make_grid, read_lesson
from course_utils.runs.model import FaultKind, Limits, Result, Settings, Task
from course_utils.runs.processes import find_orphans

FIXTURES = Path(__file__).parents[1] / "fixtures" / "runs"

CHECKOUT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "course_utils.cli", "run"]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1"} | more


def write_notebook(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells), path)
    return path


class InlineExecutor(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def fixture_task(name: str, **values) -> Task:
    """Return the task of running one fixture notebook."""
    lesson = read_lesson(FIXTURES / f"{name}.ipynb")
    return Task(name, lesson.path, values, lesson.defaults, lesson.fault)


class Batch:
    """The results of a batch by task, with what was left behind."""

    def __init__(self, settings: Settings, results: list[Result]):
        self.folder = settings.folder
        self.settings = settings
        self.results = {result.task.name: result for result in results}
        self.orphans = find_orphans(settings.run)

    def fault(self, name: str) -> tuple[FaultKind, str]:
        fault = self.results[name].fault
        assert fault, f"{name} succeeded"
        return fault.kind, fault.cause

    def text(self, name: str, suffix: str = ".ipynb") -> str:
        return (self.folder / f"{name}{suffix}").read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def batch(tmp_path_factory) -> Batch:
    """Every fault but the slow ones, in one batch of two processes."""
    folder = tmp_path_factory.mktemp("batch")
    settings = Settings(folder, run="faults", limits=Limits(cell=120))
    broken = folder / "broken source.ipynb"
    broken.write_text('{\n "cells": [\n', encoding="utf-8")
    flag = str(folder / "flag")
    tasks = [
        fixture_task("kills_worker_once", flag=flag),
        fixture_task("kills_worker"),
        fixture_task("fine", device="cpu", seed=3),
        fixture_task("raises", seed=1),
        fixture_task("says"),
        fixture_task("dies"),
        fixture_task("killed"),
        fixture_task("exits"),
        fixture_task("leaves_child"),
        *make_grid([read_lesson(broken), read_lesson(folder / "absent.ipynb")])[0],
    ]
    return Batch(settings, run_batch(tasks, settings, jobs=2))


@pytest.fixture(scope="package")
def limited(tmp_path_factory) -> Batch:
    """Notebooks without end under a limit of a second and a half, in this process."""
    folder = tmp_path_factory.mktemp("limited")
    settings = Settings(folder, run="limited", limits=Limits(cell=1.5))
    tasks = [fixture_task("endless"), fixture_task("stubborn"), fixture_task("fine")]
    return Batch(settings, run_batch(tasks, settings, executor=InlineExecutor()))


class Running:
    """`course run` in the middle of a slow cell, one run finished, one waiting.

    Attributes:
        command: its process.
        family: its descendants, and one that has left them, its environment emptied.
        folder: the batch's.
    """

    def __init__(self, place: Path, *options: str):
        flag = place / "flag"
        (place / "lessons").mkdir()
        stray = "import time; time.sleep(300)"
        slow = (
            "import pathlib, subprocess, sys, time\n"
            f"child = subprocess.Popen([sys.executable, '-c', {stray!r}], env={{}}, "
            "start_new_session=True)\n"
            f"pathlib.Path({str(flag)!r}).write_text(str(child.pid))\n"
            "time.sleep(300)"
        )
        write_notebook(place / "lessons" / "a_done.ipynb", "print('done')")
        write_notebook(place / "lessons" / "b_slow.ipynb", slow)
        write_notebook(place / "lessons" / "c_waits.ipynb", "print('never')")
        # Tests started in a shell's background ignore Ctrl-C, and so would the command.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.command = subprocess.Popen(
            [
                *COMMAND,
                "lessons",
                "--jobs",
                "1",
                "--out",
                "runs",
                "--no-html",
                *options,
            ],
            cwd=place,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        self.family = set()
        try:
            self._await(flag)
        except BaseException:
            self.end()
            raise
        (self.folder,) = (place / "runs").glob("*Z-1")

    def _await(self, flag: Path) -> None:
        """Wait for the slow cell, and see what runs."""
        deadline = time.monotonic() + 120
        while not (flag.exists() and flag.read_text()):
            assert self.command.poll() is None, self.command.communicate()
            assert time.monotonic() < deadline, "the slow cell never began"
            time.sleep(0.1)
        children = psutil.Process(self.command.pid).children(recursive=True)
        self.family = {*children}
        assert any(is_kernel(process) for process in children)
        self.stray = psutil.Process(int(flag.read_text()))
        self.family.add(self.stray)

    def states(self) -> list[str]:
        report = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return [row["state"] for row in report["results"]]

    def end(self) -> None:
        self.command.kill()
        self.command.wait()
        for process in self.family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.command.stdout.close()
        self.command.stderr.close()


def is_kernel(process: psutil.Process) -> bool:
    """Return whether it is a kernel, or what kernels are forked from: the same name."""
    names = ("ipykernel_launcher", "fork_server.py")
    with contextlib.suppress(psutil.Error):  # a zombie has no command any more
        return any(arg.endswith(names) for arg in process.cmdline())
    return False


@pytest.fixture(params=[[], ["--cold"]], ids=["warm", "cold"])
def running(request, tmp_path):
    running = Running(tmp_path, *request.param)
    yield running
    running.end()
