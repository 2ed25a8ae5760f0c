"""Does a network know a garment that stands elsewhere? Trained on small garments in the
middle, tested with test garments moved to the right by 0 to 8 pixels; and on whole
pictures, as they are and with all pixels in another order."""

import sys
from collections.abc import Callable
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row
from course_utils.data.fashion import load_fashion_mnist

RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
SEEDS = range(3)
SHIFTS = range(9)
EPOCHS, BATCH = 6, 64


class Mean(nn.Module):
    """The mean of each channel over all places."""

    def forward(self, h: Tensor) -> Tensor:
        return h.mean(dim=(2, 3))


class Largest(nn.Module):
    """The largest number of each channel."""

    def forward(self, h: Tensor) -> Tensor:
        return h.amax(dim=(2, 3))


def stage(n_in: int, n_out: int) -> list[nn.Module]:
    """One convolution, a ReLU, and half the size."""
    return [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]


def cnn(summary: nn.Module, features: int) -> nn.Sequential:
    """The lesson's SmallCNN, with a choice of what comes before the last layer."""
    return nn.Sequential(
        *stage(1, 16), *stage(16, 32), summary, nn.Linear(features, 10)
    )


def mlp() -> nn.Sequential:
    """One hidden layer of 128."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)
    )


NETS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
    "MLP": mlp,
    "CNN": lambda: cnn(nn.Flatten(), 32 * 7 * 7),
    "CNN, global mean": lambda: cnn(Mean(), 32),
    "CNN, global max": lambda: cnn(Largest(), 32),
}
SETTINGS = [
    *({"pictures": "small", "net": net} for net in NETS),
    *(
        {"pictures": pictures, "net": net}
        for pictures in ("whole", "shuffled")
        for net in list(NETS)[:3]
    ),
]
# the MLP with small garments
RERUN = (1, {"shift_0": (0.74, 0.88), "shift_4": (0.08, 0.3)})


def whole(images: Tensor) -> Tensor:
    """The pictures as they are, from 0 to 1."""
    return images / 255


def small(images: Tensor) -> Tensor:
    """Garments of 12 × 12 in the middle of a frame of 28 × 28."""
    return F.pad(F.adaptive_avg_pool2d(images / 255, 12), (8, 8, 8, 8))


def shuffled(images: Tensor) -> Tensor:
    """All pixels in another order, the same for every picture."""
    order = torch.randperm(784, generator=torch.Generator().manual_seed(5))
    return (images / 255).flatten(2)[..., order].reshape(images.shape)


def trained(net: str, seed: int, rate: float, x: Tensor, y: Tensor) -> nn.Module:
    """Return a network after six epochs of Adam."""
    torch.manual_seed(seed)
    model = NETS[net]()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            train_step(model, x[rows], y[rows], optimizer)
    return model


def measure(pictures: str, net: str) -> Row:
    """Train three times with each rate; test those of the best on validation."""
    data = load_fashion_mnist()
    prepare = {"whole": whole, "small": small, "shuffled": shuffled}[pictures]
    x, y = prepare(data.train.images[:15_000]), data.train.labels[:15_000]
    cut = len(x) * 2 // 3  # 10,000 for training, 5,000 for validation
    models = {
        rate: [trained(net, seed, rate, x[:cut], y[:cut]) for seed in SEEDS]
        for rate in RATES
    }
    found = {
        rate: fmean(accuracy(model, x[cut:], y[cut:]) for model in runs)
        for rate, runs in models.items()
    }
    best = max(RATES, key=lambda rate: found[rate])
    count = sum(p.numel() for p in models[best][0].parameters())
    row: Row = {"parameters": count, "rate": best}
    x_test, labels = prepare(data.test.images), data.test.labels
    for shift in SHIFTS if pictures == "small" else [0]:
        moved = F.pad(x_test, (shift, -shift))
        row[f"shift_{shift}"] = [accuracy(m, moved, labels) for m in models[best]]
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
