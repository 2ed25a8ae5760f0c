"""Lesson 03: what dropout does to a number, on average and after BatchNorm."""

import math

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception

SURVIVOR = Exercise(
    "dropout.survivor",
    lambda value, p: value / (1 - p),
    (
        Misconception(
            "no rescaling",
            lambda value, p: value,
            "You leave the survivor as it is. Then the mean over all masks is too "
            "small by the factor 1 - p, so divide by it.",
        ),
        Misconception(
            "scaled by 1/p",
            lambda value, p: value / p,
            "You divide by p, the share that is dropped. What makes up for the loss "
            "is the share that survives: 1 - p.",
        ),
        Misconception(
            "shrunk",
            lambda value, p: value * (1 - p),
            "You multiply by 1 - p, which makes the survivor smaller still. It has "
            "to stand in for the dropped ones: divide.",
        ),
        Misconception(
            "raised by p",
            lambda value, p: value * (1 + p),
            "You raise the survivor by the share that is lost. At p = 0.5 that would "
            "give 1.5 of it in half of the draws, 0.75 on average: divide by 1 - p.",
        ),
    ),
    lambda: [(3.0, 0.25), (-2.0, 0.1), (7.0, 0.7)],
)

VARIANCE = Exercise(
    "dropout.variance",
    lambda x, p: x**2 * p / (1 - p),
    (
        Misconception(
            "survivors not rescaled",
            lambda x, p: x**2 * p * (1 - p),
            "This is the variance of `x * mask`. Dividing by 1 - p divides the "
            "variance by (1 - p)².",
        ),
        Misconception(
            "standard deviation",
            lambda x, p: x.abs() * math.sqrt(p / (1 - p)),
            "This is the standard deviation; asked for is its square.",
        ),
        Misconception(
            "x not squared",
            lambda x, p: x * p / (1 - p),
            "A number twice as large varies by twice as much, so its variance is four "
            "times as large: x is squared.",
        ),
        Misconception(
            "mean square",
            lambda x, p: x**2 / (1 - p),
            "This is the mean of the square. The variance is that less the square of "
            "the mean, and the mean is x.",
        ),
        Misconception(
            "p and 1 - p exchanged",
            lambda x, p: x**2 * (1 - p) / p,
            "p and 1 - p are exchanged: with p = 0 nothing is dropped and nothing "
            "varies, and yours would be infinite.",
        ),
    ),
    lambda: [(*randn((n, 3)), p) for n, p in [(1, 0.3), (4, 0.5), (5, 0.8)]],
)

SHIFT = Exercise(
    "dropout.shift",
    lambda p: math.sqrt(1 - p),
    (
        Misconception(
            "variance",
            lambda p: 1 - p,
            "This is the variance that comes out. Asked for is the spread, its root.",
        ),
        Misconception(
            "upside down",
            lambda p: 1 / math.sqrt(1 - p),
            "This is the spread while training, before BatchNorm divides by it. In "
            "evaluation an input of spread 1 is divided by that number.",
        ),
        Misconception(
            "no shift",
            lambda p: 1.0,
            "BatchNorm gives a spread of 1 only if the input varies as it did in "
            "training, and dropout made it vary more then.",
        ),
        Misconception(
            "share dropped",
            lambda p: math.sqrt(p),
            "You take the share dropped. With p = 0 nothing is shifted: the answer "
            "must then be 1.",
        ),
    ),
    lambda: [(0.2,), (0.5,), (0.75,)],
)
