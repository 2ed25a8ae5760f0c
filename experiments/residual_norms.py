"""Where should the norm stand in a residual network, and does warm-up help?"""

import argparse
from itertools import product
from statistics import fmean

import torch
from torch import Tensor, nn

from course_utils.authoring.garments import first_twenty_thousand
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step

WIDTH, STEPS, WARM_UP, BATCH = 64, 200, 100, 64
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01)
SEEDS = range(3)
NORMS = {"post": nn.LayerNorm, "pre": nn.LayerNorm, "pre, RMS": nn.RMSNorm}
SETTINGS = [
    {"blocks": blocks, "norm": norm, "warm_up": warm_up}
    for blocks, norm, warm_up in [
        *product((2, 8, 24), ("post", "pre", "pre, RMS", "none"), (False,)),
        *product((24,), ("post", "pre"), (True,)),
    ]
]
# 8 blocks, pre-norm, no warm-up
RERUN = (5, {"test_accuracy": (0.72, 0.88), "size": (1.5, 4.0)})


class Block(nn.Module):
    """Two linear layers with a path past them; the norm after the sum or before."""

    def __init__(self, norm: str) -> None:
        super().__init__()
        self.post = norm == "post"
        self.norm = NORMS.get(norm, nn.Identity)(WIDTH)
        self.branch = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        for layer in (self.branch[0], self.branch[2]):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.post:
            return self.norm(x + self.branch(x))
        return x + self.branch(self.norm(x))


def tower(blocks: int, norm: str) -> nn.Sequential:
    """Return a network of residual blocks; pre-norm has one norm more, at the end."""
    last = NORMS[norm](WIDTH) if norm.startswith("pre") else nn.Identity()
    body = [Block(norm) for _ in range(blocks)]
    return nn.Sequential(nn.Linear(196, WIDTH), *body, last, nn.Linear(WIDTH, 10))


def trained(
    seed: int, blocks: int, norm: str, warm_up: bool, rate: float, x: Tensor, y: Tensor
) -> nn.Sequential:
    """Return a tower after 200 steps of Adam; warm-up takes the first 100 of them."""
    torch.manual_seed(seed)
    model = tower(blocks, norm)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for step, rows in enumerate(torch.randint(len(x), (STEPS, BATCH)), start=1):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, step / WARM_UP) if warm_up else rate
        train_step(model, x[rows], y[rows], optimizer)
    return model


def size_at_the_start(blocks: int, norm: str, x: Tensor) -> float:
    """Return the root mean square of a new tower's numbers after its last block."""
    torch.manual_seed(0)
    stream = tower(blocks, norm)[: blocks + 1](x[:256])
    return stream.square().mean().sqrt().item()


def measure(blocks: int, norm: str, warm_up: bool) -> dict[str, object]:
    """Train with each rate, three times; test those of the best on validation."""
    parts = {
        name: (x.flatten(1), y) for name, (x, y) in first_twenty_thousand().items()
    }
    models = {
        rate: [
            trained(seed, blocks, norm, warm_up, rate, *parts["training"])
            for seed in SEEDS
        ]
        for rate in RATES
    }
    found = {
        rate: [accuracy(model, *parts["validation"]) for model in runs]
        for rate, runs in models.items()
    }
    best = max(found, key=lambda rate: fmean(found[rate]))
    tested = [accuracy(model, *parts["test"]) for model in models[best]]
    return {
        "size": size_at_the_start(blocks, norm, parts["training"][0]),
        **{f"at_{rate:g}": runs for rate, runs in found.items()},
        "rate": best,
        "test_accuracy": tested,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="measure every row anew")
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, parser.parse_args().fresh)
