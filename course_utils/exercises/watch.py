"""Call a learner's module, and see what it does beside what it returns."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

# Of each operation that multiplies matrices, the place of the first one.
_PRODUCTS = {
    torch.ops.aten.mm: 0,
    torch.ops.aten.bmm: 0,
    torch.ops.aten.addmm: 1,
    torch.ops.aten.baddbmm: 1,
}


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


class MultiplyAdds(TorchDispatchMode):
    """Counts the multiply-adds of convolutions and matrix products in a block.

    It sees the operations, whatever calls them: a layer, its `forward`, a function.
    What a network of another process does is counted over there, by the same class,
    and added here.

    Such a number is the word of the process that the learner's code runs in: whoever
    takes this class apart there can send any other. What a check believes should be
    counted in the very call whose scores and gradients it judges, so that no call
    without work can stand for it.

    >>> with MultiplyAdds() as work:
    ...     scores = nn.Linear(3, 4)(torch.ones(2, 3))
    >>> work.count
    24

    Attributes:
        count: how many they are so far.
    """

    running: "list[MultiplyAdds]" = []  # noqa: RUF012 - all that count now

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __enter__(self) -> "MultiplyAdds":
        self.running.append(self)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        self.running.remove(self)
        super().__exit__(*error)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count it."""
        result = func(*args, **(kwargs or {}))
        kind = func.overloadpacket
        if kind is torch.ops.aten.convolution:
            x, weight, transposed = args[0], args[1], args[6]
            places = x.numel() if transposed else result.numel()
            self.count += places * weight[0].numel()
        elif kind in _PRODUCTS:
            self.count += result.numel() * args[_PRODUCTS[kind]].shape[-1]
        return result


def counted_call(net: nn.Module, x: Tensor) -> tuple[Any, int]:
    """Return what a module gives, and its multiply-adds for one row of the input.

    >>> net = nn.Conv2d(1, 2, 3, bias=False)
    >>> scores, work = counted_call(net, torch.ones(5, 1, 4, 4))
    >>> work == 2 * 9 * 4
    True
    """
    with MultiplyAdds() as work:
        result = net(x)
    return result, work.count // len(x)
