"""Rules for exercises: a stub, its check, a folded solution that is checked too."""

import ast
import re

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    Messages,
    first_line,
    hidden,
    tags,
)
from course_utils.display.bundles import CHECK
from course_utils.exercises.registry import find_exercise


def _checks(*cells: NotebookNode) -> list[tuple[str, str]]:
    """Return (exercise, answer's name) for each check("…", answer) in the cells."""
    pairs = []
    for cell in cells:
        code = re.sub(r"(?m)^\s*[%!].*$", "", cell.source)  # IPython's own commands
        try:
            statements = ast.parse(code).body
        except SyntaxError:
            continue
        for statement in statements:
            match statement:
                case ast.Expr(
                    ast.Call(ast.Name("check"), [ast.Constant(str(name)), answer])
                ):
                    pairs.append((name, ast.unparse(answer)))
    return pairs


def _stubs(document: Document) -> list[tuple[NotebookNode, NotebookNode]]:
    """Return each stub cell with the cell after it."""
    pairs = zip(document.cells, document.cells[1:], strict=False)
    return [(stub, after) for stub, after in pairs if "exercise" in tags(stub)]


def enough_exercises(document: Document) -> Messages:
    """There are five exercises or more; one in lesson 00."""
    count, least = len(_stubs(document)), 1 if document.number == 0 else 5
    if count < least:
        yield f"{count} exercises, not {least} or more"


def stub_then_check(document: Document) -> Messages:
    """A stub holds '...', and the next cell checks the name it defines."""
    for stub, after in _stubs(document):
        names = "|".join(re.escape(name) for _, name in _checks(after))
        definition = rf"(def|class) ({names})\(|({names}) = \.\.\."
        if "..." not in stub.source:
            yield f"{document.place(stub)} is no stub: it lacks '...'"
        if not names or not re.search(definition, stub.source):
            yield f"{document.place(stub)}: the next cell does not check it"


def solution_for_each_stub(document: Document) -> Messages:
    """Every exercise is solved under the name of its stub with _solution behind it."""
    stubs = _checks(*(after for _, after in _stubs(document)))
    expected = [(name, f"{answer}_solution") for name, answer in stubs]
    checked = _checks(*document.tagged("solution"))
    for pair in expected:
        if pair not in checked:
            yield f"no solution cell checks {pair}"
    for pair in checked:
        if pair not in expected:
            yield f"the solution {pair} belongs to no exercise"


def solutions_folded(document: Document) -> Messages:
    """A solution is folded in JupyterLab and in Colab, under its exercise's name."""
    for cell in document.tagged("solution"):
        where = document.place(cell)
        titles = [f"# @title Solution: {name}" for name, _ in _checks(cell)]
        if not hidden(cell) or cell.metadata.get("cellView") != "form":
            yield f"{where} is not folded (source_hidden, cellView 'form')"
        if first_line(cell.source) not in titles:
            yield f"{where} does not begin with '# @title Solution: <name>'"


def solutions_last(document: Document) -> Messages:
    """No solution comes before the heading '## Solutions'."""
    last = max(
        (i for i, cell in enumerate(document.cells) if "## Solutions" in cell.source),
        default=len(document.cells),
    )
    for cell in document.cells[:last]:
        if "solution" in tags(cell):
            yield f"{document.place(cell)} comes before '## Solutions'"


def verdicts_stored(document: Document) -> Messages:
    """The stored verdicts are 'not attempted' for stubs, 'correct' for solutions."""
    expected = [(after, "not attempted") for _, after in _stubs(document)]
    expected += [(cell, "correct") for cell in document.tagged("solution")]
    for cell, state in expected:
        data = [output.get("data", {}) for output in cell.get("outputs", [])]
        states = [d[CHECK]["state"] for d in data if CHECK in d]
        if states != [state] * max(1, len(_checks(cell))):
            yield f"{document.place(cell)} says {states}, not '{state}'"


def exercises_known(document: Document) -> Messages:
    """The checks know every exercise, with three misconceptions or more."""
    least = 0 if document.number == 0 else 3
    for name, _ in _checks(*(after for _, after in _stubs(document))):
        try:
            count = len(find_exercise(name).misconceptions)
        except LookupError as error:
            yield str(error)
            continue
        if count < least:
            yield f"{name} has {count} misconceptions, not 3 or more"
