"""What this machine has, and what a lesson would miss."""

import importlib
import sys
from importlib.metadata import PackageNotFoundError, version

import torch

from course_utils.data.fashion import find_fashion_mnist
from course_utils.errors import CourseError

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "ipywidgets")


def environment_report() -> None:
    """Print a line a requirement: [ok] and its version, or [missing] and the remedy."""
    for line in report_lines():
        print(line)


def report_lines() -> list[str]:
    """Return the lines of the report: Python, packages, device and data."""
    lines = [_line(sys.version_info >= (3, 10), "Python", _python(), "install 3.10+")]
    lines += [_package_line(name) for name in PACKAGES]
    return [*lines, _device_line(), _data_line()]


def _line(ok: bool, what: str, found: str, remedy: str) -> str:
    if ok:
        return f"[ok]      {what:<12} {found}"
    return f"[missing] {what:<12} {found}: {remedy}"


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _package_line(name: str) -> str:
    remedy = f"run  python -m pip install {name}"
    try:
        found = version(name)
        importlib.import_module(name)
    except PackageNotFoundError:
        return _line(False, name, "not installed", remedy)
    except Exception as error:
        broken = f"does not import ({type(error).__name__})"
        return _line(False, name, broken, f"{remedy} --force-reinstall")
    return _line(True, name, found, remedy)


def _device_line() -> str:
    if torch.cuda.is_available():
        return _line(True, "device", f"cuda ({torch.cuda.get_device_name()})", "")
    return _line(True, "device", "cpu (every lesson is made to run on it)", "")


def _data_line() -> str:
    try:
        folder = find_fashion_mnist()
    except CourseError as problem:
        return f"[missing] {'data':<12} {problem}"
    if folder is None:
        found = "FashionSketch, embedded (lesson 10 fetches FashionMNIST when online)"
        return _line(True, "data", found, "")
    return _line(True, "data", "FashionMNIST (photographs), FashionSketch", "")
