"""The watch on a run: what its cells use, and what happens at a limit."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, Any

import psutil
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from course_utils.runs.model import Fault, FaultKind, Limits

# After a limit a cell is interrupted; a run that goes on is killed so much later.
_GRACE_SECONDS = 5.0
_TICK_SECONDS = 0.2
# What tells how a cell goes on; all else that comes from a kernel is output.
_NEWS = ("status", "execute_input", "error")


class Watch:
    """Counts the cells of a run, and stops the run at its limits.

    A thread of its own looks at the clock: a notebook that prints without end leaves
    the event loop no time to. In a block, it watches.

    Args:
        kernel: the run's kernel, started or not.
        limits: what the run may use.
        log: takes what the kernel's process writes itself, past the messages.

    Attributes:
        count: how many cells have begun: the latest one's number, as in `[3]`.
        cell: the id of the latest one, "" before the first.
        fault: the limit that was reached, else None.
        process: the kernel's, from the first cell on.
    """

    def __init__(
        self, kernel: AsyncKernelManager, limits: Limits, log: IO[bytes]
    ) -> None:
        self.count = 0
        self.cell = ""
        self.fault: Fault | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._kernel, self._limits, self._log = kernel, limits, log
        self._output = 0
        self._begun = time.monotonic()
        self._cell_begun: float | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def begin(self, cell: NotebookNode, cell_index: int) -> None:
        """Take note that a cell begins."""
        self.count += 1
        self.cell = cell.get("id", "")
        self.process = getattr(self._kernel.provisioner, "process", None)
        self._cell_begun = time.monotonic()

    def end(self, cell: NotebookNode, cell_index: int, execute_reply: object) -> None:
        """Take note that a cell has ended."""
        self._cell_begun = None

    def admits(self, message: dict[str, Any]) -> bool:
        """Return whether a kernel's message still belongs in the notebook.

        Text that goes over the limit is cut in the message.
        """
        if self._limits.output is None or message["msg_type"] in _NEWS:
            return True
        content = message["content"]
        is_text = message["msg_type"] == "stream"
        size = len(content["text"] if is_text else json.dumps(content, default=str))
        size += sum(len(buffer) for buffer in message.get("buffers", []))
        room = int(self._limits.output) - self._output
        self._output += size
        if size <= room:
            return True
        self.fault = self.fault or self._too_much_output()
        if is_text:
            content["text"] = content["text"][: max(room, 0)]
        return is_text and room > 0

    def _look(self) -> None:
        while not self._done.wait(_TICK_SECONDS):
            self.fault = self.fault or self._exceeded()
            if self.fault:
                break
        else:
            return
        # What takes memory is not asked: meanwhile it would take the rest.
        if self.fault.kind is not FaultKind.TOO_MUCH_MEMORY:
            # Interrupted, the cell ends with an error that papermill stores.
            self._send(signal.SIGINT)
            if self._done.wait(_GRACE_SECONDS):
                return
        self._send(getattr(signal, "SIGKILL", None))

    def _send(self, number: int | None) -> None:
        """Send a signal to the kernel and its group, or kill it."""
        if provisioner := self._kernel.provisioner:
            with suppress(OSError):
                end = provisioner.send_signal(number) if number else provisioner.kill()
                asyncio.run(end)

    def _exceeded(self) -> Fault | None:
        now, limits = time.monotonic(), self._limits
        begun = self._cell_begun
        if limits.cell and begun and now - begun > limits.cell:
            cause = f"ran longer than {limits.cell:g} s and was stopped"
            return self._fault(FaultKind.TIMED_OUT, cause, "--cell-timeout")
        if limits.notebook and now - self._begun > limits.notebook:
            return Fault(
                FaultKind.TIMED_OUT,
                f"The notebook ran longer than {limits.notebook:g} s and was stopped "
                f"in cell [{self.count}]; --timeout sets the limit.",
            )
        if limits.output and os.fstat(self._log.fileno()).st_size > limits.output:
            return self._too_much_output()
        if limits.memory and self.process:
            if _memory(self.process.pid) > limits.memory:
                size = f"{limits.memory / 1e9:g} GB"
                cause = f"used more than {size} of memory and was stopped"
                return self._fault(FaultKind.TOO_MUCH_MEMORY, cause, "--max-memory")
        return None

    def _too_much_output(self) -> Fault:
        size = f"{(self._limits.output or 0) / 1e6:g} MB"
        cause = f"was stopped: the notebook's output has reached {size}"
        return self._fault(FaultKind.TOO_MUCH_OUTPUT, cause, "--max-output")

    def _fault(self, kind: FaultKind, cause: str, option: str) -> Fault:
        return Fault(kind, f"Cell [{self.count}] {cause}; {option} sets the limit.")


def _memory(pid: int) -> int:
    """Return the bytes that a process and its descendants hold in memory."""
    held = 0
    with suppress(psutil.Error):
        kernel = psutil.Process(pid)
        for process in [kernel, *kernel.children(recursive=True)]:
            with suppress(psutil.Error):
                held += process.memory_info().rss
    return held
