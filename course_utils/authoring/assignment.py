"""A lesson as an assignment of nbgrader: its cells' metadata, solutions and tests.

The format: https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html
"""

import ast
import re

from nbformat import NotebookNode

from course_utils.authoring.lint.document import Document, checks
from course_utils.errors import CourseError

# What nbgrader reads in the folder of a course.
CONFIG = """\
# Layer by Layer's assignments, made by `course release --nbgrader`. A course that has
# a file of this name takes the two last lines over into it.
c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"python": "..."}  # the lessons say: replace each `...`
c.Execute.timeout = 600  # seconds: some cells train a network
"""
_POINTS = 1
# The learner's page may have put something else in the place of `check`.
_TEST = """\
check("{exercise}", {answer}, strict=True)
### BEGIN HIDDEN TESTS
import course_utils

assert check is course_utils.check, "the page has a `check` of its own"
### END HIDDEN TESTS"""
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


def make_assignment(document: Document) -> None:
    """Turn a lesson's exercises into nbgrader's, in place.

    Each stub holds its solution, in nbgrader's marks; the check below it is a locked
    test worth a point, and raises unless the answer is correct.

    Raises:
        CourseError: an exercise has no solution or no check.
    """
    solutions = {name: cell.source for cell, name, _ in document.solutions()}
    for stub, after in document.stubs():
        match checks(after):
            case [(exercise, answer)] if exercise in solutions:
                pass
            case _:
                raise CourseError(
                    f"{document.path.name}: {document.place(stub)} has no check or no "
                    "solution: `course lint` says more."
                )
        stub.source = with_solution(stub.source, solutions[exercise])
        _mark(stub, exercise, solution=True)
        after.source = _TEST.format(exercise=exercise, answer=answer)
        _mark(after, f"{exercise}-test", grade=True, locked=True, points=_POINTS)


def _mark(cell: NotebookNode, name: str, **changes: bool | int) -> None:
    """Set nbgrader's metadata of a cell."""
    marks = {"schema_version": 3, "grade": False, "solution": False, "locked": False}
    marks |= {"task": False, "grade_id": name.replace(".", "-")}
    cell.metadata["nbgrader"] = NotebookNode(marks | changes)


def with_solution(stub: str, solution: str) -> str:
    r"""Return a stub with its solution between nbgrader's marks.

    It stands in place of each `...`, or below the stub where it is more than that.

    >>> solution = "def double_solution(x):\n    return 2 * x"
    >>> print(with_solution("def double(x): ...", solution))
    def double(x):
        ### BEGIN SOLUTION
        return 2 * x
        ### END SOLUTION
    >>> print(with_solution("shape = ...", "shape_solution = (2, 3)"))
    shape = ...
    <BLANKLINE>
    ### BEGIN SOLUTION
    shape = (2, 3)
    ### END SOLUTION
    """
    solution = re.sub(r"\A# @title Solution.*\n", "", solution)
    solution = re.sub(r"\b(\w+)_solution\b", r"\1", solution)
    filled = _filled(stub, solution)
    if _is_same(filled, solution):
        return filled
    return f"{stub}\n\n{_BEGIN}\n{solution}\n{_END}"


def _is_same(filled: str, solution: str) -> bool:
    try:
        return ast.dump(ast.parse(filled)) == ast.dump(ast.parse(solution))
    except SyntaxError:  # a body beside its header
        return False


def _filled(stub: str, solution: str) -> str:
    """Return a stub whose functions have the bodies of the solution's."""
    lines = stub.splitlines()
    bodies = {
        name: _body(function, solution.splitlines())
        for name, function in _functions(ast.parse(solution)).items()
    }
    # From the end on, so that the numbers of the lines above stay right.
    for name, function in reversed(_functions(ast.parse(stub)).items()):
        match function.body:
            case [ast.Expr(ast.Constant(value)) as dots] if value is ...:
                at = dots.lineno - 1
                head = lines[at][: dots.col_offset].rstrip()
                body = bodies.get(name, ["    ..."])
                lines[at : at + 1] = [head, *body] if head else body
    return "\n".join(lines)


def _functions(tree: ast.Module | ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """Return the functions of a module and its classes, in order, by their names."""
    found: dict[str, ast.FunctionDef] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            inner = _functions(node)
            found |= {f"{node.name}.{name}": inner[name] for name in inner}
    return found


def _body(function: ast.FunctionDef, lines: list[str]) -> list[str]:
    """Return the lines of a function's body, comments before it too, in marks."""
    first = function.body[0]
    start = first.lineno - 1
    while start > function.lineno and re.match(r"\s*(#|$)", lines[start - 1]):
        start -= 1
    indent = " " * first.col_offset
    return [indent + _BEGIN, *lines[start : function.end_lineno], indent + _END]
