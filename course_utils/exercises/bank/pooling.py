"""Exercises of lesson 06: pooling."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Case, Exercise, Misconception

SIZE = Exercise(
    "pooling.size",
    lambda size, kernel, stride, padding: (
        (size + 2 * padding - kernel) // (stride or kernel) + 1
    ),
    (
        Misconception(
            "stride 1",
            lambda size, kernel, stride, padding: (
                (size + 2 * padding - kernel) // (stride or 1) + 1
            ),
            "You use a stride of 1 where none is given. That is the default of a "
            "convolution; a pooling window moves by its own width.",
        ),
        Misconception(
            "rounded up",
            lambda size, kernel, stride, padding: (
                -(-(size + 2 * padding - kernel) // (stride or kernel)) + 1
            ),
            "You round up, so a window that hangs over the end counts. That is "
            "`ceil_mode=True`; by default only whole windows count.",
        ),
        Misconception(
            "padding once",
            lambda size, kernel, stride, padding: (
                (size + padding - kernel) // (stride or kernel) + 1
            ),
            "You count the padding once. It is added on both sides: `2 * padding`.",
        ),
        Misconception(
            "kernel not subtracted",
            lambda size, kernel, stride, padding: (
                (size + 2 * padding) // (stride or kernel)
            ),
            "You divide the whole length by the stride. What counts is how far the "
            "window can move: subtract `kernel` first, and add 1 at the end.",
        ),
        Misconception(
            "steps for windows",
            lambda size, kernel, stride, padding: (
                (size + 2 * padding - kernel) // (stride or kernel)
            ),
            "You count the steps. The window also stands at the start: add 1.",
        ),
    ),
    lambda: [
        (10, 3, None, 0),
        (28, 2, None, 0),
        (28, 3, 2, 1),
        (9, 4, 3, 2),
        (7, 3, 1, 1),
        (13, 5, None, 2),
    ],
)


def _max_cases() -> list[Case]:
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
            "Your window moves by 1. Unless told otherwise, a pooling window moves by "
            "its own width.",
        ),
        Misconception(
            "wrong end dropped",
            lambda x, kernel: (
                x[..., x.shape[-1] % kernel :].unfold(-1, kernel, kernel).amax(-1)
            ),
            "You drop the leftover numbers at the start. Windows are laid from the "
            "left, so the leftover is at the end.",
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
            "separately, along the last dimension.",
        ),
        Misconception(
            "average",
            lambda x, kernel: x.unfold(-1, kernel, kernel).mean(-1),
            "These are the averages of the windows. The task asks for the largest "
            "values.",
        ),
    ),
    _max_cases,
)


def _average(x: Tensor, kernel: int, padding: int, stride: int | None = None) -> Tensor:
    return F.avg_pool1d(x, kernel, stride or kernel, padding, count_include_pad=False)


def _average_cases() -> list[Case]:
    sizes = [(2, 7, 3, 1), (1, 8, 2, 1), (3, 10, 4, 2), (4, 5, 4, 1)]
    return [(*randn((c, n)), k, p) for c, n, k, p in sizes]


AVERAGE = Exercise(
    "pooling.average",
    lambda x, kernel, padding: _average(x, kernel, padding),
    (
        Misconception(
            "padding averaged in",
            lambda x, kernel, padding: F.avg_pool1d(x, kernel, padding=padding),
            "At the border you divide by the whole window, including the zeros of the "
            "padding. Divide by how many real numbers it holds.",
        ),
        Misconception(
            "no padding",
            lambda x, kernel, padding: F.avg_pool1d(x, kernel),
            "You leave out the padding: the first window starts `padding` places "
            "before the row.",
        ),
        Misconception(
            "one divisor for all",
            lambda x, kernel, padding: (
                F.avg_pool1d(x, kernel, padding=padding) * kernel / (kernel - padding)
            ),
            "You divide every sum by `kernel - padding`. Only windows at the border "
            "lack numbers: count window by window.",
        ),
        Misconception(
            "stride 1",
            lambda x, kernel, padding: _average(x, kernel, padding, stride=1),
            "Your window moves by 1. Without a stride it moves by its own width.",
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


def _means(x: Tensor, size: int, end: Callable[[int], int]) -> Tensor:
    """Average the windows from `i * n // size` to `end((i + 1) * n)`."""
    n = x.shape[-1]
    pieces = [x[..., i * n // size : end((i + 1) * n)] for i in range(size)]
    return torch.stack([piece.mean(-1) for piece in pieces], -1)


def _one_kernel(x: Tensor, size: int) -> Tensor:
    stride = x.shape[-1] // size
    return F.avg_pool1d(x, x.shape[-1] - (size - 1) * stride, stride)


ADAPTIVE = Exercise(
    "pooling.adaptive",
    lambda x, size: F.adaptive_avg_pool1d(x, size),
    (
        Misconception(
            "resize by picking",
            lambda x, size: F.interpolate(x[None], size)[0],
            "You resize: `size` of the numbers are picked and the others ignored. "
            "Adaptive pooling averages windows that together hold every number.",
        ),
        Misconception(
            "resize by mixing",
            lambda x, size: F.interpolate(x[None], size, mode="linear")[0],
            "You resize by linear interpolation, which mixes two neighbours per "
            "result. Adaptive pooling averages everything in a window.",
        ),
        Misconception(
            "ends rounded down",
            lambda x, size: _means(x, size, lambda end: end // size),
            "Your windows start in the right place but end too early: the end is "
            "rounded up, so that windows may overlap.",
        ),
        Misconception(
            "split",
            lambda x, size: torch.stack(
                [piece.mean(-1) for piece in x.tensor_split(size, -1)], -1
            ),
            "You cut the row into pieces without overlap. Adaptive windows start at "
            "i·n/size rounded down and end at (i+1)·n/size rounded up.",
        ),
        Misconception(
            "one kernel for all",
            _one_kernel,
            "You use one kernel and one stride for all windows. Adaptive windows may "
            "differ in width by one: take each start and end from the formula.",
        ),
        Misconception(
            "largest",
            lambda x, size: F.adaptive_max_pool1d(x, size),
            "These are the maxima of the right windows. The task asks for the "
            "averages.",
        ),
    ),
    lambda: [(*randn((c, n)), k) for c, n, k in [(2, 10, 4), (1, 7, 3), (3, 11, 8)]],
)


_Parts = tuple[Tensor, Tensor]


def _route(x: Tensor, g: Tensor, share: Callable[[Tensor, Tensor], _Parts]) -> Tensor:
    """Give the two of each pair the parts `share(first, second)` of g."""
    parts = share(*x.unfold(-1, 2, 2).unbind(-1))
    return torch.stack([g * part for part in parts], -1).flatten(-2)


def _route_cases() -> list[Case]:
    (x, g), (one, h), (tied, j) = (
        randn((3, 8), (3, 4)),
        randn((1, 2), (1, 1)),
        randn((2, 20), (2, 10), seed=2),
    )
    return [(x, g), (one, h), (tied.round(), j)]  # rounding makes equal neighbours


ROUTE = Exercise(
    "pooling.route",
    lambda x, g: _route(x, g, lambda a, b: (a >= b, a < b)),
    (
        Misconception(
            "spread",
            lambda x, g: g.repeat_interleave(2, -1) / 2,
            "You give half to each of the two. That is what average pooling does; a "
            "maximum depends on the winner alone.",
        ),
        Misconception(
            "to both",
            lambda x, g: g.repeat_interleave(2, -1),
            "Both numbers of a pair get the whole gradient. If the smaller one "
            "changed a little, nothing would happen: its gradient is 0.",
        ),
        Misconception(
            "to the loser",
            lambda x, g: _route(x, g, lambda a, b: (a < b, a >= b)),
            "The gradient goes to the smaller of the two: reverse the comparison.",
        ),
        Misconception(
            "last of equals",
            lambda x, g: _route(x, g, lambda a, b: (a > b, a <= b)),
            "Right except for ties: PyTorch gives the gradient to the first of equal "
            "numbers, so the first wins with `>=`.",
        ),
        Misconception(
            "both of equals",
            lambda x, g: _route(x, g, lambda a, b: (a >= b, a <= b)),
            "Right except for ties: where the two are equal, both get the whole "
            "gradient. PyTorch gives it to the first alone.",
        ),
        Misconception(
            "equals share",
            lambda x, g: _route(
                x,
                g,
                lambda a, b: ((a >= b) / (1 + (a == b)), (a <= b) / (1 + (a == b))),
            ),
            "Right except for ties: equal numbers share the gradient, as with `amax`. "
            "The pooling layers give it to the first alone.",
        ),
        Misconception(
            "values passed on",
            lambda x, g: _route(x, g, lambda a, b: (a * (a >= b), b * (a < b))),
            "You multiply by the winner's value. The output *is* the winner, so the "
            "gradient reaches it unchanged.",
        ),
    ),
    _route_cases,
)


def _thin_cases() -> list[Case]:
    shapes = [(2, 1, 5, 7), (1, 1, 4, 4), (3, 2, 6, 3)]
    return [(randn(shape)[0].sigmoid(),) for shape in shapes]  # ink from 0 to 1


THIN = Exercise(
    "pooling.thin",
    lambda x: -F.max_pool2d(-x, 3, 1, 1),
    (
        Misconception(
            "outer minus missing",
            lambda x: F.max_pool2d(-x, 3, 1, 1),
            "The right pixels win, but their sign is reversed: put a minus in front "
            "of the result.",
        ),
        Misconception(
            "thicker",
            lambda x: F.max_pool2d(x, 3, 1, 1),
            "This is the largest value of each window: the ink grows thicker. The "
            "task asks for the smallest.",
        ),
        Misconception(
            "stride of the kernel",
            lambda x: -F.max_pool2d(-x, 3, padding=1),
            "The picture shrinks: without a stride the window jumps by 3. Pass "
            "`stride=1`.",
        ),
        Misconception(
            "no padding",
            lambda x: -F.max_pool2d(-x, 3, 1),
            "The picture loses a pixel on each side: pass `padding=1`.",
        ),
        Misconception(
            "zeros in the border",
            lambda x: -F.max_pool2d(-F.pad(x, (1, 1, 1, 1)), 3, 1),
            "You pad with zeros, and white wins along the whole border. Let the "
            "pooling do the padding: its border never wins.",
        ),
        Misconception(
            "one minus the largest",
            lambda x: 1 - F.max_pool2d(x, 3, 1, 1),
            "`1 - max(x)` is the negative of the thicker picture. Change the sign "
            "before *and* after the maximum.",
        ),
    ),
    _thin_cases,
)


def _blur(
    x: Tensor, stride: int, weights: tuple[float, ...] = (0.25, 0.5, 0.25)
) -> Tensor:
    return x.unfold(-1, 3, stride) @ torch.tensor(weights).to(x)


BLUR = Exercise(
    "pooling.blur",
    lambda x: _blur(F.max_pool1d(x, 2, 1), 2),
    (
        Misconception(
            "sampled first",
            lambda x: _blur(F.max_pool1d(x, 2, 2), 1),
            "You skip every second maximum before the blur, when the damage is "
            "already done. Max with stride 1, then blur, then take every second.",
        ),
        Misconception(
            "blur before the maximum",
            lambda x: F.max_pool1d(_blur(x, 1), 2, 2),
            "You blur first. The maximum makes sharp steps again, so the blur must "
            "come between it and the skipping.",
        ),
        Misconception(
            "not normalised",
            lambda x: _blur(F.max_pool1d(x, 2, 1), 2, (1.0, 2.0, 1.0)),
            "Your result is four times too large: the weights must sum to 1.",
        ),
        Misconception(
            "nothing skipped",
            lambda x: _blur(F.max_pool1d(x, 2, 1), 1),
            "The numbers are right, but there are twice too many: keep every second.",
        ),
        Misconception(
            "flat weights",
            lambda x: _blur(F.max_pool1d(x, 2, 1), 2, (1 / 3, 1 / 3, 1 / 3)),
            "You average with equal weights. The task asks for 1/4, 1/2, 1/4.",
        ),
        Misconception(
            "no maximum",
            lambda x: _blur(x, 2),
            "You blur the input itself: the maximum of two neighbours is missing.",
        ),
    ),
    lambda: [randn(shape) for shape in [(2, 9), (1, 6), (3, 12)]],
)


def _heads(channels: int, height: int, width: int, classes: int) -> tuple[int, int]:
    return (channels * height * width + 1) * classes, (channels + 1) * classes


HEADS = Exercise(
    "pooling.heads",
    _heads,
    (
        Misconception(
            "no biases",
            lambda channels, height, width, classes: (
                channels * height * width * classes,
                channels * classes,
            ),
            "The weights are right, but each class also has a bias.",
        ),
        Misconception(
            "swapped",
            lambda channels, height, width, classes: _heads(
                channels, height, width, classes
            )[::-1],
            "Both numbers are right, but in the wrong order: Flatten first.",
        ),
        Misconception(
            "pixels kept",
            lambda channels, height, width, classes: (
                (channels * height * width + 1) * classes,
                (channels * height * width + 1) * classes,
            ),
            "Your second head still reads every pixel. After global pooling one "
            "number per channel is left.",
        ),
        Misconception(
            "pooling with weights",
            lambda channels, height, width, classes: (
                (channels * height * width + 1) * classes,
                (channels + 1) * classes + channels * height * width,
            ),
            "You count weights for the average itself. Pooling has no parameters.",
        ),
        Misconception(
            "one bias",
            lambda channels, height, width, classes: (
                channels * height * width * classes + 1,
                channels * classes + 1,
            ),
            "You count a single bias for the whole layer. Every class has its own.",
        ),
    ),
    lambda: [(64, 7, 7, 10), (3, 5, 4, 2), (16, 1, 1, 3)],
)

EXERCISES = (SIZE, MAX, AVERAGE, ADAPTIVE, ROUTE, THIN, BLUR, HEADS)
