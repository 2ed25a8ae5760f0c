"""What is settled before anything runs: packages, devices, parameters."""

import ast

from course_utils import doctor
from course_utils.errors import CourseError


def require_packages() -> None:
    """Raise CourseError if what executes notebooks is not installed."""
    doctor.require_packages("ipykernel", "papermill", "nbconvert")


def check_devices(devices: tuple[str, ...]) -> None:
    """Raise CourseError if a device is not there, before anything is run."""
    if set(devices) <= {"auto", "cpu"}:
        return  # no need to wait for torch
    from course_utils.device import select_device

    for device in devices:
        if device != "auto":
            select_device(device)


def parse_parameters(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[object]]:
    """Gather ('epochs', '2'), ('epochs', '4') as {'epochs': [2, 4]}."""
    grid: dict[str, list[object]] = {}
    for name, text in pairs:
        if name in ("device", "seed"):
            raise CourseError(f"use --{name} {text}, not -p {name} {text}.")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = {"true": True, "false": False}.get(text.lower(), text)
        grid.setdefault(name, []).append(value)
    return grid
