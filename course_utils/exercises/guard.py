"""A guard around a learner's code: it ends in time, and leaves nothing changed."""

import contextlib
import io
import itertools
import math
import random
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

import numpy as np
import torch
import torch.nn.functional as F

MOST_LINES = 100
# Whose functions an answer must not replace: the check compares with them.
_PATCHABLE: tuple[Any, ...] = (torch, torch.Tensor, F, torch.nn, math, torch.testing)


class OutOfTime(BaseException):
    """The learner's code ran longer than it may.

    Not an Exception, so that `except Exception` in a loop does not swallow it.
    """


class LimitedOutput(io.TextIOBase):
    """Passes the first lines on and counts the others.

    >>> target = io.StringIO()
    >>> output = LimitedOutput(target, most=2)
    >>> output.write("a\\nb\\nc\\nd\\n")
    8
    >>> output.close_with_note()
    >>> target.getvalue()
    'a\\nb\\n… 2 more lines are not shown.\\n'
    """

    def __init__(self, target: TextIO, most: int = MOST_LINES) -> None:
        self._target, self._left, self._dropped = target, most, 0

    def write(self, text: str) -> int:
        lines = text.splitlines(keepends=True)
        shown = lines[: self._left] if self._left > 0 else []
        self._target.write("".join(shown))
        self._left -= sum(line.endswith("\n") for line in shown)
        self._dropped += sum(line.endswith("\n") for line in lines[len(shown) :])
        return len(text)

    def flush(self) -> None:
        self._target.flush()

    def close_with_note(self) -> None:
        """Say how many lines were dropped, if any."""
        if self._dropped:
            self._target.write(f"… {self._dropped} more lines are not shown.\n")


@contextmanager
def guard(seconds: float) -> Iterator[None]:
    """Run learner's code under a time limit, and undo what it changes globally.

    Restored are torch's default dtype and device, grad mode, threads, the generators
    of torch, numpy and random, and functions of torch that were replaced. Prints
    beyond 100 lines are dropped. Outside the main thread, and on Windows, no code can
    be interrupted: there the limit has no effect.

    Args:
        seconds: the limit; at it `OutOfTime` is raised inside the block.

    >>> with guard(5):
    ...     torch.set_default_dtype(torch.float64)
    >>> torch.get_default_dtype()
    torch.float32
    """
    with _limited_output(), _restored(), _time_limit(seconds):
        yield


@contextmanager
def _limited_output() -> Iterator[None]:
    output = LimitedOutput(sys.stdout)
    with contextlib.redirect_stdout(output):
        yield
    output.close_with_note()


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "SIGALRM"):
        yield
        return

    alarms = itertools.count()

    def end(_number: int, frame: FrameType | None) -> None:
        if next(alarms) == 0:
            raise OutOfTime
        _raise_at_next_line(frame)

    trace = sys.gettrace()
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.settrace(trace)


def _raise_at_next_line(frame: FrameType | None) -> None:
    """Raise `OutOfTime` where the code in `frame` begins its next line.

    A bare `except:` in a loop swallows what is raised inside its `try`. The next line
    is often that of the loop or of the `except`, from where it escapes.
    """

    def trace(_frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line":
            raise OutOfTime
        return trace

    sys.settrace(trace)
    file = frame.f_code.co_filename if frame else ""
    while frame and frame.f_code.co_filename == file:
        frame.f_trace = trace
        frame = frame.f_back


@contextmanager
def _restored() -> Iterator[None]:
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    threads, device = torch.get_num_threads(), torch.get_default_device()
    anomaly = torch.is_anomaly_enabled()
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    generator = torch.random.get_rng_state()
    names = [(place, dict(vars(place))) for place in _PATCHABLE]
    try:
        yield
    finally:
        for place, before in names:
            _restore_names(place, before)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        torch.set_num_threads(threads)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.autograd.set_detect_anomaly(anomaly)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.random.set_rng_state(generator)


def _restore_names(place: Any, before: dict[str, Any]) -> None:
    now = vars(place)
    for name, value in before.items():
        if now.get(name) is not value:
            setattr(place, name, value)
