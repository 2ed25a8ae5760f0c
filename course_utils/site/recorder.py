"""What stands in for a lesson's playgrounds and widgets, and leaves files of them.

Of each playground CELL.playground.json, with what its page needs to show it and of each
state the picture and the sentence; of each widget to touch, which computes in the page,
CELL.touch.json with its numbers. The pictures lie beside them.
"""

import io
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils.display.controls import Control, controls_of
from course_utils.display.drawing import Draw, Drawing
from course_utils.display.playground import names_of
from course_utils.display.png import with_palette
from course_utils.display.touch.widget import TouchWidget
from course_utils.site import moving, touching
from course_utils.site.states import MOST, Axis, Plan, State, held, plan

SCALE = 1.25  # pixels of a picture to one of the page; 1.5 takes a fifth longer


class Recorder:
    """Stands in for `playground`, of which it draws all states, and for `show_widget`.

    Args:
        folder: takes the pictures and the descriptions.
        most: pictures of one playground.

    Attributes:
        cell: the id of the cell that runs.
        said: what went wrong, a line for each playground.
        words: what each says at the start, by the id of its cell.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self.folder, self.most = folder, most
        self.cell = ""
        self.said: list[str] = []
        self.words: dict[str, str] = {}

    def playground(
        self,
        draw: Draw,
        alt: str,
        *,
        ncols: int = 1,
        figsize: tuple[float, float] | None = None,
        labels: dict[str, str] | None = None,
        goal: str | None = None,
        **controls: Any,
    ) -> None:
        """Take the arguments of `course_utils.playground`."""
        chosen = controls_of(draw, controls)
        start = {name: control.value(control.start) for name, control in chosen.items()}
        has_goal = goal is not None
        drawing = Drawing(draw, start, ncols=ncols, figsize=figsize, has_goal=has_goal)

        def values_of(page: Mapping[str, Any]) -> dict[str, Any]:
            return {name: chosen[name].value(page[name]) for name in chosen}

        tried: dict[str, bool] = {}  # half of what a search looks at comes again

        def reaches(axes: Sequence[Axis], state: State) -> bool:
            page = held(axes, state, chosen)
            # Not of what `draw` gets: two models of a menu may have the same `repr`.
            if (key := repr(page)) not in tried:
                tried[key] = drawing.looked_ahead(values_of(page)).reached
            return tried[key]

        states = plan(chosen, self.most, reaches if has_goal else None)
        table = {}
        for state in states:
            said = drawing.redraw(values_of(held(states.axes, state, chosen)))
            key = ",".join(map(str, state))
            table[key] = [self._picture(drawing), said.sentence, said.reached]
            self.words.setdefault(self.cell, said.sentence)  # the start comes first
        width, height = drawing.size
        if has_goal and not any(reached for _, _, reached in table.values()):
            self.said.append(f"{self.cell}: its goal can't be reached on the page")
        shown = {"alt": alt, "goal": goal, "width": width, "height": height}
        names = names_of(chosen, labels or {})
        described = {**_described(chosen, names, states), **shown, "states": table}
        self._leave(moving.SUFFIX, described)

    def touch(self, widget: TouchWidget, still: Figure, alt: str) -> None:
        """Take the arguments of `show_widget`; leave what the page computes with."""
        self.words[self.cell] = alt
        self._leave(touching.SUFFIX, touching.recorded(widget))

    def _picture(self, drawing: Drawing) -> str:
        """Write the picture, unless another state has the same, and return its name."""
        pixels = drawing.pixels(SCALE)
        name = f"{sha256(pixels.data).hexdigest()[:16]}.webp"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(as_webp(pixels))
        return name

    def _leave(self, suffix: str, described: Mapping[str, Any]) -> None:
        text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
        (self.folder / f"{self.cell}{suffix}").write_text(text, encoding="utf-8")


def _described(
    chosen: Mapping[str, Control], names: Mapping[str, str], states: Plan
) -> dict[str, Any]:
    """Return the controls of a playground and how far each of them goes."""
    controls = [
        {"name": name, "label": names[name], **control.page()}
        for name, control in chosen.items()
    ]
    axes = [
        {"name": axis.name, "stops": axis.stops, "rest": axis.rest, "cell": axis.cell}
        for axis in states.axes
    ]
    return {
        "controls": controls,
        "axes": axes,
        "complete": states.is_complete,
    }


def as_webp(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as WebP with a palette: half the bytes of any other lossless.

    Args:
        pixels: shape (height, width, 4): red, green, blue, opacity.

    >>> as_webp(np.zeros((2, 3, 4), dtype=np.uint8))[8:12]
    b'WEBP'
    """
    from PIL import Image

    written = io.BytesIO()
    places, palette = with_palette(pixels)
    # A pixel taken as one number: a tenth of the time of four.
    whole = palette.view(np.uint32).ravel().take(places)
    image = Image.fromarray(whole.view(np.uint8).reshape(pixels.shape))
    # Method 0 packs half as tight; more quality takes longer and saves nothing.
    image.save(written, "WEBP", lossless=True, quality=0, method=1)
    return written.getvalue()
