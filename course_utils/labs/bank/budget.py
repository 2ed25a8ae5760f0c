"""Lab E: as often right as can be, with 100,000 numbers and a minute and a half.

A recipe is handed in, and trains three times, each time in a process that knows nothing
of the others and can reach no test image. The network that it returns is built again
here, from its layers and numbers alone.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.data.fashion import load_fashion_mnist
from course_utils.labs.model import Curve, Item, Lab, Score, Task
from course_utils.labs.network import Budget, Mean, Mirrored, network_of
from course_utils.labs.ranking import ranked, ranking_curve
from course_utils.labs.work import Work

ROUNDS, SECONDS = 3, 95.0  # seconds for one of the rounds
MOST_NUMBERS, MOST_WORK = 100_000, 40_000_000
MOST_BYTES = 4_000  # of a recipe: trained numbers do not fit in
BUDGET = Budget(MOST_NUMBERS, MOST_WORK, MOST_BYTES, SECONDS)
_CLASSES = 10
# From what is worth nothing to what is worth all points.
_ACCURACY_FROM, _ACCURACY_TO = 0.90, 0.935
_SMALL_FROM, _SMALL_TO, _SMALL_LEAST = 100_000, 50_000, 0.92
_ACCURACY = Item(
    "accuracy",
    16,
    "Accuracy on the test set: 0.900 gives nothing, 0.935 all points. Mean of three "
    "trainings.",
)
_SMALL = Item(
    "small",
    4,
    "Numbers in the network: 100,000 give nothing, 50,000 all points. Mean of three "
    "trainings; one below an accuracy of 0.920 gives nothing.",
)


@dataclass(frozen=True)
class Drawn:
    """What one round is measured with.

    Attributes:
        images: for training, (N, 1, 28, 28) uint8, in another order each time.
        labels: of them, with the classes numbered in another order each time.
        test_images: that the recipe does not see.
        test_labels: of them.
        names: of the classes, in the order of their numbers.
        seed: what the recipe's random numbers start from.
    """

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    names: list[str]
    seed: int


def drawn(work: Work) -> Drawn:
    """Draw an order of images and classes; openly none of the official test images.

    Raises:
        CourseError: this is grading, and there are no photographs on this machine.

    >>> drawn(Work(None)).images.shape[1:]
    torch.Size([1, 28, 28])
    """
    garments = load_fashion_mnist("real" if work.graded else "auto")
    g = work.generator("budget", "train", work.round)
    numbers = torch.randperm(_CLASSES, generator=g)
    order = torch.randperm(len(garments.train.labels), generator=g)
    test, train = order.split([len(order) // 12, len(order) - len(order) // 12])
    held_out = garments.train
    if work.graded:
        held_out = garments.test
        test = torch.arange(len(held_out.labels))
    return Drawn(
        garments.train.images[train],
        numbers[garments.train.labels[train]],
        held_out.images[test] / 255,
        numbers[held_out.labels[test]],
        [garments.classes[place] for place in numbers.argsort().tolist()],
        int(torch.randint(1 << 31, (), generator=g)),
    )


def _train(work: Work) -> Iterator[Score | Curve]:
    return _measured(work, drawn(work))


def _measured(work: Work, data: Drawn) -> Iterator[Score | Curve]:
    """Measure how often the network of one training is right."""
    torch.manual_seed(data.seed)  # it travels with the call
    begun = time.monotonic()
    value = work.call(data.images, data.labels)
    shape = data.test_images.shape[1:]
    network = network_of(value, shape, _CLASSES, (Mean, Mirrored))
    BUDGET.require(network, work)
    # The learner's process is idle now: both cores are free.
    found = network.classes(data.test_images, threads=2)
    seconds = time.monotonic() - begun
    right = found == data.test_labels
    accuracy, training = float(right.double().mean()), f"training {work.round + 1}"
    of_class = ranked(right, data.test_labels, data.names)
    name, least = next(iter(of_class.items()))
    said = f"{training.capitalize()}: {accuracy:.4f}; least often right: {name}, "
    said += f"{least:.3f}."
    if not work.graded:  # grades of one seed are the same in each run
        said += f" It took {seconds:.0f} of {SECONDS:.0f} seconds."
    yield _ACCURACY.between(accuracy, _ACCURACY_FROM, _ACCURACY_TO, said)
    said = BUDGET.used(network, work)
    if accuracy < _SMALL_LEAST:
        low = f"No points for {training}, as its accuracy is below"
        yield _SMALL.none(f"{said} {low} {_SMALL_LEAST:.3f}.")
    else:
        yield _SMALL.between(network.numbers, _SMALL_FROM, _SMALL_TO, said)
    yield ranking_curve(training, of_class)


LAB = Lab(
    "budget",
    [
        Task(
            "budget.train",
            "A recipe within three budgets",
            ("images", "labels"),
            (_ACCURACY, _SMALL),
            _train,
            seconds=ROUNDS * SECONDS,
            rounds=ROUNDS,
            most_bytes=MOST_BYTES,
        )
    ],
)
