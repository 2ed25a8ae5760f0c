"""Rules for exercises: a stub, its check, a folded solution that is checked too."""

import ast
import re

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    first_line,
    hidden,
    sample,
    tags,
)
from course_utils.display.bundles import CHECK
from course_utils.exercises.registry import find_exercise

MISCONCEPTIONS = 3


def _checks(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return (exercise, answer's name) for each check("…", answer) in a cell."""
    code = re.sub(r"(?m)^\s*[%!].*$", "", cell.source)  # IPython's own commands
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return []
    pairs = []
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


def enough_exercises(document: Document) -> list[str]:
    """There are five exercises or more; one in lesson 00.

    >>> enough_exercises(sample())
    ['0 exercises, not 5 or more']
    """
    count, least = len(_stubs(document)), 1 if document.number == 0 else 5
    return [f"{count} exercises, not {least} or more"] if count < least else []


def stub_then_check(document: Document) -> list[str]:
    """A stub holds '...', and the next cell checks the name it defines.

    >>> stub_then_check(sample(code="def affine(x):\\n    ...", tags=["exercise"]))
    []
    """
    problems = []
    for stub, after in _stubs(document):
        definitions = [
            start
            for _, name in _checks(after)
            for start in (f"def {name}(", f"class {name}(", f"{name} = ...")
        ]
        if "..." not in stub.source:
            problems.append(f"{document.place(stub)} is no stub: it lacks '...'")
        if not any(start in stub.source for start in definitions):
            problems.append(f"{document.place(stub)}: the next cell does not check it")
    return problems


def solution_for_each_stub(document: Document) -> list[str]:
    """Every exercise is solved under the name of its stub with _solution behind it.

    >>> solution_for_each_stub(sample(code='check("a.b", b)', tags=["solution"]))
    ["the solution ('a.b', 'b') belongs to no exercise"]
    """
    expected = [
        (name, f"{answer}_solution")
        for _, after in _stubs(document)
        for name, answer in _checks(after)
    ]
    checked = [pair for cell in document.tagged("solution") for pair in _checks(cell)]
    missing = [pair for pair in expected if pair not in checked]
    extra = [pair for pair in checked if pair not in expected]
    problems = [f"no solution cell checks {pair}" for pair in missing]
    return problems + [f"the solution {pair} belongs to no exercise" for pair in extra]


def solutions_folded(document: Document) -> list[str]:
    """A solution is folded in JupyterLab and in Colab, under its exercise's name.

    >>> solutions_folded(sample(code="# @title Solution", tags=["solution"]))[0]
    "cell 1 ('# @title Solution') is not folded (source_hidden, cellView 'form')"
    """
    problems = []
    for cell in document.tagged("solution"):
        where = document.place(cell)
        titles = [f"# @title Solution: {name}" for name, _ in _checks(cell)]
        if not hidden(cell) or cell.metadata.get("cellView") != "form":
            problems.append(f"{where} is not folded (source_hidden, cellView 'form')")
        if first_line(cell.source) not in titles:
            problems.append(f"{where} does not begin with '# @title Solution: <name>'")
    return problems


def solutions_last(document: Document) -> list[str]:
    """No solution comes before the heading '## Solutions'.

    >>> solutions_last(sample(code="x = 1", tags=["solution"]))
    ["cell 1 ('x = 1') comes before '## Solutions'"]
    """
    heads = [i for i, c in enumerate(document.cells) if "## Solutions" in c.source]
    start = heads[-1] if heads else len(document.cells)
    early = [c for c in document.cells[:start] if "solution" in tags(c)]
    return [f"{document.place(cell)} comes before '## Solutions'" for cell in early]


def verdicts_stored(document: Document) -> list[str]:
    """The stored verdicts are 'not attempted' for stubs, 'correct' for solutions.

    >>> verdicts_stored(sample(code="x = 1", tags=["solution"]))
    ["cell 1 ('x = 1') says [], not 'correct'"]
    """
    problems = []
    checks = [id(after) for _, after in _stubs(document)]
    for cell in document.code:
        solution = "solution" in tags(cell)
        if not solution and id(cell) not in checks:
            continue
        state = "correct" if solution else "not attempted"
        data = [output.get("data", {}) for output in cell.outputs]
        states = [d[CHECK]["state"] for d in data if CHECK in d]
        if states != [state] * max(1, len(_checks(cell))):
            problems.append(f"{document.place(cell)} says {states}, not '{state}'")
    return problems


def exercises_known(document: Document) -> list[str]:
    """The checks know every exercise, with three misconceptions or more.

    >>> exercises_known(sample())
    []
    """
    problems, least = [], 0 if document.number == 0 else MISCONCEPTIONS
    for name in [name for _, after in _stubs(document) for name, _ in _checks(after)]:
        try:
            count = len(find_exercise(name).misconceptions)
        except LookupError as error:
            problems.append(str(error))
            continue
        if count < least:
            problems.append(f"{name} has {count} misconceptions, not 3 or more")
    return problems


RULES = [
    enough_exercises,
    stub_then_check,
    solution_for_each_stub,
    solutions_folded,
    solutions_last,
    verdicts_stored,
    exercises_known,
]
