"""Call a learner's module, and see what it does beside what it returns."""

from typing import Any

import torch
from torch import Tensor, nn


def watched_call(net: nn.Module, x: Tensor) -> Any:
    """Return what a module gives for an input that it must leave as it is.

    Args:
        net: the learner's module.
        x: its input.

    Raises:
        ValueError: for the learner, if the input or a parameter is changed.

    >>> watched_call(nn.ReLU(), Tensor([-1, 2]))
    tensor([0., 2.])
    >>> watched_call(nn.ReLU(inplace=True), Tensor([-1, 2]))
    Traceback (most recent call last):
    ValueError: `forward` changes its input in place, as by `x /= …`, by a method...
    """
    before = x.clone()
    kept = {name: p.detach().clone() for name, p in net.named_parameters()}
    result = net(x)
    if not _equal(x, before):
        raise ValueError(
            "`forward` changes its input in place, as by `x /= …`, by a method whose "
            "name ends in `_`, or by `inplace=True`. Whoever else holds it, under "
            "another name too, finds other numbers there: write `x = x / …`."
        )
    for name, parameter in net.named_parameters():
        if name in kept and not _equal(parameter, kept[name]):
            raise ValueError(
                f"`forward` changes the parameter `{name}`, so the next call gives "
                "other scores for the same input. Set its numbers once, in `__init__`."
            )
    return result


def _equal(a: Tensor, b: Tensor) -> bool:
    same = a.shape == b.shape and a.dtype == b.dtype
    return same and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def hidden_modules(net: nn.Module) -> list[nn.Module]:
    """Return the modules that a module holds in plain lists, unknown to it.

    >>> net = nn.Module()
    >>> net.found, net.layers = nn.Tanh(), [nn.ReLU(), 3]
    >>> hidden_modules(net)
    [ReLU()]
    """
    known = set(net.modules())
    held = [
        item
        for value in vars(net).values()
        if isinstance(value, list | tuple | dict)
        for item in (value.values() if isinstance(value, dict) else value)
    ]
    return [m for m in held if isinstance(m, nn.Module) and m not in known]
