"""The command `course report`."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from course_utils.commands.grade import counted, warn
from course_utils.commands.paths import FOLDER, junit_option, near
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.grading.assignment import Assignment
    from course_utils.grading.model import Result, Submission


@click.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=FOLDER,
)
@click.option(
    "--out",
    type=FOLDER,
    help="Takes the report; without it, the folder of the batch. Several batches need "
    "it.",
)
@junit_option
def report(folders: tuple[Path, ...], out: Path | None, junit: Path | None) -> None:
    """Write the report of a batch again, or one report on several batches.

    FOLDERS are those that `course run` has made, or one that `course grade` has made,
    ended or not: what was finished is in them even if the command was killed. For the
    latter, tables and pages are written again, with the points that the tables of
    --points and --overrides have by now.

    \b
    course report runs/latest
    course report grades/latest
    course report runs/20260501T093000Z-1 from-gpu/20260501T094500Z-1 --out both

    Exit code: as of the command that made the folder; 2 for a folder of neither.
    """
    from course_utils.doctor import require_packages

    require_packages("nbformat", "jinja2")
    from course_utils.grading.records import is_graded
    from course_utils.runs.report import written_to

    places = [folder.resolve() for folder in folders]
    graded = [place for place in places if is_graded(place)]
    if graded and (junit or len(places) > 1):
        raise CourseError(
            f"{near(graded[0])} is a folder of `course grade`: report on it alone, and "
            "without --junit."
        )
    if out is None and len(places) > 1:
        raise CourseError("several batches need a folder for their report: --out.")
    folder = out.resolve() if out else places[0]
    with written_to(folder, "the report"):
        sys.exit(_grades(places[0], folder) if graded else _runs(places, folder, junit))


def _runs(places: Sequence[Path], folder: Path, junit: Path | None) -> int:
    """Report on batches of `course run`; return the exit code."""
    from course_utils.runs.junit import write_junit
    from course_utils.runs.report import read_report

    try:
        found = read_report(places, folder)
    except CourseError as error:
        either = f"{str(error).rstrip('.')}, or `course grade` in grades/."
        raise CourseError(either) from error
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(f"{found.table()}\n\n{found.summary}")
    index = found.write(folder)
    if junit:
        write_junit(found.results, found.seconds, junit)
    click.echo(f"Report of `course run`: {near(index)}")
    return found.exit_code


def _grades(place: Path, folder: Path) -> int:
    """Write the tables and pages of `course grade`; return the exit code."""
    from course_utils.grading.assignment import Assignment
    from course_utils.grading.records import read_results
    from course_utils.grading.report import doubts, write_report
    from course_utils.grading.submissions import from_elsewhere

    assignment = Assignment.read(place)
    try:
        results = read_results(place)
    except OSError as error:
        raise CourseError(
            f"the results in {near(place)} can't be read: {error.strerror}. Grade "
            f"what is left with: course grade --resume {near(place)}"
        ) from error
    overrides = assignment.read_overrides(_handed_in(assignment, results))
    folder.mkdir(parents=True, exist_ok=True)
    index = write_report(assignment, results, folder, overrides)
    warn(from_elsewhere(result.submission for result in results))
    warn(doubts(assignment, results, overrides))
    click.echo(counted(results, overrides))
    click.echo(f"Report of `course grade`: {near(index)}")
    return int(any(result.state == "not graded" for result in results))


def _handed_in(
    assignment: "Assignment", results: "Sequence[Result]"
) -> "list[Submission]":
    """Return what was handed in; what is not graded yet only where it still lies."""
    graded = [result.submission for result in results]
    if not assignment.overrides:
        return graded
    with suppress(CourseError):
        return [*graded, *assignment.submissions()]
    return graded
