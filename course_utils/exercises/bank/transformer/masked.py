"""Lesson 08: attention with a mask."""

import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.bank.transformer.attention import attention, scores
from course_utils.exercises.model import Exercise, Misconception


def _masked(q, k, v, keep):
    return scores(q, k).masked_fill(~keep, float("-inf")).softmax(dim=-1) @ v


def _masked_cases() -> list[tuple]:
    cases = []
    for n, a, b, d in [(2, 3, 5, 4), (1, 4, 4, 3), (3, 2, 2, 2)]:
        q, k, v, chance = randn((n, a, d), (n, b, d), (n, b, d), (a, b))
        keep = chance > 0
        keep[:, 0], keep[0, -1] = True, False  # a key for all, and something hidden
        cases.append((q, k, v, keep))
    return cases


MASKED = Exercise(
    "transformer.masked",
    _masked,
    (
        Misconception(
            "mask after softmax",
            lambda q, k, v, keep: (scores(q, k).softmax(-1) * keep) @ v,
            "You set weights to 0 after the softmax, so a row no longer sums to 1. "
            "Mask the scores, with minus infinity, before the softmax.",
        ),
        Misconception(
            "mask inverted",
            lambda q, k, v, keep: _masked(q, k, v, ~keep),
            "Your mask is inverted: here True means that a query may look. Fill "
            "where it is False, `~keep`.",
        ),
        Misconception(
            "mask inverted for the function",
            lambda q, k, v, keep: F.scaled_dot_product_attention(
                q, k, v, attn_mask=~keep
            ),
            "You invert the mask for the function, and there True means 'may look' "
            "as it does here: `attn_mask=keep`.",
        ),
        Misconception(
            "zero instead of minus infinity",
            lambda q, k, v, keep: scores(q, k).masked_fill(~keep, 0).softmax(-1) @ v,
            "You set hidden scores to 0. The softmax turns a score of 0 into a weight "
            "like any other, since exp(0) = 1: use minus infinity.",
        ),
        Misconception(
            "mask added as numbers",
            lambda q, k, v, keep: (scores(q, k) + keep).softmax(-1) @ v,
            "You add a Boolean mask, so True adds 1 and False nothing. What is to be "
            "added is 0 where a query may look and minus infinity elsewhere.",
        ),
        Misconception(
            "mask forgotten",
            lambda q, k, v, keep: attention(q, k, v),
            "This is attention without any mask: `keep` has no effect.",
        ),
        Misconception(
            "no scaling",
            lambda q, k, v, keep: _masked(q * q.shape[-1] ** 0.5, k, v, keep),
            "The mask is right. The scores are not scaled: divide them by the root "
            "of q's last size.",
        ),
        Misconception(
            "softmax over queries",
            lambda q, k, v, keep: (
                scores(q, k).masked_fill(~keep, float("-inf")).softmax(-2) @ v
            ),
            "The mask is right, but your softmax runs over the queries: it belongs "
            "to the last dimension, the keys.",
        ),
    ),
    _masked_cases,
)
