"""Does a network give the same answer when the garment moves by a pixel or two? The
CNN of lesson 06 with four ways to halve its maps, and with two heads."""

import sys
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.moves import framed_parts, moved
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_one_cycle
from course_utils.data.experiments import Row

RATES = (0.003, 0.01, 0.03)
SEEDS = range(3)
EPOCHS, BATCH = 4, 50
MOVES = (1, 2, 4)  # pixels; the garments have four to each side
HALVINGS = ("stride 2", "max", "average", "max, blur, skip")
HEADS = ("flatten", "global average")
SETTINGS: list[Row] = [
    {"head": head, "halved by": halving} for head in HEADS for halving in HALVINGS
]
# flatten, max
RERUN = (1, {"test accuracy": (0.8, 0.9), "same_1": (0.75, 0.95)})


class BlurPool(nn.Module):
    """Max pooling in three steps: a maximum at every place, a blur, a skip."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", torch.outer(weights, weights)[None, None])

    def forward(self, h: Tensor) -> Tensor:
        dense = F.max_pool2d(F.pad(h, (0, 1, 0, 1), mode="replicate"), 2, stride=1)
        channels = h.shape[1]
        kernel = self.kernel.expand(channels, -1, -1, -1)
        dense = F.pad(dense, (1, 1, 1, 1), mode="replicate")
        return F.conv2d(dense, kernel, stride=2, groups=channels)


class GlobalAverage(nn.Module):
    """The mean of each channel over all places."""

    def forward(self, h: Tensor) -> Tensor:
        return h.mean(dim=(2, 3))


def network(head: str, halving: str) -> nn.Sequential:
    """The lesson's PooledCNN, with a choice of its halvings and of its summary."""
    pools = {
        "max": nn.MaxPool2d(2),
        "average": nn.AvgPool2d(2),
        "max, blur, skip": BlurPool(),
    }
    body: list[nn.Module] = []
    for n_in, n_out, halved in [(1, 16, True), (16, 32, True), (32, 64, False)]:
        stride = 2 if halved and halving not in pools else 1
        body += [nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)]
        body += [nn.BatchNorm2d(n_out), nn.ReLU()]
        if halved and halving in pools:
            body.append(pools[halving])
    if head == "flatten":
        return nn.Sequential(*body, nn.Flatten(), nn.Linear(64 * 7 * 7, 10))
    return nn.Sequential(*body, GlobalAverage(), nn.Linear(64, 10))


def trained(setting: tuple[str, str], seed: int, rate: float, data: tuple) -> nn.Module:
    """Return a network after four epochs."""
    torch.manual_seed(seed)
    return train_one_cycle(network(*setting), *data, rate, EPOCHS, BATCH)


@torch.no_grad()
def same(model: nn.Module, x: Tensor, by: int) -> float:
    """Return the share of answers that stay, over moves in four directions."""
    before = model(x).argmax(1)
    stay = [(model(m).argmax(1) == before).double().mean() for m in moved(x, by)]
    return round(fmean(map(float, stay)), 4)


def measure(head: str, **setting: str) -> Row:
    """Choose the rate on validation with one run each; then test three new runs."""
    parts = framed_parts()
    kind, data = (head, setting["halved by"]), parts["training"]
    found = {
        rate: accuracy(trained(kind, 100, rate, data), *parts["validation"])
        for rate in RATES
    }
    rate = max(RATES, key=lambda rate: found[rate])
    models = [trained(kind, seed, rate, data) for seed in SEEDS]
    x_test, labels = parts["test"]
    row: Row = {"parameters": sum(p.numel() for p in models[0].parameters())}
    row |= {
        "rate": rate,
        "test accuracy": [accuracy(m, x_test, labels) for m in models],
    }
    for by in MOVES:
        row[f"same_{by}"] = [same(model, x_test[:2_000], by) for model in models]
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
