"""Exercises of lesson 03: dropout."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Exercise, Misconception
from course_utils.session import current_device

SURVIVOR = Exercise(
    "dropout.survivor",
    lambda value, p: value / (1 - p),
    (
        Misconception(
            "no rescaling",
            lambda value, p: value,
            "You leave the survivor unchanged. Then the mean over all masks is too "
            "small by the factor 1 - p, so divide by it.",
        ),
        Misconception(
            "scaled by 1/p",
            lambda value, p: value / p,
            "You divide by p, the share that is dropped. Divide by the share that "
            "survives, 1 - p, to make up for the loss.",
        ),
        Misconception(
            "shrunk",
            lambda value, p: value * (1 - p),
            "You multiply by 1 - p, which makes the survivor even smaller. It has to "
            "make up for the dropped values: divide.",
        ),
        Misconception(
            "raised by p",
            lambda value, p: value * (1 + p),
            "You multiply the survivor by 1 + p. At p = 0.5 that gives 1.5 times the "
            "value in half of the draws, 0.75 on average: divide by 1 - p.",
        ),
        Misconception(
            "doubled",
            lambda value, p: 2 * value,
            "Your result is twice the value whatever `p` is. That is right for p = "
            "0.5 only: the factor depends on `p`.",
        ),
        Misconception(
            "parentheses forgotten",
            lambda value, p: value / 1 - p,
            "`value / 1 - p` divides by 1 and then subtracts p. Division comes before "
            "subtraction: put 1 - p in parentheses.",
        ),
        Misconception(
            "the factor alone",
            lambda value, p: 1 / (1 - p),
            "Your result is the factor, whatever the value is. Multiply the value by "
            "it.",
        ),
        Misconception(
            "whole-number division",
            lambda value, p: value // (1 - p),
            "Your result is rounded down to a whole number: `//` does that. Divide "
            "with `/`.",
        ),
        Misconception(
            "multiplied by p",
            lambda value, p: value * p,
            "You multiply by p, the share that is dropped. Divide by the share that "
            "survives: 1 - p.",
        ),
        Misconception(
            "dropped",
            lambda value, p: 0.0,
            "0 is what a dropped number becomes. This one survives, and is scaled up.",
        ),
    ),
    lambda: [(3.0, 0.25), (-2.0, 0.1), (7.0, 0.7), (1.5, 0.5)],
    hints=(
        "In training a share 1 - p of the draws lets the value through, the others "
        "give 0. What is the mean over many draws if survivors stay as they are?",
        "That mean is (1 - p) times the value. The survivor has to make up for it, so "
        "that the mean is the value again.",
    ),
)


def _noise(shape: tuple[int, ...], p: float) -> Tensor:
    """Draw uniform noise; for p = 0.25 the last number is exactly 1 - p."""
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    if p == 0.25:  # 0.75 has no rounding error
        noise.view(-1)[-1] = 1 - p
    return noise.to(current_device())


_BORDER = (
    "Your result is right but for the entry whose noise is exactly 1 - p. It is to be "
    "dropped: an entry survives where `noise < 1 - p`, not `<=`."
)
_SHRUNK = (
    "You multiply the survivors by 1 - p, which makes them even smaller. They have to "
    "make up for the dropped values: divide."
)


def _by_surviving_share(x: Tensor, mask: Tensor) -> Tensor:
    return x * mask / mask.to(x.dtype).mean()


DROP = Exercise(
    "dropout.drop",
    lambda x, noise, p: x * (noise < 1 - p) / (1 - p),
    (
        Misconception(
            "no rescaling",
            lambda x, noise, p: x * (noise < 1 - p),
            "The mask is right. The survivors have to make up for the dropped values: "
            "divide by 1 - p.",
        ),
        Misconception(
            "scaled by 1/p",
            lambda x, noise, p: x * (noise < 1 - p) / p,
            "The mask is right, but you divide by p, the share that is dropped. Divide "
            "by the share that survives: 1 - p.",
        ),
        Misconception(
            "dropped with probability 1 - p",
            lambda x, noise, p: x * (noise < p) / (1 - p),
            "You keep an entry where `noise < p`, so a share p survives. In PyTorch p "
            "is the probability of being dropped: keep where `noise < 1 - p`.",
        ),
        Misconception(
            "p as the share kept",
            lambda x, noise, p: x * (noise < p) / p,
            "You use p as the probability of surviving throughout. In PyTorch it is "
            "the probability of being dropped.",
        ),
        Misconception(
            "mask inverted",
            lambda x, noise, p: x * (noise >= 1 - p) / (1 - p),
            "You keep exactly the entries that should go: an entry survives where "
            "`noise < 1 - p`.",
        ),
        Misconception(
            "mask inverted, without the border",
            lambda x, noise, p: x * (noise > 1 - p) / (1 - p),
            "You keep the entries that should go: an entry survives where `noise < 1 "
            "- p`, not where it is larger.",
        ),
        Misconception(
            "another recipe",
            lambda x, noise, p: x * (noise >= p) / (1 - p),
            "`noise >= p` is an equally fair rule, but it makes another mask from the "
            "same noise. The task says: keep where `noise < 1 - p`.",
        ),
        Misconception(
            "one mask for the batch",
            lambda x, noise, p: x * (noise[0] < 1 - p) / (1 - p),
            "All rows get the mask of the first row. Every example has its own.",
        ),
        Misconception(
            "shrunk", lambda x, noise, p: x * (noise < 1 - p) * (1 - p), _SHRUNK
        ),
        Misconception(
            "border kept", lambda x, noise, p: x * (noise <= 1 - p) / (1 - p), _BORDER
        ),
        Misconception(
            "noise of its own",
            lambda x, noise, p: x * (torch.rand_like(x) < 1 - p) / (1 - p),
            "The survivors have the right size, but your mask is another one: it comes "
            "from new random numbers. Use those in `noise`.",
        ),
        Misconception(
            "share that survived",
            lambda x, noise, p: _by_surviving_share(x, noise < 1 - p),
            "You divide by the share that happens to survive. That changes from draw "
            "to draw, and is 0 if nothing survives: divide by 1 - p.",
        ),
        Misconception(
            "survivors only",
            lambda x, noise, p: x[noise < 1 - p] / (1 - p),
            "You return the survivors alone, in one row. The output has the shape of "
            "`x`, with 0 in the dropped places: multiply by the mask.",
        ),
        Misconception(
            "scale alone",
            lambda x, noise, p: x / (1 - p),
            "Every entry is scaled and none is dropped: multiply by the mask as well.",
        ),
        Misconception(
            "PyTorch's own",
            lambda x, noise, p: F.dropout(x, p),
            "The survivors have the right size, but PyTorch's own dropout draws "
            "another mask. Make yours from `noise`.",
        ),
        Misconception(
            "factor twice",
            lambda x, noise, p: x * (noise < 1 - p) / (1 - p) ** 2,
            "The mask is right, but the survivors are divided by 1 - p twice: once is "
            "enough.",
        ),
    ),
    lambda: [
        (*randn(shape), _noise(shape, p), p)
        for shape, p in [
            ((2, 3), 0.25),
            ((1, 5), 0.6),
            ((4, 4), 0.3),
            ((5, 3), 0.5),
            ((7,), 0.5),
            ((2, 1, 3, 4), 0.7),
        ]
    ],
    hints=(
        "Make a mask of the shape of `x` first: True where an entry survives.",
        "A mask of booleans counts as 1 and 0 in a product: multiplying by it drops.",
        "Then scale what is left as in exercise 1, with 1 - p in parentheses.",
    ),
    differentiable=True,
)


BACKWARD = Exercise(
    "dropout.backward",
    lambda g, mask, p: g * mask / (1 - p),
    (
        Misconception(
            "straight through",
            lambda g, mask, p: g,
            "You pass the gradient on as if nothing had been dropped. A dropped entry "
            "had no part in the output, so its gradient is 0.",
        ),
        Misconception(
            "no rescaling",
            lambda g, mask, p: g * mask,
            "The zeros are right. The survivors were divided by 1 - p in the forward "
            "pass, so their gradient is too.",
        ),
        Misconception(
            "mask forgotten",
            lambda g, mask, p: g / (1 - p),
            "The factor is right, but the dropped entries get a gradient too. They had "
            "no part in the output: multiply by `mask`.",
        ),
        Misconception(
            "rescaling undone",
            lambda g, mask, p: g * mask * (1 - p),
            "You undo the division. The backward pass is not an inverse: y = x / (1 - "
            "p) has the slope 1 / (1 - p).",
        ),
        Misconception(
            "mask inverted",
            lambda g, mask, p: g * ~mask / (1 - p),
            "You give the gradient to the dropped entries: `mask` is True for the "
            "survivors.",
        ),
        Misconception(
            "scaled by 1/p",
            lambda g, mask, p: g * mask / p,
            "The zeros are right, but you divide by p, the share that is dropped. The "
            "forward pass divided by 1 - p.",
        ),
        Misconception(
            "factor twice",
            lambda g, mask, p: g * mask / (1 - p) ** 2,
            "The zeros are right, but the factor is squared. `g` is the gradient of "
            "the output and holds no factor yet: divide once.",
        ),
        Misconception(
            "survivors only",
            lambda g, mask, p: g[mask] / (1 - p),
            "You return the gradients of the survivors alone, in one row. The input's "
            "gradient has the shape of `g`, with 0 for what was dropped.",
        ),
        Misconception(
            "share that survived",
            lambda g, mask, p: _by_surviving_share(g, mask),
            "You divide by the share of this mask that happens to survive. The forward "
            "pass divided by 1 - p, whatever the draw.",
        ),
        Misconception(
            "multiplied by p",
            lambda g, mask, p: g * mask * p,
            "The zeros are right, but you multiply by p. The forward pass divided by "
            "1 - p, and so does this one.",
        ),
        Misconception(
            "dropped ones passed on",
            lambda g, mask, p: torch.where(mask, g / (1 - p), g),
            "The survivors are right, but dropped entries get their number of `g`. "
            "They had no part in the output: their gradient is 0.",
        ),
    ),
    lambda: [
        (*randn(shape), _noise(shape, p) < 1 - p, p)
        for shape, p in [
            ((3, 4), 0.4),
            ((1, 7), 0.25),
            ((5, 5), 0.5),
            ((6,), 0.3),
            ((2, 3, 1, 2), 0.7),
        ]
    ],
    hints=(
        "Take one entry: y = x · m / (1 - p), with m = 1 or 0. What is dy/dx?",
        "A dropped entry had no part in y. A survivor's slope is a number that you "
        "know from the forward pass.",
        "By the chain rule each entry of `g` is multiplied by its slope.",
    ),
)

VARIANCE = Exercise(
    "dropout.variance",
    lambda x, p: x**2 * p / (1 - p),
    (
        Misconception(
            "survivors not rescaled",
            lambda x, p: x**2 * p * (1 - p),
            "This is the variance of `x * mask`. Dividing by 1 - p divides the "
            "variance by (1 - p)².",
        ),
        Misconception(
            "standard deviation",
            lambda x, p: x.abs() * math.sqrt(p / (1 - p)),
            "This is the standard deviation. The task asks for the variance, its "
            "square.",
        ),
        Misconception(
            "x not squared",
            lambda x, p: x * p / (1 - p),
            "A number twice as large varies by twice as much, so its variance is four "
            "times as large: x is squared.",
        ),
        Misconception(
            "mean square",
            lambda x, p: x**2 / (1 - p),
            "This is the mean of the square. The variance is that minus the square of "
            "the mean, and the mean is x.",
        ),
        Misconception(
            "p and 1 - p exchanged",
            lambda x, p: x**2 * (1 - p) / p,
            "p and 1 - p are swapped. With p = 0 nothing is dropped and nothing "
            "varies, but your result would be infinite.",
        ),
        Misconception(
            "over the entries",
            lambda x, p: x.var() * p / (1 - p),
            "You take the variance over the entries of `x`, one number. Each entry is "
            "fixed here, and only its mask varies: return one variance per entry.",
        ),
        Misconception(
            "mean of all variances",
            lambda x, p: (x**2 * p / (1 - p)).mean(),
            "You average over the entries. The task asks for the variance of each "
            "entry: return the shape of `x`.",
        ),
        Misconception(
            "parentheses forgotten",
            lambda x, p: x**2 * p / 1 - p,
            "`... / 1 - p` divides by 1 and then subtracts p. Put 1 - p in "
            "parentheses.",
        ),
        Misconception(
            "variance of the mask",
            lambda x, p: x * 0 + p / (1 - p),
            "This is the variance for x = 1: your result does not depend on `x`. How "
            "much does a larger number vary?",
        ),
        Misconception(
            "one draw for all entries",
            lambda x, p: F.dropout(x, p).var(),
            "You drop once and take the variance over the entries: one number, and "
            "another at every call. Asked for is how each entry varies over *all* "
            "masks: a formula with x and p.",
        ),
        Misconception(
            "variance of the entries",
            lambda x, p: x.var(),
            "You take the variance over the entries of `x`, one number. Each entry is "
            "fixed here, and only its mask varies: return one variance per entry.",
        ),
        Misconception(
            "variance of an unscaled mask",
            lambda x, p: x * 0 + p * (1 - p),
            "This is the variance of a mask of ones and zeros. The entry is x times "
            "that mask divided by 1 - p: both factors enter squared.",
        ),
        Misconception(
            "share that survives",
            lambda x, p: x**2 * p / (1 - p) ** 2,
            "You divide by (1 - p)², but leave out the other factor: a mask of ones "
            "and zeros has the variance p · (1 - p).",
        ),
        Misconception(
            "factor of the mask alone",
            lambda x, p: x**2 * p,
            "This is x² · p. An entry is 0 with probability p and x / (1 - p) "
            "otherwise: take the mean of its squares, then subtract x².",
        ),
        Misconception(
            "mean",
            lambda x, p: x * 1.0,
            "This is the mean of each entry. The variance says how far the draws lie "
            "around it, squared.",
        ),
        Misconception(
            "everything squared",
            lambda x, p: (x * p / (1 - p)) ** 2,
            "p / (1 - p) is squared too in your result. Only x is: the variance is x² "
            "times that of the scaled mask.",
        ),
    ),
    lambda: [
        (*randn(shape), p)
        for shape, p in [((1, 3), 0.3), ((4, 3), 0.5), ((5,), 0.8), ((2, 3, 2), 0.25)]
    ],
    hints=(
        "An entry comes out as x / (1 - p) with probability 1 - p, and as 0 otherwise.",
        "The variance is the mean of the squares minus the square of the mean, and "
        "the mean is x.",
        "The mean of the squares is (1 - p) · (x / (1 - p))². Subtract x², simplify.",
    ),
)


def _drop(x: Tensor, p: float) -> Tensor:
    return x * (torch.rand_like(x) < 1 - p) / (1 - p)


_Drop = Callable[[Tensor, float], Any]


def _layer(
    in_training: _Drop = _drop, in_evaluation: _Drop = lambda x, p: x
) -> type[nn.Module]:
    class Layer(nn.Dropout):
        def __init__(self, p: float) -> None:
            super().__init__(p)

        def forward(self, input: Tensor) -> Any:
            return (in_training if self.training else in_evaluation)(input, self.p)

    return Layer


def _one_mask(x: Tensor, p: float) -> Tensor:
    return x * (torch.rand_like(x[0]) < 1 - p) / (1 - p)


def _whole_rows(x: Tensor, p: float) -> Tensor:
    return x * (torch.rand_like(x[:, :1]) < 1 - p) / (1 - p)


def _whole_channels(x: Tensor, p: float) -> Tensor:
    first_two = x.shape[:2] + (1,) * (x.dim() - 2)
    return x * (torch.rand(first_two, device=x.device) < 1 - p) / (1 - p)


def _from_seed(x: Tensor, p: float) -> Tensor:
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    return x * (noise.to(x.device) < 1 - p) / (1 - p)


def _exact_number(x: Tensor, p: float) -> Tensor:
    places = torch.randperm(x.numel(), device=x.device).reshape(x.shape)
    return x * (places >= round(p * x.numel())) / (1 - p)


def _in_place(x: Tensor, p: float) -> Tensor:
    x[torch.rand_like(x) >= 1 - p] = 0
    return x / (1 - p)


def _nothing(x: Tensor, p: float) -> None:
    return None


class _FirstCallOnly(nn.Dropout):
    """Drops in its first call, never again."""

    used = False

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.used:
            return input
        self.used = True
        return _drop(input, self.p)


_SHAPES = ((40, 50), (2000,), (20, 4, 25), (5, 10, 6, 7))
_CALLS = 4
_UNCHANGED = "x is unchanged"


def _facts(layer_class: Answer, p: float) -> Any:
    """Say what a layer does in training and in evaluation, whatever its mask.

    The first thing wrong is said, and nothing after it. A result that is no tensor
    is returned as it is.
    """
    layer = layer_class(p)
    training = resting = "as asked"
    for shape in _SHAPES:
        (x,) = randn(shape)
        used = x.clone()
        outs = [layer.train()(used) for _ in range(_CALLS)]
        rest = layer.eval()(used)
        if not isinstance(outs[0], Tensor):
            return outs[0]
        if rest is None:
            return training, "None is returned"
        if not isinstance(rest, Tensor):
            return rest
        if not torch.equal(used, x):
            return "x is changed in place", "not looked at"
        if any(out.shape != x.shape for out in outs):
            training = "the result has another shape than x"
        elif any(out.dtype != x.dtype for out in (*outs, rest)):
            return "the result has another dtype than x", "not looked at"
        else:
            training = _training_fact(x, outs, p) or _gradient_fact(layer.train(), x)
        if training == _UNCHANGED and shape != _SHAPES[0]:
            training = "nothing is dropped any more once the layer was in evaluation"
        resting = _evaluation_fact(x, rest) or _gradient_fact(layer.eval(), x)
        if (training, resting) != ("", ""):
            break
    return training or "as asked", resting or "as asked"


def _training_fact(x: Tensor, outs: list[Tensor], p: float) -> str:
    masks = [out != 0 for out in outs]
    kept = {bool(mask.all()) for mask in masks if mask.all() or not mask.any()}
    if kept == {True, False}:
        return "all entries are kept or dropped together"
    if all(mask.all() for mask in masks[1:]) and not masks[0].all():
        return "entries are dropped in the first call only"
    if any(torch.equal(out, x) for out in outs):
        return _UNCHANGED
    if all(mask.all() for mask in masks):
        return "no entry is 0"
    if not any(mask.any() for mask in masks):
        return "everything is dropped"
    for dim in range(x.dim()):
        if all(_constant_along(mask, dim) for mask in masks):
            return f"one draw for all places along dim {dim} of a {x.dim()}-D input"
    counts = [int(mask.sum()) for mask in masks]
    if any(torch.equal(masks[i], masks[j]) for i in range(_CALLS) for j in range(i)):
        return "the same entries are dropped at every call"
    if len(set(counts)) == 1:
        return "the same number of entries is dropped at every call"
    ratios = [(out / x)[mask] for out, mask in zip(outs, masks, strict=True)]
    means = torch.stack([ratio.mean() for ratio in ratios])
    if any(not torch.allclose(r, r.mean().expand_as(r), rtol=1e-3) for r in ratios):
        return "the survivors are not all multiplied by one number"
    if not torch.allclose(means, means[0].expand_as(means), rtol=1e-4):
        return "the survivors are multiplied by another number at every call"
    share = 1 - sum(counts) / (_CALLS * x.numel())
    factor = means[0].item()
    if abs(share - p) < 0.03 and math.isclose(factor, 1 / (1 - p), rel_tol=1e-4):
        return ""
    return f"{10 * share:.0f} in 10 dropped, survivors multiplied by {factor:.3g}"


def _constant_along(mask: Tensor, dim: int) -> bool:
    first = mask.narrow(dim, 0, 1)
    return mask.shape[dim] > 1 and torch.equal(mask, first.expand_as(mask))


def _evaluation_fact(x: Tensor, rest: Tensor) -> str:
    if rest.shape != x.shape:
        return "the result has another shape than x"
    if torch.allclose(rest, x, rtol=1e-5):
        return ""
    if (rest == 0).any():
        return "entries are dropped"
    return f"x is multiplied by {(rest / x).mean().item():.3g}"


def _gradient_fact(layer: nn.Module, x: Tensor) -> str:
    leaf = x.clone().requires_grad_()
    out = layer(leaf)
    if not out.requires_grad:
        return "the result is cut off from autograd"
    out.sum().backward()
    gradient = leaf.grad
    if gradient is None:
        return "the result is cut off from autograd"
    right = torch.allclose(gradient, out.detach() / x, rtol=1e-3, atol=1e-4)
    return "" if right else "the gradients are not those of x · mask / (1 - p)"


LAYER = Exercise(
    "dropout.layer",
    _layer(),
    (
        Misconception(
            "never asleep",
            _layer(_drop, _drop),
            "It still drops in evaluation. Return `x` as it is unless `self.training` "
            "is True.",
        ),
        Misconception(
            "always asleep",
            _layer(lambda x, p: x),
            "It drops nothing in training either: x comes out unchanged.",
        ),
        Misconception(
            "parentheses forgotten",
            _layer(lambda x, p: x * (torch.rand_like(x) < 1 - p) / 1 - p),
            "In training no entry of the result is 0. Is something added or subtracted "
            "after the mask? `... / 1 - p` does so: put 1 - p in parentheses.",
        ),
        Misconception(
            "modes exchanged",
            _layer(lambda x, p: x, _drop),
            "It drops in evaluation and not in training: the two are swapped.",
        ),
        Misconception(
            "no rescaling",
            _layer(lambda x, p: x * (torch.rand_like(x) < 1 - p)),
            "In training the survivors are not rescaled: divide them by 1 - p.",
        ),
        Misconception(
            "scaled by 1/p",
            _layer(lambda x, p: x * (torch.rand_like(x) < 1 - p) / p),
            "In training you divide by p, the share dropped. Divide by 1 - p.",
        ),
        Misconception(
            "shrunk",
            _layer(lambda x, p: x * (torch.rand_like(x) < 1 - p) * (1 - p)),
            _SHRUNK,
        ),
        Misconception(
            "share that survived",
            _layer(lambda x, p: _by_surviving_share(x, torch.rand_like(x) < 1 - p)),
            "Your survivors are multiplied by another number at every call, as if you "
            "divided by the share that happens to survive. Divide by 1 - p.",
        ),
        Misconception(
            "scaling in eval",
            _layer(_drop, lambda x, p: x * (1 - p)),
            "You rescale in training and again in evaluation. Once is enough: in "
            "evaluation x comes out unchanged.",
        ),
        Misconception(
            "scaling in eval only",
            _layer(
                lambda x, p: x * (torch.rand_like(x) < 1 - p), lambda x, p: x - p * x
            ),
            "You rescale in evaluation, as the first papers did. PyTorch does it in "
            "training, so that evaluation costs nothing.",
        ),
        Misconception(
            "factor in eval",
            _layer(_drop, lambda x, p: x / (1 - p)),
            "In evaluation x is still divided by 1 - p. Nothing is dropped there, so "
            "there is nothing to make up for: return `x`.",
        ),
        Misconception(
            "p as the share kept",
            _layer(lambda x, p: x * (torch.rand_like(x) < p) / p),
            "You keep a share p. In PyTorch p is the probability of being dropped.",
        ),
        Misconception(
            "dropped with probability 1 - p",
            _layer(lambda x, p: x * (torch.rand_like(x) < p) / (1 - p)),
            "The factor is right, but you keep a share p. In PyTorch p is the "
            "probability of being dropped.",
        ),
        Misconception(
            "one mask for the batch",
            _layer(_one_mask),
            "All rows share one mask. Draw for every entry: `torch.rand_like(x)`.",
        ),
        Misconception(
            "whole rows",
            _layer(_whole_rows),
            "You drop whole rows, that is whole examples. Draw for every entry: "
            "`torch.rand_like(x)`.",
        ),
        Misconception(
            "whole channels",
            _layer(_whole_channels),
            "With more than two dimensions your layer drops whole blocks. Draw for "
            "every entry, whatever the shape of `x`: `torch.rand_like(x)`.",
        ),
        Misconception(
            "the same mask at every call",
            _layer(_from_seed),
            "The same entries are dropped at every call. The mask is fixed, or drawn "
            "once and kept, or the seed is set in `forward`: draw a new one each time.",
        ),
        Misconception(
            "first call only",
            _FirstCallOnly,
            "Entries are dropped in the first call in training, and in no later one. "
            "Draw a new mask at every call.",
        ),
        Misconception(
            "exact number",
            _layer(_exact_number),
            "The number of dropped entries is the same at every call. Each entry is "
            "dropped by a draw of its own, so the number varies: `torch.rand_like(x)`.",
        ),
        Misconception(
            "cut off from autograd",
            _layer(lambda x, p: _drop(x.detach(), p)),
            "The numbers are right, but in training the result is cut off from "
            "autograd (`.detach()`, `.data`, `no_grad()` or numpy does that): no "
            "gradient reaches the layers before.",
        ),
        Misconception(
            "cut off in evaluation",
            _layer(_drop, lambda x, p: x.detach()),
            "In evaluation the result is cut off from autograd: return `x` as it is.",
        ),
        Misconception(
            "in place",
            _layer(_in_place),
            "`forward` changes `x` in place. Make a new tensor: others may still need "
            "the old one.",
        ),
        Misconception(
            "nothing in evaluation",
            _layer(_drop, _nothing),
            "In evaluation `forward` returns None: a `return x` is missing there.",
        ),
        Misconception(
            "survivors only",
            _layer(lambda x, p: x[torch.rand_like(x) < 1 - p] / (1 - p)),
            "In training the result has another shape than `x`. Keep its shape, with 0 "
            "in the dropped places: multiply by the mask.",
        ),
        Misconception(
            "0.5 built in",
            _layer(lambda x, p: _drop(x, 0.5)),
            "Your layer drops one half whatever p is. The probability is in `self.p`.",
        ),
        Misconception(
            "factor 2 built in",
            _layer(lambda x, p: 2 * (x * (torch.rand_like(x) < 1 - p))),
            "The right share is dropped, but the survivors are always doubled. That is "
            "right for p = 0.5 only: divide by `1 - self.p`.",
        ),
        Misconception(
            "normal random numbers",
            _layer(lambda x, p: x * (torch.randn_like(x) < 1 - p) / (1 - p)),
            "The factor is right, the share dropped is not: `randn` gives normal "
            "numbers. Draw uniform ones from 0 to 1, with `rand`.",
        ),
    ),
    lambda: [(0.3,), (0.8,)],
    _facts,
    hints=(
        "There are two cases. In evaluation, `self.training` is False: return `x`.",
        "In training draw one uniform number per entry, at every call: "
        "`torch.rand_like(x)`.",
        "From there on it is exercise 2, with `self.p` in place of `p`.",
    ),
    parts=("the result in training", "the result in evaluation"),
    forbidden=("F.dropout", "nn.Dropout", "super().forward", "native_dropout"),
)

CHANNELS = Exercise(
    "dropout.channels",
    lambda x, noise, p: x * (noise < 1 - p)[:, :, None, None] / (1 - p),
    (
        Misconception(
            "mask on the last dimensions",
            lambda x, noise, p: x * (noise < 1 - p) / (1 - p),
            "Broadcasting aligns shapes from the right, so your mask lines up with "
            "height and width. Give it two more dimensions: `mask[:, :, None, None]`.",
        ),
        Misconception(
            "one mask for the batch",
            lambda x, noise, p: x * (noise[:1] < 1 - p)[:, :, None, None] / (1 - p),
            "All images lose the same channels: each row of `noise` is for one image.",
        ),
        Misconception(
            "whole images",
            lambda x, noise, p: x * (noise[:, :1] < 1 - p)[:, :, None, None] / (1 - p),
            "You drop whole images: each column of `noise` is for one channel.",
        ),
        Misconception(
            "no rescaling",
            lambda x, noise, p: x * (noise < 1 - p)[:, :, None, None],
            "The right channels are dropped. Divide the others by 1 - p, as with "
            "single entries.",
        ),
        Misconception(
            "mask inverted",
            lambda x, noise, p: x * (noise >= 1 - p)[:, :, None, None] / (1 - p),
            "You keep the channels that should go: a channel survives where `noise < "
            "1 - p`.",
        ),
        Misconception(
            "mask inverted, without the border",
            lambda x, noise, p: x * (noise > 1 - p)[:, :, None, None] / (1 - p),
            "You keep the channels that should go: a channel survives where `noise < "
            "1 - p`, not where it is larger.",
        ),
        Misconception(
            "another recipe",
            lambda x, noise, p: x * (noise >= p)[:, :, None, None] / (1 - p),
            "`noise >= p` is an equally fair rule, but it drops other channels. The "
            "task says: keep where `noise < 1 - p`.",
        ),
        Misconception(
            "dropped with probability 1 - p",
            lambda x, noise, p: x * (noise < p)[:, :, None, None] / (1 - p),
            "You keep a channel where `noise < p`, so a share p survives. In PyTorch p "
            "is the probability of being dropped: keep where `noise < 1 - p`.",
        ),
        Misconception(
            "scaled by 1/p",
            lambda x, noise, p: x * (noise < 1 - p)[:, :, None, None] / p,
            "The right channels are dropped, but you divide the others by p, the share "
            "that is dropped. Divide by 1 - p.",
        ),
        Misconception(
            "shrunk",
            lambda x, noise, p: x * (noise < 1 - p)[:, :, None, None] * (1 - p),
            _SHRUNK,
        ),
        Misconception(
            "border kept",
            lambda x, noise, p: x * (noise <= 1 - p)[:, :, None, None] / (1 - p),
            _BORDER.replace("entry", "channel"),
        ),
        Misconception(
            "one dimension added",
            lambda x, noise, p: x * (noise < 1 - p)[:, :, None] / (1 - p),
            "A mask of shape `(N, C, 1)` lines up with channels, height and width. "
            "Add two dimensions: it must be `(N, C, 1, 1)`.",
        ),
        Misconception(
            "survivors only",
            lambda x, noise, p: x[noise < 1 - p] / (1 - p),
            "You return the surviving channels alone. The output has the shape of `x`, "
            "with zeros in the dropped channels.",
        ),
        Misconception(
            "single entries",
            lambda x, noise, p: x * (torch.rand_like(x) < 1 - p) / (1 - p),
            "You draw new noise for every entry. Whole channels are dropped here, and "
            "`noise` says which.",
        ),
        Misconception(
            "PyTorch's own",
            lambda x, noise, p: F.dropout2d(x, p),
            "Whole channels are dropped, but by PyTorch's own draw. Make the mask from "
            "`noise`.",
        ),
        Misconception(
            "share that survived",
            lambda x, noise, p: _by_surviving_share(
                x, (noise < 1 - p)[..., None, None]
            ),
            "You divide by the share of channels that happens to survive. That changes "
            "from draw to draw, and may be 0: divide by 1 - p.",
        ),
        Misconception(
            "factor twice",
            lambda x, noise, p: x * (noise < 1 - p)[..., None, None] / (1 - p) ** 2,
            "The right channels are dropped, but the others are divided by 1 - p "
            "twice: once is enough.",
        ),
    ),
    # In the second case the mask fits height and width by accident; in the fourth it
    # does so with one dimension added.
    lambda: [
        (*randn((n, c, h, w)), _noise((n, c), p), p)
        for n, c, h, w, p in [
            (2, 3, 4, 5, 0.4),
            (3, 5, 3, 5, 0.3),
            (1, 7, 2, 3, 0.5),
            (3, 3, 3, 2, 0.25),
            (4, 2, 1, 1, 0.6),
        ]
    ],
    hints=(
        "The mask is `(N, C)`: one value per example and channel. `x` has two more "
        "dimensions.",
        "Broadcasting aligns shapes from the right, so the mask needs two dimensions "
        "of size 1 at its end.",
        "Indexing with None adds a dimension of size 1. The rest is as in exercise 2.",
    ),
    differentiable=True,
)


def _awake(model: nn.Module) -> None:
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()


def _without_eval(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()


def _children_only(model: nn.Module) -> None:
    model.eval()
    for module in model.children():
        if isinstance(module, nn.Dropout):
            module.train()


def _inverted(model: nn.Module) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()


def _first_only(model: nn.Module) -> None:
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()
            break


def _children_before_parents(model: nn.Module) -> None:
    for module in reversed(list(model.modules())):
        module.train(isinstance(module, nn.Dropout))


def _mixed_model() -> nn.Module:
    inner = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.2))
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), inner)


def _deep_model() -> nn.Module:
    """Return a model of several levels, some of its modules in evaluation mode."""
    block = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.1), nn.BatchNorm1d(3))
    heads = nn.ModuleDict({"a": nn.Dropout(0.2), "b": nn.Sequential(block, nn.ReLU())})
    model = nn.Sequential(nn.Dropout(0.3), nn.ModuleList([heads]), nn.Dropout(0.4))
    block.eval()
    model[2].eval()
    return model


def _modes(answer: Answer, model: nn.Module) -> tuple[str, ...]:
    """Name the dropout layers that sleep and the other modules that don't."""
    named = [(name or "the model", module) for name, module in model.named_modules()]
    before = [module.training for _, module in named]
    answer(model)
    if before == [module.training for _, module in named]:
        return ("all modes are as before", "all modes are as before")
    asleep, awake = [], []
    for name, module in named:
        if isinstance(module, nn.Dropout) != module.training:
            (awake if module.training else asleep).append(name)
    return ", ".join(asleep) or "none", ", ".join(awake) or "none"


def _by_attribute(model: nn.Module) -> None:
    model.eval()
    for name, module in model.named_modules():
        if "dropout" in name:
            module.train()


def _without_the_model_itself(model: nn.Module) -> None:
    model.eval()
    for name, module in model.named_modules():
        if name and isinstance(module, nn.Dropout):
            module.train()


AWAKE = Exercise(
    "dropout.awake",
    _awake,
    (
        Misconception(
            "nothing changed",
            lambda model: copy.deepcopy(model).eval(),
            "No mode of `model` is changed by your function. It may work on a copy "
            "(`copy.deepcopy`), or name a method without calling it: `eval()` and "
            "`train()` need parentheses.",
        ),
        Misconception(
            "all in training",
            lambda model: model.train(),
            "Everything is in training mode. That includes BatchNorm: its output would "
            "depend on the batch, and its running statistics would change. Switch "
            "only the dropout layers.",
        ),
        Misconception(
            "all in evaluation",
            lambda model: model.eval(),
            "Everything is in evaluation mode, the dropout layers too. Switch those "
            "back with `train()`, with parentheses, after the last `eval()`: that "
            "changes a module and all inside it.",
        ),
        Misconception(
            "no eval first",
            _without_eval,
            "The dropout layers are in training mode, and the rest is as it was, which "
            "may be training. Start with `model.eval()`.",
        ),
        Misconception(
            "children only",
            _children_only,
            "Dropout layers that are direct children of the model are switched, those "
            "deeper inside are not. `model.modules()` visits every level.",
        ),
        Misconception(
            "children before parents",
            _children_before_parents,
            "Some dropout layers sleep again at the end: `eval()` and `train(False)` "
            "change a module and all inside it. Does a parent get its turn after its "
            "children, as with `apply`? Call `model.eval()` once, at the start.",
        ),
        Misconception(
            "first only",
            _first_only,
            "Only the first dropout layer is in training mode. Does a `break` or "
            "`return` end the loop after it?",
        ),
        Misconception(
            "inverted",
            _inverted,
            "It is the wrong way round: the dropout layers are in evaluation mode and "
            "everything else is in training mode.",
        ),
        Misconception(
            "found by attribute",
            _by_attribute,
            "Only layers whose *attribute* is called dropout are switched: in an "
            "`nn.Sequential` the names are numbers. Ask for the class: "
            "`isinstance(module, nn.Dropout)`.",
        ),
        Misconception(
            "model itself left out",
            _without_the_model_itself,
            "Right, except where the model is itself a dropout layer: that one sleeps. "
            "`model.modules()` begins with the model: leave none out.",
        ),
    ),
    lambda: [
        (_mixed_model(),),
        (_mixed_model().eval(),),
        (_deep_model(),),
        (nn.Dropout(0.5).eval(),),
        (nn.TransformerEncoderLayer(4, 2, 8),),
    ],
    _modes,
    hints=(
        "There are two steps: everything into evaluation mode, then some layers back.",
        "`model.modules()` visits the model itself and every module inside it, on "
        "every level.",
        "`isinstance(module, nn.Dropout)` tells which ones to switch with `train()`.",
    ),
    parts=(
        "the dropout layers left in evaluation mode",
        "the other modules left in training mode",
    ),
)

SHIFT = Exercise(
    "dropout.shift",
    lambda p: math.sqrt(1 - p),
    (
        Misconception(
            "variance",
            lambda p: 1 - p,
            "This is the variance that comes out. The task asks for the spread, its "
            "square root.",
        ),
        Misconception(
            "upside down",
            lambda p: 1 / math.sqrt(1 - p),
            "This is the spread during training, before BatchNorm divides by it. In "
            "evaluation an input of spread 1 is divided by that number.",
        ),
        Misconception(
            "no shift",
            lambda p: 1.0,
            "BatchNorm gives a spread of 1 only if the input varies as it did in "
            "training, and there dropout made it vary more.",
        ),
        Misconception(
            "share dropped",
            lambda p: math.sqrt(p),
            "You use the share that is dropped. With p = 0 nothing is shifted, so the "
            "answer must then be 1.",
        ),
        Misconception(
            "dropout's factor",
            lambda p: 1 / (1 - p),
            "This is 1 / (1 - p): dropout's factor, and also the variance that "
            "BatchNorm sees in training. In evaluation dropout is off, and BatchNorm "
            "divides an input of spread 1 by the *root* of that variance.",
        ),
        Misconception(
            "only the variance added",
            lambda p: math.sqrt((1 - p) / p),
            "You divide by the root of p / (1 - p), the variance that dropout adds. "
            "The input's own variance, 1, is still there: add them.",
        ),
        Misconception(
            "variance of an unscaled mask",
            lambda p: 1 / math.sqrt(1 + p * (1 - p)),
            "You add p(1 - p), the variance of a mask of ones. Survivors are divided "
            "by 1 - p, so more variance is added: see exercise 4.",
        ),
        Misconception(
            "half",
            lambda p: (1 - p) / 2,
            "This is half of 1 - p. In Python `**` comes before `/`, so `(1 - p) ** 1 "
            "/ 2` divides by 2: write the power as `0.5`, or put 1 / 2 in "
            "parentheses.",
        ),
        Misconception(
            "p squared",
            lambda p: math.sqrt(1 - p**2),
            "This is the root of 1 - p². p is not squared: the variance in training "
            "is 1 / (1 - p).",
        ),
        Misconception(
            "rounded",
            lambda p: round(math.sqrt(1 - p)),
            "Your result is rounded to a whole number. Return it as it is.",
        ),
        Misconception(
            "spread that is added",
            lambda p: math.sqrt(p / (1 - p)),
            "p / (1 - p) is the variance that dropout adds. BatchNorm saw the input's "
            "own as well: 1 + p / (1 - p) in all. In evaluation it divides by the "
            "root of that.",
        ),
    ),
    lambda: [(0.2,), (0.5,), (0.75,), (0.36,)],
    hints=(
        "BatchNorm divides by the spread that it saw in training. In evaluation an "
        "input of spread 1 arrives.",
        "In training, dropout turns variance 1 into 1 + p / (1 - p), on average over "
        "inputs (exercise 4). Simplify that.",
        "The variance in training is 1 / (1 - p). Divide 1 by its square root.",
    ),
)

EXERCISES = (SURVIVOR, DROP, BACKWARD, VARIANCE, LAYER, CHANNELS, AWAKE, SHIFT)
