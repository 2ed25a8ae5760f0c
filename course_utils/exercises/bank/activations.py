"""Exercises of lesson 02: activations."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.bank.linear import require_floats
from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device


def _tensor(numbers: Sequence[float] | Sequence[Sequence[float]]) -> Tensor:
    return torch.tensor(numbers, device=current_device())


def _inputs() -> list[Case]:
    # Near a bend at 0, far from it, and just at it.
    near, far = _tensor([-0.001, 0.001, -0.5, 0.5]), _tensor([[-200.0, 7.0, 1000.0]])
    bend = _tensor([0.0, -1.0, 2.0])
    return [
        *(randn(shape) for shape in [(5,), (1, 3), (4, 3), (2, 3, 4)]),
        (randn((3, 4), seed=2)[0].T,),
        (near,),
        (far,),
        (bend,),
    ]


def _off_the_bend(answer: Answer, x: Tensor, *args: Any) -> Any:
    # At the bend itself any slope between the two is right: no gradients there.
    with torch.set_grad_enabled(bool(x.all())):
        return answer(x, *args)


def _of_two_dimensions(x: Tensor) -> Tensor:
    rows, columns = x.shape
    return torch.maximum(x, x.new_zeros(rows, columns))


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
            "Python's `max(0, x)`, like `if`, asks one question about the whole "
            "tensor. To compare element by element: `x.clamp(min=0)`.",
        ),
        Misconception(
            "largest number",
            lambda x: x.max().clamp(min=0),
            "`x.max()` is a single number, the largest of all. ReLU works on each "
            "number separately and keeps the shape.",
        ),
        Misconception(
            "filtered",
            lambda x: x[x > 0],
            "`x[x > 0]` leaves the negative numbers out, so the shape changes. ReLU "
            "puts a 0 in their places.",
        ),
        *(
            Misconception(
                f"capped at {top}",
                lambda x, top=top: x.clamp(0, top),
                f"Your numbers never exceed {top}. ReLU has no upper limit: large "
                "numbers pass as they are.",
            )
            for top in (1, 6)
        ),
        Misconception(
            "two dimensions only",
            _of_two_dimensions,
            "This works for two dimensions only, and x may have any number of them: "
            "don't unpack `x.shape`. `torch.zeros_like(x)` fits every x.",
        ),
        Misconception(
            "negative half of a leak",
            lambda x: torch.where(x > 0, x, 0.01 * x),
            "Below 0 your result is 0.01 · x, a leaky ReLU. A plain one gives 0.",
        ),
        Misconception(
            "mirrored",
            lambda x: (-x).clamp(min=0),
            "This is relu(-x): negative numbers are kept, with the sign turned. "
            "ReLU keeps the positive ones.",
        ),
        Misconception(
            "softplus",
            lambda x: F.softplus(x),
            "This is softplus, a smooth cousin: at 0 it gives 0.69. ReLU is 0 "
            "there, and x itself to the right.",
        ),
        Misconception(
            "sign",
            lambda x: x.sign(),
            "You return the signs, 1, 0 and -1. ReLU returns the number itself, or 0.",
        ),
    ),
    _inputs,
    _off_the_bend,
    hints=(
        "ReLU is the larger of x and 0, for each number alone.",
        "`clamp`, `torch.where` and `torch.maximum` all work number by number.",
        "`x.clamp(…)` takes a `min` and a `max`. You need one of them.",
    ),
    forbidden=("relu", "relu_", "nn.ReLU"),
    differentiable=True,
)

_SLOPES = (0.1, 0.25, 2.0, 0.5, 0.2, 3.0, 0.3, 2.0)


def _below_zero(name: str, below: Answer, hint: str) -> Iterator[Misconception]:
    """Yield the mistake of giving `below(x, slope)` below 0, and also at 0 itself."""
    yield Misconception(
        name, lambda x, slope: torch.where(x >= 0, x, below(x, slope)), hint
    )
    yield Misconception(
        f"{name}, at 0 too",
        lambda x, slope: torch.where(x > 0, x, below(x, slope)),
        hint,
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
        *_below_zero(
            "slope as a value",
            lambda x, slope: torch.full_like(x, slope),
            "Below 0 you return the slope itself. It is a factor: `slope * x`.",
        ),
        Misconception(
            "added everywhere",
            lambda x, slope: x.relu() + slope * x,
            "`relu(x) + slope * x` adds the leak on both sides, so positive numbers "
            "are multiplied by 1 + slope. The leak is for negative numbers only.",
        ),
        Misconception(
            "slope ignored",
            lambda x, slope: torch.where(x > 0, x, 0.01 * x),
            "Negative numbers are always multiplied by 0.01, the default of "
            "`nn.LeakyReLU`. Use the `slope` that is passed.",
        ),
        Misconception(
            "divided",
            lambda x, slope: torch.where(x > 0, x, x / slope),
            "Negative numbers are divided by `slope`. Multiply them by it.",
        ),
        *_below_zero(
            "slope added",
            lambda x, slope: x + slope,
            "Negative numbers have `slope` added. Multiply them by it.",
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
        Misconception(
            "slope on both sides",
            lambda x, slope: slope * x,
            "All your numbers are multiplied by `slope`. Positive ones pass as they "
            "are.",
        ),
        Misconception(
            "minimum",
            lambda x, slope: torch.minimum(x, slope * x),
            "The smaller of `x` and `slope * x` is right only while slope is above "
            "1, and the check also tries 0.1. Decide by the sign of x.",
        ),
        Misconception(
            "bend at the slope",
            lambda x, slope: torch.where(x > slope, x, slope * x),
            "You compare x with `slope`, so small positive numbers are multiplied "
            "too. Compare with 0.",
        ),
        *_below_zero(
            "minus the slope",
            lambda x, slope: torch.full_like(x, -slope),
            "Every negative number becomes `-slope`, the same for all. `slope` is a "
            "factor: `slope * x`.",
        ),
        Misconception(
            "limited at minus the slope",
            lambda x, slope: x.clamp(min=-slope),
            "Your numbers never go below `-slope`: a limit. `slope` is a factor: "
            "negative numbers become `slope * x`.",
        ),
        Misconception(
            "limited at the slope",
            lambda x, slope: x.clamp(min=slope),
            "Your numbers never go below `slope`: a limit. `slope` is a factor: "
            "negative numbers become `slope * x`.",
        ),
    ),
    lambda: [
        *((x, slope) for (x,), slope in zip(_inputs(), _SLOPES, strict=True)),
        (*randn((2, 3), seed=3), 2.0),
    ],
    _off_the_bend,
    hints=(
        "Two rules, one for each sign of x: decide number by number.",
        "`torch.where(condition, a, b)` takes `a` where the condition holds, else `b`.",
        "The condition is about x alone. What is `a`, what is `b`?",
    ),
    differentiable=True,
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
            "Your slope is negative, but a sigmoid rises everywhere. Often a minus is "
            "lost on the way: that of exp(-x), when it is derived.",
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
        Misconception(
            "σ and x mixed",
            lambda x: torch.sigmoid(x) * (1 - x),
            "Your first factor is σ(x), but the second one is 1 - x. Both are about "
            "the output: 1 - σ(x).",
        ),
        Misconception(
            "parentheses lost",
            lambda x: torch.sigmoid(x) * 1 - torch.sigmoid(x),
            "Your result is 0 everywhere. `s * 1 - s` is read as `(s * 1) - s`: put "
            "parentheses around 1 - s.",
        ),
        Misconception(
            "sigmoid of the derivative",
            lambda x: torch.sigmoid(x * (1 - x)),
            "You take the sigmoid last. Take it first, s = σ(x), then s(1 - s).",
        ),
        *(
            Misconception(
                f"overflow for {where} numbers",
                lambda x, sign=sign: (sign * x).exp() / (1 + (sign * x).exp()) ** 2,
                f"The formula is right, but for large {where} numbers the result is "
                "NaN: exp(200) is inf, and inf divided by inf is not a number. A "
                "formula made of `torch.sigmoid` has no such trouble.",
            )
            for where, sign in (("positive", 1), ("negative", -1))
        ),
        Misconception(
            "math.exp",
            lambda x: math.exp(-x),
            "`math.exp` takes a single number. For a whole tensor: `torch.exp`, or "
            "`torch.sigmoid` at once.",
        ),
        Misconception(
            "one over the square",
            lambda x: 1 / (1 + torch.exp(-x)) ** 2,
            "This is σ²: the quotient rule also leaves exp(-x) above the line.",
        ),
        Misconception(
            "tanh's derivative",
            lambda x: 1 - torch.tanh(x) ** 2,
            "This is the derivative of tanh. That of the sigmoid is s(1 - s), with "
            "s = σ(x).",
        ),
        Misconception(
            "times x",
            lambda x: x * torch.sigmoid(x) * (1 - torch.sigmoid(x)),
            "There is a factor x too many: the slope of a sigmoid is s(1 - s) alone.",
        ),
        Misconception(
            "sigmoid twice",
            lambda x: (
                torch.sigmoid(torch.sigmoid(x)) * (1 - torch.sigmoid(torch.sigmoid(x)))
            ),
            "The sigmoid is taken twice in your result: s is σ(x) already. The slope "
            "is s(1 - s), with no further sigmoid.",
        ),
        Misconception(
            "summed",
            lambda x: (torch.sigmoid(x) * (1 - torch.sigmoid(x))).sum(),
            "You return one number, the sum. Each number of `x` has a slope of its "
            "own: return the shape of `x`.",
        ),
        *(
            Misconception(
                f"difference quotient of {step:g}",
                lambda x, h=step: (torch.sigmoid(x + h) - torch.sigmoid(x)) / h,
                f"Your numbers are close, but not exact: they come from a difference "
                f"quotient with the step {step:g}. Use the formula of the derivative.",
            )
            for step in (0.1, 0.01, 0.001, 0.0001)
        ),
    ),
    lambda: [*_inputs(), (_tensor([-60.0, -20.0, 20.0, 60.0]),)],
    hints=(
        "The page writes the derivative with the sigmoid's own output, s = σ(x).",
        "Compute s once; the derivative is a product of s and something else.",
        "That something is what s lacks to 1.",
    ),
    forbidden=("backward", "autograd.grad"),
)


def _hidden() -> list[Case]:
    """Return outputs of ReLU: dead units, silent examples, nearly silent units."""
    tables = [
        [[0, 1, 2.0]],
        [[0, 0.6], [2, 0], [0.5, 0.5]],
        [[0, 0, 0], [0, 1.5, 0], [0, 0, 0], [0.7, 0, 0]],
        [[0, 2, 0, 0.6, 0], [0, 0, 0, 0.8, 0], [0, 1, 0, 0, 0]],
        [[0, 3e-7, 0, 1], [0, 0, 2e-7, 0]],
    ]
    (wide,) = randn((6, 7), seed=5)
    wide = torch.where(wide > 0, wide + 0.5, 0)
    wide[:, [0, 4, 6]] = 0
    return [*((_tensor(table),) for table in tables), (wide,)]


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
        Misconception(
            "first example only",
            lambda h: int((h[0] == 0).sum()),
            "You count the units that are 0 for the first example. Dead means 0 for "
            "*all* examples of the batch.",
        ),
        Misconception(
            "last example only",
            lambda h: int((h[-1] == 0).sum()),
            "You count the units that are 0 for the last example. Dead means 0 for "
            "*all* examples of the batch.",
        ),
        Misconception(
            "nearly silent",
            lambda h: int((h.amax(dim=0) < 1e-3).sum()),
            "You also count units whose numbers are tiny but not 0. Those still learn "
            "a little: compare with 0 itself.",
        ),
        Misconception(
            "which ones",
            lambda h: (h == 0).all(dim=0).nonzero().flatten(),
            "These are the numbers of the dead units. The task asks how many there "
            "are.",
        ),
        Misconception(
            "one per unit",
            lambda h: (h == 0).all(dim=0),
            "This is one True or False per unit, as it should be. Now count the True "
            "ones: `sum()`.",
        ),
        Misconception(
            "zeros per unit",
            lambda h: (h == 0).sum(dim=0),
            "This is the number of zeros of each unit. Now find the units where it is "
            "the whole batch, and count them.",
        ),
        Misconception(
            "batch size minus the living",
            lambda h: len(h) - int((h > 0).any(dim=0).sum()),
            "You subtract the living units from the number of examples. `len(h)` is "
            "N; the number of units is `h.shape[1]`.",
        ),
        Misconception(
            "all or nothing",
            lambda h: int((h == 0).all()),
            "`all()` without `dim` asks once whether everything is 0. Ask each "
            "unit: `dim=0`.",
        ),
        Misconception(
            "mostly zero",
            lambda h: int(((h == 0).float().mean(dim=0) > 0.5).sum()),
            "You count units that are 0 for more than half of the examples. Dead "
            "means 0 for *all* of them.",
        ),
        Misconception(
            "all units",
            lambda h: h.shape[1],
            "This is the number of all units. Count those whose column is all 0.",
        ),
        Misconception(
            "cut to whole numbers",
            lambda h: int((h.int() == 0).all(dim=0).sum()),
            "Numbers from 0 to 1 count as 0 in your code: `int()` cuts off what "
            "follows the point. Compare `h` itself with 0.",
        ),
        Misconception(
            "always active",
            lambda h: int((h != 0).all(dim=0).sum()),
            "You count the units that are active for *every* example. Dead ones are 0 "
            "for every example.",
        ),
    ),
    _hidden,
    hints=(
        "A unit is a column of `h`. First ask of every number whether it is 0.",
        "`all(dim=…)` is True where a whole row or column is. Which one do you want?",
        "Then count the True ones: True sums up as 1.",
    ),
)


def _total_of(make: Callable[[Tensor], Tensor]) -> Answer:
    """Return an answer to SOFTMAX: shares of exp(z), with the total `make` gives."""
    return lambda z: z.exp() / make(z)


def _row_sums(z: Tensor) -> Tensor:
    return z.sum(dim=-1, keepdim=True)


def _less_its_top(z: Tensor) -> Tensor:
    return z - z.amax(dim=-1, keepdim=True)


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
            _total_of(lambda z: z.exp().sum()),
            "You divide by one total for the whole tensor. Each row has its own: sum "
            "with `dim=-1, keepdim=True`.",
        ),
        Misconception(
            "no keepdim",
            _total_of(lambda z: z.exp().sum(dim=-1)),
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
        Misconception(
            "sum of the scores",
            _total_of(lambda z: z.sum(dim=-1, keepdim=True)),
            "You divide `exp(z)` by the sum of z itself. Sum up the same numbers as "
            "above the line: `exp(z)`.",
        ),
        Misconception(
            "exp of the sum",
            _total_of(lambda z: z.sum(dim=-1, keepdim=True).exp()),
            "You divide by exp of the sum. It is the sum of the exps: `exp` first, "
            "then `sum`.",
        ),
        Misconception(
            "mean",
            _total_of(lambda z: z.exp().mean(dim=-1, keepdim=True)),
            "Your rows sum to the number of classes. Often the row is divided by its "
            "mean: divide by its sum.",
        ),
        Misconception(
            "one row's total",
            _total_of(lambda z: z[0].exp().sum()),
            "You divide every row by the total of the first one. Each row has its "
            "own: sum with `dim=-1, keepdim=True`.",
        ),
        Misconception(
            "logarithms",
            lambda z: torch.log_softmax(z, dim=-1),
            "These are the logarithms of the shares. The task asks for the shares "
            "themselves.",
        ),
        Misconception(
            "by the largest",
            lambda z: z.exp() / z.exp().amax(dim=-1, keepdim=True),
            "Your largest share is always 1: you divide by the largest number of "
            "the row. Divide by their sum.",
        ),
        Misconception(
            "negative scores",
            lambda z: torch.softmax(-z, dim=-1),
            "Your smallest score gets the largest share: the sign in `exp` is "
            "turned. It is exp(z), not exp(-z).",
        ),
        Misconception(
            "no exp, one total",
            lambda z: z / z.sum(),
            "You divide the scores themselves, by one total for all. Take `exp` "
            "first, then sum up each row: `dim=-1, keepdim=True`.",
        ),
        *(
            Misconception(
                f"largest subtracted {where} only",
                answer,
                f"The row's maximum is subtracted {where} the line only, so the shares "
                "don't sum to 1. Subtract it from z once, and use that z in both "
                "places; or in neither.",
            )
            for where, answer in (
                ("above", lambda z: _less_its_top(z).exp() / _row_sums(z.exp())),
                ("below", lambda z: z.exp() / _row_sums(_less_its_top(z).exp())),
            )
        ),
        Misconception(
            "squares",
            lambda z: z**2 / _row_sums(z**2),
            "You divide the squares of the scores. Take `exp` in place of the square: "
            "a larger score must get a larger share, also among negative ones.",
        ),
    ),
    # A square one, where sums along the wrong dimension fit by accident, and one
    # whose rows aren't stored one after the other.
    lambda: [
        *(randn(shape) for shape in [(2, 3), (3, 3), (1, 4), (5, 2), (2, 1)]),
        (randn((4, 3), seed=2)[0].T,),
    ],
    hints=(
        "A share is positive, and the shares of a row sum to 1.",
        "`exp` makes any number positive. Which total makes a row sum to 1?",
        "Divide `exp(z)` by its own sum along the classes; with `keepdim=True` that "
        "has the shape `(N, 1)`.",
    ),
    forbidden=("softmax", "log_softmax", "nn.Softmax", "nn.LogSoftmax"),
    differentiable=True,
)


def _half_shifted(z: Tensor) -> Tensor:
    top = z.max(dim=-1, keepdim=True).values
    return z - (z - top).exp().sum(dim=-1, keepdim=True).log()


def _shifted_by(make: Callable[[Tensor], Tensor]) -> Answer:
    """Return an answer to LOG_SOFTMAX: right, after a shift by what `make` gives."""

    def answer(z: Tensor) -> Tensor:
        z = z - make(z)
        return z - z.exp().sum(dim=-1, keepdim=True).log()

    return answer


def _wide_scores() -> list[Case]:
    # Rows so far apart that one maximum for all of them is not enough.
    (far,) = randn((3, 4))
    far = far + far.new_tensor([[1000.0], [0.0], [-1000.0]])
    far[1, 2] = 500.0
    return [
        *(randn(shape) for shape in [(2, 3), (3, 3), (1, 5), (2, 1)]),
        (_tensor([[1000.0, -1000.0]]),),
        (_tensor([[1000.0] * 3, [-1000.0] * 3, [0.0, -1000.0, 0.0]]),),
        (_tensor([[80.0, -80.0, 80.0]]),),
        (far,),
    ]


_SMALL = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)  # what people add before a log

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
            _shifted_by(lambda z: z.max()),
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
        Misconception(
            "mean subtracted",
            _shifted_by(lambda z: z.mean(dim=-1, keepdim=True)),
            "A row with one large number still gives inf: its mean is subtracted, and "
            "the largest number stays far above it. Subtract the row's maximum.",
        ),
        Misconception(
            "largest size subtracted",
            _shifted_by(lambda z: z.abs().amax(dim=-1, keepdim=True)),
            "In a row of numbers near -1000 you subtract 1000 more, and every exp is "
            "0. Subtract the row's maximum with its sign, without `abs`.",
        ),
        Misconception(
            "smallest subtracted",
            _shifted_by(lambda z: z.amin(dim=-1, keepdim=True)),
            "The row's smallest number becomes 0 in your code, so the largest may be "
            "2000, and its exp is inf. Subtract the row's maximum.",
        ),
        Misconception(
            "maximum of the columns",
            _shifted_by(lambda z: z.amax(dim=0)),
            "You subtract the maximum of each column. What must become small are the "
            "exps of one row: take its maximum, `dim=-1`.",
        ),
        *(
            Misconception(
                f"{small:g} added",
                lambda z, small=small: (torch.softmax(z, dim=-1) + small).log(),
                f"Your numbers never go below {math.log(small):.4g}, the logarithm of "
                f"{small:g}: often a small number is added, or a limit set, before "
                "`log`. That is finite but wrong. Stay with z: subtract its maximum, "
                "then `log(sum(exp(z)))`.",
            )
            for small in _SMALL
        ),
        *(
            Misconception(
                f"limited to {limit}",
                lambda z, limit=limit: torch.log_softmax(z.clamp(-limit, limit), -1),
                f"Your result treats all logits above {limit} alike, and all below "
                f"-{limit}: they are limited first. That is finite but wrong. Subtract "
                "the row's maximum instead, which changes nothing.",
            )
            for limit in (20, 30, 50, 80, 88, 100)
        ),
        Misconception(
            "no keepdim",
            lambda z: (
                (z - z.amax(-1, keepdim=True))
                - (z - z.amax(-1, keepdim=True)).exp().sum(-1).log()
            ),
            "The logarithms of the sums have lost a dimension, so they line up with "
            "the columns, or with nothing. `keepdim=True` keeps one beside each "
            "row.",
        ),
        Misconception(
            "one sum for all",
            lambda z: (
                (z - z.amax(-1, keepdim=True))
                - (z - z.amax(-1, keepdim=True)).exp().sum().log()
            ),
            "You sum the exps of all rows. Each row has its own sum: `dim=-1, "
            "keepdim=True`.",
        ),
        Misconception(
            "maximum outside exp only",
            lambda z: (
                z - z.amax(-1, keepdim=True) - z.exp().sum(-1, keepdim=True).log()
            ),
            "You subtract the maximum from z, but not inside exp, where it matters. "
            "Use the shifted z in both places.",
        ),
        Misconception(
            "nothing divided",
            lambda z: z.exp().log(),
            "exp and log undo each other: this is z again, or inf. Between them, "
            "the shares must be divided by their sum.",
        ),
    ),
    _wide_scores,
    hints=(
        "On paper: z minus the logarithm of the sum of all exp(z) of its row.",
        "exp(1000) is inf. A constant subtracted from a whole row does not change its "
        "softmax: which constant makes the largest exp 1?",
        "Shift z by the maximum of its row (`keepdim=True`), then use the formula with "
        "the shifted z everywhere.",
    ),
    forbidden=("log_softmax", "logsumexp", "nn.LogSoftmax"),
    differentiable=True,
)


def _picked(make: Callable[[Tensor], Tensor]) -> Answer:
    """Return an answer: minus the mean of what `make` gives the true classes."""
    return lambda logits, targets: (
        make(logits).gather(1, targets[:, None]).mean().mul(-1)
    )


def _loss_cases() -> list[Case]:
    def targets(*labels: int) -> Tensor:
        return torch.tensor(labels, device=current_device())

    (small,), (square,), (one,) = randn((4, 3)), randn((3, 3), seed=2), randn((1, 5))
    (more,) = randn((2, 4), seed=4)
    far = square.clone()
    far[0, 1] = 200.0
    return [
        (small, targets(2, 0, 1, 1)),
        (square, targets(1, 2, 2)),
        (one, targets(3)),
        (more, targets(0, 1)),
        (_tensor([[0.0, 200.0]]), targets(1)),
        (_tensor([[1000.0, -1000.0], [-1000.0, 1000.0]]), targets(1, 1)),
        (far, targets(0, 2, 2)),
    ]


def _mean_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.nll_loss(F.log_softmax(logits, dim=1), targets)


CROSS_ENTROPY = Exercise(
    "activations.cross_entropy",
    _mean_loss,
    (
        Misconception(
            "softmax first",
            lambda logits, targets: _mean_loss(logits.softmax(dim=1), targets),
            "You take softmax twice: `log_softmax` applies one itself and expects the "
            "logits.",
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
            lambda logits, targets: -_mean_loss(logits, targets),
            "Right except for the sign. Logarithms of shares are negative, and a loss "
            "should be small when things go well: put a minus before the mean.",
        ),
        Misconception(
            "sum",
            lambda logits, targets: _mean_loss(logits, targets) * len(targets),
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
            lambda logits, targets: (
                -logits.log_softmax(dim=1)[torch.arange(len(targets)), targets]
            ),
            "You return one loss per example. Take their mean.",
        ),
        Misconception(
            "whole columns",
            lambda logits, targets: -logits.log_softmax(dim=1)[:, targets].mean(),
            "`[:, targets]` takes whole columns, one per target, from every row. Pair "
            "rows with targets: `[torch.arange(len(targets)), targets]`.",
        ),
        Misconception(
            "all classes counted",
            lambda logits, targets: _mean_loss(logits, targets) / logits.shape[1],
            "Your loss is divided by the number of classes as well. Often zeros are "
            "averaged too, as after `F.one_hot`: divide by the batch size only.",
        ),
        Misconception(
            "overflow",
            _picked(lambda z: z - z.exp().sum(dim=1, keepdim=True).log()),
            "Right on paper, but exp(1000) is inf, and so is your loss. Use "
            "`log_softmax`, or subtract the row's maximum first.",
        ),
        Misconception(
            "best class",
            lambda logits, targets: -logits.log_softmax(dim=1).amax(dim=1).mean(),
            "You take the largest share of each row. The loss looks at the share of "
            "the *true* class, whether it is the largest or not.",
        ),
        *(
            Misconception(
                f"{small:g} added",
                _picked(lambda z, small=small: (z.softmax(dim=1) + small).log()),
                f"No example's loss exceeds {-math.log(small):.4g}, minus the "
                f"logarithm of {small:g}: often a small number is added, or a limit "
                "set, before `log`. That is finite but wrong. Use `log_softmax`.",
            )
            for small in _SMALL
        ),
        Misconception(
            "divided by the classes",
            lambda logits, targets: (
                _mean_loss(logits, targets) * len(targets) / logits.shape[1]
            ),
            "Your sum is divided by the number of classes. A mean over the batch "
            "divides by the number of examples.",
        ),
        Misconception(
            "targets for rows",
            lambda logits, targets: -logits.log_softmax(dim=1)[targets].mean(),
            "`[targets]` chooses whole rows, as if the targets were numbers of "
            "examples. They are columns: `[torch.arange(len(targets)), targets]`.",
        ),
        Misconception(
            "gathered along the batch",
            lambda logits, targets: (
                -logits.log_softmax(dim=1).gather(0, targets[:, None]).mean()
            ),
            "`gather(0, …)` takes the targets for numbers of examples. They are "
            "numbers of classes, dimension 1.",
        ),
    ),
    _loss_cases,
    hints=(
        "`F.log_softmax` gives the logarithms of all shares, safely.",
        "From each row you need one of them, that of the true class: `gather`, or an "
        "index for the rows and one for the columns.",
        "`logs[torch.arange(N), targets]` has shape `(N,)`. A loss is one number, and "
        "small when things go well.",
    ),
    forbidden=("F.cross_entropy", "nn.CrossEntropyLoss"),
    differentiable=True,
)


def _net(first: list[list[float]], second: list[float]) -> Answer:
    """Return a design: two weights and two biases, as functions of nothing."""
    b1, b2 = torch.zeros(len(first)), torch.zeros(1)
    return lambda: (torch.tensor(first), b1, torch.tensor([second]), b2)


def _pairs() -> list[Case]:
    corners = [[2.0, -1.0], [-1.0, 2.0], [-3.0, -2.0], [1.5, 1.0], [-2.0, -2.0]]
    far = [[-3000.0, -2000.0], [-2000.0, -2500.0], [2000.0, -3000.0], [7.0, 2000.0]]
    return [
        (_tensor(corners),),
        (_tensor(far),),
        (_tensor([[-2.0, -3.0]]),),
        randn((7, 2)),
    ]


def _apply_net(design: Answer, x: Tensor) -> Tensor:
    layers = design()
    require_floats(layers, ("w1", "b1", "w2", "b2"))
    w1, b1, w2, b2 = (part.to(x) for part in layers)
    units = b1.numel()
    if w1.shape == (2, units) and w2.shape == (units, 1):
        raise ValueError("Your weights are transposed.")
    shapes = [tuple(part.shape) for part in (w1, b1, w2, b2)]
    if shapes != [(units, 2), (units,), (1, units), (1,)]:
        raise ValueError(
            f"The shapes {', '.join(map(str, shapes))} do not fit together as (units, "
            "2), (units,), (1, units), (1,)."
        )
    return F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)


def _whole_numbers() -> tuple[Tensor, ...]:
    w1, w2 = torch.tensor([[1, -1], [0, 1], [0, -1]]), torch.tensor([[1, 1, -1]])
    return w1, torch.zeros(3), w2, torch.zeros(1)


def _columns() -> tuple[Tensor, ...]:
    w1, w2 = torch.ones(2, 3), torch.ones(3, 1)
    return w1, torch.zeros(3), w2, torch.zeros(1)


def _lifted(by: float, column: int) -> Answer:
    """Return a design that lifts b (column 0) or a (1) above 0 before its ReLU."""
    w1, w2 = torch.tensor([[1.0, -1.0], [0.0, 1.0]]), torch.ones(1, 2)
    w1 = w1.flip(1) if column else w1
    return lambda: (w1, torch.tensor([0.0, by]), w2, torch.tensor([-by]))


def _by_turns(
    name: str, first: list[list[float]], second: list[float], hint: str
) -> Iterator[Misconception]:
    """Yield a mistake and the one with a and b exchanged; {a} and {b} stand for them.

    Exchanging the two leaves the maximum as it is, so learners do either.
    """
    for a, b in ("ab", "ba"):
        rows = first if a == "a" else [row[::-1] for row in first]
        yield Misconception(
            name.format(a=a, b=b), _net(rows, second), hint.format(a=a, b=b)
        )


def _lifted_mistakes() -> Iterator[Misconception]:
    for by in (1.0, 5.0, 10.0, 100.0, 1000.0):
        for column, name in enumerate("ba"):
            yield Misconception(
                f"{name} lifted by {by:g}",
                _lifted(by, column),
                f"Right while {name} is above -{by:g}: it is lifted by {by:g} before "
                f"the ReLU and lowered again. {name} may be any number: let its "
                f"negative half through with a second unit, relu(-{name}).",
            )


MAXIMUM = Exercise(
    "activations.maximum",
    _net([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, -1.0]),
    (
        *_by_turns(
            "{b} never negative",
            [[1.0, -1.0], [0.0, 1.0]],
            [1.0, 1.0],
            "Right only while {b} is not negative: relu({b}) loses a negative {b}. "
            "Subtract relu(-{b}), one more unit, to let it through as well.",
        ),
        Misconception(
            "sum of ReLUs",
            _net([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]),
            "Your output is relu(a) + relu(b), a sum. Compare the two instead: the "
            "larger is b plus the amount by which a exceeds b, relu(a - b).",
        ),
        *_by_turns(
            "size of {b}",
            [[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]],
            [1.0, 1.0, 1.0],
            "Right only while {b} is not negative: relu({b}) + relu(-{b}) is the size "
            "of {b} without its sign. {b} itself is relu({b}) - relu(-{b}).",
        ),
        *_by_turns(
            "{b} and what it exceeds",
            [[-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]],
            [1.0, 1.0, -1.0],
            "Where {b} is the larger, yours is larger still: relu({b} - {a}) is added "
            "to {b}. Add the amount by which *{a}* exceeds {b}: relu({a} - {b}).",
        ),
        Misconception(
            "minimum",
            _net([[-1.0, 1.0], [0.0, 1.0], [0.0, -1.0]], [-1.0, 1.0, -1.0]),
            "Your output is the smaller of the two. b - relu(b - a) is that, for "
            "example; the larger is b + relu(a - b).",
        ),
        Misconception(
            "half forgotten",
            _net(
                [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]],
                [1.0, -1.0, 1.0, 1.0],
            ),
            "Your output is twice the maximum, as a + b + |a - b| is: halve the second "
            "weight.",
        ),
        Misconception(
            "negative sums lost",
            _net([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]], [0.5, 0.5, 0.5]),
            "Right only while a + b is not negative: relu(a + b) loses a negative "
            "sum. Subtract relu(-a - b), one more unit, with the same factor.",
        ),
        Misconception(
            "negative sums lost, half forgotten",
            _net([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0, 1.0]),
            "Two things. Your output is twice the maximum: halve the second weight. "
            "And relu(a + b) loses a negative sum: subtract relu(-a - b).",
        ),
        Misconception(
            "mean",
            _net([[1.0, 1.0], [-1.0, -1.0]], [0.5, -0.5]),
            "Your output is the mean of a and b. To reach the larger, add half the "
            "distance |a - b|, which is relu(a - b) + relu(b - a).",
        ),
        Misconception(
            "distance",
            _net([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0]),
            "Your output is |a - b|, the distance. Add it to a + b, and halve the sum; "
            "or add relu(a - b) alone to b.",
        ),
        *_by_turns(
            "excess of {a}",
            [[1.0, -1.0]],
            [1.0],
            "Your output is relu({a} - {b}), only the amount by which {a} exceeds {b}. "
            "Add {b} itself: relu({b}) - relu(-{b}).",
        ),
        *_by_turns(
            "excess of {a} subtracted",
            [[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]],
            [-1.0, 1.0, -1.0],
            "Where {a} is the larger, yours is smaller than {b}: relu({a} - {b}) is "
            "subtracted from {b}. Add it.",
        ),
        *_by_turns(
            "{b} never positive",
            [[1.0, -1.0], [0.0, -1.0]],
            [1.0, -1.0],
            "Right only while {b} is not positive: -relu(-{b}) loses a positive {b}. "
            "Add relu({b}), one more unit, to let it through as well.",
        ),
        Misconception(
            "sum",
            _net(
                [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]],
                [1.0, -1.0, 1.0, -1.0],
            ),
            "Your output is a + b. Compare the two instead: the larger is b plus the "
            "amount by which a exceeds b, relu(a - b).",
        ),
        *_by_turns(
            "{a} alone",
            [[1.0, 0.0], [-1.0, 0.0]],
            [1.0, -1.0],
            "Your output is {a}, whatever {b} is. Add the amount by which {b} exceeds "
            "it: relu({b} - {a}).",
        ),
        *_lifted_mistakes(),
        Misconception(
            "transposed",
            _columns,
            "Your weights have one column per output. They need one row per output: "
            "`w1` is (units, 2), `w2` is (1, units).",
        ),
        Misconception(
            "whole numbers",
            _whole_numbers,
            "A tensor of yours holds whole numbers, which a layer can't multiply with "
            "floats. One decimal point in it is enough: `1.0` for `1`.",
        ),
    ),
    _pairs,
    _apply_net,
    result="network's output",
    hints=(
        "The larger of a and b is b plus the amount by which a exceeds b, if at all.",
        "That amount is relu(a - b): one unit, with the weights 1 and -1.",
        "The output needs b as well, but a ReLU lets only one half of it through. The "
        "other half is relu(-b), with a minus.",
    ),
    arguments=("[a, b]",),
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
