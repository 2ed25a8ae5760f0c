"""The command `course`. What a subcommand needs is imported in its body."""

import signal
import sys
import time
import uuid
from collections.abc import Sized
from datetime import datetime, timezone
from pathlib import Path

import click

from course_utils.errors import CourseError

# What executes notebooks.
_EXECUTION = ("ipykernel", "papermill", "nbconvert", "pebble")
# Files, folders, or the start of a lesson's name.
_notebooks = click.argument("notebooks", nargs=-1)


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
@_notebooks
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
    show_default="one for every two cores",
    help="Lessons that run at the same time.",
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
    "--max-output",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    metavar="MB",
    help="A notebook that puts out more, pictures included, is stopped.",
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
    max_output: float,
    html: bool,
) -> None:
    """Execute lessons in every combination of devices, seeds and parameters.

    NOTEBOOKS are files, folders, or the start of a lesson's name, as in
    `course run 01 10`; without any, every lesson in notebooks/ is run.

    Exit code: 0 all runs succeeded, 1 some did not, 2 nothing was run because the
    command can't be carried out, 130 interrupted.
    """
    from course_utils.doctor import require_packages

    require_packages(*_EXECUTION)
    from course_utils.runs import lessons
    from course_utils.runs.batch import run_batch, show_progress
    from course_utils.runs.model import Limits, Settings
    from course_utils.runs.report import Report, make_run_folder, point_latest

    if special := [device for device in devices if device not in ("auto", "cpu")]:
        from course_utils.device import select_device  # it waits for torch

        for device in special:
            select_device(device)  # raises CourseError for one that is not there
    grid = lessons.parse_parameters(parameters)
    readings = map(lessons.read_lesson, lessons.find_notebooks(notebooks))
    tasks, notes = lessons.make_grid(readings, devices, seeds, grid)
    for note in notes:
        click.echo(f"Note: {note}", err=True)
    begun, clock = datetime.now(timezone.utc), time.perf_counter()
    folder = make_run_folder(out, begun)
    limits = Limits(cell=cell_timeout, output=max_output * 1e6)
    settings = Settings(folder, uuid.uuid4().hex, limits, pages=html)
    # A batch that is told to end (a cancelled job) ends as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with show_progress(len(tasks)) as show:
        results = run_batch(tasks, settings, jobs=jobs, on_result=show)
    report = Report(results, time.perf_counter() - clock, begun)
    click.echo(f"{report.table()}\n\n{report.summary}")
    try:
        index = report.write(folder)
    except OSError as error:
        click.echo(f"The report can't be written: {error.strerror}.", err=True)
        sys.exit(report.exit_code or 1)
    click.echo(f"Report: {_near(index)}")
    point_latest(folder)
    sys.exit(report.exit_code)


@main.command()
@_notebooks
@click.option(
    "--normalise",
    is_flag=True,
    help="Don't execute: only strip what changes from one run to the next.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing: name what is not normalised."
)
def refresh(notebooks: tuple[str, ...], normalise: bool, check: bool) -> None:
    """Execute lessons on the CPU and store their outputs in one normal form.

    NOTEBOOKS as for `course run`. A lesson runs from top to bottom in a fresh kernel,
    in its own folder, and is written only when all of it has succeeded.

    Exit code: 0 all went well, 1 some did not, 2 there is no notebook.
    """
    from course_utils.doctor import require_packages

    require_packages(*_EXECUTION)
    from course_utils.authoring import refresh as lessons
    from course_utils.runs.lessons import find_notebooks

    failed = False
    for path in find_notebooks(notebooks):
        begin = time.perf_counter()
        try:
            if check:
                lessons.check_normalised(path)
            else:
                lessons.refresh(path, only_normalise=normalise)
            click.echo(f"{path.name}: ok, {time.perf_counter() - begin:.1f} s")
        except (CourseError, OSError, ValueError) as error:
            failed = True
            click.echo(f"{path.name}: {error}", err=True)
    sys.exit(failed)


@main.command()
@_notebooks
@click.option("--rules", is_flag=True, help="List the rules and stop.")
def lint(notebooks: tuple[str, ...], rules: bool) -> None:
    """Check that lessons keep to the rules: order, cells, exercises, outputs.

    NOTEBOOKS are files, folders, or the start of a lesson's name, as in
    `course lint 01 10`; without any, every lesson in notebooks/ is checked.

    Exit code: 0 all is well, 1 there are problems, 2 nothing could be checked.
    """
    from course_utils.doctor import require_packages

    require_packages("nbformat")
    from course_utils.authoring.lint import RULES, find_problems
    from course_utils.runs.lessons import find_notebooks

    if rules:
        width = max(map(len, RULES))
        for name, rule in RULES.items():
            click.echo(f"{name:<{width}}  {rule.__doc__}")
        return
    lessons = find_notebooks(notebooks)
    problems = find_problems(lessons)
    for path, rule, message in problems:
        click.echo(f"{_near(path)}: {rule}: {message}")
    click.echo(f"{_count(lessons, 'lesson')}, {_count(problems, 'problem')}.")
    sys.exit(1 if problems else 0)


@main.command()
@click.option("--check", is_flag=True, help="Name what disagrees, change nothing.")
def links(check: bool) -> None:
    """Write the repository's address, the README's table, and each lesson's neighbours.

    They come from pyproject.toml and the lessons. The address is part of every
    lesson's Colab badge and install line, README.md and CONTRIBUTING.md; the lessons
    before and after it are linked at the foot of each.

    Exit code: 0 all agrees, 1 something disagrees (with --check), 2 nothing was done.
    """
    from course_utils.authoring.links import find_outdated
    from course_utils.files import write_whole
    from course_utils.runs.lessons import lesson_folder

    outdated = find_outdated(lesson_folder().parent)
    state = ": written"
    if check:
        state = " disagrees with pyproject.toml or the lessons: run course links"
    for path, text in outdated.items():
        if not check:
            write_whole(path, text)
        click.echo(f"{_near(path)}{state}")
    if not outdated:
        click.echo("Every link agrees.")
    sys.exit(1 if check and outdated else 0)


@main.command()
@click.option(
    "--all", "extras", is_flag=True, help="Also what runs, tests and JupyterLab need."
)
def doctor(extras: bool) -> None:
    """Say what this machine has and what a lesson would miss on it.

    Exit code: 0 everything is here, 1 something is missing.
    """
    from course_utils.doctor import examine_extras, examine_lessons, print_report

    parts = {"": examine_lessons()} | (examine_extras() if extras else {})
    for extra, findings in parts.items():
        if extra:
            click.echo(f"\n{extra}:")
        print_report(findings)
    complete = all(finding.ok for part in parts.values() for finding in part)
    sys.exit(0 if complete else 1)


def _near(path: Path) -> Path:
    """Return the path from the current folder, where it lies under that."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _count(things: Sized, noun: str) -> str:
    number = len(things)
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    main()
