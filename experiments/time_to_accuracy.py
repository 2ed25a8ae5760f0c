"""How many seconds until a garment classifier is right so often? Recipes of first
courses and the lesson's own, in turns; 55,000 pictures to train with, accuracy on
5,000 others after every epoch, the clock stopped meanwhile; the test set at the end."""

import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from course_utils.authoring.classifier import Pictures, cnn
from course_utils.authoring.clock import matrix_rate, shorter
from course_utils.authoring.recipes import (
    PERCEPTRON,
    RECIPES,
    Scores,
    fast_resnet,
    lenet,
    mlp,
    quick_resnet,
    tiny_vgg,
)
from course_utils.authoring.record import record
from course_utils.data.fashion import load_fashion_mnist

THREADS = int(os.environ.get("COURSE_THREADS", "2"))
NETWORKS = {
    "quickstart": PERCEPTRON,
    "textbook MLP": mlp(784, 256, 10),
    "LeNet": lenet,
    "TinyVGG": tiny_vgg,
    "fast.ai": fast_resnet,
    "our MLP": PERCEPTRON,
    "our CNN": cnn,
    "our ResNet": quick_resnet,
}
# Epochs as published; ours in several lengths, since a schedule counts at its end only.
EPOCHS = {
    "quickstart": [10],
    "textbook MLP": [10],
    "LeNet": [10],
    "TinyVGG": [3],
    "fast.ai": [5],
    "our MLP": [1, 2, 4],
    "our CNN": [2, 4, 8],
    "our ResNet": [2, 4, 8],
}
ROUNDS = range(3)  # all recipes once, then all again: round is the seed as well
SETTINGS: list[dict[str, Any]] = [
    {"round": number, "recipe": recipe, "epochs": epochs}
    for number in ROUNDS
    for recipe, lengths in EPOCHS.items()
    for epochs in lengths
]
RERUN = (5, {"best": (0.85, 0.9)})  # our MLP, one epoch


def parts() -> dict[str, Pictures]:
    """Return pictures, uint8, and labels: to train, to choose and to test with."""
    data = load_fashion_mnist()
    images, labels = data.train
    test = data.test
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    held, used = order[:5_000], order[5_000:]
    return {
        "training": (images[used], labels[used]),
        "validation": (images[held], labels[held]),
        "test": (test.images, test.labels),
    }


def right(scores: Scores, pictures: Pictures) -> float:
    """Return the share of pictures whose class gets the highest score."""
    images, labels = pictures
    return round((scores(images).argmax(1) == labels).double().mean().item(), 4)


def operations(recipe: str) -> float:
    """Return the operations of a picture's forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        x, y = torch.zeros(2, 1, 28, 28), torch.zeros(2).long()
        F.cross_entropy(NETWORKS[recipe]()(x), y).backward()
    return counter.get_total_flops() / 2


def timed(
    epochs: Iterator[Scores], pictures: Pictures
) -> tuple[dict[str, list[float]], Scores]:
    """Drive a recipe; return seconds, CPU seconds and accuracy by epoch."""
    found: dict[str, list[float]] = {"seconds": [], "cpu_seconds": [], "accuracy": []}
    wall = cpu = 0.0
    scores: Scores | None = None
    while True:
        start, used = time.perf_counter(), time.process_time()
        following = next(epochs, None)
        if following is None:
            break
        scores = following
        wall += time.perf_counter() - start
        cpu += time.process_time() - used
        found["seconds"].append(shorter(wall))
        found["cpu_seconds"].append(shorter(cpu))
        found["accuracy"].append(right(scores, pictures))
    assert scores is not None
    return found, scores


def measure(
    round: int, recipe: str, epochs: int, pictures: int | None = None
) -> dict[str, object]:
    """Train once by a recipe; `pictures` takes fewer of them, to try the script."""
    torch.set_num_threads(THREADS)
    data = parts()
    images, labels = (part[:pictures] for part in data["training"])
    before = matrix_rate()
    torch.manual_seed(round)
    found, scores = timed(RECIPES[recipe]((images, labels), epochs), data["validation"])
    rate = median([before, matrix_rate()])  # of this machine, around the training
    per_second = epochs * len(labels) / found["seconds"][-1]
    return {
        **found,
        "best": max(found["accuracy"]),
        "test_accuracy": right(scores, data["test"]),
        "images_per_second": shorter(per_second),
        "share_of_rate": shorter(per_second * operations(recipe) / rate, 3),
        "matrix_rate": shorter(rate),
        "threads": THREADS,
    }


if __name__ == "__main__":
    if "--try" in sys.argv:
        for setting in islice(SETTINGS, len(SETTINGS) // len(ROUNDS)):
            row = measure(setting["round"], setting["recipe"], 1, pictures=1_000)
            print(row, flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
