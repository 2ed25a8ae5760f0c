"""Labs by name."""

import importlib
import importlib.util
import pkgutil
from difflib import get_close_matches

from course_utils.labs import bank
from course_utils.labs.model import Lab, Task

# What learners and their teachers call the labs.
LETTERS = {
    "A": "hinges",
    "B": "few_labels",
    "C": "shifts",
    "D": "bits",
    "E": "budget",
}


def lab_names() -> list[str]:
    """Return the names of all labs.

    >>> lab_names()
    ['bits', 'budget', 'few_labels', 'hinges', 'shifts', 'shop']
    """
    return sorted(module.name for module in pkgutil.iter_modules(bank.__path__))


def find_lab(name: str) -> Lab:
    """Return the lab with this name.

    >>> find_lab("hinge")
    Traceback (most recent call last):
    LookupError: There is no lab 'hinge'. Did you mean 'hinges'?

    Raises:
        LookupError: there is none; the message names the nearest one.
    """
    names = lab_names()
    letter = str(name).upper().removeprefix("LAB").strip()
    if called := LETTERS.get(letter):
        raise LookupError(f"There is no lab {name!r}: lab {letter} is '{called}' here.")
    if name not in names:
        near = get_close_matches(str(name), names, n=1, cutoff=0)
        raise LookupError(f"There is no lab {name!r}. Did you mean '{near[0]}'?")
    return importlib.import_module(f"{bank.__name__}.{name}").LAB


def find_task(name: str) -> Task | None:
    """Return the task with this name; None if it is none of a lab.

    >>> find_task("linear.affine") is None
    True
    """
    lab = name.partition(".")[0]
    if lab not in lab_names():
        return None
    return next((task for task in find_lab(lab).tasks if task.name == name), None)
