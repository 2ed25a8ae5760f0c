"""What does each part of today's language models change? A small GPT-2, then RMSNorm,
SwiGLU, rotary positions and fewer key heads, each added to the one before."""

import sys
from functools import cache

import torch
from torch import Tensor

from course_utils import load_text
from course_utils.authoring.language import (
    GPT,
    bits_per_byte,
    encode,
    learn_merges,
    train,
)
from course_utils.authoring.record import record

MERGES, STEPS, SEEDS = 256, 250, range(3)
RATES = (0.004, 0.008)
PARTS: dict[str, dict[str, int]] = {
    "GPT-2": {},
    "RMSNorm": {"rms": True},
    "SwiGLU": {"gated": True},
    "rotary": {"rotary": True},
    "grouped": {"kv_heads": 1},
}
SETTINGS = [{"up_to": part, "rate": rate} for part in PARTS for rate in RATES]
RERUN = (0, {"validation": (2.2, 3.2)})


@cache
def tokens() -> tuple[Tensor, Tensor, int]:
    """Return training and validation as tokens, and the bytes of the latter."""
    text = load_text()
    merges = learn_merges(text.train, MERGES)
    training, validation = (
        torch.tensor(encode(part, merges)) for part in (text.train, text.validation)
    )
    return training, validation, len(text.validation.encode())


def network(up_to: str) -> GPT:
    """Return a GPT of two blocks with all parts up to this one."""
    names = list(PARTS)
    chosen: dict[str, int] = {}
    for name in names[: names.index(up_to) + 1]:
        chosen |= PARTS[name]
    return GPT(256 + MERGES, 64, 2, 4, **chosen)


def measure(up_to: str, rate: float) -> dict[str, object]:
    """Train three times for 250 steps of 8 windows of 64 tokens."""
    training, validation, size = tokens()
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        net = network(up_to)
        train(net, training, rate, steps=STEPS, batch=8, context=64)
        found.append(bits_per_byte(net, validation, size, context=64))
    heads = PARTS["grouped"]["kv_heads"] if up_to == "grouped" else 4
    return {
        "parameters": sum(p.numel() for p in network(up_to).parameters()),
        "cache_per_token": 2 * 2 * heads * 16,
        "validation": found,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
