"""The Makefile, the workflows and the pages call what is there, all of it."""

import ast
import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from course_utils.authoring.links import PAGES
from course_utils.cli import main
from tests.lessons import LESSONS, read

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
    ("target", "marks"),
    [
        ("test", "not cuda and not all and not nightly"),
        ("test-all", "not cuda and not nightly"),
        ("test-nightly", "not cuda"),
    ],
)
def test_what_takes_longer_is_left_to_other_targets(tmp_path, target, marks):
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
    [*PAGES, ".ci/run", *Path(ROOT, ".github", "workflows").rglob("*.yml")],
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


@pytest.mark.parametrize("page", PAGES)
def test_options_of_named_commands_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"\b(?:course|layer-by-layer) ([a-z]+)\b([^`\n#]*)", text)
    called = [(n, rest) for n, rest in lines if n in main.commands and "--" in rest]
    for name, rest in called:
        known = {o for p in main.commands[name].params for o in p.opts}
        known |= {o for p in main.commands[name].params for o in p.secondary_opts}
        assert set(re.findall(r"(?<=\s)--[a-z][a-z-]*", rest)) <= known, rest
    assert called


def test_instructors_read_sentences_that_the_commands_print():
    page = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
    table = page.partition("| the command says | do |")[2].partition("\n\n")[0]
    said = re.findall(r"^\| (`+)(.+?)\1 \|", table, re.MULTILINE)
    assert len(said) == table.count("\n") - 1
    for _, sentence in said:
        parts = [part.strip() for part in sentence.split("…")]
        assert all(part in _printed() for part in parts), sentence


def test_links_of_the_instructors_page_lead_somewhere():
    page = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    places = {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
    links = re.findall(r"\]\(#([^)]+)\)", page)
    assert links and set(links) <= places


def test_classes_end_with_sections_that_the_lessons_have():
    page = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| \*(.+?)\* \| \*(.+?)\* \|", page, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(len(LESSONS)))
    for number, first, second in rows:
        text = "\n".join(cell.source for cell in read(LESSONS[int(number)]).cells)
        places = [text.find(f"## {title}\n") for title in (first, second, "Exercises")]
        assert -1 < places[0] < places[1] < places[2], number


@functools.cache
def _printed() -> str:
    """Return all texts of the package, each on a line of its own."""
    return "\n".join(
        node.value
        for path in (ROOT / "course_utils").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
