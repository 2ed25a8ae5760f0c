"""Every experiment: its results are those of its settings, and one row comes again."""

import importlib.util
import math
from datetime import date
from statistics import fmean

import pytest

from course_utils import load_experiment
from tests.lessons import ROOT

SCRIPTS = sorted((ROOT / "experiments").glob("*.py"))
EACH = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
LONG = 100  # seconds for all rows, from which on one of them is the nightly run's


def seconds(script):
    """Return what an experiment took; 0 where it is still to be run."""
    if not (script.parent / "results" / f"{script.stem}.json").exists():
        return 0.0
    return load_experiment(script.stem).seconds


BY_TIME = pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            script,
            id=script.stem,
            marks=pytest.mark.nightly if seconds(script) > LONG else pytest.mark.all,
        )
        for script in SCRIPTS
    ],
)


def load(script):
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def means(row, ranges):
    """Return the mean of each column that has a range: a number, or one per seed."""
    return {
        name: fmean([row[name]] if isinstance(row[name], int | float) else row[name])
        for name in ranges
    }


def outside(row, ranges):
    found = means(row, ranges)
    return {n: v for n, v in found.items() if not ranges[n][0] <= v <= ranges[n][1]}


@EACH
def test_results_are_those_of_the_settings(script):
    module, experiment = load(script), load_experiment(script.stem)
    assert experiment.question == module.__doc__
    assert len(experiment.rows) == len(module.SETTINGS)
    for row, setting in zip(experiment.rows, module.SETTINGS, strict=True):
        assert setting.items() <= row.items()


@EACH
def test_stored_row_lies_in_its_range(script):
    module = load(script)
    index, ranges = module.RERUN
    assert ranges
    assert outside(load_experiment(script.stem).rows[index], ranges) == {}


@BY_TIME
@pytest.mark.timeout(900)
def test_one_row_comes_again(script):
    module = load(script)
    index, ranges = module.RERUN
    assert outside(module.measure(**module.SETTINGS[index]), ranges) == {}


def test_a_row_outside_its_range_is_seen():
    assert outside({"a": [0.5, 0.7]}, {"a": (0.55, 0.65)}) == {}
    assert outside({"a": [0.5, 0.7]}, {"a": (0.61, 0.65)}) == {"a": pytest.approx(0.6)}
    assert math.isnan(outside({"a": math.nan}, {"a": (0, 1)})["a"])


def test_no_date_to_translate_is_in_two_parts():
    parts = load(ROOT / "experiments" / "translation.py")
    days = [set(parts.days_of(part)) for part in ("training", "validation", "test")]
    years = [{day.year for day in part} for part in days]
    assert [len(part) for part in years] == [160, 20, 20]
    assert set().union(*years) == set(range(1900, 2100))
    assert sum(map(len, days)) == (date(2100, 1, 1) - date(1900, 1, 1)).days
