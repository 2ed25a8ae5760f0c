"""Which cell of a new lesson a cell of a learner's file is."""

import re
from collections.abc import Callable, Mapping, Sequence

from nbformat import NotebookNode

from course_utils.copies.notebook import digest, has_tag

# `def line`, `class Line` and `line = ...`, where a line begins with them.
_DEFINITION = re.compile(
    r"(?m)^(?:(?:async +)?def|class) +(\w+)|^(\w+) *(?::[^=\n]*)?=(?!=)"
)
_PARAMETERS = "parameters:"  # no name of Python


def find_origins(
    cells: Sequence[NotebookNode],
    places: Mapping[str, NotebookNode],
    known: Mapping[str, str],
) -> list[str]:
    """Return for each cell the id of the lesson's cell that it is; "" for none.

    What a cell says counts first. An exercise is then the one that asks for a name
    that the cell defines, and parameters are parameters, whatever their ids are by
    now: a new version may give a cell another id, or its id to another cell, and some
    programs save cells without ids or tags. Ids count last.

    Args:
        cells: of the learner's file, as `read_cells` returns them.
        places: the cells of the new lesson, by their ids.
        known: the digests of the lesson as it was given out, by id.

    Returns:
        No id twice. A cell of the learner's own has none.

    Example:
        >>> from nbformat.v4 import new_code_cell
        >>> tagged = {"tags": ["exercise"]}
        >>> stub = new_code_cell("def line(x): ...", id="new", metadata=tagged)
        >>> answer = new_code_cell("def line(x): return x", id="old", metadata=tagged)
        >>> find_origins([answer], {"new": stub}, {})
        ['new']
    """
    by_name = {id: new for id, new in places.items() if asked(new)}
    given = {id: new for id, new in by_name.items() if id in known}
    origins = [""] * len(cells)
    for keys, among in (
        (lambda cell: [(cell.id, digest(cell))], places),
        (lambda cell: [digest(cell)], places),
        (lambda cell: [(cell.id, name) for name in asked(cell)], by_name),
        (asked, by_name),
        (lambda cell: asked(cell) or _own_names(cell, known), given),  # a lost tag
        (lambda cell: [cell.id] if cell.id in known else [], places),
    ):
        _match(cells, among, keys, origins)
    return origins


def asked(cell: NotebookNode) -> list[str]:
    """Return the names that a lesson knows a cell by: what an exercise defines.

    Example:
        >>> from nbformat.v4 import new_code_cell
        >>> asked(new_code_cell("size = ...", metadata={"tags": ["exercise"]}))
        ['size']
    """
    if has_tag(cell, "parameters"):
        return [_PARAMETERS]
    return defined(cell) if has_tag(cell, "exercise") else []


def defined(cell: NotebookNode) -> list[str]:
    """Return the names that a cell of code defines, also one that is no Python yet.

    Example:
        >>> from nbformat.v4 import new_code_cell
        >>> defined(new_code_cell("size: int = 3; half = size"))
        ['size']
    """
    found = _DEFINITION.finditer(cell.source) if cell.cell_type == "code" else ()
    return [match[1] or match[2] for match in found]


def _own_names(cell: NotebookNode, known: Mapping[str, str]) -> list[str]:
    return [] if cell.id in known else defined(cell)


def _match(
    cells: Sequence[NotebookNode],
    among: Mapping[str, NotebookNode],
    keys: Callable[[NotebookNode], Sequence[object]],
    origins: list[str],
) -> None:
    """Give each cell without an origin the first free place with one of its keys."""
    taken = set(origins)
    free: dict[object, list[str]] = {}
    for id, new in among.items():
        for key in keys(new):
            free.setdefault(key, []).append(id)
    for index, cell in enumerate(cells):
        if not origins[index]:
            ids = (id for key in keys(cell) for id in free.get(key, []))
            origins[index] = next((id for id in ids if id not in taken), "")
            taken.add(origins[index])
