"""Playgrounds moved without a page."""

from itertools import pairwise

import pytest

from course_utils import playground
from course_utils.authoring.playing import move, shown, states


def draw(ax, slope=1.0, shape="line", grid=False):
    if slope == 2.0:
        raise ValueError("too steep")
    ax.plot([0, slope])


@pytest.fixture
def frame():
    with shown() as frames:
        playground(draw, "A line.", slope=(0.0, 2.0), shape=["line", "dot"], grid=False)
    (frame,) = frames
    return frame


def test_a_move_draws_anew_and_takes_time(frame):
    before = frame.picture
    assert move(frame, {"slope": 0.5, "shape": 0, "grid": False}) > 0
    assert frame.picture != before


def test_a_move_that_fails_is_told(frame):
    with pytest.raises(RuntimeError, match="too steep"):
        move(frame, {"slope": 2.0, "shape": 0, "grid": False})


def test_all_controls_move(frame):
    found = list(states(frame, 4))
    assert all(a != b for a, b in pairwise(found))
    for name in ("slope", "shape", "grid"):
        assert len({state[name] for state in found}) > 1
