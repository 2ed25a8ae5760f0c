"""Lesson 02: the loss of a classifier, from its logits."""

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _loss_cases() -> list[tuple]:
    def targets(*labels: int) -> torch.Tensor:
        return torch.tensor(labels, device=randn((1,))[0].device)

    (small,), (square,), (one,) = randn((4, 3)), randn((3, 3), seed=2), randn((1, 5))
    far = square.clone()
    far[0, 1] = 200.0
    return [
        (small, targets(2, 0, 1, 1)),
        (square, targets(1, 2, 2)),
        (one, targets(3)),
        (far, targets(0, 2, 2)),
    ]


def _picked(make):
    """Return an answer: minus the mean of what `make` gives the true classes."""
    return lambda logits, targets: (
        make(logits).gather(1, targets[:, None]).mean().mul(-1)
    )


CROSS_ENTROPY = Exercise(
    "activations.cross_entropy",
    lambda logits, targets: F.cross_entropy(logits, targets),
    (
        Misconception(
            "softmax first",
            lambda logits, targets: F.cross_entropy(logits.softmax(dim=1), targets),
            "You take softmax twice: `F.cross_entropy`, like `log_softmax`, takes one "
            "itself and wants the logits as they are.",
        ),
        Misconception(
            "log forgotten",
            _picked(lambda z: z.softmax(dim=1)),
            "You average the shares themselves. The loss is minus their *logarithm*: "
            "take `log_softmax`.",
        ),
        Misconception(
            "log after softmax",
            _picked(lambda z: z.softmax(dim=1).log()),
            "Right on paper; but where a share rounds to 0 your loss is infinite. Use "
            "`log_softmax`, which never leaves the logarithms.",
        ),
        Misconception(
            "logits for logarithms",
            _picked(lambda z: z),
            "You average the logits. They must become logarithms of shares first: "
            "`log_softmax`.",
        ),
        Misconception(
            "minus forgotten",
            lambda logits, targets: -F.cross_entropy(logits, targets),
            "Right but for the sign. Logarithms of shares are negative, and a loss is "
            "to be small when things go well: put a minus before the mean.",
        ),
        Misconception(
            "sum",
            lambda logits, targets: F.cross_entropy(logits, targets, reduction="sum"),
            "You add up over the batch. The loss is the mean, so that it does not "
            "depend on the size of the batch.",
        ),
        Misconception(
            "all classes",
            lambda logits, targets: -logits.log_softmax(dim=1).mean(),
            "You average over all classes. Only the true class of each example "
            "counts: pick it with `targets`.",
        ),
        Misconception(
            "over the batch",
            _picked(lambda z: z.log_softmax(dim=0)),
            "Your log-softmax runs over the batch. The classes are `dim=1`.",
        ),
        Misconception(
            "no mean",
            lambda logits, targets: F.cross_entropy(logits, targets, reduction="none"),
            "You return a loss for each example. Take their mean.",
        ),
        Misconception(
            "whole columns",
            lambda logits, targets: -logits.log_softmax(dim=1)[:, targets].mean(),
            "`[:, targets]` takes whole columns, one a target, from every row. Pair "
            "rows with targets: `[torch.arange(len(targets)), targets]`.",
        ),
    ),
    _loss_cases,
)
