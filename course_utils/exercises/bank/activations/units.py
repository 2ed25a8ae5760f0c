"""Lesson 02: dead units counted, and a maximum built of ReLUs."""

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _hidden() -> list[tuple]:
    """Return outputs of ReLU, some with dead units and some with silent examples."""
    cases = []
    for rows, units, dead, silent in [(4, 6, 2, 1), (5, 3, 1, 0), (6, 4, 0, 2)]:
        h = randn((rows, units), seed=rows)[0].relu()
        h[-1] = h[-1] + 0.5  # an example that wakes every unit
        h[:, :dead] = 0
        h[:silent] = 0
        cases.append((h,))
    return cases


DEAD = Exercise(
    "activations.dead",
    lambda h: int((h == 0).all(dim=0).sum()),
    (
        Misconception(
            "silent examples",
            lambda h: int((h == 0).all(dim=1).sum()),
            "You count examples that wake no unit (rows of zeros). A dead unit is a "
            "column of zeros: look along `dim=0`.",
        ),
        Misconception(
            "sometimes zero",
            lambda h: int((h == 0).any(dim=0).sum()),
            "You count units that are 0 for *some* example. That is their daily work; "
            "dead means 0 for *all*: `all` instead of `any`.",
        ),
        Misconception(
            "zeros counted",
            lambda h: int((h == 0).sum()),
            "You count all zeros. Ask first, for each unit, whether its whole column "
            "is 0.",
        ),
        Misconception(
            "the living",
            lambda h: int((h > 0).any(dim=0).sum()),
            "You count the living units. The dead are the others.",
        ),
        Misconception(
            "a share",
            lambda h: (h == 0).all(dim=0).float().mean().item(),
            "You return the share of dead units; asked for is their number.",
        ),
    ),
    _hidden,
)


def _net(first: list, second: list, bias: list | None = None):
    """Return a design: two weights and two biases, as functions of nothing."""
    b1 = torch.tensor(bias or [0.0] * len(first))
    return lambda: (torch.tensor(first), b1, torch.tensor([second]), torch.zeros(1))


def _apply_net(design, x: torch.Tensor) -> torch.Tensor:
    w1, b1, w2, b2 = (torch.as_tensor(part).to(x) for part in design())
    return F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)


def _pairs() -> list[tuple]:
    corners = torch.tensor([[2.0, -1.0], [-1.0, 2.0], [-3.0, -2.0], [1.5, 1.0]])
    (cloud,) = randn((7, 2))
    return [(corners.to(cloud),), (cloud,), randn((1, 2), seed=3)]


MAXIMUM = Exercise(
    "activations.maximum",
    _net([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, -1.0]),
    (
        Misconception(
            "b never negative",
            _net([[1.0, -1.0], [0.0, 1.0]], [1.0, 1.0]),
            "relu(a - b) + relu(b): right while b is positive. To let a negative b "
            "through as well, subtract relu(-b).",
        ),
        Misconception(
            "sum of ReLUs",
            _net([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]),
            "This adds relu(a) and relu(b). Compare the two: max(a, b) is b plus what "
            "a has over it, relu(a - b).",
        ),
        Misconception(
            "size of b",
            _net([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, 1.0]),
            "relu(b) + relu(-b) is the size of b, without its sign. You want b "
            "itself: relu(b) - relu(-b).",
        ),
        Misconception(
            "difference reversed",
            _net([[-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, -1.0]),
            "You add relu(b - a) to b. What is to be added is what *a* has over b: "
            "relu(a - b).",
        ),
        Misconception(
            "minimum",
            _net([[-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]], [-1.0, 1.0, -1.0]),
            "b - relu(b - a) is the smaller of the two. The bigger is b + relu(a - b).",
        ),
        Misconception(
            "half forgotten",
            _net(
                [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]],
                [1.0, -1.0, 1.0, 1.0],
            ),
            "a + b + |a - b| is twice the maximum: halve the second weight.",
        ),
    ),
    _pairs,
    _apply_net,
)
