"""Execute lessons and store their outputs in one normal form."""

import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.authoring.normal_form import dumps, normalise
from course_utils.display.bundles import ERROR_CLASS
from course_utils.errors import CourseError
from course_utils.files import write_whole
from course_utils.runs.execute import execute
from course_utils.runs.model import Limits

ROOT = Path(__file__).resolve().parents[2]


def refresh(path: Path, *, only_normalise: bool = False) -> None:
    """Execute a lesson on the CPU and store its outputs; on a fault, change nothing.

    Raises:
        CourseError: a cell failed, went over the usual limits, or killed the
            kernel, or a playground's drawing failed; or `path` is no notebook.
        OSError: `path` can't be read or written.

    Example:
        >>> refresh(Path("99_none.ipynb"))
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: '99_none.ipynb'
    """
    notebook = normalise(_read(path))
    if not only_normalise:
        notebook = normalise(with_outputs(notebook, path.resolve().parent))
    write_whole(path, dumps(notebook))


def with_outputs(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return `notebook` as executed in `folder` on the CPU, with this course_utils.

    Raises:
        CourseError: as `refresh`.
    """
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {"COURSE_DEVICE": "cpu", "PYTHONPATH": path}
    execution = execute(notebook, cwd=folder, env=env, limits=Limits())
    if execution.fault:
        raise CourseError(execution.fault.cause)
    for index, cell in enumerate(execution.notebook.cells):
        if any(ERROR_CLASS in str(output) for output in cell.get("outputs", [])):
            raise CourseError(f"cell {index}: a playground's drawing failed.")
    return execution.notebook


def check_normalised(path: Path) -> None:
    """Raise CourseError if the notebook in a file is not normalised."""
    if path.read_bytes() != dumps(normalise(_read(path))).encode():
        raise CourseError("not normalised: run `course refresh --normalise`.")


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise CourseError(f"it is no notebook: {error}") from None
