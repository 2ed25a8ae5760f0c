"""Softmax or ReLU after the last layer, before the cross-entropy loss: what do they
cost after 300 steps, and what after 3,000?"""

import sys

import torch
from torch import Tensor, nn

from course_utils.authoring.garments import after_a_twelfth
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

HEADS: dict[str, nn.Module] = {
    "none (logits)": nn.Identity(),
    "softmax": nn.Softmax(dim=1),
    "ReLU": nn.ReLU(),
}
SETTINGS: list[Row] = [
    {"at the end": head, "steps": steps} for head in HEADS for steps in (300, 3_000)
]
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)  # one is chosen for each row, by validation
SEEDS = range(5)
BATCH = 100
RERUN = (0, {"test accuracy": (0.78, 0.92)})  # logits, 300 steps

Data = tuple[Tensor, Tensor]


def train(head: str, steps: int, data: Data, lr: float, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    body = [nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 10)]
    net = nn.Sequential(*body, HEADS[head])
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    x, y = data
    for _ in range(steps):
        rows = torch.randint(len(x), (BATCH,))
        train_step(net, x[rows], y[rows], optimizer)
    return net


def measure(steps: int, **setting: str) -> Row:
    head = setting["at the end"]
    training, validation, test = ((x.flatten(1), y) for x, y in after_a_twelfth())

    def trained(seed: int, lr: float) -> nn.Sequential:
        return train(head, steps, training, lr, seed)

    on_validation = {lr: accuracy(trained(100, lr), *validation) for lr in RATES}
    lr = max(on_validation, key=lambda rate: on_validation[rate])
    found = [accuracy(trained(seed, lr), *test) for seed in SEEDS]
    return {"lr": lr, "test accuracy": found}


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
