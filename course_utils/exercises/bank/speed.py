"""Exercises of lesson 13: what a step costs, and how to make it cost less."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.applications.speed import (
    designed,
    in_parts,
    trained_quickly,
)
from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Exercise, Misconception
from course_utils.exercises.watch import watched_call
from course_utils.session import current_device

Seconds = Sequence[float]


def _speedup(
    before: Seconds,
    after: Seconds,
    *,
    middle: Callable[[Seconds], float] = median,
    warm: int = 1,
) -> float:
    return middle(before[warm:]) / middle(after[warm:])


SPEEDUP = Exercise(
    "speed.speedup",
    lambda before, after: _speedup(before, after),
    (
        Misconception(
            "the first kept",
            partial(_speedup, warm=0),
            "You count the first run of each. It also pays for what is done only "
            "once: memory is fetched, kernels are chosen. Leave it out.",
        ),
        Misconception(
            "means",
            partial(_speedup, middle=fmean),
            "You take means. One run that another program disturbed then moves the "
            "result; the median doesn't mind.",
        ),
        Misconception(
            "the first kept, means",
            partial(_speedup, middle=fmean, warm=0),
            "You take means of all runs. Leave out the first run of each, and take "
            "medians.",
        ),
        Misconception(
            "upside down",
            lambda before, after: 1 / _speedup(before, after),
            "Your ratio is upside down: if `after` takes half as long, the speed-up "
            "is 2.",
        ),
        Misconception(
            "seconds saved",
            lambda before, after: median(before[1:]) - median(after[1:]),
            "That is how many seconds are saved. Asked is a factor: how many times as "
            "fast.",
        ),
        Misconception(
            "share saved",
            lambda before, after: 1 - median(after[1:]) / median(before[1:]),
            "That is the share of the time that is saved. Asked is a factor: how many "
            "times as fast.",
        ),
        Misconception(
            "fastest runs",
            partial(_speedup, middle=min),
            "You compare the fastest runs. The lesson compares medians.",
        ),
        Misconception(
            "median of ratios",
            lambda before, after: median(
                b / a for b, a in zip(before[1:], after[1:], strict=True)
            ),
            "You take the median of the ratios of the rounds. Asked is the ratio of "
            "the medians; here they differ.",
        ),
    ),
    lambda: [
        ([9.0, 4.0, 4.5, 9.5, 4.2, 4.1], [6.0, 2.0, 2.5, 2.2, 2.1, 7.0]),
        ([1.0, 0.2, 0.3, 0.25], [0.9, 0.6, 0.5, 0.7]),
        ([5.0, 3.0, 1.0, 2.0, 8.0], [1.0, 1.0, 2.0, 0.5, 1.6]),
    ],
    hints=(
        "Which run of each list is not like the others, and why?",
        "Leave out the first run of each list, and take the median of what is left "
        "(`statistics.median`).",
        "A speed-up of 2 means: what took two seconds takes one.",
    ),
)


def _images_per_second(
    b1: int, t1: float, b2: int, t2: float, batch: int, fixed: bool = True
) -> float:
    per_image = (t2 - t1) / (b2 - b1)
    start = t1 - per_image * b1 if fixed else 0.0
    return batch / (start + per_image * batch)


COST = Exercise(
    "speed.cost",
    lambda b1, t1, b2, t2, batch: _images_per_second(b1, t1, b2, t2, batch),
    (
        Misconception(
            "seconds of a step",
            lambda *a: a[-1] / _images_per_second(*a),
            "That is how long a step of `batch` images takes. Asked is how many "
            "images are done in a second.",
        ),
        Misconception(
            "seconds of an image",
            lambda *a: 1 / _images_per_second(*a),
            "That is how long an image takes, in seconds. Asked is how many images "
            "are done in a second.",
        ),
        Misconception(
            "no fixed cost",
            partial(_images_per_second, fixed=False),
            "You leave out the fixed cost, that of a step without images. It is what "
            "is left of `t1` once its images are paid.",
        ),
        Misconception(
            "as in the first measurement",
            lambda b1, t1, b2, t2, batch: b1 / t1,
            "You answer with the first measurement. With more images in a step, the "
            "fixed cost is spread over more of them.",
        ),
        Misconception(
            "as in the second measurement",
            lambda b1, t1, b2, t2, batch: b2 / t2,
            "You answer with the second measurement. With another batch size, the "
            "fixed cost is spread over another number of images.",
        ),
        Misconception(
            "straight line between speeds",
            lambda b1, t1, b2, t2, batch: (
                b1 / t1 + (batch - b1) * (b2 / t2 - b1 / t1) / (b2 - b1)
            ),
            "You lay a straight line through the two *speeds*. It is the seconds that "
            "grow in a straight line with the batch.",
        ),
    ),
    lambda: [
        (10, 0.03, 50, 0.11, 200),
        (1, 0.5, 3, 0.9, 2),
        (64, 0.02, 256, 0.05, 1),
        (100, 0.2, 50, 0.125, 400),
    ],
    hints=(
        "A step takes a + b · batch seconds. Two measurements give a and b.",
        "b is the difference of the seconds over the difference of the batches; a is "
        "what is left of `t1`.",
        "How long does a step of `batch` images take? Divide the images by it.",
    ),
)


def _work(
    widths: Sequence[int],
    batch: int,
    *,
    of_layer: Callable[[int], int] = lambda layer: 3 if layer else 2,
    times: int = 1,
    bias: int = 0,
) -> int:
    layers = [n_in * n_out + bias * n_out for n_in, n_out in pairwise(widths)]
    return times * batch * sum(of_layer(i) * n for i, n in enumerate(layers))


WORK = Exercise(
    "speed.work",
    lambda widths, batch: _work(widths, batch),
    (
        Misconception(
            "forward only",
            partial(_work, of_layer=lambda layer: 1),
            "That is the forward pass. The backward pass has two more products for "
            "each layer: for its weights, and for its input.",
        ),
        Misconception(
            "three for every layer",
            partial(_work, of_layer=lambda layer: 3),
            "Nearly: you count a gradient for the pixels too. The first layer's input "
            "needs none, so that layer has two products, not three.",
        ),
        Misconception(
            "two for every layer",
            partial(_work, of_layer=lambda layer: 2),
            "You count two products for each layer. Behind the first layer there is "
            "a third: the gradient has to reach the layer before.",
        ),
        Misconception(
            "backward only",
            partial(_work, of_layer=lambda layer: 2 if layer else 1),
            "That is the backward pass. The forward pass, one product for each layer, "
            "comes on top.",
        ),
        Misconception(
            "operations",
            partial(_work, times=2),
            "You count multiplications and additions apart. A multiply-add counts "
            "once here.",
        ),
        Misconception(
            "one image",
            lambda widths, batch: _work(widths, 1),
            "That is the work for one image. The step has `batch` of them.",
        ),
        Misconception(
            "biases",
            partial(_work, bias=1),
            "You count the biases as well. They are added, not multiplied.",
        ),
        Misconception(
            "last layer spared",
            lambda widths, batch: (
                batch
                * sum(
                    (3 if i < len(widths) - 2 else 2) * a * b
                    for i, (a, b) in enumerate(pairwise(widths))
                )
            ),
            "You spare the last layer's gradient for its input. It is the *first* "
            "layer whose input, the pixels, needs none.",
        ),
    ),
    lambda: [
        ([784, 512, 512, 10], 125),
        ([4, 3], 2),
        ([5, 7, 2], 1),
        ([6, 6, 6, 6], 10),
    ],
    hints=(
        "Forward, a layer from n to m multiplies a (batch, n) by an (n, m) matrix: "
        "batch · n · m multiply-adds.",
        "Backward it does as many for the gradient of its weights, and as many for "
        "that of its input.",
        "Who needs the gradient of the pixels?",
    ),
)

Layer = tuple[float, float]


def _seconds(
    layers: Sequence[Layer],
    flops: float,
    bandwidth: float,
    of_layer: Callable[[float, float], float] = max,
) -> float:
    return sum(of_layer(ops / flops, data / bandwidth) for ops, data in layers)


def _whole(layers: Sequence[Layer], flops: float, bandwidth: float) -> float:
    sums = [sum(column) for column in zip(*layers, strict=True)]
    return max(sums[0] / flops, sums[1] / bandwidth)


ROOFLINE = Exercise(
    "speed.roofline",
    lambda layers, flops, bandwidth: _seconds(layers, flops, bandwidth),
    (
        Misconception(
            "all layers at once",
            _whole,
            "You add up all layers first and then ask which limit is the tighter. "
            "Layers run one after the other: ask it for each of them.",
        ),
        Misconception(
            "added",
            partial(_seconds, of_layer=lambda a, b: a + b),
            "You add the seconds of the arithmetic to those of the memory. In the "
            "roofline model both go on at the same time: the slower one counts.",
        ),
        Misconception(
            "the quicker one",
            partial(_seconds, of_layer=min),
            "You take the quicker of the two for each layer. A layer is done when "
            "both are: the slower one counts.",
        ),
        Misconception(
            "arithmetic only",
            partial(_seconds, of_layer=lambda a, b: a),
            "You count the arithmetic alone. A layer with few operations for each "
            "byte waits for the memory.",
        ),
        Misconception(
            "memory only",
            partial(_seconds, of_layer=lambda a, b: b),
            "You count the memory alone. A layer with many operations for each byte "
            "waits for the arithmetic.",
        ),
        Misconception(
            "slowest layer",
            lambda layers, flops, bandwidth: max(
                max(ops / flops, data / bandwidth) for ops, data in layers
            ),
            "That is the slowest layer. They run one after the other: add them up.",
        ),
        Misconception(
            "speeds swapped",
            lambda layers, flops, bandwidth: _seconds(layers, bandwidth, flops),
            "The two speeds are swapped: operations are divided by `flops`, bytes by "
            "`bandwidth`.",
        ),
    ),
    lambda: [
        ([(8e9, 1e8), (2e8, 4e8)], 4e10, 1e10),
        ([(1e9, 1e9)], 2e9, 5e9),
        ([(6e9, 3e8), (1e7, 5e7), (4e9, 8e9)], 1e11, 2e10),
    ],
    hints=(
        "For one layer: how long does its arithmetic take, and how long do its bytes?",
        "Both go on at the same time, so a layer takes the longer of the two.",
        "The layers run one after the other.",
    ),
)


def _parts(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(x.split(size), y.split(size), strict=True)


def _accumulated(
    *,
    weight: Callable[[int, int, int], float] = lambda rows, n, parts: rows / n,
    reported: Callable[[int, int, int], float] | None = None,
    clear: str = "before",
    number: bool = True,
    whole: bool = False,
) -> Answer:
    """Return an answer to the exercise on large batches, with the faults asked for."""

    def answer(model: nn.Module, x: Tensor, y: Tensor, size: int) -> Any:
        if clear == "before":
            model.zero_grad()
        pieces = [(x, y)] if whole else list(_parts(x, y, size))
        total = torch.zeros((), device=x.device)
        for a, b in pieces:
            if clear == "between":
                model.zero_grad()
            loss = F.cross_entropy(model(a), b)
            share = len(a), len(x), len(pieces)
            (loss * weight(*share)).backward()
            total += loss.detach() * (reported or weight)(*share)
        return total.item() if number else total

    return answer


def _by_size(rows: int, n: int, parts: int) -> float:
    return rows / n


ACCUMULATE = Exercise(
    "speed.accumulate",
    _accumulated(),
    (
        Misconception(
            "all at once",
            _accumulated(whole=True),
            "The numbers are right, but the network sees all rows at once. The point "
            "is that it must not: give it at most `size` rows, again and again.",
        ),
        Misconception(
            "losses added",
            _accumulated(weight=lambda rows, n, parts: 1.0),
            "Your gradient is the sum over the parts. That of the mean over all rows "
            "is smaller: weigh each part by its share of the rows.",
        ),
        Misconception(
            "gradients added, mean loss",
            _accumulated(weight=lambda rows, n, parts: 1.0, reported=_by_size),
            "The loss is right, the gradient is the sum over the parts. Weigh each "
            "part's loss by its share of the rows *before* `backward()`.",
        ),
        Misconception(
            "mean of the parts",
            _accumulated(weight=lambda rows, n, parts: 1 / parts),
            "Every part counts the same, whatever its size, so the rows of a small "
            "last part count too much. Weigh each part by its rows.",
        ),
        Misconception(
            "gradient by part, loss by row",
            _accumulated(weight=lambda rows, n, parts: 1 / parts, reported=_by_size),
            "The loss is right. In the gradient every part counts the same, whatever "
            "its size: weigh the losses before `backward()` too.",
        ),
        Misconception(
            "old gradients kept",
            _accumulated(clear="never"),
            "The gradients of an earlier step are still in it. Reset them once, "
            "before the first part.",
        ),
        Misconception(
            "reset between the parts",
            _accumulated(clear="between"),
            "Only the last part's gradient is left: you reset it for every part. "
            "Here `backward()` is *meant* to add up.",
        ),
        Misconception(
            "summed over rows",
            _accumulated(weight=lambda rows, n, parts: float(rows)),
            "Your loss and gradient are sums over the rows. Divide by their number: "
            "asked is the mean.",
        ),
        Misconception(
            "a tensor",
            _accumulated(number=False),
            "The result is a tensor. The task asks for a Python number: `.item()`, "
            "once, at the end.",
        ),
    ),
    lambda: [
        (*randn((11, 5), seed=3), torch.arange(11, device=current_device()) % 4, 4),
        (*randn((6, 3), seed=4), torch.arange(6, device=current_device()) % 4, 5),
        (*randn((8, 4), seed=5), torch.arange(8, device=current_device()) % 4, 3),
    ],
    in_parts,
    parts=("the loss", "the gradient", "how many rows at once"),
    arguments=("the images", "their labels", "size"),
    hints=(
        "`backward()` adds to the gradients that are there. Here that is what you "
        "want, but for those of an earlier step.",
        "The mean over all rows is the sum of the parts' means, each times its share "
        "of the rows.",
        "Call `backward()` on each part's loss times `len(part) / len(x)`.",
    ),
)


def _norm_and_linear(seed: int, n_in: int, n_out: int) -> tuple[nn.Module, nn.Module]:
    """Return a BatchNorm that has seen data, and a linear layer behind it."""
    weights = randn((n_in,), (n_in,), (n_in,), (n_in,), seed=seed)
    norm = nn.BatchNorm1d(n_in, eps=0.1).to(current_device())
    linear = nn.Linear(n_in, n_out).to(current_device())
    with torch.no_grad():
        norm.weight.copy_(weights[0])
        norm.bias.copy_(weights[1])
        norm.get_buffer("running_mean").copy_(weights[2])
        norm.get_buffer("running_var").copy_(weights[3].abs() + 0.3)
        for own, drawn in zip(
            linear.parameters(), randn((n_out, n_in), (n_out,), seed=seed), strict=True
        ):
            own.copy_(drawn)
    return norm.eval(), linear


def _folded(
    *,
    eps: bool = True,
    root: bool = True,
    mean: bool = True,
    beta: bool = True,
    bias: bool = True,
    shift: bool = True,
    turned: bool = False,
) -> Answer:
    """Return an answer to the exercise on folding, with the faults asked for."""

    @torch.no_grad()
    def answer(norm: Any, linear: Any) -> nn.Module:
        spread = norm.running_var + norm.eps * eps
        scale = norm.weight / (spread.sqrt() if root else spread)
        moved = norm.bias * beta - norm.running_mean * scale * mean
        new = nn.Linear(linear.in_features, linear.out_features).to(scale.device)
        if turned and len(scale) == len(linear.weight):
            new.weight.copy_(linear.weight * scale[:, None])
        else:
            new.weight.copy_(linear.weight * scale)
        behind = linear.weight @ moved if shift else 0 * linear.bias
        new.bias.copy_(linear.bias * bias + behind)
        return new

    return answer


def _of_folded(answer: Answer, seed: int, n_in: int, n_out: int) -> Any:
    """Fold; return what the new layer gives, and whether the old ones are as before."""
    norm, linear = _norm_and_linear(seed, n_in, n_out)
    state = {name: value.clone() for name, value in norm.state_dict().items()}
    state |= {f"linear.{n}": v.clone() for n, v in linear.state_dict().items()}
    new = answer(norm, linear)
    if new is None:
        return None
    if not isinstance(new, nn.Linear):
        raise TypeError("Return one `nn.Linear`, which does the work of both layers.")
    after = {**norm.state_dict()}
    after |= {f"linear.{n}": v for n, v in linear.state_dict().items()}
    if any(not torch.equal(state[name], after[name]) for name in state):
        raise ValueError(
            "The layers that you were given are changed. Make a new `nn.Linear`, and "
            "leave them as they are."
        )
    with torch.no_grad():
        base = watched_call(new, torch.zeros(1, n_in, device=current_device()))
        rows = watched_call(new, torch.eye(n_in, device=current_device()))
    return rows - base, base


FOLD = Exercise(
    "speed.fold",
    _folded(),
    (
        Misconception(
            "eps forgotten",
            _folded(eps=False),
            "`eps` is missing: the norm divides by the root of the variance *plus* "
            "`norm.eps`.",
        ),
        Misconception(
            "variance, not its root",
            _folded(root=False),
            "You divide by the variance. The norm divides by its root.",
        ),
        Misconception(
            "mean forgotten",
            _folded(mean=False),
            "The weights are right. In the bias the running mean is missing: what the "
            "norm subtracts reaches the output through the weights.",
        ),
        Misconception(
            "beta forgotten",
            _folded(beta=False),
            "The weights are right. In the bias β, the norm's own bias, is missing; "
            "it too goes through the weights.",
        ),
        Misconception(
            "the linear layer's bias forgotten",
            _folded(bias=False),
            "The weights are right. The bias of the linear layer itself is missing.",
        ),
        Misconception(
            "the norm's shift forgotten",
            _folded(shift=False),
            "The weights are right. The bias is that of the linear layer alone: what "
            "the norm adds and subtracts is missing.",
        ),
        Misconception(
            "rows scaled",
            _folded(turned=True),
            "You scale the rows of the weight, as for a norm *behind* the layer. "
            "Here it stands before it: each column belongs to one input.",
        ),
    ),
    lambda: [(1, 4, 4), (2, 3, 5), (3, 6, 2)],
    _of_folded,
    parts=("its outputs for each input 1, less those for 0", "its output for zeros"),
    result="layer's output",
    arguments=("seed", "inputs", "outputs"),
    hints=(
        "In `eval()` the norm computes x · s + t, with one s and one t per input. "
        "Write s and t by its `weight`, `bias`, `running_mean`, `running_var`, `eps`.",
        "Put x · s + t into the linear layer: what multiplies x, and what does not?",
        "W (s · x + t) + b: the columns of W are scaled by s, and the new bias is "
        "W t + b.",
    ),
)


def _rounded(
    x: Tensor,
    steps: float = 256,
    how: Callable[[Tensor], Tensor] = torch.round,
) -> Tensor:
    mantissa, exponent = torch.frexp(x)
    return torch.ldexp(how(mantissa * steps) / steps, exponent)


def _half_away(x: Tensor) -> Tensor:
    return x.sign() * (x.abs() + 0.5).floor()


BFLOAT16 = Exercise(
    "speed.bfloat16",
    _rounded,
    (
        Misconception(
            "cut off",
            partial(_rounded, how=torch.trunc),
            "You cut the further digits off. Round to the *nearest* number.",
        ),
        Misconception(
            "rounded down",
            partial(_rounded, how=torch.floor),
            "You round down. Round to the *nearest* number, up or down.",
        ),
        Misconception(
            "halves away from zero",
            partial(_rounded, how=_half_away),
            "Nearly: where a number lies in the middle of two neighbours, you always "
            "go away from zero. Go to the even one, as `torch.round` does.",
        ),
        Misconception(
            "seven digits",
            partial(_rounded, steps=128),
            "You keep seven binary digits. bfloat16 stores seven, and the first one, "
            "always 1, is not stored: eight in all.",
        ),
        Misconception(
            "nine digits",
            partial(_rounded, steps=512),
            "You keep nine binary digits, one too many. `frexp` gives a mantissa from "
            "½ to 1, so its first digit stands behind the point already.",
        ),
        Misconception(
            "eleven digits",
            partial(_rounded, steps=2048),
            "You keep eleven binary digits: those of float16. bfloat16 has eight.",
        ),
        Misconception(
            "fixed steps",
            lambda x: (x * 256).round() / 256,
            "You round all numbers to the same steps of 1/256. The steps of a "
            "floating-point number grow with it: take its exponent out first.",
        ),
        Misconception(
            "nothing changed",
            lambda x: x.clone(),
            "The numbers come back as they were: float32 has 24 binary digits, "
            "bfloat16 has eight.",
        ),
    ),
    lambda: [
        (torch.tensor(numbers, device=current_device()),)
        for numbers in (
            [1.0, 3.14159274, -2.71828175, 0.1],
            [1.00390625, 1.01171875, -1.00390625],  # in the middle of two
            [1000.3, -0.0007, 65_535.0, 1.9999],
        )
    ],
    forbidden=("bfloat16",),
    hints=(
        "`mantissa, exponent = torch.frexp(x)` gives x = mantissa · 2^exponent, the "
        "mantissa between ½ and 1 but for its sign.",
        "Of the mantissa keep eight binary digits behind the point: its multiples of "
        "1/256. `torch.round` goes to the even one from the middle.",
        "`torch.ldexp(mantissa, exponent)` puts the two together again.",
    ),
)


def _loop(
    *,
    one_by_one: bool = False,
    whole: bool = False,
    wait: bool = False,
    number: bool = True,
    mean: bool = True,
    scaled: bool = True,
    step: bool = True,
) -> Answer:
    """Return the loop of the repair, with the faults asked for."""

    def answer(
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        batches: Sequence[Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> Any:
        total: Any = 0.0 if wait else torch.zeros((), device=images.device)
        for rows in batches:
            pixels = images / 255 if whole else images
            if one_by_one:
                x = torch.stack([pixels[i] for i in rows])
            else:
                x = pixels[rows]
            x = x.float() if whole or not scaled else x / 255
            loss = F.cross_entropy(model(x), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            if step:
                optimizer.step()
            total = total + (loss.item() if wait else loss.detach())
        total = total / len(batches) if mean else total
        return float(total) if number else total

    return answer


def _loop_with(names: frozenset[str]) -> Answer | None:
    """Return the loop with several faults, or None where they don't go together."""
    if not names <= _LOOP.keys() or names >= {"Python waits", "a tensor"}:
        return None
    faults = {key: value for name in names for key, value in _LOOP[name].items()}
    return _loop(**faults)


_LOOP: dict[str, dict[str, bool]] = {
    "one by one": {"one_by_one": True},
    "the whole set": {"whole": True},
    "Python waits": {"wait": True},
    "a tensor": {"number": False},
    "losses added": {"mean": False},
    "not divided by 255": {"scaled": False},
    "no step": {"step": False},
}

REPAIR = Exercise(
    "speed.repair",
    _loop(),
    (
        Misconception(
            "broken as it was",
            _loop(one_by_one=True, whole=True, wait=True),
            "That does what the broken loop does: pictures are picked one by one, the "
            "whole set is worked on in every step, and Python waits for a number.",
        ),
        *(
            Misconception(name, _loop(**_LOOP[name]), hint)
            for name, hint in {
                "one by one": "Pictures are still picked one by one. A tensor takes "
                "all rows of a batch in one call.",
                "the whole set": "All pictures are still worked on in every step, "
                "though a step needs only those of its batch.",
                "Python waits": "Python still waits for a number in every step. Add "
                "the losses up as a tensor, `detach()`ed, and fetch the number once.",
                "a tensor": "The result is a tensor. The task asks for a Python "
                "number: `.item()`, once, at the end.",
                "losses added": "The training is right. Your number is the sum of the "
                "losses: divide by how many batches there are.",
                "not divided by 255": "The network gets pixels from 0 to 255. The "
                "broken loop divides them by 255: keep that.",
                "no step": "The parameters stay as they were: `optimizer.step()` is "
                "missing.",
            }.items()
        ),
    ),
    lambda: [
        (
            torch.arange(40 * n, device=current_device())
            .mul(37)
            .remainder(256)
            .to(torch.uint8)
            .view(40, n),
            torch.arange(40, device=current_device()) % 4,
            size,
            parts,
        )
        for n, size, parts in [(5, 8, 9), (3, 6, 12)]
    ],
    trained_quickly,
    parts=("the mean loss", "the parameters after the epoch", "what the loop does"),
    arguments=("images", "labels", "batch size", "batches"),
    hints=(
        "Run `examine` and take its counts one by one: which line makes so many picks, "
        "which one works on all pictures, which one waits?",
        "`images[rows]` picks a whole batch in one call. Divide by 255 afterwards.",
        "`total += loss.detach()` adds up on the device; `.item()` behind the loop "
        "waits once.",
    ),
    switches=_loop_with,
)


def _small(
    widths: Sequence[int] = (16, 32),
    stride: int = 2,
    middle: Callable[[int], Sequence[nn.Module]] = lambda c: (
        nn.BatchNorm2d(c),
        nn.ReLU(),
    ),
    pool: bool = False,
) -> Answer:
    """Return an answer to the design: convolutions with a stride, a pool, a head."""

    def answer() -> nn.Sequential:
        layers: list[nn.Module] = []
        side = 28
        for n_in, n_out in pairwise((1, *widths)):
            layers += [nn.Conv2d(n_in, n_out, 3, stride, padding=1), *middle(n_out)]
            side = (side - 1) // stride + 1
        if pool:
            layers.append(nn.MaxPool2d(2))
            side //= 2
        head = nn.Linear(widths[-1] * side**2, 10)
        return nn.Sequential(*layers, nn.Flatten(), head)

    return answer


class _OfTheBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


def _many_calls() -> nn.Module:
    layers: list[nn.Module] = [nn.AvgPool2d(2)]
    for n_in, n_out in pairwise((1, 8, 8, 8)):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out)]
        layers += [nn.ReLU(), nn.Dropout(0.1)]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10))


DESIGN = Exercise(
    "speed.design",
    _small(),
    (
        Misconception(
            "too much work",
            _small(stride=1),
            "Over the budget of 300,000 multiply-adds. A convolution pays for every "
            "place at which its kernel stands: let it take steps of 2, or halve the "
            "side before it.",
        ),
        Misconception(
            "too many calls",
            _many_calls,
            "Over the budget of 10 calls. Each convolution, norm, activation and pool "
            "is one, `nn.Flatten` none: fewer layers that each do more.",
        ),
        Misconception(
            "linear",
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
            "Within both budgets, but the network learns too little in the trial: "
            "fewer than 84 % of the sketches are right. Spend more of the budget.",
        ),
        Misconception(
            "the batch matters",
            _small(middle=lambda c: (_OfTheBatch(), nn.ReLU())),
            "In `eval()` a picture's scores depend on the other pictures of its "
            "batch. `nn.BatchNorm2d` does not do that in `eval()`; a mean over "
            "dimension 0 of your own does.",
        ),
    ),
    lambda: [(0,)],
    designed,
    hints=(
        "A 3 × 3 convolution from c to d channels costs 9 · c · d multiply-adds for "
        "each place of its output.",
        "From 1 to 16 channels in steps of 2: 14 · 14 · 9 · 16 = 28,224. How many "
        "channels can the second convolution have, at 7 × 7?",
        "Convolution, BatchNorm and ReLU, twice, then `nn.Flatten` and one linear "
        "layer: 7 calls.",
    ),
    arguments=("seed",),
)

EXERCISES = (
    SPEEDUP,
    COST,
    WORK,
    ROOFLINE,
    ACCUMULATE,
    FOLD,
    BFLOAT16,
    REPAIR,
    DESIGN,
)
