"""A sentence of random words holds one of four keys: which? Five ways to make one
vector of the words, with short and with long sentences, the padding in the batch."""

import sys

import torch
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

RATES = (0.003, 0.01, 0.03, 0.1)
SEEDS = range(3)
STEPS, BATCH = 300, 64
WORDS, KEYS, FEATURES = 200, 4, 16
KINDS = ("mean, padding too", "masked mean", "masked max", "last word", "attention")
SETTINGS: list[Row] = [
    {"summary": kind, "longest": longest} for longest in (10, 80) for kind in KINDS
]
# masked mean, up to 80 words
RERUN = (6, {"test accuracy": (0.4, 1.0)})


def sentences(n: int, longest: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return sentences of 2 to `longest` words, (n, longest), 0 behind their end.

    Words 1 to 4 are the keys; the class is the number of the key, from 0.
    """
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(KEYS + 1, WORDS, (n, longest), generator=draw)
    lengths = torch.randint(2, longest + 1, (n,), generator=draw)
    key = torch.randint(KEYS, (n,), generator=draw)
    place = (torch.rand(n, generator=draw) * lengths).long()
    tokens[torch.arange(n), place] = key + 1
    return tokens * (torch.arange(longest) < lengths[:, None]), key


class Reader(nn.Module):
    """An embedding, a summary of the words, and a linear layer."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.embed = nn.Embedding(WORDS, FEATURES)
        self.score = nn.Linear(FEATURES, 1, bias=False)  # for attention
        self.head = nn.Linear(FEATURES, KEYS)

    def forward(self, tokens: Tensor) -> Tensor:
        h, real = self.embed(tokens), (tokens > 0)[..., None]
        if self.kind == "mean, padding too":
            return self.head(h.mean(1))
        if self.kind == "masked mean":
            return self.head((h * real).sum(1) / real.sum(1))
        if self.kind == "masked max":
            return self.head(h.masked_fill(~real, -torch.inf).amax(1))
        if self.kind == "last word":
            return self.head(h[torch.arange(len(h)), real.sum((1, 2)) - 1])
        weights = self.score(h).masked_fill(~real, -torch.inf).softmax(1)
        return self.head((weights * h).sum(1))


def trained(kind: str, longest: int, seed: int, rate: float) -> Reader:
    """Return a reader after 300 steps of Adam."""
    torch.manual_seed(seed)
    reader = Reader(kind)
    optimizer = torch.optim.Adam(reader.parameters(), lr=rate)
    tokens, keys = sentences(STEPS * BATCH, longest, 1_000 + seed)
    for rows in torch.arange(len(tokens)).split(BATCH):
        train_step(reader, tokens[rows], keys[rows], optimizer)
    return reader


def measure(summary: str, longest: int) -> Row:
    """Choose the rate on validation with one run each; then test three new runs."""
    validation, test = (sentences(2_000, longest, seed) for seed in (1, 2))
    found = {
        rate: accuracy(trained(summary, longest, 100, rate), *validation)
        for rate in RATES
    }
    rate = max(RATES, key=lambda rate: found[rate])
    readers = [trained(summary, longest, seed, rate) for seed in SEEDS]
    return {"rate": rate, "test accuracy": [accuracy(r, *test) for r in readers]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
