"""Lesson 01: the layer's formula, two layers merged, and the way back."""

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _affine_cases() -> list[tuple]:
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
            "`bias[:, None]` adds one bias to a whole row, that is to an example. "
            "Each belongs to an output, a column: plain `+ bias` does that.",
        ),
        Misconception(
            "W @ x",
            lambda x, weight, bias: weight @ x + bias,
            "`weight @ x` is the textbook's order, for one column vector. Here the "
            "examples are rows: `x @ weight.T`.",
        ),
        Misconception(
            "transposed result",
            lambda x, weight, bias: weight @ x.T + bias[:, None],
            "The numbers are right but lie on their side: yours has a row an output. "
            "PyTorch keeps a row an example: `x @ weight.T + bias`.",
        ),
    ),
    _affine_cases,
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
            "The weight is right, the first bias is lost: it leaves the second layer "
            "as `w2 @ b1`.",
        ),
        Misconception(
            "second bias lost",
            lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1),
            "The weight is right, the second bias is missing: add `b2`.",
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
            "Your gradient of the weight lies on its side: it needs the weight's own "
            "shape, `(out_features, in_features)`: `g.T @ x`.",
        ),
        Misconception(
            "mean over the batch",
            lambda x, weight, g: (g @ weight, g.T @ x, g.mean(0)),
            "The bias is used once per example and the gradients add up: sum over "
            "the batch, no mean. (A mean belongs to the loss, inside `g`.)",
        ),
        Misconception(
            "bias summed over outputs",
            lambda x, weight, g: (g @ weight, g.T @ x, g.sum(1)),
            "You sum over the outputs (`dim=1`). The bias has one entry an output; "
            "sum over the examples: `g.sum(0)`.",
        ),
        Misconception(
            "dx transposed",
            lambda x, weight, g: (g @ weight.T, g.T @ x, g.sum(0)),
            "Going back, the weight is not transposed: `g` has a column an output, "
            "just as `weight` has a row an output.",
        ),
    ),
    lambda: [randn((n, i), (o, i), (n, o)) for n, i, o in [(4, 3, 2), (5, 3, 3)]],
)
