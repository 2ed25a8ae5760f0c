"""Run notebooks on the emulated accelerator, against their stored outputs."""

import shutil
import subprocess
from pathlib import Path

import nbformat

from tests.lessons import ROOT, clean_environment, nbval_command
from tests.support.emulated.activation import environment

DRAW_ALL = """\
from tests.support.emulated.playgrounds import draw_all
draw_all(expected={})"""


def compare(
    notebook: nbformat.NotebookNode, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Execute a notebook on the emulation in an empty folder; nbval says what differs.

    Its exit status is 0 where every cell gives its stored output.
    """
    nbformat.write(notebook, folder / "notebook.ipynb")
    shutil.copy(ROOT / "conftest.py", folder)
    return subprocess.run(
        [*nbval_command(folder / "notebook.ipynb"), "--tb=short"],
        env=clean_environment(COURSE_OFFLINE="1", **environment(folder / "ipython")),
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def draw_playgrounds(notebook: nbformat.NotebookNode, count: int) -> None:
    """Append a cell that draws the notebook's playgrounds in all their states."""
    cell = nbformat.v4.new_code_cell(DRAW_ALL.format(count), execution_count=0)
    notebook.cells.append(cell)
