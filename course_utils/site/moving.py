"""A playground whose states were drawn, as its page holds it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

# In the page from the start; the table of states comes when a control is touched.
_INLINE = ("controls", "alt", "goal", "width", "height", "axes", "together", "complete")


@dataclass(frozen=True)
class Moving:
    """A playground that moves without a kernel.

    Attributes:
        name: of its table, on the whole site.
        recorded: what `recording` has left of it.
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
        rest = ",".join(str(axis["rest"]) for axis in self.recorded["axes"])
        picture, sentence, reached = self.recorded["states"][rest]
        page = {name: self.recorded[name] for name in _INLINE}
        page |= {"name": self.name, "folder": self.folder, "picture": picture}
        page |= {"said": {"sentence": sentence, "reached": reached, "failed": ""}}
        # Inside a script, '<' could end it.
        text = json.dumps(page, ensure_ascii=False).replace("<", "\\u003c")
        return (
            f'<div class="site-moving" id="{escape(self.name)}">{stills}'
            f'<script type="application/json">{text}</script></div>'
        )

    def still(self) -> str:
        """Return the picture at the start as HTML, for a page that has no other."""
        rest = ",".join(str(axis["rest"]) for axis in self.recorded["axes"])
        picture, sentence, _ = self.recorded["states"][rest]
        return (
            f'<div class="course-still-{escape(self.name)}"><p>{escape(sentence)}</p>'
            f'<img alt="{escape(self.recorded["alt"])}" '
            f'width="{self.recorded["width"]}" height="{self.recorded["height"]}" '
            f'src="{self.folder}/{picture}"></div>'
        )

    def table(self) -> str:
        """Return the script that gives the page the playground's states.

        A script and not JSON: a page that is opened as a file may read no other file.
        """
        states = json.dumps(self.recorded["states"], ensure_ascii=False)
        return f"(window.courseStates ??= {{}})[{json.dumps(self.name)}] = {states};\n"


def read(recordings: Path, lesson: str, folder: str) -> dict[str, Moving]:
    """Return the playgrounds recorded for a lesson, by the id of their cell.

    >>> read(Path("no/such/folder"), "03", "../states")
    {}
    """
    return {
        path.stem: Moving(
            f"{lesson}-{path.stem}",
            json.loads(path.read_text(encoding="utf-8")),
            folder,
        )
        for path in sorted(recordings.glob("*.json"))
        if "." not in path.stem  # a widget to touch
    }
