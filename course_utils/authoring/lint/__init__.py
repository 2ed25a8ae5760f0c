"""The linter of lessons. Its rules stand in modules by subject."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from course_utils.authoring.lint import cells, exercises, files, order, outputs
from course_utils.authoring.lint.document import Document, Rule
from course_utils.runs.lessons import read_lesson

MODULES = [files, order, cells, exercises, outputs]
RULES: dict[str, Rule] = {
    rule.__name__: rule for module in MODULES for rule in module.RULES
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


def describe_rules() -> dict[str, str]:
    """Return the name of every rule with what it asks for, in a few words.

    >>> describe_rules()["one_title"]
    'There is one first-level heading.'
    """
    return {name: (rule.__doc__ or "").split("\n")[0] for name, rule in RULES.items()}
