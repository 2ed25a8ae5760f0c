"""Lesson 04: GroupNorm by hand."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.bank.normalization.steps import normalised
from course_utils.exercises.model import Exercise, Misconception


def _grouped(x: torch.Tensor, groups: int, eps: float, dim=(2, 3, 4)) -> torch.Tensor:
    parts = x.unflatten(1, (groups, -1))  # (N, groups, channels of a group, H, W)
    return normalised(parts, dim, eps).flatten(1, 2)


def _interleaved(x: torch.Tensor, groups: int, eps: float) -> torch.Tensor:
    return normalised(x.unflatten(1, (-1, groups)), (1, 3, 4), eps).flatten(1, 2)


def _unbiased(x: torch.Tensor, groups: int, eps: float) -> torch.Tensor:
    parts = x.unflatten(1, (groups, -1))
    return normalised(parts, (2, 3, 4), eps, correction=1).flatten(1, 2)


GROUP_NORM = Exercise(
    "normalization.group_norm",
    lambda x, groups, eps: _grouped(x, groups, eps),
    (
        Misconception(
            "interleaved",
            _interleaved,
            "You deal the channels out like cards, every `groups`-th to the same "
            "group. A group holds neighbours: `x.unflatten(1, (groups, -1))`.",
        ),
        Misconception(
            "size taken for number",
            lambda x, groups, eps: _grouped(x, x.shape[1] // groups, eps),
            "You make groups of `groups` channels. Asked for are `groups` groups: "
            "`x.unflatten(1, (groups, -1))`.",
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
            "This has one mean an example, as with a single group. Split the channels "
            "into `groups` groups first.",
        ),
        Misconception(
            "each channel by itself",
            lambda x, groups, eps: _grouped(x, x.shape[1], eps),
            "This is InstanceNorm, a group for every channel. The channels of a group "
            "share their mean.",
        ),
        Misconception(
            "unbiased variance",
            _unbiased,
            "You divide by n - 1, as `x.var()` does by default: say `correction=0`.",
        ),
        Misconception(
            "shape left split",
            lambda x, groups, eps: normalised(
                x.unflatten(1, (groups, -1)), (2, 3, 4), eps
            ),
            "The numbers are right, the channels are still split: bring them together "
            "with `.flatten(1, 2)`.",
        ),
    ),
    lambda: [
        (*randn((n, c, h, w)), groups, eps)
        for n, c, h, w, groups in [(1, 6, 2, 3, 2), (3, 6, 1, 3, 3), (2, 4, 3, 2, 1)]
        for eps in (1e-5, 0.5)
    ],
)
