"""The optimizer Muon, as the experiments of lessons 11 and 13 use it."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return about U·Vᵀ of a matrix U·S·Vᵀ: all its singular values become about 1.

    A step of the iteration is X ← aX + (bA + cA²)X with A = X·Xᵀ. Its numbers are those
    of K. Jordan and others, Muon (2024), https://kellerjordan.github.io/posts/muon:
    five steps carry singular values from 0.01 to 1 to between 0.68 and 1.14.

    Args:
        matrix: (rows, columns), not all 0.
        steps: of the iteration.

    >>> stretched = torch.diag(torch.tensor([3.0, 1.0]))
    >>> values = torch.linalg.svdvals(orthogonalised(stretched))
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal, for weights of two or more dimensions.

    A weight (out, ...) counts as a matrix of `out` rows. Its gradient's momentum (with
    Nesterov's look ahead) goes through `orthogonalised`, so that each direction of the
    matrix gets a step of about the same length, also those with a small gradient. K.
    Jordan and others, Muon (2024), https://kellerjordan.github.io/posts/muon.

    Args:
        params: the weights; biases, norms and the first and the last layer are better
            left to another optimizer.
        lr: the learning rate.
        momentum: the share of the old momentum that stays.
        weight_decay: times `lr`, the share that a weight loses per step.

    >>> layer = nn.Linear(2, 2, bias=False)
    >>> optimizer = Muon(layer.parameters(), lr=0.1)
    >>> layer(torch.ones(1, 2)).sum().backward()
    >>> before = layer.weight.clone()
    >>> optimizer.step()
    >>> bool((layer.weight != before).all())
    True
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Change every weight once, by its gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                past = self.state[weight].setdefault("past", torch.zeros_like(weight))
                past.mul_(group["momentum"]).add_(weight.grad)
                ahead = weight.grad.add(past, alpha=group["momentum"])
                change = orthogonalised(ahead.reshape(len(weight), -1))
                scale = max(1, change.shape[0] / change.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(change.reshape(weight.shape), alpha=group["lr"] * scale)


def muon_and_adamw(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the convolutions but the first, and AdamW for everything else.

    Args:
        model: whose parameters they move.
        rate: of Muon; AdamW's is 0.01.

    >>> layers = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, bias=False), nn.Linear(4, 2)
    >>> both = muon_and_adamw(nn.Sequential(*layers), rate=0.05)
    >>> [len(optimizer.param_groups[0]["params"]) for optimizer in both]
    [1, 4]
    """
    matrices = [p for p in model.parameters() if p.dim() == 4][1:]
    known = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in known]
    return [
        Muon(matrices, rate, weight_decay=0.02),
        torch.optim.AdamW(others, 0.01, weight_decay=0.0),
    ]
