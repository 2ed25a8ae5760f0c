"""Lesson 04: BatchNorm folded into the layer before it."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _folded(weight, bias, beta, mean, scale):
    return weight * scale[:, None], (bias - mean) * scale + beta


def _scale(gamma, var, eps):
    return gamma / torch.sqrt(var + eps)


def _fold_cases() -> list[tuple]:
    cases = []
    for out, n_in in [(1, 3), (3, 2), (4, 4)]:  # square: columns could be scaled
        *five, log_var = randn((out, n_in), *[(out,)] * 5)
        cases += [(*five, log_var.exp(), eps) for eps in (1e-5, 0.5)]
    return cases


FOLD = Exercise(
    "normalization.fold",
    lambda weight, bias, gamma, beta, mean, var, eps: _folded(
        weight, bias, beta, mean, _scale(gamma, var, eps)
    ),
    (
        Misconception(
            "columns scaled",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight * _scale(gamma, var, eps),
                (bias - mean) * _scale(gamma, var, eps) + beta,
            ),
            "`weight * scale` scales the columns, the inputs. A channel is an output, "
            "a row of `weight`: `scale[:, None]`.",
        ),
        Misconception(
            "bias not scaled",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight * _scale(gamma, var, eps)[:, None],
                bias - mean * _scale(gamma, var, eps) + beta,
            ),
            "The weight is right. The old bias passes through BatchNorm as well, so "
            "it is scaled too: `(bias - mean) * scale + beta`.",
        ),
        Misconception(
            "mean forgotten",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight * _scale(gamma, var, eps)[:, None],
                bias * _scale(gamma, var, eps) + beta,
            ),
            "The weight is right. BatchNorm subtracts the running mean before it "
            "scales: `(bias - mean) * scale + beta`.",
        ),
        Misconception(
            "beta forgotten",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight * _scale(gamma, var, eps)[:, None],
                (bias - mean) * _scale(gamma, var, eps),
            ),
            "The weight is right, and `beta` is missing from the bias.",
        ),
        Misconception(
            "eps forgotten",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, mean, _scale(gamma, var, 0.0)
            ),
            "You divide by √var; the layer divides by √(var + eps).",
        ),
        Misconception(
            "no root",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, mean, gamma / (var + eps)
            ),
            "You divide by the variance. The layer divides by its root.",
        ),
    ),
    _fold_cases,
)
