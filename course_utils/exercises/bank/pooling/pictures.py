"""Lesson 06: thinner ink by pooling, and a blur against aliasing."""

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _thin_cases() -> list[tuple]:
    shapes = [(2, 1, 5, 7), (1, 1, 4, 4), (3, 2, 6, 3)]
    return [(randn(shape)[0].sigmoid(),) for shape in shapes]  # ink from 0 to 1


THIN = Exercise(
    "pooling.thin",
    lambda x: -F.max_pool2d(-x, 3, 1, 1),
    (
        Misconception(
            "outer minus missing",
            lambda x: F.max_pool2d(-x, 3, 1, 1),
            "The winners are right, their sign is not: turn it round again with "
            "a minus in front.",
        ),
        Misconception(
            "thicker",
            lambda x: F.max_pool2d(x, 3, 1, 1),
            "This is the largest of each window: ink grows thicker. Asked for is the "
            "smallest.",
        ),
        Misconception(
            "stride of the kernel",
            lambda x: -F.max_pool2d(-x, 3, padding=1),
            "The picture shrinks: without a stride the window jumps by 3. Give "
            "`stride=1`.",
        ),
        Misconception(
            "no padding",
            lambda x: -F.max_pool2d(-x, 3, 1),
            "The picture loses a pixel on each side: give `padding=1`.",
        ),
        Misconception(
            "zeros in the border",
            lambda x: -F.max_pool2d(-F.pad(x, (1, 1, 1, 1)), 3, 1),
            "You pad with zeros, and white wins along the whole border. Let the "
            "pooling pad: its border never wins.",
        ),
        Misconception(
            "one minus the largest",
            lambda x: 1 - F.max_pool2d(x, 3, 1, 1),
            "`1 - max(x)` is the negative of the thicker picture. Turn the sign before "
            "*and* after.",
        ),
    ),
    _thin_cases,
)


def _blur(x: torch.Tensor, stride: int, weights=(0.25, 0.5, 0.25)) -> torch.Tensor:
    return x.unfold(-1, 3, stride) @ torch.tensor(weights).to(x)


BLUR = Exercise(
    "pooling.blur",
    lambda x: _blur(F.max_pool1d(x, 2, 1), 2),
    (
        Misconception(
            "sampled first",
            lambda x: _blur(F.max_pool1d(x, 2, 2), 1),
            "You skip every second maximum before the blur: the damage is done. Max "
            "with stride 1, then blur, then take every second.",
        ),
        Misconception(
            "blur before the maximum",
            lambda x: F.max_pool1d(_blur(x, 1), 2, 2),
            "You blur first. The maximum makes sharp steps again, so the blur must "
            "stand between it and the skipping.",
        ),
        Misconception(
            "not normalised",
            lambda x: _blur(F.max_pool1d(x, 2, 1), 2, (1.0, 2.0, 1.0)),
            "Your result is four times too large: the weights must sum to 1.",
        ),
        Misconception(
            "nothing skipped",
            lambda x: _blur(F.max_pool1d(x, 2, 1), 1),
            "The numbers are right, and twice too many: keep every second.",
        ),
        Misconception(
            "flat weights",
            lambda x: _blur(F.max_pool1d(x, 2, 1), 2, (1 / 3, 1 / 3, 1 / 3)),
            "You average with equal weights; asked for are 1/4, 1/2, 1/4.",
        ),
        Misconception(
            "no maximum",
            lambda x: _blur(x, 2),
            "You blur the input itself: the maximum of two neighbours is missing.",
        ),
    ),
    lambda: [randn(shape) for shape in [(2, 9), (1, 6), (3, 12)]],
)
