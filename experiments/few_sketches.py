"""How many labelled sketches does a network of photographs need? From scratch, or from
a CNN that has learnt 20,000 photographs: all its layers, or the last alone. 100 steps,
five learning rates each, five seeds (other sketches, weights and CNN); the rate is
chosen on 500 validation sketches, more than anybody with ten labels has; then the test
sketches are looked at once."""

import sys
from copy import deepcopy
from functools import cache
from statistics import fmean

import torch
from torch import nn

from course_utils import load_sketches
from course_utils.authoring.classifier import Pictures, cnn, fit, three_parts
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy
from course_utils.data.experiments import Row
from course_utils.data.fashion import load_fashion_mnist

SEEDS, STEPS = range(5), 100
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
STARTS = ("scratch", "photographs", "photographs, last layer only")
SETTINGS: list[Row] = [{"labelled": 0, "start": "photographs"}]
SETTINGS += [
    {"labelled": labelled, "start": start}
    for labelled in (10, 100, 1_000)
    for start in STARTS
]
RERUN = (5, {"test_accuracy": (0.7, 0.97)})


@cache
def sketches() -> tuple[Pictures, Pictures]:
    """Return training and test sketches, standardised as the photographs are."""
    pixels = load_fashion_mnist().train.images / 255
    mean, std = pixels.mean(), pixels.std()
    first, second = [
        ((split.images / 255 - mean) / std, split.labels)
        for split in (load_sketches().train, load_sketches().test)
    ]
    return first, second


@cache
def of_photographs(seed: int) -> nn.Module:
    photographs, _, _ = three_parts(20_000)
    torch.manual_seed(seed)
    return fit(cnn(), photographs, 0.006, 2)


def draw(seed: int, labelled: int) -> tuple[Pictures, Pictures]:
    """Return as many sketches of each class, and 500 others to choose with."""
    x, y = sketches()[0]
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(y), generator=generator)
    held, rest = shuffled[:500], shuffled[500:]
    each = [rest[y[rest] == c][: labelled // 10] for c in range(10)]
    return (x[torch.cat(each)], y[torch.cat(each)]), (x[held], y[held])


def trained(seed: int, rate: float, labelled: int, start: str) -> nn.Module:
    pictures, _ = draw(seed, labelled)
    model = deepcopy(of_photographs(seed))
    torch.manual_seed(seed)
    if start == "scratch":
        model = cnn()
    elif start.endswith("only"):
        inside = nn.Sequential(*list(model.children())[:-1])
        last = list(model.children())[-1]
        with torch.no_grad():  # the layers below stay as they are, statistics too
            features = inside(pictures[0])
        fit(last, (features, pictures[1]), rate, epochs_for(labelled), batch=50)
        return nn.Sequential(inside, last).eval()
    return fit(model, pictures, rate, epochs_for(labelled), batch=50)


def epochs_for(labelled: int) -> int:
    return STEPS * 50 // max(labelled, 50)


def measure(labelled: int, start: str) -> Row:
    torch.set_num_threads(1)
    test = sketches()[1]
    if labelled == 0:
        found = [accuracy(of_photographs(seed), *test) for seed in SEEDS]
        return {"test_accuracy": found}
    models = {
        rate: [trained(seed, rate, labelled, start) for seed in SEEDS] for rate in RATES
    }
    worth = {
        rate: fmean(
            accuracy(model, *draw(seed, labelled)[1])
            for seed, model in zip(SEEDS, runs, strict=True)
        )
        for rate, runs in models.items()
    }
    best = max(RATES, key=lambda rate: worth[rate])
    return {
        "rate": best,
        "test_accuracy": [accuracy(model, *test) for model in models[best]],
    }


if __name__ == "__main__":
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
