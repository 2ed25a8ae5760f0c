"""The command `course site`."""

import sys
import tempfile
import time
from pathlib import Path

import click

from course_utils.commands.paths import FOLDER, near


@click.command()
@click.option(
    "--out",
    type=FOLDER,
    default="public",
    show_default=True,
    help="The folder that takes the site; what is in it is replaced.",
)
@click.option(
    "--moving",
    multiple=True,
    metavar="LESSON",
    help="Lessons whose playgrounds move, such as 00; can be given several times. "
    "Without it, all.",
)
@click.option("--still", is_flag=True, help="Execute nothing: no playground moves.")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="How many pictures a playground may have.",
)
def site(out: Path, moving: tuple[str, ...], still: bool, most: int) -> None:
    """Build the course's web site from the stored outputs of its lessons.

    It needs no server and no network: open index.html in its folder. The states of
    the playgrounds are drawn by executing the lessons up to the last one, on the CPU;
    they are kept in build/states until a lesson changes.

    Exit code: 0 all went well, 1 something is missing, 2 nothing was built.
    """
    from course_utils.doctor import require_packages

    require_packages("sphinx", "myst-nb", "furo", "ziamath")
    from course_utils.site.processes import processes

    if not still:
        processes()  # they begin while the imports below take their seconds
    from course_utils.runs.lessons import find_notebooks, lesson_folder
    from course_utils.site.build import build

    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        root = lesson_folder().parent.resolve()
        warnings = build(
            root,
            out.resolve(),
            Path(work),
            moving=[] if still else find_notebooks(moving),
            kept=root / "build" / "states",
            most=most,
        )
    for warning in warnings:
        click.echo(warning, err=True)
    seconds = time.perf_counter() - begin
    click.echo(f"{near(out / 'index.html')}: written in {seconds:.0f} s.")
    sys.exit(1 if warnings else 0)
