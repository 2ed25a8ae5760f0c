"""An experiment keeps its rows as it goes, and goes on where it stopped."""

import pytest

from course_utils.authoring.record import record
from course_utils.data.experiments import read_experiment

SETTINGS = [{"n": 1}, {"n": 2}, {"n": 3}]


def double(n):
    return {"double": 2 * n}


def run(folder, measure=double, **options):
    script = folder / "double.py"
    return record(str(script), "What is 2n?", SETTINGS, measure, **options)


def test_rows_hold_settings_and_results_and_are_saved(tmp_path, capsys):
    experiment = run(tmp_path)
    assert experiment.rows == [{"n": n, "double": 2 * n} for n in (1, 2, 3)]
    assert read_experiment(tmp_path / "results" / "double.json") == experiment
    assert capsys.readouterr().out.count("\n") == 3


def test_interrupted_experiment_keeps_its_rows_and_goes_on(tmp_path):
    measured = []

    def fragile(n):
        measured.append(n)
        if measured == [1, 2]:
            raise KeyboardInterrupt
        return double(n)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, fragile)
    assert len(run(tmp_path, fragile).rows) == 3
    assert measured == [1, 2, 2, 3]


def test_fresh_measures_every_row_anew(tmp_path):
    run(tmp_path)
    measured = []
    run(tmp_path, lambda n: measured.append(n) or double(n), fresh=True)
    assert measured == [1, 2, 3]


def test_time_spent_before_the_interruption_counts(tmp_path):
    first = run(tmp_path)
    assert run(tmp_path).seconds > first.seconds
