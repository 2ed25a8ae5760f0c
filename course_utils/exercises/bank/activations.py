"""Exercises of lesson 02: activations."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception


def _inputs() -> list[Case]:
    return [randn(shape) for shape in [(5,), (1, 3), (4, 3), (2, 3, 4)]]


RELU = Exercise(
    "activations.relu",
    lambda x: torch.relu(x),
    (
        Misconception(
            "abs",
            lambda x: x.abs(),
            "You turn negative numbers into positive ones, which is `abs`. ReLU "
            "replaces them with 0.",
        ),
        Misconception(
            "wrong half",
            lambda x: x.clamp(max=0),
            "You keep the negative half. ReLU keeps what is above 0: the larger of x "
            "and 0, so 0 is the smallest value allowed (`min=0`).",
        ),
        Misconception(
            "step",
            lambda x: (x > 0).to(x.dtype),
            "You return 1 wherever x is positive: that is the step function. ReLU "
            "returns the number itself.",
        ),
        Misconception(
            "mask",
            lambda x: x > 0,
            "`x > 0` is True or False. Multiply x by it, or choose with `torch.where`.",
        ),
        Misconception(
            "Python's max",
            lambda x: max(0, x),
            "Python's `max(0, x)` asks whether the whole tensor is larger than 0. To "
            "compare element by element: `x.clamp(min=0)`.",
        ),
        Misconception(
            "largest number",
            lambda x: x.max().clamp(min=0),
            "`x.max()` is a single number, the largest of all. ReLU works on each "
            "number separately and keeps the shape.",
        ),
    ),
    _inputs,
)

LEAKY = Exercise(
    "activations.leaky",
    lambda x, slope: torch.where(x > 0, x, slope * x),
    (
        Misconception(
            "slope on the wrong side",
            lambda x, slope: torch.where(x > 0, slope * x, x),
            "Your slope is on the wrong side: positive numbers pass unchanged, and "
            "negative ones are multiplied by `slope`.",
        ),
        Misconception(
            "maximum",
            lambda x, slope: torch.maximum(x, slope * x),
            "The larger of `x` and `slope * x` is right only while slope is below 1, "
            "and the check also tries 2. Decide by the sign of x.",
        ),
        Misconception(
            "sign turned",
            lambda x, slope: torch.where(x > 0, x, -slope * x),
            "Your negative half points upwards. Below 0 the output is `slope * x`, "
            "which is negative.",
        ),
        Misconception(
            "slope as a value",
            lambda x, slope: torch.where(x > 0, x, torch.full_like(x, slope)),
            "Below 0 you return the slope itself. It is a factor: `slope * x`.",
        ),
        Misconception(
            "added everywhere",
            lambda x, slope: x.relu() + slope * x,
            "`relu(x) + slope * x` adds the leak on both sides, so positive numbers "
            "are multiplied by 1 + slope. The leak is for negative numbers only.",
        ),
        Misconception(
            "Python's if",
            lambda x, slope: x if x > 0 else slope * x,
            "A Python `if` decides once for the whole tensor. To decide element by "
            "element: `torch.where(x > 0, ..., ...)`.",
        ),
        Misconception(
            "no leak",
            lambda x, slope: x.relu(),
            "This is ReLU: below 0 it gives 0. Let `slope * x` through there.",
        ),
    ),
    lambda: [
        (*randn(shape), slope)
        for shape, slope in [((5,), 0.1), ((4, 3), 0.25), ((1, 7), 2.0)]
    ],
)

SIGMOID_SLOPE = Exercise(
    "activations.sigmoid_slope",
    lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x)),
    (
        Misconception(
            "plus",
            lambda x: torch.sigmoid(x) * (1 + torch.sigmoid(x)),
            "σ(1 + σ) grows up to 2, but a sigmoid is flat on the right. The sign is "
            "a minus: σ(1 - σ).",
        ),
        Misconception(
            "x for σ",
            lambda x: x * (1 - x),
            "You put x itself into s(1 - s). The s is the output, σ(x).",
        ),
        Misconception(
            "the function itself",
            lambda x: torch.sigmoid(x),
            "This is the sigmoid itself. The task asks for its slope, which is 0.25 "
            "at x = 0.",
        ),
        Misconception(
            "inner minus lost",
            lambda x: -torch.sigmoid(x) * (1 - torch.sigmoid(x)),
            "Your slope is negative, but a sigmoid rises everywhere. The minus of "
            "exp(-x) was lost on the way.",
        ),
        Misconception(
            "tanh's rule",
            lambda x: 1 - torch.sigmoid(x) ** 2,
            "1 - s² is the rule for tanh. For the sigmoid it is s(1 - s).",
        ),
        Misconception(
            "square lost",
            lambda x: 1 - torch.sigmoid(x),
            "This is 1 - σ: one of the two factors, or the quotient rule without its "
            "square. The slope is σ · (1 - σ).",
        ),
    ),
    _inputs,
)


def _hidden() -> list[Case]:
    """Return outputs of ReLU, some with dead units and some with silent examples."""
    cases: list[Case] = []
    for rows, units, dead, silent in [(4, 6, 2, 1), (5, 3, 1, 0), (6, 4, 0, 2)]:
        h = randn((rows, units), seed=rows)[0].relu()
        h[-1] = h[-1] + 0.5  # an example that wakes every unit
        h[:, :dead] = 0
        h[:silent] = 0
        cases.append((h,))
    return cases


DEAD = Exercise(
    "activations.dead",
    lambda h: int((h == 0).all(dim=0).sum()),
    (
        Misconception(
            "silent examples",
            lambda h: int((h == 0).all(dim=1).sum()),
            "You count examples that activate no unit (rows of zeros). A dead unit is "
            "a column of zeros: use `dim=0`.",
        ),
        Misconception(
            "sometimes zero",
            lambda h: int((h == 0).any(dim=0).sum()),
            "You count units that are 0 for *some* example. That is normal; dead "
            "means 0 for *all* examples: `all` instead of `any`.",
        ),
        Misconception(
            "zeros counted",
            lambda h: int((h == 0).sum()),
            "You count all zeros. First ask for each unit whether its whole column is "
            "0.",
        ),
        Misconception(
            "the living",
            lambda h: int((h > 0).any(dim=0).sum()),
            "You count the living units. The dead ones are the others.",
        ),
        Misconception(
            "a share",
            lambda h: (h == 0).all(dim=0).float().mean().item(),
            "You return the share of dead units. The task asks for their number.",
        ),
    ),
    _hidden,
)


def _from(make: Callable[[Tensor], Tensor]) -> Answer:
    """Return an answer to SOFTMAX: shares of exp(z), with the total `make` gives."""
    return lambda z: z.exp() / make(z)


SOFTMAX = Exercise(
    "activations.softmax",
    lambda z: torch.softmax(z, dim=-1),
    (
        Misconception(
            "over the batch",
            lambda z: torch.softmax(z, dim=0),
            "Your columns sum to 1: the softmax runs over the batch, so the examples "
            "compete. The classes are the last dimension: `dim=-1`.",
        ),
        Misconception(
            "over everything",
            _from(lambda z: z.exp().sum()),
            "You divide by one total for the whole tensor. Each row has its own: sum "
            "with `dim=-1, keepdim=True`.",
        ),
        Misconception(
            "no keepdim",
            _from(lambda z: z.exp().sum(dim=-1)),
            "The totals have lost a dimension, so they line up with the columns, or "
            "with nothing. `keepdim=True` keeps one total beside each row.",
        ),
        Misconception(
            "no exp",
            lambda z: z / z.sum(dim=-1, keepdim=True),
            "You divide the scores themselves, which may be negative. Take `exp` "
            "first: it makes every number positive.",
        ),
        Misconception(
            "sigmoid",
            lambda z: torch.sigmoid(z),
            "A sigmoid looks at one score at a time, so a row need not sum to 1. "
            "Divide `exp(z)` by the total of its row.",
        ),
        Misconception(
            "no division",
            lambda z: z.exp(),
            "`exp` makes the numbers positive; now divide by their sum, row by row.",
        ),
    ),
    # A square one, where sums along the wrong dimension fit by accident.
    lambda: [randn(shape) for shape in [(2, 3), (3, 3), (1, 4), (5, 2)]],
)


def _one_maximum(z: Tensor) -> Tensor:
    z = z - z.max()
    return z - z.exp().sum(dim=-1, keepdim=True).log()


def _half_shifted(z: Tensor) -> Tensor:
    top = z.max(dim=-1, keepdim=True).values
    return z - (z - top).exp().sum(dim=-1, keepdim=True).log()


def _wide_scores() -> list[Case]:
    # Rows so far apart that one maximum for all of them is not enough.
    (far,) = randn((3, 4))
    far = far + far.new_tensor([[1000.0], [0.0], [-1000.0]])
    far[1, 2] = 500.0
    return [randn((2, 3)), randn((3, 3)), (far,)]


LOG_SOFTMAX = Exercise(
    "activations.log_softmax",
    lambda z: torch.log_softmax(z, dim=-1),
    (
        Misconception(
            "log after softmax",
            lambda z: torch.softmax(z, dim=-1).log(),
            "`softmax(z).log()` is right on paper, but a share may round to 0, and "
            "its logarithm is then -inf. Stay with z: `z - log(sum(exp(z)))`.",
        ),
        Misconception(
            "overflow",
            lambda z: z - z.exp().sum(dim=-1, keepdim=True).log(),
            "The formula is right, but the numbers are not: exp(1000) is inf. "
            "Subtract the row's maximum from z first; the result stays the same.",
        ),
        Misconception(
            "overflow in softmax",
            lambda z: (z.exp() / z.exp().sum(dim=-1, keepdim=True)).log(),
            "exp(1000) is inf, and inf divided by inf is NaN. Subtract the row's "
            "maximum from z first, and stay with `z - log(sum(exp(z)))`.",
        ),
        Misconception(
            "one maximum for all",
            _one_maximum,
            "You subtract one maximum from all rows, so in a row of small scores "
            "every exp is 0. Take one maximum per row: `max(dim=-1, "
            "keepdim=True).values`.",
        ),
        Misconception(
            "maximum taken away once",
            _half_shifted,
            "You subtract the maximum only inside exp. Use the shifted z in both "
            "places, or add the maximum back to the logarithm.",
        ),
        Misconception(
            "no logarithm",
            lambda z: torch.softmax(z, dim=-1),
            "These are the shares. The task asks for their logarithms.",
        ),
        Misconception(
            "sum forgotten",
            lambda z: z - z.max(dim=-1, keepdim=True).values,
            "This is z minus its row's maximum, a good first step. Now subtract the "
            "logarithm of the sum of its exponentials.",
        ),
        Misconception(
            "over the batch",
            lambda z: torch.log_softmax(z, dim=0),
            "Your softmax runs over the batch, `dim=0`. The classes are the last "
            "dimension.",
        ),
    ),
    _wide_scores,
)


def _picked(make: Callable[[Tensor], Tensor]) -> Answer:
    """Return an answer: minus the mean of what `make` gives the true classes."""
    return lambda logits, targets: (
        make(logits).gather(1, targets[:, None]).mean().mul(-1)
    )


def _loss_cases() -> list[Case]:
    def targets(*labels: int) -> Tensor:
        return torch.tensor(labels, device=randn((1,))[0].device)

    (small,), (square,), (one,) = randn((4, 3)), randn((3, 3), seed=2), randn((1, 5))
    far = square.clone()
    far[0, 1] = 200.0
    return [
        (small, targets(2, 0, 1, 1)),
        (square, targets(1, 2, 2)),
        (one, targets(3)),
        (far, targets(0, 2, 2)),
    ]


CROSS_ENTROPY = Exercise(
    "activations.cross_entropy",
    lambda logits, targets: F.cross_entropy(logits, targets),
    (
        Misconception(
            "softmax first",
            lambda logits, targets: F.cross_entropy(logits.softmax(dim=1), targets),
            "You take softmax twice: `F.cross_entropy`, like `log_softmax`, applies "
            "one itself and expects the logits.",
        ),
        Misconception(
            "log forgotten",
            _picked(lambda z: z.softmax(dim=1)),
            "You average the shares themselves. The loss is minus their *logarithm*: "
            "take `log_softmax`.",
        ),
        Misconception(
            "log after softmax",
            _picked(lambda z: z.softmax(dim=1).log()),
            "Right on paper, but where a share rounds to 0 your loss is infinite. Use "
            "`log_softmax`, which works with logarithms throughout.",
        ),
        Misconception(
            "logits for logarithms",
            _picked(lambda z: z),
            "You average the logits. They must first become logarithms of shares: "
            "`log_softmax`.",
        ),
        Misconception(
            "minus forgotten",
            lambda logits, targets: -F.cross_entropy(logits, targets),
            "Right except for the sign. Logarithms of shares are negative, and a loss "
            "should be small when things go well: put a minus before the mean.",
        ),
        Misconception(
            "sum",
            lambda logits, targets: F.cross_entropy(logits, targets, reduction="sum"),
            "You add up the losses of the batch. The loss is their mean, so that it "
            "does not depend on the batch size.",
        ),
        Misconception(
            "all classes",
            lambda logits, targets: -logits.log_softmax(dim=1).mean(),
            "You average over all classes. Only the true class of each example "
            "counts: select it with `targets`.",
        ),
        Misconception(
            "over the batch",
            _picked(lambda z: z.log_softmax(dim=0)),
            "Your log-softmax runs over the batch. The classes are `dim=1`.",
        ),
        Misconception(
            "no mean",
            lambda logits, targets: F.cross_entropy(logits, targets, reduction="none"),
            "You return one loss per example. Take their mean.",
        ),
        Misconception(
            "whole columns",
            lambda logits, targets: -logits.log_softmax(dim=1)[:, targets].mean(),
            "`[:, targets]` takes whole columns, one per target, from every row. Pair "
            "rows with targets: `[torch.arange(len(targets)), targets]`.",
        ),
    ),
    _loss_cases,
)


def _net(first: list[list[float]], second: list[float]) -> Answer:
    """Return a design: two weights and two biases, as functions of nothing."""
    b1, b2 = torch.zeros(len(first)), torch.zeros(1)
    return lambda: (torch.tensor(first), b1, torch.tensor([second]), b2)


def _pairs() -> list[Case]:
    corners = torch.tensor([[2.0, -1.0], [-1.0, 2.0], [-3.0, -2.0], [1.5, 1.0]])
    (cloud,) = randn((7, 2))
    return [(corners.to(cloud),), (cloud,), randn((1, 2), seed=3)]


def _apply_net(design: Answer, x: Tensor) -> Tensor:
    w1, b1, w2, b2 = (torch.as_tensor(part).to(x) for part in design())
    return F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)


MAXIMUM = Exercise(
    "activations.maximum",
    _net([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, -1.0]),
    (
        Misconception(
            "b never negative",
            _net([[1.0, -1.0], [0.0, 1.0]], [1.0, 1.0]),
            "relu(a - b) + relu(b) is right while b is positive. To let a negative b "
            "through as well, subtract relu(-b).",
        ),
        Misconception(
            "sum of ReLUs",
            _net([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]),
            "This adds relu(a) and relu(b). Compare the two instead: max(a, b) is b "
            "plus the amount by which a exceeds b, relu(a - b).",
        ),
        Misconception(
            "size of b",
            _net([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, 1.0]),
            "relu(b) + relu(-b) is |b|, without the sign. You want b itself: relu(b) "
            "- relu(-b).",
        ),
        Misconception(
            "difference reversed",
            _net([[-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, -1.0]),
            "You add relu(b - a) to b. Add the amount by which *a* exceeds b: relu(a "
            "- b).",
        ),
        Misconception(
            "minimum",
            _net([[-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]], [-1.0, 1.0, -1.0]),
            "b - relu(b - a) is the smaller of the two. The larger is b + relu(a - b).",
        ),
        Misconception(
            "half forgotten",
            _net(
                [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]],
                [1.0, -1.0, 1.0, 1.0],
            ),
            "a + b + |a - b| is twice the maximum: halve the second weight.",
        ),
    ),
    _pairs,
    _apply_net,
)

EXERCISES = (
    RELU,
    LEAKY,
    SIGMOID_SLOPE,
    DEAD,
    SOFTMAX,
    LOG_SOFTMAX,
    CROSS_ENTROPY,
    MAXIMUM,
)
