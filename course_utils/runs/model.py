"""What a batch consists of: tasks, settings, results, and what can go wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

Values = dict[str, object]

# Escape codes that colour a terminal; an error's message may hold them.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 300


class FaultKind(Enum):
    """The kinds of faults; the values are the words that a report shows."""

    MISSING = "missing"
    BROKEN = "broken"
    OTHER_LANGUAGE = "other language"
    NO_KERNEL = "no kernel"
    RAISED = "raised"
    TIMED_OUT = "timed out"
    TOO_MUCH_OUTPUT = "too much output"
    TOO_MUCH_MEMORY = "too much memory"
    DEAD_KERNEL = "dead kernel"
    ENDED_EARLY = "ended early"
    DISK_FULL = "disk full"
    NOT_WRITTEN = "not written"
    WORKER_LOST = "worker lost"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not run"
    FAILED = "failed"


# What says nothing of the lesson: the batch ended first.
UNFINISHED = (FaultKind.INTERRUPTED, FaultKind.NOT_RUN)


@dataclass(frozen=True)
class Fault:
    """Why a run did not succeed: its kind, and the cause in one line of plain text."""

    kind: FaultKind
    cause: str

    @classmethod
    def missing(cls, notebook: Path) -> "Fault":
        """Return the fault of a notebook that is not there."""
        return cls(FaultKind.MISSING, f"There is no notebook {readable(notebook)}.")

    @classmethod
    def unforeseen(cls, error: BaseException) -> "Fault":
        """Return the fault for an error that nothing here expected."""
        message = one_line(str(error))
        name = type(error).__name__
        return cls(FaultKind.FAILED, f"{name}: {message}" if message else f"{name}.")


@dataclass(frozen=True)
class Task:
    """One lesson to run once.

    `name` is that of its files, unique in a batch. `values` are injected after the
    notebook's `parameters` cell; `defaults` are what that cell says. `title` is what
    the lesson is called where the name of its file does not tell it from others.

    >>> task = Task("01--seed-1", Path("01.ipynb"), {"seed": 1, "width": 8})
    >>> task.label, task.seed, task.parameters
    ('01, seed=1, width=8', '1', 'width=8')
    """

    name: str
    notebook: Path
    values: Values = field(default_factory=dict)
    defaults: Values = field(default_factory=dict)
    fault: Fault | None = None
    title: str = ""

    @property
    def lesson(self) -> str:
        """The lesson's name: '01_linear_layers', or 'adams/01_linear_layers'."""
        return readable(self.title or self.notebook.stem)

    @property
    def device(self) -> str:
        """The device it runs with, as the notebook or the task says it."""
        return str((self.defaults | self.values).get("device", ""))

    @property
    def seed(self) -> str:
        """The seed it runs with."""
        return str((self.defaults | self.values).get("seed", ""))

    @property
    def parameters(self) -> str:
        """What else is injected: 'epochs=2, width=8'."""
        rest = {k: v for k, v in self.values.items() if k not in ("device", "seed")}
        return ", ".join(f"{name}={value}" for name, value in rest.items())

    @property
    def label(self) -> str:
        """The task in one line: '01_linear_layers, device=cpu, seed=0'."""
        return ", ".join([self.lesson, *(f"{k}={v}" for k, v in self.values.items())])


@dataclass(frozen=True)
class Limits:
    """What one run may use; None for no limit.

    Attributes:
        cell: seconds for each cell.
        notebook: seconds for all of it, from the start of the kernel.
        output: bytes that its cells may put out, all together.
        memory: bytes that its processes may hold, all together.
    """

    cell: float | None = 600.0
    notebook: float | None = None
    output: float | None = 20e6
    memory: float | None = None


NO_LIMITS = Limits(cell=None, output=None)


@dataclass(frozen=True)
class Settings:
    """What all runs of a batch share.

    Attributes:
        folder: takes the results.
        run: marks the processes of this batch, so that none is left behind.
        limits: what each run may use.
        pages: whether each notebook is also written as an HTML page.
        threads: the most threads that a library may start in a kernel.
        warm: whether kernels on the CPU are forked from one that has imported torch.
        names: those of all runs of the batch, between whose pages links lead.
    """

    folder: Path
    run: str
    limits: Limits = field(default_factory=Limits)
    pages: bool = True
    threads: int | None = None
    warm: bool = False
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Result:
    """How one task ended.

    Attributes:
        task: what was run.
        fault: why it did not succeed, else None.
        seconds: how long it took.
        notebook: the executed notebook, a file in the batch's folder.
        page: its page, another file there.
        cell: the id of the cell in which it went wrong.
        device: the device that the lesson's setup chose.
        checksum: the SHA-256 of the notebook's file before the run.
        measured: what `measured` put out: name, values, runs, low, high, held of each.
    """

    task: Task
    fault: Fault | None = None
    seconds: float | None = None
    notebook: str | None = None
    page: str | None = None
    cell: str = ""
    device: str = ""
    checksum: str = ""
    measured: tuple[Mapping[str, Any], ...] = ()

    @property
    def state(self) -> str:
        """'succeeded', or the kind of the fault."""
        return self.fault.kind.value if self.fault else "succeeded"

    @property
    def finished(self) -> bool:
        """Whether the run came to an end of its own, good or bad."""
        return not self.fault or self.fault.kind not in UNFINISHED


def readable(text: object) -> str:
    r"""Return text that every terminal and every page can show, in one line.

    A file's name can hold bytes that are no text, or commands to a terminal.

    >>> readable(Path("bad\udcff \x1b[2J.ipynb"))
    'bad\\udcff \\x1b[2J.ipynb'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in str(text)
    )


def one_line(text: str) -> str:
    """Return the first line that is not empty, readable, not too long."""
    lines = _COLOURS.sub("", text).strip().splitlines()
    line = readable(lines[0].strip().expandtabs(1)) if lines else ""
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
