"""The command `course`. What a subcommand needs is imported in its body."""

import sys
import time
from collections.abc import Sized

import click

from course_utils.commands.grade import grade
from course_utils.commands.lab import lab
from course_utils.commands.paths import near
from course_utils.commands.progress import progress
from course_utils.commands.questions import questions
from course_utils.commands.release import release
from course_utils.commands.report import report
from course_utils.commands.run import EXECUTION, run
from course_utils.commands.site import site
from course_utils.errors import CourseError

# Files, folders, or the start of a lesson's name.
_notebooks = click.argument("notebooks", nargs=-1)


class _Course(click.Group):
    """A group in which errors for people and Ctrl-C end a command in one line.

    The exit code is 2 for a CourseError, 130 for Ctrl-C.
    """

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            click.echo(f"course {ctx.invoked_subcommand}: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo(f"course {ctx.invoked_subcommand}: interrupted.", err=True)
            sys.exit(130)


@click.group(cls=_Course, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Layer by Layer, for learners, instructors and authors."""


main.add_command(lab)
main.add_command(progress)
main.add_command(run)
main.add_command(report)
main.add_command(release)
main.add_command(questions)
main.add_command(grade)
main.add_command(site)


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

    require_packages(*EXECUTION)
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
    from course_utils.authoring.lint import LAB_RULES, RULES, find_problems
    from course_utils.runs.lessons import find_notebooks

    if rules:
        every = RULES | LAB_RULES
        width = max(map(len, every))
        for name, rule in every.items():
            click.echo(f"{name:<{width}}  {rule.__doc__}")
        return
    lessons = find_notebooks(notebooks)
    problems = find_problems(lessons)
    for path, rule, message in problems:
        click.echo(f"{near(path)}: {rule}: {message}")
    click.echo(f"{_count(lessons, 'lesson')}, {_count(problems, 'problem')}.")
    sys.exit(1 if problems else 0)


@main.command()
@click.option("--check", is_flag=True, help="Name what disagrees, change nothing.")
def links(check: bool) -> None:
    """Write the repository's address, the README's table, and each lesson's neighbours.

    They come from pyproject.toml and the lessons. The address is part of every
    lesson's Colab badge and install line, and of README.md, INSTRUCTORS.md,
    CONTRIBUTING.md and CITATION.cff; the lessons before and after it are linked at the
    foot of each.

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
        click.echo(f"{near(path)}{state}")
    if not outdated:
        click.echo("Every link agrees.")
    sys.exit(1 if check and outdated else 0)


@main.command()
@click.option(
    "--all", "extras", is_flag=True, help="Also what runs, tests and JupyterLab need."
)
def doctor(extras: bool) -> None:
    """Say what this machine has and what a lesson would miss on it.

    The last line is for a bug report: paste it there.

    Exit code: 0 everything is here, 1 something is missing.
    """
    from course_utils.doctor import (
        examine_extras,
        examine_lessons,
        print_report,
        summary_line,
    )

    parts = {"": examine_lessons()} | (examine_extras() if extras else {})
    for extra, findings in parts.items():
        if extra:
            click.echo(f"\n{extra}:")
        print_report(findings)
    click.echo(f"\nFor a bug report: {summary_line(parts[''])}")
    complete = all(finding.ok for part in parts.values() for finding in part)
    sys.exit(0 if complete else 1)


def _count(things: Sized, noun: str) -> str:
    number = len(things)
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    main()
