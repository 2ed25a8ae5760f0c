"""The process in which submissions run: `python -m course_utils.grading.worker`.

It imports torch once and forks for every exercise; whatever the learner's code does to
its own fork ends with it. It knows no reference, no misconception and no verdict. It
goes on only while nothing is left of a fork, and so can serve many submissions.
"""

import ctypes
import importlib
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from course_utils.exercises.elsewhere import NOTHING
from course_utils.exercises.guard import put_back, restored
from course_utils.exercises.outcome import Recorder
from course_utils.grading.channel import Channel
from course_utils.grading.failures import know_text
from course_utils.grading.peer import Peer
from course_utils.grading.system_calls import forbid_processes
from course_utils.grading.wire import Json, Writer

READY = b"r"
BEGIN = b"b"
END = b"e"
AWAIT = b"w"
STATUS = struct.Struct("<i")

_DUMPABLE = 4  # of prctl
_CLEAR_SECONDS = 5.0
# What ends closes its socket first; its status follows soon, but not at once.
_EXIT_SECONDS = 3.0


def main(arguments: list[str]) -> None:
    """Serve the grader over the socket whose descriptor is the first argument.

    Args:
        arguments: the descriptor; a user to become, or 0; 1 if all processes that are
            seen here are ours; modules to import, with commas between; then pairs of
            a limit's number and value.
    """
    modules = arguments.pop(3)
    descriptor, user, alone, *numbers = map(int, arguments)
    limits = dict(zip(numbers[::2], numbers[1::2], strict=True))
    for module in filter(None, modules.split(",")):
        with suppress(ImportError):
            importlib.import_module(module)
    control = socket.socket(fileno=descriptor)
    _harden(user)
    world = _World() if alone else None
    control.sendall(READY)
    while True:
        order, descriptors, *_ = socket.recv_fds(control, 1, 1)
        if order != BEGIN or not descriptors:
            return
        child = os.fork()
        if not child:
            control.close()
            _run(socket.socket(fileno=descriptors[0]), limits, bool(alone))
        os.close(descriptors[0])
        order = control.recv(1)
        if order not in (END, AWAIT):
            return
        status = _end(child, _EXIT_SECONDS if order == AWAIT else 0.0)
        if world and not world.is_cleared():
            return  # and all of this world ends
        control.sendall(STATUS.pack(status))


def _end(child: int, seconds: float) -> int:
    """End a fork that has not ended by itself after these seconds.

    Returns its exit status; 0 where it had to be ended.
    """
    until = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        if time.monotonic() >= until:
            break
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 0


def _harden(user: int) -> None:
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _set_dumpable(False)  # no fork may look into this process


def _set_dumpable(value: bool) -> None:
    ctypes.CDLL(None).prctl(_DUMPABLE, int(value), 0, 0, 0)


class _World:
    """The processes and files that this process sees: its own, and what forks leave."""

    def __init__(self) -> None:
        if os.getpid() != 2:  # which no Python is but in a world of its own
            raise SystemExit("it sees other processes than its own")
        self._folder = Path(tempfile.gettempdir())
        self._remove_files()
        self._before = self._state()

    def is_cleared(self) -> bool:
        """End all other processes, remove all files; tell whether that is all."""
        until = time.monotonic() + _CLEAR_SECONDS
        while self._others():
            if time.monotonic() > until:
                return False
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            time.sleep(0.001)
        self._remove_files()
        return self._state() == self._before

    def _others(self) -> set[int]:
        """Return all processes but this one and the one that began its world."""
        names = {path.name for path in Path("/proc").iterdir()}
        return {int(name) for name in names if name.isdigit()} - {1, 2}

    def _remove_files(self) -> None:
        for left in self._folder.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()

    def _state(self) -> object:
        """Return what a fork could change for the next one."""
        names = [path.name for path in self._folder.iterdir()]
        return names, self._folder.stat().st_mode, os.listxattr(self._folder)


def _run(connection: socket.socket, limits: Mapping[int, int], confined: bool) -> None:
    """Serve one exercise in this fork, then end it."""
    for limit, value in limits.items():
        if limit == resource.RLIMIT_AS:  # beside what is there already
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            value += pages * resource.getpagesize()
        resource.setrlimit(limit, (value, value))
    _set_dumpable(True)
    os.chdir(tempfile.gettempdir())
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    try:
        texts: dict[str, str] = {}
        peer = Peer(Channel(connection), texts, trusting=True, around=restored)
        answer = _Answer(peer, texts, confined)
        peer.operations |= {"define": answer.define, "apply": answer.apply}
        peer.serve()
    finally:
        os._exit(0)


def _keep_to(seconds: int, confined: bool) -> None:
    """Have the kernel end this process after so many seconds of processor time.

    They are its own, with all its threads: another process would have its own again.
    """
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if most == resource.RLIM_INFINITY or seconds < most:
        # One second from the signal that says why to the one that can't be refused.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if confined:
        forbid_processes()


class _Answer:
    """The answer of this fork: defined by its cell, then called."""

    def __init__(self, peer: Peer, texts: dict[str, str], confined: bool) -> None:
        self._peer, self._texts, self._confined = peer, texts, confined
        self._value: Any = None

    def define(self, message: Json) -> Json:
        """Run the page's statements and the learner's cells; describe the answer."""
        if seconds := message.get("cpu"):
            _keep_to(seconds, self._confined)
        scope: dict[str, Any] = {"__name__": "__main__", "get_ipython": _Shell}
        for source in message["before"]:
            with suppress(Exception):
                exec(compile(source, "<before>", "exec"), scope)
            put_back()
        name, file, source = message["name"], message["file"], message["source"]
        scope.pop(name, None)
        self._texts[file] = source
        know_text(file, source)
        failure = None
        try:
            exec(compile(source, file, "exec"), scope)
        except BaseException as error:
            failure = error
        replaced = put_back()
        if name not in scope:
            if failure:
                raise failure
            raise NameError(f"name '{name}' is not defined")
        self._value = scope[name]
        return {**self._peer.result(self._value, []), "left": replaced}

    def apply(self, message: Json) -> Json:
        """Let one of `exercises.applications` watch the answer at work."""
        module = importlib.import_module(message["module"])
        recorder = Recorder(self._value)
        application = partial(getattr(module, message["application"]), recorder)
        reply = self._peer.perform(message, application, [])
        began = recorder.returned is not NOTHING
        reply["returned"] = Writer(self._peer.export).write(recorder.returned)
        return {**reply, "began": began, "running": recorder.running}


class _Shell:
    """Takes what a cell asks of IPython, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: None


if __name__ == "__main__":
    main(sys.argv[1:])
