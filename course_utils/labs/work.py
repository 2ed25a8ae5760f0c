"""A learner's work on one task: what is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from course_utils.exercises.elsewhere import text_of
from course_utils.labs.seeds import OPEN, generator_of


class Unfit(ValueError):
    """What the learner's code returned is not what the task asks for."""


@dataclass(frozen=True)
class Work:
    """What a learner hands in for one task.

    Attributes:
        answer: the function, or what stands for it where it runs in another process.
        secret: what random numbers are drawn from; the open one unless it is graded.
        source: the text of the learner's cell; "" where it is not known.
        stub: what stood in that cell at the start.
        key: what only graders know of the lab's variant, by the names of tasks.
    """

    answer: Any
    secret: str = OPEN
    source: str = ""
    stub: str = ""
    key: Mapping[str, Any] = field(default_factory=dict)

    @property
    def graded(self) -> bool:
        """Whether this is grading, and not the learner's own measurement."""
        return self.secret != OPEN

    @property
    def docstring(self) -> str:
        """The docstring of the answer; "" where there is none."""
        found = getattr(text_of(self.answer), "__doc__", None)
        return found if isinstance(found, str) else ""

    def call(self, *args: Any) -> Any:
        """Call the answer with copies of tensors, and return what it returns.

        What it changes in place, it changes in its own copies.

        >>> x = torch.zeros(2)
        >>> Work(lambda x: x.add_(1)).call(x).sum(), x.sum()
        (tensor(2.), tensor(0.))
        """
        return self.answer(*map(_copied, args))

    def generator(self, *names: object) -> torch.Generator:
        """Return the generator for what has these names.

        >>> torch.rand(3, generator=Work(None).generator("x", 1)).shape
        torch.Size([3])
        """
        return generator_of(self.secret, *names)


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    return value


def tensor_of(
    value: Any, shape: tuple[int | None, ...], what: str, most: int = 1 << 21
) -> torch.Tensor:
    """Return a tensor of finite float32 that the learner's code returned.

    Args:
        value: what it returned.
        shape: that it must have; None for any size in a dimension.
        what: it is called in the sentence that says what is wrong.
        most: numbers in it.

    Raises:
        Unfit: it is another thing.

    >>> tensor_of(torch.ones(2, 3), (None, 3), "the weight").dtype
    torch.float32
    >>> tensor_of(torch.ones(2), (3,), "the bias")
    Traceback (most recent call last):
    course_utils.labs.work.Unfit: the bias has the shape (2,), not (3,).
    """
    if not isinstance(value, torch.Tensor) or type(value).__name__ not in _PLAIN:
        raise Unfit(f"{what} is no tensor, but {type(value).__name__}.")
    if value.layout is not torch.strided or value.is_nested or value.is_meta:
        raise Unfit(f"{what} is no plain tensor with numbers.")
    fits = len(value.shape) == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        wanted += "," * (len(shape) == 1)
        found = tuple(value.shape)
        raise Unfit(f"{what} has the shape {found}, not ({wanted}).")
    if value.numel() > most:
        raise Unfit(f"{what} has {value.numel():,} numbers, over {most:,}.")
    if not value.dtype.is_floating_point:
        raise Unfit(f"{what} has the dtype {value.dtype}, not torch.float32.")
    plain = value.detach().to("cpu", torch.float32)
    if not torch.isfinite(plain).all():
        raise Unfit(f"{what} holds nan or an infinite number.")
    return plain


_PLAIN = ("Tensor", "Parameter")
