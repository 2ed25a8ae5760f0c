"""Lesson 04: LayerNorm by hand."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.bank.normalization.steps import common_mistakes, normalised
from course_utils.exercises.model import Exercise, Misconception


def _layer_norm(x, gamma, beta, eps, dim=-1):
    return normalised(x, dim, eps) * gamma + beta


def _no_keepdim(x, gamma, beta, eps):
    var = x.var(-1, correction=0)
    return (x - x.mean(-1)) / torch.sqrt(var + eps) * gamma + beta


LAYER_NORM = Exercise(
    "normalization.layer_norm",
    lambda x, gamma, beta, eps: _layer_norm(x, gamma, beta, eps),
    (
        *common_mistakes(-1, lambda values: values),
        Misconception(
            "over the batch",
            lambda x, gamma, beta, eps: _layer_norm(x, gamma, beta, eps, 0),
            "You average over the batch (`dim=0`). LayerNorm never looks at another "
            "example: `dim=-1`.",
        ),
        Misconception(
            "over the words",
            lambda x, gamma, beta, eps: _layer_norm(x, gamma, beta, eps, 1),
            "You average over the words (`dim=1`). Each word is normalised by itself, "
            "over its features: `dim=-1`.",
        ),
        Misconception(
            "the whole sentence",
            lambda x, gamma, beta, eps: _layer_norm(x, gamma, beta, eps, (1, 2)),
            "You give a whole sentence one mean. `nn.LayerNorm(D)` gives every word "
            "its own: `dim=-1` alone.",
        ),
        Misconception(
            "no keepdim",
            _no_keepdim,
            "Without `keepdim=True` the mean loses a dimension and lines up with the "
            "wrong one of `x`, or with none.",
        ),
    ),
    lambda: [
        (*randn(s, (s[-1],), (s[-1],)), eps)
        for s in [(1, 2, 5), (3, 4, 7), (3, 3, 3)]
        for eps in (1e-5, 0.5)
    ],
)
