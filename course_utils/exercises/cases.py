"""Inputs for the cases of exercises: the same numbers on every device."""

import torch
from torch import nn

from course_utils.session import current_device


class Fact(str):
    """What an exercise's check saw, in words, in place of a result.

    >>> Fact("autograd is left off")
    'autograd is left off'
    """

    __slots__ = ()


def randn(*shapes: tuple[int, ...], seed: int = 1) -> tuple[torch.Tensor, ...]:
    """Draw one normal tensor per shape, on the CPU, and move them to the device.

    >>> x, y = randn((2, 3), (3,))
    >>> x.shape, y.shape
    (torch.Size([2, 3]), torch.Size([3]))
    """
    generator = torch.Generator().manual_seed(seed)
    draws = [torch.randn(shape, generator=generator) for shape in shapes]
    return tuple(draw.to(current_device()) for draw in draws)


@torch.enable_grad()
def unlearning(net: nn.Module, x: torch.Tensor) -> str:
    """Name a parameter of a network that gets no gradient; "" where all get one.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> unlearning(net, torch.ones(4, 2))
    ''
    >>> net[0].bias = nn.Parameter(torch.zeros(3), requires_grad=False)
    >>> unlearning(net, torch.ones(4, 2))
    'no gradient reaches `0.bias`'
    """
    net(x).square().sum().backward()
    for name, parameter in net.named_parameters():
        if parameter.grad is None or not parameter.grad.any():
            return f"no gradient reaches `{name}`"
    return ""
