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
def site(out: Path) -> None:
    """Build the course's web site from the stored outputs of its lessons.

    It needs no server and no network: open index.html in its folder.

    Exit code: 0 all went well, 1 Sphinx warned of something, 2 nothing was built.
    """
    from course_utils.doctor import require_packages

    require_packages("sphinx", "myst-nb", "furo", "ziamath")
    from course_utils.runs.lessons import lesson_folder
    from course_utils.site.build import build

    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        warnings = build(lesson_folder().parent, out.resolve(), Path(work))
    for warning in warnings:
        click.echo(warning, err=True)
    seconds = time.perf_counter() - begin
    click.echo(f"{near(out / 'index.html')}: written in {seconds:.0f} s.")
    sys.exit(1 if warnings else 0)
