"""What does each part of today's language models change? A small GPT-2 with one part
exchanged, and with all of them: bits per byte of held-out text after 500 steps. The
learning rate is chosen for each, by another run."""

import sys

import torch

from course_utils import load_text
from course_utils.authoring.language import (
    GPT,
    MERGES,
    bits_per_byte,
    reference_tokens,
    train,
)
from course_utils.authoring.record import record

STEPS, SEEDS = 500, range(3)
RATES = (0.002, 0.004, 0.008, 0.016)
HEADS, WIDTH, LAYERS, CONTEXT = 4, 64, 2, 64
PARTS: dict[str, dict[str, int]] = {
    "RMSNorm, no biases": {"rms": True},
    "SwiGLU": {"gated": True},
    "rotary": {"rotary": True},
    "grouped queries": {"kv_heads": 2},
}
EVERY = {key: value for part in PARTS.values() for key, value in part.items()}
CHANGES: dict[str, dict[str, int]] = {"none": {}, **PARTS, "all four": EVERY}
SETTINGS = [{"exchanged": name} for name in CHANGES]
RERUN = (0, {"validation": (2.2, 3.2)})


def network(exchanged: str) -> GPT:
    """Return a GPT-2 of two blocks with some parts of today."""
    return GPT(256 + MERGES, WIDTH, LAYERS, HEADS, **CHANGES[exchanged])


def bits(exchanged: str, rate: float, seed: int) -> float:
    """Return the bits per byte of validation after 500 steps of 8 windows."""
    training, validation, _ = reference_tokens()
    size = len(load_text().validation.encode())
    torch.manual_seed(seed)
    net = network(exchanged)
    train(net, training, rate, steps=STEPS, batch=8, context=CONTEXT)
    return bits_per_byte(net, validation, size, context=CONTEXT)


def measure(exchanged: str) -> dict[str, object]:
    """Choose the rate by one run each, then train three times with the best."""
    rate = min(RATES, key=lambda rate: bits(exchanged, rate, seed=100))
    kept = CHANGES[exchanged].get("kv_heads", HEADS)
    return {
        "parameters": sum(p.numel() for p in network(exchanged).parameters()),
        "cache per token": 2 * LAYERS * kept * WIDTH // HEADS,
        "rate": rate,
        "validation": [bits(exchanged, rate, seed) for seed in SEEDS],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
