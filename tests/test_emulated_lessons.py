"""Lessons on an emulated accelerator, against the outputs stored on the CPU.

It takes minutes for each. CI runs two of them, and `make test-nightly` every one.
An emulation shows whether a lesson keeps track of devices, and no more: what it can't
show is said in tests/support/emulated. The test on a GPU is tests/test_cuda.py.
"""

from pathlib import Path

import pytest

from tests.lessons import code_cells, quick, read
from tests.running import FAST, fast_copy
from tests.support.emulated import missing
from tests.support.emulated.notebooks import compare, draw_playgrounds

pytestmark = [
    pytest.mark.all,
    pytest.mark.emulated,
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module", autouse=True)
def emulation() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.mark.parametrize("lesson", quick("00", others=pytest.mark.nightly))
def test_outputs_and_playgrounds_hold_on_the_emulation(lesson: Path, tmp_path: Path):
    notebook = read(lesson)
    outputs = [str(cell.outputs) for cell in code_cells(notebook)]
    draw_playgrounds(notebook, count=str(outputs).count("Controls: "))
    run = compare(notebook, tmp_path)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


@pytest.mark.parametrize(
    "lesson", [p for p in quick("11", others=pytest.mark.nightly) if p.id[:2] in FAST]
)
def test_lesson_that_trains_less_runs_on_the_emulation(lesson: Path, tmp_path: Path):
    notebook = read(fast_copy(lesson, tmp_path))
    for cell in code_cells(notebook):
        cell.metadata["tags"] = ["nbval-ignore-output"]
    run = compare(notebook, tmp_path)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
