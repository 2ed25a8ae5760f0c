"""What moves in one lesson, drawn in every state that its page can show.

The cells run that these need, or all up to the last of them, in one process and on the
CPU, with a recorder in place of `playground`.
"""

import io
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from course_utils.display.touch.widget import show_widget
from course_utils.site.needed import needed
from course_utils.site.recorder import Recorder
from course_utils.site.states import MOST
from course_utils.site.touching import TOUCHED

COMPLAINTS = "complaints.txt"
_CALL = re.compile(r"(?m)^(?:playground|slide_window|touch_attention|draw_garment)\(")
NEAR = 0.1  # of a number: what two machines may differ by
_NUMBER = r"\d+(?:\.\d+)?"
_LEFT_OUT = {"exercise", "solution", "ask"}
# Parameters of lessons that train more networks than their playgrounds show.
PARAMETERS = {"10_fashionmnist_classifier": 'model = "cnn"'}


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
            lesson has stored is reported too, unless the lesson has run on sketches:
            what is stored is of photographs.
    """
    from IPython.core.interactiveshell import InteractiveShell

    # Not by nbformat, whose import takes longer than a lesson's.
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    recorder = Recorder(folder, most)
    shell = InteractiveShell.instance()
    with _in_place_of_playground(recorder), _silent():
        for cell in chosen_cells(cells, whole=whole):
            recorder.cell, source = cell["id"], "".join(cell["source"])
            if not whole and "parameters" in cell["metadata"].get("tags", []):
                source += "\n" + PARAMETERS.get(lesson.stem, "")
            error = shell.run_cell(source, silent=True).error_in_exec
            if error is not None:
                name = type(error).__name__
                recorder.said.append(f"{recorder.cell}: {name}: {error}")
    if not whole and not _has_sketches(shell.user_ns):
        recorder.said += [
            f"{name}: it says something else than the lesson"
            for name, words in recorder.words.items()
            if not _has_said(cells, name, words)
        ]
    return recorder.said


def _has_sketches(names: Mapping[str, Any]) -> bool:
    """Whether a lesson has loaded FashionSketch in place of the photographs."""
    from course_utils.data.model import FashionMNIST  # torch

    return any(
        isinstance(value, FashionMNIST) and value.source == "fashion-sketch"
        for value in names.values()
    )


def _has_said(cells: list[Any], name: str, words: str) -> bool:
    """Whether a cell's stored outputs have these words, and numbers near these."""
    (outputs,) = [cell["outputs"] for cell in cells if cell.get("id") == name]
    texts = ["".join(o.get("data", {}).get("text/plain", "")) for o in outputs]
    return not outputs or is_said(words, " ".join(texts))


def is_said(words: str, text: str) -> bool:
    """Whether a text has these words, with numbers that differ by a tenth at most.

    What a trained network answers differs a little from machine to machine.

    >>> is_said("Shirt: 0.30.", "This is it. Shirt: 0.32. More.")
    True
    >>> is_said("1 of 2", "2 of 2")
    False
    """
    parts = re.split(_NUMBER, " ".join(words.split()))
    wanted = re.findall(_NUMBER, " ".join(words.split()))
    pattern = f"({_NUMBER})".join(map(re.escape, parts))
    return any(
        all(
            math.isclose(float(a), float(b), rel_tol=NEAR, abs_tol=1e-9)
            for a, b in zip(wanted, found.groups(), strict=True)
        )
        for found in re.finditer(pattern, " ".join(text.split()))
    )


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
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def leave(lesson: Path, folder: Path, most: int, *, whole: bool) -> None:
    """Do what `record` does, as all that this process does; leave what went wrong."""
    os.chdir(lesson.parent)
    said = record(lesson, folder, most, whole=whole)
    if said:
        (folder / COMPLAINTS).write_text("\n".join(said), encoding="utf-8")
