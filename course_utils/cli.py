"""The command `course`. What a subcommand needs is imported in its body."""

import sys
from pathlib import Path

import click

from course_utils.errors import CourseError


class _Course(click.Group):
    """A group in which a CourseError ends the command in one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            click.echo(f"course {ctx.invoked_subcommand}: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Course, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Layer by Layer, for instructors and authors."""


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
def run(
    notebooks: tuple[str, ...],
    devices: tuple[str, ...],
    seeds: tuple[int, ...],
    parameters: tuple[tuple[str, str], ...],
    out: Path,
    jobs: int | None,
    cell_timeout: float,
    html: bool,
) -> None:
    """Execute lessons in every combination of devices, seeds and parameters.

    NOTEBOOKS are files, folders, or the start of a lesson's name, as in
    `course run 01 10`; without any, every lesson in notebooks/ is run.

    Exit code: 0 all runs succeeded, 1 some did not, 2 nothing was run because the
    command can't be carried out, 130 interrupted.
    """
    _require_packages()
    _check_devices(devices)
    import signal
    import time
    import uuid

    from course_utils.runs.batch import Progress, run_batch
    from course_utils.runs.lessons import (
        find_notebooks,
        make_grid,
        parse_parameters,
        read_lesson,
    )
    from course_utils.runs.model import Settings
    from course_utils.runs.report import Report, make_run_folder, now, point_latest

    grid = parse_parameters(parameters)
    lessons = [read_lesson(path) for path in find_notebooks(notebooks)]
    tasks, notes = make_grid(lessons, devices, seeds, grid)
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
        index = report.write(folder)
    except OSError as error:
        click.echo(f"The report can't be written: {error.strerror}.", err=True)
        sys.exit(report.exit_code or 1)
    here = Path.cwd().resolve()
    near = index.relative_to(here) if index.is_relative_to(here) else index
    click.echo(f"Report: {near}")
    point_latest(folder)
    sys.exit(report.exit_code)


def _require_packages() -> None:
    """Raise CourseError if what executes notebooks is not installed."""
    from importlib.util import find_spec

    for package in ("ipykernel", "papermill", "nbconvert", "pebble"):
        if find_spec(package) is None:
            raise CourseError(
                f"{package} is not installed in {sys.executable}: "
                "`pip install -r requirements.txt` brings it."
            )


def _check_devices(devices: tuple[str, ...]) -> None:
    """Raise CourseError if a device is not there, before anything is run."""
    if set(devices) <= {"auto", "cpu"}:
        return  # no need to wait for torch
    from course_utils.device import select_device

    for device in devices:
        if device != "auto":
            select_device(device)


@main.command()
@click.argument("notebooks", nargs=-1)
@click.option(
    "--normalise",
    "task",
    flag_value="normalise",
    help="Don't execute: only strip what changes from one run to the next.",
)
@click.option(
    "--check",
    "task",
    flag_value="check",
    help="Write nothing: name what is not normalised.",
)
def refresh(notebooks: tuple[str, ...], task: str | None) -> None:
    """Execute lessons on the CPU and store their outputs in one normal form.

    NOTEBOOKS as for `course run`. A lesson runs from top to bottom in a fresh kernel,
    in its own folder, and is written only when all of it has succeeded.

    Exit code: 0 all went well, 1 some did not, 2 there is no notebook.
    """
    _require_packages()
    import time

    from course_utils.authoring import refresh as lessons
    from course_utils.runs.lessons import find_notebooks

    tasks = {"normalise": lessons.normalise_file, "check": lessons.check_file}
    work = tasks.get(task or "", lessons.refresh)
    failed = False
    for path in find_notebooks(notebooks):
        begin = time.perf_counter()
        try:
            work(path)
            click.echo(f"{path.name}: ok, {time.perf_counter() - begin:.1f} s")
        except (CourseError, OSError, ValueError) as error:
            failed = True
            click.echo(f"{path.name}: {error}", err=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
