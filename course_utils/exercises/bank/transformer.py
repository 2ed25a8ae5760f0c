"""Exercises of lesson 08: transformers."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.applications.transformer import ELSEWHERE, padded
from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device


def _scores(q: Tensor, k: Tensor) -> Tensor:
    return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return _scores(q, k).softmax(dim=-1) @ v


def _overflowing(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = _scores(q, k).exp()
    return weights / weights.sum(dim=-1, keepdim=True) @ v


def _largest_of_all_subtracted(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = _scores(q, k)
    weights = (scores - scores.max()).exp()
    return weights / weights.sum(dim=-1, keepdim=True) @ v


def _largest_over_queries_subtracted(
    q: Tensor, k: Tensor, v: Tensor, *, by_hand: bool
) -> Tensor:
    scores = _scores(q, k)
    scores = scores - scores.amax(dim=-2, keepdim=True)
    if not by_hand:
        return scores.softmax(dim=-1) @ v
    weights = scores.exp()
    return weights / weights.sum(dim=-1, keepdim=True) @ v


def _attention_cases() -> list[Case]:
    # Batch, queries, keys, width, width of values: a small one to look at, in the
    # fourth all sizes fit all, some are 1.
    sizes = [
        (1, 2, 3, 2, 1),
        (2, 3, 5, 4, 6),
        (1, 2, 3, 8, 3),
        (3, 3, 3, 3, 3),
        (1, 1, 4, 2, 5),
        (2, 4, 1, 1, 2),
    ]
    cases: list[Case] = [
        randn((n, a, d), (n, b, d), (n, b, w)) for n, a, b, d, w in sizes
    ]
    q, k, v = randn((3, 2, 4), (5, 2, 4), (5, 2, 3))  # not contiguous
    cases.append((q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1)))
    q, k, v = randn((2, 2, 4), (2, 3, 4), (2, 3, 2), seed=2)
    return [*cases, (*_far_from_zero(q, k), v)]


def _far_from_zero(q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Return queries and keys whose scores are near +100, or -100, by turns."""
    q, k = q.clone(), k.clone()
    q[..., 0], k[..., 0] = 40.0, 2.5 * q.shape[-1] ** 0.5
    q[:, 1::2, 0] *= -1
    return q, k


ATTENTION = Exercise(
    "transformer.attention",
    _attention,
    (
        Misconception(
            "scores clamped",
            lambda q, k, v: (
                (
                    (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).clamp(-50, 50)
                ).softmax(-1)
                @ v
            ),
            "Right but for large scores, which come out as equal: often they are "
            "clamped against overflow. `softmax` is safe as it is: it takes the "
            "largest score of a row off all of them first.",
        ),
        Misconception(
            "no scaling",
            lambda q, k, v: (q @ k.transpose(-2, -1)).softmax(dim=-1) @ v,
            "The scores are not scaled: divide them by the square root of q's last "
            "size before the softmax.",
        ),
        Misconception(
            "scaled by d",
            lambda q, k, v: (q @ k.transpose(-2, -1) / q.shape[-1]).softmax(-1) @ v,
            "You divide the scores by d. Divide by the *root* of d: the spread of a "
            "sum grows with the square root of the number of its terms.",
        ),
        Misconception(
            "scaled by the length",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) / k.shape[-2] ** 0.5).softmax(-1) @ v
            ),
            "You divide by the square root of the number of keys. The d under the "
            "root is the width of a query, `q.shape[-1]`.",
        ),
        Misconception(
            "scaled by the number of queries",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) / q.shape[1] ** 0.5).softmax(-1) @ v
            ),
            "You divide by the square root of the number of queries, `q.shape[1]`. "
            "The d under the root is the width of a query, `q.shape[-1]`.",
        ),
        Misconception(
            "everything transposed",
            lambda q, k, v: (
                (q @ k.permute(2, 1, 0) / q.shape[-1] ** 0.5).softmax(-1) @ v
            ),
            "Your keys are transposed as by `k.T`, which reverses all three "
            "dimensions, the batch too. Swap only the last two: `k.transpose(-2, "
            "-1)`.",
        ),
        Misconception(
            "multiplied by the root",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) * q.shape[-1] ** 0.5).softmax(-1) @ v
            ),
            "You multiply the scores by the square root of d, which makes them more "
            "extreme: divide.",
        ),
        Misconception(
            "scaled after the softmax",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1)).softmax(-1) / q.shape[-1] ** 0.5 @ v
            ),
            "You divide the weights, so they no longer sum to 1. Divide the scores, "
            "before the softmax.",
        ),
        Misconception(
            "softmax over queries",
            lambda q, k, v: _scores(q, k).softmax(dim=-2) @ v,
            "Your softmax runs over the queries. Each query shares its weight among "
            "the keys, which are the last dimension: `softmax(dim=-1)`.",
        ),
        Misconception(
            "softmax over the batch",
            lambda q, k, v: _scores(q, k).softmax(dim=0) @ v,
            "Your softmax runs over the batch, so the examples share their weights. "
            "Run it over the keys: `softmax(dim=-1)`.",
        ),
        Misconception(
            "no softmax",
            lambda q, k, v: _scores(q, k) @ v,
            "The softmax is missing: your weights are raw scores, which may be "
            "negative and do not sum to 1.",
        ),
        Misconception(
            "weights alone",
            lambda q, k, v: _scores(q, k).softmax(dim=-1),
            "These are the weights. The last step is to take the weighted sum of the "
            "values: `weights @ v`.",
        ),
        Misconception(
            "scaled by the width of the values",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) / v.shape[-1] ** 0.5).softmax(-1) @ v
            ),
            "You divide by the square root of the width of a value, `v.shape[-1]`. "
            "The d under the root is the width of a query, `q.shape[-1]`.",
        ),
        Misconception(
            "overflow",
            _overflowing,
            "Your result is NaN where scores are large: exp(89) is more than a "
            "float32 can hold, and exp of a large negative number is 0. `softmax` "
            "subtracts the largest score of each row first.",
        ),
        Misconception(
            "largest of all subtracted",
            _largest_of_all_subtracted,
            "Some rows are NaN: you subtract the largest of *all* scores, and in a "
            "row far below it every exp is 0. Subtract the largest of each row, "
            "`amax(dim=-1, keepdim=True)`.",
        ),
        *(
            Misconception(
                name,
                partial(_largest_over_queries_subtracted, by_hand=by_hand),
                "The maximum you subtract seems to be taken over the queries "
                "(`dim=1`), so the keys of one query lose different amounts and the "
                "weights change. Subtract one number per row, `amax(dim=-1, "
                "keepdim=True)`; `softmax` itself does so.",
            )
            for name, by_hand in (
                ("largest over queries subtracted", False),
                ("largest over queries subtracted, exp by hand", True),
            )
        ),
        Misconception(
            "keys not transposed",
            lambda q, k, v: (q @ k / q.shape[-1] ** 0.5).softmax(-1) @ v,
            "You multiply `q @ k` as they are. Each query meets each key when the "
            "last two dimensions of `k` are swapped: `k.transpose(-2, -1)`.",
        ),
        Misconception(
            "no scaling, softmax over queries",
            lambda q, k, v: (q @ k.transpose(-2, -1)).softmax(dim=-2) @ v,
            "Two things: the scores are not divided by the square root of the width, "
            "and your softmax runs over the queries. Run it over the keys, the last "
            "dimension.",
        ),
        Misconception(
            "keys in place of values",
            lambda q, k, v: _scores(q, k).softmax(dim=-1) @ k,
            "You sum the keys. The weights are found with the keys, but what is "
            "summed are the values: `weights @ v`.",
        ),
        Misconception(
            "root rounded down",
            lambda q, k, v: (
                (q @ k.transpose(-2, -1) / math.isqrt(q.shape[-1])).softmax(-1) @ v
            ),
            "You divide by the root of the width rounded down, as by `math.isqrt`: "
            "right for square numbers only. Take the root itself.",
        ),
    ),
    _attention_cases,
    hints=(
        "Three steps: a score for every pair of query and key, weights that sum to 1 "
        "for each query, a weighted sum of the values.",
        "The scores are `q @ k.transpose(-2, -1)`, `(N, L, S)`, divided by the square "
        "root of the width of a query.",
        "Which of the dimensions of `(N, L, S)` are the keys? Along it the softmax "
        "runs; then multiply by `v`.",
    ),
    forbidden=("F.scaled_dot_product_attention",),
    differentiable=True,
)


def _masked(q: Tensor, k: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    return _scores(q, k).masked_fill(~keep, float("-inf")).softmax(dim=-1) @ v


def _overflowing_where(q: Tensor, k: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    weights = _scores(q, k).exp() * keep
    return weights / weights.sum(dim=-1, keepdim=True) @ v


def _renormalised(
    q: Tensor, k: Tensor, v: Tensor, keep: Tensor, *, least: float
) -> Tensor:
    weights = _scores(q, k).softmax(dim=-1) * keep
    return weights / (weights.sum(dim=-1, keepdim=True) + least) @ v


def _masked_cases() -> list[Case]:
    # A small one to look at, one in which all sizes fit all.
    cases: list[Case] = []
    sizes = [(1, 2, 2, 2, 1), (2, 3, 5, 4, 3), (1, 4, 4, 3, 2), (3, 3, 3, 3, 3)]
    for n, a, b, d, w in sizes:
        q, k, v, chance = randn((n, a, d), (n, b, d), (n, b, w), (a, b))
        keep = chance > 0
        rows = torch.arange(a, device=keep.device)
        keep[rows, (rows + 1) % b], keep[0, 0] = True, False  # each query sees a key
        cases.append((q, k, v, keep))
    q, k, v = randn((2, 4, 4), (2, 3, 4), (2, 3, 2), seed=2)
    keep = torch.tensor(
        [[True, True, False], [False, True, True], [False, False, True], [True] * 3],
        device=q.device,
    )
    # What is hidden has by far the largest score.
    a, b, c = randn((1, 2, 4), (1, 3, 4), (1, 3, 2), seed=3)
    a[..., 0], b[:, 0, 0] = 40.0, 10.0
    hidden = torch.tensor([[False, True, True], [False, True, False]], device=q.device)
    return [*cases, (*_far_from_zero(q, k), v, keep), (a, b, c, hidden)]


def _filled(q: Tensor, k: Tensor, v: Tensor, keep: Tensor, number: float) -> Tensor:
    return _scores(q, k).masked_fill(~keep, number).softmax(dim=-1) @ v


def _filled_with_the_lowest(q: Tensor, k: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    scores = _scores(q, k)
    return torch.where(keep, scores, scores.min()).softmax(dim=-1) @ v


MASKED = Exercise(
    "transformer.masked",
    _masked,
    (
        Misconception(
            "mask after softmax",
            lambda q, k, v, keep: (_scores(q, k).softmax(-1) * keep) @ v,
            "You set weights to 0 after the softmax, so a row no longer sums to 1. "
            "Mask the scores with minus infinity, before the softmax.",
        ),
        Misconception(
            "mask inverted",
            lambda q, k, v, keep: _masked(q, k, v, ~keep),
            "Your mask is inverted: here True means that a query may look. Fill "
            "where it is False, `~keep`.",
        ),
        Misconception(
            "mask inverted, a large number",
            lambda q, k, v, keep: _filled(q, k, v, ~keep, -1e9),
            "Your mask is inverted: here True means that a query may look. Fill "
            "where it is False, `~keep`.",
        ),
        Misconception(
            "zero times infinity",
            lambda q, k, v, keep: (
                (_scores(q, k) + (~keep).float() * float("-inf")).softmax(-1) @ v
            ),
            "Your result is NaN. To multiply a mask by minus infinity gives 0 · ∞, "
            "which is NaN, where nothing is to be hidden: fill with `masked_fill`.",
        ),
        Misconception(
            "mask inverted for the function",
            lambda q, k, v, keep: F.scaled_dot_product_attention(
                q, k, v, attn_mask=~keep
            ),
            "You invert the mask for the function, but there True also means 'may "
            "look': `attn_mask=keep`.",
        ),
        Misconception(
            "zero instead of minus infinity",
            lambda q, k, v, keep: _filled(q, k, v, keep, 0),
            "Hidden scores are 0 in yours. The softmax turns a score of 0 into a "
            "weight like any other, since exp(0) = 1: use minus infinity.",
        ),
        Misconception(
            "mask added as numbers",
            lambda q, k, v, keep: (_scores(q, k) + keep).softmax(-1) @ v,
            "Your mask is added to the scores as numbers, so True adds 1 and False "
            "adds nothing. Give the function the Boolean mask, `attn_mask=keep`; by "
            "hand, fill hidden scores with minus infinity.",
        ),
        *(
            Misconception(
                name,
                partial(_renormalised, least=least),
                f"You set weights to 0 after the softmax (or after exp) and divide by "
                f"the sum of the rest. Where a hidden key has a far larger score, "
                f"that rest is 0 already, and you get {result}. Mask the scores with "
                f"minus infinity, before the softmax.",
            )
            for name, least, result in (
                ("renormalised", 0.0, "0/0, which is NaN"),
                ("renormalised, not by 0", 1e-9, "zeros"),
            )
        ),
        Misconception(
            "one row for all queries",
            lambda q, k, v, keep: _masked(q, k, v, keep.any(dim=0).expand_as(keep)),
            "You use one mask row for all queries: a key is hidden only if no query "
            "may look at it. Row i of `keep` belongs to query i: use `keep` as it is.",
        ),
        Misconception(
            "mask forgotten",
            lambda q, k, v, keep: _attention(q, k, v),
            "This is attention without any mask: `keep` has no effect. (`masked_fill` "
            "returns a new tensor: assign it.)",
        ),
        Misconception(
            "no scaling",
            lambda q, k, v, keep: _masked(q * q.shape[-1] ** 0.5, k, v, keep),
            "The mask is right. The scores are not scaled: divide them by the square "
            "root of q's last size.",
        ),
        Misconception(
            "softmax over queries",
            lambda q, k, v, keep: (
                _scores(q, k).masked_fill(~keep, float("-inf")).softmax(-2) @ v
            ),
            "The mask is right, but your softmax runs over the queries. Run it over "
            "the last dimension, the keys.",
        ),
        Misconception(
            "scaled by d",
            lambda q, k, v, keep: _masked(q / q.shape[-1] ** 0.5, k, v, keep),
            "The mask is right. You divide the scores by d: divide by the *root* of "
            "d, q's last size.",
        ),
        Misconception(
            "mask transposed",
            lambda q, k, v, keep: _masked(q, k, v, keep.T),
            "You use `keep.T`. `keep` is `(L, S)`, queries by keys, as the scores "
            "are: use it as it is.",
        ),
        Misconception(
            "overflow",
            _overflowing_where,
            "Your result is NaN where scores are large: exp(89) is more than a "
            "float32 can hold. Mask the scores, and leave the rest to `softmax`.",
        ),
        *(
            Misconception(
                f"{number} for hidden scores",
                partial(_filled, number=number),
                "Hidden keys shine through: the number you fill with is not small "
                "enough, since other scores may be as small. Fill with "
                "`float('-inf')`.",
            )
            for number in (-1, -5, -10, -20, -100)
        ),
        Misconception(
            "plus infinity",
            lambda q, k, v, keep: _filled(q, k, v, keep, float("inf")),
            "You fill hidden scores with *plus* infinity, which gives NaN. Fill with "
            "minus infinity, `float('-inf')`.",
        ),
        Misconception(
            "weights alone",
            lambda q, k, v, keep: (
                _scores(q, k).masked_fill(~keep, float("-inf")).softmax(-1)
            ),
            "These are the weights, rightly masked. The last step is to take the "
            "weighted sum of the values: `weights @ v`.",
        ),
        Misconception(
            "the future hidden",
            lambda q, k, v, keep: F.scaled_dot_product_attention(
                q, k, v, is_causal=True
            ),
            "`keep` has no effect: you hide the future, as a causal mask does. Hide "
            "what `keep` says, `attn_mask=keep`.",
        ),
        Misconception(
            "filled with the lowest score",
            _filled_with_the_lowest,
            "Hidden keys keep some weight: their scores are set to the lowest score "
            "that occurs, and other keys may have one nearly as low. Fill with minus "
            "infinity.",
        ),
    ),
    _masked_cases,
    hints=(
        "Everything is as in the first exercise, except for the scores where `keep` "
        "is False. What must a score be, so that its weight becomes 0?",
        "Change the scores before the softmax: then the weights of the other keys sum "
        "to 1 by themselves.",
        "`scores.masked_fill(mask, number)` returns new scores, with the number where "
        "its mask is True: you need the opposite of `keep`.",
    ),
    differentiable=True,
)


def _square(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool)


def _on_the_cpu(answer: Answer, *args: Any) -> Any:
    mask = answer(*args)  # a mask made from a number alone may be on any device
    return mask.cpu() if isinstance(mask, Tensor) else mask


FUTURE = Exercise(
    "transformer.future",
    lambda length: _square(length).triu(1),
    (
        Misconception(
            "the other meaning",
            lambda length: _square(length).tril(),
            "Your mask is True where a token may look. That is what "
            "`F.scaled_dot_product_attention` expects; for nn.MultiheadAttention True "
            "hides: invert it.",
        ),
        Misconception(
            "diagonal hidden",
            lambda length: _square(length).triu(),
            "You hide the diagonal, but a token may look at itself: leave the "
            "diagonal False, with `triu(1)`. Otherwise the first token has nothing to "
            "look at.",
        ),
        Misconception(
            "past hidden",
            lambda length: _square(length).tril(-1),
            "You hide the past and show the future. Rows are queries and columns are "
            "keys, so the future is to the right of the diagonal.",
        ),
        Misconception(
            "next one open",
            lambda length: _square(length).triu(2),
            "The next token is still visible, and it is the one to be predicted: "
            "start one step to the right of the diagonal.",
        ),
        Misconception(
            "float mask",
            nn.Transformer.generate_square_subsequent_mask,
            "This is the float mask, with 0 and minus infinity, which would work too. "
            "The task asks for the Boolean one.",
        ),
        Misconception(
            "ones as numbers",
            lambda length: torch.ones(length, length).triu(1),
            "The ones are in the right places but are floats. A float mask is added "
            "to the scores, and adding 1 hides nothing: make it Boolean.",
        ),
        Misconception(
            "whole numbers",
            lambda length: _square(length).triu(1).long(),
            "The ones are in the right places but are whole numbers. Make the mask "
            "Boolean: `dtype=torch.bool`, or `.bool()`.",
        ),
        Misconception(
            "all but the token itself",
            lambda length: ~_square(length).tril().triu(),
            "You hide everything but the token itself, the past too. Only what stands "
            "to the right of the diagonal is later.",
        ),
        Misconception(
            "nothing hidden",
            lambda length: ~_square(length),
            "Your mask is False everywhere, which hides nothing.",
        ),
        Misconception(
            "everything hidden",
            _square,
            "Your mask is True everywhere, which hides all tokens from all.",
        ),
        Misconception(
            "with a batch",
            lambda length: _square(length).triu(1)[None],
            "The mask is right, with a batch dimension of 1, which the layer would "
            "take for batch · heads. Return `(length, length)`.",
        ),
        Misconception(
            "where it may look, as floats",
            lambda length: torch.ones(length, length).tril(),
            "Two things: your mask marks what a token *may* see, and it holds floats. "
            "For nn.MultiheadAttention a Boolean True hides.",
        ),
        Misconception(
            "next one only",
            lambda length: _square(length).triu(1).tril(1),
            "You hide only the very next token. All later ones must be hidden too: "
            "everything to the right of the diagonal.",
        ),
        Misconception(
            "the one before only",
            lambda length: _square(length).tril(-1).triu(-1),
            "You hide only the token just before each. Rows are queries and columns "
            "are keys: what is later stands to the right of the diagonal, and all of "
            "it must be hidden.",
        ),
    ),
    lambda: [(4,), (1,), (2,), (7,), (70,)],
    _on_the_cpu,
    hints=(
        "Rows are queries and columns are keys. In row 0, which columns are later "
        "than token 0?",
        "For nn.MultiheadAttention True *hides* a key. So True belongs to the right "
        "of the diagonal, and the diagonal itself stays False.",
        "Start from a square of ones with `dtype=torch.bool`; `triu(k)` keeps what "
        "stands k places or more to the right of the diagonal.",
    ),
)


def _places(lengths: Tensor, size: int) -> Tensor:
    return torch.arange(size, device=lengths.device).expand(len(lengths), size)


def _lengths_cases() -> list[Case]:
    # In the third, batch and size are equal, so that a transposed mask fits.
    cases = [
        ([1, 3], 4),
        ([2, 4, 1], 5),
        ([3, 1, 2], 3),
        ([4], 6),
        ([1, 1], 1),
        ([3, 140], 150),
    ]
    return [(torch.tensor(n, device=current_device()), size) for n, size in cases]


PADDING = Exercise(
    "transformer.padding",
    lambda lengths, size: _places(lengths, size) >= lengths[:, None],
    (
        Misconception(
            "slice from minus zero",
            lambda lengths, size: (
                (_places(lengths, size) >= lengths[:, None])
                | (lengths == size)[:, None]
            ),
            "Right but for a sequence of full length, which you hide completely: "
            "often a slice such as `mask[i, -(size - n):]`, for -0 is 0 and the slice "
            "is everything. Slice from the other side: `mask[i, n:]`.",
        ),
        Misconception(
            "inverted",
            lambda lengths, size: _places(lengths, size) < lengths[:, None],
            "Your mask is True at the real tokens. In `key_padding_mask` True marks "
            "what to ignore: the padding.",
        ),
        Misconception(
            "no row for an example",
            lambda lengths, size: _places(lengths, size)[0] >= lengths,
            "You compare place 0 with the first length, place 1 with the second. To "
            "compare every length with every place, give the lengths their own "
            "dimension: `lengths[:, None]`.",
        ),
        Misconception(
            "first padding open",
            lambda lengths, size: _places(lengths, size) > lengths[:, None],
            "One padding token stays visible. Places count from 0, so a sequence of 3 "
            "fills 0, 1 and 2, and place 3 is padding: `>=`.",
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
            "Your mask has one row per place. It should have one row per example, "
            "`(batch, size)`, even where the tokens have the batch second.",
        ),
        Misconception(
            "one for each query",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None])[
                :, None
            ].expand(-1, size, -1),
            "You made a mask for every pair of tokens. `key_padding_mask` has one "
            "value per key, the same for all queries: `(batch, size)`.",
        ),
        Misconception(
            "numbers",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None]).long(),
            "The places are right, but the mask holds whole numbers, which "
            "nn.MultiheadAttention refuses: leave it Boolean.",
        ),
        Misconception(
            "numbers of 32 bits",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None]).int(),
            "The places are right, but the mask holds whole numbers, which "
            "nn.MultiheadAttention refuses: leave it Boolean.",
        ),
        Misconception(
            "floats",
            lambda lengths, size: (_places(lengths, size) >= lengths[:, None]).float(),
            "The places are right, but the mask holds floats, which are added to the "
            "scores, and adding 1 hides nothing: leave it Boolean.",
        ),
        Misconception(
            "as wide as the longest",
            lambda lengths, size: (
                _places(lengths, int(lengths.max())) >= lengths[:, None]
            ),
            "Your mask is as wide as the longest sequence. All are padded to `size`, "
            "which may be more.",
        ),
        Misconception(
            "padding in front",
            lambda lengths, size: _places(lengths, size).flip(1) >= lengths[:, None],
            "Your mask has the padding in front. Here it stands behind the tokens: a "
            "sequence of 3 fills the places 0, 1 and 2.",
        ),
        Misconception(
            "inverted, one place off",
            lambda lengths, size: _places(lengths, size) <= lengths[:, None],
            "Two things: your mask is True at the real tokens, but in "
            "`key_padding_mask` True marks the padding. And places count from 0: a "
            "sequence of 3 fills 0, 1 and 2.",
        ),
        Misconception(
            "on another device",
            lambda lengths, size: ELSEWHERE,
            "You make a tensor without saying where. It is on the CPU, wherever "
            "`lengths` is, and with `lengths` on a GPU the two do not go together: "
            "give it `device=lengths.device`.",
        ),
    ),
    _lengths_cases,
    padded,
    hints=(
        "Number the places of a sequence from 0. How do you tell from its place alone "
        "whether a token is padding?",
        "Compare every place with every length at once: `(size,)` against `(N, 1)` "
        "broadcasts to `(N, size)`.",
        "The places are `torch.arange(size, device=lengths.device)`, the lengths as a "
        "column `lengths[:, None]`. True marks the padding.",
    ),
)


def _split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _view(x: Tensor, heads: int) -> Tensor:
    n, length, width = x.shape
    return x.reshape(n, heads, length, width // heads)


_WHOLE_WIDTH = (
    "A size must be a whole number, but `/` gives a float, such as 2.0. The width of "
    "a head is `E // heads`."
)


def _heads_cases() -> list[Case]:
    # A small one to look at, then some with equal sizes, so that wrong orders fit,
    # one head, heads of one number.
    shapes = [
        ((1, 2, 4), 2),
        ((2, 5, 6), 3),
        ((1, 3, 8), 2),
        ((2, 2, 4), 2),
        ((3, 2, 5), 1),
        ((2, 3, 4), 4),
        ((2, 6, 6), 2),
    ]
    cases: list[Case] = [(*randn(shape), heads) for shape, heads in shapes]
    (x,) = randn((3, 2, 6))
    return [*cases, (x.transpose(0, 1), 3)]  # not contiguous


SPLIT_HEADS = Exercise(
    "transformer.split_heads",
    _split,
    (
        Misconception(
            "heads brought before the batch",
            lambda x, heads: (
                x.unflatten(-1, (heads, -1))
                .permute(2, 0, 1, 3)
                .reshape(len(x), heads, x.shape[1], -1)
            ),
            "Right for one sequence or one head: your heads come before the batch, and "
            "`reshape` does not move them back. Split the last dimension, then "
            "`transpose(1, 2)`.",
        ),
        Misconception(
            "cut along the wrong axis",
            _view,
            "The shape is right, but the numbers are not: `reshape` alone cuts the "
            "list of tokens into pieces, so that a head gets some tokens whole. Split "
            "the last dimension first, then swap tokens and heads.",
        ),
        Misconception(
            "no exchange",
            lambda x, heads: x.unflatten(-1, (heads, -1)),
            "The split is right, but tokens still come before heads. A head needs all "
            "its tokens together: `transpose(1, 2)`.",
        ),
        Misconception(
            "every other number",
            lambda x, heads: x.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2),
            "Head 0 gets every `heads`-th number of a token. In PyTorch it gets the "
            "first block: put heads before width, `unflatten(-1, (heads, -1))`.",
        ),
        Misconception(
            "width and tokens exchanged",
            lambda x, heads: x.unflatten(-1, (heads, -1)).permute(0, 2, 3, 1),
            "The tokens of a head are its columns in your result. They should be its "
            "rows: the order is batch, head, token, width.",
        ),
        Misconception(
            "heads in the batch",
            lambda x, heads: _split(x, heads).flatten(0, 1),
            "You merged the heads into the batch. That also works inside a layer, but "
            "the task asks for four dimensions: batch, head, token, width.",
        ),
        Misconception(
            "heads first",
            lambda x, heads: _split(x, heads).transpose(0, 1),
            "The heads come before the batch. The order is batch, head, token, width.",
        ),
        Misconception(
            "tokens last",
            lambda x, heads: x.unflatten(-1, (heads, -1)).transpose(1, 3),
            "You swap tokens with the width of a head. Swap them with the heads, "
            "`transpose(1, 2)`: the order is batch, head, token, width.",
        ),
        Misconception(
            "size of a piece",
            lambda x, heads: torch.stack(x.split(heads, dim=-1), dim=1),
            "Your pieces are `heads` numbers wide. `split` takes the size of a piece, "
            "`chunk` the number of pieces; a head is `E // heads` wide.",
        ),
        Misconception(
            "pieces side by side",
            lambda x, heads: torch.stack(x.chunk(heads, dim=-1), dim=-1),
            "You stack the heads along the last dimension. They come second: "
            "`torch.stack(…, dim=1)`.",
        ),
        Misconception(
            "tokens cut",
            lambda x, heads: torch.stack(x.chunk(heads, dim=1), dim=1),
            "You cut the tokens into heads. Each head sees all tokens, and a part of "
            "the numbers of each: cut the last dimension.",
        ),
        Misconception(
            "view of what is not contiguous",
            lambda x, heads: (
                x.view(-1, heads, x.shape[2] // heads)
                .view(*x.shape[:2], heads, -1)
                .transpose(1, 2)
            ),
            "Right, except for an `x` that is not contiguous: `view` cannot join the "
            "batch and the tokens there. Use `reshape`, or split the last dimension "
            "alone.",
        ),
        Misconception(
            "float width in view",
            lambda x, heads: x.view(*x.shape[:2], heads, x.shape[2] / heads),
            _WHOLE_WIDTH,
        ),
        Misconception(
            "float width in reshape",
            lambda x, heads: x.reshape(*x.shape[:2], heads, x.shape[2] / heads),
            _WHOLE_WIDTH,
        ),
        Misconception(
            "float width in unflatten",
            lambda x, heads: x.unflatten(-1, (heads, x.shape[2] / heads)),
            _WHOLE_WIDTH,
        ),
        Misconception(
            "batch taken for tokens",
            lambda x, heads: x.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3),
            "Batch and tokens have changed places: `x` is `(N, L, E)`, the batch "
            "first, and the result is batch, head, token, width.",
        ),
        Misconception(
            "exchanged before the cut",
            lambda x, heads: x.transpose(1, 2).reshape(len(x), heads, x.shape[1], -1),
            "The dimensions are exchanged before the cut: then the numbers of a token "
            "no longer lie side by side. Cut the last dimension first, `unflatten(-1, "
            "(heads, -1))`, and exchange tokens and heads after that.",
        ),
    ),
    _heads_cases,
    hints=(
        "The last dimension is to become two, heads and the width of a head. Nothing "
        "else moves in that step.",
        "Such a split gives `(N, L, heads, E // heads)`, with `unflatten` or "
        "`reshape`: the first numbers of a token are head 0.",
        "Then swap the tokens and the heads, dimensions 1 and 2.",
    ),
    differentiable=True,
)


def _count(
    d: int,
    hidden: int,
    *,
    attention: int = 1,
    out_proj: int = 1,
    biases: int = 1,
    norms: int = 4,
) -> int:
    """Return the number of parameters; the keywords are what mistakes change."""
    projections = (3 + out_proj) * (d * d + d) * attention
    feed_forward = 2 * d * hidden + biases * (hidden + d)
    return projections + feed_forward + norms * d


# Several mistakes change the count by the same number, whatever d and hidden are: no
# check can tell them apart, so the hint says what is missing, then where it may be.
_MISSING_4D = (
    "4·d numbers are missing. Usually these are the two layer norms, each with a "
    "weight and a bias of d numbers; if you have them, look at the four biases of the "
    "attention."
)
_MISSING_2D = (
    "2·d numbers are missing. Usually these are of the layer norms: there are two, "
    "one for each part, and each has a weight and a bias of d numbers."
)
_MISSING_FEED = (
    "hidden + d numbers are missing: the size of the biases of the feed-forward part, "
    "hidden in its first linear layer and d in its second."
)
_MISSING_OUT = (
    "d·d + d numbers are missing: the size of one projection of the attention. "
    "Queries, keys and values are three; the fourth mixes the heads at the end, "
    "`out_proj`."
)
_FOR_EVERY_HEAD = (
    "You count the attention once per head. The heads share one set of weights: each "
    "uses its own part of the width."
)


def _count_mistake(name: str, hint: str, **changes: int) -> Misconception:
    return Misconception(
        name, lambda d, heads, hidden: _count(d, hidden, **changes), hint
    )


def _for_every_head(name: str, hint: str, **changes: int) -> Misconception:
    return Misconception(
        name,
        lambda d, heads, hidden: _count(d, hidden, attention=heads, **changes),
        hint,
    )


def _off(name: str, gap: Callable[[int, int, int], int], hint: str) -> Misconception:
    """Return the mistake that is off by `gap(d, heads, hidden)`."""
    return Misconception(
        name,
        lambda d, heads, hidden: _count(d, hidden) + gap(d, heads, hidden),
        hint,
    )


COUNT = Exercise(
    "transformer.count",
    lambda d, heads, hidden: _count(d, hidden),
    (
        _count_mistake("4 d missing", _MISSING_4D, norms=0),
        _count_mistake("2 d missing", _MISSING_2D, norms=2),
        _count_mistake("no biases in the feed-forward part", _MISSING_FEED, biases=0),
        _count_mistake("no output projection", _MISSING_OUT, out_proj=0),
        _for_every_head("a set for every head", _FOR_EVERY_HEAD),
        _off(
            "one head alone",
            lambda d, heads, hidden: -4 * (d * d - d * d // heads),
            "You count one head's part of the attention. All heads together have the "
            "full matrices, d·d numbers each.",
        ),
        _off(
            "heads that read a part",
            lambda d, heads, hidden: -3 * d * (d - d // heads),
            "You let the queries, keys and values of a head read only d / heads "
            "numbers of a token. Every head reads the whole token: over all heads, "
            "each of the three projections has d·d + d numbers.",
        ),
        _off(
            "one head alone, mixed",
            lambda d, heads, hidden: -3 * (d * d + d - (d + 1) * (d // heads)),
            "Your projections of queries, keys and values are those of one head, d / "
            "heads wide. All heads together have the full matrices: d·d + d numbers "
            "each.",
        ),
        _off(
            "5 d + hidden missing",
            lambda d, heads, hidden: -5 * d - hidden,
            "5·d + hidden numbers are missing. Usually these are the biases of the "
            "six projections: 4·d in the attention, hidden + d in the feed-forward "
            "part. If you have those of the attention, look at the two norms.",
        ),
        _off(
            "7 d + hidden missing",
            lambda d, heads, hidden: -7 * d - hidden,
            "The matrices are right, but 7·d + hidden numbers are missing. Usually "
            "these are all biases: of the six projections, 5·d + hidden, and of the "
            "two norms, d each.",
        ),
        _off(
            "matrices alone",
            lambda d, heads, hidden: -9 * d - hidden,
            "The matrices are right, but all other numbers are missing: the biases of "
            "the six projections, and the two norms with weight and bias.",
        ),
        _off(
            "6 d missing",
            lambda d, heads, hidden: -6 * d,
            "6·d numbers are missing: as many as the biases of the attention, 4·d, "
            "and those of the two norms, d each.",
        ),
        _off(
            "no output projection, no biases in the attention",
            lambda d, heads, hidden: -d * d - 4 * d,
            "d·d + 4·d numbers are missing. The attention has four projections, the "
            "last of them `out_proj`; each has a matrix of d·d and a bias of d.",
        ),
        _off(
            "one projection alone",
            lambda d, heads, hidden: -3 * (d * d + d),
            "3·(d·d + d) numbers are missing: the attention has four projections, for "
            "queries, keys and values, and one for its output.",
        ),
        _off(
            "d missing",
            lambda d, heads, hidden: -d,
            "d numbers are missing. Each of the six projections has a bias: five of "
            "them have d numbers. The norms have 4·d in all.",
        ),
        _off(
            "3 d missing",
            lambda d, heads, hidden: -3 * d,
            "3·d numbers are missing: as many as the biases of queries, keys and "
            "values, `in_proj_bias`.",
        ),
        _off(
            "hidden missing",
            lambda d, heads, hidden: -hidden,
            "`hidden` numbers are missing: the size of the bias of the first linear "
            "layer in the feed-forward part.",
        ),
        _off(
            "both biases hidden",
            lambda d, heads, hidden: hidden - d,
            "Your count is hidden - d too large. The second linear layer of the "
            "feed-forward part goes back to d numbers, so its bias has d, not hidden.",
        ),
        _off(
            "both biases d",
            lambda d, heads, hidden: d - hidden,
            "Your count is hidden - d too small. The first linear layer of the "
            "feed-forward part has `hidden` outputs, so its bias has hidden numbers.",
        ),
        _off(
            "one linear layer, its bias hidden",
            lambda d, heads, hidden: -d * hidden - d,
            "d·hidden + d numbers are missing: the size of the second linear layer in "
            "the feed-forward part, which goes back from hidden to d.",
        ),
        _off(
            "one linear layer, its bias d",
            lambda d, heads, hidden: -d * hidden - hidden,
            "d·hidden + hidden numbers are missing: the size of the first linear "
            "layer in the feed-forward part, from d to hidden.",
        ),
        _off(
            "one feed-forward matrix",
            lambda d, heads, hidden: -d * hidden,
            "d·hidden numbers are missing: the feed-forward part has two matrices, "
            "from d to hidden and back.",
        ),
        _off(
            "no feed-forward part",
            lambda d, heads, hidden: -2 * d * hidden - hidden - d,
            "The feed-forward part is missing: two linear layers, from d to hidden "
            "and back.",
        ),
        _off(
            "a third norm",
            lambda d, heads, hidden: 2 * d,
            "2·d numbers too many: as many as a third layer norm. There are two, one "
            "for each part.",
        ),
        _off(
            "decoder layer",
            lambda d, heads, hidden: 4 * d * d + 6 * d,
            "This is a decoder layer, with a second attention and a third norm.",
        ),
        Misconception(
            "hidden left at its default",
            lambda d, heads, hidden: _count(d, 2048),
            "`hidden` has no effect: this is a layer with 2048 hidden numbers, the "
            "default of `dim_feedforward`. Pass `hidden` on.",
        ),
        # Two at once, where the sum tells which.
        _count_mistake(
            "no output projection, 4 d missing",
            f"{_MISSING_OUT} And {_MISSING_4D}",
            out_proj=0,
            norms=0,
        ),
        _count_mistake(
            "no output projection, no biases in the feed-forward part",
            f"{_MISSING_OUT} And {_MISSING_FEED}",
            out_proj=0,
            biases=0,
        ),
        _for_every_head(
            "a set for every head, 4 d missing",
            f"{_FOR_EVERY_HEAD} And {_MISSING_4D}",
            norms=0,
        ),
        _for_every_head(
            "a set for every head, no biases in the feed-forward part",
            f"{_FOR_EVERY_HEAD} And {_MISSING_FEED}",
            biases=0,
        ),
    ),
    # Also with one head, and with hidden smaller than d.
    lambda: [(8, 2, 20), (12, 3, 7), (16, 4, 64), (6, 1, 11)],
    hints=(
        "Three things have parameters: the attention, the feed-forward part, and the "
        "layer norms. Count each by itself.",
        "The attention has four projections from d to d, whatever `heads` is. The "
        "feed-forward part goes from d to hidden and back. Do not forget the biases.",
        "A linear layer from a to b has a·b + b parameters; a layer norm has a weight "
        "and a bias of d each, and there are two norms.",
    ),
)


def _pre_norm(
    x: Tensor, attend: Answer, feed: Answer, norm1: Answer, norm2: Answer
) -> Tensor:
    x = x + attend(norm1(x))
    return x + feed(norm2(x))


class _Part:
    """A function of a block, which a check can show by its name."""

    def __init__(
        self, name: str, weight: Tensor, f: Callable[[Tensor, Tensor], Tensor]
    ) -> None:
        self.name, self.weight, self.f = name, weight, f

    def __call__(self, x: Tensor) -> Tensor:
        return self.f(x, self.weight)

    def __repr__(self) -> str:
        return f"a function {self.name}(x)"


def _norm(x: Tensor, scale: Tensor) -> Tensor:
    spread, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
    return (x - mean) / (spread + 1e-5).sqrt() * scale


def _block_cases() -> list[Case]:
    cases: list[Case] = []
    for n, length, d in [(1, 2, 3), (2, 3, 4), (3, 4, 4)]:
        shapes = (n, length, d), (length, length), (d, d), (d,), (d,)
        x, mix, weight, scale1, scale2 = randn(*shapes)
        attend = _Part("attend", mix, lambda x, w: w.softmax(dim=-1) @ x)
        feed = _Part("feed", weight, lambda x, w: (x @ w).relu())
        norm1, norm2 = _Part("norm1", scale1, _norm), _Part("norm2", scale2, _norm)
        cases.append((x, attend, feed, norm1, norm2))
    return cases


# What the first half of the block makes of x, and what the second makes of that sum,
# y, with the hint for each mistake. Every first half goes with every second half.
_First = Callable[[Tensor, Answer, Answer, Answer], Tensor]  # x, attend, norm1, norm2
_Second = Callable[[Tensor, Tensor, Answer, Answer, Answer], Tensor]  # x, y, feed, …

_FIRST: dict[str, tuple[_First, str]] = {
    "": (lambda x, a, n1, n2: x + a(n1(x)), ""),
    "no norm1": (
        lambda x, a, n1, n2: x + a(x),
        "The attention reads x without a norm: `attend(norm1(x))`.",
    ),
    "norm2 in the first half": (
        lambda x, a, n1, n2: x + a(n2(x)),
        "The attention reads `norm2(x)`. It should read `norm1(x)`.",
    ),
    "normalised x in the first sum": (
        lambda x, a, n1, n2: n1(x) + a(n1(x)),
        "In the first sum you add to the normalised x. The path around a part has no "
        "norm: add to the x that came in.",
    ),
    "no first sum": (
        lambda x, a, n1, n2: a(n1(x)),
        "The attention replaces x. Its result should be *added* to x: `x + …`.",
    ),
    "norm after the attention": (
        lambda x, a, n1, n2: x + n1(a(x)),
        "You normalise what the attention gives. In pre-norm its *input* is "
        "normalised: `attend(norm1(x))`.",
    ),
    "first sum normalised": (
        lambda x, a, n1, n2: n1(x + a(x)),
        "The first sum is normalised, as in post-norm. In pre-norm the input of the "
        "attention is normalised, and the sum stays as it is.",
    ),
}
_SECOND: dict[str, tuple[_Second, str]] = {
    "": (lambda x, y, f, n1, n2: y + f(n2(y)), ""),
    "no norm2": (
        lambda x, y, f, n1, n2: y + f(y),
        "`feed` reads the first sum without a norm: give it `norm2` of that sum.",
    ),
    "norm1 in the second half": (
        lambda x, y, f, n1, n2: y + f(n1(y)),
        "`feed` reads `norm1` of the first sum. It should read `norm2` of it.",
    ),
    "normalised y in the second sum": (
        lambda x, y, f, n1, n2: n2(y) + f(n2(y)),
        "In the second sum you add to the normalised first sum. The path around a "
        "part has no norm: add to the first sum itself.",
    ),
    "no second sum": (
        lambda x, y, f, n1, n2: f(n2(y)),
        "What `feed` gives replaces the first sum. It should be *added* to it.",
    ),
    "norm after feed": (
        lambda x, y, f, n1, n2: y + n2(f(y)),
        "You normalise what `feed` gives. In pre-norm its *input* is normalised, by "
        "`norm2`.",
    ),
    "second sum normalised": (
        lambda x, y, f, n1, n2: n2(y + f(y)),
        "The second sum is normalised, as in post-norm. In pre-norm the input of "
        "`feed` is normalised, and the sum stays as it is.",
    ),
    "old x in the second sum": (
        lambda x, y, f, n1, n2: x + f(n2(y)),
        "In the second sum you add to the x that came in. Add to the first sum, or "
        "the result of the attention is lost on the path around `feed`.",
    ),
    "side by side": (
        lambda x, y, f, n1, n2: y + f(n2(x)),
        "`feed` reads the x that came in. It should read the first sum, normalised.",
    ),
    "feed reads the attention alone": (
        lambda x, y, f, n1, n2: y + f(n2(y - x)),
        "`feed` reads only what the attention gives. It should read the first sum, "
        "with x in it, normalised.",
    ),
    "second half missing": (
        lambda x, y, f, n1, n2: y,
        "This is the first half alone. The second adds what `feed` gives to it.",
    ),
}

# Two mistakes that are one.
_BOTH = {
    ("first sum normalised", "second sum normalised"): (
        "post-norm",
        "This is post-norm, where each sum is normalised. In pre-norm only the input "
        "of a part is normalised, and the sum stays as it is.",
    ),
    ("normalised x in the first sum", "normalised y in the second sum"): (
        "sums from the normalised",
        "Both sums add to the normalised x. The path around a part has no norm: `x + "
        "attend(norm1(x))`, with the x that came in, and likewise for `feed`.",
    ),
    ("no norm1", "no norm2"): (
        "no norms",
        "The sums are right, but the norms are missing: `attend(norm1(x))`, and "
        "likewise for `feed`.",
    ),
    ("no first sum", "no second sum"): (
        "no way past",
        "The parts replace x. Each should be *added* to its input: `x + "
        "attend(norm1(x))`, and likewise for `feed`.",
    ),
    ("norm after the attention", "norm after feed"): (
        "norm after the part",
        "You normalise the *output* of each part. In pre-norm its input is "
        "normalised: `attend(norm1(x))`.",
    ),
    ("norm2 in the first half", "norm1 in the second half"): (
        "norms exchanged",
        "The norms are swapped: `norm1` belongs to the attention, `norm2` to the "
        "feed-forward part.",
    ),
    ("no first sum", "old x in the second sum"): (
        "one sum around both parts",
        "You add x once, around both parts. Each part has a sum of its own: first `x "
        "+ attend(norm1(x))`.",
    ),
}


def _halves(first: _First, second: _Second) -> Answer:
    def block(x: Tensor, a: Answer, f: Answer, n1: Answer, n2: Answer) -> Tensor:
        return second(x, first(x, a, n1, n2), f, n1, n2)

    return block


def _block_mistakes() -> list[Misconception]:
    mistakes = []
    for one, (first, hint) in _FIRST.items():
        for two, (second, more) in _SECOND.items():
            names = [name for name in (one, two) if name]
            name, both = ", ".join(names), f"{hint} {more}".strip()
            name, both = _BOTH.get((one, two), (name, both))
            if names:
                mistakes.append(Misconception(name, _halves(first, second), both))
    return mistakes


PRE_NORM = Exercise(
    "transformer.pre_norm",
    _pre_norm,
    (
        *_block_mistakes(),
        Misconception(
            "first half lost",
            lambda x, a, f, n1, n2: x + f(n2(x)),
            "The attention has no effect on your result. Keep the first sum, and go "
            "on from there in the second.",
        ),
        Misconception(
            "parts exchanged",
            lambda x, a, f, n1, n2: _pre_norm(x, f, a, n1, n2),
            "The parts are swapped: the attention comes first, then the feed-forward "
            "part.",
        ),
        Misconception(
            "a norm at the end",
            lambda x, a, f, n1, n2: n2(_pre_norm(x, a, f, n1, n2)),
            "The layer is right, but then you normalise its result too. Leave the "
            "last sum as it is.",
        ),
    ),
    _block_cases,
    hints=(
        "A layer has two halves of one form. Each adds what a part makes of its input "
        "to that input.",
        "In pre-norm a part reads its input through a norm, and nothing else is "
        "normalised. The first half is `x + attend(norm1(x))`.",
        "The second half has the same form, with `feed` and `norm2`, and everywhere "
        "the first sum in place of x.",
    ),
    arguments=("x", "attend", "feed", "norm1", "norm2"),
    differentiable=True,
)


class _Model:
    """A little causal model: (n,) tokens to (n, vocabulary) scores."""

    def __init__(self, vocabulary: int, seed: int) -> None:
        sizes = (vocabulary, 6), (6, vocabulary)
        self.table, self.out = randn(*sizes, seed=seed)

    def __call__(self, tokens: Tensor) -> Tensor:
        if tokens.dim() != 1 or tokens.dtype != torch.int64:
            raise ValueError(
                "step takes int64 tokens of shape (n,), not "
                f"{tokens.dtype} of shape {tuple(tokens.shape)}.".replace("torch.", "")
            )
        size = len(self.table)
        if not (len(tokens) and 0 <= tokens.min() and tokens.max() < size):
            # Said here: on a GPU an index out of range ends all work.
            raise ValueError(f"step takes tokens from 0 to {size - 1}, one at least.")
        place = torch.arange(1.0, len(tokens) + 1, device=tokens.device)
        summary = (self.table[tokens] * place.sin()[:, None]).cumsum(dim=0)
        return summary @ self.out

    def __repr__(self) -> str:
        return "a function step(tokens)"


def _decode(choose: Callable[[_Model, Tensor], Tensor]) -> Answer:
    def answer(step: _Model, start: Tensor, length: int) -> Tensor:
        tokens = start
        for _ in range(length):
            tokens = torch.cat([tokens, choose(step, tokens)])
        return tokens[1:]

    return answer


def _best(scores: Tensor) -> Tensor:
    return scores.argmax(dim=-1, keepdim=True)


_greedy = _decode(lambda step, tokens: _best(step(tokens)[-1]))


def _without_start(step: _Model, start: Tensor, length: int) -> Tensor:
    tokens = _best(step(start)[-1])
    for _ in range(length - 1):
        tokens = torch.cat([tokens, _best(step(tokens)[-1])])
    return tokens


def _scores_of_the_best(step: _Model, start: Tensor, length: int) -> Tensor:
    tokens = torch.cat([start, _greedy(step, start, length)])
    return step(tokens)[:-1].max(dim=-1).values


def _greedy_cases() -> list[Case]:
    # Size of the vocabulary, seed, start, length; a single token first, and once the
    # token 0 on the way.
    cases = [
        (5, 3, 2, 1),
        (9, 1, 1, 5),
        (7, 4, 6, 6),
        (11, 8, 10, 4),
        (6, 5, 5, 6),
        (7, 2, 1, 20),
    ]
    return [
        (_Model(size, seed), torch.tensor([first], device=current_device()), length)
        for size, seed, first, length in cases
    ]


GREEDY = Exercise(
    "transformer.greedy",
    _greedy,
    (
        Misconception(
            "start left out of what is read",
            _without_start,
            "The first token is right. From the second on the model no longer sees "
            "`start`: keep it among the tokens that `step` is given, and leave it out "
            "of the result alone.",
        ),
        Misconception(
            "same token each time",
            _decode(lambda step, tokens: _best(step(tokens)[0])),
            "You get the same token every time. Often the scores are read at the first "
            "place, where they never change: read those at the last, "
            "`step(tokens)[-1]`. Or the new tokens are not appended to the others.",
        ),
        Misconception(
            "last column",
            _decode(lambda step, tokens: _best(step(tokens)[:, -1])),
            "Your token is the number of a place: the one where the last word of the "
            "vocabulary scores highest. Take the last place first, `step(tokens)[-1]`, "
            "then the best of its words.",
        ),
        Misconception(
            "all places appended",
            _decode(lambda step, tokens: step(tokens).argmax(dim=-1)),
            "You append one token per place, each time. Only the last place says "
            "something new: `step(tokens)[-1]`.",
        ),
        Misconception(
            "last token alone",
            _decode(lambda step, tokens: _best(step(tokens[-1:])[-1])),
            "You give the model only the last token. It has no memory: give it all "
            "tokens so far, each time.",
        ),
        *(
            Misconception(
                f"last {word} tokens",
                _decode(
                    lambda step, tokens, count=count: _best(step(tokens[-count:])[-1])
                ),
                f"The first {word} tokens are right. From then on you give the model "
                f"only the last {word}: give it all tokens so far, each time.",
            )
            for word, count in (("two", 2), ("three", 3))
        ),
        Misconception(
            "start kept",
            lambda step, start, length: torch.cat(
                [start, _greedy(step, start, length)]
            ),
            "The tokens are right, but the start token still comes first: "
            "`tokens[1:]`.",
        ),
        Misconception(
            "one pass",
            lambda step, start, length: step(start.expand(length)).argmax(dim=-1),
            "You run the model once for all places. That works in training, where the "
            "right tokens are known; here each token must be known before the next.",
        ),
        Misconception(
            "drawn",
            _decode(
                lambda step, tokens: step(tokens)[-1].softmax(dim=-1).multinomial(1)
            ),
            "You draw the next token at random. Greedy takes the one with the largest "
            "score, `argmax`.",
        ),
        Misconception(
            "one token short",
            lambda step, start, length: _greedy(step, start, length)[:-1],
            "One token is missing at the end: `length` counts the new tokens, without "
            "the start token.",
        ),
        Misconception(
            "one token too many",
            lambda step, start, length: _greedy(step, start, length + 1),
            "One token too many: `length` counts the new tokens, without the start "
            "token.",
        ),
        Misconception(
            "start counted",
            lambda step, start, length: (
                torch.cat([start, _greedy(step, start, length - 1)])
                if length > 1
                else start
            ),
            "The start token stands first, and one token is missing at the end: "
            "`length` counts the new tokens, without the start token.",
        ),
        Misconception(
            "best of all rows",
            _decode(lambda step, tokens: step(tokens).argmax().reshape(1)),
            "`argmax()` without a dimension counts through all rows of the scores. "
            "Only the last row is of interest: `step(tokens)[-1].argmax()`.",
        ),
        Misconception(
            "largest score of all rows",
            _decode(lambda step, tokens: _best(step(tokens).amax(dim=0))),
            "You take the word with the largest score of all rows. Only the last row "
            "says what comes next: `step(tokens)[-1].argmax()`.",
        ),
        Misconception(
            "scores in place of tokens",
            _scores_of_the_best,
            "You return the largest scores. The tokens are their places: `argmax`, or "
            "the second result of `max`.",
        ),
        Misconception(
            "smallest score",
            _decode(lambda step, tokens: step(tokens)[-1].argmin().reshape(1)),
            "You take the token with the smallest score. Greedy takes the one with "
            "the largest, `argmax`.",
        ),
        Misconception(
            "list of tensors",
            lambda step, start, length: list(_greedy(step, start, length)),
            "The tokens are right, but they are a list of tensors. Make one tensor of "
            "them, with `torch.stack` or `torch.cat`.",
        ),
        Misconception(
            "list of tokens",
            lambda step, start, length: _greedy(step, start, length).tolist(),
            "The tokens are right, but they are a list. Return a tensor.",
        ),
        Misconception(
            "floats",
            lambda step, start, length: _greedy(step, start, length).float(),
            "The tokens are right, but they are floats: `torch.zeros` and "
            "`torch.empty` make floats unless you give them `dtype=torch.int64`.",
        ),
        Misconception(
            "largest size",
            _decode(lambda step, tokens: _best(step(tokens)[-1].abs())),
            "You take the score that is farthest from 0, so a strongly negative one "
            "can win. The best token has the largest score: no `abs`.",
        ),
    ),
    _greedy_cases,
    arguments=("step", "start", "length"),
    hints=(
        "A loop of `length` turns: the model sees all tokens so far, and one token is "
        "added. Which row of the scores speaks about the token to come?",
        "`step(tokens)[-1]` scores what comes after the last token; greedy takes the "
        "place of the largest score.",
        "`torch.cat([tokens, best])` appends, where `best` has the shape `(1,)`: "
        "`argmax(dim=-1, keepdim=True)`. At the end drop the start token.",
    ),
)


def _causal(
    *,
    tokens_cut: bool = False,
    whole_width: bool = False,
    late_mask: bool = False,
    renormalised: bool = False,
    masked: bool = True,
    scaled: bool = True,
    heads_joined: bool = True,
) -> type[nn.Module]:
    """Return the class of the repair, with the faults asked for."""

    class Causal(nn.Module):
        keep: Tensor

        def __init__(self, d: int, heads: int, longest: int) -> None:
            super().__init__()
            self.heads = heads
            self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
            keep = torch.ones(longest, longest, dtype=torch.bool).tril()
            self.register_buffer("keep", keep)

        def forward(self, x: Tensor) -> Tensor:
            n, length, d = x.shape
            split = _view if tokens_cut else _split
            q, k, v = (split(part, self.heads) for part in self.qkv(x).chunk(3, -1))
            width = d if whole_width else d // self.heads
            scores = q @ k.transpose(-2, -1) / (width**0.5 if scaled else 1)
            keep = self.keep[:length, :length]
            if masked and not late_mask:
                scores = scores.masked_fill(~keep, -math.inf)
            weights = scores.softmax(dim=-1)
            if late_mask:
                weights = weights * keep
            if renormalised:
                weights = weights / weights.sum(dim=-1, keepdim=True)
            mixed = weights @ v
            if heads_joined:
                mixed = mixed.transpose(1, 2)
            return self.out(mixed.reshape(n, length, d))

    return Causal


def _of_causal(answer: Answer, d: int, heads: int, length: int) -> Any:
    """Call a learner's module with the weights of the reference."""
    module = answer(d, heads, 8)
    if not isinstance(module, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    own = module.state_dict()
    draw = torch.Generator().manual_seed(3)
    for name, shape in (
        ("qkv.weight", (3 * d, d)),
        ("qkv.bias", (3 * d,)),
        ("out.weight", (d, d)),
        ("out.bias", (d,)),
    ):
        if name not in own or own[name].shape != shape:
            raise ValueError(
                f"`state_dict()` has no {name!r} of the shape {shape}. Keep the layers "
                "`qkv` and `out` as they are."
            )
        own[name] = torch.randn(shape, generator=draw)
    module.load_state_dict(own)
    return module.to(current_device())(*randn((2, length, d)))


REPAIR = Exercise(
    "transformer.repair",
    _causal(),
    (
        Misconception(
            "broken as it was",
            _causal(tokens_cut=True, whole_width=True, late_mask=True),
            "That is still the broken module: the heads are cut along the wrong axis, "
            "the scores are scaled by the whole width, and the mask comes too late.",
        ),
        Misconception(
            "heads cut along the tokens",
            _causal(tokens_cut=True),
            "`reshape` to `(n, heads, length, …)` cuts the list of tokens into pieces. "
            "Split the last dimension first, then swap tokens and heads.",
        ),
        Misconception(
            "scaled by the whole width",
            _causal(whole_width=True),
            "The scores are divided by the root of the whole width. A query of one "
            "head has `d // heads` numbers.",
        ),
        Misconception(
            "mask after softmax",
            _causal(late_mask=True),
            "The mask still comes after the softmax, so a row no longer sums to 1. "
            "Fill the scores with minus infinity before it.",
        ),
        Misconception(
            "heads cut along the tokens, whole width",
            _causal(tokens_cut=True, whole_width=True),
            "The mask is right now. The heads are still cut along the tokens, and the "
            "scores are divided by the root of the whole width.",
        ),
        Misconception(
            "heads cut along the tokens, mask after softmax",
            _causal(tokens_cut=True, late_mask=True),
            "The scale is right now. The heads are still cut along the tokens, and "
            "the mask comes after the softmax.",
        ),
        Misconception(
            "whole width, mask after softmax",
            _causal(whole_width=True, late_mask=True),
            "The heads are right now. The scores are still divided by the root of the "
            "whole width, and the mask comes after the softmax.",
        ),
        Misconception(
            "no mask",
            _causal(masked=False),
            "The mask has gone: tokens look at later ones.",
        ),
        Misconception(
            "no scaling",
            _causal(scaled=False),
            "The scores are not scaled any more: divide them by the root of "
            "`d // heads`.",
        ),
        Misconception(
            "heads not joined",
            _causal(heads_joined=False),
            "The heads' results are joined without swapping heads and tokens back: "
            "`transpose(1, 2)` before `reshape`.",
        ),
    ),
    lambda: [(8, 2, 5), (12, 4, 4), (6, 1, 3), (8, 4, 8)],
    _of_causal,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "Which axis of `(n, length, d)` is to be cut into heads? And how many numbers "
        "has a query of one head?",
        "`masked_fill` on the scores, before the softmax, and `unflatten(-1, …)` with "
        "`transpose(1, 2)` for the heads.",
    ),
    result="module's output",
    arguments=("d", "heads", "length"),
)


def _flaw(answer: Answer) -> Any:
    """Say the first demand of the design that four sizes do not meet."""
    sizes = answer()
    whole = isinstance(sizes, tuple | list) and all(
        isinstance(size, int) and size > 0 for size in sizes
    )
    if not whole or len(sizes) != 4:
        raise ValueError(
            "`design()` must return four whole numbers: layers, d, heads, hidden."
        )
    layers, d, heads, hidden = sizes
    if d % heads:
        return "heads does not divide d"
    if layers < 4:
        return "fewer than 4 layers"
    if d // heads < 32:
        return "a head has fewer than 32 numbers"
    if heads < 4:
        return "fewer than 4 heads"
    if hidden < 4 * d:
        return "hidden is under 4 d"
    if layers * _count(d, hidden) + (256 + 512) * d + 2 * d > 2_000_000:
        return "more than 2,000,000 parameters"
    if 2 * 2 * 512 * d > 4 * d * d + 2 * d * hidden:
        return "attention's two products take more than half of the matrices' work"
    return "nothing"


DESIGN = Exercise(
    "transformer.design",
    lambda: (4, 192, 6, 768),
    (
        Misconception(
            "heads do not divide",
            lambda: (4, 192, 5, 768),
            "The heads share the width evenly: `heads` must divide `d`.",
        ),
        Misconception(
            "too shallow",
            lambda: (3, 192, 6, 768),
            "Four layers are asked for. Make them narrower.",
        ),
        Misconception(
            "narrow heads",
            lambda: (4, 192, 12, 768),
            "A head should have 32 numbers or more: `d // heads`.",
        ),
        Misconception(
            "few heads",
            lambda: (4, 192, 3, 768),
            "Four heads or more are asked for.",
        ),
        Misconception(
            "narrow feed-forward part",
            lambda: (4, 192, 6, 576),
            "The feed-forward part should be at least four times as wide as the "
            "stream.",
        ),
        Misconception(
            "over the budget",
            lambda: (6, 256, 8, 1024),
            "Over the budget. A block has 12 · d² + 13 · d parameters if `hidden` is "
            "4 · d: which width leaves room for four of them, the embedding and the "
            "places?",
        ),
        Misconception(
            "scores too dear",
            lambda: (4, 128, 4, 512),
            "At 512 tokens attention's two products, 2 · L · d per token, exceed half "
            "of what the matrices take, 4 · d² + 2 · d · `hidden`. A larger `d` "
            "mends that, or a larger `hidden`.",
        ),
    ),
    lambda: [()],
    _flaw,
    hints=(
        "With `hidden` = 4 · d two inequalities in d are left: one from the "
        "parameters, one from the work.",
        "The work asks for 2 · 512 · d ≤ 6 · d². And four blocks of 12 · d² must stay "
        "under two million.",
        "From 171 to about 195, and a number that four or more heads divide.",
    ),
    result="design",
)

EXERCISES = (
    ATTENTION,
    MASKED,
    FUTURE,
    PADDING,
    SPLIT_HEADS,
    COUNT,
    PRE_NORM,
    GREEDY,
    REPAIR,
    DESIGN,
)
