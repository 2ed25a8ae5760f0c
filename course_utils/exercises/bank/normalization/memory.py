"""Lesson 04: running statistics, and BatchNorm undone."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _follow(batches, momentum, *, correction=1, start=(0.0, 1.0)):
    mean = torch.full_like(batches[0, 0], start[0])
    var = torch.full_like(mean, start[1])
    for batch in batches:
        mean = (1 - momentum) * mean + momentum * batch.mean(0)
        var = (1 - momentum) * var + momentum * batch.var(0, correction=correction)
    return mean, var


RUNNING = Exercise(
    "normalization.running",
    lambda batches, momentum: _follow(batches, momentum),
    (
        Misconception(
            "momentum reversed",
            lambda batches, momentum: _follow(batches, 1 - momentum),
            "You weigh the old by `momentum`. Here momentum is the weight of the "
            "new: `(1 - momentum) * old + momentum * new`.",
        ),
        Misconception(
            "biased variance",
            lambda batches, momentum: _follow(batches, momentum, correction=0),
            "The means are right. `running_var` takes the unbiased variance, divided "
            "by n - 1, though the batch is normalised with the biased one.",
        ),
        Misconception(
            "variance from zero",
            lambda batches, momentum: _follow(batches, momentum, start=(0.0, 0.0)),
            "The means are right. `running_var` starts from 1, not from 0.",
        ),
        Misconception(
            "mean from one",
            lambda batches, momentum: _follow(batches, momentum, start=(1.0, 1.0)),
            "`running_mean` starts from 0, not from 1.",
        ),
        Misconception(
            "plain average",
            lambda batches, momentum: (batches.mean((0, 1)), batches.var(1).mean(0)),
            "This is the plain average of all batches, which is what `momentum=None` "
            "gives. With a momentum, each batch moves the old value a step.",
        ),
        Misconception(
            "last batch",
            lambda batches, momentum: (batches[-1].mean(0), batches[-1].var(0)),
            "These are the last batch's own statistics: nothing of the earlier ones "
            "is left. Mix the new into the old.",
        ),
    ),
    lambda: [
        (3 * batches + 2, momentum)
        for shape in [(1, 2, 3), (4, 5, 2), (3, 3, 3)]
        for (batches,) in [randn(shape)]
        for momentum in (0.1, 0.3)
    ],
)

UNDO = Exercise(
    "normalization.undo",
    lambda mean, var, eps: (torch.sqrt(var + eps), mean.clone()),
    (
        Misconception(
            "eps forgotten",
            lambda mean, var, eps: (torch.sqrt(var), mean.clone()),
            "Nearly: the layer divides by √(var + eps), so that is what gamma must be.",
        ),
        Misconception(
            "eps outside the root",
            lambda mean, var, eps: (torch.sqrt(var) + eps, mean.clone()),
            "Nearly: `eps` belongs under the root, where the layer has it.",
        ),
        Misconception(
            "as when new",
            lambda mean, var, eps: (torch.ones_like(mean), torch.zeros_like(mean)),
            "With gamma 1 and beta 0 the layer gives the normalised input. What must "
            "it be multiplied by, and what added, to become the input again?",
        ),
        Misconception(
            "variance for spread",
            lambda mean, var, eps: (var + eps, mean.clone()),
            "The layer divides by the root of `var + eps`; gamma must undo that "
            "root, not its square.",
        ),
        Misconception(
            "divided twice",
            lambda mean, var, eps: (1 / torch.sqrt(var + eps), mean.clone()),
            "With this gamma the layer divides by the spread twice. To undo a "
            "division, multiply.",
        ),
        Misconception(
            "sign of the mean",
            lambda mean, var, eps: (torch.sqrt(var + eps), -mean),
            "The layer subtracts the mean already. Undo it: beta adds the mean back.",
        ),
        Misconception(
            "order",
            lambda mean, var, eps: (mean.clone(), torch.sqrt(var + eps)),
            "The two have changed places: gamma multiplies, beta is added.",
        ),
    ),
    lambda: [
        (mean, var.exp(), eps)
        for size in [(1,), (4,), (7,)]
        for mean, var in [randn(size, size)]
        for eps in (1e-5, 0.5)
    ],
)
