"""Lesson 01: shapes, counts, sizes, and a layer designed by hand."""

import math

import torch
import torch.nn.functional as F

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception

OUTPUT_SHAPE = Exercise(
    "linear.output_shape",
    lambda x_shape, out_features: (*x_shape[:-1], out_features),
    (
        Misconception(
            "batch only",
            lambda x_shape, out_features: (x_shape[0], out_features),
            "You keep the first dimension and drop those between: a linear layer "
            "replaces the last one and keeps all others.",
        ),
        Misconception(
            "first replaced",
            lambda x_shape, out_features: (out_features, *x_shape[1:]),
            "You replace the first dimension, the batch. The features are the last "
            "one, and that is what the layer replaces.",
        ),
        Misconception(
            "appended",
            lambda x_shape, out_features: (*x_shape, out_features),
            "You add a dimension. The layer consumes the last one (`in_features`) "
            "and puts `out_features` in its place.",
        ),
    ),
    lambda: [((10, 5), 3), ((7,), 2), ((4, 6, 5), 3), ((1, 2, 3, 8), 1)],
)

COUNT = Exercise(
    "linear.count",
    lambda in_features, out_features, bias: out_features * (in_features + bias),
    (
        Misconception(
            "bias not counted",
            lambda in_features, out_features, bias: in_features * out_features,
            "You count the weights alone: where `bias` is True, every output has "
            "one bias as well.",
        ),
        Misconception(
            "bias always counted",
            lambda in_features, out_features, bias: out_features * (in_features + 1),
            "You count the biases always: with `bias=False` there are none.",
        ),
        Misconception(
            "bias per input",
            lambda in_features, out_features, bias: in_features * (out_features + bias),
            "You count a bias for every input. It belongs to an output: there are "
            "`out_features` of them.",
        ),
        Misconception(
            "one bias in all",
            lambda in_features, out_features, bias: in_features * out_features + bias,
            "You count a single bias for the layer. Every output has its own.",
        ),
    ),
    lambda: [(784, 20, True), (5, 3, False), (3, 5, True), (1, 1, True)],
)

BOUND = Exercise(
    "linear.bound",
    lambda in_features, out_features: 1 / math.sqrt(in_features),
    (
        Misconception(
            "no root",
            lambda in_features, out_features: 1 / in_features,
            "This is 1/in_features; the bound has a square root: 1/√in_features.",
        ),
        Misconception(
            "outputs",
            lambda in_features, out_features: 1 / math.sqrt(out_features),
            "You take the outputs. A sum has `in_features` terms, and it is their "
            "number that must be tamed.",
        ),
        Misconception(
            "Xavier",
            lambda in_features, out_features: math.sqrt(
                6 / (in_features + out_features)
            ),
            "This is Xavier's bound, √(6/(in + out)): a good rule, and Keras' default, "
            "but not what nn.Linear uses.",
        ),
    ),
    lambda: [(4, 9), (100, 200), (784, 20)],
)


def _design() -> tuple[torch.Tensor, torch.Tensor]:
    weight = torch.tensor([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]])
    return weight, torch.tensor([0.0, 0.0, 1.0])


def _changed(rows: list, bias: list):
    return lambda: (torch.tensor(rows), torch.tensor(bias))


def _apply_design(design, x: torch.Tensor) -> torch.Tensor:
    weight, bias = design()
    return F.linear(x, weight.to(x), bias.to(x))


DESIGN = Exercise(
    "linear.design",
    _design,
    (
        Misconception(
            "transposed",
            _changed([[1.0, 1.0, 2.0], [1.0, -1.0, 0.0]], [0.0, 0.0, 1.0]),
            "Your weight has a column an output. nn.Linear wants a row an output: "
            "three rows of two numbers.",
        ),
        Misconception(
            "no bias",
            _changed([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]], [0.0, 0.0, 0.0]),
            "The weights are right. The 1 in 2a + 1 depends on no input: it is the "
            "third bias.",
        ),
        Misconception(
            "difference reversed",
            _changed([[1.0, 1.0], [-1.0, 1.0], [2.0, 0.0]], [0.0, 0.0, 1.0]),
            "Your second output is b - a; asked for is a - b.",
        ),
        Misconception(
            "constant as a weight",
            _changed([[1.0, 1.0], [1.0, -1.0], [2.0, 1.0]], [0.0, 0.0, 0.0]),
            "Your third output is 2a + b: the 1 stands in the column of b. A constant "
            "belongs in the bias.",
        ),
    ),
    lambda: [randn((n, 2)) for n in (1, 3, 7)],
    _apply_design,
)
