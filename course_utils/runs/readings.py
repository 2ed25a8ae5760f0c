"""What an executed notebook says: the device it ran on, and what it measured."""

import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from course_utils.display.bundles import MEASURED

# As `setup` prints it.
_DEVICE = re.compile(r"^Device: (\S+)\. Seed: \d+\.$", re.MULTILINE)


def find_device(notebook: NotebookNode) -> str:
    """Return the device that the lesson's setup chose, "" if it chose none.

    >>> from nbformat.v4 import new_code_cell, new_notebook, new_output
    >>> output = new_output("stream", text="Device: cuda:1. Seed: 0.\\n")
    >>> find_device(new_notebook(cells=[new_code_cell(outputs=[output])]))
    'cuda:1'
    """
    for output in _outputs(notebook):
        if output.output_type == "stream":
            if found := _DEVICE.search(output.text):
                return found[1]
    return ""


def find_measured(notebook: NotebookNode) -> tuple[dict[str, Any], ...]:
    """Return what `measured` put out in a notebook, in order, also what is folded.

    What is not as `measured` makes it is left out: a notebook can put out anything.
    """
    found: list[Any] = []
    for output in _outputs(notebook):
        bundle = output.get("data", {}).get(MEASURED)
        found += bundle if isinstance(bundle, list) else [bundle]  # a list: folded
    return tuple(dict(bundle) for bundle in found if _is_whole(bundle))


def _is_whole(bundle: Any) -> bool:
    try:
        values, labels = bundle["values"], bundle["runs"]
        list(map(float, [*values, bundle["low"], bundle["high"]]))
        return isinstance(bundle["name"], str) and len(labels) in (0, len(values))
    except (TypeError, ValueError, KeyError, OverflowError):
        return False


def _outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])
