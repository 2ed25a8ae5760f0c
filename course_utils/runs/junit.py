"""A report as JUnit XML, which CI systems read."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from course_utils.files import write_whole
from course_utils.runs.model import FaultKind, Result, readable

# What the lesson itself did; all other faults are errors of what surrounds it.
_FAILURES = (
    FaultKind.RAISED,
    FaultKind.TIMED_OUT,
    FaultKind.TOO_MUCH_OUTPUT,
    FaultKind.TOO_MUCH_MEMORY,
    FaultKind.DEAD_KERNEL,
    FaultKind.ENDED_EARLY,
)


def write_junit(results: Sequence[Result], seconds: float, path: Path) -> None:
    """Write the results of a batch as a test suite, a test case for each run.

    Raises:
        OSError: the file can't be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from course_utils.runs.model import Task
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "junit.xml")
        ...     write_junit([Result(Task("01", Path("01.ipynb")))], 1.0, path)
        ...     print(ElementTree.parse(path).getroot().get("tests"))
        1
    """
    kinds = [_kind(result) for result in results]
    counts = {
        "tests": len(results),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
        "time": f"{seconds:.2f}",
    }
    counts = {name: str(count) for name, count in counts.items()}
    suite = ElementTree.Element("testsuite", {"name": "course run"} | counts)
    for result, kind in zip(results, kinds, strict=True):
        said = {
            "classname": result.task.lesson,
            "name": readable(result.task.label),
            "file": readable(result.task.notebook),
            "time": f"{result.seconds or 0:.2f}",
        }
        case = ElementTree.SubElement(suite, "testcase", said)
        if kind and result.fault:
            reason = {"message": readable(result.fault.cause), "type": result.state}
            ElementTree.SubElement(case, kind, reason)
    content = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    write_whole(path, content + b"\n")


def _kind(result: Result) -> str:
    """Return the element that says how a run ended, "" for a good one."""
    if not result.fault:
        return ""
    if not result.finished:
        return "skipped"
    return "failure" if result.fault.kind in _FAILURES else "error"
