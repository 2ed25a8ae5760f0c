"""Say n random symbols, out of sixteen, backwards: an LSTM reads them, another writes,
and gets the reader's last state alone, or looks at all its states as well (attention).
At most 600 batches of 64; the best of three learning rates by validation; three runs;
the writer is given the right symbols so far. Share of right symbols in 1,000 new texts.
"""

import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.data.experiments import Row

SYMBOLS, BATCH, BATCHES = 16, 64, 600
RATES, SEEDS = (0.003, 0.01, 0.03), range(3)
PASSED_ON = ("state of 32", "state of 64", "32 and attention")
SETTINGS: list[Row] = [
    {"n": n, "passed on": kind} for n in (4, 8, 16) for kind in PASSED_ON
]
# n = 4, state of 64
RERUN = (1, {"share right": (0.9, 1.0)})


def opened(inputs: int, hidden: int) -> nn.LSTM:
    """Return an LSTM with a forget bias of 1."""
    layer = nn.LSTM(inputs, hidden)
    with torch.no_grad():
        layer.bias_ih_l0[hidden : 2 * hidden] = 1.0
    return layer


class Translator(nn.Module):
    """Two LSTMs: the encoder reads the source, the decoder writes the target."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        hidden = 64 if "64" in kind else 32
        self.attends = "attention" in kind
        self.table = nn.Embedding(SYMBOLS + 1, 32)  # and a sign to begin with
        self.encoder, self.decoder = opened(32, hidden), opened(32, hidden)
        self.scores = nn.Linear(hidden * (2 if self.attends else 1), SYMBOLS)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:  # (n, N) each
        states, last = self.encoder(self.table(source))
        read = torch.cat([torch.full_like(target[:1], SYMBOLS), target[:-1]])
        h, _ = self.decoder(self.table(read), last)
        if self.attends:
            weights = torch.einsum("tnh,snh->tsn", h, states).softmax(dim=1)
            found = torch.einsum("tsn,snh->tnh", weights, states)
            h = torch.cat([h, found], dim=-1)
        return self.scores(h)


def learn(kind: str, n: int, seed: int, rate: float) -> float:
    """Return the share of symbols that are right, on 1,000 new sources."""
    torch.manual_seed(seed)
    model = Translator(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(BATCHES):
        source = torch.randint(SYMBOLS, (n, BATCH))
        target = source.flip(0)
        scores = model(source, target)
        loss = F.cross_entropy(scores.flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss < 0.01:  # solved; every batch is new
            break
    with torch.no_grad():
        source = torch.randint(SYMBOLS, (n, 1_000))
        right = model(source, source.flip(0)).argmax(dim=-1) == source.flip(0)
    return round(right.double().mean().item(), 3)


def measure(**setting: object) -> Row:
    """Choose the rate in a run of its own; then three new runs."""
    n, kind = int(str(setting["n"])), str(setting["passed on"])
    rate = max(RATES, key=lambda rate: learn(kind, n, 100, rate))
    return {
        "rate": rate,
        "share right": [learn(kind, n, seed, rate) for seed in SEEDS],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
