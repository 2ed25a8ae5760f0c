"""Lesson 04: RMSNorm by hand."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.bank.normalization.steps import normalised
from course_utils.exercises.model import Exercise, Misconception


def _mean_square(x: torch.Tensor) -> torch.Tensor:
    return x.square().mean(-1, keepdim=True)


RMS_NORM = Exercise(
    "normalization.rms_norm",
    lambda x, gamma, eps: x / torch.sqrt(_mean_square(x) + eps) * gamma,
    (
        Misconception(
            "mean subtracted",
            lambda x, gamma, eps: normalised(x, -1, eps) * gamma,
            "You subtract the mean: that is LayerNorm. RMSNorm leaves it in and takes "
            "the mean of the squares of `x` itself.",
        ),
        Misconception(
            "divided by the spread",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.var(-1, correction=0, keepdim=True) + eps) * gamma
            ),
            "You divide by the spread about the mean. RMSNorm knows no mean: take "
            "`x.square().mean(-1, keepdim=True)`.",
        ),
        Misconception(
            "sum of squares",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.square().sum(-1, keepdim=True) + eps) * gamma
            ),
            "You sum the squares, which gives the length. The M in RMS is for mean.",
        ),
        Misconception(
            "length",
            lambda x, gamma, eps: x / x.norm(dim=-1, keepdim=True) * gamma,
            "You divide by the length, the root of the sum of squares. The M in RMS "
            "is for mean, and `eps` belongs under the root.",
        ),
        Misconception(
            "eps outside the root",
            lambda x, gamma, eps: x / (_mean_square(x).sqrt() + eps) * gamma,
            "You add `eps` to the root. It belongs under it.",
        ),
        Misconception(
            "no root",
            lambda x, gamma, eps: x / (_mean_square(x) + eps) * gamma,
            "You divide by the mean square. The R in RMS is for root.",
        ),
        Misconception(
            "gamma before normalising",
            lambda x, gamma, eps: x * gamma / torch.sqrt(_mean_square(x * gamma) + eps),
            "You multiply by `gamma` first, so it counts in the mean square too. "
            "Normalise, then multiply.",
        ),
    ),
    lambda: [
        (*randn(s, (s[-1],)), eps)
        for s in [(1, 5), (2, 4, 7), (3, 3)]
        for eps in (1e-5, 0.5)
    ],
)
