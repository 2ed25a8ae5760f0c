"""Explain a learner's error in a few words."""

import math
import re
import sysconfig
import traceback
from pathlib import Path

import torch

_POWER = 'In Python `^` is "exclusive or", for whole numbers; a power is `**`.'

# (text of the error, what to do about it); the first that fits is used
_COMMON = (
    (
        "cannot be multiplied",
        "In `a @ b` the last size of `a` must equal the second-to-last of `b`.",
    ),
    (
        "channels, but got",
        "A convolution's weight is `(out, in / groups, …)`: its second size says how "
        "many channels of the input each output reads.",
    ),
    (
        "Index tensor must have the same number of dimensions",
        "`gather` takes one place for each number that it returns, in a tensor with as "
        "many dims as the first one has. One place per row has the shape `(N, 1)`: "
        "`[:, None]` adds that dim.",
    ),
    ("NameError", "A name is misspelt, or the cell that defines it was not run."),
    ("positional argument", "Compare the function's parameters with the task's."),
    ("same device", "Make new tensors with `device=x.device`."),
    ("same dtype", "Bring both to one dtype, for example with `.to(x.dtype)`."),
    (
        "must match the size of tensor",
        "Write down both shapes: aligned from the right, sizes must be equal or 1. A "
        "mean or sum with `keepdim=True` keeps its dim, with size 1.",
    ),
    (
        "RecursionError",
        "A function calls itself without an end: look for the call of its own name.",
    ),
    (
        "values to unpack",
        "The left side names another number of things than the right side holds. Of "
        "an input, each case may hold another number.",
    ),
    (
        "view size is not compatible",
        "`view` needs numbers that lie side by side in memory: use `reshape`.",
    ),
    (
        "converted to Python scalars",
        "Functions of `math`, `int` and `float` take one number: use torch's own for "
        "tensors.",
    ),
    (
        "stack expects each tensor to be equal size",
        "`torch.stack` needs tensors of one shape: treat them one by one, or flatten "
        "them and use `torch.cat`.",
    ),
    (
        "Boolean value of Tensor",
        "`if`, `and` and `or` take one truth value: for each number of a tensor use "
        "`torch.where`, `&` or `|`.",
    ),
    (
        "numpy() on Tensor that requires grad",
        "numpy knows nothing of gradients: use torch's own functions.",
    ),
    (
        "does not require grad",
        "Nothing here requires gradients, so autograd has nothing to follow.",
    ),
    (
        "in-place operation",
        "Parameters are moved under `torch.no_grad()`. Elsewhere make a new tensor in "
        "place of changing one that autograd needs.",
    ),
    (
        "got float",
        "A size must be a whole number: `/` gives a float, `//` does not.",
    ),
    (
        "'float' object cannot be interpreted as an integer",
        "A size or index must be a whole number: `/` gives a float, `//` does not.",
    ),
    (
        "index out of range in self",
        "An embedding has fewer rows than that. Its indices run from 0 to one less "
        "than its first size: look at the largest one, such as a place in the longest "
        "input.",
    ),
    (
        "The shape of the mask",
        "Booleans, and numbers of the dtype uint8, choose as a mask does: one for each "
        "row. To look rows up by their numbers, write `.long()`.",
    ),
    (
        "index out of range",
        "The tuple or list is shorter than that. Indices count from 0, and how many "
        "items there are may differ from case to case.",
    ),
    (
        "is out of bounds.",
        "The labels hold a class for which there is no score: a network needs one "
        "output per class, 10 for 10 classes. Classes count from 0.",
    ),
    (
        "out of bounds for dimension",
        "Indices count from 0, so the last is one less than the size. Check which "
        "dimension is indexed.",
    ),
    (
        "Dimension out of range",
        "The tensor has fewer dims than that: look at its shape before this line.",
    ),
    (
        "could not infer output dtype",
        "The mean of whole numbers or booleans needs floats first: `.float()`.",
    ),
    (
        "can only concatenate tuple",
        "A tuple with one number needs a comma: `shape + (n,)`.",
    ),
    (
        "object is not callable",
        "Something that is no function is called: look for a name used twice, or a "
        "missing operator before a parenthesis.",
    ),
    (
        "'NoneType' object has no attribute",
        "What stands in front of the dot is None. So is `.grad` before the first "
        "`backward()`: to clear it, set it to None, or clear it after the step. And so "
        "is what a function without `return` gives.",
    ),
    (
        "has no attribute",
        "The object in front of the dot is of another type than this line expects.",
    ),
    ("bitwise_xor", _POWER),
    ("for ^:", _POWER),
    (
        "unsupported operand type",
        "One of the two sides is of another type than this line expects.",
    ),
    (
        "takes 2 positional arguments but 3",
        "Compare the arguments with those in the function's help.",
    ),
)


def explain(error: BaseException) -> tuple[str, ...]:
    """Say which line of the learner's code failed and how, and for common errors why.

    >>> explain(NameError("name 'y' is not defined"))  # doctest: +ELLIPSIS
    ("Your code stopped: NameError: name 'y'...", 'A name is misspelt, or the cell...')
    >>> explain(SystemExit())[0][:45]
    'Your code ends Python (`exit`, `SystemExit`).'
    """
    if isinstance(error, SystemExit):
        return (
            "Your code ends Python (`exit`, `SystemExit`). Leave that out: a function "
            "ends with `return`.",
        )
    frames = learners_frames(error)
    line = frames[-1].line if frames else ""
    where = f" in the line `{line}`" if line else ""
    text = error_text(error)
    messages = [f"Your code stopped{where}: {text}"]
    common = [advice for part, advice in _COMMON if part in text]
    own = _about_places(text) or _about_layer(text, line or "")
    messages += (own or common)[:1]
    messages += _about_shape(text, line or "")
    return tuple(messages)


def _about_places(text: str) -> list[str]:
    """Say what a call gives that returns places too; nothing for other errors."""
    found = re.search(r"torch\.return_types\.(max|min|\w+)", text)
    if found is None:
        return []
    name = found[1]
    short = f", or write `a{name}`" if name in ("max", "min") else ""
    return [
        f"`{name}` with a `dim` returns two tensors, the values and their places: take "
        f"`.values`{short}."
    ]


def _about_layer(text: str, line: str) -> list[str]:
    """Say what a `Linear` of a network was given; nothing for a learner's product."""
    product = re.search(r"@|\b(matmul|mm|addmm|linear|einsum)\(", line)
    advice = about_linear(text) if line and not product else ""
    return [advice] if advice else []


def about_linear(text: str) -> str:
    """Say what a `Linear` expects, from the text of torch's error; "" for others.

    >>> about_linear("mat1 and mat2 shapes cannot be multiplied (64x392 and 784x10)")
    '`Linear(784, …)` was given 392 numbers: its first size must be 392.'
    """
    found = re.search(r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)", text)
    # So it is said where shapes alone are computed.
    found = found or re.search(
        r"reduction dim, .*\[\d+, (\d+)\] X \[(\d+), \d+\]", text
    )
    if found is None:
        return ""
    given, expected = found.groups()
    return (
        f"`Linear({expected}, …)` was given {given} numbers: its first size must be "
        f"{given}."
    )


def _about_shape(text: str, line: str) -> list[str]:
    """Say why a tensor can't be brought to a shape; nothing for other errors."""
    found = re.search(
        r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)", text
    )
    if found is None:
        return []
    sizes, count = [int(size) for size in found[1].split(",")], int(found[2])
    known = math.prod(size for size in sizes if size != -1)
    if -1 in sizes:
        advice = (
            f"With -1 for one size, the others must divide the count of numbers: "
            f"{known:,} does not divide {count:,}. Where some are left over at the "
            "end, cut them off first."
        )
    else:
        advice = f"This shape holds {known:,} numbers, the tensor has {count:,}."
    given = re.search(r"(?:reshape|view)\((.*)", line)
    typed = set(re.findall(r"\b\d+\b", given[1])) if given else set()
    if fixed := [size for size in sizes if size > 1 and str(size) in typed]:
        advice += (
            f" Is {max(fixed)} right for every input, or only for one example? `shape` "
            "has the sizes."
        )
    return [advice]


def error_text(error: BaseException) -> str:
    """Return the type of an error and the first line of its message.

    >>> error_text(ValueError("one\\ntwo"))
    'ValueError: one'
    """
    try:
        first = (str(error).splitlines() or [""])[0]
    except Exception:  # an error may fail to say what it is
        first = "(without a message that can be read)"
    return f"{type(error).__name__}: {first}"


def learners_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the places in the learner's code that an error came through.

    That is all code but the course's, torch's and Python's own.

    >>> learners_frames(ValueError())
    []
    """
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not is_library(frame.filename)
    ]


def is_library(file: str) -> bool:
    """Tell whether code of this file is the course's, torch's or Python's own.

    >>> is_library(torch.__file__), is_library("/tmp/ipykernel_7/1.py")
    (True, False)
    """
    return file.startswith(_LIBRARIES)


_LIBRARIES = (
    str(Path(__file__).parents[1]),
    str(Path(torch.__file__).parent),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    "<frozen",
    "<string>",
)
