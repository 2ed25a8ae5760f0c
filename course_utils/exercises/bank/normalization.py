"""Exercises of lesson 04: normalization."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Case, Exercise, Misconception

COUNTS = Exercise(
    "normalization.counts",
    lambda n, c, groups: (c, n * c, n * groups, n),
    (
        Misconception(
            "BatchNorm by example",
            lambda n, c, groups: (n, n * c, n * groups, n),
            "You count one mean per example for BatchNorm. It has one per channel, "
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
    ),
    lambda: [(8, 6, 3), (1, 4, 2), (5, 12, 1), (2, 10, 10)],
)


_Dim = int | tuple[int, ...]


def _normalised(x: Tensor, dim: _Dim, eps: float, correction: int = 0) -> Tensor:
    """Subtract the mean over `dim`, divide by the root of the variance plus `eps`."""
    var = x.var(dim, correction=correction, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / torch.sqrt(var + eps)


def _per_channel(values: Tensor) -> Tensor:
    return values[:, None, None]  # (C,) -> (C, 1, 1), to stand beside (N, C, H, W)


def _batch_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float, dim: _Dim = (0, 2, 3)
) -> Tensor:
    return _normalised(x, dim, eps) * _per_channel(gamma) + _per_channel(beta)


def _eps_outside(x: Tensor, dim: _Dim, eps: float, correction: int) -> Tensor:
    spread = x.std(dim, correction=correction, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / (spread + eps)


def _no_root(x: Tensor, dim: _Dim, eps: float) -> Tensor:
    var = x.var(dim, correction=0, keepdim=True)
    return (x - x.mean(dim, keepdim=True)) / (var + eps)


def _common_mistakes(
    dim: _Dim, per_feature: Callable[[Tensor], Tensor]
) -> list[Misconception]:
    """Mistakes of both layers; `per_feature` gives γ or β the shape to broadcast."""

    def affine(hat: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return hat * per_feature(gamma) + per_feature(beta)

    return [
        Misconception(
            "unbiased variance",
            lambda x, gamma, beta, eps: affine(
                _normalised(x, dim, eps, correction=1), gamma, beta
            ),
            "You divide by n - 1, as `x.var()` does by default. To normalise, divide "
            "the variance by n: `correction=0`.",
        ),
        Misconception(
            "eps outside the root",
            lambda x, gamma, beta, eps: affine(
                _eps_outside(x, dim, eps, correction=0), gamma, beta
            ),
            "You add `eps` to the square root. It belongs inside: `torch.sqrt(var + "
            "eps)`.",
        ),
        Misconception(
            "std plus eps",
            lambda x, gamma, beta, eps: affine(
                _eps_outside(x, dim, eps, correction=1), gamma, beta
            ),
            "`x.std() + eps` has two mistakes: `std` divides by n - 1 unless you pass "
            "`correction=0`, and `eps` belongs inside the square root.",
        ),
        Misconception(
            "no root",
            lambda x, gamma, beta, eps: affine(_no_root(x, dim, eps), gamma, beta),
            "You divide by the variance. Divide by its square root, the spread: "
            "`torch.sqrt(var + eps)`.",
        ),
        Misconception(
            "gamma before normalising",
            lambda x, gamma, beta, eps: (
                _normalised(x * per_feature(gamma), dim, eps) + per_feature(beta)
            ),
            "You multiply by `gamma` first, and normalising removes it again. "
            "Normalise, then multiply.",
        ),
        Misconception(
            "everything at once",
            lambda x, gamma, beta, eps: affine(
                _normalised(x, tuple(range(x.dim())), eps), gamma, beta
            ),
            "You take one mean of the whole tensor. Choose with `dim=` which numbers "
            "share a mean.",
        ),
        Misconception(
            "affine forgotten",
            lambda x, gamma, beta, eps: _normalised(x, dim, eps),
            "The numbers are normalised, but `gamma` and `beta` are not applied yet.",
        ),
    ]


def _batch_norm_no_keepdim(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    var = x.var((0, 2, 3), correction=0)
    hat = (x - x.mean((0, 2, 3))) / torch.sqrt(var + eps)
    return hat * _per_channel(gamma) + _per_channel(beta)


def _batch_cases() -> list[Case]:
    # A batch of one, odd sizes, and a width equal to the channels: there γ fits
    # along the wrong axis.
    sizes = [(1, 2, 2, 3), (3, 3, 2, 5), (4, 4, 3, 4)]
    return [(*randn(s, (s[1],), (s[1],)), eps) for s in sizes for eps in (1e-5, 0.5)]


BATCH_NORM = Exercise(
    "normalization.batch_norm",
    lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps),
    (
        *_common_mistakes((0, 2, 3), _per_channel),
        Misconception(
            "each example by itself",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, (1, 2, 3)),
            "You give every example its own mean, as LayerNorm does. BatchNorm2d has "
            "one mean per channel: `dim=(0, 2, 3)`.",
        ),
        Misconception(
            "each pixel by itself",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, 0),
            "You average only over the batch, so every pixel has its own mean. The "
            "pixels of a channel share one: `dim=(0, 2, 3)`.",
        ),
        Misconception(
            "each channel of each example",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, (2, 3)),
            "This is InstanceNorm: one mean per example and channel. BatchNorm2d "
            "averages over the batch too: `dim=(0, 2, 3)`.",
        ),
        Misconception(
            "no keepdim",
            _batch_norm_no_keepdim,
            "Without `keepdim=True` the mean is `(C,)` and lines up with the last "
            "dimension, the width. Keep it as `(1, C, 1, 1)`.",
        ),
        Misconception(
            "gamma along the width",
            lambda x, gamma, beta, eps: _normalised(x, (0, 2, 3), eps) * gamma + beta,
            "`* gamma` lines up with the last dimension, the width. It belongs to the "
            "channels: `gamma[:, None, None]`.",
        ),
    ),
    _batch_cases,
)


def _layer_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float, dim: _Dim = -1
) -> Tensor:
    return _normalised(x, dim, eps) * gamma + beta


def _layer_norm_no_keepdim(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    var = x.var(-1, correction=0)
    return (x - x.mean(-1)) / torch.sqrt(var + eps) * gamma + beta


LAYER_NORM = Exercise(
    "normalization.layer_norm",
    lambda x, gamma, beta, eps: _layer_norm(x, gamma, beta, eps),
    (
        *_common_mistakes(-1, lambda values: values),
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
    ),
    lambda: [
        (*randn(s, (s[-1],), (s[-1],)), eps)
        for s in [(1, 2, 5), (3, 4, 7), (3, 3, 3)]
        for eps in (1e-5, 0.5)
    ],
)


def _grouped(
    x: Tensor, groups: int, eps: float, dim: _Dim = (2, 3, 4), correction: int = 0
) -> Tensor:
    parts = x.unflatten(1, (groups, -1))  # (N, groups, channels of a group, H, W)
    return _normalised(parts, dim, eps, correction).flatten(1, 2)


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
    ),
    lambda: [
        (*randn((n, c, h, w)), groups, eps)
        for n, c, h, w, groups in [(1, 6, 2, 3, 2), (3, 6, 1, 3, 3), (2, 4, 3, 2, 1)]
        for eps in (1e-5, 0.5)
    ],
)


def _mean_square(x: Tensor) -> Tensor:
    return x.square().mean(-1, keepdim=True)


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
    ),
    lambda: [
        (*randn(s, (s[-1],)), eps)
        for s in [(1, 5), (2, 4, 7), (3, 3)]
        for eps in (1e-5, 0.5)
    ],
)


def _follow(
    batches: Tensor,
    momentum: float,
    *,
    correction: int = 1,
    start: tuple[float, float] = (0.0, 1.0),
) -> tuple[Tensor, Tensor]:
    mean = torch.full_like(batches[0, 0], start[0])
    var = torch.full_like(mean, start[1])
    for batch in batches:
        mean = (1 - momentum) * mean + momentum * batch.mean(0)
        var = (1 - momentum) * var + momentum * batch.var(0, correction=correction)
    return mean, var


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
    ),
    lambda: [
        (3 * batches + 2, momentum)
        for shape in [(1, 2, 3), (4, 5, 2), (3, 3, 3)]
        for (batches,) in [randn(shape)]
        for momentum in (0.1, 0.3)
    ],
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
            "sign of the mean",
            lambda mean, var, eps: (torch.sqrt(var + eps), -mean),
            "The layer already subtracts the mean. Undo it: beta adds the mean back.",
        ),
        Misconception(
            "order",
            lambda mean, var, eps: (mean.clone(), torch.sqrt(var + eps)),
            "The two are swapped: gamma multiplies, beta is added.",
        ),
    ),
    lambda: [
        (mean, var.exp(), eps)
        for size in [(1,), (4,), (7,)]
        for mean, var in [randn(size, size)]
        for eps in (1e-5, 0.5)
    ],
)


def _folded(
    weight: Tensor, bias: Tensor, beta: Tensor, mean: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor]:
    return weight * scale[:, None], (bias - mean) * scale + beta


def _scale(gamma: Tensor, var: Tensor, eps: float) -> Tensor:
    return gamma / torch.sqrt(var + eps)


def _fold_cases() -> list[Case]:
    cases: list[Case] = []
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
            "`weight * scale` scales the columns, which are inputs. A channel is an "
            "output, a row of `weight`: `scale[:, None]`.",
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
            "The weight is right, but `beta` is missing from the bias.",
        ),
        Misconception(
            "eps forgotten",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, mean, _scale(gamma, var, 0.0)
            ),
            "You divide by √var. The layer divides by √(var + eps).",
        ),
        Misconception(
            "no root",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, mean, gamma / (var + eps)
            ),
            "You divide by the variance. The layer divides by its square root.",
        ),
    ),
    _fold_cases,
)

EXERCISES = (COUNTS, BATCH_NORM, LAYER_NORM, GROUP_NORM, RMS_NORM, RUNNING, UNDO, FOLD)
