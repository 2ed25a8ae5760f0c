"""Lesson 02: ReLU, its leaky relative, and the slope of the sigmoid."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _inputs() -> list[tuple]:
    return [randn(shape) for shape in [(5,), (1, 3), (4, 3), (2, 3, 4)]]


RELU = Exercise(
    "activations.relu",
    lambda x: torch.relu(x),
    (
        Misconception(
            "abs",
            lambda x: x.abs(),
            "You turn negative numbers into positive ones, which is `abs`. ReLU "
            "replaces them by 0.",
        ),
        Misconception(
            "wrong half",
            lambda x: x.clamp(max=0),
            "You keep the negative half. ReLU keeps what is above 0: the bigger of x "
            "and 0, so 0 is the smallest value allowed (`min=0`).",
        ),
        Misconception(
            "step",
            lambda x: (x > 0).to(x.dtype),
            "You give 1 wherever x is positive: that is the step. ReLU lets the "
            "number itself through.",
        ),
        Misconception(
            "mask",
            lambda x: x > 0,
            "`x > 0` is True or False. Multiply x by it, or choose with `torch.where`.",
        ),
        Misconception(
            "Python's max",
            lambda x: max(0, x),
            "Python's `max(0, x)` asks whether the whole tensor is bigger than 0. To "
            "compare number by number: `x.clamp(min=0)`.",
        ),
        Misconception(
            "largest number",
            lambda x: x.max().clamp(min=0),
            "`x.max()` is the largest of all numbers, a single one. ReLU works on "
            "each number alone and keeps the shape.",
        ),
    ),
    _inputs,
)

LEAKY = Exercise(
    "activations.leaky",
    lambda x, slope: torch.where(x > 0, x, slope * x),
    (
        Misconception(
            "slope on the wrong side",
            lambda x, slope: torch.where(x > 0, slope * x, x),
            "Your slope is on the wrong side: positive numbers pass unchanged, and "
            "negative ones are multiplied by `slope`.",
        ),
        Misconception(
            "maximum",
            lambda x, slope: torch.maximum(x, slope * x),
            "The bigger of `x` and `slope * x` is right only while slope is below 1; "
            "the check also tries 2. Decide by the sign of x.",
        ),
        Misconception(
            "sign turned",
            lambda x, slope: torch.where(x > 0, x, -slope * x),
            "Your negative half points upwards: below 0 the output is `slope * x`, "
            "which is negative.",
        ),
        Misconception(
            "slope as a value",
            lambda x, slope: torch.where(x > 0, x, torch.full_like(x, slope)),
            "Below 0 you return the slope itself. It is a factor: `slope * x`.",
        ),
        Misconception(
            "added everywhere",
            lambda x, slope: x.relu() + slope * x,
            "`relu(x) + slope * x` adds the leak on both sides, so positive numbers "
            "grow by 1 + slope. The leak belongs to the negative ones.",
        ),
        Misconception(
            "Python's if",
            lambda x, slope: x if x > 0 else slope * x,
            "A Python `if` decides once for the whole tensor. To decide number by "
            "number: `torch.where(x > 0, ..., ...)`.",
        ),
        Misconception(
            "no leak",
            lambda x, slope: x.relu(),
            "This is ReLU: below 0 it gives 0. Let `slope * x` through there.",
        ),
    ),
    lambda: [
        (*randn(shape), slope)
        for shape, slope in [((5,), 0.1), ((4, 3), 0.25), ((1, 7), 2.0)]
    ],
)

SIGMOID_SLOPE = Exercise(
    "activations.sigmoid_slope",
    lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x)),
    (
        Misconception(
            "plus",
            lambda x: torch.sigmoid(x) * (1 + torch.sigmoid(x)),
            "σ(1 + σ) grows up to 2, and a sigmoid is flat on the right. The sign is "
            "a minus: σ(1 - σ).",
        ),
        Misconception(
            "x for σ",
            lambda x: x * (1 - x),
            "You put x itself into s(1 - s). The s there is the output, σ(x).",
        ),
        Misconception(
            "the function itself",
            lambda x: torch.sigmoid(x),
            "This is the sigmoid. Asked for is its slope, which is 0.25 at x = 0.",
        ),
        Misconception(
            "inner minus lost",
            lambda x: -torch.sigmoid(x) * (1 - torch.sigmoid(x)),
            "Your slope is negative, but a sigmoid rises everywhere: the minus of "
            "exp(-x) has been lost on the way.",
        ),
        Misconception(
            "tanh's rule",
            lambda x: 1 - torch.sigmoid(x) ** 2,
            "1 - s² is the rule for tanh. For the sigmoid it is s(1 - s).",
        ),
        Misconception(
            "square lost",
            lambda x: 1 - torch.sigmoid(x),
            "This is 1 - σ, half of the product, or the quotient rule without its "
            "square: σ · (1 - σ).",
        ),
    ),
    _inputs,
)
