"""A batch's results: the table on the terminal, report.json and index.html."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from course_utils.runs.report_page import COLUMNS, render_report
from course_utils.runs.worker import Result


@dataclass(frozen=True)
class Report:
    """The results of one batch, and the wall clock seconds that it took."""

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
        return 130 if "interrupted" in kinds else 1 if kinds else 0

    def table(self) -> str:
        """Return the results as lines of text, one for each run."""
        rows = [[name.capitalize() for name in COLUMNS]]
        rows += [[*_row(result).values()] for result in self.results]
        filled = [any(row[i] for row in rows[1:]) for i in range(len(COLUMNS))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [
                text.rjust(width) if name == "seconds" else text.ljust(width)
                for text, width, name in zip(row, widths, COLUMNS, strict=True)
            ]
            kept = [cell for cell, keep in zip(cells, filled, strict=True) if keep]
            lines.append("  ".join(kept).rstrip())
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
        content = self.as_dict()
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
        _write_whole(folder / "report.json", text + "\n")
        rows = [
            _row(r) | {"page": r.page or "", "notebook": r.notebook or ""}
            for r in self.results
        ]
        index = folder / "index.html"
        _write_whole(index, render_report(content, rows))
        return index


def describe_machine() -> dict[str, str]:
    """Return the versions that decide what numbers a run gives."""
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


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.partial")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
