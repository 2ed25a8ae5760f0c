"""How many bits per byte of held-out text? Tables of n-grams; an LSTM and a GPT, on the
same tokens, with about equally many parameters and equal time. Short runs choose the
rate, long ones the dropout, both on validation; three seeds of the chosen."""

import sys
from functools import cache

import torch
from torch import nn

from course_utils import load_text
from course_utils.authoring.language import (
    GPT,
    LSTM,
    MERGES,
    Mix,
    bits_per_byte,
    count,
    fixed,
    kneser_ney,
    reference_tokens,
    table_bits,
    train,
    witten_bell,
)
from course_utils.authoring.record import record
from course_utils.data.experiments import Row, load_experiment

BATCH, CONTEXT = 8, 128
NETWORKS = ("LSTM", "GPT")
RATES = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
SHORT = 20  # seconds for each of these, with dropout 0.15
# As long as more of it helped.
DROPOUTS = {"LSTM": (0.0, 0.15, 0.3, 0.45), "GPT": (0.0, 0.15, 0.3)}
LONG = 240  # seconds for each of these
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
SETTINGS: list[Row] = [
    *({"model": "n-gram", "order": order} for order in range(1, 8)),
    *({"model": m, "seconds": SHORT, "rate": r} for m in NETWORKS for r in RATES),
    *(
        {"model": model, "seconds": LONG, "dropout": dropout}
        for model in NETWORKS
        for dropout in DROPOUTS[model]
    ),
    *({"model": m, "seconds": LONG, "seed": n} for m in NETWORKS for n in (1, 2, 3)),
]
RERUN = (4, {"test": (1.6, 2.1)})  # tables up to order 5


@cache
def texts() -> list[bytes]:
    """Return the three parts of the reference text as bytes."""
    return [part.encode() for part in load_text()]


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
    chosen = min(found, key=lambda name: found[name])
    shares = [bits for name, bits in found.items() if name.startswith("fixed")]
    return {
        "fixed shares": min(shares),
        "Witten-Bell": found["Witten-Bell"],
        "Kneser-Ney": found["Kneser-Ney"],
        "chosen": chosen,
        "parameters": sum(len(c) for table in raw for c in table.after.values()),
        "test": table_bits(test, *ways[chosen]),
    }


def best(model: str, seconds: int, setting: str) -> float:
    """Return the setting that did best on validation, in the rows of one kind."""
    rows = load_experiment("language").select(model=model, seconds=seconds)
    tried = [row for row in rows if "seed" not in row]
    return min(tried, key=lambda row: row["validation"])[setting]


def measure(
    model: str,
    order: int = 0,
    seconds: int = 0,
    rate: float | None = None,
    dropout: float | None = None,
    seed: int = 0,
) -> dict[str, object]:
    """Return a row: tables up to an order, or one run of a network.

    What a row does not say, the rate or the dropout, is what did best before. Seed 0
    chooses; only the runs of other seeds see the test part.
    """
    if model == "n-gram":
        return tables(order)
    if rate is None and dropout is None:
        dropout = best(model, LONG, "dropout")
    known = {
        "rate": rate or best(model, SHORT, "rate"),
        "dropout": 0.15 if dropout is None else dropout,
    }
    training, validation, test = reference_tokens()
    sizes = [len(part) for part in texts()]
    torch.manual_seed(seed)
    net = network(model, known["dropout"])
    steps = train(
        net, training, known["rate"], seconds=seconds, batch=BATCH, context=CONTEXT
    )
    found = {
        "parameters": sum(p.numel() for p in net.parameters()),
        "steps": steps,
        "epochs": round(steps * BATCH * CONTEXT / len(training), 1),
        "training": bits_per_byte(net, training, sizes[0], CONTEXT),
        "validation": bits_per_byte(net, validation, sizes[1], CONTEXT),
    }
    if seed:
        found["test"] = bits_per_byte(net, test, sizes[2], CONTEXT)
    return known | found


if __name__ == "__main__":
    torch.set_num_threads(1)
    record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
