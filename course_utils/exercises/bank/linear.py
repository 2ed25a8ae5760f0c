"""Exercises of lesson 01: linear layers."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device


def _no_list(answer: Answer, *args: Any) -> Any:
    # Elsewhere a list is as good as a tuple; this text asks for a tuple.
    shape = answer(*args)
    if isinstance(shape, list):
        raise TypeError(f"Your result is a list, {shape}. The task asks for a tuple.")
    return shape


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
            "flattened",
            lambda x_shape, out_features: (math.prod(x_shape[:-1]), out_features),
            "All leading dimensions have become one. A linear layer replaces the last "
            "dimension and keeps all others, however many there are.",
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
        Misconception(
            "the weight's shape",
            lambda x_shape, out_features: (out_features, x_shape[-1]),
            "This is the shape of the layer's weight. The output keeps the dimensions "
            "of the input, except for the last.",
        ),
        Misconception(
            "nested",
            lambda x_shape, out_features: (x_shape[:-1], out_features),
            "There is a tuple inside your tuple. A star unpacks it: "
            "`(*x_shape[:-1], …)`; or add two tuples with `+`.",
        ),
        Misconception(
            "a list",
            lambda x_shape, out_features: [*x_shape[:-1], out_features],
            "The numbers are right, but they are in a list, and the task asks for a "
            "tuple: `tuple(…)` makes one of it.",
        ),
        Misconception(
            "no tuple to add",
            lambda x_shape, out_features: x_shape[:-1] + (out_features),
            "A number can't be added to a tuple. In parentheses it is still a number: "
            "a tuple of one has a comma, `(out_features,)`.",
        ),
        Misconception(
            "features only",
            lambda x_shape, out_features: (out_features,),
            "The leading dimensions are missing. A linear layer replaces the last "
            "dimension and keeps all others: `x_shape[:-1]`.",
        ),
        Misconception(
            "unchanged",
            lambda x_shape, out_features: x_shape,
            "This is the shape of the input. The layer puts `out_features` in the "
            "place of the last dimension.",
        ),
        Misconception(
            "squeezed",
            lambda x_shape, out_features: tuple(
                n for n in (*x_shape[:-1], out_features) if n != 1
            ),
            "Dimensions of size 1 are lost, as by `squeeze()`. A linear layer keeps "
            "all leading dimensions, and one output is a dimension too.",
        ),
    ),
    lambda: [
        ((10, 5), 3),
        ((7,), 2),
        ((4, 6, 5), 3),
        ((1, 2, 3, 8), 1),
        ((4, 3, 4), 2),
    ],
    _no_list,
    hints=(
        "Only one dimension of the input is changed by the layer. Which?",
        "The last one: `in_features` go in, `out_features` come out.",
        "`x_shape[:-1]` is everything before the last; append to it.",
    ),
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
            "Your count includes the biases even with `bias=False`, when there are "
            "none.",
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
        Misconception(
            "nothing without bias",
            lambda in_features, out_features, bias: (
                in_features * out_features + out_features if bias else 0
            ),
            "With `bias=False` your count is 0. Often a Python `a + b if bias else 0` "
            "does that: it chooses between the whole sum and 0. Put parentheses "
            "around `(b if bias else 0)`.",
        ),
        Misconception(
            "tensors counted",
            lambda in_features, out_features, bias: 1 + bias,
            "This is the number of parameter tensors, weight and bias. Count the "
            "numbers inside them: `numel()`.",
        ),
        Misconception(
            "sizes added",
            lambda in_features, out_features, bias: (
                in_features + out_features * (1 + bias)
            ),
            "You add up the sizes. The weight has `out_features` rows of "
            "`in_features` numbers each: multiply.",
        ),
        Misconception(
            "none without bias",
            lambda in_features, out_features, bias: (
                in_features * out_features + out_features if bias else None
            ),
            "With `bias=False` your function returns None: is the `return` inside the "
            "`if`? The weights are there in both cases.",
        ),
    ),
    lambda: [(784, 20, True), (5, 3, False), (3, 5, True), (1, 1, True), (4, 4, False)],
    hints=(
        "Count the numbers in the weight first, then those in the bias.",
        "The weight has `out_features` rows and `in_features` columns.",
        "The bias has one number per output, or none at all.",
    ),
)


def _affine_cases() -> list[Case]:
    # Odd sizes, a batch of one, a single output, one weight, a square weight, as many
    # rows as outputs, and tensors whose rows aren't stored one after the other.
    sizes = [(2, 3, 5), (1, 4, 3), (3, 4, 1), (2, 1, 1), (5, 3, 3), (3, 2, 3)]
    columns, weight, bias = randn((4, 2), (4, 3), (3,), seed=2)
    cases = [randn((n, i), (o, i), (o,)) for n, i, o in sizes]
    return [*cases, (columns.T, weight.T, bias)]


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
            "reshaped",
            lambda x, weight, bias: (
                x @ weight.reshape(weight.shape[1], weight.shape[0]) + bias
            ),
            "The shape is right, but the weights are mixed up: `reshape` reads them "
            "row by row into new rows. To make rows of the columns, transpose.",
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
        Misconception(
            "squeezed",
            lambda x, weight, bias: (x @ weight.T).squeeze() + bias,
            "Right but where there is a single example or a single output: there a "
            "dimension is missing. Often that is `squeeze()`, which removes every "
            "dimension of size 1.",
        ),
        *(
            Misconception(
                f"{name} feature left out",
                lambda x, weight, bias, keep=keep: (
                    x[:, keep] @ weight[:, keep].T + bias
                ),
                f"The {name} feature does not count in your sums: often a loop or a "
                "slice starts one place too late or ends one too early.",
            )
            for name, keep in (("first", slice(1, None)), ("last", slice(-1)))
        ),
        Misconception(
            "bias subtracted",
            lambda x, weight, bias: x @ weight.T - bias,
            "The weighted sums are right, but the bias is subtracted. Add it.",
        ),
        Misconception(
            "bias multiplied",
            lambda x, weight, bias: (x @ weight.T) * bias,
            "The weighted sums are multiplied by the bias. Add it.",
        ),
        Misconception(
            "bias on the transposed result",
            lambda x, weight, bias: weight @ x.T + bias,
            "`weight @ x.T` has one row per output and one column per example, so "
            "the result is turned, and the bias lines up with the examples. `x @ "
            "weight.T` keeps one row per example.",
        ),
        Misconception(
            "elementwise",
            lambda x, weight, bias: x * weight + bias,
            "`*` multiplies element by element, and adds nothing up. A weighted sum "
            "is a matrix product, `@`.",
        ),
        Misconception(
            "biases summed",
            lambda x, weight, bias: x @ weight.T + bias.sum(),
            "Every output gets the sum of all biases. Each output has a bias of its "
            "own: plain `+ bias`.",
        ),
        Misconception(
            "bias for every feature",
            lambda x, weight, bias: x @ weight.T + x.shape[1] * bias,
            "The bias is in your result once for every input feature: often it is "
            "added inside the loop over them. Sum first, then add it once.",
        ),
        Misconception(
            "mean for sum",
            lambda x, weight, bias: x @ weight.T / x.shape[1] + bias,
            "Your weighted sums are divided by the number of features, as a mean "
            "does. A linear layer takes the sum.",
        ),
        Misconception(
            "last example only",
            lambda x, weight, bias: x[-1] @ weight.T + bias,
            "This is the output of the last example alone. Often a loop overwrites "
            "its result each time: collect them, or multiply all rows at once.",
        ),
    ),
    _affine_cases,
    hints=(
        "One output is a weighted sum of one example's features, plus its bias.",
        "`x @ …` needs a matrix of shape `(in_features, out_features)`; `weight` is "
        "the other way round.",
        "Transpose `weight`, then let broadcasting add the bias to every row.",
    ),
    forbidden=("F.linear", "nn.Linear"),
    differentiable=True,
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
            "both",
            lambda in_features, out_features: 1 / math.sqrt(in_features + out_features),
            "Inputs and outputs are added under your root. Only the inputs count: each "
            "sum has `in_features` terms.",
        ),
        Misconception(
            "upside down",
            lambda in_features, out_features: math.sqrt(in_features),
            "Your bound grows with the number of inputs. It must shrink, so that the "
            "sums stay about as large: 1 divided by the root.",
        ),
        Misconception(
            "whole root",
            lambda in_features, out_features: 1 / math.isqrt(in_features),
            "Right only where the root is a whole number: yours is rounded down "
            "before the division, as `math.isqrt` and `int` do.",
        ),
        Misconception(
            "half",
            lambda in_features, out_features: in_features**-1 / 2,
            "This is 1/(2 · in_features). In Python `**` comes before `/`, so write "
            "the power as `-0.5`, or put it in parentheses.",
        ),
        Misconception(
            "Xavier",
            lambda in_features, out_features: math.sqrt(
                6 / (in_features + out_features)
            ),
            "This is Xavier's bound, √(6/(in + out)): a good rule, and the default in "
            "Keras, but not what nn.Linear uses.",
        ),
        Misconception(
            "He",
            lambda in_features, out_features: math.sqrt(6 / in_features),
            "This is He's bound for ReLU, √(6/in). nn.Linear starts smaller, without "
            "the 6.",
        ),
        Misconception(
            "measured",
            lambda in_features, out_features: (
                torch.nn.Linear(in_features, out_features).weight.abs().max().item()
            ),
            "This is the largest weight of one layer. It comes close to the bound, but "
            "is smaller, and another one each time. The bound follows from "
            "`in_features` alone.",
        ),
        Misconception(
            "standard deviation",
            lambda in_features, out_features: 1 / math.sqrt(3 * in_features),
            "This is the standard deviation of the weights. An even draw from -bound "
            "to bound has bound/√3; the task asks for the bound.",
        ),
        *(
            Misconception(
                f"rounded to {digits} decimals",
                lambda in_features, out_features, digits=digits: round(
                    1 / math.sqrt(in_features), digits
                ),
                f"Your bound is right but rounded to {digits} decimals. The task asks "
                "for the exact one: leave out `round`.",
            )
            for digits in (2, 3, 4)
        ),
        Misconception(
            "whole division",
            lambda in_features, out_features: math.sqrt(1 // in_features),
            "Your bound is 0: `1 // in_features` is rounded down to 0. Divide with "
            "`/`.",
        ),
    ),
    lambda: [(4, 9), (5, 7), (100, 200), (784, 20), (2, 2)],
    hints=(
        "The more terms a sum has, the smaller each weight should be.",
        "The terms of one sum are the inputs, not the outputs.",
        "Independent terms add up like a root: the bound shrinks with √in_features.",
    ),
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
            "layers exchanged",
            lambda w1, b1, w2, b2: (w1 @ w2, w1 @ b2 + b1),
            "This runs layer 2 first and layer 1 after it. The first layer's weight "
            "meets x first, so it stands on the right: `w2 @ w1`.",
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
        Misconception(
            "bias from the left",
            lambda w1, b1, w2, b2: (w2 @ w1, b1 @ w2 + b2),
            "`b1 @ w2` sums over the outputs of the second layer. The first bias is "
            "an input of that layer: `w2 @ b1`, or `b1 @ w2.T`.",
        ),
        Misconception(
            "weight transposed",
            lambda w1, b1, w2, b2: (w1.T @ w2.T, w2 @ b1 + b2),
            "The bias is right, and the weight but for its order: yours is "
            "`(in_features, out_features)`, and nn.Linear stores the transpose.",
        ),
        Misconception(
            "bias through both",
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ (b1 + b2)),
            "You send the sum of both biases through the second layer. Only the first "
            "one passes through it; `b2` is added after it.",
        ),
        Misconception(
            "layers added",
            lambda w1, b1, w2, b2: (w1 + w2, b1 + b2),
            "You add the two layers. They are used one after the other: put the "
            "first layer's output into the second, W2 (W1 x + b1) + b2.",
        ),
        Misconception(
            "bias first",
            lambda w1, b1, w2, b2: (w2 @ b1 + b2, w2 @ w1),
            "Both are right, but in the other order. Return the weight first.",
        ),
        Misconception(
            "second bias subtracted",
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 - b2),
            "The weight is right; in the bias, `b2` is subtracted. Add it.",
        ),
        Misconception(
            "second bias for every hidden unit",
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 + len(b1) * b2),
            "The weight is right. `b2` is in your bias once for every hidden unit: "
            "often it is added inside the loop over them. Add it once, at the end.",
        ),
        Misconception(
            "biases multiplied",
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 * b2),
            "The weight is right. In the bias, `b2` is a factor. Add it.",
        ),
    ),
    lambda: [
        randn((h, i), (h,), (o, h), (o,))
        for i, h, o in [(3, 5, 2), (2, 3, 1), (4, 1, 3), (1, 2, 2), (3, 3, 3)]
    ],
    hints=(
        "Write the second layer's output, and put the first layer's in for its input.",
        "W2 (W1 x + b1) + b2: multiply it out.",
        "What multiplies x is the weight; everything else is the bias.",
    ),
    parts=("the weight", "the bias"),
)

_Gradients = Callable[[Tensor, Tensor, Tensor], Tensor]  # of x, weight and g

# Mistakes in one of the three gradients: they go together with those in the others.
_BACKWARD_FAULTS: tuple[dict[str, _Gradients], ...] = (
    {"dx transposed": lambda x, weight, g: g @ weight.T},
    {
        "dW transposed": lambda x, weight, g: x.T @ g,
        "weight divided by the batch size": lambda x, weight, g: g.T @ x / len(x),
    },
    {
        "mean over the batch": lambda x, weight, g: g.mean(0),
        "bias not summed": lambda x, weight, g: g,
        "bias summed over outputs": lambda x, weight, g: g.sum(1),
        "bias in one number": lambda x, weight, g: g.sum(),
        "dimension kept": lambda x, weight, g: g.sum(0, keepdim=True),
        "g ignored for the bias": lambda x, weight, g: torch.ones_like(g[0]),
    },
)


def _backward_with(faults: frozenset[str]) -> Answer | None:
    """Return the answer with these mistakes; None if two are in one gradient."""
    chosen: list[_Gradients] = [
        lambda x, weight, g: g @ weight,
        lambda x, weight, g: g.T @ x,
        lambda x, weight, g: g.sum(0),
    ]
    found = 0
    for place, known in enumerate(_BACKWARD_FAULTS):
        for name in faults & known.keys():
            chosen[place], found = known[name], found + 1
            break
    if found < len(faults):
        return None
    return lambda x, weight, g: tuple(part(x, weight, g) for part in chosen)


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
            "Your gradient of the bias is a mean over the batch. The bias is used "
            "once per example and the gradients add up: sum over the batch. (A mean "
            "belongs to the loss, inside `g`.)",
        ),
        Misconception(
            "means over the batch",
            lambda x, weight, g: (g @ weight, g.T @ x / len(x), g.mean(0)),
            "Your gradients of weight and bias are means over the batch. They add up "
            "over the examples: no division. (A mean belongs to the loss, inside "
            "`g`.)",
        ),
        Misconception(
            "weight divided by the batch size",
            lambda x, weight, g: (g @ weight, g.T @ x / len(x), g.sum(0)),
            "Your gradient of the weight is divided by the batch size. It adds up "
            "over the examples: no division. (A mean belongs to the loss, inside "
            "`g`.)",
        ),
        Misconception(
            "bias not summed",
            lambda x, weight, g: (g @ weight, g.T @ x, g),
            "Your gradient of the bias has one row per example. The bias is used once "
            "per example, and the gradients add up: sum `g` over the batch.",
        ),
        Misconception(
            "bias summed over outputs",
            lambda x, weight, g: (g @ weight, g.T @ x, g.sum(1)),
            "You sum over the outputs (`dim=1`). The bias has one entry per output, "
            "so sum over the examples: `g.sum(0)`.",
        ),
        Misconception(
            "bias in one number",
            lambda x, weight, g: (g @ weight, g.T @ x, g.sum()),
            "You sum all of `g`. The bias has one entry per output, so sum over the "
            "examples only: `dim=0`.",
        ),
        Misconception(
            "dimension kept",
            lambda x, weight, g: (g @ weight, g.T @ x, g.sum(0, keepdim=True)),
            "The numbers are right, but your gradient of the bias has a dimension of "
            "size 1 too many, as from `keepdim=True`. The bias is `(out_features,)`.",
        ),
        Misconception(
            "dx transposed",
            lambda x, weight, g: (g @ weight.T, g.T @ x, g.sum(0)),
            "On the way back the weight is not transposed: `g` has one column per "
            "output, and `weight` has one row per output.",
        ),
        Misconception(
            "another order",
            lambda x, weight, g: (g.T @ x, g.sum(0), g @ weight),
            "The three gradients are right, but in another order. First that of `x`, "
            "then that of `weight`, then that of the bias.",
        ),
        Misconception(
            "both transposed",
            lambda x, weight, g: (g @ weight.T, x.T @ g, g.sum(0)),
            "Your gradients of `x` and of `weight` do not have the shapes of `x` "
            "and `weight`. Each needs a transpose where you have none, or none "
            "where you have one.",
        ),
        Misconception(
            "weight before x",
            lambda x, weight, g: (g.T @ x, g @ weight, g.sum(0)),
            "The gradients are right, but the first two have changed places: that "
            "of `x` comes first.",
        ),
        Misconception(
            "g ignored for the bias",
            lambda x, weight, g: (g @ weight, g.T @ x, torch.ones_like(g[0])),
            "Your gradient of the bias is all ones: that is how the output changes "
            "with it. How the loss changes with the output is in `g`: sum it over "
            "the batch.",
        ),
        Misconception(
            "g ignored",
            lambda x, weight, g: (weight, x, torch.ones_like(g[0])),
            "You return how the *output* changes. How the loss changes with the "
            "output is in `g`, and belongs into each of the three gradients.",
        ),
        Misconception(
            "g taken for ones",
            lambda x, weight, g: (
                torch.ones_like(g) @ weight,
                torch.ones_like(g).T @ x,
                torch.ones_like(g).sum(0),
            ),
            "`g` has no effect: these are the gradients of the plain sum of all "
            "outputs. How the loss changes with each output is in `g`: put it where "
            "you have ones.",
        ),
    ),
    lambda: [
        randn((n, i), (o, i), (n, o))
        for n, i, o in [(4, 3, 2), (1, 2, 3), (2, 4, 1), (3, 2, 3), (5, 3, 3)]
    ],
    hints=(
        "Each gradient has the shape of what it is a gradient of.",
        "Only one product of `g` and `weight` has the shape of `x`, and only one of "
        "`g` and `x` has that of `weight` (transpose where needed).",
        "The bias is used once per example: its gradients add up over the batch.",
    ),
    parts=("the gradient of `x`", "the gradient of `weight`", "the gradient of bias"),
    switches=_backward_with,
)


def require_floats(parts: Any, names: Sequence[str]) -> None:
    """Raise an error if `parts` can't be the weights and biases of layers.

    >>> require_floats((torch.ones(3, 2), torch.zeros(3)), ("weight", "bias"))
    >>> require_floats((torch.ones(3, 2), torch.tensor([0, 1])), ("weight", "bias"))
    Traceback (most recent call last):
    ValueError: A tensor of yours holds whole numbers: make all of them floats.

    Args:
        parts: what a learner's design returned.
        names: what each part is called in the text.

    Raises:
        ValueError: with a message for the learner.
    """
    if not isinstance(parts, tuple | list) or len(parts) != len(names):
        quoted = ", ".join(f"`{name}`" for name in names)
        raise ValueError(f"Return {len(names)} tensors in a tuple: {quoted}.")
    if not all(isinstance(part, Tensor) for part in parts):
        raise ValueError("Return tensors: `torch.tensor(…)` makes one of a list.")
    if not all(part.is_floating_point() for part in parts):
        message = "A tensor of yours holds whole numbers: make all of them floats."
        raise ValueError(message)


def _layer_of(rows: list[list[float]], bias: list[float]) -> Answer:
    return lambda: (torch.tensor(rows), torch.tensor(bias))


def _apply_design(design: Answer, x: Tensor) -> Tensor:
    layer = design()
    require_floats(layer, ("weight", "bias"))
    weight, bias = (part.to(x) for part in layer)
    if (weight.shape, bias.shape) != ((3, 2), (3,)):
        raise ValueError(
            f"Your weight has shape {tuple(weight.shape)} and your bias "
            f"{tuple(bias.shape)}: look up what `nn.Linear` stores for two numbers in "
            "and three out."
        )
    return F.linear(x, weight, bias)


def _pairs() -> list[Case]:
    tables = [[[2.0, -1.0]], [[1.0, 0.0], [0.0, 1.0], [-2.0, 3.0]]]
    return [
        *((torch.tensor(table, device=current_device()),) for table in tables),
        randn((7, 2)),
    ]


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
            "whole numbers",
            lambda: (torch.tensor([[1, 1], [1, -1], [2, 0]]), torch.tensor([0, 0, 1])),
            "A tensor of yours holds whole numbers, which a layer can't multiply with "
            "floats. One decimal point in it is enough: `1.0` for `1`.",
        ),
        Misconception(
            "bias as a column",
            lambda: (
                torch.tensor([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]]),
                torch.tensor([[0.0], [0.0], [1.0]]),
            ),
            "Your bias is a column, of shape (3, 1). It has one dimension only: "
            "three numbers in one pair of brackets.",
        ),
        Misconception(
            "bias first",
            lambda: (
                torch.tensor([0.0, 0.0, 1.0]),
                torch.tensor([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]]),
            ),
            "Your first tensor has the shape of a bias and the second that of a "
            "weight. Return the weight first.",
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
        Misconception(
            "constant twice",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 1.0]], [0.0, 0.0, 1.0]),
            "Your third output is 2a + b + 1: there is a weight for b as well. The "
            "output does not depend on b.",
        ),
        Misconception(
            "bias everywhere",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]], [1.0, 1.0, 1.0]),
            "Every output of yours has a 1 added. Only the third one, 2a + 1, needs "
            "it.",
        ),
        Misconception(
            "2 on b",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [0.0, 2.0]], [0.0, 0.0, 1.0]),
            "Your third output is 2b + 1: the 2 is in the column of b. The first "
            "column is that of a.",
        ),
        Misconception(
            "columns exchanged",
            _layer_of([[1.0, 1.0], [-1.0, 1.0], [0.0, 2.0]], [0.0, 0.0, 1.0]),
            "a and b have changed places in your outputs: b - a and 2b + 1. The first "
            "column of the weight is that of a.",
        ),
        Misconception(
            "doubled constant",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]], [0.0, 0.0, 2.0]),
            "Your third output is 2a + 2, as if it were 2(a + 1). The constant is 1.",
        ),
        *(
            Misconception(
                f"bias of shape {shape}",
                lambda bias=bias: (
                    torch.tensor([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]]),
                    torch.tensor(bias),
                ),
                f"Your bias has the shape {shape}. It has one number for each of the "
                "three outputs, and one dimension: (3,).",
            )
            for shape, bias in (
                ("(1,)", [1.0]),
                ("()", 1.0),
                ("(1, 3)", [[0.0, 0.0, 1.0]]),
            )
        ),
        Misconception(
            "constant in the first output",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]], [1.0, 0.0, 0.0]),
            "The weights are right, but the 1 is added to the first output. It belongs "
            "to the third, 2a + 1.",
        ),
    ),
    _pairs,
    _apply_design,
    result="layer's output",
    hints=(
        "Row i of the weight says how much of a and of b goes into output i.",
        "a + b takes one of each: the first row is [1, 1]. Which numbers give a - b?",
        "b does not occur in 2a + 1, so its weight is 0; the 1 depends on no input.",
    ),
    arguments=("[a, b]",),
)

EXERCISES = (OUTPUT_SHAPE, COUNT, AFFINE, BOUND, MERGE, BACKWARD, DESIGN)
