"""Does another residual network, by another recipe, reach 0.94 on the garments? Two
blocks; a first convolution of stride 1; a head that flattens; Muon for the other
convolutions, AdamW for the rest; moves by a pixel; smoothed labels; answers averaged
over ten views. Muon's rate is chosen by narrow networks in short runs, on 5,000
pictures that are not trained on."""

import sys
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from course_utils.authoring.muon import muon_and_adamw
from course_utils.authoring.record import record
from course_utils.authoring.resnet import (
    augmented,
    garment_resnet,
    standardised_parts,
    ten_views,
)
from course_utils.authoring.training import accuracy, triangle
from course_utils.data.experiments import load_experiment

BATCH, WARM_UP, SMOOTHING = 128, 0.25, 0.1
SETTINGS = [
    *({"width": 16, "epochs": 3, "rate": rate} for rate in (0.02, 0.05, 0.1)),
    *({"width": 48, "epochs": 16, "seed": seed} for seed in range(3)),
]
RERUN = (1, {"val, 10 views": (0.88, 0.93)})  # rate 0.05


def trained(
    seed: int, width: int, epochs: int, rate: float, x: Tensor, y: Tensor
) -> nn.Module:
    """Return a network after some epochs, in evaluation mode.

    The rates rise for a quarter of the steps, then fall to 0, both in a straight line.
    """
    torch.manual_seed(seed)
    model = garment_resnet(width).to(memory_format=torch.channels_last)
    steps = len(x) // BATCH * epochs
    both = muon_and_adamw(model, rate)
    share = partial(triangle, steps=steps, warm=WARM_UP)
    schedules = [LambdaLR(optimizer, share) for optimizer in both]
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH)[: len(x) // BATCH]:
            pictures = augmented(x[rows], 1).contiguous(
                memory_format=torch.channels_last
            )
            model.zero_grad()
            F.cross_entropy(
                model(pictures), y[rows], label_smoothing=SMOOTHING
            ).backward()
            for optimizer, schedule in zip(both, schedules, strict=True):
                optimizer.step()
                schedule.step()
    return model.eval()


def best_rate() -> float:
    """Return the rate of the short runs that did best on validation."""
    rows = [row for row in load_experiment("garments_long").rows if row["epochs"] == 3]
    return max(rows, key=lambda row: row["val, 10 views"])["rate"]


def correct(scores: Tensor, y: Tensor) -> float:
    """Return the share of rows whose largest score is that of the label."""
    return accuracy(nn.Identity(), scores, y)


@torch.no_grad()
def measured(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """Return the accuracy by one view of each picture, and by ten."""
    one = torch.cat([model(part) for part in x.split(1000)])
    return {"1 view": correct(one, y), "10 views": correct(ten_views(model, x), y)}


def measure(
    width: int, epochs: int, rate: float | None = None, seed: int | None = None
) -> dict[str, object]:
    """Train one network; without a rate with the best one, and then test it."""
    data, known = standardised_parts(), rate or best_rate()
    model = trained(seed or 0, width, epochs, known, *data["training"])
    row: dict[str, object] = {"rate": known}
    parts = {"val": "validation"} | ({"test": "test"} if rate is None else {})
    for name, part in parts.items():
        for views, share in measured(model, *data[part]).items():
            row[f"{name}, {views}"] = share
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
