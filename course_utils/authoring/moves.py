"""Garments in a frame, and moved in it, as the experiments share them."""

import torch.nn.functional as F
from torch import Tensor

from course_utils.data.fashion import load_fashion_mnist


def framed(images: Tensor) -> Tensor:
    """Return the garments, 20 × 20 from 0 to 1, in the middle of a frame of 28 × 28.

    Args:
        images: (N, 1, 28, 28), from 0 to 255.

    >>> import torch
    >>> framed(torch.full((1, 1, 28, 28), 255.0))[0, 0, :, 14].sum()
    tensor(20.)
    """
    return F.pad(F.adaptive_avg_pool2d(images / 255, 20), (4, 4, 4, 4))


def moved(x: Tensor, by: int) -> list[Tensor]:
    """Return the pictures (N, C, H, W), moved to the right, left, down and up.

    >>> import torch
    >>> corner = torch.tensor([[[[1, 0], [0, 0]]]])
    >>> [picture[0, 0].tolist() for picture in moved(corner, 1)]
    [[[0, 1], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [1, 0]]]
    """
    return [x.roll(sign * by, dim) for dim in (3, 2) for sign in (1, -1)]


def framed_parts() -> dict[str, tuple[Tensor, Tensor]]:
    """Return framed garments: 5,000 for training, 2,500 for validation, and the test.

    >>> sorted(framed_parts())
    ['test', 'training', 'validation']
    """
    data = load_fashion_mnist()
    x, y = framed(data.train.images[:7_500]), data.train.labels[:7_500]
    cut = len(x) * 2 // 3
    return {
        "training": (x[:cut], y[:cut]),
        "validation": (x[cut:], y[cut:]),
        "test": (framed(data.test.images), data.test.labels),
    }
