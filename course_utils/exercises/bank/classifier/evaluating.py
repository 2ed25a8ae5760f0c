"""Lesson 10: an evaluation that leaves no trace."""

import torch
from torch import nn

from course_utils.exercises.bank.classifier.training import batch
from course_utils.exercises.model import Exercise, Misconception


def _watched(answer, images, labels, training):
    """Return the accuracy, and what the evaluation did to the network."""
    features = images.shape[1]
    net = nn.Sequential(
        nn.BatchNorm1d(features), nn.Dropout(0.5), nn.Linear(features, 4)
    )
    net[0].running_mean.fill_(0.5)  # unlike any batch of the cases
    net.to(images.device).train(training)
    with_grad = []
    net.register_forward_pre_hook(lambda *_: with_grad.append(torch.is_grad_enabled()))
    accuracy = answer(net, images, labels)
    return accuracy, net[0].running_mean, net.training, any(with_grad)


def _evaluate(net, images, labels, *, evals=True, quiet=True, back=lambda was: was):
    was = net.training
    if evals:
        net.eval()
    with torch.set_grad_enabled(not quiet):
        right = net(images).argmax(dim=1) == labels
    if back is not None:
        net.train(back(was))
    return right.float().mean().item()


def _but(**changes):
    return lambda net, images, labels: _evaluate(net, images, labels, **changes)


EVALUATE = Exercise(
    "classifier.evaluate",
    lambda net, images, labels: _evaluate(net, images, labels),
    (
        Misconception(
            "neither",
            _but(evals=False, quiet=False),
            "The network is evaluated as it is trained: dropout drops, BatchNorm uses "
            "and learns this batch, autograd notes everything. Use `net.eval()` and "
            "`torch.no_grad()`.",
        ),
        Misconception(
            "no eval",
            _but(evals=False),
            "`no_grad()` stops autograd alone. Dropout still drops and BatchNorm still "
            "uses the batch: call `net.eval()` as well.",
        ),
        Misconception(
            "no no_grad",
            _but(quiet=False),
            "`eval()` changes layers, not autograd, which still keeps every "
            "intermediate tensor: wrap the call in `with torch.no_grad():`.",
        ),
        Misconception(
            "eval and nothing else",
            _but(quiet=False, back=None),
            "`eval()` is right, two things lack: `torch.no_grad()` around the call, "
            "and the mode put back at the end.",
        ),
        Misconception(
            "mode not put back",
            _but(back=None),
            "The network stays in eval mode, and training would go on in it without "
            "a word: note `net.training` first, and end with `net.train(was)`.",
        ),
        Misconception(
            "always back to train",
            _but(back=lambda was: True),
            "You end with `net.train()` always. A network that came in eval mode "
            "should leave in it: `net.train(was)`.",
        ),
    ),
    lambda: [(*batch(n, 3, 4), n != 6) for n in (9, 6, 16)],
    _watched,
)
