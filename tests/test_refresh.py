"""Executing and normalising lessons: tools/lessons.py."""

import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.lessons import LANGUAGE, WIDGET_VIEW, dumps, main, normalise


def save(path: Path, *sources: str) -> bytes:
    cells = [new_code_cell(source) for source in sources]
    path.write_text(dumps(new_notebook(cells=cells)), encoding="utf-8")
    return path.read_bytes()


def refresh(path: Path) -> int:
    return main(["refresh", str(path)])


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
    assert refresh(path) == 0
    once = path.read_bytes()
    assert refresh(path) == 0
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


def test_a_second_time_changes_nothing(refreshed):
    path, once = refreshed
    assert path.read_bytes() == once
    assert main(["check", str(path)]) == 0


def test_nothing_is_left_beside(refreshed):
    path = refreshed[0]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_failing_cell_is_named_and_nothing_written(tmp_path, capsys):
    path = tmp_path / "failing.ipynb"
    before = save(path, "x = 1", "\nx / 0")
    assert refresh(path) == 1
    assert path.read_bytes() == before
    said = capsys.readouterr().err
    assert "failing.ipynb: cell 1 ('x / 0') raised ZeroDivisionError: division" in said


def test_a_failed_drawing_is_refused(tmp_path, capsys):
    path = tmp_path / "drawing.ipynb"
    before = save(path, "print('<div class=\"course-error\">')")
    assert refresh(path) == 1
    assert path.read_bytes() == before
    assert "cell 0: a playground's drawing failed" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{}", "no notebook"])
def test_a_broken_file_is_one_sentence(tmp_path, capsys, text):
    path = tmp_path / "broken.ipynb"
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().err.startswith("broken.ipynb: ")


def test_a_missing_file_is_one_sentence(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.ipynb")]) == 1
    assert "none.ipynb" in capsys.readouterr().err


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
    kept = notebook.cells[0]["id"] = "cell-00"
    del notebook.cells[1]["id"]
    assert [cell["id"] for cell in normalise(notebook).cells] == [kept, "cell-01"]


def test_check_and_normalise_agree(tmp_path, capsys):
    path = tmp_path / "untidy.ipynb"
    path.write_text(nbformat.v4.writes(untidy()), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "not normalised" in capsys.readouterr().err
    assert main(["normalise", str(path)]) == 0
    assert main(["check", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n") and "é" in text
