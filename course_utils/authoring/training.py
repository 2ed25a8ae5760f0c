"""Training and the accuracy, as the experiments share them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def train_step(
    model: nn.Module, x: Tensor, y: Tensor, optimizer: torch.optim.Optimizer
) -> None:
    """Change the weights once, by the gradient of the cross-entropy of a batch.

    Args:
        model: gives a score for each class, (N, classes) or (N, L, classes); in the
            mode in which it is to be trained.
        x: the batch, (N, ...).
        y: its classes, (N,) or (N, L), whole numbers.
        optimizer: of the model's parameters.

    >>> model = nn.Linear(2, 3)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> before = model.weight.clone()
    >>> train_step(model, torch.ones(4, 2), torch.zeros(4).long(), optimizer)
    >>> bool((model.weight != before).all())
    True
    """
    loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train_one_cycle(
    model: nn.Module, x: Tensor, y: Tensor, rate: float, epochs: int, batch: int
) -> nn.Module:
    """Return the model after some epochs of Adam, the rate rising and falling once.

    Args:
        model: gives a score for each class.
        x: the examples, (N, ...).
        y: their classes, (N,), whole numbers.
        rate: the peak of the learning rate.
        epochs: how often each example is used.
        batch: examples per step; the last batch of an epoch may be smaller.

    Returns:
        The same model, in evaluation mode.

    >>> model = nn.Linear(2, 2)
    >>> x, y = torch.eye(2), torch.tensor([0, 1])
    >>> accuracy(train_one_cycle(model, x, y, rate=0.1, epochs=30, batch=2), x, y)
    1.0
    """
    optimizer = torch.optim.Adam(model.train().parameters(), lr=rate)
    steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            train_step(model, x[rows], y[rows], optimizer)
            schedule.step()
    return model.eval()


def triangle(step: int, steps: int, warm: float = 0.25) -> float:
    """Return a factor that rises in a straight line to 1, then falls to 0 in another.

    Args:
        step: the present one, from 0 on.
        steps: how many there are.
        warm: the share of them in which the factor rises.

    >>> [triangle(step, 8) for step in (0, 1, 2, 5, 8)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rising = warm * steps
    return min((step + 1) / rising, (steps - step) / (steps - rising), 1.0)


@torch.no_grad()
def accuracy(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """Return the share of classes that get the highest score, to 4 places.

    Scores may be (N, classes) and `y` (N,), or (N, L, classes) and (N, L).

    The model, or what else scores the examples, keeps the mode that it is in.

    >>> accuracy(nn.Identity(), torch.eye(3), torch.tensor([0, 1, 1]))
    0.6667
    """
    return round((model(x).argmax(dim=-1) == y).double().mean().item(), 4)
