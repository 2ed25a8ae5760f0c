"""Lab C: a small network whose answer stays while the garment moves.

A recipe is handed in, and trains where no test image can be reached. The network that
it returns is built again here, from its layers and numbers alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from course_utils.data.fashion import load_fashion_mnist
from course_utils.labs.model import Curve, Item, Lab, Score, Task
from course_utils.labs.network import network_of
from course_utils.labs.returned import Unfit
from course_utils.labs.work import Work

IMAGES, TESTED, MOST_NUMBERS = 6_000, 2_000, 50_000
MOST_BYTES = 4_000  # of a recipe: trained numbers do not fit in
_REACH, _CLASSES = 4, 10
# From the accuracy that is worth nothing to the one that is worth all points.
_CENTRED_FROM, _CENTRED_TO = 0.80, 0.87
_MOVED_FROM, _MOVED_TO = 0.60, 0.86
_EVERYWHERE_FROM, _EVERYWHERE_TO = 0.40, 0.82
_CENTRED = Item(
    "centred",
    4,
    "Accuracy on hidden garments in the middle: 0.80 gives nothing, 0.87 all points.",
)
_MOVED = Item(
    "moved",
    8,
    "Mean accuracy at eight hidden places, two for each distance from 1 to 4 pixels: "
    "0.60 gives nothing, 0.86 all points.",
)
_EVERYWHERE = Item(
    "everywhere",
    8,
    "Share of the garments that are right in the middle and at all eight places: 0.40 "
    "gives nothing, 0.82 all points.",
)


@dataclass(frozen=True)
class Drawn:
    """What one measurement is made with.

    Attributes:
        images: for training, (N, 1, 28, 28): a garment of 20 × 20 in the middle.
        labels: of them, with the classes numbered in another order each time.
        test_images: that the recipe does not see, alike.
        test_labels: of them.
        places: pixels down and right, by which test images are moved; first none.
    """

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    places: list[tuple[int, int]]


def drawn(work: Work) -> Drawn:
    """Draw images and places; openly none of the official test images.

    Raises:
        CourseError: this is grading, and there are no photographs on this machine.

    >>> drawn(Work(None)).images.shape[1:]
    torch.Size([1, 28, 28])
    """
    garments = load_fashion_mnist("real" if work.graded else "auto")
    g = work.generator("shifts", "train")
    names = torch.randperm(_CLASSES, generator=g)
    order = torch.randperm(len(garments.train.labels), generator=g)
    train, test = order[:-TESTED][:IMAGES], order[-TESTED:]
    held_out = garments.train
    if work.graded:
        held_out = garments.test
        test = torch.randperm(len(held_out.labels), generator=g)[:TESTED]
    return Drawn(
        framed(garments.train.images[train]),
        names[garments.train.labels[train]],
        framed(held_out.images[test]),
        names[held_out.labels[test]],
        [(0, 0), *_places(g)],
    )


def framed(images: Tensor) -> Tensor:
    """Shrink garments to 20 × 20 in a frame of 28 × 28: they have room to move."""
    return F.pad(F.adaptive_avg_pool2d(images / 255, 20), [_REACH] * 4)


def _places(g: Generator) -> Iterator[tuple[int, int]]:
    """Draw two places for each distance; the farther of both directions counts."""
    for distance in range(1, _REACH + 1):
        across = range(-distance, distance + 1)
        ring = [(a, b) for a in across for b in across if distance in (abs(a), abs(b))]
        for index in torch.randperm(len(ring), generator=g)[:2].tolist():
            yield ring[index]


def _train(work: Work) -> Iterator[Score | Curve]:
    return _measured(work, drawn(work))


def _measured(work: Work, data: Drawn) -> Iterator[Score | Curve]:
    """Measure where the network that a recipe trains is right."""
    work.require_bytes(MOST_BYTES)
    network = network_of(
        work.call(data.images, data.labels), data.images.shape[1:], _CLASSES
    )
    if network.numbers > MOST_NUMBERS:
        raise Unfit(f"the network has {network.numbers:,} numbers, over 50,000.")
    moved = (torch.roll(data.test_images, place, (2, 3)) for place in data.places)
    right = torch.stack(
        [network.classes(images) == data.test_labels for images in moved]
    )
    right = right.float()
    each = right.mean(dim=1)
    centred, mean = float(each[0]), float(each[1:].mean())
    everywhere = float(right.prod(dim=0).mean())
    said = f"Accuracy in the middle: {centred:.3f}, with {network.numbers:,} numbers."
    yield _CENTRED.between(centred, _CENTRED_FROM, _CENTRED_TO, said)
    said = f"Mean accuracy at eight places: {mean:.3f}."
    yield _MOVED.between(mean, _MOVED_FROM, _MOVED_TO, said)
    said = f"Right at all nine places: {everywhere:.3f} of the garments."
    yield _EVERYWHERE.between(everywhere, _EVERYWHERE_FROM, _EVERYWHERE_TO, said)
    far = [centred, *each[1:].view(_REACH, 2).mean(dim=1).tolist()]
    title = "Accuracy, by how far the garments are moved"
    yield Curve(title, "pixels, from 0 to 4", {"accuracy": far})


LAB = Lab(
    "shifts",
    [
        Task(
            "shifts.train",
            "A recipe for a network",
            ("images", "labels"),
            (_CENTRED, _MOVED, _EVERYWHERE),
            _train,
            seconds=240.0,
        )
    ],
)
