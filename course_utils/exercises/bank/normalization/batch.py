"""Lesson 04: BatchNorm2d by hand."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.bank.normalization.steps import common_mistakes, normalised
from course_utils.exercises.model import Exercise, Misconception


def _channel(values: torch.Tensor) -> torch.Tensor:
    return values[:, None, None]  # (C,) -> (C, 1, 1), to stand beside (N, C, H, W)


def _batch_norm(x, gamma, beta, eps, dim=(0, 2, 3)):
    return normalised(x, dim, eps) * _channel(gamma) + _channel(beta)


def _no_keepdim(x, gamma, beta, eps):
    var = x.var((0, 2, 3), correction=0)
    hat = (x - x.mean((0, 2, 3))) / torch.sqrt(var + eps)
    return hat * _channel(gamma) + _channel(beta)


def _batch_cases() -> list[tuple]:
    # A batch of one, odd sizes, and a width equal to the channels: there γ fits
    # along the wrong axis.
    sizes = [(1, 2, 2, 3), (3, 3, 2, 5), (4, 4, 3, 4)]
    return [(*randn(s, (s[1],), (s[1],)), eps) for s in sizes for eps in (1e-5, 0.5)]


BATCH_NORM = Exercise(
    "normalization.batch_norm",
    lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps),
    (
        *common_mistakes((0, 2, 3), _channel),
        Misconception(
            "each example by itself",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, (1, 2, 3)),
            "You give every example its own mean, as LayerNorm does. BatchNorm2d "
            "gives one to every channel: `dim=(0, 2, 3)`.",
        ),
        Misconception(
            "each pixel by itself",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, 0),
            "You average over the batch alone, so every pixel has its own mean. The "
            "pixels of a channel share it: `dim=(0, 2, 3)`.",
        ),
        Misconception(
            "each channel of each example",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, (2, 3)),
            "This is InstanceNorm: a mean for every example and channel. BatchNorm2d "
            "averages over the batch too: `dim=(0, 2, 3)`.",
        ),
        Misconception(
            "no keepdim",
            _no_keepdim,
            "Without `keepdim=True` the mean is `(C,)` and lines up with the last "
            "dimension, the width. Keep it `(1, C, 1, 1)`.",
        ),
        Misconception(
            "gamma along the width",
            lambda x, gamma, beta, eps: normalised(x, (0, 2, 3), eps) * gamma + beta,
            "`* gamma` lines up with the last dimension, the width. It belongs to the "
            "channels: `gamma[:, None, None]`.",
        ),
    ),
    _batch_cases,
)
