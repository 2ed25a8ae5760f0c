"""Where the course's own lessons and its settings of JupyterLab lie."""

from pathlib import Path

from course_utils.errors import CourseError

_PACKAGE = Path(__file__).resolve().parents[1]
# in a wheel, in a checkout
LESSONS = (_PACKAGE / "_lessons", _PACKAGE.parent / "notebooks")
JUPYTER = (_PACKAGE / "_jupyter", _PACKAGE.parent / "tools" / "jupyter")


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


def lab_settings() -> Path | None:
    """Return the file of JupyterLab's settings for lessons; None without one.

    Example:
        >>> lab_settings().name
        'lab.py'
    """
    files = (folder / "lab.py" for folder in JUPYTER)
    return next((file for file in files if file.is_file()), None)
