"""The command `course progress`."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import click

from course_utils.commands.paths import FILE
from course_utils.errors import CourseError


@click.command()
@click.option(
    "--export",
    type=FILE,
    metavar="FILE.csv",
    help="Write every entry to a new table: lesson, kind, name, day.",
)
@click.option("--forget", is_flag=True, help="Delete the file with your progress.")
@click.option("--yes", is_flag=True, help="With --forget: don't ask.")
def progress(export: Path | None, forget: bool, yes: bool) -> None:
    """Show what you solved in all lessons, and on which day you were last in each.

    The lessons note it when a person runs them, as in JupyterLab, in one file on this
    machine, which the last line names; nothing is sent anywhere. COURSE_PROGRESS names
    another file.

    \b
    course progress
    course progress --export progress.csv
    course progress --forget

    Exit code: 0 all went well, 1 you did not want to forget, 2 a file can't be read
    or written.
    """
    from course_utils import diary

    path = diary.place()
    if forget:
        if not path.is_file():
            raise CourseError(f"there is nothing to forget: no file {path}.")
        if not yes:
            click.confirm(f"Delete {path} for good?", abort=True)
        try:
            path.resolve().unlink()
        except OSError as error:
            raise CourseError(f"{path} can't be deleted: {error.strerror}.") from None
        click.echo(f"Deleted: {path}")
        return
    try:
        entries = diary.read()
    except OSError as error:
        raise CourseError(f"{path} can't be read: {error.strerror}.") from None
    if export:
        _export(export, entries)
        return
    from course_utils.exercises.progress import standings, table_text  # torch

    click.echo(table_text(standings(entries)))
    click.echo(f"It is kept in {path}.")


def _export(export: Path, entries: Sequence[tuple[str, ...]]) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["lesson", "kind", "name", "day"])
    writer.writerows(dict.fromkeys(entries))
    try:
        with export.open("x", encoding="utf-8", newline="") as file:
            file.write(table.getvalue())
    except FileExistsError:
        raise CourseError(f"{export} is there already: name a new file.") from None
    except OSError as error:
        raise CourseError(f"{export} can't be written: {error.strerror}.") from None
    click.echo(f"Written: {export}")
