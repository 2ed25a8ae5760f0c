"""The form in which a notebook is stored: nothing that differs from run to run."""

from itertools import count

import nbformat
from nbformat import NotebookNode

from course_utils.display.bundles import WIDGET_VIEW

KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
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


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Strip, in place, what changes from one execution or machine to the next.

    Tags, folded cells, what explains an error, execution counts and outputs stay.
    Widget views go, and so does all other metadata. A cell without an id gets one.

    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> cell = new_code_cell("x = 1", metadata={"collapsed": True, "tags": ["setup"]})
    >>> normalise(new_notebook(cells=[cell])).cells[0].metadata
    {'tags': ['setup']}
    """
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": LANGUAGE}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken = {cell.get("id") for cell in notebook.cells}
    free = (f"cell-{n:02d}" for n in count() if f"cell-{n:02d}" not in taken)
    for cell in notebook.cells:
        if "id" not in cell:
            cell["id"] = next(free)
        cell.metadata = _only(cell.metadata, "tags", "jupyter", "cellView", "explained")
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

    >>> from nbformat.v4 import new_notebook
    >>> dumps(new_notebook()).splitlines()[:2]
    ['{', ' "cells": [],']
    """
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"
