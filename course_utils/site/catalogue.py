"""The lessons as the site lists them: titles, reasons, minutes, what builds on what."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from course_utils.authoring.links import title_of
from course_utils.lessons import asked

_LESSON = re.compile(r"\]\((\d\d)_\w+\.ipynb\)")


@dataclass(frozen=True)
class Entry:
    """A lesson in the list.

    Attributes:
        path: its notebook.
        title: such as '1 · Linear layers'.
        why: the one line under the title.
        minutes: how long it takes, as the lesson says it.
        builds_on: the numbers of the lessons that it needs, such as '00'.
        predictions: how many it asks for.
    """

    path: Path
    title: str
    why: str
    minutes: str
    builds_on: tuple[str, ...]
    predictions: int = 0

    @property
    def number(self) -> str:
        """'01' of notebooks/01_linear_layers.ipynb."""
        return self.path.stem[:2]

    @property
    def document(self) -> str:
        """Where its page lies, as Sphinx names it."""
        return f"lessons/{self.path.stem}"


def catalogue(lessons: Sequence[Path]) -> list[Entry]:
    """Return what the site says of each lesson.

    Raises:
        CourseError: a lesson does not begin with a title and a line that says why.

    >>> catalogue([])
    []
    """
    entries = []
    for path in lessons:
        title, why, minutes = title_of(path)
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        before = needs("".join(cells[0]["source"]))
        entries.append(Entry(path, title, why, minutes, before, asked(cells)))
    return entries


def needs(text: str) -> tuple[str, ...]:
    """Return the numbers of the lessons that a lesson's first cell says it needs.

    >>> needs("**Builds on:** lesson [00](00_start_here.ipynb) (tensors).")
    ('00',)
    """
    _, _, after = text.partition("**Builds on:**")
    return tuple(dict.fromkeys(_LESSON.findall(after.partition("\n")[0])))


def cards(entries: Sequence[Entry]) -> str:
    """Return the list of lessons as HTML: a card each, with what it builds on.

    >>> entry = Entry(Path("03_dropout.ipynb"), "3 · Dropout", "Why.", "3 hours", ())
    >>> print(cards([entry]))  # doctest: +ELLIPSIS
    <ol class="site-lessons">
    <li><a href="lessons/03_dropout.html"><b>3 · Dropout</b></a>...</li>
    </ol>
    """
    pages = {entry.number: entry for entry in entries}
    rows = []
    for entry in entries:
        links = ", ".join(
            f'<a href="{pages[number].document}.html">{int(number)}</a>'
            for number in sorted(entry.builds_on)
            if number in pages
        )
        after = f" · after {links}" if links else ""
        rows.append(
            f'<li><a href="{entry.document}.html"><b>{escape(entry.title)}</b></a>'
            f"<p>{escape(entry.why, quote=False)}</p>"
            f'<p class="site-soft">{entry.minutes}{after}'
            f'<span data-lesson="{entry.path.stem}" '
            f'data-predictions="{entry.predictions}"></span></p></li>'
        )
    return "\n".join(['<ol class="site-lessons">', *rows, "</ol>"])
