"""The workflows are valid, cover what is supported, and ask for nothing more."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.test_packaging import PROJECT, PYTHONS, everything, read_lines

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def load(path: Path) -> dict:
    # The key `on` is a truth value in YAML 1.1.
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def valid(
    path: Path, schema: str = "vendor.github-workflows"
) -> subprocess.CompletedProcess:
    """Check a file against a schema that check-jsonschema brings along."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    command += [schema, str(path)]
    return subprocess.run(command, capture_output=True, text=True)


@each_workflow
def test_workflow_is_valid(path):
    done = valid(path)
    assert done.returncode == 0, done.stdout


def test_the_check_sees_a_broken_workflow(tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text("on: push\njobs:\n  test:\n    steps: []\n")
    assert valid(broken).returncode == 1


@each_workflow
def test_workflow_reads_only_and_pins_its_actions(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_matrix_holds_the_ends_of_what_is_supported():
    matrix = load(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"][
        "matrix"
    ]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == [PYTHONS[0], PYTHONS[-1]]
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={PYTHONS[0]}")
    files = {row["python"]: row["constraints"] for row in matrix["include"]}
    assert files == {
        PYTHONS[0]: ".github/constraints-oldest.txt",
        PYTHONS[-1]: "constraints.txt",
    }


def test_oldest_versions_are_the_lower_ends_of_the_ranges():
    allowed = everything()
    pins = {
        p.name: p.specifier
        for p in map(Requirement, read_lines(".github/constraints-oldest.txt"))
    }
    assert {"torch", "torchvision", "numpy", "matplotlib"} <= set(pins)
    for name, pinned in pins.items():
        (pin,) = pinned
        (lowest,) = allowed[name]
        assert lowest.operator == ">="
        assert pin.version.startswith(lowest.version), name


def test_the_gpu_is_not_lent_to_pull_requests():
    workflow = load(ROOT / ".github/workflows/cuda.yml")
    assert "pull_request" not in json.dumps(workflow)
    assert workflow["jobs"]["cuda"]["runs-on"] == ["self-hosted", "linux", "gpu"]


def test_hooks_are_the_tools_of_the_tests():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(hooks)["repos"]
    entries = {hook["id"]: hook["entry"] for hook in repository["hooks"]}
    assert repository["repo"] == "local"
    assert {"ruff", "ruff-format", "codespell"} <= set(entries)
    assert entries["normalise"] == "course refresh --normalise"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_form_for_an_issue_is_valid_and_short(path):
    done = valid(path, "vendor.github-issue-forms")
    assert done.returncode == 0, done.stdout
    assert len(load(path)["body"]) <= 5


def test_forms_ask_for_what_an_answer_needs():
    asked = {path.stem: [part["id"] for part in load(path)["body"]] for path in FORMS}
    assert "machine" in asked["fault"]
    assert asked["sentence"] == ["lesson", "cell", "sentence", "evidence"]
    assert asked["answer"][:3] == ["exercise", "answer", "verdict"]


def test_line_that_the_forms_ask_for_is_found_from_a_cell(tmp_path):
    """`make lab` puts nothing on PATH: there, no shell finds the command `course`."""
    text = "".join(path.read_text(encoding="utf-8") for path in FORMS)
    (line,) = set(re.findall(r"Run `(.*?)`", text))
    command = [sys.executable, "-m", "IPython", "--colors=nocolor", "-c", line]
    env = os.environ | {"PATH": os.defpath, "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    last = done.stdout.rstrip().splitlines()[-1]
    assert last.startswith("For a bug report: layer-by-layer-course"), done.stderr


def test_citation_is_valid_and_agrees_with_the_package():
    path = ROOT / "CITATION.cff"
    done = valid(path, "vendor.citation-file-format")
    assert done.returncode == 0, done.stdout
    citation = load(path)
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]
