"""The command `course run`."""

import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from course_utils.commands.cluster import cluster_of, cluster_options
from course_utils.commands.paths import (
    FOLDER,
    batches_option,
    given,
    junit_option,
    near,
    refuse_changes,
)
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.runs.journal import Batch
    from course_utils.runs.model import Result, Task

_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)
# What executes notebooks.
EXECUTION = ("ipykernel", "papermill", "nbconvert", "pebble")
# Which limit an option sets, and its unit.
_LIMITS = {
    "cell_timeout": ("cell", 1),
    "timeout": ("notebook", 1),
    "max_output": ("output", 1e6),
    "max_memory": ("memory", 1e9),
}
# What a batch that is resumed has from its beginning.
_FIXED = ("notebooks", "devices", "seeds", "parameters", "out")


@click.command()
@click.argument("notebooks", nargs=-1)
@click.option(
    "--device",
    "devices",
    multiple=True,
    show_default="what the lesson says",
    help="cpu, cuda, mps or auto; give it again to run each lesson on several.",
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0, 2**32 - 1),
    show_default="what the lesson says",
    help="Give it again to run each lesson with several.",
)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="A value for a lesson's parameter; given again for the same name, each value "
    "is run.",
)
@batches_option("runs")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    show_default="one for every two cores",
    help="Lessons that run at the same time.",
)
@click.option(
    "--cell-timeout",
    type=_ABOVE_ZERO,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="A cell that takes longer is stopped.",
)
@click.option(
    "--timeout",
    type=_ABOVE_ZERO,
    show_default="no limit",
    metavar="SECONDS",
    help="A notebook that takes longer is stopped.",
)
@click.option(
    "--max-output",
    type=_ABOVE_ZERO,
    default=20.0,
    show_default=True,
    metavar="MB",
    help="A notebook that puts out more, pictures included, is stopped.",
)
@click.option(
    "--max-memory",
    type=_ABOVE_ZERO,
    show_default="no limit",
    metavar="GB",
    help="A notebook whose processes hold more, looked at five times a second, is "
    "killed.",
)
@click.option(
    "--html/--no-html",
    default=True,
    show_default=True,
    help="Also write a page of each.",
)
@click.option(
    "--cold",
    is_flag=True,
    help="Start each kernel from nothing, not from a process that has imported torch.",
)
@junit_option
@click.option(
    "--resume",
    type=FOLDER,
    metavar="FOLDER",
    help="Go on with a batch that was ended: run what has no result, or another "
    "notebook by now. Limits and --html are as they were, unless given.",
)
@click.option(
    "--only-failed",
    is_flag=True,
    help="With --resume: also run again what failed, so all that has not succeeded.",
)
@click.option(
    "--fail-fast", is_flag=True, help="End the batch when a run does not succeed."
)
@click.option("--dry-run", is_flag=True, help="Say what would be run, and stop.")
@cluster_options
@click.pass_context
def run(ctx: click.Context, **options: Any) -> None:
    """Execute lessons in every combination of devices, seeds and parameters.

    NOTEBOOKS are files, folders, or the start of a lesson's name, as in
    `course run 01 10`; without any, every lesson in notebooks/ is run. Run only
    notebooks that you trust: they can do all that you can.

    The results are written as they come. Whatever ends the command, `course report`
    writes a report on what was finished, and --resume goes on from there.

    On a cluster, notebooks travel without the files beside them, and data come from
    where the worker finds them.

    Exit code: 0 all runs succeeded, 1 some did not, 2 nothing was run because the
    command can't be carried out, 130 interrupted.
    """
    from course_utils.doctor import require_packages

    require_packages(*EXECUTION)
    from course_utils.runs.journal import read_results
    from course_utils.runs.processes import ended_by_signals, strays_ended
    from course_utils.runs.report import make_run_folder, point_latest

    with ended_by_signals() as finish, strays_ended():
        if folder := options["resume"]:
            batch = _resumed(ctx)
            known, seconds = read_results(folder, batch)
            done = [result for result in known if _stands(result, **options)]
        else:
            batch = _new_batch(**options)
            done, seconds = [], 0.0
        skipped = {result.task.name for result in done}
        tasks = [task for task in batch.tasks if task.name not in skipped]
        _warn(options["jobs"])
        if options["dry_run"]:
            sys.exit(_show(tasks, len(done)))
        names = ("scheduler", "dask_local", "resources", "jobs")
        place = {name: options[name] for name in names}
        with cluster_of(**place, notebooks=True) as options["executor"]:
            if not folder:
                folder = make_run_folder(options["out"], batch.begun)
            code = _run(batch, tasks, done, folder.resolve(), seconds, finish, options)
        if not options["resume"]:
            point_latest(folder)
    sys.exit(code)


def _new_batch(
    notebooks: Sequence[str],
    devices: Sequence[str],
    seeds: Sequence[int],
    parameters: Sequence[tuple[str, str]],
    html: bool,
    **options: Any,
) -> "Batch":
    from course_utils.runs import lessons
    from course_utils.runs.journal import Batch
    from course_utils.runs.model import Limits
    from course_utils.runs.processes import Workers
    from course_utils.runs.report import describe_machine

    here = not (options["scheduler"] or options["dask_local"])
    special = [device for device in devices if device not in ("auto", "cpu")]
    if here and special:
        with Workers(1) as workers:  # a process that can wait for torch, and ends
            workers.submit(_check_devices, special).result()
    grid = lessons.parse_parameters(parameters)
    readings = map(lessons.read_lesson, lessons.find_notebooks(notebooks))
    tasks, notes = lessons.make_grid(readings, devices, seeds, grid)
    for note in notes:
        click.echo(f"Note: {note}", err=True)
    limits = replace(Limits(), **_limits(options, list(_LIMITS)))
    return Batch(tasks, datetime.now(timezone.utc), limits, html, describe_machine())


def _check_devices(names: Sequence[str]) -> None:
    """Raise CourseError for a device that is not there."""
    from course_utils.device import select_device

    for name in names:
        select_device(name)


def _limits(options: dict[str, Any], names: Sequence[str]) -> dict[str, float]:
    """Return the limits that these options set."""
    limits = {}
    for name in names:
        if options[name] is not None:
            limit, unit = _LIMITS[name]
            limits[limit] = options[name] * unit
    return limits


def _resumed(ctx: click.Context) -> "Batch":
    """Return the batch to go on with, its notebooks read anew.

    Raises:
        CourseError: the folder holds no batch, or an option can't change any more.
    """
    from course_utils.runs.journal import read_batch
    from course_utils.runs.lessons import read_lesson
    from course_utils.runs.report import describe_machine

    options = ctx.params
    named = given(ctx)
    fixed = {name for name in _FIXED if name in named and options[name]}
    refuse_changes(ctx, options["resume"], fixed)
    batch = read_batch(options["resume"])
    limits = _limits(options, [name for name in _LIMITS if name in named])
    return replace(
        batch,
        tasks=[
            replace(task, fault=read_lesson(task.notebook).fault)
            for task in batch.tasks
        ],
        limits=replace(batch.limits, **limits),
        pages=options["html"] if "html" in named else batch.pages,
        machine=describe_machine(),
    )


def _stands(result: "Result", only_failed: bool, **_: Any) -> bool:
    """Return whether a batch that goes on keeps this result."""
    if not result.finished or not result.checksum or (only_failed and result.fault):
        return False
    from course_utils.runs.batch import checksum_of

    with suppress(OSError):
        return checksum_of(result.task.notebook) == result.checksum
    return False


def _warn(jobs: int | None) -> None:
    from course_utils.runs.processes import count_cores

    cores = count_cores()
    if jobs and jobs > cores:
        click.echo(
            f"Note: {jobs} jobs share {cores} cores: each run takes longer, and "
            f"--jobs {cores} ends as soon and needs less memory.",
            err=True,
        )


def _show(tasks: Sequence["Task"], done: int) -> int:
    """Say what would be run; return the exit code."""
    from course_utils.runs.model import readable

    for task in tasks:
        state = task.fault.cause if task.fault else readable(near(task.notebook))
        click.echo(f"{readable(task.label)}: {state}")
    kept = f" {done} have a result." if done else ""
    click.echo(f"{len(tasks)} to run.{kept} Nothing was run.")
    return 1 if any(task.fault for task in tasks) else 0


def _run(
    batch: "Batch",
    tasks: Sequence["Task"],
    done: Sequence["Result"],
    folder: Path,
    seconds: float,
    finish: Callable[[], None],
    options: dict[str, Any],
) -> int:
    """Run these tasks of a batch and report on all of it; return the exit code."""
    from course_utils.runs.batch import run_batch, show_progress
    from course_utils.runs.journal import Journal
    from course_utils.runs.junit import write_junit
    from course_utils.runs.model import Settings
    from course_utils.runs.report import Report

    warm = not options["cold"]
    settings = Settings(
        folder,
        uuid.uuid4().hex,
        batch.limits,
        batch.pages,
        warm=warm,
        names=[task.name for task in batch.tasks],
    )
    with suppress(OSError):  # each run will say so
        batch.write(folder)
    with Journal(folder, seconds) as journal, show_progress(len(tasks)) as show:

        def keep(result: "Result") -> None:
            journal.add(result)
            show(result)

        choices = {name: options[name] for name in ("executor", "jobs", "fail_fast")}
        results = run_batch(tasks, settings, on_result=keep, **choices)
        finish()
    known = {result.task.name: result for result in [*done, *results]}
    ordered = [known[task.name] for task in batch.tasks]
    report = Report(ordered, journal.seconds, batch.begun, batch.machine)
    index = problem = None
    try:
        index = report.write(folder)
        if options["junit"]:
            write_junit(ordered, report.seconds, options["junit"])
    except OSError as error:
        problem = error.strerror
    click.echo(f"{report.table()}\n\n{report.summary}")
    if index:
        click.echo(f"Report: {near(index)}")
    if not all(result.finished for result in ordered):
        click.echo(f"Go on with: course run --resume {near(folder)}")
    if problem:
        click.echo(f"The report can't be written: {problem}.", err=True)
        return report.exit_code or 1
    return report.exit_code
