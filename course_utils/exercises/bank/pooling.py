"""Exercises of lesson 06: pooling."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.source import AUTOGRAD
from course_utils.exercises.watch import counted_call
from course_utils.session import current_device


def _room(n: int, k: int, p: int) -> int:
    """Return how many places a window can move on from its first."""
    return n + 2 * p - k


_NEAREST = (
    "Your result is rounded to the nearest whole number, so a window that hangs over "
    "the end may count. Only whole windows do."
)


def _size_with(faults: frozenset[str]) -> Answer | None:
    """Return the answer with these mistakes; None if they don't go together."""
    strides: dict[str, Callable[[int, int | None], int]] = {
        "stride 1": lambda kernel, stride: stride or 1,
        "stride never used": lambda kernel, stride: kernel,
    }
    paddings = {"padding forgotten": 0, "padding once": 1}
    ends = {"rounded up", "steps for windows"}
    if len(faults & strides.keys()) == 2 or len(faults & paddings.keys()) == 2:
        return None
    if faults - strides.keys() - paddings.keys() - ends:
        return None

    def answer(n: int, k: int, s: int | None, p: int) -> int:
        step = next((strides[f] for f in faults if f in strides), lambda k, s: s or k)
        sides = next((paddings[f] for f in faults if f in paddings), 2)
        room, by = n + sides * p - k, step(k, s)
        steps = -(-room // by) if "rounded up" in faults else room // by
        return steps + ("steps for windows" not in faults)

    return answer


SIZE = Exercise(
    "pooling.size",
    lambda size, kernel, stride, padding: (
        _room(size, kernel, padding) // (stride or kernel) + 1
    ),
    (
        Misconception(
            "stride cut to the window",
            lambda n, k, s, p: _room(n, k, p) // min(s or k, k) + 1,
            "Right but for a stride that is larger than the window: yours still moves "
            "by the window's width there. A given stride holds as it is, and windows "
            "may leave gaps.",
        ),
        Misconception(
            "stride 1",
            lambda n, k, s, p: _room(n, k, p) // (s or 1) + 1,
            "Your result is that of stride 1 where none is given. That is the default "
            "of a convolution; a pooling window moves by its own width.",
        ),
        Misconception(
            "stride never used",
            lambda n, k, s, p: _room(n, k, p) // k + 1,
            "Your window always moves by its own width. That is right where no stride "
            "is given; where one is, it moves by the stride.",
        ),
        Misconception(
            "None not handled",
            lambda n, k, s, p: _room(n, k, p) // s + 1,
            "Your code computes with `stride` where it is None, that is, not given. A "
            "pooling window then moves by its own width.",
        ),
        Misconception(
            "rounded up",
            lambda n, k, s, p: -(-_room(n, k, p) // (s or k)) + 1,
            "Your result is rounded up, so a window that hangs over the end counts. "
            "That is `ceil_mode=True`; by default only whole windows count.",
        ),
        Misconception(
            "rounded to the nearest",
            lambda n, k, s, p: round(_room(n, k, p) / (s or k)) + 1,
            _NEAREST,
        ),
        Misconception(
            "places rounded to the nearest",
            lambda n, k, s, p: round(_room(n, k, p) / (s or k) + 1),
            _NEAREST,
        ),
        Misconception(
            "not rounded",
            lambda n, k, s, p: _room(n, k, p) / (s or k) + 1,
            "`/` leaves a fraction of a step. Only whole steps count: `//`.",
        ),
        Misconception(
            "padding forgotten",
            lambda n, k, s, p: _room(n, k, 0) // (s or k) + 1,
            "Your result is that of padding 0. The window may also stand on the "
            "`padding` places at both ends.",
        ),
        Misconception(
            "padding once",
            lambda n, k, s, p: (n + p - k) // (s or k) + 1,
            "You count the padding only once. It is added at both ends.",
        ),
        Misconception(
            "kernel not subtracted",
            lambda n, k, s, p: (n + 2 * p) // (s or k),
            "You divide the whole length by the stride. What counts is how far the "
            "window can move: subtract `kernel` first, and add 1 at the end.",
        ),
        Misconception(
            "one inside the division",
            lambda n, k, s, p: (_room(n, k, p) + 1) // (s or k),
            "You add the 1 before you divide by the stride, which is right for stride "
            "1 alone. The first place is no step: add it at the end.",
        ),
        Misconception(
            "one too much subtracted",
            lambda n, k, s, p: (_room(n, k, p) - 1) // (s or k) + 1,
            "You subtract 1 more than the kernel. (In the formula with a dilation "
            "`d`, the window's length is `d * (kernel - 1) + 1`, which is the kernel.)",
        ),
        Misconception(
            "steps for windows",
            lambda n, k, s, p: _room(n, k, p) // (s or k),
            "One too few: this is the number of steps. The window also stands at its "
            "place before the first step.",
        ),
        Misconception(
            "padding forgotten without a stride",
            lambda n, k, s, p: n // k if s is None else _room(n, k, p) // s + 1,
            "Right where a stride is given. Where it is not, you leave the padding "
            "out: only the stride has a default, all else stays the same.",
        ),
    ),
    lambda: [
        (10, 3, None, 0),
        (28, 2, None, 0),
        (28, 3, 2, 1),
        (9, 4, 3, 2),
        (7, 3, 1, 1),
        (13, 5, None, 2),
        (17, 2, 5, 1),
        (4, 4, 3, 0),
        (12, 3, 4, 0),
        (11, 4, None, 0),
    ],
    hints=(
        "Lay the window on the first places, padding included. How far can it still "
        "move to the right?",
        "How many whole steps are in that room? A step is the stride, or the width of "
        "the window where `stride` is None.",
        "The places are the steps, rounded down, and the one before the first step.",
    ),
    switches=_size_with,
)

_POOLS = tuple(
    f"{kind}_pool{dims}d"
    for kind in ("max", "avg", "lp", "adaptive_max", "adaptive_avg")
    for dims in (1, 2, 3)
) + tuple(
    f"nn.{kind}Pool{dims}d"
    for kind in ("Max", "Avg", "LP", "AdaptiveMax", "AdaptiveAvg")
    for dims in (1, 2, 3)
)


def _windows(x: Tensor, kernel: int) -> Tensor:
    return x.unfold(-1, kernel, kernel)  # (channels, windows, kernel)


def _average(
    x: Tensor,
    kernel: int,
    ends: tuple[int, int],
    stride: int | None = None,
    counted: float = 0.0,
) -> Tensor:
    """Average windows of a padded row; padding counts as `counted` in the divisor."""

    def sums(row: Tensor, border: float) -> Tensor:
        padded = F.pad(row, ends, value=border)
        return padded.unfold(-1, kernel, stride or kernel).sum(-1)

    return sums(x, 0) / sums(torch.ones_like(x), counted)


def _ends_always_at_border(
    x: Tensor, kernel: int, padding: int, alone: bool = False
) -> Tensor:
    """Take the padding off the first and the last count, twice if one is `alone`."""
    sums = _average(x, kernel, (padding, padding), counted=1) * kernel
    counts = torch.full_like(sums, kernel)
    counts[:, 0] -= padding
    if counts.shape[1] > 1 or alone:
        counts[:, -1] -= padding
    return sums / counts


def _only_first_at_border(x: Tensor, kernel: int, padding: int) -> Tensor:
    sums = _average(x, kernel, (padding, padding), counted=1) * kernel
    counts = torch.full_like(sums, kernel)
    counts[:, 0] -= padding
    return sums / counts


def _nonzero_average(x: Tensor, kernel: int, padding: int, least: int = 0) -> Tensor:
    windows = _windows(F.pad(x, (padding, padding)), kernel)
    return windows.sum(-1) / (windows != 0).sum(-1).clamp(min=least)


def _negative_start(x: Tensor, kernel: int, padding: int) -> Tensor:
    starts = range(-padding, x.shape[-1] + padding - kernel + 1, kernel)
    return torch.stack([x[:, i : i + kernel].mean(1) for i in starts], dim=1)


def _average_cases() -> list[Case]:
    sizes = [(2, 7, 3, 1), (1, 8, 2, 1), (3, 10, 4, 2), (4, 5, 4, 1), (2, 6, 3, 0)]
    cases = [(*randn((c, n)), k, p) for c, n, k, p in sizes]
    # After a ReLU: zeros of x inside windows, and a window of zeros alone.
    x = torch.tensor([[0, 2.0, 0, 0, 0, 0, 5, 1, 0], [3, 0, 0, 0, 1, 4, 0, 0, 2]])
    marks = torch.tensor([[-1.0, 2, -1, -1, -1, -1, 3, -1]])  # no number is a mark
    cases += [(x.to(current_device()), 3, 1), (marks.to(current_device()), 3, 1)]
    return [*cases, (*randn((2, 4), seed=2), 4, 0)]


AVERAGE = Exercise(
    "pooling.average",
    lambda x, kernel, padding: _average(x, kernel, (padding, padding)),
    (
        Misconception(
            "padding averaged in",
            lambda x, kernel, padding: _average(
                x, kernel, (padding, padding), counted=1
            ),
            "At the border you divide by the whole window, padding included. Divide "
            "by how many places of `x` it holds.",
        ),
        *(
            Misconception(
                name,
                partial(_nonzero_average, least=least),
                "You count the numbers that are not 0. A 0 in `x` is a number like "
                "any other: only the padding doesn't count.",
            )
            for name, least in (("zeros not counted", 0), ("zeros not counted, 1", 1))
        ),
        Misconception(
            "no padding",
            lambda x, kernel, padding: _average(x, kernel, (0, 0)),
            "Your result is that of padding 0: the first window starts `padding` "
            "places before the row.",
        ),
        Misconception(
            "padding in front only",
            lambda x, kernel, padding: _average(x, kernel, (padding, 0)),
            "Your result has padding in front only. It is added at both ends; "
            "`F.pad` takes two numbers for the last dim.",
        ),
        Misconception(
            "padding at the end only",
            lambda x, kernel, padding: _average(x, kernel, (0, padding)),
            "Your result has padding at the end only. It is added at both ends; "
            "`F.pad` takes two numbers for the last dim.",
        ),
        Misconception(
            "negative start",
            _negative_start,
            "NaN: the average of no number. A slice that starts at -1 counts from the "
            "end of the row, and holds nothing: start at 0 where the window starts "
            "in the padding.",
        ),
        Misconception(
            "one divisor for all",
            lambda x, kernel, padding: (
                _average(x, kernel, (padding, padding), counted=1)
                * kernel
                / (kernel - padding)
            ),
            "You divide every sum by `kernel - padding`. Only windows at the border "
            "lack numbers: count window by window.",
        ),
        *(
            Misconception(
                name,
                partial(_ends_always_at_border, alone=alone),
                "You subtract `padding` from the count of the first and of the last "
                "window. The last one may end before the padding: count what it "
                "holds.",
            )
            for name, alone in (
                ("first and last window", False),
                ("first and last window, even if one", True),
            )
        ),
        Misconception(
            "first window only",
            _only_first_at_border,
            "You count the numbers of the first window only. The last one may hold "
            "padding, too: count what it holds.",
        ),
        Misconception(
            "stride 1",
            lambda x, kernel, padding: _average(x, kernel, (padding, padding), 1),
            "Your window moves by 1. Adjacent windows touch and don't overlap: it "
            "moves by its own width.",
        ),
        Misconception(
            "leftover kept",
            lambda x, kernel, padding: _average(
                x, kernel, (padding, padding + -(x.shape[-1] + 2 * padding) % kernel)
            ),
            "The numbers left over at the end have a window of their own. That is "
            "`ceil_mode=True`; here they are dropped.",
        ),
        Misconception(
            "border repeated",
            lambda x, kernel, padding: _windows(
                F.pad(x[None], (padding, padding), mode="replicate")[0], kernel
            ).mean(-1),
            "Your padding repeats the first and the last number, so they count more "
            "than once. Leave the padding out of sum and count.",
        ),
        Misconception(
            "channels padded",
            lambda x, kernel, padding: _average(
                F.pad(x, (0, 0, padding, padding)), kernel, (padding, padding)
            ),
            "You have more channels than before: they are padded too. `F.pad` takes "
            "two numbers per dim, from the last dim on.",
        ),
        Misconception(
            "channels padded, not counted",
            lambda x, kernel, padding: F.pad(
                _average(x, kernel, (padding, padding)),
                (0, 0, padding, padding),
                value=math.nan,
            ),
            "You have more channels than before: they are padded too. `F.pad` takes "
            "two numbers per dim, from the last dim on.",
        ),
        Misconception(
            "largest",
            lambda x, kernel, padding: _windows(
                F.pad(x, (padding, padding), value=-math.inf), kernel
            ).amax(-1),
            "These are the largest numbers of the windows. The task asks for their "
            "averages.",
        ),
        Misconception(
            "sum",
            lambda x, kernel, padding: (
                _average(x, kernel, (padding, padding), counted=1) * kernel
            ),
            "These are the sums of the windows: divide each by how many places of `x` "
            "it holds.",
        ),
        Misconception(
            "padding taken for numbers of x",
            lambda x, kernel, padding: _windows(
                F.pad(x[None], (padding, padding), mode="reflect")[0], kernel
            ).mean(-1),
            "Your padding mirrors the row, so its numbers count twice at the ends. "
            "Leave the padding out of sum and count.",
        ),
    ),
    _average_cases,
    hints=(
        "An average is a sum divided by a count. Zeros as padding are fine for the "
        "sum.",
        "For the count, ask of each window how many of its places lie inside `x`. "
        "That depends on the places, not on the numbers there.",
        "Pad a row of ones in the same way: what is the sum of a window then?",
    ),
    forbidden=_POOLS,
    differentiable=True,
)


def _up(value: float) -> int:
    return math.ceil(value)


def _nearest(value: float) -> int:
    return round(value)


def _down(value: float) -> int:
    return math.floor(value)


_Reduce = Callable[[Tensor], Tensor]


def _mean(piece: Tensor) -> Tensor:
    return piece.mean(-1)


def _adaptive(
    x: Tensor,
    size: int,
    start: Callable[[float], int] = _down,
    end: Callable[[float], int] = _up,
    reduce: _Reduce = _mean,
) -> Tensor:
    """Reduce the windows from `start(i * n / size)` to `end((i + 1) * n / size)`."""
    n = x.shape[-1]
    borders = [(start(i * n / size), end((i + 1) * n / size)) for i in range(size)]
    return torch.stack([reduce(x[..., a:b]) for a, b in borders], -1)


def _one_kernel(x: Tensor, size: int) -> Tensor:
    stride = x.shape[-1] // size
    return x.unfold(-1, x.shape[-1] - (size - 1) * stride, stride).mean(-1)


def _all_rounded_up(x: Tensor, size: int) -> Tensor:
    """Let every window be as wide as the widest, from its own start."""
    n, wide = x.shape[-1], -(-x.shape[-1] // size)
    starts = [i * n // size for i in range(size)]
    return torch.stack([x[:, start : start + wide].mean(-1) for start in starts], 1)


def _adaptive_cases() -> list[Case]:
    sizes = [(2, 10, 4), (1, 7, 3), (3, 11, 8), (2, 8, 4), (3, 5, 5), (2, 6, 1)]
    return [(*randn((c, n)), k) for c, n, k in sizes]


_EQUAL_PARTS = (
    "Right only where `size` divides the length: all of your windows are "
    "`length // size` wide, and numbers at the end are left out or get windows of "
    "their own. Adaptive windows hold every number, and may overlap."
)
_RESHAPED = (
    "Your `reshape` needs a length that is a multiple of `size`. Adaptive windows are "
    "not always equally wide: where a border falls inside a number, both share it."
)
_CUT = (
    "Your pieces don't overlap. Adaptive windows share a number wherever a border "
    "falls inside it: start rounded down, end rounded up."
)

ADAPTIVE = Exercise(
    "pooling.adaptive",
    _adaptive,
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
            lambda x, size: _adaptive(x, size, end=_down),
            "Your windows start in the right place but end too early: the end is "
            "rounded up, so that windows may overlap.",
        ),
        Misconception(
            "ends one too far",
            lambda x, size: _adaptive(x, size, end=lambda end: _down(end) + 1),
            "One number too many where a border falls exactly between two numbers: "
            "rounded down plus 1 is not the same as rounded up.",
        ),
        Misconception(
            "starts rounded up",
            lambda x, size: _adaptive(x, size, start=_up),
            "Your windows end in the right place but start too late: the start is "
            "rounded down, so that windows may overlap.",
        ),
        Misconception(
            "rounded to the nearest",
            lambda x, size: _adaptive(x, size, _nearest, _nearest),
            "Your borders are rounded to the nearest number. The start is rounded "
            "down and the end rounded up, so that windows may overlap.",
        ),
        Misconception(
            "equal windows",
            lambda x, size: _windows(x, x.shape[-1] // size).mean(-1),
            _EQUAL_PARTS,
        ),
        Misconception(
            "equal windows, size of them",
            lambda x, size: _windows(x, x.shape[-1] // size).mean(-1)[:, :size],
            _EQUAL_PARTS,
        ),
        Misconception(
            "reshaped, size -1",
            lambda x, size: x.reshape(len(x), size, -1).mean(-1),
            _RESHAPED,
        ),
        Misconception(
            "reshaped",
            lambda x, size: x.reshape(len(x), size, x.shape[-1] // size).mean(-1),
            _RESHAPED,
        ),
        Misconception(
            "last window takes the rest",
            lambda x, size: torch.stack(
                [
                    *_windows(x, x.shape[-1] // size).mean(-1).T[: size - 1],
                    x[:, (size - 1) * (x.shape[-1] // size) :].mean(-1),
                ],
                -1,
            ),
            "Your windows are equal except for the last one, which takes the rest. "
            "Adaptive windows differ in width by one at most.",
        ),
        Misconception(
            "tensor_split",
            lambda x, size: torch.stack(
                [piece.mean(-1) for piece in x.tensor_split(size, -1)], -1
            ),
            _CUT,
        ),
        Misconception(
            "chunk",
            lambda x, size: torch.stack(
                [piece.mean(-1) for piece in x.chunk(size, -1)], -1
            ),
            "Your pieces are those of `chunk`: equal except for the last, and "
            "sometimes fewer than `size`. Adaptive windows overlap where `size` does "
            "not divide the length.",
        ),
        Misconception(
            "one kernel for all",
            _one_kernel,
            "You use one kernel and one stride for all windows. Adaptive windows may "
            "differ in width by one: take each start and end from the formula.",
        ),
        Misconception(
            "kernel rounded up, stride down",
            lambda x, size: x.unfold(
                -1, -(-x.shape[-1] // size), x.shape[-1] // size
            ).mean(-1),
            "You use one kernel and one stride for all windows. Adaptive windows may "
            "differ in width by one: take each start and end from the formula.",
        ),
        Misconception(
            "transposed",
            lambda x, size: _adaptive(x, size).T,
            "The numbers are right, but rows and columns are swapped: the result is "
            "(channels, size). `torch.stack` has a dim for that.",
        ),
        Misconception(
            "over the channels too",
            lambda x, size: _adaptive(x, size).mean(0),
            "The channels are lost: each of your results is an average over all of "
            "them. Average along the length alone, `mean(-1)`.",
        ),
        Misconception(
            "sum",
            lambda x, size: _adaptive(x, size, reduce=lambda piece: piece.sum(-1)),
            "These are the sums of the right windows. The task asks for the averages.",
        ),
        Misconception(
            "largest",
            lambda x, size: _adaptive(x, size, reduce=lambda piece: piece.amax(-1)),
            "These are the maxima of the right windows. The task asks for the "
            "averages.",
        ),
        Misconception(
            "all windows rounded up",
            _all_rounded_up,
            "Your windows start in the right place, but all have the same width, "
            "length / size rounded up. Where a window needs one more, its last number "
            "is left out: take each end from the formula, (i + 1)·n/size rounded up.",
        ),
        Misconception(
            "shares of numbers",
            lambda x, size: (
                x.repeat_interleave(size, -1).unflatten(-1, (size, -1)).mean(-1)
            ),
            "Your windows are exactly length / size wide, and a number at a border "
            "counts in part. Adaptive windows hold whole numbers: the start rounded "
            "down, the end rounded up.",
        ),
    ),
    _adaptive_cases,
    hints=(
        "Cut a strip of 10 cells into 4 equal parts: some borders fall inside a cell. "
        "Such a cell belongs to both windows.",
        "Window i of `size` goes from i·n/size to (i + 1)·n/size. Which of the two is "
        "rounded down, and which up?",
        "Average `x[:, start:end]` for each window in a loop, and `torch.stack` the "
        "averages along the last dim. Rounded up is `-(-a // b)`.",
    ),
    forbidden=(
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
        *("nn.AdaptiveAvgPool1d", "nn.AdaptiveAvgPool2d", "nn.AdaptiveAvgPool3d"),
        "F.interpolate",  # `mode="area"` is adaptive pooling
    ),
    differentiable=True,
)


_Parts = tuple[Tensor, Tensor]


def _route(x: Tensor, g: Tensor, share: Callable[[Tensor, Tensor], _Parts]) -> Tensor:
    """Give the two of each pair the parts `share(first, second)` of g."""
    parts = share(*x.unfold(-1, 2, 2).unbind(-1))
    return torch.stack([g * part for part in parts], -1).flatten(-2)


def _in_the_first_columns(x: Tensor, g: Tensor) -> Tensor:
    second = (x[:, 1::2] > x[:, 0::2]).long()
    return torch.zeros_like(x).scatter_add(1, second, g)


def _last_in_the_first_columns(x: Tensor, g: Tensor) -> Tensor:
    second = (x[:, 1::2] > x[:, 0::2]).long()
    return torch.zeros_like(x).scatter(1, second, g)


def _halves_paired(x: Tensor, g: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([g * (first >= second), g * (first < second)], -1)


def _glued(x: Tensor, g: Tensor) -> Tensor:
    wins = x[:, 0::2] >= x[:, 1::2]
    return torch.cat([g * wins, g * ~wins], dim=1)


def _route_cases() -> list[Case]:
    (x, g), (one, h), (tied, j) = (
        randn((3, 8), (3, 4)),
        randn((1, 2), (1, 1)),
        randn((2, 20), (2, 10), seed=2),
    )
    # Rounding makes equal neighbours. The last pairs: equal, far from 0, zeros, and
    # nearly equal.
    limits = torch.tensor([[1.0, 1.0, 200.0, -200.0, -1.0, 0.0, 0.0, 0.0, 0.5, 0.5005]])
    limits = limits.to(x.device)
    return [(x, g), (one, h), (tied.round(), j), (limits, *randn((1, 5), seed=3))]


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
            "halves for pairs",
            _halves_paired,
            "You compare the first half of a row with the second, `x[i]` with "
            "`x[i + m]`. A pair is two neighbours, `x[2i]` and `x[2i + 1]`.",
        ),
        Misconception(
            "place in the pair",
            _last_in_the_first_columns,
            "Everything lands in the first two columns. 0 or 1 is a place inside "
            "a pair: add where the pair starts, 2 times its number.",
        ),
        Misconception(
            "last of equals",
            lambda x, g: _route(x, g, lambda a, b: (a > b, a <= b)),
            "Right except for ties: there your second number gets the gradient. "
            "PyTorch gives it to the first of equal numbers.",
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
            "none of equals",
            lambda x, g: _route(x, g, lambda a, b: (a > b, a < b)),
            "Right except for ties: where the two are equal, neither gets anything. "
            "PyTorch gives the whole gradient to the first.",
        ),
        Misconception(
            "glued",
            _glued,
            "The right numbers in the wrong order: all first ones of the pairs come "
            "first, then all second ones. The two of a pair are neighbours in `x`: "
            "stack them along a new last dim, then flatten.",
        ),
        Misconception(
            "pairs kept apart",
            lambda x, g: _route(x, g, lambda a, b: (a >= b, a < b)).unflatten(
                1, (-1, 2)
            ),
            "The numbers are right, but the pairs still have a dim of their own. The "
            "gradient has the shape of `x`: flatten the last two dims.",
        ),
        Misconception(
            "shape of g",
            lambda x, g: g,
            "You return `g` as it is. The gradient of `x` has the shape of `x`: `g` "
            "at each winner's place and 0 at each loser's.",
        ),
        Misconception(
            "values for gradients",
            lambda x, g: _route(
                x, torch.ones_like(g), lambda a, b: (a * (a >= b), b * (a < b))
            ),
            "You put each winner's value at its place. The gradient is asked for: "
            "what goes there is the number of `g`.",
        ),
        Misconception(
            "values passed on",
            lambda x, g: _route(x, g, lambda a, b: (a * (a >= b), b * (a < b))),
            "You multiply by the winner's value. The output *is* the winner, so the "
            "gradient reaches it unchanged.",
        ),
        Misconception(
            "ones",
            lambda x, g: _route(x, torch.ones_like(g), lambda a, b: (a >= b, a < b)),
            "You return 1 for each winner: multiply by the gradient `g` that "
            "comes from behind.",
        ),
        Misconception(
            "first channel's winners",
            lambda x, g: _route(x[:1].expand_as(x), g, lambda a, b: (a >= b, a < b)),
            "Right for the first channel: its winners get the gradient in all the "
            "others too. Every channel has winners of its own.",
        ),
        Misconception(
            "larger absolute value",
            lambda x, g: _route(
                x, g, lambda a, b: (a.abs() >= b.abs(), a.abs() < b.abs())
            ),
            "Your winner is the number with the larger absolute value. A maximum "
            "compares with the sign: -1 is larger than -200.",
        ),
        Misconception(
            "place in the window as a column",
            _in_the_first_columns,
            "Everything lands in the first two columns. 0 or 1 is a place inside a "
            "window: add where the window starts, 2 times its number.",
        ),
    ),
    _route_cases,
    hints=(
        "Nudge one number of a pair. When does the maximum move with it, and when "
        "does nothing happen?",
        "`x[:, 0::2]` are the first numbers of the pairs, `x[:, 1::2]` the second. "
        "Compare them; at a tie the first wins.",
        "The first ones get `g` where they win, the second ones `g` where they don't. "
        "Then interleave the two: make a new last dim, and flatten.",
    ),
    forbidden=AUTOGRAD,
)


def _thin(x: Tensor, *border: int) -> Tensor:
    """Take minima over `border[0]` pixels on each side, in rows and in columns."""
    high, wide = border
    return -F.max_pool2d(-x, (2 * high + 1, 2 * wide + 1), 1, border)


def _inside_only(x: Tensor) -> Tensor:
    y = x.clone()
    y[..., 1:-1, 1:-1] = -F.max_pool2d(-x, 3, 1)
    return y


def _thin_cases() -> list[Case]:
    shapes = [(2, 1, 5, 7), (1, 1, 3, 4), (3, 2, 6, 3), (1, 2, 5, 5)]
    cases: list[Case] = [(randn(shape)[0].sigmoid(),) for shape in shapes]
    blank = randn((1, 1, 4, 5), seed=2)[0].sigmoid()
    blank[..., 1, 2] = 0.0  # one pixel without ink: equal ones may share the gradient
    return [*cases, (blank,)]


_ROWS_OR_COLUMNS = (
    "Each of your pixels is the smallest of three in a line. The 3×3 around a pixel "
    "holds nine: its neighbours in rows, in columns and at the corners."
)

THIN = Exercise(
    "pooling.thin",
    lambda x: _thin(x, 1, 1),
    (
        Misconception(
            "outer minus missing",
            lambda x: F.max_pool2d(-x, 3, 1, 1),
            "The right pixels win, but their sign is reversed: put a minus in front "
            "of the result.",
        ),
        Misconception(
            "inner minus missing",
            lambda x: -F.max_pool2d(x, 3, 1, 1),
            "This is the largest of each window, times -1. The minus must also be "
            "there before the maximum, so that the smallest wins.",
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
            "neither stride nor padding",
            lambda x: -F.max_pool2d(-x, 3),
            "The picture shrinks: without a stride the window jumps by 3, and without "
            "padding it never stands at the border. Both keep the size at 1.",
        ),
        Misconception(
            "no padding",
            lambda x: -F.max_pool2d(-x, 3, 1),
            "The picture loses a pixel on each side: pass `padding=1`.",
        ),
        Misconception(
            "zeros in the border",
            lambda x: -F.max_pool2d(-F.pad(x, (1, 1, 1, 1)), 3, 1),
            "Your border is white, 0 all along: zeros around the picture are smaller "
            "than any ink. Let the pooling do the padding: its border never wins.",
        ),
        Misconception(
            "minus infinity in the border",
            lambda x: (
                F.pad(x, (1, 1, 1, 1), value=-math.inf)
                .unfold(2, 3, 1)
                .unfold(3, 3, 1)
                .amin((-2, -1))
            ),
            "Your border is −∞, the smallest number there is. For a minimum the "
            "padding must never win: it has to be larger than any ink.",
        ),
        Misconception(
            "border untouched",
            _inside_only,
            "Right inside, but the pixels at the border stay as they were. Their "
            "windows count too, with what lies inside the picture.",
        ),
        Misconception(
            "around the edge",
            lambda x: -F.max_pool2d(-F.pad(x, (1, 1, 1, 1), mode="circular"), 3, 1),
            "Right inside, but at the border your windows go on at the opposite side "
            "(`roll` and circular padding do that). What lies outside doesn't count.",
        ),
        Misconception(
            "cross",
            lambda x: torch.minimum(_thin(x, 0, 1), _thin(x, 1, 0)),
            "Your windows are crosses of five pixels: the four corners of the 3×3 are "
            "not looked at.",
        ),
        Misconception(
            "rows only",
            lambda x: _thin(x, 0, 1),
            _ROWS_OR_COLUMNS,
        ),
        Misconception(
            "columns only",
            lambda x: _thin(x, 1, 0),
            _ROWS_OR_COLUMNS,
        ),
        Misconception(
            "five by five",
            lambda x: _thin(x, 2, 2),
            "Your windows are 5×5, two pixels to each side. The 3×3 goes one pixel to "
            "each side: a kernel of 3 with padding 1, used once.",
        ),
        Misconception(
            "average",
            lambda x: F.avg_pool2d(x, 3, 1, 1),
            "These are averages: they blur the lines. The task asks for the smallest "
            "number of each window.",
        ),
        Misconception(
            "one minus the largest",
            lambda x: 1 - F.max_pool2d(x, 3, 1, 1),
            "`1 - max(x)` is the negative of the thicker picture. Turn the picture "
            "over before *and* after the maximum.",
        ),
        Misconception(
            "over the channels too",
            lambda x: _thin(x, 1, 1).amin(1, keepdim=True).expand_as(x),
            "The smallest is taken over the channels too. Each channel is thinned by "
            "itself.",
        ),
    ),
    _thin_cases,
    hints=(
        "If a is smaller than b, which of -a and -b is larger?",
        "Change the sign, take the maximum over 3×3, change the sign back.",
        "To keep the size, the window moves by 1 and has a border of 1. The border of "
        "max pooling is −∞: it never wins, so it doesn't count.",
    ),
    differentiable=True,
)


def _dense(x: Tensor) -> Tensor:
    return torch.maximum(x[:, :-1], x[:, 1:])


def _blur(
    x: Tensor, stride: int, weights: tuple[float, ...] = (0.25, 0.5, 0.25)
) -> Tensor:
    return x.unfold(-1, 3, stride) @ torch.tensor(weights).to(x)


def _ring(x: Tensor) -> Tensor:
    dense = torch.maximum(x, x.roll(-1, -1))
    return (dense.roll(1, -1) + 2 * dense + dense.roll(-1, -1))[:, ::2] / 4


_BORDER = (
    "Your result is too long: the blur reaches beyond the end of the row. Without "
    "padding it starts with the first three maxima, and ends with the last three."
)

BLUR = Exercise(
    "pooling.blur",
    lambda x: _blur(_dense(x), 2),
    (
        Misconception(
            "sampled first",
            lambda x: _blur(_dense(x)[:, ::2], 1),
            "You skip every second maximum before the blur, when the damage is "
            "already done. Max with stride 1, then blur, then take every second.",
        ),
        Misconception(
            "sampled twice",
            lambda x: _blur(_dense(x)[:, ::2], 2),
            "Too few numbers: you skip twice. The maximum moves by 1 (`max_pool1d` "
            "moves by its own width unless told otherwise); only the end skips.",
        ),
        Misconception(
            "blocks, then skipped",
            lambda x: _blur(_dense(x), 3)[:, ::2],
            "Too few numbers: you cut the maxima into separate blocks of three. "
            "The blur moves by one (`unfold(-1, 3, 1)`); every second number is "
            "skipped after it, not more.",
        ),
        Misconception(
            "blur before the maximum",
            lambda x: _dense(_blur(x, 1))[:, ::2],
            "You blur first. The maximum makes sharp steps again, so the blur must "
            "come between it and the skipping.",
        ),
        Misconception(
            "not normalised",
            lambda x: _blur(_dense(x), 2, (1.0, 2.0, 1.0)),
            "Your result is four times too large: the weights must sum to 1.",
        ),
        Misconception(
            "nothing skipped",
            lambda x: _blur(_dense(x), 1),
            "The numbers are right, but there are about twice as many as there should "
            "be: keep every second, from the first on.",
        ),
        Misconception(
            "from the second",
            lambda x: _blur(_dense(x), 1)[:, 1::2],
            "You keep the second, the fourth and so on. Start with the first: "
            "`[:, ::2]`.",
        ),
        Misconception(
            "last column missing",
            lambda x: _blur(_dense(x), 1)[:, :-1:2],
            "The last column is missing where the length of `x` is even: a slice or a "
            "`range` ends one place too early there. Keep the first, the third and so "
            "on, up to the end: `[:, ::2]`.",
        ),
        Misconception(
            "channels skipped",
            lambda x: _blur(_dense(x), 1)[::2],
            "You keep every second channel. `[::2]` skips in the first dimension; the "
            "row runs along the last.",
        ),
        Misconception(
            "channels summed",
            lambda x: _blur(_dense(x), 2).sum(0, keepdim=True),
            "The channels are added up: a convolution over all channels does that. "
            "Each channel is blurred separately.",
        ),
        Misconception(
            "zeros at the ends",
            lambda x: _blur(F.pad(_dense(x), (1, 1)), 2),
            _BORDER,
        ),
        Misconception(
            "ends repeated",
            lambda x: _blur(F.pad(_dense(x)[None], (1, 1), mode="replicate")[0], 2),
            _BORDER,
        ),
        Misconception(
            "ring",
            _ring,
            "Your row is a ring: its ends are neighbours. Here there is no padding, "
            "and no `roll`.",
        ),
        Misconception(
            "maximum of three",
            lambda x: _blur(x.unfold(-1, 3, 1).amax(-1), 2),
            "You take the maximum of three neighbours. It is the blur that looks at "
            "three; the maximum looks at two.",
        ),
        Misconception(
            "flat weights",
            lambda x: _blur(_dense(x), 2, (1 / 3, 1 / 3, 1 / 3)),
            "You average with equal weights. The task asks for 1/4, 1/2, 1/4.",
        ),
        *(
            Misconception(
                f"largest weight {where}",
                lambda x, weights=weights: _blur(_dense(x), 2, weights),
                f"The weights of your blur are {text}: the largest belongs in the "
                "middle, 1/4, 1/2, 1/4.",
            )
            for where, weights, text in (
                ("first", (0.5, 0.25, 0.25), "1/2, 1/4, 1/4"),
                ("last", (0.25, 0.25, 0.5), "1/4, 1/4, 1/2"),
            )
        ),
        Misconception(
            "no maximum",
            lambda x: _blur(x, 2),
            "You blur the input itself: the maximum of two neighbours is missing.",
        ),
    ),
    lambda: [randn(shape) for shape in [(2, 9), (1, 6), (3, 12), (2, 7), (2, 6)]],
    hints=(
        "Three steps, one after the other. How long is the row after each of them?",
        "Every maximum of two neighbours, with slices: `torch.maximum(x[:, :-1], "
        "x[:, 1:])`. It is one shorter than `x`.",
        "The blur works in the same way with three slices, each one place further; "
        "`[:, ::2]` skips at the very end.",
    ),
    differentiable=True,
)


def _heads(channels: int, height: int, width: int, classes: int) -> tuple[int, int]:
    return (channels * height * width + 1) * classes, (channels + 1) * classes


HEADS = Exercise(
    "pooling.heads",
    _heads,
    (
        Misconception(
            "no biases",
            lambda c, h, w, n: (c * h * w * n, c * n),
            "The weights are right, but each class also has a bias.",
        ),
        Misconception(
            "no biases in the second",
            lambda c, h, w, n: ((c * h * w + 1) * n, c * n),
            "The count for Flatten is right. The second linear layer has a bias for "
            "each class, too.",
        ),
        Misconception(
            "no biases in the first",
            lambda c, h, w, n: (c * h * w * n, (c + 1) * n),
            "The count for global pooling is right. The first linear layer has a bias "
            "for each class, too.",
        ),
        Misconception(
            "swapped",
            lambda c, h, w, n: _heads(c, h, w, n)[::-1],
            "Both numbers are right, but in the wrong order: Flatten first.",
        ),
        Misconception(
            "pixels kept",
            lambda c, h, w, n: ((c * h * w + 1) * n, (c * h * w + 1) * n),
            "Your second head still reads every pixel. After global pooling one "
            "number per channel is left.",
        ),
        Misconception(
            "places kept",
            lambda c, h, w, n: ((c * h * w + 1) * n, (h * w + 1) * n),
            "Your second head reads one number per place. Global pooling goes over "
            "the places and keeps the channels.",
        ),
        Misconception(
            "one channel flattened",
            lambda c, h, w, n: ((h * w + 1) * n, (c + 1) * n),
            "The second count is right. In the first the channels are missing: "
            "Flatten keeps every pixel of every channel.",
        ),
        Misconception(
            "square pictures",
            lambda c, h, w, n: ((c * h * h + 1) * n, (c + 1) * n),
            "The first count is right for square pictures only: you use the height "
            "twice.",
        ),
        Misconception(
            "pooling with weights",
            lambda c, h, w, n: ((c * h * w + 1) * n, (c + 1) * n + c * h * w),
            "You count weights for the average itself. Pooling has no parameters.",
        ),
        Misconception(
            "pooling with weights and biases",
            lambda c, h, w, n: ((c * h * w + 1) * n, (c + 1) * n + 2 * c),
            "You count a weight and a bias per channel for the average itself. "
            "Pooling has no parameters.",
        ),
        Misconception(
            "one bias",
            lambda c, h, w, n: (c * h * w * n + 1, c * n + 1),
            "You count a single bias for the whole layer. Every class has its own.",
        ),
        Misconception(
            "bias per channel",
            lambda c, h, w, n: (c * h * w * n + c, c * n + c),
            "You count one bias per channel. Every class has its own, since the "
            "linear layer's outputs are the classes.",
        ),
        Misconception(
            "bias per input",
            lambda c, h, w, n: (c * h * w * (n + 1), c * (n + 1)),
            "You count one bias per input. Every output has its own, here every class.",
        ),
        Misconception(
            "added up",
            lambda c, h, w, n: sum(_heads(c, h, w, n)),
            "Both counts are right, but you add them: return the two, one for each "
            "head.",
        ),
        Misconception(
            "averaged over the width only",
            lambda c, h, w, n: ((c * h * w + 1) * n, (c * h + 1) * n),
            "Your second head reads `channels * height` numbers: the average runs "
            "over the width only. Global pooling runs over height and width, and "
            "leaves one number per channel.",
        ),
    ),
    lambda: [
        (64, 7, 7, 10),
        (3, 5, 4, 2),
        (16, 1, 1, 3),
        (8, 2, 6, 5),
        (1, 3, 2, 4),
        (5, 4, 3, 1),
    ],
    hints=(
        "A linear layer from n numbers to `classes` has n weights and one bias for "
        "each class.",
        "How many numbers reach the layer after Flatten? And after global pooling, "
        "which leaves one number per channel?",
        "Pooling and Flatten have no parameters: each head counts `(n + 1) * classes`.",
    ),
    parts=("the count for Flatten", "the count for global average pooling"),
)


def _last(x: Tensor, lengths: Tensor) -> Tensor:
    return x[torch.arange(len(x), device=x.device), lengths - 1]


def _last_cases() -> list[Case]:
    cases = []
    for (n, words, features), lengths in (
        ((4, 5, 3), [5, 1, 3, 4]),
        ((1, 3, 2), [2]),
        ((3, 3, 4), [1, 3, 2]),
        ((2, 6, 1), [2, 6]),
        ((3, 4, 4), [4, 2, 1]),
    ):
        (x,) = randn((n, words, features))
        cases.append((x, torch.tensor(lengths, device=x.device)))
    return cases


LAST = Exercise(
    "pooling.last",
    _last,
    (
        Misconception(
            "last place",
            lambda x, lengths: x[:, -1],
            "You take the last place of the batch. For every sentence that is shorter "
            "than the longest this is padding: its last word stands at `length - 1`.",
        ),
        Misconception(
            "one too far",
            lambda x, lengths: x[torch.arange(len(x), device=x.device), lengths],
            "You look at place `length`, one too far: places are counted from 0, so "
            "the last of 5 words is at 4.",
        ),
        Misconception(
            "one too far, cut",
            lambda x, lengths: x[
                torch.arange(len(x), device=x.device), lengths.clamp(max=x.shape[1] - 1)
            ],
            "Right for the longest sentences only. For all others you look at place "
            "`length`, the first of the padding: places are counted from 0.",
        ),
        Misconception(
            "last but one",
            lambda x, lengths: x[torch.arange(len(x), device=x.device), lengths - 2],
            "You take the word before the last. Of 5 words the last is at place 4.",
        ),
        Misconception(
            "every sentence's place for all",
            lambda x, lengths: x[:, lengths - 1],
            "Your result has a dimension too many: `x[:, lengths - 1]` takes all of "
            "the places from *each* sentence. Sentence i has a place of its own: give "
            "the numbers of the sentences as the first index.",
        ),
        Misconception(
            "longest for all",
            lambda x, lengths: x[:, lengths.max() - 1],
            "You take the same place in all sentences, the last of the longest. Each "
            "sentence has a length of its own.",
        ),
        Misconception(
            "first's length for all",
            lambda x, lengths: x[:, lengths[0] - 1],
            "You take the same place in all sentences, the last word of the first. "
            "Each sentence has a length of its own.",
        ),
        Misconception(
            "first word",
            lambda x, lengths: x[:, 0],
            "This is the first word of each sentence. The last is asked for.",
        ),
        Misconception(
            "places kept",
            lambda x, lengths: _last(x, lengths)[:, None],
            "The numbers are right, but the dimension of the places is still there: "
            "return (N, D).",
        ),
    ),
    _last_cases,
    hints=(
        "Which place holds the last word of a sentence of 3 words? And of a sentence "
        "of `lengths[i]` words?",
        "Sentence 0 needs its own place, sentence 1 another: two lists of indices, "
        "side by side, one for the sentences and one for the places.",
        "`x[[0, 1], [4, 2]]` is place 4 of sentence 0 and place 2 of sentence 1. The "
        "first list is `torch.arange(len(x))`.",
    ),
    differentiable=True,
)


def _masked_mean(h: Tensor, real: Tensor) -> Tensor:
    return (h * real).sum(1) / real.sum(1)


def _masked_max(h: Tensor, real: Tensor) -> Tensor:
    return h.masked_fill(~real, -math.inf).amax(1)


_Summary = Callable[[Tensor, Tensor], Tensor]


def _summary(
    mean: _Summary = _masked_mean, largest: _Summary = _masked_max, swap: bool = False
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for."""

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(50, 16)
            self.head = nn.Linear(32, 3)

        def forward(self, tokens: Tensor) -> Tensor:
            h, real = self.embed(tokens), (tokens > 0)[..., None]
            parts = [mean(h, real), largest(h, real)]
            return self.head(torch.cat(parts[::-1] if swap else parts, dim=1))

    return Reader


def _scores_of(reader_class: Answer, tokens: Tensor) -> Any:
    """Return the scores that a reader gives with weights of ours."""
    reader = reader_class()
    embed, head = (getattr(reader, name, None) for name in ("embed", "head"))
    if not isinstance(embed, nn.Embedding) or not isinstance(head, nn.Linear):
        raise TypeError(
            "Keep the names: `embed` is an `nn.Embedding`, `head` an `nn.Linear`."
        )
    sizes = [tuple(p.shape) for p in (embed.weight, head.weight)]
    if sizes != [(50, 16), (3, 32)] or sum(
        p.numel() for p in reader.parameters()
    ) != sum(p.numel() for p in (embed.weight, *head.parameters())):
        raise ValueError(
            "Keep the layers as they are, `nn.Embedding(50, 16)` and "
            "`nn.Linear(32, 3)`, and add none with parameters."
        )
    reader.to(current_device())
    words, weight, bias = randn((50, 16), (3, 32), (3,), seed=4)
    with torch.no_grad():
        embed.weight.copy_(words - 0.5)  # zeros would often be the largest
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    with torch.enable_grad():
        scores = reader(tokens)
    if isinstance(scores, Tensor) and not scores.requires_grad:
        raise ValueError(
            "No gradient can flow back from the scores: leave out `.detach()`, "
            "`.data` and `no_grad`."
        )
    return scores.detach() if isinstance(scores, Tensor) else scores


def _token_cases() -> list[Case]:
    rows = (
        [[7, 3, 12, 0, 0], [4, 44, 9, 31, 2], [5, 0, 0, 0, 0]],
        [[8, 1, 0, 0]],
        [[6], [49]],
        [[3, 9, 2, 0, 0, 0, 0], [2, 11, 0, 0, 0, 0, 0]],
    )
    return [(torch.tensor(tokens, device=current_device()),) for tokens in rows]


REPAIR = Exercise(
    "pooling.repair",
    _summary(),
    (
        Misconception(
            "both faults",
            _summary(
                lambda h, real: (h * real).sum(1) / real.sum(),
                lambda h, real: (h * real).amax(1),
            ),
            "Nothing has changed yet: the mean is still divided by the words of the "
            "whole batch, and the zeros of the padding still take part in the maximum.",
        ),
        Misconception(
            "maximum with zeros",
            _summary(largest=lambda h, real: (h * real).amax(1)),
            "The mean is right. In the maximum the padding still takes part, as zeros: "
            "where all words of a sentence are negative, 0 wins. What never wins?",
        ),
        Misconception(
            "mean over the batch's words",
            _summary(lambda h, real: (h * real).sum(1) / real.sum()),
            "The maximum is right. The mean is divided by the number of words in the "
            "whole batch: each sentence has a number of its own.",
        ),
        Misconception(
            "mean over all places",
            _summary(lambda h, real: (h * real).mean(1)),
            "The maximum is right. The mean is divided by the number of places, "
            "padding included: divide by the sentence's own number of words.",
        ),
        Misconception(
            "padding averaged in",
            _summary(lambda h, real: h.mean(1)),
            "The maximum is right. The mean counts the padding as words: word 0 has an "
            "embedding, too.",
        ),
        Misconception(
            "padding wins",
            _summary(largest=lambda h, real: h.amax(1)),
            "The mean is right. The maximum looks at the padding, too: word 0 has an "
            "embedding like all others.",
        ),
        Misconception(
            "sum",
            _summary(lambda h, real: (h * real).sum(1)),
            "The maximum is right. In place of the mean you give a sum: divide it by "
            "the number of words in the sentence.",
        ),
        Misconception(
            "swapped",
            _summary(swap=True),
            "Mean and maximum are right, and in the wrong order: the mean comes first.",
        ),
    ),
    _token_cases,
    _scores_of,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "How many words has *this* sentence? `real.sum(...)` needs a dim, and keeps "
        "(N, 1).",
        "What fills the border of a max pooling, so that it never wins? "
        "`masked_fill` puts it where there is no word.",
    ),
    result="scores",
    arguments=("tokens",),
)


_MET = "every demand is met"
_BUDGET = {"parameters": 5_000, "multiply-adds": 400_000}


def _convs(
    widths: tuple[int, ...], pools: tuple[int, ...], summary: str = "mean"
) -> Answer:
    """Return an answer: convolutions of 3 × 3, pools behind some of them, a head."""

    def answer() -> nn.Module:
        layers: list[nn.Module] = []
        for place, (n_in, n_out) in enumerate(pairwise((1, *widths))):
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] * (place in pools)
        sides = {"mean": 1, "flatten": 28 // 2 ** len(pools), "four": 2}
        if summary != "flatten":
            layers.append(nn.AdaptiveAvgPool2d(sides[summary]))
        head = nn.Linear(widths[-1] * sides[summary] ** 2, 10)
        return nn.Sequential(*layers, nn.Flatten(), head)

    return answer


def _unmet(answer: Answer, seed: int) -> Any:
    """Say the first demand of the design that a network does not meet."""
    net = answer()
    if not isinstance(net, nn.Module):
        return net
    net = net.to(current_device()).eval()
    count = sum(parameter.numel() for parameter in net.parameters())
    if count > _BUDGET["parameters"]:
        return "the network has more than 5,000 parameters"
    things, far, near = randn((8, 1, 12, 12), (32, 1, 3, 3), (32, 1, 3, 3), seed=seed)
    things, far, near = things.abs(), 3 * far.abs(), 3 * near.abs()
    with torch.no_grad():
        scores, work = counted_call(net, F.pad(things[:1], (8, 8, 8, 8)))
        if not isinstance(scores, Tensor) or scores.shape != (1, 10):
            return "a picture of 28 × 28 does not give the shape (1, 10)"
        if work > _BUDGET["multiply-adds"]:
            return "a picture takes more than 400,000 multiply-adds"
        try:
            middle, pushed = (
                net(F.pad(things, (58 + by, 58 - by, 58 + by, 58 - by)))
                for by in (0, 4)
            )
        except RuntimeError:
            return "pictures of 128 × 128 are refused"
        if middle.shape != (8, 10):
            return "pictures of 128 × 128 are refused"
        spread = middle.std(0).mean()
        if spread == 0:
            return "all pictures get the same scores"
        if (pushed - middle).abs().max() > 0.05 * spread:
            return "the scores change when a garment is pushed by 4"
        left, right = F.pad(far, (6, 19, 12, 13)), F.pad(near, (19, 6, 12, 13))
        nothing, one, other, both = (
            net(x) for x in (0 * left, left, right, left + right)
        )
        together = (both - one - other + nothing).abs().max()
        if together < 0.001 * (one - nothing).abs().max():
            return "no output sees spots 16 pixels apart together"
    return _MET


DESIGN = Exercise(
    "pooling.design",
    _convs((6, 12, 16, 16), (0, 1)),
    (
        Misconception(
            "no pools",
            _convs((6, 12, 16, 16), ()),
            "Over the budget of multiply-adds. A 3 × 3 convolution does 9 · in · out "
            "of them at each place of its output: where do the maps have fewer places?",
        ),
        Misconception(
            "too many parameters",
            _convs((8, 16, 32, 16), (0, 1)),
            "Over the budget of 5,000 parameters: a 3 × 3 convolution has "
            "(9 · in + 1) · out. Which layers can do with fewer channels?",
        ),
        Misconception(
            "flatten",
            _convs((6, 12, 16), (0, 1, 2), "flatten"),
            "28 × 28 works, 128 × 128 is refused. A linear layer behind a flatten fits "
            "one size only: make one number of each channel before it.",
        ),
        Misconception(
            "places kept",
            _convs((6, 12, 16), (0, 1), "four"),
            "The scores change when a garment is pushed by 4. Either the head still "
            "knows places, as with an adaptive pooling to more than 1 × 1; or the maps "
            "are halved so often that 4 pixels are no whole step any more.",
        ),
        Misconception(
            "sees too little",
            _convs((8, 16), (0, 1)),
            "Within the budget, but no output sees far enough: two spots 16 pixels "
            "apart count as if each were alone. Follow the field through your layers, "
            "and put a further convolution where a step is widest.",
        ),
    ),
    lambda: [(1,), (2,), (3,)],
    _unmet,
    hints=(
        "Which halvings leave a push by 4 a whole step? And what makes a head deaf to "
        "places, and open to any size?",
        "Follow field and step: a 3 × 3 adds two steps, and behind two halvings a step "
        "is 4 pixels. Where is a further convolution cheap, and wide?",
        "Two halvings early, two convolutions behind them, the mean of each channel, a "
        "linear layer. Then count: which channels fit into 5,000?",
    ),
    result="network",
    arguments=("seed",),
)

EXERCISES = (SIZE, HEADS, LAST, AVERAGE, ADAPTIVE, ROUTE, THIN, BLUR, REPAIR, DESIGN)
