"""Exercises of lesson 01: linear layers."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception

OUTPUT_SHAPE = Exercise(
    "linear.output_shape",
    lambda x_shape, out_features: (*x_shape[:-1], out_features),
    (
        Misconception(
            "batch only",
            lambda x_shape, out_features: (x_shape[0], out_features),
            "You keep the first dimension and drop those in between. A linear layer "
            "replaces the last dimension and keeps all others.",
        ),
        Misconception(
            "first replaced",
            lambda x_shape, out_features: (out_features, *x_shape[1:]),
            "You replace the first dimension, the batch. The layer replaces the last "
            "one, the features.",
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
            "You count only the weights. With `bias=True` every output has one bias "
            "as well.",
        ),
        Misconception(
            "bias always counted",
            lambda in_features, out_features, bias: out_features * (in_features + 1),
            "You always count the biases. With `bias=False` there are none.",
        ),
        Misconception(
            "bias per input",
            lambda in_features, out_features, bias: in_features * (out_features + bias),
            "You count one bias per input. There is one per output: `out_features` of "
            "them.",
        ),
        Misconception(
            "one bias in all",
            lambda in_features, out_features, bias: in_features * out_features + bias,
            "You count a single bias for the whole layer. Every output has its own.",
        ),
    ),
    lambda: [(784, 20, True), (5, 3, False), (3, 5, True), (1, 1, True)],
)


def _affine_cases() -> list[Case]:
    # Odd sizes, a batch of one, a square weight, and as many rows as outputs.
    sizes = [(2, 3, 5), (1, 4, 3), (5, 3, 3), (3, 2, 3)]
    return [randn((n, i), (o, i), (o,)) for n, i, o in sizes]


AFFINE = Exercise(
    "linear.affine",
    lambda x, weight, bias: x @ weight.T + bias,
    (
        Misconception(
            "no transpose",
            lambda x, weight, bias: x @ weight + bias,
            "This is what `x @ weight` gives: nn.Linear stores weight as "
            "`(out_features, in_features)`, so transpose it.",
        ),
        Misconception(
            "no bias",
            lambda x, weight, bias: x @ weight.T,
            "The weighted sums are right; the bias is missing: add `+ bias`.",
        ),
        Misconception(
            "bias added to rows",
            lambda x, weight, bias: x @ weight.T + bias[:, None],
            "`bias[:, None]` adds one bias to a whole row, that is to one example. A "
            "bias belongs to one output, a column: plain `+ bias` does that.",
        ),
        Misconception(
            "W @ x",
            lambda x, weight, bias: weight @ x + bias,
            "`weight @ x` is the textbook order, for one column vector. Here the "
            "examples are rows: `x @ weight.T`.",
        ),
        Misconception(
            "transposed result",
            lambda x, weight, bias: weight @ x.T + bias[:, None],
            "The numbers are right, but the result is transposed: yours has one row "
            "per output. PyTorch keeps one row per example: `x @ weight.T + bias`.",
        ),
    ),
    _affine_cases,
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
            "You use the number of outputs. Each sum has `in_features` terms, so the "
            "bound depends on the inputs.",
        ),
        Misconception(
            "Xavier",
            lambda in_features, out_features: math.sqrt(
                6 / (in_features + out_features)
            ),
            "This is Xavier's bound, √(6/(in + out)): a good rule, and the default in "
            "Keras, but not what nn.Linear uses.",
        ),
    ),
    lambda: [(4, 9), (100, 200), (784, 20)],
)

MERGE = Exercise(
    "linear.merge",
    lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 + b2),
    (
        Misconception(
            "order",
            lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2),
            "You multiply `w1 @ w2`. The first layer's weight meets x first, so it "
            "stands on the right: `w2 @ w1`.",
        ),
        Misconception(
            "biases added",
            lambda w1, b1, w2, b2: (w2 @ w1, b1 + b2),
            "You add the biases. The first one passes through the second layer too, "
            "and comes out as `w2 @ b1`.",
        ),
        Misconception(
            "first bias lost",
            lambda w1, b1, w2, b2: (w2 @ w1, b2),
            "The weight is right, but the first bias is lost: it leaves the second "
            "layer as `w2 @ b1`.",
        ),
        Misconception(
            "second bias lost",
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1),
            "The weight is right, but the second bias is missing: add `b2`.",
        ),
    ),
    lambda: [randn((h, i), (h,), (o, h), (o,)) for i, h, o in [(3, 5, 2), (3, 3, 3)]],
)

BACKWARD = Exercise(
    "linear.backward",
    lambda x, weight, g: (g @ weight, g.T @ x, g.sum(0)),
    (
        Misconception(
            "dW transposed",
            lambda x, weight, g: (g @ weight, x.T @ g, g.sum(0)),
            "Your gradient of the weight is transposed. It needs the shape of the "
            "weight, `(out_features, in_features)`: `g.T @ x`.",
        ),
        Misconception(
            "mean over the batch",
            lambda x, weight, g: (g @ weight, g.T @ x, g.mean(0)),
            "You average the gradient of the bias. The bias is used once per example "
            "and the gradients add up: sum over the batch. (A mean belongs to the "
            "loss, inside `g`.)",
        ),
        Misconception(
            "bias summed over outputs",
            lambda x, weight, g: (g @ weight, g.T @ x, g.sum(1)),
            "You sum over the outputs (`dim=1`). The bias has one entry per output, "
            "so sum over the examples: `g.sum(0)`.",
        ),
        Misconception(
            "dx transposed",
            lambda x, weight, g: (g @ weight.T, g.T @ x, g.sum(0)),
            "On the way back the weight is not transposed: `g` has one column per "
            "output, and `weight` has one row per output.",
        ),
    ),
    lambda: [randn((n, i), (o, i), (n, o)) for n, i, o in [(4, 3, 2), (5, 3, 3)]],
)


def _layer_of(rows: list[list[float]], bias: list[float]) -> Answer:
    return lambda: (torch.tensor(rows), torch.tensor(bias))


def _apply_design(design: Answer, x: Tensor) -> Tensor:
    weight, bias = design()
    return F.linear(x, weight.to(x), bias.to(x))


DESIGN = Exercise(
    "linear.design",
    _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]], [0.0, 0.0, 1.0]),
    (
        Misconception(
            "transposed",
            _layer_of([[1.0, 1.0, 2.0], [1.0, -1.0, 0.0]], [0.0, 0.0, 1.0]),
            "Your weight has one column per output. nn.Linear needs one row per "
            "output: three rows of two numbers.",
        ),
        Misconception(
            "no bias",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]], [0.0, 0.0, 0.0]),
            "The weights are right. The 1 in 2a + 1 depends on no input: it belongs "
            "in the third bias.",
        ),
        Misconception(
            "difference reversed",
            _layer_of([[1.0, 1.0], [-1.0, 1.0], [2.0, 0.0]], [0.0, 0.0, 1.0]),
            "Your second output is b - a. The task asks for a - b.",
        ),
        Misconception(
            "constant as a weight",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 1.0]], [0.0, 0.0, 0.0]),
            "Your third output is 2a + b: the 1 is in the column of b. A constant "
            "belongs in the bias.",
        ),
    ),
    lambda: [randn((n, 2)) for n in (1, 3, 7)],
    _apply_design,
)

EXERCISES = (OUTPUT_SHAPE, COUNT, AFFINE, BOUND, MERGE, BACKWARD, DESIGN)
