"""The process in which submissions run: `python -m course_utils.grading.worker`.

It imports torch once and forks for every exercise; whatever the learner's code does to
its own fork ends with it. It knows no reference, no misconception and no verdict.
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
from course_utils.grading.wire import Json, Writer

READY = b"r"
BEGIN = b"b"
END = b"e"
STATUS = struct.Struct("<i")

_DUMPABLE = 4  # of prctl


def main(arguments: list[str]) -> None:
    """Serve the grader over the socket whose descriptor is the first argument.

    Args:
        arguments: the descriptor; a user to become, or 0; 1 if all processes that are
            seen here are ours; modules to import, with commas between; then pairs of
            a limit's number and value.
    """
    modules = arguments.pop(3)
    descriptor, user, alone, *limits = map(int, arguments)
    for module in filter(None, modules.split(",")):
        with suppress(ImportError):
            importlib.import_module(module)
    control = socket.socket(fileno=descriptor)
    _harden(user, dict(zip(limits[::2], limits[1::2], strict=True)))
    control.sendall(READY)
    while True:
        order, descriptors, *_ = socket.recv_fds(control, 1, 1)
        if order != BEGIN or not descriptors:
            return
        child = os.fork()
        if not child:
            control.close()
            _run(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])
        if control.recv(1) != END:
            return
        control.sendall(STATUS.pack(_end(child, bool(alone))))


def _harden(user: int, limits: Mapping[int, int]) -> None:
    for limit, value in limits.items():
        if limit == resource.RLIMIT_AS:  # beside what is there already
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            value += pages * resource.getpagesize()
        resource.setrlimit(limit, (value, value))
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _set_dumpable(False)  # no fork may look into this process


def _set_dumpable(value: bool) -> None:
    ctypes.CDLL(None).prctl(_DUMPABLE, int(value), 0, 0, 0)


def _end(child: int, alone: bool) -> int:
    """End a fork and all that it started; return its status if it ended by itself."""
    done, status = os.waitpid(child, os.WNOHANG)
    # The second process of its own world, which no Python is elsewhere.
    if alone and os.getpid() == 2:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        for left in Path(tempfile.gettempdir()).iterdir():
            shutil.rmtree(left, ignore_errors=True)
            with suppress(OSError):
                left.unlink(missing_ok=True)
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return status if done else 0


def _run(connection: socket.socket) -> None:
    """Serve one exercise in this fork, then end it."""
    _set_dumpable(True)
    os.chdir(tempfile.gettempdir())
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    try:
        texts: dict[str, str] = {}
        peer = Peer(Channel(connection), texts, trusting=True, around=restored)
        answer = _Answer(peer, texts)
        peer.operations |= {"define": answer.define, "apply": answer.apply}
        peer.serve()
    finally:
        os._exit(0)


class _Answer:
    """The answer of this fork: defined by its cell, then called."""

    def __init__(self, peer: Peer, texts: dict[str, str]) -> None:
        self._peer, self._texts = peer, texts
        self._value: Any = None

    def define(self, message: Json) -> Json:
        """Run the page's statements and the learner's cells; describe the answer."""
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
