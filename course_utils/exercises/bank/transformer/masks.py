"""Lesson 08: the two masks that nn.MultiheadAttention takes, True = hidden."""

import torch
from torch import nn

from course_utils.exercises.model import Exercise, Misconception
from course_utils.session import current_device


def _square(length: int) -> torch.Tensor:
    return torch.ones(length, length, dtype=torch.bool)


def _on_the_cpu(answer, *args):
    mask = answer(*args)  # a mask made from a number alone may be on any device
    return mask.cpu() if isinstance(mask, torch.Tensor) else mask


FUTURE = Exercise(
    "transformer.future",
    lambda length: _square(length).triu(1),
    (
        Misconception(
            "the other meaning",
            lambda length: _square(length).tril(),
            "True stands where a token may look. That is what "
            "`F.scaled_dot_product_attention` wants; for nn.MultiheadAttention True "
            "hides: invert it.",
        ),
        Misconception(
            "diagonal hidden",
            lambda length: _square(length).triu(),
            "A token may look at itself: leave the diagonal False, with `triu(1)`. "
            "As it is, the first token has nothing to look at.",
        ),
        Misconception(
            "past hidden",
            lambda length: _square(length).tril(-1),
            "You hide the past and show the future: rows are queries, columns are "
            "keys, so the future lies to the right of the diagonal.",
        ),
        Misconception(
            "next one open",
            lambda length: _square(length).triu(2),
            "The next token is still visible, and it is the very one to be "
            "predicted: begin one step to the right of the diagonal.",
        ),
        Misconception(
            "float mask",
            nn.Transformer.generate_square_subsequent_mask,
            "This is the float mask, with 0 and minus infinity, and would do as well. "
            "The task asks for the Boolean one.",
        ),
        Misconception(
            "ones as numbers",
            lambda length: torch.ones(length, length).triu(1),
            "The ones stand in the right places but are floats. A float mask is added "
            "to the scores, and adding 1 hides nothing: make it Boolean.",
        ),
    ),
    lambda: [(4,), (1,), (7,)],
    _on_the_cpu,
)


def _lengths_cases() -> list[tuple]:
    # In the second, batch and size are equal, so that a transposed mask fits.
    cases = [([2, 4, 1], 5), ([3, 1, 2], 3), ([4], 6)]
    return [(torch.tensor(n, device=current_device()), size) for n, size in cases]


def _places(lengths: torch.Tensor, size: int) -> torch.Tensor:
    return torch.arange(size, device=lengths.device).expand(len(lengths), size)


PADDING = Exercise(
    "transformer.padding",
    lambda lengths, size: _places(lengths, size) >= lengths[:, None],
    (
        Misconception(
            "inverted",
            lambda lengths, size: _places(lengths, size) < lengths[:, None],
            "True stands at the real tokens. In `key_padding_mask` True marks what is "
            "to be ignored: the padding.",
        ),
        Misconception(
            "no row for an example",
            lambda lengths, size: _places(lengths, size)[0] >= lengths,
            "You compare place 0 with the first length, place 1 with the second. "
            "Every length meets every place if it has a dimension of its own: "
            "`lengths[:, None]`.",
        ),
        Misconception(
            "first padding open",
            lambda lengths, size: _places(lengths, size) > lengths[:, None],
            "One padding token stays visible. Places count from 0, so a sequence of 3 "
            "fills 0, 1, 2, and place 3 is padding: `>=`.",
        ),
        Misconception(
            "last token hidden",
            lambda lengths, size: _places(lengths, size) >= lengths[:, None] - 1,
            "You hide the last real token too: a sequence of 3 fills the places 0, 1 "
            "and 2.",
        ),
        Misconception(
            "transposed",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None]).T,
            "Your mask has a row a place. It should have a row an example, "
            "`(batch, size)`, even where the tokens come with their batch second.",
        ),
        Misconception(
            "one for each query",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None])[
                :, None
            ].expand(-1, size, -1),
            "You made a mask for every pair of tokens. `key_padding_mask` has a "
            "value a key, the same for all queries: `(batch, size)`.",
        ),
        Misconception(
            "numbers",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None]).long(),
            "The places are right but the mask holds whole numbers, which "
            "nn.MultiheadAttention refuses: leave it Boolean.",
        ),
    ),
    _lengths_cases,
)
