"""Each thing that can go wrong ends in a row with its cause; the rest finishes."""

import errno
import signal
import sys

import pytest

from course_utils.runs import faults
from course_utils.runs.runner import run_batch
from course_utils.runs.worker import PARTIAL, Settings

from .conftest import InlineExecutor, fixture_task

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def test_raising_cell(batch):
    assert batch.fault("raises") == (
        "raised",
        "Cell [4] raised ValueError: the loss is nan",
    )
    assert "the loss is nan" in batch.text("raises")
    assert "the loss is nan" in batch.text("raises", ".html")


def test_course_error_speaks_for_itself(batch):
    assert batch.fault("says") == ("raised", "There is no data here: set COURSE_DATA.")


def test_dead_kernel(batch):
    assert batch.fault("dies") == (
        "dead kernel",
        "The kernel died in cell [2]: its process ended with exit code 7.",
    )


@posix
def test_killed_kernel(batch):
    kind, cause = batch.fault("killed")
    assert kind == "dead kernel"
    assert cause.endswith("it was killed by SIGKILL, which is often a lack of memory.")


def test_notebook_that_exits_has_not_succeeded(batch):
    kind, cause = batch.fault("exits")
    assert kind == "ended early"
    assert cause.startswith("The notebook left off in cell [2] of 3")


def test_broken_notebook(batch):
    kind, cause = batch.fault("broken source")
    assert kind == "broken"
    assert "not JSON from line 3 on" in cause


def test_missing_notebook(batch):
    kind, cause = batch.fault("absent")
    assert kind == "missing"
    assert "absent.ipynb" in cause


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_full_disk(batch):
    kind, cause = batch.fault("full_disk")
    assert kind == "disk full"
    assert str(batch.folder) in cause
    assert batch.results["full_disk"].notebook is None
    assert not (batch.folder / "full_disk.ipynb").exists()


@posix
def test_killed_worker_fails_its_own_task_only(batch):
    kind, cause = batch.fault("kills_worker")
    assert kind == "worker lost"
    assert "twice" in cause


@posix
def test_task_of_a_killed_worker_runs_again(batch):
    assert batch.results["kills_worker_once"].state == "succeeded"
    assert (batch.folder / "flag").exists()


def test_all_others_finish(batch):
    good = {name for name, result in batch.results.items() if result.fault is None}
    assert good >= {"fine", "leaves_child"}


def test_nothing_is_left_behind(batch):
    assert batch.strays == []
    assert not (batch.folder / PARTIAL).exists()
    notebooks = {path.stem for path in batch.folder.glob("*.ipynb")}
    kept = {name for name, result in batch.results.items() if result.notebook}
    assert notebooks == kept | {"broken source"}


def test_endless_cell_is_interrupted(limited):
    kind, cause = limited.fault("endless")
    assert kind == "timed out"
    assert cause.startswith("Cell [2] ran longer than 1.5 s and was stopped")
    assert "KeyboardInterrupt" in limited.text("endless")
    assert limited.results["endless"].seconds < 30


def test_cell_that_ignores_the_interrupt_is_killed(limited):
    kind, cause = limited.fault("stubborn")
    assert kind == "timed out"
    assert cause.startswith("Cell [1] ran longer than 1.5 s")
    assert limited.results["fine"].state == "succeeded"
    assert limited.strays == []


def test_kernel_that_can_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    settings = Settings(tmp_path, run="start", pages=False)
    (result,) = run_batch([fixture_task("dies")], settings, executor=InlineExecutor())
    assert result.state == "no kernel"
    assert result.fault.cause.startswith("The kernel did not start: ")
    assert "no answer" not in result.fault.cause


def test_executor_that_is_broken(tmp_path):
    executor = InlineExecutor()
    executor.submit = _refuse
    settings = Settings(tmp_path, run="refused")
    (result,) = run_batch([fixture_task("fine")], settings, executor=executor)
    assert result.fault == faults.Fault("failed", "RuntimeError: the pool is closed")


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
    return type(task)("gone", task.notebook, fault=faults.Fault("missing", "Gone."))


def test_errors_of_the_disk():
    full = faults.disk_fault(OSError(errno.ENOSPC, "No space left"), "runs")
    assert full.kind == "disk full"
    other = faults.disk_fault(
        PermissionError(errno.EACCES, "Permission denied"), "runs"
    )
    assert other.cause == "A file can't be written to runs: Permission denied."


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
    assert faults.one_line(text) == line


@posix
def test_signals_are_named():
    fault = faults.dead_kernel_fault(-signal.SIGSEGV, 4)
    assert fault.cause == "The kernel died in cell [4]: it was killed by SIGSEGV."
