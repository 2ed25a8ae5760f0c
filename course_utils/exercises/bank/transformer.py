"""Exercises of lesson 08: transformers."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device


def _scores(q: Tensor, k: Tensor) -> Tensor:
    return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return _scores(q, k).softmax(dim=-1) @ v


def _attention_cases() -> list[Case]:
    # Batch, queries, keys, width, width of values. In the third all sizes fit all.
    sizes = [(2, 3, 5, 4, 6), (1, 2, 3, 8, 3), (3, 3, 3, 3, 3), (1, 1, 4, 2, 5)]
    return [randn((n, a, d), (n, b, d), (n, b, w)) for n, a, b, d, w in sizes]


ATTENTION = Exercise(
    "transformer.attention",
    _attention,
    (
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
    ),
    _attention_cases,
)


def _masked(q: Tensor, k: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    return _scores(q, k).masked_fill(~keep, float("-inf")).softmax(dim=-1) @ v


def _masked_cases() -> list[Case]:
    cases: list[Case] = []
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
            "mask inverted for the function",
            lambda q, k, v, keep: F.scaled_dot_product_attention(
                q, k, v, attn_mask=~keep
            ),
            "You invert the mask for the function, but there True also means 'may "
            "look': `attn_mask=keep`.",
        ),
        Misconception(
            "zero instead of minus infinity",
            lambda q, k, v, keep: _scores(q, k).masked_fill(~keep, 0).softmax(-1) @ v,
            "You set hidden scores to 0. The softmax turns a score of 0 into a weight "
            "like any other, since exp(0) = 1: use minus infinity.",
        ),
        Misconception(
            "mask added as numbers",
            lambda q, k, v, keep: (_scores(q, k) + keep).softmax(-1) @ v,
            "You add a Boolean mask, so True adds 1 and False adds nothing. Add 0 "
            "where a query may look and minus infinity elsewhere.",
        ),
        Misconception(
            "mask forgotten",
            lambda q, k, v, keep: _attention(q, k, v),
            "This is attention without any mask: `keep` has no effect.",
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
    ),
    _masked_cases,
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
    ),
    lambda: [(4,), (1,), (7,)],
    _on_the_cpu,
)


def _places(lengths: Tensor, size: int) -> Tensor:
    return torch.arange(size, device=lengths.device).expand(len(lengths), size)


def _lengths_cases() -> list[Case]:
    # In the second, batch and size are equal, so that a transposed mask fits.
    cases = [([2, 4, 1], 5), ([3, 1, 2], 3), ([4], 6)]
    return [(torch.tensor(n, device=current_device()), size) for n, size in cases]


PADDING = Exercise(
    "transformer.padding",
    lambda lengths, size: _places(lengths, size) >= lengths[:, None],
    (
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
    ),
    _lengths_cases,
)


def _split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _view(x: Tensor, heads: int) -> Tensor:
    n, length, width = x.shape
    return x.reshape(n, heads, length, width // heads)


SPLIT_HEADS = Exercise(
    "transformer.split_heads",
    _split,
    (
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
    ),
    # In the last two some sizes are equal, so that wrong orders fit.
    lambda: [
        (*randn(shape), heads)
        for shape, heads in [((2, 5, 6), 3), ((1, 3, 8), 2), ((2, 2, 4), 2)]
    ],
)


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
            "You count the attention once per head. The heads share one set of "
            "weights: each uses its own part of the width.",
        ),
        Misconception(
            "divided by heads",
            lambda d, heads, hidden: (
                4 * (d * d // heads + d) + _count(d, 1, hidden) - 4 * (d * d + d)
            ),
            "You count one head's part of the attention. All heads together have the "
            "full matrices.",
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
            "The matrices are right, but the biases and the two norms are missing.",
        ),
        Misconception(
            "no biases in the feed-forward part",
            lambda d, heads, hidden: _count(d, 1, hidden) - hidden - d,
            "The biases of the feed-forward part are missing: hidden numbers in its "
            "first linear layer, d in its second.",
        ),
        Misconception(
            "no output projection",
            lambda d, heads, hidden: _count(d, 1, hidden) - d * d - d,
            "One matrix of the attention is missing. Queries, keys and values are "
            "three; the fourth mixes the heads at the end, `out_proj`.",
        ),
        Misconception(
            "one norm",
            lambda d, heads, hidden: _count(d, 1, hidden) - 2 * d,
            "You count one layer norm. Each of the two parts has one, with a weight "
            "and a bias: 4·d in all.",
        ),
        Misconception(
            "no norms",
            lambda d, heads, hidden: _count(d, 1, hidden) - 4 * d,
            "The two layer norms are missing: 2·d numbers each.",
        ),
        Misconception(
            "decoder layer",
            lambda d, heads, hidden: _count(d, 1, hidden) + 4 * d * d + 6 * d,
            "This is a decoder layer, with a second attention and a third norm.",
        ),
    ),
    lambda: [(8, 2, 20), (12, 3, 7), (16, 4, 64)],
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
    for n, length, d in [(2, 3, 4), (1, 5, 6), (3, 4, 4)]:
        shapes = (n, length, d), (length, length), (d, d), (d,), (d,)
        x, mix, weight, scale1, scale2 = randn(*shapes)
        attend = _Part("attend", mix, lambda x, w: w.softmax(dim=-1) @ x)
        feed = _Part("feed", weight, lambda x, w: (x @ w).relu())
        norm1, norm2 = _Part("norm1", scale1, _norm), _Part("norm2", scale2, _norm)
        cases.append((x, attend, feed, norm1, norm2))
    return cases


PRE_NORM = Exercise(
    "transformer.pre_norm",
    _pre_norm,
    (
        Misconception(
            "post-norm",
            lambda x, a, f, n1, n2: n2((y := n1(x + a(x))) + f(y)),
            "This is post-norm, where each sum is normalised. In pre-norm only the "
            "input of a part is normalised, and the sum stays as it is.",
        ),
        Misconception(
            "sum from the normalised",
            lambda x, a, f, n1, n2: (y := n2((z := n1(x)) + a(z))) + f(y),
            "You add to the normalised x. The path around a part has no norm: `x + "
            "attend(norm1(x))`, with the old x.",
        ),
        Misconception(
            "first sum from the normalised",
            lambda x, a, f, n1, n2: (y := n1(x) + a(n1(x))) + f(n2(y)),
            "In the first sum you add to the normalised x. The path around a part has "
            "no norm: `x + attend(norm1(x))`.",
        ),
        Misconception(
            "old x in the second sum",
            lambda x, a, f, n1, n2: x + f(n2(x + a(n1(x)))),
            "In the second sum you add to the original x. Add to the first sum, or "
            "the result of the attention is lost on the path around the part.",
        ),
        Misconception(
            "no norms",
            lambda x, a, f, n1, n2: (y := x + a(x)) + f(y),
            "The sums are right, but the norms are missing: `attend(norm1(x))`.",
        ),
        Misconception(
            "no way past",
            lambda x, a, f, n1, n2: f(n2(a(n1(x)))),
            "The parts replace x. Each should be *added* to its input: `x + "
            "attend(norm1(x))`.",
        ),
        Misconception(
            "side by side",
            lambda x, a, f, n1, n2: x + a(n1(x)) + f(n2(x)),
            "Both parts read the old x. The feed-forward part reads the result of the "
            "attention: keep the first sum and go on from there.",
        ),
        Misconception(
            "norm after the part",
            lambda x, a, f, n1, n2: (y := x + n1(a(x))) + n2(f(y)),
            "You normalise the *output* of a part. In pre-norm its input is "
            "normalised: `attend(norm1(x))`.",
        ),
        Misconception(
            "norms exchanged",
            lambda x, a, f, n1, n2: _pre_norm(x, a, f, n2, n1),
            "The norms are swapped: `norm1` belongs to the attention, `norm2` to the "
            "feed-forward part.",
        ),
        Misconception(
            "parts exchanged",
            lambda x, a, f, n1, n2: _pre_norm(x, f, a, n1, n2),
            "The parts are swapped: the attention comes first, then the feed-forward "
            "part.",
        ),
    ),
    _block_cases,
)


class _Model:
    """A little causal model: (n,) tokens to (n, vocabulary) scores."""

    def __init__(self, vocabulary: int, seed: int) -> None:
        sizes = (vocabulary, 6), (6, vocabulary)
        self.table, self.out = randn(*sizes, seed=seed)

    def __call__(self, tokens: Tensor) -> Tensor:
        if tokens.dim() != 1 or tokens.dtype != torch.int64:
            raise ValueError("step wants whole numbers (int64) of shape (n,).")
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

GREEDY = Exercise(
    "transformer.greedy",
    _greedy,
    (
        Misconception(
            "same token each time",
            _decode(lambda step, tokens: _best(step(tokens)[0])),
            "You get the same token every time: the answer at the first place never "
            "changes. Append each new token to the others, and read the scores at the "
            "last place, `step(tokens)[-1]`.",
        ),
        Misconception(
            "last column",
            _decode(lambda step, tokens: _best(step(tokens)[:, -1])),
            "`[:, -1]` selects the scores of the last word of the vocabulary. There "
            "is no batch here: the last place is `step(tokens)[-1]`.",
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
    ),
    lambda: [
        (_Model(size, seed), torch.tensor([1], device=current_device()), length)
        for size, seed, length in [(9, 1, 5), (7, 4, 6), (11, 8, 4)]
    ],
)

EXERCISES = (ATTENTION, MASKED, FUTURE, PADDING, SPLIT_HEADS, COUNT, PRE_NORM, GREEDY)
