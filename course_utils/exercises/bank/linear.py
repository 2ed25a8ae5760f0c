"""Exercises of lesson 01: linear layers."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.explain import learners_frames
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.parts import switches
from course_utils.exercises.watch import watched_call
from course_utils.session import current_device

_Count = Callable[[int, int, bool], int]  # of in_features, out_features and bias


def _each(count: _Count) -> Answer:
    """Return an answer that adds `count` up over the layers of a stack."""
    return lambda widths, bias: sum(count(i, o, bias) for i, o in pairwise(widths))


_count_layers = _each(lambda i, o, bias: o * (i + bias))

COUNT = Exercise(
    "linear.count",
    _count_layers,
    (
        Misconception(
            "bias not counted",
            _each(lambda i, o, bias: i * o),
            "You count only the weights. With `bias=True` every output of every layer "
            "has one bias as well.",
        ),
        Misconception(
            "bias always counted",
            _each(lambda i, o, bias: o * (i + 1)),
            "Your count includes the biases even with `bias=False`, when there are "
            "none.",
        ),
        Misconception(
            "bias per input",
            _each(lambda i, o, bias: i * (o + bias)),
            "You count one bias per input of a layer. There is one per output: "
            "`out_features` of them.",
        ),
        Misconception(
            "one bias per layer",
            _each(lambda i, o, bias: i * o + bias),
            "You count a single bias for a whole layer. Every output has its own.",
        ),
        Misconception(
            "nothing without bias",
            _each(lambda i, o, bias: i * o + o if bias else 0),
            "With `bias=False` your count is 0. The usual cause: `a + b if bias else "
            "0` chooses between the whole sum and 0. Put parentheses around `(b if "
            "bias else 0)`.",
        ),
        Misconception(
            "none without bias",
            lambda widths, bias: (
                sum(i * o + o for i, o in pairwise(widths)) if bias else None
            ),
            "With `bias=False` your function returns None: is the `return` inside the "
            "`if`? The weights are there in both cases.",
        ),
        Misconception(
            "tensors counted",
            _each(lambda i, o, bias: 1 + bias),
            "This is the number of parameter tensors, weights and biases. Count the "
            "numbers inside them: `numel()`.",
        ),
        Misconception(
            "a bias for the input too",
            lambda widths, bias: (
                sum(i * o for i, o in pairwise(widths)) + bias * sum(widths)
            ),
            "Your count has a bias for each of the network's inputs as well. The first "
            "width is what comes in; only what a layer computes has a bias.",
        ),
        Misconception(
            "bias in the last layer only",
            lambda widths, bias: (
                sum(i * o for i, o in pairwise(widths)) + bias * widths[-1]
            ),
            "Your weights are right, but only the last layer's biases are counted. "
            "Each layer has its own.",
        ),
        Misconception(
            "last layer left out",
            lambda widths, bias: _count_layers(widths[:-1], bias),
            "The last layer is missing: from n widths come n - 1 layers. Perhaps "
            "a `range` ends one too early.",
        ),
        Misconception(
            "first layer only",
            lambda widths, bias: widths[1] * (widths[0] + bias),
            "This is the first layer alone. Between any two neighbouring widths there "
            "is one: add them up. (Does a loop return in its first round?)",
        ),
        Misconception(
            "last layer only",
            lambda widths, bias: widths[-1] * (widths[-2] + bias),
            "This is the last layer alone. Perhaps a loop overwrites its result each "
            "time: add to it.",
        ),
        Misconception(
            "first layer left out",
            lambda widths, bias: _count_layers(widths[1:], bias),
            "The first layer is missing. Perhaps a loop starts one too late.",
        ),
        Misconception(
            "equal layers counted once",
            lambda widths, bias: sum(o * (i + bias) for i, o in set(pairwise(widths))),
            "Layers of the same size count once in your result, as in a `set` or as "
            "keys of a `dict`. Each of them has parameters of its own.",
        ),
        Misconception(
            "pairs in a dict",
            lambda widths, bias: sum(
                o * (i + bias) for i, o in dict(pairwise(widths)).items()
            ),
            "Of layers with the same number of inputs only one counts in your result, "
            "as where the pairs are put into a `dict`: a key that comes again replaces "
            "the first. Keep the pairs in a list.",
        ),
        *(
            Misconception(
                name,
                answer,
                "You count the layers of the first three widths only. `widths` may "
                "hold more of them, or only two: go through all neighbours.",
            )
            for name, answer in (
                (
                    "first three widths",
                    lambda widths, bias: _count_layers(widths[:3], bias),
                ),
                (
                    "first three widths by index",
                    lambda widths, bias: _count_layers(
                        [widths[i] for i in range(3)], bias
                    ),
                ),
            )
        ),
        Misconception(
            "ends only",
            lambda widths, bias: widths[-1] * (widths[0] + bias),
            "This is one layer from the first width to the last. The layers go from "
            "each width to the next.",
        ),
    ),
    lambda: [
        ((784, 512, 512, 10), True),
        ((5, 3), False),
        ((3, 5, 2), True),
        ((1, 1), True),
        ((4, 4, 4), False),
        ((6, 2, 6, 2, 6), True),
    ],
    hints=(
        "Count one layer first, from the first width to the second.",
        "`zip(widths, widths[1:])` gives each layer's `in_features` and "
        "`out_features`.",
        "The weight has one number for each pair of an input and an output; the bias "
        "one for each output, or none at all.",
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
            "You multiply by `weight` as it is. nn.Linear stores it as "
            "`(out_features, in_features)`, so transpose it.",
        ),
        Misconception(
            "no transpose where square",
            lambda x, weight, bias: (
                x @ (weight if len(weight) == weight.shape[1] else weight.T) + bias
            ),
            "Right, except where `weight` is square: there you multiply by it as it "
            "is. The usual cause is a look at the sizes, and those of a square don't "
            "tell. `weight` is always `(out_features, in_features)`: transpose it "
            "always.",
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
            "Right, except where there is a single example or output: a dimension is "
            "missing there. The usual cause is `squeeze()`, which removes every "
            "dimension of size 1.",
        ),
        *(
            Misconception(
                f"{name} feature left out",
                lambda x, weight, bias, keep=keep: (
                    x[:, keep] @ weight[:, keep].T + bias
                ),
                f"The {name} feature does not count in your sums. Perhaps a loop or a "
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
            "The bias is in your result once for every input feature, as where it "
            "is added inside a loop over them. Sum first, then add it once.",
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
            "This is the output of the last example alone. Perhaps a loop overwrites "
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

STANDARDISE = Exercise(
    "linear.standardise",
    lambda mean, std: (torch.diag(1 / std), -mean / std),
    (
        Misconception(
            "weight as a row",
            lambda mean, std: (1 / std, -mean / std),
            "The numbers are right, but your weight has one dimension. nn.Linear has a "
            "weight for every pair of an output and an input: put these on the "
            "diagonal, and 0 elsewhere.",
        ),
        Misconception(
            "full rows",
            lambda mean, std: ((1 / std).repeat(len(std), 1), -mean / std),
            "Every output of yours is a sum of all features. Output j depends on "
            "feature j alone: the other weights are 0.",
        ),
        Misconception(
            "mean not divided",
            lambda mean, std: (torch.diag(1 / std), -mean),
            "The weight is right; your bias subtracts the mean itself. It is added "
            "after the weight has divided, so it must be divided too.",
        ),
        Misconception(
            "bias added",
            lambda mean, std: (torch.diag(1 / std), mean / std),
            "The weight is right, but your bias has the wrong sign: the mean is "
            "subtracted.",
        ),
        Misconception(
            "mean not divided, and added",
            lambda mean, std: (torch.diag(1 / std), mean),
            "The weight is right. Your bias adds the mean. Write (x - mean)/std as "
            "x · weight + bias, and read off the bias.",
        ),
        Misconception(
            "multiplied by std",
            lambda mean, std: (torch.diag(std), -mean * std),
            "You multiply by the standard deviation. Divide by it: features that are "
            "spread widely are brought together.",
        ),
        Misconception(
            "weight not inverted",
            lambda mean, std: (torch.diag(std), -mean / std),
            "The bias is right; your weight multiplies by the standard deviation "
            "where it should divide.",
        ),
        Misconception(
            "weight not inverted, mean not divided",
            lambda mean, std: (torch.diag(std), -mean),
            "Your weight multiplies by the standard deviation; divide by it. The bias "
            "is added after that, so its mean must be divided too.",
        ),
        Misconception(
            "divided by the variance",
            lambda mean, std: (torch.diag(1 / std**2), -mean / std**2),
            "You divide by the square of `std`, the variance. Divide by `std`.",
        ),
        Misconception(
            "no bias",
            lambda mean, std: (torch.diag(1 / std), torch.zeros_like(mean)),
            "The weight is right. The bias is zero, so the mean is still there.",
        ),
        Misconception(
            "mean subtracted only",
            lambda mean, std: (torch.eye(len(mean)).to(mean), -mean),
            "The mean is subtracted, but nothing is divided by `std`.",
        ),
        Misconception(
            "division in the wrong place",
            lambda mean, std: (1 / torch.diag(std), -mean / std),
            "Your weight holds infinities: `1 / torch.diag(std)` divides by the zeros "
            "beside the diagonal as well. Divide first, then build the diagonal.",
        ),
        Misconception(
            "bias first",
            lambda mean, std: (-mean / std, torch.diag(1 / std)),
            "Both are right, but in the other order. Return the weight first.",
        ),
        *(
            Misconception(
                f"{small} added to std",
                lambda mean, std, small=small: (
                    torch.diag(1 / (std + small)),
                    -mean / (std + small),
                ),
                f"Your numbers are too near 0, as where {small} is added to `std`. No "
                "`std` is 0 here: divide by it as it is.",
            )
            for small in (0.01, 0.001, 0.0001)
        ),
        Misconception(
            "bias as a row",
            lambda mean, std: (torch.diag(1 / std), (-mean / std)[None]),
            "The numbers are right, but your bias has two dimensions. It has one "
            "number per output: `(n,)`.",
        ),
        Misconception(
            "no less than 0.01",
            lambda mean, std: (
                torch.diag(1 / std.clamp(min=0.01)),
                -mean / std.clamp(min=0.01),
            ),
            "Right where `std` is 0.01 or more, wrong where it is less: something "
            "keeps it from getting smaller, as `clamp` or `max` does. No `std` is 0 "
            "here: divide by it as it is.",
        ),
    ),
    lambda: [
        (mean, size * (width.abs() + 0.5))
        for n, size in [(3, 1.0), (2, 1.0), (1, 1.0), (5, 1.0), (4, 0.02), (6, 1e-4)]
        for mean, width in [randn((n,), (n,), seed=n)]
    ],
    hints=(
        "Write (x - mean)/std for one feature as a number times x, plus a number.",
        "The number times x is the weight, and what stands alone is the bias.",
        "With several features, output j must ignore all features but the j-th: "
        "`torch.diag` builds such a matrix.",
    ),
    parts=("the weight", "the bias"),
)

_Layer = tuple[Tensor, Tensor]  # weight and bias


class _Layers(list[_Layer]):
    """A list of layers that shows how many there are, and their shapes."""

    def __repr__(self) -> str:
        shapes = [f"({tuple(w.shape)}, {tuple(b.shape)})" for w, b in self]
        many = "layer" if len(self) == 1 else "layers"
        return f"{len(self)} {many}, weight and bias of shape {', '.join(shapes)}"


def _stacked(merge: Callable[..., Any]) -> Answer:
    """Return an answer that merges two layers at a time, the first ones first."""

    def step(done: _Layer, layer: _Layer) -> Any:
        return merge(*done, *layer)

    return lambda layers: reduce(step, layers)


_merged = _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 + b2))


_parts_of_merge = switches(
    (lambda w1, b1, w2, b2: w2 @ w1, lambda w1, b1, w2, b2: w2 @ b1 + b2),
    (
        {
            "order": lambda w1, b1, w2, b2: w1 @ w2,
            "weight transposed": lambda w1, b1, w2, b2: w1.T @ w2.T,
        },
        {
            "biases added": lambda w1, b1, w2, b2: b1 + b2,
            "first bias lost": lambda w1, b1, w2, b2: b2,
            "second bias lost": lambda w1, b1, w2, b2: w2 @ b1,
            "bias from the left": lambda w1, b1, w2, b2: b1 @ w2 + b2,
            "bias through its own layer": lambda w1, b1, w2, b2: w1 @ b1 + b2,
            "bias through both": lambda w1, b1, w2, b2: w2 @ (b1 + b2),
        },
    ),
)


def _merge_with(faults: frozenset[str]) -> Answer | None:
    """Return the answer with these mistakes; None if two are in the same part."""
    parts = _parts_of_merge(faults)
    return parts and _stacked(parts)


def _last_but_one_lost(layers: list[_Layer]) -> Any:
    weight, bias = _merged(layers)
    lost = layers[-1][0] @ layers[-2][1] if len(layers) > 2 else 0
    return weight, bias - lost


def _next_layer_only(layers: list[_Layer]) -> _Layer:
    weight, bias = _merged(layers)
    if len(layers) > 1:
        (_, before), (last, own) = layers[-2:]
        bias = last @ before + own
    return weight, bias


def _stacks() -> list[Case]:
    widths = [(3, 5, 2), (2, 3, 1), (1, 2, 2), (3, 3, 3), (4, 2, 5, 3), (2, 4, 3, 1, 2)]
    stacks: list[Case] = []
    for sizes in widths:
        shapes = [shape for i, o in pairwise(sizes) for shape in ((o, i), (o,))]
        tensors = randn(*shapes, seed=len(sizes))
        layers = list(zip(tensors[::2], tensors[1::2], strict=True))
        stacks.append((_Layers(layers),))
    return [*stacks, (_Layers(stacks[0][0][:1]),)]


MERGE = Exercise(
    "linear.merge",
    _merged,
    (
        Misconception(
            "order",
            _stacked(lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2)),
            "Of two layers in a row you put the earlier weight on the left, `w1 @ "
            "w2`. It meets x first, so it stands on the right: `w2 @ w1`.",
        ),
        Misconception(
            "layers exchanged",
            _stacked(lambda w1, b1, w2, b2: (w1 @ w2, w1 @ b2 + b1)),
            "Of two layers in a row you run the later one first. The earlier weight "
            "`w1` meets x first, so it stands on the right: `w2 @ w1`; and its bias "
            "passes through the later layer.",
        ),
        Misconception(
            "biases added",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, b1 + b2)),
            "You add the biases as they are. Each passes through all the layers after "
            "its own: of two layers in a row, the earlier bias comes out as `w2 @ b1`.",
        ),
        Misconception(
            "first bias lost",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, b2)),
            "Only the last layer's bias is left in your result. Those before it count "
            "too: of two layers in a row, the earlier bias leaves the later "
            "layer as `w2 @ b1`.",
        ),
        Misconception(
            "second bias lost",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1)),
            "Only the first layer's bias is in your result. Each later layer adds its "
            "own: of two layers in a row, `w2 @ b1 + b2`.",
        ),
        Misconception(
            "bias from the left",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, b1 @ w2 + b2)),
            "Of two layers in a row you compute `b1 @ w2`, which sums over the outputs "
            "of the later one. The earlier bias is an input of that layer: `w2 @ b1`, "
            "or `b1 @ w2.T`.",
        ),
        Misconception(
            "bias through its own layer",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w1 @ b1 + b2)),
            "Of two layers in a row you multiply the earlier bias by the earlier "
            "weight. It is added behind that weight, and passes through the later "
            "layer: `w2 @ b1`.",
        ),
        Misconception(
            "bias through the merged weight",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, (w2 @ w1) @ b1 + b2)),
            "You multiply the bias by the weight that is already merged. The bias so "
            "far passes through the next layer alone, `w2 @ b1 + b2`: compute it "
            "before the weight is replaced, or keep the two weights apart.",
        ),
        Misconception(
            "bias through the merged weight where it fits",
            _stacked(
                lambda w1, b1, w2, b2: (
                    w2 @ w1,
                    (w2 @ w1 if w1.shape[1] == len(b1) else w2) @ b1 + b2,
                )
            ),
            "Right, except where a weight is square: there the bias so far passes "
            "through the weight that is already merged. It passes through the next "
            "layer alone, `w2 @ b1 + b2`, whatever the sizes: compute it before the "
            "weight is replaced.",
        ),
        Misconception(
            "first two layers only",
            lambda layers: _merged(layers[:2]),
            "Right for one or two layers. With more, only the first two are in your "
            "result: put what you have merged into each further layer, in a loop.",
        ),
        Misconception(
            "last bias but one lost",
            _last_but_one_lost,
            "Right for one or two layers. With more, your bias lacks what the last "
            "layer makes of the bias before its own: of the last two, `w2 @ b1`.",
        ),
        Misconception(
            "weight transposed",
            _stacked(lambda w1, b1, w2, b2: (w1.T @ w2.T, w2 @ b1 + b2)),
            "The bias is right, and the weight but for its order: yours is "
            "`(in_features, out_features)`, and nn.Linear stores the transpose.",
        ),
        Misconception(
            "bias through both",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w2 @ (b1 + b2))),
            "Of two layers in a row you send the sum of both biases through the later "
            "one. Only the earlier bias passes through it; `b2` is added after it.",
        ),
        Misconception(
            "layers added",
            _stacked(lambda w1, b1, w2, b2: (w1 + w2, b1 + b2)),
            "You add the layers. They are used one after the other: put the output of "
            "each into the next, W2 (W1 x + b1) + b2.",
        ),
        Misconception(
            "bias first",
            _stacked(lambda w1, b1, w2, b2: (w2 @ b1 + b2, w2 @ w1)),
            "Both are right, but in the other order. Return the weight first.",
        ),
        Misconception(
            "second bias subtracted",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 - b2)),
            "The weight is right, but the bias of every later layer is subtracted. Of "
            "two layers in a row it is added: `w2 @ b1 + b2`.",
        ),
        Misconception(
            "second bias for every hidden unit",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 + len(b1) * b2)),
            "The weight is right. Of two layers in a row, `b2` is in your bias once "
            "for every unit between them, as where it is added inside a loop over "
            "these. Add it once, at the end.",
        ),
        Misconception(
            "biases multiplied",
            _stacked(lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1 * b2)),
            "The weight is right. In the bias each later layer's own one is a factor. "
            "Add it: of two layers in a row, `w2 @ b1 + b2`.",
        ),
        Misconception(
            "bias through the next layer only",
            _next_layer_only,
            "The weight is right. Each bias passes through the next layer only; it "
            "must pass through all later ones: go on with what the bias has become so "
            "far.",
        ),
        Misconception(
            "last two only",
            lambda layers: _merged(layers[-2:]),
            "Of more than two layers you merge the last two. Perhaps a loop overwrites "
            "its result instead of going on from it.",
        ),
        Misconception(
            "first two by index",
            lambda layers: _merged([layers[0], layers[1]]),
            "You merge the first two layers. The list may hold more, or only one: go "
            "on with what the two have become and the third.",
        ),
        Misconception(
            "reversed",
            lambda layers: _merged(layers[::-1]),
            "You merge from the other end, as if the last layer came first. `layers` "
            "stands in the order in which x meets them.",
        ),
        Misconception(
            "bias left in the columns",
            lambda layers: (
                _merged(layers)[0] + _merged(layers)[1][:, None],
                _merged(layers)[1],
            ),
            "In each row of your weight all numbers are too large by the merged bias. "
            "Are the columns what comes out for unit inputs? That is the column plus "
            "the bias: subtract it.",
        ),
    ),
    _stacks,
    switches=_merge_with,
    hints=(
        "Two layers first. Write the second one's output, and put the first one's in "
        "for its input.",
        "W2 (W1 x + b1) + b2: multiply it out. What multiplies x is the weight; "
        "everything else is the bias.",
        "Two have become one layer. Merge it with the third in the same way, and so "
        "on.",
    ),
    parts=("the weight", "the bias"),
    arguments=("layers",),
)

# Mistakes in one of the three gradients: they go together with those in the others.
_backward_with = switches(
    (
        lambda x, weight, g: g @ weight,
        lambda x, weight, g: g.T @ x,
        lambda x, weight, g: g.sum(0),
    ),
    (
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
    ),
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
        *(
            Misconception(
                f"order: {', '.join(order)}",
                lambda x, weight, g, order=order: tuple(
                    {"x": g @ weight, "weight": g.T @ x, "bias": g.sum(0)}[name]
                    for name in order
                ),
                "The three gradients are right, but in the wrong order. Return that of "
                "`x`, then that of `weight`, then that of the bias.",
            )
            for order in (
                ("weight", "bias", "x"),
                ("x", "bias", "weight"),
                ("bias", "x", "weight"),
                ("bias", "weight", "x"),
            )
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
        Misconception(
            "last example only",
            lambda x, weight, g: (g @ weight, torch.outer(g[-1], x[-1]), g.sum(0)),
            "Your gradient of the weight is that of the last example alone. Does a "
            "loop overwrite it each time? It adds up over the examples: `+=`.",
        ),
    ),
    lambda: [
        randn((n, i), (o, i), (n, o))
        for n, i, o in [(4, 3, 2), (1, 2, 3), (2, 4, 1), (3, 2, 3), (5, 3, 3)]
    ],
    hints=(
        "Each gradient has the shape of what it is a gradient of.",
        "Where all sizes differ, only one product of `g` and `weight` has the shape of "
        "`x`, and only one of `g` and `x` that of `weight` (transpose where needed).",
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
            "Weight or bias, or both, hold whole numbers, which a layer can't multiply "
            "with floats. One decimal point in each is enough: `1.0` for `1`.",
        ),
        Misconception(
            "columns reshaped",
            _layer_of([[1.0, 1.0], [2.0, 1.0], [-1.0, 0.0]], [0.0, 0.0, 1.0]),
            "The weights of your three outputs are (1, 1), (2, 1) and (-1, 0), as "
            "where the columns are reshaped to rows. `reshape` reads the numbers row "
            "by row into new rows; to make rows of the columns, transpose.",
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
        Misconception(
            "bias left in the columns",
            _layer_of([[1.0, 1.0], [1.0, -1.0], [3.0, 1.0]], [0.0, 0.0, 1.0]),
            "Your third row of weights is (3, 1): it holds the bias as well. What a "
            "layer gives for the inputs (1, 0) and (0, 1) is a column of weights "
            "*plus the bias*: subtract it.",
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


def _per_head(x: Tensor, weight: Tensor, order: str = "nhto") -> Tensor:
    """Return the weighted sums of all heads, their axes in this order."""
    return torch.einsum(f"nti,hoi->{order}", x, weight)


# A bias beside weighted sums of shape (…, heads, T, out): the right way comes first.
_LINED_UP: dict[str, Callable[[Tensor], Tensor | int]] = {
    "": lambda bias: bias[:, None],
    ", bias as it is": lambda bias: bias,
    ", bias along the outputs": lambda bias: bias[:, :, None],
    ", no bias": lambda bias: 0,
}

HEADS = Exercise(
    "linear.heads",
    lambda x, weight, bias: _per_head(x, weight) + bias[:, None, :],
    (
        Misconception(
            "no bias",
            lambda x, weight, bias: _per_head(x, weight),
            "The weighted sums are right; the bias is missing.",
        ),
        *(
            Misconception(
                f"heads met with the batch{name}",
                lambda x, weight, bias, lined=lined: x @ weight.mT + lined(bias),
                "In `x @ …` the batch of `x` meets the heads of `weight`: `@` aligns "
                "the dimensions before the last two from the right, as broadcasting "
                "does. Give `x` a dimension of size 1 where the heads belong.",
            )
            for name, lined in _LINED_UP.items()
        ),
        Misconception(
            "heads behind the words",
            lambda x, weight, bias: _per_head(x, weight, "ntho") + bias,
            "The numbers are right, but the heads come third in yours. Let them "
            "follow the batch: `(N, heads, T, out)`.",
        ),
        Misconception(
            "heads first",
            lambda x, weight, bias: (
                _per_head(x, weight, "hnto") + bias[:, None, None, :]
            ),
            "The numbers are right, but the heads come before the batch. They belong "
            "behind it: `(N, heads, T, out)`.",
        ),
        Misconception(
            "reshaped",
            lambda x, weight, bias: (_per_head(x, weight, "ntho") + bias).reshape(
                len(x), len(weight), x.shape[1], -1
            ),
            "The shape is right, but words and heads are mixed up: `reshape` keeps "
            "the order of the numbers. Exchange the two axes with `transpose`.",
        ),
        Misconception(
            "heads first, reshaped",
            lambda x, weight, bias: (
                _per_head(x, weight, "hnto") + bias[:, None, None, :]
            ).reshape(len(x), len(weight), x.shape[1], -1),
            "The shape is right, but heads and batch are mixed up: `reshape` keeps the "
            "order of the numbers. Exchange the two axes with `transpose`, or stack "
            "the heads with `dim=1`.",
        ),
        Misconception(
            "heads concatenated",
            lambda x, weight, bias: (_per_head(x, weight, "ntho") + bias).flatten(2),
            "The numbers are right, but the outputs of all heads stand in one "
            "dimension. Give each head its own: `(N, heads, T, out)`.",
        ),
        Misconception(
            "heads added up",
            lambda x, weight, bias: (
                torch.einsum("nti,hoi->nto", x, weight) + bias.sum(0)
            ),
            "The heads are added up: in einsum, a letter that does not stand on the "
            "right is summed over. Keep the heads' letter.",
        ),
        Misconception(
            "first head only",
            lambda x, weight, bias: x @ weight[0].T + bias[0],
            "This is the first head alone. Every head has a weight and a bias of its "
            "own.",
        ),
        Misconception(
            "last head only",
            lambda x, weight, bias: x @ weight[-1].T + bias[-1],
            "This is the last head alone. Perhaps a loop overwrites its result each "
            "time: collect them, then stack.",
        ),
        Misconception(
            "first head's bias",
            lambda x, weight, bias: _per_head(x, weight) + bias[0],
            "The weighted sums are right, but every head gets the first head's bias.",
        ),
        Misconception(
            "bias along the words",
            lambda x, weight, bias: _per_head(x, weight) + bias,
            "Broadcasting lines up from the right: your bias `(heads, out)` meets "
            "`(T, out)`. Put a dimension of size 1 between: `bias[:, None]`.",
        ),
        Misconception(
            "bias along the outputs",
            lambda x, weight, bias: _per_head(x, weight) + bias[:, :, None],
            "Your bias `(heads, out, 1)` meets `(heads, T, out)`, so that its outputs "
            "line up with the words. The dimension of size 1 belongs where the words "
            "are: before the outputs, not behind.",
        ),
        Misconception(
            "bias along the words where it fits",
            lambda x, weight, bias: (
                _per_head(x, weight)
                + (bias if len(bias) == x.shape[1] else bias[:, None])
            ),
            "Right, except where there are as many heads as words: there each word "
            "gets a head's bias. The usual cause is a look at the sizes, or a "
            "broadcast that is tried first. A bias belongs to its head: `bias[:, "
            "None]`, always.",
        ),
        Misconception(
            "not transposed",
            lambda x, weight, bias: x[:, None] @ weight + bias[:, None],
            "Each head's weight is stored as `(out, in)`: transpose its last two "
            "dimensions before you multiply.",
        ),
        Misconception(
            "last head for all",
            lambda x, weight, bias: (x @ weight[-1].T + bias[-1])[:, None].repeat(
                1, len(weight), 1, 1
            ),
            "Every head of yours gives what the last one should. The usual cause is a "
            "`lambda` made in a loop: it looks the loop's variable up when it is "
            "called, and by then the loop is at its end. Compute at once, or bind it: "
            "`lambda v, h=h: …`.",
        ),
    ),
    lambda: [
        randn((n, t, i), (h, o, i), (h, o))
        for n, t, i, h, o in [
            (2, 4, 3, 2, 5),
            (1, 3, 4, 3, 2),
            (3, 2, 2, 2, 2),
            (2, 1, 5, 4, 1),
            (4, 5, 1, 1, 3),
        ]
    ],
    hints=(
        "One head is `x @ weight[h].T + bias[h]`, of shape `(N, T, out)`. Start with a "
        "loop over the heads.",
        "`torch.stack(…, dim=1)` puts the heads behind the batch. With einsum there is "
        "no loop: which letters stay, and in which order?",
        "The bias `(heads, out)` must line up with `(heads, T, out)` from the right: "
        "one dimension of size 1 is missing.",
    ),
    forbidden=("F.linear", "nn.Linear"),
    differentiable=True,
)

_WIDTHS = (784, 64, 10)
_MENDED = "nothing"
_Init = Callable[[nn.Linear], object]


def _two_layers(
    init: _Init = lambda layer: None,
    *,
    listed: bool = False,
    rows: Callable[[Tensor], Tensor] = lambda x: x.flatten(1),
    frozen: bool = False,
    bent: bool = True,
    last: bool = True,
    cut: Callable[[Tensor], Tensor] = lambda scores: scores,
    cut_within: bool = False,
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = [nn.Linear(i, o) for i, o in pairwise(_WIDTHS)]
            for layer in layers:
                init(layer)
            self.layers = layers if listed else nn.ModuleList(layers)
            self.requires_grad_(not frozen)

        def forward(self, x: Tensor) -> Tensor:
            hidden = self.layers[0](rows(x))
            hidden = hidden.relu() if bent else hidden
            hidden = hidden.detach() if cut_within else hidden
            return cut(self.layers[1](hidden) if last else hidden)

    return Net


def _without_parameters(set_up: Callable[[Any], object], score: Answer) -> Answer:
    """Return a class for the repair exercise that registers no parameters."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            set_up(self)

        def forward(self, x: Tensor) -> Tensor:
            return score(self, x.flatten(1))

    return Net


class _NotSetUp(nn.Module):
    def __init__(self) -> None:
        self.layer = nn.Linear(*_WIDTHS[:2])


class _Wanting(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(_WIDTHS[0], width)


def _plain_tensors(net: Any) -> None:
    net.weight = torch.randn(10, _WIDTHS[0], device=current_device())


def _scores_of_two_layers(net: nn.Module, images: Tensor) -> Tensor | None:
    """Return the scores of the layers that the parameters make, if they make any.

    Parameters of a learner's own may be stored the other way round, as x @ W needs
    them, and a bias as a row or a column.
    """
    own = [p.squeeze() for p in net.parameters()]
    turned = {tuple(p.shape[::-1]): p.mT for p in own if p.dim() == 2}
    by_shape = turned | {tuple(p.shape): p for p in own}
    shapes = [shape for i, o in pairwise(_WIDTHS) for shape in ((o, i), (o,))]
    if not all(shape in by_shape for shape in shapes):
        return None
    w1, b1, w2, b2 = (by_shape[shape] for shape in shapes)
    return F.linear(F.linear(images.flatten(1), w1, b1).relu(), w2, b2)


def _all_units_alike(net: nn.Module) -> bool:
    """Tell whether all hidden units have the same weights, coming in and going out."""
    width = _WIDTHS[1]
    own = [p.detach().squeeze() for p in net.parameters()]
    units = [p if len(p) == width else p.mT for p in own if p.dim() == 2]
    return all(torch.equal(rows, rows[:1].expand_as(rows)) for rows in units)


def _wrong_scores(expected: Tensor | None, scores: Tensor) -> str:
    if expected is None:
        return _NOT_TWO_LAYERS
    if torch.allclose(scores, expected, rtol=1e-3, atol=1e-3):
        return ""
    for name, bend in _AT_THE_END.items():
        if torch.allclose(scores, bend(expected), rtol=1e-3, atol=1e-4):
            raise ValueError(
                "Your scores are what a layer, a ReLU and a layer give, and then "
                f"{name}: leave that out, and return what the last layer gives."
            )
    factor = (scores * expected).sum() / expected.square().sum()
    limit = 1e-3 * scores.abs().max().item()
    if torch.allclose(scores, factor * expected, rtol=1e-3, atol=limit):
        return "the scores are those of a layer, a ReLU and a layer, times a number"
    return _NOT_TWO_LAYERS


_AT_THE_END: dict[str, Callable[[Tensor], Tensor]] = {
    "a softmax": lambda scores: scores.softmax(1),
    "a log-softmax": lambda scores: scores.log_softmax(1),
    "a softmax over the batch": lambda scores: scores.softmax(0),
    "a sigmoid": torch.sigmoid,
    "a tanh": torch.tanh,
    "a ReLU": torch.relu,
}
_MIXED = "one image alone gets the right scores, several at once do not"
_NOT_TWO_LAYERS = "the scores are not those of a layer, a ReLU and a layer"
_NO_INIT = "the module is used before it is set up"
_NEEDS_ARGUMENT = "the class needs an argument"


def _made(net_class: Answer) -> nn.Module | str:
    """Make the network, or say why that fails."""
    try:
        net = net_class()
    except (AttributeError, TypeError) as error:
        # The second is said by the recorder's hooks, where only lists were assigned.
        if any(part in str(error) for part in ("Module.__init__() call", "_pre_hooks")):
            return _NO_INIT
        if "__init__() missing" in str(error) and not learners_frames(error):
            return _NEEDS_ARGUMENT  # not that of a layer inside
        raise
    if not isinstance(net, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    return net if "_parameters" in vars(net) else _NO_INIT


def _probe(net: nn.Module, images: Tensor) -> Tensor | None:
    """Return the scores of images, or of rows as wide as the first layer if need be."""
    widths = [m.in_features for m in net.modules() if isinstance(m, nn.Linear)]
    for x in (images, *(images.new_ones(len(images), width) for width in widths[:1])):
        try:
            scores = net.forward(x.clone())  # unseen by the recorder: it may fail
        except Exception:
            continue
        if isinstance(scores, Tensor):
            return scores
    return None


def _why_no_parameters(net: nn.Module, images: Tensor) -> str:
    own = vars(net).keys() - vars(nn.Module()).keys()
    values = [getattr(net, name) for name in own]
    inside = [
        item
        for value in values
        if isinstance(value, list | tuple | dict)
        for item in (value.values() if isinstance(value, dict) else value)
    ]
    if any(isinstance(item, nn.Module | nn.Parameter) for item in inside):
        return "the layers are in a plain list"
    tensors = [*values, *inside, *net.buffers()]
    if any(isinstance(value, Tensor) for value in tensors):
        return "the weights are plain tensors"
    first, second = (_probe(net, images) for _ in range(2))
    if first is not None and second is not None and not first.equal(second):
        return "layers are new at every call"
    return "nothing is registered"


def _fault(net_class: Answer, n: int) -> Any:
    """Say the first thing that is wrong with a network for n images."""
    net = _made(net_class)
    if isinstance(net, str):
        return net
    (images,) = randn((n, 28, 28))
    net.to(images.device)
    parameters = list(net.parameters())
    if not parameters:
        return _why_no_parameters(net, images)
    if not all(parameter.requires_grad for parameter in parameters):
        return "some parameters are frozen"
    probed = _probe(net, images)
    if probed is not None and not probed.requires_grad:
        return "the scores are cut off from autograd"
    count = sum(parameter.numel() for parameter in parameters)
    wanted = sum(o * (i + 1) for i, o in pairwise(_WIDTHS))
    if count != wanted:
        widths = " → ".join(map(str, _WIDTHS))
        raise ValueError(
            f"Your network has {count:,} parameters and should have {wanted:,}: its "
            f"layers should stay as they are, {widths} features."
        )
    scores = watched_call(net, images)
    if not isinstance(scores, Tensor):
        return scores
    if scores.shape != (n, 10):
        raise ValueError(
            f"Your network gives scores of shape {tuple(scores.shape)} for images of "
            f"shape ({n}, 28, 28): the task asks for ({n}, 10)."
        )
    expected = _scores_of_two_layers(net, images)
    if wrong := _wrong_scores(expected, scores):
        alone = torch.cat([net(image[None]) for image in images]) if n > 1 else scores
        return _MIXED if not _wrong_scores(expected, alone) else wrong
    (many,) = randn((64, 28, 28), seed=2)
    spread = net(many).std(dim=0).mean().item()
    if spread > 3:
        return "the scores spread far wider than by 1"
    if spread < 0.03:
        return "all images get nearly the same scores"
    if _all_units_alike(net):
        return "all hidden units have the same weights"
    net(many).logsumexp(dim=1).sum().backward()
    if any(p.grad is None or not p.grad.any() for p in net.parameters()):
        return "some parameters get no gradient"
    return _MENDED


def _wide(layer: nn.Linear) -> object:
    return nn.init.normal_(layer.weight)


def _zero(layer: nn.Linear) -> object:
    return nn.init.zeros_(layer.weight)


def _alike(layer: nn.Linear) -> object:
    return nn.init.constant_(layer.weight, 0.01)


REPAIR = Exercise(
    "linear.repair",
    _two_layers(),
    (
        Misconception(
            "nothing mended",
            _two_layers(_wide, listed=True, rows=torch.flatten),
            "The module has no parameters. A plain Python list, tuple or dict hides "
            "from the module what it holds: what kind of list does `nn` have for "
            "modules?",
        ),
        Misconception(
            "plain tensors",
            _without_parameters(_plain_tensors, lambda net, x: x @ net.weight.T),
            "The module has no parameters, but it holds plain tensors. A tensor is not "
            "registered as a parameter, even with `requires_grad=True`: a weight must "
            "be an `nn.Parameter`, as those of `nn.Linear` are.",
        ),
        Misconception(
            "layers made in forward",
            _without_parameters(
                lambda net: None,
                lambda net, x: nn.Linear(_WIDTHS[0], 10, device=x.device)(x),
            ),
            "The module has no parameters, and gives other scores at every call for "
            "the same images. The usual cause: `forward` makes new layers each time. "
            "Make them once, in `__init__`, as attributes of `self`.",
        ),
        Misconception(
            "nothing registered",
            _without_parameters(lambda net: None, lambda net, x: x[:, :10]),
            "The module has no parameters. It registers only layers and "
            "`nn.Parameter`s that are attributes of `self`, set in `__init__`.",
        ),
        Misconception(
            "not set up",
            _NotSetUp,
            "The module is not set up when it is used: `super().__init__()` is "
            "missing, or comes too late. Make it the first line of `__init__`: it "
            "makes the places where layers and parameters are registered.",
        ),
        Misconception(
            "needs an argument",
            _Wanting,
            "`__init__` asks for an argument. The class is made without any: give it "
            "no parameter but `self`, or a default for each.",
        ),
        Misconception(
            "cut off",
            _two_layers(cut=Tensor.detach),
            "The scores are cut off from autograd: no gradient reaches the parameters, "
            "so they can't be trained. The usual cause is `.detach()`, `.data`, numpy "
            "or `torch.no_grad()` in `forward`.",
        ),
        Misconception(
            "cut off within",
            _two_layers(cut_within=True),
            "The scores are right, but some parameters get no gradient. The usual "
            "cause is `.detach()`, `.data` or `torch.no_grad()` between the layers.",
        ),
        Misconception(
            "batch still flattened",
            _two_layers(rows=torch.flatten),
            "The layers are registered, but a batch of images can't be fed in: "
            "`flatten()` makes one row of the whole batch. Leave dimension 0 alone.",
        ),
        Misconception(
            "images mixed",
            _two_layers(rows=lambda x: x.reshape(_WIDTHS[0], -1).T),
            "The layers are right, and so are the scores of one image alone. Those of "
            "several are not: their pixels are mixed before the layers, as by "
            "`reshape` to `(784, N)`, which is then transposed. Flatten each image: "
            "`x.flatten(start_dim=1)`.",
        ),
        Misconception(
            "weights too large",
            _two_layers(_wide),
            "Layers and shapes are right, but the scores spread far too widely, as "
            "where weights start with a spread of 1, whatever the width. Leave them as "
            "`nn.Linear` draws them, or scale them by 1/√in.",
        ),
        Misconception(
            "weights all zero",
            _two_layers(_zero),
            "All images get nearly the same scores: weights start at 0, or far too "
            "small. They must start different, spread by about 1/√in.",
        ),
        Misconception(
            "weights all equal",
            _two_layers(_alike),
            "The weights of all hidden units are equal, as where they start at one "
            "number. Units that start equal stay equal, or nearly: draw them at "
            "random.",
        ),
        Misconception(
            "frozen",
            _two_layers(frozen=True),
            "Parameters of yours have `requires_grad=False`: they would not be "
            "trained. Leave `requires_grad` alone.",
        ),
        Misconception(
            "no ReLU",
            _two_layers(bent=False),
            "Count and shape come out right, but the scores are not those of a layer, "
            "a ReLU and a layer: is the ReLU still there, called with `()`, and "
            "between the two?",
        ),
        Misconception(
            "scores rescaled",
            _two_layers(_wide, cut=lambda scores: scores / scores.detach().std()),
            "Your scores are what a layer, a ReLU and a layer give, times some "
            "number: something rescales them on the way. Return what the last layer "
            "gives. If the scores spread too far then, mend the start of the weights.",
        ),
        Misconception(
            "second layer unused",
            _two_layers(last=False),
            "64 numbers come out for each image: the second layer is not used, or its "
            "result is not returned.",
        ),
    ),
    lambda: [(1,), (3,), (8,)],
    _fault,
    hints=(
        "Mend one thing at a time, and run the tests after each.",
        "`nn.ModuleList` is a list that the module knows about.",
        "`x.flatten(start_dim=1)` leaves the batch alone. For the spread, remember "
        "√n · σ: what should σ be?",
    ),
    result="network",
    arguments=("number of images",),
)


def _narrow(widest: Callable[[int, int, int], float]) -> Answer:
    """Return an answer that chooses its hidden width by `widest`."""

    def answer(in_features: int, out_features: int, budget: int) -> nn.Sequential:
        hidden = int(widest(in_features, out_features, budget))
        first = nn.Linear(in_features, hidden)
        return nn.Sequential(first, nn.Linear(hidden, out_features))

    return answer


def _hidden_width(
    answer: Answer, in_features: int, out_features: int, budget: int
) -> str:
    """Say which hidden width the network of `answer` has, and how good that is."""
    net = answer(in_features, out_features, budget)
    layers: list[Any] = list(net) if isinstance(net, nn.Sequential) else []
    if [type(layer) for layer in layers] != [nn.Linear, nn.Linear]:
        raise TypeError("Return an `nn.Sequential` of two `nn.Linear`, nothing else.")
    first, second = layers
    if (first.in_features, second.out_features) != (in_features, out_features):
        raise ValueError(
            f"Your network goes from {first.in_features} to {second.out_features} "
            f"features; the task asks for {in_features} to {out_features}."
        )
    if first.out_features != second.in_features:
        raise ValueError(
            f"Your first layer gives {first.out_features} numbers, your second takes "
            f"{second.in_features}."
        )
    if len(list(net.parameters())) < 4:
        raise ValueError("A layer of yours has no bias. Both should have one.")
    width, count = first.out_features, sum(p.numel() for p in net.parameters())
    use = _use_of_budget(in_features, out_features, width, budget - count)
    return (
        f"from {in_features} features to {out_features}, the width between your layers "
        f"is {width}. With the biases that makes {count:,} parameters, and {budget:,} "
        f"are allowed: {use}"
    )


def _use_of_budget(in_features: int, out_features: int, width: int, left: int) -> str:
    """Say whether a hidden width is right where so many parameters are left."""
    most = min(in_features, out_features)
    if left < 0:
        return "too many"
    if width > most:
        return "few enough, but so wide a layer is more than the rank needs"
    if width < most and left >= in_features + out_features + 1:
        return "few enough, but there is room for a wider layer, and a higher rank"
    return "as wide as it should be"


BUDGET = Exercise(
    "linear.budget",
    _narrow(lambda i, o, budget: min(i, o, (budget - o) // (i + o + 1))),
    (
        Misconception(
            "wider than useful",
            _narrow(lambda i, o, budget: (budget - o) // (i + o + 1)),
            "Within the budget, but wider than it needs to be: no map from in to out "
            "has a rank above the smaller of the two, whatever the width between.",
        ),
        Misconception(
            "biases forgotten",
            _narrow(lambda i, o, budget: min(i, o, budget // (i + o))),
            "Sometimes your network is over the budget: you count the weights alone. "
            "Each hidden unit has a bias too, and so has each output.",
        ),
        Misconception(
            "the larger for the smaller",
            _narrow(lambda i, o, budget: min(max(i, o), (budget - o) // (i + o + 1))),
            "Within the budget, but wider than it needs to be: you take the "
            "larger of in and out as the limit. The rank of a map is never above "
            "the *smaller* of the two.",
        ),
        Misconception(
            "first that is over",
            _narrow(lambda i, o, budget: min(i, o, (budget - o) // (i + o + 1) + 1)),
            "Your network is one unit too wide where the budget decides, and over "
            "it: often a loop ends with the first width that no longer fits. "
            "Return the one before.",
        ),
        Misconception(
            "output biases forgotten",
            _narrow(lambda i, o, budget: min(i, o, budget // (i + o + 1))),
            "Sometimes your network is over the budget by a few parameters: the "
            "biases of the outputs are not counted.",
        ),
        *(
            Misconception(
                name,
                _narrow(
                    lambda i, o, budget, least=least: max(
                        least, min(i, o, (budget - o - 1) // (i + o + 1))
                    )
                ),
                "Right, except where a width uses up the whole budget: there your "
                "network is one narrower. It may have `budget` parameters or fewer: "
                "`<=`, not `<`.",
            )
            for name, least in (("under the budget", 1), ("under the budget, or 0", 0))
        ),
        *(
            Misconception(
                name,
                _narrow(
                    lambda i, o, budget, least=least: max(
                        least, min(i, o, (budget - 2 * o) // (i + o + 1))
                    )
                ),
                "Sometimes your network is one narrower than the budget allows: you "
                "count too much, as where the outputs' biases are subtracted twice. "
                "A width h costs h · (in + 1 + out) + out, and nothing else.",
            )
            for name, least in (
                ("output biases twice", 1),
                ("output biases twice, or 0", 0),
            )
        ),
        Misconception(
            "one too wide",
            _narrow(lambda i, o, budget: min(i, o, -(-(budget - o) // (i + o + 1)))),
            "Your width is rounded up, and then the network is over the budget. Round "
            "down.",
        ),
        Misconception(
            "one too narrow",
            _narrow(lambda i, o, budget: min(i, o, (budget - o) // (i + o + 1) - 1)),
            "There is room for one more hidden unit. Does a comparison say `<` for "
            "`<=`, or a loop stop one too early?",
        ),
        Misconception(
            "as wide as possible",
            _narrow(lambda i, o, budget: min(i, o)),
            "This has the highest rank there is, but the budget is not looked at.",
        ),
        Misconception(
            "rank of the input",
            _narrow(lambda i, o, budget: min(i, (budget - o) // (i + o + 1))),
            "The number of outputs limits the rank as well: wider than that is wasted.",
        ),
        Misconception(
            "rank of the output",
            _narrow(lambda i, o, budget: min(o, (budget - o) // (i + o + 1))),
            "The number of inputs limits the rank as well: wider than that is wasted.",
        ),
        Misconception(
            "first layer only",
            _narrow(lambda i, o, budget: min(i, o, budget // (i + 1))),
            "The budget is for both layers together: you count the first alone.",
        ),
        Misconception(
            "rounded to the nearest",
            _narrow(lambda i, o, budget: min(i, o, round((budget - o) / (i + o + 1)))),
            "Sometimes your network is over the budget: the number of hidden units "
            "that it allows is rounded to the nearest whole number. Round down: `//`.",
        ),
    ),
    lambda: [
        (784, 784, 15_000),
        (784, 10, 20_000),
        (10, 784, 20_000),
        (6, 6, 6 + 2 * 13),
        (6, 6, 5 + 2 * 13),
        (5, 7, 46),
        (5, 7, 37),
        (5, 7, 1_000),
        (3, 8, 20),
        (20, 3, 65),
    ],
    _hidden_width,
    hints=(
        "Write the parameters of both layers for a hidden width h.",
        "(in + 1)·h + (h + 1)·out must not exceed the budget: solve for h, and round "
        "down.",
        "The rank is at most h, and at most what comes in, and at most what goes out: "
        "take the smallest of the three.",
    ),
    arguments=("in_features", "out_features", "budget"),
)

EXERCISES = (
    COUNT,
    DESIGN,
    AFFINE,
    STANDARDISE,
    MERGE,
    BACKWARD,
    HEADS,
    REPAIR,
    BUDGET,
)
