"""Proof that the comparison with stored outputs sees what it must."""

import re
import shutil
import subprocess
from itertools import accumulate, chain
from pathlib import Path

import nbformat
import pytest

from course_utils.authoring.normal_form import dumps, normalise
from course_utils.authoring.refresh import with_outputs
from course_utils.display.bundles import CHECK
from tests.lessons import (
    LESSONS,
    ROOT,
    clean_environment,
    code_cells,
    nbval_command,
    read,
)

NUMBER = "print('loss', 0.8133)"
WARNING = "import sys\nprint('a warning', file=sys.stderr)"
PICTURE = (
    "from course_utils.display.figures import show\n"
    "import matplotlib.pyplot as plt\n"
    "show(plt.figure(), alt='An empty square, 1 by 1.')"
)
VERDICT = (
    "from IPython.display import display\n"
    f"verdict = {{'{CHECK}': {{'name': 'a.b', 'state': 'correct'}}}}\n"
    "display(verdict | {'text/plain': 'Correct.'}, raw=True)"
)
MEASURE = "from course_utils import measured\nmeasured('loss', [0.31, 0.33], 0.3, 0.4)"
OUTSIDE = MEASURE.replace("0.33", "0.43")
# Two cells: what stands below a prediction is folded.
FOLD = """from course_utils.display.folding import fold_next_output
fold_next_output()
# %%
"""
# What is changed in a cell's stored outputs: (the cell, its words, other words).
SEEN = {
    "a number's fourth digit": (NUMBER, "0.8133", "0.8134"),
    "a caption": (PICTURE, "1 by 1.</p>", "1 by 2.</p>"),
    "a picture's description": (PICTURE, "An empty square", "A full square"),
    "a check's state": (VERDICT, '"correct"', '"wrong"'),
    "a measured value outside its range": (OUTSIDE, "Outside the expected", "Within"),
    "the range of a measured value": (MEASURE, "0.3 to 0.4", "0.3 to 0.5"),
    "an output that is gone": (NUMBER, None, None),
    "a folded number": (FOLD + NUMBER, ">loss 0.8133", ">loss 0.8134"),
    "a folded number as text": (FOLD + NUMBER, '"loss 0.8133', '"loss 0.8134'),
    "a folded picture's description": (FOLD + PICTURE, 'alt=\\"An', 'alt=\\"No'),
    "a folded output that is gone": (FOLD + NUMBER, None, None),
}
ACCEPTED = {
    "nothing": (NUMBER, "loss", "loss"),
    "a number's fifth digit": (NUMBER, "0.8133", "0.81332"),
    "a warning on stderr": (WARNING, "a warning", "another warning"),
    "a measured value": (MEASURE, "0.33", "0.38"),
    "a picture's pixels": (PICTURE, "base64,iVBOR", "base64,iVBOX"),
    "a folded number's fifth digit": (FOLD + NUMBER, "0.8133", "0.81332"),
    "a folded picture's pixels": (FOLD + PICTURE, "base64,iVBOR", "base64,iVBOX"),
}
CASES = SEEN | ACCEPTED


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """Compare a notebook with one changed cell per case; return each one's outcome."""
    folder = tmp_path_factory.mktemp("cases")
    parts = [source.split("# %%\n") for source, *_ in CASES.values()]
    cells = [nbformat.v4.new_code_cell(source) for source in chain(*parts)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook = with_outputs(notebook, folder)
    last = [number - 1 for number in accumulate(map(len, parts))]
    for place, (_, old, new) in zip(last, CASES.values(), strict=True):
        change(notebook.cells[place], old, new)
    found = compare(notebook, folder / "cases.ipynb")
    return {name: found[place] for name, place in zip(CASES, last, strict=True)}


def change(cell: nbformat.NotebookNode, old: str | None, new: str | None) -> None:
    """Replace words in a cell's outputs, or remove them all."""
    if old is None:
        cell.outputs = []
        return
    text = nbformat.v4.writes(nbformat.v4.new_notebook(cells=[cell]))
    assert old in text
    cell.outputs = nbformat.v4.reads(text.replace(old, new)).cells[0].outputs


def compare(notebook: nbformat.NotebookNode, file: Path) -> list[str]:
    """Return "PASSED" or "FAILED" for each code cell, by the course's own command."""
    file.write_text(dumps(normalise(notebook)), encoding="utf-8")
    shutil.copy(ROOT / "conftest.py", file.parent)
    run = subprocess.run(
        [*nbval_command(file), "-rA", "--tb=no"],
        env=clean_environment(COURSE_DEVICE="cpu", COURSE_OFFLINE="1"),
        cwd=file.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    lines = re.findall(r"(?m)^(PASSED|FAILED) .*::Cell (\d+)", run.stdout)
    found = [outcome for outcome, _ in sorted(lines, key=lambda line: int(line[1]))]
    assert len(found) == len(code_cells(notebook)), run.stdout + run.stderr
    assert run.returncode == ("FAILED" in found)
    return found


@pytest.mark.parametrize("case", SEEN)
def test_a_change_is_seen(outcomes, case):
    assert outcomes[case] == "FAILED"


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_may_differ_passes(outcomes, case):
    assert outcomes[case] == "PASSED"


@pytest.mark.skipif(len(LESSONS) < 2, reason="no lesson 01 in notebooks/")
def test_a_changed_number_in_a_lesson_is_seen(tmp_path):
    lesson = read(LESSONS[1])
    printed = [cell.get("outputs", [{}])[:1] for cell in lesson.cells]
    # A measured value may differ.
    texts = ["" if "(expected " in str(o) else str(o) for o in printed]
    decimals = [re.search(r"-?\d\.\d{3,4}\b", text) for text in texts]
    first = next(index for index, number in enumerate(decimals) if number)
    lesson.cells = lesson.cells[: first + 1]
    change(lesson.cells[first], decimals[first].group(), "9.876")
    *before, last = compare(lesson, tmp_path / "lesson.ipynb")
    assert set(before) == {"PASSED"}
    assert last == "FAILED"
