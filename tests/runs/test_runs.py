"""What a run that succeeds leaves: the notebook, its page, and the right kernel."""

import json
import sys

import nbformat

from course_utils.display.bundles import WIDGET_VIEW
from course_utils.runs.pages import write_page


def test_parameters_reach_the_notebook(batch):
    assert batch.results["fine"].state == "succeeded"
    assert "device cpu seed 3 epochs 1" in batch.text("fine")


def test_kernel_is_this_interpreter_in_the_notebooks_folder(batch):
    notebook = batch.text("fine")
    assert json.dumps(f"executable {sys.executable}\n")[1:-1] in notebook
    assert "folder runs" in notebook


def test_several_jobs_share_the_cores(batch):
    lines = [line for line in batch.text("fine").splitlines() if '"threads ' in line]
    assert len(lines) == 1
    assert "None" not in lines[0]


def test_page_has_the_pictures_and_their_descriptions(batch):
    page = batch.text("fine", ".html")
    assert batch.results["fine"].page == "fine.html"
    assert 'alt="one pixel, &lt;white&gt;"' in page
    assert "data:image/png;base64," in page
    assert "prefers-color-scheme: dark" in page
    assert "require.min.js" not in page


def test_page_says_what_widgets_would_show(tmp_path):
    data = {
        WIDGET_VIEW: {"model_id": "1"},
        "text/plain": "Controls: p from 0 to 0.9",
    }
    output = nbformat.v4.new_output("display_data", data=data)
    cell = nbformat.v4.new_code_cell("playground()", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"state": {}}
    }
    write_page(notebook, tmp_path / "widget.html", tmp_path)
    page = (tmp_path / "widget.html").read_text(encoding="utf-8")
    assert "Controls: p from 0 to 0.9" in page
    assert "widget-view+json" not in page
    assert "widgets" in notebook.metadata


def page_of(tmp_path, *cells, failed: str = "") -> str:
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    write_page(notebook, tmp_path / "page.html", tmp_path, failed)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def test_page_shows_formulas_without_a_network(tmp_path):
    text = "So $y_i$ and\n\n$$\\frac{1}{n}$$\n\n$\\text{in\\_features}$, $a<b_1_2$."
    page = page_of(tmp_path, nbformat.v4.new_markdown_cell(text))
    assert "<msub><mi>y</mi><mi>i</mi></msub>" in page
    assert 'display="block"' in page
    assert "<mfrac>" in page
    assert "in_features" in page
    assert "<code>a&lt;b_1_2</code>" in page
    assert "<script src" not in page


def test_page_keeps_markup_in_a_paragraph(tmp_path):
    cell = nbformat.v4.new_markdown_cell('It is <b>bold</b>, <a href="#x">there</a>.')
    page = page_of(tmp_path, cell)
    assert '<b>bold</b>, <a href="#x">there</a>.' in page


def test_page_leads_to_the_cell_that_failed(tmp_path):
    cell = nbformat.v4.new_code_cell("1 / 0", id="ab-1")
    page = page_of(tmp_path, cell, failed="ab-1")
    assert '<a href="#cell-id=ab-1">Go to the cell where it ended</a>' in page
    assert 'id="cell-id=ab-1"' in page
    assert "Go to the cell where it ended" not in page_of(tmp_path, cell)


def test_page_of_a_failed_run_has_one_link_to_its_cell(batch):
    page = batch.text("raises", ".html")
    assert "papermill-error-cell" not in page
    assert f'href="#cell-id={batch.results["raises"].cell}"' in page
