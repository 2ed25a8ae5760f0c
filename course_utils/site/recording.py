"""The playgrounds of one lesson, drawn in every state that its page can show.

    python -m course_utils.site.recording LESSON FOLDER [MOST]

Runs the lesson's cells up to its last playground, in one process and on the CPU, and
leaves in FOLDER the pictures, and for each playground CELL.json: what the page needs
to show it, and for each state its picture and its sentence.
"""

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from course_utils.display.controls import Control, controls_of
from course_utils.display.drawing import Draw, Drawing, Said
from course_utils.display.playground import names_of
from course_utils.site.states import MOST, Plan, plans

PLANS = 6  # of which one is looked for that reaches a playground's goal
SCALE = 1.5  # pixels of a picture to one of the page
_CALL = re.compile(r"(?m)^playground\(")
_LEFT_OUT = {"exercise", "solution", "ask"}


class Recorder:
    """Stands in for `playground` and draws all states of each.

    Args:
        folder: takes the pictures and the descriptions.
        most: pictures of one playground.

    Attributes:
        cell: the id of the cell that runs.
        said: what went wrong, a line for each playground.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self.folder, self.most = folder, most
        self.cell = ""
        self.said: list[str] = []

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

        candidates = list(islice(plans(chosen, self.most), PLANS if goal else 1))
        reaching = (
            states
            for states in candidates
            if any(said_of(states, state).reached for state in states)
        )
        states = next(reaching, candidates[0]) if goal else candidates[0]
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
        text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
        (self.folder / f"{self.cell}.json").write_text(text, encoding="utf-8")

    def _picture(self, drawing: Drawing) -> str:
        """Write the picture, unless another state has the same, and return its name."""
        picture = as_webp(drawing.png(SCALE))
        name = f"{sha256(picture).hexdigest()[:16]}.webp"
        (self.folder / name).write_bytes(picture)
        return name


def as_webp(png: bytes) -> bytes:
    """Return a picture as lossless WebP, about half as large as PNG."""
    from PIL import Image

    written = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    image.save(written, "WEBP", lossless=True, quality=60, method=3)
    return written.getvalue()


def _shown(name: str, control: Control, states: Plan) -> dict[str, Any]:
    """Return what the page needs to show a control: a slider with its stops alone."""
    page = control.page()
    (axis, *_) = [axis for axis in states.axes if axis.name == name]
    if axis.is_slider and len(axis.stops) > 1:
        step = round(axis.stops[1] - axis.stops[0], 10)
        page |= {"step": step, "high": axis.stops[-1]}
    return page


def record(lesson: Path, folder: Path, most: int = MOST) -> list[str]:
    """Draw the playgrounds of a lesson into `folder`; return what went wrong.

    The lesson runs in this process, which it changes: call it in one of its own.
    """
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell

    cells = nbformat.read(lesson, as_version=4).cells
    recorder = Recorder(folder, most)
    shell = InteractiveShell.instance()
    with _in_place_of_playground(recorder), _silent():
        for cell in up_to_the_last_playground(cells):
            recorder.cell = cell.id
            error = shell.run_cell(cell.source, silent=True).error_in_exec
            if error is not None:
                recorder.said.append(f"{cell.id}: {type(error).__name__}: {error}")
    return recorder.said


def up_to_the_last_playground(cells: list[Any]) -> list[Any]:
    """Return the code cells that the last playground may need, and those before it."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    calls = [place for place, cell in enumerate(code) if _CALL.search(cell.source)]
    needed = code[: max(calls, default=-1) + 1]
    tags = [set(cell.metadata.get("tags", [])) for cell in needed]
    return [cell for cell, own in zip(needed, tags, strict=True) if not own & _LEFT_OUT]


@contextmanager
def _in_place_of_playground(recorder: Recorder) -> Iterator[None]:
    face = sys.modules["course_utils"]
    vars(face)["playground"] = recorder.playground
    try:
        yield
    finally:
        del vars(face)["playground"]


@contextmanager
def _silent() -> Iterator[None]:
    """Throw away what the lesson prints: its outputs are stored already."""
    from contextlib import redirect_stderr, redirect_stdout

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


if __name__ == "__main__":
    said = record(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
    sys.stderr.write("".join(f"{line}\n" for line in said))
    sys.exit(1 if said else 0)
