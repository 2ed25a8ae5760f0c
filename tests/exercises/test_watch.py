"""What a learner's module does beside what it returns."""

import pytest
import torch
from torch import nn

from course_utils.exercises.watch import hidden_modules, watched_call


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
