"""What a learner's code returned, as plain tensors."""

from typing import Any

import torch

_PLAIN = ("Tensor", "Parameter")


class Unfit(ValueError):
    """What the learner's code returned is not what the task asks for."""


class Refused(Unfit):
    """What was handed in is over a limit of the task, and is not run."""


_NAN = "0 / 0 gives it, and so does the log or the root of a negative number"
_INF = "the log of 0 gives it, and so does a division by 0"


def tensor_of(
    value: Any,
    shape: tuple[int | None, ...],
    what: str,
    most: int = 1 << 21,
    *,
    trained: bool = False,
) -> torch.Tensor:
    """Return a tensor of finite float32 that the learner's code returned.

    Args:
        value: what it returned.
        shape: that it must have; None for any size in a dimension.
        what: it is called in the sentence that says what is wrong.
        most: numbers in it.
        trained: whether steps of gradient descent made it what it is.

    Raises:
        Unfit: it is another thing.

    >>> tensor_of(torch.ones(2, 3), (None, 3), "the weight").dtype
    torch.float32
    >>> tensor_of(torch.ones(2), (3,), "the bias")
    Traceback (most recent call last):
    course_utils.labs.returned.Unfit: the bias has the shape (2,), not (3,).
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
    for found, name, why in (
        (plain.isnan(), "nan", _NAN),
        (plain.isinf(), "an infinite number", _INF),
    ):
        if found.any():
            why = "most often the learning rate is too high" if trained else why
            raise Unfit(f"{what} holds {name}: {why}.")
    return plain
