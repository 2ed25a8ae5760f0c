"""Do more layers lower the training loss? Plain networks of 8, 20 and 32 layers, and
the same with shortcuts; with shortcuts that halve; with branches that start at 0."""

import sys
from itertools import pairwise
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.garments import first_twenty_thousand
from course_utils.authoring.record import record

RATES = (0.03, 0.1, 0.3)
SEEDS, STEPS, BATCH, EVERY = range(3), 200, 64, 25
SETTINGS = [
    *({"kind": "plain", "layers": layers} for layers in (8, 20, 32)),
    *({"kind": "residual", "layers": layers} for layers in (8, 20, 32)),
    {"kind": "half a shortcut", "layers": 32},
    {"kind": "last γ at 0", "layers": 32},
]
RERUN = (0, {"training_loss": (0.4, 0.75)})  # plain, 8 layers


class Pair(nn.Module):
    """Two convolutions with BatchNorm, with a shortcut without weights, or none."""

    def __init__(self, c_in: int, c_out: int, kind: str) -> None:
        super().__init__()
        self.share = {"plain": 0.0, "half a shortcut": 0.5}.get(kind, 1.0)
        self.stride = c_out // c_in
        self.conv1 = nn.Conv2d(c_in, c_out, 3, self.stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(c_out), nn.BatchNorm2d(c_out)
        for conv in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        if kind == "last γ at 0":
            nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.share:  # where the size changes: every other pixel, channels of 0
            x = self.share * x[:, :, :: self.stride, :: self.stride]
            branch = branch + F.pad(x, (0, 0, 0, 0, 0, branch.shape[1] - x.shape[1]))
        return branch.relu()


def network(kind: str, layers: int) -> nn.Sequential:
    """Return a network of 8, 14, 20, … layers with weights, in three stages."""
    stem = [nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    widths = [8] + [w for w in (8, 16, 32) for _ in range((layers - 2) // 6)]
    pairs = [Pair(a, b, kind) for a, b in pairwise(widths)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(*stem, *pairs, *head)


def losses(
    kind: str, layers: int, rate: float, seed: int, x: Tensor, y: Tensor
) -> list[float]:
    """Return the training loss of each 25 steps: the mean of their batches' losses."""
    torch.manual_seed(seed)
    model, found = network(kind, layers), []
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for rows in torch.randint(len(x), (STEPS, BATCH)):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    parts = torch.tensor(found).view(-1, EVERY).mean(1)
    return [round(part, 4) for part in parts.tolist()]


def measure(kind: str, layers: int) -> dict[str, object]:
    """Train with each rate, three times; the best rate has the lowest loss at the end.

    The losses of the last 25 steps count. `curve` is the mean of the best rate's runs.
    """
    x, y = first_twenty_thousand()["training"]
    curves = {
        rate: [losses(kind, layers, rate, seed, x, y) for seed in SEEDS]
        for rate in RATES
    }
    ends = {rate: [run[-1] for run in runs] for rate, runs in curves.items()}
    best = min(RATES, key=lambda rate: fmean(ends[rate]))
    return {
        **{f"at_{rate:g}": runs for rate, runs in ends.items()},
        "rate": best,
        "training_loss": ends[best],
        "curve": [round(fmean(step), 4) for step in zip(*curves[best], strict=True)],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
