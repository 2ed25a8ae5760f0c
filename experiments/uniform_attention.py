"""Can a net write six digits backwards with its attention to them held uniform? And can
it if the digits do not say their place?"""

import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.record import record
from course_utils.data.experiments import Row

LENGTH, START, WIDTH = 6, 10, 32
BATCHES, BATCH, RATE = 1_200, 64, 0.003
SEEDS = range(3)
SETTINGS: list[Row] = [{"places": "yes"}, {"places": "no"}]
# with places
RERUN = (0, {"digits right": (0.8, 1.0)})


class Scribe(nn.Module):
    """An encoder and a decoder, one layer each, as in lesson 08."""

    def __init__(self, places: str) -> None:
        super().__init__()
        self.marked = places == "yes"  # do the digits read say where?
        self.digits = nn.Embedding(11, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        parts = {"dim_feedforward": 2 * WIDTH, "dropout": 0.0, "batch_first": True}
        self.core = nn.Transformer(WIDTH, 2, 1, 1, **parts)
        self.score = nn.Linear(WIDTH, 10)
        # queries and keys are 0 and stay so: every share is 1/6
        attention = self.core.decoder.layers[0].multihead_attn
        for packed in (attention.in_proj_weight, attention.in_proj_bias):
            packed.data[: 2 * WIDTH] = 0
            packed.register_hook(_without_queries_and_keys)

    def forward(self, source: Tensor, written: Tensor) -> Tensor:
        n = written.shape[1]
        mask = torch.ones(n, n, dtype=torch.bool).triu(1)
        places = self.places.weight
        x = self.digits(source) + self.marked * places
        y = self.digits(written) + places[:n]
        return self.score(self.core(x, y, tgt_mask=mask))


def _without_queries_and_keys(gradient: Tensor) -> Tensor:
    gradient = gradient.clone()
    gradient[: 2 * WIDTH] = 0
    return gradient


def _digits(n: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(10, (n, LENGTH), generator=draw)


def trained(places: str, seed: int) -> Scribe:
    """Return a net after 1,200 batches of Adam, taught with the right answers."""
    torch.manual_seed(seed)
    net = Scribe(places)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    for source in _digits(BATCHES * BATCH, 1_000 + seed).split(BATCH):
        answer = source.flip(1)
        scores = net(source, F.pad(answer[:, :-1], (1, 0), value=START))
        loss = F.cross_entropy(scores.flatten(0, 1), answer.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


@torch.no_grad()
def judged(net: Scribe, source: Tensor) -> tuple[float, float]:
    """Return the share of digits right, and of numbers, as the net writes alone."""
    written = torch.full((len(source), 1), START)
    for _ in range(LENGTH):
        best = net(source, written)[:, -1].argmax(dim=-1, keepdim=True)
        written = torch.cat([written, best], dim=1)
    right = (written[:, 1:] == source.flip(1)).double()
    return round(right.mean().item(), 4), round(right.amin(dim=1).mean().item(), 4)


def measure(places: str) -> Row:
    """Train three nets and let them write."""
    runs = [judged(trained(places, seed), _digits(1_000, 2)) for seed in SEEDS]
    return {
        "digits right": [digits for digits, _ in runs],
        "numbers right": [numbers for _, numbers in runs],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
