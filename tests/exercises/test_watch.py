"""What a learner's module does beside what it returns."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.watch import (
    MultiplyAdds,
    counted_call,
    hidden_modules,
    watched_call,
)


class Shrinking(nn.Module):
    """Changes its weight at each call."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        self.layer.weight.data /= 2
        return self.layer(x)


class InPlace(nn.Module):
    """Changes its input, through a name that shares its numbers."""

    def forward(self, x):
        rows = x.flatten(1)
        rows -= 1
        return rows


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (Shrinking(), "`forward` changes the parameter `layer.weight`"),
        (InPlace(), "`forward` changes its input in place"),
        (nn.ReLU(inplace=True), "`forward` changes its input in place"),
    ],
)
def test_change_is_told(net, words):
    with pytest.raises(ValueError, match=words):
        watched_call(net, torch.tensor([[1.0, -2.0, 3.0]]))


def test_clean_call_returns_the_result():
    x = torch.tensor([[1.0, float("nan"), 3.0]])
    assert watched_call(nn.Identity(), x) is x
    with torch.no_grad():
        net = nn.Linear(3, 2)
        net.weight.fill_(float("nan"))
    assert watched_call(net, x).shape == (1, 2)


def test_modules_in_plain_lists_are_found():
    net = nn.Module()
    net.known = nn.ReLU()
    net.pair, net.named = [net.known, nn.Tanh()], {"a": nn.GELU()}
    assert [type(m) for m in hidden_modules(net)] == [nn.Tanh, nn.GELU]


def around(function):
    """Return a module that calls a function."""
    net = nn.Module()
    net.forward = function
    return net


WEIGHT = torch.ones(6, 2, 3, 3)
WORK = [
    (nn.Conv2d(2, 6, 3), 6 * 3 * 3 * 18),
    (nn.Conv2d(2, 6, 3, groups=2), 6 * 3 * 3 * 9),
    (nn.ConvTranspose2d(2, 6, 3, stride=2), 2 * 5 * 5 * 54),
    (nn.Linear(5, 3), 2 * 5 * 15),
    (nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(50, 3, bias=False)), 150),
    # Without a layer, or past its hooks, it is the same work.
    (around(lambda x: F.conv2d(x, WEIGHT)), 6 * 3 * 3 * 18),
    (around(nn.Linear(5, 3).forward), 2 * 5 * 15),
    (around(lambda x: x @ x.mT), 2 * 5 * 25),
    (around(lambda x: x.flatten(1) @ torch.ones(50, 3)), 150),
    (around(lambda x: x.relu() * 2 + x.mean()), 0),
]


@pytest.mark.parametrize(("net", "work"), WORK)
def test_multiply_adds_are_counted_whoever_computes_them(net, work):
    x = torch.ones(3, 2, 5, 5, requires_grad=True)
    result, counted = counted_call(net, x)
    assert counted == work
    assert result.equal(net(x))


def test_counts_in_each_other_both_count():
    with MultiplyAdds() as outer:
        with MultiplyAdds() as inner, pytest.raises(RuntimeError):
            nn.Linear(2, 3)(torch.ones(1, 2)) @ torch.ones(7)
        nn.Linear(2, 3)(torch.ones(1, 2))
    nn.Linear(2, 3)(torch.ones(1, 2))
    assert (inner.count, outer.count) == (6, 12)
