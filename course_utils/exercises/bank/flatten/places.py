"""Lesson 09: which pixel lands where, and how long the result is."""

import math

from course_utils.exercises.model import Exercise, Misconception

INDEX = Exercise(
    "flatten.index",
    lambda c, h, w, shape: (c * shape[1] + h) * shape[2] + w,
    (
        Misconception(
            "column-major",
            lambda c, h, w, shape: c + shape[0] * (h + shape[1] * w),
            "This lets the first index run fastest, as Fortran and MATLAB do. In "
            "PyTorch the last one does: w, then h, then c.",
        ),
        Misconception(
            "height for width",
            lambda c, h, w, shape: (c * shape[1] + h) * shape[1] + w,
            "You multiply by H twice. A step of one row passes W numbers, so the row "
            "counts W each: `shape[2]`.",
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
            "Your row goes on counting through the channels. It starts anew with each "
            "of them: take the remainder by H.",
        ),
    ),
    lambda: [(33, (2, 4, 5)), (8, (3, 2, 7)), (57, (3, 5, 4))],
)


def _out(shape: tuple, start: int, end: int, join=math.prod) -> tuple:
    start, end = start % len(shape), end % len(shape)
    return (*shape[:start], join(shape[start : end + 1]), *shape[end + 1 :])


SHAPE = Exercise(
    "flatten.shape",
    lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim),
    (
        Misconception(
            "end excluded",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim - 1),
            "You leave `end_dim` out, as a Python slice would. Here the last dimension "
            "named is merged too.",
        ),
        Misconception(
            "start ignored",
            lambda shape, start_dim, end_dim: _out(shape, 0, end_dim),
            "You merge from the first dimension on. Those before `start_dim` stay.",
        ),
        Misconception(
            "end ignored",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, -1),
            "You merge up to the last dimension. Those behind `end_dim` stay.",
        ),
        Misconception(
            "sizes added",
            lambda shape, start_dim, end_dim: _out(shape, start_dim, end_dim, sum),
            "You add the sizes up. 3 rows of 4 are 12 numbers: multiply.",
        ),
    ),
    lambda: [((2, 3, 4, 5), 1, 2), ((10, 3, 8, 7), 1, -1), ((6, 5, 4), 0, 1)],
)
