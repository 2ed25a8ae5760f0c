"""Lesson 07: gradients shortened to a common length."""

from collections.abc import Callable

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception

Gradients = list[torch.Tensor]


def _length(gradients: Gradients) -> torch.Tensor:
    return torch.cat([g.flatten() for g in gradients]).norm()


def _scaled(factor: Callable) -> Callable:
    """Return an answer that multiplies every gradient by `factor(length, most)`."""

    def clip(gradients: Gradients, most: float) -> Gradients:
        return [factor(_length(gradients), most) * g for g in gradients]

    return clip


def _clipped(length: Callable) -> Callable:
    """Return the answer that takes `length(gradients)` for the common length."""

    def clip(gradients: Gradients, most: float) -> Gradients:
        factor = (most / length(gradients)).clamp(max=1.0)
        return [factor * g for g in gradients]

    return clip


def _apply(clip: Callable, gradients: Gradients, most: float):
    before = [g.clone() for g in gradients]
    clipped = clip(gradients, most)
    if any(not torch.equal(*pair) for pair in zip(before, gradients, strict=True)):
        raise ValueError("clip changes the gradients in place: make new tensors.")
    return clipped


CLIP = Exercise(
    "recurrent.clip",
    _clipped(_length),
    (
        Misconception(
            "always scaled",
            _scaled(lambda length, most: most / length),
            "You bring every gradient to the limit, short ones too. Only what is too "
            "long is to be changed.",
        ),
        Misconception(
            "each by itself",
            lambda gradients, most: [
                (most / g.norm()).clamp(max=1.0) * g for g in gradients
            ],
            "You clip every tensor by its own length, which turns the direction of the "
            "whole. Take one common length for all.",
        ),
        Misconception(
            "by value",
            lambda gradients, most: [g.clamp(-most, most) for g in gradients],
            "You clip every number, which is `clip_grad_value_` and turns the "
            "direction. Multiply all by one common factor.",
        ),
        Misconception(
            "lengths added",
            _clipped(lambda gradients: sum(g.norm() for g in gradients)),
            "You add the lengths of the tensors. Lengths add like sides of a "
            "right angle: add their squares, then take the root.",
        ),
        Misconception(
            "longest tensor",
            _clipped(lambda gradients: max(g.norm() for g in gradients)),
            "You take the length of the longest tensor. The common length counts the "
            "squares of all.",
        ),
        Misconception(
            "no root",
            _clipped(lambda gradients: _length(gradients) ** 2),
            "You divide by the sum of the squares; its root is the length.",
        ),
        Misconception(
            "unit length",
            _scaled(lambda length, most: 1 / length if length > most else 1.0),
            "You shorten the gradient to the length 1 instead of `most`.",
        ),
        Misconception(
            "nothing clipped",
            lambda gradients, most: [1.0 * g for g in gradients],
            "The gradients come out as they are, also where they are too long.",
        ),
    ),
    # Too long, short enough, and one tensor alone.
    lambda: [
        (list(randn((3, 4), (5,), (2, 2))), 0.7),
        (list(randn((2, 3), (4,))), 50.0),
        (list(randn((7,))), 1.5),
    ],
    _apply,
)
