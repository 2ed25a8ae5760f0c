"""The gradebook: points for marks, and tables of them that platforms import."""

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.exercises.model import State
from course_utils.files import write_whole
from course_utils.grading.learners import read_table
from course_utils.grading.model import Learner, Mark, Result
from course_utils.labs.model import total

# With these a spreadsheet takes a text for a formula, or for the start of one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Scale:
    """What the verdicts are worth.

    >>> Scale({"linear.affine": 3.0}).most("linear.affine")
    3.0

    Attributes:
        points: for a correct answer, by the name of the exercise; 1 for all others.
        partial: the share of the points for a wrong answer of which all steps are
            right. With 0 only correct answers count.
    """

    points: Mapping[str, float] = field(default_factory=dict)
    partial: float = 0.0

    def most(self, exercise: str) -> float:
        """Return the points for a correct answer."""
        return self.points.get(exercise, 1.0)

    def of(self, mark: Mark) -> float:
        """Return the points of a mark; of a lab's task by its rubric.

        What a teacher has set comes before all.
        """
        if mark.points is not None:
            return mark.points
        verdict, most = mark.verdict, self.most(mark.exercise)
        if mark.scores:
            return round(
                most * total(mark.scores) / sum(s.most for s in mark.scores), 2
            )
        if verdict.state is State.CORRECT:
            return most
        if not verdict.steps or not verdict.steps[1]:
            return 0.0
        right, steps = verdict.steps
        return round(most * self.partial * right / steps, 2)

    def state(self, mark: Mark) -> State:
        """Return a verdict's state, or what a teacher's points make of it.

        An error that comes of a known mistake is a wrong answer.

        >>> from course_utils.exercises.model import Verdict
        >>> wrong = Mark("linear.affine", Verdict(State.WRONG), 0.1, points=1.0)
        >>> Scale().state(wrong).value
        'correct'
        """
        if mark.points is None:
            named = mark.verdict.misconception and mark.verdict.state is State.ERROR
            return State.WRONG if named else mark.verdict.state
        full = mark.points >= self.most(mark.exercise)
        return State.CORRECT if full else State.WRONG


def read_points(path: Path, exercises: Iterable[str]) -> dict[str, float]:
    """Read a table with the columns `exercise` and `points`.

    Raises:
        CourseError: it can't be read, or names no exercise of the lessons.

    >>> read_points(Path("none.csv"), [])
    Traceback (most recent call last):
    course_utils.errors.CourseError: none.csv can't be read: No such file or directory.
    """
    try:
        rows = read_table(path.read_bytes())
    except OSError as error:
        raise CourseError(f"{path} can't be read: {error.strerror}.") from None
    known, points = list(exercises), {}
    for number, row in enumerate(rows, 2):
        where = f"{path}, line {number}"
        if not {"exercise", "points"} <= set(row):
            raise CourseError(f"{where}: the columns are called exercise and points.")
        if row["exercise"] not in known:
            raise CourseError(
                f"{where}: there is no exercise {row['exercise']!r} here; there are "
                f"{', '.join(known)}."
            )
        value = as_points(row["points"])
        if not 0 <= value < math.inf:
            raise CourseError(f"{where}: {row['points']!r} is no number of points.")
        points[row["exercise"]] = value
    return points


def as_points(text: str) -> float:
    """Return a number as people write it; nan if it is none.

    >>> as_points("1,5"), as_points("all")
    (1.5, nan)
    """
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


@dataclass(frozen=True)
class Gradebook:
    """The results of all learners, as tables.

    Attributes:
        results: any number for each learner, one for each lesson.
        exercises: the names by lesson, in the order of the columns.
        scale: what they are worth.
        assignment: the column of a Canvas gradebook; by default the lesson's name.
        missing_zero: whether platforms get a 0 for who handed in nothing, not no grade.
    """

    results: Sequence[Result]
    exercises: Mapping[str, Sequence[str]]
    scale: Scale = Scale()
    assignment: str = ""
    missing_zero: bool = False

    def write(self, folder: Path) -> list[Path]:
        """Write grades.csv, grades-moodle.csv and grades-canvas.csv; return them.

        Raises:
            OSError: a file can't be written.
        """
        tables = {
            "grades.csv": self.table(),
            "grades-moodle.csv": self.moodle(),
            "grades-canvas.csv": self.canvas(),
        }
        for name, rows in tables.items():
            # Excel takes a file for UTF-8 by its mark, which Canvas stumbles over.
            mark = "\ufeff" if name == "grades.csv" else ""
            write_whole(folder / name, mark + as_csv(rows))
        return [folder / name for name in tables]

    def table(self) -> list[list[str]]:
        """Return a row for each learner, with a column for each exercise."""
        columns = [name for names in self.exercises.values() for name in names]
        most = sum(map(self.scale.most, columns))
        head = ["id", "name", "email", *columns, "total", "of", "state", "late"]
        rows = [[*head, "submitted", "files", "notes"]]
        for learner, results in self._by_learner():
            points = self._points(results)
            total = self._total(results)
            late = any(result.submission.late for result in results)
            rows.append(
                [
                    *(learner.id, learner.name, learner.email),
                    *(_number(points.get(name)) for name in columns),
                    *(_number(total), _number(most)),
                    _joined(result.state for result in results),
                    "late" if late else "",
                    _joined(result.submission.submitted for result in results),
                    _joined(result.submission.source for result in results),
                    _joined(text for result in results for text in _told(result)),
                ]
            )
        return rows

    def moodle(self) -> list[list[str]]:
        """Return Moodle's grading worksheet: Assignment, Upload grading worksheet.

        Moodle finds learners by `Identifier`, which the names of exported folders
        have, or a roster: a worksheet that Moodle itself wrote is the best one. The
        grade of who has no marks stays as it is there: empty.
        """
        most = sum(map(self.scale.most, self._columns()))
        kept = ("Full name", "Email address")
        rows = [["Identifier", *kept, "Grade", _MAXIMUM, _GRADED, _COMMENTS]]
        for learner, results in self._by_learner():
            row = learner.columns
            counts = _any_graded(results) or self._is_zero(results)
            grade = self._total(results) if counts else None
            rows.append(
                [
                    row.get("Identifier", learner.id),
                    row.get("Full name", learner.name),
                    row.get("Email address", learner.email),
                    *(_number(grade), _number(most)),
                    row.get(_GRADED) or "-",  # Moodle refuses a sheet without it
                    _joined(_comment(r, several=len(results) > 1) for r in results),
                ]
            )
        return rows

    def other_maximum(self) -> str:
        """Say that Moodle's worksheet goes to another number of points; "" if not."""
        most = sum(map(self.scale.most, self._columns()))
        found = {r.submission.learner.columns.get(_MAXIMUM, "") for r in self.results}
        numbers = {as_points(text) for text in found - {""}}
        theirs = sorted(n for n in numbers if math.isfinite(n) and n != most)
        if not theirs:
            return ""
        return (
            f"the worksheet's maximum grade is {theirs[0]:g}, these points go to "
            f"{most:g}: change it in Moodle before you upload grades-moodle.csv."
        )

    def canvas(self) -> list[list[str]]:
        """Return a table that Canvas imports: Grades, Import.

        Canvas finds learners by `ID`, which the names of exported files have, else by
        the SIS columns, which a roster has that Canvas exported, else by the name.
        """
        lessons = list(self.exercises)
        names = [self.assignment] if self.assignment else lessons
        head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
        most = [sum(map(self.scale.most, self.exercises[name])) for name in lessons]
        rows = [[*head, *names], ["    Points Possible", *[""] * 4]]
        rows[1] += map(_number, most)
        for learner, results in self._by_learner():
            row = learner.columns
            known = [row.get(name, "") for name in head]
            known[0] = known[0] or learner.name or learner.id
            if not row:
                known[1] = learner.id if learner.id.isdecimal() else ""
            graded = {
                r.submission.lesson: r
                for r in results
                if r.state == "graded" or self._is_zero([r])
            }
            totals = [
                self._total([graded[name]]) if name in graded else None
                for name in lessons
            ]
            rows.append([*known, *map(_number, totals)])
        return rows

    def _columns(self) -> list[str]:
        return [name for names in self.exercises.values() for name in names]

    def _by_learner(self) -> list[tuple[Learner, list[Result]]]:
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.submission.learner.id, []).append(result)
        return [(results[0].submission.learner, results) for results in found.values()]

    def _is_zero(self, results: Sequence[Result]) -> bool:
        return self.missing_zero and all(r.state == "missing" for r in results)

    def _points(self, results: Iterable[Result]) -> dict[str, float]:
        return {
            mark.exercise: self.scale.of(mark)
            for result in results
            for mark in result.marks
        }

    def _total(self, results: Sequence[Result]) -> float | None:
        """Return the sum of all points; None where something can't be graded."""
        if any(result.state == "not graded" for result in results):
            return None
        return sum(self._points(results).values())


_MAXIMUM = "Maximum grade"
_GRADED, _COMMENTS = "Last modified (grade)", "Feedback comments"


def _any_graded(results: Iterable[Result]) -> bool:
    return any(result.state == "graded" for result in results)


def _told(result: Result) -> list[str]:
    """Return what a table says of a result, beside its points."""
    told = [result.problem] if result.problem else []
    return [*told, *result.submission.notes, *_of_marks(result)]


def _of_marks(result: Result) -> list[str]:
    """Say what stopped answers, and what a teacher decided."""
    told = [f"{m.exercise}: {m.fault}." for m in result.marks if m.fault]
    return told + [
        f"{m.exercise}: {m.points:g}, set by the teacher: {m.reason}"
        for m in result.marks
        if m.points is not None
    ]


def _comment(result: Result, several: bool) -> str:
    """Return why points are missing; of which lesson, where there are several."""
    lesson = f"{result.submission.lesson}: " if several and result.problem else ""
    return lesson + " ".join(filter(None, [result.problem, *_of_marks(result)]))


def _number(value: float | None) -> str:
    return "" if value is None else f"{round(value, 2):g}"


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    r"""Return rows as CSV in which no text is a formula to a spreadsheet.

    >>> as_csv([["=1+1", "2"]])
    "'=1+1,2\r\n"
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _harmless(cell: str) -> str:
    # "-" alone is Moodle's word for no date, and no formula. Some spreadsheets take
    # the wide signs of Chinese and Japanese for the plain ones.
    plain = unicodedata.normalize("NFKC", cell).lstrip(" ")
    return f"'{cell}" if plain.startswith(_FORMULA) and cell != "-" else cell
