"""What a learner moves, and what draw gets for it."""

import json

import pytest

from course_utils import Matrix, Steps
from course_utils.display.controls import controls_of


def control(spec, *default):
    if default:

        def draw(ax, p=default[0]):
            pass
    else:

        def draw(ax, p):
            pass

    return controls_of(draw, {"p": spec})["p"]


@pytest.mark.parametrize(
    ("spec", "kind", "start"),
    [
        (True, "switch", True),
        ("tree", "entry", "tree"),
        ((0, 10), "slider", 5),
        ((0.0, 2.0), "slider", 1.0),
        ((0, 1, 0.25), "slider", 0.5),
        (["a", "b"], "menu", 0),
        ({"small": 0.1, "large": 0.9}, "menu", 0),
        (Steps(2, 9), "steps", 2),
        (Matrix([[1, 0]], -2, 2), "matrix", [[1, 0]]),
    ],
)
def test_type_chooses_the_control(spec, kind, start):
    page = control(spec).page()
    assert (page["kind"], page["start"]) == (kind, start)
    assert json.loads(json.dumps(page)) == page


@pytest.mark.parametrize(
    ("spec", "default", "start"),
    [
        (True, False, False),
        ((0, 10), 3, 3),
        (["a", None], None, 1),
        (Steps(2, 9), 4, 4),
        (Matrix([[1]], 0, 2), 0, [[1]]),
    ],
)
def test_it_starts_at_the_default_of_draw(spec, default, start):
    assert control(spec, default).page()["start"] == start


def test_steps_can_be_given_twice():
    steps = Steps(0, 9)
    assert control(steps, 4).start == 4
    assert steps.start == 0


@pytest.mark.parametrize(
    ("spec", "held", "value"),
    [
        ((0, 10), 3, 3),
        ((0.0, 2.0), 2, 2.0),
        ((0, 1, 0.5), 1, 1.0),
        ([0.01, None], 1, None),
        ({"small": 0.1, "large": 0.9}, 1, 0.9),
        (Matrix([[1, 0]], -2, 2), [[2, 1]], [[2, 1]]),
        (Matrix([[1, 0]], -2, 2, 0.5), [[2, 1]], [[2.0, 1.0]]),
    ],
)
def test_draw_gets_numbers_of_the_type_given(spec, held, value):
    got = control(spec).value(held)
    assert repr(got) == repr(value)


@pytest.mark.parametrize("spec", [object(), 1.5, None, (0,), ("a", "b"), (0, 1, 2, 3)])
def test_what_fits_no_control_is_refused(spec):
    with pytest.raises(TypeError, match=r"no control fits p=.*: give True or False"):
        control(spec)


@pytest.mark.parametrize(
    ("spec", "default", "sentence"),
    [
        ((2, 1), 1, "no range: 2 to 1"),
        ((0, 1, 0), 1, "in steps of 0"),
        ((0, 2), 5, r"p=\(0, 2\): it starts at 5, outside 0 to 2"),
        (["a", "b"], "c", "it starts at 'c', which is no option"),
        ([], None, "a menu needs an option"),
    ],
)
def test_what_cannot_start_is_refused(spec, default, sentence):
    with pytest.raises(ValueError, match=sentence):
        control(spec, default)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "needs rows"),
        ([[]], "needs rows"),
        ([[1, 2], [3]], "equally long"),
        ([[1, 5]], "outside 0 to 3"),
    ],
)
def test_broken_matrix_is_refused(rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        Matrix(rows, 0, 3)


def test_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="takes no parameter 'angle'"):
        controls_of(lambda ax: None, {"angle": (0, 1)})
