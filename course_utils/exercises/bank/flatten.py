"""Exercises of lesson 09: Flatten and Unflatten."""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device

_Shape = tuple[int, ...]
_Place = tuple[float, float, float]


def _whole(answer: Answer, *args: Any) -> Any:
    """Call an answer; a float comes back as text, so that it never passes as whole."""
    return _named_float(answer(*args))


def _whole_tuple(answer: Answer, *args: Any) -> Any:
    """Call an answer; a list and floats come back as text, so that they never pass."""
    value = answer(*args)
    if isinstance(value, list):
        return "a list, not a tuple"
    return tuple(map(_named_float, value)) if isinstance(value, tuple) else value


def _named_float(value: Any) -> Any:
    number = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
    if isinstance(number, Real) and not isinstance(number, Integral):
        # A fraction is wrong anyway: as a number it can be compared.
        return f"the float {number}" if float(number).is_integer() else number
    return value


_A_LIST = (
    "You return a list, in square brackets. The task asks for a tuple: `tuple(…)` "
    "turns one into the other."
)
_FLOATS = (
    "The values are right, but they are floats. `/` gives a float even where nothing "
    "is left over; `//` gives a whole number, and only those can be sizes and indices."
)


def _index(c: int, h: int, w: int, shape: _Shape) -> int:
    return (c * shape[1] + h) * shape[2] + w


INDEX = Exercise(
    "flatten.index",
    _index,
    (
        Misconception(
            "column-major",
            lambda c, h, w, shape: c + shape[0] * (h + shape[1] * w),
            "Here the first index runs fastest, as in Fortran and MATLAB. In PyTorch "
            "the last one does: w, then h, then c.",
        ),
        Misconception(
            "height for width",
            lambda c, h, w, shape: (c * shape[1] + h) * shape[1] + w,
            "You multiply by H where W belongs. A step of one row passes W numbers, so "
            "each row counts W: `shape[2]`.",
        ),
        Misconception(
            "height for width in the row",
            lambda c, h, w, shape: c * shape[1] * shape[2] + h * shape[1] + w,
            "The channels are counted rightly, the rows are not: you count H numbers "
            "for each row. A row is as long as the picture is wide.",
        ),
        Misconception(
            "rows and columns swapped",
            lambda c, h, w, shape: (c * shape[2] + w) * shape[1] + h,
            "Here h runs fastest, so the picture is written column after column. "
            "PyTorch writes row after row: w runs fastest.",
        ),
        Misconception(
            "channels last",
            lambda c, h, w, shape: (h * shape[2] + w) * shape[0] + c,
            "This is the order H, W, C, with the channels of a pixel side by side. "
            "Here the order is C, H, W.",
        ),
        Misconception(
            "channel not counted",
            lambda c, h, w, shape: h * shape[2] + w,
            "This is the place inside its own channel. Each channel before it adds "
            "H·W numbers.",
        ),
        Misconception(
            "channel of H numbers",
            lambda c, h, w, shape: c * shape[1] + h * shape[2] + w,
            "The rows are counted rightly, the channels are not: you add H for each "
            "channel before the pixel, but a channel is H rows of W numbers.",
        ),
        Misconception(
            "channel of W numbers",
            lambda c, h, w, shape: c * shape[2] + h * shape[2] + w,
            "The rows are counted rightly, the channels are not: you add W for each "
            "channel before the pixel, but a channel is H rows of W numbers.",
        ),
        Misconception(
            "channel times channels",
            lambda c, h, w, shape: (c * shape[0] + h) * shape[2] + w,
            "You multiply c by the number of channels. How many *rows* come before "
            "channel c? Each channel has H of them.",
        ),
        Misconception(
            "row of one number",
            lambda c, h, w, shape: c * shape[1] * shape[2] + h + w,
            "The channels are counted rightly, but each row before the pixel adds "
            "only 1. A whole row is W numbers.",
        ),
        Misconception(
            "counted from 1",
            lambda c, h, w, shape: _index(c, h, w, shape) + 1,
            "Yours is 1 too large everywhere. Indices start at 0: the pixel "
            "`(0, 0, 0)` lands at 0.",
        ),
        Misconception(
            "a float", lambda c, h, w, shape: float(_index(c, h, w, shape)), _FLOATS
        ),
        Misconception(
            "channel of all numbers",
            lambda c, h, w, shape: c * math.prod(shape) + h * shape[2] + w,
            "You add C·H·W for each channel before the pixel. That is the whole "
            "picture; one channel holds H·W numbers.",
        ),
        Misconception(
            "shape read as H, W, C",
            lambda c, h, w, shape: (c * shape[0] + h) * shape[1] + w,
            "One step of c counts C·H numbers in yours, one step of h counts H. A step "
            "passes what lies *behind* its axis: a row is W numbers, a channel H·W. "
            "(It comes out so too if `shape` is read as (H, W, C): it is (C, H, W).)",
        ),
        Misconception(
            "28 by 28 built in",
            lambda c, h, w, shape: c * 784 + h * 28 + w,
            "Your result does not depend on `shape`: a channel has 784 numbers and a "
            "row 28, as in a picture of 28 × 28. Take H and W from `shape`.",
        ),
        Misconception(
            "product of the place",
            lambda c, h, w, shape: c * h * w,
            "You multiply c, h and w. Count what is written before the pixel: whole "
            "channels, whole rows, and the numbers of its own row.",
        ),
        Misconception(
            "parts joined bit by bit",
            lambda c, h, w, shape: c * shape[1] * shape[2] | h * shape[2] | w,
            "`|` joins bits and is no sum: where two parts share a bit, one is lost. "
            "It is right only for sizes that are powers of two. Add them with `+`.",
        ),
    ),
    lambda: [
        (1, 2, 3, (2, 4, 5)),
        (0, 1, 1, (3, 2, 7)),
        (2, 3, 1, (3, 5, 4)),
        (0, 0, 0, (2, 3, 4)),
        (3, 1, 5, (4, 2, 6)),
        (0, 0, 2, (1, 1, 3)),
    ],
    apply=_whole,
    hints=(
        "How many numbers are written before this one? Count those before its "
        "channel, those before its row, and those before it in the row.",
        "A channel holds H·W numbers, a row holds W.",
        "Channels and rows together: before the row of the pixel stand `c * H + h` "
        "whole rows. How long is each?",
    ),
)


def _place(index: int, shape: _Shape) -> _Place:
    return (
        index // (shape[1] * shape[2]),
        index // shape[2] % shape[1],
        index % shape[2],
    )


def _divided_by_channels(index: int, shape: _Shape) -> _Place:
    c, rest = divmod(index, shape[0])
    return c, rest // shape[2], rest % shape[2]


PLACE = Exercise(
    "flatten.place",
    _place,
    (
        Misconception(
            "width twice in a channel",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                (index - index // (shape[1] * shape[2]) * shape[2] ** 2) // shape[2],
                index % shape[2],
            ),
            "Right in channel 0 and where a channel is square. A channel holds H·W "
            "numbers; you take off W·W for each before you look for the row.",
        ),
        Misconception(
            "row and column swapped",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index % shape[2],
                index // shape[2] % shape[1],
            ),
            "Row and column are swapped: the remainder by W is the column, `w`, and "
            "comes last.",
        ),
        Misconception(
            "order reversed",
            lambda index, shape: _place(index, shape)[::-1],
            "The three numbers are right, their order is not: return `(c, h, w)`, the "
            "channel first.",
        ),
        Misconception(
            "no parentheses",
            lambda index, shape: (
                index // shape[1] * shape[2],
                *_place(index, shape)[1:],
            ),
            "Row and column are right, the channel is not: `index // H * W` divides "
            "by H and then multiplies by W. Put parentheses around the product.",
        ),
        Misconception(
            "the rest divided too",
            _divided_by_channels,
            "You divide by the number of channels. A channel is `H * W` numbers: "
            "divide by that to find c; what remains leads to row and column.",
        ),
        Misconception(
            "divided by the height",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[1] % shape[1],
                index % shape[1],
            ),
            "You divide by H. A row is W numbers long, so the column is the remainder "
            "by W.",
        ),
        Misconception(
            "height and width swapped",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[1] % shape[2],
                index % shape[1],
            ),
            "H and W have changed places. A row is W numbers long: the remainder by W "
            "is the column, and there are H rows.",
        ),
        Misconception(
            "row never restarts",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[2],
                index % shape[2],
            ),
            "Your row goes on counting through the channels. It starts at 0 again in "
            "each channel: take the remainder by H.",
        ),
        Misconception(
            "row modulo the width",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[2] % shape[2],
                index % shape[2],
            ),
            "Channel and column are right, the row is not: you take its remainder by "
            "W. A channel has H rows.",
        ),
        Misconception(
            "column never restarts",
            lambda index, shape: (
                *_place(index, shape)[:2],
                index % (shape[1] * shape[2]),
            ),
            "Channel and row are right. Your column goes on counting through the "
            "rows; it starts at 0 again in each row.",
        ),
        Misconception(
            "channel modulo",
            lambda index, shape: (index % shape[0], *_place(index, shape)[1:]),
            "Row and column are right. Your channel changes with each number, as if "
            "the channels stood side by side; here a channel ends after H·W numbers.",
        ),
        Misconception(
            "row by the remainder of H",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index % shape[1],
                index % shape[2],
            ),
            "Channel and column are right. Your row changes with each number; it "
            "should go up by 1 only after W of them.",
        ),
        Misconception(
            "divided by the channels",
            lambda index, shape: (index // shape[0], *_place(index, shape)[1:]),
            "Row and column are right. For the channel you divide by C; divide by the "
            "numbers that one channel holds.",
        ),
        Misconception(
            "true division",
            lambda index, shape: (
                index / (shape[1] * shape[2]),
                index / shape[2] % shape[1],
                index % shape[2],
            ),
            "There are fractions in your result: `/` keeps what is left over. Use "
            "`//`, which drops it.",
        ),
        Misconception(
            "channels last",
            lambda index, shape: (
                index % shape[0],
                index // shape[0] // shape[2],
                index // shape[0] % shape[2],
            ),
            "You read the row as H, W, C, with the channel running fastest. It was "
            "written as C, H, W: w runs fastest.",
        ),
        Misconception(
            "a list", lambda index, shape: list(_place(index, shape)), _A_LIST
        ),
        Misconception(
            "floats",
            lambda index, shape: tuple(map(float, _place(index, shape))),
            _FLOATS,
        ),
        Misconception(
            "row modulo the channels",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[2] % shape[0],
                index % shape[2],
            ),
            "Channel and column are right, the row is not: you take its remainder by "
            "C. A channel has H rows.",
        ),
        Misconception(
            "one less than the width",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                *divmod(index % (shape[1] * shape[2]), max(shape[2] - 1, 1)),
            ),
            "The channel is right. For row and column you divide by W - 1, the last "
            "index of a row. A row holds W numbers.",
        ),
        Misconception(
            "row divided by the height",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index % (shape[1] * shape[2]) // shape[1],
                index % shape[2],
            ),
            "Channel and column are right, the row is not: you divide by H. A row is "
            "W numbers long.",
        ),
        Misconception(
            "bit masks",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[2] & (shape[1] - 1),
                index & (shape[2] - 1),
            ),
            "`& (W - 1)` is the remainder by W only if W is a power of two. Use `% "
            "W`, and `% H` for the row.",
        ),
    ),
    lambda: [
        (33, (2, 4, 5)),
        (8, (3, 2, 7)),
        (57, (3, 5, 4)),
        (0, (2, 3, 4)),
        (47, (4, 2, 6)),
        (2, (1, 1, 3)),
    ],
    apply=_whole_tuple,
    parts=("the channel c", "the row h", "the column w"),
    forbidden=("torch.unravel_index",),
    hints=(
        "How many numbers does one channel hold? How many times do they fit into the "
        "index, and what is left over?",
        "What is left over is a place inside one channel. Do the same again with the "
        "length of a row.",
        "The channel is `index // (H * W)`. Row and column come from "
        "`index % (H * W)`, one by `//` and one by `%`.",
    ),
)


def _out(
    shape: _Shape, start: int, end: int, join: Callable[[_Shape], int] = math.prod
) -> _Shape:
    end %= len(shape)
    return (*shape[:start], join(shape[start : end + 1]), *shape[end + 1 :])


def _negative_end_sliced(shape: _Shape, start: int, end: int) -> _Shape:
    return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def _first_equal_removed(shape: _Shape, start: int, end: int) -> _Shape:
    merged = shape[start : end % len(shape) + 1]
    sizes = list(shape)
    for size in merged:
        sizes.remove(size)
    sizes.insert(start, math.prod(merged))
    return tuple(sizes)


def _end_excluded(shape: _Shape, start: int, end: int) -> _Shape:
    end %= len(shape)
    return (*shape[:start], math.prod(shape[start:end]), *shape[end:])


def _negative_end_in_product(shape: _Shape, start: int, end: int) -> _Shape:
    rest = shape[end % len(shape) + 1 :]
    return (*shape[:start], math.prod(shape[start : end + 1]), *rest)


def _end_excluded_but_for_the_last(shape: _Shape, start: int, end: int) -> _Shape:
    end = len(shape) if end == -1 else end
    return (*shape[:start], math.prod(shape[start:end]), *shape[end:])


def _ends_alone(shape: _Shape, start: int, end: int) -> _Shape:
    end %= len(shape)
    merged = shape[start] if start == end else shape[start] * shape[end]
    return (*shape[:start], merged, *shape[end + 1 :])


def _start_always_one(shape: _Shape, start: int, end: int) -> _Shape:
    end %= len(shape)
    return (shape[0], math.prod(shape[1 : end + 1]), *shape[end + 1 :])


def _last_not_multiplied(shape: _Shape, start: int, end: int) -> _Shape:
    end %= len(shape)
    return (*shape[:start], math.prod(shape[start:end]), *shape[end + 1 :])


def _first_kept(shape: _Shape, start: int, end: int) -> _Shape:
    end %= len(shape)
    merged = math.prod(shape[start + 1 : end + 1])
    return (*shape[: start + 1], merged, *shape[end + 1 :])


def _bare_number(shape: _Shape, start: int, end: int) -> _Shape | int:
    merged = _out(shape, start, end)
    return merged[0] if len(merged) == 1 else merged


SHAPE = Exercise(
    "flatten.shape",
    lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim),
    (
        Misconception(
            "-1 in a slice",
            _negative_end_sliced,
            "`end_dim = -1` goes wrong: `end_dim + 1` is then 0, and a slice up to 0 "
            "is empty, a slice from 0 is everything. Turn −1 into the last dimension "
            "first.",
        ),
        Misconception(
            "-1 in the slice of the product",
            _negative_end_in_product,
            "`end_dim = -1` goes wrong: `end_dim + 1` is then 0, a slice up to 0 is "
            "empty, and the product of nothing is 1. Turn −1 into the last dimension "
            "first.",
        ),
        Misconception(
            "first kept",
            _first_kept,
            "You keep the size of `start_dim`, and merge from the one after it. "
            "The merged dimensions begin with `start_dim` itself.",
        ),
        Misconception(
            "last not multiplied",
            _last_not_multiplied,
            "The pieces before and after are right, the merged size is too small: the "
            "size of `end_dim` itself is missing in the product.",
        ),
        Misconception(
            "end excluded",
            _end_excluded,
            "You leave out `end_dim`, as a Python slice would. Here the last "
            "dimension named is merged too.",
        ),
        Misconception(
            "start ignored",
            lambda shape, start_dim, end_dim: _out(shape, 0, end_dim),
            "You merge from the first dimension on. Those before `start_dim` stay "
            "unchanged.",
        ),
        Misconception(
            "end ignored",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, -1),
            "You merge up to the last dimension. Those after `end_dim` stay unchanged.",
        ),
        Misconception(
            "rest lost",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim)[
                : start_dim + 1
            ],
            "The merged size is right, but your shape ends there. The dimensions "
            "after `end_dim` are still to come.",
        ),
        Misconception(
            "front lost",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim)[
                start_dim:
            ],
            "The merged size is right, but your shape begins with it. The dimensions "
            "before `start_dim` stay in front.",
        ),
        Misconception(
            "sizes added",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim, sum),
            "You add the sizes. 3 rows of 4 are 12 numbers: multiply.",
        ),
        Misconception(
            "-1 as the last but one",
            lambda shape, start_dim, end_dim: (
                _out(shape, start_dim, len(shape) - 2)
                if end_dim == -1
                else _out(shape, start_dim, end_dim)
            ),
            "It is right except for `end_dim = -1`, where you stop one dimension too "
            "early. −1 is the last dimension, and it is merged too.",
        ),
        Misconception(
            "placeholder left",
            lambda shape, start_dim, end_dim: _out(
                shape, start_dim, end_dim, lambda sizes: -1
            ),
            "There is a −1 in your shape. `reshape` would work it out; here you are "
            "asked for the number itself.",
        ),
        Misconception(
            "a bare number",
            _bare_number,
            "Where everything is merged you return a number. A shape with one "
            "dimension is a tuple all the same, with a comma: `(24,)`.",
        ),
        Misconception(
            "a list",
            lambda shape, start_dim, end_dim: list(_out(shape, start_dim, end_dim)),
            _A_LIST,
        ),
        Misconception(
            "floats",
            lambda shape, start_dim, end_dim: tuple(
                map(float, _out(shape, start_dim, end_dim))
            ),
            _FLOATS,
        ),
        Misconception(
            "end excluded, but for -1",
            _end_excluded_but_for_the_last,
            "Right for `end_dim = -1` only: otherwise you leave out `end_dim`, as a "
            "Python slice would. Here the last dimension named is merged too: the "
            "slice ends at `end_dim + 1`.",
        ),
        Misconception(
            "ends alone multiplied",
            _ends_alone,
            "You multiply the first and the last of the merged sizes only. Those "
            "between them are merged too: `math.prod` of a slice.",
        ),
        Misconception(
            "one dim alone",
            lambda shape, start_dim, end_dim: _out(
                shape, start_dim, -1 if end_dim == start_dim else end_dim
            ),
            "Where `end_dim` is `start_dim` you merge up to the last dimension. Only "
            "one dimension is named there, so the shape stays as it is.",
        ),
        Misconception(
            "start always 1",
            _start_always_one,
            "You always merge from dimension 1 on, as `nn.Flatten()` does. Start at "
            "`start_dim`.",
        ),
        Misconception(
            "first equal size removed",
            _first_equal_removed,
            "Where a size occurs twice, the wrong one goes, and the order changes: "
            "`list.remove` takes the first that is equal. Work with places: the sizes "
            "up to `start_dim`, and those after `end_dim`.",
        ),
    ),
    lambda: [
        ((6, 5, 4), 0, 1),
        ((2, 3, 4, 5), 1, 2),
        ((10, 3, 8, 7), 1, -1),
        ((2, 3, 4), 0, -1),
        ((2, 3, 4, 5), 2, 2),
        ((3, 4, 5), 2, -1),
        ((7,), 0, 0),
        ((6, 5, 4), 0, 0),
        ((5, 1, 4, 3), 2, 3),
        ((3, 1, 2, 1, 6), 1, 4),
        ((2, 3, 1, 4, 2), 2, -1),
    ],
    apply=_whole_tuple,
    hints=(
        "Three pieces: the sizes before `start_dim`, one merged size, the sizes after "
        "`end_dim`.",
        "Merging 3 rows of 4 gives 12. `end_dim` itself is merged too.",
        "`end_dim % len(shape)` turns −1 into the last dimension and leaves the "
        "others as they are. Then slices do the rest.",
    ),
)


def _layouts(*shapes: _Shape) -> list[Case]:
    """Return a batch of each shape, and one for each memory format but the usual."""
    by_channels, moved = randn((2, 3, 4, 5), (4, 2, 3, 5), seed=2)
    return [
        *(randn(shape) for shape in shapes),
        (by_channels.to(memory_format=torch.channels_last),),
        (moved.permute(1, 2, 0, 3),),
    ]


_FAILS_AS_VIEW = (
    "`view` fails where the numbers don't lie in memory in the order of the shape, as "
    "after `permute` or with `channels_last`. `flatten` and `reshape` copy them there."
)

KEEP_BATCH = Exercise(
    "flatten.keep_batch",
    lambda x: x.flatten(1),
    (
        Misconception(
            "order of memory",
            lambda x: (
                x.permute(0, 2, 3, 1).flatten(1)
                if x.is_contiguous(memory_format=torch.channels_last)
                else x.flatten(1)
            ),
            "Right but for `channels_last`, where you follow the order in memory, "
            "H, W, C. The order of the shape counts, C, H, W: `flatten(1)` or "
            "`reshape` alone does it, without a case of its own.",
        ),
        Misconception(
            "view",
            lambda x: x.view(x.shape[0], -1),
            "It often works, but " + _FAILS_AS_VIEW,
        ),
        Misconception(
            "unchanged",
            lambda x: x,
            "`x` comes back with the shape it had. `flatten` and `reshape` don't "
            "change it, they return a new tensor: return that.",
        ),
        Misconception(
            "batch merged",
            lambda x: x.flatten(),
            "You flatten everything, the batch as well: all examples became one long "
            "row. Start at dimension 1.",
        ),
        Misconception(
            "channels kept",
            lambda x: x.flatten(2),
            "You merge only the last two dimensions: each channel still has its own "
            "row, in shape `(N, C, H*W)`. The channels belong into the row as well.",
        ),
        Misconception(
            "channels as examples",
            lambda x: x.reshape(-1, x.shape[2] * x.shape[3]),
            "You made every channel a separate example. Only the batch dimension "
            "stays: `(N, C*H*W)`.",
        ),
        Misconception(
            "column-major",
            lambda x: x.permute(0, 3, 2, 1).flatten(1),
            "The order is reversed, with the first index running fastest. Flatten "
            "without moving anything: the last index runs fastest.",
        ),
        Misconception(
            "columns first",
            lambda x: x.transpose(2, 3).flatten(1),
            "The shape is right, but each channel is written column after column. "
            "Flatten without moving anything: row after row.",
        ),
        Misconception(
            "permuted first",
            lambda x: x.permute(0, 2, 3, 1).flatten(1),
            "You moved the channels to the end before flattening. The shape is right, "
            "but the numbers are in other places.",
        ),
        Misconception(
            "permuted where not contiguous",
            lambda x: (x if x.is_contiguous() else x.permute(0, 2, 3, 1)).flatten(1),
            "Right where `x` is contiguous. Where it is not, the channels come last "
            "in your rows. The order is C, H, W, however `x` lies in memory: `flatten` "
            "and `reshape` see to that by themselves.",
        ),
        Misconception(
            "height for width",
            lambda x: x.reshape(-1, x.shape[1] * x.shape[2] * x.shape[2]),
            "Your rows are C·H·H numbers long: you use the height twice, so only "
            "square pictures come out right. A row holds C·H·W numbers.",
        ),
        Misconception(
            "batch last",
            lambda x: x.flatten(1).T,
            "The examples are in columns. Keep them in rows: `(N, C*H*W)`.",
        ),
        Misconception(
            "examples mixed",
            lambda x: x.reshape(-1, x.shape[0]).T,
            "The shape is right, but each row holds numbers of all examples: "
            "`reshape` to `(…, N)` cuts straight through them, and `.T` can't undo "
            "that. Leave the batch in front.",
        ),
        Misconception(
            "squeezed",
            lambda x: x.flatten(1).squeeze(),
            "For a batch of one the batch dimension is lost, often by `squeeze`, which "
            "removes dimensions of size 1. The result has two dimensions, `(1, "
            "C*H*W)`.",
        ),
        Misconception(
            "784 built in",
            lambda x: x.reshape(-1, 784),
            "The row has 784 numbers built in, as many as a grey picture of 28 × 28 "
            "has. Other pictures don't fit: take the sizes from `x`.",
        ),
        Misconception(
            "batch last, by reshape",
            lambda x: x.reshape(-1, x.shape[0]),
            "Your shape is `(C·H·W, N)`, so each row holds numbers of several places. "
            "The examples come first: `(N, C·H·W)`.",
        ),
        Misconception(
            "batch and channels exchanged",
            lambda x: x.transpose(0, 1).reshape(x.shape[0], -1),
            "The shape is right, but the examples are mixed: batch and channels are "
            "exchanged before the reshape. Leave the batch in front.",
        ),
    ),
    lambda: _layouts((2, 3, 1, 2), (1, 3, 4, 5), (4, 1, 2, 3)),
    hints=(
        "One dimension stays, the other three are merged. Which one stays?",
        "`flatten` takes the dimension to start at. The batch is dimension 0.",
    ),
    differentiable=True,
)


def _rows() -> list[Case]:
    return [
        (*randn((2, 6)), 1, 2, 3),
        *((*randn((n, 60)), 3, 4, 5) for n in (2, 1)),
        (*randn((3, 12)), 3, 2, 2),
        (randn((24, 5))[0].T, 2, 3, 4),
    ]


UNFLATTEN = Exercise(
    "flatten.unflatten",
    lambda y, c, h, w: y.unflatten(1, (c, h, w)),
    (
        Misconception(
            "height and width swapped",
            lambda y, c, h, w: y.reshape(-1, c, w, h),
            "Height and width are swapped. The order is N, C, H, W.",
        ),
        Misconception(
            "swapped, then transposed",
            lambda y, c, h, w: y.reshape(-1, c, w, h).transpose(2, 3),
            "The shape is right, but the pixels are scrambled: you read each channel "
            "column after column. It was written row after row.",
        ),
        Misconception(
            "channels last",
            lambda y, c, h, w: y.reshape(-1, h, w, c),
            "The channels come last. Flatten wrote C, H, W, and Unflatten must read "
            "in the same order.",
        ),
        Misconception(
            "moved afterwards",
            lambda y, c, h, w: y.reshape(-1, h, w, c).permute(0, 3, 1, 2),
            "The shape is right, but the pixels are scrambled: you read the row as H, "
            "W, C and moved the channels afterwards. It was written as C, H, W.",
        ),
        Misconception(
            "channels cut first",
            lambda y, c, h, w: y.reshape(c, -1, h, w).transpose(0, 1),
            "The shape is right, but the examples are mixed: you cut the whole batch "
            "into channels before you cut it into examples. N stays in front from the "
            "start.",
        ),
        Misconception(
            "batch merged with the channels",
            lambda y, c, h, w: y.reshape(-1, h, w),
            "Batch and channels are merged into one dimension. Keep N in front.",
        ),
        Misconception(
            "no batch",
            lambda y, c, h, w: y.reshape(c, h, w),
            "Your shape has no place for the batch: a batch of one loses its first "
            "dimension, and a larger one doesn't fit. Keep N in front.",
        ),
        Misconception(
            "batch of one",
            lambda y, c, h, w: y.reshape(1, c, h, w),
            "This fits a batch of one only. Take N from `y`, or let PyTorch work it "
            "out.",
        ),
        Misconception(
            "squeezed",
            lambda y, c, h, w: y.reshape(-1, c, h, w).squeeze(),
            "`squeeze` removes every dimension of size 1: a batch of one loses N, a "
            "grey picture loses its channel. The result always has four dimensions.",
        ),
        Misconception(
            "square pictures",
            lambda y, c, h, w: y.reshape(-1, c, *[math.isqrt(y.shape[1] // c)] * 2),
            "You work out one side and use it twice, so only square pictures fit. "
            "Height and width are given: `h` and `w`.",
        ),
    ),
    _rows,
    hints=(
        "Only dimension 1 is cut; N stays as it is.",
        "The order of the new sizes is the order in which they were merged: c, h, w.",
        "`Tensor.unflatten` wants to know which dimension to cut, and into which "
        "sizes. `reshape` can do it too, with N in front.",
    ),
    differentiable=True,
)


def _files() -> list[Case]:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(1, 256, (3, 4, 3), generator=generator, dtype=torch.uint8)
    return [
        randn((2, 3, 2)),
        randn((4, 5, 3)),
        randn((3, 3, 3)),
        randn((6, 2, 1)),
        (pixels.to(current_device()),),
        (randn((4, 5, 2))[0].permute(1, 2, 0),),
    ]


HWC_TO_CHW = Exercise(
    "flatten.hwc_to_chw",
    lambda image: image.permute(2, 0, 1),
    (
        Misconception(
            "reshaped",
            lambda image: image.reshape(image.shape[2], *image.shape[:2]),
            "The shape is right, but the picture is not: `reshape` only cuts the same "
            "row of numbers differently. To move a dimension, use `permute`.",
        ),
        Misconception(
            "cut by view",
            lambda image: image.view(image.shape[2], *image.shape[:2]),
            "The shape is right, but the picture is not: `view` only cuts the same "
            "row of numbers differently (and fails where memory has another order). "
            "To move a dimension, use `permute`.",
        ),
        Misconception(
            "transposed",
            lambda image: image.transpose(0, 2),
            "You get C, W, H: the picture lies on its side, with rows and columns "
            "swapped. Only the channels should move, to the front.",
        ),
        Misconception(
            "transposed, then reshaped",
            lambda image: image.transpose(0, 2).reshape(
                image.shape[2], *image.shape[:2]
            ),
            "The channels are right, the pixels in them are scrambled: after the "
            "transpose each channel is W by H, and `reshape` does not turn it back.",
        ),
        Misconception(
            "the other way",
            lambda image: image.permute(1, 2, 0),
            "You moved the dimensions the other way. `permute` lists where each new "
            "dimension comes *from*: the first should be the old dimension 2.",
        ),
        Misconception(
            "NumPy's transpose",
            lambda image: image.transpose(2, 0, 1),
            "`transpose` with three numbers is NumPy's. In PyTorch `transpose` swaps "
            "two dimensions, and `permute` takes them all.",
        ),
        Misconception(
            "channels reversed",
            lambda image: image.permute(2, 0, 1).flip(0),
            "Every pixel is in its place, but the channels come in reverse order, as "
            "in BGR. Leave their order as it is.",
        ),
        Misconception(
            "batch added",
            lambda image: image.permute(2, 0, 1)[None],
            "There is a batch dimension in front. The task asks for one picture, "
            "`(C, H, W)`.",
        ),
        *(
            Misconception(
                name,
                answer,
                "This takes three channels for granted. A grey picture has one, and "
                "others have two or four: their number is `image.shape[2]`.",
            )
            for name, answer in (
                (
                    "three channels built in",
                    lambda image: torch.stack([image[:, :, c] for c in range(3)]),
                ),
                (  # another error message
                    "three channels built in, with dots",
                    lambda image: torch.stack([image[..., c] for c in range(3)]),
                ),
            )
        ),
        Misconception(
            "three channels at most",
            lambda image: torch.stack(image.unbind(-1)[:3]),
            "Where there are more than three channels, you keep the first three. Their "
            "number is `image.shape[2]`, and all of them belong to the result.",
        ),
        Misconception(
            "taken for channels first",
            lambda image: image if len(image) in (1, 3) else image.permute(2, 0, 1),
            "An image of height 3 comes back unchanged: its first size is its height "
            "here, not its channels. Every image is `(H, W, C)`; don't guess from the "
            "sizes.",
        ),
        Misconception(
            "scaled to 1",
            lambda image: image.permute(2, 0, 1).float() / 255,
            "Every pixel is in its place, but divided by 255, as `ToTensor` does. "
            "Here the numbers and the dtype stay as they are.",
        ),
        Misconception(
            "made floats",
            lambda image: image.permute(2, 0, 1).float(),
            "Every pixel is in its place, but bytes became floats. Here the dtype "
            "stays as it is.",
        ),
    ),
    _files,
    hints=(
        "Is this moving an axis, or cutting the same numbers differently? The lesson "
        "shows a picture of each.",
        "`permute` takes the old dimensions in their new order.",
        "The new dimension 0 is the old dimension 2. Rows and columns keep their "
        "order.",
    ),
)


def _image_cases() -> list[Case]:
    (file,) = randn((4, 5, 3), seed=3)
    return [
        randn((2, 2, 3)),
        randn((3, 4, 5)),
        randn((1, 4, 5)),
        (file.permute(2, 0, 1),),
        *_layouts((2, 3, 4, 5), (3, 2, 2, 3), (1, 3, 4, 5), (4, 1, 2, 3), (1, 1, 2, 3)),
    ]


def _guessed_by_size(x: Tensor) -> Tensor:
    return x.reshape(1, -1) if x.shape[0] in (1, 3) else x.flatten(1)


def _squeezed_first(x: Tensor) -> Tensor:
    x = x.squeeze()
    return (x.unsqueeze(0) if x.ndim == 3 else x).flatten(1)


def _squeezed_and_counted(x: Tensor) -> Tensor:
    x = x.squeeze()
    return (x.unsqueeze(0) if x.ndim <= 3 else x).flatten(1)


ANY_IMAGE = Exercise(
    "flatten.any_image",
    lambda x: x.reshape(-1, *x.shape[-3:]).flatten(1),
    (
        Misconception(
            "view",
            lambda x: x.view(-1, math.prod(x.shape[-3:])),
            "The idea is right, but " + _FAILS_AS_VIEW,
        ),
        Misconception(
            "batch trap",
            lambda x: x.flatten(1),
            "A batch is right. A single picture gave one row for each channel: its "
            "channels still stand in dimension 0, where the batch belongs. The new "
            "dimension goes in front of them. (`unsqueeze` changes nothing in `x`; it "
            "returns a new tensor.)",
        ),
        Misconception(
            "always one row",
            lambda x: x.flatten().unsqueeze(0),
            "A single picture is right. A batch became one long example: where "
            "`x.ndim` is 4, its first dimension must stay.",
        ),
        Misconception(
            "no batch dimension",
            lambda x: x.flatten(-3),
            "The pixels are right, but a single picture came out without a batch "
            "dimension: give it one, so that the result is always `(N, C*H*W)`.",
        ),
        Misconception(
            "guessed by size",
            _guessed_by_size,
            "You tell a single picture by its first size, 1 or 3. A batch may hold one "
            "or three pictures as well: count the dimensions, `x.ndim`.",
        ),
        Misconception(
            "squeezed first",
            _squeezed_first,
            "It goes wrong where a size is 1: `squeeze` removes the channel of a grey "
            "picture and the batch of one. Don't squeeze; count the dimensions as they "
            "come.",
        ),
        Misconception(
            "squeezed, then counted",
            _squeezed_and_counted,
            "Grey pictures go wrong: `squeeze` removes the channel of size 1, and "
            "a batch of them then looks like a single picture. Don't squeeze; "
            "count the dimensions as they come, `x.ndim`.",
        ),
        Misconception(
            "channels as examples",
            lambda x: x.reshape(-1, x.shape[-2] * x.shape[-1]),
            "Every channel became a separate example. The row of a picture holds all "
            "its channels: C·H·W numbers.",
        ),
    ),
    _image_cases,
    hints=(
        "What tells a single picture from a batch? Not its sizes: a batch may be of 1 "
        "or 3 too.",
        "`x.ndim` is 3 or 4. Make the single picture a batch of one, then treat both "
        "the same.",
        "`unsqueeze(0)` returns a tensor with a new dimension in front: keep what it "
        "returns.",
    ),
    differentiable=True,
)


def _size(channels: int, height: int, width: int, conv: int = 2, pool: int = 2) -> int:
    # Twice: a 3 x 3 convolution without padding, then a 2 x 2 pooling.
    for _ in range(2):
        height, width = (height - conv) // pool, (width - conv) // pool
    return channels * height * width


def _unrounded(channels: int, height: int, width: int) -> float:
    return channels * (height - 6) / 4 * (width - 6) / 4


def _pooled_first(channels: int, height: int, width: int) -> int:
    for _ in range(2):
        height, width = height // 2 - 2, width // 2 - 2
    return channels * height * width


LINEAR_SIZE = Exercise(
    "flatten.linear_size",
    lambda channels, height, width: _size(channels, height, width),
    (
        Misconception(
            "a quarter less two",
            lambda channels, height, width: (
                channels * (height // 4 - 2) * (width // 4 - 2)
            ),
            "You take off 2 after dividing by 4. Follow the layers, for each side: "
            "minus 2, `// 2`, minus 2, `// 2`.",
        ),
        Misconception(
            "border kept",
            lambda channels, height, width: _size(channels, height, width, conv=0),
            "You let the convolutions keep the size. Without padding a 3×3 kernel "
            "removes one pixel on each side: 2 in height and 2 in width.",
        ),
        Misconception(
            "kernel taken off",
            lambda channels, height, width: _size(channels, height, width, conv=3),
            "Each of your convolutions takes off 3. A kernel of 3 has 3 places in a "
            "row of 5: the size gets smaller by 2.",
        ),
        Misconception(
            "no pooling",
            lambda channels, height, width: _size(channels, height, width, pool=1),
            "The convolutions are right, but the pooling is missing: it halves height "
            "and width each time.",
        ),
        Misconception(
            "no channels",
            lambda channels, height, width: _size(1, height, width),
            "This is the size of one channel. Flatten puts all of them in one row: "
            "multiply by `channels`.",
        ),
        Misconception(
            "one round",
            lambda channels, height, width: (
                channels * ((height - 2) // 2) * ((width - 2) // 2)
            ),
            "You went through convolution and pooling once. There are two rounds.",
        ),
        Misconception(
            "convolutions first",
            lambda channels, height, width: (
                channels * ((height - 4) // 4) * ((width - 4) // 4)
            ),
            "Your size is what comes out if both borders are taken off before the two "
            "poolings, or if the second border is one pixel too narrow. The second "
            "convolution takes 2 off the *pooled* picture: 13 becomes 11.",
        ),
        Misconception(
            # The same numbers: ceil((n - 6) / 4) == (n - 3) // 4 for every n.
            "rounded up or one pixel",
            lambda channels, height, width: _size(channels, height, width, conv=1),
            "Your size is what comes out if each convolution takes off only 1, or if "
            "pooling rounds up. A 3×3 kernel without padding removes one pixel on "
            "*each* side, and pooling drops what is left over: 11 becomes 5.",
        ),
        Misconception(
            "never rounded",
            _unrounded,
            "You never round. Pooling drops what is left over, so 11 becomes 5: use "
            "`//` at each pooling.",
        ),
        Misconception(
            "rounded once",
            lambda channels, height, width: int(_unrounded(channels, height, width)),
            "You round only the product. Pooling drops what is left over in height "
            "and in width separately: use `//` at each pooling.",
        ),
        Misconception(
            "area rounded",
            lambda channels, height, width: (
                channels * ((height - 6) * (width - 6) // 16)
            ),
            "You round once, after multiplying both sides. Pooling drops what is left "
            "over in height and in width separately: work out each side by itself, "
            "with `//`.",
        ),
        Misconception(
            "divided from left to right",
            lambda channels, height, width: (
                channels * (height - 6) // 4 * (width - 6) // 4
            ),
            "`//` and `*` go from left to right: you divide a product that already "
            "holds `channels`. Pooling drops what is left over in height and in width "
            "separately: work out each side by itself, then multiply.",
        ),
        Misconception(
            "height for width",
            lambda channels, height, width: _size(channels, height, height),
            "You use the height twice, so only square pictures come out right. Send "
            "the width through the layers as well.",
        ),
        Misconception(
            "width for height",
            lambda channels, height, width: _size(channels, width, width),
            "You use the width twice, so only square pictures come out right. Send "
            "the height through the layers as well.",
        ),
        Misconception(
            "a float",
            lambda channels, height, width: float(_size(channels, height, width)),
            _FLOATS,
        ),
        Misconception(
            "pooling first",
            _pooled_first,
            "You pool before each convolution. The convolution comes first: take off "
            "2, then halve.",
        ),
        Misconception(
            "sum of the sides",
            lambda channels, height, width: (
                channels * (_size(1, height, 10) + _size(1, 10, width))
            ),
            "You add height and width. A channel has height times width numbers.",
        ),
        Misconception(
            "one pooling",
            lambda channels, height, width: (
                channels * ((height - 2) // 2 - 2) * ((width - 2) // 2 - 2)
            ),
            "The second pooling is missing: it halves height and width once more.",
        ),
        Misconception(
            "pooling moves by one",
            lambda channels, height, width: channels * (height - 6) * (width - 6),
            "Your pooling moves by one pixel, so that it hardly shrinks the picture. "
            "It moves by its own width, 2, unless told otherwise, and halves the "
            "size: `// 2`.",
        ),
    ),
    lambda: [
        (16, 28, 40),
        (8, 32, 20),
        (5, 31, 45),
        (4, 26, 34),
        (1, 29, 22),
        (10, 28, 28),
    ],
    apply=_whole,
    hints=(
        "Follow the height alone through the four layers, then the width. 28 ends "
        "as 5.",
        "A 3×3 kernel without padding takes off 2. Pooling by 2 halves and drops what "
        "is left over.",
        "`(size - 2) // 2` is one round, there are two. At the end every channel has "
        "height times width numbers.",
    ),
)

EXERCISES = (
    INDEX,
    PLACE,
    SHAPE,
    KEEP_BATCH,
    UNFLATTEN,
    HWC_TO_CHW,
    ANY_IMAGE,
    LINEAR_SIZE,
)
