"""Lesson 10: what the scores of a classifier say, as accuracy and as a loss."""

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _cases() -> list[tuple]:
    # Odd sizes, a batch of one, and as many rows as classes. Of every three labels
    # two are the best-scored class, so that accuracy is neither 0 nor 1.
    cases = []
    for n, classes in [(7, 10), (1, 3), (5, 5), (12, 3)]:
        (logits,) = randn((n, classes), seed=n + 3)
        best, worst = logits.argmax(1), logits.argmin(1)
        third = torch.arange(n, device=logits.device) % 3 == 2
        cases.append((logits, torch.where(third, worst, best)))
    return cases


def _right(logits, labels):
    return logits.argmax(dim=1) == labels


ACCURACY = Exercise(
    "classifier.accuracy",
    lambda logits, labels: _right(logits, labels).float().mean().item(),
    (
        Misconception(
            "argmax over the batch",
            lambda logits, labels: (
                (logits.argmax(dim=0) == labels).float().mean().item()
            ),
            "`argmax(dim=0)` asks, for each class, which image has most of it. Each "
            "image is a row, and its classes lie along `dim=1`.",
        ),
        Misconception(
            "argmax of everything",
            lambda logits, labels: (logits.argmax() == labels).float().mean().item(),
            "`argmax()` without `dim` gives one position in the whole table. You "
            "want one class for each row: `argmax(dim=1)`.",
        ),
        Misconception(
            "max for argmax",
            lambda logits, labels: (
                (logits.max(dim=1).values == labels).float().mean().item()
            ),
            "You compare the highest score itself with the label. What names the "
            "class is its position: `argmax(dim=1)`.",
        ),
        Misconception(
            "mean of booleans",
            lambda logits, labels: (logits.argmax(dim=1) == labels).mean(),
            "`==` gives True and False, and torch takes no mean of those: make them "
            "numbers first, with `.float()`.",
        ),
        Misconception(
            "a count",
            lambda logits, labels: _right(logits, labels).sum().item(),
            "You return how many are right. Accuracy is their share: divide by the "
            "number of images.",
        ),
        Misconception(
            "divided by the classes",
            lambda logits, labels: (
                _right(logits, labels).sum().item() / logits.shape[1]
            ),
            "You divide by the number of classes. The share is over the images: "
            "divide by `len(labels)`.",
        ),
        Misconception(
            "the error rate",
            lambda logits, labels: 1 - _right(logits, labels).float().mean().item(),
            "This is the share of mistakes. Accuracy is the share that is right.",
        ),
        Misconception(
            "percent",
            lambda logits, labels: 100 * _right(logits, labels).float().mean().item(),
            "This is in per cent. Return a share from 0 to 1.",
        ),
    ),
    _cases,
)


def _of_the_label(table, labels):
    return table[torch.arange(len(labels), device=table.device), labels]


CROSS_ENTROPY = Exercise(
    "classifier.cross_entropy",
    lambda logits, labels: F.cross_entropy(logits, labels),
    (
        Misconception(
            "no log",
            lambda logits, labels: -_of_the_label(logits.softmax(1), labels).mean(),
            "You average the probabilities themselves. The loss of an image is minus "
            "the *logarithm* of its label's probability.",
        ),
        Misconception(
            "no minus",
            lambda logits, labels: _of_the_label(logits.log_softmax(1), labels).mean(),
            "The sign is missing. The logarithm of a probability is negative, and a "
            "loss should fall as the network gets better.",
        ),
        Misconception(
            "sum",
            lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum"),
            "You add up the losses of the images. Take their mean, so that the size "
            "of the batch does not change the size of the step.",
        ),
        Misconception(
            "softmax over the batch",
            lambda logits, labels: -_of_the_label(logits.log_softmax(0), labels).mean(),
            "Your softmax runs over the images (`dim=0`). The probabilities of one "
            "image must sum to 1: `dim=1`.",
        ),
        Misconception(
            "softmax twice",
            lambda logits, labels: F.cross_entropy(logits.softmax(1), labels),
            "There are two softmaxes here: `cross_entropy` and `log_softmax` apply "
            "their own. Give them the logits as they are.",
        ),
        Misconception(
            "no softmax",
            lambda logits, labels: -_of_the_label(logits, labels).mean(),
            "You take the logits for log-probabilities. Only after `log_softmax` "
            "are they: raising one class must lower the others.",
        ),
        Misconception(
            "mean over the classes too",
            lambda logits, labels: F.cross_entropy(logits, labels) / logits.shape[1],
            "Your mean runs over all images and classes. Each image has one loss, "
            "that of its label: divide by the number of images alone.",
        ),
    ),
    _cases,
)
