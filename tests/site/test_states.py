"""Which states of a playground are drawn beforehand."""

import pytest

from course_utils.display.controls import Entry, Matrix, Menu, Slider, Steps, Switch
from course_utils.site.states import axes_of, count, plans

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
@pytest.mark.parametrize("most", [60, 400])
def test_every_plan_keeps_to_its_limit_and_has_the_start(controls, most):
    found = list(plans(controls, most))
    for plan in found:
        states = list(plan)
        assert len(states) == len(set(states)) == len(plan)
        assert len(plan) <= most or plan is found[-1]
        start = {name: control.start for name, control in controls.items()}
        assert plan.held(states[0], controls) == start


def test_all_combinations_where_there_is_room():
    plan = next(plans(EVERY, most=1000))
    assert plan.is_complete
    assert len(plan) == 3 * 2 * 4 * 5 * 5
    held = {str(plan.held(state, EVERY)) for state in plan}
    assert len(held) == len(plan)


def test_sliders_are_thinned_to_be_moved_together_and_keep_their_ends():
    for plan in list(plans(LINE, most=400))[:-1]:
        for axis, control in zip(plan.axes, LINE.values(), strict=True):
            shown = control.page()
            assert axis.stops[0] == shown["low"]
            assert axis.stops[-1] == shown["high"]
            assert axis.stops[axis.rest] == pytest.approx(control.start)


def test_more_than_there_is_room_for_moves_fewer_at_a_time():
    plan = next(plans(SIZES, most=400))
    assert plan.together == 2
    rest = [axis.rest for axis in plan.axes]
    for state in plan:
        assert sum(a != b for a, b in zip(state, rest, strict=True)) <= 2


def test_the_numbers_of_a_matrix_move_one_by_one():
    plan = list(plans({"kernel": KERNEL}, most=400))[-1]
    assert len(plan) == 1 + 9 * 6
    assert {axis.cell for axis in plan.axes} == {
        (r, c) for r in range(3) for c in range(3)
    }
    before = [row[:] for row in KERNEL.start]
    for state in plan:
        plan.held(state, {"kernel": KERNEL})
    assert KERNEL.start == before


def test_a_start_between_two_stops_is_a_stop():
    slider = Slider(0.0, 1.0, 0.25)
    slider.start_at(0.3)
    (axis,) = axes_of("p", slider)
    assert axis.stops == (0.0, 0.25, 0.3, 0.5, 0.75, 1.0)
    assert axis.stops[axis.rest] == 0.3


def test_states_are_counted_without_being_listed():
    plan = next(plans(SIZES, most=400))
    assert count(plan.axes, 2) == len(list(plan))
