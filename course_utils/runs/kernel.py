"""The kernel of one run: in this interpreter, and under a limit for each cell."""

import asyncio
import os
import subprocess
from pathlib import Path

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

# After the limit a cell is interrupted; one that ignores that is killed so much later.
GRACE_SECONDS = 5.0


class KernelWatch:
    """Starts kernels for a notebook client, times their cells, keeps how they ended.

    Args:
        env: the kernel's whole environment.
        log: a file that takes what the kernel writes outside of any cell.
        limit: seconds a cell may take; None for no limit.

    Attributes:
        cells: how many code cells have begun.
        count: the execution count of the latest cell, as its `[3]` shows it.
        expired: the count of the cell that reached the limit, else None.
    """

    def __init__(self, env: dict[str, str], log: Path, limit: float | None):
        self.env = env
        self.log = log
        self.limit = limit
        self.cells = 0
        self.count: int | None = None
        self.expired: int | None = None
        self.process: subprocess.Popen | None = None
        self._manager: AsyncKernelManager | None = None
        self._clock: asyncio.Task | None = None

    @property
    def exit_code(self) -> int | None:
        """How the kernel's process ended; None while it runs or if it never began."""
        return self.process.poll() if self.process else None

    def client_options(self) -> dict[str, object]:
        """Return what makes nbclient use this watch."""
        return {
            "kernel_manager_class": self._manager_class(),
            "on_cell_execute": self._cell_begins,
            "on_cell_executed": self._cell_ended,
        }

    def _manager_class(self) -> type[AsyncKernelManager]:
        watch = self

        class Manager(AsyncKernelManager):
            @property
            def kernel_spec(self):
                # Not the registered "python3": that may be another interpreter.
                return KernelSpec(**get_kernel_dict())

            async def start_kernel(self, **options):
                with watch.log.open("ab") as log:
                    options |= {"env": watch.env, "stdout": log, "stderr": log}
                    await super().start_kernel(**options)
                watch._manager = self
                watch.process = getattr(self.provisioner, "process", None)

        return Manager

    def _cell_begins(self, cell, cell_index):
        self.cells += 1
        self.count = (self.count or 0) + 1
        if self.limit:
            self._clock = asyncio.ensure_future(self._stop_cell(self.count))

    def _cell_ended(self, cell, cell_index, execute_reply):
        if self._clock:
            self._clock.cancel()
        content = (execute_reply or {}).get("content", {})
        self.count = content.get("execution_count", self.count)

    async def _stop_cell(self, count: int):
        await asyncio.sleep(self.limit)
        self.expired = count
        # Interrupted, the cell ends with an error that papermill stores in the output.
        await self._manager.interrupt_kernel()
        await asyncio.sleep(GRACE_SECONDS)
        await self._manager.provisioner.kill()


def kernel_environment(
    named_device: bool, threads: int | None, mark: dict[str, str]
) -> dict[str, str]:
    """Return the environment for a kernel.

    Args:
        named_device: the run names its device, so COURSE_DEVICE must not replace it.
        threads: the most threads a library may start; None leaves it alone.
        mark: variables by which the run's processes are found again.
    """
    env = dict(os.environ) | mark
    # Silences a warning of the debugger, which no batch uses.
    env["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    if named_device:
        env.pop("COURSE_DEVICE", None)
    if threads:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            env[name] = str(min(threads, _whole(env.get(name)) or threads))
    return env


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
