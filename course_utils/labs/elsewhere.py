"""What an answer uses of other cells, and whether it is the same where it is graded."""

import ast
import builtins
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from torch import nn

from course_utils.exercises.statements import (
    NOT_PYTHON,
    Statement,
    as_python,
    needed,
    statements,
)
from course_utils.lessons import LESSONS

# Grading itself imports these.
_THERE = ("torch", "numpy", "course_utils")
_NO_DATA = "finds no data where it is graded: a function gets its arguments alone."
_FROM_DATA = (
    "comes from data that this notebook loads, and grading does not have: a function "
    "may use its arguments alone."
)


def lost_in_grading(answer: Any, source: str) -> list[str]:
    """Say which names of an answer are missing where it is graded, or another thing.

    Grading takes along the statements that give names to what the answer needs. It
    has no data, and knows nothing of what other statements changed.

    Args:
        answer: the function.
        source: the text of its cell.

    >>> scope = {"__name__": "__main__", "In": ["from math import *"]}
    >>> exec("from math import *\\ndef f(): return pi", scope)
    >>> lost_in_grading(scope["f"], "def f(): return pi")
    ['`pi` has its value from no line that names it: import or define it here.']
    """
    scope: Mapping[str, Any] = getattr(answer, "__globals__", {})
    cells = scope.get("In")  # what IPython ran; elsewhere nobody hands in
    if not isinstance(cells, list):
        return []
    own = _statements(source)
    ran = [statement for text in cells for statement in _statements(text)]
    inside = {name for statement in own for name in statement.defines}
    imported = dict.fromkeys(_imported(own))
    loaders = [
        f"`{name}` {_NO_DATA}"
        for module, name in imported
        if module.startswith("course_utils") and name.startswith("load_")
    ]
    gaps = not any("import *" in text for text in cells)  # a history may have some

    def lost(part: list[Statement]) -> list[str]:
        found = _used(part, ran, lambda n: n not in inside and callable(scope.get(n)))
        used = {n: s for n, s in found.items() if n not in inside and n in scope}
        return [
            f"`{name}` {why}"
            for name, statement in used.items()
            if statement or not gaps
            if (why := _lost(name, scope[name], ran))
        ]

    beside = _beside(own, answer.__name__)
    return [
        *loaders,
        *lost([statement for statement in own if statement not in beside]),
        *(
            f"`{s.source.splitlines()[0]}` is in the cell of `{answer.__name__}`, and "
            f"grading runs all of that cell: put it in a cell of its own. {why[0]}"
            for s in beside
            if (why := lost([s]))
        ),
    ]


def _beside(own: list[Statement], name: str) -> list[Statement]:
    """Return the statements of a cell that its answer can do without."""
    answer = [statement for statement in own if name in statement.defines]
    inside = [*needed(own, answer), *answer]
    return [s for s in own if answer and s not in inside]


def taken_along(answer: Any, source: str, lab: str) -> dict[str, str]:
    """Return what an answer uses of a learner's other cells: statements by their names.

    Grading takes the same along, from the cells of the notebook; here they are those
    that were run last. What the lab's own cells define is there in any case.

    Args:
        answer: the function.
        source: the text of its cell.
        lab: whose notebook it stands in.

    >>> scope = {"__name__": "__main__", "In": ["import torch", "a = 1", "b = a"]}
    >>> exec("import torch; a = 1; b = a\\ndef f(): return torch.ones(b)", scope)
    >>> taken_along(scope["f"], "def f(): return torch.ones(b)", "shifts")
    {'b': 'b = a', 'a': 'a = 1'}
    """
    cells = getattr(answer, "__globals__", {}).get("In")
    if not isinstance(cells, list):
        return {}
    own = _statements(source)
    inside = {name for statement in own for name in statement.defines}
    ran: list[Statement] = []
    for part in map(_statements, cells):
        if not any(answer.__name__ in s.defines for s in part):  # an older version
            ran += part
    there = inside | page_names(lab)
    used = {n: s for n, s in _used(own, ran).items() if s and n not in there}
    return {name: statement.source for name, statement in used.items()}


def page_names(lab: str) -> set[str]:
    """Return the names that the cells of a lab's notebook define, without its tasks'.

    There are none where the notebook did not come with the installation.

    >>> "accuracy" in page_names("shifts"), "train" in page_names("shifts")
    (True, False)
    """
    files = (folder / "labs" / f"{lab}.ipynb" for folder in LESSONS)
    file = next((file for file in files if file.is_file()), None)
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"] if file else []
    return {
        name
        for cell in cells
        if cell["cell_type"] == "code"
        if "exercise" not in cell["metadata"].get("tags", [])
        for statement in _statements(as_python("".join(cell["source"])))
        for name in statement.defines
    }


def not_sure_in_grading(source: str) -> list[str]:
    """Say which packages a text imports that may be missing where it is graded.

    >>> not_sure_in_grading("import math, numpy, scipy.ndimage")
    ["`scipy` may be missing where it is graded: use torch and Python's own library."]
    """
    imported = _imported(_statements(source))
    packages = dict.fromkeys(module.partition(".")[0] for module, _ in imported)
    return [
        f"`{name}` may be missing where it is graded: use torch and Python's own "
        "library."
        for name in packages
        if name not in {*sys.stdlib_module_names, *_THERE}
    ]


def _imported(own: list[Statement]) -> Iterator[tuple[str, str]]:
    """Yield the modules that statements import, with the name of each part or ""."""
    for statement in own:
        for node in ast.walk(ast.parse(statement.source)):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.module, alias.name) for alias in node.names)


def _statements(text: str) -> list[Statement]:
    try:
        return statements(text)
    except NOT_PYTHON:
        return []


def _used(
    own: Sequence[Statement],
    ran: Sequence[Statement],
    inside: Callable[[str], bool] = lambda name: True,
) -> dict[str, Statement | None]:
    """Return the names that statements need, and those that some of these need.

    Args:
        own: the statements.
        ran: what was run, in this order; of a name, it may define several values.
        inside: tells of a name whether to look into what defines it.

    Returns:
        The statement that defines each name; None where none of them does.
    """
    found: dict[str, Statement | None] = {}
    seen: set[tuple[str, int | None]] = set()
    waiting = [(statement, len(ran)) for statement in own]
    while waiting:
        statement, place = waiting.pop()
        for name in sorted(statement.needs):
            defined = _defined(name, ran, place)
            if (name, defined) in seen:
                continue
            seen.add((name, defined))
            known = None if defined is None else ran[defined]
            if not (hasattr(builtins, name) or name.startswith("__")):
                found.setdefault(name, known)
            if defined is not None and known and inside(name):
                # A function looks its names up when it is called, after all.
                late = known.source.startswith(("def ", "async ", "class ", "@"))
                waiting.append((known, len(ran) if late else defined))
    return found


def _defined(name: str, ran: Sequence[Statement], place: int) -> int | None:
    """Return where a name was defined last before a place, or else after it."""
    places = [n for n, statement in enumerate(ran) if name in statement.defines]
    before = [n for n in places if n < place]
    return (before or places or [None])[-1]


def _lost(name: str, value: Any, ran: Sequence[Statement]) -> str:
    """Say what becomes of one name; "" where it is the same in grading."""
    if isinstance(value, nn.Module):
        return "is a network of another cell: grading makes it anew, and untrained."
    place = _defined(name, ran, len(ran))
    if place is None and not isinstance(value, ModuleType):
        return "has its value from no line that names it: import or define it here."
    if name.startswith("load_"):
        return _NO_DATA
    known = [] if place is None else [ran[place]]
    loads = any(n.startswith("load_") for n in _used(known, ran[:place]))
    return _FROM_DATA if loads and not callable(value) else ""
