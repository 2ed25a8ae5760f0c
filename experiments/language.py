"""How many bits per byte of held-out text? Tables of n-grams; an LSTM and a GPT, on the
same tokens, with about equally many parameters and equal time. Short runs choose the
rate, long ones the dropout, both on validation; three seeds of the chosen."""

import sys
from functools import cache

import torch
from torch import Tensor, nn

from course_utils import load_text
from course_utils.authoring.language import (
    GPT,
    LSTM,
    Mix,
    bits_per_byte,
    count,
    encode,
    fixed,
    kneser_ney,
    learn_merges,
    table_bits,
    train,
    witten_bell,
)
from course_utils.authoring.record import record
from course_utils.data.experiments import Row

BATCH, CONTEXT, MERGES = 8, 128, 256
RATES, SHORT = (0.002, 0.004, 0.008, 0.016), 20
DROPOUTS, LONG = (0.0, 0.1, 0.2, 0.3), 180
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
# What the rows above chose on validation: a rate and a dropout each.
CHOSEN = {"LSTM": (0.004, 0.2), "GPT": (0.004, 0.1)}


def run(model: str, seconds: int, rate: float, dropout: float, seed: int = 0) -> Row:
    """Return the settings of a network's row."""
    times = {"seconds": seconds, "rate": rate, "dropout": dropout, "seed": seed}
    return {"model": model} | times


SETTINGS: list[Row] = [
    *({"model": "n-gram", "order": order} for order in range(1, 8)),
    *(run(model, SHORT, rate, 0.1) for model in CHOSEN for rate in RATES),
    *(
        run(model, LONG, rate, dropout)
        for model, (rate, _) in CHOSEN.items()
        for dropout in DROPOUTS
    ),
    *(
        run(model, LONG, rate, dropout, seed)
        for model, (rate, dropout) in CHOSEN.items()
        for seed in (1, 2, 3)
    ),
]
RERUN = (4, {"test": (1.6, 2.1)})  # tables up to order 5


@cache
def texts() -> list[bytes]:
    """Return the three parts of the reference text as bytes."""
    return [part.encode() for part in load_text()]


@cache
def tokens() -> list[Tensor]:
    """Return them as tokens: bytes and 256 merges learnt on the training part."""
    merges = learn_merges(load_text().train, MERGES)
    return [torch.tensor(encode(part, merges)) for part in load_text()]


def network(model: str, dropout: float) -> nn.Module:
    """Return a network of about 650,000 parameters."""
    if model == "LSTM":
        return LSTM(256 + MERGES, 256, dropout=dropout)
    parts = {"rms": True, "gated": True, "rotary": True}
    return GPT(256 + MERGES, 128, 3, **parts, dropout=dropout)


def tables(order: int) -> dict[str, object]:
    """Mix the tables of order 1 to `order`; the smoothing is chosen on validation."""
    training, validation, test = texts()
    raw = [count(training, n) for n in range(1, order + 1)]
    # Kneser-Ney counts in the shorter tables in how many contexts a byte was seen.
    kinds = [longer.shorter() for longer in raw[1:]] + raw[-1:]
    ways: dict[str, tuple[list, Mix]] = {
        **{f"fixed {share:g}": (raw, fixed(share)) for share in SHARES},
        "Witten-Bell": (raw, witten_bell),
        "Kneser-Ney": (kinds, kneser_ney),
    }
    found = {name: table_bits(validation, *way) for name, way in ways.items()}
    best = min(found, key=lambda name: found[name])
    shares = [bits for name, bits in found.items() if name.startswith("fixed")]
    return {
        "fixed shares": min(shares),
        "Witten-Bell": found["Witten-Bell"],
        "Kneser-Ney": found["Kneser-Ney"],
        "chosen": best,
        "parameters": sum(len(c) for table in raw for c in table.after.values()),
        "test": table_bits(test, *ways[best]),
    }


def measure(
    model: str,
    order: int = 0,
    seconds: float = 0.0,
    rate: float = 0.0,
    dropout: float = 0.0,
    seed: int = 0,
) -> dict[str, object]:
    """Return a row: tables up to an order, or one run of a network.

    Seed 0 chooses, on validation; only the runs of other seeds see the test part.
    """
    if model == "n-gram":
        return tables(order)
    training, validation, test = tokens()
    sizes = [len(part) for part in texts()]
    torch.manual_seed(seed)
    net = network(model, dropout)
    steps = train(net, training, rate, seconds=seconds, batch=BATCH, context=CONTEXT)
    found = {
        "parameters": sum(p.numel() for p in net.parameters()),
        "steps": steps,
        "epochs": round(steps * BATCH * CONTEXT / len(training), 1),
        "training": bits_per_byte(net, training, sizes[0], CONTEXT),
        "validation": bits_per_byte(net, validation, sizes[1], CONTEXT),
    }
    if seed:
        found["test"] = bits_per_byte(net, test, sizes[2], CONTEXT)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
