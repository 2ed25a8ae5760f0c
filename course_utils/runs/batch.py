"""All tasks of a batch on an executor: progress, interruption, and every result."""

import errno
import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from course_utils.errors import CourseError, WorkerLost
from course_utils.files import SUFFIX
from course_utils.runs.calls import outcomes
from course_utils.runs.model import Fault, FaultKind, Result, Settings, Task
from course_utils.runs.processes import (
    Workers,
    count_cores,
    end_adopted,
    end_orphans,
    remove_connections,
    run_mark,
    thread_limits,
)


def run_batch(
    tasks: Sequence[Task],
    settings: Settings,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run every task once and return the results in the tasks' order.

    Nothing that happens to one task stops the others; a task whose worker process was
    lost is run a second time. Ctrl-C ends the batch, not the program: the tasks that
    were not finished have the fault 'interrupted', or 'not run' where the executor has
    lost its cluster. Inside `ended_by_signals` a second one does nothing.

    Args:
        tasks: what to run, as `make_grid` gives it.
        settings: what the runs share; each batch needs a folder of its own.
        executor: any executor of processes; it is not shut down. Without one, a pool
            of `jobs` spawned processes, by default one for every two cores.
        fail_fast: whether the first run that does not succeed ends the batch; the
            tasks that were not finished then have the fault 'not run'.
        on_result: called in this thread for each result, as they come.

    Example:
        >>> settings = Settings(Path("runs/today"), run="ab12")
        >>> fault = Fault(FaultKind.MISSING, "There is no notebook 03.ipynb.")
        >>> task = Task("03", Path("03.ipynb"), fault=fault)
        >>> [result.state for result in run_batch([task], settings, jobs=1)]
        ['missing']
    """
    pool = executor
    if pool is None:
        jobs = min(jobs or max(1, count_cores() // 2), max(1, len(tasks)))
        if settings.threads is None and jobs > 1:
            settings = replace(settings, threads=max(1, count_cores() // jobs))
        if len(tasks) <= jobs:
            # A fork server takes as long to start as a lesson takes for its imports.
            settings = replace(settings, warm=False)
        pool = Workers(jobs)
    results: dict[str, Result] = {}
    waiting: dict[Future[Result], Task] = {}
    kind, why = FaultKind.NOT_RUN, ""
    try:
        for result in _results(tasks, settings, pool, waiting):
            results[result.task.name] = result
            on_result(result)
            if fail_fast and result.fault:
                why = f"{result.task.label} failed, and --fail-fast ended the batch"
                break
    except KeyboardInterrupt:
        kind, why = FaultKind.INTERRUPTED, "The batch was interrupted"
    except CourseError as error:  # the executor has lost its cluster
        why = f"{str(error).rstrip('.')}; this ended"
    finally:
        begun = [task.name for future, task in waiting.items() if future.running()]
        for future in waiting:
            future.cancel()
        if executor is None:
            pool.shutdown(cancel_futures=True)
        end_orphans(settings.run)
        remove_connections(settings.run)
        for partial in settings.folder.glob(f".*{SUFFIX}"):
            partial.unlink(missing_ok=True)
    for task in [task for task in tasks if task.name not in results]:
        when = "while it ran" if task.name in begun else "before it began"
        result = Result(task, Fault(kind, f"{why} {when}."))
        results[task.name] = result
        on_result(result)
    return [results[task.name] for task in tasks]


def _results(
    tasks: Sequence[Task],
    settings: Settings,
    pool: Executor,
    waiting: dict[Future[Result], Task],
) -> Iterator[Result]:
    """Yield the results as they come; `waiting` holds what was submitted."""
    for task in tasks:
        if task.fault:
            yield Result(task, task.fault)
    begun: dict[str, float] = {}

    def submit(task: Task) -> Future[Result]:
        begun[task.name] = time.perf_counter()
        return pool.submit(run_task, task, settings)

    def end(task: Task) -> None:
        end_orphans(settings.run, task.name)

    whole = [task for task in tasks if not task.fault]
    for task, outcome in outcomes(whole, submit, waiting, on_lost=end):
        if isinstance(outcome, Exception):
            fault = Fault.unforeseen(outcome)
            if isinstance(outcome, WorkerLost):
                fault = Fault(FaultKind.WORKER_LOST, str(outcome))
            yield Result(task, fault, time.perf_counter() - begun[task.name])
        else:
            yield outcome


def run_task(task: Task, settings: Settings) -> Result:
    """Execute a task's notebook in this process; what goes wrong is the result's fault.

    The executed notebook and its page are written to the settings' folder.
    """
    # Here and not above: the process that only waits for results starts without them.
    from course_utils.runs.execute import execute, kernel_environment
    from course_utils.runs.pages import write_page
    from course_utils.runs.readings import find_device, find_measured
    from course_utils.runs.warm import fork_servers, runs_on_cpu

    begin = time.perf_counter()
    result = Result(task)
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        output = settings.folder / f"{task.name}.ipynb"
        result = replace(result, checksum=checksum_of(task.notebook))
        on_cpu = runs_on_cpu(task.device, kernel_environment(task.values))
        limits = thread_limits(settings.threads)
        execution = execute(
            task.notebook,
            output=output,
            parameters=task.values,
            env=limits | run_mark(settings.run, task.name),
            limits=settings.limits,
            warm=settings.warm and on_cpu,
        )
        result = replace(
            result,
            fault=execution.fault,
            notebook=output.name,
            cell=execution.cell,
            device=find_device(execution.notebook),
            measured=find_measured(execution.notebook),
        )
        if settings.pages:
            page = output.with_suffix(".html")
            folder, beside = task.notebook.parent, pages_beside(task, settings.names)
            write_page(execution.notebook, page, folder, result.cell, beside)
            result = replace(result, page=page.name)
    except OSError as error:
        fault = disk_fault(error, settings.folder)
        if not task.notebook.exists():
            fault = Fault.missing(task.notebook)
        result = replace(result, fault=result.fault or fault)
    except Exception as error:
        result = replace(result, fault=result.fault or Fault.unforeseen(error))
    finally:
        end_orphans(settings.run, task.name)
        end_adopted(spared=fork_servers())
    return replace(result, seconds=time.perf_counter() - begin)


def pages_beside(task: Task, names: Sequence[str]) -> dict[str, str]:
    """Return the pages of the runs that are like this one, by their notebooks' names.

    >>> names = ["01--seed-1", "01--seed-2", "03--seed-1", "03--seed-2"]
    >>> pages_beside(Task("01--seed-2", Path("01.ipynb")), names)
    {'01.ipynb': '01--seed-2.html', '03.ipynb': '03--seed-2.html'}
    """
    first, _, last = task.name.partition(task.notebook.stem)
    return {
        f"{name.removeprefix(first).removesuffix(last)}.ipynb": f"{name}.html"
        for name in names
        if name.startswith(first) and name.endswith(last)
    }


def checksum_of(notebook: Path) -> str:
    """Return the SHA-256 of a notebook's file.

    Raises:
        OSError: it can't be read.
    """
    return hashlib.sha256(notebook.read_bytes()).hexdigest()


def disk_fault(error: OSError, folder: Path) -> Fault:
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


@contextmanager
def show_progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Yield what shows a result on stderr: in a bar on a terminal, else as a line."""
    with tqdm(total=total, unit="run", desc="Running", disable=None) as bar:

        def show(result: Result) -> None:
            line = f"{result.task.label}: {result.state}"
            if result.seconds is not None:
                line += f", {result.seconds:.1f} s"
            if bar.disable:
                bar.n += 1
                print(f"[{bar.n}/{total}] {line}", file=sys.stderr, flush=True)
                return
            if result.fault:
                bar.write(line, file=sys.stderr)
            bar.set_postfix_str(result.task.lesson)
            bar.update()

        yield show
