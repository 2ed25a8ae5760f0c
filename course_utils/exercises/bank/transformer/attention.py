"""Lesson 08: attention."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return scores(q, k).softmax(dim=-1) @ v


def _attention_cases() -> list[tuple]:
    # Batch, queries, keys, width, width of values. In the third all sizes fit all.
    sizes = [(2, 3, 5, 4, 6), (1, 2, 3, 8, 3), (3, 3, 3, 3, 3), (1, 1, 4, 2, 5)]
    return [randn((n, a, d), (n, b, d), (n, b, w)) for n, a, b, d, w in sizes]


ATTENTION = Exercise(
    "transformer.attention",
    attention,
    (
        Misconception(
            "no scaling",
            lambda q, k, v: (q @ k.transpose(-2, -1)).softmax(dim=-1) @ v,
            "The scores are not scaled: divide them by the root of q's last size "
            "before the softmax.",
        ),
        Misconception(
            "scaled by d",
            lambda q, k, v: (q @ k.transpose(-2, -1) / q.shape[-1]).softmax(-1) @ v,
            "You divide the scores by d. It is the *root* of d: the spread of a sum "
            "grows with the root of the number of its terms.",
        ),
        Misconception(
            "scaled by the length",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) / k.shape[-2] ** 0.5).softmax(-1) @ v
            ),
            "You divide by the root of the number of keys. The d under the root is "
            "the width of a query, `q.shape[-1]`.",
        ),
        Misconception(
            "scaled by the number of queries",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) / q.shape[1] ** 0.5).softmax(-1) @ v
            ),
            "You divide by the root of the number of queries, `q.shape[1]`. The d "
            "under the root is the width of a query, `q.shape[-1]`.",
        ),
        Misconception(
            "everything transposed",
            lambda q, k, v: (
                (q @ k.permute(2, 1, 0) / q.shape[-1] ** 0.5).softmax(-1) @ v
            ),
            "`k.T` reverses all three dimensions, the batch too. Exchange the last "
            "two: `k.transpose(-2, -1)`.",
        ),
        Misconception(
            "multiplied by the root",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) * q.shape[-1] ** 0.5).softmax(-1) @ v
            ),
            "You multiply the scores by the root of d, which makes them still more "
            "extreme: divide.",
        ),
        Misconception(
            "scaled after the softmax",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1)).softmax(-1) / q.shape[-1] ** 0.5 @ v
            ),
            "You divide the weights, so that they no longer sum to 1. Divide the "
            "scores, before the softmax.",
        ),
        Misconception(
            "softmax over queries",
            lambda q, k, v: scores(q, k).softmax(dim=-2) @ v,
            "Your softmax runs over the queries. Each query shares its weight among "
            "the keys, and they lie along the last dimension: `softmax(dim=-1)`.",
        ),
        Misconception(
            "softmax over the batch",
            lambda q, k, v: scores(q, k).softmax(dim=0) @ v,
            "Your softmax runs over the batch: examples would share their weights. "
            "Take the keys, `softmax(dim=-1)`.",
        ),
        Misconception(
            "no softmax",
            lambda q, k, v: scores(q, k) @ v,
            "The softmax is missing: you weigh the values by raw scores, which may "
            "be negative and do not sum to 1.",
        ),
        Misconception(
            "weights alone",
            lambda q, k, v: scores(q, k).softmax(dim=-1),
            "These are the weights. The last step is to take the weighted sum of the "
            "values: `weights @ v`.",
        ),
    ),
    _attention_cases,
)
