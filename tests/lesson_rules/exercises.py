"""Rules for exercises: a stub, its check, a folded solution that is checked too."""

import ast

from nbformat import NotebookNode

from course_utils.exercises.registry import find_exercise
from tests.lesson_rules.lesson import Lesson, hidden, tags
from tests.lessons import CHECK

MISCONCEPTIONS = 3


def checked(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return (exercise, answer's name) for each check("…", answer) in a cell."""
    found = []
    for line in cell.source.splitlines():
        if line.startswith("check("):
            call = ast.parse(line, mode="eval").body
            name, answer = call.args
            found.append((ast.literal_eval(name), ast.unparse(answer)))
    return found


def stubs(lesson: Lesson) -> list[tuple[NotebookNode, NotebookNode]]:
    """Return each stub cell with the cell after it."""
    pairs = zip(lesson.cells, lesson.cells[1:], strict=False)
    return [(stub, after) for stub, after in pairs if "exercise" in tags(stub)]


def enough_exercises(lesson: Lesson) -> list[str]:
    count, wanted = len(stubs(lesson)), 1 if lesson.number == 0 else 5
    return [f"{count} exercises, not {wanted} or more"] if count < wanted else []


def stub_then_check(lesson: Lesson) -> list[str]:
    problems = []
    for stub, after in stubs(lesson):
        made = [f"def {name}(" for _, name in checked(after)]
        made += [f"class {name}(" for _, name in checked(after)]
        made += [f"{name} = ..." for _, name in checked(after)]
        if "..." not in stub.source:
            problems.append(f"{lesson.place(stub)} is no stub: it lacks '...'")
        if not any(words in stub.source for words in made):
            problems.append(f"{lesson.place(stub)}: the next cell does not check it")
    return problems


def solution_for_each_stub(lesson: Lesson) -> list[str]:
    wanted = [
        (name, f"{answer}_solution")
        for _, after in stubs(lesson)
        for name, answer in checked(after)
    ]
    found = [pair for cell in lesson.tagged("solution") for pair in checked(cell)]
    missing = [pair for pair in wanted if pair not in found]
    extra = [pair for pair in found if pair not in wanted]
    problems = [f"no solution cell checks {pair}" for pair in missing]
    return problems + [f"the solution {pair} belongs to no exercise" for pair in extra]


def solutions_folded(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.tagged("solution"):
        where = lesson.place(cell)
        titles = [f"# @title Solution: {name}" for name, _ in checked(cell)]
        if not hidden(cell) or cell.metadata.get("cellView") != "form":
            problems.append(f"{where} is not folded (source_hidden, cellView 'form')")
        if cell.source.splitlines()[0] not in titles:
            problems.append(f"{where} does not begin with '# @title Solution: <name>'")
    return problems


def solutions_last(lesson: Lesson) -> list[str]:
    heads = [i for i, c in enumerate(lesson.cells) if "## Solutions" in c.source]
    start = heads[-1] if heads else len(lesson.cells)
    early = [c for c in lesson.cells[:start] if "solution" in tags(c)]
    return [f"{lesson.place(cell)} stands before '## Solutions'" for cell in early]


def verdicts_stored(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.code:
        wanted = "correct" if "solution" in tags(cell) else "not attempted"
        data = [output.get("data", {}) for output in cell.outputs]
        states = [d[CHECK]["state"] for d in data if CHECK in d]
        if ("solution" in tags(cell) or cell in [a for _, a in stubs(lesson)]) and (
            states != [wanted] * max(1, len(checked(cell)))
        ):
            problems.append(f"{lesson.place(cell)} says {states}, not '{wanted}'")
    return problems


def known_to_the_checks(lesson: Lesson) -> list[str]:
    problems, wanted = [], 0 if lesson.number == 0 else MISCONCEPTIONS
    for name in [name for _, after in stubs(lesson) for name, _ in checked(after)]:
        try:
            count = len(find_exercise(name).misconceptions)
        except LookupError as error:
            problems.append(str(error))
            continue
        if count < wanted:
            problems.append(f"{name} has {count} misconceptions, not 3 or more")
    return problems


RULES = [
    enough_exercises,
    stub_then_check,
    solution_for_each_stub,
    solutions_folded,
    solutions_last,
    verdicts_stored,
    known_to_the_checks,
]
