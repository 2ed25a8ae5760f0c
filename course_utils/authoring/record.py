"""Run an experiment's settings one by one and keep what they gave."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from course_utils.data.experiments import Experiment, Row, read_experiment


def record(
    script: str,
    question: str,
    settings: Sequence[Row],
    measure: Callable[..., Row],
    fresh: bool = False,
) -> Experiment:
    """Measure every setting, print each row, and write `results/NAME.json`.

    The file is written after each row, so an interrupted experiment goes on where it
    stopped: rows whose settings are already there are kept, unless `fresh`. What it
    took is kept in seconds of CPU time, which other work on the machine hardly changes.

    Args:
        script: the experiment's file; results stand in `results/` beside it.
        question: what it asks, in a sentence or two.
        settings: the arguments of `measure`, one dict per row.
        measure: returns a row's results by column: numbers, or lists with one per
            seed.
        fresh: measure every row anew.

    Returns:
        The experiment with all its rows.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     squares = record(
    ...         f"{folder}/squares.py", "What is n²?", [{"n": 2}, {"n": 3}],
    ...         measure=lambda n: {"square": n * n},
    ...     )
    {'n': 2, 'square': 4}
    {'n': 3, 'square': 9}
    >>> squares.rows[1]["square"]
    9
    """
    path = Path(script)
    folder = path.parent / "results"
    folder.mkdir(exist_ok=True)
    known, spent = [], 0.0
    if not fresh and (result := folder / f"{path.stem}.json").exists():
        earlier = read_experiment(result)
        known, spent = earlier.rows, earlier.seconds
    rows: list[Row] = []
    start = time.process_time()
    versions = {"torch": torch.__version__, "Python": platform.python_version()}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    experiment = Experiment(path.stem, question, rows)
    for setting in settings:
        row = next((r for r in known if setting.items() <= r.items()), None)
        rows.append(row or setting | measure(**setting))
        print(rows[-1], flush=True)
        seconds = spent + time.process_time() - start
        experiment = Experiment(path.stem, question, rows, seconds, versions, machine)
        experiment.save(folder)
    return experiment
