"""Lesson 08: the parameters of an encoder layer."""

from course_utils.exercises.model import Exercise, Misconception


def _count(d: int, heads: int, hidden: int) -> int:
    return 4 * d * d + 4 * d + 2 * d * hidden + hidden + d + 4 * d


COUNT = Exercise(
    "transformer.count",
    _count,
    (
        Misconception(
            "a set for every head",
            lambda d, heads, hidden: (
                _count(d, 1, hidden) + (heads - 1) * 4 * (d * d + d)
            ),
            "You count the attention once for each head. The heads share one set of "
            "weights: each takes its own part of the width.",
        ),
        Misconception(
            "divided by heads",
            lambda d, heads, hidden: (
                4 * (d * d // heads + d) + _count(d, 1, hidden) - 4 * (d * d + d)
            ),
            "You count one head's share of the attention. All heads together have "
            "the full matrices.",
        ),
        Misconception(
            "no biases",
            lambda d, heads, hidden: 4 * d * d + 2 * d * hidden + 4 * d,
            "The matrices and the norms are right. Each of the six projections has a "
            "bias too: 4·d in the attention, hidden + d in the feed-forward part.",
        ),
        Misconception(
            "matrices alone",
            lambda d, heads, hidden: 4 * d * d + 2 * d * hidden,
            "The matrices are right. The biases and the two norms are missing.",
        ),
        Misconception(
            "no biases in the feed-forward part",
            lambda d, heads, hidden: _count(d, 1, hidden) - hidden - d,
            "The two linear layers of the feed-forward part have biases too: hidden "
            "numbers in the first, d in the second.",
        ),
        Misconception(
            "no output projection",
            lambda d, heads, hidden: _count(d, 1, hidden) - d * d - d,
            "Queries, keys and values are three matrices; the fourth mixes the heads "
            "at the end, `out_proj`.",
        ),
        Misconception(
            "one norm",
            lambda d, heads, hidden: _count(d, 1, hidden) - 2 * d,
            "There is a layer norm for each of the two parts, with a weight and a "
            "bias each: 4·d in all.",
        ),
        Misconception(
            "no norms",
            lambda d, heads, hidden: _count(d, 1, hidden) - 4 * d,
            "The two layer norms are missing: 2·d numbers each.",
        ),
        Misconception(
            "decoder layer",
            lambda d, heads, hidden: _count(d, 1, hidden) + 4 * d * d + 6 * d,
            "That is a decoder layer, with a second attention and a third norm.",
        ),
    ),
    lambda: [(8, 2, 20), (12, 3, 7), (16, 4, 64)],
)
