"""What a batch of grading was asked to do, so that it can go on another day."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.grading.confinement import Limits
from course_utils.grading.gradebook import Gradebook, Scale, read_points
from course_utils.grading.learners import read_roster
from course_utils.grading.model import Result, Submission
from course_utils.grading.overrides import Override, read_overrides
from course_utils.grading.records import read_settings, write_settings
from course_utils.grading.sections import read_paper
from course_utils.grading.submissions import find_submissions
from course_utils.labs.registry import find_task
from course_utils.runs.lessons import find_notebooks


@dataclass(frozen=True)
class Assignment:
    """What was to be submitted, where it is, and what it is worth.

    Attributes:
        paths: where submissions are, as absolute paths.
        lessons: the released notebooks, as absolute paths.
        checksums: of the lessons, in hexadecimal digits.
        roster: a table of the course's learners; "" for none.
        points: a table of points; "" for none.
        overrides: a table of points that a teacher has set; "" for none.
        partial: see `Scale`.
        column: what Canvas calls it; "" for the lesson's name.
        unconfined: see `judge`.
        limits: what a submission may use, by the names of `confinement.Limits`; what
            is not here is as it is there.
        seed: what the hidden cases of labs are drawn from.
        missing_zero: see `Gradebook`.
    """

    paths: Sequence[str]
    lessons: Sequence[str]
    checksums: Sequence[str]
    roster: str = ""
    points: str = ""
    partial: float = 0.0
    column: str = ""
    unconfined: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    overrides: str = ""
    missing_zero: bool = False

    @classmethod
    def of(
        cls,
        paths: Iterable[Path],
        lessons: Sequence[str] = (),
        *,
        roster: Path | None = None,
        points: Path | None = None,
        partial: float = 0.0,
        column: str = "",
        unconfined: bool = False,
        limits: Mapping[str, Any] | None = None,
        seed: int | None = None,
        overrides: Path | None = None,
        missing_zero: bool = False,
    ) -> "Assignment":
        """Return the assignment that a command's arguments describe.

        Without a seed it draws one that nobody can guess.

        Raises:
            CourseError: there is no such lesson.
        """
        notebooks = find_notebooks(lessons)
        if column and len(notebooks) > 1:
            raise CourseError("--assignment names one column: name one --lesson, too.")
        return cls(
            [str(path.absolute()) for path in paths],
            [str(path) for path in notebooks],
            [_checksum(path) for path in notebooks],
            str(roster.absolute()) if roster else "",
            str(points.absolute()) if points else "",
            partial,
            column,
            unconfined,
            limits or {},
            secrets.randbits(62) if seed is None else seed,
            str(overrides.absolute()) if overrides else "",
            missing_zero,
        )

    @classmethod
    def read(cls, folder: Path) -> "Assignment":
        """Return the assignment that a batch was started with.

        Raises:
            CourseError: the folder has none, or a lesson has changed since.
        """
        settings: dict[str, Any] = read_settings(folder)
        try:
            found = cls(**settings)
            changed = [
                path
                for path, checksum in zip(found.lessons, found.checksums, strict=True)
                if _checksum(Path(path)) != checksum
            ]
        except (TypeError, ValueError):
            raise CourseError(f"{folder} is of another version of the course.") from (
                None
            )
        if changed:
            raise CourseError(
                f"{changed[0]} has changed since: marks would not be comparable. Start "
                "a new batch of `course grade`."
            )
        return found

    def write(self, folder: Path) -> None:
        """Write it for a later `read`.

        Raises:
            OSError: it can't be written.
        """
        write_settings(folder, asdict(self))

    def submissions(self) -> list[Submission]:
        """Find what was submitted.

        Raises:
            CourseError: see `find_submissions` and `read_roster`.
        """
        roster = read_roster(Path(self.roster)) if self.roster else None
        paths, lessons = (map(Path, those) for those in (self.paths, self.lessons))
        return find_submissions(list(paths), list(lessons), roster)

    @cached_property
    def exercises(self) -> dict[str, list[str]]:
        """The names of the exercises by the lesson's name."""
        papers = {path.stem: read_paper(path) for path in map(Path, self.lessons)}
        return {n: [s.exercise for s in p.sections] for n, p in papers.items()}

    @property
    def allowed(self) -> Limits:
        """What a submission may use: the time that the tasks of labs need at least."""
        limits = Limits(**self.limits)
        names = [name for names in self.exercises.values() for name in names]
        needed = sum(task.seconds for name in names if (task := find_task(name)))
        return replace(limits, submission=max(limits.submission, needed))

    @cached_property
    def scale(self) -> Scale:
        """What verdicts are worth: a lab's tasks by their rubrics, unless told.

        Raises:
            CourseError: the table of points can't be read.
        """
        names = [name for names in self.exercises.values() for name in names]
        rubrics = {name: task.most for name in names if (task := find_task(name))}
        points = read_points(Path(self.points), names) if self.points else {}
        return Scale(rubrics | points, self.partial)

    def read_overrides(self, submissions: Sequence[Submission]) -> list[Override]:
        """Return what a teacher has decided on these submissions.

        Raises:
            CourseError: the table can't be read, or a line does not fit.
        """
        if not self.overrides:
            return []
        path = Path(self.overrides)
        return read_overrides(path, submissions, self.exercises, self.scale)

    def gradebook(self, results: Sequence[Result]) -> Gradebook:
        """Return the gradebook of the lessons that were submitted."""
        submitted = {result.submission.lesson for result in results}
        used = {n: e for n, e in self.exercises.items() if n in submitted}
        return Gradebook(results, used, self.scale, self.column, self.missing_zero)


def _checksum(path: Path) -> str:
    """Return the SHA-256 of a file; "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
