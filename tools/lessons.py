"""Execute the lessons and store their outputs in one normal form.

    python tools/lessons.py refresh [notebook ...]    execute, then normalise
    python tools/lessons.py normalise [notebook ...]  normalise only
    python tools/lessons.py check [notebook ...]      name what is not normalised

Without names: every lesson in notebooks/. A lesson is executed top to bottom on
the CPU from a fresh kernel of this interpreter, in its own folder. It is written
only when all of it has succeeded.
"""

import argparse
import os
import sys
import time
from itertools import count
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT = 600  # seconds
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
DRAWING_ERROR = "course-error"
DISPLAY_NAME = "Python 3 (ipykernel)"
KERNEL = {"display_name": DISPLAY_NAME, "language": "python", "name": "python3"}
# What JupyterLab writes when it opens a lesson with the kernel of tools/jupyter, so
# that opening one changes nothing. Python's version is left out on both sides.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


class LessonError(Exception):
    """A lesson that can't be refreshed; the message says which cell and why."""


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Execute `notebook` in `folder` on the CPU, storing the new outputs in it.

    Raises:
        LessonError: a cell failed, took over CELL_TIMEOUT seconds, or killed the
            kernel, or a playground's drawing failed.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        extra_arguments=["--log-level=40"],
    )
    # An installed kernelspec may start another Python: take this one.
    manager = client.create_kernel_manager()
    manager.kernel_spec.argv[0] = sys.executable
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    try:
        client.execute(env=os.environ | {"COURSE_DEVICE": "cpu", "PYTHONPATH": path})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise LessonError(_failure(notebook, error)) from None
    for index, cell in enumerate(notebook.cells):
        if any(DRAWING_ERROR in str(output) for output in cell.get("outputs", [])):
            raise LessonError(f"cell {index}: a playground's drawing failed.")


def _failure(notebook: nbformat.NotebookNode, error: Exception) -> str:
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                where = f"cell {index} ('{cell.source.strip().splitlines()[0]}')"
                return f"{where} raised {output.ename}: {output.evalue}"
    return str(error).strip()


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Strip, in place, what changes from one execution or machine to the next."""
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": LANGUAGE}
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


def _only(metadata: dict, *keys: str) -> nbformat.NotebookNode:
    return nbformat.from_dict({k: metadata[k] for k in keys if metadata.get(k)})


def _outputs(outputs: list) -> list:
    merged = []
    for output in outputs:
        output.get("data", {}).pop(WIDGET_VIEW, None)
        # Only streams have a name: "stdout" or "stderr".
        if merged and "name" in output and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def dumps(notebook: nbformat.NotebookNode) -> str:
    """Return the text of a notebook's file: indent 1, UTF-8, one final newline."""
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)


def run(task: str, path: Path) -> None:
    """Refresh, normalise or check one notebook; see the module's first lines."""
    notebook = nbformat.read(path, as_version=4)
    if task == "refresh":
        execute(notebook, path.resolve().parent)
    text = dumps(normalise(notebook))
    if task != "check":
        _write(path, text)
    elif path.read_bytes() != text.encode():
        raise LessonError("not normalised: run python tools/lessons.py normalise.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["refresh", "normalise", "check"])
    parser.add_argument("notebooks", nargs="*", type=Path)
    options = parser.parse_args(arguments)
    failed = 0
    lessons = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    for path in options.notebooks or lessons:
        start = time.perf_counter()
        try:
            run(options.task, path)
            print(f"{path.name}: ok, {time.perf_counter() - start:.1f} s")
        except (LessonError, OSError, ValueError, nbformat.ValidationError) as error:
            failed += 1
            print(f"{path.name}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
