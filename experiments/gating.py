"""The feed-forward part of a small language model, with and without a gate, at equal
parameters: how many bits does it need for the next character of unread text?"""

import math
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import load_text
from course_utils.authoring.record import record
from course_utils.authoring.training import train_step
from course_utils.data.experiments import Row

PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "ReLU": F.relu,
    "GELU": F.gelu,
    "SiLU": F.silu,
}
GATED: dict[str, Callable[[Tensor], Tensor]] = {
    "GLU": torch.sigmoid,
    "GEGLU": F.gelu,
    "SwiGLU": F.silu,
    "gate, no activation": lambda z: z,
}
SETTINGS: list[Row] = [
    {"feed-forward": kind} for kind in ["no activation, no gate", *PLAIN, *GATED]
]
RATES = (0.001, 0.003, 0.009)  # one is chosen for each row, on the validation text
SEEDS = range(5)
CONTEXT, EMBEDDING, WIDTH, STEPS, BATCH = 16, 24, 128, 1_000, 128
RERUN = (6, {"bits per character": (2.2, 2.9)})  # SwiGLU


class FeedForward(nn.Module):
    """128 → 512 → 128 numbers, or 128 → 341 twice → 128 with a gate: 131,000."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.activation = (PLAIN | GATED).get(kind, lambda z: z)
        hidden = 8 * WIDTH // 3 if kind in GATED else 4 * WIDTH
        self.up = nn.Linear(WIDTH, hidden, bias=False)
        self.down = nn.Linear(hidden, WIDTH, bias=False)
        self.gate = nn.Linear(WIDTH, hidden, bias=False) if kind in GATED else None

    def forward(self, x: Tensor) -> Tensor:
        if self.gate is None:
            return self.down(self.activation(self.up(x)))
        return self.down(self.activation(self.gate(x)) * self.up(x))


class Model(nn.Module):
    """Scores for the next character, from the 16 before it."""

    def __init__(self, kind: str, characters: int) -> None:
        super().__init__()
        self.table = nn.Embedding(characters, EMBEDDING)
        self.first = nn.Linear(CONTEXT * EMBEDDING, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.parts = nn.ModuleList(FeedForward(kind) for _ in range(2))
        self.last = nn.Linear(WIDTH, characters)

    def forward(self, context: Tensor) -> Tensor:  # (N, 16) -> (N, characters)
        x = self.first(self.table(context).flatten(1))
        for norm, part in zip(self.norms, self.parts, strict=False):
            x = x + part(norm(x))
        return self.last(self.norms[-1](x))


def load() -> tuple[list[Tensor], int]:
    """Return the three texts as numbers, and how many characters there are."""
    texts = load_text()
    number = {c: i for i, c in enumerate(sorted(set("".join(texts))))}
    return [torch.tensor([number[c] for c in text]) for text in texts], len(number)


def windows(text: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    return text[starts[:, None] + torch.arange(CONTEXT)], text[starts + CONTEXT]


def train(model: Model, text: Tensor, lr: float) -> Model:
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, STEPS)
    for _ in range(STEPS):
        starts = (torch.rand(BATCH) * (len(text) - CONTEXT)).long()
        context, following = windows(text, starts)
        train_step(model, context, following, optimizer)
        schedule.step()
    return model


@torch.no_grad()
def bits(model: Model, text: Tensor) -> float:
    """Return the mean bits per character, read at every second place."""
    context, following = windows(text, torch.arange(0, len(text) - CONTEXT, 2))
    return F.cross_entropy(model(context), following).item() / math.log(2)


def measure(**setting: str) -> Row:
    kind = setting["feed-forward"]
    (training, validation, test), characters = load()

    def trained(seed: int, lr: float) -> Model:
        torch.manual_seed(seed)
        return train(Model(kind, characters), training, lr)

    on_validation = {lr: bits(trained(100, lr), validation) for lr in RATES}
    lr = min(on_validation, key=lambda rate: on_validation[rate])
    models = [trained(seed, lr) for seed in SEEDS]
    weights = sum(p.numel() for p in models[0].parts.parameters())
    found = [round(bits(model, test), 4) for model in models]
    return {"weights": weights, "lr": lr, "bits per character": found}


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
