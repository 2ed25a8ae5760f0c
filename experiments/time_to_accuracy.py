"""How many seconds until a garment classifier is right so often? Recipes of first
courses and the lesson's own, in turns; 55,000 pictures to train with, accuracy on
5,000 others after every epoch, the clock stopped meanwhile; the test set at the end."""

import os
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from course_utils.authoring.classifier import Pictures, raw_parts
from course_utils.authoring.clock import matrix_rate, shorter
from course_utils.authoring.recipes import RECIPES, Scores
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy

THREADS = int(os.environ.get("COURSE_THREADS", "2"))
# Epochs as published; ours in several lengths, since a schedule counts at its end only.
EPOCHS = {
    "quickstart": [10],
    "textbook MLP": [10],
    "TinyVGG": [3],
    "our MLP": [1, 2, 3],
    "our CNN": [1, 2, 4],
    "our ResNet": [5, 10],
    "LeNet": [10],
    "fast.ai": [5],
}
# All recipes once, then all again: a round's number is the seed as well. What takes
# minutes comes more seldom, and what takes longest comes last: it is beaten by factors
# or not at all, and the rows show how often it was measured.
ROUNDS = {"our MLP": 5, "our CNN": 5, "TinyVGG": 2, "LeNet": 1, "fast.ai": 1}
SETTINGS: list[dict[str, Any]] = [
    {"round": number, "recipe": recipe, "epochs": epochs}
    for number in range(max(ROUNDS.values()))
    for recipe, lengths in EPOCHS.items()
    for epochs in lengths
    if number < ROUNDS.get(recipe, 3)
]
SETTINGS.sort(key=lambda setting: setting["recipe"] == "fast.ai")
RERUN = (
    SETTINGS.index({"round": 0, "recipe": "our MLP", "epochs": 1}),
    {"best": (0.85, 0.9)},
)


def operations(recipe: str) -> float:
    """Return the operations of a picture's forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        x, y = torch.zeros(2, 1, 28, 28), torch.zeros(2).long()
        F.cross_entropy(RECIPES[recipe].network()(x), y).backward()
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
        found["accuracy"].append(accuracy(scores, *pictures))
    assert scores is not None
    return found, scores


def measure(
    round: int, recipe: str, epochs: int, pictures: int | None = None
) -> dict[str, object]:
    """Train once by a recipe; `pictures` takes fewer of them, to try the script."""
    torch.set_num_threads(THREADS)
    training, validation, test = raw_parts(pictures)
    before = matrix_rate()
    torch.manual_seed(round)
    found, scores = timed(RECIPES[recipe](training, epochs), validation)
    rates = [before, matrix_rate()]  # of this machine, around the training
    per_second = epochs * len(training[1]) / found["seconds"][-1]
    return {
        **found,
        "best": max(found["accuracy"]),
        "test_accuracy": accuracy(scores, *test),
        "images_per_second": shorter(per_second),
        "share_of_rate": shorter(per_second * operations(recipe) / median(rates), 3),
        "matrix_rates": [shorter(rate) for rate in rates],
        "threads": THREADS,
    }


if __name__ == "__main__":
    if "--try" in sys.argv:
        for recipe in EPOCHS:
            print(recipe, measure(0, recipe, 1, pictures=1_000), flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
