"""What stands in for a lesson's playgrounds and widgets, and leaves files of them.

Of each playground CELL.playground.json, with what its page needs to show it and of each
state the picture and the sentence; of each widget to touch, which computes in the page,
CELL.touch.json with its numbers. The pictures lie beside them.
"""

import io
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_utils.display.controls import Control, controls_of
from course_utils.display.drawing import Draw, Drawing, Said
from course_utils.display.playground import names_of
from course_utils.display.touch.widget import TouchWidget
from course_utils.site import moving, touching
from course_utils.site.states import MOST, Plan, plans

PLANS = 6  # of which one is looked for that reaches a playground's goal
SCALE = 1.5  # pixels of a picture to one of the page

SaidOf = Callable[[Plan, tuple[int, ...]], Said]  # draws a state of a plan


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

        def said_of(states: Plan, state: tuple[int, ...]) -> Said:
            held = states.held(state, chosen)
            return drawing.redraw({n: chosen[n].value(held[n]) for n in chosen})

        candidates = islice(plans(chosen, self.most), PLANS if has_goal else 1)
        states = _first_to_reach(list(candidates), said_of, has_goal=has_goal)
        table = {}
        for state in states:
            said = said_of(states, state)
            key = ",".join(map(str, state))
            table[key] = [self._picture(drawing), said.sentence, said.reached]
            self.words.setdefault(self.cell, said.sentence)  # the start comes first
        width, height = drawing.size
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
        name = f"{sha256(pixels.tobytes()).hexdigest()[:16]}.webp"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(as_webp(pixels))
        return name

    def _leave(self, suffix: str, described: Mapping[str, Any]) -> None:
        text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
        (self.folder / f"{self.cell}{suffix}").write_text(text, encoding="utf-8")


def _first_to_reach(candidates: list[Plan], said_of: SaidOf, *, has_goal: bool) -> Plan:
    """Return the first plan; with a goal the first that reaches it, where one does."""
    known: dict[tuple[Any, ...], bool] = {}  # plans have states in common

    def reaches(states: Plan) -> bool:
        for state in states:
            stops = zip(states.axes, state, strict=True)
            held = tuple(axis.stops[place] for axis, place in stops)
            if held not in known:
                known[held] = said_of(states, state).reached
            if known[held]:
                return True
        return False

    found = filter(reaches, candidates) if has_goal else iter(candidates)
    return next(found, candidates[0])


def _described(
    chosen: Mapping[str, Control], names: Mapping[str, str], states: Plan
) -> dict[str, Any]:
    """Return the controls of a playground and how far each of them goes."""
    controls = [
        {"name": name, "label": names[name], **_shown(name, control, states)}
        for name, control in chosen.items()
    ]
    axes = [
        {"name": axis.name, "stops": axis.stops, "rest": axis.rest, "cell": axis.cell}
        for axis in states.axes
    ]
    return {
        "controls": controls,
        "axes": axes,
        "together": states.together,
        "complete": states.is_complete,
    }


def _shown(name: str, control: Control, states: Plan) -> dict[str, Any]:
    """Return what the page needs to show a control: a slider with its stops alone."""
    page = control.page()
    (axis, *_) = [axis for axis in states.axes if axis.name == name]
    if axis.is_slider and len(axis.stops) > 1:
        step = round(axis.stops[1] - axis.stops[0], 10)
        page |= {"step": step, "high": axis.stops[-1]}
    return page


def as_webp(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as lossless WebP, about half as large as PNG.

    Args:
        pixels: shape (height, width, 4): red, green, blue, opacity.

    >>> as_webp(np.zeros((2, 3, 4), dtype=np.uint8))[8:12]
    b'WEBP'
    """
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "WEBP", lossless=True, quality=20, method=1)
    return written.getvalue()
