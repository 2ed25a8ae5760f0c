"""One lesson of a learner and the same lesson of the course, brought together."""

import copy
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from nbformat import NotebookNode, v4

from course_utils.copies.notebook import digest, has_tag, outline
from course_utils.copies.origins import asked, defined, find_origins
from course_utils.copies.parameters import carry_parameters
from course_utils.copies.record import Released

_MAKERS = {
    "code": v4.new_code_cell,
    "markdown": v4.new_markdown_cell,
    "raw": v4.new_raw_cell,
}
_KINDS = ("exercise", "parameters")
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
    known = released.cells if released else dict(outline(lesson.cells))
    origins = find_origins(cells, places, known)
    below: dict[str, list[NotebookNode]] = {}
    place = _TOP
    for cell, origin, given in zip(cells, origins, _given(cells, known), strict=True):
        place = origin or place
        if given or not cell.source.strip():  # emptied is as good as deleted
            continue
        kept = _change(cell, places[origin], released, merged) if origin else [cell]
        below.setdefault(place, []).extend(kept)
    _insert(below, merged)
    return merged


def _given(cells: Sequence[NotebookNode], known: Mapping[str, str]) -> list[bool]:
    """Return for each cell whether it says what the course gave out.

    Of cells that say the same, as many are the course's as it gave out.
    """
    given = [known.get(cell.id) == digest(cell) for cell in cells]
    free = Counter(known.values())
    free.subtract(known[cell.id] for cell, one in zip(cells, given, strict=True) if one)
    for index, cell in enumerate(cells):
        if not given[index] and free[text := digest(cell)] > 0:
            given[index] = True
            free[text] -= 1
    return given


def _change(
    mine: NotebookNode, new: NotebookNode, released: Released | None, merged: Merged
) -> list[NotebookNode]:
    """Put a changed cell into its place; return it if it has to stand below."""
    if digest(mine) == digest(new):
        return []
    ours = released is not None and released.cells.get(new.id) == digest(new)
    if mine.cell_type != new.cell_type or not (ours or _one_kind(mine, new)):
        return [mine]
    first_line = new.source.strip().partition("\n")[0]
    if has_tag(new, "parameters"):
        before = released.parameters if released else None
        carried = carry_parameters(mine.source, new.source, before)
        new.source = carried.source
        merged.parameters += carried.names
        if not carried.complete:
            merged.left.append(first_line)
    elif has_tag(new, "exercise") and (released or not _unanswered(mine)):
        stub, new.source = digest(new), mine.source
        new.outputs, new.execution_count = [], None
        merged.answers += 1
        if released is None or stub not in released.cells.values():
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


def _unanswered(exercise: NotebookNode) -> bool:
    """Return whether an exercise ends as the course gives it out, with a gap."""
    return exercise.source.rstrip().endswith("...")


def _one_kind(mine: NotebookNode, new: NotebookNode) -> bool:
    """Return whether a cell may take the place of another that was changed, too.

    One id is not enough: an exercise takes what defines its name, or what it asks
    without a name, and no other cell takes an answer or parameters.
    """
    if has_tag(new, "exercise") and asked(new):
        return not set(asked(new)).isdisjoint(defined(mine))
    return all(has_tag(mine, tag) == has_tag(new, tag) for tag in _KINDS)


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
