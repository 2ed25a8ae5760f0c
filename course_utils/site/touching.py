"""A widget to touch, such as the sliding window, as its page holds it.

Such a widget computes in the page, so that a page without a kernel shows the same one.
Only the garment asks a network, which on the page answers for test images alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from course_utils.display.touch import attention, garment, sliding_window
from course_utils.display.touch.garment import ALL, GarmentWidget
from course_utils.display.touch.widget import TouchWidget
from course_utils.site import embedded

SUFFIX = ".touch.json"
TOUCHED = (attention, garment, sliding_window)
WIDGETS: tuple[type[TouchWidget], ...] = (
    attention.AttentionWidget,
    garment.GarmentWidget,
    sliding_window.SlidingWindow,
)
_HELD = ("data", "question", "answer", "wish", "shelf")


def recorded(widget: TouchWidget) -> dict[str, Any]:
    """Return what a page needs to show a widget: its numbers, and answers to come."""
    state = {name: getattr(widget, name) for name in _HELD if widget.has_trait(name)}
    found = {"kind": type(widget).__name__, "state": state}
    if isinstance(widget, GarmentWidget):
        state["shelf"] = _whole(state["shelf"])
        found["table"] = _answers(widget)
    return found


def _answers(widget: GarmentWidget) -> dict[str, Any]:
    """Return a row of test images for each class, and what the network says of each."""
    places = [ALL, *range(len(widget.data["classes"]))]
    shelves = {of: _whole(widget.shelf_of({"of": of, "first": 0})) for of in places}
    rows = [widget.shelf, *shelves.values()]
    images = {image["pixels"]: image for row in rows for image in row["images"]}
    answers = {
        pixels: widget.answer_to({"n": 0, **image}) for pixels, image in images.items()
    }
    return {"shelves": shelves, "answers": answers}


def _whole(shelf: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of images as if there were no others of its class."""
    return {**shelf, "first": 0, "total": len(shelf["images"])}


@dataclass(frozen=True)
class Touching:
    """A widget that is there without a kernel.

    Attributes:
        name: of its table, on the whole site.
        recorded: what `recorded` has left of it.
        folder: where its table lies, seen from the page.
    """

    name: str
    recorded: Mapping[str, Any]
    folder: str

    def place(self, stills: str) -> str:
        """Return the HTML that stands on the page, with what a script needs.

        Args:
            stills: the HTML of its first state, which stays where no script runs.
        """
        page = {name: self.recorded[name] for name in ("kind", "state")}
        data = embedded.element(page | {"name": self.name, "folder": self.folder})
        return (
            f'<div class="site-touch" id="{escape(self.name)}">'
            f'<div class="site-still">{stills}</div>{data}</div>'
        )

    def table(self) -> str:
        """Return the script that gives the page the answers; '' where it needs none."""
        if "table" not in self.recorded:
            return ""
        return embedded.script(self.name, self.recorded["table"])


def read_touching(recordings: Path, lesson: str, folder: str) -> dict[str, Touching]:
    """Return the widgets recorded for a lesson, by the id of their cell.

    >>> read_touching(Path("no/such/folder"), "05", "../states")
    {}
    """
    return {
        cell: Touching(f"{lesson}-{cell}", found, folder)
        for cell, found in embedded.by_cell(recordings, SUFFIX).items()
    }
