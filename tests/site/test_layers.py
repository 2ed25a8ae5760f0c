"""The table of layers says what torch does."""

import re

import nbformat
import pytest
import torch
from torch import nn

from course_utils.site.pages import TEMPLATES
from tests.lessons import LESSONS

TEXT = (TEMPLATES / "layers.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| `nn.")]
# Modules that hold layers, and what is no layer by itself.
HOLDERS = {"Module", "ModuleList", "Parameter", "Sequential"}
HOLDERS |= {"Transformer", "TransformerEncoder"}
SIZES = {"N": 2, "C": 6, "D": 8, "H": 9, "W": 7, "L": 5, "k": 3, "s": 2, "G": 3}
SIZES |= {"V": 11, "F": 10, "h": 2, "in_": 4, "out": 3, "a": 4, "b": 5, "p": 0.5}
SIZES |= {"dim": 1}
X = torch.zeros(2, 6, 9, 7)
SEQUENCE = torch.zeros(2, 5, 8)
SIGNAL = torch.zeros(2, 6, 5)
# What each layer gets, and the shape of what it returns, or of the first such thing.
CASES = {
    "Linear": (torch.zeros(2, 5, 4), (2, 5, 3)),
    "LazyLinear": (torch.zeros(2, 5, 4), (2, 5, 3)),
    "Bilinear": ((torch.zeros(2, 4), torch.zeros(2, 5)), (2, 3)),
    "PReLU": (X, X.shape),
    "GLU": (torch.zeros(2, 5, 16), (2, 5, 8)),
    "Softmax": (X, X.shape),
    "Dropout": (X, X.shape),
    "Dropout1d": (SIGNAL, SIGNAL.shape),
    "Dropout2d": (X, X.shape),
    "BatchNorm1d": (SIGNAL, SIGNAL.shape),
    "BatchNorm2d": (X, X.shape),
    "InstanceNorm1d": (SIGNAL, SIGNAL.shape),
    "InstanceNorm2d": (X, X.shape),
    "LayerNorm": (SEQUENCE, SEQUENCE.shape),
    "GroupNorm": (X, X.shape),
    "RMSNorm": (SEQUENCE, SEQUENCE.shape),
    "Identity": (X, X.shape),
    "Conv1d": (SIGNAL, (2, 8, 5 - 3 + 1)),
    "Conv2d": (X, (2, 8, 9 - 3 + 1, 7 - 3 + 1)),
    "ConvTranspose2d": (X, (2, 8, (9 - 1) * 2 + 3, (7 - 1) * 2 + 3)),
    "MaxPool1d": (SIGNAL, (2, 6, 5 // 3)),
    "MaxPool2d": (X, (2, 6, 9 // 3, 7 // 3)),
    "AvgPool2d": (X, (2, 6, 9 // 3, 7 // 3)),
    "AdaptiveAvgPool2d": (X, (2, 6, 2, 2)),
    "AdaptiveMaxPool2d": (X, (2, 6, 2, 2)),
    "Embedding": (torch.zeros(2, 5, dtype=torch.long), (2, 5, 8)),
    "RNN": (SEQUENCE, (2, 5, 9)),
    "GRU": (SEQUENCE, (2, 5, 9)),
    "LSTM": (SEQUENCE, (2, 5, 9)),
    "MultiheadAttention": ((SEQUENCE, SEQUENCE, SEQUENCE), SEQUENCE.shape),
    "TransformerEncoderLayer": (SEQUENCE, SEQUENCE.shape),
    "TransformerDecoderLayer": ((SEQUENCE, SEQUENCE), SEQUENCE.shape),
    "Flatten": (X, (2, 6 * 9 * 7)),
    "Unflatten": (torch.zeros(2, 6 * 9 * 7), (2, 6, 9, 7)),
}
ACTIVATIONS = ("ReLU", "LeakyReLU", "ELU", "Sigmoid", "Tanh", "GELU", "SiLU")
CASES |= dict.fromkeys([*ACTIVATIONS, "Hardswish", "Hardsigmoid"], (X, X.shape))


def calls(line):
    """Return the layers of a row, as they are called."""
    return re.findall(r"`nn\.(\w+)(\(.*?\))`", line.split("|")[1])


TABLE = {name: (call, line) for line in ROWS for name, call in calls(line)}


def value(count):
    """Return the number that a count of parameters stands for."""
    text = count.replace("·", "*").replace("²", "**2")
    text = re.sub(r"(?<=\d)(?=[A-Z(])|(?<=[A-Z])(?=[A-Z(])", "*", text)
    return eval(re.sub(r"\bin\b", "in_", text), dict(SIZES))


def test_every_layer_of_the_table_is_tried():
    assert TABLE.keys() == CASES.keys()


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("name", CASES)
def test_parameters_and_shapes_are_torchs(name):
    call, line = TABLE[name]
    call = re.sub(r"\bin\b", "in_", call)
    layer = eval(f"nn.{name}{call}", {"nn": nn, **SIZES})
    given, shape = CASES[name]
    found = layer(*given) if isinstance(given, tuple) else layer(given)
    assert (found[0] if isinstance(found, tuple) else found).shape == shape
    count = line.split("|")[4].strip()
    assert sum(p.numel() for p in layer.parameters()) == value(count)


def test_every_layer_that_a_lesson_uses_is_in_the_table():
    used = set()
    for path in LESSONS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                used |= set(re.findall(r"\bnn\.([A-Z]\w+)\(", cell.source))
    assert used - HOLDERS <= TABLE.keys()
