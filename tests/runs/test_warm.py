"""Forked kernels: each like a fresh one, nothing shared, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.cli import main
from course_utils.runs import warm
from course_utils.runs.batch import run_batch, run_task
from course_utils.runs.execute import execute, kernel_environment
from course_utils.runs.model import NO_LIMITS, FaultKind, Limits, Result, Settings, Task
from course_utils.runs.processes import (
    await_ends,
    connection_folder,
    end_orphans,
    find_orphans,
    run_mark,
    thread_limits,
)

from .conftest import FIXTURES, Batch, InlineExecutor, environment, fixture_task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")

# One server for most tests: pytest's own variable differs in each of them.
# Two threads, whatever the suite or a Dask nanny has set in this process.
SAME = {
    "PYTEST_CURRENT_TEST": None,
    **dict.fromkeys(thread_limits(1), "2"),
    **run_mark("warm", "1"),
}
# What a lesson can ask of its process.
LOOK = """\
import matplotlib.pyplot as plt
import json, os, signal, sys, threading, torch, torchvision, warnings
print(json.dumps({
    "environment": dict(os.environ),
    "path": sys.path,
    "arguments": [sys.argv[0], *sys.argv[3:]],
    "flags": repr(sys.flags),
    "folder": os.getcwd(),
    "main": [__name__, repr(sys.modules["__main__"])],
    "leads": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
    "signals": [repr(signal.getsignal(n)).split(" at ")[0] for n in range(1, 32)],
    "blocked": repr(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "umask": os.umask(0o22),
    "descriptors": len(os.listdir("/proc/self/fd")),
    "threads": threading.active_count(),
    "torch": [torch.get_num_threads(), torch.cuda.is_initialized()],
    "filters": sorted(map(repr, warnings.filters)),
    "plots": {name: repr(value) for name, value in plt.rcParams.items()},
    "stdin": sys.__stdin__.read(),
}))
"""


@pytest.fixture(autouse=True, scope="module")
def _stopped():
    """Nothing that a server's end must take along is left after the last test."""
    yield
    warm.stop()


def run(*sources: str, warm: bool = True, env=(), **options):
    """Execute cells; return the fault and what each cell wrote."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    env = {**SAME, **dict(env)}
    executed = execute(notebook, warm=warm, env=env, **options)
    texts = [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in executed.notebook.cells
        if cell.cell_type == "code"
    ]
    return executed.fault, *texts


def server() -> psutil.Process:
    """Return the one server of this process."""
    (found,) = warm.fork_servers()
    assert any("fork_server.py" in part for part in found.cmdline())
    return found


def forked(env=()) -> bool:
    """Return whether a notebook's kernel was forked: its parent is not this process."""
    fault, parent = run("import os; print(os.getppid())", env=env)
    assert fault is None
    return int(parent) != os.getpid()


def gone(process: psutil.Process) -> bool:
    """Return whether a process ends within ten seconds."""
    return await_ends([process], 10) == []


def test_kernel_is_like_a_fresh_one(tmp_path):
    env = {"COURSE_ONE": "1 é", "COURSE_DEVICE": "cpu"}
    seen = []
    for is_warm in (False, True):
        fault, text = run(LOOK, warm=is_warm, env=env, cwd=tmp_path)
        assert fault is None
        seen.append(json.loads(text))
    fresh, ours = seen
    assert int(ours["environment"].pop("JPY_PARENT_PID")) == server().pid
    assert int(fresh["environment"].pop("JPY_PARENT_PID")) == os.getpid()
    assert ours["environment"]["COURSE_ONE"] == "1 é"
    for question, answer in fresh.items():
        assert ours[question] == answer, question


def test_server_has_one_thread_and_no_part_of_the_course():
    assert forked()
    assert server().num_threads() == 1
    _, names = run("import sys; print([n for n in sys.modules if 'course' in n])")
    assert names == "[]\n"


def test_nothing_passes_from_one_notebook_to_the_next(tmp_path):
    leave = (
        "import builtins, os, random, sys\n"
        "import numpy, torch\n"
        "torch.mine = builtins.mine = 1\n"
        "os.environ['COURSE_MINE'] = '1'\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "sys.path.append('/mine')\n"
        "torch.set_default_dtype(torch.float64)\n"
        "torch.set_num_threads(1)\n"
        "print(torch.initial_seed(), numpy.random.rand(), random.random())"
    )
    look = (
        "import builtins, os, random, sys\n"
        "import numpy, torch\n"
        "print(hasattr(torch, 'mine'), hasattr(builtins, 'mine'),\n"
        "      'COURSE_MINE' in os.environ, os.getcwd(), '/mine' in sys.path,\n"
        "      torch.get_default_dtype(), torch.get_num_threads())\n"
        "print(torch.initial_seed(), numpy.random.rand(), random.random())"
    )
    first, text = run(leave)
    one = server()
    second, seen = run(look)
    assert (first, second) == (None, None)
    assert one.pid == server().pid
    state, numbers = seen.splitlines()
    assert state == f"False False False {Path.cwd()} False torch.float32 2"
    assert not set(numbers.split()) & set(text.split())


def test_two_threads_compute_after_the_fork():
    fault, text = run(
        "import torch\n"
        "a = torch.rand(400, 400)\n"
        "for _ in range(20):\n"
        "    b = a @ a\n"
        "x = torch.rand(1 << 20, requires_grad=True)\n"
        "x.exp().sum().backward()\n"
        "print(torch.get_num_threads(), torch.equal(x.grad, x.exp()),\n"
        "      torch.allclose(b, (a.double() @ a.double()).float(), rtol=1e-3))"
    )
    assert fault is None
    assert text == "2 True True\n"


def test_workers_of_a_dataloader_run():
    fault, text = run(
        "import torch\n"
        "from torch.utils.data import DataLoader\n"
        "print([len(b) for b in DataLoader(range(6), batch_size=3, num_workers=2)])"
    )
    assert (fault, text) == (None, "[3, 3]\n")


def test_figure_is_shown_as_in_a_fresh_kernel():
    notebook = new_notebook(
        cells=[
            new_code_cell("import matplotlib.pyplot as plt"),
            new_code_cell("figure, axes = plt.subplots(); axes.plot([1, 2]);"),
        ]
    )
    pictures = []
    for is_warm in (False, True):
        executed = execute(notebook, warm=is_warm, env=SAME)
        assert executed.fault is None
        (output,) = executed.notebook.cells[1].outputs
        pictures.append(output.data["image/png"])
    assert pictures[0] == pictures[1]


def test_endless_loop_is_interrupted():
    notebook = new_notebook(cells=[new_code_cell("while True:\n    pass")])
    limits = replace(NO_LIMITS, cell=1.5)
    executed = execute(notebook, warm=True, env=SAME, limits=limits)
    assert executed.fault.kind is FaultKind.TIMED_OUT
    (output,) = executed.notebook.cells[-1].outputs
    assert output.ename == "KeyboardInterrupt"
    assert forked()


def test_module_of_the_folder_wins_as_in_a_fresh_kernel(tmp_path):
    (tmp_path / "torchvision.py").write_text("mine = True", encoding="utf-8")
    fault, text = run("import torchvision; print(torchvision.mine)", cwd=tmp_path)
    assert (fault, text) == (None, "True\n")


def test_missing_folder_is_the_same_error(tmp_path):
    for is_warm in (False, True):
        with pytest.raises(FileNotFoundError):
            run("1", cwd=tmp_path / "none", warm=is_warm)


def test_faults_and_orphans_are_those_of_fresh_kernels(tmp_path, batch):
    """The notebooks that end badly, in a batch of forked kernels."""
    names = ["dies", "killed", "exits", "leaves_child", "says", "fine"]
    tasks = [fixture_task("raises", seed=1), *map(fixture_task, names)]
    settings = Settings(tmp_path, run="warm", limits=Limits(cell=120), warm=True)
    results = run_batch(tasks, settings, jobs=2)
    assert Batch(settings, results).orphans == []
    for result in results:
        assert result.fault == batch.results[result.task.name].fault


def test_one_server_serves_all_notebooks_of_a_worker(tmp_path):
    source = "import os; print(os.getppid())"
    notebook = new_notebook(cells=[new_code_cell(source)])
    path = tmp_path / "parent.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    settings = Settings(tmp_path / "out", run="serves", pages=False, warm=True)
    tasks = [Task(name, path) for name in ("one", "two")]
    batch = Batch(settings, run_batch(tasks, settings, jobs=1))
    one, two = (
        json.loads(batch.text(task.name))["cells"][0]["outputs"] for task in tasks
    )
    assert one == two
    parent = int("".join(one[0]["text"]))
    assert batch.orphans == []
    with suppress(psutil.NoSuchProcess):
        assert gone(psutil.Process(parent))


def test_children_that_share_the_kernel_s_memory_are_found():
    """A child forked from a forked kernel shows what the kernel has written there."""
    task = "é" * 150
    fault, _ = run(
        "import os, time\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    time.sleep(300)\n"
        "time.sleep(0.5)",
        env=run_mark("warm", task),
    )
    assert fault is None
    assert len(find_orphans("warm", task)) == 1
    assert end_orphans("warm", task) == 1
    assert server().is_running()
    assert end_orphans("warm") == 1  # the server, at the end of the batch


def test_server_killed_in_the_middle_costs_one_notebook():
    assert forked()
    before = server()
    source = f"import os, signal, time\nos.kill({before.pid}, signal.SIGKILL)"
    fault, _, _ = run(source, "import time; time.sleep(60)")
    assert fault.kind is FaultKind.DEAD_KERNEL
    assert forked()
    assert server().pid != before.pid


def test_server_that_was_killed_is_reaped_and_takes_its_kernels_along(tmp_path):
    """A kernel dies at once, without looking for its parent as ipykernel does."""
    assert forked()
    before = server()
    with (tmp_path / "log").open("wb") as log:
        env = kernel_environment({}, SAME)
        command = [*warm._LAUNCH, "-f", str(tmp_path / "none" / "kernel.json")]
        kernel = warm._fork(command, env=env, cwd=str(tmp_path), stdout=log, stderr=log)
    process = psutil.Process(kernel.pid)
    deadline = time.monotonic() + 60
    while os.getsid(kernel.pid) != kernel.pid and time.monotonic() < deadline:
        time.sleep(0.01)
    process.suspend()  # so it can't look for its parent
    before.kill()
    assert gone(process)
    assert kernel.wait(timeout=10) == -signal.SIGKILL
    while warm.fork_servers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(before.pid)


def test_start_that_is_interrupted_leaves_no_process(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    warm.stop()
    before = psutil.Process().children()
    monkeypatch.setattr(warm._Server, "_hear_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warm._Server(warm._Start(dict(os.environ), "/"))
    assert psutil.Process().children() == before


def test_descriptors_of_both_sides_stay_as_many():
    counts = []
    for _ in range(12):
        assert forked()
        counts.append((psutil.Process().num_fds(), server().num_fds()))
    assert counts[1] == counts[-1]
    assert len(warm._state.server.kernels) <= 1


def test_connection_to_a_kernel_stands_in_a_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for is_warm in (False, True):
        fault, path = run(
            "from ipykernel.kernelapp import IPKernelApp\n"
            "print(IPKernelApp.instance().abs_connection_file)",
            warm=is_warm,
        )
        assert fault is None
        assert Path(path).parent.parent == tmp_path
        assert Path(path).parent.name.startswith("course-kernel-warm-")
        assert list(tmp_path.iterdir()) == []


def test_connections_that_killed_workers_left_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    env = run_mark("ab12", "one")
    for name in ("course-kernel-ab12-left", "course-kernel-cd34-other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kernel.json").touch()
    with connection_folder(env) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    run_batch([], Settings(tmp_path / "out", run="ab12"))
    assert [path.name for path in tmp_path.glob("*-*")] == ["course-kernel-cd34-other"]


def test_kernels_start_the_usual_way_where_no_fork_is_safe(monkeypatch):
    warm.stop()
    monkeypatch.setattr(warm, "_CAN_FORK", False)
    assert not forked()
    assert warm.fork_servers() == []


def test_kernel_starts_the_usual_way_where_the_server_has_threads(tmp_path):
    """A fork takes along one of them."""
    (tmp_path / "torchvision.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(300,), daemon=True).start()",
        encoding="utf-8",
    )
    assert not forked({"PYTHONPATH": str(tmp_path)})


def test_another_environment_gets_another_server():
    assert forked()
    before = server()
    assert forked({"OMP_NUM_THREADS": "1"})
    assert not before.is_running()
    assert server().pid != before.pid
    assert server().environ()["OMP_NUM_THREADS"] == "1"


def test_import_that_has_something_to_say_says_it_in_the_notebook(tmp_path):
    (tmp_path / "torchvision.py").write_text("print('beware')", encoding="utf-8")
    env = {"PYTHONPATH": str(tmp_path)}
    for _ in range(2):
        fault, text = run("import torchvision", env=env)
        assert (fault, text) == (None, "beware\n")
    assert not forked(env)


@pytest.mark.parametrize(
    ("device", "variables", "expected"),
    [
        ("cpu", {}, True),
        ("cpu", {"COURSE_DEVICE": "cuda"}, True),
        ("cuda:0", {}, False),
        ("mps", {}, False),
        ("auto", {"COURSE_DEVICE": "cuda"}, False),
        ("auto", {"COURSE_DEVICE": "cpu"}, True),
        ("", {"COURSE_DEVICE": "mps"}, False),
    ],
)
def test_only_the_cpu_is_warm(device, variables, expected):
    assert warm.runs_on_cpu(device, variables) is expected


def test_auto_is_the_cpu_where_there_is_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(warm, "_GPUS", (str(tmp_path / "gpu"),))
    assert warm.runs_on_cpu("auto", {})
    (tmp_path / "gpu").touch()
    assert not warm.runs_on_cpu("auto", {})
    assert not warm.runs_on_cpu("", {})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_server_and_kernel_end_with_the_process_that_started_them(tmp_path, number):
    code = (
        "from nbformat.v4 import new_code_cell, new_notebook\n"
        "from course_utils.runs.execute import execute\n"
        "import sys\n"
        "source = f'open({sys.argv[1]!r}, \"w\"); import time; time.sleep(99)'\n"
        "execute(new_notebook(cells=[new_code_cell(source)]), warm=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "on")]
    with subprocess.Popen(command, env=environment(TMPDIR=str(tmp_path))) as runner:
        try:
            deadline = time.monotonic() + 120
            while not (tmp_path / "on").exists():
                assert runner.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
            left = psutil.Process(runner.pid).children(recursive=True)
            assert len(left) == 2
            runner.send_signal(number)
            runner.wait(timeout=10)
        finally:
            runner.kill()
    assert await_ends(left, 10) == []


def test_cold_settings_fork_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "_fork", lambda *_, **__: pytest.fail("forked"))
    settings = Settings(tmp_path, run="cold", pages=False)
    (result,) = run_batch([fixture_task("fine")], settings, executor=InlineExecutor())
    assert result.fault is None


@pytest.mark.parametrize("options", [[], ["--cold"]])
def test_command_forks_unless_it_is_cold(tmp_path, monkeypatch, options):
    seen = []

    def look(tasks, settings, **_):
        seen.append(settings.warm)
        return [Result(task) for task in tasks]

    monkeypatch.setattr("course_utils.runs.batch.run_batch", look)
    arguments = ["run", str(FIXTURES / "fine.ipynb"), "--out", str(tmp_path), *options]
    CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert seen == [not options]


def test_server_is_not_started_for_a_single_notebook(tmp_path):
    path = tmp_path / "servers.ipynb"
    source = "import os, psutil; print(psutil.Process(os.getppid()).cmdline())"
    notebook = new_notebook(cells=[new_code_cell(source)])
    path.write_text(json.dumps(notebook), encoding="utf-8")
    settings = Settings(tmp_path / "out", run="single", pages=False, warm=True)
    batch = Batch(settings, run_batch([Task("one", path)], settings, jobs=4))
    assert batch.results["one"].fault is None
    assert "fork_server" not in batch.text("one")


def test_only_lessons_on_the_cpu_are_forked(tmp_path, monkeypatch):
    seen = []

    def look(*_, warm, **__):
        seen.append(warm)
        raise OSError

    monkeypatch.setattr("course_utils.runs.execute.execute", look)
    settings = Settings(tmp_path, run="devices", warm=True)
    for device in ("cpu", "cuda"):
        run_task(fixture_task("fine", device=device), settings)
    assert seen == [True, False]
