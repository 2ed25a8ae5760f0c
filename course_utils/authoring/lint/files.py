"""Rules for the file: its name, size and normal form."""

import re
from copy import deepcopy

from course_utils.authoring.lint.document import Document, Messages
from course_utils.authoring.normal_form import dumps, normalise

MAX_FILE = 1_500_000  # bytes
NORMALISE = "run course refresh --normalise"


def numbered_name(document: Document) -> Messages:
    """The file is named NN_snake_case.ipynb."""
    name = document.path.name
    if not re.fullmatch(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb", name):
        yield f"{name}: name it NN_snake_case.ipynb"


def small_file(document: Document) -> Messages:
    """The file has 1.5 MB or less."""
    size = len(document.content)
    if size > MAX_FILE:
        yield f"{size:,} bytes, over {MAX_FILE:,}"


def normalised(document: Document) -> Messages:
    """The file holds nothing that differs from run to run."""
    text = dumps(normalise(deepcopy(document.notebook)))
    if document.content != text.encode():
        yield f"not normalised: {NORMALISE}"


def no_widget_state(document: Document) -> Messages:
    """The state of the widgets is not stored."""
    if "widgets" in document.notebook.metadata:
        yield f"stores widget state: {NORMALISE}"


def executed_in_order(document: Document) -> Messages:
    """The code cells were executed from top to bottom, in a fresh kernel."""
    counts = [cell.execution_count for cell in document.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts {counts}: run course refresh"
