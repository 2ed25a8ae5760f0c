"""Which cells of a lesson run for its playgrounds."""

from contextlib import contextmanager

import nbformat
import pytest
import torch

from course_utils.site.needed import needed
from tests.lessons import LESSONS

EVALUATING = "def evaluating(m):\n    yield m.eval()\n    m.train()"


@pytest.mark.parametrize(
    ("sources", "places"),
    [
        (["x = 1", "y = 2", "draw(x)"], [0, 2]),
        (["x = 1", "x = 2", "draw(x)"], [1, 2]),
        (["x = 1", "x = x + 1", "draw(x)"], [0, 1, 2]),
        (["x = 1", "x += 1", "draw(x)"], [0, 1, 2]),
        (["x = []", "x.append(1)", "print(x)", "draw(x)"], [0, 1, 3]),
        (["x = {}", "x['a'] = 1", "draw(x)"], [0, 1, 2]),
        (
            ["def fit(m): m.step()", "m = net()", "loss = fit(m)", "draw(m)"],
            [0, 1, 2, 3],
        ),
        (["k = 1", "def f(x):\n    return k * x", "x = 3", "draw(f)"], [0, 1, 3]),
        (["import torch", "x = torch.ones(2)", "torch.ones(3)", "draw(x)"], [0, 1, 3]),
        (
            ["def see(m): return m.sum()", "m = net()", "s = see(m)", "draw(m)"],
            [1, 3],
        ),
        (
            [
                "def step(m): m.step()",
                "def fit(data, m):\n    step(m)",
                "m, data = net(), load()",
                "fit(data, spare)",
                "fit(rows, m)",
                "draw(m, data)",
            ],
            [0, 1, 2, 4, 5],
        ),
        (
            ["for a in [1]: print(a)", "for a in [2]: b = a", "draw(b)"],
            [1, 2],
        ),
        (["a = 1", "for b in [2]: a += b", "draw(a)"], [0, 1, 2]),
        (["a = 1", "if yes: a = 2", "draw(a)"], [0, 1, 2]),
        (["%matplotlib inline\nx = 1", "draw(x)"], [0, 1]),
        (["x = [1]", "# @title Drawing: x\nbars(x)", "draw(x)"], [0, 2]),
        (["x = [1]", "bars(x)", "draw(x)"], [0, 1, 2]),
        (["x = [1]", "log.append(f(x))", "draw(x)"], [0, 2]),
        (["def fit(m): m.step()", "d = 'cpu'", "fit(net().to(d))", "draw(d)"], [1, 3]),
        (
            ["def fit(m): m.step()", "m = net()", "fit(wrapped(m))", "draw(m)"],
            [0, 1, 2, 3],
        ),
        (
            ["from torch import nn", "w = [0]", "nn.init.ones_(w)", "draw(w)"],
            [0, 1, 2, 3],
        ),
        (
            [
                EVALUATING,
                "m = net()",
                "with evaluating(m): y = m(1)",
                "def see(m):\n    with evaluating(m): return m(1)",
                "z = see(m)",
                "draw(m)",
            ],
            [1, 5],
        ),
        (
            [EVALUATING, "m = net()", "with evaluating(m): m.w.add_(1)", "draw(m)"],
            [0, 1, 2, 3],
        ),
        (
            [EVALUATING, "m = net()", "with evaluating(m): y = m(1)", "draw(m, y)"],
            [0, 1, 2, 3],
        ),
    ],
)
def test_the_cells_that_a_goal_needs_are_found(sources, places):
    assert needed(sources, [len(sources) - 1]) == places


def test_no_goal_needs_nothing():
    assert needed(["import torch", "x = 1"], []) == []


def test_evaluating_of_each_lesson_leaves_the_model_as_it_was():
    """Else its cells must not be left out."""
    found = []
    for path in LESSONS:
        for cell in nbformat.read(path, as_version=4).cells:
            if "def evaluating" in cell.source:
                found.append(cell.source)
    assert found
    for source in found:
        space = {"contextmanager": contextmanager, "torch": torch}
        exec(source, space)
        for mode in (True, False):
            model = torch.nn.Dropout().train(mode)
            with space["evaluating"](model):
                assert not model.training
            assert model.training == mode
