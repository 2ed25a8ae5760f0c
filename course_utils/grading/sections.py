"""The exercises of a lesson, or tasks of a lab, and what the page defines besides."""

import ast
import functools
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.exercises.statements import (
    NOT_PYTHON,
    Statement,
    as_python,
    statements,
)
from course_utils.labs.handed_in import handed_in

# What is kept beside a lab's notebook and goes to nobody.
KEY = ".key.json"
# "### Exercise 3", then the task, which begins with its title.
_TITLE = re.compile(r"^### .*\s+\*\*(.+?)\.?\*\*", re.M)
# What a release takes out of a text: links' targets, and where solutions are.
_RELEASED = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)| ?\bSolutions are at the end\.")


@dataclass(frozen=True)
class Section:
    """One exercise of a lesson.

    Attributes:
        exercise: its name, as "linear.affine".
        answer: what the learner's function or class is called there.
        cell: the id of the cell that the learner fills in.
        stub: what stands in it at the start.
        title: of the task, as "The layer"; "" if it has none.
    """

    exercise: str
    answer: str
    cell: str
    stub: str
    title: str = ""


@dataclass(frozen=True)
class Paper:
    """A lesson, as far as grading needs it.

    Attributes:
        sections: its exercises, in order.
        page: the statements of all other cells but the solutions.
        texts: of all cells of code, without the space around them.
        solutions: the ids of the cells that hold solutions.
        lab: the name of the lab; "" for a lesson.
        key: what only graders know of a lab's variant, by the names of its tasks, and
            its seed: from NAME.key.json beside the notebook NAME.ipynb.
        tasks: the titles of the tasks, each with its text; see `titled`.
    """

    sections: tuple[Section, ...]
    page: tuple[Statement, ...]
    texts: frozenset[str]
    solutions: frozenset[str]
    lab: str = ""
    key: Mapping[str, Any] = field(default_factory=dict)
    tasks: frozenset[tuple[str, str]] = frozenset()


def read_paper(lesson: Path) -> Paper:
    """Read the exercises of a released lesson, or the tasks of a lab.

    Raises:
        CourseError: it can't be read, or has no exercises.

    >>> lesson = Path("notebooks/01_linear_layers.ipynb")
    >>> read_paper(lesson).sections[2].answer if lesson.exists() else "affine"
    'affine'
    """
    try:
        key = lesson.with_suffix(KEY)
        changed = key.stat().st_mtime_ns if key.is_file() else 0
        return _read_paper(lesson, (lesson.stat().st_mtime_ns, changed))
    except FileNotFoundError:
        raise CourseError(
            f"there is no lesson {lesson.name} in {lesson.parent}: give the start of "
            "its name, as 01, or its file."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{lesson} can't be read as a lesson: {error}") from None


@functools.lru_cache(maxsize=32)
def _read_paper(lesson: Path, changed: tuple[int, int]) -> Paper:
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    sections: list[Section] = []
    page: list[Statement] = []
    stub: dict[str, Any] | None = None
    open_stubs: list[tuple[str, dict[str, Any]]] = []  # with their titles
    title, lab = "", ""
    named: dict[str, str] = {}  # of the last call: one above it may try a baseline
    texts: set[str] = set()
    solutions: set[str] = set()
    for cell in cells:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code":
            found = _TITLE.search("".join(cell["source"]))
            title = found[1] if found else title
            continue
        texts.add("".join(cell["source"]).strip())
        if "solution" in tags:
            solutions.add(cell["id"])
            continue
        source = as_python("".join(cell["source"]))
        if "exercise" in tags:
            stub = cell
            open_stubs.append((title, cell))
        elif call := handed_in(source):
            lab, named = call
        elif stub and (called := _checked(source)):
            text = "".join(stub["source"])
            sections.append(Section(*called, stub["id"], text, title))
            stub, title = None, ""
            open_stubs.pop()
        else:
            page += _statements(source)
    sections += _tasks(lab, named, open_stubs)
    if not sections:
        raise ValueError("no cell is tagged 'exercise' and followed by a check")
    key = {}
    if changed[1]:
        key = json.loads(lesson.with_suffix(KEY).read_text(encoding="utf-8"))
    ours, seen = frozenset(solutions), frozenset(texts)
    tasks = titled("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return Paper(tuple(sections), tuple(page), seen, ours, lab, key, tasks)


def titled(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return the titles of the tasks in cells of text, each with its cell's text.

    It is the same before and after a release: links are plain, and spaces single.

    >>> titled(["### Task 1\\n\\n**Scale.** See [00](00.ipynb).", "Some words."])
    frozenset({('Scale', '### Task 1 **Scale.** See 00.')})
    """
    found = ((_TITLE.search(text), _RELEASED.sub(r"\1", text)) for text in texts)
    return frozenset((t[1], " ".join(text.split())) for t, text in found if t)


def _tasks(
    lab: str, names: Mapping[str, str], stubs: list[tuple[str, dict[str, Any]]]
) -> list[Section]:
    """Return the tasks of a lab, each with the last stub that defines its answer."""
    found = []
    for task, answer in names.items():
        for title, stub in reversed(stubs):
            text = "".join(stub["source"])
            if any(answer in s.defines for s in _statements(as_python(text))):
                found.append(Section(f"{lab}.{task}", answer, stub["id"], text, title))
                break
        else:
            raise ValueError(f"no cell is tagged 'exercise' and defines {answer}")
    return found


def parsed(text: str) -> ast.AST:
    """Return a cell of a notebook taken apart, magics and all.

    Raises:
        one of `reading.NOT_PYTHON`: it is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the learner's code
        try:
            return ast.parse(text)
        except SyntaxError:
            return ast.parse(as_python(text))  # slow, and only magics need it


def _checked(source: str) -> tuple[str, str] | None:
    """Return the exercise and the name in `check("linear.affine", affine)`."""
    try:
        body = ast.parse(source).body
    except NOT_PYTHON:
        return None
    match body:
        case [ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(e), ast.Name(a)]))]:
            return str(e), a
    return None


def _statements(source: str) -> list[Statement]:
    try:
        return statements(source)
    except NOT_PYTHON:
        return []
