"""All that a batch of grading shows, from its results alone."""

from collections.abc import Sequence
from pathlib import Path

from course_utils.grading.assignment import Assignment
from course_utils.grading.feedback import write_feedback
from course_utils.grading.model import Result
from course_utils.grading.overrides import (
    Override,
    outdated,
    overridden,
    write_to_read,
)
from course_utils.grading.overview import write_overview


def write_report(
    assignment: Assignment,
    results: Sequence[Result],
    folder: Path,
    overrides: Sequence[Override] = (),
) -> Path:
    """Write the tables and all pages; return that of the class.

    Args:
        assignment: what was to be submitted.
        results: as grading found them.
        folder: takes the files.
        overrides: what a teacher decided after that.

    Raises:
        OSError: a file can't be written.
        CourseError: the assignment's table of points can't be read.
    """
    results = overridden(results, overrides, assignment.scale)
    gradebook = assignment.gradebook(results)
    gradebook.write(folder)
    write_to_read(results, gradebook.scale, folder, assignment.overrides)
    write_feedback(results, gradebook.scale, folder)
    return write_overview(gradebook, folder)


def doubts(
    assignment: Assignment,
    results: Sequence[Result],
    overrides: Sequence[Override] = (),
) -> list[str]:
    """Say what a teacher should look at before the tables and pages go out."""
    found = outdated(results, overrides, assignment.scale)
    if told := assignment.gradebook(results).other_maximum():
        found.append(told)
    return found
