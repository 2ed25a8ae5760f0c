"""What this machine has, and what the course would miss on it."""

import importlib
import platform
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

COURSE = "layer-by-layer-course"  # as pyproject.toml calls the package
IMPORTED_AS = {"ipython": "IPython"}  # where the import and the package differ


class Finding(NamedTuple):
    """Whether one thing is there, in which version, and what helps if it is not."""

    name: str
    ok: bool
    state: str
    remedy: str = ""

    def line(self, width: int = 12) -> str:
        """Return the finding as a line of the report."""
        mark = "[ok]     " if self.ok else "[missing]"
        remedy = f": {self.remedy}" if self.remedy and not self.ok else ""
        return f"{mark} {self.name:<{width}} {self.state}{remedy}"


def environment_report() -> None:
    """Print one line per thing a lesson needs: [ok] or [missing] and the remedy.

    >>> environment_report()  # doctest: +ELLIPSIS
    [ok]      Python       3...
    """
    print_report(examine_lessons())


def print_report(findings: list[Finding]) -> None:
    """Print findings below each other, the names in one column."""
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(finding.line(width))


def examine_lessons() -> list[Finding]:
    """Return what a lesson needs: Python, packages that import, a device and data."""
    version = ".".join(map(str, sys.version_info[:3]))
    python = Finding("Python", sys.version_info >= (3, 10), version, "install 3.10+")
    remedy = "run  python -m pip install -r requirements.txt"
    packages = [Finding("the course", False, "not installed", remedy)]
    if requirements := _requirements():
        needed = [r for r in requirements if not r.marker or r.marker.evaluate()]
        packages = [_package(requirement, imports=True) for requirement in needed]
    return [python, *packages, _device(), _data()]


def examine_extras() -> dict[str, list[Finding]]:
    """Return, for each extra of the course, whether what it adds is installed."""
    extras: dict[str, list[Finding]] = {}
    for requirement in _requirements():
        for extra in re.findall(r'extra == "(.+?)"', str(requirement.marker)):
            if requirement.marker and requirement.marker.evaluate({"extra": extra}):
                finding = _package(requirement, imports=False)
                extras.setdefault(extra, []).append(finding)
    return extras


def summary_line(findings: list[Finding]) -> str:
    """Return one line for a bug report: what is installed, where, and what is missing.

    It names no user, no machine and no folder.

    Args:
        findings: as `examine_lessons` returns them.

    Example:
        >>> summary_line([Finding("data", False, "not there")])  # doctest: +ELLIPSIS
        'layer-by-layer-course ...; Python 3...; missing: data'
    """
    programs = [COURSE, "torch", "numpy", "matplotlib", "ipywidgets", "jupyterlab"]
    parts = [f"{name} {installed_version(name) or 'none'}" for name in programs]
    parts.insert(1, f"Python {platform.python_version()}")
    parts.insert(2, f"{platform.system()} {platform.machine()}")
    parts += [finding.state for finding in findings if finding.name == "device"]
    missing = ", ".join(finding.name for finding in findings if not finding.ok)
    return "; ".join([*parts, f"missing: {missing or 'nothing'}"])


def require_packages(*names: str) -> None:
    """Raise CourseError if one of these packages is not installed.

    >>> require_packages("torch")
    """
    for name in names:
        if installed_version(name) is None:
            raise CourseError(
                f"{name} is not installed in {sys.executable}: "
                f"`python -m pip install {name}` brings it."
            )


def installed_version(name: str) -> str | None:
    """Return the version of an installed package; None if there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirements() -> "list[Requirement]":
    """Return what the package metadata ask for; nothing if there are none."""
    from packaging.requirements import Requirement  # kept out of `course --help`

    try:
        return [Requirement(line) for line in metadata.requires(COURSE) or []]
    except metadata.PackageNotFoundError:
        return []


def _package(requirement: "Requirement", *, imports: bool) -> Finding:
    name, versions = requirement.name, requirement.specifier
    remedy = f"run  python -m pip install {name}"
    version = installed_version(name)
    if version is None:
        return Finding(name, False, "not installed", remedy)
    if not versions.contains(version, prereleases=True):
        remedy = f'run  python -m pip install "{name}{versions}"'
        return Finding(name, False, f"{version} is not {versions}", remedy)
    if imports:
        try:
            importlib.import_module(IMPORTED_AS.get(name, name.replace("-", "_")))
        except Exception as error:
            state = f"does not import ({type(error).__name__})"
            return Finding(name, False, state, f"{remedy} --force-reinstall")
    return Finding(name, True, version)


def _device() -> Finding:
    try:
        import torch
    except Exception:
        return Finding("device", False, "unknown without torch")
    if torch.cuda.is_available():
        return Finding("device", True, f"cuda ({torch.cuda.get_device_name()})")
    return Finding("device", True, "cpu (every lesson is made to run on it)")


def _data() -> Finding:
    try:
        from course_utils.data.fashion import find_fashion_mnist  # it imports torch

        folder = find_fashion_mnist()
    except CourseError as problem:
        return Finding("data", False, str(problem))
    except Exception:
        return Finding("data", False, "unknown without torch")
    state = "FashionSketch, embedded; online, also FashionMNIST"
    if folder:
        state = "FashionMNIST (photographs), FashionSketch"
    return Finding("data", True, state)
