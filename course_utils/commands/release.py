"""The command `course release`."""

from pathlib import Path

import click

from course_utils.errors import CourseError


@click.command()
@click.argument("lessons", nargs=-1)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER|x.zip",
    help="Where the release goes: a folder, or an archive if it ends in .zip.",
)
@click.option(
    "--outputs/--no-outputs",
    default=True,
    show_default=True,
    help="Keep the stored outputs.",
)
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    show_default="of pyproject.toml",
    help="The repository on GitHub from which lessons install the helpers.",
)
@click.option(
    "--version",
    metavar="TAG",
    show_default="v and the package's version",
    help="The tag or commit there that lessons install.",
)
@click.option(
    "--colab",
    metavar="OWNER/NAME",
    show_default="no badges",
    help="The repository on GitHub in which you will put this release, or a folder in "
    "it as https://github.com/OWNER/NAME/tree/BRANCH/FOLDER: the badges open the "
    "lessons there.",
)
@click.option(
    "--nbgrader",
    is_flag=True,
    help="For nbgrader: source/LESSON/LESSON.ipynb with its metadata, each solution in "
    "its exercise, and a locked test. Not for learners: `nbgrader "
    "generate_assignment` makes their notebooks from it.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace an archive, or files in a folder that is not empty; others stay.",
)
def release(
    lessons: tuple[str, ...],
    out: Path,
    outputs: bool,
    repository: str | None,
    version: str | None,
    colab: str | None,
    nbgrader: bool,
    force: bool,
) -> None:
    """Give out lessons: without solutions, with the helpers of one version.

    LESSONS are files, folders, or the start of a lesson's name, as in
    `course release 01 02 --out week1`; without any, every lesson in notebooks/, and
    no lab. A lab is named alike, hinges or repair_shop, or by its letter: A to E.

    Beside the lessons go a README for learners, the licence and a requirements.txt.
    A lesson's first cell and that file install the helpers in one version, whatever
    comes later. Links to lessons that are not in the release become plain text.

    Exit code: 0 it is written, 2 it is not.

    \b
    course release --out students.zip --no-outputs
    course release --out students --colab my-name/my-course
    course release 01 --out nbgrader-course --nbgrader
    """
    if nbgrader and colab:
        raise CourseError("learners get nbgrader's assignments from it: no --colab.")
    from course_utils.doctor import require_packages

    require_packages("nbformat")
    from course_utils.authoring.parcel import write_parcel
    from course_utils.authoring.pin import make_pin
    from course_utils.authoring.release import (
        github_folder,
        release_assignments,
        release_lessons,
    )
    from course_utils.runs.lessons import find_notebooks, lesson_folder

    root = lesson_folder().parent
    paths = find_notebooks(lessons)
    if not lessons:  # labs are given out when it is their time, in a year's variant
        paths = [path for path in paths if path.parent.name != "labs"]
    pin = make_pin(root, repository, version)
    if nbgrader:
        files = release_assignments(paths, pin, root)
    else:
        folder = github_folder(colab) if colab else ""
        files = release_lessons(paths, pin, root, colab=folder, outputs=outputs)
    sources = [*paths, *lesson_folder().glob("*.ipynb")]
    write_parcel(files, out, force=force, sources=sources)
    if doubt := pin.doubt(root):
        click.echo(f"WARNING: {doubt}", err=True)
    if not colab and not nbgrader:
        click.echo(
            "Note: the notebooks have no Colab badges, which would open those of this "
            "repository: --colab says where yours will lie.",
            err=True,
        )
    number = len(paths)
    what = f"{number} {'assignment' if nbgrader else 'notebook'}{'s' * (number > 1)}"
    unasked = " (not checked whether GitHub has that commit)" if pin.is_commit else ""
    what += f"; the helpers are {pin.version} of {pin.repository}"
    click.echo(f"{out}: {what}{unasked}.")
