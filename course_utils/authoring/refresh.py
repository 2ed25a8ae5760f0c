"""Execute lessons and store their outputs in one normal form."""

import os
from itertools import count
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.display.bundles import ERROR_CLASS, WIDGET_VIEW
from course_utils.errors import CourseError
from course_utils.files import write_whole
from course_utils.runs.execute import execute

CELL_TIMEOUT = 600.0  # seconds
DISPLAY_NAME = "Python 3 (ipykernel)"
KERNEL = {"display_name": DISPLAY_NAME, "language": "python", "name": "python3"}
ROOT = Path(__file__).resolve().parents[2]


def refresh(path: Path) -> None:
    """Execute a lesson on the CPU and store its outputs; on a fault, change nothing.

    Raises:
        CourseError: a cell failed, took over CELL_TIMEOUT seconds, or killed the
            kernel, or a playground's drawing failed; or `path` is no notebook.
        OSError: `path` can't be read or written.

    Example:
        >>> refresh(Path("99_none.ipynb"))
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: '99_none.ipynb'
    """
    executed = with_outputs(normalise(read(path)), path.resolve().parent)
    write_whole(path, dumps(normalise(executed)))


def with_outputs(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return `notebook` as executed in `folder` on the CPU, with this course_utils.

    Raises:
        CourseError: as `refresh`.

    Example:
        >>> from nbformat.v4 import new_notebook
        >>> with_outputs(new_notebook(), Path("no_such_folder"))
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {"COURSE_DEVICE": "cpu", "PYTHONPATH": path}
    execution = execute(notebook, cwd=folder, env=env, cell_timeout=CELL_TIMEOUT)
    if execution.fault:
        raise CourseError(execution.fault.cause)
    for index, cell in enumerate(execution.notebook.cells):
        if any(ERROR_CLASS in str(output) for output in cell.get("outputs", [])):
            raise CourseError(f"cell {index}: a playground's drawing failed.")
    return execution.notebook


def normalise_file(path: Path) -> None:
    """Normalise the notebook in a file without executing it.

    Raises:
        CourseError: `path` is no notebook.
        OSError: `path` can't be read or written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "lesson.ipynb")
        ...     write_whole(path, nbformat.writes(nbformat.v4.new_notebook()))
        ...     normalise_file(path)
        ...     check_file(path)
    """
    write_whole(path, dumps(normalise(read(path))))


def check_file(path: Path) -> None:
    """Raise CourseError if the notebook in a file is not normalised.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "lesson.ipynb")
    ...     write_whole(path, nbformat.writes(nbformat.v4.new_notebook()))
    ...     check_file(path)
    Traceback (most recent call last):
    course_utils.errors.CourseError: not normalised: run `course refresh --normalise`.
    """
    if path.read_bytes() != dumps(normalise(read(path))).encode():
        raise CourseError("not normalised: run `course refresh --normalise`.")


def read(path: Path) -> NotebookNode:
    """Read a notebook as it is stored.

    Raises:
        CourseError: the file is no notebook.
        OSError: the file can't be read.

    Example:
        >>> read(Path("99_none.ipynb"))
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: '99_none.ipynb'
    """
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise CourseError(f"it is no notebook: {error}") from None


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Strip, in place, what changes from one execution or machine to the next.

    >>> notebook = nbformat.v4.new_notebook(metadata={"papermill": {"duration": 1}})
    >>> sorted(normalise(notebook).metadata)
    ['kernelspec', 'language_info']
    """
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python")
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken = {cell.get("id") for cell in notebook.cells}
    fresh = (f"cell-{n:02d}" for n in count() if f"cell-{n:02d}" not in taken)
    for cell in notebook.cells:
        if "id" not in cell:
            cell["id"] = next(fresh)
        cell.metadata = _only(cell.metadata, "tags", "jupyter", "cellView")
        if hidden := cell.metadata.get("jupyter"):
            cell.metadata["jupyter"] = _only(hidden, "source_hidden", "outputs_hidden")
        cell.source = cell.source.strip("\n")
        if cell.cell_type == "code":
            cell.outputs = _outputs(cell.outputs)
    return notebook


def _only(metadata: NotebookNode, *keys: str) -> NotebookNode:
    return NotebookNode({k: metadata[k] for k in keys if metadata.get(k)})


def _outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    merged: list[NotebookNode] = []
    for output in outputs:
        output.get("data", {}).pop(WIDGET_VIEW, None)
        # Only streams have a name: "stdout" or "stderr".
        if merged and "name" in output and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def dumps(notebook: NotebookNode) -> str:
    """Return the text of a notebook's file: indent 1, UTF-8, one final newline.

    >>> dumps(nbformat.v4.new_notebook()).endswith("}\\n")
    True
    """
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"
