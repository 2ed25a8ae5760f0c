"""What a batch has found out so far: a line of JSON for each result, as they come."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from course_utils.errors import CourseError
from course_utils.files import write_whole
from course_utils.grading.model import Result

_RESULTS = "results.jsonl"
_SETTINGS = "batch.json"


def read_results(folder: Path) -> list[Result]:
    """Return the results in a folder, in the order in which they were written.

    Of two for one submission the later counts. A line that was cut off, because the
    batch was killed while it wrote, is left out.

    Raises:
        OSError: there is no file of results, or it can't be read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_results(Path(folder), [])
    ...     read_results(Path(folder))
    []
    """
    found: dict[str, Result] = {}
    for line in (folder / _RESULTS).read_bytes().splitlines():
        try:
            result = Result.from_json(line.decode())
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        found.pop(result.submission.key, None)
        found[result.submission.key] = result
    return list(found.values())


def write_results(folder: Path, results: Sequence[Result]) -> None:
    """Write all results anew, in this order."""
    lines = "".join(f"{result.to_json()}\n" for result in results)
    write_whole(folder / _RESULTS, lines)


class Record:
    """Adds results to a folder's file: one that is written outlives a kill.

    Args:
        folder: takes the file; where one is there, it grows.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = (folder / _RESULTS).open("ab+", buffering=0)
        self._file.seek(0, os.SEEK_END)
        if self._file.tell():
            self._file.seek(-1, os.SEEK_END)
            if self._file.read() != b"\n":  # the batch was killed in a line
                self._file.write(b"\n")

    def add(self, result: Result) -> None:
        """Write a result.

        Raises:
            OSError: it can't be written.
        """
        line = result.to_json().encode() + b"\n"
        while line:  # a raw file may take a part
            line = line[self._file.write(line) :]

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def write_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write what a batch was started with."""
    write_whole(folder / _SETTINGS, json.dumps(settings, indent=1) + "\n")


def read_settings(folder: Path) -> dict[str, Any]:
    """Return what the batch of a folder was started with.

    Raises:
        CourseError: the folder is none of `course grade`.
    """
    try:
        settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{folder} is no folder of `course grade`: it has no {_SETTINGS}, or a "
            "broken one. Name one that `course grade` has made in grades/."
        ) from error
    return settings


def is_graded(folder: Path) -> bool:
    """Tell whether a folder is one of `course grade`.

    >>> is_graded(Path("nowhere"))
    False
    """
    try:
        return "lessons" in read_settings(folder)
    except (CourseError, TypeError):  # what is broken may be no table
        return False
