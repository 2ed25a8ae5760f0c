"""What follows a prediction: folded in a real kernel, where it is nothing live."""

from itertools import groupby
from typing import NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.display.bundles import (
    FOLD_CLASS,
    HTML,
    MEASURED,
    PLAIN,
    PNG,
    stored_picture,
)
from course_utils.display.folding import REACH, fold_next_output
from course_utils.runs.readings import find_measured
from tests.lessons import ROOT

ASK = "fold_next_output()"
SETUP = """
import asyncio, io, sys
from contextlib import redirect_stdout
import matplotlib.pyplot as plt
from IPython.display import HTML, clear_output
from ipywidgets import IntSlider
from course_utils import ask, measured, show
from course_utils.display.folding import fold_next_output
from course_utils.exercises.check import verdict_bundle
from course_utils.exercises.model import State, Verdict
"""
SHOW = "show(plt.figure(figsize=(1, 1)), alt='An empty <square>.')"
FOLDED = {  # the cell after the question: its text
    "print('one')\nprint('two')": "one\ntwo\n",
    "2 + 3": "5",
    "_ + 1": "6",
    "print('one'); 2 + 3": "one\n5",
    "print('a', end=''); display('b'); print('c'); 'd'": "a'b'\nc\n'd'",
    "print(\"a < b & 'c'\")": "a < b & 'c'\n",
    "print('err', file=sys.stderr); 1": "1",
    "await asyncio.sleep(0); print('later')": "later\n",
    SHOW: "An empty <square>.\nAn empty <square>.",
    "display(HTML('<b>bold</b>'))": "<IPython.core.display.HTML object>",
    "measured('loss', 0.5, 0, 1)": "loss: 0.500 (expected 0 to 1)",
    "measured('a', [1, 2], 0, 3); print('then'); measured('b', 3, 0, 3)": (
        "a: 1.00 2.00 (expected 0 to 3)\nthen\nb: 3.00 (expected 0 to 3)"
    ),
    "print('x', flush=True)": "x\n",
    "with redirect_stdout(io.StringIO()): print('no')\nprint('yes')": "yes\n",
}
AS_EVER = {  # the cell after the question: its outputs' kinds
    "print('before'); 1 / 0": ["stdout", "error"],
    "print('before'); raise KeyboardInterrupt": ["stdout", "error"],
    "x = (": ["error"],
    "print('w'); display(IntSlider())": ["stdout", "display_data"],
    "print('w'); IntSlider()": ["stdout", "execute_result"],
    "h = display('a', display_id=True); h.update('b')": ["display_data"],
    "print('10 %', end='\\r'); print('done')": ["stdout"],
    "print('\\x1b[31mred')": ["stdout"],
    "print('a'); clear_output(); print('b')": ["stdout"],
    "display(verdict_bundle('a.b', Verdict(State.CORRECT)), raw=True)": [
        "display_data"
    ],
    "print('first'); ask('?', ['a', 'b'], 0, '.'); print('then')": [
        "stdout",
        "display_data",
        "stdout",
    ],
}
ROWS = {  # cells in a row, and which of them are folded
    "the next": ([ASK, "1", "2"], [1]),
    "the second": ([ASK, "x = 1", "2", "3"], [2]),
    "the third": ([ASK, "x = 1", "def f(): ...", "3", "4"], [3]),
    "the fourth is too far": ([ASK, "x = 1", "x = 2", "x = 3", "4"], []),
    "run again": ([ASK, "1", "1"], [1]),
    "after two questions": ([ASK, ASK, "1", "2"], [2]),
    "after an error": ([ASK, "1 / 0", "2"], []),
    "after a warning": ([ASK, "print('beware', file=sys.stderr)", "2"], [2]),
    "a cell within a cell": ([ASK, "%%capture held\nprint('a')", "held.stdout"], [2]),
    "a question's own words": (["ask('?', ['a', 'b'], 0, '.'); 1", "2", "3"], [1]),
    "an unusable question": (["ask('?', ['a', 'b'], 2, '.')", "2"], []),
    "two of them": (["fold_next_output(2)", "1", "x = 1", "2", "3"], [1, 3]),
    "the second too far": (["fold_next_output(2)", "1", *["x = 1"] * 3, "2"], [1]),
    "one that failed ends it": (["fold_next_output(2)", "1", "1 / 0", "2"], [1]),
    "an earlier cell's display is updated": (
        ["h = display('a', display_id=True)", ASK, "h.update('b')", "h.update('c'); 1"],
        [3],
    ),
    "asked to": (["ask('?', ['a', 'b'], 0, '.', folds=2)", "1", "2", "3"], [1, 2]),
}
UNTOUCHED = """
shell = get_ipython()
events = [e for name in ("pre_run_cell", "post_run_cell")
          for e in shell.events.callbacks[name] if "Fold" in repr(e)]
stand_ins = [method for method in (sys.stdout.write, shell.display_pub.publish,
             shell.display_pub.clear_output, shell.displayhook.write_format_data,
             shell._showtraceback) if "Fold" in repr(method)]
print(events, stand_ins)
"""


class Cell(NamedTuple):
    source: str
    outputs: list[nbformat.NotebookNode]

    def kinds(self) -> list[str]:
        """Return what came, in order; the kernel may send a text in parts."""
        kinds = [output.get("name", output.output_type) for output in self.outputs]
        return [kind for kind, _ in groupby(kinds)]

    def is_folded(self) -> bool:
        return any(FOLD_CLASS in str(output.get("data")) for output in self.outputs)


def run(sources: list[str]) -> list[Cell]:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(ROOT)}}
    NotebookClient(notebook, allow_errors=True, resources=resources).execute()
    return [Cell(cell.source, cell.outputs) for cell in notebook.cells]


@pytest.fixture(scope="module")
def ran() -> list[Cell]:
    """Run every cell of this file in one kernel."""
    pairs = [source for case in FOLDED | AS_EVER for source in (ASK, case)]
    rows = [source for sources, _ in ROWS.values() for source in (*sources, ASK)]
    return run([SETUP, *pairs, *rows, *["x = 1"] * REACH, UNTOUCHED])


@pytest.fixture(scope="module")
def answers(ran) -> dict[str, Cell]:
    """The cells that follow a question, by their source."""
    count = len(FOLDED | AS_EVER)
    return {cell.source: cell for cell in ran[2 : 2 + 2 * count : 2]}


@pytest.mark.parametrize("source", FOLDED)
def test_output_is_folded_with_all_its_text_in_order(answers, source):
    folded = [o for o in answers[source].outputs if o.get("name") != "stderr"]
    ((data),) = [output.data for output in folded]
    assert set(data) - {MEASURED} == {HTML, PLAIN}
    assert data[PLAIN] == FOLDED[source]
    assert data[HTML].count("<details") == 1 and "open" not in data[HTML]


def test_measured_values_in_a_fold_can_be_read_by_programs(answers):
    said = {}
    for source in FOLDED:
        cell = nbformat.v4.new_code_cell(outputs=answers[source].outputs)
        found = find_measured(nbformat.v4.new_notebook(cells=[cell]))
        said[source] = [(value["name"], value["values"]) for value in found]
    assert {source: values for source, values in said.items() if values} == {
        "measured('loss', 0.5, 0, 1)": [("loss", [0.5])],
        "measured('a', [1, 2], 0, 3); print('then'); measured('b', 3, 0, 3)": [
            ("a", [1, 2]),
            ("b", [3]),
        ],
    }


@pytest.mark.parametrize("source", AS_EVER)
def test_what_is_live_or_failed_is_shown_as_ever(answers, source):
    assert not answers[source].is_folded()
    assert answers[source].kinds() == AS_EVER[source]


@pytest.mark.parametrize("name", ROWS)
def test_only_the_next_outputs_are_folded(ran, name):
    sources, folded = ROWS[name]
    before = list(ROWS.values())[: list(ROWS).index(name)]
    start = 1 + 2 * len(FOLDED | AS_EVER) + sum(len(row) + 1 for row, _ in before)
    row = ran[start : start + len(sources)]
    assert [cell.source for cell in row] == sources
    places = [place for place, cell in enumerate(row) if cell.is_folded()]
    assert places == folded


def test_markup_that_was_printed_is_shown_as_text(answers):
    page = answers["print(\"a < b & 'c'\")"].outputs[0].data[HTML]
    assert "a &lt; b &amp; 'c'</pre>" in page
    assert ">What it prints</summary>" in page


def test_picture_is_folded_with_description_and_caption(answers):
    page = answers[SHOW].outputs[0].data[HTML]
    assert 'alt="An empty &lt;square&gt;." width="100" height="100"' in page
    assert stored_picture(page).startswith(b"\x89PNG")
    assert page.count("An empty &lt;square&gt;.") == 2
    assert ">What it draws</summary>" in page


def test_stderr_is_not_folded(answers):
    cell = answers["print('err', file=sys.stderr); 1"]
    assert sorted(cell.kinds()) == ["display_data", "stderr"]


def test_words_printed_before_an_error_stand_above_it(answers):
    *printed, error = answers["print('before'); 1 / 0"].outputs
    assert "".join(output.text for output in printed) == "before\n"
    assert error.ename == "ZeroDivisionError"


def test_result_keeps_its_name(answers):
    assert answers["_ + 1"].outputs[0].data[PLAIN] == "6"


def test_shell_is_as_it_was(ran):
    assert ran[-1].outputs[0].text == "[] []\n"


def test_nothing_happens_without_a_kernel(capsys):
    fold_next_output()
    print("as ever")
    assert capsys.readouterr().out == "as ever\n"
