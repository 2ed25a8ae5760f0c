"""Muon: steps for matrices of weights, in all directions equally long."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_A, _B, _C = 3.4445, -4.775, 2.0315  # Keller Jordan's, of steep slope at 0


def orthogonal(matrix: Tensor, steps: int = 4) -> Tensor:
    """Bring all singular values of a matrix, (m, n), near 1, by matrix products.

    Each step applies 3.4445 s - 4.775 s³ + 2.0315 s⁵ to every singular value s, which
    ends between about 0.7 and 1.2 for all that are not tiny.

    >>> values = torch.linalg.svdvals(orthogonal(torch.diag(Tensor([3, 1, 0.5])), 5))
    >>> bool((values > 0.6).all() and (values < 1.3).all())
    True
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = _A * x + (_B * square + _C * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum, made orthogonal (Jordan 2024), for weights of 2 or 4 axes.

    >>> weight = torch.nn.Parameter(torch.eye(2))
    >>> weight.grad = torch.diag(Tensor([5, 0.5]))
    >>> Muon([weight], lr=0.1).step()
    >>> bool((weight.diag() < 0.95).all())  # both moved, though one slope is a tenth
    True
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.05,
        momentum: float = 0.9,
        steps: int = 4,
        weight_decay: float = 0.02,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "steps": steps}
        super().__init__(params, defaults | {"weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every weight by its rate, whatever the length of its gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                held = self.state[weight].setdefault("held", torch.zeros_like(weight))
                held.mul_(group["momentum"]).add_(weight.grad)
                ahead = weight.grad.add(held, alpha=group["momentum"])
                matrix = ahead.reshape(len(ahead), -1)
                step = orthogonal(matrix, group["steps"])
                long = max(1, step.shape[0] / step.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(step.view_as(weight), alpha=-group["lr"] * long)
