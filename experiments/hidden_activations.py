"""One network of five hidden layers, one activation after another: how many garments
does it name rightly, with the weights that nn.Linear draws, and with weights scaled so
that the gradient keeps its size?"""

import sys
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import load_fashion_mnist
from course_utils.authoring.record import record
from course_utils.data.experiments import Row

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": F.relu,
    "leaky ReLU": F.leaky_relu,
    "ELU": F.elu,
    "GELU": F.gelu,
    "SiLU": F.silu,
}
STARTS = ("nn.Linear's", "scaled")
SETTINGS: list[Row] = [
    {"start": start, "activation": activation}
    for start in STARTS
    for activation in ACTIVATIONS
]
RATES = (0.01, 0.03, 0.1)  # one is chosen for each row, on the validation images
SEEDS = range(5)
WIDTH, DEPTH, EPOCHS, BATCH = 100, 5, 4, 100
RERUN = (11, {"test accuracy": (0.78, 0.9)})  # ReLU, scaled


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)


def gain(function: Callable[[Tensor], Tensor]) -> float:
    """Return 1 / sqrt(E[f'(z)²]) for standard normal z, by a fine grid."""
    z = torch.linspace(-8, 8, 16_001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(z).sum(), z)
    weight = (-(z.detach() ** 2) / 2).exp()
    return ((slope**2 * weight).sum() / weight.sum()).rsqrt().item()


def make_net(activation: str, start: str) -> nn.Sequential:
    function = ACTIVATIONS[activation]
    layers: list[nn.Module] = []
    for width in [784, *[WIDTH] * (DEPTH - 1)]:
        layer = nn.Linear(width, WIDTH)
        if start == "scaled":
            nn.init.normal_(layer.weight, std=gain(function) / width**0.5)
            nn.init.zeros_(layer.bias)
        layers += [layer, Apply(function)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10))


def load() -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images and labels: for training, for validation, for the test."""
    garments = load_fashion_mnist()
    images, labels = garments.train
    held = len(labels) // 8  # 7,500 photographs
    mean, std = images.float().mean(), images.float().std()
    size = min(20_000, len(labels) - held)
    for pixels, names in [
        (images[held : held + size], labels[held : held + size]),
        (images[:held], labels[:held]),
        garments.test,
    ]:
        yield (pixels.float().flatten(1) - mean) / std, names


def train(net: nn.Sequential, x: Tensor, y: Tensor, lr: float) -> nn.Sequential:
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


@torch.no_grad()
def accuracy(net: nn.Sequential, x: Tensor, y: Tensor) -> float:
    return (net(x).argmax(dim=1) == y).float().mean().item()


def measure(start: str, activation: str) -> Row:
    training, validation, test = load()

    def trained(seed: int, lr: float) -> nn.Sequential:
        torch.manual_seed(seed)
        return train(make_net(activation, start), *training, lr)

    on_validation = {lr: accuracy(trained(100, lr), *validation) for lr in RATES}
    lr = max(on_validation, key=lambda rate: on_validation[rate])
    found = [accuracy(trained(seed, lr), *test) for seed in SEEDS]
    return {"lr": lr, "test accuracy": [round(a, 4) for a in found]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
