"""Lesson 05: windows over pictures, and a kernel designed by hand."""

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _conv2d_cases() -> list[tuple]:
    # An odd picture, a batch of one, and outputs as wide as there are channels.
    sizes = [(1, 2, 3, 3, 5, 4), (2, 3, 4, 2, 4, 5), (3, 1, 3, 3, 5, 5)]
    return [randn((n, c, h, w), (o, c, k, k), (o,)) for n, c, o, k, h, w in sizes]


def _bias_along_width(x, weight, bias):
    return F.conv2d(x, weight) + bias


def _first_channel(x, weight, bias):
    return F.conv2d(x[:, :1], weight[:, :1], bias)


CONV2D = Exercise(
    "convolution.conv2d",
    lambda x, weight, bias: F.conv2d(x, weight, bias),
    (
        Misconception(
            "flipped",
            lambda x, weight, bias: F.conv2d(x, weight.flip(2, 3), bias),
            "You turn the kernel round, upside down and left to right. PyTorch "
            "multiplies window and kernel as they lie.",
        ),
        Misconception(
            "bias forgotten",
            lambda x, weight, bias: F.conv2d(x, weight),
            "The weighted sums are right; the bias is missing.",
        ),
        Misconception(
            "bias along the width",
            _bias_along_width,
            "Plain `+ bias` runs along the last dimension, the columns. A bias "
            "belongs to an output channel: `bias[:, None, None]`.",
        ),
        Misconception(
            "axes swapped",
            lambda x, weight, bias: F.conv2d(x, weight.transpose(2, 3), bias),
            "Rows and columns of the kernel are exchanged: `weight[o, c, k, l]` "
            "meets `x[n, c, i + k, j + l]`.",
        ),
        Misconception(
            "one channel",
            _first_channel,
            "Only the first input channel is used. Each output sums over all input "
            "channels too.",
        ),
        Misconception(
            "one row and column too few",
            lambda x, weight, bias: F.conv2d(x, weight, bias)[..., :-1, :-1],
            "The last row and column of windows are missing: there are "
            "`H - K + 1` and `W - K + 1` places.",
        ),
    ),
    _conv2d_cases,
)


def _one_at(row: int, column: int):
    def kernel():
        return torch.zeros(3, 3).index_put(
            (torch.tensor(row), torch.tensor(column)), torch.tensor(1.0)
        )

    return kernel


def _apply_kernel(make, picture: torch.Tensor) -> torch.Tensor:
    kernel = make()
    return F.conv2d(picture, kernel.to(picture).reshape(1, 1, 3, 3), padding=1)


MOVE_RIGHT = Exercise(
    "convolution.move_right",
    _one_at(1, 0),
    (
        Misconception(
            "moved left",
            _one_at(1, 2),
            "This moves the picture to the left: a 1 on the right of the kernel "
            "fetches the right-hand neighbour. It would be right if kernels were "
            "flipped.",
        ),
        Misconception(
            "not moved",
            _one_at(1, 1),
            "A 1 in the middle copies every pixel to its own place.",
        ),
        Misconception(
            "moved down",
            _one_at(0, 1),
            "This moves the picture down: the 1 fetches the neighbour above.",
        ),
        Misconception(
            "moved up",
            _one_at(2, 1),
            "This moves the picture up: the 1 fetches the neighbour below.",
        ),
    ),
    lambda: [randn((1, 1, h, w)) for h, w in [(3, 3), (4, 6), (5, 2)]],
    _apply_kernel,
)
