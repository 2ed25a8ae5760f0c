"""Exercises of lesson 04: normalization."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception

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
        Misconception(
            "BatchNorm by example and channel",
            lambda n, c, groups: (n * c, n * c, n * groups, n),
            "Your first two numbers are equal: one mean per example and channel. That "
            "is InstanceNorm; BatchNorm in training has one per channel, over all "
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
    ),
    lambda: [(8, 6, 3), (1, 4, 2), (5, 12, 1), (2, 10, 10)],
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
        Misconception(
            "beta forgotten",
            lambda x, gamma, beta, eps: _normalised(x, dim, eps) * per_feature(gamma),
            "Right up to `gamma`; `beta` is not added. Both layers end with γ · x̂ + β.",
        ),
        Misconception(
            "gamma forgotten",
            lambda x, gamma, beta, eps: _normalised(x, dim, eps) + per_feature(beta),
            "`beta` is added, but the normalised numbers are not multiplied by "
            "`gamma`.",
        ),
        Misconception(
            "gamma and beta swapped",
            lambda x, gamma, beta, eps: affine(_normalised(x, dim, eps), beta, gamma),
            "You multiply by `beta` and add `gamma`. It is the other way round.",
        ),
        Misconception(
            "gamma times beta",
            lambda x, gamma, beta, eps: (
                (_normalised(x, dim, eps) + per_feature(beta)) * per_feature(gamma)
            ),
            "`beta` is multiplied by `gamma` too. Multiply first, then add: are the "
            "parentheses in the right place?",
        ),
        Misconception(
            "beta subtracted",
            lambda x, gamma, beta, eps: affine(_normalised(x, dim, eps), gamma, -beta),
            "`beta` is subtracted. It is added: γ · x̂ + β.",
        ),
        Misconception(
            "eps forgotten",
            lambda x, gamma, beta, eps: affine(_normalised(x, dim, 0.0), gamma, beta),
            "Your result is that of eps = 0. Add `eps` to the variance before you take "
            "the square root.",
        ),
        Misconception(
            "eps squared",
            lambda x, gamma, beta, eps: affine(
                _normalised(x, dim, eps**2), gamma, beta
            ),
            "`eps` enters squared. Add `eps` itself to the variance.",
        ),
        Misconception(
            "mean kept",
            lambda x, gamma, beta, eps: affine(
                x / torch.sqrt(x.var(dim, correction=0, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "The mean is not subtracted before you divide: x̂ = (x - mean) / √(var + "
            "eps).",
        ),
        Misconception(
            "mean of squares",
            lambda x, gamma, beta, eps: affine(
                (x - x.mean(dim, keepdim=True))
                / torch.sqrt(x.square().mean(dim, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "You divide by the root of the mean square of `x`. The variance is the "
            "mean square of `x - mean`.",
        ),
        Misconception(
            "multiplied by the spread",
            lambda x, gamma, beta, eps: affine(
                (x - x.mean(dim, keepdim=True))
                * torch.sqrt(x.var(dim, correction=0, keepdim=True) + eps),
                gamma,
                beta,
            ),
            "You multiply by √(var + eps), which makes a large spread larger. Divide, "
            "or use `torch.rsqrt`.",
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
    sizes = [(1, 2, 2, 3), (3, 3, 2, 5), (4, 4, 3, 4), (5, 2, 1, 1), (2, 1, 3, 2)]
    return [
        (2 * x + 1, gamma, beta, eps)
        for s in sizes
        for x, gamma, beta in [randn(s, (s[1],), (s[1],))]
        for eps in (1e-5, 0.5)
    ]


_ALONG_THE_WIDTH = (
    "`gamma` or `beta`, of shape `(C,)`, lines up with the last dimension of `x`, the "
    "width. Both belong to the channels: give them two more dimensions, as in "
    "`gamma[:, None, None]`."
)


def _channels_not_moved(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    hat = _normalised(x.reshape(x.shape[1], -1), 1, eps)
    return (hat * gamma[:, None] + beta[:, None]).reshape(x.shape)


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
            _ALONG_THE_WIDTH,
        ),
        Misconception(
            "gamma along the width, gamma first",  # another error message
            lambda x, gamma, beta, eps: gamma * _normalised(x, (0, 2, 3), eps) + beta,
            _ALONG_THE_WIDTH,
        ),
        Misconception(
            "beta along the width",
            lambda x, gamma, beta, eps: (
                _normalised(x, (0, 2, 3), eps) * _per_channel(gamma) + beta
            ),
            "`gamma` is right, but `beta`, of shape `(C,)`, lines up with the last "
            "dimension of `x`, the width. Give it two more dimensions, like `gamma`.",
        ),
        Misconception(
            "channels not moved to the front",
            _channels_not_moved,
            "Right for a batch of one only. Does `reshape(C, -1)` cut the tensor? It "
            "keeps the order of the numbers, so examples and channels get mixed: move "
            "the channels to the front first, or pass several dimensions to `dim`.",
        ),
        Misconception(
            "over the channels",
            lambda x, gamma, beta, eps: _batch_norm(x, gamma, beta, eps, 1),
            "You average over the channels (`dim=1`). `dim` names what shares a mean, "
            "and channels are kept apart: `dim=(0, 2, 3)`.",
        ),
    ),
    _batch_cases,
    hints=(
        "Which numbers share a mean? All with the same channel: every example, row and "
        "column.",
        "`mean` and `var` take several dimensions at once, `dim=(0, 2, 3)`. With "
        "`keepdim=True` the result fits beside `x`; the variance needs "
        "`correction=0`.",
        "Subtract, divide by the root of variance plus `eps`, then bring `gamma` and "
        "`beta` to `(C, 1, 1)`: multiply by the one, add the other.",
    ),
    forbidden=_LAYERS,
    differentiable=True,
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
            "Your result is that of eps = 0. Add `eps` to the variance before you take "
            "the square root.",
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
            "each pixel by itself",
            lambda x, groups, eps: _grouped(x, groups, eps, 2),
            "You average over the channels of a group only, so every pixel has its own "
            "mean. Height and width share it too.",
        ),
    ),
    lambda: [
        (2 * randn((n, c, h, w))[0] + 1, groups, eps)
        for n, c, h, w, groups in [
            (1, 6, 2, 3, 2),
            (3, 6, 1, 3, 3),
            (2, 4, 3, 2, 1),
            (2, 4, 2, 1, 4),
            (3, 8, 1, 1, 2),
        ]
        for eps in (1e-5, 0.5)
    ],
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
    lambda: [
        (2 * x + 1, gamma, eps)
        for s in [(1, 5), (2, 4, 7), (3, 3), (6,), (2, 3, 1, 4)]
        for x, gamma in [randn(s, (s[-1],))]
        for eps in (1e-5, 0.5)
    ],
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
            "loop, or does every step start from 0 and 1 again?",
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
        Misconception(
            "spreads averaged",
            _from_spreads,
            "The means are right. You follow the standard deviation and square it at "
            "the end; the mean of roots is not the root of the mean. Follow the "
            "variance: `var`, from 1 on.",
        ),
    ),
    lambda: [
        (3 * batches + 2, momentum)
        for shape in [(1, 2, 3), (4, 5, 2), (3, 3, 3)]
        for (batches,) in [randn(shape)]
        for momentum in (0.1, 0.3)
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
        Misconception(
            "the layer repeated",
            lambda mean, var, eps: (
                1 / torch.sqrt(var + eps),
                -mean / torch.sqrt(var + eps),
            ),
            "These two normalise once more: they divide by the spread and subtract "
            "the mean. To undo it, multiply by the spread and add the mean.",
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


def _bias_from_a_column(
    weight: Tensor,
    bias: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    var: Tensor,
    eps: float,
) -> tuple[Tensor, Tensor]:
    scale = _scale(gamma, var, eps)[:, None]
    return weight * scale, (bias - mean) * scale + beta


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
        Misconception(
            "mean added",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, -mean, _scale(gamma, var, eps)
            ),
            "The weight is right, but the running mean is added. BatchNorm subtracts "
            "it.",
        ),
        Misconception(
            "bias from a column",
            _bias_from_a_column,
            "The weight is right, but the bias comes out as a matrix: a scale of shape "
            "`(out, 1)` times a bias of shape `(out,)` broadcasts. Keep the scale "
            "`(out,)` for the bias.",
        ),
        Misconception(
            "weight not scaled",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight.clone(),
                (bias - mean) * _scale(gamma, var, eps) + beta,
            ),
            "The bias is right, but the weight is the old one. Each of its rows is "
            "multiplied by gamma / √(var + eps).",
        ),
        Misconception(
            "gamma forgotten",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, mean, _scale(torch.ones_like(gamma), var, eps)
            ),
            "You divide by √(var + eps), but `gamma` is missing from the scale.",
        ),
        Misconception(
            "beta scaled",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight * _scale(gamma, var, eps)[:, None],
                (bias - mean + beta) * _scale(gamma, var, eps),
            ),
            "The weight is right, but `beta` is scaled too. It is added at the very "
            "end.",
        ),
        Misconception(
            "old bias forgotten",
            lambda weight, bias, gamma, beta, mean, var, eps: (
                weight * _scale(gamma, var, eps)[:, None],
                beta - mean * _scale(gamma, var, eps),
            ),
            "The weight is right, but the linear layer's own `bias` is missing.",
        ),
        Misconception(
            "eps outside the root",
            lambda weight, bias, gamma, beta, mean, var, eps: _folded(
                weight, bias, beta, mean, gamma / (torch.sqrt(var) + eps)
            ),
            "You add `eps` to the square root. It belongs inside: √(var + eps).",
        ),
    ),
    _fold_cases,
    hints=(
        "Write both layers down: y = gamma · (W x + b - mean) / √(var + eps) + beta.",
        "Call gamma / √(var + eps) the scale, one number per output. What stands "
        "before x, and what stands without x?",
        "An output is a row of the weight, so the scale must be a column, `(out, 1)`, "
        "to multiply rows.",
    ),
    parts=("the weight", "the bias"),
)

EXERCISES = (COUNTS, BATCH_NORM, LAYER_NORM, GROUP_NORM, RMS_NORM, RUNNING, UNDO, FOLD)
