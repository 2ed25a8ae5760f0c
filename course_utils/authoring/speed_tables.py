"""The tables of speeds in `experiments/README.md`, from what the scripts measured."""

import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from course_utils.data.experiments import CHECKOUT, Experiment, Row, load_experiment
from course_utils.files import write_whole

README = CHECKOUT / "experiments" / "README.md"
BEGIN, END = "<!-- speeds -->\n", "<!-- /speeds -->\n"
GOALS = ("0.80", "0.85", "0.88", "0.90", "0.92", "0.93", "0.94")
RACE = ("recipe", "epochs", "rounds", *GOALS, "CPU seconds", "images a second")
# A table: the experiment, the column that its rows have, the columns that are shown.
TABLES: list[tuple[str, str, tuple[str, ...]]] = [
    ("speed_bars", "recipe", (*RACE, "share of rate", "test")),
    ("speed_bars", "bar", ("bar", "measured", "should be", "kept")),
    ("changes", "first", ("change", "off", "on", "times", "range", "first", "note")),
    ("growth", "exponent", ("grows", "sizes", "exponent", "memory_exponent")),
    ("growth", "layer", ("layer", "intensity", "gigaflops", "gigabytes")),
    ("growth", "network", ("network", "intensity", "gigaflops", "gigabytes")),
    ("growth", "copied_kilobytes", ("copied_kilobytes", "gigabytes")),
    ("photographs", "network", ()),
    (
        "resnet18",
        "arm",
        ("round", "arm", "rate", "seconds", "accuracy", "test_accuracy"),
    ),
    ("playgrounds", "lesson", ()),
    ("own_costs", "cost", ()),
]
# Shown whole; of other lists the median is.
RUNS = ("test", "range", "sizes", "median", "p95", "seconds", "accuracy")


def shown(column: str, value: Any) -> Any:
    """Return what a table shows of a value: of a spread its median.

    >>> shown("off", [1.0, 1999.6, 2e5]), shown("range", [1.0, 2.0, 4.0])
    (2000, [1.0, 2.0, 4.0])
    >>> shown("0.94", [])
    ''
    """
    if value is None or value == []:
        return ""
    if isinstance(value, list) and column not in RUNS:
        value = median(value)
    return round(value) if isinstance(value, float) and value >= 1000 else value


def table(experiment: Experiment, having: str, columns: tuple[str, ...]) -> Experiment:
    """Return the rows that have a column, with some of their columns, or with all.

    >>> speeds = Experiment("s", "?", [{"a": 1, "b": [1, 2, 6]}, {"c": 3}])
    >>> table(speeds, "a", ()).rows
    [{'a': 1, 'b': 2}]
    """
    rows: list[Row] = [
        {name: shown(name, row.get(name)) for name in columns or row}
        for row in experiment.rows
        if row.get(having, "") != ""
    ]
    return replace(experiment, rows=rows)


def tables() -> str:
    """Return all tables as the page has them: one block of text for each."""
    found = [table(load_experiment(one), key, columns) for one, key, columns in TABLES]
    return "\n".join(f"```text\n{one}\n```\n" for one in found)


def with_tables(page: str) -> str:
    """Return the page with the tables between its two marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def main(path: Path = README) -> None:
    """Write the tables into the page."""
    write_whole(path, with_tables(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
