"""A notebook in which everything fails that the browser tests look for."""

from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from course_utils.authoring.normal_form import dumps, normalise
from course_utils.display.bundles import OPTION_CLASS, QUESTION_CLASS

IMPORTS = "from course_utils import playground"
DEAF = """def deaf(ax, p=0.5):
    ax.plot([0, 1], [0, 1])
playground(deaf, "A line that does not listen.", p=(0.0, 1.0))"""
FAILING = """def failing(ax, q=0.5):
    ax.plot([0, 1], [0, 1 / (q == 0.5)])
playground(failing, "A line that breaks when moved.", q=(0.0, 1.0))"""
SILENT = f"""from IPython.display import HTML
option = "<details class='{OPTION_CLASS}'><summary>a</summary></details>"
HTML("<div class='{QUESTION_CLASS}'>" + 2 * option + "</div>")"""
WIDE = """from IPython.display import HTML
HTML("<div style='width:3000px'>a very wide table</div>")"""
ERROR = "1 / 0"
AFTER = "1"


def write_broken(folder: Path) -> Path:
    """Write the notebook into a folder; return its path."""
    sources = [IMPORTS, DEAF, FAILING, SILENT, WIDE, ERROR, AFTER]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    path = folder / "broken.ipynb"
    path.write_text(dumps(normalise(notebook)), encoding="utf-8")
    return path
