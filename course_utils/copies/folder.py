"""A learner's folder of lessons: filled, and brought to a new version of the course."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.copies.kept import keep
from course_utils.copies.merge import Merged, is_untouched, merge
from course_utils.copies.notebook import digest, outline, read_cells
from course_utils.copies.record import NAME, Record, Released
from course_utils.errors import CourseError
from course_utils.files import replacing, write_whole

# Of each lesson, so many editions are remembered.
_KEPT = 10
# What Windows says of a file that is open comes as a lack of permission.
_CLOSE = "close the programs that have it open, or see that you may write there"
_REMEDIES = {
    errno.ENOSPC: "free some room",
    errno.EDQUOT: "free some room",
    errno.EROFS: "name a folder in which you may write",
    errno.EACCES: _CLOSE,
    errno.EPERM: _CLOSE,
    errno.EISDIR: "rename that folder",
}
RELOAD = (
    "Where JupyterLab has one of these open, load it anew there (File > Reload "
    "Notebook from Disk), and don't let it overwrite the file."
)


def update_folder(folder: Path, lessons: Sequence[Path], today: date) -> Iterator[str]:
    """Put the lessons into a learner's folder, and keep what the learner wrote.

    A lesson that is not there is copied. One that is there stays, unless the course
    has another version of it by now: then that takes its place, with the learner's
    answers, own cells and parameters in it, and the old file is kept beside it. Where
    nothing but outputs differs from what was given out, there is nothing to keep.

    Args:
        folder: the learner's; it is made if it is not there.
        lessons: the files of the course.
        today: the date for the names of files that are kept.

    Yields:
        Sentences that say what was done, each when it is done.

    Raises:
        CourseError: a file can't be read or written, or the folder is the course's
            own. Lessons that were done until then are whole, and so are the others.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from course_utils.lessons import course_lessons
        >>> with TemporaryDirectory() as folder:
        ...     lessons = course_lessons()[:2]
        ...     for _ in range(2):
        ...         print(*update_folder(Path(folder), lessons, date.today()))
        2 lessons were copied.
        2 lessons had this version's text already.
    """
    if folder.resolve() in {lesson.resolve().parent for lesson in lessons}:
        raise CourseError(f"{folder} holds the course's own lessons: name another.")
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        record = Record.read(folder)
    copied = same = replaced = 0
    if record.damaged:
        yield (
            f"{NAME}, which says what the lessons were, can't be read: yours are "
            "compared with this version alone."
        )
    for source in lessons:
        with _explained(folder / source.name):
            before = record.lessons.get(source.name)
            said = _update(folder / source.name, source, record, today)
            copied, same = copied + (said == "copied"), same + (said == "same")
            if record.lessons[source.name] != before:
                record.write(folder)
        if said not in ("copied", "same"):
            replaced += 1
            yield f"{source.name}: {said}"
    if replaced:
        yield RELOAD
    if copied:
        yield f"{_number(copied, 'lesson')} {'was' if copied == 1 else 'were'} copied."
    if same:
        yield f"{_number(same, 'lesson')} had this version's text already."
    yield from _gone(folder, record, {source.name for source in lessons})


def _update(path: Path, source: Path, record: Record, today: date) -> str:
    """Bring one lesson up to date; return what was done, as words or sentences."""
    new = nbformat.reads(source.read_text("utf-8"), as_version=4)
    released = Released.of(new.cells)
    given = record.lessons.get(path.name, [])
    record.lessons[path.name] = [released, *(e for e in given if e != released)][:_KEPT]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        write_whole(path, source.read_bytes())
        return "copied"
    try:
        cells = read_cells(content)
    except CourseError:
        kept = _replace(path, content, source.read_bytes(), today)
        return (
            "what was there can't be read as a notebook. It is kept as "
            f"{kept.name}, and the lesson is new."
        )
    before = _edition(cells, [*given, released]) if given else None
    if released == before or is_untouched(cells, released):
        return "same"
    if before and is_untouched(cells, before):
        _write_over(path, content, source.read_bytes())
        return "a new version, in place of one that you had not changed."
    merged = merge(cells, new, before)
    news = before and merged.rewritten  # without a record, it is a guess
    if outline(merged.notebook.cells) == outline(cells) and not news:
        return "same"
    kept = _replace(path, content, _bytes(merged.notebook), today)
    return _told(merged, kept)


def _edition(cells: Sequence[NotebookNode], editions: Sequence[Released]) -> Released:
    """Return the edition that a learner's file comes from: most cells say the same.

    That is not always the last: an old file may have been put back, by the learner, by
    JupyterLab that had it open, or by a cloud.
    """
    said = {digest(cell) for cell in cells}
    return max(editions, key=lambda edition: len(said & set(edition.cells.values())))


def _replace(path: Path, content: bytes, new: bytes, today: date) -> Path:
    """Keep a file's content beside it and write it anew; return where it is kept."""
    kept = keep(path, content, today)
    try:
        _write_over(path, content, new)
    except BaseException:  # Ctrl-C as well
        with suppress(OSError):
            if path.read_bytes() == content:
                kept.unlink()
        raise
    return kept


def _write_over(path: Path, content: bytes, new: bytes) -> None:
    """Write a file anew, through a link where it is one.

    Raises:
        CourseError: another program has changed its content by now.
    """
    with replacing(path.resolve()) as beside:
        beside.write_bytes(new)
        # As late as can be: what is saved after this is lost.
        if path.read_bytes() != content:
            raise CourseError(
                f"{path.name} is being written by another program: save it there, "
                "close it, and run the same command again."
            )


def _bytes(notebook: NotebookNode) -> bytes:
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    try:
        text = nbformat.writes(notebook, indent=1, ensure_ascii=False)
        return f"{text.rstrip()}\n".encode()
    except UnicodeEncodeError:  # half a character, which JSON can hold all the same
        return f"{nbformat.writes(notebook, indent=1, ensure_ascii=True)}\n".encode()


def _told(merged: Merged, kept: Path) -> str:
    """Return what became of a learner's lesson."""
    parts = [
        (merged.answers, "answer"),
        (merged.own, "cell of your own"),
        (merged.edited, "cell that you changed"),
        (len(merged.parameters), "parameter"),
    ]
    carried = [_number(number, noun) for number, noun in parts if number]
    sentences = ["a new version."]
    if carried:
        *most, last = carried
        together = f"{', '.join(most)} and {last}" if most else last
        sentences.append(f"Carried over: {together}.")
    if merged.rewritten:
        sentences.append(
            "Your answer stands also where the new lesson may ask in other words, so "
            f"run the check again. It asks now: {_cells(merged.rewritten)}."
        )
    if merged.left:
        sentences.append(
            "The new lesson stands, and what yours said is in the old file alone, "
            f"where it was not clear how to join them: {_cells(merged.left)}."
        )
    return " ".join([*sentences, f"The old file is kept as {kept.name}."])


def _cells(lines: Sequence[str]) -> str:
    """Return how cells of the new lesson begin."""
    shown = [f"'{line if len(line) <= 50 else line[:49] + '…'}'" for line in lines[:5]]
    more = len(lines) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _number(number: int, noun: str) -> str:
    head, *rest = noun.split(" ", 1)
    return " ".join([str(number), head + "s" * (number != 1), *rest])


def _gone(folder: Path, record: Record, names: set[str]) -> list[str]:
    """Return a sentence for each lesson of the folder that the course has no more."""
    return [
        f"{name}: this version has no lesson of that name. Yours stays as it is, and "
        "its answers are in it alone."
        for name in sorted(record.lessons.keys() - names)
        if (folder / name).is_file()
    ]


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say what to do where the system refuses to read or write.

    Raises:
        CourseError: it did.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "mend that")
        raise CourseError(
            f"{path} can't be read or written: {error.strerror or error}. What you "
            f"have written is as it was: {remedy}, and run the same command again."
        ) from error
