"""Lesson 10: one step of training."""

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception
from course_utils.session import current_device


def batch(n: int, features: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    labels = torch.randint(1, classes, (n,), generator=generator)
    return randn((n, features))[0], labels.to(current_device())


def _three_steps(answer, x, y):
    """Let an answer take three steps; return its last loss and the parameters."""
    net = nn.Sequential(nn.Linear(x.shape[1], 6), nn.ReLU(), nn.Linear(6, 4))
    net.to(x.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    start, backwards = nn.utils.parameters_to_vector(net.parameters()).clone(), []
    net[0].bias.register_hook(lambda grad: backwards.append(1))
    for _ in range(3):
        loss = answer(net, x, y, optimizer)
    end = nn.utils.parameters_to_vector(net.parameters()).detach()
    if not torch.equal(start, end):
        return loss, end
    # Nothing moved. Gradients that were made and are gone were thrown away.
    return loss, end, len(backwards), net[0].bias.grad is None


def _step(order: str, loss_of=F.cross_entropy):
    """Return an answer that runs z(ero_grad), l(oss), b(ackward), s(tep) in order."""

    def answer(net, x, y, optimizer):
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


TRAIN_STEP = Exercise(
    "classifier.train_step",
    _step("zlbs"),
    (
        Misconception(
            "no zero_grad",
            _step("lbs"),
            "`zero_grad()` is missing: `backward()` adds to the gradients that are "
            "there, so each step also takes all the steps before it again.",
        ),
        Misconception(
            "no backward",
            _step("zls"),
            "The parameters never move, for they have no gradients: call "
            "`loss.backward()` before `optimizer.step()`.",
        ),
        Misconception(
            "gradients thrown away",
            _step("lbzs"),
            "The parameters never move: `zero_grad()` stands between `backward()` "
            "and `step()` and throws away what the step needs.",
        ),
        Misconception(
            "no step",
            _step("zlb"),
            "The gradients are there and nobody uses them: `optimizer.step()` is "
            "missing, or stands before `backward()`.",
        ),
        Misconception(
            "a step late",
            _step("lszb"),
            "`step()` comes before `backward()` here, so it uses the gradients of "
            "the batch before: loss, backward, then step.",
        ),
        Misconception(
            "softmax before the loss",
            _step("zlbs", lambda scores, y: F.cross_entropy(scores.softmax(1), y)),
            "You hand probabilities to `cross_entropy`, which makes its own softmax: "
            "give it the logits.",
        ),
        Misconception(
            "summed loss",
            _step(
                "zlbs", lambda scores, y: F.cross_entropy(scores, y, reduction="sum")
            ),
            "You add the losses up, so a larger batch takes a larger step. Leave "
            "`reduction` at its default, the mean.",
        ),
    ),
    lambda: [batch(5, 3, 4), batch(1, 4, 4), batch(8, 7, 4)],
    _three_steps,
)
