"""What is read off the races: when a goal is reached, and by how much sooner."""

import importlib.util

import pytest

from course_utils.data.experiments import Experiment
from tests.lessons import ROOT


def run(recipe, epochs, number, accuracy, every, **more):
    times = [every * (i + 1) for i in range(len(accuracy))]
    row = {"recipe": recipe, "epochs": epochs, "round": number, "accuracy": accuracy}
    row |= {"seconds": times, "cpu_seconds": [2 * t for t in times]}
    row |= {"best": max(accuracy), "test_accuracy": 0.9, "images_per_second": 100.0}
    return row | {"share_of_rate": 0.5} | more


ROWS = [
    *(run("quickstart", 10, n, [0.5, 0.7, 0.7], 10 + n) for n in range(3)),
    *(run("our MLP", 1, n, [0.875 + n / 200], 1) for n in range(3)),
    *(run("our MLP", 2, n, [0.86, 0.89], 1) for n in range(3)),
    *(run("our ResNet, 2 blocks", 6, n, [0.92, 0.935], 20 + n) for n in range(3)),
    run("our MLP", 1, 100, [0.99], 0.1, rate=0.003),
    {"recipe": "our ResNet, on CUDA", "epochs": 30, "round": 0, "note": "no CUDA"},
]


@pytest.fixture
def bars(monkeypatch):
    path = ROOT / "experiments" / "speed_bars.py"
    spec = importlib.util.spec_from_file_location("speed_bars", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    races = Experiment("time_to_accuracy", "", ROWS)
    monkeypatch.setattr(module, "load_experiment", lambda name: races)
    return module


def test_a_goal_counts_where_every_round_reaches_it(bars):
    row = bars.measure("our MLP", 1)
    assert (row["rounds"], row["0.85"], row["0.88"]) == (3, [1.0, 1.0, 1.0], [])
    assert bars.measure("our ResNet, 2 blocks", 6)["0.93"] == [40.0, 42.0, 44.0]


def test_a_rate_that_was_tried_is_no_round(bars):
    assert all("rate" not in run for run in bars.runs_of("our MLP", 1))


def test_factor_is_of_medians_to_the_first_best_epoch(bars):
    name = "MLP to 0.88, times sooner than the quickstart to its best"
    row = bars.measure(bar=name)
    assert row == {"measured": 22 / 2, "should be": "at least 10", "kept": True}


def test_slowest_round_counts_for_seconds(bars):
    row = bars.measure(bar="residual network, seconds to 0.93, slowest round")
    assert (row["measured"], row["kept"]) == (44, True)
    row = bars.measure(bar="residual network, seconds to 0.94, slowest round")
    assert (row["measured"], row["kept"]) == (None, "")


def test_what_was_not_run_says_so(bars):
    assert bars.measure("our ResNet, on CUDA", 30) == {"note": "not run"}
    row = bars.measure(bar="GPU, seconds to 0.949, slowest round")
    assert row["measured"] is None
