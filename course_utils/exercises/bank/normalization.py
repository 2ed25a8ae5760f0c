"""Exercises of lesson 04: normalization."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.parts import switches
from course_utils.exercises.source import AUTOGRAD
from course_utils.exercises.watch import watched_call
from course_utils.session import current_device

# Mistakes in one of the four counts: they go together with those in the others.
_counts_with = switches(
    (
        lambda n, c, groups: c,
        lambda n, c, groups: n * c,
        lambda n, c, groups: n * groups,
        lambda n, c, groups: n,
    ),
    (
        {
            "BatchNorm by example": lambda n, c, groups: n,
            "BatchNorm by example and channel": lambda n, c, groups: n * c,
            "BatchNorm once": lambda n, c, groups: 1,
        },
        {
            "InstanceNorm by channel": lambda n, c, groups: c,
            "InstanceNorm by example": lambda n, c, groups: n,
        },
        {
            "groups once": lambda n, c, groups: groups,
            "groups times channels": lambda n, c, groups: c * groups,
            "channels in a group": lambda n, c, groups: n * c // groups,
        },
        {
            "LayerNorm once": lambda n, c, groups: 1,
            "LayerNorm by channel": lambda n, c, groups: n * c,
        },
    ),
)

COUNTS = Exercise(
    "normalization.counts",
    lambda n, c, groups: (c, n * c, n * groups, n),
    (
        Misconception(
            "BatchNorm by example",
            lambda n, c, groups: (n, n * c, n * groups, n),
            "You count one mean per example for BatchNorm. It has one per *channel*, "
            "taken over all examples.",
        ),
        Misconception(
            "InstanceNorm by channel",
            lambda n, c, groups: (c, c, n * groups, n),
            "InstanceNorm looks at one channel of one example at a time: count the "
            "examples too.",
        ),
        Misconception(
            "groups once",
            lambda n, c, groups: (c, n * c, groups, n),
            "You count the groups only once. Each example has its own groups and "
            "means.",
        ),
        Misconception(
            "LayerNorm once",
            lambda n, c, groups: (c, n * c, n * groups, 1),
            "You count one mean for LayerNorm, which would mix the examples. Each "
            "example has its own.",
        ),
        Misconception(
            "BatchNorm and LayerNorm swapped",
            lambda n, c, groups: (n, n * c, n * groups, c),
            "BatchNorm and LayerNorm are swapped: it is BatchNorm that averages over "
            "the batch.",
        ),
        Misconception(
            "groups times channels",
            lambda n, c, groups: (c, n * c, c * groups, n),
            "You count one mean per channel and group. The channels of a group share "
            "one: each example has `groups` means.",
        ),
        Misconception(
            "channels in a group",
            lambda n, c, groups: (c, n * c, n * c // groups, n),
            "`c // groups` is the number of channels in a group. Count the groups.",
        ),
        Misconception(
            "BatchNorm by example and channel",
            lambda n, c, groups: (n * c, n * c, n * groups, n),
            "You count one mean per example and channel for BatchNorm. That is "
            "InstanceNorm; BatchNorm in training has one per channel, over all "
            "examples.",
        ),
        Misconception(
            "InstanceNorm by example",
            lambda n, c, groups: (c, n, n * groups, n),
            "You count one mean per example for InstanceNorm. Each channel of each "
            "example has its own.",
        ),
        Misconception(
            "InstanceNorm and LayerNorm swapped",
            lambda n, c, groups: (c, n, n * groups, n * c),
            "InstanceNorm and LayerNorm are swapped: LayerNorm((c, h, w)) takes all "
            "channels of an example together.",
        ),
        Misconception(
            "LayerNorm by channel",
            lambda n, c, groups: (c, n * c, n * groups, n * c),
            "You count one mean per example and channel for LayerNorm. Its shape is "
            "`(c, h, w)`, so all channels of an example share one.",
        ),
        Misconception(
            "BatchNorm once",
            lambda n, c, groups: (1, n * c, n * groups, n),
            "You count one mean for BatchNorm, which would mix the channels. Each "
            "channel has its own.",
        ),
        Misconception(
            "sum",
            lambda n, c, groups: c + n * c + n * groups + n,
            "Your four counts are added up. Return them one by one, in a tuple.",
        ),
        Misconception(
            "BatchNorm and InstanceNorm swapped",
            lambda n, c, groups: (n * c, c, n * groups, n),
            "BatchNorm and InstanceNorm are swapped: it is BatchNorm that takes all "
            "examples together.",
        ),
        Misconception(
            "groups or channels in a group",
            lambda n, c, groups: (c, n * c, n * min(groups, c // groups), n),
            "For `GroupNorm` you take the smaller of the number of groups and the "
            "channels in one. Each example has as many means as there are groups, "
            "however many: n · groups.",
        ),
    ),
    lambda: [(8, 6, 3), (1, 4, 2), (5, 12, 1), (2, 10, 10)],
    switches=_counts_with,
    hints=(
        "For each layer ask which of the four dimensions share a mean. Each of the "
        "others multiplies the count by its size.",
        "Height and width are always shared. BatchNorm shares n as well, InstanceNorm "
        "nothing else, LayerNorm((c, h, w)) shares c.",
        "GroupNorm lies between InstanceNorm and LayerNorm: each example has as many "
        "means as it has groups.",
    ),
    parts=(
        "the count for `BatchNorm2d`",
        "the count for `InstanceNorm2d`",
        "the count for `GroupNorm`",
        "the count for `LayerNorm`",
    ),
)

# What 'by hand' rules out: the layers themselves.
_LAYERS = (
    *("F.batch_norm", "F.layer_norm", "F.group_norm", "F.instance_norm", "F.rms_norm"),
    *("nn.BatchNorm1d", "nn.BatchNorm2d", "nn.BatchNorm3d", "nn.LayerNorm"),
    *("nn.GroupNorm", "nn.InstanceNorm1d", "nn.InstanceNorm2d", "nn.RMSNorm"),
    *("torch.native_batch_norm", "torch.native_layer_norm", "torch.native_group_norm"),
)


_Dim = int | tuple[int, ...]


def _normalised(x: Tensor, dim: _Dim, eps: float, correction: int = 0) -> Tensor:
    """Subtract the mean over `dim`, divide by the root of the variance plus `eps`."""
    var = x.var(dim, correction=correction, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / torch.sqrt(var + eps)


def _eps_outside(x: Tensor, dim: _Dim, eps: float, correction: int) -> Tensor:
    spread = x.std(dim, correction=correction, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / (spread + eps)


def _no_root(x: Tensor, dim: _Dim, eps: float) -> Tensor:
    var = x.var(dim, correction=0, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / (var + eps)


def _affine(hat: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return hat * gamma + beta


def _layer_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float, dim: _Dim = -1
) -> Tensor:
    return _normalised(x, dim, eps) * gamma + beta


def _layer_norm_no_keepdim(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    var = x.var(-1, correction=0)
    return (x - x.mean(-1)) / torch.sqrt(var + eps) * gamma + beta


def _mean_deviation(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return _affine(centred / (centred.abs().mean(-1, keepdim=True) + eps), gamma, beta)


def _one_variance_per_sentence(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    var = centred.square().mean((1, 2), keepdim=True)
    return _affine(centred / torch.sqrt(var + eps), gamma, beta)


LAYER_NORM = Exercise(
    "normalization.layer_norm",
    lambda x, gamma, beta, eps: _layer_norm(x, gamma, beta, eps),
    (
        Misconception(
            "unbiased variance",
            lambda x, gamma, beta, eps: _affine(
                _normalised(x, -1, eps, correction=1), gamma, beta
            ),
            "You divide by n - 1, as `x.var()` does by default. To normalise, divide "
            "the variance by n: `correction=0`.",
        ),
        Misconception(
            "mean and variance exchanged",
            lambda x, gamma, beta, eps: _affine(
                (x - x.var(-1, correction=0, keepdim=True))
                / torch.sqrt(x.mean(-1, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "Mean and variance have changed places: you subtract the variance and "
            "take the root of the mean, which may be negative. `torch.var_mean` "
            "returns the variance first.",
        ),
        Misconception(
            "eps outside the root",
            lambda x, gamma, beta, eps: _affine(
                _eps_outside(x, -1, eps, correction=0), gamma, beta
            ),
            "You add `eps` to the square root. It belongs inside: `torch.sqrt(var + "
            "eps)`.",
        ),
        Misconception(
            "std plus eps",
            lambda x, gamma, beta, eps: _affine(
                _eps_outside(x, -1, eps, correction=1), gamma, beta
            ),
            "`x.std() + eps` has two mistakes: `std` divides by n - 1 unless you pass "
            "`correction=0`, and `eps` belongs inside the square root.",
        ),
        Misconception(
            "no root",
            lambda x, gamma, beta, eps: _affine(_no_root(x, -1, eps), gamma, beta),
            "You divide by the variance. Divide by its square root, the spread: "
            "`torch.sqrt(var + eps)`.",
        ),
        Misconception(
            "gamma before normalising",
            lambda x, gamma, beta, eps: _normalised(x * gamma, -1, eps) + beta,
            "You multiply by `gamma` first, so it counts in the mean and the variance "
            "too. Normalise, then multiply.",
        ),
        Misconception(
            "everything at once",
            lambda x, gamma, beta, eps: _affine(
                _normalised(x, tuple(range(x.dim())), eps), gamma, beta
            ),
            "You take one mean of the whole tensor. Choose with `dim=` which numbers "
            "share a mean.",
        ),
        Misconception(
            "affine forgotten",
            lambda x, gamma, beta, eps: _normalised(x, -1, eps),
            "The numbers are normalised, but `gamma` and `beta` are not applied yet.",
        ),
        Misconception(
            "beta forgotten",
            lambda x, gamma, beta, eps: _normalised(x, -1, eps) * gamma,
            "Right up to `gamma`; `beta` is not added. The layer ends with γ · x̂ + β.",
        ),
        Misconception(
            "gamma forgotten",
            lambda x, gamma, beta, eps: _normalised(x, -1, eps) + beta,
            "`beta` is added, but the normalised numbers are not multiplied by "
            "`gamma`.",
        ),
        Misconception(
            "gamma and beta swapped",
            lambda x, gamma, beta, eps: _affine(_normalised(x, -1, eps), beta, gamma),
            "You multiply by `beta` and add `gamma`. It is the other way round.",
        ),
        Misconception(
            "gamma times beta",
            lambda x, gamma, beta, eps: (_normalised(x, -1, eps) + beta) * gamma,
            "`beta` is multiplied by `gamma` too. Multiply first, then add: are the "
            "parentheses in the right place?",
        ),
        Misconception(
            "beta subtracted",
            lambda x, gamma, beta, eps: _affine(_normalised(x, -1, eps), gamma, -beta),
            "`beta` is subtracted. It is added: γ · x̂ + β.",
        ),
        Misconception(
            "eps forgotten",
            lambda x, gamma, beta, eps: _affine(_normalised(x, -1, 0.0), gamma, beta),
            "Your result is that of eps = 0. Add `eps` to the variance before you take "
            "the square root.",
        ),
        Misconception(
            "eps squared",
            lambda x, gamma, beta, eps: _affine(
                _normalised(x, -1, eps**2), gamma, beta
            ),
            "`eps` enters squared. Add `eps` itself to the variance.",
        ),
        Misconception(
            "mean kept",
            lambda x, gamma, beta, eps: _affine(
                x / torch.sqrt(x.var(-1, correction=0, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "The mean is not subtracted before you divide: x̂ = (x - mean) / √(var + "
            "eps).",
        ),
        Misconception(
            "mean of squares",
            lambda x, gamma, beta, eps: _affine(
                (x - x.mean(-1, keepdim=True))
                / torch.sqrt(x.square().mean(-1, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "You divide by the root of the mean square of `x`. The variance is the "
            "mean square of `x - mean`.",
        ),
        Misconception(
            "multiplied by the spread",
            lambda x, gamma, beta, eps: _affine(
                (x - x.mean(-1, keepdim=True))
                * torch.sqrt(x.var(-1, correction=0, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "You multiply by √(var + eps), which makes a large spread larger. Divide, "
            "or use `torch.rsqrt`.",
        ),
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
            "You take one mean per sentence. `nn.LayerNorm(D)` has one per word: "
            "`dim=-1` only.",
        ),
        Misconception(
            "no keepdim",
            _layer_norm_no_keepdim,
            "Without `keepdim=True` the mean loses a dimension and lines up with the "
            "wrong dimension of `x`, or with none.",
        ),
        Misconception(
            "mean absolute deviation",
            _mean_deviation,
            "You divide by the mean absolute deviation. Square the deviations, "
            "average, then take the root.",
        ),
        Misconception(
            "one variance per sentence",
            _one_variance_per_sentence,
            "The mean is right, one per word. But the variance is one for the whole "
            "sentence: it averages over the words too. Each word has its own: "
            "`dim=-1`.",
        ),
    ),
    lambda: [
        (2 * x + 1, gamma, beta, eps)
        for s in [(1, 2, 5), (3, 4, 7), (3, 3, 3), (4, 1, 2)]
        for x, gamma, beta in [randn(s, (s[-1],), (s[-1],))]
        for eps in (1e-5, 0.5)
    ],
    hints=(
        "Every word of every sentence is normalised by itself. Over which dimension "
        "do its features run?",
        "Take `mean` and `var` with `dim=-1, keepdim=True`; the variance needs "
        "`correction=0`.",
        "Subtract the mean, divide by the root of variance plus `eps`. `gamma` and "
        "`beta` line up with the features as they are.",
    ),
    forbidden=_LAYERS,
    differentiable=True,
)


def _not_rejoined(x: Tensor, groups: int, eps: float) -> Tensor:
    return _normalised(x.reshape(len(x), groups, -1), -1, eps)


def _batch_left_out(x: Tensor, groups: int, eps: float) -> Tensor:
    return _normalised(x.reshape(groups, -1), 1, eps).reshape(x.shape)


def _grouped(
    x: Tensor, groups: int, eps: float, dim: _Dim = (2, 3, 4), correction: int = 0
) -> Tensor:
    parts = x.unflatten(1, (groups, -1))  # (N, groups, channels of a group, H, W)
    return _normalised(parts, dim, eps, correction).flatten(1, 2)


def _variances_averaged(x: Tensor, groups: int, eps: float) -> Tensor:
    parts = x.unflatten(1, (groups, -1))
    mean = parts.mean((2, 3, 4), keepdim=True)
    var = parts.var((3, 4), correction=0, keepdim=True).mean(2, keepdim=True)
    return ((parts - mean) / torch.sqrt(var + eps)).flatten(1, 2)


def _group_cases() -> list[Case]:
    sizes = [(1, 6, 2, 3, 2), (3, 6, 1, 3, 3), (2, 4, 3, 2, 1), (2, 4, 2, 1, 4)]
    cases: list[Case] = [
        (2 * randn((n, c, h, w))[0] + 1, groups, eps)
        for n, c, h, w, groups in [*sizes, (3, 8, 1, 1, 2)]
        for eps in (1e-5, 0.5)
    ]
    turned = randn((2, 3, 4, 6), seed=1)[0].permute(0, 3, 1, 2)  # not contiguous
    return [*cases, (turned, 3, 1e-5)]


def _channels_in_front(x: Tensor, groups: int, eps: float) -> Tensor:
    turned = x.transpose(0, 1)
    parts = _normalised(turned.reshape(len(x), groups, -1), 2, eps)
    return parts.reshape(turned.shape).transpose(0, 1)


GROUP_NORM = Exercise(
    "normalization.group_norm",
    lambda x, groups, eps: _grouped(x, groups, eps),
    (
        Misconception(
            "interleaved",
            lambda x, groups, eps: _normalised(
                x.unflatten(1, (-1, groups)), (1, 3, 4), eps
            ).flatten(1, 2),
            "You deal the channels out like cards, every `groups`-th to the same "
            "group. A group holds neighbours: `x.unflatten(1, (groups, -1))`.",
        ),
        Misconception(
            "size taken for number",
            lambda x, groups, eps: _grouped(x, x.shape[1] // groups, eps),
            "You make groups of `groups` channels each. The task asks for `groups` "
            "groups: `x.unflatten(1, (groups, -1))`.",
        ),
        Misconception(
            "over the batch",
            lambda x, groups, eps: _grouped(x, groups, eps, (0, 2, 3, 4)),
            "You average over the batch too. GroupNorm treats each example by itself: "
            "leave dimension 0 out of `dim`.",
        ),
        Misconception(
            "groups ignored",
            lambda x, groups, eps: _grouped(x, 1, eps),
            "This has one mean per example, as with a single group. Split the "
            "channels into `groups` groups first.",
        ),
        Misconception(
            "each channel by itself",
            lambda x, groups, eps: _grouped(x, x.shape[1], eps),
            "This is InstanceNorm, with one group per channel. The channels of a "
            "group share their mean.",
        ),
        Misconception(
            "unbiased variance",
            lambda x, groups, eps: _grouped(x, groups, eps, correction=1),
            "You divide by n - 1, as `x.var()` does by default. Pass `correction=0`.",
        ),
        Misconception(
            "shape left split",
            lambda x, groups, eps: _normalised(
                x.unflatten(1, (groups, -1)), (2, 3, 4), eps
            ),
            "The numbers are right, but the channels are still split: merge them with "
            "`.flatten(1, 2)`.",
        ),
        Misconception(
            "groups left flat",
            _not_rejoined,
            "The numbers are right, but their shape is `(N, groups, …)`. Bring them "
            "back to the shape of `x`: `.reshape(x.shape)`.",
        ),
        Misconception(
            "batch left out of the shape",
            _batch_left_out,
            "Right for a batch of one only. Does the shape you cut into begin with "
            "`groups`? The examples come first: `(N, groups, …)`.",
        ),
        Misconception(
            "eps forgotten",
            lambda x, groups, eps: _grouped(x, groups, 0.0),
            "Your result is that of eps = 0, or of a tiny fixed one. Add to the "
            "variance the `eps` that is passed, before you take the square root.",
        ),
        Misconception(
            "eps outside the root",
            lambda x, groups, eps: _eps_outside(
                x.unflatten(1, (groups, -1)), (2, 3, 4), eps, 0
            ).flatten(1, 2),
            "You add `eps` to the square root. It belongs inside: `torch.sqrt(var + "
            "eps)`.",
        ),
        Misconception(
            "no root",
            lambda x, groups, eps: _no_root(
                x.unflatten(1, (groups, -1)), (2, 3, 4), eps
            ).flatten(1, 2),
            "You divide by the variance. Divide by its square root, the spread: "
            "`torch.sqrt(var + eps)`.",
        ),
        Misconception(
            "variances averaged",
            _variances_averaged,
            "The mean is right. Your variance is a mean of the channels' own "
            "variances, and leaves out how far their means lie apart. Take it over the "
            "whole group at once, as the mean.",
        ),
        Misconception(
            "each pixel by itself",
            lambda x, groups, eps: _grouped(x, groups, eps, 2),
            "You average over the channels of a group only, so every pixel has its own "
            "mean. Height and width share it too.",
        ),
        Misconception(
            "channels in front",
            _channels_in_front,
            "Right for a single example; with several your groups mix them: batch and "
            "channels are exchanged before the groups are cut. Keep the examples in "
            "front: `x.reshape(N, groups, -1)`.",
        ),
    ),
    _group_cases,
    hints=(
        "Split the channels into `groups` blocks of neighbours. A new dimension for "
        "that makes the rest easy: `unflatten` or `reshape`.",
        "With `(N, groups, channels of a group, H, W)`, each example and group shares "
        "one mean: average over the last three dimensions.",
        "Normalise with `keepdim=True` and `correction=0`, then merge the two "
        "dimensions of channels again.",
    ),
    forbidden=_LAYERS,
    differentiable=True,
)


def _mean_square(x: Tensor) -> Tensor:
    return x.square().mean(-1, keepdim=True)


def _rms_norm_no_keepdim(x: Tensor, gamma: Tensor, eps: float) -> Tensor:
    return x / torch.sqrt(x.square().mean(-1) + eps) * gamma


def _over_all_but_the_first(x: Tensor, gamma: Tensor, eps: float) -> Tensor:
    dims = tuple(range(1, x.dim())) or (0,)
    return x / torch.sqrt(x.square().mean(dims, keepdim=True) + eps) * gamma


RMS_NORM = Exercise(
    "normalization.rms_norm",
    lambda x, gamma, eps: x / torch.sqrt(_mean_square(x) + eps) * gamma,
    (
        Misconception(
            "mean subtracted",
            lambda x, gamma, eps: _normalised(x, -1, eps) * gamma,
            "You subtract the mean: that is LayerNorm. RMSNorm does not, and takes "
            "the mean of the squares of `x` itself.",
        ),
        Misconception(
            "mean subtracted above the root only",
            lambda x, gamma, eps: (
                (x - x.mean(-1, keepdim=True))
                / torch.sqrt(_mean_square(x) + eps)
                * gamma
            ),
            "The root is right, but what you divide by it is `x` less its mean. "
            "RMSNorm subtracts no mean, neither in the root nor above it.",
        ),
        Misconception(
            "divided by the spread",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.var(-1, correction=0, keepdim=True) + eps) * gamma
            ),
            "You divide by the spread around the mean. RMSNorm subtracts no mean: use "
            "`x.square().mean(-1, keepdim=True)`.",
        ),
        Misconception(
            "sum of squares",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.square().sum(-1, keepdim=True) + eps) * gamma
            ),
            "You sum the squares, which gives the length. The M in RMS stands for "
            "mean.",
        ),
        Misconception(
            "length",
            lambda x, gamma, eps: x / x.norm(dim=-1, keepdim=True) * gamma,
            "You divide by the length, the square root of the sum of squares. The M "
            "in RMS stands for mean, and `eps` belongs inside the root.",
        ),
        Misconception(
            "eps outside the root",
            lambda x, gamma, eps: x / (_mean_square(x).sqrt() + eps) * gamma,
            "You add `eps` to the square root. It belongs inside.",
        ),
        Misconception(
            "no root",
            lambda x, gamma, eps: x / (_mean_square(x) + eps) * gamma,
            "You divide by the mean square. The R in RMS stands for root.",
        ),
        Misconception(
            "gamma before normalising",
            lambda x, gamma, eps: x * gamma / torch.sqrt(_mean_square(x * gamma) + eps),
            "You multiply by `gamma` first, so it becomes part of the mean square. "
            "Normalise, then multiply.",
        ),
        Misconception(
            "eps forgotten",
            lambda x, gamma, eps: x / torch.sqrt(_mean_square(x)) * gamma,
            "Your result is that of eps = 0. Add `eps` to the mean square before you "
            "take the root.",
        ),
        Misconception(
            "gamma forgotten",
            lambda x, gamma, eps: x / torch.sqrt(_mean_square(x) + eps),
            "Normalised rightly, but not multiplied by `gamma` yet.",
        ),
        Misconception(
            "gamma added",
            lambda x, gamma, eps: x / torch.sqrt(_mean_square(x) + eps) + gamma,
            "`gamma` is added. It multiplies; RMSNorm has no β that would be added.",
        ),
        Misconception(
            "divided by gamma",
            lambda x, gamma, eps: x / (torch.sqrt(_mean_square(x) + eps) * gamma),
            "You divide by `gamma`. Multiply by it: are the parentheses in the right "
            "place?",
        ),
        Misconception(
            "multiplied by the root",
            lambda x, gamma, eps: x * torch.sqrt(_mean_square(x) + eps) * gamma,
            "You multiply by the root of the mean square. Divide by it, or use "
            "`torch.rsqrt`.",
        ),
        Misconception(
            "no keepdim",
            _rms_norm_no_keepdim,
            "Without `keepdim=True` the mean square loses the last dimension and lines "
            "up with the wrong dimension of `x`, or with none.",
        ),
        Misconception(
            "square of the mean",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.mean(-1, keepdim=True) ** 2 + eps) * gamma
            ),
            "You square the mean. Take the mean of the squares: square first.",
        ),
        Misconception(
            "everything at once",
            lambda x, gamma, eps: x / torch.sqrt(x.square().mean() + eps) * gamma,
            "You take one mean square of the whole tensor. Each place has its own, "
            "over the last dimension: `dim=-1, keepdim=True`.",
        ),
        Misconception(
            "over the first dimension",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.square().mean(0, keepdim=True) + eps) * gamma
            ),
            "You average over the first dimension, so examples are mixed. The mean "
            "square is taken over the last: `dim=-1`.",
        ),
        Misconception(
            "unbiased",
            lambda x, gamma, eps: (
                x
                / torch.sqrt(x.square().sum(-1, keepdim=True) / (x.shape[-1] - 1) + eps)
                * gamma
            ),
            "You divide the sum of squares by D - 1. A mean divides by D.",
        ),
        Misconception(
            "mean absolute value",
            lambda x, gamma, eps: x / (x.abs().mean(-1, keepdim=True) + eps) * gamma,
            "You divide by the mean of the absolute values. RMS squares, averages, "
            "then takes the root.",
        ),
        Misconception(
            "all dimensions but the first",
            _over_all_but_the_first,
            "Right for one and two dimensions. With more you take one root for each "
            "example, over all dimensions after the first. The features are the last "
            "alone: `dim=-1`.",
        ),
        Misconception(
            "over dimension 1",
            lambda x, gamma, eps: (
                x / torch.sqrt(x.square().mean(1, keepdim=True) + eps) * gamma
            ),
            "Right for two dimensions only: you average over dimension 1. The features "
            "are the last dimension, however many there are: `dim=-1`.",
        ),
        Misconception(
            "length plus eps",
            lambda x, gamma, eps: x / (x.norm(dim=-1, keepdim=True) + eps) * gamma,
            "You divide by the length, the square root of the sum of squares. The M "
            "in RMS stands for mean, and `eps` belongs inside the root.",
        ),
    ),
    lambda: (
        [
            (2 * x + 1, gamma, eps)
            for s in [(1, 5), (2, 4, 7), (3, 3), (6,), (2, 3, 1, 4)]
            for x, gamma in [randn(s, (s[-1],))]
            for eps in (1e-5, 0.5)
        ]
        + [(x / 1_000, gamma, 1e-5) for x, gamma in [randn((2, 5), (5,))]]
    ),
    hints=(
        "RMS stands for root mean square: three steps, read from right to left.",
        "Square `x`, average over the last dimension with `keepdim=True`, add `eps`, "
        "take the root.",
        "No mean is subtracted and there is no β. Divide `x` by the root, then "
        "multiply by `gamma`.",
    ),
    forbidden=_LAYERS,
    differentiable=True,
)


def _follow(
    batches: Tensor,
    momentum: float,
    *,
    correction: int = 1,
    start: tuple[float, float] = (0.0, 1.0),
    power: float = 1.0,
    like: Tensor | None = None,  # where there may be no batch at all
) -> tuple[Tensor, Tensor]:
    mean = torch.full_like((batches if like is None else like)[0, 0], start[0])
    var = torch.full_like(mean, start[1])
    for batch in batches:
        new_var = batch.var(0, correction=correction) ** power
        mean = (1 - momentum) * mean + momentum * batch.mean(0)
        var = (1 - momentum) * var + momentum * new_var
    return mean, var


def _from_the_first_batch(batches: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    mean, var = batches[0].mean(0), batches[0].var(0)
    for batch in batches[1:]:
        mean = (1 - momentum) * mean + momentum * batch.mean(0)
        var = (1 - momentum) * var + momentum * batch.var(0)
    return mean, var


_RUNNING_FAULTS: dict[str, dict[str, Any]] = {
    "biased variance": {"correction": 0},
    "variance from zero": {"start": (0.0, 0.0)},
    "mean from one": {"start": (1.0, 1.0)},
    "spread kept": {"power": 0.5},
}


def _running_with(faults: frozenset[str]) -> Answer | None:
    """Return the answer with these mistakes; None if they don't go together."""
    changes = [_RUNNING_FAULTS[name] for name in faults if name in _RUNNING_FAULTS]
    names = [name for change in changes for name in change]
    turned = "momentum reversed" in faults
    if len(changes) + turned < len(faults) or len(set(names)) < len(names):
        return None
    options = {name: value for change in changes for name, value in change.items()}
    return lambda batches, momentum: _follow(
        batches, 1 - momentum if turned else momentum, **options
    )


def _around_the_running_mean(
    batches: Tensor, momentum: float, updated: bool
) -> tuple[Tensor, Tensor]:
    mean, var = torch.zeros_like(batches[0, 0]), torch.ones_like(batches[0, 0])
    for batch in batches:
        old, mean = mean, (1 - momentum) * mean + momentum * batch.mean(0)
        gaps = batch - (mean if updated else old)
        new_var = gaps.square().sum(0) / (len(batch) - 1)
        var = (1 - momentum) * var + momentum * new_var
    return mean, var


def _from_spreads(batches: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    mean, spread = _follow(batches, momentum, power=0.5)
    return mean, spread**2


RUNNING = Exercise(
    "normalization.running",
    lambda batches, momentum: _follow(batches, momentum),
    (
        Misconception(
            "momentum reversed",
            lambda batches, momentum: _follow(batches, 1 - momentum),
            "You multiply the old value by `momentum`. Here momentum is the weight of "
            "the new value: `(1 - momentum) * old + momentum * new`.",
        ),
        Misconception(
            "biased variance",
            lambda batches, momentum: _follow(batches, momentum, correction=0),
            "The means are right. `running_var` uses the unbiased variance, divided "
            "by n - 1, although the batch is normalised with the biased one.",
        ),
        Misconception(
            "variance from zero",
            lambda batches, momentum: _follow(batches, momentum, start=(0.0, 0.0)),
            "The means are right. `running_var` starts at 1, not at 0.",
        ),
        Misconception(
            "mean from one",
            lambda batches, momentum: _follow(batches, momentum, start=(1.0, 1.0)),
            "`running_mean` starts at 0, not at 1.",
        ),
        Misconception(
            "plain average",
            lambda batches, momentum: (batches.mean((0, 1)), batches.var(1).mean(0)),
            "This is the plain average of all batches, which is what `momentum=None` "
            "gives. With a momentum, each batch moves the old value a little.",
        ),
        Misconception(
            "last batch",
            lambda batches, momentum: (batches[-1].mean(0), batches[-1].var(0)),
            "These are the statistics of the last batch alone: nothing of the earlier "
            "ones is left. Mix the new values into the old.",
        ),
        Misconception(
            "started from the first batch",
            _from_the_first_batch,
            "You start from the statistics of the first batch. A new layer starts from "
            "mean 0 and variance 1, and the first batch is mixed in like the others.",
        ),
        Misconception(
            "one step with all batches",
            lambda batches, momentum: _follow(batches.flatten(0, 1)[None], momentum),
            "You take one step with all batches together. The layer takes one step per "
            "batch, in order.",
        ),
        Misconception(
            "last batch left out",
            lambda batches, momentum: _follow(batches[:-1], momentum, like=batches),
            "Your values are those before the last batch. Does the loop, or its "
            "`range`, end one too early?",
        ),
        Misconception(
            "first batch only",
            lambda batches, momentum: _follow(batches[:1], momentum),
            "Your values are those after the first batch. Is the `return` inside the "
            "loop?",
        ),
        Misconception(
            "every step from the start",
            lambda batches, momentum: _follow(batches[-1:], momentum),
            "Your values are those of a new layer that saw the last batch alone. Does "
            "every step start from 0 and 1 again? It must start from what the one "
            "before it left.",
        ),
        Misconception(
            "first batch left out",
            lambda batches, momentum: _follow(batches[1:], momentum, like=batches),
            "Your values are those without the first batch. It counts like the others.",
        ),
        Misconception(
            "from last to first",
            lambda batches, momentum: _follow(batches.flip(0), momentum),
            "Your values are those for the batches in reverse order: later batches "
            "must weigh more than earlier ones.",
        ),
        Misconception(
            "spread kept",
            lambda batches, momentum: _follow(batches, momentum, power=0.5),
            "The means are right. `running_var` follows the variance, not its root: "
            "use `var`, not `std`.",
        ),
        Misconception(
            "both swapped",
            lambda batches, momentum: _follow(batches, momentum)[::-1],
            "The two are swapped: `running_mean` comes first.",
        ),
        Misconception(
            "all numbers at once",
            lambda batches, momentum: (batches.mean((0, 1)), batches.var((0, 1))),
            "These are mean and variance of all batches together. A layer takes one "
            "step per batch: `(1 - momentum) * old + momentum * new`, from 0 and 1 on.",
        ),
        Misconception(
            "momentum 0.1 built in",
            lambda batches, momentum: _follow(batches, 0.1),
            "Right for a momentum of 0.1 only, the default. Use the `momentum` that "
            "is passed.",
        ),
        *(
            Misconception(
                f"variance around the {which} running mean",
                partial(_around_the_running_mean, updated=updated),
                "The means are right. You measure each batch's variance around the "
                "running mean; it is taken around the batch's own mean: "
                "`batch.var(dim=0)`.",
            )
            for which, updated in (("new", True), ("old", False))
        ),
        Misconception(
            "spreads averaged",
            _from_spreads,
            "The means are right. You follow the standard deviation and square it at "
            "the end; the mean of roots is not the root of the mean. Follow the "
            "variance: `var`, from 1 on.",
        ),
        Misconception(
            "corrected at the end",
            lambda batches, momentum: tuple(
                part * factor
                for part, factor in zip(
                    _follow(batches, momentum, correction=0),
                    (1, batches.shape[1] / (batches.shape[1] - 1)),
                    strict=True,
                )
            ),
            "The means are right. In `running_var` you correct by n / (n - 1) at the "
            "end: that multiplies the 1 from which it starts as well. Correct the "
            "variance of each batch.",
        ),
    ),
    lambda: [
        (3 * batches + 2, momentum)
        for shape in [(1, 2, 3), (4, 5, 2), (3, 3, 3)]
        for (batches,) in [randn(shape)]
        for momentum in (0.1, 0.3, 0.0)
    ],
    hints=(
        "A new layer has `running_mean` 0 and `running_var` 1, one number per channel. "
        "Go through the batches in a loop.",
        "Each batch moves both: a share `momentum` of the new value, the rest of the "
        "old one.",
        "The new values are mean and variance of the batch over `dim=0`; this variance "
        "divides by N - 1, as `var` does by default.",
    ),
    parts=("`running_mean`", "`running_var`"),
    forbidden=_LAYERS,
    switches=_running_with,
)

UNDO = Exercise(
    "normalization.undo",
    lambda mean, var, eps: (torch.sqrt(var + eps), mean.clone()),
    (
        Misconception(
            "eps forgotten",
            lambda mean, var, eps: (torch.sqrt(var), mean.clone()),
            "Nearly right: the layer divides by √(var + eps), so that is what gamma "
            "must be.",
        ),
        Misconception(
            "eps outside the root",
            lambda mean, var, eps: (torch.sqrt(var) + eps, mean.clone()),
            "Nearly right: `eps` belongs inside the square root, as in the layer.",
        ),
        Misconception(
            "as when new",
            lambda mean, var, eps: (torch.ones_like(mean), torch.zeros_like(mean)),
            "With gamma 1 and beta 0 the layer returns the normalised input. What "
            "must it be multiplied by, and what must be added, to get the input back?",
        ),
        Misconception(
            "variance for spread",
            lambda mean, var, eps: (var + eps, mean.clone()),
            "The layer divides by the square root of `var + eps`. gamma must undo "
            "that root, not its square.",
        ),
        Misconception(
            "divided twice",
            lambda mean, var, eps: (1 / torch.sqrt(var + eps), mean.clone()),
            "With this gamma the spread is divided out twice. To undo a division, "
            "multiply.",
        ),
        Misconception(
            "normalised twice",
            lambda mean, var, eps: (
                1 / torch.sqrt(var + eps),
                -mean / torch.sqrt(var + eps),
            ),
            "These are the factor and the shift by which the layer normalises: with "
            "them it does so twice. To undo both, multiply by the root and add the "
            "mean.",
        ),
        Misconception(
            "shift of the layer",
            lambda mean, var, eps: (
                torch.sqrt(var + eps),
                -mean / torch.sqrt(var + eps),
            ),
            "gamma is right. Your beta is the shift by which the layer itself "
            "normalises, before gamma scales. beta is added *after* gamma: what must "
            "it put back?",
        ),
        Misconception(
            "sign of the mean",
            lambda mean, var, eps: (torch.sqrt(var + eps), -mean),
            "The layer already subtracts the mean. Undo it: beta adds the mean back.",
        ),
        Misconception(
            "order",
            lambda mean, var, eps: (mean.clone(), torch.sqrt(var + eps)),
            "The two are swapped: gamma multiplies, beta is added.",
        ),
        Misconception(
            "beta scaled",
            lambda mean, var, eps: (
                torch.sqrt(var + eps),
                mean * torch.sqrt(var + eps),
            ),
            "gamma is right, but beta is multiplied by it. gamma acts on the "
            "normalised input alone; beta is added afterwards.",
        ),
        Misconception(
            "beta divided",
            lambda mean, var, eps: (
                torch.sqrt(var + eps),
                mean / torch.sqrt(var + eps),
            ),
            "gamma is right, but beta is divided by it. gamma undoes the division of "
            "the mean as well: what is left to add?",
        ),
        Misconception(
            "beta zero",
            lambda mean, var, eps: (torch.sqrt(var + eps), torch.zeros_like(mean)),
            "gamma is right. With beta 0 the output has mean 0: what did the layer "
            "subtract?",
        ),
        Misconception(
            "eps subtracted",
            lambda mean, var, eps: (torch.sqrt(var - eps), mean.clone()),
            "`eps` is subtracted from the variance. gamma is what the layer divides "
            "by, and there `eps` is added.",
        ),
    ),
    lambda: [
        (mean, var.exp() + 0.5, eps)
        for size in [(1,), (4,), (7,)]
        for mean, var in [randn(size, size)]
        for eps in (1e-5, 0.5)
    ],
    hints=(
        "Write the layer down: y = gamma · (x - mean) / √(var + eps) + beta.",
        "y = x has to hold for every x. First choose gamma so that x has the factor 1.",
        "With that gamma, x - mean + beta is left. It has to be x.",
    ),
    parts=("`gamma`", "`beta`"),
)


def _rms_backward(
    x: Tensor,
    gamma: Tensor,
    g: Tensor,
    eps: float,
    *,
    inner: Callable[[Tensor, Tensor], Tensor] | None = None,
    for_gamma: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and γ; `inner` and `for_gamma` make mistakes.

    `inner` gets γ·g and x̂, `for_gamma` gets g and x̂.
    """
    root = torch.sqrt(_mean_square(x) + eps)
    hat, to_hat = x / root, g * gamma
    if inner is None:
        change = to_hat - hat * (to_hat * hat).mean(-1, keepdim=True)
    else:
        change = inner(to_hat, hat)
    gamma_grad = (g * hat).sum(0) if for_gamma is None else for_gamma(g, hat)
    return change / root, gamma_grad


def _gamma_in_front(
    x: Tensor, gamma: Tensor, g: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    x_grad, gamma_grad = _rms_backward(x, torch.ones_like(gamma), g, eps)
    return gamma * x_grad, gamma_grad


def _undivided(
    x: Tensor, gamma: Tensor, g: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    x_grad, gamma_grad = _rms_backward(x, gamma, g, eps)
    return x_grad * torch.sqrt(_mean_square(x) + eps), gamma_grad


def _x_for_hat(
    x: Tensor, gamma: Tensor, g: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    to_hat = g * gamma
    change = to_hat - x * (to_hat * x).mean(-1, keepdim=True)
    root = torch.sqrt(_mean_square(x) + eps)
    return change / root, (g * x / root).sum(0)


def _second_term_without_eps(
    x: Tensor, gamma: Tensor, g: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    root, to_hat = torch.sqrt(_mean_square(x) + eps), g * gamma
    share = (to_hat * x).mean(-1, keepdim=True) / _mean_square(x)
    return (to_hat - x * share) / root, (g * x / root).sum(0)


def _over_the_batch(
    x: Tensor, gamma: Tensor, g: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    root, to_hat = torch.sqrt(x.square().mean(0) + eps), g * gamma
    hat = x / root
    return (to_hat - hat * (to_hat * hat).mean(0)) / root, (g * hat).sum(0)


_GAMMA_FROM_X = (
    "The gradient of `x` is right. That of `gamma` is a sum of g · x̂, with the "
    "normalised numbers, not with `x`."
)

RMS_BACKWARD = Exercise(
    "normalization.rms_backward",
    _rms_backward,
    (
        Misconception(
            "gamma in front",
            _gamma_in_front,
            "You put `gamma` in front, as for BatchNorm, where it is one number for "
            "all that share a root. Here each feature has its own: multiply `g` by "
            "`gamma` first, then take the mean.",
        ),
        Misconception(
            "root held fixed",
            partial(_rms_backward, inner=lambda to_hat, hat: to_hat),
            "You treat the root as a constant. Every number of the row moves it, and "
            "with it all the others: a term is missing.",
        ),
        Misconception(
            "BatchNorm's formula",
            partial(
                _rms_backward,
                inner=lambda to_hat, hat: (
                    to_hat
                    - to_hat.mean(-1, keepdim=True)
                    - hat * (to_hat * hat).mean(-1, keepdim=True)
                ),
            ),
            "You subtract the mean of the gradient too. That term comes from the mean "
            "that BatchNorm and LayerNorm subtract; RMSNorm subtracts none.",
        ),
        Misconception(
            "all over the batch",
            _over_the_batch,
            "All your means run over the batch (`dim=0`), the one in the root "
            "too, as in BatchNorm. RMSNorm treats each row by itself: they run "
            "over its features, `dim=-1`.",
        ),
        Misconception(
            "over the batch",
            partial(
                _rms_backward,
                inner=lambda to_hat, hat: to_hat - hat * (to_hat * hat).mean(0),
            ),
            "Your mean runs over the batch (`dim=0`). The numbers that share a root "
            "are those of one row: `dim=-1`.",
        ),
        Misconception(
            "sum for mean",
            partial(
                _rms_backward,
                inner=lambda to_hat, hat: (
                    to_hat - hat * (to_hat * hat).sum(-1, keepdim=True)
                ),
            ),
            "The second term is D times too large: the root is that of a *mean* of "
            "squares, so a mean belongs there.",
        ),
        Misconception(
            "sign of the second term",
            partial(
                _rms_backward,
                inner=lambda to_hat, hat: (
                    to_hat + hat * (to_hat * hat).mean(-1, keepdim=True)
                ),
            ),
            "You add the second term. A number that grows makes the root larger and "
            "the others smaller: it is subtracted.",
        ),
        Misconception(
            "not divided by the root",
            _undivided,
            "All is right but the factor: the layer divides by the root, so the "
            "gradient of `x` is divided by it too.",
        ),
        Misconception(
            "x for the normalised",
            _x_for_hat,
            "The second term holds `x` where x̂ belongs, the normalised numbers.",
        ),
        Misconception(
            "eps forgotten",
            lambda x, gamma, g, eps: _rms_backward(x, gamma, g, 0.0),
            "Your result is that of eps = 0, or of a tiny fixed one. The `eps` that is "
            "passed stands under the root in the forward pass, so it does here.",
        ),
        Misconception(
            "eps forgotten in the second term",
            _second_term_without_eps,
            "Right for a tiny `eps` only: in the gradient of `x` the second term "
            "lacks it. That term is divided by root² as well, and root² is the mean "
            "square plus `eps`, as in x̂ = x / root.",
        ),
        Misconception(
            "gamma forgotten",
            lambda x, gamma, g, eps: _rms_backward(x, torch.ones_like(gamma), g, eps),
            "The gradient of `gamma` is right. That of `x` must pass through `gamma` "
            "first.",
        ),
        Misconception(
            "gamma's gradient not summed",
            partial(_rms_backward, for_gamma=lambda g, hat: g * hat),
            "The gradient of `gamma` has a row for each example. `gamma` is used in "
            "all of them: add them up.",
        ),
        Misconception(
            "gamma's gradient summed over features",
            partial(_rms_backward, for_gamma=lambda g, hat: (g * hat).sum(-1)),
            "The gradient of `gamma` has one number for each example: you sum over the "
            "features (`dim=-1`). `gamma` has one number for each feature, used in "
            "all examples: sum over those, `dim=0`.",
        ),
        Misconception(
            "gamma's gradient averaged",
            partial(_rms_backward, for_gamma=lambda g, hat: (g * hat).mean(0)),
            "The gradient of `gamma` is a mean over the examples. Gradients of a "
            "tensor that is used several times add up: a sum.",
        ),
        Misconception(
            "gamma's gradient from x",
            lambda x, gamma, g, eps: (
                _rms_backward(x, gamma, g, eps)[0],
                (g * x).sum(0),
            ),
            _GAMMA_FROM_X,
        ),
        Misconception(
            "gamma's gradient times gamma",
            lambda x, gamma, g, eps: (
                _rms_backward(x, gamma, g, eps)[0],
                gamma * _rms_backward(x, gamma, g, eps)[1],
            ),
            "The gradient of `gamma` is multiplied by `gamma`. What `gamma` itself is "
            "multiplied by is x̂, so only g · x̂ is summed.",
        ),
        Misconception(
            "both swapped",
            lambda x, gamma, g, eps: _rms_backward(x, gamma, g, eps)[::-1],
            "The two are swapped: the gradient of `x` comes first.",
        ),
    ),
    lambda: [
        (2 * x + 1, gamma, g, eps)
        for n, d in [(1, 4), (3, 5), (4, 4), (2, 1)]
        for x, gamma, g in [randn((n, d), (d,), (n, d))]
        for eps in (1e-5, 0.5)
    ],
    hints=(
        "Write y = gamma · x̂ and x̂ = x / r with r = √(mean of squares + eps). What "
        "arrives at x̂ is `g * gamma`.",
        "Move one x_j by d. Its own x̂ moves by d / r. And r moves by x̂_j · d / D, "
        "which moves every x̂_i of the row.",
        "So the formula is BatchNorm's less one of its three terms, with means over "
        "the row, and with `g * gamma` inside them.",
    ),
    parts=("the gradient of `x`", "the gradient of `gamma`"),
    forbidden=AUTOGRAD,
)

FOLD_FORWARD = Exercise(
    "normalization.fold_forward",
    lambda weight, bias, gamma, beta: (weight * gamma, weight @ beta + bias),
    (
        Misconception(
            "rows scaled",
            lambda weight, bias, gamma, beta: (
                weight * gamma[:, None],
                weight @ beta + bias,
            ),
            "You scale the rows of `weight`, which are outputs, as for a BatchNorm "
            "behind the layer. Here `gamma` multiplies the inputs: the columns.",
        ),
        Misconception(
            "beta added as it is",
            lambda weight, bias, gamma, beta: (weight * gamma, bias + beta),
            "`beta` is added to the bias as it is. But it comes before the linear "
            "layer, so it passes through `weight`.",
        ),
        Misconception(
            "beta forgotten",
            lambda weight, bias, gamma, beta: (weight * gamma, bias.clone()),
            "The weight is right. `beta` is missing from the bias.",
        ),
        Misconception(
            "bias forgotten",
            lambda weight, bias, gamma, beta: (weight * gamma, weight @ beta),
            "The weight is right. The layer's own bias is missing.",
        ),
        Misconception(
            "beta scaled",
            lambda weight, bias, gamma, beta: (
                weight * gamma,
                (weight * gamma) @ beta + bias,
            ),
            "The weight is right. In the bias, `beta` is multiplied by `gamma` too: "
            "LayerNorm adds `beta` after it has multiplied. Use the old weight there.",
        ),
        Misconception(
            "divided by gamma",
            lambda weight, bias, gamma, beta: (weight / gamma, weight @ beta + bias),
            "You divide by `gamma`. LayerNorm multiplies by it, so the weight must "
            "too.",
        ),
        Misconception(
            "weight not scaled",
            lambda weight, bias, gamma, beta: (weight.clone(), weight @ beta + bias),
            "The bias is right, but the weight is the old one: `gamma` is missing.",
        ),
        Misconception(
            "beta subtracted",
            lambda weight, bias, gamma, beta: (weight * gamma, bias - weight @ beta),
            "The weight is right, but `weight @ beta` is subtracted. LayerNorm adds "
            "`beta`.",
        ),
        Misconception(
            "bias from a matrix",
            lambda weight, bias, gamma, beta: (weight * gamma, weight * beta + bias),
            "`weight * beta` is a matrix: multiply and add up over the inputs, "
            "`weight @ beta`.",
        ),
        *(
            Misconception(
                name,
                lambda weight, bias, gamma, beta, scaled=scaled: (
                    weight * gamma,
                    beta @ (weight * gamma if scaled else weight) + bias,
                ),
                "With `beta` on the left, `@` sums over the outputs, the rows of "
                "`weight`. Each output of the layer sums over its D inputs: let `beta` "
                "stand on the right, as x does in W x.",
            )
            for name, scaled in (
                ("beta from the left", False),
                ("beta from the left, scaled", True),
            )
        ),
        Misconception(
            "transposed",
            lambda weight, bias, gamma, beta: (
                (weight * gamma).T.contiguous(),
                weight @ beta + bias,
            ),
            "The weight's numbers are right, but it is transposed: `nn.Linear` stores "
            "`(out, in)`.",
        ),
        Misconception(
            "both swapped",
            lambda weight, bias, gamma, beta: (weight @ beta + bias, weight * gamma),
            "The two are swapped: the weight comes first.",
        ),
        Misconception(
            "beta averaged",
            lambda weight, bias, gamma, beta: (
                weight * gamma,
                bias + (weight @ beta).mean(),
            ),
            "The weight is right. To every bias you add the same number, the mean of "
            "`weight @ beta`. Each output has its own: leave out the mean.",
        ),
        Misconception(
            "beta of dead features lost",
            lambda weight, bias, gamma, beta: (
                weight * gamma,
                bias + weight @ (beta * (gamma != 0)),
            ),
            "Right except where a number of `gamma` is 0: there you leave `beta` out. "
            "Such a feature still gives its `beta`, as x̂ · 0 + β: use all of it.",
        ),
    ),
    lambda: (
        [randn((out, d), (out,), (d,), (d,)) for out, d in [(1, 3), (3, 2), (4, 4)]]
        + [
            (weight, bias, gamma.relu(), beta)  # some of its numbers are 0
            for weight, bias, gamma, beta in [randn((2, 5), (2,), (5,), (5,))]
        ]
    ),
    hints=(
        "Write both layers down, with x̂ for the normalised input: "
        "W (gamma · x̂ + beta) + b.",
        "Multiply out. What stands before x̂, and what stands without it?",
        "`gamma` meets the inputs of the layer. In `weight` of shape `(out, D)` these "
        "are the columns, which broadcasting from the right lines up with.",
    ),
    parts=("the weight", "the bias"),
)

_MENDED = "nothing"
_EPS = 1e-6


def _rms_of(x: Tensor) -> Tensor:
    return torch.sqrt(_mean_square(x) + _EPS)


def _block(
    *,
    kept: bool = True,
    root: Callable[[Tensor], Tensor] = _rms_of,
    path: str = "bare",
    bend: Callable[[Tensor], Tensor] = torch.relu,
    centre: bool = False,
    scaled: bool = True,
    behind: bool = False,
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            gamma = torch.ones(16)
            self.gamma = nn.Parameter(gamma) if kept else gamma
            self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)

        def forward(self, x: Tensor) -> Tensor:
            h = x - x.mean(-1, keepdim=True) if centre else x
            h = h / root(h) * (self.gamma if scaled and not behind else 1)
            branch = self.down(bend(self.up(h))) * (self.gamma if behind else 1)
            return {"bare": x + branch, "normed": h + branch, "none": branch}[path]

    return Block


def _parts_of(block: Any) -> tuple[Tensor, nn.Linear, nn.Linear]:
    """Return γ and the two linear layers of a block."""
    if not isinstance(block, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    gamma, up, down = (getattr(block, n, None) for n in ("gamma", "up", "down"))
    if isinstance(up, nn.Linear) and isinstance(down, nn.Linear):
        if isinstance(gamma, Tensor):
            return gamma, up, down
    raise TypeError(
        "Keep the names: `gamma` is a tensor, `up` and `down` are linear layers."
    )


def _fault(block_class: Answer, n: int, words: int, size: float) -> Any:
    """Say the first thing that is wrong with a block for sentences of some words."""
    block = block_class()
    gamma, up, down = _parts_of(block)
    block.to(current_device())
    count = sum(parameter.numel() for parameter in block.parameters())
    if count != 2_144:
        return f"the module has {count:,} parameters, not 2,144"
    if not all(parameter.requires_grad for parameter in block.parameters()):
        return "some parameters are frozen"
    if not torch.equal(gamma, torch.ones_like(gamma)):
        return "`gamma` does not start as 16 ones"
    x, other_gamma, step = randn((n, words, 16), (16,), (words, 16))
    x = size * x
    with torch.no_grad():
        y = watched_call(block, x)
        if not isinstance(y, Tensor):
            return y
        if y.shape != x.shape:
            return f"the output has the shape {tuple(y.shape)}, not {tuple(x.shape)}"
        if words > 1:
            step[:-1] = 0  # only the last word moves
            moved = block(x + size * step) - y
            if moved[:, :-1].abs().max() > 1e-4:
                return "a word's output depends on the other words"
        gamma.copy_(other_gamma)
        hidden = up(x / _rms_of(x) * gamma)
        before, y = y, block(x)
        if _close(y, x + down(hidden.relu())):
            return _learning_fault(block, x)
        if _close(y, x + down(up(x * gamma).relu())):
            return "the branch gets `x` as it is: there is no norm before it"
        if _close(y, x + down(hidden)):
            return "there is no ReLU between the linear layers"
        if _close(y, x + gamma * down(up(x / _rms_of(x)).relu())):
            return "γ multiplies what comes out of the branch, not what goes in"
        if _close(y, before):
            return "another γ changes nothing"
        nn.init.zeros_(down.weight)
        nn.init.zeros_(down.bias)
        rest = block(x)
    if _close(rest, x):
        return (
            "the branch gives other numbers than RMSNorm with 1e-6, `up`, ReLU and "
            "`down`"
        )
    if not rest.any():
        return "with a branch of zeros the output is 0: no path leads past"
    return "with a branch of zeros the input does not come out as it was"


@torch.enable_grad()
def _learning_fault(block: nn.Module, x: Tensor) -> str:
    """Say which gradient is missing or wrong; that nothing is wrong if none is."""
    x.requires_grad_()
    gamma, up, down = _parts_of(block)
    right = x + down(up(x / _rms_of(x) * gamma).relu())
    (wanted,) = torch.autograd.grad(right.square().sum(), x)
    result = block(x)
    if result.requires_grad:
        result.square().sum().backward()
    for name, parameter in block.named_parameters():
        if parameter.grad is None or not parameter.grad.any():
            return (
                f"no gradient reaches `{name}`, as where it is used through `.data` or "
                "`.detach()`"
            )
    if x.grad is None or not _close(x.grad / wanted.norm(), wanted / wanted.norm()):
        return (
            "the output is right, but the gradient that `x` gets is another one, as "
            "where something is computed under `no_grad()` or used through `.data` or "
            "`.detach()`"
        )
    return _MENDED


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def _over_the_words(x: Tensor) -> Tensor:
    return torch.sqrt(x.square().mean(1, keepdim=True) + _EPS)


def _over_the_sentence(x: Tensor) -> Tensor:
    return torch.sqrt(x.square().mean((1, 2), keepdim=True) + _EPS)


REPAIR = Exercise(
    "normalization.repair",
    _block(),
    (
        Misconception(
            "gamma not registered",
            _block(kept=False, root=_over_the_words, path="normed"),
            "The module's parameters lack γ: neither a plain tensor nor a buffer is "
            "trained. What does `nn` have for a tensor that is to be trained?",
        ),
        Misconception(
            "over the words",
            _block(root=_over_the_words),
            "γ is registered. But a word's output still depends on others, and even a "
            "sentence of one word comes out wrong: `dim=1` are the words, and without "
            "a `dim` all numbers share one root. Each word is normalised over its own "
            "features.",
        ),
        Misconception(
            "over the whole sentence",
            _block(root=_over_the_sentence),
            "One root for the whole sentence: right for a single word only. Each word "
            "has its own.",
        ),
        Misconception(
            "path normalised",
            _block(path="normed"),
            "The norm is right, but the path past the branch is not bare: the name "
            "`x` holds the normalised numbers by then, or the norm stands behind the "
            "sum. Keep the input, and add the branch to it.",
        ),
        Misconception(
            "no path",
            _block(path="none"),
            "Your block returns the branch alone. The input must be added to it.",
        ),
        Misconception(
            "mean subtracted",
            _block(centre=True),
            "The path is right, the branch is not. Its norm subtracts no mean and has "
            "its 1e-6 under the root; γ multiplies what it gives, before `up`; and one "
            "ReLU stands between `up` and `down`.",
        ),
        Misconception(
            "gamma unused",
            _block(scaled=False),
            "γ has no effect: with other numbers in `self.gamma` the block gives the "
            "same output. Multiply the normalised numbers by it, in `forward`.",
        ),
        Misconception(
            "no ReLU",
            _block(bend=lambda h: h),
            "All is right but the branch: the ReLU between `up` and `down` is gone.",
        ),
        Misconception(
            "gamma behind the branch",
            _block(behind=True),
            "γ stands in the wrong place: it multiplies what comes out of the branch, "
            "after `down`. It belongs to the norm: multiply the normalised numbers by "
            "it, before `up`.",
        ),
    ),
    lambda: [(2, 5, 3.0), (3, 1, 1.0), (1, 4, 0.001)],
    _fault,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "γ must be an `nn.Parameter`. And over which dimension do the features of a "
        "word run?",
        "In `forward`, give the normalised numbers a name of their own; what is the "
        "branch added to?",
    ),
    result="block",
    arguments=("n", "words", "size"),
)


class _Residual(nn.Module):
    def __init__(
        self, width: int, norm: Callable[[int], nn.Module], asleep: bool
    ) -> None:
        super().__init__()
        self.norm = norm(width)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)
        if asleep:
            nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.relu(self.up(self.norm(x))))


def _residual(
    norm: Callable[[int], nn.Module] = nn.LayerNorm,
    width: int = 38,
    blocks: int = 9,
    asleep: bool = False,
) -> Answer:
    """Return an answer of residual blocks, two linear layers in each."""

    def answer() -> nn.Module:
        body = [_Residual(width, norm, asleep) for _ in range(blocks)]
        first, last = nn.Linear(196, width), nn.Linear(width, 10)
        return nn.Sequential(first, *body, norm(width), last)

    return answer


def _stack(norm: Callable[[int], nn.Module], width: int = 40) -> Answer:
    """Return an answer of 20 linear layers, a norm and a ReLU after each."""

    def answer() -> nn.Module:
        widths = [196] + 19 * [width]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), norm(n_out), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(width, 10))

    return answer


class _SideBySide(nn.Module):
    """Twenty linear layers that all get the same."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(196, 10) for _ in range(20)])

    def forward(self, x: Tensor) -> Tensor:
        x = F.layer_norm(x, (196,))
        return torch.stack([layer(x) for layer in self.layers]).sum(0)


def _flaw(answer: Answer, n: int) -> Any:
    """Say the first demand of the design that a network does not meet."""
    net = answer()
    if not isinstance(net, nn.Module):
        return net
    net = net.to(current_device()).train()
    linear = [part for part in net.modules() if isinstance(part, nn.Linear)]
    every = [part for _, part in net.named_modules(remove_duplicate=False)]
    named = sum(isinstance(part, nn.Linear) for part in every)
    if len(linear) < 20 <= named:
        raise ValueError(
            f"Your network uses {named} linear layers, but only {len(linear)} of them "
            "are different: the others are the same layers once more, with the same "
            "weights, as `[layer] * 18` makes them. Make a new one each time, as in a "
            "loop."
        )
    if len(linear) < 20:
        return "the network has fewer than 20 linear layers"
    count = sum(parameter.numel() for parameter in net.parameters())
    of_linear = sum(p.numel() for part in linear for p in part.parameters())
    if of_linear <= 40_000 < count:
        raise ValueError(
            f"Your network has {count:,} parameters, over the budget of 40,000. The "
            f"linear layers alone have {of_linear:,}: those of the norms, γ and β, "
            "count too."
        )
    if count > 40_000:
        return "the network has more than 40,000 parameters"
    pictures, others = randn((64, 196), (64, 196), seed=n)
    others[:n] = pictures[:n]
    with torch.no_grad():
        scores = net(pictures)
        if scores.shape != (64, 10):
            return f"64 pictures give the shape {tuple(scores.shape)}, not (64, 10)"
        if not _close(scores, net(pictures)):
            raise ValueError(
                "The same pictures get other scores at the second call: something in "
                "your network is random in `train()`, as dropout is."
            )
        if not _close(scores[:n], net(others)[:n]):
            return "a picture's scores depend on the other pictures of its batch"
        if not _close(scores[:1], net(pictures[:1])):
            return "one picture alone gets other scores than in a batch"
        if _close(scores.sum(1), torch.ones_like(scores[:, 0])):
            raise ValueError(
                "The scores of every picture sum to 1: a softmax at the end squeezes "
                "them together. Return what the last linear layer gives."
            )
        if _close(scores.exp().sum(1), torch.ones_like(scores[:, 0])):
            raise ValueError(
                "`exp` of the scores of every picture sums to 1: a log-softmax stands "
                "at the end, and `F.cross_entropy` takes it once more. Return what the "
                "last linear layer gives."
            )
        spread = scores.std(0).mean().item()
        if spread < 0.01:
            return "all pictures get nearly the same scores"
        if not net(10 * pictures).std(0).mean().item() < 3 * spread:
            return "pictures ten times as strong give scores far further apart"
        if spread < 0.2:
            return "the scores spread by less than 0.2"
    labels = torch.arange(64, device=scores.device) % 10
    F.cross_entropy(net(pictures), labels).backward()
    grads = [part.weight.grad for part in linear]
    norms = [0.0 if grad is None else grad.norm().item() for grad in grads]
    if min(norms) == 0:
        return "the weight of a linear layer gets no gradient"
    if min(norms) < max(norms) / 100:
        return "the gradient of a linear layer is less than 1/100 of the largest"
    if _depth(net, linear, pictures[:8]) < 20:
        return "fewer than 20 linear layers stand one behind another"
    return _MENDED


@torch.no_grad()
def _depth(net: nn.Module, linear: Sequence[nn.Linear], x: Tensor) -> int:
    """Return how many linear layers the longest way through a network has.

    Where a layer with another weight moves what a later one gets, that one stands
    behind it. A layer is taken to stand on the way if its input is not seen, since only
    its weight is used, as by `F.linear`.
    """
    usual = _first_inputs(net, linear, x)
    order = list(usual)  # as they are called
    longest = dict.fromkeys(order, 1)
    for place, layer in enumerate(order):
        (noise,) = randn(tuple(layer.weight.shape), seed=place)
        kept = layer.weight.clone()
        layer.weight.add_(noise)
        moved = _first_inputs(net, linear, x)
        layer.weight.copy_(kept)
        for later in order[place + 1 :]:
            if later in moved and not _close(moved[later], usual[later]):
                longest[later] = max(longest[later], longest[layer] + 1)
    return max(longest.values(), default=0) + len(linear) - len(order)


def _first_inputs(
    net: nn.Module, linear: Sequence[nn.Linear], x: Tensor
) -> dict[nn.Linear, Tensor]:
    """Return what each linear layer gets when it is called first."""
    arrived: dict[nn.Linear, Tensor] = {}

    def keep(layer: nn.Linear, inputs: tuple[Tensor, ...]) -> None:
        if inputs and layer not in arrived:
            arrived[layer] = inputs[0].clone()

    hooks = [layer.register_forward_pre_hook(keep) for layer in linear]
    net(x)
    for hook in hooks:
        hook.remove()
    return arrived


DESIGN = Exercise(
    "normalization.design",
    _residual(),
    (
        Misconception(
            "no norm",
            _stack(nn.Identity),
            "All pictures get nearly the same scores: layer by layer the difference "
            "between them fades, as at the beginning of the lesson. A sure way to hold "
            "it up is a norm in every block, and a path past the block's layers.",
        ),
        Misconception(
            "a norm in a plain stack",
            _stack(nn.LayerNorm),
            "Alive, but the scores differ too little. A norm over features keeps the "
            "size of the numbers, not the pictures apart: a path past the layers of "
            "each block does that most simply. If yours have one, look at the blocks' "
            "ends (a ReLU there only adds, and what all pictures have in common "
            "outgrows the rest), and at what scales the scores down.",
        ),
        Misconception(
            "BatchNorm",
            _residual(nn.BatchNorm1d),
            "A picture's scores depend on the other pictures of its batch: often "
            "BatchNorm in `train()`, or a mean or `std` taken over the whole batch. "
            "Choose a norm that stays within one example.",
        ),
        Misconception(
            "branches that start at 0",
            _residual(asleep=True),
            "The weights of some linear layers get a gradient of exactly 0, or none. "
            "The usual cause: the weight behind them starts at 0 and lets nothing "
            "back. Start it small instead. (A `.detach()`, or a layer that `forward` "
            "doesn't use, does the same.)",
        ),
        Misconception(
            "size not taken out",
            _residual(nn.Identity),
            "Pictures ten times as strong give scores far further apart: nothing sets "
            "the size of what the last layer gets. A path past each block, or He's "
            "weights, can keep pictures apart without a norm, but lets their size "
            "through. Where do norms stand in a pre-norm network, the last included?",
        ),
        Misconception(
            "too wide",
            _residual(width=64),
            "Over the budget of 40,000 parameters. At width w, a linear layer has "
            "w · (w + 1), the first one 197 · w.",
        ),
        Misconception(
            "too few layers",
            _residual(blocks=8),
            "There are fewer than 20 linear layers. A block with two of them, and one "
            "layer at either end: how many blocks?",
        ),
        Misconception(
            "side by side",
            _SideBySide,
            "There are enough linear layers, but no way through your network leads "
            "through 20 of them: some stand side by side, and get the same input. Let "
            "one work on what the other gives.",
        ),
    ),
    lambda: [(1,), (3,), (32,)],
    _flaw,
    hints=(
        "Which norms never look at another example? And what keeps the examples apart "
        "through 20 layers?",
        "Residual blocks: `x + down(relu(up(norm(x))))`, with a first linear layer "
        "before them and a last one behind.",
        "A norm behind the last block sets the size of what the last layer sees. Two "
        "linear layers per block: at which width are nine blocks within the budget?",
    ),
    result="network",
    arguments=("n",),
)

EXERCISES = (
    COUNTS,
    LAYER_NORM,
    UNDO,
    GROUP_NORM,
    RMS_NORM,
    RUNNING,
    RMS_BACKWARD,
    FOLD_FORWARD,
    REPAIR,
    DESIGN,
)
