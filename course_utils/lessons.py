"""The course's own lessons: where they lie, and how many predictions each asks for."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError

_PACKAGE = Path(__file__).resolve().parent
# in a wheel, in a checkout
LESSONS = (_PACKAGE / "_lessons", _PACKAGE.parent / "notebooks")


def course_lessons() -> list[Path]:
    """Return the lessons as this version of the course has them, in order.

    Raises:
        CourseError: they did not come with the installation.

    Example:
        >>> course_lessons()[0].name
        '00_start_here.ipynb'
    """
    for folder in LESSONS:
        if lessons := sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            return lessons
    raise CourseError(
        "the lessons are missing from this installation: install the course anew, "
        "with `pip install --force-reinstall --no-deps` and what you gave pip before."
    )


def predictions(number: str) -> int:
    """Return how many predictions a lesson asks for; 0 where it is not here.

    Args:
        number: of the lesson, such as "01".

    >>> predictions("01") > 0, predictions("99")
    (True, 0)
    """
    for folder in LESSONS:
        for path in folder.glob(f"{number}_*.ipynb"):
            return asked(json.loads(path.read_text(encoding="utf-8"))["cells"])
    return 0


def asked(cells: Sequence[Any]) -> int:
    """Return how many of a notebook's cells ask for a prediction.

    >>> asked([{"metadata": {"tags": ["ask"]}}, {"metadata": {}}])
    1
    """
    return sum("ask" in cell["metadata"].get("tags", []) for cell in cells)


def out_of(count: int, most: int) -> str:
    """Return '3 of 9'; the count alone where there are not known to be as many.

    >>> out_of(3, 9), out_of(3, 0)
    ('3 of 9', '3')
    """
    return f"{count} of {most}" if most and count <= most else str(count)
