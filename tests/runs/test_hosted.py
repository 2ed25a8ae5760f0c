"""Lessons on machines like Colab's and Kaggle's, which have nothing of the course.

Imitated: their pip, ipywidgets, anywidget, IPython and ipykernel; which of the course's
packages they lack; Colab's `%pip`, and what `google.colab` does for widgets; an empty
folder with one lesson; GitHub, by a repository of this checkout's files. The packages
that they lack come from the package index, as they do there.

Not imitated: their pages, so nothing is seen of what becomes of an output there; their
Python (3.13 and 3.12 in August 2026), torch, numpy and matplotlib, which are those of
the tests; their GPUs; their hundreds of other packages.
"""

import ast
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from course_utils.display.bundles import HTML, PLAIN, QUESTION_CLASS, WIDGET_VIEW
from tests.lessons import LESSONS, code_cells, read, tags
from tests.runs.hosted import COLAB, COURSE, KAGGLE, MANAGER, Machine, make_machine

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.network,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name == "nt", reason="their machines run Linux"),
    pytest.mark.skipif(not shutil.which("git"), reason="no git here"),
]
CHOSEN = [path for path in LESSONS if path.name[:2] in ("00", "05", "09")]
KEPT = ("torch", "torchvision", "numpy", "matplotlib", "ipywidgets", "ipython")
VERSIONS = f"""
from importlib.metadata import version
print({{name: version(name) for name in {KEPT}}})
"""


class Run(NamedTuple):
    """A lesson that was run, its folder, and what the environment had before it."""

    machine: Machine
    notebook: nbformat.NotebookNode
    folder: Path
    versions: dict[str, str]
    before: dict[str, str]


@pytest.fixture(scope="module", params=[COLAB, KAGGLE], ids=lambda host: host.name)
def machine(request, tmp_path_factory):
    return make_machine(request.param, tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module", params=CHOSEN, ids=lambda path: path.stem)
def run(request, machine, tmp_path_factory):
    """One lesson in a machine as new, its set-up run twice."""
    folder = tmp_path_factory.mktemp("content")
    shutil.copy(request.param, folder)
    notebook = read(folder / request.param.name)
    place = notebook.cells.index(setup_of(notebook))
    notebook.cells.insert(place + 1, new_code_cell(setup_of(notebook).source))
    notebook.cells.append(new_code_cell("print(course_utils.__file__)"))
    before = machine.installed()
    versions = versions_in(machine)
    machine.execute(notebook, folder)
    yield Run(machine, notebook, folder, versions, before)
    added = sorted(set(machine.installed()) - set(before))
    if added:
        assert machine.pip("uninstall", "-q", "-y", *added).returncode == 0
    machine.git_log.unlink(missing_ok=True)


def versions_in(machine: Machine) -> dict[str, str]:
    """Return the versions of what must be kept, as the environment's Python sees it."""
    command = [machine.python, "-c", VERSIONS]
    text = subprocess.check_output(command, env=machine.env, text=True)
    return ast.literal_eval(text)


def setup_of(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return next(cell for cell in code_cells(notebook) if "setup" in tags(cell))


def test_no_cell_fails_and_setting_up_says_nothing(run):
    outputs = [o for cell in code_cells(run.notebook) for o in cell.outputs]
    assert [o.evalue for o in outputs if o.output_type == "error"] == []
    said = "".join(output.text for output in setup_of(run.notebook).outputs)
    assert said == run.machine.host.says
    (lesson,) = run.folder.iterdir()
    assert lesson.suffix == ".ipynb"


def test_helpers_are_the_installed_ones_and_its_packages_are_left_alone(run):
    place = Path(run.notebook.cells[-1].outputs[0].text.strip())
    assert place.parent == run.machine.packages / "course_utils"
    assert versions_in(run.machine) == run.versions
    assert run.versions["ipywidgets"] == run.machine.host.pins["ipywidgets"]
    after = run.machine.installed()
    assert {name: after[name] for name in run.before} == run.before
    fetched = run.machine.host.lacking - {"comm"}  # ipywidgets 7 has its own
    assert set(after) - set(run.before) == {COURSE, *fetched}


def test_setting_up_twice_fetches_the_course_once(run):
    assert run.machine.git_log.read_text().count("git clone") == 1


def test_widgets_are_there_and_colab_loads_their_manager(run):
    models = run.notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]
    views = 0
    for cell in code_cells(run.notebook):
        shown = [o for o in cell.outputs if WIDGET_VIEW in o.get("data", {})]
        assert "\nplayground(" not in cell.source or len(shown) == 1
        for output in shown:
            model = models["state"][output.data[WIDGET_VIEW]["model_id"]]
            assert model["model_module"] == "anywidget"
            assert "Run this cell" in output.data[PLAIN]
            named = MANAGER in str(output.metadata)
            assert named == (run.machine.host is COLAB)
        views += len(shown)
    assert views


def test_every_prediction_is_asked(run):
    cells = [cell for cell in code_cells(run.notebook) if "ask" in tags(cell)]
    assert cells
    for cell in cells:
        cards = [o for o in cell.outputs if QUESTION_CLASS in o.data.get(HTML, "")]
        assert len(cards) == 1


def test_run_without_a_reader_leaves_no_diary(run):
    assert list(run.machine.home.rglob("*.jsonl")) == []
