"""Lesson 12's exercises: wrong answers that once passed, right ones in other ways."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring import language
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import Verdict
from course_utils.exercises.registry import find_exercise


def verdict(name: str, answer: object) -> Verdict:
    return diagnose(find_exercise(f"language.{name}"), answer, seconds=60)


def cache_bytes(layers, kv_heads, size, width, texts):
    return 2 * layers * kv_heads * size * width * texts


def merged(ids, new, pair):
    out, i = [], 0
    while i < len(ids):
        found = tuple(ids[i : i + 2]) == tuple(pair)
        out.append(new if found else ids[i])
        i += 1 + found
    return out


def by(key: Callable) -> Callable:
    """Return a merge of the pair with the smallest key of the pair and its count."""

    def merge(ids, new):
        counts = Counter(pairwise(ids))
        return merged(ids, new, min(counts, key=lambda pair: key(pair, counts[pair])))

    return merge


right_merge = by(lambda pair, count: (-count, pair))


def merged_as_the_lesson_does(ids, new):
    counts = Counter(pairwise(ids))
    pair = min(counts, key=lambda pair: (-counts[pair], pair))
    return language.merge(ids, pair, new)


def merged_in_a_text(ids, new):
    counts = Counter(pairwise(ids))
    a, b = min(counts, key=lambda pair: (-counts[pair], pair))
    text = " ".join(map(str, ids)).replace(f"{a} {b}", str(new))
    return [int(token) for token in text.split()]


def rescaled(kept):
    return kept / kept.sum(-1, keepdim=True)


def largest(p):
    return p.max(dim=-1, keepdim=True).values


def likely_in_a_loop(p, min_p):
    out = torch.zeros_like(p)
    for row, new in zip(p, out, strict=True):
        for token, value in enumerate(row):
            if value >= min_p * max(row):
                new[token] = value
        new /= new.sum()
    return out


def likely_by_sorting(p, min_p):
    ordered, index = p.sort(dim=-1, descending=True)
    keep = ordered >= min_p * ordered[:, :1]
    return rescaled(torch.zeros_like(p).scatter(-1, index, ordered * keep))


def likely_by_scores(p, min_p):
    scores = p.log()
    return scores.masked_fill(p / largest(p) < min_p, -math.inf).softmax(-1)


def likely_in_place(p, min_p):
    p[p < min_p * largest(p)] = 0
    return rescaled(p)


def angles(x, start, unit=1.0):
    length, d = x.shape
    speeds = 10_000 ** (-2 * torch.arange(d // 2, device=x.device) / d)
    return torch.arange(start, start + length, device=x.device)[:, None] * speeds * unit


def turned_in_degrees(x, start):
    angle, (a, b) = angles(x, start, math.pi / 180), x.chunk(2, dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def turned_by_complex_numbers(x, start):
    angle = angles(x, start)
    turned = torch.complex(*x.chunk(2, -1)) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([turned.real, turned.imag], dim=-1)


def turned_in_float64(x, start):
    angle, (a, b) = angles(x, start).repeat(1, 2).double(), x.double().chunk(2, -1)
    swapped = torch.cat([-b, a], -1)
    return (x.double() * angle.cos() + swapped * angle.sin()).to(x.dtype)


def step_in_groups(q, keys, values):
    groups, _, size = keys.shape
    weights = (q.view(groups, -1, size) @ keys.mT / size**0.5).softmax(-1)
    return (weights @ values).reshape(len(q), size)


def step_by_torch(q, keys, values):
    inputs = q[None, :, None], keys[None], values[None]
    return F.scaled_dot_product_attention(*inputs, enable_gqa=True)[0, :, 0]


def step_scaled_by_all_heads(q, keys, values):
    return step_in_groups(q * len(q) ** -0.5, keys, values)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        (
            "bits",
            lambda logs, size: -logs.sum().exp().log2() / size,
            "their product is rounded to 0",
        ),
        (
            "cache",
            lambda memory, *sizes: (memory - 1) // cache_bytes(*sizes),
            "filled to the last byte",
        ),
        (
            "cache",
            lambda memory, *sizes: memory // cache_bytes(*sizes) + 1,
            "One token too many. All tokens of a text are in the cache",
        ),
        (
            "cache",
            lambda memory, *sizes: max(1, memory // cache_bytes(*sizes)),
            "Then the answer is 0",
        ),
        (
            "cache",
            lambda memory, *sizes: round(memory / cache_bytes(*sizes)),
            "round to the nearest",
        ),
        ("merge", by(lambda pair, count: pair), "however often it occurs"),
        ("merge", by(lambda pair, count: (-count, sum(pair))), "smallest sum"),
        ("merge", by(lambda pair, count: (-count, max(pair))), "whose larger token"),
        ("merge", by(lambda pair, count: (-count, str(pair))), "first as text"),
        ("merge", by(lambda pair, count: (-count, pair[0])), "only the first tokens"),
        ("merge", merged_in_a_text, "replace in a text"),
        (
            "merge",
            lambda ids, new: [right_merge(ids, new)],
            "your values stand in a list of their own",
        ),
        (
            "merge",
            lambda ids, new: " ".join(map(str, right_merge(ids, new))),
            "Expected 3 values in a list",
        ),
        ("min_p", lambda p, min_p: p, "You keep all tokens"),
        (
            "min_p",
            lambda p, min_p: rescaled(p.where(p >= min_p, 0.0)),
            "with `min_p` itself",
        ),
        (
            "min_p",
            lambda p, min_p: rescaled(p * (p / max(p.flatten()) >= min_p)),
            "the whole batch",
        ),
        (
            "min_p",
            lambda p, min_p: rescaled(p * (p / largest(p) > min_p)),
            "exactly `min_p` times the largest",
        ),
        (
            "min_p",
            lambda p, min_p: p.where(p >= min_p * largest(p), 0.0),
            "each row must sum to 1 again",
        ),
        ("min_p", likely_in_place, "changes its input `p` in place"),
        ("rotary", turned_in_degrees, "in radians"),
        ("step", step_scaled_by_all_heads, "the root of H · `size`"),
    ],
)
def test_wrong_answer_is_told_what_is_wrong(name, answer, words):
    found = verdict(name, answer)
    assert found.state == "wrong"
    assert words in found.messages[0]


@pytest.mark.parametrize(
    "ids",
    [[1, 2, 5, 6, 5, 6], [5, 1, 9, 4, 2, 8], [2, 9, 2, 3], [12, 3, 2, 3, 2, 3, 1, 12]],
)
def test_reference_merges_the_pair_that_is_first_as_a_tuple(ids):
    wanted = right_merge(ids, 20)
    assert find_exercise("language.merge").reference(ids, 20) == wanted


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("bits", lambda logs, size: sum(-x / math.log(2) for x in logs) / size),
        ("bits", lambda logs, size: (logs / -math.log(2) / size).sum()),
        (
            "cache",
            lambda memory, layers, kv_heads, size, width, texts: (
                memory // texts // width // size // kv_heads // layers // 2
            ),
        ),
        ("cache", lambda memory, *sizes: math.floor(memory / cache_bytes(*sizes))),
        ("merge", merged_as_the_lesson_does),
        ("merge", lambda ids, new: tuple(right_merge(ids, new))),
        ("min_p", likely_in_a_loop),
        ("min_p", likely_by_sorting),
        ("min_p", likely_by_scores),
        ("rotary", turned_by_complex_numbers),
        ("rotary", turned_in_float64),
        ("step", step_in_groups),
        ("step", step_by_torch),
    ],
)
def test_other_ways_are_right(name, answer):
    assert verdict(name, answer).state == "correct"


class Attention(nn.Module):
    """As the lesson's: under its name."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Inherited(Attention):
    pass


class Broken(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)


class Borrowed(Broken):
    def forward(self, x: Tensor) -> Tensor:
        return Attention.forward(self, x)  # type: ignore[arg-type]


class HeadByHead(Broken):
    def forward(self, x: Tensor) -> Tensor:
        later = torch.ones(x.shape[1], x.shape[1], device=x.device).triu(1).bool()
        outs = []
        parts = (part.chunk(self.heads, -1) for part in self.qkv(x).chunk(3, -1))
        for q, k, v in zip(*parts, strict=True):
            scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(later, -1e4)
            outs.append(scores.softmax(-1) @ v)
        return self.out(torch.cat(outs, -1))


class Kept(Broken):
    forward = Attention.forward  # torch's own attention, in a class of its own


def test_repair_may_not_take_over_the_lessons_attention():
    for answer in (Inherited, Attention):
        assert verdict("repair", answer).misconception == "inherited"
    found = verdict("repair", Borrowed)
    assert found.state == "wrong" and "`Attention`" in found.messages[-1]


@pytest.mark.parametrize("answer", [HeadByHead, Kept])
def test_repair_takes_a_class_derived_from_the_broken_one(answer):
    assert verdict("repair", answer).state == "correct"


class Recurrent(nn.Module):
    """An LSTM or a GRU that keeps what it read."""

    def __init__(self, kind=nn.LSTM, d=48, bias=4.0, **options) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(256, d), nn.Linear(d, 256)
        self.rnn = kind(d, d, **({"batch_first": True} | options))
        with torch.no_grad():  # an LSTM's forget gate, a GRU's update gate
            self.rnn.bias_ih_l0[d : 2 * d] += bias

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.rnn(self.embed(tokens))[0])


class Transformer(nn.Module):
    def __init__(self, d=40, layers=2, later=1, **options) -> None:
        super().__init__()
        self.later = later
        how = {"batch_first": True, "norm_first": True, "dropout": 0.0} | options
        blocks = [nn.TransformerEncoderLayer(d, 4, 4 * d, **how) for _ in range(layers)]
        self.embed, self.positions = nn.Embedding(256, d), nn.Embedding(128, d)
        for table in (self.embed, self.positions):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(d)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        x = self.embed(tokens) + self.positions.weight[:length]
        later = torch.ones(length, length, device=x.device).triu(self.later).bool()
        for block in self.blocks:
            x = block(x, src_mask=later)
        return self.norm(x) @ self.embed.weight.T


class Sinusoids(nn.Module):
    """One block by hand, fixed positions, scores without a limit."""

    positions: Tensor

    def __init__(self, d=40) -> None:
        super().__init__()
        angle = torch.arange(128.0)[:, None] * 10_000 ** (-torch.arange(d // 2) * 2 / d)
        self.register_buffer("positions", torch.cat([angle.sin(), angle.cos()], 1))
        self.embed, self.head = nn.Embedding(256, d), nn.Linear(d, 256)
        self.qkv, self.out, self.norm = (
            nn.Linear(d, 3 * d),
            nn.Linear(d, d),
            nn.LayerNorm(d),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.positions[: tokens.shape[1]]
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        scores = q @ k.mT / q.shape[-1] ** 0.5
        weights = (scores - scores.max()).exp().tril()  # one maximum for all
        x = x + self.out(weights / weights.sum(-1, keepdim=True) @ v)
        return self.head(self.norm(x))


class Ending(nn.Module):
    """A model whose scores go through something else at the end."""

    def __init__(self, end: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.end = Transformer(), end

    def forward(self, tokens: Tensor) -> Tensor:
        return self.end(self.net(tokens))


def float64():
    return Recurrent().double()


@pytest.mark.parametrize(
    "answer",
    [
        Recurrent,
        lambda: Recurrent(nn.GRU),
        lambda: Recurrent(d=8),
        Transformer,
        lambda: Transformer(norm_first=False),
        lambda: Transformer(dropout=0.3),
        lambda: Transformer(d=24, layers=6),
        lambda: Transformer(d=8, layers=1),
        Sinusoids,
        lambda: Ending(lambda scores: scores.log_softmax(-1)),
        lambda: Ending(lambda scores: scores / 10),
    ],
)
def test_design_takes_other_models(answer):
    assert verdict("design", answer).state == "correct"


def test_design_takes_float64():
    assert verdict("design", float64).state == "correct"


class Hidden(nn.Module):
    """A model far over the budget, in a plain list."""

    def __init__(self, frozen=False) -> None:
        super().__init__()
        self.shown = Transformer(d=16)
        self.parts = [Transformer(d=80).requires_grad_(not frozen)]

    def forward(self, tokens: Tensor) -> Tensor:
        return self.shown(tokens) + self.parts[0](tokens)


class MadeInForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = Transformer()

    def forward(self, tokens: Tensor) -> Tensor:
        scores = self.net(tokens)
        return scores + nn.Linear(256, 256).to(scores.device)(scores)


class WithoutGradient(Transformer):
    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens)


class CutOff(Transformer):
    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        later = torch.ones(length, length, device=tokens.device).triu(1).bool()
        x = self.embed(tokens) + self.positions.weight[:length]
        for block in self.blocks:
            x = block(x, src_mask=later).detach()
        return self.norm(x) @ self.embed.weight.T


def frozen_blocks():
    net = Transformer()
    net.blocks.requires_grad_(False)
    return net


def with_an_unused_layer():
    net = Transformer()
    net.unused = nn.Linear(3, 3)
    return net


class DropsAlways(Transformer):
    def forward(self, tokens: Tensor) -> Tensor:
        return F.dropout(super().forward(tokens), 0.1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Hidden, "not in `parameters()`"),
        (lambda: Hidden(frozen=True), "not in `parameters()`"),
        (MadeInForward, "none may be made in `forward`"),
        (WithoutGradient, "no gradient reaches the parameter `embed.weight`"),
        (CutOff, "no gradient reaches the parameter `positions.weight`"),
        (frozen_blocks, "`blocks.0.self_attn.in_proj_weight` is frozen"),
        (with_an_unused_layer, "no gradient reaches the parameter `unused.weight`"),
        (lambda: Ending(lambda scores: scores.softmax(-1)), "sum to 1"),
        (lambda: Ending(torch.sigmoid), "None of your scores is negative"),
        (lambda: Ending(torch.relu), "None of your scores is negative"),
        (lambda: Ending(torch.tanh), "Are the scores limited"),
        (lambda: Ending(lambda scores: scores / 1000), "divided by a large number"),
        (DropsAlways, "still drawn at random"),
        (lambda: Transformer, "You return the class itself"),
        (lambda: torch.relu, "a function, not a module"),
        (lambda: [Transformer()], "a list of (a layer (Transformer)), not a module"),
        (lambda: Ending(lambda s: s[..., 1:]), "(2, 128, 255), not scores of the"),
        (lambda: nn.Embedding(255, 200), "256 bytes are 0 to 255"),
        (lambda: Recurrent(batch_first=False), "another text of the batch"),
        (lambda: Recurrent(bias=0.0), "a new one forgets"),
        (lambda: Transformer(later=2), "moves scores *before* it"),
        (lambda: Transformer(later=0), "NaN"),
    ],
)
def test_design_is_told_what_is_wrong(answer, words):
    found = verdict("design", answer)
    assert found.state == "wrong"
    assert words in found.messages[0]
