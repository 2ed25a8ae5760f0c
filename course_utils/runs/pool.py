"""A pool of worker processes in which a dying worker takes only its own task along."""

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from course_utils.runs.startup import prepare_process


class WorkerPool(Executor):
    """Runs calls in `jobs` spawned processes that live as long as the pool.

    A ProcessPoolExecutor that loses one process ends all others and fails every call
    that waits. So each process here has an executor of its own: the call whose process
    died fails with BrokenProcessPool, and the next call gets a new process.
    """

    def __init__(self, jobs: int):
        self._jobs = jobs
        self._waiting: queue.SimpleQueue = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: set[ProcessPoolExecutor] = set()
        self._lock = threading.Lock()
        self._closed = self._killed = False

    def submit(self, fn: Callable, /, *args, **kwargs) -> Future:
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            future: Future = Future()
            self._waiting.put((future, fn, args, kwargs))
            if len(self._threads) < self._jobs:
                thread = threading.Thread(target=self._serve, daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._closed = True
        if cancel_futures:
            self._cancel_waiting()
        for _ in self._threads:
            self._waiting.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill(self) -> None:
        """End every process now; the calls in them fail with BrokenProcessPool."""
        with self._lock:
            self._closed = self._killed = True
            for process in self._processes:
                _kill(process)
        self.shutdown(wait=True, cancel_futures=True)

    def _cancel_waiting(self) -> None:
        while True:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return
            if item:
                item[0].cancel()

    def _serve(self) -> None:
        # Threads of one signal mask: Ctrl-C must wake the main thread, and a process
        # started here must not meet it before it is prepared.
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        process = None
        while (item := self._waiting.get()) is not None:
            future, fn, args, kwargs = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                process = process or self._start()
                result = process.submit(fn, *args, **kwargs).result()
            except BaseException as error:
                if isinstance(error, BrokenProcessPool):
                    self._stop(process)
                    process = None
                future.set_exception(error)
            else:
                future.set_result(result)
        self._stop(process)

    def _start(self) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")
        process = ProcessPoolExecutor(1, spawn, initializer=prepare_process)
        process.submit(os.getpid)  # starts it
        with self._lock:
            self._processes.add(process)
            if self._killed:
                _kill(process)
        return process

    def _stop(self, process: ProcessPoolExecutor | None) -> None:
        if process:
            process.shutdown(wait=True)
            with self._lock:
                self._processes.discard(process)


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _kill(process: ProcessPoolExecutor) -> None:
    if hasattr(process, "kill_workers"):  # Python 3.14
        process.kill_workers()
        return
    for worker in list((process._processes or {}).values()):
        worker.kill()
