"""A confined process that forks for each exercise, and runs none itself."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType

import psutil

from course_utils.errors import CourseError
from course_utils.files import passing_folder
from course_utils.grading import worker
from course_utils.grading.channel import OUT_OF_MEMORY, Channel
from course_utils.grading.confinement import (
    Confinement,
    Limits,
    environment,
    resource_limits,
    user_inside,
)
from course_utils.grading.system_calls import open_filter

_START_SECONDS = 180.0
_ORDER_SECONDS = 10.0
_WATCH_SECONDS = 0.1
_MOST_LOG = 2_000


class Sandbox:
    """Runs the worker; a context, after which none of its processes is left.

    Args:
        confinement: how it is confined; None for not at all.
        limits: what all its processes may use.
        modules: what to import before the first fork, beside torch.

    Raises:
        CourseError: it does not start.
    """

    def __init__(
        self,
        confinement: Confinement | None,
        limits: Limits,
        modules: Sequence[str] = (),
    ) -> None:
        self._confinement, self.limits = confinement, limits
        self._modules = modules
        self._stack = ExitStack()
        self._greedy = False  # whether it was ended for its use of memory
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = self._start(theirs.fileno())
        self._control = ours
        self._control.settimeout(_START_SECONDS)
        ready = self._receive(len(worker.READY)) == worker.READY
        self._at_start = self._memory()
        if not ready:
            reason = self._log() or "it gave no answer"
            self.close()
            raise CourseError(f"The process for submissions does not start: {reason}")
        self._control.settimeout(_ORDER_SECONDS)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _start(self, descriptor: int) -> subprocess.Popen[bytes]:
        user = user_inside() if self._confinement else 0
        alone = int(self._confinement is not None)
        pairs = resource_limits(self.limits).items() if self._confinement else ()
        numbers = [n for pair in pairs for n in pair]
        arguments = [descriptor, user, alone, ",".join(self._modules), *numbers]
        command = [sys.executable, "-m", worker.__name__, *map(str, arguments)]
        variables, passed, folder = environment(), [descriptor], "/"
        if self._confinement:
            passed.append(open_filter())
            command = self._confinement.command(command, self.limits, user, passed[-1])
        else:
            folder = str(self._stack.enter_context(passing_folder("grade-")))
            variables |= {"HOME": folder, "TMPDIR": folder}
        process = subprocess.Popen(
            command,
            pass_fds=passed,
            # Bubblewrap's own process can be looked at from inside: no secrets here.
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        for own in passed[1:]:
            os.close(own)
        return process

    @property
    def alive(self) -> bool:
        """Whether it can run another exercise."""
        return self._process.poll() is None

    @contextmanager
    def fork(self, seconds: float) -> Iterator[Channel]:
        """Open a channel to a new fork, which ends with the block.

        Args:
            seconds: the time of the channel.
        """
        ours, theirs = socket.socketpair()
        channel = Channel(ours, seconds, self.limits.returned)
        try:
            with theirs:
                socket.send_fds(self._control, [worker.BEGIN], [theirs.fileno()])
            yield channel
        finally:
            channel.close()
            order = worker.AWAIT if channel.ended else worker.END
            channel.fault = self._end_fork(order, channel.fault)

    def _end_fork(self, order: bytes, fault: str) -> str:
        """End the fork; say why nothing more comes of it, "" if more could.

        Args:
            order: how.
            fault: what its channel knows of it.
        """
        try:
            self._control.sendall(order)
            status = self._receive(worker.STATUS.size)
            code = worker.STATUS.unpack(status)[0] if status else None
        except OSError:
            code = None
        if code is None:
            self._kill()
        if self._greedy or fault == OUT_OF_MEMORY:
            return f"it needs more than {self.limits.memory >> 20} MB of memory"
        if code is None:
            return fault and "it ended the process that runs it"
        if fault and os.WIFSIGNALED(code) and os.WTERMSIG(code) == signal.SIGXCPU:
            return "it used all the processor time that it may"
        if fault and os.WIFSIGNALED(code):
            return f"its process was ended by {signal.Signals(os.WTERMSIG(code)).name}"
        return fault

    def _receive(self, count: int) -> bytes:
        try:
            return self._control.recv(count, socket.MSG_WAITALL)
        except OSError:
            return b""

    def _watch(self) -> None:
        """End all processes when they use too much memory together."""
        while self.alive:
            time.sleep(_WATCH_SECONDS)
            # A fork counts once more what it has in common with the start.
            if self._memory() > self.limits.memory + 2 * self._at_start:
                self._greedy = True
                self._kill()

    def _memory(self) -> int:
        total = 0
        with suppress(psutil.Error):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def _kill(self) -> None:
        """End all processes: bubblewrap takes those in it along."""
        with suppress(psutil.Error, ProcessLookupError):
            children = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            for child in children:
                with suppress(psutil.Error):
                    child.kill()
        self._process.wait()

    def _log(self) -> str:
        """Return the last line that the process wrote, after its end."""
        self._kill()
        assert self._process.stderr is not None
        lines = self._process.stderr.read(_MOST_LOG).decode(errors="replace")
        return lines.strip().rpartition("\n")[2]

    def close(self) -> None:
        """End all processes and remove their folder, where they have one here."""
        self._kill()
        self._control.close()
        if self._process.stderr:
            self._process.stderr.close()
        self._stack.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
