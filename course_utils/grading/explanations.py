"""Explanations in the repair shop: sentences that stand in docstrings."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.exercises.statements import NOT_PYTHON
from course_utils.grading.model import Mark, Result
from course_utils.grading.sections import parsed
from course_utils.labs.model import FOR_TEACHER

_ITEM = "explained"  # the line of the shop's rubric


@dataclass(frozen=True)
class Sentence:
    """A sentence, and what the program says of it.

    Attributes:
        result: whose it is.
        mark: of the task.
        text: the sentence.
        why: it was left to the teacher, or has its point.
    """

    result: Result
    mark: Mark
    text: str
    why: str


def is_explained(mark: Mark) -> bool:
    """Tell whether a sentence counts in this task."""
    return any(score.item == _ITEM for score in mark.scores)


def left_to_teacher(mark: Mark) -> str:
    """Return why a sentence could not be marked; "" where it could."""
    return next(
        (
            score.why.removeprefix(FOR_TEACHER)
            for score in mark.scores
            if score.item == _ITEM and score.why.startswith(FOR_TEACHER)
        ),
        "",
    )


def explanation(mark: Mark, text: str) -> str:
    """Return the sentence in a cell: the docstring of the task's function."""
    return docstring(text, mark.exercise.partition(".")[2])


def docstring(text: str, name: str) -> str:
    """Return what a cell's function of this name has; "" for nothing.

    >>> docstring("def scale(x):\\n    'It was the mean.'\\n    return x", "scale")
    'It was the mean.'
    """
    try:
        tree = parsed(text)
    except NOT_PYTHON:
        return ""
    found = ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            found = ast.get_docstring(node) or ""
    return found


def unread(results: Sequence[Result]) -> list[Sentence]:
    """Return the sentences that the teacher has to read, task by task."""
    found = []
    for result in results:
        for mark in result.marks:
            cell = result.submission.cells.get(mark.exercise, "")
            why = left_to_teacher(mark)
            if mark.again:
                why = (
                    f"you set {mark.points:g} points for another answer: {mark.again}."
                )
            if mark.again or (why and mark.points is None):
                why = why[:1].upper() + why[1:]
                found.append(Sentence(result, mark, explanation(mark, cell), why))
    return sorted(found, key=lambda one: one.mark.exercise)


def accepted(results: Sequence[Result]) -> dict[str, list[Sentence]]:
    """Return the sentences that the program gave their point, by task."""
    found: dict[str, list[Sentence]] = {}
    for result in results:
        for mark in result.marks:
            cell = result.submission.cells.get(mark.exercise, "")
            for score in mark.scores:
                full = score.item == _ITEM and score.points == score.most
                if full and mark.points is None:
                    one = Sentence(result, mark, explanation(mark, cell), score.why)
                    found.setdefault(mark.exercise, []).append(one)
    return dict(sorted(found.items()))
