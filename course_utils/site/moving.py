"""A playground whose states were drawn, as its page holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from course_utils.site import embedded

SUFFIX = ".playground.json"
LONG = 8  # sentences
# In the page from the start; the table of states comes when a control is touched.
_INLINE = ("controls", "alt", "goal", "width", "height", "axes", "complete")


@dataclass(frozen=True)
class Moving:
    """A playground that moves without a kernel.

    Attributes:
        name: of its table, on the whole site.
        recorded: what the recorder has left of it.
        folder: where its pictures and its table lie, seen from the page.
    """

    name: str
    recorded: Mapping[str, Any]
    folder: str

    def place(self, stills: str) -> str:
        """Return the HTML that stands on the page, with what a script needs.

        Args:
            stills: the HTML of its first state, which stays where no script runs.
        """
        picture, sentence, reached = self._start()
        page = {name: self.recorded[name] for name in _INLINE}
        page |= {"name": self.name, "folder": self.folder, "picture": picture}
        page |= {"said": {"sentence": sentence, "reached": reached, "failed": ""}}
        sentences = {sentence for _, sentence, _ in self.recorded["states"].values()}
        # The page makes room for the tallest, which is one of these on any screen.
        page["longest"] = sorted(sentences, key=lambda text: (-len(text), text))[:LONG]
        data = embedded.element(page)
        return f'<div class="site-moving" id="{escape(self.name)}">{stills}{data}</div>'

    def still(self) -> str:
        """Return the picture at the start as HTML, for a page that has no other."""
        picture, sentence, _ = self._start()
        return (
            f'<div class="course-still-{escape(self.name)}"><p>{escape(sentence)}</p>'
            f'<img alt="{escape(self.recorded["alt"])}" '
            f'width="{self.recorded["width"]}" height="{self.recorded["height"]}" '
            f'src="{self.folder}/{picture}"></div>'
        )

    def table(self) -> str:
        """Return the script that gives the page the playground's states."""
        return embedded.script(self.name, self.recorded["states"])

    def _start(self) -> tuple[str, str, bool]:
        """Return picture and sentence at the start, and whether the goal is reached."""
        rest = ",".join(str(axis["rest"]) for axis in self.recorded["axes"])
        picture, sentence, reached = self.recorded["states"][rest]
        return picture, sentence, reached


def read(recordings: Path, lesson: str, folder: str) -> dict[str, Moving]:
    """Return the playgrounds recorded for a lesson, by the id of their cell.

    >>> read(Path("no/such/folder"), "03", "../states")
    {}
    """
    return {
        cell: Moving(f"{lesson}-{cell}", recorded, folder)
        for cell, recorded in embedded.by_cell(recordings, SUFFIX).items()
    }
