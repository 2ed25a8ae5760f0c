"""The process that kernels are forked from. Run as a script, by `warm`.

It has imported what a lesson waits for, and nothing of the course: a kernel imports
that itself, as a fresh one does. What a module reads when it is imported it reads once
here, so `warm` forks from a server only kernels with the same environment.

Two things differ from a fresh kernel: all kernels of one server have the same hash
seed, unless PYTHONHASHSEED sets it anyway; and sys.modules already holds the modules.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

# Without pyplot and ipywidgets: when they are imported they ask for the running kernel.
_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "IPython.core.logger",
    "sqlite3",
    "tornado.platform.asyncio",
    "tornado.queues",
    "numpy",
    "torch",
    "torchvision",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
)
# As ipykernel and course_utils set them before a cell imports matplotlib or torch.
_DEFAULTS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_WAIT_POLICY": "PASSIVE",
}

_LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1  # prctl(2)


class _Request(NamedTuple):
    """A kernel to fork."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    stdout: int
    stderr: int


class _Mark(NamedTuple):
    """The variable that names a kernel's task, where others read it: in the memory that
    this process was started with, which a change of `os.environ` leaves as it is.
    """

    name: str
    address: int
    room: int

    @classmethod
    def find(cls, name: str) -> "_Mark":
        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_void_p
        address = getenv(name.encode()) or 0
        return cls(name, address, len(os.environb.get(name.encode(), b"")))

    def write(self, value: str) -> None:
        # The rest of the room becomes a variable that nobody asks for. A kernel whose
        # mark has no room keeps the server's, by which the end of the batch finds it.
        text = os.fsencode(value) + b"\0_="
        if len(text) <= self.room:
            ctypes.memmove(self.address, text.ljust(self.room, b"-"), self.room)


def serve(channel: socket.socket) -> _Request:
    """Fork a kernel for each request; return in the kernel alone.

    The answer to a request is the kernel's pid, or 0 for one that must start the usual
    way; what follows is its exit code. At the channel's end the server ends.
    """
    kernels: dict[int, socket.socket] = {}
    parent = os.getppid()
    wake, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        # The channel stays open where another process has inherited the other end.
        ready, _, _ = select.select([channel, wake], [], [], _LOOK_SECONDS)
        if os.getppid() != parent:
            os._exit(0)
        if wake in ready:
            wake.recv(4096)
            _report(kernels)
        if channel not in ready:
            continue
        request, answers = _receive(channel)
        pid = _fork(request)
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (channel, wake, woken, answers, *kernels.values()):
                end.close()
            return request
        os.close(request.stdout)
        os.close(request.stderr)
        _tell(answers, pid or 0)
        if pid:
            kernels[pid] = answers
        else:
            answers.close()


def _receive(channel: socket.socket) -> tuple[_Request, socket.socket]:
    """Return the next request, and where its answers go; at the end, end the server."""
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 4)
    if not descriptors:
        os._exit(0)  # and with it the kernels
    body, stdout, stderr, answers = descriptors
    with os.fdopen(body, encoding="ascii") as file:
        request = _Request(**json.load(file), stdout=stdout, stderr=stderr)
    return request, socket.socket(fileno=answers)


def _fork(request: _Request) -> int | None:
    """Return the kernel's pid, 0 in the kernel, None where it can't be forked."""
    if _threads() > 1 or _shadowed(request.cwd):
        return None
    try:
        return os.fork()
    except OSError:
        return None


def _threads() -> int:
    """Return how many threads this process has: a fork takes along only one."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def _report(kernels: dict[int, socket.socket]) -> None:
    """Tell how the kernels ended that did."""
    while kernels:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with kernels.pop(pid) as answers:
            _tell(answers, os.waitstatus_to_exitcode(status))


def _tell(answers: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody waits for it any more
        answers.send(b"%d\n" % number)


def _shadowed(folder: str) -> bool:
    """Return whether a fresh kernel would import from its folder what is here already.

    Also whether matplotlib would find its settings there.
    """
    if Path(folder, "matplotlibrc").exists():
        return True
    names = {name.partition(".")[0] for name in sys.modules}
    specs = (PathFinder.find_spec(name, [folder]) for name in names)
    return any(spec and spec.origin for spec in specs)


def _end_with_parent(parent: int) -> None:
    """Have Linux kill this process when its parent ends, however it does.

    ipykernel looks for its parent too, but old ones miss that another has adopted it.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def become(request: _Request, server: int, mark: _Mark, added: dict[str, str]) -> None:
    """Give this process, just forked, all that a fresh kernel starts with.

    Args:
        request: which kernel it is.
        server: the pid of its parent.
        mark: takes the kernel's own mark.
        added: the variables that the modules have set.
    """
    _end_with_parent(server)
    os.setsid()
    for descriptor, own in ((request.stdout, 1), (request.stderr, 2)):
        os.dup2(descriptor, own)
        os.close(descriptor)
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update({**request.env, **added, "JPY_PARENT_PID": str(server)})
    mark.write(request.env.get(mark.name, ""))
    sys.orig_argv[:] = request.argv
    sys.argv[:] = request.argv[2:]
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, request.cwd)
    importlib.invalidate_caches()
    # Python's own generator has a new seed after each fork.
    modules: Any = sys.modules
    modules["numpy"].random.seed()
    modules["torch"].default_generator.seed()


def prepare() -> dict[str, str]:
    """Import the modules and return the variables that they set.

    One thread is left, and memory that stays shared.
    """
    # The folder of this script, which python puts first.
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    # ipykernel takes the parent's number from here when it is imported.
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    before = dict(os.environ)
    for name in _MODULES:
        importlib.import_module(name)
    # numpy's OpenBLAS starts its threads when it is loaded, ends them at a fork, and
    # starts them again when they have work.
    if pid := os.fork():
        os.waitpid(pid, 0)
    else:
        os._exit(0)
    gc.collect()
    gc.freeze()
    return {n: value for n, value in os.environ.items() if before.get(n) != value}


if __name__ == "__main__":
    _mark = _Mark.find(sys.argv[2])
    _channel = socket.socket(fileno=int(sys.argv[1]))
    _added = prepare()
    _channel.send(b"ready")
    _pid = os.getpid()
    become(serve(_channel), _pid, _mark, _added)
    runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)
