"""Exercises of lesson 10: a classifier, from its scores to its training."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device

COUNT = Exercise(
    "classifier.count",
    lambda sizes: sum(a * b + b for a, b in pairwise(sizes)),
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
    ),
    lambda: [((784, 512, 512, 10),), ((784, 10),), ((3, 5, 2),), ((7, 1, 7, 4),)],
)


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.argmax(dim=1) == labels


def _score_cases() -> list[Case]:
    # Odd sizes, a batch of one, and as many rows as classes. Of every three labels
    # two are the best-scored class, so that accuracy is neither 0 nor 1.
    cases: list[Case] = []
    for n, classes in [(7, 10), (1, 3), (5, 5), (12, 3)]:
        (logits,) = randn((n, classes), seed=n + 3)
        best, worst = logits.argmax(1), logits.argmin(1)
        third = torch.arange(n, device=logits.device) % 3 == 2
        cases.append((logits, torch.where(third, worst, best)))
    return cases


ACCURACY = Exercise(
    "classifier.accuracy",
    lambda logits, labels: _right(logits, labels).float().mean().item(),
    (
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
            "percent",
            lambda logits, labels: 100 * _right(logits, labels).float().mean().item(),
            "This is in percent. Return a share from 0 to 1.",
        ),
    ),
    _score_cases,
)


def _of_the_label(table: Tensor, labels: Tensor) -> Tensor:
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
            "You add up the losses of the images. Take their mean, so that the batch "
            "size does not change the size of a training step.",
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
            "their own. Give them the raw logits.",
        ),
        Misconception(
            "no softmax",
            lambda logits, labels: -_of_the_label(logits, labels).mean(),
            "You use the logits as log-probabilities. They become log-probabilities "
            "through `log_softmax`: raising one class must lower the others.",
        ),
        Misconception(
            "mean over the classes too",
            lambda logits, labels: F.cross_entropy(logits, labels) / logits.shape[1],
            "Your mean runs over all images and classes. Each image has one loss, "
            "that of its label: divide by the number of images only.",
        ),
    ),
    _score_cases,
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


NORMALISE = Exercise(
    "classifier.normalise",
    _by(lambda train, test: [(train.mean(), train.std())] * 2),
    (
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
            "for the whole set: no `dim`. (A border pixel that is always 0 would "
            "divide by 0.)",
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
    ),
    lambda: [
        (3 * train + 5, 2 * test + 1)
        for train, test in (
            randn((6, 1, 4, 4), (3, 1, 4, 4)),
            randn((5, 1, 3, 7), (5, 1, 3, 7)),
            randn((4, 1, 2, 2), (1, 1, 2, 2)),
        )
    ],
)


def _confusion(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    pairs = torch.bincount(labels * classes + predicted, minlength=classes**2)
    return pairs.reshape(classes, classes)


def _counted_once(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    return _confusion(predicted, labels, classes).clamp(max=1)


def _predictions() -> list[Case]:
    generator, device = torch.Generator().manual_seed(1), current_device()
    cases: list[Case] = []
    for n, classes in [(12, 3), (20, 4), (5, 6)]:
        draws = torch.randint(classes, (2, n), generator=generator)
        draws[:, :2] = torch.tensor([[1], [2]])  # a mistake made twice
        predicted, labels = draws.to(device)
        cases.append((predicted, labels, classes))
    return cases


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
            "A pair that occurs twice is counted once. `m[labels, predicted] += 1` "
            "reads, adds and writes each cell only once: use a loop, `bincount` or "
            "`index_put_` with `accumulate=True`.",
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
            "shares of a row",
            lambda predicted, labels, classes: (
                _confusion(predicted, labels, classes)
                / _confusion(predicted, labels, classes).sum(1, keepdim=True)
            ),
            "These are shares of each true class. The task asks for counts, as whole "
            "numbers. (And a class that does not occur gives 0/0.)",
        ),
    ),
    _predictions,
)


def _step_in_order(order: str, loss_of: Answer = F.cross_entropy) -> Answer:
    """Return an answer that runs z(ero_grad), l(oss), b(ackward), s(tep) in order."""

    def answer(net: nn.Module, x: Tensor, y: Tensor, optimizer: SGD) -> float:
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
        return loss.item()

    return answer


def _labelled_batch(n: int, features: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    labels = torch.randint(1, classes, (n,), generator=generator)
    return randn((n, features))[0], labels.to(current_device())


def _three_steps(answer: Answer, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    """Let an answer take three steps; return its last loss and the parameters."""
    first = nn.Linear(x.shape[1], 6)
    net = nn.Sequential(first, nn.ReLU(), nn.Linear(6, 4)).to(x.device)
    optimizer = SGD(net.parameters(), lr=0.3)
    start = nn.utils.parameters_to_vector(net.parameters()).clone()
    backwards: list[Tensor] = []
    first.bias.register_hook(backwards.append)
    loss = [answer(net, x, y, optimizer) for _ in range(3)][-1]
    end = nn.utils.parameters_to_vector(net.parameters()).detach()
    if not torch.equal(start, end):
        return loss, end
    # Nothing moved. Gradients that were made and are gone were thrown away.
    return loss, end, len(backwards), first.bias.grad is None


TRAIN_STEP = Exercise(
    "classifier.train_step",
    _step_in_order("zlbs"),
    (
        Misconception(
            "no zero_grad",
            _step_in_order("lbs"),
            "`zero_grad()` is missing: `backward()` adds to the gradients that are "
            "there, so each step repeats all the steps before it.",
        ),
        Misconception(
            "no backward",
            _step_in_order("zls"),
            "The parameters never move, because they have no gradients: call "
            "`loss.backward()` before `optimizer.step()`.",
        ),
        Misconception(
            "gradients thrown away",
            _step_in_order("lbzs"),
            "The parameters never move: `zero_grad()` comes between `backward()` and "
            "`step()` and deletes the gradients that the step needs.",
        ),
        Misconception(
            "no step",
            _step_in_order("zlb"),
            "The gradients are there, but nothing uses them: `optimizer.step()` is "
            "missing, or comes before `backward()`.",
        ),
        Misconception(
            "a step late",
            _step_in_order("lszb"),
            "`step()` comes before `backward()` here, so it uses the gradients of the "
            "previous batch: loss, backward, then step.",
        ),
        Misconception(
            "softmax before the loss",
            _step_in_order(
                "zlbs", lambda scores, y: F.cross_entropy(scores.softmax(1), y)
            ),
            "You pass probabilities to `cross_entropy`, which applies its own "
            "softmax: pass the logits.",
        ),
        Misconception(
            "summed loss",
            _step_in_order(
                "zlbs", lambda scores, y: F.cross_entropy(scores, y, reduction="sum")
            ),
            "You sum the losses, so a larger batch takes a larger step. Leave "
            "`reduction` at its default, the mean.",
        ),
    ),
    lambda: [
        _labelled_batch(5, 3, 4),
        _labelled_batch(1, 4, 4),
        _labelled_batch(8, 7, 4),
    ],
    _three_steps,
)


def _evaluate(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    evals: bool = True,
    quiet: bool = True,
    back: Callable[[bool], bool] | None = lambda was: was,
) -> float:
    was = net.training
    if evals:
        net.eval()
    with torch.set_grad_enabled(not quiet):
        right = net(images).argmax(dim=1) == labels
    if back is not None:
        net.train(back(was))
    return right.float().mean().item()


def _watched(
    answer: Answer, images: Tensor, labels: Tensor, training: bool
) -> tuple[Any, Tensor, bool, bool]:
    """Return the accuracy, and what the evaluation did to the network."""
    features = images.shape[1]
    norm = nn.BatchNorm1d(features)
    norm.load_state_dict({"running_mean": torch.full((features,), 0.5)}, strict=False)
    net = nn.Sequential(norm, nn.Dropout(0.5), nn.Linear(features, 4))
    net.to(images.device).train(training)
    with_grad: list[bool] = []
    net.register_forward_pre_hook(lambda *_: with_grad.append(torch.is_grad_enabled()))
    accuracy = answer(net, images, labels)
    return accuracy, norm.get_buffer("running_mean"), net.training, any(with_grad)


EVALUATE = Exercise(
    "classifier.evaluate",
    lambda net, images, labels: _evaluate(net, images, labels),
    (
        Misconception(
            "neither",
            partial(_evaluate, evals=False, quiet=False),
            "The network is still in training: dropout drops, BatchNorm uses this "
            "batch and updates its statistics, autograd records everything. Use "
            "`net.eval()` and `torch.no_grad()`.",
        ),
        Misconception(
            "no eval",
            partial(_evaluate, evals=False),
            "`no_grad()` only stops autograd. Dropout still drops and BatchNorm still "
            "uses the batch: call `net.eval()` as well.",
        ),
        Misconception(
            "no no_grad",
            partial(_evaluate, quiet=False),
            "`eval()` changes layers, not autograd, which still keeps every "
            "intermediate tensor: wrap the call in `with torch.no_grad():`.",
        ),
        Misconception(
            "eval and nothing else",
            partial(_evaluate, quiet=False, back=None),
            "`eval()` is right, but two things are missing: `torch.no_grad()` around "
            "the call, and restoring the mode at the end.",
        ),
        Misconception(
            "mode not put back",
            partial(_evaluate, back=None),
            "The network stays in eval mode, and training would silently go on in it: "
            "save `net.training` first, and end with `net.train(was)`.",
        ),
        Misconception(
            "always back to train",
            partial(_evaluate, back=lambda was: True),
            "You always end with `net.train()`. A network that came in eval mode "
            "should leave in it: `net.train(was)`.",
        ),
    ),
    lambda: [(*_labelled_batch(n, 3, 4), n != 6) for n in (9, 6, 16)],
    _watched,
)

EXERCISES = (COUNT, ACCURACY, CROSS_ENTROPY, NORMALISE, CONFUSION, TRAIN_STEP, EVALUATE)
