"""How an answer of lesson 08 is watched at work: where a mask is made."""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_utils.exercises.model import Answer

ELSEWHERE = "a mask on another device than `lengths`"
_MAKERS = ("arange", "tensor", "zeros", "ones", "empty", "full", "linspace", "eye")


class _Placing(TorchFunctionMode):
    """Notes, without a second device, whether tensors are made on the one by default.

    They are where a call has no `device=`, and stay there unless moved by `to`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.made = self.moved = False

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in _MAKERS and kwargs.get("device") is None:
            self.made |= result.dim() > 0  # a single number goes with every device
        if name in ("to", "type_as"):
            targets = [*args[1:], *kwargs.values()]
            self.moved |= any(not isinstance(t, torch.dtype | bool) for t in targets)
        return result


def padded(answer: Answer, lengths: Tensor, size: int) -> Any:
    """Call an answer; a mask that is made on the CPU comes back as text.

    >>> lengths = torch.tensor([1, 2])
    >>> padded(lambda lengths, size: torch.zeros(2, size), lengths, 3)
    'a mask on another device than `lengths`'
    """
    with _Placing() as placing:
        mask = answer(lengths, size)
    if isinstance(mask, Tensor) and placing.made and not placing.moved:
        return ELSEWHERE
    return mask
