"""Each thing that can go wrong ends in a row with its cause; the rest finishes."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Future
from typing import ClassVar

import pytest
from pebble import ProcessExpired

from course_utils.files import SUFFIX
from course_utils.runs.batch import run_batch, run_task
from course_utils.runs.model import Fault, FaultKind, Settings, Task, one_line
from course_utils.runs.processes import ended_by_signals, find_orphans, run_mark

from .conftest import InlineExecutor, fixture_task

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def test_raising_cell(batch):
    assert batch.fault("raises") == (
        FaultKind.RAISED,
        "Cell [4] raised ValueError: the loss is nan",
    )
    assert "the loss is nan" in batch.text("raises")
    assert "the loss is nan" in batch.text("raises", ".html")


def test_course_error_speaks_for_itself(batch):
    assert batch.fault("says") == (
        FaultKind.RAISED,
        "There is no data here: set COURSE_DATA.",
    )


def test_dead_kernel(batch):
    assert batch.fault("dies") == (
        FaultKind.DEAD_KERNEL,
        "The kernel died in cell [2]: its process ended with exit code 7.",
    )


@posix
def test_killed_kernel(batch):
    kind, cause = batch.fault("killed")
    assert kind is FaultKind.DEAD_KERNEL
    assert cause.endswith("it was killed by SIGKILL, which is often a lack of memory.")


def test_notebook_that_exits_has_not_succeeded(batch):
    kind, cause = batch.fault("exits")
    assert kind is FaultKind.ENDED_EARLY
    assert cause.startswith("The notebook left off in cell [2] of 3")


def test_broken_notebook(batch):
    kind, cause = batch.fault("broken source")
    assert kind is FaultKind.BROKEN
    assert "not JSON from line 3 on" in cause


def test_missing_notebook(batch):
    kind, cause = batch.fault("absent")
    assert kind is FaultKind.MISSING
    assert "absent.ipynb" in cause


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_full_disk(tmp_path):
    partial = tmp_path / f".fine.ipynb.{os.getpid()}{SUFFIX}"
    partial.symlink_to("/dev/full")  # refuses every write for lack of space
    result = run_task(fixture_task("fine"), Settings(tmp_path, run="full"))
    assert result.fault.kind is FaultKind.DISK_FULL
    assert str(tmp_path) in result.fault.cause
    assert (result.notebook, result.page) == (None, None)
    assert list(tmp_path.iterdir()) == []


@posix
def test_killed_worker_fails_its_own_task_only(batch):
    kind, cause = batch.fault("kills_worker")
    assert kind is FaultKind.WORKER_LOST
    assert "twice" in cause


@posix
def test_task_of_a_killed_worker_runs_again(batch):
    assert batch.results["kills_worker_once"].state == "succeeded"
    assert (batch.folder / "flag").exists()


def test_all_others_finish(batch):
    good = {name for name, result in batch.results.items() if result.fault is None}
    assert good >= {"fine", "leaves_child"}


def test_nothing_is_left_behind(batch):
    assert batch.orphans == []
    assert list(batch.folder.glob(".*")) == []
    notebooks = {path.stem for path in batch.folder.glob("*.ipynb")}
    stored = {name for name, result in batch.results.items() if result.notebook}
    assert notebooks == stored | {"broken source"}


def test_endless_cell_is_interrupted(limited):
    kind, cause = limited.fault("endless")
    assert kind is FaultKind.TIMED_OUT
    assert cause.startswith("Cell [2] ran longer than 1.5 s and was stopped")
    assert "KeyboardInterrupt" in limited.text("endless")
    assert limited.results["endless"].seconds < 30


def test_cell_that_ignores_the_interrupt_is_killed(limited):
    kind, cause = limited.fault("stubborn")
    assert kind is FaultKind.TIMED_OUT
    assert cause.startswith("Cell [1] ran longer than 1.5 s")
    assert limited.results["fine"].state == "succeeded"
    assert limited.orphans == []


def test_executor_that_refuses_a_task_is_reported(tmp_path):
    executor = InlineExecutor()
    executor.submit = _refuse
    settings = Settings(tmp_path, run="refused")
    (result,) = run_batch([fixture_task("fine")], settings, executor=executor)
    assert result.fault == Fault(FaultKind.FAILED, "RuntimeError: the pool is closed")


def _refuse(*args):
    raise RuntimeError("the pool is closed")


def test_interrupt_leaves_a_row_for_every_task(tmp_path):
    first, second = fixture_task("fine"), fixture_task("raises")
    settings = Settings(tmp_path, run="interrupt", pages=False)
    seen = []

    def interrupt(result):
        seen.append(result)
        if len(seen) == 1:
            raise KeyboardInterrupt

    tasks = [_unreadable(first), second]
    results = run_batch(tasks, settings, executor=InlineExecutor(), on_result=interrupt)
    assert [result.state for result in results] == ["missing", "interrupted"]
    assert results[1].fault.cause == "The batch was interrupted before it began."
    assert seen == results


def _unreadable(task):
    return type(task)("gone", task.notebook, fault=Fault(FaultKind.MISSING, "Gone."))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_interrupt_is_ignored_until_all_is_ended(tmp_path, number):
    """Both are sent again while the first one's results are reported."""
    settings = Settings(tmp_path, run="impatient", pages=False)
    states = []

    def interrupt(result):
        states.append(result.state)
        signal.raise_signal(number)

    tasks = [_unreadable(fixture_task("fine")), fixture_task("raises")]
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, signal.default_int_handler)
    try:
        with ended_by_signals():
            run_batch(tasks, settings, executor=InlineExecutor(), on_result=interrupt)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert states == ["missing", "interrupted"]


def test_task_ends_its_orphans_itself(tmp_path):
    """On another machine the end of the batch would not reach them."""
    settings = Settings(tmp_path, run="alone", pages=False)
    assert run_task(fixture_task("leaves_child"), settings).fault is None
    assert find_orphans("alone") == []


def test_batch_ends_the_orphans_of_a_lost_worker(tmp_path):
    class Losing(InlineExecutor):
        """Starts a kernel for each task, and loses the worker."""

        kernels: ClassVar[list[subprocess.Popen]] = []

        def submit(self, fn, /, task, settings):
            env = os.environ | run_mark(settings.run, task.name)
            self.kernels.append(subprocess.Popen(SLEEP, env=env))
            future = Future()
            future.set_exception(ProcessExpired("killed", code=-9))
            return future

    settings = Settings(tmp_path, run="lost")
    (result,) = run_batch([fixture_task("fine")], settings, executor=Losing())
    assert result.fault.kind is FaultKind.WORKER_LOST
    assert len(Losing.kernels) == 2
    assert find_orphans("lost") == []
    for kernel in Losing.kernels:
        kernel.wait(timeout=5)


def test_folder_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "runs"
    fault = run_task(fixture_task("fine"), Settings(folder, run="disk")).fault
    assert fault.kind is FaultKind.NOT_WRITTEN
    assert fault.cause.startswith(f"A file can't be written to {folder}: ")


def test_notebook_removed_after_it_was_read_is_missing(tmp_path):
    task = Task("gone", tmp_path / "gone.ipynb")
    fault = run_task(task, Settings(tmp_path, run="gone")).fault
    assert fault == Fault.missing(task.notebook)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mred\x1b[0m\nmore", "red"),
        ("\n\n  second", "second"),
        ("", ""),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_one_line(text, line):
    assert one_line(text) == line
