"""The lessons, as the tests read them."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils.authoring.lint.document import tags as tags
from course_utils.display.bundles import CHECK as CHECK
from course_utils.display.bundles import WIDGET_VIEW as WIDGET_VIEW

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# nbval's options, the same for every run: CPU, CUDA and the tests of the comparison.
NBVAL = [
    "--nbval",
    "--nbval-current-env",
    f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval_sanitize.cfg'}",
]


def quick(*numbers: str, others: pytest.MarkDecorator = pytest.mark.all) -> list:
    """Return all lessons as parameters, of which `make test` runs only some.

    The others are marked `all`: `make test-all` and CI run them too; or `others`.
    """
    return [
        pytest.param(
            path,
            id=path.stem,
            marks=[] if path.name[:2] in numbers else others,
        )
        for path in LESSONS
    ]


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def solutions(notebook: nbformat.NotebookNode) -> dict[str, tuple[str, str]]:
    """Return each solved exercise's (code of the solution, name that it defines)."""
    found = {}
    for cell in code_cells(notebook):
        if "solution" in tags(cell):
            title = re.match(r"# @title Solution: ([\w.]+)\n", cell.source)
            defined = r"(?m)^(?:(?:def|class) (\w+_solution)\b|(\w+_solution) = )"
            ((function, value),) = re.findall(defined, cell.source)
            assert title and title[1] not in found, cell.source
            found[title[1]] = cell.source, function or value
    return found


def clean_environment(**more: str) -> dict[str, str]:
    """Return an environment for a lesson: this one, less what steers the course."""
    rest = {k: v for k, v in os.environ.items() if not k.startswith("COURSE_")}
    rest["PYTHONPATH"] = os.pathsep.join([str(ROOT), rest.get("PYTHONPATH", "")])
    return rest | more


def nbval_command(*notebooks: Path) -> list[str]:
    """Return the command that compares notebooks with their stored outputs."""
    configuration = ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"]
    return [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--color=no",
        *configuration,
        *NBVAL,
        *map(str, notebooks),
    ]
