"""One notebook in one kernel: its environment, its outputs, and what ends it early."""

import signal
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from papermill.engines import NotebookExecutionManager

from course_utils.runs.execute import execute, kernel_environment
from course_utils.runs.model import FaultKind
from tests.lessons import clean_environment
from tests.processes import eventually, has_ended

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
START_TWICE = """\
import os, pathlib, sys
flag = pathlib.Path({flag!r})
flag.write_text((flag.read_text() if flag.exists() else "") + "x")
if len(flag.read_text()) <= {failures}:
    print("Address already in use.", file=sys.stderr, flush=True)
    os._exit(1)
"""


def notebook(*sources: str) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def stream(executed: nbformat.NotebookNode, index: int = 0) -> str:
    return "".join(output.get("text", "") for output in executed.cells[index].outputs)


@pytest.mark.parametrize(
    ("parameters", "device"), [({"device": "cpu"}, None), ({"seed": 1}, "cuda")]
)
def test_course_device_never_replaces_a_named_device(monkeypatch, parameters, device):
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    assert kernel_environment(parameters).get("COURSE_DEVICE") == device


def test_environment_is_this_one_with_changes(monkeypatch):
    monkeypatch.setenv("COURSE_ONE", "1")
    monkeypatch.setenv("COURSE_TWO", "2")
    environment = kernel_environment({}, {"COURSE_ONE": None, "COURSE_THREE": "3"})
    assert "COURSE_ONE" not in environment
    assert (environment["COURSE_TWO"], environment["COURSE_THREE"]) == ("2", "3")


def test_notebook_is_executed_in_a_copy_and_in_its_folder(tmp_path):
    source = notebook("import os\nprint(os.getcwd(), os.environ['COURSE_ONE'])")
    executed = execute(source, cwd=tmp_path, env={"COURSE_ONE": "1"})
    assert executed.fault is None
    assert stream(executed.notebook) == f"{tmp_path} 1\n"
    assert source.cells[0].outputs == []


def test_braces_in_paths_are_kept(tmp_path):
    folder = tmp_path / "{lesson}"
    folder.mkdir()
    path, output = folder / "{0}.ipynb", folder / "out {seed}.ipynb"
    nbformat.write(notebook("seed = 0", "print(seed)"), path)
    executed = execute(path, output=output, parameters={"seed": 3})
    assert executed.fault is None
    assert {file.name for file in folder.iterdir()} == {path.name, output.name}
    assert nbformat.read(output, as_version=4).cells[0].source.endswith("seed = 3\n")


def start_badly(folder, failures: int) -> dict[str, str]:
    """Return an environment in which the first kernels end when they start."""
    text = START_TWICE.format(flag=str(folder / "starts"), failures=failures)
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def test_kernel_that_does_not_start_is_tried_again(tmp_path):
    executed = execute(notebook("1 + 1"), env=start_badly(tmp_path, failures=1))
    assert executed.fault is None
    assert (tmp_path / "starts").read_text() == "xx"


def test_kernel_that_never_starts_is_tried_twice_and_says_why(tmp_path):
    output = tmp_path / "out.ipynb"
    env = start_badly(tmp_path, failures=9)
    fault = execute(notebook("1 + 1"), output=output, env=env).fault
    assert fault.kind is FaultKind.NO_KERNEL
    assert fault.cause == "The kernel did not start: Address already in use."
    assert (tmp_path / "starts").read_text() == "xx"


def test_runtime_error_after_a_cell_is_not_blamed_on_the_start(monkeypatch):
    def fail(self, cell, cell_index=None, **options):
        raise RuntimeError("the loop is closed")

    monkeypatch.setattr(NotebookExecutionManager, "cell_complete", fail)
    fault = execute(notebook("1 + 1")).fault
    assert fault.kind is FaultKind.FAILED
    assert fault.cause == "RuntimeError: the loop is closed"


@posix
def test_signal_that_kills_a_kernel_is_named(tmp_path):
    source = f"import os\nos.kill(os.getpid(), {int(signal.SIGSEGV)})"
    output = tmp_path / "out.ipynb"
    fault = execute(notebook("print('before')", source), output=output).fault
    assert fault.kind is FaultKind.DEAD_KERNEL
    assert fault.cause == "The kernel died in cell [2]: it was killed by SIGSEGV."
    assert stream(nbformat.read(output, as_version=4)) == "before\n"


@posix
def test_process_that_is_killed_leaves_no_folder(tmp_path):
    flag, place = tmp_path / "flag", tmp_path / "place"
    place.mkdir()
    cell = f"import os, time\nprint(os.getpid(), file=open({str(flag)!r}, 'w'))\n"
    code = (
        "from nbformat.v4 import new_code_cell, new_notebook\n"
        "from course_utils.runs.execute import execute\n"
        f"cell = new_code_cell({cell + 'time.sleep(300)'!r})\n"
        "execute(new_notebook(cells=[cell]))\n"
    )
    env = clean_environment(TMPDIR=str(place))
    with subprocess.Popen([sys.executable, "-c", code], env=env) as process:
        try:
            kernel = eventually(lambda: flag.exists() and flag.read_text())
        finally:
            process.kill()
    eventually(lambda: has_ended(int(kernel)))
    assert list(place.iterdir()) == []
