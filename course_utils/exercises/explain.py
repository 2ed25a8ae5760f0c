"""Explain a learner's error, and show a learner's values, in a few words."""

import traceback
from typing import Any

import torch

# (text of the error, what to do about it); the first that fits is used
_COMMON = (
    (
        "cannot be multiplied",
        "In `a @ b` the last size of `a` must equal the second-to-last of `b`.",
    ),
    ("NameError", "A name is misspelt, or the cell that defines it was not run."),
    ("positional argument", "Compare the function's parameters with the task's."),
    ("same device", "Make new tensors with `device=x.device`."),
    ("same dtype", "Bring both to one dtype, for example with `.to(x.dtype)`."),
    (
        "must match the size of tensor",
        "Write down both shapes: aligned from the right, sizes must be equal or 1.",
    ),
)


def explain(error: Exception, answer: Any) -> tuple[str, ...]:
    """Say which line of the answer failed and how, and for common errors why.

    >>> explain(NameError("name 'y' is not defined"), lambda x: x)  # doctest: +ELLIPSIS
    ("Your code stopped: NameError: name 'y'...", 'A name is misspelt, or the cell...')

    Args:
        error: what the answer raised.
        answer: the function or class; the line shown is the last one in its file.
    """
    where = ""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file or (file is None and "ipykernel" in frame.filename):
            where = f" in the line `{frame.line}`" if frame.line else ""
    first = (str(error).splitlines() or [""])[0]
    messages = [f"Your code stopped{where}: {type(error).__name__}: {first}"]
    messages += [advice for text, advice in _COMMON if text in repr(error)][:1]
    return tuple(messages)


def show_value(value: Any) -> str:
    """Return a short text for a value: tensors of up to 12 numbers whole.

    >>> show_value(torch.tensor([[1.0, 2.5]]))
    '[[1, 2.5]]   (shape (1, 2), float32)'
    >>> show_value(torch.zeros(3, 5))
    'shape (3, 5), float32'
    """
    if not isinstance(value, torch.Tensor):
        return f"{value!r:.200}"
    head = f"shape {tuple(value.shape)}, {value.dtype}".replace("torch.", "")
    if value.numel() > 12 or value.is_meta:
        return head
    return f"{_rounded(value.detach().cpu().tolist())}   ({head})"


def _rounded(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(map(_rounded, values))}]"
    return f"{values:.4g}" if isinstance(values, float) else str(values)
