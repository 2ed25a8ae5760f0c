"""What a run may use, and that it is stopped there with a clear cause."""

import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.runs.execute import execute
from course_utils.runs.model import FaultKind, Limits

GREEDY = """\
import time
held = []
while True:
    held.append(bytearray(b"x") * 20_000_000)
    time.sleep(0.05)
"""


def run(*sources: str, **limits: float):
    cells = [new_code_cell(source) for source in sources]
    return execute(new_notebook(cells=cells), limits=Limits(**limits))


def test_endless_printing_is_stopped():
    done = run("print('before')", "while True: print('x' * 1000)", output=2e6)
    assert done.fault.kind is FaultKind.TOO_MUCH_OUTPUT
    assert done.fault.cause == (
        "Cell [2] was stopped: the notebook's output has reached 2 MB; "
        "--max-output sets the limit."
    )
    assert 2e6 < len(nbformat.writes(done.notebook)) < 2.2e6
    assert done.cell == done.notebook.cells[-1].id


def test_one_large_output_counts_too():
    cells = ("from IPython.display import HTML\nHTML('x' * 100_000)", "1 + 1")
    done = run(*cells, output=50_000)
    assert done.fault.kind is FaultKind.TOO_MUCH_OUTPUT
    assert len(nbformat.writes(done.notebook)) < 5000


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_printing_that_ignores_the_interrupt_is_killed():
    source = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "while True: print('x' * 100_000)"
    )
    done = run(source, output=1e6)
    assert done.fault.kind is FaultKind.TOO_MUCH_OUTPUT
    assert len(nbformat.writes(done.notebook)) < 1.2e6


def test_output_within_the_limit_is_kept():
    done = run("print('x' * 1000)", output=2000)
    assert done.fault is None
    assert done.notebook.cells[0].outputs[0].text == "x" * 1000 + "\n"


def test_notebook_that_takes_too_long_is_stopped():
    sleep = "import time; time.sleep(1)"
    done = run(sleep, sleep, sleep, "time.sleep(60)", cell=30, notebook=8)
    assert done.fault.kind is FaultKind.TIMED_OUT
    assert done.fault.cause.startswith(
        "The notebook ran longer than 8 s and was stopped in cell ["
    )
    assert done.fault.cause.endswith("; --timeout sets the limit.")


def test_notebook_that_takes_too_much_memory_is_killed():
    done = run("1 + 1", GREEDY, cell=60, memory=0.5e9)
    assert done.fault.kind is FaultKind.TOO_MUCH_MEMORY
    assert done.fault.cause == (
        "Cell [2] used more than 0.5 GB of memory and was stopped; "
        "--max-memory sets the limit."
    )


def test_memory_of_a_child_counts():
    source = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GREEDY!r}])"
    )
    done = run(source, cell=60, memory=0.5e9)
    assert done.fault.kind is FaultKind.TOO_MUCH_MEMORY
