"""The command `course run`, from its options to its exit code."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from course_utils import doctor
from course_utils.cli import main

from .conftest import COMMAND, FIXTURES, environment


def run(*arguments: object):
    return CliRunner().invoke(main, ["run", *map(str, arguments)])


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
    for option in main.commands["run"].params:
        assert option.opts[-1] in text or isinstance(option, click.Argument)


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
        (["--max-memory", "-1"], "-1.0 is not in the range"),
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
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
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
    assert "python -m pip install ipykernel" in result.stderr


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
    assert names == {
        *("batch.json", "results.jsonl", "report.json", "index.html"),
        "fine--device-cpu--epochs-3.ipynb",
    }
    notebook = (folder / "fine--device-cpu--epochs-3.ipynb").read_text(encoding="utf-8")
    assert "device cpu seed 0 epochs 3" in notebook
    assert "COURSE_DEVICE None" in notebook


def test_more_jobs_than_cores_are_noted(tmp_path):
    options = ["--jobs", 999, "--dry-run", "--out", tmp_path]
    result = run(FIXTURES / "fine.ipynb", *options)
    assert "Note: 999 jobs share " in result.stderr
    assert list(tmp_path.iterdir()) == []
