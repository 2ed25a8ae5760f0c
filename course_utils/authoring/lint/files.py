"""Rules for the file: its name, size and normal form."""

import re
from copy import deepcopy

from course_utils.authoring.lint.document import Document, sample
from course_utils.authoring.normal_form import dumps, normalise

MAX_FILE = 1_500_000  # bytes
NORMALISE = "run course refresh --normalise"


def numbered_name(document: Document) -> list[str]:
    """The file is named NN_snake_case.ipynb.

    >>> numbered_name(sample())  # 01_sample.ipynb
    []
    """
    if re.fullmatch(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb", document.path.name):
        return []
    return [f"{document.path.name}: name it NN_snake_case.ipynb"]


def small_file(document: Document) -> list[str]:
    """The file has 1.5 MB or less.

    >>> small_file(sample("word " * 300_000))  # doctest: +ELLIPSIS
    ['1,500,... bytes, over 1,500,000']
    """
    size = len(document.content)
    return [f"{size:,} bytes, over {MAX_FILE:,}"] if size > MAX_FILE else []


def normalised(document: Document) -> list[str]:
    """The file holds nothing that differs from run to run.

    >>> normalised(sample())  # its metadata name no kernel
    ['not normalised: run course refresh --normalise']
    """
    text = dumps(normalise(deepcopy(document.notebook)))
    return [] if document.content == text.encode() else [f"not normalised: {NORMALISE}"]


def no_widget_state(document: Document) -> list[str]:
    """The state of the widgets is not stored.

    >>> no_widget_state(sample())
    []
    """
    if "widgets" in document.notebook.metadata:
        return [f"stores widget state: {NORMALISE}"]
    return []


def executed_in_order(document: Document) -> list[str]:
    """The code cells were executed from top to bottom, in a fresh kernel.

    >>> executed_in_order(sample(code="1 + 1"))  # it was never executed
    ['execution counts [None]: run course refresh']
    """
    counts = [cell.execution_count for cell in document.code]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"execution counts {counts}: run course refresh"]


RULES = [
    numbered_name,
    small_file,
    normalised,
    no_widget_state,
    executed_in_order,
]
