"""The repository's address, and the table of lessons, wherever they stand.

The address is written once, in pyproject.toml ([project.urls], Repository). From it
come the Colab badges and the install line of every lesson, and the addresses in
README.md and CONTRIBUTING.md. The README's table comes from the lessons' titles.
"""

import json
import re
from pathlib import Path

from course_utils.errors import CourseError

SOURCE = r'^Repository = "https://github\.com/([\w.-]+/[\w.-]+)"$'
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
COLAB = "https://colab.research.google.com/github/"
# What may stand before an address; the lookbehind keeps it.
ANCHORS = ("git clone https://github.com/", "git+https://github.com/", COLAB)
TABLE = re.compile("(<!-- lessons -->\n).*(<!-- /lessons -->)", re.DOTALL)


def address(root: Path) -> str:
    """Return 'owner/name' from the pyproject.toml in the folder `root`.

    Raises:
        CourseError: it isn't there.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> line = '[project.urls]\\nRepository = "https://github.com/ada/course"'
    >>> _ = (root / "pyproject.toml").write_text(line)
    >>> address(root)
    'ada/course'
    """
    text = _read(root / "pyproject.toml")
    if not (match := re.search(SOURCE, text, re.MULTILINE)):
        raise CourseError("pyproject.toml has no GitHub address under [project.urls].")
    return match[1]


def title_of(lesson: Path) -> tuple[str, str, str]:
    """Return a lesson's title, the one line that says why, and how long it takes.

    Raises:
        CourseError: the first cell holds no title and no such line.

    >>> import tempfile
    >>> title = "# 1 · Sums\\n\\nTo add up.\\n\\n**Time:** about 30 minutes."
    >>> lesson = Path(tempfile.mkdtemp()) / "01_sums.ipynb"
    >>> content = json.dumps({"cells": [{"source": title}]})
    >>> _ = lesson.write_text(content, encoding="utf-8")
    >>> title_of(lesson)
    ('1 · Sums', 'To add up.', '30 minutes')
    """
    try:
        text = "".join(json.loads(_read(lesson))["cells"][0]["source"])
        title, why, *_ = text.split("\n\n")
    except (ValueError, LookupError, TypeError):
        raise CourseError(
            f"{lesson.name} does not begin with a title and a line that says why."
        ) from None
    time = re.search(r"\*\*Time:\*\* (?:about )?([^.]*)\.", text)
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
    files = [root / "README.md", root / "CONTRIBUTING.md", *_lessons(root)]
    texts = {path: _rewrite(path, root, repository) for path in files}
    return {path: text for path, text in texts.items() if text != _read(path)}


def _lessons(root: Path) -> list[Path]:
    return sorted((root / "notebooks").glob("*.ipynb"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(
            f"there is no {path.name} here: go to the course's folder."
        ) from None


def _table(root: Path, repository: str) -> str:
    """Return the README's table of the lessons that are there."""
    rows = ["| lesson | why | time | |", "| --- | --- | --- | --- |"]
    for lesson in _lessons(root):
        title, why, time = title_of(lesson)
        file = f"notebooks/{lesson.name}"
        badge = f"[![Open in Colab]({BADGE})]({COLAB}{repository}/blob/main/{file})"
        rows.append(f"| [{title}]({file}) | {why} | {time} | {badge} |")
    return "\n".join(rows) + "\n"


def _rewrite(path: Path, root: Path, repository: str) -> str:
    """Return the text of `path` as it should be."""
    text = _read(path)
    for anchor in ANCHORS:
        text = re.sub(
            rf"(?<={re.escape(anchor)})[\w.-]+/[\w-]+(?:\.[\w-]+)*", repository, text
        )
    if path.suffix == ".ipynb":  # a copied lesson carries the badge of another
        own = rf"({re.escape(COLAB)}[\w.-]+/[\w.-]+/blob/main/notebooks/)[\w.-]+\.ipynb"
        text = re.sub(own, rf"\g<1>{path.name}", text)
    if path.name == "README.md":
        lessons = _table(root, repository)
        text = TABLE.sub(lambda match: f"{match[1]}{lessons}{match[2]}", text)
    return text
