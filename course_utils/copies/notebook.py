"""A notebook as an update looks at it: cells, and what each of them says."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_utils.errors import CourseError


def read_cells(content: bytes) -> list[NotebookNode]:
    """Return the cells of a notebook's file, of whatever version of the format.

    It asks for no more than cells that have a type and a source: what a learner wrote
    is not given up because an output is malformed. The cells have ids, those of Colab
    where the file has them there; one that has none, or one that an earlier cell has,
    gets "".

    Raises:
        CourseError: it is no notebook.

    Example:
        >>> from nbformat.v4 import new_markdown_cell, new_notebook, writes
        >>> notebook = new_notebook(cells=[new_markdown_cell("a note", id="n1")])
        >>> [(cell.id, cell.source) for cell in read_cells(writes(notebook).encode())]
        [('n1', 'a note')]
    """
    try:
        found = json.loads(content.decode("utf-8-sig"))
        if found.get("nbformat") != 4:
            text = content.decode("utf-8-sig")
            found = nbformat.reads(text, as_version=4)
        cells = [_cell(cell) for cell in found["cells"]]
    except Exception as error:  # nbformat raises many kinds for what it can't read
        raise CourseError("it is no notebook that can be read.") from error
    taken = {""}
    for cell in cells:
        cell.id = "" if cell.id in taken else cell.id
        taken.add(cell.id)
    return cells


def _cell(found: dict[str, object]) -> NotebookNode:
    cell: Any = nbformat.from_dict(dict(found))
    if not isinstance(cell.cell_type, str):
        raise TypeError("a cell without a type")
    cell.source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
    metadata = cell.get("metadata")
    cell.metadata = metadata if isinstance(metadata, dict) else NotebookNode()
    cell.id = str(cell.get("id") or cell.metadata.get("id") or "")
    return cell


def digest(cell: NotebookNode) -> str:
    """Return what tells a cell's type and text from others; blanks at its end don't.

    Example:
        >>> from nbformat.v4 import new_code_cell
        >>> digest(new_code_cell("x = 1\\n")) == digest(new_code_cell("x = 1"))
        True
    """
    text = f"{cell.cell_type}\0{cell.source.rstrip()}"
    # A pasted file may hold half a character.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def outline(cells: Sequence[NotebookNode]) -> list[tuple[str, str]]:
    """Return each cell's id and digest: all of a notebook but outputs and metadata.

    Example:
        >>> outline([])
        []
    """
    return [(cell.id, digest(cell)) for cell in cells]


def has_tag(cell: NotebookNode, tag: str) -> bool:
    """Return whether a cell has this tag.

    Example:
        >>> from nbformat.v4 import new_code_cell
        >>> has_tag(new_code_cell(metadata={"tags": ["exercise"]}), "exercise")
        True
    """
    tags = cell.metadata.get("tags")
    return isinstance(tags, list) and tag in tags
