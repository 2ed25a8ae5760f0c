"""Experiments are read whole or told to be made again, and shown as a table."""

import json

import pytest

from course_utils import CourseError, Experiment, load_experiment
from course_utils.data import experiments

RECALL = Experiment(
    "recall",
    "Which layer remembers?",
    [{"layer": "RNN", "k": 8, "solved": [1.0, 0.5]}, {"layer": "LSTM", "k": 16}],
    seconds=61.7,
    versions={"torch": "2.15.0", "Python": "3.11.7"},
    machine="x86_64, 2 cores",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "FOLDERS", (tmp_path / "none", tmp_path))
    return tmp_path


def test_what_was_saved_is_loaded(folder):
    RECALL.save(folder)
    assert load_experiment("recall") == RECALL


def test_table_has_every_column_and_says_how_it_was_made():
    head, first, second = repr(RECALL).split("\n\n")[1].splitlines()
    assert head.split() == ["layer", "k", "solved"]
    assert first.split() == ["RNN", "8", "1.0", "0.5"]
    assert second == "LSTM   16"
    assert " ".join(repr(RECALL).split()).endswith(
        "Measured by `python experiments/recall.py` in 62 s of CPU time "
        "(torch 2.15.0, Python 3.11.7; x86_64, 2 cores)."
    )


def test_html_table_has_the_same_cells_as_text_not_markup():
    shown = Experiment("a", "1 < 2?", [{"<b>": "x & y"}])._repr_html_()
    assert ">&lt;b&gt;</th>" in shown
    assert ">x &amp; y</td>" in shown
    assert "1 &lt; 2?" in shown
    assert "<code>python experiments/a.py</code>" in shown


def test_html_table_puts_words_left_and_lets_runs_break():
    rows = [{"layer": "RNN", "few": [0.5] * 3, "many": [0.125] * 4}]
    shown = Experiment("a", "?", rows)._repr_html_()
    assert '<th style="text-align:left">layer</th><th>few</th>' in shown
    assert '<td style="text-align:left;white-space:nowrap">RNN</td>' in shown
    assert "<td>0.5 0.5 0.5</td>" in shown
    assert "<td>0.125 0.125 0.125 0.125</td>" in shown


def test_dicts_are_kept_for_a_lesson_and_no_column(folder):
    row = {"net": "GRU", "right": 0.5, "written": {"5 mars": "March 5"}}
    Experiment("a", "?", [row]).save(folder)
    assert load_experiment("a").columns == ["net", "right"]
    assert "March" not in repr(load_experiment("a"))
    assert load_experiment("a").select(net="GRU") == [row]


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([0.79, 0.795, 0.8], "0.790 0.795 0.800"),
        ([3e-05, 0.001], "3e-05 0.001"),
        ([100, 98], "100 98"),
        ([], ""),
    ],
)
def test_runs_have_equally_many_decimals(runs, text):
    assert repr(Experiment("a", "?", [{"runs": runs}])).splitlines()[3:4] == [text]


def test_rows_are_selected_by_their_settings():
    assert RECALL.select(layer="LSTM") == [{"layer": "LSTM", "k": 16}]
    assert RECALL.select(layer="LSTM", k=8) == []


def test_unknown_experiment_names_those_there_are(folder):
    RECALL.save(folder)
    with pytest.raises(CourseError, match=r"no experiment 'x'\. There are: recall\."):
        load_experiment("x")


@pytest.mark.parametrize("text", ["", "{", "[1]", json.dumps({"name": "x"})])
def test_damaged_file_is_named_with_the_command_that_makes_it(folder, text):
    (folder / "recall.json").write_text(text)
    with pytest.raises(CourseError, match=r"recall\.json can't be read .*recall\.py"):
        load_experiment("recall")
