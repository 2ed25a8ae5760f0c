"""One lesson of a learner and the same lesson of the course, brought together."""

import copy
import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from nbformat import NotebookNode, v4

from course_utils.copies.notebook import digest, has_tag, outline
from course_utils.copies.parameters import carry_parameters
from course_utils.copies.record import Released

_MAKERS = {
    "code": v4.new_code_cell,
    "markdown": v4.new_markdown_cell,
    "raw": v4.new_raw_cell,
}
_DEFINITION = re.compile(r"(?m)^(?:def|class) +(\w+)")
_TOP = ""  # the place above the first cell


@dataclass
class Merged:
    """The new lesson with what is the learner's, and a count of that.

    >>> Merged(v4.new_notebook()).own
    0

    Attributes:
        notebook: the new lesson.
        answers: answers that stand in their exercises.
        own: cells that the learner added, or changed in a place that is gone.
        edited: other cells of the lesson that stand as the learner changed them.
        parameters: names of those that have the learner's values.
        rewritten: the first lines of exercises that the new lesson may ask in
            another way.
        left: the first lines of cells whose change is in the old file alone.
    """

    notebook: NotebookNode
    answers: int = 0
    own: int = 0
    edited: int = 0
    parameters: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def is_untouched(cells: Sequence[NotebookNode], released: Released) -> bool:
    """Return whether a learner's cells are those that were given out, in that order.

    Args:
        cells: of the learner's file.
        released: the lesson as it was given out.

    Returns:
        True also where it was executed: outputs, metadata and the empty cell that
        JupyterLab puts at the end don't count.

    Example:
        >>> is_untouched([v4.new_markdown_cell("a note")], Released({}))
        False
    """
    kept = [cell for cell in cells if cell.source.strip() or cell.id in released.cells]
    return outline(kept) == list(released.cells.items())


def merge(
    cells: Sequence[NotebookNode], lesson: NotebookNode, released: Released | None
) -> Merged:
    """Carry what is the learner's over into a lesson of the course.

    The order is that of the new lesson. A cell of the learner's own stands below the
    cell that it stood below before, or the nearest one above that is still there.

    Args:
        cells: of the learner's file, as `read_cells` returns them.
        lesson: the new lesson; it is not changed.
        released: the lesson as the learner was given it. None if that is not known:
            then a cell that differs from the new lesson may have been changed by
            either side. Answers stand, and other cells stand as the learner has them
            only where that holds all of the new cell's text.

    Returns:
        The new lesson, and what was carried over.

    Example:
        >>> lesson = v4.new_notebook(cells=[v4.new_markdown_cell("# Lines", id="a")])
        >>> note = v4.new_markdown_cell("mine", id="b")
        >>> merged = merge([*lesson.cells, note], lesson, Released.of(lesson.cells))
        >>> [cell.source for cell in merged.notebook.cells], merged.own
        (['# Lines', 'mine'], 1)
    """
    merged = Merged(copy.deepcopy(lesson))
    places = {cell.id: cell for cell in merged.notebook.cells}
    known = released.cells if released else {id: digest(places[id]) for id in places}
    below: dict[str, list[NotebookNode]] = {}
    place = _TOP
    for cell, origin in zip(cells, _origins(cells, known, places), strict=True):
        place = origin if origin in places else place
        if not origin:
            kept = [cell] if cell.source.strip() else []
        elif digest(cell) in (known.get(origin), _digest_at(origin, places)):
            continue  # as the course has it, or had it
        elif origin in places:
            kept = _change(cell, places[origin], released, merged)
        else:
            kept = [cell]  # the learner's change of a cell that is gone
        below.setdefault(place, []).extend(kept)
    _insert(below, merged)
    return merged


def _digest_at(origin: str, places: Mapping[str, NotebookNode]) -> str | None:
    return digest(places[origin]) if origin in places else None


def _origins(
    cells: Sequence[NotebookNode],
    known: Mapping[str, str],
    places: Mapping[str, NotebookNode],
) -> list[str]:
    """Return for each cell the id of the course's cell that it is, "" if none.

    A cell that has another id by now, or none, as some programs save it, is known by
    its text; an exercise by the name that it defines.
    """
    ids = known.keys() | {
        id for id, new in places.items() if any(_same(cell, id, new) for cell in cells)
    }
    origins = [cell.id if cell.id in ids else "" for cell in cells]
    free = {text: id for id, text in known.items() if id not in origins}
    for index, cell in enumerate(cells):
        origins[index] = origins[index] or free.pop(digest(cell), "")
    asked = {name: id for id in places if (name := _defined(places[id]))}
    for index, cell in enumerate(cells):
        id = asked.get(_defined(cell), "")
        if not origins[index] and id in known and id not in origins:
            origins[index] = id
    return origins


def _defined(cell: NotebookNode) -> str:
    """Return the name that an exercise asks for, or its answer defines; "" if none."""
    match = _DEFINITION.search(cell.source) if has_tag(cell, "exercise") else None
    return match[1] if match else ""


def _same(cell: NotebookNode, id: str, new: NotebookNode) -> bool:
    return cell.id == id and digest(cell) == digest(new)


def _change(
    mine: NotebookNode, new: NotebookNode, released: Released | None, merged: Merged
) -> list[NotebookNode]:
    """Put a changed cell into its place; return it if it has to stand below."""
    if not mine.source.strip():
        return []  # emptied: as good as deleted
    if mine.cell_type != new.cell_type:
        return [mine]
    first_line = new.source.strip().partition("\n")[0]
    ours = released is not None and released.cells.get(new.id) == digest(new)
    if has_tag(new, "parameters"):
        before = released.parameters if released else None
        carried = carry_parameters(mine.source, new.source, before)
        new.source = carried.source
        merged.parameters += carried.names
        if not carried.complete:
            merged.left.append(first_line)
    elif has_tag(new, "exercise"):
        new.source = mine.source
        new.outputs, new.execution_count = [], None
        merged.answers += 1
        if not ours:
            merged.rewritten.append(first_line)
    elif ours or new.source.strip() in mine.source:
        stands = _copy(mine, new.id)
        new.update({k: v for k, v in stands.items() if k != "metadata"})
        merged.edited += 1
    elif released is None or mine.cell_type == "code":
        merged.left.append(first_line)  # two versions of it would both run
    else:
        return [mine]
    return []


def _insert(below: Mapping[str, list[NotebookNode]], merged: Merged) -> None:
    """Put the learner's own cells below those that they belong to."""
    lesson = merged.notebook.cells
    taken = {cell.id for cell in lesson}
    cells: list[NotebookNode] = []

    def add(place: str) -> None:
        for cell in below.get(place, []):
            id = cell.id if cell.id not in taken else ""
            cells.append(_copy(cell, id or uuid.uuid4().hex[:8]))
            taken.add(cells[-1].id)
            merged.own += 1

    add(_TOP)
    for cell in lesson:
        cells.append(cell)
        add(cell.id)
    merged.notebook.cells = cells


def _copy(cell: NotebookNode, id: str) -> NotebookNode:
    """Return a valid cell with the text of another, and the rest of it if that is."""
    make = _MAKERS.get(cell.cell_type, v4.new_raw_cell)
    names = ("metadata", "attachments", "outputs", "execution_count")
    rest = {name: copy.deepcopy(cell[name]) for name in names if name in cell}
    for parts in ({**rest, "id": id}, rest, {"id": id}):
        with suppress(Exception):  # what the maker is given may be anything
            return make(cell.source, **parts)
    return make(cell.source)
