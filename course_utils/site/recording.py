"""What moves in one lesson, drawn in every state that its page can show.

The cells run that these need, or all up to the last of them, in one process and on the
CPU. They leave for each playground CELL.json, with what the page needs to show it and
for each state its picture and its sentence; for each widget to touch, which computes in
the page, CELL.touch.json with its numbers. The pictures lie beside them.
"""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from course_utils.display.touch.widget import TouchWidget, show_widget
from course_utils.site.needed import needed
from course_utils.site.states import MOST, Plan, plans
from course_utils.site.touching import SUFFIX, TOUCHED, recorded

PLANS = 6  # of which one is looked for that reaches a playground's goal
SCALE = 1.5  # pixels of a picture to one of the page
_CALL = re.compile(r"(?m)^(?:playground|slide_window|touch_attention|draw_garment)\(")
COMPLAINTS = "complaints.txt"
_LEFT_OUT = {"exercise", "solution", "ask"}


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
        drawing = Drawing(
            draw, start, ncols=ncols, figsize=figsize, has_goal=goal is not None
        )

        def said_of(states: Plan, state: tuple[int, ...]) -> Said:
            held = states.held(state, chosen)
            return drawing.redraw({n: chosen[n].value(held[n]) for n in chosen})

        states = self._plan(chosen, said_of, has_goal=goal is not None)
        table = {}
        for state in states:
            said = said_of(states, state)
            key = ",".join(map(str, state))
            table[key] = [self._picture(drawing), said.sentence, said.reached]
        width, height = drawing.size
        names = names_of(chosen, labels or {})
        described = {
            "controls": [
                {"name": name, "label": names[name], **_shown(name, control, states)}
                for name, control in chosen.items()
            ],
            **{"alt": alt, "goal": goal, "width": width, "height": height},
            "axes": [
                {
                    "name": axis.name,
                    "stops": axis.stops,
                    "rest": axis.rest,
                    "cell": axis.cell,
                }
                for axis in states.axes
            ],
            "together": states.together,
            "complete": states.is_complete,
            "states": table,
        }
        self.words[self.cell] = table[",".join(str(a.rest) for a in states.axes)][1]
        text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
        (self.folder / f"{self.cell}.json").write_text(text, encoding="utf-8")

    def _plan(
        self,
        chosen: Mapping[str, Control],
        said_of: Callable[[Plan, tuple[int, ...]], Said],
        *,
        has_goal: bool,
    ) -> Plan:
        """Return the best of the plans, with a goal the best that reaches it."""
        first, *others = islice(plans(chosen, self.most), PLANS if has_goal else 1)
        known: dict[str, bool] = {}  # plans have states in common

        def reaches(states: Plan) -> bool:
            for state in states:
                held = str(states.held(state, chosen))
                if held not in known:
                    known[held] = said_of(states, state).reached
                if known[held]:
                    return True
            return False

        return next(filter(reaches, [first, *others]), first) if has_goal else first

    def _picture(self, drawing: Drawing) -> str:
        """Write the picture, unless another state has the same, and return its name."""
        pixels = drawing.pixels(SCALE)
        name = f"{sha256(pixels.tobytes()).hexdigest()[:16]}.webp"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(as_webp(pixels))
        return name

    def touch(self, widget: TouchWidget, still: Figure, alt: str) -> None:
        """Take the arguments of `show_widget`; leave what the page computes with."""
        text = json.dumps(recorded(widget), ensure_ascii=False, separators=(",", ":"))
        self.words[self.cell] = alt
        path = self.folder / f"{self.cell}{SUFFIX}"
        path.write_text(text, encoding="utf-8")


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


def _shown(name: str, control: Control, states: Plan) -> dict[str, Any]:
    """Return what the page needs to show a control: a slider with its stops alone."""
    page = control.page()
    (axis, *_) = [axis for axis in states.axes if axis.name == name]
    if axis.is_slider and len(axis.stops) > 1:
        step = round(axis.stops[1] - axis.stops[0], 10)
        page |= {"step": step, "high": axis.stops[-1]}
    return page


def record(
    lesson: Path, folder: Path, most: int = MOST, *, whole: bool = False
) -> list[str]:
    """Draw the playgrounds of a lesson into `folder`; return what went wrong.

    The lesson runs in this process, which it changes: call it in one of its own.

    Args:
        lesson: its notebook.
        folder: takes what is left.
        most: pictures of one playground.
        whole: run all cells up to the last playground. Without it only those run that
            it seems to need, and a playground that then says something else than the
            lesson has stored is reported too.
    """
    from IPython.core.interactiveshell import InteractiveShell

    # Not by nbformat, whose import takes longer than a lesson's.
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    recorder = Recorder(folder, most)
    shell = InteractiveShell.instance()
    with _in_place_of_playground(recorder), _silent():
        for cell in chosen_cells(cells, whole=whole):
            recorder.cell = cell["id"]
            error = shell.run_cell("".join(cell["source"]), silent=True).error_in_exec
            if error is not None:
                name = type(error).__name__
                recorder.said.append(f"{recorder.cell}: {name}: {error}")
    if not whole:
        recorder.said += [
            f"{name}: it says something else than the lesson"
            for name, words in recorder.words.items()
            if not _has_said(cells, name, words)
        ]
    return recorder.said


def _has_said(cells: list[Any], name: str, words: str) -> bool:
    """Whether a cell's stored outputs have these words."""
    (outputs,) = [cell["outputs"] for cell in cells if cell.get("id") == name]
    texts = ["".join(o.get("data", {}).get("text/plain", "")) for o in outputs]
    return not outputs or " ".join(words.split()) in " ".join(" ".join(texts).split())


def chosen_cells(cells: list[Any], *, whole: bool) -> list[Any]:
    """Return the code cells to run: those before the last playground, or fewer."""
    code = [
        cell
        for cell in cells
        if cell["cell_type"] == "code"
        and not _LEFT_OUT.intersection(cell["metadata"].get("tags", []))
    ]
    sources = ["".join(cell["source"]) for cell in code]
    calls = [place for place, text in enumerate(sources) if _CALL.search(text)]
    everything = range(max(calls, default=-1) + 1)
    return [code[place] for place in (everything if whole else needed(sources, calls))]


@contextmanager
def _in_place_of_playground(recorder: Recorder) -> Iterator[None]:
    face = sys.modules["course_utils"]
    vars(face)["playground"] = recorder.playground
    for module in TOUCHED:
        vars(module)["show_widget"] = recorder.touch
    try:
        yield
    finally:
        del vars(face)["playground"]
        for module in TOUCHED:
            vars(module)["show_widget"] = show_widget


@contextmanager
def _silent() -> Iterator[None]:
    """Throw away what the lesson prints: its outputs are stored already."""
    from contextlib import redirect_stderr, redirect_stdout

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def leave(lesson: Path, folder: Path, most: int, *, whole: bool) -> None:
    """Do what `record` does, as all that this process does; leave what went wrong."""
    os.chdir(lesson.parent)
    said = record(lesson, folder, most, whole=whole)
    if said:
        (folder / COMPLAINTS).write_text("\n".join(said), encoding="utf-8")
