"""Runs one task in this process: notebook in, executed notebook and page out."""

import time
from dataclasses import dataclass
from pathlib import Path

from course_utils.runs import faults
from course_utils.runs.strays import end_strays
from course_utils.runs.tasks import Task

PARTIAL = ".partial"


@dataclass(frozen=True)
class Settings:
    """What all runs of a batch share: `folder` takes the results, `run` marks them."""

    folder: Path
    run: str
    cell_timeout: float | None = 600.0
    pages: bool = True
    threads: int | None = None

    def partial(self, task: Task, suffix: str) -> Path:
        """Return where a file is written before it is whole."""
        return self.folder / PARTIAL / f"{task.name}{suffix}"


@dataclass(frozen=True)
class Result:
    """How one task ended; `notebook` and `page` are names of files in the folder."""

    task: Task
    fault: faults.Fault | None = None
    seconds: float | None = None
    notebook: str | None = None
    page: str | None = None

    @property
    def state(self) -> str:
        return self.fault.kind if self.fault else "succeeded"


def run_task(task: Task, settings: Settings) -> Result:
    """Execute a task's notebook; every failure becomes the result's fault."""
    begin = time.perf_counter()
    begun = settings.partial(task, ".begun")
    fault = notebook = page = None
    try:
        begun.parent.mkdir(parents=True, exist_ok=True)
        begun.touch()
        fault = _execute(task, settings)
        notebook = _keep(task, settings, ".ipynb")
        if notebook and settings.pages:
            source, target = settings.folder / notebook, settings.partial(task, ".html")
            _write_page(source, target, task.notebook.parent)
            page = _keep(task, settings, ".html")
    except OSError as error:
        fault = fault or faults.disk_fault(error, settings.folder)
    except Exception as error:
        fault = fault or faults.other_fault(error)
    finally:
        end_strays(settings.run, task.name)
        for suffix in (".begun", ".log", ".ipynb", ".html"):
            settings.partial(task, suffix).unlink(missing_ok=True)
    return Result(task, fault, time.perf_counter() - begin, notebook, page)


def _execute(task: Task, settings: Settings) -> faults.Fault | None:
    """Execute the notebook into the partial folder, a kernel without start twice."""
    from course_utils.runs.execution import execute

    fault = execute(task, settings)
    if fault and fault.kind == "no kernel":
        # Kernels that start together can choose the same port; then one gives up.
        fault = execute(task, settings)
    return fault


def _write_page(source: Path, target: Path, folder: Path) -> None:
    from course_utils.runs.pages import write_page

    write_page(source, target, folder)


def _keep(task: Task, settings: Settings, suffix: str) -> str | None:
    """Move a partial file, now whole, to its place; return its name."""
    partial, name = settings.partial(task, suffix), f"{task.name}{suffix}"
    if not partial.exists():
        return None
    partial.replace(settings.folder / name)
    return name
