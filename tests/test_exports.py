"""What the package exports: the names that lessons import, each loaded on first use."""

import ast
import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import course_utils

STUB = Path(course_utils.__file__).with_suffix(".pyi")
# Each public name and the module it comes from, as the stub lists them.
SOURCES = {
    alias.name: f"course_utils.{node.module}"
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
FUNCTIONS = [name for name in SOURCES if callable(getattr(course_utils, name))]


def run_python(code: str, env: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.parametrize("module", ["course_utils", "course_utils.errors"])
def test_import_loads_no_heavy_package(module):
    heavy = {"torch", "torchvision", "matplotlib", "numpy", "IPython", "ipywidgets"}
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    assert run_python(code) == "[]"


@pytest.mark.parametrize("name", SOURCES)
def test_public_name_comes_from_its_module(name):
    module = importlib.import_module(SOURCES[name])
    assert getattr(course_utils, name) is getattr(module, name)


def test_dir_and_star_import_give_the_public_names():
    assert set(SOURCES) <= set(dir(course_utils))
    names = {}
    exec("from course_utils import *", names)
    assert set(names) - {"__builtins__"} == set(SOURCES)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = course_utils.no_such_name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_has_an_example_that_runs(name, capsys):
    thing = getattr(course_utils, name)
    namespace = dict(vars(importlib.import_module(SOURCES[name])))
    examples = doctest.DocTestFinder(recurse=False).find(thing, name, globs=namespace)
    runner = doctest.DocTestRunner()
    results = [runner.run(example) for example in examples]
    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0, capsys.readouterr().out


@pytest.mark.parametrize(("before", "after"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_idle_threads_wait_without_spinning_unless_set(before, after):
    env = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if before:
        env["OMP_WAIT_POLICY"] = before
    code = "import course_utils, os; print(os.environ['OMP_WAIT_POLICY'])"
    assert run_python(code, env) == after
