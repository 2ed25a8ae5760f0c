"""Which digit came three places before? Trained on 4 to 16 digits, tested on more: four
ways to say the place, and none."""

import math
import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

WIDTH, HEADS, LAYERS, VOCABULARY = 32, 2, 2, 10
SHORTEST, LONGEST = 4, 16  # in training
LENGTHS = (8, 16, 20, 24, 32, 64)
STEPS, BATCH = 400, 32
RATES = (0.001, 0.003, 0.01)
SEEDS = range(3)
KINDS = ("none", "learnt", "sinusoidal", "rotary", "relative")
SETTINGS: list[Row] = [{"kind": kind} for kind in KINDS]
# rotary
RERUN = (3, {"at 8": (0.95, 1.0), "at 16": (0.95, 1.0)})


def three_before(digits: Tensor) -> Tensor:
    """Return what each place should say; the first three say themselves."""
    return torch.cat([digits[:, :3], digits[:, :-3]], dim=1)


def angles(length: int, d: int) -> Tensor:
    """Return the angle of each clock at each place, (length, d / 2)."""
    speeds = 10_000 ** (-torch.arange(0, d, 2) / d)
    return torch.arange(length)[:, None] * speeds


def turned(x: Tensor) -> Tensor:
    """Turn each pair of numbers by its clock's angle: rotary positions."""
    angle = angles(*x.shape[-2:])
    a, b = x[..., ::2], x[..., 1::2]
    pairs = [a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()]
    return torch.stack(pairs, dim=-1).flatten(-2)


class Attention(nn.Module):
    """Self-attention without a mask, with rotary or relative positions if asked."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        # one number per head and distance; whatever is farther shares the last
        self.bias = nn.Parameter(torch.zeros(HEADS, 2 * LONGEST - 1))

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind()
        if self.kind == "rotary":
            q, k = turned(q), turned(k)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if self.kind == "relative":
            places = torch.arange(x.shape[1])
            distance = (places - places[:, None]).clamp(1 - LONGEST, LONGEST - 1)
            scores = scores + self.bias[:, distance + LONGEST - 1]
        mixed = scores.softmax(dim=-1) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A pre-norm block: attention, then a feed-forward part."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = Attention(kind)
        self.feed = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.feed(self.norm2(x))


class Reader(nn.Module):
    """Digits in, a score for each digit out, at every place."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.digits = nn.Embedding(VOCABULARY + 2, WIDTH)  # and begin, end
        self.places = nn.Embedding(max(LENGTHS) + 2, WIDTH)
        self.blocks = nn.Sequential(*[Block(kind) for _ in range(LAYERS)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, digits: Tensor) -> Tensor:
        framed = F.pad(F.pad(digits, (1, 0), value=10), (0, 1), value=11)
        x = self.digits(framed)
        if self.kind == "learnt":
            x = x + self.places.weight[: framed.shape[1]]
        if self.kind == "sinusoidal":
            angle = angles(framed.shape[1], WIDTH)
            x = x + torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
        return self.head(self.norm(self.blocks(x)))[:, 1:-1]


def trained(kind: str, seed: int, rate: float) -> Reader:
    """Return a reader after 400 batches, each of one length from 4 to 16."""
    torch.manual_seed(seed)
    reader = Reader(kind)
    optimizer = torch.optim.Adam(reader.parameters(), lr=rate)
    for length in torch.randint(SHORTEST, LONGEST + 1, (STEPS,)).tolist():
        digits = torch.randint(VOCABULARY, (BATCH, length))
        train_step(reader, digits, three_before(digits), optimizer)
    return reader


def right(reader: Reader, length: int, seed: int) -> float:
    """Return the share of right digits in 500 new sequences of one length."""
    draw = torch.Generator().manual_seed(seed)
    digits = torch.randint(VOCABULARY, (500, length), generator=draw)
    return accuracy(reader, digits, three_before(digits))


def measure(kind: str) -> Row:
    """Choose the rate at length 16 with one run each; then test three new runs."""
    found = {rate: right(trained(kind, 100, rate), LONGEST, 1_000) for rate in RATES}
    rate = max(RATES, key=lambda rate: found[rate])
    readers = [trained(kind, seed, rate) for seed in SEEDS]
    return {
        "rate": rate,
        **{
            f"at {length}": [right(reader, length, 2_000) for reader in readers]
            for length in LENGTHS
        },
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
