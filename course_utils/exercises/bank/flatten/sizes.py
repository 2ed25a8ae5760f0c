"""Lesson 09: the number that Linear needs after convolutions."""

from course_utils.exercises.model import Exercise, Misconception


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
            "takes one pixel off each side: 2 in height and 2 in width.",
        ),
        Misconception(
            "no pooling",
            lambda channels, height, width: _size(channels, height, width, pool=1),
            "The convolutions are right, the pooling is missing: it halves height and "
            "width each time.",
        ),
        Misconception(
            "no channels",
            lambda channels, height, width: _size(1, height, width),
            "This is the size of one channel. Flatten lays all of them in a row: "
            "multiply by `channels`.",
        ),
        Misconception(
            "one round",
            lambda channels, height, width: (
                channels * ((height - 2) // 2) * ((width - 2) // 2)
            ),
            "You have gone through convolution and pooling once. There are two rounds.",
        ),
    ),
    lambda: [(16, 28, 28), (8, 32, 20), (5, 31, 45)],
)
