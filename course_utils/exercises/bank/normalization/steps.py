"""Lesson 04: normalising, and the mistakes common to BatchNorm and LayerNorm."""

import torch

from course_utils.exercises.model import Misconception


def normalised(x: torch.Tensor, dim, eps: float, correction: int = 0) -> torch.Tensor:
    """Subtract the mean over `dim`, divide by the root of the variance plus `eps`."""
    var = x.var(dim, correction=correction, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / torch.sqrt(var + eps)


def eps_outside(x: torch.Tensor, dim, eps: float, correction: int) -> torch.Tensor:
    spread = x.std(dim, correction=correction, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / (spread + eps)


def no_root(x: torch.Tensor, dim, eps: float) -> torch.Tensor:
    var = x.var(dim, correction=0, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / (var + eps)


def common_mistakes(dim, per_feature) -> list[Misconception]:
    """Mistakes of both layers; `per_feature` gives γ or β the shape to broadcast."""

    def affine(hat, gamma, beta):
        return hat * per_feature(gamma) + per_feature(beta)

    return [
        Misconception(
            "unbiased variance",
            lambda x, gamma, beta, eps: affine(
                normalised(x, dim, eps, correction=1), gamma, beta
            ),
            "You divide by n - 1, as `x.var()` does by default. To normalise, the "
            "variance is divided by n: `correction=0`.",
        ),
        Misconception(
            "eps outside the root",
            lambda x, gamma, beta, eps: affine(
                eps_outside(x, dim, eps, correction=0), gamma, beta
            ),
            "You add `eps` to the root. It belongs under it: `torch.sqrt(var + eps)`.",
        ),
        Misconception(
            "std plus eps",
            lambda x, gamma, beta, eps: affine(
                eps_outside(x, dim, eps, correction=1), gamma, beta
            ),
            "`x.std() + eps` has two slips: `std` divides by n - 1 unless you say "
            "`correction=0`, and `eps` belongs under the root.",
        ),
        Misconception(
            "no root",
            lambda x, gamma, beta, eps: affine(no_root(x, dim, eps), gamma, beta),
            "You divide by the variance. Divide by its root, the spread: "
            "`torch.sqrt(var + eps)`.",
        ),
        Misconception(
            "gamma before normalising",
            lambda x, gamma, beta, eps: (
                normalised(x * per_feature(gamma), dim, eps) + per_feature(beta)
            ),
            "You multiply by `gamma` first, and normalising takes it out again. "
            "Normalise, then multiply.",
        ),
        Misconception(
            "everything at once",
            lambda x, gamma, beta, eps: affine(
                normalised(x, tuple(range(x.dim())), eps), gamma, beta
            ),
            "You take one mean of the whole tensor. Say with `dim=` which numbers "
            "share one.",
        ),
        Misconception(
            "affine forgotten",
            lambda x, gamma, beta, eps: normalised(x, dim, eps),
            "The numbers are normalised; `gamma` and `beta` are still to be applied.",
        ),
    ]
