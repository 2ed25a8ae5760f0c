"""The worker processes, the limits they pass on, and the orphans that are ended."""

import functools
import io
import os
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

import psutil
import pytest
from pebble import ProcessExpired

from course_utils.runs.batch import show_progress
from course_utils.runs.model import Result
from course_utils.runs.processes import (
    Workers,
    await_ends,
    count_cores,
    end_orphans,
    find_orphans,
    run_mark,
    thread_limits,
)
from tests.processes import has_ended

from .conftest import fixture_task


def test_calls_return_raise_and_share_a_process():
    with Workers(1) as pool:
        first, second = pool.submit(os.getpid), pool.submit(os.getpid)
        failing = pool.submit(int, "x")
        assert first.result(60) == second.result(60) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            failing.result(60)
    with pytest.raises(RuntimeError, match="the pool is closed"):
        pool.submit(os.getpid)


def test_shutdown_ends_what_runs_and_cancels_what_waits():
    pool = Workers(1)
    process = psutil.Process(pool.submit(os.getpid).result(60))
    running, waiting = pool.submit(time.sleep, 300), pool.submit(os.getpid)
    deadline = time.monotonic() + 60
    while not running.running() and time.monotonic() < deadline:
        time.sleep(0.05)
    pool.shutdown(cancel_futures=True)
    assert not process.is_running()
    for future in (running, waiting):
        with pytest.raises(CancelledError):
            future.result(10)


def test_dying_process_fails_its_own_call_only():
    with Workers(1) as pool:
        dying, other = pool.submit(os._exit, 7), pool.submit(os.getpid)
        with pytest.raises(ProcessExpired) as error:
            dying.result(60)
        assert error.value.exitcode == 7
        assert other.result(60) != os.getpid()


def test_idle_process_that_dies_is_replaced():
    with Workers(1) as pool:
        process = psutil.Process(pool.submit(os.getpid).result(60))
        process.kill()  # no wait: that would take its exit code from the pool
        # The pool may notice it before or after this call, which is then lost with it.
        results = []
        for _ in range(3):
            try:
                results.append(pool.submit(os.getpid).result(60))
            except BrokenProcessPool:
                continue
        assert results
        assert process.pid not in results


def test_processes_that_can_not_start_fail_every_call(monkeypatch):
    die = functools.partial(os._exit, 3)
    monkeypatch.setattr("course_utils.runs.processes._prepare", die)
    with Workers(1) as pool:
        futures = [pool.submit(str, "x" * 1000) for _ in range(300)]
        with pytest.raises(BrokenProcessPool):
            futures[0].result(60)
        with pytest.raises(BrokenProcessPool):
            pool.submit(os.getpid).result(60)
        for future in futures:
            with pytest.raises(BrokenProcessPool):
                future.result(10)


def test_cores_are_counted():
    assert 1 <= count_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("own", "threads", "limit"),
    [(None, 2, "2"), ("1", 2, "1"), ("8", 2, "2"), ("all", 2, "2"), ("8", None, None)],
)
def test_threads_are_limited_and_never_raised(monkeypatch, own, threads, limit):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if own:
        monkeypatch.setenv("OMP_NUM_THREADS", own)
    assert thread_limits(threads).get("OMP_NUM_THREADS") == limit


def test_only_the_marked_processes_are_ended():
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    children = {}
    try:
        for task in ("one", "one--2"):
            env = os.environ | run_mark("orphans", task)
            children[task] = subprocess.Popen(sleep, env=env)
        assert len(find_orphans("orphans")) == 2
        assert end_orphans("orphans", "one") == 1
        assert find_orphans("orphans", "one") == []
        assert len(find_orphans("orphans", "one--2")) == 1
        assert end_orphans("other") == 0
        assert end_orphans("orphans") == 1
    finally:
        for child in children.values():
            child.kill()
            child.wait()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with show_progress(2) as show:
        show(Result(fixture_task("fine"), seconds=1.0))
        show(Result(fixture_task("absent"), fixture_task("absent").fault))
    text = screen.getvalue()
    assert "Running" in text
    assert "2/2" in text
    assert "absent: missing" in text
    assert "fine: succeeded" not in text


def test_lines_where_there_is_no_terminal(capsys):
    with show_progress(1) as show:
        show(Result(fixture_task("fine", seed=2), seconds=1.0))
    assert capsys.readouterr().err == "[1/1] fine, seed=2: succeeded, 1.0 s\n"


@pytest.mark.skipif(sys.platform == "win32", reason="zombies of POSIX")
def test_zombie_counts_as_gone_and_a_child_is_reaped():
    """What has ended is not waited for, whether or not its parent asks for it."""
    careless = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', ''])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(300)"
    )
    command = [sys.executable, "-c", careless]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        try:
            zombie = psutil.Process(int(parent.stdout.readline()))
            assert await_ends([zombie], 60) == []
            assert zombie.status() == psutil.STATUS_ZOMBIE
            assert has_ended(zombie.pid) and not has_ended(parent.pid)
            own = psutil.Process(parent.pid)
            assert await_ends([own], 0) == [own]
        finally:
            parent.kill()
        assert await_ends([own], 60) == []
        assert not psutil.pid_exists(own.pid)
