"""The pool of worker processes, and how far it says it is."""

import io
import os
import sys
import time
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

import pytest

from course_utils.runs.pool import WorkerPool, count_cores
from course_utils.runs.progress import Progress
from course_utils.runs.worker import Result

from .conftest import fixture_task


def test_calls_return_raise_and_share_a_process():
    with WorkerPool(1) as pool:
        first, second = pool.submit(os.getpid), pool.submit(os.getpid)
        failing = pool.submit(int, "x")
        assert first.result(60) == second.result(60) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            failing.result(60)
    with pytest.raises(RuntimeError, match="the pool is closed"):
        pool.submit(os.getpid)


def test_kill_ends_what_runs_and_cancels_what_waits():
    pool = WorkerPool(1)
    running, waiting = pool.submit(time.sleep, 300), pool.submit(os.getpid)
    deadline = time.monotonic() + 60
    while not running.running() and time.monotonic() < deadline:
        time.sleep(0.05)
    pool.kill()
    with pytest.raises(BrokenProcessPool):
        running.result(10)
    with pytest.raises(CancelledError):
        waiting.result(10)


def test_cores_are_counted():
    assert 1 <= count_cores() <= (os.cpu_count() or 1)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(2) as progress:
        progress.show(Result(fixture_task("fine"), seconds=1.0))
        progress.show(Result(fixture_task("absent"), fixture_task("absent").fault))
    text = screen.getvalue()
    assert "Running" in text
    assert "2/2" in text
    assert "absent: missing" in text
    assert "fine: succeeded" not in text


def test_lines_where_there_is_no_terminal(capsys):
    with Progress(1) as progress:
        progress.show(Result(fixture_task("fine", seed=2), seconds=1.0))
    assert capsys.readouterr().err == "[1/1] fine, seed=2: succeeded, 1.0 s\n"
