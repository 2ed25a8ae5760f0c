"""Every hidden unit starts far below 0, for all examples: which activation lets the net
learn all the same, and after how many steps?"""

import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.data.experiments import Row

ACTIVATIONS: dict[str, nn.Module] = {
    "ReLU": nn.ReLU(),
    "leaky ReLU": nn.LeakyReLU(0.1),
    "GELU": nn.GELU(),
}
LINE = "best line"  # by least squares, so the same after any number of steps
SETTINGS: list[Row] = [
    {"activation": activation} for activation in (LINE, *ACTIVATIONS)
]
SEEDS = range(3)
UNITS, LOWERED, LR, STEPS = 100, 5.0, 0.01, (300, 3_000, 20_000)
RERUN = (2, {"300 steps": (0.06, 0.1), "20,000 steps": (0, 0.03)})  # leaky ReLU


def best_line(x: Tensor, y: Tensor) -> float:
    """Return the loss of the linear function that fits best."""
    inputs = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    line = inputs @ torch.linalg.lstsq(inputs, y).solution
    return F.mse_loss(line, y).item()


def train(net: nn.Sequential, x: Tensor, y: Tensor) -> dict[int, float]:
    """Return the loss after each of the numbers of steps."""
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    losses: dict[int, float] = {}
    for step in range(1, max(STEPS) + 1):
        loss = F.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in STEPS:
            losses[step] = loss.item()
    return losses


def measure(activation: str) -> Row:
    row: Row = {f"{steps:,} steps": [] for steps in STEPS}
    below = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        cloud = 2 * torch.rand(300, 2) - 1
        distance = cloud.norm(dim=1, keepdim=True)
        if activation == LINE:
            losses = dict.fromkeys(STEPS, best_line(cloud, distance))
        else:
            bend = ACTIVATIONS[activation]
            net = nn.Sequential(nn.Linear(2, UNITS), bend, nn.Linear(UNITS, 1))
            net[0].bias.data -= LOWERED
            losses = train(net, cloud, distance)
            below.append((net[0](cloud) <= 0).all(dim=0).sum().item())
        for steps, loss in losses.items():
            row[f"{steps:,} steps"].append(round(loss, 5))
    return row | ({"below 0": below} if below else {})


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
