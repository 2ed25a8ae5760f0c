"""What does a head cost, and what is it good for? Two blocks as in VGG with five
heads, trained on small garments in a frame, and tested on others, as they are and moved
by 2 and by 4 pixels in four directions."""

import sys
from statistics import fmean

import torch
from torch import Tensor, nn

from course_utils.authoring.moves import framed_parts, moved
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_one_cycle
from course_utils.data.experiments import Row

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SEEDS = range(3)
EPOCHS, BATCH = 4, 50
MOVES = (2, 4)  # pixels; the garments have four to each side
HEADS = ("as in VGG", "one Linear", "2 × 2", "as in NiN", "as in ResNet")
SETTINGS: list[Row] = [{"head": head} for head in HEADS]
# one Linear
RERUN = (1, {"test accuracy": (0.8, 0.92), "moved_4": (0.2, 0.7)})


def vgg_block(n_in: int, n_out: int, convolutions: int) -> nn.Sequential:
    """Return convolutions from n_in to n_out maps, then a pooling that halves."""
    layers: list[nn.Module] = []
    for number in range(convolutions):
        start = n_out if number else n_in
        layers += [nn.Conv2d(start, n_out, 3, padding=1)]
        layers += [nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def head_of(kind: str) -> list[nn.Module]:
    """Return the layers from 32 maps of 7 × 7 to ten scores."""
    if kind == "as in VGG":
        wide = [nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout()]
        return [nn.Flatten(), *wide, nn.Linear(128, 10)]
    if kind == "as in NiN":
        means = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return [nn.Conv2d(32, 10, 1), nn.ReLU(), *means]
    side = {"one Linear": 7, "2 × 2": 2, "as in ResNet": 1}[kind]
    pool = [nn.AdaptiveAvgPool2d(side)] if side < 7 else []
    return [*pool, nn.Flatten(), nn.Linear(32 * side * side, 10)]


def trained(head: str, seed: int, rate: float, data: tuple) -> nn.Module:
    """Return a network after four epochs."""
    torch.manual_seed(seed)
    blocks = [vgg_block(1, 16, 1), vgg_block(16, 32, 2)]
    model = nn.Sequential(*blocks, *head_of(head))
    return train_one_cycle(model, *data, rate, EPOCHS, BATCH)


def named(model: nn.Module, x: Tensor, y: Tensor, by: int) -> float:
    """Return the accuracy on moved pictures, the mean over four directions."""
    return round(fmean(accuracy(model, m, y) for m in moved(x, by)), 4)


def measure(head: str) -> Row:
    """Choose the rate on validation with one run each; then test three new runs."""
    parts = framed_parts()
    data = parts["training"]
    found = {
        rate: accuracy(trained(head, 100, rate, data), *parts["validation"])
        for rate in RATES
    }
    rate = max(found, key=lambda rate: found[rate])
    models = [trained(head, seed, rate, data) for seed in SEEDS]
    x_test, labels = parts["test"]
    count = sum(p.numel() for layer in head_of(head) for p in layer.parameters())
    row: Row = {"parameters": count, "rate": rate}
    row["test accuracy"] = [accuracy(model, x_test, labels) for model in models]
    for by in MOVES:
        row[f"moved_{by}"] = [named(model, x_test, labels, by) for model in models]
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
