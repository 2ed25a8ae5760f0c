"""The linter of lessons and labs. Each public function in a module of rules is one."""

from collections.abc import Callable, Iterable
from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from course_utils.authoring.lint import (
    cells,
    exercises,
    files,
    labs,
    order,
    outputs,
    teaching,
)
from course_utils.authoring.lint.document import Document, Messages
from course_utils.runs.lessons import read_lesson

Rules = dict[str, Callable[[Document], Messages]]


def _rules(*modules: ModuleType) -> Rules:
    return {
        name: rule
        for module in modules
        for name, rule in vars(module).items()
        if isfunction(rule)
        and rule.__module__ == module.__name__
        and not name.startswith("_")
    }


RULES = _rules(files, order, cells, teaching, exercises, outputs)
# A lab has tasks, and nothing of a lesson's order and teaching; of its few outputs,
# what a network reaches differs from machine to machine.
_SHARED = {"says_how_long", "one_title", "links_the_reference", "no_empty_cells"}
_SHARED |= {"known_tags", "drawings_folded", "images_in_text_described"}
_OF_LESSONS = {"numbered_name", "few_outputs_ignored"}
_OF_LABS = _SHARED | _rules(files, outputs, labs).keys() - _OF_LESSONS
LAB_RULES = {
    name: rule for name, rule in (RULES | _rules(labs)).items() if name in _OF_LABS
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
        rules = LAB_RULES if document.is_lab else RULES
        for name, rule in rules.items():
            problems += [Problem(path, name, text) for text in rule(document)]
    return problems
