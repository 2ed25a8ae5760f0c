"""The command `course lab`."""

import sys
from datetime import date
from pathlib import Path

import click

from course_utils.commands.paths import FOLDER
from course_utils.errors import CourseError

# Where the lessons go if no folder is named.
_FOLDER = "layer-by-layer"


@click.command()
@click.argument("folder", required=False, type=FOLDER)
@click.option("--no-open", is_flag=True, help="Only copy: don't start JupyterLab.")
@click.option(
    "--no-browser",
    is_flag=True,
    help="Start JupyterLab without a browser; it prints the address to open.",
)
def lab(folder: Path | None, no_open: bool, no_browser: bool) -> None:
    """Copy the lessons into a folder of your own, and open lesson 00 in JupyterLab.

    FOLDER is layer-by-layer if you name none, or the current folder if the lessons
    are in it already. The same command opens it again the next day.

    After an update of the course it brings the new lessons, with your answers, the
    cells that you added and the parameters that you changed. Where a change of yours
    can't be joined with the new lesson, it says in which cell. The file that you had
    is kept beside, with the date in its name; a lesson in which you wrote nothing is
    replaced. A lesson that you delete or rename is copied again.

    If JupyterLab is still open at an update, save your lessons there first, and load
    them anew afterwards (File > Reload Notebook from Disk).

    \b
    course lab
    course lab ~/my-lessons

    Exit code: 0 all went well, 2 the lessons can't be copied or JupyterLab is not
    installed; otherwise as JupyterLab ends.
    """
    from course_utils.doctor import require_packages

    require_packages("nbformat", *([] if no_open else ["jupyterlab"]))
    from course_utils.copies.folder import update_folder
    from course_utils.copies.jupyter import lab_command, run_until_closed
    from course_utils.copies.record import NAME
    from course_utils.lessons import course_lessons

    if folder is None:
        folder = Path() if Path(NAME).is_file() else Path(_FOLDER)
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file: name a folder.")
    lessons = course_lessons()
    for sentence in update_folder(folder, lessons, date.today()):
        click.echo(sentence)
    click.echo(
        f"Your lessons are in {folder.resolve()} (another day, `course lab` with this "
        "folder opens them again)."
    )
    if not no_open:
        command = lab_command(folder, lessons[0].name, browser=not no_browser)
        sys.exit(run_until_closed(command))
