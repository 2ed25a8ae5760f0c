"""Kernels that start warm: forked from a process that has imported torch.

On Linux alone: elsewhere a fork without an exec is unsafe (macOS) or unknown.
"""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import psutil
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from course_utils.runs.processes import run_mark

_SCRIPT = Path(__file__).with_name("fork_server.py")
_LAUNCH = [sys.executable, "-m", "ipykernel_launcher"]
# One of them is there where torch may find a GPU: NVIDIA's, AMD's, Windows' for Linux.
_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
# A fork without an exec is unsafe on macOS, and Windows has none.
_CAN_FORK = sys.platform == "linux"
_START_SECONDS = 120.0  # as long as a busy machine may take to import torch
_FORK_SECONDS = 10.0
_TASK_BYTES = 1024  # more than the longest name of a task
(_MARK,) = run_mark("", "")


def runs_on_cpu(device: str, env: Mapping[str, str]) -> bool:
    """Return whether a lesson with this device and environment stays on the CPU.

    >>> runs_on_cpu("cpu", {}), runs_on_cpu("auto", {"COURSE_DEVICE": "cuda"})
    (True, False)
    """
    name = device or "auto"
    if name == "auto":
        name = env.get("COURSE_DEVICE") or "auto"
    if name == "auto":
        return not any(Path(path).exists() for path in _GPUS)
    return name == "cpu"


class WarmProvisioner(LocalProvisioner):
    """Forks a kernel of this interpreter; what can't be forked starts the usual way."""

    async def launch_kernel(
        self, cmd: list[str], **kwargs: Any
    ) -> KernelConnectionInfo:
        """Start the kernel and return how to connect to it."""
        process: Any = _fork(cmd, **self._scrub_kwargs(kwargs))
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process
        self.pid = self.pgid = process.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel, and give it a moment to be gone.

        The kernel's manager looks again only after a tenth of a second.
        """
        await super().kill(restart)
        for _ in range(20):
            if await self.poll() is not None:
                break
            await asyncio.sleep(0.005)


class Forked:
    """A forked kernel: what a provisioner uses of a Popen.

    The server, its parent, tells how it ended. Where the server is lost the kernel
    can't be followed any more, and is killed.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, news: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._news = news
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code.

        Raises:
            subprocess.TimeoutExpired: the kernel runs longer than `timeout` seconds.
        """
        with self._lock:
            if self.returncode is None:
                self.returncode = self._hear(timeout)
        return self.returncode

    def _hear(self, timeout: float | None) -> int:
        self._news.settimeout(timeout)
        try:
            answer = self._news.recv(64)
        except (BlockingIOError, TimeoutError):
            raise subprocess.TimeoutExpired(_LAUNCH, timeout or 0) from None
        except OSError:
            answer = b""
        self._news.close()
        if answer:
            return int(answer)
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        return -signal.SIGKILL

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel's process, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel's process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the kernel's process."""
        self.send_signal(signal.SIGKILL)


class _Start(NamedTuple):
    """What a server is started with: the kernels forked from it must agree in that."""

    env: dict[str, str]
    cwd: str

    @classmethod
    def of(cls, env: Mapping[str, str], cwd: str) -> "_Start":
        """Return how a server for such a kernel is started.

        All variables count but those that are read late, and differ between the
        notebooks of a batch: the course's and Jupyter's.
        """
        late = ("COURSE_", "JPY_")
        fixed = {name: env[name] for name in env if not name.startswith(late)}
        if run := env.get(_MARK, "").partition("/")[0]:
            # The end of the batch finds the server by it, and each kernel writes its
            # own mark into the rest.
            fixed.update(run_mark(run, "-" * _TASK_BYTES))
        path = env.get("PYTHONPATH")
        absolute = path is None or all(map(os.path.isabs, path.split(os.pathsep)))
        return cls(fixed, "/" if absolute else cwd)


class _Server:
    """A running fork server, and the kernels that were forked from it."""

    def __init__(self, start: _Start) -> None:
        self.start = start
        self.kernels: list[Forked] = []
        self._channel, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as said:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, str(_SCRIPT), str(number), _MARK],
                env=start.env,
                cwd=start.cwd,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=[number],
                start_new_session=True,  # Ctrl-C is not for it
            )
            theirs.close()
            try:
                self.usable = self._hear_ready(said)
            except BaseException:
                self.stop()
                raise

    def _hear_ready(self, said: IO[bytes]) -> bool:
        """Return whether the server has started, and its imports had nothing to say.

        What an import has to say belongs in the cell that imports.
        """
        self._channel.settimeout(_START_SECONDS)
        with suppress(OSError):
            ready = self._channel.recv(5) == b"ready"
            return ready and not os.fstat(said.fileno()).st_size
        return False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def idle(self) -> bool:
        self._forget()
        return not self.kernels

    def _forget(self) -> None:
        """Forget the kernels that have ended."""
        self.kernels = [kernel for kernel in self.kernels if kernel.poll() is None]

    def fork(
        self, argv: list[str], env: dict[str, str], cwd: str, stdout: int, stderr: int
    ) -> Forked | None:
        """Fork a kernel; None where the server refuses.

        Raises:
            OSError: the server is gone, or gives no answer.
        """
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile("w+", encoding="ascii") as body:
            json.dump({"argv": argv, "env": env, "cwd": cwd}, body)
            body.seek(0)
            descriptors = [body.fileno(), stdout, stderr, theirs.fileno()]
            try:
                socket.send_fds(self._channel, [b"k"], descriptors)
                theirs.close()
                ours.settimeout(_FORK_SECONDS)
                answer = ours.makefile("rb", buffering=0).readline()
                if not answer:
                    raise ConnectionError("the fork server is gone")
            except OSError:
                ours.close()
                raise
        if not int(answer):
            ours.close()
            return None
        self._forget()
        self.kernels.append(Forked(int(answer), ours))
        return self.kernels[-1]

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        for kernel in self.kernels:
            kernel.wait()  # at once: nobody tells how it ended


class _State:
    """The one server of this process, and how a server could not be started."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.server: _Server | None = None
        self.unusable: list[_Start] = []


_state = _State()


def stop() -> None:
    """End this process's fork server, if there is one; the next kernel starts another.

    A process that is killed takes its server along without this.
    """
    with _state.lock:
        _stop()


def _stop() -> None:
    server, _state.server = _state.server, None
    if server:
        server.stop()


atexit.register(stop)


def fork_servers() -> list[psutil.Process]:
    """Return this process's fork server, which outlives the notebooks, if it runs.

    One that has ended is reaped.
    """
    with _state.lock:
        if _state.server and not _state.server.running:
            _stop()
        return [psutil.Process(_state.server.pid)] if _state.server else []


def _fork(
    cmd: list[str],
    *,
    env: dict[str, str],
    cwd: str,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
    **others: object,
) -> Forked | None:
    """Return a forked kernel, or None where it must start the usual way."""
    if not _CAN_FORK or cmd[:3] != _LAUNCH or others:
        return None
    cwd = str(Path(cwd).resolve())
    if not Path(cwd).is_dir():
        return None
    outputs = [own.fileno() if own else 2 for own in (stdout, stderr)]
    with _state.lock:
        server = _serve(_Start.of(env, cwd))
        if server is None:
            return None
        with suppress(OSError):
            return server.fork(cmd, env, cwd, *outputs)
        _stop()
    return None


def _serve(start: _Start) -> _Server | None:
    """Return a server that was started like this; None where there can't be one."""
    server = _state.server
    if server and server.running:
        if server.start == start:
            return server
        if not server.idle:
            return None
    _stop()
    if start in _state.unusable:
        return None
    server = _Server(start)
    if not server.usable:
        server.stop()
        _state.unusable.append(start)
        return None
    _state.server = server
    return server
