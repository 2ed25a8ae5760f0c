"""Exercises of lesson 09: Flatten and Unflatten."""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.cases import randn, unlearning
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.watch import watched_call
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


def _squares(*shapes: tuple[_Shape, int]) -> list[Case]:
    """Return pictures of each shape with the side of a square, one of them moved."""
    pictures = [(*randn(shape, seed=4), p) for shape, p in shapes]
    (by_channels,) = randn((2, 3, 4, 6), seed=5)
    return [*pictures, (by_channels.to(memory_format=torch.channels_last), 2)]


def _cut(x: Tensor, p: int) -> Tensor:
    """Cut pictures into squares: (N, C, rows, p, columns, p)."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // p, p, w // p, p)


def _ordered(*order: int) -> Answer:
    """Return an answer that takes the axes of the cut pictures in this order."""

    def answer(x: Tensor, p: int) -> Tensor:
        n, c, _, _ = x.shape
        return _cut(x, p).permute(*order).reshape(n, -1, c * p * p)

    return answer


PATCHES = Exercise(
    "flatten.patches",
    _ordered(0, 2, 4, 1, 3, 5),
    (
        Misconception(
            "cut without moving",
            lambda x, p: x.reshape(len(x), -1, x.shape[1] * p * p),
            "The shape is right, but your rows are stretches of whole rows of pixels: "
            "`reshape` alone only cuts the row of numbers anew. First give each of the "
            "six directions its own dimension, then move them with `permute`.",
        ),
        Misconception(
            "channels last in a square",
            _ordered(0, 2, 4, 3, 5, 1),
            "The right squares in the right order, but inside each the channels run "
            "fastest. PyTorch's order is C, H, W: the channel comes first.",
        ),
        Misconception(
            "columns first in a square",
            _ordered(0, 2, 4, 1, 5, 3),
            "The right squares in the right order, but each is written column after "
            "column. Row after row: the column runs fastest.",
        ),
        Misconception(
            "squares column after column",
            _ordered(0, 4, 2, 1, 3, 5),
            "Each square is right, but they come column after column. Row after row: "
            "from the top left to the right first.",
        ),
        Misconception(
            "every p-th pixel",
            _ordered(0, 3, 5, 1, 2, 4),
            "Your rows hold every p-th pixel of the whole picture, not neighbours: you "
            "took the place inside a square for the number of the square. `reshape` "
            "gives (…, H/p, p, …): the first counts squares, the second pixels in one.",
        ),
        Misconception(
            "channels before the squares",
            _ordered(0, 1, 2, 4, 3, 5),
            "Your rows are not whole squares: the channel still stands before the "
            "squares, so that a row mixes neighbouring squares of one channel. The "
            "dimensions that count squares come right behind N.",
        ),
        Misconception(
            "rows of a square not gathered",
            _ordered(0, 2, 1, 3, 4, 5),
            "You move the channels behind the rows of squares, but the columns of "
            "squares still stand between the rows and the columns of pixels. Both "
            "dimensions that count squares come right behind N.",
        ),
        Misconception(
            "transposed as unfold gives it",
            lambda x, p: _ordered(0, 2, 4, 1, 3, 5)(x, p).transpose(1, 2),
            "The numbers are right, but each square is a column. Return one row per "
            "square: `(N, squares, C·p·p)`.",
        ),
        Misconception(
            "squares kept in two dimensions",
            lambda x, p: _cut(x, p).permute(0, 2, 4, 1, 3, 5).flatten(3),
            "The numbers are right, but the squares still fill two dimensions, rows "
            "and columns of them. Merge these two as well.",
        ),
        Misconception(
            "batch merged",
            lambda x, p: _ordered(0, 2, 4, 1, 3, 5)(x, p).flatten(0, 1),
            "The rows are right, but the pictures are no longer told apart: keep N in "
            "front, `(N, squares, C·p·p)`.",
        ),
    ),
    lambda: _squares(
        ((1, 1, 4, 6), 2), ((2, 3, 6, 3), 3), ((2, 2, 2, 3), 1), ((3, 2, 4, 8), 4)
    ),
    forbidden=("F.unfold", "nn.Unfold"),
    hints=(
        "A row of pixels is `W/p` squares wide, each of `p` pixels: W is two "
        "dimensions in one, and so is H.",
        "`x.reshape(N, C, H/p, p, W/p, p)` tells them apart without moving a number. "
        "Which of the six count squares, and which count inside one?",
        "`permute` puts them in the order N, the two that count squares, C, the two "
        "inside a square. Then merge from both groups what belongs together.",
    ),
    differentiable=True,
)


def _moved(*order: int) -> Answer:
    """Return an answer that reads the columns as (h, w, c) and moves these axes."""
    return lambda weight, c, h, w: (
        weight.reshape(-1, h, w, c).permute(0, *order).flatten(1)
    )


FROM_KERAS = Exercise(
    "flatten.from_keras",
    _moved(3, 1, 2),
    (
        Misconception(
            "the other way",
            lambda weight, c, h, w: (
                weight.reshape(-1, c, h, w).permute(0, 2, 3, 1).flatten(1)
            ),
            "This is the way back, from PyTorch's order to Keras's: you read the "
            "columns as C, H, W. They are in the order H, W, C; cut them into those.",
        ),
        Misconception(
            "unchanged",
            lambda weight, c, h, w: weight,
            "The weight comes back unchanged: `reshape` and `flatten` only cut anew. "
            "Cut the columns into axes, move these with `permute`, then flatten.",
        ),
        Misconception(
            "outputs mixed in",
            lambda weight, c, h, w: (
                weight.reshape(h, w, c, -1).permute(3, 2, 0, 1).flatten(1)
            ),
            "The shape is right, but outputs are mixed: you cut the whole weight, and "
            "its first dimension, out, went with it. Cut dimension 1 only, and keep "
            "dimension 0 in front.",
        ),
        Misconception(
            "width before height",
            _moved(3, 2, 1),
            "The channels come first now, but width and height are exchanged: you get "
            "the order C, W, H. `permute(0, 3, 1, 2)` keeps H before W.",
        ),
        Misconception(
            "left in four dimensions",
            lambda weight, c, h, w: weight.reshape(-1, h, w, c).permute(0, 3, 1, 2),
            "The numbers are in order, but the weight still has four dimensions. A "
            "linear layer's weight is `(out, in)`: flatten from dimension 1 on.",
        ),
        Misconception(
            "transposed",
            lambda weight, c, h, w: _moved(3, 1, 2)(weight, c, h, w).T,
            "The numbers are in order, but inputs and outputs are exchanged. PyTorch "
            "stores `(out, in)`, and that is how it was given to you.",
        ),
    ),
    lambda: [
        (*randn((3, 24), seed=6), 2, 3, 4),
        (*randn((1, 30), seed=7), 5, 3, 2),
        (*randn((4, 18), seed=8), 2, 3, 3),
        (*randn((2, 8), seed=9), 4, 2, 1),
    ],
    hints=(
        "In `weight` the columns are h·w·c numbers in one dimension. Cut that one into "
        "three; in which order?",
        "It is the lesson's cure, in the other direction: there the columns went from "
        "C, H, W to H, W, C.",
        "`weight.unflatten(1, (h, w, c))` has four dimensions: out, h, w, c. Move the "
        "last one, and flatten from dimension 1.",
    ),
    differentiable=True,
)


_MENDED = "nothing is wrong"


def _net(
    tokens: Callable[[Tensor], Tensor] = lambda h: h.flatten(2).transpose(1, 2),
    row: Callable[[Tensor], Tensor] = lambda h: h.flatten(1),
    bend: Callable[[Tensor], Tensor] = torch.relu,
    width: int = 16,
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(1, 32, 4, stride=4)
            self.up = nn.Linear(32, 16)
            self.head = nn.Linear(49 * width, 10)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(row(bend(self.up(tokens(self.patches(x))))))

    return Net


def _parts_of(net: Any) -> tuple[nn.Conv2d, nn.Linear, nn.Linear]:
    """Return the three layers of the repaired network."""
    if not isinstance(net, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    patches, up, head = (getattr(net, n, None) for n in ("patches", "up", "head"))
    if isinstance(patches, nn.Conv2d) and isinstance(up, nn.Linear):
        if isinstance(head, nn.Linear):
            return patches, up, head
    raise TypeError(
        "Keep the names: `patches` is a convolution, `up` and `head` are linear layers."
    )


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def _fault(net_class: Answer, n: int, channels_last: bool) -> Any:
    """Say the first thing that is wrong with a repaired network."""
    net = net_class()
    patches, up, head = _parts_of(net)
    net.to(current_device())
    if head.in_features != 49 * 16:
        return f"`head` takes {head.in_features:,} numbers, not 784"
    count = sum(parameter.numel() for parameter in net.parameters())
    if count != 8_922:
        return f"the module has {count:,} parameters, not 8,922"
    (x,) = randn((n, 1, 28, 28), seed=n)
    if channels_last:
        net.to(memory_format=torch.channels_last)  # pyright: ignore
        x = x.to(memory_format=torch.channels_last)
    y = watched_call(net, x)
    if not isinstance(y, Tensor):
        return y
    if y.shape != (n, 10):
        return f"{n} pictures give the shape {tuple(y.shape)}, not ({n}, 10)"
    maps = patches(x)
    moved, cut = maps.flatten(2).transpose(1, 2), maps.reshape(n, 49, 32)

    def logits(tokens: Tensor, bend: Callable[[Tensor], Tensor] = torch.relu) -> Tensor:
        return head(bend(up(tokens)).flatten(1))

    if _close(y, logits(moved)):
        return unlearning(net, x) or _MENDED
    if _close(y, logits(cut)):
        return "what reaches `up` is not one patch per row"
    if _close(y, logits(maps.transpose(2, 3).flatten(2).transpose(1, 2))):
        return "the patches come column after column"
    if _close(y, logits(moved, lambda h: h)):
        return "the ReLU behind `up` is gone"
    if _close(y, head(up(moved).relu().transpose(1, 2).flatten(1))):
        return "the row holds the patches' first numbers, then their second ones"
    return "the logits are not those that the text describes"


REPAIR = Exercise(
    "flatten.repair",
    _net(),
    (
        Misconception(
            "head not sized",
            _net(width=32, row=lambda h: torch.cat([h, h], -1).flatten(1)),
            "`head` is sized for the 32 numbers of a patch *before* `up`. Behind `up` "
            "a patch has 16: count what reaches `head`.",
        ),
        Misconception(
            "still cut",
            _net(tokens=lambda h: h.reshape(len(h), 49, 32)),
            "It runs, and the shapes are right, but what reaches `up` is not one patch "
            "per row: (N, 32, 7, 7) is cut anew, and the first row holds channel 0 of "
            "many patches. Merge the places, then exchange two axes.",
        ),
        Misconception(
            "batch merged",
            _net(row=lambda h: h.flatten()),
            "`torch.flatten(h)` merges the batch as well: it starts at dimension 0.",
        ),
        Misconception(
            "batch lost",
            _net(row=lambda h: h.flatten(1).sum(0)),
            "The batch is lost on the way to `head`: ten logits in all, not ten for "
            "each picture. Only dimensions 1 and 2 are merged.",
        ),
        Misconception(
            "columns of patches",
            _net(tokens=lambda h: h.permute(0, 3, 2, 1).flatten(1, 2)),
            "One patch per row, but the patches come column after column: height and "
            "width are exchanged. `flatten(2)` keeps them row after row.",
        ),
        Misconception(
            "no ReLU",
            _net(bend=lambda h: h),
            "All is right but one thing: the ReLU behind `up` is gone.",
        ),
        Misconception(
            "number after number",
            _net(row=lambda h: h.transpose(1, 2).flatten(1)),
            "What reaches `up` is right. But the row for `head` holds the first "
            "numbers of all patches, then the second ones; it should go patch after "
            "patch: (N, 49, 16), flattened as it is.",
        ),
    ),
    lambda: [(2, False), (1, False), (3, True)],
    _fault,
    hints=(
        "How many numbers does a patch have behind `up`? That sizes `head`.",
        "The maps are (N, 32, 7, 7). Which of these axes must `up` see last?",
        "`flatten(2)` merges the places, `transpose(1, 2)` brings them forward. And "
        "where must the last flatten start?",
    ),
    result="network",
    arguments=("n", "channels_last"),
)


class _Slice(nn.Module):
    """The upper left corner of the maps."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :32, :4, :4]


def _head(*layers: Callable[[], nn.Module]) -> Answer:
    """Return an answer that builds new layers one after the other."""
    return lambda: nn.Sequential(*(layer() for layer in layers))


def _pooled(size: int | tuple[int, int], channels: int = 128) -> list[Any]:
    high, wide = (size, size) if isinstance(size, int) else size
    return [
        lambda: nn.AdaptiveAvgPool2d((high, wide)),
        nn.Flatten,
        lambda: nn.Linear(channels * high * wide, 10),
    ]


def _flaw(answer: Answer, high: int, wide: int) -> Any:
    """Say the first demand of the design that a head does not meet."""
    head = answer()
    if not isinstance(head, nn.Module):
        return head
    head = head.to(current_device()).eval()
    (maps,) = randn((3, 128, high, wide), seed=high)
    with torch.no_grad():
        alone = _scores(head, maps[:1])
        if alone is None:
            return f"maps of {high} × {wide} do not fit the head"
        scores = _scores(head, maps)
        if scores is None:
            return "one picture fits the head, three do not"
        if getattr(scores, "shape", None) != (3, 10):
            if not isinstance(scores, Tensor):
                return scores
            return f"3 pictures give the shape {tuple(scores.shape)}, not (3, 10)"
        if sum(parameter.numel() for parameter in head.parameters()) > 6_000:
            return "the head has more than 6,000 parameters"
        if _close(scores.sum(1), torch.ones_like(scores[:, 0])):
            return "the scores of every picture sum to 1, as behind a softmax"
        if not _close(alone, scores[:1]):
            return "a picture's logits depend on the others in its batch"
        if not _close(head(maps.to(memory_format=torch.channels_last)), scores):
            return "with `channels_last` the logits are others"
        blind = [_close(head(maps.flip(axis)), scores) for axis in (3, 2)]
        if all(blind):
            return "mirrored or turned upside down, maps give the same logits"
        if any(blind):
            turned = "mirrored left to right" if blind[0] else "turned upside down"
            return f"maps {turned} give the same logits"
        return _blind_spot(head, maps[0])


def _scores(head: nn.Module, maps: Tensor) -> Any:
    """Return what a head gives; None where a layer was sized for other numbers."""
    try:
        return head(maps)
    except (RuntimeError, ValueError) as error:
        if "shape" in str(error):
            return None
        raise


def _blind_spot(head: nn.Module, maps: Tensor) -> str:
    """Say which part of the maps has no influence; that nothing is wrong if none."""
    channels, high, wide = maps.shape
    (noise,) = randn((channels, high, wide), seed=3)
    each = torch.eye(channels, device=maps.device)[:, :, None, None]
    if _some_idle(head, maps, 10 * each * noise):
        return "one of the 128 maps has no influence on any logit"
    places = [(0, 0), (0, wide - 1), (high // 2, wide // 2), (high - 1, wide - 1)]
    changes = maps.new_zeros(len(places), *maps.shape)
    for number, (row, column) in enumerate(places):
        changes[number, :, row, column] = 10 * noise[:, row, column]
    if _some_idle(head, maps, changes):
        return "a place of the maps has no influence on any logit"
    return _MENDED


def _some_idle(head: nn.Module, maps: Tensor, changes: Tensor) -> bool:
    """Say whether one of the changes moves no logit, whichever its sign."""
    # Both signs: a maximum, or a ReLU, may not notice that a number gets smaller.
    gaps = [head(maps + change) - head(maps[None]) for change in (changes, -changes)]
    return bool((torch.stack(gaps).abs().amax((0, 2)) < 1e-6).any())


DESIGN_HEAD = Exercise(
    "flatten.design_head",
    _head(*_pooled(2)),
    (
        Misconception(
            "global pooling",
            _head(*_pooled(1)),
            "Maps that are mirrored give the same logits: one number per map has "
            "forgotten where. Keep a few places per map, and flatten those.",
        ),
        Misconception(
            "a column of places",
            _head(*_pooled((4, 1))),
            "Upside down is noticed, left and right are not: your head keeps several "
            "rows, but a single column. It needs both.",
        ),
        Misconception(
            "a row of places",
            _head(*_pooled((1, 4))),
            "Left and right are told apart, above and below are not: your head keeps "
            "several columns, but a single row. It needs both.",
        ),
        Misconception(
            "too many places",
            _head(*_pooled(3)),
            "Over the budget of 6,000 parameters. Each place kept costs 128 · 10 "
            "weights: how many places can you afford? Or have fewer channels first, "
            "with a 1 × 1 convolution.",
        ),
        Misconception(
            "made for one size",
            _head(
                lambda: nn.Conv2d(128, 2, 1), nn.Flatten, lambda: nn.Linear(2 * 196, 10)
            ),
            "Your head takes maps of one size only: a linear layer behind Flatten is "
            "sized for it. What gives the same number of places, whatever comes in?",
        ),
        Misconception(
            "a corner",
            _head(_Slice, *_pooled(2, channels=32)),
            "Some maps have no influence on any logit: your head looks at a part of "
            "them only. Summarise all of them, at all places, and keep several places.",
        ),
        Misconception(
            "batch merged",
            _head(*_pooled(2)[:1], lambda: nn.Flatten(0), *_pooled(2)[2:]),
            "The batch is merged into the row: one picture fits, three become a row "
            "three times as long. `torch.flatten` starts at 0; where must yours start?",
        ),
    ),
    lambda: [(14, 14), (8, 20), (11, 9)],
    _flaw,
    hints=(
        "Flatten keeps every place and costs 1,280 weights for each. Global pooling "
        "keeps none. What is between?",
        "`nn.AdaptiveAvgPool2d(k)` makes k × k places of maps of any size.",
        "The row behind k × k places of 128 maps has 128·k·k numbers. With ten outputs "
        "and a bias each, which k is within the budget and more than 1?",
    ),
    result="head",
    arguments=("height", "width"),
)

EXERCISES = (
    PLACE,
    SHAPE,
    LINEAR_SIZE,
    HWC_TO_CHW,
    ANY_IMAGE,
    PATCHES,
    FROM_KERAS,
    REPAIR,
    DESIGN_HEAD,
)
