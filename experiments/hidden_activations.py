"""One network of five hidden layers, one activation after another: how many garments
does it name rightly after four epochs, and how many when validation stops improving?
With the weights that nn.Linear draws, and with weights scaled so that the gradient
keeps its size."""

import copy
import sys

import torch
from torch import Tensor, nn

from course_utils.authoring.garments import after_a_twelfth
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "ELU": nn.ELU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
}
STARTS = ("nn.Linear's", "scaled")
SETTINGS: list[Row] = [
    {"start": start, "activation": activation}
    for start in STARTS
    for activation in ACTIVATIONS
]
# For each row, and for the short and the long training, one is chosen by validation.
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
SEEDS = range(3)
WIDTH, DEPTH, BATCH, EARLY, EPOCHS, PATIENCE = 64, 5, 100, 4, 30, 5
RERUN = (10, {"4 epochs": (0.78, 0.9), "trained out": (0.82, 0.92)})  # ReLU, scaled

Data = tuple[Tensor, Tensor]


def gain(activation: nn.Module) -> float:
    """Return 1 / sqrt(E[f'(z)²]) for standard normal z, by a fine grid."""
    z = torch.linspace(-8, 8, 16_001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    weight = (-(z.detach() ** 2) / 2).exp()
    return ((slope**2 * weight).sum() / weight.sum()).rsqrt().item()


def make_net(activation: str, start: str) -> nn.Sequential:
    bend = ACTIVATIONS[activation]()
    layers: list[nn.Module] = []
    for width in [196, *[WIDTH] * (DEPTH - 1)]:
        layer = nn.Linear(width, WIDTH)
        if start == "scaled":
            nn.init.normal_(layer.weight, std=gain(bend) / width**0.5)
            nn.init.zeros_(layer.bias)
        layers += [layer, bend]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10))


def fit(
    net: nn.Sequential, training: Data, validation: Data, lr: float, epochs: int
) -> list[float]:
    """Train until validation stops improving, and keep the weights that were best."""
    x, y = training
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    history: list[float] = []
    best = net.state_dict()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            train_step(net, x[rows], y[rows], optimizer)
        history.append(accuracy(net, *validation))
        if history[-1] > max(history[:-1], default=-1):
            best = copy.deepcopy(net.state_dict())
        if len(history) - history.index(max(history)) > PATIENCE:
            break
    net.load_state_dict(best)
    return history


def measure(start: str, activation: str) -> Row:
    training, validation, test = ((x.flatten(1), y) for x, y in after_a_twelfth())

    def scores(seed: int, lr: float, epochs: int) -> tuple[list[float], float]:
        torch.manual_seed(seed)
        net = make_net(activation, start)
        history = fit(net, training, validation, lr, epochs)
        return history, accuracy(net, *test)

    on_validation = {lr: scores(100, lr, EPOCHS)[0] for lr in RATES}
    row: Row = {}
    for name, epochs in [("4 epochs", EARLY), ("trained out", EPOCHS)]:
        lr = max(RATES, key=lambda rate: max(on_validation[rate][:epochs]))
        found = [scores(seed, lr, epochs)[1] for seed in SEEDS]
        row |= {f"lr, {name}": lr}
        row |= {name: found}
    return row


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
