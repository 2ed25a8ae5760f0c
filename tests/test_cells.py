"""A check below a cell that failed praises no older version."""

import nbformat
import pytest
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.cells import CellWatch
from course_utils.display.bundles import CHECK

RIGHT = "def affine(x, weight, bias):\n    return x @ weight.T + bias"


@pytest.fixture
def shell(monkeypatch) -> InteractiveShell:
    monkeypatch.setattr(HistoryManager, "enabled", False)  # it would write a file
    return InteractiveShell()


def outdated_after(shell: InteractiveShell, *cells: str) -> bool:
    """Return whether `answer` is outdated after the cells ran."""
    watch = CellWatch()
    watch.follow(shell)
    watch.follow(shell)  # as when the cell with setup() runs again
    for cell in cells:
        shell.run_cell(cell)
    assert watch.source == cells[-1]
    return watch.is_outdated("answer", shell.user_ns.get("answer"))


GOOD = "def answer(x):\n    return x"


@pytest.mark.parametrize(
    "broken",
    [
        "def answer(x):\n    return (x",  # a syntax error
        "def answer(x):\nreturn x",
        "async def answer(x):\n    return (",
        "class answer(nn.Missing):\n    pass",
        "1 / 0\n" + GOOD,
        "def answer(x=missing):\n    return x",
        "answer = missing(3)",
        "answer: int = 1 / 0",
        "import missing_module\nanswer=3",
    ],
)
def test_failed_cell_leaves_an_outdated_answer(shell, broken, capsys):
    assert outdated_after(shell, GOOD, broken)
    assert outdated_after(shell, broken, "x = 1")


@pytest.mark.parametrize(
    "cells",
    [
        [GOOD],
        [GOOD, GOOD],
        ["def answer(x):\n    return (x"],  # there is no older version
        [GOOD, "def other(x):\n    return (x"],
        [GOOD, "answer == missing"],
        [GOOD, "answer(1, 2, 3)"],
        [GOOD, "    answer = (\n"],
        [GOOD, GOOD + "\nanswer(1) / 0"],  # defined anew, and then failed
        [GOOD, "answer = (", GOOD],
        ["answer = 3", "answer = (", "answer = 3"],
    ],
)
def test_answer_that_ran_last_is_not_outdated(shell, cells, capsys):
    assert not outdated_after(shell, *cells)


def test_answer_of_another_name_or_cell_is_not_outdated(shell, capsys):
    watch = CellWatch()
    assert not watch.is_outdated("answer", None)
    watch.follow(shell)
    for cell in ["answer = other = ...", "answer = ("]:
        shell.run_cell(cell)
    assert watch.is_outdated("answer", ...)
    assert not watch.is_outdated("other", ...)
    assert not watch.is_outdated("answer", 3)  # as the running cell has set it


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    """A notebook of a learner who breaks a right answer, then mends it."""
    checked = 'check("linear.affine", affine)'
    cells = [
        "from course_utils import check, setup",
        "device = setup(); device = setup()",
        RIGHT,
        checked,
        RIGHT + ")",
        checked,
        'check(\n    "linear.affine",\n    affine,\n    hint=True,\n)',
        f"{RIGHT}\n{checked}",
        checked,
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    return NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()


def test_check_in_a_notebook_knows_the_older_version(executed):
    data = [
        out.data for cell in executed.cells for out in cell.outputs if "data" in out
    ]
    states = [bundle[CHECK]["state"] for bundle in data if CHECK in bundle]
    assert states == ["correct", "error", "error", "correct", "correct"]
    assert data[1]["text/plain"] == (
        "✗ Exercise 3 of 9 (linear.affine): stopped by an error.\n"
        "The last run of the cell that defines `affine` ended in an error: this would "
        "check an older version. Mend that cell and run it, then check again."
    )
