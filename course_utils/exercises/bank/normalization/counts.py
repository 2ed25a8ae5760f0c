"""Lesson 04: how many means each layer takes."""

from course_utils.exercises.model import Exercise, Misconception

COUNTS = Exercise(
    "normalization.counts",
    lambda n, c, groups: (c, n * c, n * groups, n),
    (
        Misconception(
            "BatchNorm by example",
            lambda n, c, groups: (n, n * c, n * groups, n),
            "You give BatchNorm a mean for every example. It gives one to every "
            "channel, taken over all examples.",
        ),
        Misconception(
            "InstanceNorm by channel",
            lambda n, c, groups: (c, c, n * groups, n),
            "InstanceNorm looks at one channel of one example at a time: count the "
            "examples too.",
        ),
        Misconception(
            "groups once",
            lambda n, c, groups: (c, n * c, groups, n),
            "You count the groups once. Each example has its own groups and means.",
        ),
        Misconception(
            "LayerNorm once",
            lambda n, c, groups: (c, n * c, n * groups, 1),
            "One mean for all would mix the examples. LayerNorm gives each its own.",
        ),
        Misconception(
            "BatchNorm and LayerNorm swapped",
            lambda n, c, groups: (n, n * c, n * groups, c),
            "BatchNorm and LayerNorm have changed places: the batch is what "
            "BatchNorm averages over.",
        ),
        Misconception(
            "groups times channels",
            lambda n, c, groups: (c, n * c, c * groups, n),
            "You count a mean for every channel of every group. The channels of a "
            "group share one: each example has `groups` means.",
        ),
        Misconception(
            "channels in a group",
            lambda n, c, groups: (c, n * c, n * c // groups, n),
            "`c // groups` is how many channels a group has. Count the groups.",
        ),
    ),
    lambda: [(8, 6, 3), (1, 4, 2), (5, 12, 1), (2, 10, 10)],
)
