"""Lesson 10: which class is taken for which."""

import torch

from course_utils.exercises.model import Exercise, Misconception
from course_utils.session import current_device


def _predictions() -> list[tuple]:
    generator, device, cases = torch.Generator().manual_seed(1), current_device(), []
    for n, classes in [(12, 3), (20, 4), (5, 6)]:
        draws = torch.randint(classes, (2, n), generator=generator)
        draws[:, :2] = torch.tensor([[1], [2]])  # a mistake made twice
        predicted, labels = draws.to(device)
        cases.append((predicted, labels, classes))
    return cases


def _confusion(predicted, labels, classes):
    pairs = torch.bincount(labels * classes + predicted, minlength=classes**2)
    return pairs.reshape(classes, classes)


def _counted_once(predicted, labels, classes):
    return _confusion(predicted, labels, classes).clamp(max=1)


CONFUSION = Exercise(
    "classifier.confusion",
    _confusion,
    (
        Misconception(
            "transposed",
            lambda predicted, labels, classes: _confusion(labels, predicted, classes),
            "Yours lies on its side, with a row for each *predicted* class. Here, as "
            "in torchmetrics, a row is a true class and a column a predicted one.",
        ),
        Misconception(
            "repeats lost",
            _counted_once,
            "A pair that occurs twice is counted once. `m[labels, predicted] += 1` "
            "reads, adds and writes each cell a single time: use a loop, `bincount` "
            "or `index_put_` with `accumulate=True`.",
        ),
        Misconception(
            "only the right ones",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes).diag().diag()
            ),
            "You count the right answers alone. The mistakes are what the matrix is "
            "for: count every pair (true class, predicted class).",
        ),
        Misconception(
            "shares of a row",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes)
                / _confusion(predicted, labels, classes).sum(1, keepdim=True)
            ),
            "These are shares of each true class. Asked for are counts, as whole "
            "numbers. (And a class that does not occur gives 0/0.)",
        ),
    ),
    _predictions,
)
