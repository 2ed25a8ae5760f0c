"""Processes of a batch: the workers, their limits, and orphans that a lesson leaves."""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import get_context, parent_process, resource_tracker
from pathlib import Path
from typing import Any, TypeVar

import psutil
from pebble import ProcessPool

from course_utils.files import give_up, passing_folder

T = TypeVar("T")

_MARK = "COURSE_BATCH_RUN"
_CONNECTION = "course-kernel-"
_ENDS = ("SIGINT", "SIGTERM", "SIGHUP")  # not all are there on every system
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)

# Whether this process is a worker that gets the children of processes that ended.
_adopts = False


class Workers(Executor):
    """Runs calls in `jobs` spawned processes; a call whose process dies fails alone.

    A ProcessPoolExecutor that loses one process ends all others and fails every call
    that waits. In pebble's pool the lost call raises `pebble.ProcessExpired`, and the
    next one gets a new process. The processes start with the first call.

    >>> with Workers(2) as workers:
    ...     pass
    >>> workers.submit(abs, -1)
    Traceback (most recent call last):
    RuntimeError: the pool is closed
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool = self._new_pool()
        self._closed = False
        self._futures: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._watch = threading.Thread(target=self._replace_broken_pools, daemon=True)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Schedule a call.

        Raises:
            RuntimeError: the pool is shut down.
        """
        if self._closed:
            raise RuntimeError("the pool is closed")
        with signals_held("SIGINT"), self._lock:
            if not self._watch.ident:
                self._watch.start()
            if not self._pool.active:
                self._replace_pool()
            future = self._pool.schedule(fn, args, kwargs)
            self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: after their calls, or now if `cancel_futures`."""
        self._closed = True
        if cancel_futures:
            for future in list(self._futures):
                future.cancel()
            self._pool.stop()
        else:
            self._pool.close()
        if wait:
            self._pool.join()

    def _new_pool(self) -> ProcessPool:
        # Untyped, because pebble's protocol does not fit the context's own types.
        spawn: Any = get_context("spawn")
        return ProcessPool(self._jobs, initializer=_prepare, context=spawn)

    def _replace_pool(self) -> None:
        """Start again: pebble gives up where a process dies before its first call."""
        self._pool.stop()
        self._pool.join()
        for future in list(self._futures):
            future.set_exception(BrokenProcessPool("a process died without a call"))
        self._pool = self._new_pool()

    def _replace_broken_pools(self) -> None:
        """Look for a broken pool until the end: it may forget a call that came late.

        pebble fails the calls it knows of; one it takes up after that would wait for
        ever.
        """
        while not self._closed:
            with self._lock:
                if self._futures and not self._pool.active:
                    self._replace_pool()
            time.sleep(0.2)


def _prepare() -> None:
    """Make a new worker process ready."""
    global _adopts
    # Ctrl-C reaches every process of the terminal; the parent alone acts on it, and on
    # a terminal that is closed. (A function, not SIG_IGN: kernels would inherit that
    # and could not be interrupted.)
    for name in ("SIGINT", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, lambda *_: None)
    _adopts = adopt_orphans()
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        give_up()
        # Elsewhere than on Linux the kernel notices that this process is gone.
        end_adopted()
        give_up()
        os._exit(1)


@contextmanager
def signals_held(*names: str) -> Iterator[None]:
    """Hold signals back, here and in threads and processes started in the block.

    They must wake the main thread, and no process may meet them before it is prepared.

    Args:
        names: of the signals; by default all that end a program.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    numbers = {getattr(signal, name) for name in names or _ENDS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], None]]:
    """In the block, the first signal that ends a program raises KeyboardInterrupt.

    That is Ctrl-C, SIGTERM, or the SIGHUP of a terminal that is closed; one that is
    ignored already, as by nohup, stays so. From then on they do nothing: the program
    has time to put things in order, and to end. Yields a function that makes them do
    nothing from its call to the end of the block.
    """
    _start_tracker()
    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    terminals = [number for number in (1, 2) if os.isatty(number)]
    ended = False

    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    def end(number: int, _: object) -> None:
        nonlocal ended
        ended = True
        ignore()
        if signal.Signals(number).name == "SIGHUP":
            for terminal in terminals:  # it is gone: writing to it would be an error
                os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)
        raise KeyboardInterrupt

    try:
        for number, handler in handlers.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, end)
        yield ignore
    finally:
        for number, handler in handlers.items():
            if not ended:
                signal.signal(number, handler or signal.SIG_DFL)


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limits(threads: int | None) -> dict[str, str]:
    """Return the variables that limit a library's threads; they never raise a limit."""
    limits = {}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        own = os.environ.get(name, "")
        if threads:
            limits[name] = str(min(threads, int(own)) if own.isdigit() else threads)
    return limits


def run_mark(run: str, task: str) -> dict[str, str]:
    """Return the variable that a task's kernel and all its children inherit."""
    return {_MARK: f"{run}/{task}"}


def connection_folder(env: Mapping[str, str]) -> AbstractContextManager[Path]:
    """Return a block's temporary folder for the connection to a kernel.

    By the kernel's mark `remove_connections` finds it.
    """
    run = env.get(_MARK, "").partition("/")[0]
    return passing_folder(f"{_CONNECTION}{run}-")


def remove_connections(run: str) -> None:
    """Remove what the killed workers of a run have left in temporary folders here."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_CONNECTION}{run}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def find_orphans(run: str, task: str = "") -> list[psutil.Process]:
    """Return the living processes of a run, or of one of its tasks."""
    mark = f"{run}/{task}"
    orphans = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            own = process.environ().get(_MARK, "")
            if own == mark or (own.startswith(mark) and not task):
                orphans.append(process)
    return orphans


def end_orphans(run: str, task: str = "") -> int:
    """Kill the processes of a run, or of one of its tasks; return how many."""
    orphans = find_orphans(run, task)
    for process in orphans:
        with suppress(psutil.Error):
            process.kill()
    await_ends(orphans, 5)
    return len(orphans)


def await_ends(
    processes: Collection[psutil.Process], seconds: float
) -> list[psutil.Process]:
    """Wait for these processes to end; return those that run after so many seconds.

    A child is reaped. Another process that has ended counts as gone even where its
    own parent never reaps it, and it stays a zombie.
    """
    until = time.monotonic() + seconds
    while left := [process for process in processes if _runs(process)]:
        if time.monotonic() > until:
            break
        time.sleep(0.01)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        process.wait(0)
    except psutil.TimeoutExpired:
        with suppress(psutil.Error):
            return process.status() != psutil.STATUS_ZOMBIE
    return False


def adopt_orphans(adopt: bool = True) -> bool:
    """Make this process the parent of its descendants whose own parent ends, or not.

    Returns whether that could be set: on Linux alone.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    return libc.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0) == 0


def end_adopted(spared: Collection[psutil.Process] = ()) -> None:
    """Kill every descendant of this process, if it is a worker that adopts them.

    It finds what `end_orphans` can't: processes that have emptied their environment.
    """
    if _adopts:
        _end_descendants(spared)


@contextmanager
def strays_ended() -> Iterator[None]:
    """Kill, at the block's end, every process that began in it and still runs.

    On Linux; elsewhere only those are found that `end_orphans` knows by their mark.
    """
    if not adopt_orphans():
        yield
        return
    before = psutil.Process().children(recursive=True)
    try:
        yield
    finally:
        _end_descendants(before)
        adopt_orphans(_adopts)


def _start_tracker() -> None:
    """Start Python's own tracker of what processes share; it stays to the end.

    A terminal that is closed would end it, and it would complain.
    """
    if hasattr(signal, "pthread_sigmask"):
        with signals_held("SIGHUP"):
            resource_tracker.ensure_running()


def _end_descendants(spared: Collection[psutil.Process]) -> None:
    for _ in range(20):  # one may have started another before it was killed
        descendants = psutil.Process().children(recursive=True)
        left = [p for p in descendants if p not in spared and _runs(p)]
        if not left:
            return
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        await_ends(left, 1)
