"""However `course run` ends: what was finished is kept, nothing of it still runs."""

import os
import signal
import sys
import time

import psutil
import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.files import SUFFIX
from course_utils.runs.processes import await_ends, ended_by_signals

from .conftest import Running, is_kernel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl of Linux")


def to_all(running: Running, number: int) -> None:
    """Do as a terminal does on Ctrl-C: tell every process of the command."""
    os.killpg(running.command.pid, number)


def interrupt(running: Running) -> None:
    to_all(running, signal.SIGINT)


def interrupt_three_times(running: Running) -> None:
    for _ in range(3):
        to_all(running, signal.SIGINT)
        time.sleep(0.2)


def terminate(running: Running) -> None:
    running.command.terminate()


def hang_up(running: Running) -> None:
    to_all(running, signal.SIGHUP)


def assert_nothing_runs(running: Running) -> None:
    family = running.family
    if sys.platform != "linux":
        family = family - {running.stray}  # emptied environments are found there alone
    assert await_ends(family, 20) == []


@pytest.mark.parametrize("end", [interrupt, interrupt_three_times, terminate, hang_up])
def test_signal_ends_in_a_report(running, end):
    end(running)
    stdout, stderr = running.command.communicate(timeout=60)
    assert running.command.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "Aborted" not in stderr
    assert "The batch was interrupted while it ran." in stdout
    assert "The batch was interrupted before it began." in stdout
    assert f"Go on with: course run --resume runs/{running.folder.name}" in stdout
    assert_nothing_runs(running)
    assert running.states() == ["succeeded", "interrupted", "interrupted"]
    page = (running.folder / "index.html").read_text(encoding="utf-8")
    assert "interrupted" in page


def test_killed_command_leaves_its_results_and_no_process(running):
    running.command.kill()
    running.command.wait(timeout=10)
    assert_nothing_runs(running)
    assert list(running.folder.glob(f".*{SUFFIX}")) == []
    done = CliRunner().invoke(main, ["report", str(running.folder)])
    assert done.exit_code == 130, done.output
    assert running.states() == ["succeeded", "interrupted", "interrupted"]
    again = ["run", "--resume", str(running.folder), "--dry-run"]
    done = CliRunner().invoke(main, again)
    assert done.exit_code == 0, done.output
    assert "2 to run. 1 have a result." in done.stdout


@linux
def test_killed_worker_leaves_no_stray_behind(running):
    (worker,) = (
        process
        for process in psutil.Process(running.command.pid).children()
        if any(is_kernel(child) for child in process.children())
    )
    worker.kill()
    time.sleep(1)
    interrupt(running)
    running.command.communicate(timeout=60)
    assert_nothing_runs(running)


def test_first_signal_alone_counts():
    seen = []
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            seen.append("in order")
    signal.raise_signal(signal.SIGINT)
    assert seen == ["in order"]


def test_no_signal_counts_once_all_is_done():
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_signals() as finish:
        finish()
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
