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

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Exercise, Misconception
from course_utils.exercises.watch import watched_call
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
    ),
    lambda: [
        (-randn((tokens,), seed=tokens)[0].abs() - 0.1, size)
        for tokens, size in [(5, 12), (1, 4), (8, 8), (20, 31)]
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
    ),
    lambda: [
        (1_000_000, 2, 4, 16, 2, 3),
        (80 * 2**30, 32, 8, 128, 2, 16),
        (999, 1, 2, 8, 4, 2),
        (12_345, 3, 1, 5, 2, 4),
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
            "`most_common` does. The smallest is asked for.",
        ),
        Misconception(
            "largest of equals",
            partial(_merge, choose=lambda p: max(p, key=lambda pair: (p[pair], pair))),
            "Of equally common pairs you take the largest. Asked is the smallest.",
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
    ],
    hints=(
        "`Counter(pairwise(ids))` counts all pairs of neighbours.",
        "`min` with the key (−count, pair) finds the commonest, and of equals the "
        "smallest.",
        "Walk with an index: two steps after a pair, one step otherwise.",
    ),
    result="list",
)


def _nucleus(
    p: Tensor,
    top_p: float,
    *,
    rescale: bool = True,
    keep: Callable[[Tensor, float], Tensor] = lambda s, t: s.cumsum(-1) - s < t,
    descending: bool = True,
    back: bool = True,
) -> Tensor:
    """Keep the likeliest tokens, with the mistakes asked for."""
    ordered, place = p.sort(dim=-1, descending=descending)
    kept = ordered * keep(ordered, top_p)
    out = torch.zeros_like(p).scatter(-1, place, kept) if back else kept
    return out / out.sum(-1, keepdim=True) if rescale else out


def _one_more(ordered: Tensor, top_p: float) -> Tensor:
    before = ordered.cumsum(-1) - ordered
    return before.roll(1, -1).index_fill(-1, before.new_zeros(1).long(), 0) < top_p


def _over_the_batch(p: Tensor, top_p: float) -> Tensor:
    out = _nucleus(p, top_p, rescale=False)
    return out / out.sum()


def _over_a_bound(ordered: Tensor, top_p: float) -> Tensor:
    largest = ordered.amax(-1, keepdim=True)
    return (ordered > 1 - top_p) | (ordered == largest)


def _distributions() -> list[tuple[Tensor, float]]:
    fixed = torch.tensor(
        [[0.07, 0.5, 0.03, 0.25, 0.15], [0.9, 0.022, 0.05, 0.01, 0.018]]
    )
    draws = randn((3, 12), (1, 6), (4, 9), seed=4)
    shares = (0.6, 0.95, 0.3)
    drawn = [(d.softmax(-1), t) for d, t in zip(draws, shares, strict=True)]
    # Sums that hit 0.5 exactly: a token more would be one too many.
    exact = torch.tensor([[0.125, 0.5, 0.375], [0.3125, 0.4375, 0.25]])
    on_device = [(fixed.to(current_device()), 0.8), (exact.to(current_device()), 0.5)]
    return [*on_device, *drawn]


NUCLEUS = Exercise(
    "language.nucleus",
    _nucleus,
    (
        Misconception(
            "one too few",
            partial(
                _nucleus,
                keep=lambda s, t: (s.cumsum(-1) <= t) | (s == s.amax(-1, keepdim=True)),
            ),
            "You leave out the token with which the sum first reaches `top_p`. It "
            "belongs to those kept: only with it is the sum large enough.",
        ),
        Misconception(
            "none where one is enough",
            partial(_nucleus, keep=lambda s, t: s.cumsum(-1) <= t),
            "You keep tokens only while the sum is at most `top_p`, so the one that "
            "reaches it is lost, and a row whose first token is above it keeps none.",
        ),
        Misconception(
            "one too many",
            partial(_nucleus, keep=_one_more),
            "One token more than needed is kept: without it the sum is `top_p` or "
            "more already.",
        ),
        Misconception(
            "not rescaled",
            partial(_nucleus, rescale=False),
            "The right tokens, but each row must sum to 1 again.",
        ),
        Misconception(
            "rescaled over the batch",
            _over_the_batch,
            "You divide by the sum over all rows. Each row has its own.",
        ),
        Misconception(
            "left in order",
            partial(_nucleus, back=False),
            "Your numbers stand in the order of their size. Put each back where its "
            "token stands: `sort` returns the indices, too.",
        ),
        Misconception(
            "the unlikely ones",
            partial(_nucleus, descending=False),
            "You begin with the least likely tokens. Sort in descending order.",
        ),
        Misconception(
            "those above top_p",
            partial(_nucleus, keep=_over_a_bound),
            "You compare each probability with a bound. It is their *sum*, from the "
            "likeliest on, that decides.",
        ),
    ),
    _distributions,
    hints=(
        "Sort each row, likeliest first, and look at `cumsum`.",
        "A token stays if those *before* it have less than `top_p` together.",
        "`torch.zeros_like(p).scatter(-1, index, kept)` puts numbers back to their "
        "positions.",
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
) -> Tensor:
    """Turn the pairs of each row by its place, with the mistakes asked for."""
    length, d = x.shape
    places = torch.arange(length, device=x.device) + first + start * moved
    i = torch.arange(d // 2, device=x.device)
    angle = sign * places[:, None] * 10_000 ** (-power * i / d)
    a, b = (x[:, ::2], x[:, 1::2]) if neighbours else x.chunk(2, dim=-1)
    pair = (a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos())
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
) -> Tensor:
    """Let one token's queries read a cache, with the mistakes asked for."""
    each = len(q) // len(keys)
    keys, values = share(keys[:, length], each), share(values[:, length], each)
    scores = (keys @ q[:, :, None])[..., 0] * scale(q.shape[-1], len(q))
    return (scores.softmax(axis)[:, None] @ values)[:, 0]


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
            "scaled by all heads",
            partial(_one_step, scale=lambda size, heads: (size * heads) ** -0.5),
            "You divide by the root of d. It is the size of *one* head that counts.",
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
) -> type[nn.Module]:
    """Return the class of the repair, with the faults asked for."""

    class Attention(nn.Module):
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
            scores = q @ k.mT / math.sqrt(d if wide else d // self.heads)
            if not future:
                hidden = torch.ones_like(scores[0, 0]).triu(0 if blind else 1).bool()
                scores = scores.masked_fill(hidden, -1e9)
            out = scores.softmax(-1) @ v
            out = out if cut or not joined else out.transpose(1, 2)
            return self.out(out.reshape(n, length, d))

    return Attention


def _of_repaired(answer: Answer, d: int, heads: int, length: int) -> Any:
    like = _attention()(d, heads)
    mine = answer(d, heads)
    if not isinstance(mine, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    shapes = {name: tuple(t.shape) for name, t in mine.state_dict().items()}
    wanted = {name: tuple(t.shape) for name, t in like.state_dict().items()}
    if shapes != wanted:
        raise ValueError(
            f"`state_dict()` should hold {wanted}, not {shapes}: the layers `qkv` and "
            "`out`, and nothing else."
        )
    draws = randn(*wanted.values(), (2, length, d), seed=5)
    numbers = dict(zip(wanted, draws, strict=False))
    mine.load_state_dict(numbers)
    with torch.no_grad():
        return watched_call(mine.to(current_device()), draws[-1])


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
            "heads not swapped back",
            _attention(joined=False),
            "Behind the heads the axes must be swapped back before they are joined: "
            "each token gets the pieces of its own vector.",
        ),
    ),
    lambda: [(8, 2, 6), (12, 3, 4), (6, 2, 5)],
    _of_repaired,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "A position before the change moves, and the first is wrong: whom may the "
        "first token see? A later one does *not* move: which line cuts along the text?",
        "Which number of the shape does the root belong to: d, or the size of a head?",
    ),
    result="attention's output",
    arguments=("d", "heads", "length"),
)

_MENDED = "nothing"


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
    ) -> None:
        super().__init__()
        self.embed, self.places = nn.Embedding(256, d), nn.Embedding(128, d)
        self.blocks = nn.Sequential(*(_Block(d, causal) for _ in range(layers)))
        self.norm = nn.LayerNorm(d)
        self.use, self.near = places, near
        if small:
            nn.init.normal_(self.embed.weight, std=0.02)
            nn.init.normal_(self.places.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        if self.use:
            x = x + self.places.weight[: tokens.shape[1]]
        x = self.norm(x if self.near else self.blocks(x))
        return x @ self.embed.weight.T


def _changes(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() > 2e-6 * (1 + one.abs().max()))


@torch.no_grad()
def _flaw(answer: Answer, seed: int) -> Any:
    """Say the first demand of the design that a model does not meet."""
    torch.manual_seed(seed)
    net = answer()
    if not isinstance(net, nn.Module):
        return net
    net = net.to(current_device()).eval()
    if sum(parameter.numel() for parameter in net.parameters()) > 60_000:
        return "the model has more than 60,000 parameters"
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(256, (2, 128), generator=generator).to(current_device())
    x[:, 1] = (x[:, 0] + 7) % 256  # so that the first two differ
    scores = watched_call(net, x)
    if not isinstance(scores, Tensor) or scores.shape != (2, 128, 256):
        shape = getattr(scores, "shape", None)
        raise ValueError(
            "Tokens of the shape (2, 128) must give scores of the shape (2, 128, 256), "
            f"not {type(scores).__name__ if shape is None else tuple(shape)}."
        )
    if watched_call(net, x[:1, :5]).shape != (1, 5, 256):
        raise ValueError("Five tokens, (1, 5), must give scores (1, 5, 256).")
    last, first, swapped = x.clone(), x.clone(), x.clone()
    last[:, 100:] = (x[:, 100:] + 1) % 256
    first[:, 0] = (x[:, 0] + 3) % 256
    swapped[:, :2] = x[:, :2].flip(1)
    if _changes(scores[:, :100], net(last)[:, :100]):
        return "a change at one position moves scores before it"
    if not _changes(scores[:, -1], net(first)[:, -1]):
        return "the last scores do not depend on the first token"
    if not _changes(scores[:, -1], net(swapped)[:, -1]):
        return "the last scores do not depend on the order of the first two tokens"
    if not F.cross_entropy(scores[:, :-1].flatten(0, 1), x[:, 1:].flatten()) < 6.5:
        return "the new model's loss is 6.5 nats or more"
    return _MENDED


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
            "nothing looks back",
            lambda: _Model(near=True),
            "The scores at the last position do not depend on the first token: nothing "
            "carries it so far. Which part lets a position read all those before it?",
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
    ),
    lambda: [(1,), (2,), (3,)],
    _flaw,
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
    NUCLEUS,
    ROTARY,
    STEP,
    REPAIR,
    DESIGN,
)
