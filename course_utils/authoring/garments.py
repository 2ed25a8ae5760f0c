"""The garments as the experiments take them: 14 × 14, standardised, in three parts."""

import torch.nn.functional as F
from torch import Tensor

from course_utils.data.fashion import load_fashion_mnist

Pictures = tuple[Tensor, Tensor]  # (N, 1, 14, 14), and labels


def first_twenty_thousand() -> dict[str, Pictures]:
    """Return training, validation and test part: 15,000, 5,000 and all test pictures.

    >>> sorted(first_twenty_thousand())
    ['test', 'training', 'validation']
    """
    data = load_fashion_mnist()
    pixels = [
        F.avg_pool2d(split.images[:20_000] / 255, 2)
        for split in (data.train, data.test)
    ]
    mean, std = pixels[0].mean(), pixels[0].std()
    x, x_test = ((images - mean) / std for images in pixels)
    y, cut = data.train.labels[:20_000], len(x) * 3 // 4
    return {
        "training": (x[:cut], y[:cut]),
        "validation": (x[cut:], y[cut:]),
        "test": (x_test, data.test.labels),
    }


def after_a_twelfth() -> list[Pictures]:
    """Return 20,000 pictures for training, the twelfth before them, and the test's.

    >>> len(after_a_twelfth())
    3
    """
    garments = load_fashion_mnist()
    images, labels = garments.train
    held = len(labels) // 12  # 5,000 photographs
    parts = [
        (images[held : held + 20_000], labels[held : held + 20_000]),
        (images[:held], labels[:held]),
        garments.test,
    ]
    pixels = [F.avg_pool2d(x.float() / 255, 2) for x, _ in parts]
    mean, std = pixels[0].mean(), pixels[0].std()
    return [((x - mean) / std, y) for x, (_, y) in zip(pixels, parts, strict=True)]
