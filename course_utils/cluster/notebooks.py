"""Notebooks that run on a Dask cluster: they travel, and what comes of them."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from course_utils.cluster.executor import Cluster
from course_utils.files import write_whole
from course_utils.runs.batch import disk_fault
from course_utils.runs.model import Fault, Result, Settings, Task

T = TypeVar("T")
_Arrived = tuple[Result, dict[str, bytes], Path]


class NotebookCluster(Cluster):
    """Runs the tasks of a batch on a cluster, for `run_batch`."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Schedule `run_task` for a task and its settings."""
        task, settings = args
        try:
            content = task.notebook.read_bytes()
        except OSError:
            gone: Future[Any] = Future()
            gone.set_result(Result(task, Fault.missing(task.notebook)))
            return gone
        call: Any = super().submit(run_there, fn, task, settings, content, **kwargs)
        return call

    def received(self, result: _Arrived) -> Result:
        """Write the files of a run to the batch's folder, and return its result."""
        ended, files, folder = result
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                write_whole(folder / name, content)
        except OSError as error:
            fault = ended.fault or disk_fault(error, folder)
            return replace(ended, fault=fault, notebook=None, page=None)
        return ended


def run_there(
    run: Callable[[Task, Settings], Result],
    task: Task,
    settings: Settings,
    content: bytes,
) -> _Arrived:
    """Run a notebook in a folder of its own; return its result and files by name.

    It runs on a worker, and takes one thread where the settings name no number: there
    are as many workers as there are cores.
    """
    with TemporaryDirectory(prefix="course-run-", ignore_cleanup_errors=True) as place:
        here, out = Path(place, "notebook"), Path(place, "out")
        here.mkdir()
        notebook = here / task.notebook.name
        notebook.write_bytes(content)
        own = replace(settings, folder=out, threads=settings.threads or 1)
        result = run(replace(task, notebook=notebook), own)
        names = [name for name in (result.notebook, result.page) if name]
        files = {name: (out / name).read_bytes() for name in names}
    return replace(result, task=task), files, settings.folder
