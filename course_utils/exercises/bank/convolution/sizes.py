"""Lesson 05: the size of the output, and the padding that keeps it."""

import math

from course_utils.exercises.model import Exercise, Misconception

OUTPUT_SIZE = Exercise(
    "convolution.output_size",
    lambda size, kernel, stride, padding, dilation: (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    ),
    (
        Misconception(
            "one too few",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - dilation * (kernel - 1) - 1) // stride
            ),
            "One too few: you count the steps of the window. It also stands at the "
            "start, before its first step: `+ 1`.",
        ),
        Misconception(
            "dilation forgotten",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - kernel) // stride + 1
            ),
            "You leave the dilation out. A window of `kernel` taps spans "
            "`dilation * (kernel - 1) + 1` cells.",
        ),
        Misconception(
            "dilation times kernel",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - dilation * kernel) // stride + 1
            ),
            "You let the window span `dilation * kernel` cells. The gaps lie between "
            "the taps, so there are `kernel - 1` of them.",
        ),
        Misconception(
            "padding on one side",
            lambda size, kernel, stride, padding, dilation: (
                (size + padding - dilation * (kernel - 1) - 1) // stride + 1
            ),
            "You count the padding once. It is put on both ends: `2 * padding`.",
        ),
        Misconception(
            "rounded up",
            lambda size, kernel, stride, padding, dilation: (
                math.ceil((size + 2 * padding - dilation * (kernel - 1) - 1) / stride)
                + 1
            ),
            "You round up. A window that sticks out at the end is not computed: "
            "round down, with `//`.",
        ),
        Misconception(
            "not rounded",
            lambda size, kernel, stride, padding, dilation: (
                (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
            ),
            "`/` leaves a fraction of a window. Only whole steps count: `//`.",
        ),
    ),
    lambda: [(10, 3, 2, 1, 2), (28, 3, 1, 0, 1), (12, 3, 1, 1, 3), (9, 5, 3, 2, 1)],
)

SAME_PADDING = Exercise(
    "convolution.same_padding",
    lambda kernel, dilation: dilation * (kernel - 1) // 2,
    (
        Misconception(
            "dilation forgotten",
            lambda kernel, dilation: (kernel - 1) // 2,
            "Right for `dilation=1` only. The window spans "
            "`dilation * (kernel - 1) + 1` cells, and all but one must be made up.",
        ),
        Misconception(
            "both sides",
            lambda kernel, dilation: dilation * (kernel - 1),
            "That is what is missing on both ends together. `padding` is what is put "
            "on each end: half of it.",
        ),
        Misconception(
            "one too many",
            lambda kernel, dilation: dilation * (kernel + 1) // 2,
            "This gives an output longer than the input. Padding must make up for "
            "`kernel - 1` taps, not `kernel + 1`.",
        ),
        Misconception(
            "dilation times the half kernel",
            lambda kernel, dilation: dilation * kernel // 2,
            "You take half of `dilation * kernel`. The gaps lie between the taps: "
            "take `kernel - 1`.",
        ),
    ),
    lambda: [(3, 1), (5, 2), (7, 3), (1, 4)],
)
