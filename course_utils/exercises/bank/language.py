"""Exercises of lesson 12: a language model."""

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.applications.language import (
    LAST_SEED,
    LEARNT,
    TRAINING,
    designed,
    repaired,
)
from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Exercise, Misconception
from course_utils.session import current_device

BITS = Exercise(
    "language.bits",
    lambda logs, size: -logs.sum() / math.log(2) / size,
    (
        Misconception(
            "nats",
            lambda logs, size: -logs.sum() / size,
            "That is in nats per byte: the logarithms are natural ones. A bit is "
            "ln 2 nats.",
        ),
        Misconception(
            "per token",
            lambda logs, size: -logs.mean() / math.log(2),
            "That is bits per *token*: you divide by the number of tokens. The text's "
            "bytes are asked for.",
        ),
        Misconception(
            "nats per token",
            lambda logs, size: -logs.mean(),
            "That is the cross-entropy: nats per token. Two things are still to be "
            "converted.",
        ),
        Misconception(
            "sign",
            lambda logs, size: logs.sum() / math.log(2) / size,
            "The sign is wrong: a log-probability is negative, and the cost of a token "
            "is its opposite.",
        ),
        Misconception(
            "times ln 2",
            lambda logs, size: -logs.sum() * math.log(2) / size,
            "You multiply by ln 2. A bit is smaller than a nat, so there are more of "
            "them.",
        ),
        Misconception(
            "mean over tokens, then over bytes",
            lambda logs, size: -logs.mean() / math.log(2) / size,
            "You take the mean over the tokens and divide by the bytes as well. Add "
            "the tokens up, then divide once.",
        ),
        Misconception(
            "product of probabilities",
            lambda logs, size: -torch.log2(logs.exp().prod()) / size,
            "You go back to probabilities and multiply them. Of a long text their "
            "product is rounded to 0, and the logarithm of 0 is −∞. Add logarithms.",
        ),
        Misconception(
            "perplexity",
            lambda logs, size: (-logs.mean()).exp(),
            "That is the perplexity: the number of equally likely tokens among which "
            "one would choose. Bits are asked for, and no `exp` is needed.",
        ),
        Misconception(
            "weighted by the probabilities",
            lambda logs, size: -(logs.exp() * logs).sum() / math.log(2) / size,
            "You weigh each logarithm with its probability, as an entropy does. Each "
            "token of the text occurred once: add its cost as it is.",
        ),
    ),
    lambda: [
        (-randn((tokens,), seed=tokens)[0].abs() - 0.1, size)
        for tokens, size in [(5, 12), (1, 4), (8, 8), (20, 31), (400, 900)]
    ],
    hints=(
        "First the whole text: how many nats do all its tokens cost together?",
        "Then from nats to bits, and last by the number of bytes.",
        "`logs.sum()` is minus the cost in nats; `math.log(2)` nats are a bit.",
    ),
)


def _parameters(
    vocabulary: int,
    context: int,
    d: int,
    layers: int,
    *,
    heads: int = 2,
    each: int = 4,
    square: int = 12,
    last: int = 2,
    places: bool = True,
) -> int:
    block = square * d**2 + each * d
    return heads * vocabulary * d + context * d * places + layers * block + last * d


PARAMETERS = Exercise(
    "language.parameters",
    _parameters,
    (
        Misconception(
            "tied",
            partial(_parameters, heads=1),
            "You count one table of the vocabulary. Here the head is not tied: it has "
            "weights of its own.",
        ),
        Misconception(
            "the lesson's formula",
            partial(_parameters, heads=1, each=13),
            "That is the lesson's formula. Two things change: the head has weights of "
            "its own, and the linear layers have no biases.",
        ),
        Misconception(
            "biases counted",
            partial(_parameters, each=13),
            "You count the biases of the linear layers. Here only the norms have any.",
        ),
        Misconception(
            "norms by their weights alone",
            partial(_parameters, each=2, last=1),
            "Each LayerNorm has a weight *and* a bias for each of the d numbers.",
        ),
        Misconception(
            "no norms in the blocks",
            partial(_parameters, each=0),
            "The norms in the blocks are missing: two per block.",
        ),
        Misconception(
            "last norm forgotten",
            partial(_parameters, last=0),
            "One norm is missing: the one before the head.",
        ),
        Misconception(
            "no places",
            partial(_parameters, places=False),
            "The table of positions is missing: `context` vectors of d numbers.",
        ),
        Misconception(
            "no projection",
            partial(_parameters, square=11),
            "A block of d² is missing in each layer: behind the heads stands one more "
            "linear layer from d to d.",
        ),
        Misconception(
            "feed-forward not widened",
            partial(_parameters, square=6),
            "Your feed-forward part is d wide. It goes to 4 · d and back.",
        ),
    ),
    lambda: [(5_000, 1024, 192, 12), (512, 64, 96, 2), (10, 7, 4, 1), (256, 32, 8, 3)],
    hints=(
        "Begin with the lesson's formula, and ask of each term whether it changes.",
        "In 13 · d, 9 · d are biases of linear layers. What is left?",
        "A head that isn't tied has as many weights as the embedding, and no bias "
        "here.",
    ),
)


def _longest(
    memory: int,
    layers: int,
    kv_heads: int,
    size: int,
    width: int,
    texts: int,
    *,
    both: int = 2,
    leave: str = "",
    whole: bool = True,
) -> float:
    factors = {"layers": layers, "heads": kv_heads, "width": width, "texts": texts}
    token = both * size
    for name, factor in factors.items():
        token *= 1 if name == leave else factor
    return memory // token if whole else memory / token


LONGEST = Exercise(
    "language.cache",
    _longest,
    (
        Misconception(
            "keys only",
            partial(_longest, both=1),
            "About twice too many: for each token a key *and* a value are kept.",
        ),
        Misconception(
            "one layer",
            partial(_longest, leave="layers"),
            "You count one layer. Every layer keeps its own keys and values.",
        ),
        Misconception(
            "one head",
            partial(_longest, leave="heads"),
            "You count one head of keys and values; `size` is that of one head.",
        ),
        Misconception(
            "numbers, not bytes",
            partial(_longest, leave="width"),
            "You count numbers. The memory is in bytes, and each number takes "
            "`width` of them.",
        ),
        Misconception(
            "one text",
            partial(_longest, leave="texts"),
            "You count one text. All are written at once, and each has a cache.",
        ),
        Misconception(
            "not whole",
            partial(_longest, whole=False),
            "Nearly: half a token can't be kept. The largest *whole* number is asked "
            "for.",
        ),
        Misconception(
            "to the nearest",
            lambda *sizes: round(_longest(*sizes, whole=False)),
            "You round to the nearest whole number. Where that is up, the last token "
            "no longer fits: round down.",
        ),
        Misconception(
            "rounded up",
            lambda *sizes: math.ceil(_longest(*sizes, whole=False)),
            "You round up, and the last token no longer fits: round down.",
        ),
        Misconception(
            "one too many",
            lambda *sizes: _longest(*sizes) + 1,
            "One token too many. All tokens of a text are in the cache, the last too.",
        ),
        Misconception(
            "one too few",
            lambda *sizes: _longest(*sizes) - 1,
            "One token too few: divide and round down, and subtract nothing.",
        ),
        Misconception(
            "one too few where it fits exactly",
            lambda memory, *sizes: _longest(memory - 1, *sizes),
            "Where the memory is filled to the last byte, you leave out the last "
            "token. It fits.",
        ),
        Misconception(
            "one at least",
            lambda *sizes: max(1, _longest(*sizes)),
            "You return 1 even where the memory does not hold a single token of each "
            "text. Then the answer is 0.",
        ),
    ),
    lambda: [
        (1_000_000, 2, 4, 16, 2, 3),
        (80 * 2**30, 32, 8, 128, 2, 16),
        (999, 1, 2, 8, 4, 2),
        (12_345, 3, 1, 5, 2, 4),
        (1_920, 1, 2, 8, 4, 3),  # filled to the last byte
        (700, 2, 3, 4, 2, 8),  # not one token of each text
    ],
    hints=(
        "How many numbers does one token of one text leave in the cache?",
        "2 · layers · heads · size numbers; then bytes, then texts.",
        "`//` divides and rounds down.",
    ),
)

Choice = Callable[[Counter[tuple[int, int]]], tuple[int, int]]


def _commonest(pairs: Counter[tuple[int, int]]) -> tuple[int, int]:
    return min(pairs, key=lambda pair: (-pairs[pair], pair))


def _merge(
    ids: list[int],
    new: int,
    *,
    choose: Choice = _commonest,
    backwards: bool = False,
    limit: int = -1,
    keep: bool = False,
) -> list[int]:
    """Merge a list's commonest pair, with the mistakes asked for."""
    best = choose(Counter(pairwise(ids)))
    if backwards:
        ids, best = ids[::-1], best[::-1]
    out: list[int] = []
    i = 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == best and limit != 0:
            out.append(new)
            i += 1 if keep else 2
            limit -= 1
        else:
            out.append(ids[i])
            i += 1
    return out[::-1] if backwards else out


def _by(key: Callable[..., Any]) -> Answer:
    """Merge the pair that comes first by a key of it and its count."""

    def choose(pairs: Counter[tuple[int, int]]) -> tuple[int, int]:
        return min(pairs, key=lambda pair: key(pair, pairs[pair]))

    return partial(_merge, choose=choose)


def _either_way(pairs: Counter[tuple[int, int]]) -> tuple[int, int]:
    both = {(a, b): pairs[a, b] + (a != b) * pairs[b, a] for a, b in list(pairs)}
    return _commonest(Counter(both))


def _without_the_last(ids: list[int], new: int) -> list[int]:
    out = _merge(ids, new)
    return out if out[-1] == new else out[:-1]


def _most(ids: list[int]) -> int:
    return max(Counter(pairwise(ids)).values())


def _again_and_again(ids: list[int], new: int) -> list[int]:
    while len(ids) > 1 and _most(ids) > 1:
        ids = _merge(ids, new)
    return ids


def _in_a_text(ids: list[int], new: int) -> list[int]:
    best = _commonest(Counter(pairwise(ids)))
    texts = [" ".join(map(str, tokens)) for tokens in (ids, best)]
    return list(map(int, texts[0].replace(texts[1], str(new)).split()))


def _without_overlaps(ids: list[int], new: int) -> list[int]:
    def often(pair: tuple[int, int]) -> int:
        return _merge(ids, -1, choose=lambda _: pair).count(-1)

    best = min(set(pairwise(ids)), key=lambda pair: (-often(pair), pair))
    return _merge(ids, new, choose=lambda _: best)


MERGE = Exercise(
    "language.merge",
    lambda ids, new: _merge(ids, new),
    (
        Misconception(
            "first of equals",
            partial(_merge, choose=lambda pairs: pairs.most_common(1)[0][0]),
            "Of equally common pairs you take the one that comes first in the list, as "
            "`most_common` does. Asked for is the one with the smaller first token.",
        ),
        Misconception(
            "largest of equals",
            partial(_merge, choose=lambda p: max(p, key=lambda pair: (p[pair], pair))),
            "Of equally common pairs you take the largest. Asked for is the one with "
            "the smaller first token.",
        ),
        Misconception(
            "not counted",
            _by(lambda pair, count: pair),
            "You take the smallest pair, however often it occurs. The commonest comes "
            "first; only of equally common ones does the smallest count.",
        ),
        Misconception(
            "rarest",
            _by(lambda pair, count: (count, pair)),
            "You take the rarest pair. In a key for `min` the count needs a minus.",
        ),
        *(
            Misconception(
                f"equals by {name}",
                _by(lambda pair, count, key=key: (-count, key(pair))),
                f"Of equally common pairs you take the one {words}. Compare the first "
                "tokens, and the second ones only where the first are equal: so "
                "Python compares tuples.",
            )
            for name, key, words in (
                ("sum", sum, "with the smallest sum"),
                ("product", math.prod, "with the smallest product"),
                ("larger token", max, "whose larger token is smallest"),
                ("smaller token", min, "that holds the smallest token"),
                ("second token", lambda pair: pair[::-1], "with the smaller second"),
                ("text", str, "that is first as text, where 10 stands before 9"),
            )
        ),
        Misconception(
            "equals by first token alone",
            _by(lambda pair, count: (-count, pair[0])),
            "Of equally common pairs you compare only the first tokens. Where these "
            "are equal too, the smaller second token decides.",
        ),
        Misconception(
            "replaced in a text",
            _in_a_text,
            "You replace in a text, where `2 3` is also found inside `12 34`. Compare "
            "tokens, not their digits.",
        ),
        Misconception(
            "order in the pair ignored",
            lambda ids, new: _merge(ids, new, choose=_either_way),
            "You count (a, b) and (b, a) as one pair. They are two.",
        ),
        Misconception(
            "last token lost",
            _without_the_last,
            "Where the list does not end with the pair, its last token is lost: your "
            "loop ends one too early.",
        ),
        Misconception(
            "pair returned",
            lambda ids, new: list(_commonest(Counter(pairwise(ids)))),
            "That is the pair. Asked for is the list in which it is replaced.",
        ),
        Misconception(
            "until nothing is twice",
            _again_and_again,
            "You go on merging. One pair is asked for, all its occurrences, then stop.",
        ),
        Misconception(
            "only if twice",
            lambda ids, new: _merge(ids, new, limit=-1 if _most(ids) > 1 else 0),
            "You leave a list as it is where each pair occurs once. Then all are "
            "equally common: the smallest is merged.",
        ),
        Misconception(
            "from the right",
            partial(_merge, backwards=True),
            "Where occurrences overlap you replace from the right. Begin at the left.",
        ),
        Misconception(
            "first occurrence",
            partial(_merge, limit=1),
            "Only the first occurrence is replaced. All of them are to be.",
        ),
        Misconception(
            "second half kept",
            partial(_merge, keep=True),
            "The pair's second token stays behind the new one. The new token stands "
            "for both.",
        ),
        Misconception(
            "overlaps not counted",
            _without_overlaps,
            "You count a run such as [1, 1, 1] as one pair. All neighbours count: "
            "there are two.",
        ),
    ),
    lambda: [
        ([1, 2, 3, 1, 2], 9),
        ([5, 5, 5, 9, 8, 9, 8], 20),
        ([4, 3, 4, 3, 1, 2, 1, 2, 7], 30),
        ([7, 7, 7, 7, 7], 8),
        ([3, 1], 4),
        ([6, 2, 6, 2, 6, 5, 2, 6], 10),
        ([1, 2, 5, 6, 5, 6], 11),
        ([5, 1, 9, 4, 2, 8], 12),
        ([2, 9, 2, 3], 13),
        ([12, 3, 2, 3, 2, 3, 1, 12], 14),
        ([10, 7, 9, 8], 15),
        ([3, 4, 8, 1, 9, 7], 16),
    ],
    hints=(
        "`Counter(pairwise(ids))` counts all pairs of neighbours.",
        "`min` with the key (−count, pair) finds the commonest, and of equals the one "
        "with the smaller tokens.",
        "Walk with an index: two steps after a pair, one step otherwise.",
    ),
    result="list",
)


Keep = Callable[[Tensor, float], Tensor]


def _likely(p: Tensor, min_p: float) -> Tensor:
    return p >= min_p * p.amax(-1, keepdim=True)


def _kept(
    p: Tensor, min_p: float, *, keep: Keep = _likely, rescale: bool = True
) -> Tensor:
    """Keep some of each row's tokens, with the mistakes asked for."""
    out = p * keep(p, min_p)
    return _rescaled(out) if rescale else out


def _rescaled(p: Tensor) -> Tensor:
    return p / p.sum(-1, keepdim=True)


def _as_many_everywhere(p: Tensor, min_p: float) -> Tensor:
    count = int(_likely(p[:1], min_p).sum())
    return p >= p.topk(count).values[:, -1:]


def _by_their_sum(p: Tensor, min_p: float) -> Tensor:
    """Keep tokens as top-p does."""
    ordered, place = p.sort(dim=-1, descending=True)
    keep = ordered.cumsum(-1) - ordered < min_p
    return torch.zeros_like(keep).scatter(-1, place, keep)


def _in_order(p: Tensor, min_p: float) -> Tensor:
    return _kept(p, min_p).sort(dim=-1, descending=True).values


def _over_the_batch(p: Tensor, min_p: float) -> Tensor:
    out = _kept(p, min_p, rescale=False)
    return out / out.sum()


def _filled(p: Tensor, min_p: float) -> Tensor:
    return p.masked_fill(~_likely(p, min_p), -math.inf)


def _distributions() -> list[tuple[Tensor, float]]:
    fixed = torch.tensor(
        [[0.07, 0.5, 0.03, 0.25, 0.15], [0.9, 0.022, 0.05, 0.01, 0.018]]
    )
    # Half of the largest exactly, and a whole: such a token stays.
    exact = torch.tensor([[0.125, 0.5, 0.25, 0.125], [0.25, 0.0625, 0.1875, 0.5]])
    sharp = randn((3, 5), seed=2)[0].softmax(-1)
    on_device = [
        (fixed.to(current_device()), 0.2),
        (exact.to(current_device()), 0.5),
        (sharp, 1.0),
    ]
    draws = randn((3, 12), (1, 6), (4, 9), seed=4)
    shares = (0.3, 0.5, 0.1)
    drawn = [(d.softmax(-1), share) for d, share in zip(draws, shares, strict=True)]
    return [*on_device, *drawn]


MIN_P = Exercise(
    "language.min_p",
    lambda p, min_p: _kept(p, min_p),
    (
        Misconception(
            "fixed bound",
            partial(_kept, keep=lambda p, m: p >= m),
            "You compare the probabilities with `min_p` itself. The bound is `min_p` "
            "*times the row's largest*, so at least one token always stays.",
        ),
        Misconception(
            "fixed bound, not reached",
            partial(_kept, keep=lambda p, m: p > m),
            "You compare the probabilities with `min_p` itself. The bound is `min_p` "
            "*times the row's largest*, and a token exactly at it stays.",
        ),
        Misconception(
            "largest of the batch",
            partial(_kept, keep=lambda p, m: p >= m * p.max()),
            "You take the largest of the whole batch. Each row has a largest of its "
            "own: `dim=-1`.",
        ),
        Misconception(
            "largest of the first row",
            partial(_kept, keep=lambda p, m: p >= m * p[0].max()),
            "All rows get the bound of the first. Each row has a largest of its own.",
        ),
        Misconception(
            "largest of each column",
            partial(_kept, keep=lambda p, m: p >= m * p.amax(0)),
            "You take the largest of each column, over the rows of the batch. The "
            "tokens of one distribution lie along `dim=-1`.",
        ),
        Misconception(
            "strictly greater",
            partial(_kept, keep=lambda p, m: p > m * p.amax(-1, keepdim=True)),
            "A token whose probability is exactly `min_p` times the largest is lost. "
            "It stays, and with `min_p` = 1 so does the likeliest one.",
        ),
        Misconception(
            "strictly greater, the largest kept",
            partial(
                _kept,
                keep=lambda p, m: (p > m * p.amax(-1, keepdim=True)) | _likely(p, 1.0),
            ),
            "A token whose probability is exactly `min_p` times the largest is lost. "
            "It stays: 'at least'.",
        ),
        Misconception(
            "the others kept",
            partial(_kept, keep=lambda p, m: ~_likely(p, m)),
            "You keep the tokens *below* the bound, and set the likely ones to 0.",
        ),
        Misconception(
            "all kept",
            lambda p, min_p: p,
            "You keep all tokens, so `p` comes back as it is.",
        ),
        Misconception(
            "only the likeliest",
            partial(_kept, keep=lambda p, m: _likely(p, 1.0)),
            "You keep only the likeliest token of each row. All that have at least "
            "`min_p` times its probability stay.",
        ),
        Misconception(
            "as many in each row",
            partial(_kept, keep=_as_many_everywhere),
            "You keep as many tokens in each row as in the first. Each row has a "
            "number of its own.",
        ),
        Misconception(
            "tokens of the first row",
            partial(_kept, keep=lambda p, m: _likely(p[:1], m)),
            "You keep the tokens of the first row in all rows. Compare each row with "
            "its own bound.",
        ),
        Misconception(
            "difference to the largest",
            partial(_kept, keep=lambda p, m: p >= p.amax(-1, keepdim=True) - m),
            "You keep what is at most `min_p` *below* the largest. The bound is the "
            "product, `min_p` times the largest.",
        ),
        Misconception(
            "divided by min_p",
            partial(_kept, keep=lambda p, m: p >= p.amax(-1, keepdim=True) / m),
            "You divide the largest by `min_p`, so the bound is above it. Multiply.",
        ),
        Misconception(
            "one minus min_p",
            partial(_kept, keep=lambda p, m: _likely(p, 1 - m)),
            "Your bound is 1 − `min_p` times the largest. It is `min_p` times the "
            "largest.",
        ),
        Misconception(
            "times the mean",
            partial(_kept, keep=lambda p, m: p >= m * p.mean(-1, keepdim=True)),
            "You compare with `min_p` times the row's mean. It is the row's *largest* "
            "that counts.",
        ),
        Misconception(
            "top-p",
            partial(_kept, keep=_by_their_sum),
            "That is top-p: tokens are kept until their *sum* reaches a bound. Here "
            "each probability is compared by itself, and nothing is summed for it.",
        ),
        Misconception(
            "not rescaled",
            partial(_kept, rescale=False),
            "The right tokens, but each row must sum to 1 again.",
        ),
        Misconception(
            "rescaled over the batch",
            _over_the_batch,
            "The right tokens, but you divide by the sum over all rows. Each row has "
            "its own.",
        ),
        Misconception(
            "rescaled along the columns",
            lambda p, m: _rescaled(_kept(p, m, rescale=False).T).T,
            "The right tokens, but you divide by the sum of each column, over the rows "
            "of the batch. The tokens of one distribution lie along `dim=-1`.",
        ),
        Misconception(
            "divided by the largest",
            lambda p, m: _kept(p, m, rescale=False) / p.amax(-1, keepdim=True),
            "The right tokens, but you divide by the row's largest. Divide by the sum "
            "of those kept, so that the row sums to 1.",
        ),
        Misconception(
            "softmax again",
            lambda p, min_p: _filled(p, min_p).softmax(-1),
            "The right tokens, but you rescale by a softmax. These are probabilities "
            "already: divide by their sum.",
        ),
        Misconception(
            "softmax of zeros",
            lambda p, min_p: _kept(p, min_p, rescale=False).softmax(-1),
            "You rescale by a softmax, and e⁰ = 1: tokens set to 0 get a share again. "
            "These are probabilities already: divide by their sum.",
        ),
        Misconception(
            "filled with −∞",
            lambda p, min_p: _rescaled(_filled(p, min_p)),
            "You fill with −∞, as in scores before a softmax. These are probabilities: "
            "set the others to 0, and divide by the sum.",
        ),
        Misconception(
            "all alike",
            lambda p, min_p: _rescaled(_likely(p, min_p).float()),
            "The right tokens, but all get the same probability: you rescale the mask. "
            "Multiply `p` by it first.",
        ),
        Misconception(
            "the mask",
            lambda p, min_p: _likely(p, min_p).float(),
            "That is the mask. Multiply `p` by it, and rescale each row.",
        ),
        Misconception(
            "left in order",
            _in_order,
            "Your numbers stand in the order of their size. Each belongs where its "
            "token stands. No sorting is needed.",
        ),
    ),
    _distributions,
    hints=(
        "Each row has a bound of its own. Which number of the row decides it?",
        "`p.amax(-1, keepdim=True)` has the shape (N, 1), and meets each row of `p`.",
        "A comparison gives a mask. `p` times a mask has zeros where it is False; "
        "then divide by each row's sum.",
    ),
)


def _turned(
    x: Tensor,
    start: int,
    *,
    power: float = 2.0,
    first: int = 0,
    sign: int = 1,
    moved: bool = True,
    neighbours: bool = False,
    unit: float = 1.0,
    speed: int = 0,
    plus: bool = False,
    quarter: bool = False,
    overwritten: bool = False,
    exchanged: bool = False,
) -> Tensor:
    """Turn the pairs of each row by its place, with the mistakes asked for."""
    length, d = x.shape
    places = torch.arange(length, device=x.device) + first + start * moved
    i = torch.arange(d // 2, device=x.device) + speed
    angle = sign * places[:, None] * 10_000 ** (-power * i / d) * unit
    a, b = (x[:, ::2], x[:, 1::2]) if neighbours else x.chunk(2, dim=-1)
    cos, sin = (angle.sin(), angle.cos()) if quarter else (angle.cos(), angle.sin())
    first_half = a * cos + b * sin if plus else a * cos - b * sin
    pair = (first_half, (first_half if overwritten else a) * sin + b * cos)
    pair = pair[::-1] if exchanged else pair
    return torch.stack(pair, -1).flatten(1) if neighbours else torch.cat(pair, -1)


ROTARY = Exercise(
    "language.rotary",
    _turned,
    (
        Misconception(
            "neighbours paired",
            partial(_turned, neighbours=True),
            "You pair each number with its neighbour. Here number i goes with number "
            "i + d/2.",
        ),
        Misconception(
            "turned backwards",
            partial(_turned, sign=-1),
            "You turn the other way round. The minus stands in the first number of "
            "the pair.",
        ),
        Misconception(
            "start ignored",
            partial(_turned, moved=False),
            "Your first row always has position 0. It should have `start`.",
        ),
        Misconception(
            "counted from 1",
            partial(_turned, first=1),
            "Every position is one too large: the first row's is `start` itself.",
        ),
        Misconception(
            "half the exponent",
            partial(_turned, power=1.0),
            "Your speeds fall too slowly: the exponent is −2i/d, so the slowest of "
            "many pairs is nearly 10,000 times slower than the first.",
        ),
        Misconception(
            "speeds rising",
            partial(_turned, power=-2.0),
            "Your speeds grow with i. The exponent is negative: the first pair is the "
            "fastest.",
        ),
        Misconception(
            "twice the exponent",
            partial(_turned, power=4.0),
            "Your speeds fall too fast: the exponent is −2i/d, with d the length of "
            "the whole row, not of its half.",
        ),
        Misconception(
            "one speed for all",
            partial(_turned, power=0.0),
            "All pairs are turned by the same angle. Pair i has the speed "
            "10,000 ** (−2i/d).",
        ),
        Misconception(
            "speeds from i = 1",
            partial(_turned, speed=1),
            "Your speeds begin with that of i = 1. The first pair has i = 0, and turns "
            "by 1 radian per position.",
        ),
        Misconception(
            "degrees",
            partial(_turned, unit=math.pi / 180),
            "You turn by degrees. The angle is in radians, as `cos` and `sin` take it.",
        ),
        Misconception(
            "minus forgotten",
            partial(_turned, plus=True),
            "In the first number of each pair the minus is missing: a · cos − b · sin.",
        ),
        Misconception(
            "cosine and sine exchanged",
            partial(_turned, quarter=True),
            "Cosine and sine are exchanged: with an angle of 0 a pair stays as it is.",
        ),
        Misconception(
            "overwritten too early",
            partial(_turned, overwritten=True),
            "The second number of a pair is computed from the first one *after* its "
            "turn. Both need the old a: keep it until both are done.",
        ),
        Misconception(
            "halves exchanged",
            partial(_turned, exchanged=True),
            "The numbers are right, but the halves are exchanged: what becomes of a "
            "stands first.",
        ),
        Misconception(
            "not turned",
            lambda x, start: x,
            "You return `x` as it is.",
        ),
    ),
    lambda: [
        (*randn((length, d), seed=d), start)
        for length, d, start in [(5, 8, 3), (1, 4, 2), (3, 6, 0), (7, 2, 10)]
    ],
    hints=(
        "`angle` has the shape (L, d/2): a row per position, a column per pair.",
        "Speed i is 10,000 ** (−2i/d) for i from 0 to d/2 − 1.",
        "Cut `x` into two halves with `chunk`, turn, and put the two results beside "
        "each other with `torch.cat`.",
    ),
)


def _one_step(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    share: Callable[[Tensor, int], Tensor] = lambda t, n: t.repeat_interleave(n, 0),
    scale: Callable[[int, int], float] = lambda size, heads: size**-0.5,
    axis: int = -1,
    length: slice = slice(None),
    weigh: Callable[[Tensor], Tensor] | None = None,
    share_values: Callable[[Tensor, int], Tensor] | None = None,
) -> Tensor:
    """Let one token's queries read a cache, with the mistakes asked for."""
    each = len(q) // len(keys)
    keys = share(keys[:, length], each)
    values = (share_values or share)(values[:, length], each)
    scores = (keys @ q[:, :, None])[..., 0] * scale(q.shape[-1], len(q))
    weights = weigh(scores) if weigh else scores.softmax(axis)
    return (weights[:, None] @ values)[:, 0]


STEP = Exercise(
    "language.step",
    _one_step,
    (
        Misconception(
            "not scaled",
            partial(_one_step, scale=lambda size, heads: 1.0),
            "The scores are not divided by the root of `size`.",
        ),
        Misconception(
            "scaled without the root",
            partial(_one_step, scale=lambda size, heads: 1 / size),
            "You divide the scores by `size`. It is its square root.",
        ),
        Misconception(
            "multiplied by the root",
            partial(_one_step, scale=lambda size, heads: size**0.5),
            "You multiply the scores by the root of `size`. Divide by it.",
        ),
        Misconception(
            "no softmax",
            partial(_one_step, weigh=lambda scores: scores),
            "The softmax is missing: the scores themselves weigh the values.",
        ),
        Misconception(
            "values in turn",
            partial(_one_step, share_values=lambda t, n: t.repeat(n, 1, 1)),
            "The keys are shared by neighbours, the values are taken in turn. Both "
            "need `repeat_interleave`.",
        ),
        Misconception(
            "first group for all",
            partial(_one_step, share=lambda t, n: t[:1].repeat(len(t) * n, 1, 1)),
            "All heads read the first head of the cache. Each group has its own.",
        ),
        Misconception(
            "keys and values exchanged",
            lambda q, keys, values: _one_step(q, values, keys),
            "Keys and values are exchanged: a query meets keys, the weights go to "
            "values.",
        ),
        Misconception(
            "scaled by all heads",
            partial(_one_step, scale=lambda size, heads: (size * heads) ** -0.5),
            "You divide by the root of H · `size`, the width of all heads together. It "
            "is the size of *one* head that counts.",
        ),
        Misconception(
            "groups in turn",
            partial(_one_step, share=lambda t, n: t.repeat(n, 1, 1)),
            "Your heads of queries take the groups in turn: 0, 1, 0, 1. Neighbours "
            "share: 0, 0, 1, 1. `repeat_interleave` does that, `repeat` does not.",
        ),
        Misconception(
            "softmax over the heads",
            partial(_one_step, axis=0),
            "Your weights sum to 1 over the heads. Each head spreads its weight over "
            "the tokens.",
        ),
        Misconception(
            "newest left out",
            partial(_one_step, length=slice(None, -1)),
            "The last key is left out. It is the new token's own, and a token sees "
            "itself.",
        ),
        Misconception(
            "first only",
            partial(_one_step, length=slice(1)),
            "Only the first token is read: the causal mask of one query and many keys, "
            "aligned at the top left. One newest token needs no mask.",
        ),
    ),
    lambda: [
        randn((h, size), (g, length, size), (g, length, size), seed=h + length)
        for h, g, length, size in [
            (4, 2, 5, 8),
            (2, 2, 3, 4),
            (6, 3, 4, 2),
            (8, 2, 7, 3),
        ]
    ],
    hints=(
        "How many heads of queries share a head of keys? Repeat keys and values so "
        "that each has its own.",
        "A score is the product of a query with a key, over the root of `size`: "
        "(H, L) of them.",
        "The softmax runs over L; then weigh the values. No mask: every key is of the "
        "past or the token's own.",
    ),
)


def _attention(
    *,
    cut: bool = False,
    wide: bool = False,
    blind: bool = False,
    future: bool = False,
    joined: bool = True,
    late: bool = False,
    past: bool = False,
    scaled: bool = True,
    first_hidden: int = 1,
    fill: float = -1e9,
) -> type[nn.Module]:
    """Return the class of the repair, with the faults asked for."""

    class Repaired(nn.Module):
        def __init__(self, d: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)

        def forward(self, x: Tensor) -> Tensor:
            n, length, d = x.shape
            shape = (n, self.heads, length, -1) if cut else (n, length, self.heads, -1)
            q, k, v = (
                part.reshape(shape) if cut else part.reshape(shape).transpose(1, 2)
                for part in self.qkv(x).chunk(3, dim=-1)
            )
            size = d if wide else d // self.heads
            scores = q @ k.mT / (math.sqrt(size) if scaled else 1)
            start = 0 if blind else first_hidden
            hidden = torch.ones_like(scores[0, 0]).triu(start).bool()
            hidden = hidden.T if past else hidden
            if not (future or late):
                scores = scores.masked_fill(hidden, fill)
            weights = scores.softmax(-1)
            out = (weights.masked_fill(hidden, 0) if late else weights) @ v
            out = out if cut or not joined else out.transpose(1, 2)
            return self.out(out.reshape(n, length, d))

    return Repaired


REPAIR = Exercise(
    "language.repair",
    _attention(),
    (
        Misconception(
            "broken as it was",
            _attention(cut=True, wide=True, blind=True),
            "That is still the broken attention: heads cut the wrong way, the wrong "
            "root, and a mask that hides a token from itself.",
        ),
        Misconception(
            "heads and root",
            _attention(cut=True, wide=True),
            "The mask is right. The heads are still cut the wrong way, and the root is "
            "that of all d.",
        ),
        Misconception(
            "heads and mask",
            _attention(cut=True, blind=True),
            "The root is right. The heads are still cut the wrong way, and the mask "
            "hides a token from itself.",
        ),
        Misconception(
            "root and mask",
            _attention(wide=True, blind=True),
            "The heads are right. The root is still that of all d, and the mask hides "
            "a token from itself.",
        ),
        Misconception(
            "heads cut the wrong way",
            _attention(cut=True),
            "`view(n, heads, length, …)` cuts the *text* into pieces, not the vectors. "
            "Cut (n, length, heads, …) and then swap the two axes.",
        ),
        Misconception(
            "root of all d",
            _attention(wide=True),
            "Scores are divided by the root of the size of *one* head, d / heads.",
        ),
        Misconception(
            "blind to itself",
            _attention(blind=True),
            "Your mask hides each token from itself. Only what lies later is hidden: "
            "`triu(1)`.",
        ),
        Misconception(
            "no mask",
            _attention(future=True),
            "The mask is gone: every position reads the future.",
        ),
        Misconception(
            "mask after the softmax",
            _attention(late=True),
            "The mask comes after the softmax, so the weights of a row no longer sum "
            "to 1. Fill the scores, before it.",
        ),
        Misconception(
            "one token ahead",
            _attention(first_hidden=2),
            "Your mask lets each position read the next token too: `triu(2)`. All that "
            "lies later is hidden, `triu(1)`.",
        ),
        Misconception(
            "scores filled with 0",
            _attention(fill=0.0),
            "The mask fills the scores with 0, and e⁰ = 1 is still a weight. Fill with "
            "`-math.inf`, or a very negative number.",
        ),
        Misconception(
            "past hidden",
            _attention(past=True),
            "Your mask hides the past, and each token reads the future.",
        ),
        Misconception(
            "no scaling",
            _attention(scaled=False),
            "The scores are no longer scaled: divide them by the root of the size of "
            "one head.",
        ),
        Misconception(
            "inherited",
            type("Repaired", (type("Attention", (_attention(),), {}),), {}),
            "Your class takes its work over from the lesson's `Attention`. Derive it "
            "from `nn.Module`, and mend the broken `forward`.",
        ),
        Misconception(
            "heads not swapped back",
            _attention(joined=False),
            "Behind the heads the axes must be swapped back before they are joined: "
            "each token gets the pieces of its own vector.",
        ),
    ),
    lambda: [(8, 2, 6), (12, 3, 4), (6, 2, 5)],
    repaired,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "A position before the change moves, and the first is wrong: whom may the "
        "first token see? A later one does *not* move: which line cuts along the text?",
        "Which number of the shape does the root belong to: d, or the size of a head?",
    ),
    forbidden=("Attention",),
    result="attention's output",
    arguments=("d", "heads", "length"),
)


_STEPS = sum(steps for _, steps in TRAINING)


class _Block(nn.Module):
    def __init__(self, d: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attention = _attention(future=not causal)(d, 4)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class _Model(nn.Module):
    def __init__(
        self,
        d: int = 40,
        layers: int = 2,
        causal: bool = True,
        places: bool = True,
        small: bool = True,
        near: bool = False,
        plain_list: bool = False,
        vocabulary: int = 256,
        context: int = 128,
        awake: bool = False,
        mixed: bool = False,
        end: Callable[[Tensor], Tensor] = lambda scores: scores,
    ) -> None:
        super().__init__()
        self.embed, self.places = nn.Embedding(vocabulary, d), nn.Embedding(context, d)
        blocks = [_Block(d, causal) for _ in range(0 if near else layers)]
        self.blocks: Any = blocks if plain_list else nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(d)
        self.use, self.awake, self.mixed, self.end = places, awake, mixed, end
        if not places:
            del self.places
        if small:
            nn.init.normal_(self.embed.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        if self.use:
            x = x + 0.02 * self.places(torch.arange(tokens.shape[1], device=x.device))
        x = F.dropout(x, 0.1) if self.awake else x
        x = x.transpose(0, 1) if self.mixed else x
        for block in self.blocks:
            x = block(x)
        x = x.transpose(0, 1) if self.mixed else x
        return self.end(self.norm(x) @ self.embed.weight.T)


DESIGN = Exercise(
    "language.design",
    lambda: _Model(),
    (
        Misconception(
            "no mask",
            lambda: _Model(causal=False),
            "A change at one position moves scores *before* it: something reads the "
            "future. The mask belongs into every attention.",
        ),
        Misconception(
            "too large",
            lambda: _Model(d=64),
            "Over the budget of 60,000 parameters. Two blocks have about 24 · d², and "
            "the tables of tokens and positions 384 · d.",
        ),
        Misconception(
            "blocks in a plain list",
            lambda: _Model(plain_list=True),
            "Your scores are made with weights that are not in `parameters()`, so an "
            "optimizer would never train them, and the budget does not count them. A "
            "module finds layers and `nn.Parameter`s that are its attributes. Those in "
            "a plain list need `nn.ModuleList`, and none may be made in `forward`.",
        ),
        Misconception(
            "nothing looks back",
            lambda: _Model(near=True),
            "The scores at the last position do not depend on the first token: nothing "
            "carries it so far. Which part lets a position read all those before it? "
            "(A recurrent layer could, but a new one forgets: a gate half open keeps "
            "0.5 to the power of 127.)",
        ),
        Misconception(
            "no positions",
            lambda: _Model(places=False, layers=1),
            "With the first two tokens exchanged, the last scores stay as they are: "
            "one layer of attention without positions reads a set, not a text.",
        ),
        Misconception(
            "large scores",
            lambda: _Model(small=False),
            "A new model should know nothing, with a loss of about ln 256 = 5.5. Yours "
            "is far above: its scores are large from the start. Often the cause is "
            "`nn.Embedding`, which draws numbers of size 1; with a tied head the "
            "scores then have size √d.",
        ),
        Misconception(
            "class, not module",
            lambda: _Model,
            "You return the class itself. Call it, so that `design()` returns a "
            "module: `return MyModel()`.",
        ),
        Misconception(
            "255 tokens",
            lambda: _Model(vocabulary=255),
            "Your model takes the token 0, but not all of them. The 256 bytes are 0 to "
            "255: `nn.Embedding(256, …)`.",
        ),
        Misconception(
            "short context",
            lambda: _Model(context=64),
            "Your model takes 5 tokens, but fails on 128. Has its table of positions "
            "a row for each of 128, and its mask room for as many?",
        ),
        Misconception(
            "dropout in eval",
            lambda: _Model(awake=True),
            "In `eval()` the same tokens get other scores at a second call: something "
            "is still drawn at random. `F.dropout(x, p)` drops always; `nn.Dropout` as "
            "an attribute knows of `eval()`, and so does `F.dropout(x, p, "
            "self.training)`.",
        ),
        Misconception(
            "batch taken for the text",
            lambda: _Model(mixed=True),
            "A text's scores change with another text of the batch: a layer takes the "
            "batch for the positions. torch's attention and recurrent layers need "
            "`batch_first=True` for `(N, L, d)`.",
        ),
        Misconception(
            "softmax at the end",
            lambda: _Model(end=lambda scores: scores.softmax(-1)),
            "Your scores sum to 1 at each position, as after a softmax. "
            "`F.cross_entropy` takes the softmax itself: return what goes into it.",
        ),
        Misconception(
            "none negative",
            lambda: _Model(end=torch.sigmoid),
            "None of your scores is negative, as after a sigmoid or a ReLU. Return "
            "what the last linear layer gives: `F.cross_entropy` does the rest.",
        ),
        Misconception(
            "does not learn",
            lambda: _Model(end=torch.tanh),
            f"Your model was trained on two texts of 16 bytes, for {_STEPS} steps of "
            f"AdamW. Its loss stays above {LEARNT:g} nats, though so little can be "
            "learnt by heart. Are the scores limited (`tanh`) or divided by a large "
            "number? Is a part cut off from the gradient?",
        ),
    ),
    lambda: [(seed,) for seed in range(1, LAST_SEED + 1)],
    designed,
    hints=(
        "Take the lesson's `GPT`, with fewer numbers: which d and how many layers fit "
        "into 60,000?",
        "With a tied head: 384 · d for tokens and positions, 12 · d² + 13 · d per "
        "block. Two blocks 40 wide have about 55,000.",
        "Draw the embeddings with a small spread, as the lesson's `GPT` does.",
    ),
    result="model",
    arguments=("seed",),
)

EXERCISES = (
    BITS,
    PARAMETERS,
    LONGEST,
    MERGE,
    MIN_P,
    ROTARY,
    STEP,
    REPAIR,
    DESIGN,
)
