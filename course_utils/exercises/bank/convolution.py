"""Exercises of lesson 05: convolution."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception


def _slide(x: Tensor, w: Tensor, b: float) -> Tensor:
    return (x.unfold(0, len(w), 1) * w).sum(-1) + b


def _slide_cases() -> list[Case]:
    sizes = [(5, 2), (8, 3), (4, 4), (3, 1)]
    return [(*randn((n,), (k,)), 0.5 + k) for n, k in sizes]


SLIDE = Exercise(
    "convolution.slide",
    _slide,
    (
        Misconception(
            "flipped",
            lambda x, w, b: _slide(x, w.flip(0), b),
            "You flip the kernel. That is convolution in mathematics; PyTorch does "
            "not flip: `w[0]` meets the first number of the window.",
        ),
        Misconception(
            "one window too few",
            lambda x, w, b: _slide(x, w, b)[:-1],
            "The last window is missing. There are `len(x) - len(w)` steps, and one "
            "more window at the start.",
        ),
        Misconception(
            "bias forgotten",
            lambda x, w, b: _slide(x, w, 0),
            "The weighted sums are right; the bias is missing.",
        ),
        Misconception(
            "bias in every term",
            lambda x, w, b: _slide(x, w, b * len(w)),
            "You add the bias to every term of the sum. Add it once per window.",
        ),
        Misconception(
            "windows side by side",
            lambda x, w, b: (x.unfold(0, len(w), len(w)) * w).sum(-1) + b,
            "Your window jumps by its own width. The stride is 1: move it on by one.",
        ),
    ),
    _slide_cases,
)

OUTPUT_SIZE = Exercise(
    "convolution.output_size",
    lambda size, kernel, stride, padding, dilation: (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    ),
    (
        Misconception(
            "one too few",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - dilation * (kernel - 1) - 1) // stride
            ),
            "One too few: you count the steps of the window. It also stands at the "
            "start, before its first step: `+ 1`.",
        ),
        Misconception(
            "dilation forgotten",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - kernel) // stride + 1
            ),
            "You leave the dilation out. A window of `kernel` taps spans "
            "`dilation * (kernel - 1) + 1` cells.",
        ),
        Misconception(
            "dilation times kernel",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - dilation * kernel) // stride + 1
            ),
            "You let the window span `dilation * kernel` cells. The gaps are between "
            "the taps, so there are `kernel - 1` of them.",
        ),
        Misconception(
            "padding on one side",
            lambda size, kernel, stride, padding, dilation: (
                (size + padding - dilation * (kernel - 1) - 1) // stride + 1
            ),
            "You count the padding once. It is added at both ends: `2 * padding`.",
        ),
        Misconception(
            "rounded up",
            lambda size, kernel, stride, padding, dilation: (
                math.ceil((size + 2 * padding - dilation * (kernel - 1) - 1) / stride)
                + 1
            ),
            "You round up. A window that sticks out at the end is not computed: "
            "round down, with `//`.",
        ),
        Misconception(
            "not rounded",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
            ),
            "`/` leaves a fraction of a window. Only whole steps count: `//`.",
        ),
    ),
    lambda: [(10, 3, 2, 1, 2), (28, 3, 1, 0, 1), (12, 3, 1, 1, 3), (9, 5, 3, 2, 1)],
)

SAME_PADDING = Exercise(
    "convolution.same_padding",
    lambda kernel, dilation: dilation * (kernel - 1) // 2,
    (
        Misconception(
            "dilation forgotten",
            lambda kernel, dilation: (kernel - 1) // 2,
            "Right for `dilation=1` only. The window spans `dilation * (kernel - 1) + "
            "1` cells, and the padding must make up for all but one.",
        ),
        Misconception(
            "both sides",
            lambda kernel, dilation: dilation * (kernel - 1),
            "This is what is missing at both ends together. `padding` is added at "
            "each end: half of it.",
        ),
        Misconception(
            "one too many",
            lambda kernel, dilation: dilation * (kernel + 1) // 2,
            "This gives an output longer than the input. Padding must make up for "
            "`kernel - 1` taps, not `kernel + 1`.",
        ),
        Misconception(
            "dilation times the half kernel",
            lambda kernel, dilation: dilation * kernel // 2,
            "You take half of `dilation * kernel`. The gaps are between the taps: use "
            "`kernel - 1`.",
        ),
    ),
    lambda: [(3, 1), (5, 2), (7, 3), (1, 4)],
)

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
            "You ignore the groups. Each kernel looks at `in_channels / groups` "
            "channels only.",
        ),
        Misconception(
            "bias per pixel",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * (in_channels // groups) * kernel**2
                + out_channels * height * width
            ),
            "You count one bias per pixel. Each output channel has one, added to all "
            "of its pixels.",
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
            "A kernel for pictures is a square: `kernel * kernel` numbers for each "
            "channel it looks at.",
        ),
        Misconception(
            "one channel",
            lambda in_channels, out_channels, kernel, groups, height, width: (
                out_channels * kernel**2 + out_channels
            ),
            "You count one square per kernel. It has one for every input channel of "
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


def _conv2d_cases() -> list[Case]:
    # An odd picture, a batch of one, and outputs as wide as there are channels.
    sizes = [(1, 2, 3, 3, 5, 4), (2, 3, 4, 2, 4, 5), (3, 1, 3, 3, 5, 5)]
    return [randn((n, c, h, w), (o, c, k, k), (o,)) for n, c, o, k, h, w in sizes]


CONV2D = Exercise(
    "convolution.conv2d",
    lambda x, weight, bias: F.conv2d(x, weight, bias),
    (
        Misconception(
            "flipped",
            lambda x, weight, bias: F.conv2d(x, weight.flip(2, 3), bias),
            "You flip the kernel, upside down and left to right. PyTorch multiplies "
            "window and kernel without flipping.",
        ),
        Misconception(
            "bias forgotten",
            lambda x, weight, bias: F.conv2d(x, weight),
            "The weighted sums are right; the bias is missing.",
        ),
        Misconception(
            "bias along the width",
            lambda x, weight, bias: F.conv2d(x, weight) + bias,
            "Plain `+ bias` runs along the last dimension, the columns. A bias "
            "belongs to one output channel: `bias[:, None, None]`.",
        ),
        Misconception(
            "axes swapped",
            lambda x, weight, bias: F.conv2d(x, weight.transpose(2, 3), bias),
            "Rows and columns of the kernel are swapped: `weight[o, c, k, l]` meets "
            "`x[n, c, i + k, j + l]`.",
        ),
        Misconception(
            "one channel",
            lambda x, weight, bias: F.conv2d(x[:, :1], weight[:, :1], bias),
            "Only the first input channel is used. Each output also sums over all "
            "input channels.",
        ),
        Misconception(
            "one row and column too few",
            lambda x, weight, bias: F.conv2d(x, weight, bias)[..., :-1, :-1],
            "The last row and column of windows are missing: there are `H - K + 1` "
            "and `W - K + 1` positions.",
        ),
    ),
    _conv2d_cases,
)


def _one_at(row: int, column: int) -> Answer:
    kernel = torch.zeros(3, 3)
    kernel[row, column] = 1
    return kernel.clone


def _apply_kernel(design: Answer, picture: Tensor) -> Tensor:
    kernel = design()
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
            "You ignore the strides. After a stride of 2, neighbours are two pixels "
            "apart, and every later kernel reaches twice as far.",
        ),
        Misconception(
            "kernels added",
            lambda layers: sum(kernel for kernel, _ in layers),
            "You add the kernels. Two windows of 3 see 5 pixels, not 6: each layer "
            "adds `kernel - 1`, and later ones reach further after a stride.",
        ),
        Misconception(
            "kernels multiplied",
            lambda layers: math.prod(kernel for kernel, _ in layers),
            "You multiply the kernels. Windows overlap: each layer adds only `kernel "
            "- 1` steps at its ends.",
        ),
        Misconception(
            "own stride too early",
            _stride_at_once,
            "You multiply by a layer's stride before you count its own kernel. Its "
            "taps are side by side in its input: the stride affects later layers.",
        ),
        Misconception(
            "last stride only",
            _last_stride_only,
            "You use only the stride of the layer before. Strides multiply: after 2 "
            "and 2, neighbours are 4 pixels apart.",
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


def _stamp(x: Tensor, w: Tensor, stride: int) -> Tensor:
    y = x.new_zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(w)] += value * w
    return y


def _overwrite(x: Tensor, w: Tensor, stride: int) -> Tensor:
    y = x.new_zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(w)] = value * w
    return y


STAMP = Exercise(
    "convolution.stamp",
    _stamp,
    (
        Misconception(
            "overwritten",
            _overwrite,
            "Where two stamps overlap, the later one replaces the earlier. They must "
            "add up: `+=`.",
        ),
        Misconception(
            "stride ignored",
            lambda x, w, stride: _stamp(x, w, 1),
            "Your stamps are one apart. In a transposed convolution the stride is the "
            "distance between stamps in the output.",
        ),
        Misconception(
            "flipped",
            lambda x, w, stride: _stamp(x, w.flip(0), stride),
            "Your stamps are flipped. Each is the kernel as it is, times one input "
            "number.",
        ),
        Misconception(
            "ordinary convolution",
            lambda x, w, stride: (x.unfold(0, len(w), stride) * w).sum(-1),
            "This is the ordinary convolution, which gathers. The transposed one "
            "scatters: each input number stamps the kernel into the output.",
        ),
        Misconception(
            "tail of zeros",
            lambda x, w, stride: F.pad(_stamp(x, w, stride), (0, stride - 1)),
            "Right, but with zeros at the end. The last stamp starts at `(len(x) - 1) "
            "* stride`, and the output ends where it ends.",
        ),
    ),
    lambda: [
        (*randn((n,), (k,)), stride)
        for n, k, stride in [(3, 2, 1), (4, 3, 2), (3, 2, 3), (5, 4, 2)]
    ],
)

EXERCISES = (
    SLIDE,
    OUTPUT_SIZE,
    SAME_PADDING,
    COUNT,
    CONV2D,
    MOVE_RIGHT,
    RECEPTIVE_FIELD,
    STAMP,
)
