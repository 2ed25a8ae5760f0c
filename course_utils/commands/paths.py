"""Options of commands: files and folders, and which were given."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from course_utils.errors import CourseError

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

junit_option = click.option(
    "--junit",
    type=FILE,
    metavar="FILE",
    help="Also write the report as JUnit XML.",
)


def batches_option(default: str) -> Callable[[Any], Any]:
    """Return the option --out: where a command's batches get their folders."""
    return click.option(
        "--out",
        type=FOLDER,
        default=Path(default),
        show_default=True,
        help="Each batch gets a new folder in here; 'latest' leads to the last one.",
    )


def given(ctx: click.Context) -> list[str]:
    """Return the names of the options that stand on the command line.

    >>> given(click.Context(click.Command("grade")))
    []
    """
    return [
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]


def near(path: Path) -> Path:
    """Return the path from the current folder, where it lies under that.

    >>> near(Path.cwd() / "runs" / "latest").as_posix()
    'runs/latest'
    """
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


def refuse_changes(ctx: click.Context, folder: Path, names: Collection[str]) -> None:
    """Refuse what a batch that goes on has from its beginning.

    Args:
        ctx: of the command.
        folder: the batch's.
        names: of the options and arguments that are refused.

    Raises:
        CourseError: there are such names.

    >>> refuse_changes(click.Context(click.Command("grade")), Path("grades/latest"), ())
    """
    options = [p.opts[0] for p in ctx.command.params if p.name in names]
    if options:
        raise CourseError(
            f"--resume goes on with what {near(folder)} was begun with: leave out "
            f"{', '.join(options)}, or start a new batch."
        )
