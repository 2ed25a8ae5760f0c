"""How deep can a transformer be trained, with its norms after the sum or before the
part, and with the learning rate warmed up or not? Eight digits are sorted."""

import sys
from itertools import product

import torch
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

LENGTH, WIDTH, HEADS = 8, 32, 2
STEPS, WARM_UP, BATCH = 200, 50, 32
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
SEEDS = range(3)
SETTINGS: list[Row] = [
    {"layers": layers, "norm": norm, "warm_up": warm_up}
    for layers, norm, warm_up in product((2, 6, 12, 24), ("post", "pre"), (False, True))
]
# 2 layers, pre-norm, no warm-up
RERUN = (2, {"test_accuracy": (0.9, 1.0)})


class Sorter(nn.Module):
    """Eight digits in; out, at each position, scores for its digit once sorted."""

    def __init__(self, layers: int, norm: str) -> None:
        super().__init__()
        self.digits = nn.Embedding(10, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        settings = {"dim_feedforward": 2 * WIDTH, "dropout": 0.0, "batch_first": True}
        first = norm == "pre"
        self.layers = nn.Sequential(
            *[
                nn.TransformerEncoderLayer(WIDTH, HEADS, norm_first=first, **settings)
                for _ in range(layers)
            ]
        )
        self.norm = nn.LayerNorm(WIDTH) if first else nn.Identity()
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, digits: Tensor) -> Tensor:
        x = self.digits(digits) + self.positions.weight
        return self.head(self.norm(self.layers(x)))


def _digits(n: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(10, (n, LENGTH), generator=draw)


def trained(seed: int, layers: int, norm: str, warm_up: bool, rate: float) -> Sorter:
    """Return a net after 200 steps of Adam; warm-up takes the first 50 of them."""
    torch.manual_seed(seed)
    net = Sorter(layers, norm)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    batches = _digits(STEPS * BATCH, 1_000 + seed).split(BATCH)
    for step, digits in enumerate(batches, start=1):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, step / WARM_UP) if warm_up else rate
        train_step(net, digits, digits.sort(dim=1).values, optimizer)
    return net


def right(net: Sorter, digits: Tensor) -> float:
    """Return the share of positions with the right digit."""
    return accuracy(net.eval(), digits, digits.sort(dim=1).values)


def measure(layers: int, norm: str, warm_up: bool) -> Row:
    """Choose the rate on validation with one run each; then test three new runs."""
    validation, test = _digits(1_000, 1), _digits(2_000, 2)
    found = {
        rate: right(trained(100, layers, norm, warm_up, rate), validation)
        for rate in RATES
    }
    best = max(RATES, key=lambda rate: found[rate])
    nets = [trained(seed, layers, norm, warm_up, best) for seed in SEEDS]
    return {
        **{f"at_{rate:g}": value for rate, value in found.items()},
        "rate": best,
        "test_accuracy": [right(net, test) for net in nets],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
