"""Experiments: what takes longer than a lesson may, measured once and quoted."""

import html
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import fill
from typing import Any

from course_utils.errors import CourseError
from course_utils.files import write_whole

ONE_LINE = 17  # characters of words kept in one line: 'mean, padding too'
Row = dict[str, Any]  # a setting's arguments and its results, by column

_PACKAGE = Path(__file__).resolve().parent
CHECKOUT = _PACKAGE.parents[1]
# in a wheel, in a checkout
FOLDERS = (_PACKAGE / "_experiments", CHECKOUT / "experiments" / "results")


@dataclass(frozen=True)
class Experiment:
    """One experiment's table, and how it was made.

    >>> tosses = Experiment(
    ...     "tosses", "How often heads?", [{"coin": "fair", "heads": [0.5, 0.48]}],
    ...     seconds=2.4, versions={"torch": "2.15.0"}, machine="ARM",
    ... )
    >>> tosses
    How often heads?
    <BLANKLINE>
    coin  heads
    fair  0.50 0.48
    <BLANKLINE>
    Measured by `python experiments/tosses.py` in 2 s of CPU time (torch 2.15.0; ARM).
    """

    name: str
    question: str
    rows: list[Row]
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    machine: str = ""

    @property
    def columns(self) -> list[str]:
        """The names of the columns: those of the settings, then of the results.

        A column that holds dicts, such as texts and what a net made of them, is for
        a lesson to print: no table has room for it.
        """
        return list(
            dict.fromkeys(
                column
                for row in self.rows
                for column, value in row.items()
                if not isinstance(value, dict)
            )
        )

    @property
    def provenance(self) -> str:
        """One sentence: the command, its CPU time, with what, and where."""
        made_with = ", ".join(f"{name} {v}" for name, v in self.versions.items())
        # What only sums up other experiments takes no time worth telling.
        took = f" in {self.seconds:.0f} s of CPU time" if self.seconds >= 0.5 else ""
        return (
            f"Measured by `python experiments/{self.name}.py`{took} "
            f"({made_with}; {self.machine})."
        )

    def select(self, **settings: object) -> list[Row]:
        """Return the rows with these settings.

        >>> coins = Experiment("coins", "?", [{"p": 0.5, "n": 3}, {"p": 1, "n": 4}])
        >>> coins.select(p=0.5)
        [{'p': 0.5, 'n': 3}]
        """
        wanted = settings.items()
        return [row for row in self.rows if wanted <= _hashable(row).items()]

    def save(self, folder: Path) -> Path:
        """Write the experiment as JSON into a folder, whole, and return the file."""
        path = folder / f"{self.name}.json"
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        write_whole(path, text + "\n")
        return path

    def __repr__(self) -> str:
        cells = [self.columns, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True))
            for row in cells
        ]
        table = "\n".join(line.rstrip() for line in lines)
        return "\n\n".join([fill(self.question, 88), table, fill(self.provenance, 88)])

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th{self._style(name)}>{html.escape(name)}</th>" for name in self.columns
        )
        lines = [
            "".join(
                f"<td{self._style(name, cell)}>{html.escape(cell)}</td>"
                for name, cell in zip(self.columns, cells, strict=True)
            )
            for cells in self._cells()
        ]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        made = re.sub("`(.+?)`", r"<code>\1</code>", html.escape(self.provenance))
        return (  # at the left edge of JupyterLab's prose
            f'<div style="margin-left:6px"><p>{html.escape(self.question)}</p>'
            f"{table}<p>{made}</p></div>"
        )

    def _style(self, column: str, cell: str = "") -> str:
        """Return the style of a cell; without one, of the column's name."""
        # Words begin at the left, as everywhere; JupyterLab puts all at the right.
        words = any(isinstance(row.get(column), str) for row in self.rows)
        styles = ["text-align:left"] if words else []
        # A short name stays in one line. What is longer, the name of a column and
        # runs break, but only on a page too narrow for the table.
        if words and 0 < len(cell) <= ONE_LINE:
            styles.append("white-space:nowrap")
        return f' style="{";".join(styles)}"' if styles else ""

    def _cells(self) -> list[list[str]]:
        return [
            [_text(row.get(name, "")) for name in self.columns] for row in self.rows
        ]


def load_experiment(name: str) -> Experiment:
    """Load an experiment's table, as its script in `experiments/` measured it.

    Raises:
        CourseError: there is no such experiment, or its file can't be read.

    >>> load_experiment("none")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    course_utils.errors.CourseError: There is no experiment 'none'. There are: ...
    """
    files = {path.stem: path for folder in FOLDERS for path in folder.glob("*.json")}
    if name not in files:
        raise CourseError(
            f"There is no experiment {name!r}. There are: "
            f"{', '.join(sorted(files)) or 'none yet'}."
        )
    return read_experiment(files[name])


def read_experiment(path: Path) -> Experiment:
    """Read an experiment from the JSON that `Experiment.save` wrote.

    Raises:
        CourseError: the file can't be read, or is no experiment.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Experiment("coins", "?", [{"p": 0.5}]).save(Path(folder))
    ...     read_experiment(path).rows
    [{'p': 0.5}]
    """
    try:
        return Experiment(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(
            f"{path} can't be read ({error}). Delete it and make it again: "
            f"python experiments/{path.stem}.py"
        ) from error


def _hashable(row: Row) -> Row:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}


def _text(value: object) -> str:
    if isinstance(value, list):
        return _runs(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"  # as the prose writes them
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _runs(values: list[Any]) -> str:
    """Return several runs as text, decimal numbers with equally many decimals."""
    texts = [_text(value) for value in values]
    if any("e" in text for text in texts) or not all(
        isinstance(value, float) for value in values
    ):
        return " ".join(texts)
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return " ".join(f"{value:.{decimals}f}" for value in values)
