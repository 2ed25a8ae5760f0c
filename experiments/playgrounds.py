"""How long does a move in each playground of the lessons take? Seconds from the message
to the picture's bytes: the median and the 95th percentile of sixty moves."""

import os
import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from course_utils.authoring.clock import shorter
from course_utils.authoring.playing import move, shown, states
from course_utils.authoring.record import record

MOVES = int(os.environ.get("COURSE_BENCH_MOVES", "60"))
ROOT = Path(__file__).resolve().parent.parent
LESSONS = {path.stem[:2]: path for path in sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))}
SETTINGS = [{"lesson": number} for number in LESSONS]
RERUN = (1, {"p95": (0.0, 1.0)})  # a slow machine is no failure; a second would be


def measure(lesson: str) -> dict[str, object]:
    """Run a lesson up to its last playground, then move each of them."""
    cells = nbformat.read(LESSONS[lesson], 4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    shows = [i for i, s in enumerate(sources) if "\nplayground(" in s]
    scope: dict[str, Any] = {"__name__": "__main__"}
    with shown() as frames:
        for source in sources[: shows[-1] + 1]:
            exec(TransformerManager().transform_cell(source), scope)
        seconds = [[move(f, s) for s in states(f, MOVES + 5)][5:] for f in frames]
    return {
        "median": [shorter(median(runs), 3) for runs in seconds],
        "p95": [shorter(quantiles(runs, n=20)[-1], 3) for runs in seconds],
    }


if __name__ == "__main__":
    if "--try" in sys.argv:
        print(measure("01"), flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
