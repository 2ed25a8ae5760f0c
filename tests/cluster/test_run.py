"""`course run` on a cluster: notebooks travel there, and what comes of them back."""

import json
from concurrent.futures import Future

import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.cluster.connection import connected
from course_utils.cluster.members import SchedulerLost
from course_utils.cluster.notebooks import NotebookCluster, run_there
from course_utils.errors import WorkerLost
from course_utils.runs.batch import run_batch, run_task
from course_utils.runs.model import Result, Settings, Task
from tests.runs.conftest import FIXTURES, fixture_task, write_notebook


def test_what_a_run_leaves_comes_back_and_nothing_else_stays(tmp_path):
    task = Task("a", tmp_path / "a.ipynb")
    seen = []

    def run(there, settings):
        assert there.notebook.read_bytes() == b"text" and settings.threads == 1
        seen.append(settings.folder)
        settings.folder.mkdir()
        (settings.folder / "a.ipynb").write_bytes(b"done")
        return Result(there, notebook="a.ipynb")

    settings = Settings(tmp_path / "out", "run")
    result, files, folder = run_there(run, task, settings, b"text")
    assert result == Result(task, notebook="a.ipynb")
    assert (files, folder) == ({"a.ipynb": b"done"}, tmp_path / "out")
    assert not seen[0].exists()


@pytest.mark.slow
def test_batch_on_a_cluster_is_as_on_this_machine(machines, tmp_path):
    machines.add()
    names = ("fine", "raises")
    tasks = [*map(fixture_task, names), Task("gone", tmp_path / "gone.ipynb")]
    options = {"resources": {}, "confined": False, "kind": NotebookCluster}
    with connected(machines.address, **options) as cluster:
        there = Settings(tmp_path / "there", "there")
        far = run_batch(tasks, there, executor=cluster)
        (tmp_path / "file").touch()
        nowhere = Settings(tmp_path / "file", "nowhere")
        (unwritten,) = run_batch(tasks[:1], nowhere, executor=cluster)
    near = run_batch(tasks, Settings(tmp_path / "here", "here"), jobs=1)
    assert [r.state for r in far] == ["succeeded", "raised", "missing"]
    for one, other in zip(far, near, strict=True):
        assert (one.task, one.fault, one.cell) == (other.task, other.fault, other.cell)
        assert one.checksum == other.checksum
    files = sorted(path.name for path in (tmp_path / "there").iterdir())
    assert files == ["fine.html", "fine.ipynb", "raises.html", "raises.ipynb"]
    assert unwritten.state == "not written" and unwritten.notebook is None


class _Ends:
    def __init__(self, error):
        self.error = error

    def submit(self, function, task, settings):
        future = Future()
        if task.name == "a":
            future.set_result(Result(task))
        else:
            future.set_exception(self.error)
        return future


@pytest.mark.parametrize(
    ("error", "state", "cause"),
    [
        (WorkerLost("It was lost."), "worker lost", "It was lost."),
        (SchedulerLost("It is gone."), "not run", "It is gone; this ended before"),
    ],
)
def test_what_a_cluster_loses_is_told(tmp_path, error, state, cause):
    tasks = [Task(name, FIXTURES / "fine.ipynb") for name in "ab"]
    settings = Settings(tmp_path, "run")
    _, lost = run_batch(tasks, settings, executor=_Ends(error))
    assert lost.state == state and lost.fault.cause.startswith(cause)


@pytest.mark.slow
def test_command_runs_notebooks_on_a_local_cluster(tmp_path):
    notebook = write_notebook(tmp_path / "one.ipynb", "print(1 + 1)")
    out = tmp_path / "runs"
    more = ["--dask-local", "1", "--out", str(out), "--no-html"]
    done = CliRunner().invoke(main, ["run", str(notebook), *more])
    assert done.exit_code == 0, done.output
    executed = json.loads((out / "latest" / "one.ipynb").read_text())
    assert executed["cells"][0]["outputs"][0]["text"] == ["2\n"]


def test_resource_without_a_cluster_is_refused(tmp_path):
    notebook = write_notebook(tmp_path / "one.ipynb", "1")
    out = tmp_path / "runs"
    more = ["--resource", "GPU=1", "--out", str(out)]
    done = CliRunner().invoke(main, ["run", str(notebook), *more])
    assert done.exit_code == 2 and "--resource is for a cluster" in done.output
    assert not out.exists()
