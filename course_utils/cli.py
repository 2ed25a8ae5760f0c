"""The instructor's command: `course run`."""

import signal
import sys
import time
import uuid
from pathlib import Path

import click

from course_utils.errors import CourseError
from course_utils.runs.preflight import (
    check_devices,
    parse_parameters,
    require_packages,
)
from course_utils.runs.startup import skip_slow_import


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Layer by Layer, for instructors."""


@main.command()
@click.argument("notebooks", nargs=-1)
@click.option(
    "--device",
    "devices",
    multiple=True,
    help="cpu, cuda, mps or auto; give it again to run each lesson on several. "
    "[default: what the lesson says]",
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0, 2**32 - 1),
    help="Give it again to run each lesson with several. "
    "[default: what the lesson says]",
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
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Each batch gets a new folder in here; 'latest' leads to the last one.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Lessons that run at the same time. [default: one for every two cores]",
)
@click.option(
    "--cell-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="A cell that takes longer is stopped.",
)
@click.option(
    "--html/--no-html",
    default=True,
    show_default=True,
    help="Also write a page of each.",
)
def run(notebooks: tuple[str, ...], **options) -> None:
    """Execute lessons in every combination of devices, seeds and parameters.

    NOTEBOOKS are files, folders, or the start of a lesson's name, as in
    `course run 01 10`; without any, every lesson in notebooks/ is run.

    Exit code: 0 all runs succeeded, 1 some did not, 2 nothing was run because the
    command can't be carried out, 130 interrupted.
    """
    try:
        require_packages()
        check_devices(options["devices"])
        code = _run(notebooks, **options)
    except CourseError as error:
        click.echo(f"course run: {error}", err=True)
        sys.exit(2)
    sys.exit(code)


def _run(notebooks, devices, seeds, parameters, out, jobs, cell_timeout, html) -> int:
    from course_utils.runs.lessons import find_lessons
    from course_utils.runs.progress import Progress
    from course_utils.runs.report import Report, now
    from course_utils.runs.run_folder import make_run_folder, point_latest
    from course_utils.runs.runner import run_batch
    from course_utils.runs.tasks import make_grid
    from course_utils.runs.worker import Settings

    skip_slow_import()
    grid = parse_parameters(parameters)
    tasks, notes = make_grid(find_lessons(notebooks), devices, seeds, grid)
    for note in notes:
        click.echo(f"Note: {note}", err=True)
    begun, clock = now(), time.perf_counter()
    folder = make_run_folder(out, begun)
    settings = Settings(folder, uuid.uuid4().hex, cell_timeout, pages=html)
    # A batch that is told to end (a cancelled job) ends as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Progress(len(tasks)) as progress:
        results = run_batch(tasks, settings, jobs=jobs, on_result=progress.show)
    report = Report(results, time.perf_counter() - clock, begun)
    click.echo(report.table())
    click.echo(f"\n{report.summary}")
    try:
        click.echo(f"Report: {_near(report.write(folder))}")
    except OSError as error:
        click.echo(f"The report can't be written: {error.strerror}.", err=True)
        return report.exit_code or 1
    point_latest(folder)
    return report.exit_code


def _near(path: Path) -> Path:
    """Return the path from the current folder, where it lies under that."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == "__main__":
    main()
