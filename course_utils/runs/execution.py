"""One notebook through papermill, and what its exception means."""

from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from course_utils.runs import engine, faults
from course_utils.runs.kernel import KernelWatch, kernel_environment
from course_utils.runs.strays import run_mark
from course_utils.runs.tasks import Task


def execute(task: Task, settings) -> faults.Fault | None:
    """Execute `task` into `settings.partial(task, ".ipynb")`; return what went wrong.

    Raises:
        OSError: a file could not be written.
    """
    env = kernel_environment(
        "device" in task.values, settings.threads, run_mark(settings.run, task.name)
    )
    log = settings.partial(task, ".log")
    watch = KernelWatch(env, log, settings.cell_timeout)
    try:
        notebook = papermill.execute_notebook(
            _plain(task.notebook),
            _plain(settings.partial(task, ".ipynb").resolve()),
            parameters=task.values,
            kernel_name="python3",
            language="python",
            engine_name=engine.NAME,
            progress_bar=False,
            cwd=task.notebook.parent,
            shutdown_kernel="immediate",
            **watch.client_options(),
        )
    except PapermillExecutionError as error:
        if watch.expired is not None:
            return faults.timeout_fault(settings.cell_timeout, watch.expired)
        return faults.raised_fault(error.ename, error.evalue, error.exec_count)
    except DeadKernelError:
        if watch.expired is not None:
            return faults.timeout_fault(settings.cell_timeout, watch.expired)
        return faults.dead_kernel_fault(watch.exit_code, watch.count)
    except RuntimeError as error:
        # nbclient has no kind of its own for a kernel that never answers.
        if watch.cells:
            return faults.other_fault(error)
        written = log.read_text(errors="replace") if log.exists() else ""
        return faults.no_kernel_fault(written)
    if watch.expired is not None:
        return faults.timeout_fault(settings.cell_timeout, watch.expired)
    return _early_end(notebook)


def _plain(path: Path) -> str:
    # papermill fills in what stands in braces.
    return str(path).replace("{", "{{").replace("}", "}}")


def _early_end(notebook: nbformat.NotebookNode) -> faults.Fault | None:
    """Name a notebook that ended before its last cell, as `exit()` makes it."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    done = [cell for cell in cells if cell.execution_count is not None]
    if len(done) == len(cells):
        return None
    return faults.Fault(
        "ended early",
        f"The notebook left off in cell [{len(done)}] of {len(cells)}: "
        "a cell of a lesson must not exit.",
    )
