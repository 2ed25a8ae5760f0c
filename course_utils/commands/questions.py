"""The command `course questions`."""

import re
from collections.abc import Iterator

import click

from course_utils.errors import CourseError

# "### 03.1 One mask for the whole batch", then the question as a quotation.
_QUESTION = re.compile(r"^### (\d\d\.\d) .*\n\n((?:>.*\n)+)", re.M)


@click.command()
@click.argument("numbers", nargs=-1)
def questions(numbers: tuple[str, ...]) -> None:
    """Print written questions without their answers, as Markdown to give out.

    NUMBERS are lessons, as 03, or single questions, as 03.1; without any, all. Titles
    are left out, which say too much.

    \b
    course questions 03 > sheet.md
    course questions 00.3 02.3 04.1 > sheet.md

    Exit code: 0 they are printed, 2 there are none.
    """
    from course_utils.runs.lessons import lesson_folder

    path = lesson_folder().parent / "instructors" / "questions.md"
    try:
        known = dict(read_questions(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CourseError(f"{path} can't be read: {error.strerror}.") from None
    for number in numbers:
        if not any(_is_meant(name, number) for name in known):
            raise CourseError(
                f"there is no question {number}: they are called {min(known)} to "
                f"{max(known)}, and 03 stands for all of lesson 03."
            )
    for name, text in known.items():
        if not numbers or any(_is_meant(name, number) for number in numbers):
            click.echo(f"## {name}\n\n{text}")


def _is_meant(name: str, number: str) -> bool:
    return number in (name, name.partition(".")[0])


def read_questions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the number and the words of each question, without its answer.

    >>> list(read_questions("### 03.1 Masks\\n\\n> Why?\\n\\n**Model answer**\\n"))
    [('03.1', 'Why?\\n')]
    """
    for found in _QUESTION.finditer(text):
        yield found[1], re.sub(r"^> ?", "", found[2], flags=re.M)
