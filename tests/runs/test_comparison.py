"""What runs measured, side by side on the report's page."""

import math
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_utils.display.bundles import MEASURED
from course_utils.runs.comparison import Line, compare
from course_utils.runs.model import Fault, FaultKind, Result, Task
from course_utils.runs.readings import find_measured
from tests.runs.test_report import make


def result(seed: int, *measured, fault=None) -> Result:
    task = Task(f"a--seed-{seed}", Path("a.ipynb"), {"seed": seed})
    return Result(task, fault, measured=measured)


def said(name: str, *values, runs=(), low=0.0, high=1.0) -> dict:
    return {
        "name": name,
        "values": list(values),
        "runs": list(runs),
        "low": low,
        "high": high,
        "held": True,
    }


def test_each_thing_is_a_line_and_each_run_a_column():
    loss = said("loss", 0.2, 0.4, runs=["mlp", "linear"])
    (table,) = compare([result(0, loss, said("gap", 2.0)), result(1, loss), result(2)])
    assert table.runs == ["seed=0", "seed=1"]
    assert [(line.name, line.values) for line in table.lines] == [
        ("loss: mlp", [0.2, 0.2]),
        ("loss: linear", [0.4, 0.4]),
        ("gap", [2.0, None]),
    ]


def test_name_given_twice_is_two_lines():
    (table,) = compare([result(0, said("loss", 0.2), said("loss", 0.3))])
    assert [line.name for line in table.lines] == ["loss", "loss (2)"]
    (table,) = compare([result(0, said("loss", 0.2, 0.3))])
    assert [line.name for line in table.lines] == ["loss", "loss (2)"]


def test_what_is_no_number_lies_outside():
    (table,) = compare([result(0, said("loss", "nan")), result(1, said("loss", 0.5))])
    (line,) = table.lines
    assert line.outside(line.values[0])
    assert line.summary == [0.5, 0.5, 0.5, 1]
    assert line.picture.count("<circle") == 1
    assert 'aria-label="1 of 2 in the range"' in line.picture
    assert math.isnan(Line("a", 0, 1, [math.nan]).summary[0])


@pytest.mark.parametrize(
    "change",
    [
        {"values": ["x"]},
        {"values": 1},
        {"runs": ["a", "b"]},
        {"low": None},
        {"name": 1},
    ],
)
def test_what_measured_never_says_is_left_out(change):
    good = said("loss", 0.5)
    bundles = [good, good | change, "loss", [good | change, good], []]
    outputs = [new_output("display_data", {MEASURED: bundle}) for bundle in bundles]
    notebook = new_notebook(cells=[new_code_cell(outputs=outputs)])
    assert find_measured(notebook) == (good, good)


def test_picture_has_a_dot_for_each_run_and_marks_what_is_outside():
    picture = Line("<b>", 0.0, 1.0, [0.0, 0.5, 2.0]).picture
    assert picture.count("<circle") == 3
    assert picture.count('class="out"') == 1
    assert Line("same", 1.0, 1.0, [1.0]).picture.count("<circle") == 1


def test_page_shows_failures_first_then_what_was_measured(tmp_path):
    fault = Fault(FaultKind.RAISED, "Cell [2] raised ValueError.")
    failed = Result(
        Task("z", Path("z.ipynb")), fault, 1.0, "z.ipynb", "z.html", "ab-1", "cuda:0"
    )
    good = result(0, said("<loss>", 0.25))
    page = make(good, failed).write(tmp_path).read_text(encoding="utf-8")
    assert page.index(">z</th>") < page.index(">a</th>")
    assert 'href="./z.html#cell-id=ab-1"' in page
    assert '<td class="device">cuda:0</td>' in page
    assert "&lt;loss&gt;" in page
    assert "<span>0.25</span>" in page
    many = make(*(result(seed, said("loss", 0.25)) for seed in range(9)))
    page = many.write(tmp_path).read_text(encoding="utf-8")
    assert "Median" in page
    assert "seed=8</th>" not in page


def test_page_of_an_interrupted_batch_says_how_to_go_on(tmp_path):
    stopped = result(0, fault=Fault(FaultKind.INTERRUPTED, "Stopped."))
    page = make(stopped).write(tmp_path).read_text(encoding="utf-8")
    assert "course run --resume FOLDER" in page
    assert "--resume" not in make(result(0)).write(tmp_path).read_text(encoding="utf-8")
