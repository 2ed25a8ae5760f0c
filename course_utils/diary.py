"""The learner's diary: what was solved and reached on which day, in one small file.

It is a text file on the learner's machine, one JSON object a line, and nothing sends it
anywhere. Lines are only added, each by one write to a file opened for appending. The
local file systems of Linux and macOS keep such lines whole, so two kernels lose
nothing. Where a system does not (Windows and network drives promise less), a line may
be lost; one that can't be read is skipped, and stays in the file.
"""

import json
import os
import re
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from course_utils.lessons import out_of, predictions

# The lessons 00, 01, … by the part before the dot in their exercises' names.
LESSONS = (
    "start",
    "linear",
    "activations",
    "dropout",
    "normalization",
    "convolution",
    "pooling",
    "recurrent",
    "transformer",
    "flatten",
    "classifier",
    "residual",
    "language",
    "speed",
)
SOLVED, REACHED = "solved", "reached"  # an exercise, a prediction

_NAME = re.compile(r"\w[\w.-]{0,79}", re.ASCII)

# Of the file that are read: more than a hundred thousand entries.
_MOST_BYTES = 16 * 2**20

# What this process has written, or could not write.
_noted: set["Entry"] = set()
_complained = False


class Entry(NamedTuple):
    """One line: an exercise that was solved or a prediction that was reached.

    Attributes:
        lesson: its number, such as "01".
        kind: "solved" or "reached".
        name: of the exercise, such as "linear.affine", or of the prediction.
        when: the day, such as "2026-11-29".
    """

    lesson: str
    kind: str
    name: str
    when: str


def place() -> Path:
    """Return the diary's file: COURSE_PROGRESS, else one in the user's data folder.

    >>> place().name == Path(os.environ.get("COURSE_PROGRESS") or "progress.jsonl").name
    True
    """
    if chosen := os.environ.get("COURSE_PROGRESS"):
        return Path(chosen)
    import platformdirs  # kept out of `import course_utils`

    folder = platformdirs.user_data_path("layer-by-layer", appauthor=False)
    return folder / "progress.jsonl"


def number(lesson: str) -> str:
    """Return a lesson's number, from the part before the dot in its exercises' names.

    >>> number("linear")
    '01'
    """
    return f"{LESSONS.index(lesson):02}"


def lesson_here() -> str:
    """Return the number of the lesson that this kernel runs; "" if it does not know.

    JupyterLab, Notebook 7 and VS Code tell a kernel its notebook's file.

    >>> lesson_here()
    ''
    """
    told = os.environ.get("JPY_SESSION_NAME")
    if not told and (shell := _shell()):
        told = str(shell.user_ns.get("__vsc_ipynb_file__", ""))
    found = re.search(r"(?:^|[/\\])(\d\d)_[^/\\]*$", told or "")
    return found[1] if found and int(found[1]) < len(LESSONS) else ""


def reader_present() -> bool:
    """Return whether a person runs this cell, and not a batch, a test or a grader.

    Whoever runs a cell says whether `input()` would be answered. Pages for people,
    such as JupyterLab, say yes; nbclient, and so papermill, nbconvert and nbgrader,
    and nbval say no.

    >>> reader_present()
    False
    """
    # The kernel has no public name for it; ipykernel's `input` itself looks here.
    return bool(getattr(getattr(_shell(), "kernel", None), "_allow_stdin", False))


def note(lesson: str, kind: str, name: str) -> None:
    """Write down, where a person runs the cell, what was solved or reached today.

    It never raises: where the file can't be written it says so, once.

    >>> note("01", SOLVED, "linear.affine")  # by a test: nothing is written
    """
    entry = Entry(lesson, kind, name, date.today().isoformat())
    if entry in _noted or not reader_present():
        return
    _noted.add(entry)
    try:
        append(entry)
    except OSError as error:
        _complain("written", error)


def recall() -> list[Entry]:
    """Return what the diary holds; nothing unless a person runs the cell.

    It never raises: where the file can't be read it says so, once.

    >>> recall()
    []
    """
    if not reader_present():
        return []
    try:
        return read()
    except OSError as error:
        _complain("read", error)
        return []


def append(entry: Entry) -> None:
    """Add a line to the diary, whatever another process adds meanwhile.

    Raises:
        OSError: it can't be written.

    >>> append(Entry("01", SOLVED, "linear.affine", "2026-11-29"))
    """
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The newline before it keeps it from what an interrupted write has left.
    line = f"\n{json.dumps(entry._asdict())}\n".encode()
    with path.open("ab", buffering=0) as file:  # unbuffered: one write
        file.write(line)


def read() -> list[Entry]:
    """Return the diary's entries, without lines that can't be read.

    Raises:
        OSError: the file is there and can't be read.

    >>> read()
    []
    """
    lines: list[bytes] = []
    with suppress(FileNotFoundError), place().open("rb") as file:
        lines = file.read(_MOST_BYTES).split(b"\n")
    return [entry for line in lines if (entry := _entry(line))]


def summary(lesson: str) -> str:
    """Return one sentence on what was done in a lesson so far; "" if nothing was.

    >>> summary("01")
    ''
    """
    entries = [entry for entry in recall() if entry.lesson == lesson]
    if not entries:
        return ""
    solved = len({entry.name for entry in entries if entry.kind == SOLVED})
    reached = len({entry.name for entry in entries if entry.kind == REACHED})
    share = out_of(reached, predictions(lesson))
    return (
        f"You were here on {max(entry.when for entry in entries)}. So far, exercises "
        f"solved: {solved}, predictions reached: {share}."
    )


def _entry(line: bytes) -> Entry | None:
    try:
        found = json.loads(line)
        entry = Entry(*(found[field] for field in Entry._fields))
        day = date.fromisoformat(entry.when).isoformat()
        index = int(entry.lesson)
    # Whatever stands there instead, such as zeros after a power cut.
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    known = (
        entry.lesson == f"{index:02}"
        and 0 <= index < len(LESSONS)
        and entry.kind in (SOLVED, REACHED)
        and isinstance(entry.name, str)
        and _NAME.fullmatch(entry.name)
    )
    return entry._replace(when=day) if known else None


def _shell() -> Any:
    # Where IPython was not even imported, no cell runs.
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _complain(what: str, error: OSError) -> None:
    global _complained
    if not _complained:
        reason = error.strerror or type(error).__name__
        print(
            f"Your progress can't be {what} in {place()} ({reason}): what you solve "
            "now is counted until the kernel ends. COURSE_PROGRESS names another file."
        )
    _complained = True
