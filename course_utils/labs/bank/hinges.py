"""Lab A: functions from as few hinges as possible; a network of 50 layers that lives.

Only parameters come back from the learner's code: they are evaluated and counted here.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from course_utils.labs.model import Curve, Item, Lab, Score, Task
from course_utils.labs.returned import Unfit, tensor_of
from course_utils.labs.work import Work

# --- functions from hinges --------------------------------------------------------

SAMPLES, TOLERANCE, MOST_HINGES = 1025, 0.01, 400
_BETWEEN = 20_001  # places at which the error is measured
# Hinges in all, in parts of the fewest possible, and the share of the points.
_FEW = ((1.15, 1.0), (1.6, 4 / 6), (3.0, 2 / 6))
_WITHIN = Item(
    "within",
    4,
    "On each of six hidden functions the error is 0.01 at most, everywhere from 0 to "
    "1: the points are shared among the six.",
)
_FEWEST = Item(
    "few",
    6,
    "Hinges of all six together: at most 3 times the fewest possible give 2 points, "
    "1.6 times 4, 1.15 times 6; only where all six are within 0.01.",
)


@dataclass(frozen=True)
class Target:
    """A function from 0 to 1 to be built.

    Attributes:
        kind: in words.
        value: the function, of a tensor of float64.
        fewest: about as many hinges as any network needs for it.
    """

    kind: str
    value: Callable[[Tensor], Tensor]
    fewest: float


def targets(work: Work) -> list[Target]:
    """Draw the six functions.

    >>> [round(t.fewest) > 3 for t in targets(Work(None))]
    [True, True, True, True, True, True]
    """
    g = work.generator("hinges", "fit")
    turn, phase = _between(g, 1, 2), _between(g, 0, 6)
    middle, wide = _between(g, 0.3, 0.7), _between(g, 0.06, 0.12)
    power = _between(g, 0.3, 0.6)
    step, narrow = _between(g, 0.2, 0.8), _between(g, 0.02, 0.05)
    slow, fast = _between(g, 0.5, 1), _between(g, 1.5, 2.5)
    smooth: dict[str, Callable[[Tensor], Tensor]] = {
        "a wave": lambda x: torch.sin(2 * math.pi * turn * x + phase),
        "a bump": lambda x: torch.exp(-(((x - middle) / wide) ** 2)),
        "a power": lambda x: (x + 0.002) ** power,
        "a step": lambda x: torch.tanh((x - step) / narrow),
        "a wave that quickens": lambda x: (
            torch.sin(2 * math.pi * (slow * x + fast * x * x)) * (1 - x / 2)
        ),
    }
    found = [Target(kind, value, _fewest(value)) for kind, value in smooth.items()]
    return [_with_kinks(g), *found]


def _between(g: Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=g, dtype=torch.float64))


def _with_kinks(g: Generator) -> Target:
    """Draw straight pieces, each at least 0.08 wide; slopes go up and down."""
    pieces = int(torch.randint(5, 9, (), generator=g))
    spare = torch.rand(pieces, generator=g, dtype=torch.float64) + 0.05
    widths = 0.08 + spare / spare.sum() * (1 - 0.08 * pieces)
    slopes = [_between(g, -3, 3)]
    while len(slopes) < pieces:
        turn = _between(g, 2.5, 5)
        slopes.append(slopes[-1] + (turn if slopes[-1] < 0 else -turn))
    kinks = widths.cumsum(0)[:-1]
    turns = torch.tensor(slopes, dtype=torch.float64).diff()

    def value(x: Tensor) -> Tensor:
        return slopes[0] * x + F.relu(x[..., None] - kinks) @ turns

    return Target("straight pieces", value, pieces)


def _fewest(value: Callable[[Tensor], Tensor]) -> float:
    """Estimate the fewest straight pieces within the tolerance of a smooth function.

    A piece of width h is off by h²|f''|/16 if its ends may lie beside the function.
    """
    x = torch.linspace(0, 1, _BETWEEN, dtype=torch.float64)
    h = 1 / (_BETWEEN - 1)
    bend = value(x).diff(n=2).abs() / h**2
    return max(1.0, float((bend / (16 * TOLERANCE)).sqrt().mean()))


def _fit(work: Work) -> Iterator[Score | Curve]:
    """Measure how well, and with how many hinges, six functions are built."""
    drawn = targets(work)
    x = torch.linspace(0, 1, SAMPLES)
    # All answers first: what follows takes no time of the learner's code.
    answers = [
        work.call(x, target.value(x.double()).float(), TOLERANCE) for target in drawn
    ]
    good, hinges, told = 0, 0, []
    for target, answer in zip(drawn, answers, strict=True):
        try:
            count, error = _built(answer, target)
        except Unfit as reason:
            told.append(f"{target.kind}: {reason}")
            continue
        hinges += count
        good += error <= TOLERANCE
        if error > TOLERANCE:
            told.append(f"{target.kind}: off by {error:.3g} with {count} hinges.")
    why = f"{good} of {len(drawn)} functions are within {TOLERANCE:g}."
    yield _WITHIN.share(good / len(drawn), " ".join([why, *told]))
    if good < len(drawn):
        yield _FEWEST.none("Not all functions are within the tolerance.")
        return
    ratio = hinges / sum(target.fewest for target in drawn)
    share = next((share for most, share in _FEW if ratio <= most), 0.0)
    yield _FEWEST.share(
        share, f"{hinges} hinges in all, {ratio:.2f} times the fewest possible."
    )


def _built(answer: Any, target: Target) -> tuple[int, float]:
    """Return the number of hinges and the largest error.

    Raises:
        Unfit: the answer is not (weight, bias, height, shift).
    """
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        raise Unfit("the result is not (weight, bias, height, shift).")
    weight = tensor_of(answer[0], (None,), "weight", MOST_HINGES).double()
    shape = (len(weight),)
    bias = tensor_of(answer[1], shape, "bias").double()
    height = tensor_of(answer[2], shape, "height").double()
    shift = tensor_of(answer[3], (), "shift").double()
    x = torch.linspace(0, 1, _BETWEEN, dtype=torch.float64)
    built = F.relu(x[:, None] * weight + bias) @ height + shift
    return len(weight), float((built - target.value(x)).abs().max())


# --- fifty layers -----------------------------------------------------------------

DEPTH = 50
_INPUTS = 64
_ALIVE = Item(
    "alive",
    6,
    "After 50 layers the values of different inputs spread between a tenth and ten "
    "times as far as after the first, and so do the gradients on their way back. Of "
    "six hidden activations the first gives nothing, as it may be luck, and each "
    "further one a fifth of the points.",
)
_BENDS = Item(
    "bends",
    2,
    "The network is no straight line: halfway between two inputs its output is off "
    "halfway by at least half of their distance. Only where it is alive.",
)
_TIGHT = Item(
    "tight",
    2,
    "Where the network bends, both stay between a fifth and five times.",
)


@dataclass(frozen=True)
class Activation:
    """An activation to build for: a known one, moved and stretched."""

    kind: str
    value: Callable[[Tensor], Tensor]


_KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "leaky ReLU": lambda z: F.leaky_relu(z, 0.2),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "sine": torch.sin,
    "GELU": F.gelu,
    "softsign": F.softsign,
}


def activations(work: Work) -> list[Activation]:
    """Draw six activations.

    >>> len(activations(Work(None)))
    6
    """
    g = work.generator("hinges", "deep")
    return [_moved(kind, g) for kind in _KINDS]


def _moved(kind: str, g: Generator) -> Activation:
    stretch, height = _between(g, 0.7, 1.5), _between(g, 0.6, 1.6)
    move, base = _between(g, -0.3, 0.3), _KINDS[kind]
    return Activation(kind, lambda z: height * base(stretch * z + move))


def _deep(work: Work) -> Iterator[Score | Curve]:
    """Measure how signals and gradients pass through the layers."""
    drawn = activations(work)
    g = work.generator("hinges", "width")
    widths = [int(torch.randint(48, 65, (), generator=g)) for _ in drawn]
    answers = [
        work.call(one.value, width, DEPTH)
        for one, width in zip(drawn, widths, strict=True)
    ]
    alive, bends, tight = [], [], []
    spreads: dict[str, Sequence[float]] = {}
    told = []
    for one, width, answer in zip(drawn, widths, answers, strict=True):
        try:
            layers = _layers(answer, width)
        except Unfit as reason:
            told.append(f"{one.kind}: {reason}")
            continue
        there, back, bend, spread = _passed(layers, one.value, work)
        alive.append(all(0.1 <= ratio <= 10 for ratio in (there, back)))
        bends.append(alive[-1] and bend >= 0.5)
        tight.append(bends[-1] and all(0.2 <= r <= 5 for r in (there, back)))
        spreads[one.kind] = [math.log10(max(s, 1e-12)) for s in spread]
        bent = f", bend {bend:.2g}" if alive[-1] else ""
        told.append(
            f"{one.kind}: forward {_times(there)}, backward {_times(back)}{bent}."
        )
    why = " ".join(told)
    for item, held in zip(
        (_ALIVE, _BENDS, _TIGHT),
        (alive, bends, tight),
        strict=True,
    ):
        count = sum(held)
        said = f"{count} of {len(drawn)} activations."
        first = item is _ALIVE
        share = (count - 1) / (len(drawn) - 1)
        yield item.share(share, f"{said} {why}" if first else said)
    title = "How far inputs spread after each layer, as a power of ten"
    yield Curve(title, "layers, from 1 to 50", spreads)


def _layers(answer: Any, width: int) -> list[tuple[Tensor, Tensor]]:
    if not isinstance(answer, tuple | list) or len(answer) != DEPTH:
        raise Unfit(f"the result is no list of {DEPTH} pairs (weight, bias).")
    layers = []
    for pair in answer:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise Unfit("a layer is no pair (weight, bias).")
        weight = tensor_of(pair[0], (width, width), "a weight").double()
        layers.append((weight, tensor_of(pair[1], (width,), "a bias").double()))
    return layers


def _passed(
    layers: Sequence[tuple[Tensor, Tensor]],
    activation: Callable[[Tensor], Tensor],
    work: Work,
) -> tuple[float, float, float, list[float]]:
    """Send inputs through the layers and gradients back.

    Returns how far the last layer's values spread, in parts of the first one's; the
    same of the gradients, first in parts of last; the bend; the spread of each layer.
    """
    g = work.generator("hinges", "inputs")
    ends = torch.randn(2 * _INPUTS, len(layers[0][1]), generator=g).double()
    halfway = (ends[:_INPUTS] + ends[_INPUTS:]) / 2
    values, h = [], torch.cat([ends, halfway])
    for weight, bias in layers:
        z = torch.addmm(bias, h, weight.T)
        h = activation(z.requires_grad_() if z.is_leaf else z)
        h.retain_grad()
        values.append(h)
    h.backward(torch.randn(h.shape, generator=g).double())
    spread = [_spread(value.detach()[: 2 * _INPUTS]) for value in values]
    slopes = [
        float(value.grad[: 2 * _INPUTS].square().mean().sqrt())
        for value in values
        if value.grad is not None
    ]
    one, two, half = h.detach().split(_INPUTS)
    distance = float(((one - two) / 2).norm())
    bend = float((half - (one + two) / 2).norm()) / max(distance, 1e-300)
    ratios = [
        _ratio(spread[-1], spread[0]),
        _ratio(slopes[0], slopes[-1]),
        bend if math.isfinite(bend) else 0.0,
    ]
    return ratios[0], ratios[1], ratios[2], spread


def _times(ratio: float) -> str:
    """Say a ratio; what is far off differs from processor to processor."""
    if ratio < 1e-3:
        return "below × 0.001"
    return "above × 1,000" if ratio > 1e3 else f"× {ratio:.2g}"


def _spread(values: Tensor) -> float:
    """Return by how much the inputs' values differ, in a unit of the layer."""
    return float(values.var(dim=0).mean().sqrt())


def _ratio(this: float, other: float) -> float:
    """Return a ratio; 0 where there is none."""
    ratio = this / other if other else 0.0
    return ratio if math.isfinite(ratio) else 0.0


LAB = Lab(
    "hinges",
    [
        Task(
            "hinges.fit",
            "Functions from hinges",
            ("x", "y", "tolerance"),
            (_WITHIN, _FEWEST),
            _fit,
        ),
        Task(
            "hinges.deep",
            "Fifty layers that live",
            ("activation", "width", "depth"),
            (_ALIVE, _BENDS, _TIGHT),
            _deep,
        ),
    ],
)
