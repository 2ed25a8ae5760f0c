"""The answers in a learner's notebook: which of its cells are whose exercise's."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.exercises.statements import (
    NOT_PYTHON,
    Statement,
    as_python,
    needed,
    statements,
)
from course_utils.grading.sections import Paper, Section, titled

_CHECKED = re.compile(r"""\bcheck\(\s*(["'])([\w.]+)\1""")
_SUBMITTED = re.compile(r"""\bsubmission\(\s*(["'])(\w+)\1""")
_SOLUTION = re.compile(r"#\s*@title\s+Solution\b")
# Cell magics that run the cell as it is.
_TIMED = re.compile(r"\A\s*%%(?:time|capture)\b.*\n")
_TAG = "exercise"


class Unreadable(ValueError):
    """A file is no notebook that can be graded; the message says why."""


@dataclass(frozen=True)
class Cell:
    """A cell of code in a learner's notebook: what counts for grading."""

    id: str
    tags: frozenset[str]
    source: str

    def checks(self) -> str | None:
        """Return the name of the exercise that the cell checks; None for others."""
        found = _CHECKED.search(self.source)
        return found[2] if found else None

    def submits(self) -> str:
        """Return the name of the lab that the cell submits; "" for others."""
        found = _SUBMITTED.search(self.source)
        return found[2] if found else ""

    def defines(self, name: str) -> bool:
        """Tell whether the cell gives a value to a name, at its left edge."""
        name = re.escape(name)
        defined = rf"^(?:async +)?(?:def|class) +{name}\b|^{name} *(?::[^=\n]+)?=(?!=)"
        return re.search(defined, self.source, re.M) is not None


def read_cells(data: bytes) -> list[Cell]:
    """Return the cells of code in a notebook.

    Raises:
        Unreadable: it is no notebook, or one for another language.

    >>> read_cells(b'{"cells": [{"cell_type": "code", "source": ["x = 1"]}]}')
    [Cell(id='', tags=frozenset(), source='x = 1')]
    >>> read_cells(b"")
    Traceback (most recent call last):
    course_utils.grading.answers.Unreadable: The file is empty.
    """
    notebook = _load(data)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("The file is JSON, but no notebook: it has no cells.")
    if language := _other_language(notebook):
        raise Unreadable(f"The notebook is written in {language}, not in Python.")
    return [_cell(c) for c in cells if isinstance(c, dict) and _is_code(c)]


def changed_tasks(data: bytes, paper: Paper) -> int:
    """Return how many of a lesson's tasks have another text in a notebook.

    They are told by their titles; learners have no reason to change what a task says.

    Raises:
        Unreadable: it is no notebook.

    >>> changed_tasks(b"", Paper((), (), frozenset(), frozenset()))
    Traceback (most recent call last):
    course_utils.grading.answers.Unreadable: The file is empty.
    """
    cells = _load(data)["cells"]
    text = [
        c for c in cells if isinstance(c, dict) and c.get("cell_type") == "markdown"
    ]
    theirs = titled(_source(cell) for cell in text)
    titles = {title for title, _ in theirs}
    return sum(t[0] in titles and t not in theirs for t in paper.tasks)


def _load(data: bytes) -> Any:
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("The file is empty.")
    for start, kind in _KINDS.items():
        if data.lstrip()[:200].lower().startswith(start):
            raise Unreadable(f"The file is {kind}, not a notebook.")
    try:
        text = data.decode(json.detect_encoding(data), "surrogatepass")
    except UnicodeDecodeError:
        raise Unreadable("The file is not UTF-8 text.") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"not JSON from line {error.lineno} on ({error.msg})"
        raise Unreadable(f"The notebook is broken: {where}.") from None
    except (RecursionError, ValueError):  # nested too deep, a number too long
        raise Unreadable("The notebook is broken: no notebook is like this.") from None


_KINDS = {
    b"pk\x03\x04": "a zip archive",
    b"%pdf": "a PDF",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"\x89png": "a picture",
}


def _other_language(notebook: dict[str, Any]) -> str | None:
    metadata = _table(notebook.get("metadata"))
    kernel, language = (
        _table(metadata.get(part)) for part in ("kernelspec", "language_info")
    )
    names = [kernel.get("language"), language.get("name")]
    for name in names:
        if isinstance(name, str) and name and "python" not in name.lower():
            return re.sub(r"[^\w+#.-]", "?", name)[:30]
    return None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_code(cell: dict[str, Any]) -> bool:
    return cell.get("cell_type") == "code"


def _cell(cell: dict[str, Any]) -> Cell:
    metadata = _table(cell.get("metadata"))
    tags = metadata.get("tags")
    tags = [t for t in tags if isinstance(t, str)] if isinstance(tags, list) else []
    # Colab moves ids into the metadata.
    id = cell.get("id") or metadata.get("id")
    return Cell(id if isinstance(id, str) else "", frozenset(tags), _source(cell))


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return _utf8(source) if isinstance(source, str) else ""


def _utf8(text: str) -> str:
    """Return a text without halves of characters, which JSON may hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def score(cells: Sequence[Cell], paper: Paper) -> int:
    """Return how many exercises of a lesson a notebook shows, by id or by check.

    The call that submits a lab shows all of its tasks.

    >>> paper = Paper((Section("a.b", "f", "c1", "..."),), (), frozenset(), frozenset())
    >>> score([Cell("x", frozenset(), "check('a.b', f)")], paper)
    1
    """
    ids, checked = {cell.id for cell in cells}, {cell.checks() for cell in cells}
    if paper.lab and any(cell.submits() == paper.lab for cell in cells):
        return len(paper.sections)
    return sum(s.cell in ids or s.exercise in checked for s in paper.sections)


def find_answers(
    cells: Sequence[Cell], paper: Paper
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the learner's text by the name of the exercise, and notes about it.

    An exercise's cell is the one with its id; else the one before its check, or with
    it; else the one tagged 'exercise' that defines the answer; else any other that
    does. Of several, the last counts, as in a kernel. Solutions never count. Where
    an answer uses names that the learner defines in cells of their own, the
    statements that define them stand before it.

    >>> paper = Paper((Section("a.b", "f", "c1", "..."),), (), frozenset(), frozenset())
    >>> find_answers([Cell("c1", frozenset(), "f = 1")], paper)
    ({'a.b': 'f = 1'}, ())
    """
    own = [cell for cell in cells if not _is_solution(cell, paper)]
    found: dict[str, Cell] = {}
    notes: list[str] = []
    for section in paper.sections:
        candidates = _candidates(own, section, paper)
        if candidates:
            found[section.exercise] = candidates[-1]
        if len(candidates) > 1:
            notes.append(
                f"{section.exercise} has {len(candidates)} cells: the last counts."
            )
    helpers = _helpers(own, list(found.values()), paper)
    answers = {}
    for exercise, cell in found.items():
        text = _TIMED.sub("", cell.source)
        answers[exercise] = "\n".join([*_before(text, helpers), text])
    return answers, tuple(notes)


def _is_solution(cell: Cell, paper: Paper) -> bool:
    if any(cell.id == section.cell for section in paper.sections):
        return False  # a solution that was pasted there, with its title, is an answer
    return (
        "solution" in cell.tags
        or cell.id in paper.solutions
        or _SOLUTION.match(cell.source.lstrip()) is not None
    )


def _candidates(own: Sequence[Cell], section: Section, paper: Paper) -> list[Cell]:
    """Return the cells that may be an exercise's: changed ones, or the stub."""
    ways = (
        [cell for cell in own if section.cell and cell.id == section.cell],
        list(_at_checks(own, section)),
        [c for c in own if _TAG in c.tags and c.defines(section.answer)],
        [c for c in own if c.defines(section.answer) and not _is_known(c, paper)],
    )
    for way in ways:
        changed = [cell for cell in way if cell.source.strip() != section.stub.strip()]
        if changed:
            return changed
    return [way[-1] for way in ways if way][:1]


def _at_checks(own: Sequence[Cell], section: Section) -> Iterator[Cell]:
    """Yield the cells at the checks of an exercise that define its answer."""
    for place, cell in enumerate(own):
        if cell.checks() != section.exercise:
            continue
        # Together with it, or the nearest above that follows the check before.
        for above in reversed(own[: place + 1]):
            if above is not cell and above.checks():
                break
            if above.defines(section.answer):
                yield above
                break


def _is_known(cell: Cell, paper: Paper) -> bool:
    return cell.source.strip() in paper.texts


def _helpers(
    own: Sequence[Cell], answers: Sequence[Cell], paper: Paper
) -> list[Statement]:
    """Return the statements of the cells that a learner has added or changed."""
    page = {name for statement in paper.page for name in statement.defines}
    found = []
    for cell in own:
        if not (_is_known(cell, paper) or any(cell is a for a in answers)):
            found += [s for s in _statements(cell.source) if not s.defines & page]
    return found


def _before(text: str, helpers: Sequence[Statement]) -> list[str]:
    return [s.source for s in needed(helpers, _statements(text))] if helpers else []


def _statements(text: str) -> list[Statement]:
    try:
        return statements(as_python(text))
    except NOT_PYTHON:
        return []
