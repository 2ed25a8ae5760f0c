"""Lesson 03: masks for single entries and for channels, and the way back."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception
from course_utils.session import current_device


def _uniform(shape: tuple[int, ...]) -> torch.Tensor:
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    return noise.to(current_device())


DROP = Exercise(
    "dropout.drop",
    lambda x, noise, p: x * (noise < 1 - p) / (1 - p),
    (
        Misconception(
            "no rescaling",
            lambda x, noise, p: x * (noise < 1 - p),
            "The mask is right. The survivors have to make up for the dropped: divide "
            "by 1 - p.",
        ),
        Misconception(
            "scaled by 1/p",
            lambda x, noise, p: x * (noise < 1 - p) / p,
            "The mask is right, but you divide by p, the share that is dropped. Divide "
            "by the share that survives: 1 - p.",
        ),
        Misconception(
            "dropped with probability 1 - p",
            lambda x, noise, p: x * (noise < p) / (1 - p),
            "You keep an entry where `noise < p`, so p of them survive. In PyTorch "
            "p is the probability to be dropped: keep where `noise < 1 - p`.",
        ),
        Misconception(
            "p as the share kept",
            lambda x, noise, p: x * (noise < p) / p,
            "You take p for the probability to survive, all the way through. In "
            "PyTorch it is the probability to be dropped.",
        ),
        Misconception(
            "mask inverted",
            lambda x, noise, p: x * (noise >= 1 - p) / (1 - p),
            "You keep exactly those that should go: an entry survives where "
            "`noise < 1 - p`.",
        ),
        Misconception(
            "another recipe",
            lambda x, noise, p: x * (noise >= p) / (1 - p),
            "`noise >= p` is as fair a recipe, but it makes another mask from the "
            "same noise. The task says: keep where `noise < 1 - p`.",
        ),
        Misconception(
            "one mask for the batch",
            lambda x, noise, p: x * (noise[0] < 1 - p) / (1 - p),
            "All rows get the mask of the first one. Every example draws its own.",
        ),
    ),
    lambda: [
        (*randn(shape), _uniform(shape), p)
        for shape, p in [((2, 3), 0.25), ((1, 5), 0.7), ((4, 4), 0.3), ((5, 3), 0.5)]
    ],
)

BACKWARD = Exercise(
    "dropout.backward",
    lambda g, mask, p: g * mask / (1 - p),
    (
        Misconception(
            "straight through",
            lambda g, mask, p: g,
            "You pass the gradient on as if nothing had been dropped. A dropped entry "
            "had no part in the output, so its gradient is 0.",
        ),
        Misconception(
            "no rescaling",
            lambda g, mask, p: g * mask,
            "The zeros are right. The survivors were divided by 1 - p on the way "
            "forward, so their gradient is as well.",
        ),
        Misconception(
            "mask forgotten",
            lambda g, mask, p: g / (1 - p),
            "The factor is right, but the dropped entries get a gradient too. They had "
            "no part in the output: multiply by `mask`.",
        ),
        Misconception(
            "rescaling undone",
            lambda g, mask, p: g * mask * (1 - p),
            "You undo the division. Going back is no inverse: y = x / (1 - p) has the "
            "slope 1 / (1 - p).",
        ),
        Misconception(
            "mask inverted",
            lambda g, mask, p: g * ~mask / (1 - p),
            "You give the gradient to those that were dropped: `mask` is True for the "
            "survivors.",
        ),
    ),
    lambda: [
        (*randn(shape), _uniform(shape) < 1 - p, p)
        for shape, p in [((3, 4), 0.4), ((1, 7), 0.25), ((5, 5), 0.5)]
    ],
)


CHANNELS = Exercise(
    "dropout.channels",
    lambda x, noise, p: x * (noise < 1 - p)[:, :, None, None] / (1 - p),
    (
        Misconception(
            "mask on the last dimensions",
            lambda x, noise, p: x * (noise < 1 - p) / (1 - p),
            "Broadcasting lines shapes up from the right, so your mask meets height "
            "and width. Give it two more dimensions: `mask[:, :, None, None]`.",
        ),
        Misconception(
            "one mask for the batch",
            lambda x, noise, p: x * (noise[:1] < 1 - p)[:, :, None, None] / (1 - p),
            "All images lose the same channels: each row of `noise` is for one image.",
        ),
        Misconception(
            "whole images",
            lambda x, noise, p: x * (noise[:, :1] < 1 - p)[:, :, None, None] / (1 - p),
            "You drop whole images: each column of `noise` is for one channel.",
        ),
        Misconception(
            "no rescaling",
            lambda x, noise, p: x * (noise < 1 - p)[:, :, None, None],
            "The right channels are gone. The others are to be divided by 1 - p, as "
            "with single entries.",
        ),
        Misconception(
            "mask inverted",
            lambda x, noise, p: x * (noise >= 1 - p)[:, :, None, None] / (1 - p),
            "You keep the channels that should go: one survives where `noise < 1 - p`.",
        ),
    ),
    # In the second case the mask fits height and width by accident.
    lambda: [
        (*randn((n, c, h, w)), _uniform((n, c)), p)
        for n, c, h, w, p in [(2, 3, 4, 5, 0.4), (3, 5, 3, 5, 0.3), (1, 7, 2, 3, 0.5)]
    ],
)
