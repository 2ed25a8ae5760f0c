"""Lesson 02: softmax and its logarithm."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _from(make):
    """Return an answer to SOFTMAX: shares of exp(z), with the total `make` gives."""
    return lambda z: z.exp() / make(z)


SOFTMAX = Exercise(
    "activations.softmax",
    lambda z: torch.softmax(z, dim=-1),
    (
        Misconception(
            "over the batch",
            lambda z: torch.softmax(z, dim=0),
            "Your columns sum to 1: you share out over the batch, so the examples "
            "compete. The classes are the last dimension: `dim=-1`.",
        ),
        Misconception(
            "over everything",
            _from(lambda z: z.exp().sum()),
            "You divide by one total for the whole tensor. Each row has its own: sum "
            "with `dim=-1, keepdim=True`.",
        ),
        Misconception(
            "no keepdim",
            _from(lambda z: z.exp().sum(dim=-1)),
            "The totals have lost their dimension, so they line up with the columns, "
            "or with nothing. `keepdim=True` keeps one total beside each row.",
        ),
        Misconception(
            "no exp",
            lambda z: z / z.sum(dim=-1, keepdim=True),
            "You share out the scores themselves; they may be negative. Take `exp` "
            "first, which makes every number positive.",
        ),
        Misconception(
            "sigmoid",
            lambda z: torch.sigmoid(z),
            "A sigmoid looks at one score alone, so a row need not sum to 1. Divide "
            "`exp(z)` by its row's total.",
        ),
        Misconception(
            "no division",
            lambda z: z.exp(),
            "`exp` makes the numbers positive; now divide by their sum, row by row.",
        ),
    ),
    # A square one, where sums along the wrong dimension fit by accident.
    lambda: [randn(shape) for shape in [(2, 3), (3, 3), (1, 4), (5, 2)]],
)


def _wide_scores() -> list[tuple]:
    # Rows so far apart that one maximum for all of them is not enough.
    (far,) = randn((3, 4))
    far = far + far.new_tensor([[1000.0], [0.0], [-1000.0]])
    far[1, 2] = 500.0
    return [randn((2, 3)), randn((3, 3)), (far,)]


def _one_maximum(z: torch.Tensor) -> torch.Tensor:
    z = z - z.max()
    return z - z.exp().sum(dim=-1, keepdim=True).log()


def _half_shifted(z: torch.Tensor) -> torch.Tensor:
    top = z.max(dim=-1, keepdim=True).values
    return z - (z - top).exp().sum(dim=-1, keepdim=True).log()


LOG_SOFTMAX = Exercise(
    "activations.log_softmax",
    lambda z: torch.log_softmax(z, dim=-1),
    (
        Misconception(
            "log after softmax",
            lambda z: torch.softmax(z, dim=-1).log(),
            "`softmax(z).log()` is right on paper, but a share may round to 0 and its "
            "logarithm is then -inf. Stay with z: `z - log(sum(exp(z)))`.",
        ),
        Misconception(
            "overflow",
            lambda z: z - z.exp().sum(dim=-1, keepdim=True).log(),
            "The formula is right, the numbers are not: exp(1000) is inf. Subtract "
            "the row's maximum from z first; the result stays the same.",
        ),
        Misconception(
            "overflow in softmax",
            lambda z: (z.exp() / z.exp().sum(dim=-1, keepdim=True)).log(),
            "exp(1000) is inf, and inf divided by inf is no number. Subtract the row's "
            "maximum from z first, and stay with `z - log(sum(exp(z)))`.",
        ),
        Misconception(
            "one maximum for all",
            _one_maximum,
            "You subtract one maximum for all rows, so in a row of small scores every "
            "exp is 0. Take `max(dim=-1, keepdim=True).values`.",
        ),
        Misconception(
            "maximum taken away once",
            _half_shifted,
            "You subtract the maximum inside exp only. Use the shifted z at both "
            "places, or add the maximum back to the logarithm.",
        ),
        Misconception(
            "no logarithm",
            lambda z: torch.softmax(z, dim=-1),
            "These are the shares. Asked for are their logarithms.",
        ),
        Misconception(
            "sum forgotten",
            lambda z: z - z.max(dim=-1, keepdim=True).values,
            "That is z minus its row's maximum, a good first step. Now subtract the "
            "logarithm of the sum of its exponentials.",
        ),
        Misconception(
            "over the batch",
            lambda z: torch.log_softmax(z, dim=0),
            "You share out over the batch, `dim=0`. The classes are the last "
            "dimension.",
        ),
    ),
    _wide_scores,
)
