"""The table of layers says what torch does."""

import re

import pytest
import torch
from torch import nn

from course_utils.site.pages import TEMPLATES

ROWS = (TEMPLATES / "layers.md").read_text(encoding="utf-8").splitlines()
SIZES = {"N": 2, "C": 6, "D": 8, "H": 9, "W": 7, "L": 5, "k": 3, "s": 2, "G": 3}
SIZES |= {"V": 11, "F": 10, "h": 2, "in": 4, "out": 3, "a": 4, "b": 5, "p": 0.5}
X = torch.zeros(2, 6, 9, 7)
SEQUENCE = torch.zeros(2, 5, 8)
# What each layer gets, and the first thing that it returns.
CASES = {
    "Linear": (torch.zeros(2, 5, 4), (2, 5, 3)),
    "PReLU": (X, X.shape),
    "BatchNorm1d": (torch.zeros(2, 6, 5), (2, 6, 5)),
    "BatchNorm2d": (X, X.shape),
    "LayerNorm": (SEQUENCE, SEQUENCE.shape),
    "GroupNorm": (X, X.shape),
    "RMSNorm": (SEQUENCE, SEQUENCE.shape),
    "Conv1d": (torch.zeros(2, 6, 5), (2, 8, 5 - 3 + 1)),
    "Conv2d": (X, (2, 8, 9 - 3 + 1, 7 - 3 + 1)),
    "ConvTranspose2d": (X, (2, 8, (9 - 1) * 2 + 3, (7 - 1) * 2 + 3)),
    "AdaptiveAvgPool2d": (X, (2, 6, 2, 2)),
    "Embedding": (torch.zeros(2, 5, dtype=torch.long), (2, 5, 8)),
    "RNN": (SEQUENCE, (2, 5, 9)),
    "GRU": (SEQUENCE, (2, 5, 9)),
    "LSTM": (SEQUENCE, (2, 5, 9)),
    "TransformerEncoderLayer": (SEQUENCE, SEQUENCE.shape),
    "Flatten": (X, (2, 6 * 9 * 7)),
}


def row(name):
    """Return the call of a layer in the table, and its count of parameters."""
    line = next(line for line in ROWS if line.startswith(f"| `nn.{name}("))
    call, _, _, count = [part.strip() for part in line.split("|")[1:5]]
    return call.split("`")[1], count


def value(count):
    """Return the number that a count of parameters stands for."""
    text = count.replace("·", "*").replace("²", "**2")
    text = re.sub(r"(?<=\d)(?=[A-Z(])|(?<=[A-Z])(?=[A-Z(])", "*", text)
    return eval(re.sub(r"\bin\b", "in_", text), {**SIZES, "in_": SIZES["in"]})


@pytest.mark.parametrize("name", CASES)
def test_parameters_and_shapes_are_torchs(name):
    call, count = row(name)
    layer = eval(re.sub(r"\bin\b", "in_", call), {"nn": nn, **SIZES, "in_": 4})
    assert sum(p.numel() for p in layer.parameters()) == value(count)
    given, wanted = CASES[name]
    found = layer(given)
    assert (found[0] if isinstance(found, tuple) else found).shape == wanted
