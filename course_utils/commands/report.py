"""The command `course report`."""

import sys
from pathlib import Path

import click

from course_utils.commands.paths import FOLDER, junit_option, near
from course_utils.errors import CourseError


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

    FOLDERS are those that `course run` has made, ended or not: what was finished is
    in them even if the command was killed.

    \b
    course report runs/latest
    course report runs/20260501T093000Z-1 from-gpu/20260501T094500Z-1 --out both

    Exit code: as of `course run`; 2 for a folder that is none of its own.
    """
    from course_utils.doctor import require_packages

    require_packages("nbformat", "jinja2")
    from course_utils.runs.junit import write_junit
    from course_utils.runs.report import read_report

    if out is None and len(folders) > 1:
        raise CourseError("several batches need a folder for their report: --out.")
    places = [folder.resolve() for folder in folders]
    folder = out.resolve() if out else places[0]
    found = read_report(places, folder)
    click.echo(f"{found.table()}\n\n{found.summary}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index = found.write(folder)
        if junit:
            write_junit(found.results, found.seconds, junit)
    except OSError as error:
        raise CourseError(
            f"the report can't be written to {folder}: {error.strerror}. "
            "Choose another folder with --out."
        ) from error
    click.echo(f"Report: {near(index)}")
    sys.exit(found.exit_code)
