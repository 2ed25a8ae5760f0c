"""Schedulers and workers of Dask, as processes that a test can kill."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.lessons import clean_environment

# A cluster's workers run where submissions are graded, which is not on Windows.
collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []


class Machines:
    """A scheduler, and workers that come and go; each stands for a machine."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder, self.processes = folder, []
        command = ("scheduler", "--host", "127.0.0.1", "--port", "0")
        self.scheduler = self._start(*command, **variables)
        self.address = self._address(self.scheduler, r"Scheduler at: +(tcp://\S+)")

    def add(self, *options: str, **variables: str) -> subprocess.Popen[str]:
        """Start a worker, which goes for good when it is killed."""
        command = ["worker", self.address, "--host", "127.0.0.1", "--nthreads", "1"]
        command += ["--no-nanny", "--no-dashboard", "--memory-limit", "0", *options]
        worker = self._start(*command, **variables)
        worker.address = self._address(worker, r"Start worker at: +(tcp://\S+)")
        self._address(worker, r"(Registered to): ")
        return worker

    def _start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *command, *self._no_dashboard(command)],
            cwd=self.folder,
            env=clean_environment(TMPDIR=str(self.folder), **variables),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        process.lines = []

        def read() -> None:
            for line in process.stderr:
                process.lines.append(line)

        process.reader = threading.Thread(target=read, daemon=True)
        process.reader.start()
        return process

    @staticmethod
    def _no_dashboard(command: tuple[str, ...]) -> list[str]:
        return ["--no-dashboard"] if command[0] == "scheduler" else []

    @staticmethod
    def _address(process: subprocess.Popen[str], pattern: str) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if found := re.search(pattern, "".join(process.lines)):
                return found[1]
            time.sleep(0.05)
        raise AssertionError("".join(process.lines))

    def end(self) -> list[psutil.Process]:
        """Kill all; return what outlives them."""
        own = [psutil.Process(p.pid) for p in self.processes if p.poll() is None]
        children = [c for p in own for c in p.children(recursive=True)]
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
            process.reader.join(timeout=20)
            process.stderr.close()
        _, alive = psutil.wait_procs(children, timeout=20)
        for process in alive:
            os.kill(process.pid, signal.SIGKILL)
        return alive


@pytest.fixture
def machines(request, tmp_path):
    """A cluster without workers; none of its processes may outlive it.

    A parameter, if there is one, holds variables for its scheduler.
    """
    cluster = Machines(tmp_path, **getattr(request, "param", {}))
    yield cluster
    assert not cluster.end()
