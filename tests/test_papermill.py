"""Every lesson runs with other parameters than its own, and without a network.

On the way each of its figures is looked at: no text and no mark may be hard to see.
The network is cut off for the kernel too, and no downloaded data can be found: the
lessons have what they bring along, and lesson 10 its embedded default.
"""

import papermill
import pytest

from course_utils.display.bundles import ERROR_CLASS
from tests.lessons import LESSONS, quick, solutions
from tests.running import (
    bare_course,
    changed_parameters,
    checked_copy,
    offline_environment,
    run_lesson,
    states_of,
    text_of,
    with_figures_watched,
)
from tests.support.looks import GOOD, LOG

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", params=quick("00", "06"))
def executed(request, tmp_path_factory):
    """A lesson, executed offline with other parameters; and what it tried to reach."""
    lesson, folder = request.param, tmp_path_factory.mktemp("offline")
    course, log = bare_course(folder / "course"), folder / "attempts"
    figures = folder / "figures"
    with pytest.MonkeyPatch.context() as patch:
        for name in ["COURSE_DATA", "COURSE_OFFLINE", "COURSE_DEVICE"]:
            patch.delenv(name, raising=False)
        for name, value in offline_environment(course, log).items():
            patch.setenv(name, value)
        patch.setenv(LOG, str(figures))
        parameters = changed_parameters(lesson, device="cpu")
        watched = with_figures_watched(checked_copy(lesson, folder), folder)
        notebook = run_lesson(watched, parameters, course / "notebooks")
    attempts, looks = (
        file.read_text(encoding="utf-8") if file.exists() else ""
        for file in (log, figures)
    )
    return lesson, notebook, attempts, looks


def test_other_parameters_reach_the_lesson(executed):
    _, notebook, *_ = executed
    assert "Device: cpu. Seed: 1." in text_of(notebook)


def test_solutions_hold_for_another_seed(executed):
    _, notebook, *_ = executed
    assert states_of(notebook.cells[-1]) == ["correct"] * len(solutions(notebook))


def test_no_text_or_mark_of_a_figure_is_hard_to_see(executed):
    *_, looks = executed
    assert looks, "no figure was looked at"
    assert set(looks.splitlines()) == {GOOD}


def test_nothing_failed(executed):
    _, notebook, *_ = executed
    assert ERROR_CLASS not in text_of(notebook)
    kinds = [o.output_type for c in notebook.cells for o in c.get("outputs", [])]
    assert kinds and "error" not in kinds


def test_only_the_data_is_looked_for_on_the_network(executed):
    _, notebook, attempts, _ = executed
    instead = {"load_fashion_mnist(": "FashionSketch", "load_smollm(": "not on this"}
    used = [
        notice
        for call, notice in instead.items()
        if any(call in cell.source for cell in notebook.cells)
    ]
    assert bool(attempts) == bool(used), "what is tried is the download of data"
    for notice in used:
        assert notice in text_of(notebook)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_other_parameters_are_the_lessons_own(lesson):
    assert set(changed_parameters(lesson)) <= set(papermill.inspect_notebook(lesson))
