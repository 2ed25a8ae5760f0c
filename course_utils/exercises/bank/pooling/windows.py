"""Lesson 06: max and average pooling of a row of numbers."""

import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _max_cases() -> list[tuple]:
    # As many channels as a window is wide, so that pooling over them fits too.
    sizes = [(4, 10, 3), (3, 7, 2), (4, 4, 2), (5, 5, 5)]
    return [(*randn((c, n)), k) for c, n, k in sizes]


MAX = Exercise(
    "pooling.max",
    lambda x, kernel: x.unfold(-1, kernel, kernel).amax(-1),
    (
        Misconception(
            "stride 1",
            lambda x, kernel: x.unfold(-1, kernel, 1).amax(-1),
            "Your window moves on by 1. A pooling window moves by its own width "
            "unless told otherwise.",
        ),
        Misconception(
            "wrong end dropped",
            lambda x, kernel: (
                x[..., x.shape[-1] % kernel :].unfold(-1, kernel, kernel).amax(-1)
            ),
            "You drop the leftover numbers at the start. Windows are laid from the "
            "left, so it is the end that is left over.",
        ),
        Misconception(
            "leftover kept",
            lambda x, kernel: F.max_pool1d(x, kernel, ceil_mode=True),
            "You give the leftover numbers at the end a window of their own. That is "
            "`ceil_mode=True`; by default they are dropped.",
        ),
        Misconception(
            "across channels",
            lambda x, kernel: x.unfold(0, kernel, kernel).amax(-1),
            "You pool over the channels, the first dimension. Each channel is pooled "
            "by itself, along the last one.",
        ),
        Misconception(
            "average",
            lambda x, kernel: x.unfold(-1, kernel, kernel).mean(-1),
            "These are the averages of the windows; asked for are the largest.",
        ),
    ),
    _max_cases,
)


def _average(x, kernel, padding, stride=None):
    stride = stride or kernel
    return F.avg_pool1d(x, kernel, stride, padding, count_include_pad=False)


def _average_cases() -> list[tuple]:
    sizes = [(2, 7, 3, 1), (1, 8, 2, 1), (3, 10, 4, 2), (4, 5, 4, 1)]
    return [(*randn((c, n)), k, p) for c, n, k, p in sizes]


AVERAGE = Exercise(
    "pooling.average",
    lambda x, kernel, padding: _average(x, kernel, padding),
    (
        Misconception(
            "padding averaged in",
            lambda x, kernel, padding: F.avg_pool1d(x, kernel, padding=padding),
            "At the border you divide by the whole window, zeros of the padding "
            "included. Divide by how many real numbers it holds.",
        ),
        Misconception(
            "no padding",
            lambda x, kernel, padding: F.avg_pool1d(x, kernel),
            "You leave the padding out: the first window starts `padding` places "
            "before the row.",
        ),
        Misconception(
            "one divisor for all",
            lambda x, kernel, padding: (
                F.avg_pool1d(x, kernel, padding=padding) * kernel / (kernel - padding)
            ),
            "You divide every sum by `kernel - padding`. Only windows at the border "
            "lack numbers; count window by window.",
        ),
        Misconception(
            "stride 1",
            lambda x, kernel, padding: _average(x, kernel, padding, stride=1),
            "Your window moves on by 1. Without a stride it moves by its own width.",
        ),
        Misconception(
            "sum",
            lambda x, kernel, padding: (
                F.avg_pool1d(x, kernel, padding=padding) * kernel
            ),
            "These are the sums of the windows: divide each by how many real numbers "
            "it holds.",
        ),
    ),
    _average_cases,
)
