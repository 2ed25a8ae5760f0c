"""Points that a teacher sets after reading: a table with a line for each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import write_whole
from course_utils.grading.explanations import explanation, left_to_teacher
from course_utils.grading.gradebook import Scale, as_csv, as_points
from course_utils.grading.learners import Roster, read_rows
from course_utils.grading.model import Mark, Result, Submission

_COLUMNS = ("learner", "exercise", "points", "reason")


@dataclass(frozen=True)
class Override:
    """What a teacher decided.

    Attributes:
        learner: the id.
        exercise: the name.
        points: in place of what grading gave.
        reason: for the learner to read.
        measured: what grading gave when it was decided; nan where that isn't known.
        where: the line of the table, for people.
    """

    learner: str
    exercise: str
    points: float
    reason: str
    measured: float = field(default=math.nan, compare=False)
    where: str = field(default="", compare=False)


def read_overrides(
    path: Path,
    submissions: Sequence[Submission],
    exercises: Mapping[str, Sequence[str]],
    scale: Scale,
) -> list[Override]:
    """Read a table with the columns `learner`, `exercise`, `points` and `reason`.

    Others count for nothing but `measured`: a line whose points are those, without a
    reason, decides nothing; and a decision on what measures something else by now is
    to be looked at again.

    Args:
        path: of the table.
        submissions: of whom there may be lines.
        exercises: the names by lesson.
        scale: what an exercise is worth at most.

    Raises:
        CourseError: it can't be read, or a line does not fit.

    >>> read_overrides(Path("none.csv"), [], {}, Scale())
    Traceback (most recent call last):
    course_utils.errors.CourseError: none.csv can't be read: No such file or directory.
    """
    try:
        head, *lines = read_rows(path.read_bytes()) or [[]]
    except OSError as error:
        raise CourseError(f"{path} can't be read: {error.strerror}.") from None
    if not set(_COLUMNS) <= set(head):
        raise CourseError(f"{path}: the columns are called {', '.join(_COLUMNS)}.")
    desk = _Desk(submissions, exercises, scale)
    found: dict[tuple[str, str], Override] = {}
    for number, line in enumerate(lines, 2):
        where = f"{path}, line {number}"
        if len(line) != len(head):
            raise CourseError(
                f"{where}: {len(line)} cells, not {len(head)}. A reason that has "
                "commas stands in double quotes."
            )
        row = dict(zip(head, line, strict=True))
        if not row["reason"] and as_points(row["points"]) == _measured(row):
            continue
        one = desk.override(row, where)
        if (one.learner, one.exercise) in found:
            raise CourseError(
                f"{where}: {one.learner} has another line for {one.exercise}."
            )
        found[one.learner, one.exercise] = one
    return list(found.values())


def _measured(row: Mapping[str, str]) -> float:
    return as_points(row.get("measured", ""))


class _Desk:
    """Tells whether a line fits what was handed in."""

    def __init__(
        self,
        submissions: Sequence[Submission],
        exercises: Mapping[str, Sequence[str]],
        scale: Scale,
    ) -> None:
        self._scale = scale
        self._names = [name for names in exercises.values() for name in names]
        self._roster = Roster(
            list({s.learner.id: s.learner for s in submissions}.values())
        )
        self._graded = {
            (s.learner.id, name)
            for s in submissions
            if not (s.problem or s.missing)
            for name in exercises.get(s.lesson, ())
        }

    def override(self, row: Mapping[str, str], where: str) -> Override:
        """Return what a line says.

        Raises:
            CourseError: it does not fit.
        """
        keys = [row["learner"], f"Participant {row['learner']}"]  # Moodle's number
        learner, name = self._roster.find(keys), row["exercise"]
        if learner is None:
            raise CourseError(
                f"{where}: {row['learner']!r} names no learner of this batch, or "
                "several: write the id that grades.csv has. Who is not graded yet is "
                "known only while the submissions lie where they were."
            )
        if name not in self._names:
            raise CourseError(
                f"{where}: there is no exercise {name!r} here; there are "
                f"{', '.join(self._names)}."
            )
        if (learner.id, name) not in self._graded:
            raise CourseError(
                f"{where}: {learner.label} handed in nothing that {name} could be "
                "graded in, so there are no points to change."
            )
        points, most = as_points(row["points"]), self._scale.most(name)
        if not 0 <= points <= most:
            raise CourseError(
                f"{where}: {row['points']!r} is no number of points for {name}, which "
                f"has 0 to {most:g}."
            )
        if not row["reason"]:
            raise CourseError(f"{where}: the reason is missing; the learner reads it.")
        measured, reason = _measured(row), row["reason"]
        if not reason.rstrip("\"')»”’").endswith((".", "!", "?", "…")):
            reason += "."
        return Override(learner.id, name, points, reason, measured, where)


def overridden(
    results: Sequence[Result], overrides: Sequence[Override], scale: Scale
) -> list[Result]:
    """Return the results with what a teacher decided.

    >>> right = Override("ada", "linear.affine", 1.0, "It is right.")
    >>> overridden([], [right], Scale())
    []
    """
    decided = {(one.learner, one.exercise): one for one in overrides}
    return [_overridden(result, decided, scale) for result in results]


def _overridden(
    result: Result, decided: Mapping[tuple[str, str], Override], scale: Scale
) -> Result:
    marks: list[Mark] = []
    for mark in result.marks:
        if one := decided.get((result.submission.learner.id, mark.exercise)):
            again = _changed(mark, one, scale)
            mark = replace(mark, points=one.points, reason=one.reason, again=again)
        marks.append(mark)
    return replace(result, marks=tuple(marks))


def _changed(mark: Mark, one: Override, scale: Scale) -> str:
    """Say what a decided task measures by now; "" where that is as it was."""
    now = scale.of(replace(mark, points=None))
    if math.isnan(one.measured) or math.isclose(one.measured, now, abs_tol=0.005):
        return ""
    return f"measured {one.measured:g} then, {now:g} now"


def outdated(
    results: Sequence[Result], overrides: Sequence[Override], scale: Scale
) -> list[str]:
    """Say which decisions were made on other answers than those that are there now.

    >>> outdated([], [], Scale())
    []
    """
    told: list[str] = []
    for result in results:
        learner = result.submission.learner
        marks = {mark.exercise: mark for mark in result.marks}
        for one in overrides:
            mark = marks.get(one.exercise) if one.learner == learner.id else None
            if mark and (change := _changed(mark, one, scale)):
                told.append(
                    f"{one.where}: {learner.label}'s {one.exercise} was handed in or "
                    f"graded again since ({change}). Your {one.points:g} still count: "
                    "read it again, and write the new number under measured, or take "
                    "the line out."
                )
    return told


def to_read(results: Sequence[Result], scale: Scale) -> list[list[str]]:
    """Return what a teacher has to read, or has decided, as a table of overrides.

    Args:
        results: with what was decided.
        scale: what a task is worth.

    What was decided on another answer comes anew, without points and reason.

    >>> to_read([], Scale())[0][:5]
    ['learner', 'exercise', 'points', 'reason', 'measured']
    """
    rows = [[*_COLUMNS, "measured", "most", "name", "sentence"]]
    for result in results:
        own = result.submission
        for mark in result.marks:
            if mark.points is None and not left_to_teacher(mark):
                continue
            name = mark.exercise
            if mark.again:
                mark = replace(mark, points=None, reason="")
            numbers = scale.of(mark), scale.of(replace(mark, points=None))
            points, measured, most = (f"{n:g}" for n in (*numbers, scale.most(name)))
            said = explanation(mark, own.cells.get(name, ""))
            row = [own.learner.id, name, points, mark.reason, measured, most]
            rows.append([*row, own.learner.name, " ".join(said.split())])
    first, *rest = rows
    return [first, *sorted(rest, key=lambda row: row[1])]


def write_to_read(
    results: Sequence[Result], scale: Scale, folder: Path, decided: str
) -> None:
    """Write to-read.csv, unless that is the table in which a teacher has decided.

    Raises:
        OSError: it can't be written.
    """
    path, rows = folder / "to-read.csv", to_read(results, scale)
    if decided and Path(decided).resolve() == path.resolve():
        return
    if len(rows) == 1:
        path.unlink(missing_ok=True)
    else:
        write_whole(path, "\ufeff" + as_csv(rows))
