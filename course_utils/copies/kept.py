"""What was in the way of a new lesson: kept beside it, under a name with a date."""

from contextlib import suppress
from datetime import date
from pathlib import Path

from course_utils.files import write_whole


def keep(path: Path, content: bytes, today: date) -> Path:
    """Write `content` beside `path`, under a name that no file has yet.

    Args:
        path: the file that is about to be replaced; it stays as it is.
        content: what it holds.
        today: the date for the name.

    Returns:
        The new file. A second one of a day has a number after the date.

    Raises:
        OSError: it can't be written; nothing is left of it then.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     lesson = Path(folder, "01_lines.ipynb")
        ...     [keep(lesson, b"{}", date(2027, 3, 9)).name for _ in range(2)]
        ['01_lines-kept-2027-03-09.ipynb', '01_lines-kept-2027-03-09-2.ipynb']
    """
    kept = _free_name(path, f"{path.stem}-kept-{today.isoformat()}")
    try:
        write_whole(kept, content)
    except BaseException:  # Ctrl-C as well
        with suppress(OSError):
            kept.unlink()
        raise
    return kept


def _free_name(path: Path, stem: str) -> Path:
    """Return a new, empty file beside `path`: so its name is no other program's."""
    number = 1
    while True:
        ending = f"-{number}" if number > 1 else ""
        kept = path.with_name(f"{stem}{ending}{path.suffix}")
        try:
            kept.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return kept
