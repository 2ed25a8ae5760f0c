"""What a worker must have in common with the machine that a batch was started on."""

import hashlib
import sys
from importlib.metadata import version
from pathlib import Path

from course_utils.doctor import COURSE, installed_version
from course_utils.errors import CourseError

_PACKAGE = Path(__file__).parents[1]
_FILES = "files of course_utils"
_CONFINEMENT = "confinement"


def collect_facts(confined: bool) -> dict[str, str]:
    """Return the versions here, and what keeps submissions from being confined.

    It runs on workers too, where torch is not imported for it.

    Args:
        confined: whether submissions have to be.

    >>> sorted(collect_facts(confined=False))
    ['Python', 'confinement', 'files of course_utils', 'the course', 'torch']
    """
    return {
        "the course": installed_version(COURSE) or "without a version",
        _FILES: _checksum(),
        "Python": ".".join(map(str, sys.version_info[:2])),
        "torch": version("torch").partition("+")[0],  # any build of it will do
        _CONFINEMENT: _confinement_fault() if confined else "",
    }


def unlike(facts: dict[str, str], own: dict[str, str]) -> str:
    """Say in what a worker differs from this machine; "" if in nothing.

    >>> unlike({"torch": "2.6.0"}, {"torch": "2.9.1"})
    'it has torch 2.6.0, and here is 2.9.1: install the same there'
    """
    found = [
        f"{name} {facts.get(name, 'unknown')}, and here is {here}"
        for name, here in own.items()
        if name not in (_FILES, _CONFINEMENT) and facts.get(name) != here
    ]
    if not found and facts.get(_FILES) != own.get(_FILES):
        found = ["other files of course_utils, in the same version"]
    if found:
        return f"it has {', '.join(found)}: install the same there"
    return facts.get(_CONFINEMENT, "").rstrip(".")


def _checksum() -> str:
    """Return one checksum of all code of the course."""
    total = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        total.update(path.relative_to(_PACKAGE).as_posix().encode())
        total.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def _confinement_fault() -> str:
    from course_utils.grading.confinement import find_confinement

    try:
        find_confinement()
    except CourseError as error:
        return str(error)
    return ""
