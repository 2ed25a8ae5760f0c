"""The Makefile, the workflows and README.md call what is there, all of it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TOOLS = ["ruff", "codespell", "course", "lint-imports", "basedpyright", "python"]
# Stands for a tool: notes how it was called, and fails where it is told to.
STAND_IN = """#!/bin/sh
echo "${0##*/} $*" >> "$LOG"
case "$*" in "$FAILING"*) exit 1;; esac
test "${0##*/}" != "$FAILING"
"""
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="no make here")


def call(
    folder: Path, target: str, failing: str = "nothing"
) -> tuple[int, str, list[str]]:
    """Return a target's exit code and output, and the calls that it made."""
    (folder / "bin").mkdir()
    for tool in TOOLS:
        (folder / "bin" / tool).write_text(STAND_IN)
        (folder / "bin" / tool).chmod(0o755)
    log = folder / "log"
    # Not what the `make test` that runs these tests hands down.
    outer = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "MARKS"}
    env = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(
        ["make", target, "PYTHON=true", f"COURSE_VENV={folder}"],
        cwd=ROOT,
        env=env | {"LOG": str(log), "FAILING": failing},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout, log.read_text().splitlines()


@needs_make
@pytest.mark.parametrize("failing", ["nothing", "ruff", "lint-imports", "-m pytest"])
def test_every_part_runs_and_one_line_says_how_it_ended(tmp_path, failing):
    code, text, calls = call(tmp_path, "test", failing)
    assert (code == 0) is (failing == "nothing")
    assert ("\nEverything passed." in text) is (code == 0)
    assert ("\nNot everything passed." in text) is (code != 0)
    assert {line.split()[0] for line in calls} == set(TOOLS)
    assert calls[-1].startswith("python -m pytest")


@needs_make
@pytest.mark.parametrize(
    ("target", "marks"), [("test", "not cuda and not all"), ("test-all", "not cuda")]
)
def test_what_takes_longer_is_left_to_test_all(tmp_path, target, marks):
    code, _, calls = call(tmp_path, target)
    assert code == 0
    assert calls[-1].endswith(f"-m {marks}")


@needs_make
def test_cuda_without_a_gpu_is_not_called_passed(tmp_path):
    code, text, _ = call(tmp_path, "test-cuda", "-c import torch")
    assert code == 0
    assert text.splitlines()[-1].startswith("No GPU")


@needs_make
@pytest.mark.parametrize("failing", ["nothing", "-m pytest"])
def test_cuda_with_a_gpu_says_how_it_ended(tmp_path, failing):
    code, text, _ = call(tmp_path, "test-cuda", failing)
    assert (code == 0) is ("Everything passed." in text) is (failing == "nothing")


@pytest.mark.parametrize(
    "name",
    ["README.md", "CONTRIBUTING.md", ".ci/run", *Path(ROOT, ".github").rglob("*.yml")],
    ids=lambda name: Path(name).name,
)
def test_named_commands_and_files_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"(?:`|=\S+ |run: |^)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets
    files = re.findall(r"\btools[/\\][\w/\\.]+\w", text)
    assert all((ROOT / file.replace("\\", "/")).exists() for file in files)
    assert named or files
