"""Lesson 06: the way back through a maximum."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _route(x, g, share):
    """Give the two of each pair the parts `share(first, second)` of g."""
    parts = share(*x.unfold(-1, 2, 2).unbind(-1))
    return torch.stack([g * part for part in parts], -1).flatten(-2)


def _route_cases() -> list[tuple]:
    (x, g), (one, h), (tied, j) = (
        randn((3, 8), (3, 4)),
        randn((1, 2), (1, 1)),
        randn((2, 20), (2, 10), seed=2),
    )
    return [(x, g), (one, h), (tied.round(), j)]  # rounding makes equal neighbours


ROUTE = Exercise(
    "pooling.route",
    lambda x, g: _route(x, g, lambda a, b: (a >= b, a < b)),
    (
        Misconception(
            "spread",
            lambda x, g: g.repeat_interleave(2, -1) / 2,
            "You give each of the two a half. That is what average pooling does; a "
            "maximum depends on the winner alone.",
        ),
        Misconception(
            "to both",
            lambda x, g: g.repeat_interleave(2, -1),
            "Both of a pair get the whole gradient. The smaller one could change a "
            "little and nothing would happen: its gradient is 0.",
        ),
        Misconception(
            "to the loser",
            lambda x, g: _route(x, g, lambda a, b: (a < b, a >= b)),
            "The gradient goes to the smaller of the two: turn the comparison round.",
        ),
        Misconception(
            "last of equals",
            lambda x, g: _route(x, g, lambda a, b: (a > b, a <= b)),
            "Right but for ties: PyTorch gives the gradient to the first of equal "
            "numbers, so the first wins with `>=`.",
        ),
        Misconception(
            "both of equals",
            lambda x, g: _route(x, g, lambda a, b: (a >= b, a <= b)),
            "Right but for ties: where the two are equal, both get all of it. PyTorch "
            "gives it to the first alone.",
        ),
        Misconception(
            "equals share",
            lambda x, g: _route(
                x,
                g,
                lambda a, b: ((a >= b) / (1 + (a == b)), (a <= b) / (1 + (a == b))),
            ),
            "Right but for ties: you let equal numbers share, as `amax` does. The "
            "pooling layers give it to the first alone.",
        ),
        Misconception(
            "values passed on",
            lambda x, g: _route(x, g, lambda a, b: (a * (a >= b), b * (a < b))),
            "You multiply by the winner's value. The output *is* the winner, so the "
            "gradient reaches it unchanged.",
        ),
    ),
    _route_cases,
)
