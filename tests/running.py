"""Running lessons in tests: with other parameters, without a network."""

import os
import shutil
from pathlib import Path

import nbformat
import papermill

from tests.lessons import ROOT, clean_environment

# Where a lesson's own defaults would take long. Every name must be a parameter.
FAST = {"10_fashionmnist": {"epochs": 1}}


def changed_parameters(lesson: Path, **more) -> dict:
    """Return parameters for a lesson that differ from its defaults, and are fast."""
    return {"seed": 1} | FAST.get(lesson.stem, {}) | more


def bare_course(folder: Path) -> Path:
    """Copy what a fresh clone has and lessons need; no downloaded data among it."""
    skip = shutil.ignore_patterns("__pycache__", "_sketch")
    shutil.copytree(ROOT / "course_utils", folder / "course_utils", ignore=skip)
    shutil.copytree(ROOT / "data" / "sketch", folder / "data" / "sketch")
    (folder / "notebooks").mkdir()
    return folder


def offline_environment(course: Path, log: Path) -> dict[str, str]:
    """Return an environment in which `course` is imported and no network reached."""
    variables = clean_environment(OFFLINE_LOG=str(log))
    places = [str(ROOT / "tests" / "offline"), str(course)]
    return variables | {"PYTHONPATH": os.pathsep.join(places)}


def run_lesson(
    notebook: Path, output: Path, parameters: dict, cwd: Path
) -> nbformat.NotebookNode:
    """Execute a lesson with papermill in this process's environment."""
    return papermill.execute_notebook(
        notebook,
        output,
        parameters=parameters,
        kernel_name="python3",
        cwd=cwd,
        progress_bar=False,
        start_timeout=60,
        shutdown_kernel="immediate",
    )


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Return everything an executed notebook says."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return "\n".join(o.get("text", "") + str(o.get("data", "")) for o in outputs)
