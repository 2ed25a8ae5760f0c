"""The language models of lesson 12, as its experiments share them."""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data.text import load_text

Pair = tuple[int, int]
CONTEXT = 128
MERGES = 256


def pieces(text: str) -> list[str]:
    r"""Cut a text into words, each with one blank in front, and what lies between.

    >>> pieces("to be,\n   or")
    ['to', ' be,', '\n  ', ' or']
    """
    return re.findall(r" ?\S+|\s+(?= \S)|\s+", text)


def merge(ids: list[int], pair: Pair, new: int) -> list[int]:
    """Write `new` for every occurrence of a pair, from the left.

    >>> merge([1, 1, 1, 2], (1, 1), 9)
    [9, 1, 2]
    """
    out: list[int] = []
    for token in ids:
        if out and (out[-1], token) == pair:
            out[-1] = new
        else:
            out.append(token)
    return out


def learn_merges(text: str, count: int) -> dict[Pair, int]:
    """Merge the commonest pair of a text's tokens, again and again, within its words.

    Of pairs equally common, the smallest is merged.

    Returns:
        What each pair becomes: 256, 257, … in the order of the merges.

    >>> learn_merges("abab abab cab", 2)
    {(97, 98): 256, (256, 256): 257}
    """
    words = Counter(pieces(text))
    split = {word: list(word.encode()) for word in words}
    pairs: Counter[Pair] = Counter()
    for word, ids in split.items():
        for pair in pairwise(ids):
            pairs[pair] += words[word]
    merges: dict[Pair, int] = {}
    for new in range(256, 256 + count):
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges[best] = new
        for word, ids in split.items():
            if best in pairwise(ids):
                for pair in pairwise(ids):
                    pairs[pair] -= words[word]
                split[word] = merge(ids, best, new)
                for pair in pairwise(split[word]):
                    pairs[pair] += words[word]
        pairs = +pairs
    return merges


def encode(text: str, merges: dict[Pair, int]) -> list[int]:
    """Return the tokens of a text: its bytes, merged in the order of the merges.

    >>> encode("cab", {(97, 98): 256})
    [99, 256]
    """
    known: dict[str, list[int]] = {}
    tokens: list[int] = []
    for word in pieces(text):
        if word not in known:
            ids = list(word.encode())
            while len(ids) > 1:
                pair = min(pairwise(ids), key=lambda p: merges.get(p, math.inf))
                if pair not in merges:
                    break
                ids = merge(ids, pair, merges[pair])
            known[word] = ids
        tokens += known[word]
    return tokens


@cache
def reference_tokens() -> list[Tensor]:
    """Return the three parts of the reference text as tokens.

    The tokens are bytes and 256 merges, learnt on the training part.

    >>> len(reference_tokens())
    3
    """
    text = load_text()
    merges = learn_merges(text.train, MERGES)
    return [torch.tensor(encode(part, merges)) for part in text]


def rotate(x: Tensor, start: int = 0) -> Tensor:
    """Turn each pair of numbers by its place times its speed: rotary positions.

    Args:
        x: queries or keys, (N, heads, L, d), d even. Number i is paired with number
            i + d/2, as in Llama.
        start: the place of the first of the L tokens.

    >>> x = torch.ones(1, 1, 2, 4)
    >>> bool((rotate(x)[:, :, 0] == x[:, :, 0]).all())
    True
    """
    cos, sin = turns(x.shape[-2], x.shape[-1] // 2, start, x.device)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


@cache
def turns(
    length: int, half: int, start: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the angles by which places turn, (length, half)."""
    places = torch.arange(start, start + length, device=device)
    speeds = 10_000 ** (-torch.arange(half, device=device) / half)
    angle = places[:, None] * speeds
    return angle.cos(), angle.sin()


class Attention(nn.Module):
    """Causal self-attention with as many heads for keys and values as asked for."""

    def __init__(self, d: int, heads: int, kv_heads: int, rotary: bool, bias: bool):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, d // heads
        self.rotary = rotary
        self.q = nn.Linear(d, d, bias=bias)
        self.kv = nn.Linear(d, 2 * kv_heads * self.size, bias=bias)
        self.out = nn.Linear(d, d, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        n, length, d = x.shape
        q = self.q(x).view(n, length, self.heads, self.size).transpose(1, 2)
        kv = self.kv(x).view(n, length, 2 * self.kv_heads, self.size).transpose(1, 2)
        k, v = kv.chunk(2, dim=1)
        if self.rotary:
            q, k = rotate(q), rotate(k)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(out.transpose(1, 2).reshape(n, length, d))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, d: int, bias: bool):
        super().__init__()
        self.up, self.down = nn.Linear(d, 4 * d, bias), nn.Linear(4 * d, d, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


class SwiGLU(nn.Module):
    """A gated feed-forward part, with as many weights as one of width 4·d."""

    def __init__(self, d: int, bias: bool):
        super().__init__()
        hidden = 8 * d // 3 // 8 * 8
        self.gate, self.up = nn.Linear(d, hidden, bias), nn.Linear(d, hidden, bias)
        self.down = nn.Linear(hidden, d, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """A pre-norm block: attention, then the feed-forward part, each added."""

    def __init__(
        self,
        d: int,
        heads: int,
        kv_heads: int,
        rms: bool,
        gated: bool,
        rotary: bool,
        dropout: float,
    ):
        super().__init__()
        norm = nn.RMSNorm if rms else nn.LayerNorm
        self.norm1, self.norm2 = norm(d), norm(d)
        self.attention = Attention(d, heads, kv_heads, rotary, bias=not rms)
        self.feed = (SwiGLU if gated else FeedForward)(d, bias=not rms)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.attention(self.norm1(x)))
        return x + self.drop(self.feed(self.norm2(x)))


class GPT(nn.Module):
    """A decoder-only transformer whose parts can be those of GPT-2 or of today.

    Dropout, if any, stands where GPT-2 has it, but for the attention weights: behind
    the embeddings and at the end of each branch.
    """

    def __init__(
        self,
        vocabulary: int,
        d: int = 128,
        layers: int = 2,
        heads: int = 4,
        kv_heads: int | None = None,
        rms: bool = False,
        gated: bool = False,
        rotary: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        self.places = None if rotary else nn.Embedding(CONTEXT, d)
        self.blocks = nn.Sequential(
            *(
                Block(d, heads, kv_heads or heads, rms, gated, rotary, dropout)
                for _ in range(layers)
            )
        )
        self.norm = nn.RMSNorm(d) if rms else nn.LayerNorm(d)
        self.drop = nn.Dropout(dropout)
        start(self, layers)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        if self.places is not None:
            x = x + self.places.weight[: tokens.shape[1]]
        x = self.blocks(self.drop(x))
        return self.norm(x) @ self.embed.weight.T  # the tied head


def start(model: nn.Module, layers: int) -> None:
    """Draw the weights with GPT-2's spread of 0.02, taken as right for a width of 768.

    Narrower models get a larger one, by the root of the width. Where a branch ends, it
    is smaller; biases are 0.
    """
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            width = model.get_parameter("embed.weight").shape[1]
            std = 0.02 * math.sqrt(768 / width)
            ends = name.endswith(("out.weight", "down.weight"))
            nn.init.normal_(parameter, std=std / math.sqrt(2 * layers) ** ends)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)


class LSTM(nn.Module):
    """Lesson 07's language model: an embedding, LSTM layers, a tied head.

    Dropout, if any, stands behind the embedding and behind each layer, not inside the
    recurrence (Zaremba, Sutskever and Vinyals, 2014).
    """

    def __init__(self, vocabulary: int, d: int, layers: int = 1, dropout: float = 0.0):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(d, d, layers, batch_first=True, dropout=between)
        self.drop = nn.Dropout(dropout)
        nn.init.normal_(self.embed.weight, std=0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        x, _ = self.lstm(self.drop(self.embed(tokens)))
        return self.drop(x) @ self.embed.weight.T


def train(
    model: nn.Module,
    tokens: Tensor,
    rate: float,
    *,
    steps: int = 0,
    seconds: float = 0.0,
    batch: int = 16,
    context: int = CONTEXT,
) -> int:
    """Train by AdamW, for so many steps or seconds of CPU time; return the steps.

    The rate rises over the first twentieth and then falls as a cosine to 0.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), rate, (0.9, 0.95), weight_decay=0.1, fused=True
    )
    model.train()
    begin, step, done = time.process_time(), 0, 0.0
    while done < 1:
        wave = 0.5 + 0.5 * math.cos(math.pi * done)
        optimizer.param_groups[0]["lr"] = rate * min(1, 20 * done + 0.02) * wave
        places = torch.randint(len(tokens) - context, (batch, 1)) + torch.arange(
            context + 1
        )
        rows = tokens[places.clamp_max(len(tokens) - 1)]
        scores = model(rows[:, :-1])
        loss = F.cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        spent = (time.process_time() - begin) / seconds if seconds else 0.0
        done = spent or step / steps
    return step


@torch.no_grad()
def bits_per_byte(
    model: nn.Module, tokens: Tensor, size: int, context: int = CONTEXT
) -> float:
    """Return the bits per byte of a text of `size` bytes, given as its tokens.

    Windows overlap by half, and only what has half a window before it counts, so each
    token but the first is told once. The model is in `eval()` then, and stays there.
    """
    model.eval()
    stride, total = context // 2, 0.0
    for begin in range(0, len(tokens) - 1, stride):
        rows = tokens[begin : begin + context + 1]
        first = 0 if begin == 0 else context - stride
        if len(rows) - 1 <= first:
            break
        scores = model(rows[None, :-1])[0, first:]
        total += F.cross_entropy(scores, rows[first + 1 :], reduction="sum").item()
    return round(total / math.log(2) / size, 4)


class Table:
    """What followed each context of one length, and how often.

    Attributes:
        after: for each context, how often each byte came next.
        total: for each context, the sum of these.
        discount: what Kneser-Ney takes off every count, from how many counts are 1 and
            2 (Ney, Essen and Kneser, 1994).
    """

    def __init__(self, after: dict[bytes, Counter[int]]):
        self.after = after
        self.total = {context: sum(c.values()) for context, c in after.items()}
        often = Counter(n for c in after.values() for n in c.values())
        self.discount = often[1] / max(1, often[1] + 2 * often[2])

    def shorter(self) -> "Table":
        """Count, one byte shorter, how many different bytes came in front of it.

        >>> Table({b"a": Counter({98: 7}), b"c": Counter({98: 1})}).shorter().after
        {b'': Counter({98: 2})}
        """
        after: dict[bytes, Counter[int]] = {}
        for context, counts in self.after.items():
            after.setdefault(context[1:], Counter()).update(counts.keys())
        return Table(after)


def count(text: bytes, order: int) -> Table:
    """Count what followed each `order - 1` bytes of a text.

    >>> count(b"abac", 2).after[b"a"]
    Counter({98: 1, 99: 1})
    """
    after: dict[bytes, Counter[int]] = {}
    for i in range(order - 1, len(text)):
        after.setdefault(text[i - order + 1 : i], Counter())[text[i]] += 1
    return Table(after)


Mix = Callable[[Table, bytes, int, float], float]


def fixed(share: float) -> Mix:
    """Give the table a fixed share, the shorter context the rest."""

    def mix(table: Table, context: bytes, byte: int, below: float) -> float:
        seen = table.after[context][byte] / table.total[context]
        return share * seen + (1 - share) * below

    return mix


def witten_bell(table: Table, context: bytes, byte: int, below: float) -> float:
    """Count the shorter context's word as often as there were different bytes."""
    seen, kinds = table.after[context], len(table.after[context])
    return (seen[byte] + kinds * below) / (table.total[context] + kinds)


def kneser_ney(table: Table, context: bytes, byte: int, below: float) -> float:
    """Take a discount off every count, and give it to the shorter context."""
    seen, off = table.after[context], table.discount
    freed = off * len(seen) * below
    return (max(seen[byte] - off, 0.0) + freed) / table.total[context]


def table_bits(text: bytes, tables: Sequence[Table], mix: Mix) -> float:
    """Return the bits per byte of a text under tables of order 1, 2, …, mixed.

    >>> table_bits(b"ab", [count(b"ab" * 9, 1)], fixed(1.0))
    1.0
    """
    total = 0.0
    for i, byte in enumerate(text):
        p = 1 / 256
        for length, table in enumerate(tables):
            context = text[i - length : i]
            if i < length or context not in table.after:
                break
            p = mix(table, context, byte, p)
        total -= math.log2(p)
    return round(total / len(text), 4)
