"""What Sphinx reads: the lessons, the pages beside them, pictures, styles, scripts."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.authoring.links import address, course_text
from course_utils.errors import CourseError
from course_utils.site import pages, terms
from course_utils.site.catalogue import Entry, catalogue
from course_utils.site.errors import errors_page, treated
from course_utils.site.font import math_font
from course_utils.site.lesson import as_page, exercises_of
from course_utils.site.moving import Moving, read
from course_utils.site.static import static_files
from course_utils.site.touching import Touching, read_touching

PICTURES = "pictures"  # of the lessons' outputs
STATES = "states"  # of the playgrounds
FONT = "stix-two-math.woff"


@dataclass(frozen=True)
class Lesson:
    """A lesson of the site.

    Attributes:
        entry: what the list of lessons says of it.
        notebook: the lesson, with its outputs.
        moving: what moves on its page, by the id of its cell.
    """

    entry: Entry
    notebook: NotebookNode
    moving: Mapping[str, Moving | Touching]


def lessons_of(root: Path) -> list[Path]:
    """Return the notebooks that have a page: the lessons, and no lab.

    >>> lessons_of(Path("no/such/folder"))
    []
    """
    return sorted((root / "notebooks").glob("*.ipynb"))


def write_sources(
    root: Path, folder: Path, recordings: Mapping[Path, Path] | None = None
) -> None:
    """Write all that Sphinx reads into a new `folder`.

    Args:
        root: the course's folder.
        folder: takes the sources.
        recordings: the folders of the lessons whose playgrounds were drawn.

    Raises:
        CourseError: the lessons or the other pages are not there.
    """
    paths = lessons_of(root)
    if not paths:
        raise CourseError("there are no lessons here: go to the course's folder.")
    for name in ("lessons", "static", *(f"extra/{n}" for n in (PICTURES, STATES))):
        (folder / name).mkdir(parents=True)
    lessons = []
    for entry in catalogue(paths):
        notebook = nbformat.read(entry.path, as_version=4)
        moving = _take_over((recordings or {}).get(entry.path), entry, folder)
        lessons.append(Lesson(entry, notebook, moving))
    repository = address(root)
    for lesson in lessons:
        _write_lesson(lesson, repository, folder)
    beside = _of_lessons(lessons) | _of_repository(root, repository, paths)
    for name, text in beside.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for name, text in static_files().items():
        (folder / "static" / name).write_text(text, encoding="utf-8")
    (folder / "static" / FONT).write_bytes(math_font())
    (folder / "extra" / "notebooks").mkdir()
    for path in paths:
        shutil.copy(path, folder / "extra" / "notebooks")


def _take_over(
    recording: Path | None, entry: Entry, folder: Path
) -> dict[str, Moving | Touching]:
    """Copy what was recorded of a lesson to the site; return it by its cell."""
    if recording is None:
        return {}
    target = folder / "extra" / STATES
    place = f"../{STATES}"
    moving: dict[str, Moving | Touching] = {}
    moving |= read(recording, entry.number, place)
    moving |= read_touching(recording, entry.number, place)
    for picture in recording.glob("*.webp"):
        shutil.copy(picture, target)
    for playground in moving.values():
        if table := playground.table():
            script = target / f"{playground.name}.js"
            script.write_text(table, encoding="utf-8")
    return moving


def _write_lesson(lesson: Lesson, repository: str, folder: Path) -> None:
    """Write a lesson as its page shows it, and its pictures."""

    def store(picture: bytes, kind: str) -> str:
        name = f"{PICTURES}/{sha256(picture).hexdigest()[:16]}.{kind}"
        (folder / "extra" / name).write_bytes(picture)
        return f"../{name}"

    words = len(pages.prose(lesson.notebook.cells).split())
    page = as_page(
        lesson.notebook,
        store=store,
        exercises=exercises_of(lesson.notebook),
        opens=pages.opening(lesson.entry, repository, words),
        moving=lesson.moving,
    )
    nbformat.write(page, folder / f"{lesson.entry.document}.ipynb")


def _of_lessons(lessons: Sequence[Lesson]) -> dict[str, str]:
    """Return the pages that are made from the lessons, by name."""
    entries = [lesson.entry for lesson in lessons]
    errors = [(each.entry, treated(each.notebook.cells)) for each in lessons]
    prose = {each.entry.document: pages.prose(each.notebook.cells) for each in lessons}
    shown = filter(None, (_shown_first(lesson.moving) for lesson in lessons))
    return {
        "index": pages.landing(entries, next(shown, "")),
        "map": pages.map_page(entries),
        "layers": course_text(pages.TEMPLATES / "layers.md"),
        terms.PAGE: terms.page(course_text(terms.SOURCE), prose),
        "errors": errors_page(errors),
    }


def _of_repository(
    root: Path, repository: str, lessons: Sequence[Path]
) -> dict[str, str]:
    """Return the pages that are files of the repository, and the API, by name."""
    notebooks = [path.name for path in lessons]
    found = {
        page: pages.with_links(course_text(root / name), repository, notebooks)
        for name, page in pages.PAGES.items()
    }
    start = pages.section(
        found["setup"], "Start", "Commands", "When something is wrong", "Licence"
    )
    found["setup"] = f"# Run it on your machine\n\n{start}"
    stub = course_text(Path(__file__).parents[1] / "__init__.pyi")
    return found | {"api": pages.api(pages.public(stub))}


def _shown_first(moving: Mapping[str, Moving | Touching]) -> str:
    """Return a playground as the landing page shows it: with its first picture."""
    playgrounds = [one for one in moving.values() if isinstance(one, Moving)]
    if not playgrounds:
        return ""
    here = replace(playgrounds[0], folder=STATES)
    words = "Each lesson has a playground. This is the first one: move the controls."
    return f"{words}\n\n{here.place(here.still())}"
