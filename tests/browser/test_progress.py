"""What a learner solves in JupyterLab or in Notebook 7 counts in the next session."""

from importlib.util import find_spec

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.authoring.normal_form import dumps, normalise
from course_utils.display.bundles import PROGRESS_CLASS
from tests.browser.axe import faults
from tests.browser.marks import browser_marks
from tests.browser.server import HOSTS, Lab

pytestmark = browser_marks(
    pytest.mark.all,  # a kernel stands for it in tests/test_diary.py
    pytest.mark.timeout(300),
)
CELLS = [
    'from course_utils import ask, check, progress, setup; d = setup("cpu")',
    'ask("Which?", ["`a`", "`b`"], answer=0, why="It is.")',
    "...",
    'progress("linear")',
    'check("linear.affine", lambda x, weight, bias: x @ weight.T + bias)',
    "progress()",
]


def run(view) -> tuple[str, str, str]:
    """Run all cells; return the text of setup, of the count and of the table."""
    view.run_all()
    setup = view.cell(0).locator(".jp-OutputArea-output").inner_text()
    count, table = view.page.locator(f".{PROGRESS_CLASS}").all_inner_texts()
    return setup.strip(), count, table


@pytest.mark.parametrize("host", HOSTS)
def test_next_session_knows_what_was_solved(host, tmp_path, chromium):
    if find_spec(host) is None:
        pytest.skip(f"no {host} here: pip install {host}")
    notebook = tmp_path / "01_linear_layers.ipynb"
    page = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    notebook.write_text(dumps(normalise(page)), encoding="utf-8")
    env = {"COURSE_PROGRESS": str(tmp_path / "data" / "progress.jsonl")}
    with Lab([notebook], host=host, env=env) as lab:
        view = chromium.open(lab.url(notebook.name))
        setup, count, table = run(view)
        assert setup == "Device: cpu. Seed: 0."
        assert count.startswith("Solved in this session: 0 of 9.")
        assert "01 linear\t1 of 9\t1 of 8\t" in table
        assert faults(view.page, f".{PROGRESS_CLASS}") == []
        view.end_kernel()
        view.page.close()

        view = chromium.open(lab.url(notebook.name))
        setup, count, _ = run(view)
        assert setup.endswith("exercises solved: 1, predictions reached: 1 of 8.")
        assert count.startswith("Solved: 1 of 9 (1 in another session).")
        view.end_kernel()
        view.page.close()
