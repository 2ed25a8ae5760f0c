"""A guard around a learner's code: it ends in time, and leaves nothing changed."""

import _thread
import contextlib
import inspect
import io
import itertools
import math
import operator
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO, TypeVar

import numpy as np
import torch
import torch.nn.functional as F

MOST_LINES = 100
_AGAIN = 0.1  # seconds from one interruption of a stubborn loop to the next


class OutOfTime(BaseException):
    """The learner's code ran longer than it may.

    Not an Exception, so that `except Exception` in a loop does not swallow it.
    """


@contextmanager
def guard(seconds: float) -> Iterator[None]:
    """Run learner's code for a limited time; drop prints beyond 100 lines.

    What the code changes for other cells is undone, see `restored`; so are the states
    of the generators of torch, numpy and Python. Outside the main thread no code can
    be interrupted: there the limit has no effect.

    Args:
        seconds: the limit; at it `OutOfTime` is raised inside the block.

    >>> with guard(5):
    ...     torch.set_default_dtype(torch.float64)
    >>> torch.get_default_dtype()
    torch.float32
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=gpus()), restored(), _limited_output():
        try:
            with _time_limit(seconds):
                yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


Result = TypeVar("Result")


def run_guarded(function: Callable[[], Result], seconds: float) -> Result:
    """Return what a function returns; it is run under a guard.

    >>> run_guarded(lambda: 2 + 3, seconds=5)
    5

    Raises:
        OutOfTime: the function took longer.
    """

    # A loop that swallows the interruption can leave Python in the belief that an
    # error is being handled. That state belongs to the generator and ends with it.
    def steps() -> Iterator[Result]:
        yield function()

    with guard(seconds):
        return next(steps())


def gpus() -> list[int]:
    """Return the current GPU, if torch uses one already: whose generator to fork.

    >>> gpus() if torch.cuda.is_initialized() else []
    []
    """
    ready = torch.cuda.is_available() and torch.cuda.is_initialized()
    return [torch.cuda.current_device()] if ready else []


# --- prints ---------------------------------------------------------------------


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
        shown = lines[: max(0, self._left)]
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
def _limited_output() -> Iterator[None]:
    out, err = LimitedOutput(sys.stdout), LimitedOutput(sys.stderr)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        out.close_with_note()
        err.close_with_note()


# --- time -----------------------------------------------------------------------


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    running, interruptions = True, itertools.count()
    until = 0.0

    def interrupt(_signal: int, frame: FrameType | None) -> None:
        nonlocal until
        if _importing(frame):  # that is no fault of the code: its time begins anew
            until = time.monotonic() + seconds
        if not running or time.monotonic() < until:
            return
        if count := next(interruptions):
            _raise_after_lines(count % 8, frame)
        raise OutOfTime

    trace = sys.gettrace()
    with _alarms(seconds, interrupt):
        try:
            yield
        finally:
            running = False
            if sys.gettrace() is not trace:
                sys.settrace(trace)


def _importing(frame: FrameType | None) -> bool:
    """Tell whether a module is being imported: half of one would be left behind."""
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


_Handler = Callable[[int, FrameType | None], None]


@contextmanager
def _alarms(seconds: float, handler: _Handler) -> Iterator[None]:
    """Call a handler in the main thread after so many seconds, then again and again."""
    if not hasattr(signal, "setitimer"):  # Windows
        with _simulated_alarms(seconds, handler):
            yield
        return
    start, before = time.monotonic(), signal.signal(signal.SIGALRM, handler)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        if left:  # a limit around this one goes on
            left = max(0.01, left - (time.monotonic() - start))
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _simulated_alarms(seconds: float, handler: _Handler) -> Iterator[None]:
    done = threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            _thread.interrupt_main(signal.SIGTERM)
            wait = _AGAIN

    before = signal.signal(signal.SIGTERM, handler)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        signal.signal(signal.SIGTERM, before)


def _raise_after_lines(count: int, frame: FrameType | None) -> None:
    """Raise `OutOfTime` once more when the code in `frame` has run so many lines.

    A bare `except:` in a loop swallows what is raised inside its `try`. One of the
    next lines is the one of the `except`, from where it escapes.
    """
    lines = itertools.count()

    def trace(_frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line" and next(lines) >= count:
            raise OutOfTime
        return trace

    sys.settrace(trace)
    file = frame.f_code.co_filename if frame else ""
    while frame and frame.f_code.co_filename == file:
        frame.f_trace = trace
        frame = frame.f_back


# --- what other cells depend on ---------------------------------------------------


def _set_device(device: torch.device) -> None:
    # Setting "cpu" instead of None would slow down every later call of torch.
    torch.set_default_device(None if device == torch.device("cpu") else device)


_LEAVE = "All cells after it would be changed: "
# (read, set, what is said about a change)
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], object], str], ...] = (
    (
        torch.is_grad_enabled,
        torch.set_grad_enabled,
        "Your code switches autograd on or off and leaves it so. " + _LEAVE + "use "
        "`with torch.no_grad():`, which ends by itself.",
    ),
    (
        torch.get_default_dtype,
        torch.set_default_dtype,
        "Your code changes the default dtype (`torch.set_default_dtype`). "
        + _LEAVE
        + "give `dtype=` where you need another.",
    ),
    (
        torch.get_default_device,
        _set_device,
        "Your code changes the default device (`torch.set_default_device`). "
        + _LEAVE
        + "give `device=` where you need another.",
    ),
    (
        torch.get_num_threads,
        torch.set_num_threads,
        "Your code changes the number of threads (`torch.set_num_threads`). "
        + _LEAVE
        + "leave it out.",
    ),
    (
        torch.initial_seed,
        lambda seed: None,  # `guard` restores the generators
        "Your code sets the seed of torch's random numbers (`torch.manual_seed`). "
        + _LEAVE
        + "they would draw the same numbers each time. Leave it out.",
    ),
)


@contextmanager
def restored() -> Iterator[list[str]]:
    """Undo what learner's code changes for all cells after it, and say what that was.

    Restored are grad mode, torch's default dtype and device, the number of threads,
    and functions of torch and math that were replaced. The list is empty inside the
    block; at its end it holds one message per change.

    >>> with restored() as changes:
    ...     F.relu = torch.tanh
    >>> changes[0][:27]
    'Your code replaces `F.relu`'
    """
    changes: list[str] = []
    before = [read() for read, _, _ in _SETTINGS]
    try:
        yield changes
    finally:
        changes += put_back()
        for value, (read, write, message) in zip(before, _SETTINGS, strict=True):
            if read() != value:
                write(value)
                changes.append(message)


# The functions a check compares with, as they were before any answer.
_PLACES: tuple[tuple[str, Any], ...] = (
    ("torch", torch),
    ("torch.Tensor", torch.Tensor),
    ("F", F),
    ("nn", torch.nn),
    ("math", math),
)


def _functions(place: Any) -> dict[str, Any]:
    # Of torch itself no classes: the default dtype exchanges `torch.Storage`.
    return {
        name: value
        for name, value in vars(place).items()
        if callable(value) and not (place is torch and inspect.isclass(value))
    }


_ORIGINALS = [(title, place, _functions(place)) for title, place in _PLACES]


def _shadows() -> list[str]:
    """Return new methods of tensors that hide those of the class they come from."""
    added = vars(torch.Tensor).keys() - _TENSOR_NAMES
    return sorted(name for name in added if hasattr(torch.Tensor.__base__, name))


_TENSOR_NAMES = frozenset(vars(torch.Tensor))


def put_back() -> list[str]:
    """Put functions of torch and math back that were replaced; say which, if any.

    >>> put_back()
    []
    """
    replaced = []
    for name in _shadows():
        delattr(torch.Tensor, name)
        replaced.append(f"torch.Tensor.{name}")
    for title, place, originals in _ORIGINALS:
        current = vars(place)
        if all(map(operator.is_, map(current.get, originals), originals.values())):
            continue
        for name, original in originals.items():
            value = current.get(name)
            # torch itself wraps some of its functions when more of it is loaded.
            if value is original or getattr(value, "__wrapped__", None) is original:
                continue
            setattr(place, name, original)
            replaced.append(f"{title}.{name}")
    if not replaced:
        return []
    names = ", ".join(f"`{name}`" for name in replaced[:3])
    return [
        f"Your code replaces {names}, which all other cells use too: it is put back. "
        "Give your own function another name."
    ]
