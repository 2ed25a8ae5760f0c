"""How many seconds until a garment classifier is right so often? Recipes of first
courses and the lesson's own, in turns; 55,000 pictures to train with, accuracy on
5,000 others after every epoch, the clock stopped meanwhile; the test set at the end."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from course_utils.authoring.classifier import Pictures, raw_parts
from course_utils.authoring.clock import matrix_rate, shorter, wait
from course_utils.authoring.recipes import RECIPES, Quick, Scores
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy

THREADS = int(os.environ.get("COURSE_THREADS", "2"))
Race = tuple[str, float, int]  # recipe, epochs, rounds
# Epochs as published; ours in several lengths, since a schedule counts at its end only.
# A round's number is its seed as well. What takes minutes comes more seldom: it is
# beaten by factors or not at all, and the rows show how often.
RACES: list[Race] = [
    ("quickstart", 10, 3),
    ("textbook MLP", 10, 3),
    ("TinyVGG", 3, 2),
    ("our MLP", 1, 5),
    ("our MLP", 2, 5),
    ("our MLP", 3, 5),
    ("our CNN", 0.75, 5),
    ("our CNN", 1, 5),
    ("our CNN", 2, 3),
    ("our CNN", 4, 3),
    ("our ResNet, 2 blocks", 6, 3),
    ("our ResNet, 3 blocks", 10, 3),
    ("our ResNet, on CUDA", 30, 3),
]
# The control: how much of the quickstart's factor is its rate alone?
CONTROL: list[Race] = [("quickstart, rate 0.1", 6, 3)]
# They take longest.
LAST: list[Race] = [("LeNet", 10, 1), ("fast.ai", 5, 1)]
# The rates of ours were tried on validation pictures, with a seed of its own. Neither
# an epoch nor a whole race tells those of the three blocks apart. Muon's rate is
# varied; the rate of the AdamW beside it stays.
RATES: list[tuple[str, int, list[float]]] = [  # recipe, epochs, rates
    ("our MLP", 1, [0.001, 0.003, 0.009]),
    ("our CNN", 1, [0.009, 0.027, 0.081]),
    ("our ResNet, 3 blocks", 1, [0.025, 0.05, 0.1]),  # with 2 blocks the same
    ("our ResNet, 3 blocks", 10, [0.05, 0.1, 0.2]),
]


def in_rounds(races: list[Race]) -> list[dict[str, Any]]:
    """Return all races once, then all again, as often as each has rounds."""
    return [
        {"round": number, "recipe": recipe, "epochs": epochs}
        for number in range(max(rounds for _, _, rounds in races))
        for recipe, epochs, rounds in races
        if number < rounds
    ]


SETTINGS: list[dict[str, Any]] = [
    *(
        {"round": 100, "recipe": recipe, "epochs": epochs, "rate": rate}
        for recipe, epochs, rates in RATES
        for rate in rates
    ),
    *in_rounds(RACES),
    *in_rounds(CONTROL),
    *in_rounds(LAST),
]
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
        wait()
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
    round: int,
    recipe: str,
    epochs: float,
    rate: float | None = None,
    pictures: int | None = None,
) -> dict[str, object]:
    """Train once by a recipe; `pictures` takes fewer of them, to try the script.

    With a `rate` the recipe is one that is still to be chosen, so the test set stays
    unseen.
    """
    chosen = RECIPES[recipe]
    if isinstance(chosen, Quick):
        if chosen.device == "cuda" and not torch.cuda.is_available():
            return {"note": "no CUDA here: not run"}
        chosen = chosen if rate is None else replace(chosen, rate=rate)
    torch.set_num_threads(THREADS)
    training, validation, test = raw_parts(pictures)
    before = matrix_rate()
    torch.manual_seed(round)
    found, scores = timed(chosen(training, epochs), validation)
    rates = [before, matrix_rate()]  # of this machine, around the training
    per_second = epochs * len(training[1]) / found["seconds"][-1]
    return {
        **found,
        "best": max(found["accuracy"]),
        "test_accuracy": None if rate is not None else accuracy(scores, *test),
        "images_per_second": shorter(per_second),
        "share_of_rate": shorter(per_second * operations(recipe) / median(rates), 3),
        "matrix_rates": [shorter(one) for one in rates],
        "threads": THREADS,
    }


if __name__ == "__main__":
    if "--try" in sys.argv:
        for recipe in RECIPES:
            print(recipe, measure(0, recipe, 1, pictures=1_000), flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
