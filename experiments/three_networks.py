"""How good are a linear model, an MLP and two CNNs on FashionMNIST? 55,000 photographs
to train with, 5,000 to choose one of three learning rates by (one training of one epoch
each), then three trainings of four epochs with other seeds; the test photographs are
looked at once, at the end."""

import sys
from collections.abc import Callable
from functools import cache

import torch
from torch import nn

from course_utils.authoring.classifier import Pictures, cnn, fit, three_parts
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy
from course_utils.data.experiments import Row

TRIAL, SEEDS, EPOCHS = 100, (0, 1, 2), 4
RATES, HIGH_RATES = (0.001, 0.003, 0.009), (0.003, 0.009, 0.027)
SETTINGS: list[Row] = [
    {"network": "linear"},
    {"network": "MLP"},
    {"network": "CNN of lesson 05"},
    {"network": "CNN"},
]
RERUN = (0, {"test_accuracy": (0.83, 0.86)})


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


def mlp() -> nn.Module:
    layers = [nn.Flatten(), nn.Linear(28 * 28, 512), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def small_cnn() -> nn.Module:
    layers: list[nn.Module] = []
    for n_in, n_out in [(1, 16), (16, 32)]:
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


MAKE: dict[str, Callable[[], nn.Module]] = {
    "linear": linear,
    "MLP": mlp,
    "CNN of lesson 05": small_cnn,
    "CNN": cnn,
}


@cache
def parts() -> tuple[Pictures, Pictures, Pictures]:
    return three_parts(55_000)


def trained(network: str, seed: int, rate: float, epochs: int) -> nn.Module:
    torch.manual_seed(seed)
    return fit(MAKE[network](), parts()[0], rate, epochs, batch=125)


def measure(network: str) -> Row:
    torch.set_num_threads(1)
    _, validation, test = parts()
    rates = HIGH_RATES if network == "linear" else RATES
    tried = {
        rate: accuracy(trained(network, TRIAL, rate, 1), *validation) for rate in rates
    }
    best = max(rates, key=lambda rate: tried[rate])
    models = [trained(network, seed, best, EPOCHS) for seed in SEEDS]
    return {
        "parameters": sum(p.numel() for p in models[0].parameters()),
        **{f"at_{rate:g}": found for rate, found in tried.items()},
        "rate": best,
        "validation_accuracy": [accuracy(model, *validation) for model in models],
        "test_accuracy": [accuracy(model, *test) for model in models],
    }


if __name__ == "__main__":
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
