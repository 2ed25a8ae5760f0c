"""Lesson 08: one wide vector a token becomes several narrow ones."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _split(x: torch.Tensor, heads: int) -> torch.Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _view(x: torch.Tensor, heads: int) -> torch.Tensor:
    n, length, width = x.shape
    return x.reshape(n, heads, length, width // heads)


SPLIT_HEADS = Exercise(
    "transformer.split_heads",
    _split,
    (
        Misconception(
            "cut along the wrong axis",
            _view,
            "The shape is right, the numbers are not: `reshape` alone cuts the list "
            "of tokens into pieces, so that a head gets some tokens whole. Split the "
            "last dimension first, then exchange tokens and heads.",
        ),
        Misconception(
            "no exchange",
            lambda x, heads: x.unflatten(-1, (heads, -1)),
            "The split is right, but tokens still stand before heads. A head needs "
            "all its tokens together: `transpose(1, 2)`.",
        ),
        Misconception(
            "every other number",
            lambda x, heads: x.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2),
            "Head 0 gets every so-many-th number of a token. In PyTorch it gets the "
            "first block: put heads before width, `unflatten(-1, (heads, -1))`.",
        ),
        Misconception(
            "width and tokens exchanged",
            lambda x, heads: x.unflatten(-1, (heads, -1)).permute(0, 2, 3, 1),
            "A head's tokens should be its rows: yours are its columns. The order is "
            "batch, head, token, width.",
        ),
        Misconception(
            "heads in the batch",
            lambda x, heads: _split(x, heads).flatten(0, 1),
            "You folded the heads into the batch. That works too inside a layer; the "
            "task asks for four dimensions: batch, head, token, width.",
        ),
        Misconception(
            "heads first",
            lambda x, heads: _split(x, heads).transpose(0, 1),
            "The heads stand before the batch: the order is batch, head, token, width.",
        ),
    ),
    # In the last two some sizes are equal, so that wrong orders fit.
    lambda: [
        (*randn(shape), heads)
        for shape, heads in [((2, 5, 6), 3), ((1, 3, 8), 2), ((2, 2, 4), 2)]
    ],
)
