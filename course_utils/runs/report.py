"""A batch's results: the table, report.json, index.html, and the folder for them."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import jinja2

from course_utils.errors import CourseError
from course_utils.files import replacing, write_whole
from course_utils.runs.model import FaultKind, Result

COLUMNS = ("lesson", "device", "seed", "parameters", "state", "seconds", "cause")
_TEMPLATES = Path(__file__).parent / "templates"
_MOST_FOLDERS = 1000


@dataclass(frozen=True)
class Report:
    """The results of one batch, and the wall clock seconds that it took.

    >>> Report([], seconds=2.4, begun=now()).summary
    '0 of 0 runs succeeded in 2 s.'
    """

    results: Sequence[Result]
    seconds: float
    begun: datetime

    @property
    def summary(self) -> str:
        """'3 of 4 runs succeeded in 41 s.'"""
        good = sum(result.fault is None for result in self.results)
        total = len(self.results)
        runs = "run" if total == 1 else "runs"
        return f"{good} of {total} {runs} succeeded in {_duration(self.seconds)}."

    @property
    def exit_code(self) -> int:
        """0 if every run succeeded, 130 if the batch was interrupted, else 1."""
        kinds = {result.fault.kind for result in self.results if result.fault}
        return 130 if FaultKind.INTERRUPTED in kinds else 1 if kinds else 0

    def table(self) -> str:
        """Return the results as lines of text, one for each run."""
        rows = [_row(result) for result in self.results]
        columns = []
        for name in _filled(rows):
            texts = [name.capitalize(), *(row[name] for row in rows)]
            width = max(map(len, texts))
            adjust = str.rjust if name == "seconds" else str.ljust
            columns.append([adjust(text, width) for text in texts])
        lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
        if lines:
            lines.insert(1, "─" * min(80, max(map(len, lines))))
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Return what report.json holds."""
        return {
            "begun": self.begun.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 2),
            "summary": self.summary,
            "machine": describe_machine(),
            "results": [_record(result) for result in self.results],
        }

    def write(self, folder: Path) -> Path:
        """Write report.json and index.html; return the path of the latter."""
        content = json.dumps(self.as_dict(), indent=1, ensure_ascii=False, default=str)
        write_whole(folder / "report.json", content + "\n")
        index = folder / "index.html"
        write_whole(index, self._render())
        return index

    def _render(self) -> str:
        """Return the report as a page, readable in light and dark and at any zoom."""
        templates = jinja2.FileSystemLoader(_TEMPLATES)
        page = jinja2.Environment(loader=templates, autoescape=True)
        rows = [_row(result) for result in self.results]
        return page.get_template("report.html.j2").render(
            summary=self.summary,
            begun=self.begun,
            machine=describe_machine(),
            columns=_filled(rows),
            rows=list(zip(rows, self.results, strict=True)),
        )


def describe_machine() -> dict[str, str]:
    """Return the versions that decide what numbers a run gives.

    >>> describe_machine()["executable"] == sys.executable
    True
    """
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
    }
    for package in ("torch", "numpy", "papermill", "ipykernel"):
        try:
            machine[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return machine


def now() -> datetime:
    """Return the time, in UTC.

    >>> now().tzname()
    'UTC'
    """
    return datetime.now(timezone.utc)


def _row(result: Result) -> dict[str, str]:
    task, fault = result.task, result.fault
    return {
        "lesson": task.lesson,
        "device": task.device,
        "seed": task.seed,
        "parameters": task.parameters,
        "state": result.state,
        "seconds": "" if result.seconds is None else f"{result.seconds:.1f}",
        "cause": fault.cause if fault else "",
    }


def _filled(rows: list[dict[str, str]]) -> list[str]:
    """Return the columns in which some row says something."""
    return [name for name in COLUMNS if any(row[name] for row in rows)]


def _record(result: Result) -> dict[str, object]:
    return {
        "name": result.task.name,
        "lesson": result.task.lesson,
        "source": str(result.task.notebook),
        "values": result.task.values,
        "defaults": result.task.defaults,
        "state": result.state,
        "cause": result.fault.cause if result.fault else None,
        "seconds": result.seconds,
        "notebook": result.notebook,
        "page": result.page,
    }


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def make_run_folder(out: Path, begun: datetime) -> Path:
    """Create and return `out`/<UTC time>-<number>, a folder nobody else has.

    Raises:
        CourseError: the folder can't be created.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> begun = datetime(2026, 5, 1, 9, 30, tzinfo=timezone.utc)
        >>> with TemporaryDirectory() as out:
        ...     make_run_folder(Path(out), begun).name
        '20260501T093000Z-1'
    """
    stamp = begun.strftime("%Y%m%dT%H%M%SZ")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST_FOLDERS):
            folder = out / f"{stamp}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder.resolve()
    except OSError as error:
        raise CourseError(
            f"results can't be written to {out}: {error.strerror}. "
            "Choose another folder with --out."
        ) from error
    raise CourseError(f"{out} holds too many runs of this second: try again.")


def point_latest(folder: Path) -> Path | None:
    """Make `latest` beside `folder` lead to it: a link, or a text file with its name.

    Returns None where something else of that name is in the way.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as out:
    ...     point_latest(make_run_folder(Path(out), now())).name
    'latest'
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
