"""What does the course itself cost? Seconds of an import, a move in a playground and a
notebook in a batch, each beside what one would use instead, in turns; of a check, of
lesson 13, of the way from a clone to the first lesson and of `make test`."""

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import matplotlib
import nbformat

from course_utils import course_style, playground
from course_utils.authoring.clock import Work, in_turns, shorter
from course_utils.authoring.playing import move, shown
from course_utils.authoring.record import record

ROOT = Path(__file__).resolve().parent.parent
REPEATS = int(os.environ.get("COURSE_BENCH_REPEATS", "5"))
MOVES = int(os.environ.get("COURSE_BENCH_MOVES", "60"))
# Without a folder and without a download, if the checkout's data/ holds none either.
SKETCHES = {"COURSE_DATA": "", "COURSE_OFFLINE": "1"}
Row = dict[str, object]


def run(*command: str, **options: object) -> None:
    """Run a command, quietly; an error ends the measurement."""
    subprocess.run(command, check=True, capture_output=True, **options)  # type: ignore[call-overload]


def python(code: str) -> Work:
    """Return a fresh Python that runs a line."""
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    return lambda: run(sys.executable, "-c", code, env=there)


def middles(works: dict[str, Work]) -> Row:
    """Return the median seconds of each work."""
    found = in_turns(works, REPEATS)
    return {name: shorter(median(runs), 3) for name, runs in found.items()}


NAMES = "PALETTE, ask, check, load_fashion_mnist, measured, playground, setup, show"


def importing() -> Row:
    """Import the helpers, over torch alone.

    They fetch most of themselves when a name is first used. So `names` imports what a
    lesson does, over the three packages that a lesson without helpers would import.
    """
    row = middles(
        {
            "instead": python("import torch"),
            "ours": python("import torch, course_utils"),
            "packages": python("import torch, matplotlib.pyplot, IPython.display"),
            "names": python(f"import torch; from course_utils import {NAMES}"),
        }
    )
    row["over"] = round(row["ours"] - row["instead"], 3)  # type: ignore[operator]
    row["names over"] = round(row["names"] - row["packages"], 3)  # type: ignore[operator]
    return row


def waves(ax, turns=1.0, height=1.0):  # type: ignore[no-untyped-def]
    """Draw a curve, as a playground of the lessons does."""
    places = [i / 100 for i in range(101)]
    ax.plot(places, [height * (turns * place) % 1 for place in places])
    ax.set(xlim=(0, 1), ylim=(0, 2), xlabel="place", ylabel="height")
    return f"{turns} turns"


def our_playground() -> Callable[[float], None]:
    """Return a move of a playground: from the message to the picture's bytes."""
    with shown() as frames:
        playground(waves, "a curve", turns=(0.0, 5.0), height=(0.5, 2.0))
    (frame,) = frames
    return lambda turns: move(frame, {"turns": turns, "height": 1.0})


def interact() -> Callable[[float], None]:
    """Return a move of `interactive`, which makes a new figure every time."""
    import matplotlib.pyplot as plt
    from ipywidgets import interactive

    def draw(turns: float = 1.0) -> None:
        fig, ax = plt.subplots()
        waves(ax, turns)
        fig.savefig(io.BytesIO(), format="png")  # as the notebook does
        plt.close(fig)

    widget = interactive(draw, turns=(0.0, 5.0))
    slider: Any = widget.children[0]

    def moved(turns: float) -> None:
        with redirect_stdout(io.StringIO()):
            slider.value = turns

    return moved


def moving() -> Row:
    """Moves in turns, message to picture: medians and 95th percentiles."""
    matplotlib.use("agg")
    course_style()
    works = {"ours": our_playground(), "instead": interact()}
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(MOVES + 5):  # the first ones fetch fonts
        for name, work in works.items():
            start = time.perf_counter()
            work(0.1 * (number % 50))
            found[name].append(time.perf_counter() - start)
    row: Row = {}
    for name, runs in found.items():
        row[name] = shorter(median(runs[5:]), 3)
        row[f"{name}, p95"] = shorter(quantiles(runs[5:], n=20)[-1], 3)
    return row


def batch() -> Row:
    """A notebook of one cell in a batch, over the `papermill` command."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "99_one.ipynb"
        cell = nbformat.v4.new_code_cell("1 + 1")
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        note = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
        nbformat.write(note, path)
        tools = Path(sys.executable).parent
        ours = [str(tools / "course"), "run", str(path), "--out", f"{folder}/runs"]
        theirs = [str(tools / "papermill"), str(path), f"{folder}/out.ipynb"]
        return middles({"instead": lambda: run(*theirs), "ours": lambda: run(*ours)})


def checking() -> Row:
    """A check of a right answer: over all exercises, the median and the longest."""
    import importlib
    import pkgutil

    from course_utils.exercises import bank
    from course_utils.exercises.diagnose import diagnose

    found = []
    for module in pkgutil.iter_modules(bank.__path__):
        name = f"course_utils.exercises.bank.{module.name}"
        for exercise in importlib.import_module(name).EXERCISES:
            diagnose(exercise, exercise.reference)
            start = time.perf_counter()
            diagnose(exercise, exercise.reference)
            found.append(time.perf_counter() - start)
    return {"ours": shorter(median(found), 3), "longest": shorter(max(found), 3)}


def lesson() -> Row:
    """Lesson 13 in a batch, once: on the photographs, and on the sketches."""
    path = str(next((ROOT / "notebooks").glob("13_*.ipynb")))
    command = str(Path(sys.executable).parent / "course")
    row: Row = {}
    for name, source in {"ours": {}, "on sketches": SKETCHES}.items():
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            there = {**os.environ, **source}
            run(command, "run", path, "--out", folder, env=there)
            row[name] = shorter(time.perf_counter() - start, 3)
    return row


def starting() -> Row:
    """From `git clone` to the first lesson executed, once; packages from the cache."""
    here = {"PYTHONPATH", "COURSE_VENV", "VIRTUAL_ENV"}  # the clone has its own
    there = {name: value for name, value in os.environ.items() if name not in here}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run("git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", folder)
        run("make", "setup", cwd=folder, env=there)
        ready = time.perf_counter() - start
        lesson = "notebooks/00_start_here.ipynb"
        run(f"{folder}/.venv/bin/course", "run", lesson, cwd=folder, env=there)
        took = time.perf_counter() - start
    return {"ours": shorter(took, 3), "of it make setup": shorter(ready, 3)}


# They compare this script, its results and their page, and wait for the last row.
WAITING = [
    "tests/test_experiments.py::test_results_are_those_of_the_settings[own_costs]",
    "tests/authoring/test_speed_tables.py::test_page_has_the_tables_of_the_results",
]


def suite() -> Row:
    """`make test`, once: lint, tests, every lesson against its outputs."""
    waiting = " ".join(f"--deselect={test}" for test in WAITING)
    there = {**os.environ, "PYTEST_ADDOPTS": waiting}
    start = time.perf_counter()
    subprocess.run(["make", "-s", "test"], check=True, cwd=ROOT, env=there)
    return {"ours": shorter(time.perf_counter() - start, 3)}


COSTS: dict[str, Callable[[], Row]] = {
    "import": importing,
    "a playground's move": moving,
    "a notebook in a batch": batch,
    "a check": checking,
    "lesson 13": lesson,
    "clone to first lesson": starting,
    "make test": suite,
}
SETTINGS = [{"cost": name} for name in COSTS]
RERUN = (1, {"ours": (0.0, 1.0)})  # a slow machine is no failure; a second would be


def measure(cost: str) -> Row:
    """Measure one cost, in seconds."""
    return COSTS[cost]()


if __name__ == "__main__":
    if "--try" in sys.argv:
        for setting in SETTINGS[:-3]:
            print(setting | measure(**setting), flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
