"""All tasks of a batch on an executor: progress, interruption, and every result."""

import errno
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pebble import ProcessExpired

from course_utils.files import SUFFIX
from course_utils.runs.model import Fault, FaultKind, Result, Settings, Task
from course_utils.runs.processes import (
    Workers,
    count_cores,
    end_orphans,
    ignored_interrupts,
    run_mark,
    thread_limits,
)

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

    Example:
        >>> settings = Settings(Path("runs/today"), run="ab12")
        >>> fault = Fault(FaultKind.MISSING, "There is no notebook 03.ipynb.")
        >>> task = Task("03", Path("03.ipynb"), fault=fault)
        >>> [result.state for result in run_batch([task], settings, jobs=1)]
        ['missing']
    """
    batch = _Batch(settings, on_result)
    pool = executor
    if pool is None:
        jobs = min(jobs or max(1, count_cores() // 2), max(1, len(tasks)))
        if settings.threads is None and jobs > 1:
            threads = max(1, count_cores() // jobs)
            batch.settings = replace(settings, threads=threads)
        pool = Workers(jobs)
    with ExitStack() as until_the_end:
        cut_short = True
        try:
            batch.run(tasks, pool)
            cut_short = False
        except KeyboardInterrupt:
            until_the_end.enter_context(ignored_interrupts())
            batch.interrupt(tasks)
        finally:
            if executor is None:
                pool.shutdown(cancel_futures=cut_short)
            end_orphans(settings.run)
            for partial in settings.folder.glob(f".*{SUFFIX}"):
                partial.unlink(missing_ok=True)
    return [batch.results[task.name] for task in tasks]


class _Batch:
    def __init__(self, settings: Settings, on_result: Callable[[Result], None]) -> None:
        self.settings = settings
        self.on_result = on_result
        self.results: dict[str, Result] = {}
        self._waiting: dict[Future[Result], tuple[Task, int, float]] = {}

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

    def interrupt(self, tasks: Sequence[Task]) -> None:
        begun = {task.name for f, (task, *_) in self._waiting.items() if f.running()}
        for future in self._waiting:
            future.cancel()
        for task in tasks:
            if task.name not in self.results:
                when = "while it ran" if task.name in begun else "before it began"
                cause = f"The batch was interrupted {when}."
                self._finish(Result(task, Fault(FaultKind.INTERRUPTED, cause)))

    def _submit(self, task: Task, pool: Executor, attempt: int) -> None:
        try:
            future = pool.submit(run_task, task, self.settings)
        except RuntimeError as error:  # BrokenExecutor is one
            self._finish(Result(task, Fault.unforeseen(error)))
        else:
            self._waiting[future] = (task, attempt, time.perf_counter())

    def _receive(self, future: Future[Result], pool: Executor) -> None:
        task, attempt, begin = self._waiting.pop(future)
        try:
            result = future.result()
        except (BrokenExecutor, ProcessExpired):
            if attempt == 1:
                self._submit(task, pool, attempt=2)
                return
            fault = Fault(
                FaultKind.WORKER_LOST,
                "The process that ran this lesson was killed, twice; "
                "this is often a lack of memory: fewer --jobs need less.",
            )
            result = Result(task, fault, time.perf_counter() - begin)
        except (Exception, CancelledError) as error:
            fault = Fault.unforeseen(error)
            result = Result(task, fault, time.perf_counter() - begin)
        self._finish(result)

    def _finish(self, result: Result) -> None:
        self.results[result.task.name] = result
        self.on_result(result)


def run_task(task: Task, settings: Settings) -> Result:
    """Execute a task's notebook in this process; what goes wrong is the result's fault.

    The executed notebook and its page are written to the settings' folder.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     task = Task("03", Path(folder, "03_none.ipynb"))
    ...     run_task(task, Settings(Path(folder), run="ab12")).fault.kind.value
    'missing'
    """
    # Here and not above: the process that only waits for results starts without them.
    from course_utils.runs.execute import execute
    from course_utils.runs.pages import write_page

    begin = time.perf_counter()
    fault = notebook = page = None
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        output = settings.folder / f"{task.name}.ipynb"
        limits = thread_limits(settings.threads)
        execution = execute(
            task.notebook,
            output=output,
            parameters=task.values,
            env=limits | run_mark(settings.run, task.name),
            cell_timeout=settings.cell_timeout,
        )
        fault, notebook = execution.fault, output.name
        if settings.pages:
            target = output.with_suffix(".html")
            write_page(execution.notebook, target, task.notebook.parent)
            page = target.name
    except OSError as error:
        if not task.notebook.exists():
            fault = Fault.missing(task.notebook)
        fault = fault or _disk_fault(error, settings.folder)
    except Exception as error:
        fault = fault or Fault.unforeseen(error)
    finally:
        end_orphans(settings.run, task.name)
    return Result(task, fault, time.perf_counter() - begin, notebook, page)


def _disk_fault(error: OSError, folder: Path) -> Fault:
    """Describe what kept a file from being written to `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Fault(
            FaultKind.DISK_FULL,
            f"No space is left for {folder}: free some, "
            "or choose another folder with --out.",
        )
    reason = error.strerror or type(error).__name__
    cause = f"A file can't be written to {folder}: {reason}."
    return Fault(FaultKind.NOT_WRITTEN, cause)


class Progress:
    """Shows results on standard error: a bar on a terminal, else one line for each.

    >>> with Progress(total=3) as progress:
    ...     progress.done
    0
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self._bar = None

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, unit="run", desc="Running")
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, result: Result) -> None:
        """Show one result, and how many there are."""
        self.done += 1
        label, state = result.task.label, result.state
        if result.seconds is not None:
            state += f", {result.seconds:.1f} s"
        if self._bar is None:
            line = f"[{self.done}/{self.total}] {label}: {state}"
            print(line, file=sys.stderr, flush=True)
            return
        if result.fault:
            self._bar.write(f"{label}: {state}", file=sys.stderr)
        self._bar.set_postfix_str(result.task.lesson)
        self._bar.update(1)
