"""Runs a batch of tasks on an executor and gathers their results."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from course_utils.runs import faults
from course_utils.runs.pool import WorkerPool, count_cores
from course_utils.runs.strays import end_strays
from course_utils.runs.tasks import Task
from course_utils.runs.worker import PARTIAL, Result, Settings, run_task

# How often the main thread looks up: on Windows Ctrl-C does not end a wait.
_TICK_SECONDS = 0.5


def run_batch(
    tasks: Sequence[Task],
    settings: Settings,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run every task once and return the results in the tasks' order.

    Nothing that happens to one task stops the others; a task whose worker process was
    lost is run a second time. Ctrl-C ends the batch, not the program: the tasks that
    were not finished have the fault 'interrupted'.

    Args:
        tasks: what to run, as `make_grid` gives it.
        settings: what the runs share; each batch needs a folder of its own.
        executor: any executor of processes; it is not shut down. Without one, a pool
            of `jobs` spawned processes, by default one for every two cores.
        on_result: called in this thread for each result, as they come.
    """
    batch = _Batch(settings, on_result)
    pool = executor
    if pool is None:
        jobs = min(jobs or max(1, count_cores() // 2), max(1, len(tasks)))
        if settings.threads is None and jobs > 1:
            threads = max(1, count_cores() // jobs)
            batch.settings = replace(settings, threads=threads)
        pool = WorkerPool(jobs)
    try:
        batch.run(tasks, pool)
    except KeyboardInterrupt:
        with _deaf_to_interrupts():
            batch.interrupt(tasks, pool)
    finally:
        if executor is None:
            pool.shutdown()
        end_strays(settings.run)
        _clear(settings.folder / PARTIAL)
    return [batch.results[task.name] for task in tasks]


class _Batch:
    def __init__(self, settings: Settings, on_result: Callable[[Result], None]):
        self.settings = settings
        self.on_result = on_result
        self.results: dict[str, Result] = {}
        self._waiting: dict[Future, tuple[Task, int, float]] = {}

    def run(self, tasks: Sequence[Task], pool: Executor) -> None:
        for task in tasks:
            if task.fault:
                self._finish(Result(task, task.fault))
            else:
                self._submit(task, pool, attempt=1)
        while self._waiting:
            done, _ = wait(self._waiting, _TICK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                self._receive(future, pool)

    def interrupt(self, tasks: Sequence[Task], pool: Executor) -> None:
        partial = self.settings.partial
        begun = {task.name for task in tasks if partial(task, ".begun").exists()}
        for future in self._waiting:
            future.cancel()
        if isinstance(pool, WorkerPool):
            pool.kill()
        for task in tasks:
            if task.name not in self.results:
                fault = faults.interrupted_fault(task.name in begun)
                self._finish(Result(task, fault))

    def _submit(self, task: Task, pool: Executor, attempt: int) -> None:
        try:
            future = pool.submit(run_task, task, self.settings)
        except RuntimeError as error:  # BrokenExecutor is one
            self._finish(Result(task, faults.other_fault(error)))
        else:
            self._waiting[future] = (task, attempt, time.perf_counter())

    def _receive(self, future: Future, pool: Executor) -> None:
        task, attempt, begin = self._waiting.pop(future)
        try:
            result = future.result()
        except (Exception, CancelledError) as error:
            # The worker had no chance to end the kernel.
            end_strays(self.settings.run, task.name)
            if isinstance(error, BrokenExecutor) and attempt == 1:
                self._submit(task, pool, attempt=2)
                return
            fault = faults.other_fault(error)
            if isinstance(error, BrokenExecutor):
                fault = faults.lost_worker_fault()
            result = Result(task, fault, time.perf_counter() - begin)
        self._finish(result)

    def _finish(self, result: Result) -> None:
        self.results[result.task.name] = result
        self.on_result(result)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore an impatient second Ctrl-C, which would leave processes behind."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _clear(folder: Path) -> None:
    """Remove what runs that were cut short left in the folder for partial files."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        folder.rmdir()
