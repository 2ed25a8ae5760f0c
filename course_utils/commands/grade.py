"""The command `course grade`."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from course_utils.commands.cluster import cluster_of, cluster_options
from course_utils.commands.paths import (
    FILE,
    FOLDER,
    batches_option,
    given,
    refuse_changes,
)
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from course_utils.grading.assignment import Assignment
    from course_utils.grading.model import Result, Submission
    from course_utils.grading.overrides import Override

# What may be given anew when a batch is resumed.
_FREE = {
    "resume",
    "overrides",
    "missing_zero",
    "jobs",
    "scheduler",
    "dask_local",
    "resources",
}
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("submissions", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--lesson",
    "lessons",
    multiple=True,
    metavar="NAME",
    show_default="each notebook's own",
    help="The lesson that was to be submitted: the start of its name, as 01, or its "
    "file. Give it again for several.",
)
@click.option(
    "--roster",
    type=FILE,
    metavar="FILE.csv",
    help="The learners of the course, with columns such as id, name, email; who has "
    "submitted nothing is then listed too. Exports of Moodle and Canvas will do.",
)
@click.option(
    "--points",
    type=FILE,
    metavar="FILE.csv",
    show_default="1 for each exercise",
    help="Columns exercise and points.",
)
@click.option(
    "--overrides",
    type=FILE,
    metavar="FILE.csv",
    help="Columns learner, exercise, points and reason: what you decide after reading. "
    "It comes before what was measured, and learners see the reason.",
)
@click.option(
    "--partial",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="What a wrong answer can get of its points at most. It gets this times the "
    "share of its steps that are right: the result for each case that the check tries, "
    "and for each its gradients where they count.",
)
@click.option(
    "--missing-zero",
    is_flag=True,
    help="In the tables for Moodle and Canvas, whoever of the roster handed in nothing "
    "has 0 points; otherwise no grade.",
)
@click.option(
    "--assignment",
    default="",
    metavar="NAME",
    show_default="the lesson's file",
    help="What Canvas calls the assignment, as it heads its column.",
)
@batches_option("grades")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    show_default="one for each core",
    help="Submissions that are graded at the same time.",
)
@click.option(
    "--exercise-timeout",
    type=_ABOVE_ZERO,
    show_default="10",
    metavar="SECONDS",
    help="An answer that takes longer, with all that its check computes, is ended.",
)
@click.option(
    "--timeout",
    type=_ABOVE_ZERO,
    show_default="60, or that for an exercise if it is more",
    metavar="SECONDS",
    help="For all answers of a submission together.",
)
@click.option(
    "--max-memory",
    type=_ABOVE_ZERO,
    show_default="2.1",
    metavar="GB",
    help="What a submission's processes may hold, beside what torch takes.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    show_default="drawn anew for each batch",
    help="What the hidden cases of labs are drawn from. Keep it to yourself: the same "
    "seed gives the same marks.",
)
@click.option(
    "--resume",
    type=FOLDER,
    metavar="FOLDER",
    help="Go on with a batch that was ended: what is new, changed or unfinished is "
    "graded. Everything but --overrides, --missing-zero, --jobs and the cluster is as "
    "it was then.",
)
@click.option(
    "--unconfined",
    is_flag=True,
    help="Run the submissions' code without bubblewrap, as yourself: it can then read "
    "and change every file that you can, use the network, and forge its marks. Only "
    "for code that you trust as your own.",
)
@cluster_options
@click.pass_context
def grade(
    ctx: click.Context,
    submissions: tuple[Path, ...],
    resume: Path | None,
    out: Path,
    jobs: int | None,
    scheduler: str | None,
    dask_local: int | None,
    resources: tuple[str, ...],
    **options: Any,
) -> None:
    """Grade what learners have submitted of a lesson.

    SUBMISSIONS are folders, zip archives or notebooks, as Moodle, Canvas or nbgrader
    export them or sorted in any way: whose a file is, is told by its path, else by the
    name of its folder or its own.

    Of each notebook only the answers to exercises are taken. They run confined, away
    from your files, the network and each other; what they return is compared outside,
    as the lesson's own check does it. Outputs in the notebook count for nothing.

    The new folder holds index.html, the page of the class, and in feedback/ a page
    for each learner, which names nobody else; grades.csv, the tables grades-moodle.csv
    and grades-canvas.csv to import there; and results.jsonl with all that was found.
    `course report` writes tables and pages anew.

    Exit code: 0 everything was graded, 1 something could not be, 2 nothing was
    graded because the command can't be carried out; --resume goes on after 130,
    interrupted, and after 3, the cluster was lost or a file can't be written.

    \b
    course grade moodle.zip --lesson 01 --roster participants.csv
    course grade canvas/ --points points.csv --partial 0.5
    course grade --resume grades/latest
    course grade moodle.zip --lesson 01 --scheduler tcp://192.168.0.5:8786
    """
    if bool(submissions) == bool(resume):
        raise CourseError("name what was submitted, or a batch with --resume.")
    if sys.platform == "win32":
        raise CourseError(
            "grading runs on Linux, and unconfined on macOS: on Windows, use WSL or "
            "the course's container."
        )
    from course_utils.doctor import require_packages

    require_packages("pebble", "psutil", "jinja2", "nbformat")
    from course_utils.grading.assignment import Assignment
    from course_utils.grading.confinement import find_confinement
    from course_utils.grading.submissions import from_elsewhere
    from course_utils.runs.processes import ended_by_signals
    from course_utils.runs.report import point_latest, written_to

    if resume:
        refuse_changes(ctx, resume, set(given(ctx)) - _FREE)
        assignment = Assignment.read(resume)
        if overrides := options["overrides"]:
            assignment = replace(assignment, overrides=str(overrides.absolute()))
        if options["missing_zero"]:
            assignment = replace(assignment, missing_zero=True)
    else:
        column, limits = options.pop("assignment"), _limits(options)
        assignment = Assignment.of(submissions, column=column, limits=limits, **options)
    confined = not assignment.unconfined
    if confined and not (scheduler or dask_local):
        find_confinement()
    found, _ = assignment.submissions(), assignment.scale  # before a folder is made
    assignment.read_overrides(found)
    warn(from_elsewhere(found))
    if resume and (options["overrides"] or options["missing_zero"]):
        with written_to(resume):
            assignment.write(resume)
    place = cluster_of(scheduler, dask_local, resources, jobs=jobs, confined=confined)
    with ended_by_signals(), place as executor:
        folder = resume or _new_folder(out, assignment)
        code = _grade_into(folder, assignment, found, jobs, executor)
    if not resume:
        point_latest(folder)
    sys.exit(code)


def _limits(options: dict[str, Any]) -> dict[str, float]:
    """Take the options for limits out of all; return their values, by `Limits`.

    Raises:
        CourseError: they contradict each other.
    """
    from course_utils.grading.confinement import Limits

    names = ("exercise_timeout", "timeout", "max_memory")
    exercise, submission, memory = map(options.pop, names)
    limits = Limits()
    exercise = exercise or limits.exercise
    submission = submission or max(limits.submission, exercise)
    memory = int(memory * 1e9) if memory else limits.memory
    if submission < exercise:
        raise CourseError(
            f"--timeout {submission:g} for all exercises is less than the {exercise:g} "
            "s that each may take: give a smaller --exercise-timeout."
        )
    return {"exercise": exercise, "submission": submission, "memory": memory}


def _new_folder(out: Path, assignment: "Assignment") -> Path:
    """Make a batch's folder, which knows from then on how to go on.

    Raises:
        CourseError: it can't be written to.
    """
    from course_utils.runs.report import make_run_folder, written_to

    folder = make_run_folder(out, datetime.now(timezone.utc))
    with written_to(out):
        try:
            assignment.write(folder)
        except OSError:
            folder.rmdir()
            raise
    return folder


def _grade_into(
    folder: Path,
    assignment: "Assignment",
    submissions: "Sequence[Submission]",
    jobs: int | None,
    executor: "Executor | None",
) -> int:
    """Grade, and say how a batch goes on that the disk ended; return the exit code."""
    try:
        return _grade(assignment, submissions, folder.resolve(), jobs, executor)
    except OSError as error:
        reason = error.strerror or error
        click.echo(
            f"course grade: results can't be written to {folder}: {reason}. What is "
            f"finished is kept; once there is room: course grade --resume {folder}",
            err=True,
        )
        return 3


def _grade(
    assignment: "Assignment",
    submissions: "Sequence[Submission]",
    folder: Path,
    jobs: int | None,
    executor: "Executor | None",
) -> int:
    """Grade what has no result in the folder yet; return the exit code."""
    from course_utils.grading import batch
    from course_utils.grading.overrides import overridden
    from course_utils.grading.reading import late_modules
    from course_utils.grading.records import Record, read_results, write_results
    from course_utils.grading.report import doubts, write_report
    from course_utils.grading.sections import read_paper

    begin = time.perf_counter()
    overrides = assignment.read_overrides(submissions)
    lessons = {path.stem: read_paper(path) for path in map(Path, assignment.lessons)}
    texts = "\n".join(cell for s in submissions for cell in s.cells.values())
    modules = tuple(late_modules(texts))
    secret = str(assignment.seed)
    grading = batch.Grading(
        lessons, assignment.allowed, assignment.unconfined, modules, secret
    )
    lost = finished = False
    with Record(folder) as record:
        known = {r.submission.key: r for r in read_results(folder)}
        results = {
            submission.key: known[submission.key]
            for submission in submissions
            if submission.key in known and _stands(known[submission.key], submission)
        }
        left = [s for s in submissions if s.key not in results]
        with batch.show_progress(len(left)) as show:

            def keep(result: "Result") -> None:
                record.add(result)
                results[result.submission.key] = result
                show(overridden([result], overrides, assignment.scale)[0])

            try:
                finished = batch.grade_all(
                    left, grading, executor=executor, jobs=jobs, on_result=keep
                )
            except CourseError as error:
                lost = True
                click.echo(f"course grade: {error} What is finished is kept.", err=True)
        ordered = [results[s.key] for s in submissions if s.key in results]
        write_results(folder, ordered)
        index = write_report(assignment, ordered, folder, overrides)
        warn(doubts(assignment, ordered, overrides))
        seconds = time.perf_counter() - begin
        click.echo(f"{counted(ordered, overrides)} in {seconds:.0f} s: {index}")
        if finished:
            return int(any(result.state == "not graded" for result in ordered))
        number = len(submissions) - len(ordered)
        click.echo(f"{number} are left: course grade --resume {folder}")
        return 3 if lost else 130


def warn(doubts: Iterable[str]) -> None:
    """Print what a teacher should look at before the marks go out."""
    for doubt in doubts:
        click.echo(f"WARNING: {doubt}", err=True)


def counted(results: "Sequence[Result]", overrides: "Sequence[Override]") -> str:
    """Return how many results are in each state, and what overrides wait, in words."""
    states = Counter(result.state for result in results)
    said = [f"{number} {state}" for state, number in states.items()]
    graded = {(r.submission.learner.id, m.exercise) for r in results for m in r.marks}
    waiting = sum((o.learner, o.exercise) not in graded for o in overrides)
    if waiting:
        said.append(f"{waiting} of the points that you set wait until it is graded")
    return ", ".join(said)


def _stands(result: "Result", submission: "Submission") -> bool:
    """Tell whether an earlier result is that of a submission as it is now."""
    return result.submission == submission and result.problem == submission.problem
