"""The rules of labs: the labs of the course keep them, and each is broken here."""

from copy import deepcopy

import pytest

from course_utils.authoring.lint import LAB_RULES, find_problems, labs
from course_utils.authoring.lint.document import Document
from course_utils.authoring.normal_form import dumps
from tests.lessons import ROOT, read

FOLDER = ROOT / "notebooks" / "labs"
LABS = sorted(FOLDER.glob("*.ipynb"))
BREAKS = [
    ("lab_title", "# Lab A ·", "# 3", "begins with"),
    ("lab_sections", "## How points are given", "## Marks", "has the headings"),
    ("lab_says_what_is_asked", "**Ceiling:**", "Ceiling:", "'**Ceiling.**'"),
    ("hands_all_tasks_in", "deep=deep)", "deeper=deep)", "submits fit, deeper"),
    ("hands_all_tasks_in", "def deep(", "def other(", "defines deep"),
    ("hands_all_tasks_in", 'submission("hinges"', 'submission("x"', "last code cell"),
    ("hands_all_tasks_in", 'submission("hinges"', 'submission("hinges', "last code"),
]


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_lab_keeps_the_rules(path):
    assert find_problems([path]) == []


@pytest.mark.parametrize(("rule", "old", "new", "words"), BREAKS)
def test_broken_lab_is_told(rule, old, new, words):
    notebook = deepcopy(read(FOLDER / "hinges.ipynb"))
    assert any(old in cell.source for cell in notebook.cells)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    document = Document(FOLDER / "hinges.ipynb", dumps(notebook).encode())
    assert words in "\n".join(LAB_RULES[rule](document))


def test_every_rule_of_labs_alone_is_broken_here():
    own = {name for name, rule in vars(labs).items() if name in LAB_RULES}
    assert own == {rule for rule, *_ in BREAKS}
