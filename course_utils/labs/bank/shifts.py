"""Lab C: a small network whose answer stays the same while the garment moves.

A recipe is handed in, and trains where no test image can be reached. The network that
it returns is built again here, from its layers and numbers alone.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from course_utils.data.fashion import load_fashion_mnist
from course_utils.labs.model import Curve, Item, Lab, Score, Task
from course_utils.labs.network import Budget, network_of
from course_utils.labs.work import Work

IMAGES, TESTED, SECONDS = 6_000, 2_000, 240.0
MOST_BYTES = 4_000  # of a recipe: trained numbers do not fit in
BUDGET = Budget(50_000, 10_000_000, MOST_BYTES, SECONDS)
_REACH, _PLACES, _CLASSES = 4, 6, 10  # places for each distance
# From what is worth nothing to what is worth all points: more than moved images in
# training reach, so that each line also asks what the network is built of.
_CENTRED_FROM, _CENTRED_TO = 0.78, 0.89
_MOVED_FROM, _MOVED_TO = 0.50, 0.86
_EVERYWHERE_FROM, _EVERYWHERE_TO = 0.10, 0.85
_STEADY_FROM, _STEADY_TO, _STEADY_LEAST = 0.70, 1.00, 0.80
_CENTRED = Item(
    "centred",
    3,
    "Accuracy on hidden garments in the middle: 0.78 gives nothing, 0.89 all points.",
)
_MOVED = Item(
    "moved",
    6,
    "Mean accuracy at 24 hidden places, six for each distance from 1 to 4 pixels: 0.50 "
    "gives nothing, 0.86 all points.",
)
_EVERYWHERE = Item(
    "everywhere",
    7,
    "Share of the garments that are right in the middle and at all 24 places: 0.10 "
    "gives nothing, 0.85 all points.",
)
_STEADY = Item(
    "steady",
    4,
    "Share of the garments that get one class, right or wrong, at all 25 places: 0.70 "
    "gives nothing, 1.00 all points; 0 points if accuracy in the middle is below 0.80.",
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
    """Draw places for each distance; the farther of both directions counts."""
    for distance in range(1, _REACH + 1):
        across = range(-distance, distance + 1)
        ring = [(a, b) for a in across for b in across if distance in (abs(a), abs(b))]
        for index in torch.randperm(len(ring), generator=g)[:_PLACES].tolist():
            yield ring[index]


def _train(work: Work) -> Iterator[Score | Curve]:
    return _measured(work, drawn(work))


def _measured(work: Work, data: Drawn) -> Iterator[Score | Curve]:
    """Measure where the network that a recipe trains is right."""
    begun = time.monotonic()
    value = work.call(data.images, data.labels)
    seconds = time.monotonic() - begun
    network = network_of(value, data.images.shape[1:], _CLASSES)
    BUDGET.require(network, work, seconds)
    moved = (torch.roll(data.test_images, place, (2, 3)) for place in data.places)
    found = torch.stack([network.classes(images) for images in moved])
    right = (found == data.test_labels).float()
    each = right.mean(dim=1)
    centred, mean = float(each[0]), float(each[1:].mean())
    everywhere = float(right.prod(dim=0).mean())
    steady = float((found == found[0]).all(dim=0).float().mean())
    said = f"Accuracy in the middle: {centred:.3f}. "
    said += BUDGET.used(network, work, seconds)
    yield _CENTRED.between(centred, _CENTRED_FROM, _CENTRED_TO, said)
    said = f"Mean accuracy at {len(each) - 1} places: {mean:.3f}."
    yield _MOVED.between(mean, _MOVED_FROM, _MOVED_TO, said)
    said = f"Right at all {len(each)} places: {everywhere:.3f} of the garments."
    yield _EVERYWHERE.between(everywhere, _EVERYWHERE_FROM, _EVERYWHERE_TO, said)
    said = f"The same class at all {len(each)} places: {steady:.3f} of the garments."
    if centred < _STEADY_LEAST:
        said += f" No points, as accuracy in the middle is below {_STEADY_LEAST:.2f}."
        yield _STEADY.none(said)
    else:
        yield _STEADY.between(steady, _STEADY_FROM, _STEADY_TO, said)
    far = [centred, *each[1:].view(_REACH, _PLACES).mean(dim=1).tolist()]
    title = "Accuracy, by how far the garments are moved"
    yield Curve(title, "pixels, from 0 to 4", {"accuracy": far})


LAB = Lab(
    "shifts",
    [
        Task(
            "shifts.train",
            "A recipe for a network",
            ("images", "labels"),
            (_CENTRED, _MOVED, _EVERYWHERE, _STEADY),
            _train,
            seconds=SECONDS,
            most_bytes=MOST_BYTES,
        )
    ],
)
