"""Lab B: what 200 labelled images teach, each of them taken in a light of its own.

A recipe is handed in, and trains on three draws of 200 images, each time in a process
that knows nothing of the others. Validation images stay here: a recipe can ask what its
network reaches on them, and has none that it could train on.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from course_utils.data.fashion import load_fashion_mnist
from course_utils.labs.model import Curve, Item, Lab, Score, Task
from course_utils.labs.network import Budget, Mean, Mirrored, Network, network_of
from course_utils.labs.ranking import ranked, ranking_curve
from course_utils.labs.work import Work

EACH, VALIDATED, TESTED, ROUNDS = 20, 50, 2_000, 3  # the first two of each class
MOST_CALLS, SECONDS = 20, 80.0  # for each draw
MOST_BYTES = 4_000  # of a recipe: trained numbers do not fit in
BUDGET = Budget(60_000, 10_000_000, MOST_BYTES, SECONDS)
_CLASSES = 10
_FURTHER = (nn.BatchNorm1d, nn.LayerNorm, Mean, Mirrored)
# From what is worth nothing to what is worth all points.
_ACCURACY_FROM, _ACCURACY_TO = 0.67, 0.79
_LOSS_FROM, _LOSS_TO = 0.82, 0.61
_ACCURACY = Item(
    "accuracy",
    12,
    "Accuracy on hidden images: 0.67 gives nothing, 0.79 all points. Mean of three "
    "draws.",
)
_LOSS = Item(
    "loss",
    8,
    "Cross-entropy on the same images: 0.82 gives nothing, 0.61 all points. Mean of "
    "three draws.",
)


@dataclass(frozen=True)
class Drawn:
    """What one round is measured with.

    Attributes:
        images: for training, (200, 1, 28, 28), each in its own light.
        labels: of them, with the classes numbered in another order each time.
        validation_images: that the recipe does not see, but can ask about.
        validation_labels: of them.
        test_images: that the recipe does not see.
        test_labels: of them.
        names: of the classes, in the order of their numbers.
    """

    images: Tensor
    labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    names: list[str]


def drawn(work: Work) -> Drawn:
    """Draw images and their light; openly none of the official test images.

    Raises:
        CourseError: this is grading, and there are no photographs on this machine.

    >>> drawn(Work(None)).images.shape
    torch.Size([200, 1, 28, 28])
    """
    garments = load_fashion_mnist("real" if work.graded else "auto")
    known, held_out = garments.train, garments.train
    g = work.generator("few_labels", "train", work.round)
    numbers = torch.randperm(_CLASSES, generator=g)
    order = torch.randperm(len(known.labels), generator=g)
    train, validation, test = _split(order, known.labels)
    if work.graded:
        held_out = garments.test
        test = torch.randperm(len(held_out.labels), generator=g)[:TESTED]
    train = train[torch.randperm(len(train), generator=g)]
    return Drawn(
        lit(known.images[train], g),
        numbers[known.labels[train]],
        lit(known.images[validation], g),
        numbers[known.labels[validation]],
        lit(held_out.images[test], g),
        numbers[held_out.labels[test]],
        [garments.classes[place] for place in numbers.argsort().tolist()],
    )


def _split(order: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Divide places: as many of each class to train and to validate, and to test."""
    of_class = [order[labels[order] == number] for number in range(_CLASSES)]
    cuts = EACH, EACH + VALIDATED
    parts = [torch.tensor_split(places, cuts) for places in of_class]
    train, validation, rest = map(torch.cat, zip(*parts, strict=True))
    return train, validation, order[torch.isin(order, rest)][:TESTED]


def lit(images: Tensor, g: Generator | None = None) -> Tensor:
    """Show each image in a light of its own, from a 16th to 16 times as strong.

    A veil of up to 4, the same for all its pixels, lies over it.

    >>> lit(torch.zeros(5, 1, 28, 28)).amax() < 4
    tensor(True)
    """
    strength, veil = torch.rand(2, len(images), 1, 1, 1, generator=g)
    return images / 255 * 16 ** (2 * strength - 1) + 4 * veil


def _train(work: Work) -> Iterator[Score | Curve]:
    return _measured(work, drawn(work))


def _measured(work: Work, data: Drawn) -> Iterator[Score | Curve]:
    """Measure the network that a recipe trains on one draw."""
    asked: list[float] = []
    validate = _validator(work, data, asked)
    network = _network(work.call(data.images, data.labels, validate), work)
    yield from _shown(network, data, f"draw {work.round + 1}", asked)


def _validator(
    work: Work, data: Drawn, asked: list[float]
) -> Callable[[Any], tuple[float, float]]:
    """Return what measures a network on validation images, and notes its accuracy."""

    def validate(net: Any) -> tuple[float, float]:
        if len(asked) == MOST_CALLS:
            raise ValueError(f"`validate` answers {MOST_CALLS} times for each draw.")
        scores = _network(net, work).scores(data.validation_images)
        asked.append(_accuracy(scores, data.validation_labels))
        return asked[-1], _loss(scores, data.validation_labels)

    return validate


def _network(value: Any, work: Work) -> Network:
    network = network_of(value, (1, 28, 28), _CLASSES, _FURTHER)
    BUDGET.require(network, work)
    return network


def _accuracy(scores: Tensor, labels: Tensor) -> float:
    return float((scores.argmax(dim=1) == labels).double().mean())


def _loss(scores: Tensor, labels: Tensor) -> float:
    """Return the mean cross-entropy; infinite where a score is no finite number."""
    loss = float(F.cross_entropy(scores.double(), labels))
    return loss if math.isfinite(loss) else math.inf


def _shown(
    network: Network, data: Drawn, draw: str, asked: list[float]
) -> Iterator[Score | Curve]:
    """Measure a network on the images that its recipe did not see."""
    scores, labels = network.scores(data.test_images), data.test_labels
    accuracy, loss = _accuracy(scores, labels), _loss(scores, labels)
    of_class = ranked(scores.argmax(dim=1) == labels, labels, data.names)
    name, least = next(iter(of_class.items()))
    said = f"{draw.capitalize()}: {accuracy:.3f}, with {network.numbers:,} numbers; "
    said += f"least often right: {name}, {least:.2f}."
    yield _ACCURACY.between(accuracy, _ACCURACY_FROM, _ACCURACY_TO, said)
    said = f"{draw.capitalize()}: {loss:.3f}."
    yield _LOSS.between(loss, _LOSS_FROM, _LOSS_TO, said)
    yield ranking_curve(draw, of_class)
    if len(asked) > 1:
        title = "Accuracy on validation images, when your recipe asked for it"
        yield Curve(title, "calls of `validate`", {draw: asked})


LAB = Lab(
    "few_labels",
    [
        Task(
            "few_labels.train",
            "A recipe for few labels",
            ("images", "labels", "validate"),
            (_ACCURACY, _LOSS),
            _train,
            seconds=ROUNDS * SECONDS,
            rounds=ROUNDS,
            most_bytes=MOST_BYTES,
        )
    ],
)
