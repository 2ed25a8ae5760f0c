"""Lesson 05: how many parameters, and how far an output sees."""

import math

from course_utils.exercises.model import Exercise, Misconception

COUNT = Exercise(
    "convolution.count",
    lambda in_channels, out_channels, kernel, groups, height, width: (
        out_channels * (in_channels // groups) * kernel**2 + out_channels
    ),
    (
        Misconception(
            "groups ignored",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * in_channels * kernel**2 + out_channels
            ),
            "You leave the groups out. Each kernel looks at `in_channels / groups` "
            "channels only.",
        ),
        Misconception(
            "bias per pixel",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * (in_channels // groups) * kernel**2
                + out_channels * height * width
            ),
            "You count a bias for every pixel. An output channel has one, added to "
            "all of its pixels.",
        ),
        Misconception(
            "bias forgotten",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * (in_channels // groups) * kernel**2
            ),
            "The weights are right. Each output channel has a bias as well.",
        ),
        Misconception(
            "kernel not squared",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * (in_channels // groups) * kernel + out_channels
            ),
            "A kernel of a picture is a square: `kernel * kernel` numbers for each "
            "channel it looks at.",
        ),
        Misconception(
            "one channel",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * kernel**2 + out_channels
            ),
            "You count one square a kernel. It has one for every input channel of "
            "its group.",
        ),
        Misconception(
            "out channels divided too",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels // groups * (in_channels // groups) * kernel**2
                + out_channels
            ),
            "You count a single group. There are `groups` of them, and together they "
            "have all `out_channels` kernels.",
        ),
    ),
    lambda: [(6, 4, 3, 2, 5, 7), (3, 8, 5, 1, 28, 28), (4, 4, 3, 4, 9, 6)],
)


def _receptive_field(layers: list[tuple[int, int]]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def _stride_at_once(layers: list[tuple[int, int]]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def _last_stride_only(layers: list[tuple[int, int]]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


RECEPTIVE_FIELD = Exercise(
    "convolution.receptive_field",
    _receptive_field,
    (
        Misconception(
            "strides ignored",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
            "You leave the strides out. After a stride of 2, neighbours are two "
            "pixels apart, and every later kernel reaches twice as far.",
        ),
        Misconception(
            "kernels added",
            lambda layers: sum(kernel for kernel, _ in layers),
            "You add the kernels. Two windows of 3 see 5, not 6: each layer adds "
            "`kernel - 1`, and later ones reach further after a stride.",
        ),
        Misconception(
            "kernels multiplied",
            lambda layers: math.prod(kernel for kernel, _ in layers),
            "You multiply the kernels. Windows overlap: each layer only adds "
            "`kernel - 1` steps at its ends.",
        ),
        Misconception(
            "own stride too early",
            _stride_at_once,
            "You multiply by a layer's stride before its own kernel is counted. Its "
            "taps lie side by side in its input: the stride acts on later layers.",
        ),
        Misconception(
            "last stride only",
            _last_stride_only,
            "You use the stride of the layer before alone. Strides multiply: after "
            "2 and 2, neighbours are 4 pixels apart.",
        ),
        Misconception(
            "the one missing",
            lambda layers: _receptive_field(layers) - 1,
            "One too few: before any layer an output sees one pixel, itself.",
        ),
    ),
    lambda: [
        ([(3, 1), (3, 1)],),
        ([(3, 2), (5, 2), (3, 1)],),
        ([(7, 2), (3, 2), (3, 2), (1, 1)],),
        ([(5, 3)],),
    ],
)
