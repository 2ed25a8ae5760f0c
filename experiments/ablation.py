"""Which of the choices in lesson 10's CNN pay? One is changed at a time, in trainings
on 5,000 photographs, 6 epochs each (12 in the last two rows). Three learning rates
each, three seeds; the rate is chosen by the mean accuracy on 5,000 validation
photographs, and its three networks are then tested once."""

import sys
from functools import cache
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.authoring.classifier import Pictures, cnn, fit, three_parts
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy
from course_utils.data.experiments import Row

SEEDS = (0, 1, 2)
RATES, LOW_RATES = (0.002, 0.006, 0.02), (0.0002, 0.0007, 0.002)
SETTINGS: list[Row] = [
    {"change": "nothing"},
    {"change": "norm before the pool"},
    {"change": "no norm"},
    {"change": "constant learning rate"},
    {"change": "weight decay 0"},
    {"change": "weight decay 0.3"},
    {"change": "dropout 0.25"},
    {"change": "dropout 0.5"},
    {"change": "mirrored at random"},
    {"change": "mirrored and shifted"},
    {"change": "half the width"},
    {"change": "twice the width"},
    {"change": "12 epochs"},
    {"change": "12 epochs, mirrored"},
]
RERUN = (10, {"test_accuracy": (0.855, 0.895)})  # half the width


@cache
def parts() -> tuple[Pictures, Pictures, Pictures]:
    return three_parts(5_000)


def mirrored(x: Tensor) -> Tensor:
    """Mirror half of the pictures, left to right."""
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)


def shifted(x: Tensor, most: int = 2) -> Tensor:
    """Move each picture by up to `most` pixels, down or up, right or left."""
    padded = F.pad(x, [most] * 4, value=x.min().item())
    rows, columns = torch.randint(2 * most + 1, (2, len(x), 1)) + torch.arange(28)
    which = torch.arange(len(x))[:, None, None]
    return padded[which, 0, rows[:, :, None], columns[:, None, :]][:, None]


BUILD = {
    "norm before the pool": {"norm": "before the pool"},
    "no norm": {"norm": "none"},
    "dropout 0.25": {"dropout": 0.25},
    "dropout 0.5": {"dropout": 0.5},
    "half the width": {"width": 8},
    "twice the width": {"width": 32},
}
TRAIN = {
    "constant learning rate": {"cycle": False},
    "weight decay 0": {"decay": 0},
    "weight decay 0.3": {"decay": 0.3},
    "mirrored at random": {"augment": mirrored},
    "mirrored and shifted": {"augment": lambda x: shifted(mirrored(x))},
    "12 epochs": {"epochs": 12},
    "12 epochs, mirrored": {"epochs": 12, "augment": mirrored},
}


def trained(seed: int, rate: float, change: str) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = cnn(**BUILD.get(change, {}))
    return fit(model, parts()[0], rate, **{"epochs": 6} | TRAIN.get(change, {}))


def measure(change: str) -> Row:
    torch.set_num_threads(1)
    _, validation, test = parts()
    low = change == "constant learning rate"
    rates = LOW_RATES if low else RATES
    models = {rate: [trained(seed, rate, change) for seed in SEEDS] for rate in rates}
    found = {
        rate: [accuracy(model, *validation) for model in runs]
        for rate, runs in models.items()
    }
    best = max(rates, key=lambda rate: fmean(found[rate]))
    return {
        "rates": list(rates),
        "validation_means": [round(fmean(found[rate]), 4) for rate in rates],
        "rate": best,
        "parameters": sum(p.numel() for p in models[best][0].parameters()),
        "test_accuracy": [accuracy(model, *test) for model in models[best]],
    }


if __name__ == "__main__":
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
