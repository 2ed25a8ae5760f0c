"""Exercises of lesson 05: convolution."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def _slide(x: Tensor, w: Tensor, b: float) -> Tensor:
    return (x.unfold(0, len(w), 1) * w).sum(-1) + b


def _stacked(x: Tensor, w: Tensor, b: float, count: int) -> Tensor:
    """Compute `count` windows one by one; fail where there is none, as a loop does."""
    return torch.stack([(x[i : i + len(w)] * w).sum() + b for i in range(count)])


def _slide_cases() -> list[Case]:
    sizes = [(5, 2), (8, 3), (4, 4), (3, 1), (2, 2)]
    return [(*randn((n,), (k,)), 0.5 + k) for n, k in sizes]


_LAST_WINDOW = (
    "The last window is missing: your result is one number too short. There are "
    "`len(x) - len(w)` steps, and one more window, before the first step."
)
_PADDED = (
    "Your result is longer than `len(x) - len(w) + 1`, with zeros beyond the ends of "
    "`x`. Without padding, only windows that lie inside `x` count."
)

SLIDE = Exercise(
    "convolution.slide",
    _slide,
    (
        Misconception(
            "flipped",
            lambda x, w, b: _slide(x, w.flip(0), b),
            "Your result is that of a flipped kernel. That is convolution in "
            "mathematics; in PyTorch `w[0]` meets the first number of the window.",
        ),
        Misconception(
            "one window too few",
            lambda x, w, b: _slide(x, w, b)[:-1],
            _LAST_WINDOW,
        ),
        Misconception(
            "one window too few, stacked",
            lambda x, w, b: _stacked(x, w, b, len(x) - len(w)),
            _LAST_WINDOW,
        ),
        Misconception(
            "beyond the end",
            lambda x, w, b: _stacked(x, w, b, len(x)),
            "Your last windows stick out at the end, where `x[i : i + K]` is shorter "
            "than `w`. The last whole window starts at `len(x) - len(w)`.",
        ),
        Misconception(
            "zeros at the end",
            lambda x, w, b: _slide(F.pad(x, (0, len(w) - 1)), w, b),
            _PADDED,
        ),
        Misconception(
            "zeros for the same length",
            lambda x, w, b: _slide(F.pad(x, (len(w) // 2, len(w) // 2)), w, b),
            _PADDED,
        ),
        Misconception(
            "zeros at both ends",
            lambda x, w, b: _slide(F.pad(x, (len(w) - 1, len(w) - 1)), w, b),
            _PADDED,
        ),
        Misconception(
            "bias forgotten",
            lambda x, w, b: _slide(x, w, 0),
            "The weighted sums are right; the bias `b` is missing.",
        ),
        Misconception(
            "bias in every term",
            lambda x, w, b: _slide(x, w, b * len(w)),
            "The bias is in your result `len(w)` times, as where it is added to "
            "every product, before the sum. It belongs to the window, once.",
        ),
        Misconception(
            "mean for sum",
            lambda x, w, b: _slide(x, w / len(w), b),
            "These are the means of the products. A convolution takes their sum.",
        ),
        Misconception(
            "windows side by side",
            lambda x, w, b: (x.unfold(0, len(w), len(w)) * w).sum(-1) + b,
            "Your window jumps by its own width. The stride is 1: move it on by one.",
        ),
        Misconception(
            "list of numbers",
            lambda x, w, b: _slide(x, w, b).tolist(),
            "The numbers are right, but in a list, and no gradient can pass through "
            "it. Collect the sums as tensors, without `.item()` or `float`, and "
            "`torch.stack` them.",
        ),
    ),
    _slide_cases,
    hints=(
        "Lay `w` on the first numbers of `x`. How many places to the right can it "
        "still go?",
        "The window that starts at `i` is `x[i : i + len(w)]`. Multiply it by `w`, "
        "sum, and add `b` once.",
        "`torch.stack` makes one tensor of the sums, and so lets the gradient through; "
        "or let `x.unfold(0, …, 1)` cut all windows at once.",
    ),
    forbidden=_CONVOLUTIONS + _TRANSPOSED,
    differentiable=True,
)


def _span(kernel: int, dilation: int) -> int:
    return dilation * (kernel - 1) + 1


def _room(n: int, k: int, p: int, d: int) -> int:
    """Return how many places a window can move on from its first."""
    return n + 2 * p - _span(k, d)


_NEAREST = (
    "Your result is rounded to the nearest whole number. A window that sticks out at "
    "the end is not computed: only whole steps count."
)


def _output_size_with(faults: frozenset[str]) -> Answer | None:
    """Return the answer with these mistakes; None if they don't go together."""
    paddings = {"padding forgotten": 0, "padding on one side": 1}
    spans: dict[str, Callable[[int, int], int]] = {
        "dilation forgotten": lambda kernel, dilation: kernel,
        "dilation times kernel": lambda kernel, dilation: dilation * kernel,
        "span without the one": lambda kernel, dilation: dilation * (kernel - 1),
        "dilation added": lambda kernel, dilation: kernel + dilation - 1,
    }
    others = {"stride forgotten", "rounded up", "one too few"}
    if len(faults & spans.keys()) == 2 or len(faults & paddings.keys()) == 2:
        return None
    if faults - spans.keys() - paddings.keys() - others:
        return None

    def answer(n: int, k: int, s: int, p: int, d: int) -> int:
        span = next((spans[f] for f in faults if f in spans), _span)
        sides = next((paddings[f] for f in faults if f in paddings), 2)
        room = n + sides * p - span(k, d)
        by = 1 if "stride forgotten" in faults else s
        steps = -(-room // by) if "rounded up" in faults else room // by
        return steps + ("one too few" not in faults)

    return answer


OUTPUT_SIZE = Exercise(
    "convolution.output_size",
    lambda size, kernel, stride, padding, dilation: (
        _room(size, kernel, padding, dilation) // stride + 1
    ),
    (
        Misconception(
            "one too few",
            lambda n, k, s, p, d: _room(n, k, p, d) // s,
            "One too few: this is the number of steps. The window also stands at its "
            "place before the first step.",
        ),
        Misconception(
            "one too many",
            lambda n, k, s, p, d: _room(n, k, p, d) // s + 2,
            "One too many. The last window must fit in whole: with room for as many "
            "cells as it spans there is one place and no step.",
        ),
        Misconception(
            "span without the one",
            lambda n, k, s, p, d: (_room(n, k, p, d) + 1) // s + 1,
            "Sometimes one too many: your window spans one cell too few. Between the "
            "taps there are `dilation * (kernel - 1)` steps, and it covers one cell "
            "more than that.",
        ),
        Misconception(
            "one inside the division",
            lambda n, k, s, p, d: (_room(n, k, p, d) + 1) // s,
            "Right for stride 1: with a larger one, the 1 for the first place is "
            "divided too. (It may have cancelled a - 1 of yours.) Subtract the whole "
            "span, `dilation * (kernel - 1) + 1`, divide, then add 1.",
        ),
        Misconception(
            "dilation forgotten",
            lambda n, k, s, p, d: _room(n, k, p, 1) // s + 1,
            "Your result is that of dilation 1. A window of `kernel` taps spans "
            "`dilation * (kernel - 1) + 1` cells.",
        ),
        Misconception(
            "dilation between the taps",
            lambda n, k, s, p, d: _room(n, k, p, d + 1) // s + 1,
            "You take the dilation for the number of cells skipped between two "
            "taps. It is their distance: with dilation 1 they stand side by side, "
            "so the window spans `dilation * (kernel - 1) + 1` cells.",
        ),
        Misconception(
            "dilation times kernel",
            lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1,
            "You let the window span `dilation * kernel` cells. The gaps are between "
            "the taps, so there are `kernel - 1` of them.",
        ),
        Misconception(
            "dilation added",
            lambda n, k, s, p, d: (n + 2 * p - (k + d - 1)) // s + 1,
            "You add the dilation: your window spans `kernel + dilation - 1` cells. It "
            "widens every gap between two taps, so it multiplies: `dilation * (kernel "
            "- 1) + 1`.",
        ),
        Misconception(
            "padding forgotten",
            lambda n, k, s, p, d: _room(n, k, 0, d) // s + 1,
            "Your result is that of padding 0. The window may also stand on the "
            "`padding` cells at each end.",
        ),
        Misconception(
            "padding on one side",
            lambda n, k, s, p, d: (_room(n, k, 0, d) + p) // s + 1,
            "You count the padding only once. It is added at both ends.",
        ),
        Misconception(
            "padding after the stride",
            lambda n, k, s, p, d: _room(n, k, 0, d) // s + 1 + 2 * p,
            "You add the padding to the result. It makes the input longer, so it "
            "comes before the division by the stride.",
        ),
        Misconception(
            "stride forgotten",
            lambda n, k, s, p, d: _room(n, k, p, d) + 1,
            "Your result is that of stride 1. With a larger stride the window takes "
            "fewer steps through the same room.",
        ),
        Misconception(
            "rounded up",
            lambda n, k, s, p, d: -(-_room(n, k, p, d) // s) + 1,
            "Your result is rounded up. A window that sticks out at the end is not "
            "computed: only whole steps count.",
        ),
        Misconception(
            "rounded to the nearest",
            lambda n, k, s, p, d: round(_room(n, k, p, d) / s) + 1,
            _NEAREST,
        ),
        Misconception(
            "places rounded to the nearest",
            lambda n, k, s, p, d: round(_room(n, k, p, d) / s + 1),
            _NEAREST,
        ),
        Misconception(
            "not rounded",
            lambda n, k, s, p, d: _room(n, k, p, d) / s + 1,
            "`/` leaves a fraction of a step. Only whole steps count: `//`.",
        ),
        Misconception(
            "stride before the kernel",
            lambda n, k, s, p, d: (n + 2 * p) // s - d * (k - 1),
            "You divide by the stride before you take off the window. What counts is "
            "how far the window can move: take it off first, then divide, then add 1.",
        ),
        Misconception(
            "kernel not taken off",
            lambda n, k, s, p, d: (n + 2 * p) // s,
            "You divide the whole length by the stride. The window covers a part of "
            "it at its first place: take that off before you divide, and add 1 after.",
        ),
        Misconception(
            "divided in two parts",
            lambda n, k, s, p, d: _room(n, k, 0, d) // s + 2 * p // s + 1,
            "Size and padding are divided by the stride one by one, and both are "
            "rounded down: that can lose a step. Add the padding first, then divide "
            "once.",
        ),
    ),
    lambda: [
        (10, 3, 2, 1, 2),
        (28, 3, 1, 0, 1),
        (12, 3, 1, 1, 3),
        (9, 5, 3, 2, 1),
        (11, 3, 2, 1, 1),
        (22, 5, 4, 0, 2),
        (5, 3, 2, 0, 2),
        (7, 1, 5, 2, 3),
        (17, 3, 3, 0, 1),
    ],
    hints=(
        "Draw it: how many cells are there with the padding at both ends, and how "
        "many does the window span, gaps included?",
        "What the window does not cover at its first place is its room to move. How "
        "many whole steps of `stride` fit there?",
        "The places are the steps, rounded down, and the one before the first step.",
    ),
    switches=_output_size_with,
)


@dataclass(frozen=True)
class NotWhole:
    """A float where a whole number is asked for; equal to another of its value only.

    >>> NotWhole(1.0)
    1.0, not a whole number
    """

    value: float

    def __repr__(self) -> str:
        return f"{self.value}, not a whole number"


def _whole(answer: Answer, *arguments: int) -> Any:
    value = answer(*arguments)
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return NotWhole(value) if isinstance(value, float) else value


SAME_PADDING = Exercise(
    "convolution.same_padding",
    lambda kernel, dilation: dilation * (kernel - 1) // 2,
    (
        Misconception(
            "float",
            lambda k, d: d * (k - 1) / 2,
            "The right size, but as a float: `/` always gives one, and a layer "
            "takes whole numbers only. `//` gives a whole number.",
        ),
        Misconception(
            "dilation forgotten",
            lambda k, d: (k - 1) // 2,
            "Right for `dilation=1` only. The window spans `dilation * (kernel - 1) + "
            "1` cells, and the padding must make up for all but one.",
        ),
        Misconception(
            "dilation forgotten, float",
            lambda k, d: (k - 1) / 2,
            "Right for `dilation=1` only, and a float: `//` gives a whole number. How "
            "many cells does the window span when there are gaps between its taps?",
        ),
        Misconception(
            "both sides",
            lambda k, d: d * (k - 1),
            "Twice too much: this is what is missing at both ends together. `padding` "
            "is added at each end.",
        ),
        Misconception(
            "one too many",
            lambda k, d: d * (k + 1) // 2,
            "This gives an output longer than the input. Padding must make up for "
            "`kernel - 1` taps, not `kernel + 1`.",
        ),
        Misconception(
            "dilation times the half kernel",
            lambda k, d: d * k // 2,
            "This is half of `dilation * kernel`, too much for a dilation above 1. "
            "The gaps are between the taps: `kernel - 1` of them.",
        ),
        Misconception(
            "dilation halved first",
            lambda k, d: d // 2 * (k - 1),
            "Right for an even dilation only: half of an odd one is rounded down. "
            "`kernel - 1` is the even one: multiply first, then halve.",
        ),
        Misconception(
            "dilation added",
            lambda k, d: (k - 1) // 2 + d - 1,
            "You add the dilation. It widens every gap between two taps, so it "
            "multiplies.",
        ),
        Misconception(
            "at least one",
            lambda k, d: max(1, d * (k - 1) // 2),
            "Right except for a kernel of 1, where yours is 1. Such a window has one "
            "cell, and the output is as long as the input without any padding.",
        ),
        Misconception(
            "kernel taken for 3",
            lambda k, d: d,
            "Right for a kernel of 3 only: you give the dilation, whatever the kernel. "
            "The padding grows with both.",
        ),
        Misconception(
            "word",
            lambda k, d: "same",
            "`'same'` lets the layer work it out. Return the number that it uses.",
        ),
        Misconception(
            "dilation times kernel, less one",
            lambda k, d: (d * k - 1) // 2,
            "You take `dilation * kernel` cells for the window. There are gaps only "
            "*between* the taps, so it spans `dilation * (kernel - 1) + 1` cells.",
        ),
    ),
    lambda: [(3, 1), (5, 2), (7, 3), (1, 4), (3, 5), (9, 1)],
    _whole,
    hints=(
        "How many cells does the window span, gaps included? With stride 1 the output "
        "is shorter than the input by that number minus 1.",
        "What is missing must be made up for by both ends, equally.",
        "Half of `dilation * (kernel - 1)`, which is always even here: which division "
        "gives a whole number?",
    ),
)

COUNT = Exercise(
    "convolution.count",
    lambda in_channels, out_channels, kernel, groups, height, width: (
        out_channels * (in_channels // groups) * kernel**2 + out_channels
    ),
    (
        Misconception(
            "groups ignored",
            lambda i, o, k, g, h, w: o * i * k**2 + o,
            "Too many where there are groups: this is the count for `groups=1`. With "
            "groups each kernel looks at `in_channels / groups` channels only.",
        ),
        Misconception(
            "groups and bias ignored",
            lambda i, o, k, g, h, w: o * i * k**2,
            "Two things are missing: each kernel looks at the channels of its own "
            "group only, and each output channel has a bias.",
        ),
        Misconception(
            "groups multiplied",
            lambda i, o, k, g, h, w: o * i * g * k**2 + o,
            "More groups give more weights in your count. They save weights: a kernel "
            "then looks at fewer input channels.",
        ),
        Misconception(
            "bias per pixel",
            lambda i, o, k, g, h, w: o * (i // g) * k**2 + o * h * w,
            "The weights are right, but you count one bias per pixel. Each output "
            "channel has one, added to all of its pixels.",
        ),
        Misconception(
            "weights per pixel",
            lambda i, o, k, g, h, w: o * (i // g) * k**2 * h * w + o,
            "You count the weights once for every pixel. The same kernel is used at "
            "all places, so the picture's size does not matter.",
        ),
        Misconception(
            "all per pixel",
            lambda i, o, k, g, h, w: (o * (i // g) * k**2 + o) * h * w,
            "Your count is the right one times `height * width`. The same weights and "
            "biases are used at all places, so the picture's size does not matter.",
        ),
        Misconception(
            "bias forgotten",
            lambda i, o, k, g, h, w: o * (i // g) * k**2,
            "The weights are right. Each output channel has a bias as well.",
        ),
        Misconception(
            "bias per input channel",
            lambda i, o, k, g, h, w: o * (i // g) * k**2 + i,
            "The weights are right, but you count one bias per input channel. A bias "
            "is added to each output channel.",
        ),
        Misconception(
            "bias per group",
            lambda i, o, k, g, h, w: o * (i // g) * k**2 + g,
            "The weights are right, but you count one bias per group. Each output "
            "channel has its own.",
        ),
        Misconception(
            "bias divided by groups",
            lambda i, o, k, g, h, w: o * (i * k**2 + 1) // g,
            "The weights are right, but you divide the biases by `groups` too. Each "
            "output channel keeps its bias, whatever the groups.",
        ),
        Misconception(
            "one bias",
            lambda i, o, k, g, h, w: o * (i // g) * k**2 + 1,
            "The weights are right, but you count a single bias. Each output channel "
            "has its own.",
        ),
        Misconception(
            "bias per weight block",
            lambda i, o, k, g, h, w: o * (i // g) * (k**2 + 1),
            "You count a bias for each square of weights. The squares of a kernel are "
            "summed first, and their sum gets one bias.",
        ),
        Misconception(
            "kernel not squared",
            lambda i, o, k, g, h, w: o * (i // g) * k + o,
            "A kernel for pictures is a square: `kernel * kernel` numbers for each "
            "channel that it looks at.",
        ),
        Misconception(
            "kernel doubled",
            lambda i, o, k, g, h, w: o * (i // g) * 2 * k + o,
            "You count `2 * kernel` numbers in a square of `kernel` by `kernel`.",
        ),
        Misconception(
            "one channel",
            lambda i, o, k, g, h, w: o * k**2 + o,
            "You count one square per kernel. It has one for every input channel of "
            "its group.",
        ),
        Misconception(
            "one channel with groups",
            lambda i, o, k, g, h, w: o * (i if g == 1 else 1) * k**2 + o,
            "With groups, each of your kernels looks at one channel. It looks at "
            "`in_channels / groups` of them: that is one only where there are as many "
            "groups as input channels.",
        ),
        Misconception(
            "one kernel",
            lambda i, o, k, g, h, w: (i // g) * k**2 + o,
            "You count the weights of a single kernel. Every output channel has its "
            "own.",
        ),
        Misconception(
            "per output pixel",
            lambda i, o, k, g, h, w: (
                (o * (i // g) * k**2 + o) * (h - k + 1) * (w - k + 1)
            ),
            "Your count is the right one times the number of places where the kernel "
            "fits. The same weights and biases are used at all of them.",
        ),
        Misconception(
            "channels added",
            lambda i, o, k, g, h, w: (i // g + o) * k**2 + o,
            "You add the numbers of channels. Every output channel has a square for "
            "every input channel of its group: multiply.",
        ),
        Misconception(
            "out channels divided too",
            lambda i, o, k, g, h, w: o // g * (i // g) * k**2 + o,
            "You count the weights of a single group. There are `groups` of them, and "
            "together they have all `out_channels` kernels.",
        ),
        Misconception(
            "a single group",
            lambda i, o, k, g, h, w: o // g * ((i // g) * k**2 + 1),
            "You count a single group, `groups` times too few. Together the groups "
            "have all `out_channels` kernels and biases.",
        ),
        Misconception(
            "tensors counted",
            lambda i, o, k, g, h, w: 2,
            "This is the number of parameter tensors, weight and bias. Count the "
            "numbers inside them: `numel()`.",
        ),
        Misconception(
            "first sizes of the tensors",
            lambda i, o, k, g, h, w: 2 * o,
            "This is `2 * out_channels`, as where `len(p)` is added up over the "
            "parameters: that is a tensor's first size. Count all of its numbers: "
            "`p.numel()`.",
        ),
        Misconception(
            "a bias for each place",
            lambda i, o, k, g, h, w: (
                o * (i // g) * k**2 + o * (h - k + 1) * (w - k + 1)
            ),
            "The weights are right. You count a bias for every pixel that comes out. "
            "There is one per output channel, used at all places.",
        ),
    ),
    lambda: [
        (6, 4, 3, 2, 5, 7),
        (3, 8, 5, 1, 28, 28),
        (4, 4, 3, 4, 9, 6),
        (8, 12, 2, 4, 6, 5),
        (2, 3, 1, 1, 4, 6),
        (6, 9, 3, 3, 8, 4),
    ],
    hints=(
        "Which of the arguments say how large the weight tensor is, and which only "
        "say how often it is used?",
        "Take one output channel: how many input channels does it look at with "
        "`groups` groups, and how many numbers has its square for each of them?",
        "That block of weights, plus one bias, `out_channels` times.",
    ),
)


def _conv2d(x: Tensor, weight: Tensor, bias: Tensor | float) -> Tensor:
    size = weight.shape[-1]
    windows = x.unfold(2, size, 1).unfold(3, size, 1)  # (N, C, H', W', K, K)
    sums = torch.einsum("nchwkl,ockl->nohw", windows, weight)
    return sums + (bias[:, None, None] if isinstance(bias, Tensor) else bias)


def _conv2d_reshaped(
    x: Tensor, weight: Tensor, bias: Tensor, shape: Callable[[int, int], list[int]]
) -> Tensor:
    """Compute with `F.unfold`, and reshape to `shape(high, wide)`."""
    size = weight.shape[-1]
    sums = weight.flatten(1) @ F.unfold(x, size) + bias[:, None]
    high, wide = shape(x.shape[2] - size + 1, x.shape[3] - size + 1)
    return sums.reshape(len(x), len(weight), high, wide)


def _bias_along_places(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    sums = weight.flatten(1) @ F.unfold(x, weight.shape[-1]) + bias
    return sums.reshape(_conv2d(x, weight, bias).shape)


def _stacked_without_the_last(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Leave out the last row and column; fail where nothing is left, as a loop does."""
    y = _conv2d(x, weight, bias)[..., :-1, :-1]
    rows = [torch.stack(row.unbind(-1), -1) for row in y.unbind(-2)]
    return torch.stack(rows, -2)


def _channels_last(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    y = _conv2d(x, weight, bias)
    return y.permute(0, 2, 3, 1).reshape(y.shape)


def _conv2d_cases() -> list[Case]:
    # A batch of one, outputs as wide as there are channels, sizes of one.
    sizes = [
        (1, 2, 3, 3, 5, 4),
        (2, 3, 4, 2, 4, 5),
        (3, 1, 3, 3, 5, 5),
        (2, 2, 1, 2, 3, 2),
        (1, 1, 2, 2, 3, 4),
        (2, 2, 3, 1, 2, 3),
    ]
    cases = [randn((n, c, h, w), (o, c, k, k), (o,)) for n, c, o, k, h, w in sizes]
    x, *others = randn((2, 3, 6, 4), (2, 3, 3, 3), (2,), seed=2)
    channels_last = x.contiguous(memory_format=torch.channels_last)
    return [*cases, (channels_last, *others)]


_SQUARE_ONLY = (
    "Right for square pictures only: one of height and width is used for both. "
    "The output is `H - K + 1` high and `W - K + 1` wide."
)

CONV2D = Exercise(
    "convolution.conv2d",
    _conv2d,
    (
        Misconception(
            "flipped",
            lambda x, weight, bias: _conv2d(x, weight.flip(2, 3), bias),
            "Your result is that of a kernel flipped upside down and left to right. "
            "PyTorch multiplies window and kernel without flipping.",
        ),
        Misconception(
            "bias forgotten",
            lambda x, weight, bias: _conv2d(x, weight, 0.0),
            "The weighted sums are right; the bias is missing.",
        ),
        Misconception(
            "bias along the width",
            lambda x, weight, bias: _conv2d(x, weight, 0.0) + bias,
            "Plain `+ bias` runs along the last dimension, the columns. A bias "
            "belongs to one output channel: `bias[:, None, None]`.",
        ),
        Misconception(
            "bias along the places",
            _bias_along_places,
            "Plain `+ bias` runs along the last dimension, here the places. A bias "
            "belongs to one output channel: `bias[:, None]`.",
        ),
        Misconception(
            "bias for every channel",
            lambda x, weight, bias: _conv2d(x, weight, bias * x.shape[1]),
            "The bias is in your result once for every input channel. Sum over the "
            "channels first, then add it once.",
        ),
        Misconception(
            "axes swapped",
            lambda x, weight, bias: _conv2d(x, weight.transpose(2, 3), bias),
            "Rows and columns of the kernel are swapped: `weight[o, c, k, l]` meets "
            "`x[n, c, i + k, j + l]`.",
        ),
        Misconception(
            "first channel only",
            lambda x, weight, bias: _conv2d(x[:, :1], weight[:, :1], bias),
            "Only the first input channel is in your result. Each output sums over "
            "all input channels.",
        ),
        Misconception(
            "last channel only",
            lambda x, weight, bias: _conv2d(x[:, -1:], weight[:, -1:], bias),
            "Only the last input channel is in your result, as where it overwrites "
            "what the others gave. Each output sums over all input channels.",
        ),
        Misconception(
            "first channel's kernel for all",
            lambda x, weight, bias: _conv2d(
                x.sum(1, keepdim=True), weight[:, :1], bias
            ),
            "Right for one input channel. With more, all of them meet the weights of "
            "the first, `weight[:, 0]`. Each channel has its own: channel `c` meets "
            "`weight[:, c]`.",
        ),
        *(
            Misconception(
                name,
                answer,
                "The last row and the last column of windows are missing: there are "
                "`H - K + 1` rows and `W - K + 1` columns of them.",
            )
            for name, answer in (
                (
                    "one row and column too few",
                    lambda x, weight, bias: _conv2d(x, weight, bias)[..., :-1, :-1],
                ),
                ("one row and column too few, stacked", _stacked_without_the_last),
            )
        ),
        Misconception(
            "padded",
            lambda x, weight, bias: _conv2d(
                F.pad(x, [weight.shape[-1] // 2] * 4), weight, bias
            ),
            "Your picture has a border of zeros. Without padding, only windows that "
            "lie inside it count: `H - K + 1` rows and `W - K + 1` columns.",
        ),
        Misconception(
            "height for width",
            lambda x, weight, bias: _conv2d_reshaped(
                x, weight, bias, lambda high, wide: [high, high]
            ),
            _SQUARE_ONLY,
        ),
        Misconception(
            "width for height",
            lambda x, weight, bias: _conv2d_reshaped(
                x, weight, bias, lambda high, wide: [wide, wide]
            ),
            _SQUARE_ONLY,
        ),
        Misconception(
            "square root for both",
            lambda x, weight, bias: _conv2d_reshaped(
                x, weight, bias, lambda high, wide: [math.isqrt(high * wide)] * 2
            ),
            "Right for square pictures only: the square root of the number of places "
            "stands for height and width. The output is `H - K + 1` high and "
            "`W - K + 1` wide.",
        ),
        Misconception(
            "height and width swapped",
            lambda x, weight, bias: _conv2d_reshaped(
                x, weight, bias, lambda high, wide: [wide, high]
            ),
            "Height and width have changed places in your shape: the output is "
            "`H - K + 1` high and `W - K + 1` wide.",
        ),
        Misconception(
            "channels last",
            _channels_last,
            "The numbers are right, their places are not: they stand as where a "
            "result with the channels last is reshaped. `reshape` can't move an axis; "
            "`transpose` and `permute` can.",
        ),
        Misconception(
            "channels before the batch, reshaped",
            lambda x, weight, bias: (
                _conv2d(x, weight, bias)
                .transpose(0, 1)
                .reshape(_conv2d(x, weight, bias).shape)
            ),
            "Right for one picture. With more, the numbers are right but stand in each "
            "other's places, as where axes in the order `(O, N, …)` are reshaped to "
            "`(N, O, …)`. `reshape` can't exchange axes; `transpose` can.",
        ),
        Misconception(
            "channels left last",
            lambda x, weight, bias: _conv2d(x, weight, bias).permute(0, 2, 3, 1),
            "The numbers are right, but the channels come last. The output is "
            "`(N, O, H - K + 1, W - K + 1)`.",
        ),
        Misconception(
            "squeezed",
            lambda x, weight, bias: _conv2d(x, weight, bias).squeeze(),
            "Dims of size 1 are lost: a batch of one is still a batch. `squeeze()` "
            "without a dim usually does this.",
        ),
        Misconception(
            "first picture only",
            lambda x, weight, bias: _conv2d(x[:1], weight, bias),
            "Only the first picture of the batch is in your result. Keep dimension 0, "
            "N pictures, to the end.",
        ),
        Misconception(
            "mean for sum",
            lambda x, weight, bias: _conv2d(x, weight / weight[0].numel(), bias),
            "These are the means of the products. A convolution takes their sum, over "
            "channels, rows and columns.",
        ),
    ),
    _conv2d_cases,
    hints=(
        "`F.unfold(x, K)` has shape `(N, C·K·K, places)`: each column is one window, "
        "all of its channels in a row.",
        "Flatten each kernel in the same way: `weight.flatten(1)` is `(O, C·K·K)`. "
        "One matrix product gives `(N, O, places)`; then comes the bias, one number "
        "per row.",
        "The places are row by row: `reshape` them to `H - K + 1` rows and "
        "`W - K + 1` columns.",
    ),
    forbidden=_CONVOLUTIONS + _TRANSPOSED,
    differentiable=True,
)


def _ones_at(*places: tuple[int, int], value: float | int = 1.0) -> Callable[[], Any]:
    """Return an answer: a kernel with `value` at some places and zeros elsewhere."""

    def kernel() -> Tensor:
        weights = torch.zeros(3, 3, dtype=torch.tensor(value).dtype)
        for place in places:
            weights[place] = value
        return weights.to(current_device())

    return kernel


def _edges() -> Tensor:
    return _ones_at((1, 0))() - _ones_at((1, 2))()


def _apply_kernel(design: Answer, picture: Tensor) -> Any:
    kernel = design()
    plain = isinstance(kernel, Tensor) and kernel.layout == torch.strided
    if not (plain and kernel.is_floating_point() and kernel.shape == (3, 3)):
        # A picture of 3×3 is expected: its message fits a kernel of 3×3 as well.
        return kernel
    if kernel.is_meta:
        return kernel
    weight = kernel.to(picture)[None, None]
    return F.conv2d(picture[None, None], weight, padding=1)[0, 0]


def _move_right_cases() -> list[Case]:
    device = current_device()
    # No number is the mean of its neighbours: averages of three show in every row.
    digits = torch.tensor([[1.0, 8, 3], [6, 2, 9], [4, 7, 5]], device=device)
    return [(digits,), randn((3, 3)), randn((3, 3), seed=2)]


MOVE_RIGHT = Exercise(
    "convolution.move_right",
    _ones_at((1, 0)),
    (
        Misconception(
            "moved left",
            _ones_at((1, 2)),
            "This moves the picture to the left: a 1 on the right of the kernel "
            "fetches the right-hand neighbour. It would be right if kernels were "
            "flipped.",
        ),
        Misconception(
            "not moved",
            _ones_at((1, 1)),
            "A 1 in the middle copies every pixel to its own place.",
        ),
        Misconception(
            "moved down",
            _ones_at((0, 1)),
            "This moves the picture down: the 1 fetches the neighbour above.",
        ),
        Misconception(
            "moved up",
            _ones_at((2, 1)),
            "This moves the picture up: the 1 fetches the neighbour below.",
        ),
        Misconception(
            "moved down and right",
            _ones_at((0, 0)),
            "This moves the picture down as well: the 1 fetches the neighbour above "
            "and to the left.",
        ),
        Misconception(
            "whole column",
            _ones_at((0, 0), (1, 0), (2, 0)),
            "Every output is a sum of three pixels: your kernel has a whole column of "
            "ones. Which single pixel should come to each place?",
        ),
        Misconception(
            "whole column, averaged",
            _ones_at((0, 0), (1, 0), (2, 0), value=1 / 3),
            "Every output is the mean of three pixels above each other, one column to "
            "the left. Each place should fetch a single pixel: one weight is 1, the "
            "others are 0.",
        ),
        Misconception(
            "half of two pixels",
            _ones_at((1, 0), (1, 1), value=0.5),
            "Every output is the mean of a pixel and its left-hand neighbour: half of "
            "the picture stays in its place. Fetch the neighbour whole, with a weight "
            "of 1, and put 0 in the middle.",
        ),
        Misconception(
            "two pixels",
            _ones_at((1, 0), (1, 1)),
            "The moved picture lies on top of the old one: a 1 in the middle keeps "
            "each pixel at its place as well.",
        ),
        Misconception(
            "edges",
            _edges,
            "This finds edges: it takes one neighbour minus the other. To move the "
            "picture, fetch one neighbour and nothing else.",
        ),
        Misconception(
            "whole numbers",
            _ones_at((1, 0), value=1),
            "The right places, but whole numbers: the weights of a layer are floats. "
            "Write at least one number with a point, `1.0`.",
        ),
        Misconception(
            "list",
            lambda: [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
            "The right numbers, but in a list: make it a tensor with `torch.tensor`.",
        ),
        *(
            Misconception(
                f"shape of the layer's weight, {where}",
                lambda place=place: _ones_at(place)()[None, None],
                "This has the shape of the layer's weight, `(1, 1, 3, 3)`. The task "
                f"asks for the kernel alone, `(3, 3)`.{hint}",
            )
            for where, place, hint in (
                ("right", (1, 0), ""),
                ("left", (1, 2), " And the 1 fetches the right-hand neighbour."),
            )
        ),
    ),
    _move_right_cases,
    _apply_kernel,
    result="kernel's output",
    hints=(
        "Each number of the kernel is a question about a neighbour: 'how much of that "
        "pixel should come here?'",
        "After the move, which neighbour of a place in the old picture does it hold: "
        "the left one or the right one?",
        "All weights are 0 but one. Nothing is flipped: the kernel's left column "
        "looks at the left-hand neighbours.",
    ),
    arguments=("picture",),
)

_Layers = list[tuple[int, int]]


def _receptive_field(layers: _Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def _stride_at_once(layers: _Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def _steps(layers: _Layers, next_step: Callable[[int, int], int]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = next_step(step, stride)
    return field


def _kernels_times_steps(layers: _Layers) -> int:
    field, step = 0, 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


def _recursion(layers: _Layers) -> int:
    """Go back from the output: right if `layers` starts there."""
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


def _widened(layers: _Layers) -> int:
    field = 1
    for kernel, stride in layers:
        field = field * stride + kernel - 1
    return field


def _reversed_in_place(layers: _Layers) -> int:
    layers.reverse()
    return _recursion(layers)


def _emptied(layers: _Layers) -> int:
    field = _receptive_field(layers)
    layers.clear()
    return field


def _unchanged(answer: Answer, layers: _Layers) -> Any:
    before = list(layers)
    result = answer(layers)
    return result if layers == before else layers


RECEPTIVE_FIELD = Exercise(
    "convolution.receptive_field",
    _receptive_field,
    (
        Misconception(
            "strides ignored",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
            "Right only where all strides but the last are 1. After a stride of 2, "
            "neighbours are two pixels apart, and every later kernel reaches twice as "
            "far.",
        ),
        Misconception(
            "kernels added",
            lambda layers: sum(kernel for kernel, _ in layers),
            "You add the kernels. Two windows of 3 see 5 pixels, not 6: each layer "
            "adds `kernel - 1`, and later ones reach further after a stride.",
        ),
        Misconception(
            "kernels times steps",
            _kernels_times_steps,
            "You count every kernel in full. Windows overlap: a layer adds only the "
            "`kernel - 1` steps between its taps.",
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
            "own stride only",
            lambda layers: 1 + sum((kernel - 1) * stride for kernel, stride in layers),
            "You multiply each kernel by its own stride. What counts is how far apart "
            "its taps are in the picture: the strides of all layers before it.",
        ),
        Misconception(
            "last stride only",
            lambda layers: _steps(layers, lambda step, stride: stride),
            "You use only the stride of the layer before. Strides multiply: after 2 "
            "and 2, neighbours are 4 pixels apart.",
        ),
        Misconception(
            "largest stride",
            lambda layers: _steps(layers, max),
            "You use the largest stride so far. Strides multiply: after 2 and 2, "
            "neighbours are 4 pixels apart.",
        ),
        Misconception(
            "strides added",
            lambda layers: _steps(layers, lambda step, stride: step + stride - 1),
            "The strides are added in your result. They multiply: after 2 and 2, and "
            "another 2, neighbours are 8 pixels apart.",
        ),
        Misconception(
            "strides added to one",
            lambda layers: _steps(layers, lambda step, stride: step + stride),
            "The strides are added in your result. They multiply: after a stride of "
            "1, neighbours are still one pixel apart.",
        ),
        Misconception(
            "odd kernels only",
            lambda layers: _receptive_field([(k // 2 * 2 + 1, s) for k, s in layers]),
            "Right for odd kernels only. A kernel adds `kernel - 1` steps; an even one "
            "adds one more in your result, as `2 * (kernel // 2)` does.",
        ),
        Misconception(
            "other direction",
            _recursion,
            "Your result is right for the same layers in reverse order: `(field - 1) * "
            "stride + kernel` starts at the output and goes back to the input.",
        ),
        Misconception(
            "list reversed in place",
            _reversed_in_place,
            "Right, but after the call the list is in reverse order for everybody else "
            "as well. Go through `reversed(layers)` instead of reversing the list.",
        ),
        Misconception(
            "list emptied",
            _emptied,
            "After the call the list is empty, for everybody else as well, as after "
            "`pop` in a loop. Go through `reversed(layers)`, or take a copy first: "
            "`list(layers)`.",
        ),
        Misconception(
            "the one missing",
            lambda layers: _receptive_field(layers) - 1,
            "One too few: before any layer an output sees one pixel, itself.",
        ),
        Misconception(
            "step returned",
            lambda layers: math.prod(stride for _, stride in layers),
            "This is how far apart neighbours of the last layer are. How far do they "
            "see? Each layer adds `kernel - 1` steps of its own input.",
        ),
        Misconception(
            "kernels times steps, from one",
            lambda layers: 1 + _kernels_times_steps(layers),
            "You add `kernel` steps for each layer. Between `kernel` taps there are "
            "only `kernel - 1` steps: that is what a layer adds.",
        ),
        Misconception(
            "kernels added to one",
            lambda layers: 1 + sum(kernel for kernel, _ in layers),
            "You add the kernels to 1. Each layer adds `kernel - 1`, and later ones "
            "reach further after a stride.",
        ),
        Misconception(
            "pairs read the wrong way",
            lambda layers: _receptive_field([(b, a) for a, b in layers]),
            "You take the stride for the kernel and the kernel for the stride. The "
            "pairs are `(kernel, stride)`.",
        ),
        Misconception(
            "steps taken for places",
            _widened,
            "You multiply the whole field by the stride, then add `kernel - 1`. A "
            "field of n outputs has n - 1 steps between them; and `layers` starts at "
            "the input: keep the step between neighbours as a second number.",
        ),
    ),
    lambda: [
        ([(3, 1), (3, 1)],),
        ([(3, 2), (5, 2), (3, 1)],),
        ([(7, 2), (3, 2), (3, 2), (1, 1)],),
        ([(5, 3)],),
        ([(2, 1)],),
        ([(2, 3), (3, 4), (4, 1)],),
        ([(3, 1), (4, 3), (2, 1), (3, 2)],),
    ],
    _unchanged,
    hints=(
        "Start with one pixel. A layer adds `kernel - 1` steps: how many pixels is "
        "such a step?",
        "In the first layer a step is one pixel. Behind a stride of 2 it is twice as "
        "many as before.",
        "Keep two numbers: the field, which grows by `(kernel - 1) * step`, and the "
        "step. Which of the two changes first in each layer?",
    ),
)


def _stamp(x: Tensor, w: Tensor, stride: int) -> Tensor:
    return _stamps(x, w, stride, [i * stride for i in range(len(x))])


def _stamps(x: Tensor, w: Tensor, stride: int, places: list[int]) -> Tensor:
    """Stamp the numbers of x at `places`, None of them beyond the right length."""
    y = x.new_zeros((len(x) - 1) * stride + len(w))
    for place, value in zip(places, x, strict=False):
        y[place : place + len(w)] += value * w
    return y


def _overwrite(x: Tensor, w: Tensor, stride: int) -> Tensor:
    y = x.new_zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(w)] = value * w
    return y


def _skipping(x: Tensor, w: Tensor, stride: int) -> Tensor:
    kept = torch.arange(len(x), device=x.device) % stride == 0
    return _stamp(x * kept, w, stride)


def _kernel_spread(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """Spread the numbers of the kernel, and cut the result to the right length."""
    spread = _stamp(w, x, stride)
    return F.pad(spread, (0, (len(x) - 1) * stride + len(w) - len(spread)))


def _repeated(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """Slide the flipped kernel over x with repeated numbers in place of zeros."""
    wide = x.repeat_interleave(stride)[: (len(x) - 1) * stride + 1]
    ends = len(w) - 1
    return F.pad(wide, (ends, ends)).unfold(0, len(w), 1) @ w.flip(0)


def _side_by_side(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """Lay the stamps one after the other, and bring them to the right length."""
    laid = torch.outer(x, w).flatten()
    return F.pad(laid, (0, (len(x) - 1) * stride + len(w) - len(laid)))


def _slid_over(x: Tensor, w: Tensor, stride: int, ends: tuple[int, int]) -> Tensor:
    """Spread x by zeros, pad its ends and slide the flipped kernel over it."""
    wide = x.new_zeros((len(x) - 1) * stride + 1)
    wide[::stride] = x
    return F.pad(wide, ends).unfold(0, len(w), 1) @ w.flip(0)


def _stamp_cases() -> list[Case]:
    sizes = [(3, 2, 1), (4, 3, 2), (3, 2, 3), (5, 4, 2), (1, 3, 2), (3, 1, 4)]
    return [(*randn((n,), (k,)), stride) for n, k, stride in sizes]


_STRIDE_IGNORED = (
    "Your stamps are one apart, whatever the stride. In a transposed convolution the "
    "stride is the distance between stamps in the output."
)
_TAIL = (
    "The numbers are right, but zeros follow them. The last stamp starts at "
    "`(len(x) - 1) * stride`, and the output ends where it ends."
)
_SPREAD_KERNEL = (
    "Your stride spreads the numbers of the kernel. It moves the stamps apart: "
    "`x[i]` stamps the whole kernel, without gaps, from place `i * stride` on."
)
_ENDS_MISSING = (
    "Numbers are missing at an end: to slide a kernel over the spread input, "
    "`len(w) - 1` zeros are needed at *both* ends."
)

STAMP = Exercise(
    "convolution.stamp",
    _stamp,
    (
        Misconception(
            "overwritten",
            _overwrite,
            "Where two stamps overlap, the later one replaces the earlier. They must "
            "add up: `+=`, stamp by stamp. (With an index that names a place twice, "
            "`y[index] += …` keeps one of its two contributions.)",
        ),
        Misconception(
            "averaged",
            lambda x, w, stride: (
                _stamp(x, w, stride)
                / _stamp(torch.ones_like(x), torch.ones_like(w), stride).clamp(min=1)
            ),
            "Where two stamps overlap you take their mean. They add up: divide by "
            "nothing.",
        ),
        Misconception(
            "stride ignored",
            lambda x, w, stride: _stamp(x, w, 1),
            _STRIDE_IGNORED,
        ),
        Misconception(
            "stride in the length only",
            lambda x, w, stride: _stamps(x, w, stride, list(range(len(x)))),
            _STRIDE_IGNORED,
        ),
        Misconception(
            "numbers skipped",
            _skipping,
            "You take only every `stride`-th number of `x`. Each of them leaves a "
            "stamp; the stride moves the stamps apart.",
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
            "tail of a step less one",
            lambda x, w, stride: F.pad(_stamp(x, w, stride), (0, stride - 1)),
            _TAIL,
        ),
        Misconception(
            "tail of a step",
            lambda x, w, stride: F.pad(_stamp(x, w, stride), (0, stride)),
            _TAIL,
        ),
        Misconception(
            "steps only",
            lambda x, w, stride: F.pad(_stamp(x, w, stride), (0, stride - len(w))),
            "Your output has `len(x) * stride` numbers, as if each stamp were as wide "
            "as the stride. The last stamp starts at `(len(x) - 1) * stride`, and is "
            "`len(w)` wide.",
        ),
        *(
            Misconception(
                name,
                answer,
                "Your stamps lie one after the other, `len(w)` apart. They are "
                "`stride` apart, and add up where they overlap.",
            )
            for name, answer in (
                ("side by side", lambda x, w, stride: torch.outer(x, w).flatten()),
                ("side by side, right length", _side_by_side),
            )
        ),
        Misconception(
            "numbers repeated",
            _repeated,
            "Right for stride 1. With a larger stride you repeat the numbers of `x`; "
            "to slide a kernel over them, zeros must stand between them: `x[i]` leaves "
            "one stamp, from place `i * stride` on.",
        ),
        Misconception(
            "stride between stamps",
            lambda x, w, stride: _stamp(x, w, stride + 1),
            "Your stamps are `stride + 1` apart. With stride 1 each stamp starts one "
            "place after the one before.",
        ),
        Misconception(
            "stamps of one",
            lambda x, w, stride: _stamp(torch.ones_like(x), w, stride),
            "Your stamps are all the same: multiply each by its number of `x`.",
        ),
        Misconception(
            "kernel spread",
            lambda x, w, stride: _stamp(w, x, stride),
            _SPREAD_KERNEL,
        ),
        Misconception(
            "kernel spread, right length",
            _kernel_spread,
            _SPREAD_KERNEL,
        ),
        *(
            Misconception(
                f"zeros {where}",
                lambda x, w, stride, ends=ends: _slid_over(
                    x, w, stride, tuple(side * (len(w) - 1) for side in ends)
                ),
                _ENDS_MISSING,
            )
            for where, ends in (
                ("at the end only", (0, 1)),
                ("at the start only", (1, 0)),
                ("at no end", (0, 0)),
            )
        ),
    ),
    _stamp_cases,
    hints=(
        "Start with zeros. Each number of `x` adds the whole kernel, times itself, to "
        "a few places next to each other.",
        "The stamp of `x[i]` starts at place `i * stride`. Where stamps overlap they "
        "add up.",
        "Fill `x.new_zeros((len(x) - 1) * stride + len(w))` in a loop over `x`: a "
        "slice of `len(w)` places at a time.",
    ),
    forbidden=_TRANSPOSED,
    differentiable=True,
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
