"""Exercises of lesson 05: convolution."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn, unlearning
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.watch import watched_call
from course_utils.session import current_device

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


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
            "Your padding is that of `dilation=1`. The window spans `dilation * "
            "(kernel - 1) + 1` cells, and the padding must make up for all but one.",
        ),
        Misconception(
            "dilation forgotten, float",
            lambda k, d: (k - 1) / 2,
            "Your padding is that of `dilation=1`, and a float: `//` gives a whole "
            "number. How many cells does the window span when there are gaps between "
            "its taps?",
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

# The 512 windows of 3 × 3 zeros and ones, and which of them shows the line.
_LINE = (0, 1, 0, 0, 1, 0, 0, 1, 0)


def _windows() -> Tensor:
    numbers = torch.arange(512, device=current_device())
    bits = numbers[:, None] // 2 ** torch.arange(8, -1, -1, device=numbers.device) % 2
    return bits.float().reshape(512, 1, 3, 3)


def _detector(weights: Sequence[float], bias: float) -> Answer:
    def answer() -> tuple[Tensor, float]:
        return torch.tensor(weights, device=current_device()).reshape(3, 3), bias

    return answer


def _fires_at(design: Answer, windows: Tensor) -> str:
    """Say at which of the 512 windows a kernel, a bias and a ReLU answer above 0."""
    made = design()
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise TypeError("Return two things: the kernel and the bias.")
    kernel, bias = made
    if not isinstance(kernel, Tensor) or not kernel.is_floating_point():
        raise TypeError("The kernel is to be a tensor of floats, `torch.tensor(…)`.")
    if kernel.shape not in ((3, 3), (1, 1, 3, 3)):
        raise ValueError(
            f"Your kernel has the shape {tuple(kernel.shape)}, not (3, 3)."
        )
    if isinstance(bias, Tensor) and bias.numel() == 1:
        bias = bias.item()
    if isinstance(bias, bool) or not isinstance(bias, int | float):
        raise TypeError("The bias is to be one number.")
    weight = kernel.detach().to(windows).reshape(1, 1, 3, 3)
    sums = F.conv2d(windows, weight).flatten() + bias
    fires = sums > 1e-5 * weight.abs().max()  # above rounding
    line = (windows.flatten(1) == torch.tensor(_LINE, device=windows.device)).all(1)
    others = int((fires & ~line).sum())
    at_line = "above 0" if bool(fires[line]) else "0"
    return f"{at_line} for the line, above 0 for {others} of the 511 other windows"


DETECTOR = Exercise(
    "convolution.detector",
    _detector([-1.0, 1.0, -1.0] * 3, -2.0),
    (
        Misconception(
            "no bias",
            _detector([-1.0, 1.0, -1.0] * 3, 0.0),
            "The kernel has the right idea: ones in the middle column help, others "
            "count against it. But a part of a line already answers above 0. The bias "
            "is the threshold: how far may it lower the answer before the whole line "
            "gets lost too?",
        ),
        Misconception(
            "bias too small",
            _detector([-1.0, 1.0, -1.0] * 3, -1.0),
            "Nearly: two ones of three are still enough, or three and one beside "
            "them. Lower the threshold by more.",
        ),
        Misconception(
            "bias too large",
            _detector([-1.0, 1.0, -1.0] * 3, -3.0),
            "Nothing is found any more, the line included: its sum less the bias's "
            "share is not above 0. Where must the threshold lie, between the line's "
            "sum and the next best?",
        ),
        Misconception(
            "bias with the wrong sign",
            _detector([-1.0, 1.0, -1.0] * 3, 2.0),
            "The bias is added: a positive one makes the answer larger everywhere. A "
            "threshold is a negative bias.",
        ),
        Misconception(
            "blind beside the line",
            _detector([0.0, 1.0, 0.0] * 3, -2.0),
            "The line is found, whatever stands beside it: a window full of ones too. "
            "Zeros in the side columns ask nothing. Which weights count against a 1?",
        ),
        Misconception(
            "blind, no bias",
            _detector([0.0, 1.0, 0.0] * 3, 0.0),
            "Any 1 in the middle column is enough, whatever stands elsewhere. A 1 "
            "beside the line must count against it, and the bias must take care of "
            "lines with gaps.",
        ),
        Misconception(
            "across",
            _detector([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0], -2.0),
            "This finds the line that lies: a row of ones. The line here stands: the "
            "middle *column*.",
        ),
        Misconception(
            "edge kernel",
            _detector([-1.0, 2.0, -1.0] * 3, 0.0),
            "The weights of every row sum to 0, so a flat window gives 0. But parts of "
            "a line answer above 0 as well: a bias is needed, as a threshold.",
        ),
        Misconception(
            "all ones",
            _detector([1.0] * 9, -2.0),
            "Your kernel counts the ones, wherever they stand. Those in the side "
            "columns must count against the line: which sign do their weights need?",
        ),
        Misconception(
            "dark for light",
            _detector([1.0, -1.0, 1.0] * 3, 0.0),
            "The signs are the other way round: this answers to ones beside the "
            "middle column.",
        ),
    ),
    lambda: [(_windows(),)],
    _fires_at,
    hints=(
        "Choose the weights first: which of the nine numbers speak for the line, and "
        "which against it?",
        "With 1 for the middle column and −1 for the others, what is the sum for the "
        "line, and what is the largest sum of any other window?",
        "The bias must lie between: the line's sum plus the bias above 0, the next "
        "best plus the bias at 0 or below.",
    ),
    result="detector's output is",
    arguments=("windows",),
)


def _depthwise(x: Tensor, weight: Tensor) -> Tensor:
    size = weight.shape[-1]
    windows = x.unfold(2, size, 1).unfold(3, size, 1)  # (N, C, H', W', K, K)
    return (windows * weight[:, 0, None, None]).sum((-2, -1))


def _summed(x: Tensor, weight: Tensor) -> Tensor:
    return _depthwise(x, weight).sum(1, keepdim=True)


def _channels_reshaped_last(x: Tensor, weight: Tensor) -> Tensor:
    y = _depthwise(x, weight)
    return y.permute(0, 2, 3, 1).reshape(y.shape)


def _all_kernels_on_all(x: Tensor, weight: Tensor) -> Tensor:
    """Let each kernel look at all channels, as the full layer does."""
    return _depthwise(x.sum(1, keepdim=True).expand_as(x), weight)


def _depthwise_cases() -> list[Case]:
    sizes = [(1, 3, 5, 4, 3), (2, 2, 4, 5, 2), (3, 1, 5, 5, 3), (2, 3, 3, 3, 3)]
    cases = [randn((n, c, h, w), (c, 1, k, k)) for n, c, h, w, k in sizes]
    return [*cases, randn((2, 3, 2, 3), (3, 1, 1, 1), seed=2)]


DEPTHWISE = Exercise(
    "convolution.depthwise",
    _depthwise,
    (
        Misconception(
            "channels summed",
            _summed,
            "You add up the channels, as the full layer does. Here each channel "
            "stays for itself: `(N, C, …)` comes out.",
        ),
        Misconception(
            "channels summed, repeated",
            lambda x, weight: _summed(x, weight).expand(-1, x.shape[1], -1, -1),
            "All channels of your result are equal: each is the sum over all input "
            "channels. A depthwise layer never mixes channels.",
        ),
        Misconception(
            "every kernel on all channels",
            _all_kernels_on_all,
            "Each of your kernels looks at all channels. Channel `c` is seen by the "
            "kernel `weight[c, 0]` alone.",
        ),
        Misconception(
            "first kernel for all",
            lambda x, weight: _depthwise(x, weight[:1].expand_as(weight)),
            "Every channel meets the first kernel, `weight[0, 0]`. Channel `c` has its "
            "own: `weight[c, 0]`.",
        ),
        Misconception(
            "first channel for all",
            lambda x, weight: _depthwise(x[:, :1].expand_as(x), weight),
            "All of your kernels look at the first channel. Kernel `c` looks at "
            "channel `c`.",
        ),
        Misconception(
            "flipped",
            lambda x, weight: _depthwise(x, weight.flip(2, 3)),
            "Your result is that of flipped kernels. PyTorch multiplies window and "
            "kernel without flipping.",
        ),
        Misconception(
            "axes swapped",
            lambda x, weight: _depthwise(x, weight.mT),
            "Rows and columns of the kernels are swapped: `weight[c, 0, k, l]` meets "
            "`x[n, c, i + k, j + l]`.",
        ),
        Misconception(
            "mean for sum",
            lambda x, weight: _depthwise(x, weight / weight[0].numel()),
            "These are the means of the products. A convolution takes their sum.",
        ),
        Misconception(
            "padded",
            lambda x, weight: _depthwise(F.pad(x, [weight.shape[-1] // 2] * 4), weight),
            "Your picture has a border of zeros. Without padding, only windows that "
            "lie inside it count: `H - K + 1` rows and `W - K + 1` columns.",
        ),
        Misconception(
            "one row and column too few",
            lambda x, weight: _depthwise(x, weight)[..., :-1, :-1],
            "The last row and the last column of windows are missing: there are "
            "`H - K + 1` rows and `W - K + 1` columns of them.",
        ),
        Misconception(
            "windows side by side",
            lambda x, weight: _depthwise(x, weight)[
                ..., :: weight.shape[-1], :: weight.shape[-1]
            ],
            "Your window jumps by its own width. The stride is 1.",
        ),
        Misconception(
            "squeezed",
            lambda x, weight: _depthwise(x, weight).squeeze(),
            "Dims of size 1 are lost: a batch of one is still a batch. `squeeze()` "
            "without a dim usually does this.",
        ),
        Misconception(
            "channels last",
            lambda x, weight: _depthwise(x, weight).permute(0, 2, 3, 1),
            "The numbers are right, but the channels come last. The output is "
            "`(N, C, H - K + 1, W - K + 1)`.",
        ),
        Misconception(
            "channels last, reshaped",
            _channels_reshaped_last,
            "The numbers are right, their places are not: they stand as where a "
            "result with the channels last is reshaped. `reshape` can't move an axis; "
            "`permute` can.",
        ),
    ),
    _depthwise_cases,
    hints=(
        "One channel at a time: `x[:, c]` is `(N, H, W)`, and its kernel is "
        "`weight[c, 0]`.",
        "The window at row i and column j of all pictures and channels is "
        "`x[:, :, i : i + K, j : j + K]`, `(N, C, K, K)`. Which shape must `weight` "
        "have so that it lines up with that?",
        "Multiply and sum over the last two dimensions only. Or: the output at all "
        "places at once is a sum of K·K shifted pictures, each times one weight per "
        "channel.",
    ),
    forbidden=_CONVOLUTIONS + _TRANSPOSED,
    differentiable=True,
)

_Layers = list[tuple[int, int, int]]


def _sees(layers: _Layers, place: int) -> tuple[int, int]:
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + kernel - 1
    return first, last


def _with(change: Callable[[int, int, int], tuple[int, int, int]]) -> Answer:
    """Return the right way for layers that are changed first."""
    return lambda layers, place: _sees([change(*layer) for layer in layers], place)


def _forwards(layers: _Layers, place: int) -> tuple[int, int]:
    return _sees(layers[::-1], place)


def _inside_only(layers: _Layers, place: int) -> tuple[int, int]:
    first, last = _sees(layers, place)
    return max(first, 0), last


def _padding_before_the_stride(layers: _Layers, place: int) -> tuple[int, int]:
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first = (first - padding) * stride
        last = (last - padding) * stride + kernel - 1
    return first, last


def _width_from_the_start(layers: _Layers, place: int) -> tuple[int, int]:
    """Take the last cell one layer too far: `kernel` in place of `kernel - 1`."""
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + kernel
    return first, last


def _last_from_first(layers: _Layers, place: int) -> tuple[int, int]:
    """Follow the first cell only, and add the first layer's kernel at the end."""
    first = _sees(layers, place)[0]
    return first, first + layers[0][0] - 1


def _centred(layers: _Layers, place: int) -> tuple[int, int]:
    """Lay each window around its place, as if half of it stood to the left."""
    first = last = place
    for kernel, stride, _ in reversed(layers):
        first = first * stride - kernel // 2
        last = last * stride - kernel // 2 + kernel - 1
    return first, last


def _as_pair(answer: Answer, layers: _Layers, place: int) -> Any:
    before = list(layers)
    result = answer(layers, place)
    if layers != before:
        raise ValueError(
            "After the call the list of layers is another one, for everybody else as "
            "well. Go through `reversed(layers)`, or take a copy first: `list(layers)`."
        )
    return tuple(result) if isinstance(result, list) else result


SEES = Exercise(
    "convolution.sees",
    _sees,
    (
        Misconception(
            "from the input",
            _forwards,
            "Your result is right for the same layers in reverse order. The place is "
            "one of the *last* layer: start there, and go back to the input.",
        ),
        Misconception(
            "padding forgotten",
            _with(lambda k, s, p: (k, s, 0)),
            "Right where nothing is padded. With padding p, the window of place 0 "
            "starts at −p.",
        ),
        Misconception(
            "padding added",
            _with(lambda k, s, p: (k, s, -p)),
            "You add the padding. It lies *before* cell 0, so the windows start "
            "further to the left.",
        ),
        Misconception(
            "stride forgotten",
            _with(lambda k, s, p: (k, 1, p)),
            "Right for strides of 1. The window of place i starts at `i * stride - "
            "padding` of the layer's input.",
        ),
        Misconception(
            "padding before the stride",
            _padding_before_the_stride,
            "You take the padding off before you multiply by the stride. It counts "
            "cells of the layer's input: `i * stride - padding`.",
        ),
        Misconception(
            "one too far",
            _width_from_the_start,
            "The last cell is too far: a window of k cells that starts at i ends at "
            "`i + k - 1`.",
        ),
        Misconception(
            "end not included",
            lambda layers, place: (
                _sees(layers, place)[0],
                _sees(layers, place)[1] + 1,
            ),
            "Your second number is one too large, as the end of a slice. Return the "
            "last cell that is read.",
        ),
        Misconception(
            "cut at the frame",
            _inside_only,
            "You replace a negative first cell by 0. The text asks for the window as "
            "it lies, cells of the padding included.",
        ),
        Misconception(
            "width in place of the end",
            lambda layers, place: (
                _sees(layers, place)[0],
                _sees(layers, place)[1] - _sees(layers, place)[0] + 1,
            ),
            "Your second number is how many cells the field spans. Return the last "
            "cell itself.",
        ),
        Misconception(
            "one layer's window",
            _last_from_first,
            "The first cell is right. For the last one you add one kernel only: follow "
            "it back through the layers too, from the same place.",
        ),
        Misconception(
            "centred",
            _centred,
            "You lay every window around its place, with half of it to the left: "
            "right where the padding is `kernel // 2`. The window starts at "
            "`i * stride - padding`.",
        ),
        Misconception(
            "the wrong way round",
            lambda layers, place: _sees(layers, place)[::-1],
            "The two numbers are exchanged: the first cell comes first.",
        ),
    ),
    lambda: [
        ([(3, 1, 0)], 4),
        ([(3, 1, 1), (2, 2, 0)], 3),
        ([(3, 1, 1), (2, 2, 0), (3, 1, 1), (2, 2, 0)], 0),
        ([(7, 2, 3), (3, 2, 1), (3, 1, 1)], 5),
        ([(5, 3, 0), (4, 2, 1)], 1),
        ([(1, 1, 0), (2, 1, 1), (3, 4, 0)], 2),
    ],
    _as_pair,
    hints=(
        "One layer first: where does the window of output i start, with stride s and "
        "padding p, and where does it end?",
        "The first and the last cell are places of the layer before. Ask the same "
        "question there.",
        "Two numbers, both starting at `place`, go through `reversed(layers)`: which "
        "one grows by `kernel - 1` at each layer?",
    ),
    parts=("the first cell", "the last cell"),
)


_MENDED = "nothing"
_COUNT = 20_778


def _upright(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _same(h: Tensor) -> Tensor:
    return h


def _cnn(
    *,
    padding: int = 1,
    turn: Callable[[Tensor], Tensor] = _upright,
    bends: tuple[bool, bool] = (True, True),
    pools: tuple[int, int] = (2, 2),
    end: Callable[[Tensor], Tensor] = _same,
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, padding=padding)
            self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
            size = (28 - 2 + 2 * padding) // pools[0] // pools[1]
            self.head = nn.Linear(32 * size**2, 10)

        def forward(self, x: Tensor) -> Tensor:
            h = turn(x)
            layers = zip((self.conv1, self.conv2), bends, pools, strict=True)
            for conv, bend, pool in layers:
                h = conv(h).relu() if bend else conv(h)
                h = F.max_pool2d(h, pool)
            return end(self.head(h.flatten(1)))

    return Net


def _mirrored(x: Tensor) -> Tensor:
    return x.permute(0, 3, 2, 1)


def _torn(x: Tensor) -> Tensor:
    return x.reshape(-1, 3, 28, 28)


def _fault(net_class: Answer, n: int) -> Any:
    """Say the first thing that is wrong with a network for n colour pictures."""
    net = net_class()
    if not isinstance(net, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    net = net.to(current_device())
    conv1, conv2, head = (getattr(net, n, None) for n in ("conv1", "conv2", "head"))
    if not (
        isinstance(conv1, nn.Conv2d)
        and isinstance(conv2, nn.Conv2d)
        and isinstance(head, nn.Linear)
    ):
        raise TypeError(
            "Keep the names: `conv1` and `conv2` are convolutions, `head` is a linear "
            "layer."
        )
    (x,) = randn((n, 28, 28, 3))
    count = sum(parameter.numel() for parameter in net.parameters())
    if count != _COUNT:
        return f"the module has {count:,} parameters, not {_COUNT:,}"
    for conv in (conv1, conv2):
        shape = (conv.kernel_size, conv.stride, conv.dilation)
        if shape != ((3, 3), (1, 1), (1, 1)) or conv.padding not in ((1, 1), "same"):
            return "a convolution is no 3 × 3 with stride 1 and padding 1"
    y = watched_call(net, x)
    if not isinstance(y, Tensor):
        return y
    if y.shape != (n, 10):
        return f"the output has the shape {tuple(y.shape)}, not ({n}, 10)"

    def scores(turn: Callable[[Tensor], Tensor], first: bool, second: bool) -> Tensor:
        h = conv1(turn(x))
        h = conv2(F.max_pool2d(h.relu() if first else h, 2))
        h = F.max_pool2d(h.relu() if second else h, 2)
        return head(h.flatten(1))

    with torch.no_grad():
        for turn, bends, end in product(_TURNS, _BENDS, _ENDS):
            if _close(y, end(scores(turn, *bends))):
                faults = (_TURNS[turn], _BENDS[bends], _ENDS[end])
                said = ", ".join(fault for fault in faults if fault)
                return said or unlearning(net, x) or _MENDED
    return "the scores are those of another network"


# What can be wrong with a network of the right size, beside what is right.
_TURNS: dict[Callable[[Tensor], Tensor], str] = {
    _upright: "",
    _torn: "the pictures are cut up",
    _mirrored: "the pictures lie on their side",
}
_BENDS = {
    (True, True): "",
    (False, True): "no ReLU stands behind `conv1`",
    (True, False): "no ReLU stands behind `conv2`",
    (False, False): "there is no ReLU",
}
_ENDS: dict[Callable[[Tensor], Tensor], str] = {
    _same: "",
    lambda y: y.softmax(1): "a softmax stands at the end",
    lambda y: y.log_softmax(1): "a log-softmax stands at the end",
    torch.relu: "a ReLU stands at the end",
}


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5)


REPAIR = Exercise(
    "convolution.repair",
    _cnn(),
    (
        Misconception(
            "head made smaller",
            _cnn(padding=0),
            "It runs, because the head now fits maps of 6 × 6. But the cause is in a "
            "convolution that loses the frame, and the number of parameters is not the "
            "one asked for. Which setting keeps 28 × 28?",
        ),
        Misconception(
            "other padding",
            _cnn(padding=2),
            "One of your convolutions has other settings than `SmallCNN`'s: 3 × 3, "
            "stride 1, padding 1. (With padding 2 it runs as well: 30 is halved to 15, "
            "and that to 7.)",
        ),
        Misconception(
            "cut up",
            _cnn(turn=_torn),
            "The convolutions get scrambled pictures: the shape is right, the pixels "
            "are not where they were. `reshape` can't move an axis; what can?",
        ),
        Misconception(
            "cut up, no ReLU",
            _cnn(turn=_torn, bends=(False, True)),
            "Two faults are left: the pictures are scrambled (`reshape` can't move an "
            "axis), and no ReLU stands behind the first convolution.",
        ),
        Misconception(
            "on their side",
            _cnn(turn=_mirrored),
            "The channels come first now, but rows and columns have changed places: "
            "the pictures are mirrored. From (N, H, W, C) to (N, C, H, W): which axis "
            "goes where?",
        ),
        Misconception(
            "on their side, no ReLU",
            _cnn(turn=_mirrored, bends=(False, True)),
            "Rows and columns have changed places, and no ReLU stands behind the first "
            "convolution.",
        ),
        Misconception(
            "no first ReLU",
            _cnn(bends=(False, True)),
            "The pictures are upright. But `conv2` still gets negative numbers: no "
            "ReLU stands behind the first convolution.",
        ),
        Misconception(
            "no second ReLU",
            _cnn(bends=(True, False)),
            "Now the second convolution has no ReLU. Each of the two has one.",
        ),
        Misconception(
            "softmax at the end",
            _cnn(end=lambda y: y.softmax(1)),
            "The network is mended, and ends in a softmax that nobody asked for. "
            "`F.cross_entropy` takes one itself: return the logits.",
        ),
        Misconception(
            "no pooling",
            _cnn(pools=(1, 2)),
            "There is a pooling less, and the head has grown to fit. Halve the maps "
            "after each convolution.",
        ),
    ),
    lambda: [(2,), (1,), (5,)],
    _fault,
    hints=(
        "Mend one thing at a time. The error first: which size do the maps have after "
        "each step, and where does 28 × 28 get lost?",
        "The parameters count `head` as it is in the broken class. Then look at the "
        "first line of `forward`: which call moves axes?",
        "Behind each convolution stands a ReLU. Which one has none?",
    ),
    result="network",
    arguments=("n",),
)


def _stack(
    first: int = 24,
    rest: int = 32,
    more: int = 3,
    *,
    kernel: int = 3,
    padding: int = 1,
    strides: tuple[int, int] = (2, 2),
    dilation: int = 1,
) -> Answer:
    """Return a stack of convolutions with a ReLU behind each."""

    def answer() -> nn.Module:
        pad = padding * (kernel // 2)
        layers: list[nn.Module] = []
        widths = [(1, first, strides[0], 1), (first, rest, strides[1], 1)]
        for n_in, n_out, stride, gap in [*widths, *[(rest, rest, 1, dilation)] * more]:
            layers += [
                nn.Conv2d(n_in, n_out, kernel, stride, pad * gap, dilation=gap),
                nn.ReLU(),
            ]
        return nn.Sequential(*layers)

    return answer


def _flattened() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 20),
        nn.Linear(20, 784),
        nn.Unflatten(1, (16, 7, 7)),
    )


def _jumping() -> nn.Module:
    """Pixels between the windows of the first layer are never read."""
    layers: list[nn.Module] = [nn.Conv2d(1, 32, 1, stride=4), nn.ReLU()]
    for _ in range(4):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


def _gradient(net: nn.Module, x: Tensor, rows: slice, columns: slice) -> Tensor:
    """Return where the outputs at some places see the input, (H, W)."""
    x = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(net(x)[..., rows, columns].square().sum(), x)
    return (grad != 0).flatten(0, 1).any(0)


def _span_of(seen: Tensor) -> int:
    """Return how far a row of seen and unseen cells spans, from first to last."""
    (places,) = seen.nonzero(as_tuple=True)
    return int(places[-1] - places[0]) + 1 if len(places) else 0


@torch.enable_grad()
def _flaw(answer: Answer, seed: int) -> Any:
    """Say the first demand of the design that a network does not meet."""
    net = answer()
    if not isinstance(net, nn.Module):
        return net
    net = net.to(current_device()).eval()
    count = sum(parameter.numel() for parameter in net.parameters())
    if count > 50_000:
        return "the network has more than 50,000 parameters"
    x, large = randn((8, 1, 28, 28), (16, 1, 140, 140), seed=seed)
    y = watched_call(net, x)
    if not isinstance(y, Tensor):
        return y
    if y.dim() != 4 or len(y) != 8:
        return f"8 pictures give the shape {tuple(y.shape)}, not (8, C, 7, 7)"
    if y.shape[2:] != (7, 7):
        larger = y.shape[2] * y.shape[3] > 49
        return f"the maps are {'larger' if larger else 'smaller'} than 7 × 7"
    if y.shape[1] < 16:
        return f"there are {y.shape[1]} channels, not 16 or more"
    try:
        wide = net(large)
    except RuntimeError:
        return "a picture of 140 × 140 makes it fail"
    if wide.shape[2:] != (35, 35):
        return f"140 × 140 gives {tuple(wide.shape[2:])}, not (35, 35)"
    whole = slice(None)
    (many,) = randn((144, 1, 28, 28), seed=seed)  # a max pool has one winner in each
    if not _gradient(net, many, whole, whole).all():
        return "some pixels of the picture reach no output"
    middle = slice(17, 18)
    seen = _gradient(net, large, middle, middle)
    spans = _span_of(seen.any(1)), _span_of(seen.any(0))
    if min(spans) < 31:
        return "an output sees fewer than 31 pixels across or down"
    # Pictures are added, not doubled: without biases ReLU gives twice as much, too.
    other, nothing = x.flip(0), net(0 * x)
    bend = y + net(other) - net(x + other) - nothing
    if bend.abs().max() < 0.01 * (y - nothing).abs().max():
        return "the answers to two pictures add up: there is no activation"
    return _MENDED


DESIGN = Exercise(
    "convolution.design",
    _stack(),
    (
        Misconception(
            "field too small",
            _stack(more=2),
            "7 × 7 comes out, within the budget, but an output sees too little: "
            "compute the field of your layers as the page does. Behind two strides of "
            "2 a further 3 × 3 adds 2 · 4 = 8 pixels, and it costs little time there.",
        ),
        Misconception(
            "over the budget",
            _stack(32, 64),
            "Over the budget of 50,000. A 3 × 3 from C to C channels has 9 · C² + C "
            "parameters: how many of them can you pay, with which C?",
        ),
        Misconception(
            "no padding",
            _stack(padding=0, more=1),
            "Your maps are too small: without padding each layer loses its border. "
            "Which padding makes 28, 14 and 7 of it?",
        ),
        Misconception(
            "one halving",
            _stack(strides=(2, 1), more=4),
            "Your maps are too large. 28 must be halved twice, by strides or by "
            "pooling.",
        ),
        Misconception(
            "linear layers",
            _flattened,
            "A linear layer takes one size only, and has a weight for each place. Use "
            "layers that slide.",
        ),
        Misconception(
            "pixels between the windows",
            _jumping,
            "Some pixels are never read: your first window is smaller than its stride, "
            "so it jumps over them.",
        ),
        Misconception(
            "no activation",
            lambda: nn.Sequential(
                *[part for part in _stack()() if isinstance(part, nn.Conv2d)]
            ),
            "Convolutions without activations between them are one convolution. Put a "
            "ReLU behind each.",
        ),
    ),
    lambda: [(1,), (2,)],
    _flaw,
    hints=(
        "Two halvings make 7 of 28: by strides or by pooling, with padding that keeps "
        "the size otherwise.",
        "Compute the field as the page does. Behind both halvings a step is 4 pixels, "
        "so a 3 × 3 adds 8; with a dilation of 2 it adds 16.",
        "Then choose the channels: with C of them a 3 × 3 costs 9 · C² + C. Three at "
        "C = 32 cost 27,744.",
    ),
    result="network",
    arguments=("seed",),
)

EXERCISES = (
    OUTPUT_SIZE,
    SAME_PADDING,
    COUNT,
    MOVE_RIGHT,
    DETECTOR,
    DEPTHWISE,
    SEES,
    STAMP,
    REPAIR,
    DESIGN,
)
