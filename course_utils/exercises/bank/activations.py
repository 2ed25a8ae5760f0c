"""Exercises of lesson 02: activations."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.bank.linear import require_floats
from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.watch import watched_call
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
            "ELU",
            lambda x, slope: F.elu(x, alpha=slope),
            "Below 0 your result bends and levels off at `-slope`, as ELU does. "
            "It should be a straight line: `slope * x`.",
        ),
        Misconception(
            "maximum",
            lambda x, slope: torch.maximum(x, slope * x),
            "The larger of `x` and `slope * x` is right only while slope is at most 1, "
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
            "The smaller of `x` and `slope * x` is right only while slope is at least "
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
    late = torch.zeros_like(wide[:1, :3]).repeat(300, 1)
    late[-1, 1] = 2.0  # awake for the last of many examples alone
    return [*((_tensor(table),) for table in tables), (wide,), (late,)]


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
        Misconception(
            "spread of 0",
            # Not `h.std`, which warns where there is one example.
            lambda h: int((h == h[0]).all(dim=0).sum()) if len(h) > 1 else 0,
            "You count units without spread. That counts a unit that is the same "
            "number for all examples, though not 0; and a single example has no "
            "spread (`nan`), so none is counted. Ask whether all of its numbers are "
            "0: `(h == 0).all(dim=0)`.",
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
            "powers of two",
            lambda z: torch.softmax(math.log(2) * z, dim=-1),
            "Your rows sum to 1, but these are the shares of 2**z, powers of 2. "
            "Softmax takes powers of e: `z.exp()`.",
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

_Slopes = Callable[[Tensor, Tensor], Tensor]  # of the slopes at z, and of f(z)


def _gain_from(make: _Slopes) -> Answer:
    """Return an answer to GAIN: what `make` gives for the slopes and the values."""

    def answer(activation: Answer, z: Tensor) -> Tensor | float:
        z = z.detach().clone().requires_grad_()
        y = activation(z)
        (slopes,) = torch.autograd.grad(y.sum(), z)
        gain = make(slopes, y.detach())
        return gain.item() if gain.numel() == 1 else gain

    return answer


def _slope_at_0(activation: Answer, z: Tensor) -> Tensor:
    return _gain_from(lambda slopes, y: 1 / slopes[0])(activation, z.new_zeros(1))


def _from_differences(before: float, after: float) -> Answer:
    """Return an answer to GAIN whose slopes are those of chords around z."""

    def answer(activation: Answer, z: Tensor) -> float:
        change = activation(z + after) - activation(z - before)
        return (change / (before + after)).square().mean().rsqrt().item()

    return answer


def _cube(z: Tensor) -> Tensor:
    return z**3


def _sums() -> list[Case]:
    draws = randn((40,), (40,), (31,), (8,), (64,), (5,), (6, 5))
    makers = (torch.tanh, F.relu, torch.sigmoid, F.silu, F.elu, _cube, F.gelu)
    spreads = (1.0, 1.0, 3.0, 2.0, 1.5, 0.5, 1.0)
    return [(f, c * z) for f, c, z in zip(makers, spreads, draws, strict=True)]


GAIN = Exercise(
    "activations.gain",
    _gain_from(lambda slopes, y: slopes.square().mean().rsqrt()),
    (
        Misconception(
            "slopes not squared",
            _gain_from(lambda slopes, y: 1 / slopes.mean()),
            "You divide by the mean slope. What adds up over the units are squares: "
            "take the mean of the squared slopes, and its root.",
        ),
        Misconception(
            "sizes not squared",
            _gain_from(lambda slopes, y: 1 / slopes.abs().mean()),
            "You divide by the mean size of the slopes. What adds up over the units "
            "are squares: square the slopes before the mean.",
        ),
        Misconception(
            "no root",
            _gain_from(lambda slopes, y: 1 / slopes.square().mean()),
            "This is the square of the gain: it is the *squared* factor that must be "
            "1. Take the root.",
        ),
        Misconception(
            "upside down",
            _gain_from(lambda slopes, y: slopes.square().mean().sqrt()),
            "This is what the activation does to the gradient. The gain must make up "
            "for it: 1 divided by your result.",
        ),
        Misconception(
            "mean square alone",
            _gain_from(lambda slopes, y: slopes.square().mean()),
            "This is E[f'(z)²], a good first step. The formula for the squared factor "
            "says what the gain must be.",
        ),
        Misconception(
            "values for slopes",
            _gain_from(lambda slopes, y: y.square().mean().rsqrt()),
            "You use the values f(z). That would keep the size of what goes forward; "
            "the gradient meets the slopes, f'(z).",
        ),
        Misconception(
            "forward gain",
            lambda activation, z: z.std() / activation(z).std(),
            "You compare the spread before the activation with that after it: "
            "that would keep the size of what goes forward. The gradient meets "
            "the slopes, f'(z).",
        ),
        Misconception(
            "mean subtracted",
            _gain_from(lambda slopes, y: 1 / slopes.std()),
            "You divide by the standard deviation of the slopes, which subtracts "
            "their mean first. Nothing is subtracted here: take the root of the mean "
            "square.",
        ),
        Misconception(
            "sum of squares",
            _gain_from(lambda slopes, y: 1 / slopes.norm()),
            "You add up the squared slopes, as `norm()` does. Take their mean: the "
            "number of sums in `z` must not matter.",
        ),
        Misconception(
            "slope at 0",
            _slope_at_0,
            "You use the slope at 0 alone. The sums in `z` lie elsewhere too, where "
            "the curve may be flatter.",
        ),
        Misconception(
            "steepest slope",
            _gain_from(lambda slopes, y: 1 / slopes.max()),
            "You use the largest slope. Some sums lie where the curve is flatter: "
            "average over all of them.",
        ),
        Misconception(
            "He's for all",
            lambda activation, z: z.new_tensor(2.0).sqrt(),
            "√2 is the gain for a ReLU whose sums are positive half of the time. "
            "Compute it from the slopes of the `activation` that is passed.",
        ),
        *(
            Misconception(
                f"slopes from z - {before} to z + {after}",
                _from_differences(before, after),
                "Near, but these are the slopes of chords, from a difference with a "
                "wide step. The gradient that autograd gives for z is the slope at z "
                "itself.",
            )
            for before, after in ((0.5, 0.5), (1, 1), (0.1, 0.1), (0, 0.1), (0, 1))
        ),
        Misconception(
            "root of the mean slope",
            _gain_from(lambda slopes, y: slopes.mean().rsqrt()),
            "The root is there, the square is not: square the slopes before the mean.",
        ),
        Misconception(
            "mean of the rows' gains",
            _gain_from(lambda slopes, y: slopes.square().mean(dim=-1).rsqrt().mean()),
            "You compute a gain for each row of `z` and average the gains. Take one "
            "mean of the squared slopes, over all of `z`, and then its root.",
        ),
    ),
    _sums,
    hints=(
        "The formula of the page: squared factor = n · E[w²] · E[f'(z)²]. Put "
        "g²/n in for E[w²], and 1 for the factor.",
        "The slopes: make a copy of z that requires a gradient, apply the activation, "
        "sum, `backward()`. The gradient of the copy is f'(z).",
        "g² times the mean of the squared slopes must be 1: solve for g.",
    ),
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


def _sums_unkept(z: Tensor) -> Tensor:
    return z - z.exp().sum(dim=-1).log()


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
            "its logarithm is then -inf. Subtract the row's maximum from z, then stay "
            "with z: no share, no logarithm of a share.",
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
            "no keepdim, twice",
            lambda z: _sums_unkept(z - z.max(dim=-1).values),
            "The maxima and the sums have lost a dimension, so they line up with the "
            "columns, or with nothing. `keepdim=True`, in both, keeps one beside each "
            "row.",
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
            lambda z: _sums_unkept(z - z.amax(-1, keepdim=True)),
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
            "exp and log undo each other: this is z again, or infinite. Between them, "
            "the shares must be divided by their sum.",
        ),
    ),
    _wide_scores,
    hints=(
        "On paper: z minus the logarithm of the sum of all exp(z) of its row.",
        "exp(1000) is inf. A constant subtracted from a whole row does not change its "
        "softmax: which constant makes the largest exp 1?",
        "Shift z by the maximum of its row, `z.amax(dim=-1, keepdim=True)`, then use "
        "the formula with the shifted z everywhere.",
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


def _hard(z: Tensor) -> Tensor:
    return (z > 0).to(z.dtype)


def _with_slope_of(soft: Callable[[Tensor], Tensor]) -> Answer:
    """Return an answer to STEP: the step, with the slope of `soft`."""
    return lambda z: _hard(z) + (soft(z) - soft(z).detach())


STEP = Exercise(
    "activations.step",
    _with_slope_of(torch.sigmoid),
    (
        Misconception(
            "sigmoid of a ReLU",
            _with_slope_of(lambda z: F.relu(z).sigmoid()),
            "The gradient is right where z is above 0, and 0 elsewhere: often a ReLU "
            "stands before the sigmoid. Take the sigmoid of `z` itself.",
        ),
        Misconception(
            "sigmoid",
            lambda z: torch.sigmoid(z),
            "The gradient is right, but going forward this is the sigmoid itself. The "
            "values must be exactly 0 and 1.",
        ),
        Misconception(
            "true or false",
            lambda z: z > 0,
            "`z > 0` is True or False. Turn it into floats, and then let a gradient "
            "through.",
        ),
        Misconception(
            "rounded",
            lambda z: torch.sigmoid(z).round(),
            "The sigmoid of a tiny positive number, below 1e-7 or so, is exactly 0.5: "
            "`round`, or a comparison with 0.5, makes it 0. Compare `z` itself with 0. "
            "And look at the gradient: through `round`, a staircase of slope 0, none "
            "arrives at z; and two sigmoids that cancel forward cancel going backward "
            "too, unless one is hidden from autograd.",
        ),
        Misconception(
            "no gradient",
            _hard,
            "The values are right, but no gradient comes through: the result is cut "
            "off from autograd. Any comparison does that, and so does `.detach()` "
            "around the whole. Add something that is 0 going forward and has the "
            "gradient of the sigmoid.",
        ),
        Misconception(
            "nothing detached",
            lambda z: torch.sigmoid(z) + (_hard(z) - torch.sigmoid(z)),
            "The values are right, but two sigmoids that cancel going forward cancel "
            "going backward too, and no gradient is left. Hide the one with the minus "
            "from autograd: `.detach()`.",
        ),
        Misconception(
            "slope of a steeper sigmoid",
            _with_slope_of(lambda z: torch.sigmoid(2 * z)),
            "Forward is right; the gradient is that of a steeper sigmoid, "
            "sigmoid(2z). It should be that of sigmoid(z).",
        ),
        Misconception(
            "slope of 1",
            _with_slope_of(lambda z: z),
            "Forward is right, and the gradient passes unchanged, as if the slope were "
            "1 everywhere. It should be the slope of the sigmoid.",
        ),
        Misconception(
            "detached the wrong one",
            lambda z: _hard(z) + torch.sigmoid(z).detach() - torch.sigmoid(z),
            "Forward is right, but the gradient has the wrong sign: the one with the "
            "minus must be detached, not the other.",
        ),
        Misconception(
            "sigmoid added",
            lambda z: _hard(z) + torch.sigmoid(z),
            "You add a sigmoid to the step, and its value with it. Take the value away "
            "again, behind autograd's back.",
        ),
        Misconception(
            "step forgotten",
            lambda z: torch.sigmoid(z) - torch.sigmoid(z).detach(),
            "This is 0 everywhere, with the right gradient: half of the trick. Add the "
            "step.",
        ),
        Misconception(
            "sign",
            lambda z: z.sign() + (torch.sigmoid(z) - torch.sigmoid(z).detach()),
            "Your values are 1, 0 and -1, the sign. The step is 1 above 0, and 0 "
            "elsewhere.",
        ),
        Misconception(
            "1 at 0",
            lambda z: (
                (z >= 0).to(z.dtype) + (torch.sigmoid(z) - torch.sigmoid(z).detach())
            ),
            "At exactly 0 your step is 1. The task asks for 0 there: `>`, not `>=`.",
        ),
        Misconception(
            "multiplied",
            lambda z: _hard(z) * torch.sigmoid(z),
            "You multiply step and sigmoid. The value must be the step alone.",
        ),
        Misconception(
            "slope of tanh",
            _with_slope_of(torch.tanh),
            "Forward is right; the gradient is that of tanh. It should be that of the "
            "sigmoid.",
        ),
        Misconception(
            "slope of ReLU",
            _with_slope_of(F.relu),
            "Forward is right; the gradient is that of ReLU, 0 below 0. It should be "
            "that of the sigmoid.",
        ),
        Misconception(
            "turned",
            lambda z: (
                (z < 0).to(z.dtype) + (torch.sigmoid(z) - torch.sigmoid(z).detach())
            ),
            "Your step goes down: it is 1 below 0. It should be 1 above 0.",
        ),
    ),
    lambda: [
        *(randn(shape) for shape in [(4,), (1, 3), (2, 3, 2)]),
        (randn((3, 4), seed=2)[0].T,),
        (_tensor([0.0, -1.0, 2.0, 0.001, -0.001]),),
        (_tensor([[-30.0, 30.0, 4.0]]),),
        (_tensor([1e-9, -1.0, 1e-20]),),
    ],
    hints=(
        "Two tensors: the step, which autograd can't see through, and the sigmoid, "
        "which it can.",
        "`s - s.detach()` is 0 for every s. What is its gradient?",
        "Add it to the step: the value does not change.",
    ),
    differentiable=True,
)

_MENDED = "nothing"


def _garment_net(
    bias: float | None = None,
    *,
    last: Callable[[Tensor], Tensor] = lambda z: z,
    shortcut: bool = True,
    doubled: bool = False,
    bends: tuple[bool, bool] = (True, True),
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(196, 64)
            self.middle = nn.Linear(64, 64)
            self.last = nn.Linear(64, 10)
            if bias is not None:
                nn.init.constant_(self.first.bias, bias)

        def forward(self, x: Tensor) -> Tensor:
            hidden = F.relu(self.first(x)) if bends[0] else self.first(x)
            more = F.relu(self.middle(hidden)) if bends[1] else self.middle(hidden)
            hidden = more if doubled else hidden
            return last(self.last(hidden + more if shortcut else more))

    return Net


def _softmax_of_relu(z: Tensor) -> Tensor:
    return F.relu(z).softmax(dim=1)


_SIZES = {"first": (196, 64), "middle": (64, 64), "last": (64, 10)}


def _fault(net_class: Answer, n: int) -> Any:
    """Say what is wrong with a network for n garments."""
    net = net_class()
    if not isinstance(net, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    net = net.to(current_device())
    for name, size in _SIZES.items():
        layer = getattr(net, name, None)
        if not isinstance(layer, nn.Linear):
            return f"there is no linear layer named `{name}`"
        bias = "bias" in dict(layer.named_parameters())
        if (layer.in_features, layer.out_features) != size or not bias:
            return f"`{name}` is not a linear layer {size[0]} → {size[1]} with bias"
    if len(list(net.parameters())) != 2 * len(_SIZES):
        return "there are more parameters than those of the three layers"
    (x,) = randn((n, 196))
    scores = watched_call(net, x)
    if not isinstance(scores, Tensor):
        return scores
    if scores.shape != (n, 10):
        return f"{n} garments give the shape {tuple(scores.shape)}, not ({n}, 10)"
    return "; ".join(_faults_of(net)) or _MENDED


def _faults_of(net: Any) -> Iterator[str]:
    """Yield what is wrong with the scores of a network, and with its gradients."""
    (x,) = randn((200, 196), seed=2)
    scores = net(x)
    if fault := _at_the_end(scores) or _on_the_way(net, x, scores):
        yield fault
    if not torch.allclose(net.eval()(x), scores, rtol=1e-3, atol=1e-4):
        yield "in evaluation mode the scores are others"
    net.train()
    sums = net.first(x)
    if not sums.any():
        yield (
            "the sums before the first ReLU are all exactly 0, where it lets no "
            "gradient through, as where weights and biases start at 0"
        )
    elif not (sums < 0).any():
        yield "the sums before the first ReLU are never negative, so it never bends"
    F.cross_entropy(scores, torch.arange(200, device=x.device) % 10).backward()
    if any(parameter.grad is None for parameter in net.parameters()):
        yield "a parameter gets no gradient"
    elif net.first.weight.grad.any(dim=1).float().mean() < 0.5:
        yield "most units of the first layer get no gradient"
    elif net.first.bias.median() < -5:
        yield "the biases of the first layer still start far below 0"


def _at_the_end(scores: Tensor) -> str:
    sums = scores.sum(dim=1)
    if torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        least = scores.amin(dim=1, keepdim=True)
        tied = (scores == least).sum(dim=1) > 1
        return "the scores of a garment sum to 1" + ", some equal" * bool(tied.any())
    if (scores >= 0).all():
        return "no score is ever negative"
    if (scores <= 0).all():
        return "no score is ever positive"
    return ""


_OTHER_BENDS: dict[str, Callable[[Tensor], Tensor]] = {
    **{
        f"a leaky ReLU of slope {slope}": partial(F.leaky_relu, negative_slope=slope)
        for slope in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5)
    },
    "a GELU": F.gelu,
    "a SiLU": F.silu,
    "an ELU": F.elu,
    "a softplus": F.softplus,
    "tanh": torch.tanh,
    "a sigmoid": torch.sigmoid,
    "the absolute value": torch.abs,
}


def _on_the_way(net: Any, x: Tensor, scores: Tensor) -> str:
    """Say which network with the same layers gives these scores; "" for the right."""
    sums = net.first(x)
    hidden = F.relu(sums)
    ways = {
        "": hidden + F.relu(net.middle(hidden)),
        "of a network without its shortcut": F.relu(net.middle(hidden)),
        "of a network whose shortcut starts behind the middle layer, so that what "
        "comes out of it is doubled": 2 * F.relu(net.middle(hidden)),
        "of a network without its first ReLU": sums + F.relu(net.middle(sums)),
        "of a network without its second ReLU": hidden + net.middle(hidden),
        "of a network without any ReLU": sums + net.middle(sums),
    }
    for name, bend in _OTHER_BENDS.items():
        for places, first, second in (
            ("its first ReLU", bend, F.relu),
            ("its second ReLU", F.relu, bend),
            ("both its ReLUs", bend, bend),
        ):
            other = first(sums)
            way = f"of a network with {name} in place of {places}, a new operation"
            ways[way] = other + second(net.middle(other))
    for way, last in ways.items():
        if torch.allclose(scores, net.last(last), rtol=1e-3, atol=1e-4):
            return f"the scores are those {way}" if way else ""
    return "the scores are not those of the three layers, two ReLUs and the shortcut"


REPAIR = Exercise(
    "activations.repair",
    _garment_net(),
    (
        Misconception(
            "nothing mended",
            _garment_net(-20.0, last=_softmax_of_relu),
            "Two things at least. The scores of every garment sum to 1: there is a "
            "softmax at the end, and the loss takes its own. And most units of the "
            "first layer get no gradient: what keeps their sums below 0?",
        ),
        Misconception(
            "softmax left",
            _garment_net(last=lambda z: z.softmax(dim=1)),
            "The scores of every garment still sum to 1: there is a softmax at the "
            "end, and the loss takes its own.",
        ),
        Misconception(
            "softmax and ReLU left",
            _garment_net(last=_softmax_of_relu),
            "The scores of every garment still sum to 1: there is a softmax at the "
            "end, and the loss takes its own. And the smallest of them are equal: a "
            "ReLU stands before the softmax, and must go as well.",
        ),
        Misconception(
            "ReLU left",
            _garment_net(last=F.relu),
            "No score of yours is ever negative: a ReLU follows the last layer. A "
            "score may be any number.",
        ),
        Misconception(
            "dead units left",
            _garment_net(-20.0),
            "The scores are right now. But the first layer gets no gradient: its "
            "biases start so low that no unit ever wakes.",
        ),
        Misconception(
            "dead units and ReLU left",
            _garment_net(-20.0, last=F.relu),
            "Two things are left. A ReLU follows the last layer; and the biases of the "
            "first layer start so low that no unit ever wakes.",
        ),
        Misconception(
            "all bends removed",
            _garment_net(bends=(False, False)),
            "The last ReLU had to go, the others not: without them your network is "
            "linear, however many layers it has.",
        ),
        Misconception(
            "first bend removed",
            _garment_net(bends=(False, True)),
            "The end is right. But the ReLU after the first layer is gone: only the "
            "one after the last layer had to go.",
        ),
        Misconception(
            "second bend removed",
            _garment_net(bends=(True, False)),
            "The end is right. But the ReLU after the middle layer is gone: only the "
            "one after the last layer had to go.",
        ),
        Misconception(
            "shortcut removed",
            _garment_net(shortcut=False),
            "The end is right. But the shortcut is gone: what enters the middle layer "
            "is added to what comes out of it.",
        ),
        Misconception(
            "log-softmax at the end",
            _garment_net(last=lambda z: z.log_softmax(dim=1)),
            "No score of yours is ever positive, as after a log-softmax. With "
            "`CrossEntropyLoss` it does no harm, and no good: return what the last "
            "linear layer gives.",
        ),
        Misconception(
            "shortcut from behind",
            _garment_net(doubled=True),
            "The end is right. But what comes out of the middle layer is added to "
            "itself: is its name that of the layer's input, overwritten before the "
            "sum? Add what enters the middle layer.",
        ),
    ),
    lambda: [(1,), (3,), (8,)],
    _fault,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "Scores that sum to 1, scores that are never negative: what stands behind the "
        "last layer? And which line keeps the first layer's units below 0?",
        "`nn.Linear` draws its biases itself, and the loss wants bare logits. The two "
        "ReLUs between the layers are right.",
    ),
    result="network",
    arguments=("n",),
)

_MOST_UNITS = 3  # fewer can't do it


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
    if units > _MOST_UNITS:
        raise ValueError(
            f"Your network has {units} hidden units; the budget is {_MOST_UNITS}."
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
            "doubled",
            _net([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]], [2.0, 2.0, -2.0]),
            "Your output is twice the maximum: halve the second weight.",
        ),
        Misconception(
            "four units",
            _net(
                [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]],
                [0.5, -0.5, 0.5, 0.5],
            ),
            "Four hidden units; the budget is three. Half of a + b + |a - b| needs "
            "two for the sum and two for the distance. b + relu(a - b) is cheaper.",
        ),
        Misconception(
            "negative sums lost",
            _net([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]], [0.5, 0.5, 0.5]),
            "Right only while a + b is not negative: relu(a + b) loses a negative "
            "sum, and a fourth unit is over the budget. Start from b instead: the "
            "larger is b plus the amount by which a exceeds b.",
        ),
        Misconception(
            "negative sums lost, half forgotten",
            _net([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0, 1.0]),
            "Two things. Your output is twice the maximum: halve the second weight. "
            "And relu(a + b) loses a negative sum; a fourth unit is over the budget, "
            "so start from b instead: b plus the amount by which a exceeds b.",
        ),
        Misconception(
            "mean",
            _net([[1.0, 1.0], [-1.0, -1.0]], [0.5, -0.5]),
            "Your output is the mean of a and b. Half the distance |a - b| is missing, "
            "but that makes four units. b + relu(a - b) needs three.",
        ),
        Misconception(
            "distance",
            _net([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0]),
            "Your output is |a - b|, the distance. One half of it is enough: add "
            "relu(a - b) alone to b.",
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
            _net([[1.0, 1.0], [-1.0, -1.0]], [1.0, -1.0]),
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
    LEAKY,
    SOFTMAX,
    DEAD,
    GAIN,
    LOG_SOFTMAX,
    CROSS_ENTROPY,
    STEP,
    REPAIR,
    MAXIMUM,
)
