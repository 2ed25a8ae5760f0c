"""Exercises of lesson 10: a classifier, from its scores to its training."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from course_utils.exercises.applications.classifier import evaluated, three_steps
from course_utils.exercises.cases import Fact, randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device


def _count(sizes: tuple[int, ...]) -> int:
    return sum(a * b + b for a, b in pairwise(sizes))


def _one_pair_too_many(sizes: tuple[int, ...]) -> int:
    return sum(sizes[i] * sizes[i + 1] for i in range(len(sizes)))


def _count_of_three(sizes: tuple[int, ...]) -> int:
    a, b, c, d = sizes
    return _count((a, b, c, d))


def _count_by_index(sizes: tuple[int, ...]) -> int:
    a, b, c, d = sizes[0], sizes[1], sizes[2], sizes[3]
    return _count((a, b, c, d))


_THREE_BUILT_IN = (
    "Three layers are built in, as this lesson's network has them. `sizes` may be "
    "shorter or longer: go through its neighbouring pairs in a loop."
)

COUNT = Exercise(
    "classifier.count",
    _count,
    (
        Misconception(
            "no biases",
            lambda sizes: sum(a * b for a, b in pairwise(sizes)),
            "You count only the weights. Each output of a layer has a bias too.",
        ),
        Misconception(
            "a bias per input",
            lambda sizes: sum(a * b + a for a, b in pairwise(sizes)),
            "You count one bias per input of a layer. There is one per output.",
        ),
        Misconception(
            "one bias a layer",
            lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes)),
            "You count one bias per layer. There is one for each of its outputs.",
        ),
        Misconception(
            "a bias per pixel",
            lambda sizes: sum(a * b for a, b in pairwise(sizes)) + sum(sizes),
            "You give the input a bias as well. The first number is the input size; "
            "biases belong to the outputs of a layer.",
        ),
        Misconception(
            "neurons",
            lambda sizes: sum(sizes),
            "You add up the neurons. The parameters are the connections between "
            "them, `a * b` for each layer, and the biases.",
        ),
        Misconception("four sizes unpacked", _count_of_three, _THREE_BUILT_IN),
        Misconception("four sizes by index", _count_by_index, _THREE_BUILT_IN),
        Misconception(
            "four sizes from both ends",
            lambda sizes: _count((*sizes[:2], *sizes[-2:])),
            _THREE_BUILT_IN,
        ),
        Misconception(
            "equal layers once",
            lambda sizes: sum(a * b + b for a, b in set(pairwise(sizes))),
            "Layers of the same sizes are counted once, as in a set or a dict, which "
            "keep equal pairs once. Each layer counts: (6, 6, 6, 2) has two of 6 to 6.",
        ),
        Misconception(
            "hidden layers of one width",
            lambda sizes: _count((sizes[0], *[sizes[1]] * (len(sizes) - 2), sizes[-1])),
            "You take every hidden layer to be as wide as the first. They may differ: "
            "go through the neighbours in `sizes`.",
        ),
        Misconception(
            "one pair too many",
            _one_pair_too_many,
            "An index runs over the end of `sizes`: there is one layer fewer than "
            "sizes, so the last pair begins at the last size but one.",
        ),
        Misconception(
            "a single bias",
            lambda sizes: sum(a * b for a, b in pairwise(sizes)) + 1,
            "The weights are right, but you count one bias for the whole network. "
            "Each output of each layer has one.",
        ),
        Misconception(
            "first layer only",
            lambda sizes: _count(sizes[:2]),
            "This is the first layer alone. If you have a loop, its `return` may "
            "stand inside it and end it after one round.",
        ),
        Misconception(
            "last layer left out",
            lambda sizes: _count(sizes[:-1]),
            "The last layer is not counted: your loop ends one pair too early. n sizes "
            "make n − 1 layers.",
        ),
        Misconception(
            "first layer left out",
            lambda sizes: _count(sizes[1:]),
            "The first layer is not counted: it leads from the input features to the "
            "next size.",
        ),
        Misconception(
            "no bias in the last layer",
            lambda sizes: _count(sizes) - sizes[-1],
            "The biases of the last layer are missing. Its outputs are scores, and "
            "each has a bias like any other.",
        ),
    ),
    lambda: [
        ((3, 5, 2),),
        ((784, 512, 512, 10),),
        ((784, 10),),
        ((7, 1, 7, 4),),
        ((6, 6, 6, 2),),
        ((2, 3, 4, 5, 6),),
    ],
    hints=(
        "Start with one layer from a to b features. What shape has its weight, and "
        "how many numbers has its bias?",
        "A layer stands between two neighbours in `sizes`: there is one layer fewer "
        "than sizes.",
        "`zip(sizes, sizes[1:])` gives the pairs. Add `a * b` weights and the biases "
        "of each.",
    ),
)


def _all_right() -> Case:
    """Return scores that are all right; three of the best are equal to their label."""
    logits = randn((4, 5), seed=9)[0].clamp(max=1)
    labels = torch.tensor([0, 4, 2, 3], device=logits.device)
    best = torch.tensor([6.0, 4.0, 2.0, 3.0], device=logits.device)
    logits[torch.arange(4, device=logits.device), labels] = best
    return logits, labels


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.argmax(dim=1) == labels


def _score_cases() -> list[Case]:
    # Odd sizes, a batch of one, more than ten classes. Of every four labels two
    # are the best-scored class, one is the worst and one the second best.
    cases: list[Case] = []
    for n, classes in [(7, 10), (1, 3), (5, 5), (12, 3), (40, 6), (9, 14), (600, 3)]:
        (logits,) = randn((n, classes), seed=n + 3)
        ranked = logits.argsort(dim=1, descending=True)
        chosen = [0, 0, classes - 1, 1] * n
        labels = [row[place].item() for row, place in zip(ranked, chosen, strict=False)]
        cases.append((logits, torch.tensor(labels, device=logits.device)))
    return cases


def _best_image_of_each_class(logits: Tensor, labels: Tensor) -> float:
    best = logits.argmax(dim=0)
    n = min(len(best), len(labels))
    return (best[:n] == labels[:n]).sum().item() / len(labels)


ACCURACY = Exercise(
    "classifier.accuracy",
    lambda logits, labels: _right(logits, labels).float().mean().item(),
    (
        Misconception(
            "above one half",
            lambda logits, labels: (
                (_of_the_label(logits.softmax(1), labels) > 0.5).float().mean().item()
            ),
            "You count an image only if the share of its label is above one half. "
            "Right means the largest of the row, however small: "
            "`argmax(dim=1) == labels`.",
        ),
        Misconception(
            "argmax over the batch",
            lambda logits, labels: (
                (logits.argmax(dim=0) == labels).float().mean().item()
            ),
            "`argmax(dim=0)` finds, for each class, the image with the highest score. "
            "Each image is a row, and its classes are along `dim=1`.",
        ),
        Misconception(
            "argmax of everything",
            lambda logits, labels: (logits.argmax() == labels).float().mean().item(),
            "`argmax()` without `dim` gives one position in the whole table. You "
            "want one class for each row: `argmax(dim=1)`.",
        ),
        Misconception(
            "softmax over the batch",
            lambda logits, labels: (
                _right(logits.softmax(dim=0), labels).float().mean().item()
            ),
            "Your result is that of a softmax over the batch (`dim=0`), which changes "
            "which score of a row is the largest. `argmax(dim=1)` of the logits needs "
            "no softmax.",
        ),
        Misconception(
            "mean of the classes' shares",
            lambda logits, labels: (
                torch.stack(
                    [
                        _right(logits, labels)[labels == label].float().mean()
                        for label in labels.unique()
                    ]
                )
                .mean()
                .item()
            ),
            "You average the shares of the classes, so a rare class counts as much as "
            "a frequent one (balanced accuracy). Divide all right answers by N.",
        ),
        Misconception(
            "rounded",
            lambda logits, labels: round(
                _right(logits, labels).float().mean().item(), 2
            ),
            "Your share is rounded to two places. Return it as it is.",
        ),
        Misconception(
            "max for argmax",
            lambda logits, labels: (
                (logits.max(dim=1).values == labels).float().mean().item()
            ),
            "You compare the highest score itself with the label. The class is its "
            "position: `argmax(dim=1)`.",
        ),
        Misconception(
            "mean of booleans",
            lambda logits, labels: (logits.argmax(dim=1) == labels).mean(),
            "`==` gives True and False, and torch can't take the mean of those: "
            "convert them first, with `.float()`.",
        ),
        Misconception(
            "whole division",
            lambda logits, labels: _right(logits, labels).sum().item() // len(labels),
            "Your result is 0 as long as one image is wrong: `//` rounds down. Use "
            "`/`.",
        ),
        Misconception(
            "every prediction with every label",
            lambda logits, labels: (
                (logits.argmax(dim=1) == labels.unsqueeze(1)).float().mean().item()
            ),
            "Your `==` seems to compare every prediction with every label, `(N, N)` "
            "of them: one of the two is a column, `(N, 1)`. Both must be `(N,)`.",
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
            "You divide by the number of classes. Accuracy is a share of the images: "
            "divide by `len(labels)`.",
        ),
        Misconception(
            "the error rate",
            lambda logits, labels: 1 - _right(logits, labels).float().mean().item(),
            "This is the share of mistakes. Accuracy is the share of right answers.",
        ),
        Misconception(
            "argmin",
            lambda logits, labels: (
                (logits.argmin(dim=1) == labels).float().mean().item()
            ),
            "You compare the label with the class of the lowest score. The network "
            "chooses the highest.",
        ),
        Misconception(
            "percent",
            lambda logits, labels: 100 * _right(logits, labels).float().mean().item(),
            "This is in percent. Return a share from 0 to 1.",
        ),
        Misconception(
            "probability of the label",
            lambda logits, labels: (
                _of_the_label(logits.softmax(1), labels).mean().item()
            ),
            "This is the mean probability of the right class. Accuracy counts: an "
            "image is right or wrong, whatever the probability. Compare "
            "`argmax(dim=1)` with the labels.",
        ),
        Misconception(
            "confidence",
            lambda logits, labels: logits.softmax(1).amax(1).mean().item(),
            "This is the mean of the largest probabilities, how sure the network is. "
            "Accuracy compares its choices with the labels.",
        ),
        Misconception(
            "best image of each class",
            _best_image_of_each_class,
            "You take the best image of each class, `argmax(dim=0)`, and compare as "
            "many as there are. Each image chooses among the classes: "
            "`argmax(dim=1)`.",
        ),
        Misconception(
            "counted in bytes",
            lambda logits, labels: (
                int(_right(logits, labels).sum()) % 256 / len(labels)
            ),
            "Right up to 255 right answers, then the count starts over at 0: it is "
            "kept in `uint8`, which ends there. Count in int64, or take the mean of "
            "floats.",
        ),
    ),
    lambda: [*_score_cases(), _all_right()],
    hints=(
        "First the class that the network chose for each image, then how often it is "
        "the label.",
        "Each row holds the scores of one image. `argmax` along the classes gives "
        "`(N,)`, as many as there are labels.",
        "`==` gives `True` and `False`. As floats they are 1 and 0, and what is their "
        "mean?",
    ),
)


def _of_the_label(table: Tensor, labels: Tensor) -> Tensor:
    return table[torch.arange(len(labels), device=table.device), labels]


def _mean_loss(log_p: Tensor, labels: Tensor) -> Tensor:
    return -_of_the_label(log_p, labels).mean()


def _below_the_largest(logits: Tensor) -> Tensor:
    below = logits - logits.max()
    return below - below.exp().sum(1, keepdim=True).log()


def _loss(answer: Answer, logits: Tensor, labels: Tensor) -> Any:
    """Call an answer; a Python number comes back as text, so that it never passes."""
    loss = answer(logits, labels)
    return "a Python number, not a tensor" if isinstance(loss, Real) else loss


def _loss_cases() -> list[Case]:
    # Logits far apart, where a probability rounds to 0, and all of them far below 0.
    apart, low = randn((5, 4), (3, 6), seed=5)
    apart_labels = torch.tensor([0, 3, 1, 2, 3], device=apart.device)
    low_labels = torch.tensor([5, 0, 2], device=low.device)
    return [
        *_score_cases(),
        (200 * apart, apart_labels),
        (low - 200, low_labels),
    ]


CROSS_ENTROPY = Exercise(
    "classifier.cross_entropy",
    lambda logits, labels: _mean_loss(logits.log_softmax(1), labels),
    (
        Misconception(
            "no log",
            lambda logits, labels: _mean_loss(logits.softmax(1), labels),
            "You average the probabilities themselves. The loss of an image is minus "
            "the *logarithm* of its label's probability.",
        ),
        Misconception(
            "no minus",
            lambda logits, labels: -_mean_loss(logits.log_softmax(1), labels),
            "The sign is missing. The logarithm of a probability is negative, and a "
            "loss should fall as the network gets better.",
        ),
        Misconception(
            "sum",
            lambda logits, labels: (
                len(labels) * _mean_loss(logits.log_softmax(1), labels)
            ),
            "You add up the losses of the images. Take their mean, so that the batch "
            "size does not change the size of a training step.",
        ),
        Misconception(
            "softmax over the batch",
            lambda logits, labels: _mean_loss(logits.log_softmax(0), labels),
            "Your softmax runs over the images (`dim=0`). The probabilities of one "
            "image must sum to 1: `dim=1`.",
        ),
        Misconception(
            "softmax twice",
            lambda logits, labels: _mean_loss(logits.softmax(1).log_softmax(1), labels),
            "There are two softmaxes here: `log_softmax` applies its own. Give it the "
            "raw logits.",
        ),
        Misconception(
            "no softmax",
            lambda logits, labels: _mean_loss(logits, labels),
            "You use the logits as log-probabilities. They become log-probabilities "
            "through `log_softmax`: raising one class must lower the others.",
        ),
        Misconception(
            "mean over the classes too",
            lambda logits, labels: (
                _mean_loss(logits.log_softmax(1), labels) / logits.shape[1]
            ),
            "Your mean runs over all images and classes. Each image has one loss, "
            "that of its label: divide by the number of images only.",
        ),
        Misconception(
            "no mean",
            lambda logits, labels: -_of_the_label(logits.log_softmax(1), labels),
            "These are the losses of the single images, `(N,)`. The task asks for one "
            "number: their mean.",
        ),
        Misconception(
            "all classes",
            lambda logits, labels: -logits.log_softmax(1).mean(),
            "The labels play no part in your number: it is the mean over all classes. "
            "For each image only the class of its label counts.",
        ),
        Misconception(
            "the best class",
            lambda logits, labels: -logits.log_softmax(1).amax(1).mean(),
            "The labels play no part in your number: you take the class of the "
            "highest score. The loss asks for the probability of the *right* class.",
        ),
        Misconception(
            "a table of all labels",
            lambda logits, labels: -logits.log_softmax(1)[:, labels].mean(),
            "`[:, labels]` picks, for every image, the labels of *all* images: an "
            "`(N, N)` table. You want one number for each row, at its own label: give "
            "the rows an index too.",
        ),
        Misconception(
            "softmax, then log",
            lambda logits, labels: _mean_loss(logits.softmax(1).log(), labels),
            "It is right for small logits. Where they lie far apart, 200 say, a "
            "probability rounds to exactly 0 and its logarithm is −inf. "
            "`log_softmax` does both in one step and avoids it.",
        ),
        *(
            Misconception(
                f"log of p + {small:g}",
                lambda logits, labels, small=small: _mean_loss(
                    (logits.softmax(1) + small).log(), labels
                ),
                "It is right for small logits. The small number under the logarithm, "
                "added or as a lower limit, hides how wrong the network is: a loss of "
                "200 comes out as 20. `log_softmax` needs no such number.",
            )
            for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
        ),
        Misconception(
            "exp of large logits",
            lambda logits, labels: _mean_loss(
                (logits.exp() / logits.exp().sum(1, keepdim=True)).log(), labels
            ),
            "It is right for small logits. For large ones (200 or −200) `exp` becomes "
            "inf or 0, and their ratio is no number. Subtract each row's maximum "
            "first, or use `log_softmax`.",
        ),
        Misconception(
            "log of the sum of exp",
            lambda logits, labels: _mean_loss(
                logits - logits.exp().sum(1, keepdim=True).log(), labels
            ),
            "It is right for small logits. For large ones (200 or −200) `exp` becomes "
            "inf or 0, and so does the sum under the logarithm. `logsumexp` or "
            "`log_softmax` avoid it.",
        ),
        Misconception(
            "largest of all subtracted",
            lambda logits, labels: _mean_loss(_below_the_largest(logits), labels),
            "It is right for small logits. You subtract the largest of *all* logits: "
            "in a row far below it every exp is 0, and the logarithm of the sum −inf. "
            "Subtract the largest of each row, `amax(dim=1, keepdim=True)`, or use "
            "`log_softmax`.",
        ),
        Misconception(
            "largest of all subtracted, then log",
            lambda logits, labels: _mean_loss(
                (
                    (logits - logits.max()).exp()
                    / (logits - logits.max()).exp().sum(1, keepdim=True)
                ).log(),
                labels,
            ),
            "It is right for small logits. You subtract the largest of *all* logits: "
            "in a row far below it every exp is 0, and their ratio 0/0. `log_softmax` "
            "subtracts the largest of each row, and takes no logarithm of 0.",
        ),
        Misconception(
            "a Python number",
            lambda logits, labels: _mean_loss(logits.log_softmax(1), labels).item(),
            "You return a Python number, which has no `backward()`. Return a tensor, "
            "without `.item()`.",
        ),
    ),
    _loss_cases,
    apply=_loss,
    hints=(
        "Three steps: log-probabilities from the logits, for each image the one of "
        "its label, minus their mean.",
        "`log_softmax(dim=1)` gives the first. For the second, index with a row and "
        "a column for each image.",
        "`torch.arange(N)` are the rows. Which columns belong to them?",
    ),
    forbidden=("F.cross_entropy", "nn.CrossEntropyLoss"),
    differentiable=True,
)


_Statistics = list[tuple[Any, Any]]  # mean and spread, for train and for test


def _by(statistics: Callable[[Tensor, Tensor], _Statistics]) -> Answer:
    """Return an answer that normalises each set by `statistics(train, test)`."""

    def answer(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
        (m1, s1), (m2, s2) = statistics(train, test)
        return (train - m1) / s1, (test - m2) / s2

    return answer


def _both(train: Tensor, test: Tensor) -> _Statistics:
    together = torch.cat([train, test])
    return [(together.mean(), together.std())] * 2


def _per_image(train: Tensor, test: Tensor) -> _Statistics:
    dims = (1, 2, 3)
    return [(x.mean(dims, True), x.std(dims, keepdim=True)) for x in (train, test)]


def _scaled(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


def _range(train: Tensor, test: Tensor) -> _Statistics:
    return [(train.min(), train.max() - train.min())] * 2


def _brackets_missing(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    shift = train.mean() / train.std()
    return train - shift, test - shift


NORMALISE = Exercise(
    "classifier.normalise",
    _scaled,
    (
        Misconception(
            # An overwritten `train` has mean 0 and spread 1: the same numbers.
            "test as it came",
            lambda train, test: (_scaled(train, test)[0], test),
            "`test` comes out as it went in. Either nothing is done to it, or `train` "
            "is overwritten before: its mean is then 0 and its spread 1. Work out "
            "both numbers first, and use them twice.",
        ),
        Misconception(
            "each by its own",
            _by(lambda train, test: [(x.mean(), x.std()) for x in (train, test)]),
            "You normalise the test set by its own statistics. The same picture would "
            "then get other numbers in another test set: use the statistics of "
            "`train` for both.",
        ),
        Misconception(
            "statistics of both",
            _by(_both),
            "Your statistics include the test set. Nothing may be learnt from it: "
            "take mean and spread from `train` alone.",
        ),
        Misconception(
            "per pixel",
            _by(lambda train, test: [(train.mean(0), train.std(0))] * 2),
            "You use one mean and one spread per pixel. The task asks for one of each "
            "for the whole set: no `dim`. (A pixel at the border may always be "
            "0: it has no spread.)",
        ),
        Misconception(
            "per image",
            _by(_per_image),
            "You normalise each image separately, so dark and light garments look "
            "alike. Take one mean and one spread over all of `train`.",
        ),
        Misconception(
            "variance",
            _by(lambda train, test: [(train.mean(), train.var())] * 2),
            "You divide by the variance. Divide by its square root, the standard "
            "deviation.",
        ),
        Misconception(
            "only shifted",
            _by(lambda train, test: [(train.mean(), 1.0)] * 2),
            "The mean is subtracted, but the spread is not 1 yet: divide by "
            "`train.std()`.",
        ),
        Misconception(
            "divided by N",
            _by(lambda train, test: [(train.mean(), train.std(correction=0))] * 2),
            "Your standard deviation divides by N. Torch's default divides by N − 1: "
            "call `std()` as it is. (NumPy's default is N.)",
        ),
        Misconception(
            "brackets missing",
            _brackets_missing,
            "Only the mean is divided by the spread: `/` comes before `-`. Put "
            "parentheses around the difference.",
        ),
        Misconception(
            "from 0 to 1",
            _by(_range),
            "Your numbers of `train` run from 0 to 1. Normalise to mean 0 and spread "
            "1: subtract the mean, divide by the standard deviation.",
        ),
        Misconception(
            "statistics of test",
            _by(lambda train, test: [(test.mean(), test.std())] * 2),
            "You use the statistics of `test` for both sets. The network is trained "
            "before a test set is seen: use those of `train`.",
        ),
        Misconception(
            "own mean",
            _by(lambda train, test: [(x.mean(), train.std()) for x in (train, test)]),
            "`train` is right. From `test` you subtract its own mean: use the mean of "
            "`train`, so that a picture gets the same numbers in either set.",
        ),
        Misconception(
            "own spread",
            _by(lambda train, test: [(train.mean(), x.std()) for x in (train, test)]),
            "`train` is right. You divide `test` by its own spread: use that of "
            "`train`, so that a picture gets the same numbers in either set.",
        ),
        Misconception(
            "multiplied",
            _by(lambda train, test: [(train.mean(), 1 / train.std())] * 2),
            "The mean is subtracted, but then you multiply by the spread. To bring "
            "it to 1, divide.",
        ),
        Misconception(
            "order swapped",
            lambda train, test: _scaled(train, test)[::-1],
            "Both sets are right, but they have changed places: return `train` first.",
        ),
        *(
            Misconception(
                f"fixed numbers of {name}",
                _by(lambda train, test, fixed=(mean, spread): [fixed] * 2),
                f"You use fixed numbers, {mean:.4f} and {spread:.4f}{of}. Take "
                "`train.mean()` and `train.std()` of the set you are given.",
            )
            for name, mean, spread, of in (
                ("Fashion-MNIST", 0.2860, 0.3530, ", those of Fashion-MNIST"),
                ("MNIST", 0.1307, 0.3081, ", those of MNIST"),
                ("the middle", 0.5, 0.5, ""),
            )
        ),
        Misconception(
            "not shifted",
            _by(lambda train, test: [(0.0, train.std())] * 2),
            "You divide by the spread, but the mean is not 0 yet: subtract "
            "`train.mean()` first.",
        ),
        Misconception(
            "mean of the spreads",
            _by(
                lambda train, test: (
                    [(train.mean(), train.flatten(1).std(dim=1).mean())] * 2
                )
            ),
            "Your spread is the mean of the spreads inside each image: what sets the "
            "images apart is missing. Take one `std()` over all pixels of `train`.",
        ),
    ),
    lambda: [
        (3 * train + 5, 2 * test + 1)
        for train, test in (
            randn((6, 1, 4, 4), (3, 1, 4, 4)),
            randn((5, 1, 3, 7), (5, 1, 3, 7)),
            randn((4, 1, 2, 2), (1, 1, 2, 2)),
            randn((300, 1, 2, 2), (2, 1, 2, 2)),
        )
    ],
    parts=("the normalised `train`", "the normalised `test`"),
    hints=(
        "Two numbers are needed, a mean and a spread. From which set may they come?",
        "The network learns from `train` in one scale. A test image must arrive in "
        "that same scale, whatever the other test images are.",
        "Save `train.mean()` and `train.std()` before you change anything.",
    ),
)


def _confusion(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    pairs = torch.bincount(labels * classes + predicted, minlength=classes**2)
    return pairs.reshape(classes, classes)


def _cells_of_ten(
    predicted: Tensor, labels: Tensor, classes: int, *, cut: bool
) -> Tensor:
    pairs = torch.bincount(labels * 10 + predicted, minlength=classes**2)
    return (pairs[: classes**2] if cut else pairs).reshape(classes, classes)


def _counted_once(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    return _confusion(predicted, labels, classes).clamp(max=1)


def _floats_at(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    counts = _confusion(predicted, labels, classes).float()
    return counts / counts.sum(1, keepdim=True)


def _classes_that_occur(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    return _confusion(predicted, labels, int(labels.max()) + 1)


def _occurring_alone(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    seen = torch.cat([labels, predicted]).unique()
    return _confusion(predicted, labels, classes)[seen][:, seen]


def _predictions() -> list[Case]:
    generator, device = torch.Generator().manual_seed(1), current_device()
    cases: list[Case] = []
    for n, classes in [(12, 3), (20, 4), (5, 6), (400, 2)]:
        draws = torch.randint(classes, (2, n), generator=generator)
        draws[:, :2] = torch.tensor([[1], [2 % classes]])  # a mistake made twice
        draws[:, -1] = classes - 1
        if n == 400:
            draws[:, 4:] = 1  # more often than a byte can count
        cases.append((*draws.to(device), classes))
    absent = torch.tensor([[0, 2, 2, 1, 2], [0, 2, 1, 2, 1]], device=device)
    return [*cases, (*absent, 5)]  # two of its classes, the last among them, are absent


def _counts(answer: Answer, predicted: Tensor, labels: Tensor, classes: int) -> Any:
    """Call an answer; whole numbers of any size count as such."""
    matrix = answer(predicted, labels, classes)
    if isinstance(matrix, Tensor) and not (
        matrix.is_floating_point() or matrix.is_complex() or matrix.dtype == torch.bool
    ):
        return matrix.long()
    return matrix


CONFUSION = Exercise(
    "classifier.confusion",
    _confusion,
    (
        Misconception(
            "transposed",
            lambda predicted, labels, classes: _confusion(labels, predicted, classes),
            "Yours is transposed, with one row per *predicted* class. Here, as in "
            "torchmetrics, a row is a true class and a column a predicted one.",
        ),
        Misconception(
            "repeats lost",
            _counted_once,
            "A pair that occurs twice is counted once. With an index for every image "
            "`m[labels, predicted]` is read and written as a whole, so each cell "
            "changes only once: use a loop, `bincount` or `index_put_` with "
            "`accumulate=True`.",
        ),
        Misconception(
            "only the right ones",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes).diag().diag()
            ),
            "You count only the right answers. The matrix is there to show the "
            "mistakes: count every pair (true class, predicted class).",
        ),
        Misconception(
            "only the mistakes",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes)
                - _confusion(predicted, labels, classes).diag().diag()
            ),
            "The diagonal is empty: you leave out the right answers. They are pairs "
            "as well, of a class with itself.",
        ),
        Misconception(
            "shares of all",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes) / len(labels)
            ),
            "These are shares of all images. The task asks for counts, as whole "
            "numbers.",
        ),
        Misconception(
            "floats",
            lambda predicted, labels, classes: _confusion(
                predicted, labels, classes
            ).float(),
            "The counts are right, but they are floats. Counts are whole numbers: "
            "convert them, `.long()`, or count in a whole dtype from the start "
            "(`torch.zeros` makes floats unless you give it one).",
        ),
        Misconception(
            "shares of a row",
            _floats_at,
            "These are shares of each true class. The task asks for counts, as whole "
            "numbers. (And a class that does not occur gives 0/0.)",
        ),
        Misconception(
            "shares of a row, 0 for none",
            lambda *case: _floats_at(*case).nan_to_num(0),
            "These are shares of each true class. The task asks for counts, as whole "
            "numbers.",
        ),
        Misconception(
            "no minlength",
            lambda predicted, labels, classes: torch.bincount(
                labels * classes + predicted
            ).reshape(classes, classes),
            "It fails where the last pair of classes does not occur: `bincount` ends "
            "at the largest number that it meets. `minlength` makes it go on.",
        ),
        Misconception(
            "classes that occur",
            _classes_that_occur,
            "Your matrix is too small where the last class does not occur. How many "
            "classes there are can't be seen from the labels: that is what `classes` "
            "is for.",
        ),
        Misconception(
            "ten classes built in",
            lambda predicted, labels, classes: _confusion(predicted, labels, 10),
            "Ten classes are built in, as FashionMNIST has them. Other data have "
            "other numbers: use `classes`.",
        ),
        *(
            Misconception(
                f"ten classes in the index{cut}",
                partial(_cells_of_ten, cut=bool(cut)),
                "Right only for ten classes: the index of a cell seems to be `label * "
                "10 + predicted`. A row has `classes` cells: `label * classes + "
                "predicted`.",
            )
            for cut in ("", ", cut")
        ),
        *(
            Misconception(
                f"counted in {dtype}",
                lambda predicted, labels, classes, dtype=dtype: _confusion(
                    predicted, labels, classes
                ).to(dtype),
                "Small counts are right, large ones are not: eight bits count only to "
                "255 (`uint8`) or 127 (`int8`), then start over. Use a larger dtype.",
            )
            for dtype in (torch.uint8, torch.int8)
        ),
        Misconception(
            "rows of absent classes missing",
            _occurring_alone,
            "Your matrix has no row and no column for classes that do not occur. They "
            "keep theirs, full of zeros: the shape is always `(classes, classes)`.",
        ),
    ),
    _predictions,
    apply=_counts,
    hints=(
        "One cell for each pair (true class, predicted class). Every image adds 1 to "
        "one cell.",
        "A loop over the images will do: start from zeros of a whole dtype. Which of "
        "the two is the row?",
        "Without a loop: number the cells from 0 to `classes**2 - 1`, row after row, "
        "and let `bincount` count them.",
    ),
)


_LossOf = Callable[[Tensor, Tensor], Tensor]


def _step_in_order(
    order: str, loss_of: _LossOf = F.cross_entropy, result: Answer = Tensor.item
) -> Answer:
    """Return an answer that runs z(ero_grad), l(oss), b(ackward), s(tep) in order."""

    def answer(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> Any:
        loss = torch.tensor(torch.nan)
        for letter in order:
            if letter == "z":
                optimizer.zero_grad()
            elif letter == "l":
                loss = loss_of(net(x), y)
            elif letter == "b":
                loss.backward()
            else:
                optimizer.step()
        return result(loss)

    return answer


_step = _step_in_order("zlbs")


def _in_eval_mode(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    net.eval()
    return _step(net, x, y, optimizer)


def _stepped_by_the_sum(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    total = partial(F.cross_entropy, reduction="sum")
    step = _step_in_order("zlbs", total)
    return step(net, x, y, optimizer) / len(y)


def _own_optimizer(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    return _step(net, x, y, SGD(net.parameters(), lr=0.01))


def _without_autograd(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    with torch.no_grad():
        loss = F.cross_entropy(net(x), y)
    loss.backward()
    return loss.item()


def _number_too_early(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> Any:
    loss: Any = F.cross_entropy(net(x), y).item()
    loss.backward()
    return loss


def _step_for_each_example(
    net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD
) -> float:
    pairs = zip(x.split(1), y.split(1), strict=True)
    return sum(_step(net, *pair, optimizer) for pair in pairs) / len(x)


def _second_pass(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    with torch.no_grad():
        loss = F.cross_entropy(net(x), y).item()
    _step(net, x, y, optimizer)
    return loss


def _times_the_batch(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    return len(x) * _step(net, x, y, optimizer)


def _gradients_clipped(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _labelled_batch(n: int, features: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    labels = torch.randint(classes, (n,), generator=generator)
    labels[0] = classes - 1
    return randn((n, features))[0], labels.to(current_device())


def _step_cases() -> list[Case]:
    x, y = _labelled_batch(4, 3, 4)  # far from 0: gradients longer than 1
    return [_labelled_batch(5, 3, 4), _labelled_batch(1, 4, 4), (10 * x, y)]


_TENSOR_HINT = (
    "You return the loss as a tensor. The task asks for a number: `.item()` takes it "
    "out."
)


def _faults_of_a_step() -> Iterator[Misconception]:
    """Yield each mistake in the order or the loss, with a number and with a tensor."""
    for name, order, loss_of, hint in _STEP_FAULTS:
        yield Misconception(name, _step_in_order(order, loss_of), hint)
        yield Misconception(
            f"{name}, and a tensor",
            _step_in_order(order, loss_of, result=lambda loss: loss),
            f"Two things. {hint} And the loss comes back as a tensor: `.item()` makes "
            "it a number.",
        )


def _softmax_first(scores: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(scores.softmax(1), y)


_STEP_FAULTS: tuple[tuple[str, str, _LossOf, str], ...] = (
    (
        "no zero_grad",
        "lbs",
        F.cross_entropy,
        "The first step is right, later ones are not: `backward()` adds to the "
        "gradients that are there, so each step repeats all those before it. "
        "`zero_grad()` is missing.",
    ),
    (
        "no backward",
        "zls",
        F.cross_entropy,
        "The parameters never move, because they have no gradients: call "
        "`loss.backward()` before `optimizer.step()`.",
    ),
    (
        "gradients thrown away",
        "lbzs",
        F.cross_entropy,
        "The parameters never move: `zero_grad()` comes between `backward()` and "
        "`step()` and deletes the gradients that the step needs.",
    ),
    (
        "no step",
        "zlb",
        F.cross_entropy,
        "The parameters never move: the gradients are there, but nothing uses them. "
        "`optimizer.step()` is missing.",
    ),
    (
        "step before backward",
        "zlsb",
        F.cross_entropy,
        "The parameters never move: `step()` comes before `backward()`, when the "
        "gradients have just been deleted. First backward, then step.",
    ),
    (
        "softmax before the loss",
        "zlbs",
        _softmax_first,
        "You pass probabilities to `cross_entropy`, which applies its own softmax: "
        "pass the logits.",
    ),
    (
        "no log_softmax before nll_loss",
        "zlbs",
        F.nll_loss,
        "You use the logits as log-probabilities. `nll_loss` needs `log_softmax` "
        "before it; `cross_entropy` does both.",
    ),
    (
        "summed loss",
        "zlbs",
        partial(F.cross_entropy, reduction="sum"),
        "You sum the losses, so a larger batch takes a larger step. Leave "
        "`reduction` at its default, the mean.",
    ),
)

TRAIN_STEP = Exercise(
    "classifier.train_step",
    _step,
    (
        Misconception(
            "a tensor", _step_in_order("zlbs", result=lambda loss: loss), _TENSOR_HINT
        ),
        Misconception(
            "item not called",
            _step_in_order("zlbs", result=lambda loss: loss.item),
            "You return a method, not its result: the parentheses are missing, as in "
            "`.item()`.",
        ),
        Misconception(
            "evaluation mode",
            _in_eval_mode,
            "The network is in evaluation mode in your step or after it. In training, "
            "dropout and BatchNorm must do their part: leave the mode alone here.",
        ),
        Misconception(
            "step by the sum",
            _stepped_by_the_sum,
            "The loss that you return is right, but your gradients are `len(y)` "
            "times too large: `backward()` is called on the sum. Call it on the "
            "mean, the default of `cross_entropy`.",
        ),
        Misconception(
            "another optimizer",
            _own_optimizer,
            "The parameters move, but the `optimizer` you are given never takes a "
            "step. Use that one: it has its own learning rate, and many optimizers "
            "remember earlier steps.",
        ),
        Misconception(
            "several steps",
            _step_in_order("zlbsszlbs"),
            "The optimizer takes more than one step in a single call. One batch, one "
            "step: no loop is needed.",
        ),
        Misconception(
            "a step for each example",
            _step_for_each_example,
            "The optimizer takes a step for each example. Give the whole batch to the "
            "network at once: one loss, one step.",
        ),
        Misconception(
            "autograd off",
            _without_autograd,
            "The loss has no connection to the parameters, so `backward()` fails. "
            "Usually the network runs under `no_grad()`, or the loss is detached.",
        ),
        Misconception(
            "a number too early",
            _number_too_early,
            "A Python number has no `backward()`: keep the loss as a tensor until the "
            "step is done, and take the number out at the end.",
        ),
        Misconception(
            "arguments swapped",
            _step_in_order("zlbs", lambda scores, y: F.cross_entropy(y, scores)),
            "`cross_entropy` takes the logits first, then the labels.",
        ),
        Misconception(
            "a step late",
            _step_in_order("lszb"),
            # PyTorch stops: the parameters that `backward()` needs have been moved.
            "`step()` comes before `backward()` here. It moves the parameters by the "
            "gradients of the previous batch, and then `backward()` finds them "
            "changed: loss, backward, then step.",
        ),
        Misconception(
            "the loss after the step",
            _step_in_order("zlbsl"),
            "The step is right. Your number is the loss *after* it, from a second "
            "pass through the network: return the one that you called `backward()` "
            "on.",
        ),
        Misconception(
            "a second pass",
            _second_pass,
            "The step and the number are right for this network, but the batch goes "
            "through it twice. BatchNorm would count it twice and dropout draw "
            "again: return the loss that you called `backward()` on.",
        ),
        Misconception(
            "gradients clipped",
            _gradients_clipped,
            "The loss and the order are right, but a large gradient moves the "
            "parameters less than it should: it comes to `step()` with the length 1, "
            "often by `clip_grad_norm_`. Leave the gradients as `backward()` makes "
            "them.",
        ),
        Misconception(
            "times the batch",
            _times_the_batch,
            "The step is right. Your number is the loss times the number of examples: "
            "return the mean, as `cross_entropy` gives it.",
        ),
        *_faults_of_a_step(),
    ),
    _step_cases,
    three_steps,
    parts=(
        "the loss of the first step",
        "the parameters after one step",
        "the loss of the third step",
        "the parameters after three steps",
        "the order of `backward` and `step`",
        "the number of passes through the network in a call",
    ),
    arguments=("x", "y"),
    hints=(
        "The lesson calls them 'four lines that learn'. Which are they?",
        "Loss, gradients of zero, backward, step. What must not come between the "
        "last two?",
        "The result is the loss from which `backward()` started. `.item()` makes a "
        "number of a tensor.",
    ),
)


def _evaluate(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    evals: bool = True,
    quiet: bool = True,
    back: Callable[[bool], bool] | None = lambda was: was,
    number: bool = True,
    dim: int = 1,
) -> Any:
    was = net.training
    if evals:
        net.eval()
    with torch.set_grad_enabled(not quiet):
        right = net(images).argmax(dim=dim) == labels
    if back is not None:
        net.train(back(was))
    share = right.float().mean()
    return share.item() if number else share


def _outermost_restored(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    was = net.training
    share = _evaluate(net, images, labels, back=None)
    net.training = was
    return share


def _outermost_eval(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    was, net.training = net.training, False
    share = _evaluate(net, images, labels, evals=False, back=None)
    net.training = was
    return share


def _autograd_left_off(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    torch.set_grad_enabled(False)
    return _evaluate(net, images, labels)


def _batches_averaged(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    batches = zip(images.split(100), labels.split(100), strict=True)
    shares = [_evaluate(net, *batch) for batch in batches]
    return sum(shares) / len(shares)


def _frozen(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    back: bool,
    mode: bool = True,
    quiet: bool = False,
) -> float:
    """Evaluate with frozen parameters, in place of `no_grad` or beside it."""
    net.requires_grad_(False)
    restore = (lambda was: was) if mode else None
    share = _evaluate(net, images, labels, quiet=quiet, back=restore)
    net.requires_grad_(back)
    return share


_EVALUATE_HINTS = {
    "no eval": "The network runs in training mode: dropout drops, BatchNorm uses this "
    "batch and updates its statistics. Call `net.eval()` before.",
    "no no_grad": "Autograd is on while the network runs, and keeps every intermediate "
    "tensor: put the call inside `with torch.no_grad():`. (Alone on a line "
    "`torch.no_grad()` does nothing.)",
    "left in eval mode": "A network that was training comes out in evaluation mode, "
    "and training would silently go on in it. Save `net.training` before `eval()`, and "
    "end with `net.train(was)`, before the `return`.",
    "always back to train": "A network that came in evaluation mode comes out in "
    "training mode: `net.train()` always sets that. Give it the mode that you saved.",
    "a tensor": "The result is a tensor. The task asks for a number: `.item()`.",
}


def _evaluate_mistakes() -> Iterator[Misconception]:
    """Yield every mistake alone and all that go together, the single ones first."""
    ends: dict[str, Callable[[bool], bool] | None] = {
        "": lambda was: was,
        "left in eval mode": None,
        "always back to train": lambda was: True,
    }
    choices = [
        ([name for name in names if name], names)
        for names in product(
            ["", "no eval"], ["", "no no_grad"], ends, ["", "a tensor"]
        )
    ]
    for faults, (mode, autograd, end, kind) in sorted(choices, key=lambda c: len(c[0])):
        if not faults or (mode and end == "left in eval mode"):
            continue  # right, or without `eval()` there is no eval mode to be left in
        answer = partial(
            _evaluate,
            evals=not mode,
            quiet=not autograd,
            back=ends[end],
            number=not kind,
        )
        hints = [_EVALUATE_HINTS[fault] for fault in faults]
        if len(hints) > 1:
            hints = [f"({i}) {hint}" for i, hint in enumerate(hints, 1)]
            hints.insert(0, f"{len(faults)} things are wrong.")
        yield Misconception(", ".join(faults), answer, " ".join(hints))


def _frozen_mistakes() -> Iterator[Misconception]:
    """Yield the mistake of freezing the parameters, to the end or for a while."""
    left = (
        "You freeze the parameters (`requires_grad_(False)`), and they stay frozen: "
        "the network can't be trained any more. "
    )
    for_a_while = (
        "You freeze the parameters (`requires_grad_(False)`) while the network runs"
    )
    switch = (
        "Leave the network's parameters alone, and switch autograd itself off around "
        "the call: `with torch.no_grad():`."
    )
    enough = "Leave the network's parameters alone: `torch.no_grad()` is enough."
    for name, back, quiet, seen, way in (
        ("parameters left frozen", False, False, left, switch),
        (
            "parameters frozen for a while",
            True,
            False,
            f"{for_a_while}, and autograd stays on. ",
            switch,
        ),
        ("parameters left frozen under no_grad", False, True, left, enough),
        (
            "parameters frozen for a while under no_grad",
            True,
            True,
            f"{for_a_while}. ",
            enough,
        ),
    ):
        yield Misconception(name, partial(_frozen, back=back, quiet=quiet), seen + way)
        yield Misconception(
            f"{name}, left in eval mode",
            partial(_frozen, back=back, quiet=quiet, mode=False),
            f"2 things are wrong. (1) {seen}{way} (2) "
            f"{_EVALUATE_HINTS['left in eval mode']}",
        )


EVALUATE = Exercise(
    "classifier.evaluate",
    lambda net, images, labels: _evaluate(net, images, labels),
    (
        *_evaluate_mistakes(),
        Misconception(
            "only the outermost put in eval mode",
            _outermost_eval,
            "The layers inside still run in training mode: setting `net.training` "
            "reaches only the outermost module. `net.eval()` reaches all of them.",
        ),
        Misconception(
            "only the outermost put back",
            _outermost_restored,
            "The layers inside stay in evaluation mode: setting `net.training` reaches "
            "only the outermost module. `net.train(was)` reaches all of them.",
        ),
        *_frozen_mistakes(),
        Misconception(
            "autograd left off",
            _autograd_left_off,
            "Autograd is off after your function, for everybody: `set_grad_enabled` "
            "stays as it is set. `with torch.no_grad():` ends where its block ends.",
        ),
        Misconception(
            "batches averaged",
            _batches_averaged,
            "You average the shares of the batches, so an image of a smaller last "
            "batch counts more than the others. Add up the right answers of all "
            "batches and divide once.",
        ),
        Misconception(
            "argmax over the batch",
            partial(_evaluate, dim=0),
            "`argmax(dim=0)` finds, for each class, the image with the highest score. "
            "Each image is a row, and its classes are along `dim=1`.",
        ),
        Misconception(
            "a count",
            lambda net, images, labels: (
                _evaluate(net, images, labels, number=False) * len(labels)
            ).item(),
            "You return how many are right. Accuracy is their share: divide by the "
            "number of images.",
        ),
    ),
    lambda: [
        (*_labelled_batch(9, 3, 4), True),
        (*_labelled_batch(1, 3, 4), False),
        (*_labelled_batch(6, 3, 4), False),
        (*_labelled_batch(1103, 3, 4), True),  # prime: no batch size divides it
    ],
    evaluated,
    arguments=("images", "labels", "net.training"),
    hints=(
        "Two switches are to be set before the network runs: one for its layers, one "
        "for autograd. Which?",
        "`eval()` changes the layers, `no_grad()` stops autograd; neither does the "
        "other's work. And `eval()` lasts until somebody changes it.",
        "Save `net.training` first. At the end, before the `return`, give it to "
        "`net.train`.",
    ),
)

EXERCISES = (COUNT, ACCURACY, CROSS_ENTROPY, NORMALISE, CONFUSION, TRAIN_STEP, EVALUATE)
