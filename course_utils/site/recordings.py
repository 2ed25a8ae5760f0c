"""The recordings of all lessons: made side by side, kept until something changes."""

import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from course_utils.files import replacing
from course_utils.site.processes import environment, processes
from course_utils.site.recording import COMPLAINTS, leave
from course_utils.site.states import MOST

PACKAGE = Path(__file__).parents[1]
LIMIT = 900  # seconds for one lesson
# What a picture depends on beside its lesson.
_SOURCES = (
    "display/**/*.py",
    "site/states.py",
    "site/recorder.py",
    "site/recording.py",
    "site/needed.py",
    "site/touching.py",
    "data/*.py",
)


def record_all(
    lessons: Sequence[Path], kept: Path, most: int = MOST
) -> tuple[dict[Path, Path], list[str]]:
    """Draw the playgrounds of these lessons, as many at a time as there are cores.

    Args:
        lessons: their notebooks.
        kept: holds a folder for each lesson, from one build to the next.
        most: pictures of one playground.

    Returns:
        The folder of each lesson's recordings, and what went wrong, a line each.
    """
    folders = {lesson: kept / key(lesson, most) for lesson in lessons}
    missing = [lesson for lesson in lessons if not is_whole(folders[lesson])]

    def make(lesson: Path) -> list[str]:
        return record_one(lesson, folders[lesson], most)

    if missing:
        processes()  # begun once, not by each thread
    with environment(), ThreadPoolExecutor(cores()) as pool:
        # The later lessons train for longer: begun last, one would have a core alone.
        said = list(pool.map(make, reversed(missing)))[::-1]
    _drop_older(kept, folders.values())
    return folders, [line for lines in said for line in lines]


def _drop_older(kept: Path, used: Iterable[Path]) -> None:
    """Delete what earlier builds have kept of the same lessons."""
    now = {_lesson_of(folder): folder for folder in used}
    for other in kept.glob("*-*"):
        if now.get(_lesson_of(other), other) != other:
            shutil.rmtree(other)


def _lesson_of(folder: Path) -> str:
    lesson, _, _ = folder.name.rpartition("-")
    return lesson


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on Windows and macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_whole(folder: Path) -> bool:
    """Whether a lesson was recorded without a complaint.

    >>> is_whole(Path("no/such/folder"))
    False
    """
    return folder.is_dir() and not (folder / COMPLAINTS).exists()


def record_one(lesson: Path, folder: Path, most: int) -> list[str]:
    """Draw the playgrounds of one lesson in a process of its own.

    Where the cells that they seem to need are not enough, all of them run. What went
    wrong then is returned, and the next build tries again.
    """
    if said := _try(lesson, folder, most, whole=False):
        said = _try(lesson, folder, most, whole=True)
    return [f"{lesson.name}: {line}" for line in said]


def _try(lesson: Path, folder: Path, most: int, *, whole: bool) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as beside:
        beside.mkdir()
        complaints = beside / COMPLAINTS
        options = {"lesson": lesson, "folder": beside, "most": most, "whole": whole}
        process = processes().Process(target=leave, kwargs=options)
        process.start()
        process.join(LIMIT)
        if process.exitcode is None:
            process.kill()
            process.join()
            complaints.write_text(f"stopped after {LIMIT} s.", encoding="utf-8")
        elif process.exitcode:
            complaints.write_text("its process ended early.", encoding="utf-8")
        said = complaints.read_text(encoding="utf-8") if complaints.exists() else ""
    return said.splitlines()


def key(lesson: Path, most: int) -> str:
    """Return a name that changes with the lesson's code and with what draws it."""
    import nbformat

    cells = nbformat.read(lesson, as_version=4).cells
    parts = [cell.source for cell in cells if cell.cell_type == "code"]
    files = sorted(path for pattern in _SOURCES for path in PACKAGE.glob(pattern))
    parts += [path.read_text(encoding="utf-8") for path in files]
    text = "\0".join([str(most), *parts])
    return f"{lesson.stem}-{sha256(text.encode()).hexdigest()[:16]}"
