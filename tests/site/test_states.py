"""Which states of a playground are drawn beforehand."""

from itertools import pairwise

import pytest

from course_utils.display.controls import Entry, Matrix, Menu, Slider, Steps, Switch
from course_utils.site.states import alone, axes_of, held, plan, reaching

LINE = {"w": Slider(-1.0, 3.0, 0.1), "b": Slider(-2.0, 2.0, 0.1)}
KERNEL = Matrix([[0, 0, 0], [0, 1, 0], [0, 0, 0]], low=-3, high=3)
SIZES = {
    "size": Slider(4, 16),
    "kernel": Slider(1, 5),
    "stride": Slider(1, 4),
    "padding": Slider(0, 3),
    "dilation": Slider(1, 3),
}
EVERY = {
    "word": Entry("attention"),
    "head": Menu(["a", "b", "c"]),
    "mask": Switch(True),
    "step": Steps(0, 3),
    "weight": Matrix([[1.0, 0.5]], -1.0, 1.0, 0.5),
}


@pytest.mark.parametrize("controls", [LINE, SIZES, EVERY, {"kernel": KERNEL}])
@pytest.mark.parametrize("most", [120, 400])
def test_a_plan_keeps_to_its_limit_and_has_the_start_and_each_axis_alone(
    controls, most
):
    found = plan(controls, most)
    assert len(set(found.states)) == len(found) <= most
    start = {name: control.start for name, control in controls.items()}
    assert found.held(found.states[0], controls) == start
    assert set(alone(found.axes)) <= set(found.states)


def test_all_combinations_where_there_is_room():
    found = plan(EVERY, most=1000)
    assert found.is_complete
    assert len(found) == 3 * 2 * 4 * 5 * 5
    assert len({str(found.held(state, EVERY)) for state in found}) == len(found)


def away(found, state):
    """Return which axes are away from their start."""
    pairs = enumerate(zip(found.axes, state, strict=True))
    return {n for n, (axis, place) in pairs if place != axis.rest}


def test_sliders_keep_their_ends_in_larger_equal_steps():
    found = plan(LINE, most=400)
    assert found.is_complete
    for axis, control in zip(found.axes, LINE.values(), strict=True):
        shown = control.page()
        assert (axis.stops[0], axis.stops[-1]) == (shown["low"], shown["high"])
        assert axis.stops[axis.rest] == pytest.approx(control.start)
        steps = {round(b - a, 9) for a, b in pairwise(axis.stops)}
        assert len(steps) == 1


def test_where_no_equal_steps_fit_a_goal_of_two_sliders_is_reached():
    two = {"a": Slider(1, 30), "b": Slider(1, 30)}

    def reaches(axes, state):
        return held(axes, state, two) == {"a": 30, "b": 1}

    found = plan(two, 400, reaches)
    assert not found.is_complete
    assert any(reaches(found.axes, state) for state in found)


def test_without_room_for_all_any_two_move_together():
    found = plan(SIZES, most=400)
    pairs = {frozenset(away(found, state)) for state in found}
    assert max(map(len, pairs)) == 2
    assert len([pair for pair in pairs if len(pair) == 2]) == 10


def test_those_move_together_that_a_goal_needs():
    wished = {"stride": 1, "padding": 3, "dilation": 3}

    def reaches(axes, state):
        values = held(axes, state, SIZES)
        return all(values[name] == value for name, value in wished.items())

    found = plan(SIZES, 400, reaches)
    assert len(found) <= 400
    assert any(reaches(found.axes, state) for state in found)
    assert reaching(found.axes, lambda *_: False) is None


def test_all_numbers_of_a_matrix_move_where_a_goal_needs_that():
    turn = {"weight": Matrix([[1.0, 0.5], [0.0, 1.5]], -2.0, 2.0, 0.5)}

    def reaches(axes, state):
        return held(axes, state, turn)["weight"] == [[0, -1], [1, 0]]

    found = plan(turn, 400, reaches)
    assert len(found) <= 400
    assert sum(reaches(found.axes, state) for state in found) == 1


def test_the_numbers_of_a_matrix_move_one_by_one():
    found = plan({"kernel": KERNEL}, most=400)
    assert len(found) == 1 + 9 * 6
    assert {axis.cell for axis in found.axes} == {
        (r, c) for r in range(3) for c in range(3)
    }
    before = [row[:] for row in KERNEL.start]
    for state in found:
        found.held(state, {"kernel": KERNEL})
    assert KERNEL.start == before


def test_a_start_between_two_stops_is_a_stop():
    slider = Slider(0.0, 1.0, 0.25)
    slider.start_at(0.3)
    (axis,) = axes_of("p", slider)
    assert axis.stops == (0.0, 0.25, 0.3, 0.5, 0.75, 1.0)
    assert axis.stops[axis.rest] == 0.3
