"""The linter of lessons. Every public function of its modules of rules is a rule."""

from collections.abc import Callable, Iterable
from inspect import isfunction
from pathlib import Path
from typing import NamedTuple

from course_utils.authoring.lint import (
    cells,
    exercises,
    files,
    order,
    outputs,
    teaching,
)
from course_utils.authoring.lint.document import Document, Messages
from course_utils.runs.lessons import read_lesson

RULES: dict[str, Callable[[Document], Messages]] = {
    name: rule
    for module in (files, order, cells, teaching, exercises, outputs)
    for name, rule in vars(module).items()
    if isfunction(rule)
    and rule.__module__ == module.__name__
    and not name.startswith("_")
}


class Problem(NamedTuple):
    """A rule that a notebook breaks, and how."""

    path: Path
    rule: str
    message: str


def find_problems(notebooks: Iterable[Path]) -> list[Problem]:
    """Return what is wrong with these lessons, lesson by lesson, rule by rule.

    A notebook that can't be read is one problem, under the name "readable".

    >>> [problem.rule for problem in find_problems([Path("none.ipynb")])]
    ['readable']
    """
    problems = []
    for path in notebooks:
        if fault := read_lesson(path).fault:
            problems.append(Problem(path, "readable", fault.cause))
            continue
        document = Document(path, path.read_bytes())
        for name, rule in RULES.items():
            problems += [Problem(path, name, text) for text in rule(document)]
    return problems
