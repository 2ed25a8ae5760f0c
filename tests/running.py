"""Running lessons in tests: with other parameters, without a network."""

import os
import shutil
from pathlib import Path

import nbformat
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from course_utils.display.bundles import CHECK
from course_utils.runs.execute import execute
from tests.lessons import ROOT, clean_environment, read, solutions, tags

# By a lesson's number, where its own defaults would take long. Every name must be
# one of its parameters.
FAST = {
    "10": {"epochs": 1, "model": "mlp"},
    "11": {"steps": 30},
    "12": {"steps": 30},
}


def fast_parameters(lesson: Path) -> dict:
    return FAST.get(lesson.name[:2], {})


def changed_parameters(lesson: Path, **more) -> dict:
    """Return parameters for a lesson that differ from its defaults, and are fast."""
    return {"seed": 1} | fast_parameters(lesson) | more


def fast_copy(lesson: Path, folder: Path) -> Path:
    """Copy a lesson, unexecuted, with its fast parameters written in."""
    if not (parameters := fast_parameters(lesson)):
        return lesson
    notebook = parameterize_notebook(load_notebook_node(str(lesson)), parameters)
    nbformat.write(notebook, folder / lesson.name)
    return folder / lesson.name


def checked_copy(lesson: Path, folder: Path) -> Path:
    """Copy a lesson, with a cell at its end that checks each of its solutions."""
    notebook = read(lesson)
    checks = [
        f"check({n!r}, {answer})" for n, (_, answer) in solutions(notebook).items()
    ]
    notebook.cells.append(nbformat.v4.new_code_cell("\n".join(checks)))
    nbformat.write(notebook, folder / lesson.name)
    return folder / lesson.name


def states_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return the states of the verdicts in a cell's outputs."""
    data = [output.get("data", {}) for output in cell.outputs]
    return [bundle[CHECK]["state"] for bundle in data if CHECK in bundle]


def bare_course(folder: Path) -> Path:
    """Copy what a fresh clone has and lessons need; no downloaded data among it."""
    skip = shutil.ignore_patterns("__pycache__", "_sketch")
    shutil.copytree(ROOT / "course_utils", folder / "course_utils", ignore=skip)
    for part in ("data/sketch", "experiments/results"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "notebooks").mkdir()
    return folder


def offline_environment(course: Path, log: Path) -> dict[str, str]:
    """Return an environment in which `course` is imported and no network reached."""
    variables = clean_environment(OFFLINE_LOG=str(log))
    # This checkout last: its tests may be imported, its course is not.
    places = [str(ROOT / "tests" / "offline"), str(course), str(ROOT)]
    return variables | {"PYTHONPATH": os.pathsep.join(places)}


def with_figures_watched(lesson: Path, folder: Path) -> Path:
    """Copy a lesson with a cell after its set-up that looks at every figure."""
    notebook = nbformat.read(lesson, as_version=4)
    cells = notebook.cells
    after = 1 + next(i for i, cell in enumerate(cells) if "setup" in tags(cell))
    watch = "from tests.support.looks import watch as _watch\n\n_watch()"
    cells.insert(after, nbformat.v4.new_code_cell(watch))
    nbformat.write(notebook, folder / lesson.name)
    return folder / lesson.name


def run_lesson(notebook: Path, parameters: dict, cwd: Path) -> nbformat.NotebookNode:
    """Execute a lesson in this process's environment; it must run through."""
    execution = execute(notebook, parameters=parameters, cwd=cwd)
    assert execution.fault is None, execution.fault
    return execution.notebook


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Return everything an executed notebook says."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return "\n".join(o.get("text", "") + str(o.get("data", "")) for o in outputs)
