"""Lesson 06: adaptive pooling, which asks for the size and finds the windows."""

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _means(x: torch.Tensor, size: int, end) -> torch.Tensor:
    """Average windows from floor(i n / size) to `end(i + 1, n)`."""
    n = x.shape[-1]
    pieces = [x[..., i * n // size : end((i + 1) * n)] for i in range(size)]
    return torch.stack([piece.mean(-1) for piece in pieces], -1)


def _one_kernel(x: torch.Tensor, size: int) -> torch.Tensor:
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
            "You resize by linear interpolation, which mixes two neighbours a result. "
            "Adaptive pooling averages all that a window holds.",
        ),
        Misconception(
            "ends rounded down",
            lambda x, size: _means(x, size, lambda end: end // size),
            "Your windows start right and end too early: the end is rounded up, so "
            "that windows may overlap.",
        ),
        Misconception(
            "split",
            lambda x, size: torch.stack(
                [piece.mean(-1) for piece in x.tensor_split(size, -1)], -1
            ),
            "You cut the row into pieces that share nothing. Adaptive windows start at "
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
            "These are the largest of the right windows; asked for are the averages.",
        ),
    ),
    lambda: [(*randn((c, n)), k) for c, n, k in [(2, 10, 4), (1, 7, 3), (3, 11, 8)]],
)
