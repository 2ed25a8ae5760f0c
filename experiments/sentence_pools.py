"""Which of four keys does a sentence of random words hold, and which most often? Five
ways to make one vector of the words; then the same sentences in a longer batch."""

import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, train_step
from course_utils.data.experiments import Row

RATES = (0.003, 0.01, 0.03, 0.1)
SEEDS = range(3)
STEPS, BATCH = 300, 64
WORDS, KEYS, FEATURES, LONGEST = 2_000, 4, 16, 40
QUESTIONS = ("which key?", "which key most often?")
KINDS = ("mean, padding too", "masked mean", "masked max", "last word", "attention")
SETTINGS: list[Row] = [
    {"question": question, "summary": kind} for question in QUESTIONS for kind in KINDS
]
# which key most often?, masked mean
RERUN = (6, {"test accuracy": (0.95, 1.0), "longer batch": (0.95, 1.0)})


def sentences(question: str, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return sentences of 2 to 40 words, (n, 40), with 0 behind their end.

    Words 1 to 4 are the keys: there is one in a sentence, or every second word is one,
    drawn by chance. The class is the number of the most frequent key, from 0; sentences
    without a clear answer are left out.
    """
    draw = torch.Generator().manual_seed(seed)
    shape = (3 * n, LONGEST)  # enough, with those that are left out
    tokens = torch.randint(KEYS + 1, WORDS, shape, generator=draw)
    keys = torch.randint(1, KEYS + 1, shape, generator=draw)
    lengths = torch.randint(2, LONGEST + 1, shape[:1], generator=draw)
    chance = torch.rand(shape, generator=draw)
    places = torch.arange(LONGEST)
    real = places < lengths[:, None]
    if question == "which key?":
        held = places == (chance[:, :1] * lengths[:, None]).long()
    else:
        held = chance < 0.5
    tokens = torch.where(held, keys, tokens) * real
    counts = torch.stack([(tokens == key + 1).sum(1) for key in range(KEYS)], 1)
    most, next_to_it = counts.topk(2).values.T
    clear = most > next_to_it
    return tokens[clear][:n], counts[clear][:n].argmax(1)


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


def trained(kind: str, question: str, seed: int, rate: float) -> Reader:
    """Return a reader after 300 steps of Adam."""
    torch.manual_seed(seed)
    reader = Reader(kind)
    optimizer = torch.optim.Adam(reader.parameters(), lr=rate)
    tokens, keys = sentences(question, STEPS * BATCH, 1_000 + seed)
    for rows in torch.arange(len(tokens)).split(BATCH):
        train_step(reader, tokens[rows], keys[rows], optimizer)
    return reader


def measure(question: str, summary: str) -> Row:
    """Choose the rate on validation with one run each; then test three new runs."""
    (x, y), (tokens, keys) = (sentences(question, 2_000, seed) for seed in (1, 2))
    found = {
        rate: accuracy(trained(summary, question, 100, rate), x, y) for rate in RATES
    }
    rate = max(RATES, key=lambda rate: found[rate])
    readers = [trained(summary, question, seed, rate) for seed in SEEDS]
    longer = F.pad(tokens, (0, 3 * LONGEST))  # as beside a sentence of 160 words
    return {
        "rate": rate,
        "test accuracy": [accuracy(reader, tokens, keys) for reader in readers],
        "longer batch": [accuracy(reader, longer, keys) for reader in readers],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
