"""Lesson 06: the size of an output, and the parameters of two heads."""

from course_utils.exercises.model import Exercise, Misconception

SIZE = Exercise(
    "pooling.size",
    lambda size, kernel, stride, padding: (
        (size + 2 * padding - kernel) // (stride or kernel) + 1
    ),
    (
        Misconception(
            "stride 1",
            lambda size, kernel, stride, padding: (
                (size + 2 * padding - kernel) // (stride or 1) + 1
            ),
            "You take a stride of 1 where none is given. That is a convolution's "
            "default; a pooling window moves by its own width.",
        ),
        Misconception(
            "rounded up",
            lambda size, kernel, stride, padding: (
                -(-(size + 2 * padding - kernel) // (stride or kernel)) + 1
            ),
            "You round up, so a window that hangs over the end counts. That is "
            "`ceil_mode=True`; by default only whole windows count.",
        ),
        Misconception(
            "padding once",
            lambda size, kernel, stride, padding: (
                (size + padding - kernel) // (stride or kernel) + 1
            ),
            "You count the padding once. It is put on both sides: `2 * padding`.",
        ),
        Misconception(
            "kernel not subtracted",
            lambda size, kernel, stride, padding: (
                (size + 2 * padding) // (stride or kernel)
            ),
            "You divide the whole length by the stride. What counts is the room in "
            "which the window can move: take `kernel` off first, and add 1 at the end.",
        ),
        Misconception(
            "steps for windows",
            lambda size, kernel, stride, padding: (
                (size + 2 * padding - kernel) // (stride or kernel)
            ),
            "You count the steps. The window also stands where it starts: add 1.",
        ),
    ),
    lambda: [
        (10, 3, None, 0),
        (28, 2, None, 0),
        (28, 3, 2, 1),
        (9, 4, 3, 2),
        (7, 3, 1, 1),
        (13, 5, None, 2),
    ],
)


def _heads(channels: int, height: int, width: int, classes: int) -> tuple[int, int]:
    return (channels * height * width + 1) * classes, (channels + 1) * classes


HEADS = Exercise(
    "pooling.heads",
    _heads,
    (
        Misconception(
            "no biases",
            lambda channels, height, width, classes: (
                channels * height * width * classes,
                channels * classes,
            ),
            "The weights are right; each class also has a bias.",
        ),
        Misconception(
            "swapped",
            lambda channels, height, width, classes: _heads(
                channels, height, width, classes
            )[::-1],
            "Both numbers are right, in the other order: Flatten first.",
        ),
        Misconception(
            "pixels kept",
            lambda channels, height, width, classes: (
                (channels * height * width + 1) * classes,
                (channels * height * width + 1) * classes,
            ),
            "Your second head still reads every pixel. After global pooling one number "
            "a channel is left.",
        ),
        Misconception(
            "pooling with weights",
            lambda channels, height, width, classes: (
                (channels * height * width + 1) * classes,
                (channels + 1) * classes + channels * height * width,
            ),
            "You count weights for the average itself. Pooling has no parameters.",
        ),
        Misconception(
            "one bias",
            lambda channels, height, width, classes: (
                channels * height * width * classes + 1,
                channels * classes + 1,
            ),
            "You count a single bias for the layer. Every class has its own.",
        ),
    ),
    lambda: [(64, 7, 7, 10), (3, 5, 4, 2), (16, 1, 1, 3)],
)
