"""Imports point one way: lint-imports holds, and sees what it must."""

import graphlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.lessons import ROOT

COMMAND = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as lint; lint()",
    "--no-cache",
    "--no-logo",
]
DOWN = "Imports point downwards"
CIRCLE = "No modules of a package import each other in a circle"
MODEL = "The model of an exercise imports nothing from its family"
FACE = "No module imports from the face, which imports them all"
# An import put into a module: (module, what it imports, the contract it breaks).
BREAKS = [
    ("errors", "course_utils.runs.lessons", DOWN),
    ("data.idx", "course_utils.display.plots", DOWN),
    ("exercises.compare", "course_utils.exercises.diagnose", CIRCLE),
    ("exercises.model", "course_utils.exercises.explain", MODEL),
    ("display.plots", "course_utils", FACE),
]


@pytest.fixture
def package(tmp_path) -> Path:
    """A copy of the package, beside the configuration."""
    ignore = shutil.ignore_patterns("__pycache__", "_sketch")
    shutil.copytree(ROOT / "course_utils", tmp_path / "course_utils", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path / "course_utils"


def lint_imports(package: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        COMMAND,
        cwd=package.parent,
        env=os.environ | {"PYTHONPATH": str(package.parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_imports_point_one_way(package):
    done = lint_imports(package)
    assert done.returncode == 0, done.stdout
    for contract in (DOWN, CIRCLE, MODEL, FACE):
        assert f"{contract} KEPT" in done.stdout


@pytest.mark.parametrize(("module", "imported", "contract"), BREAKS)
def test_import_inside_a_function_that_breaks_a_contract_is_seen(
    package, module, imported, contract
):
    path = package.joinpath(*module.split(".")).with_suffix(".py")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef hidden():\n    import {imported}\n")
    done = lint_imports(package)
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout


def test_module_without_a_layer_is_seen(package):
    (package / "misc.py").touch()
    done = lint_imports(package)
    assert done.returncode == 1
    assert "misc" in done.stdout


def test_no_module_is_part_of_a_circle():
    """The contracts compare siblings; this sees a module and its own package too."""
    graph = grimp.build_graph("course_utils", cache_dir=None)
    imports = {
        name: graph.find_modules_directly_imported_by(name) for name in graph.modules
    }
    assert "course_utils.errors" in imports["course_utils.cli"]
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, with the circle
