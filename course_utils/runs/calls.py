"""Calls of an executor, one for each of many tasks, and what comes of them."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import TypeVar

from pebble import ProcessExpired

from course_utils.errors import CourseError, WorkerLost

T = TypeVar("T")
R = TypeVar("R")

# How often the main thread looks up: on Windows Ctrl-C does not end a wait.
_TICK_SECONDS = 0.5
_LOST = (
    "The process that ran this was killed, twice; this is often a lack of memory: "
    "fewer --jobs need less."
)
_ENDLESS = "This took far longer than its limits allow, and was given up."


def outcomes(
    tasks: Iterable[T],
    submit: Callable[[T], Future[R]],
    waiting: dict[Future[R], T],
    *,
    longest: float = math.inf,
    on_lost: Callable[[T], None] = lambda task: None,
) -> Iterator[tuple[T, R | Exception]]:
    """Yield each task with its call's result or error, as they come.

    A call whose process is lost is made once more; when that is lost too, or a call
    runs too long, the error is `WorkerLost`.

    Raises:
        CourseError: a call raised it, which no task does: the executor has lost its
            cluster.

    Args:
        tasks: any objects.
        submit: makes the call for one of them.
        waiting: holds the calls that are not finished; the caller cancels what is
            left in it.
        longest: the seconds after which a call that runs is given up.
        on_lost: called whenever the process of a task's call was lost.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor() as pool:
    ...     list(outcomes([-3], lambda number: pool.submit(abs, number), {}))
    [(-3, 3)]
    """
    queue, again = list(tasks), list[T]()
    begun: dict[Future[R], float] = {}
    while queue or waiting:
        for task in queue:
            try:
                waiting[submit(task)] = task
            except RuntimeError as error:  # BrokenExecutor is one
                yield task, error
        queue = []
        done, _ = wait(waiting, _TICK_SECONDS, return_when=FIRST_COMPLETED)
        for future in list(waiting):
            if future in done:
                task = waiting.pop(future)
                outcome = _outcome(future)
                if isinstance(outcome, (BrokenExecutor, ProcessExpired)):
                    on_lost(task)
                    if not any(task is other for other in again):
                        again.append(task)
                        queue.append(task)
                        continue
                    outcome = WorkerLost(_LOST)
                yield task, outcome
            elif future.running():
                start = begun.setdefault(future, time.monotonic())
                if time.monotonic() - start > longest:
                    future.cancel()  # pebble ends its process
                    yield waiting.pop(future), WorkerLost(_ENDLESS)


def _outcome(future: Future[R]) -> R | Exception:
    """Return a finished call's result or error."""
    try:
        return future.result()
    except CourseError:
        raise
    except Exception as error:
        return error
