"""The class: who solved what, which mistakes, what is alike, and what went wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from course_utils.exercises.model import State
from course_utils.grading.alike import CODE, SENTENCES, compare, wrong_answers
from course_utils.grading.approaches import bins_of, count_between, lines_of, uses_of
from course_utils.grading.explanations import accepted, unread
from course_utils.grading.gradebook import Gradebook, Scale
from course_utils.grading.model import Mark, Result
from course_utils.grading.pages import write_page

# What a page lists at most, the first of each.
_MOST = 30
_STATES = ("missing", "not graded", "graded")


@dataclass(frozen=True)
class Column:
    """An exercise, and how the class did in it.

    Attributes:
        number: from 1, in the lesson's order.
        exercise: its name.
        title: of the task.
        most: the points for a correct answer.
        states: how often each state of an answer came, by its name.
        seconds: how long each answer took that was tried.
    """

    number: int
    exercise: str
    title: str
    most: float
    states: Counter[str]
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The middle time; 0 if nothing was tried."""
        return median(self.seconds or [0.0])

    @property
    def longest(self) -> float:
        """The longest time; 0 if nothing was tried."""
        return max(self.seconds, default=0.0)


@dataclass(frozen=True)
class Row:
    """A submission.

    Attributes:
        result: see there.
        marks: for each column, with its points and its state, as the teacher decided
            where that was done; None where there are no marks.
        total: of all points; None where there are no marks.
        search: what the page's filter finds it by.
    """

    result: Result
    marks: Sequence[tuple[Mark, float, str] | None]
    total: float | None
    search: str


@dataclass(frozen=True)
class Sheet:
    """A lesson: its exercises × its submissions.

    Attributes:
        lesson: its name; "" for what belongs to none.
        columns: its exercises.
        rows: its submissions: missing ones first, then by their points.
        most: the points for everything.
    """

    lesson: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    most: float

    @property
    def bins(self) -> Mapping[str, int]:
        """How many learners have so many points; none where nobody has a mark."""
        points = [row.total for row in self.rows if row.total is not None]
        return bins_of(points, self.most) if points and self.most else {}


@dataclass(frozen=True)
class Mistake:
    """A misconception.

    Attributes:
        exercise: where it was made.
        name: what it is called.
        sentences: what learners are told.
        results: who made it.
    """

    exercise: str
    name: str
    sentences: Sequence[str]
    results: Sequence[Result]


def write_overview(gradebook: Gradebook, folder: Path) -> Path:
    """Write index.html, the page of the class, and return its path.

    Raises:
        OSError: the page can't be written.
    """
    results = list(gradebook.results)
    groups, mistakes = wrong_answers(results), find_mistakes(results)
    page = folder / "index.html"
    write_page(
        page,
        "overview.html.j2",
        "overview.js",
        states=Counter(result.state for result in results),
        sheets=make_sheets(gradebook),
        mistakes=mistakes,
        unnamed=_unnamed(results),
        groups=groups[:_MOST],
        more_groups=len(groups[_MOST:]),
        comparison=compare(results),
        code=CODE,
        sentences=SENTENCES,
        unread=unread(results),
        accepted=accepted(results),
        decided=any(m.points is not None for r in results for m in r.marks),
        again=any(m.again for r in results for m in r.marks),
        lines=lines_of(results, gradebook.scale),
        between=count_between(results, gradebook.scale),
        uses=uses_of(results),
        most=_MOST,
        problems=_problems(results),
        seconds=[result.seconds for result in results if result.seconds],
        slowest=sorted(results, key=lambda result: -result.seconds)[:5],
    )
    return page


def make_sheets(gradebook: Gradebook) -> list[Sheet]:
    """Return a sheet for each lesson, in their order; last what belongs to none."""
    by_lesson: dict[str, list[Result]] = {name: [] for name in gradebook.exercises}
    for result in gradebook.results:
        by_lesson.setdefault(result.submission.lesson, []).append(result)
    sheets = []
    for lesson in sorted(by_lesson, key=lambda name: (not name, name)):
        results = by_lesson[lesson]
        names = gradebook.exercises.get(lesson, ())
        columns = [
            _column(number, name, results, gradebook.scale)
            for number, name in enumerate(names, 1)
        ]
        rows = [_row(result, names, gradebook.scale) for result in results]
        rows.sort(key=_order)
        most = sum(column.most for column in columns)
        sheets.append(Sheet(lesson, columns, rows, most))
    return [sheet for sheet in sheets if sheet.rows]


def _column(number: int, name: str, results: Iterable[Result], scale: Scale) -> Column:
    marks = [mark for r in results for mark in r.marks if mark.exercise == name]
    titles = [mark.title for mark in marks if mark.title]
    states = Counter(scale.state(mark).value for mark in marks)
    tried = [
        mark.seconds for mark in marks if mark.verdict.state is not State.NOT_ATTEMPTED
    ]
    title = titles[0] if titles else ""
    return Column(number, name, title, scale.most(name), states, tried)


def _row(result: Result, names: Sequence[str], scale: Scale) -> Row:
    found = {
        mark.exercise: (mark, scale.of(mark), scale.state(mark).value)
        for mark in result.marks
    }
    total = sum(points for _, points, _ in found.values()) if found else None
    learner = result.submission.learner
    texts = [learner.name, learner.id, learner.email, result.submission.source]
    texts += [mark.verdict.misconception or "" for mark in result.marks]
    search = "\n".join(filter(None, texts))
    return Row(result, [found.get(name) for name in names], total, search)


def _order(row: Row) -> tuple[int, float, str]:
    label = row.result.submission.learner.label
    return _STATES.index(row.result.state), row.total or 0.0, label.casefold()


def find_mistakes(results: Iterable[Result]) -> list[Mistake]:
    """Return the misconceptions that verdicts name, the commonest first."""
    found: dict[tuple[str, str], list[tuple[Mark, Result]]] = {}
    for result in results:
        for mark in result.marks:
            if name := mark.verdict.misconception:
                found.setdefault((mark.exercise, name), []).append((mark, result))
    mistakes = [
        Mistake(*key, made[0][0].verdict.messages, [result for _, result in made])
        for key, made in found.items()
    ]
    return sorted(mistakes, key=lambda mistake: -len(mistake.results))


def _unnamed(results: Iterable[Result]) -> int:
    """Count the wrong answers to exercises that make no known mistake."""
    return sum(
        not mark.scores
        and mark.verdict.state in (State.WRONG, State.ERROR)
        and not mark.verdict.misconception
        for result in results
        for mark in result.marks
    )


def _problems(results: Iterable[Result]) -> list[tuple[Result, list[str]]]:
    """Return what the instructor should know of a submission that is there."""
    found = []
    for result in results:
        told = [result.problem] if result.problem else []
        told += result.submission.notes
        told += [f"{m.exercise}: {m.fault}." for m in result.marks if m.fault]
        if told and not result.submission.missing:
            found.append((result, told))
    return sorted(found, key=lambda problem: not problem[0].problem)
