"""What a batch leaves in its folder as it goes: enough to report on it or go on."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from course_utils.errors import CourseError
from course_utils.files import SUFFIX, write_whole
from course_utils.runs.lessons import parse_value
from course_utils.runs.model import Fault, FaultKind, Limits, Result, Task, readable

_BATCH = "batch.json"
_RESULTS = "results.jsonl"
# What a result says beside its task and its fault.
_FIELDS = ("seconds", "notebook", "page", "cell", "device", "checksum", "measured")
_ENDED = Fault(FaultKind.INTERRUPTED, "The batch ended before this run did.")


@dataclass(frozen=True)
class Batch:
    """What a batch was begun with.

    Attributes:
        tasks: all that it is to run.
        begun: when.
        limits: what each run may use.
        pages: whether each notebook is also written as a page.
        machine: the versions that it runs with.
    """

    tasks: list[Task]
    begun: datetime
    limits: Limits = field(default_factory=Limits)
    pages: bool = True
    machine: Mapping[str, str | None] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it to a folder.

        Raises:
            OSError: it can't be written.
        """
        content = {
            "begun": self.begun.isoformat(timespec="seconds"),
            "limits": asdict(self.limits),
            "pages": self.pages,
            "machine": self.machine,
            "tasks": [_task_to_json(task) for task in self.tasks],
        }
        write_whole(folder / _BATCH, json.dumps(content, indent=1) + "\n")


def read_batch(folder: Path) -> Batch:
    """Return what the batch of a folder was begun with.

    Raises:
        CourseError: the folder is none of `course run`.
    """
    try:
        content = json.loads((folder / _BATCH).read_text(encoding="utf-8"))
        return Batch(
            [_task_from_json(task) for task in content["tasks"]],
            datetime.fromisoformat(content["begun"]),
            Limits(**content["limits"]),
            content["pages"],
            content["machine"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{readable(folder)} is no folder of `course run`: it has no {_BATCH}, or "
            "a broken one. Name one that `course run` has made in runs/."
        ) from error


def read_results(folder: Path, batch: Batch) -> tuple[list[Result], float]:
    """Return a result for each task of a batch, and the seconds that it took so far.

    A task without one has the fault 'interrupted'. Of two for one task the later
    counts; a line that a kill has cut off is left out.
    """
    tasks = {task.name: task for task in batch.tasks}
    results = {name: Result(task, _ENDED) for name, task in tasks.items()}
    clock = 0.0
    content = b""
    with suppress(OSError):
        content = (folder / _RESULTS).read_bytes()
    for line in content.splitlines():
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            values = json.loads(line)
            task, seconds = tasks[values.pop("task")], values.pop("clock")
            fault = _fault_from_json(values.pop("fault"))
            values["measured"] = tuple(values["measured"])
            results[task.name] = Result(task, fault, **values)
            clock = max(clock, seconds)
    return list(results.values()), clock


class Journal:
    """Adds results to a folder's file as they come: what is written outlives a kill.

    In a block, it is open. A result that can't be written is kept in memory alone.

    Args:
        folder: takes the file; where one is there, it grows.
        clock: the seconds that the batch took before.
    """

    def __init__(self, folder: Path, clock: float = 0.0) -> None:
        self._path = folder / _RESULTS
        self._file: IO[bytes] | None = None
        self._begun = time.perf_counter() - clock
        self._whole = False
        # What a killed run was writing.
        for partial in folder.glob(f".*{SUFFIX}"):
            partial.unlink(missing_ok=True)

    @property
    def seconds(self) -> float:
        """The seconds that the batch has taken so far."""
        return time.perf_counter() - self._begun

    def __enter__(self) -> "Journal":
        with suppress(OSError):
            self._file = self._path.open("ab", buffering=0)
            self._whole = os.fstat(self._file.fileno()).st_size == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, result: Result) -> None:
        """Write a result."""
        values = {name: getattr(result, name) for name in _FIELDS} | {
            "task": result.task.name,
            "clock": round(self.seconds, 2),
            "fault": _fault_to_json(result.fault),
        }
        # A line that was cut off, by a kill or a full disk, is ended first.
        line = b"" if self._whole else b"\n"
        line += json.dumps(values, default=str).encode("ascii") + b"\n"
        self._whole = False
        with suppress(OSError):
            if self._file:
                self._whole = self._file.write(line) == len(line)


def _task_to_json(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "notebook": str(task.notebook),
        "values": {name: repr(value) for name, value in task.values.items()},
        "defaults": {name: repr(value) for name, value in task.defaults.items()},
        "fault": _fault_to_json(task.fault),
        "title": task.title,
    }


def _task_from_json(task: dict[str, Any]) -> Task:
    return Task(
        task["name"],
        Path(task["notebook"]),
        {name: parse_value(text) for name, text in task["values"].items()},
        {name: parse_value(text) for name, text in task["defaults"].items()},
        _fault_from_json(task["fault"]),
        task["title"],
    )


def _fault_to_json(fault: Fault | None) -> list[str] | None:
    return [fault.kind.value, fault.cause] if fault else None


def _fault_from_json(fault: list[str] | None) -> Fault | None:
    return Fault(FaultKind(fault[0]), fault[1]) if fault else None
