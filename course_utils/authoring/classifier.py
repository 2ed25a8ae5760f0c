"""Lesson 10's convolutional network and its training, as the experiments share them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from course_utils.authoring.training import train_step
from course_utils.data.fashion import load_fashion_mnist

Pictures = tuple[Tensor, Tensor]  # (N, 1, 28, 28), and labels


def raw_parts(
    training: int | None = None, validation: int = 5_000, seed: int = 0
) -> tuple[Pictures, Pictures, Pictures]:
    """Return photographs to train with, to choose with, and those to test with.

    Args:
        training: how many to train with; None for all that are left.
        validation: how many to choose with; drawn first, so that they stay the same
            whatever `training` is.
        seed: of the draw.

    Returns:
        The three parts, pixels from 0 to 255.

    >>> [len(labels) for _, labels in raw_parts(100, 50)][:2]
    [100, 50]
    """
    garments = load_fashion_mnist()
    images, labels = garments.train
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(labels), generator=generator)
    held, used = rows[:validation], rows[validation:]
    if training is not None:
        used = used[:training]
    test = garments.test
    chosen = (images[held], labels[held])
    return (images[used], labels[used]), chosen, (test.images, test.labels)


def three_parts(
    training: int, validation: int = 5_000, seed: int = 0
) -> tuple[Pictures, Pictures, Pictures]:
    """Return the `raw_parts`, standardised by mean and spread of the first.

    >>> [len(labels) for _, labels in three_parts(100, 50)][:2]
    [100, 50]
    """
    parts = raw_parts(training, validation, seed)
    pixels = parts[0][0] / 255
    mean, std = pixels.mean(), pixels.std()
    first, second, third = [((x / 255 - mean) / std, y) for x, y in parts]
    return first, second, third


def cnn(width: int = 16, norm: str = "after the pool", dropout: float = 0) -> nn.Module:
    """Return two blocks of convolution and pooling, and two linear layers.

    Args:
        width: channels of the first block; the second has twice as many.
        norm: "after the pool", "before the pool" or "none".
        dropout: before the last layer.

    >>> sum(p.numel() for p in cnn().parameters())
    207098
    """
    bias = norm == "none"  # else BatchNorm has one

    def block(n_in: int, n_out: int) -> nn.Sequential:
        convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=bias)
        middle: list[nn.Module] = [nn.MaxPool2d(2)]
        if norm == "after the pool":
            middle.append(nn.BatchNorm2d(n_out))
        elif norm == "before the pool":
            middle.insert(0, nn.BatchNorm2d(n_out))
        return nn.Sequential(convolution, *middle, nn.ReLU())

    return nn.Sequential(
        block(1, width),
        block(width, 2 * width),
        nn.Flatten(),
        nn.Linear(2 * width * 7 * 7, 128, bias=bias),
        nn.Identity() if bias else nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(128, 10),
    )


def fit(
    model: nn.Module,
    pictures: Pictures,
    rate: float,
    epochs: int,
    *,
    batch: int = 100,
    decay: float = 0.01,
    cycle: bool = True,
    augment: Callable[[Tensor], Tensor] = lambda x: x,
) -> nn.Module:
    """Train with AdamW, every picture once per epoch; return it in evaluation mode.

    Args:
        model: changed in place.
        pictures: to train with.
        rate: the learning rate, with `cycle` the highest.
        epochs: how often every picture is seen.
        batch: pictures in a batch.
        decay: AdamW's weight decay.
        cycle: whether the rate rises and falls once (one-cycle), or stays.
        augment: changes a batch at random.

    >>> data = torch.rand(40, 1, 28, 28), torch.arange(40) % 10
    >>> fit(cnn(), data, 0.01, epochs=1).training
    False
    """
    x, y = pictures
    model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    steps = epochs * math.ceil(len(y) / batch)
    schedule = (
        OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.22)
        if cycle
        else LambdaLR(optimizer, lambda _: 1.0)
    )
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(batch):
            train_step(model, augment(x[rows]), y[rows], optimizer)
            schedule.step()
    return model.eval()
