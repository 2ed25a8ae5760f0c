"""Two hundred training pictures: does dropout beat weight decay, early stopping and
augmentation, what do two of them give together, and where should it stand? Learning
rate and strength are chosen for each on 1,000 validation pictures, by accuracy and then
by loss; the test pictures are then looked at once, with five seeds."""

import sys
from copy import deepcopy
from functools import cache
from itertools import product
from statistics import fmean
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import Split, load_fashion_mnist
from course_utils.authoring.record import record
from course_utils.authoring.training import train_step

SOURCES: dict[str, Literal["real", "sketch"]] = {
    "photographs": "real",
    "sketches": "sketch",
}
RATES = (0.001, 0.003, 0.01)
STEPS, EVERY = 300, 15
TRIALS, SEEDS = (100, 101), (0, 1, 2, 3, 4)  # to choose with, to report
# what a rival varies, and how strongly
DROPOUT = {"dropout": (0.25, 0.5, 0.75)}
DECAY = {"decay": (0.3, 1.0, 3.0, 10.0)}
SHIFT = {"shift": (1, 2, 4)}
RIVALS: dict[str, dict[str, tuple[Any, ...]]] = {
    "nothing": {},
    "early stopping": {"stop": (1,)},
    "weight decay": DECAY,
    "augmentation": SHIFT,
    "dropout": DROPOUT,
    "dropout, early stopping": DROPOUT | {"stop": (1,)},
    "dropout, weight decay": {
        "dropout": (0.25, 0.5),
        "decay": (0.0, 0.3, 1.0, 3.0, 10.0),
    },
    "dropout, augmentation": {"dropout": (0.25, 0.5), "shift": (1, 2)},
    "nothing, twice as wide": {"width": (192,)},
    "dropout, twice as wide": DROPOUT | {"width": (192,)},
    "dropout on the pixels": DROPOUT | {"places": ("first",)},
    "dropout on hidden units": DROPOUT | {"places": ("second last",)},
    "dropout, not on the last": DROPOUT | {"places": ("first second",)},
}
BY_LOSS = ("nothing", "early stopping", "weight decay", "dropout")
SETTINGS = [
    {"pictures": "photographs", "rival": rival, "by": "accuracy"} for rival in RIVALS
]
SETTINGS += [
    {"pictures": "photographs", "rival": rival, "by": "loss"} for rival in BY_LOSS
]
SETTINGS += [
    {"pictures": "sketches", "rival": rival, "by": "accuracy"}
    for rival, varied in RIVALS.items()
    if "places" not in varied
]
RERUN = (21, {"accuracy": (0.68, 0.75), "loss": (0.7, 1.7)})


def network(width: int, p: float, places: str) -> nn.Sequential:
    """Dropout of 0.4 p on the pixels and p inside, as 0.2 and 0.5 in 2012."""
    first, second, last = (
        p * (place in places) for place in ("first", "second", "last")
    )
    layers = [nn.Dropout(0.4 * first), nn.Linear(196, width), nn.ReLU()]
    layers += [nn.Dropout(second), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(last), nn.Linear(width, 10))


def shrink(images: Tensor) -> Tensor:  # (N, 28, 28) -> (N, 196), from 0 to 1
    return F.avg_pool2d(images[:, None], 2).flatten(1)


def shifted(images: Tensor, most: int) -> Tensor:
    """Move each picture by up to `most` pixels, down or up, right or left."""
    count, padded = len(images), F.pad(images, [most] * 4)
    rows, columns = torch.randint(2 * most + 1, (2, count, 1)) + torch.arange(28)
    which = torch.arange(count)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]]


@cache
def splits(pictures: str) -> tuple[Split, Split]:
    data = load_fashion_mnist(SOURCES[pictures])
    return data.train, data.test


def draw(pictures: str, seed: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return 200 training and 1,000 validation pictures, and their labels."""
    train = splits(pictures)[0]
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(train.labels), generator=generator)[:1_200]
    images, labels = train.images[rows, 0] / 255, train.labels[rows]
    return (images[:200], labels[:200]), (shrink(images[200:]), labels[200:])


@torch.no_grad()
def score(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return accuracy and loss, in evaluation mode."""
    logits = model.eval()(images)
    right = (logits.argmax(dim=1) == labels).float().mean()
    return right.item(), F.cross_entropy(logits, labels).item()


def train(
    pictures: str,
    seed: int,
    rate: float,
    by: str,
    *,
    dropout: float = 0,
    decay: float = 0,
    shift: int = 0,
    stop: int = 0,
    width: int = 96,
    places: str = "first second last",
) -> tuple[nn.Module, float]:
    """Return a trained network and what it is worth on the validation pictures: its
    accuracy, or minus its loss."""
    kind = ("accuracy", "loss").index(by)

    def worth() -> float:
        return (1, -1)[kind] * score(model, *validation)[kind]

    (images, labels), validation = draw(pictures, seed)
    torch.manual_seed(seed)
    model, still = network(width, dropout, places), shrink(images)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    best, weights = -torch.inf, {}
    for step in range(1, STEPS + 1):
        x = shrink(shifted(images, shift)) if shift else still
        train_step(model.train(), x, labels, optimizer)
        if stop and step % EVERY == 0:
            if (now := worth()) > best:
                best, weights = now, deepcopy(model.state_dict())
    if stop:
        model.load_state_dict(weights)
    return model, worth()


def measure(pictures: str, rival: str, by: str) -> dict[str, object]:
    torch.set_num_threads(1)
    names, strengths = RIVALS[rival].keys(), product(*RIVALS[rival].values())
    tried = {}
    for rate, values in product(RATES, list(strengths)):
        strength = dict(zip(names, values, strict=True))
        runs = [train(pictures, seed, rate, by, **strength)[1] for seed in TRIALS]
        tried[rate, values] = fmean(runs)
    rate, values = max(tried, key=lambda setting: tried[setting])
    strength = dict(zip(names, values, strict=True))
    test = splits(pictures)[1]
    images = shrink(test.images[:, 0] / 255)
    models = [train(pictures, seed, rate, by, **strength)[0] for seed in SEEDS]
    scores = [score(model, images, test.labels) for model in models]
    return {
        "rate": rate,
        **{name: strength.get(name, 0) for name in ("dropout", "decay", "shift")},
        "accuracy": [round(accuracy, 4) for accuracy, _ in scores],
        "loss": [round(loss, 4) for _, loss in scores],
    }


if __name__ == "__main__":
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
