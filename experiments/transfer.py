"""What are weights learnt from photographs worth for sketches? From scratch, frozen and
fine-tuned, 200 steps on few sketches; the learning rate, and by whose mean and spread
the sketches are standardised, chosen on 500 others."""

import copy
import sys
from functools import cache
from itertools import product

import torch
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.resnet import augmented, small_resnet
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.fashion import load_fashion_mnist
from course_utils.data.model import Split
from course_utils.data.sketches import load_sketches

SEEDS, RATES, STEPS, BATCH = range(3), (0.1, 0.3, 1.0), 200, 100
STARTS = ("scratch", "frozen", "fine-tuned")
SETTINGS = [{"sketches": 100, "start": start} for start in STARTS]
RERUN = (2, {"test_accuracy": (0.7, 0.99)})  # 100 sketches, fine-tuned


def standardised(split: Split, by: Tensor) -> tuple[Tensor, Tensor]:
    """Return pictures with the mean and spread of others taken out, and labels."""
    by = by.float() / 255
    return (split.images.float() / 255 - by.mean()) / by.std(), split.labels


@cache
def source() -> nn.Sequential:
    """Return a network after 600 steps on photographs."""
    photographs = load_fashion_mnist().train
    x, y = standardised(photographs, photographs.images)
    torch.manual_seed(0)
    return steps_of(small_resnet(), 600, 0.3, x, y)


def steps_of(
    model: nn.Sequential, steps: int, rate: float, x: Tensor, y: Tensor
) -> nn.Sequential:
    """Train by one-cycle SGD, all parameters that want a gradient; return the model."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(wanted, rate, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        rows = torch.randperm(len(x))[:BATCH]
        train_step(model, augmented(x[rows]), y[rows], optimizer)
        schedule.step()
    return model.eval()


def adapted(seed: int, start: str, rate: float, x: Tensor, y: Tensor) -> nn.Module:
    """Return a network for sketches, from one of the three starts."""
    torch.manual_seed(seed)
    model = small_resnet()
    if start != "scratch":
        head = model[-1]
        model = copy.deepcopy(source()).train()
        model[-1] = head  # a new last layer
    if start == "frozen":
        model.eval().requires_grad_(False)  # the norms keep their statistics, too
        model[-1].requires_grad_(True)
    return steps_of(model, STEPS, rate, x, y)


def measure(sketches: int, start: str) -> dict[str, object]:
    """Choose the settings on validation with one run each; test three of the best."""
    drawn = load_sketches()
    by = {
        "sketches'": drawn.train.images[:sketches],
        "photographs'": load_fashion_mnist().train.images,
    }
    parts = {name: standardised(drawn.train, images) for name, images in by.items()}

    def run(seed: int, standard: str, rate: float) -> nn.Module:
        x, y = parts[standard]
        return adapted(seed, start, rate, x[:sketches], y[:sketches])

    found = {}
    for setting in product(by, RATES):
        x, y = parts[setting[0]]
        found[setting] = accuracy(run(100, *setting), x[-500:], y[-500:])
    best = max(found, key=lambda setting: found[setting])
    test = standardised(drawn.test, by[best[0]])
    return {
        "mean and spread": best[0],
        "rate": best[1],
        "test_accuracy": [accuracy(run(seed, *best), *test) for seed in SEEDS],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
