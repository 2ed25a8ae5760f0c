"""A learner's error and a learner's values, in words."""

import traceback
from typing import Any

import torch

_COMMON = (
    (
        "cannot be multiplied",
        "In `a @ b` the last size of `a` must equal the second-to-last of `b`.",
    ),
    ("NameError", "A name is misspelt, or the cell that defines it was not run."),
    ("positional argument", "Compare the function's parameters with the task's."),
    ("same device", "Make new tensors with `device=x.device`."),
    ("same dtype", "Bring both to one dtype, with `.to(x.dtype)` say."),
    ("must match the size of tensor", "Write both shapes down and align them right."),
)


def explain(error: Exception, answer: Any) -> tuple[str, ...]:
    """Say which line of the answer failed, how, and for common errors why."""
    where = ""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file or (file is None and "ipykernel" in frame.filename):
            where = f" in the line `{frame.line}`" if frame.line else ""
    first = (str(error).splitlines() or [""])[0]
    sentences = [f"Your code stopped{where}: {type(error).__name__}: {first}"]
    sentences += [hint for words, hint in _COMMON if words in f"{error!r}"][:1]
    return tuple(sentences)


def show_value(value: Any) -> str:
    """Return a short text for a value: small tensors whole, others as a shape."""
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
