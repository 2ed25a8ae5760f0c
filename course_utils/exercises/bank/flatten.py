"""Exercises of lesson 09: Flatten and Unflatten."""

import math
from collections.abc import Callable

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Case, Exercise, Misconception

INDEX = Exercise(
    "flatten.index",
    lambda c, h, w, shape: (c * shape[1] + h) * shape[2] + w,
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
            "You multiply by H twice. A step of one row passes W numbers, so each row "
            "counts W: `shape[2]`.",
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
    ),
    lambda: [(1, 2, 3, (2, 4, 5)), (0, 1, 1, (3, 2, 7)), (2, 3, 1, (3, 5, 4))],
)

PLACE = Exercise(
    "flatten.place",
    lambda index, shape: (
        index // (shape[1] * shape[2]),
        index // shape[2] % shape[1],
        index % shape[2],
    ),
    (
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
            "row never starts anew",
            lambda index, shape: (
                index // (shape[1] * shape[2]),
                index // shape[2],
                index % shape[2],
            ),
            "Your row goes on counting through the channels. It starts at 0 again in "
            "each channel: take the remainder by H.",
        ),
    ),
    lambda: [(33, (2, 4, 5)), (8, (3, 2, 7)), (57, (3, 5, 4))],
)


_Shape = tuple[int, ...]


def _out(
    shape: _Shape, start: int, end: int, join: Callable[[_Shape], int] = math.prod
) -> _Shape:
    start, end = start % len(shape), end % len(shape)
    return (*shape[:start], join(shape[start : end + 1]), *shape[end + 1 :])


SHAPE = Exercise(
    "flatten.shape",
    lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim),
    (
        Misconception(
            "end excluded",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim - 1),
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
            "sizes added",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim, sum),
            "You add the sizes. 3 rows of 4 are 12 numbers: multiply.",
        ),
    ),
    lambda: [((2, 3, 4, 5), 1, 2), ((10, 3, 8, 7), 1, -1), ((6, 5, 4), 0, 1)],
)

KEEP_BATCH = Exercise(
    "flatten.keep_batch",
    lambda x: x.flatten(1),
    (
        Misconception(
            "batch merged",
            lambda x: x.flatten(),
            "You flatten everything, the batch as well: all examples became one long "
            "row. Start at dimension 1.",
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
            "permuted first",
            lambda x: x.permute(0, 2, 3, 1).flatten(1),
            "You moved the channels to the end before flattening. The shape is right, "
            "but the numbers are in other places.",
        ),
        Misconception(
            "batch last",
            lambda x: x.flatten(1).T,
            "The examples are in columns. Keep them in rows: `(N, C*H*W)`.",
        ),
    ),
    lambda: [randn((n, 3, 4, 5)) for n in (2, 1)],
)

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
            "batch dropped",
            lambda y, c, h, w: y.reshape(-1, h, w),
            "Batch and channels are merged into one dimension. Keep N in front.",
        ),
    ),
    lambda: [(*randn((n, 60)), 3, 4, 5) for n in (2, 1)],
)

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
            "transposed",
            lambda image: image.transpose(0, 2),
            "`transpose(0, 2)` swaps two dimensions: you get C, W, H, a picture with "
            "rows and columns swapped. Name all three with `permute`.",
        ),
        Misconception(
            "the other way",
            lambda image: image.permute(1, 2, 0),
            "You moved the dimensions the other way. `permute` lists where each new "
            "dimension comes *from*: the first should be the old dimension 2.",
        ),
    ),
    lambda: [randn((4, 5, 3)), randn((3, 3, 3)), randn((6, 2, 1))],
)


def _image_cases() -> list[Case]:
    return [
        randn((3, 4, 5)),
        randn((2, 3, 4, 5)),
        randn((1, 3, 4, 5)),
        randn((1, 4, 5)),
    ]


ANY_IMAGE = Exercise(
    "flatten.any_image",
    lambda x: x.reshape(-1, *x.shape[-3:]).flatten(1),
    (
        Misconception(
            "batch trap",
            lambda x: x.flatten(1),
            "A batch is right. For a single image the channels were taken for a "
            "batch: where `x.ndim` is 3, the image needs a batch dimension first.",
        ),
        Misconception(
            "always one row",
            lambda x: x.flatten().unsqueeze(0),
            "A single image is right. A batch became one long example: where `x.ndim` "
            "is 4, its first dimension must stay.",
        ),
        Misconception(
            "no batch dimension",
            lambda x: x.flatten(-3),
            "The pixels are right, but a single image came out without a batch "
            "dimension: give it one, so that the result is always `(N, C*H*W)`.",
        ),
    ),
    _image_cases,
)


def _size(channels: int, height: int, width: int, conv: int = 2, pool: int = 2) -> int:
    # Twice: a 3 x 3 convolution without padding, then a 2 x 2 pooling.
    for _ in range(2):
        height, width = (height - conv) // pool, (width - conv) // pool
    return channels * height * width


LINEAR_SIZE = Exercise(
    "flatten.linear_size",
    lambda channels, height, width: _size(channels, height, width),
    (
        Misconception(
            "border kept",
            lambda channels, height, width: _size(channels, height, width, conv=0),
            "You let the convolutions keep the size. Without padding a 3×3 kernel "
            "removes one pixel on each side: 2 in height and 2 in width.",
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
    ),
    lambda: [(16, 28, 28), (8, 32, 20), (5, 31, 45)],
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
