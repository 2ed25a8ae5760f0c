"""A batch's results: the table, report.json, index.html, and the folder for them."""

import json
import os
import platform
import posixpath
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import jinja2

from course_utils.doctor import COURSE, installed_version
from course_utils.errors import CourseError
from course_utils.files import replacing, write_whole
from course_utils.runs.colours import COLOURS
from course_utils.runs.comparison import compare
from course_utils.runs.journal import read_batch, read_results
from course_utils.runs.model import FaultKind, Result, readable

COLUMNS = ("lesson", "device", "seed", "parameters", "state", "seconds", "cause")
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Report:
    """The results of a batch, or several, and the wall clock seconds that they took."""

    results: Sequence[Result]
    seconds: float
    begun: datetime
    machine: Mapping[str, str | None] = field(
        default_factory=lambda: describe_machine()
    )

    @property
    def summary(self) -> str:
        """'3 of 4 runs succeeded in 41 s.'"""
        good = sum(result.fault is None for result in self.results)
        total = len(self.results)
        runs = "run" if total == 1 else "runs"
        minutes, seconds = divmod(round(self.seconds), 60)
        duration = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return f"{good} of {total} {runs} succeeded in {duration}."

    @property
    def exit_code(self) -> int:
        """0 if every run succeeded, 130 if the batch was interrupted, else 1."""
        kinds = {result.fault.kind for result in self.results if result.fault}
        return 130 if FaultKind.INTERRUPTED in kinds else 1 if kinds else 0

    @property
    def rows(self) -> list[dict[str, object]]:
        """All that table, JSON and page say of each run."""
        return [
            {
                "name": result.task.name,
                "lesson": result.task.lesson,
                "source": str(result.task.notebook),
                "device": result.device or result.task.device,
                "seed": result.task.seed,
                "parameters": result.task.parameters,
                "values": result.task.values,
                "defaults": result.task.defaults,
                "state": result.state,
                "cause": result.fault.cause if result.fault else None,
                "seconds": result.seconds,
                "notebook": result.notebook,
                "page": result.page,
                "cell": result.cell,
                "checksum": result.checksum,
                "measured": list(result.measured),
            }
            for result in self.results
        ]

    @property
    def columns(self) -> list[str]:
        """The columns of table and page in which some row says something."""
        return [name for name in COLUMNS if any(_text(row[name]) for row in self.rows)]

    def table(self) -> str:
        """Return the results as lines of text, one for each run."""
        columns = []
        for name in self.columns:
            texts = [name.capitalize(), *(_text(row[name]) for row in self.rows)]
            width = max(map(len, texts))
            adjust = str.rjust if name == "seconds" else str.ljust
            columns.append([adjust(text, width) for text in texts])
        lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
        if lines:
            lines.insert(1, "─" * min(80, max(map(len, lines))))
        return "\n".join(lines)

    def write(self, folder: Path) -> Path:
        """Write report.json and index.html; return the path of the latter."""
        report = {
            "begun": self.begun.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 2),
            "summary": self.summary,
            "machine": self.machine,
            "interrupted": self.exit_code == 130,
            "results": self.rows,
        }
        content = json.dumps(report, indent=1, ensure_ascii=False, default=str)
        # A lone surrogate, from a name that is no text, becomes JSON's own escape.
        content = (content + "\n").encode("utf-8", "backslashreplace")
        write_whole(folder / "report.json", content)
        templates = jinja2.FileSystemLoader(_TEMPLATES)
        page = jinja2.Environment(loader=templates, autoescape=True)
        page.filters |= {"text": _text, "link": _link}
        template = page.get_template("report.html.j2")
        index = folder / "index.html"
        # What failed is what one looks for.
        rows = sorted(self.rows, key=lambda row: row["state"] == "succeeded")
        counts = Counter(str(row["state"]) for row in rows)
        content = template.render(
            report | {"results": rows, "counts": counts},
            colours=COLOURS.name,
            columns=self.columns,
            comparisons=compare(self.results),
            sources={row["source"]: row for row in self.rows if row["checksum"]},
        )
        write_whole(index, content)
        return index


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else readable(value)


def _link(file: str) -> str:
    """Return the address of a file beside the page.

    >>> _link("javascript:a%20b#c?.html")
    './javascript%3Aa%2520b%23c%3F.html'
    """
    return "./" + quote(file)


def read_report(folders: Sequence[Path], out: Path) -> Report:
    """Return the report on the batches of these folders, to be written to `out`.

    Raises:
        CourseError: a folder is none of `course run`.
    """
    batches = [read_batch(folder) for folder in folders]
    results: list[Result] = []
    total = 0.0
    for folder, batch in zip(folders, batches, strict=True):
        found, seconds = read_results(folder, batch)
        total += seconds
        # From the report's page to the files beside the batch's own.
        there = Path(os.path.relpath(folder, out)).as_posix()
        for result in found:
            notebook, page = (
                file and posixpath.normpath(f"{there}/{file}")
                for file in (result.notebook, result.page)
            )
            results.append(replace(result, notebook=notebook, page=page))
    machine = {
        name: " / ".join(
            dict.fromkeys(str(batch.machine.get(name)) for batch in batches)
        )
        for name in batches[0].machine
    }
    return Report(results, total, min(batch.begun for batch in batches), machine)


def describe_machine() -> dict[str, str | None]:
    """Return the versions that decide what numbers a run gives."""
    packages = ("torch", "numpy", "papermill", "ipykernel")
    return {
        "course": _course_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
    } | {package: installed_version(package) for package in packages}


def _course_version() -> str | None:
    """Return the course's version, in a checkout with its commit."""
    version = installed_version(COURSE)
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    checkout = Path(__file__).parents[2]
    if (checkout / ".git").exists():
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(
                command, cwd=checkout, capture_output=True, text=True, timeout=10
            )
            if done.returncode == 0:
                return f"{version}, commit {done.stdout.strip()}"
    return version


def make_run_folder(out: Path, begun: datetime) -> Path:
    """Create and return `out`/<UTC time>-<number>, a folder nobody else has.

    Raises:
        CourseError: the folder can't be created.
    """
    stamp = begun.strftime("%Y%m%dT%H%M%SZ")
    with written_to(out):
        out.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            with suppress(FileExistsError):
                folder = out / f"{stamp}-{number}"
                folder.mkdir()
                return folder.resolve()
            number += 1


@contextmanager
def written_to(out: Path, what: str = "results") -> Iterator[None]:
    """Say of what the block can't write that another folder is needed.

    Raises:
        CourseError: the block raised an OSError.

    >>> with written_to(Path("runs"), "the report"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    course_utils.errors.CourseError: the report can't be written to runs: No space ...
    """
    try:
        yield
    except OSError as error:
        raise CourseError(
            f"{what} can't be written to {out}: {error.strerror}. "
            "Choose another folder with --out."
        ) from error


def point_latest(folder: Path) -> Path | None:
    """Make `latest` beside `folder` lead to it: a link, or a text file with its name.

    Returns None where something else of that name is in the way.
    """
    latest = folder.parent / "latest"
    try:
        with replacing(latest) as beside:
            try:
                beside.symlink_to(folder.name, target_is_directory=True)
            except OSError:  # Windows without the right to make links, or FAT
                beside.write_text(folder.name + "\n", encoding="utf-8")
    except OSError:
        return None
    return latest
