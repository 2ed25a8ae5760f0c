"""The same lessons on a GPU, against the outputs that were stored on the CPU.

Run by `pytest -m cuda`. Without a GPU every test is skipped, with the reason; there
tests/test_emulated_lessons.py runs the lessons on an emulation, which is no GPU.
"""

import subprocess
from pathlib import Path

import nbformat
import pytest
import torch

from course_utils.display.bundles import ERROR_CLASS
from tests.lessons import LESSONS, clean_environment, nbval_command, read, solutions
from tests.running import (
    changed_parameters,
    checked_copy,
    run_lesson,
    states_of,
    text_of,
)

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="no GPU that torch can use here, so the lessons were not run on CUDA",
    ),
]
# Appended to a copy of a lesson: the most memory that its own cells took on the GPU.
MEMORY = "print('bytes on the GPU:', torch.cuda.max_memory_allocated())"

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


@each_lesson
def test_stored_outputs_hold_on_cuda(lesson: Path):
    run = subprocess.run(
        [*nbval_command(lesson), "--tb=short"],
        env=clean_environment(COURSE_DEVICE="cuda", COURSE_OFFLINE="1"),
        cwd=lesson.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


@each_lesson
def test_lesson_computes_on_cuda(lesson: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setenv("PYTHONPATH", clean_environment()["PYTHONPATH"])
    path = checked_copy(lesson, tmp_path)
    copy = read(path)
    copy.cells.append(nbformat.v4.new_code_cell(MEMORY))
    nbformat.write(copy, path)
    parameters = changed_parameters(lesson, device="cuda")
    executed = run_lesson(path, parameters, tmp_path)

    text = text_of(executed)
    assert "Device: cuda" in text
    assert ERROR_CLASS not in text
    memory = executed.cells[-1].outputs[-1].text
    assert int(memory.split(":")[1]) > 0, memory
    assert states_of(executed.cells[-2]) == ["correct"] * len(solutions(copy))
