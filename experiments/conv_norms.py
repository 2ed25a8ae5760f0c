"""What does BatchNorm gain in a small convolutional network, before or after its ReLU?
Four convolutions, 200 steps, each learning rate three times."""

import sys
from statistics import fmean

import torch
from torch import Tensor, nn

from course_utils.authoring.garments import first_twenty_thousand
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
SEEDS, STEPS, BATCH = range(3), 200, 64
SETTINGS = [{"norm": norm} for norm in ("none", "before", "after")]
RERUN = (1, {"test_accuracy": (0.75, 0.95)})  # before the ReLU


def network(norm: str) -> nn.Sequential:
    """Four convolutions of 3 × 3, two poolings, one linear layer; He's weights."""
    layers: list[nn.Module] = []
    for c_in, c_out, pool in [(1, 16, 0), (16, 16, 1), (16, 32, 0), (32, 32, 1)]:
        layers.append(nn.Conv2d(c_in, c_out, 3, padding=1))
        layers += [nn.BatchNorm2d(c_out)] * (norm == "before")
        layers.append(nn.ReLU())
        layers += [nn.BatchNorm2d(c_out)] * (norm == "after")
        layers += [nn.MaxPool2d(2)] * pool
    layers += [nn.Flatten(), nn.Linear(32 * 3 * 3, 10)]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(*layers)


def trained(seed: int, norm: str, rate: float, x: Tensor, y: Tensor) -> nn.Sequential:
    """Return a network after 200 steps of plain SGD, in evaluation mode."""
    torch.manual_seed(seed)
    model = network(norm)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for rows in torch.randint(len(x), (STEPS, BATCH)):
        train_step(model, x[rows], y[rows], optimizer)
    return model.eval()


def measure(norm: str) -> dict[str, object]:
    """Train with each rate, three times; test those of the best on validation."""
    parts = first_twenty_thousand()
    models = {
        rate: [trained(seed, norm, rate, *parts["training"]) for seed in SEEDS]
        for rate in RATES
    }
    found = {
        rate: [accuracy(model, *parts["validation"]) for model in runs]
        for rate, runs in models.items()
    }
    best = max(RATES, key=lambda rate: fmean(found[rate]))
    return {
        **{f"at_{rate:g}": runs for rate, runs in found.items()},
        "rate": best,
        "test_accuracy": [accuracy(model, *parts["test"]) for model in models[best]],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
