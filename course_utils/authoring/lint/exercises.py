"""Rules for exercises: a stub, its check, a folded solution, the count at the end."""

import re

from course_utils.authoring.lint.document import (
    Document,
    Messages,
    checks,
    folded,
    tags,
)
from course_utils.display.bundles import CHECK
from course_utils.exercises.registry import find_exercise, numbered_exercises


def enough_exercises(document: Document) -> Messages:
    """There are five exercises or more; one in lesson 00."""
    count, least = len(document.stubs()), 1 if document.number == 0 else 5
    if count < least:
        yield f"{count} exercises, not {least} or more"


def stub_then_check(document: Document) -> Messages:
    """A stub holds '...', and the next cell checks the name it defines."""
    for stub, after in document.stubs():
        names = "|".join(re.escape(name) for _, name in checks(after))
        definition = rf"(def|class) ({names})\(|({names}) = \.\.\."
        if "..." not in stub.source:
            yield f"{document.place(stub)} is no stub: it lacks '...'"
        if not names or not re.search(definition, stub.source):
            yield f"{document.place(stub)}: the next cell does not check it"


def solution_for_each_stub(document: Document) -> Messages:
    """Every exercise is solved under the name of its stub with _solution behind it."""
    stubs = dict(checks(*(after for _, after in document.stubs())))
    solved = {name: defined for _, name, defined in document.solutions()}
    for name, answer in stubs.items():
        if f"{answer}_solution" not in solved.get(name, []):
            yield f"no cell 'Solution: {name}' defines {answer}_solution"
    for name in solved:
        if name not in stubs:
            yield f"the solution of {name} belongs to no exercise"


def solutions_folded(document: Document) -> Messages:
    """A solution is folded in JupyterLab and in Colab, under its exercise's name."""
    titled = [cell for cell, *_ in document.solutions()]
    for cell in document.tagged("solution"):
        where = document.place(cell)
        if not any(cell is other for other in titled):
            yield f"{where} does not begin with '# @title Solution: <name>'"
        elif not folded(cell):
            yield f"{where} is not folded (source_hidden, cellView 'form')"


def solutions_unchecked(document: Document) -> Messages:
    """A solution has no check: nobody is praised for what they did not solve."""
    for cell in document.tagged("solution"):
        if checks(cell):
            yield f"{document.place(cell)} checks the solution: the tests do"


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
    """The stored verdicts are 'not attempted'."""
    for _, cell in document.stubs():
        data = [output.get("data", {}) for output in cell.get("outputs", [])]
        states = [d[CHECK]["state"] for d in data if CHECK in d]
        if states != ["not attempted"] * max(1, len(checks(cell))):
            yield f"{document.place(cell)} says {states}, not 'not attempted'"


def exercises_known(document: Document) -> Messages:
    """The checks know every exercise, with three misconceptions or more."""
    least = 0 if document.number == 0 else 3
    for name, _ in checks(*(after for _, after in document.stubs())):
        try:
            count = len(find_exercise(name).misconceptions)
        except LookupError as error:
            yield str(error)
            continue
        if count < least:
            yield f"{name} has {count} misconceptions, not 3 or more"


def exercises_numbered(document: Document) -> Messages:
    """Exercises stand under their numbers, in the order of the lesson's bank."""
    for number, (stub, after) in enumerate(document.stubs(), 1):
        above = document.cells[: document.index(stub)][-1:]
        if not any(f"### Exercise {number}\n" in c.source + "\n" for c in above):
            yield f"{document.place(stub)}: no '### Exercise {number}' above it"
        for name, _ in checks(after):
            known = numbered_exercises(name.partition(".")[0]).get(name, number)
            if known != number:
                yield f"{name} is exercise {number} here, {known} in the bank"


def counted_at_the_end(document: Document) -> Messages:
    """The last code cell counts what is solved: progress("lesson")."""
    names = checks(*(after for _, after in document.stubs()))
    lesson = names[0][0].partition(".")[0] if names else "…"
    last = document.code[-1].source if document.code else ""
    if last != f'progress("{lesson}")':
        yield f"the last code cell is not 'progress(\"{lesson}\")'"
