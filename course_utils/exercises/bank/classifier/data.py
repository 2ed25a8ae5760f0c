"""Lesson 10: counting a network's parameters, and normalising its data."""

from itertools import pairwise

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception

COUNT = Exercise(
    "classifier.count",
    lambda sizes: sum(a * b + b for a, b in pairwise(sizes)),
    (
        Misconception(
            "no biases",
            lambda sizes: sum(a * b for a, b in pairwise(sizes)),
            "You count the weights alone. Each output of a layer has a bias too.",
        ),
        Misconception(
            "a bias per input",
            lambda sizes: sum(a * b + a for a, b in pairwise(sizes)),
            "You count a bias for each input of a layer. Biases belong to outputs.",
        ),
        Misconception(
            "one bias a layer",
            lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes)),
            "You count one bias a layer. There is one for each of its outputs.",
        ),
        Misconception(
            "a bias per pixel",
            lambda sizes: sum(a * b for a, b in pairwise(sizes)) + sum(sizes),
            "You give the input a bias as well. The first number is what comes in; "
            "biases belong to what a layer puts out.",
        ),
        Misconception(
            "neurons",
            lambda sizes: sum(sizes),
            "You add up the neurons. The parameters are the connections between "
            "them, `a * b` for each layer, and the biases.",
        ),
    ),
    lambda: [((784, 512, 512, 10),), ((784, 10),), ((3, 5, 2),), ((7, 1, 7, 4),)],
)


def _by(statistics):
    """Return an answer that normalises each set by `statistics(train, test)`."""

    def answer(train, test):
        (m1, s1), (m2, s2) = statistics(train, test)
        return (train - m1) / s1, (test - m2) / s2

    return answer


def _both(train, test):
    every = torch.cat([train, test])
    return [(every.mean(), every.std())] * 2


def _per_image(train, test):
    dims, keep = (1, 2, 3), {"keepdim": True}
    return [(x.mean(dims, **keep), x.std(dims, **keep)) for x in (train, test)]


NORMALISE = Exercise(
    "classifier.normalise",
    _by(lambda train, test: [(train.mean(), train.std())] * 2),
    (
        Misconception(
            "each by its own",
            _by(lambda train, test: [(x.mean(), x.std()) for x in (train, test)]),
            "You normalise the test set by its own statistics. One picture would then "
            "be given other numbers in other company: use those of `train` for both.",
        ),
        Misconception(
            "statistics of both",
            _by(_both),
            "Your statistics look at the test set as well. Nothing may be learnt "
            "from it: take mean and spread from `train` alone.",
        ),
        Misconception(
            "per pixel",
            _by(lambda train, test: [(train.mean(0), train.std(0))] * 2),
            "You use a mean and a spread for each pixel. Asked for is one number of "
            "each: no `dim`. (A border pixel that is always 0 would divide by 0.)",
        ),
        Misconception(
            "per image",
            _by(_per_image),
            "You normalise each image by itself, so dark and light garments look "
            "alike. Take one mean and one spread over all of `train`.",
        ),
        Misconception(
            "variance",
            _by(lambda train, test: [(train.mean(), train.var())] * 2),
            "You divide by the variance. Divide by its root, the standard deviation.",
        ),
        Misconception(
            "only shifted",
            _by(lambda train, test: [(train.mean(), 1.0)] * 2),
            "The mean is gone, the spread is not 1 yet: divide by `train.std()`.",
        ),
    ),
    lambda: [
        (3 * train + 5, 2 * test + 1)
        for train, test in (
            randn((6, 1, 4, 4), (3, 1, 4, 4)),
            randn((5, 1, 3, 7), (5, 1, 3, 7)),
            randn((4, 1, 2, 2), (1, 1, 2, 2)),
        )
    ],
)
