"""How small may a batch be? The same number of pictures, 6,400, in batches of 2 to 64;
the learning rate is chosen for each row on validation pictures. BatchNorm also with
the statistics of all training pictures, taken afterwards."""

import sys
from collections.abc import Callable
from statistics import fmean

import torch
from torch import Tensor, nn

from course_utils.authoring.garments import first_twenty_thousand
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "BatchNorm": nn.BatchNorm1d,
    "LayerNorm": nn.LayerNorm,
    "none": nn.Identity,
}
PICTURES, WIDTH = 6_400, 64
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SEEDS = range(3)
SETTINGS = [
    {"norm": norm, "batch": batch} for norm in NORMS for batch in (2, 4, 16, 64)
]
# BatchNorm, batches of 64
RERUN = (3, {"test_accuracy": (0.7, 0.87)})


def network(norm: str) -> nn.Sequential:
    """Two hidden layers, each with a norm before its ReLU."""
    layers, n_in = [], 196
    for _ in range(2):
        layers += [nn.Linear(n_in, WIDTH), NORMS[norm](WIDTH), nn.ReLU()]
        n_in = WIDTH
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10))


def trained(
    seed: int, norm: str, batch: int, rate: float, x: Tensor, y: Tensor
) -> nn.Sequential:
    """Return a network after 6,400 pictures of plain SGD, in evaluation mode."""
    torch.manual_seed(seed)
    model = network(norm)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for rows in torch.randint(len(x), (PICTURES // batch, batch)):
        train_step(model, x[rows], y[rows], optimizer)
    return model.eval()


@torch.no_grad()
def with_all_statistics(model: nn.Module, x: Tensor) -> nn.Module:
    """Replace the running statistics by those of all training pictures at once."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.momentum = 1.0
            layer.train()
    model(x)
    return model.eval()


def measure(norm: str, batch: int) -> Row:
    """Train with each rate, three times; test those of the best on validation."""
    parts = {
        name: (x.flatten(1), y) for name, (x, y) in first_twenty_thousand().items()
    }
    models = {
        rate: [trained(seed, norm, batch, rate, *parts["training"]) for seed in SEEDS]
        for rate in RATES
    }
    found = {
        rate: fmean(accuracy(model, *parts["validation"]) for model in runs)
        for rate, runs in models.items()
    }
    best = max(RATES, key=lambda rate: found[rate])
    runs, test = models[best], parts["test"]
    row: Row = {"rate": best, "test_accuracy": [accuracy(run, *test) for run in runs]}
    if norm == "BatchNorm":  # are running statistics the trouble?
        again = [with_all_statistics(run, parts["training"][0]) for run in runs]
        row["all_statistics"] = [accuracy(run, *test) for run in again]
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
