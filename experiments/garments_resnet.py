"""How far does a small residual network come on the garments? 55,000 pictures mirrored
and moved at random; the peak of the learning rate chosen on 5,000 others."""

import sys
from statistics import fmean

import torch
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.resnet import (
    augmented,
    mirrored_scores,
    small_resnet,
    standardised_parts,
)
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import load_experiment

WIDTH, BATCH, SEEDS = 32, 200, range(3)
SETTINGS = [
    *({"epochs": 1, "rate": rate} for rate in (0.1, 0.3, 1.0, 3.0)),
    {"epochs": 5},
]
RERUN = (1, {"validation_accuracy": (0.84, 0.93)})  # one epoch with rate 0.3


def trained(seed: int, epochs: int, rate: float, x: Tensor, y: Tensor) -> nn.Module:
    """Return a network after some epochs of one-cycle SGD, in evaluation mode."""
    torch.manual_seed(seed)
    model = small_resnet(WIDTH).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = epochs * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.25
    )
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH)[: len(x) // BATCH]:
            pictures = augmented(x[rows]).contiguous(memory_format=torch.channels_last)
            train_step(model, pictures, y[rows], optimizer)
            schedule.step()
    return model.eval()


def best_rate() -> float:
    """Return the rate of the rows of one epoch that did best on validation."""
    rows = load_experiment("garments_resnet").select(epochs=1)
    return max(rows, key=lambda row: fmean(row["validation_accuracy"]))["rate"]


def measure(epochs: int, rate: float | None = None) -> dict[str, object]:
    """Train one network; without a rate three, with the best rate, and test them.

    `together` is the accuracy of the three networks' mean scores.
    """
    data, known = standardised_parts(), rate or best_rate()
    seeds = SEEDS if rate is None else SEEDS[:1]
    models = [trained(seed, epochs, known, *data["training"]) for seed in seeds]
    identity = nn.Identity()
    row: dict[str, object] = {"rate": known}
    for part in ("validation", "test") if rate is None else ("validation",):
        x, y = data[part]
        each = [mirrored_scores(model, x) for model in models]
        row[f"{part}_accuracy"] = [accuracy(identity, one, y) for one in each]
        if rate is None:
            row[f"{part}_together"] = accuracy(identity, torch.stack(each).sum(0), y)
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
