"""The command `course run`, from its options to its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from course_utils import doctor
from course_utils.cli import main

from .conftest import FIXTURES

COMMAND = [sys.executable, "-m", "course_utils.cli", "run"]
CHECKOUT = Path(__file__).parents[2]


def run(*arguments: object):
    return CliRunner().invoke(main, ["run", *map(str, arguments)])


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1"} | more


def test_help_waits_for_no_library():
    heavy = "torch matplotlib IPython nbformat papermill pebble jinja2 psutil".split()
    code = (
        "import sys; from course_utils.cli import main; "
        "main(['--help'], standalone_mode=False); "
        f"print(sorted(set(sys.modules) & set({heavy})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True
    )
    assert "Usage" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_help_names_every_option():
    text = run("--help").output
    for option in ("--device", "--seed", "-p", "--out", "--jobs", "--cell-timeout"):
        assert option in text
    assert "--no-html" in text


def test_failed_run_has_its_row_report_and_exit_code(tmp_path):
    result = run(tmp_path / "absent.ipynb", "--out", tmp_path / "runs")
    assert result.exit_code == 1
    assert "There is no notebook" in result.stdout
    assert "0 of 1 run succeeded" in result.stdout
    assert result.stderr == "[1/1] absent: missing\n"
    assert (tmp_path / "runs" / "latest").exists()
    (report,) = (tmp_path / "runs").glob("*Z-1/report.json")
    content = json.loads(report.read_text(encoding="utf-8"))
    assert content["results"][0]["state"] == "missing"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "epoch", "2"], "no lesson here has a parameter 'epoch'"),
        (["-p", "seed", "2"], "use --seed 2, not -p seed 2"),
        (["--device", "tpu9"], "no device torch knows"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--cell-timeout", "0"], "0.0 is not in the range"),
    ],
)
def test_impossible_command_exits_with_2_before_anything_runs(
    tmp_path, arguments, message
):
    out = tmp_path / "runs"
    result = run(FIXTURES / "fine.ipynb", "--out", out, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not out.exists()


def test_cuda_without_a_gpu_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    out = tmp_path / "runs"
    result = run(FIXTURES / "fine.ipynb", "--device", "cuda", "--out", out)
    assert result.exit_code == 2
    assert "torch sees no CUDA GPU here" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not out.exists()


def test_missing_package_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: None)
    result = run(FIXTURES / "fine.ipynb", "--out", tmp_path / "runs")
    assert result.exit_code == 2
    assert "ipykernel is not installed in" in result.stderr
    assert "pip install -r requirements.txt" in result.stderr


def test_unwritable_output_folder_is_reported(tmp_path):
    (tmp_path / "file").touch()
    result = run(FIXTURES / "fine.ipynb", "--out", tmp_path / "file" / "runs")
    assert result.exit_code == 2
    assert "Choose another folder with --out" in result.stderr


def test_run_from_the_shell(tmp_path):
    """A foreign "python3" kernel and COURSE_DEVICE do not reach the lessons."""
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    absent = str(tmp_path / "absent")
    spec = {"argv": [absent], "display_name": "No", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    options = ["--device", "cpu", "-p", "epochs", "3", "--no-html", "--out", "results"]
    done = subprocess.run(
        [*COMMAND, str(FIXTURES / "fine.ipynb"), *options],
        cwd=tmp_path,
        env=environment(JUPYTER_PATH=str(foreign.parents[1]), COURSE_DEVICE="cuda"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("[1/1] fine, device=cpu, epochs=3: succeeded, ")
    assert len(done.stderr.splitlines()) == 1
    folder = next((tmp_path / "results").glob("*Z-1"))
    names = {path.name for path in folder.iterdir()}
    assert names == {"fine--device-cpu--epochs-3.ipynb", "index.html", "report.json"}
    notebook = (folder / "fine--device-cpu--epochs-3.ipynb").read_text(encoding="utf-8")
    assert "device cpu seed 0 epochs 3" in notebook
    assert "COURSE_DEVICE None" in notebook


@pytest.fixture
def running(tmp_path):
    """`course run` in the middle of a slow cell, with one lesson still waiting."""
    flag = tmp_path / "flag"
    sources = [str(FIXTURES / f"{name}.ipynb") for name in ("slow", "raises")]
    options = ["-p", "flag", str(flag), "--jobs", "1", "--out", "runs"]
    # Tests started in a shell's background ignore Ctrl-C, and so would the command.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    command = subprocess.Popen(
        [*COMMAND, *sources, *options],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    try:
        deadline = time.monotonic() + 90
        while not flag.exists():
            assert command.poll() is None, command.communicate()
            assert time.monotonic() < deadline, "the slow cell never began"
            time.sleep(0.1)
        family = psutil.Process(command.pid).children(recursive=True)
        assert any("ipykernel_launcher" in p.cmdline() for p in family)
        yield command, family
    finally:
        command.kill()
        command.wait()
        command.stdout.close()
        command.stderr.close()


def interrupt_all(command: subprocess.Popen) -> None:
    """Do as a terminal does on Ctrl-C: tell every process of the command."""
    os.killpg(command.pid, signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("end", [interrupt_all, subprocess.Popen.terminate])
def test_interrupt_or_termination_ends_in_a_report(running, tmp_path, end):
    command, family = running
    end(command)
    stdout, stderr = command.communicate(timeout=30)
    assert command.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "The batch was interrupted while it ran." in stdout
    assert "The batch was interrupted before it began." in stdout
    assert psutil.wait_procs(family, timeout=5)[1] == []
    (report,) = (tmp_path / "runs").glob("*Z-1/report.json")
    states = [r["state"] for r in json.loads(report.read_text())["results"]]
    assert states == ["interrupted", "interrupted"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_killed_command_leaves_no_process_behind(running):
    command, family = running
    command.send_signal(signal.SIGKILL)
    command.wait(timeout=10)
    assert psutil.wait_procs(family, timeout=20)[1] == []
