"""How a class went about a lab: where points were lost, and what of torch was used."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from course_utils.exercises.model import State
from course_utils.exercises.statements import NOT_PYTHON
from course_utils.grading.gradebook import Scale
from course_utils.grading.model import Mark, Result
from course_utils.grading.sections import parsed
from course_utils.labs.model import total

_PREFIXES = {"torch.nn.functional.": "F.", "torch.nn.": "nn."}
_LEAST_ANSWERS = 5  # of fewer, medians are chance
_MODULES = ("torch.", "nn.", "F.")


@dataclass(frozen=True)
class Line:
    """A line of a rubric, and what the class got for it.

    Attributes:
        task: the name of the task.
        item: the name of the line.
        most: the points that it could bring.
        points: what each learner got who tried the task, the fewest first.
    """

    task: str
    item: str
    most: float
    points: Sequence[float]

    @property
    def median(self) -> float:
        """The middle of the points."""
        return median(self.points)

    @property
    def without(self) -> int:
        """How many got none."""
        return sum(points == 0 for points in self.points)

    @property
    def full(self) -> int:
        """How many got all."""
        return sum(points == self.most for points in self.points)


@dataclass(frozen=True)
class Use:
    """Something of torch that some answers to a task call and others don't.

    Attributes:
        task: the name of the task.
        name: what is called, as `nn.Dropout`.
        results: whose answers call it.
        points: the median of their points.
        rest: the median of the points of all others.
    """

    task: str
    name: str
    results: Sequence[Result]
    points: float
    rest: float


def lines_of(results: Sequence[Result], scale: Scale) -> list[Line]:
    """Return the rubrics' lines in their order; none where no lab was graded.

    All or no points for a task, as a teacher has set them, are so for each line.
    """
    found: dict[tuple[str, str, float], list[float]] = {}
    for _, mark in _scored(results):
        for score in mark.scores:
            key = mark.exercise, score.item, score.most
            points = score.points or 0.0
            if mark.points is not None and not _is_between(mark, scale):
                points = score.most if mark.points else 0.0
            found.setdefault(key, []).append(points)
    return [Line(*key, sorted(points)) for key, points in found.items()]


def count_between(results: Sequence[Result], scale: Scale) -> int:
    """Count the marks of which a teacher changed the points, and no line tells where.

    >>> count_between([], Scale())
    0
    """
    return sum(
        _is_between(mark, scale) and mark.points != scale.of(replace(mark, points=None))
        for _, mark in _scored(results)
    )


def _is_between(mark: Mark, scale: Scale) -> bool:
    return mark.points is not None and 0 < mark.points < scale.most(mark.exercise)


def uses_of(results: Sequence[Result]) -> list[Use]:
    """Return what tells the answers to a lab's tasks apart, the commonest first.

    Only what at least two call and at least two don't, of five answers or more.
    """
    tasks: dict[str, list[tuple[Result, float, set[str]]]] = {}
    for result, mark in _scored(results):
        text = result.submission.cells.get(mark.exercise, "")
        row = result, total(mark.scores), calls_of(text)
        tasks.setdefault(mark.exercise, []).append(row)
    uses = [use for task, rows in tasks.items() for use in _uses(task, rows)]
    return sorted(uses, key=lambda use: (use.task, -len(use.results), use.name))


def _scored(results: Sequence[Result]) -> Iterator[tuple[Result, Mark]]:
    for result in results:
        for mark in result.marks:
            if mark.scores and mark.verdict.state is not State.NOT_ATTEMPTED:
                yield result, mark


def _uses(task: str, rows: Sequence[tuple[Result, float, set[str]]]) -> Iterator[Use]:
    if len(rows) < _LEAST_ANSWERS:
        return
    for name in sorted(set().union(*(names for *_, names in rows))):
        users = [(result, points) for result, points, names in rows if name in names]
        rest = [points for _, points, names in rows if name not in names]
        if len(users) >= 2 and len(rest) >= 2:
            points = median(points for _, points in users)
            yield Use(task, name, [one for one, _ in users], points, median(rest))


def calls_of(text: str) -> set[str]:
    """Return what of torch a text calls, under the names that the lessons use.

    >>> sorted(calls_of("x = torch.nn.functional.relu(nn.Linear(2, 3)(x)).mean()"))
    ['F.relu', 'nn.Linear']
    """
    try:
        tree = parsed(text)
    except NOT_PYTHON:
        return set()
    calls = {_path(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {_short(path) for path in calls if path.startswith(_MODULES)}


def _path(node: ast.expr) -> str:
    """Return the names of `a.b.c`, joined by dots; "" for anything else."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(inner, name) if path := _path(inner):
            return f"{path}.{name}"
    return ""


def _short(path: str) -> str:
    for long, short in _PREFIXES.items():
        if path.startswith(long):
            return short + path.removeprefix(long)
    return path


def bins_of(points: Sequence[float], most: float) -> Mapping[str, int]:
    """Return how many learners have so many points, in ten equal steps.

    >>> list(bins_of([0, 3, 20], 20).items())[:2]
    [('0 to 2', 1), ('2 to 4', 1)]
    """
    counts = [0] * 10
    for value in points:
        counts[min(int(10 * value / most), 9)] += 1
    edges = [f"{most * number / 10:g}" for number in range(11)]
    names = [f"{low} to {high}" for low, high in pairwise(edges)]
    return dict(zip(names, counts, strict=True))
