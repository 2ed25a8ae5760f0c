"""`course refresh`: executing, normalising and checking lessons."""

import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.authoring.normal_form import LANGUAGE, dumps, normalise
from course_utils.cli import main
from course_utils.display.bundles import ERROR_CLASS, WIDGET_VIEW


def save(path: Path, *sources: str) -> bytes:
    cells = [new_code_cell(source) for source in sources]
    path.write_text(dumps(new_notebook(cells=cells)), encoding="utf-8")
    return path.read_bytes()


def refresh(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["refresh", *options, str(path)])


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory):
    """A notebook, executed once; and its text after a second time."""
    path = tmp_path_factory.mktemp("refreshed") / "fine.ipynb"
    report = (
        "import os, sys\n"
        "print(os.path.exists('fine.ipynb'))\n"
        "print(os.environ['COURSE_DEVICE'])\n"
        f"print(sys.executable == {sys.executable!r})"
    )
    save(path, report, "print('a', flush=True)\nprint('b')\n1 + 1")
    assert refresh(path).exit_code == 0
    once = path.read_bytes()
    assert refresh(path).exit_code == 0
    return path, once


def test_outputs_and_counts_are_stored(refreshed):
    path, _ = refreshed
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[1].outputs[0].text == "a\nb\n"
    assert cells[1].outputs[1].data["text/plain"] == "2"


def test_runs_in_its_folder_on_the_cpu_by_this_python(refreshed):
    cells = nbformat.read(refreshed[0], as_version=4).cells
    assert cells[0].outputs[0].text == "True\ncpu\nTrue\n"


def test_second_refresh_changes_nothing(refreshed):
    path, once = refreshed
    assert path.read_bytes() == once
    assert refresh(path, "--check").exit_code == 0


def test_nothing_is_left_beside(refreshed):
    path = refreshed[0]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_failing_cell_is_named_and_nothing_written(tmp_path):
    path = tmp_path / "failing.ipynb"
    before = save(path, "x = 1", "\nx / 0")
    result = refresh(path)
    assert result.exit_code == 1
    assert path.read_bytes() == before
    expected = "failing.ipynb: Cell [2] raised ZeroDivisionError: division by zero\n"
    assert result.stderr == expected


def test_notebook_that_exits_is_refused(tmp_path):
    path = tmp_path / "exits.ipynb"
    before = save(path, "import sys", "sys.exit()", "1 + 1")
    assert refresh(path).exit_code == 1
    assert path.read_bytes() == before


def test_failed_drawing_is_refused(tmp_path):
    path = tmp_path / "drawing.ipynb"
    before = save(path, f"print('<div class=\"{ERROR_CLASS}\">')")
    result = refresh(path)
    assert result.exit_code == 1
    assert path.read_bytes() == before
    assert "cell 0: a playground's drawing failed" in result.stderr


@pytest.mark.parametrize("text", ["", "{}", "no notebook"])
def test_broken_file_is_reported(tmp_path, text):
    path = tmp_path / "broken.ipynb"
    path.write_text(text, encoding="utf-8")
    result = refresh(path, "--check")
    assert result.exit_code == 1
    assert result.stderr.startswith("broken.ipynb: ")


def test_missing_file_is_reported(tmp_path):
    result = refresh(tmp_path / "none.ipynb", "--check")
    assert result.exit_code == 1
    assert result.stderr.startswith("none.ipynb: ")


def test_folder_without_notebooks_is_reported(tmp_path):
    result = refresh(tmp_path, "--check")
    assert result.exit_code == 2
    assert result.stderr.startswith("course refresh: no notebook found in ")


def untidy() -> nbformat.NotebookNode:
    view = {"model_id": "1"}
    outputs = [
        new_output("stream", name="stdout", text="a\n"),
        new_output("stream", name="stdout", text="b\n"),
        new_output("stream", name="stderr", text="c\n"),
        new_output("display_data", data={WIDGET_VIEW: view, "text/plain": "d"}),
    ]
    metadata = {
        "tags": ["solution"],
        "cellView": "form",
        "jupyter": {"source_hidden": True, "other": 1},
        "execution": {"iopub.execute_input": "2026-01-01"},
        "papermill": {"duration": 1},
        "collapsed": True,
        "scrolled": True,
    }
    code = new_code_cell("x\n\n", outputs=outputs, metadata=metadata)
    language = {"version": "3", "name": "python"}
    more = {"widgets": {}, "papermill": {}, "language_info": language}
    return new_notebook(cells=[code, new_markdown_cell("é")], metadata=more)


def test_normalise_keeps_what_matters_and_strips_the_rest():
    notebook = normalise(untidy())
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == LANGUAGE
    assert "version" not in LANGUAGE
    cell = notebook.cells[0]
    assert cell.metadata == {
        "tags": ["solution"],
        "cellView": "form",
        "jupyter": {"source_hidden": True},
    }
    assert [o.get("text") or o.data for o in cell.outputs] == [
        "a\nb\n",
        "c\n",
        {"text/plain": "d"},
    ]
    assert cell.source == "x"


def test_ids_are_kept_and_missing_ones_are_stable():
    notebook = untidy()
    own = notebook.cells[0]["id"] = "cell-00"
    del notebook.cells[1]["id"]
    assert [cell["id"] for cell in normalise(notebook).cells] == [own, "cell-01"]


def test_check_and_normalise_agree(tmp_path):
    path = tmp_path / "untidy.ipynb"
    path.write_text(nbformat.v4.writes(untidy()), encoding="utf-8")
    result = refresh(path, "--check")
    assert result.exit_code == 1
    assert "not normalised" in result.stderr
    assert refresh(path, "--normalise").exit_code == 0
    assert refresh(path, "--check").exit_code == 0
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n") and "é" in text
