"""The repository's address, the table of lessons, and the links between them.

The address is written once, in pyproject.toml ([project.urls], Repository). From it
come the Colab badges and the install line of every lesson, and the addresses in
README.md, INSTRUCTORS.md, CONTRIBUTING.md and CITATION.cff. The README's table comes
from the lessons' titles, and so do the links at the foot of each lesson to the lessons
before and after it.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from course_utils.errors import CourseError

SOURCE = r'(?m)^Repository = "https://github\.com/([\w.-]+/[\w.-]+)"$'
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
COLAB = "https://colab.research.google.com/github/"
# An address, after what may stand before it.
ADDRESS = (
    r"(git clone https://github\.com/|git\+https://github\.com/"
    rf"| @ https://github\.com/|repository-code: https://github\.com/|{re.escape(COLAB)})"
    r"[\w.-]+/[\w-]+(?:\.[\w-]+)*"
)
OWN_BADGE = rf"({re.escape(COLAB)}[\w.-]+/[\w.-]+/blob/main/notebooks/)[\w.-]+\.ipynb"
# The last line of a lesson.
NEIGHBOURS = r"(?m)^\*\*(?:Before|Next):\*\* \[.*$"
PAGES = ("README.md", "INSTRUCTORS.md", "CONTRIBUTING.md")
CITATION = "CITATION.cff"
TABLE = r"(?s)(<!-- lessons -->\n).*(?=<!-- /lessons -->)"


def address(root: Path) -> str:
    """Return 'owner/name' from the pyproject.toml in the folder `root`.

    Raises:
        CourseError: it isn't there.
    """
    if not (match := re.search(SOURCE, course_text(root / "pyproject.toml"))):
        raise CourseError("pyproject.toml has no GitHub address under [project.urls].")
    return match[1]


def title_of(lesson: Path) -> tuple[str, str, str]:
    """Return a lesson's title, the one line that says why, and how long it takes.

    Raises:
        CourseError: the first cell holds no title and no such line.
    """
    try:
        text = "".join(json.loads(course_text(lesson))["cells"][0]["source"])
        title, why, *_ = text.split("\n\n")
    except (ValueError, LookupError, TypeError):
        raise CourseError(
            f"{lesson.name} does not begin with a title and a line that says why."
        ) from None
    time = re.search(r"\*\*Time:\*\* (?:about )?([^.:]*)[.:]", text)
    return title.removeprefix("# "), why, time[1] if time else ""


def find_outdated(root: Path) -> dict[Path, str]:
    """Return {file: what it should hold} for the files that hold something else.

    Raises:
        CourseError: a file that carries the address is missing, or the address is.

    >>> find_outdated(Path("no/such/folder"))
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: there is no pyproject.toml here: go to the \
course's folder.
    """
    repository = address(root)
    lessons = sorted((root / "notebooks").glob("*.ipynb"))
    table = lesson_table(
        lessons, folder="notebooks/", colab=f"{repository}/blob/main/notebooks/"
    )
    outdated = {}
    labs = sorted((root / "notebooks" / "labs").glob("*.ipynb"))
    for path in [*(root / name for name in (*PAGES, CITATION)), *lessons, *labs]:
        before = course_text(path)
        text = re.sub(ADDRESS, rf"\g<1>{repository}", before)
        if path in lessons:  # a copied one carries the badge of another
            text = re.sub(OWN_BADGE, rf"\g<1>{path.name}", text)
            text = _with_neighbours(text, path, lessons)
        elif path.name == "README.md":
            text = re.sub(TABLE, lambda match: match[1] + table, text)
        if text != before:
            outdated[path] = text
    return outdated


def lesson_table(lessons: Sequence[Path], *, folder: str, colab: str) -> str:
    """Return a table of lessons in Markdown: title, why, time, and a Colab badge.

    Args:
        lessons: their files.
        folder: where they lie, seen from the table, as "notebooks/".
        colab: where they lie on GitHub, as "owner/name/blob/main/"; "" for no badges.

    Raises:
        CourseError: a lesson does not begin with a title and a line that says why.

    >>> print(lesson_table([], folder="", colab=""), end="")
    | lesson | why | time |
    | --- | --- | --- |
    """
    rows = ["| lesson | why | time |", "| --- | --- | --- |"]
    if colab:
        rows = [rows[0] + " |", rows[1] + " --- |"]
    for lesson in lessons:
        title, why, time = title_of(lesson)
        row = f"| [{title}]({folder}{lesson.name}) | {why} | {time} |"
        if colab:
            row += f" [![Open in Colab]({BADGE})]({COLAB}{colab}{lesson.name}) |"
        rows.append(row)
    return "\n".join(rows) + "\n"


def _with_neighbours(text: str, lesson: Path, lessons: list[Path]) -> str:
    """Return a lesson's text with links to its neighbours at the end."""
    place = lessons.index(lesson)
    around = {
        "Before": lessons[max(place - 1, 0) : place],
        "Next": lessons[place + 1 : place + 2],
    }
    links = [
        f"**{word}:** [{title_of(other)[0]}]({other.name})"
        for word, others in around.items()
        for other in others
    ]
    notebook = json.loads(text)
    last = notebook["cells"][-1]
    before = "".join(last["source"])
    after = re.sub(NEIGHBOURS, "", before).rstrip("\n")
    if links:
        after += "\n\n" + " · ".join(links)
    if last["cell_type"] != "markdown" or after == before:
        return text
    last["source"] = after.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def course_text(path: Path) -> str:
    """Return the text of a file that the course's folder has.

    Raises:
        CourseError: it isn't there.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(
            f"there is no {path.name} here: go to the course's folder."
        ) from None
