"""What the loaders return: images and labels, for training and for testing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from course_utils.data import idx
from course_utils.errors import CourseError

Source = Literal["fashion-mnist", "fashion-sketch"]  # photographs or drawings
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class Split(NamedTuple):
    """One part of a data set: images and their labels.

    Example:
        >>> Split(torch.zeros(5, 1, 28, 28, dtype=torch.uint8), torch.arange(5))
        Split(images (5, 1, 28, 28), labels 5)
    """

    images: torch.Tensor  # uint8, (N, 1, 28, 28), 0 (black) to 255, on the CPU
    labels: torch.Tensor  # int64, (N,), 0 to 9

    def __repr__(self) -> str:
        return f"Split(images {tuple(self.images.shape)}, labels {len(self.labels)})"


@dataclass(frozen=True, eq=False, repr=False)
class FashionMNIST:
    """Pictures of garments: for training, for testing, and the names of the classes.

    Example:
        >>> from course_utils import load_sketches
        >>> load_sketches()
        FashionMNIST(4000 train, 1000 test, source='fashion-sketch')
    """

    train: Split
    test: Split
    classes: tuple[str, ...]
    source: Source

    def __repr__(self) -> str:
        train, test = len(self.train.labels), len(self.test.labels)
        return f"FashionMNIST({train} train, {test} test, source={self.source!r})"


def read_data_set(
    folder: Path, checksums: Mapping[str, str], source: Source, advice: str
) -> FashionMNIST:
    """Read the four files of `folder`.

    Raises:
        CourseError: a file is missing or damaged; the message ends with `advice`.
    """
    try:
        parts = [idx.read(folder, name, checksums) for name in idx.NAMES]
    except CourseError as problem:
        raise CourseError(f"{problem}. {advice}") from None
    train = Split(parts[0].unsqueeze(1), parts[1].long())
    test = Split(parts[2].unsqueeze(1), parts[3].long())
    return FashionMNIST(train, test, CLASSES, source)
