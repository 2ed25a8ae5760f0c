"""Exercises of lesson 03: dropout."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Exercise, Misconception
from course_utils.exercises.watch import hidden_modules, watched_call
from course_utils.session import current_device

RECIPE = Exercise(
    "dropout.recipe",
    lambda weight, bias, p: (weight * (1 - p), bias.clone()),
    (
        Misconception(
            "bias scaled too",
            lambda weight, bias, p: (weight * (1 - p), bias * (1 - p)),
            "The weight is right. The old program scaled the *inputs*, and the bias is "
            "added after them: leave it as it is.",
        ),
        Misconception(
            "share dropped",
            lambda weight, bias, p: (weight * p, bias.clone()),
            "You multiply by p, the share that is dropped. On average a share 1 - p of "
            "an input arrived in training.",
        ),
        Misconception(
            "divided",
            lambda weight, bias, p: (weight / (1 - p), bias.clone()),
            "You divide by 1 - p, which PyTorch does to survivors in training. Here no "
            "survivor was scaled up, so at test time the inputs are too large: shrink.",
        ),
        Misconception(
            "unchanged",
            lambda weight, bias, p: (weight.clone(), bias.clone()),
            "Weight and bias are unchanged. Then the layer gets all inputs in "
            "evaluation, and in training it got only a share 1 - p of them on average.",
        ),
        Misconception(
            "lost mean in the bias",
            lambda weight, bias, p: (weight, bias - p * weight.sum(dim=1)),
            "You leave the weight as it is and take a mean amount off the bias. "
            "The old program let a share of the *inputs* through, whatever their "
            "size: that shrinks the weight, and the bias stays.",
        ),
        Misconception(
            "halved",
            lambda weight, bias, p: (weight / 2, bias.clone()),
            "You halve the weight whatever `p` is. That is right for p = 0.5 only.",
        ),
        Misconception(
            "only the bias",
            lambda weight, bias, p: (weight.clone(), bias * (1 - p)),
            "You scale the bias and leave the weight. It is the other way round: what "
            "was scaled are the inputs, which meet the weight.",
        ),
        Misconception(
            "parentheses forgotten",
            lambda weight, bias, p: (weight * 1 - p, bias.clone()),
            "`weight * 1 - p` subtracts p from every weight. Put 1 - p in parentheses.",
        ),
        Misconception(
            "order",
            lambda weight, bias, p: (bias.clone(), weight * (1 - p)),
            "The numbers are right, but the order is not: weight first, then bias.",
        ),
    ),
    lambda: [
        (*randn((n_out, n_in), (n_out,)), p)
        for n_out, n_in, p in [(2, 3, 0.25), (1, 4, 0.5), (3, 3, 0.7), (4, 1, 0.1)]
    ],
    hints=(
        "Old program, test time: weight @ (s · x) + bias, with a factor s. Which s "
        "makes the mean of the masked, unscaled inputs right?",
        "A mask keeps an input with probability 1 - p, so its mean is (1 - p) · x: "
        "that is what s · x must be.",
        "The new layer gets x, not s · x. Move the factor into the weight.",
    ),
    parts=("the weight", "the bias"),
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
    lambda: (
        [
            (*randn(shape), _noise(shape, p) < 1 - p, p)
            for shape, p in [
                ((3, 4), 0.4),
                ((1, 7), 0.25),
                ((5, 5), 0.5),
                ((6,), 0.3),
                ((2, 3, 1, 2), 0.7),
            ]
        ]
        # A draw that happens to drop nothing is scaled all the same.
        + [(*randn((2, 3)), _noise((2, 3), 0.4) < 1, 0.4)]
    ),
    hints=(
        "Take one entry: y = x · m / (1 - p), with m = 1 or 0. What is dy/dx?",
        "A dropped entry had no part in y. A survivor's slope is a number that you "
        "know from the forward pass.",
        "By the chain rule each entry of `g` is multiplied by its slope.",
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
        Misconception(
            "normal random numbers above p",
            _layer(lambda x, p: x * (torch.randn_like(x) > p) / (1 - p)),
            "The factor is right, but at p = 0.3 you drop 6 entries in 10, as where "
            "normal numbers (`randn`) are compared with p. Draw uniform ones from 0 to "
            "1, with `rand`.",
        ),
    ),
    lambda: [(0.3,), (0.8,)],
    _facts,
    hints=(
        "There are two cases. In evaluation, `self.training` is False: return `x`.",
        "In training draw one uniform number per entry, at every call: "
        "`torch.rand_like(x)`.",
        "From there on it is the page's `dropout`, with `self.p` in place of `p`.",
    ),
    parts=("the result in training", "the result in evaluation"),
    forbidden=(
        "F.dropout",
        "nn.Dropout",
        "nn.Dropout1d",
        "super().forward",
        "native_dropout",
    ),
)


def _by_surviving_channels(x: Tensor, noise: Tensor, p: float) -> Tensor:
    keep = (noise < 1 - p).to(x.dtype)
    share = keep.mean(dim=1, keepdim=True).clamp(min=1e-9)  # all may be dropped
    return x * (keep / share)[:, :, None, None]


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
            _BORDER.replace("an entry", "a channel").replace("entry", "channel"),
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
        Misconception(
            "by the surviving share",
            _by_surviving_channels,
            "The right channels are dropped, but the others are divided by the share "
            "that happens to survive in their image. Divide by 1 - p, whatever the "
            "draw.",
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
        "Indexing with None adds a dimension of size 1. The rest is as with single "
        "entries.",
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


def _without_sleepers(model: nn.Module) -> None:
    for module in model.modules():
        module.training &= isinstance(module, nn.Dropout)


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


class _Scale(nn.Module):
    """A module with a `p` of its own that is no dropout."""

    p = 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.p * x


def _mixed_model() -> nn.Module:
    inner = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.2))
    return nn.Sequential(
        nn.Linear(4, 3),
        nn.BatchNorm1d(3),
        nn.Dropout(0.5),
        nn.LPPool1d(2, 1),
        _Scale(),
        inner,
    )


def _deep_model() -> nn.Module:
    """Return a model of several levels, some of its modules in evaluation mode."""
    block = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.1), nn.BatchNorm1d(3))
    other = nn.Dropout2d(0.2)  # a class of its own, no `nn.Dropout`
    rest = nn.Sequential(block, nn.ReLU(), other)
    heads = nn.ModuleDict({"a": nn.Dropout(0.2), "b": rest})
    model = nn.Sequential(nn.Dropout(0.3), nn.ModuleList([heads]), nn.Dropout(0.4))
    block.eval()
    model[2].eval()
    return model


def _modes(answer: Answer, model: nn.Module) -> tuple[str, ...]:
    """Name the dropout layers that sleep and the other modules that don't."""
    named = [(name or "the model", module) for name, module in model.named_modules()]
    answer(model)
    asleep, awake = [], []
    for name, module in named:
        if isinstance(module, nn.Dropout) != module.training:
            kind = type(module).__name__.strip("_")
            (awake if module.training else asleep).append(f"{name} ({kind})")
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


def _block_woken(model: nn.Module) -> None:
    model.eval()
    for module in list(model.modules()):
        if any(isinstance(child, nn.Dropout) for child in module.children()):
            module.train()


def _every_kind(model: nn.Module) -> None:
    model.eval()
    for module in model.modules():
        if type(module).__name__ in ("Dropout", "Dropout2d"):
            module.train()


def _woken_by(attributes: Sequence[str]) -> Answer:
    """Return an answer that wakes every module with one of these attributes."""

    def answer(model: nn.Module) -> None:
        model.eval()
        for module in model.modules():
            if any(hasattr(module, name) for name in attributes):
                module.train()

    return answer


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
            "Everything is in evaluation mode, the dropout layers too: none is "
            "switched back after the last `eval()`, which changes a module and all "
            "inside it. `train()` may come before it, be missing or lack its "
            "parentheses; or your condition is never true: whether a module is a "
            "dropout layer, `isinstance` tells.",
        ),
        Misconception(
            "no eval first",
            _without_eval,
            "The dropout layers are in training mode, and the rest is as it was, which "
            "may be training. Start with `model.eval()`.",
        ),
        Misconception(
            "those awake before only",
            _without_sleepers,
            "A dropout layer that was in evaluation mode before stays in it: you leave "
            "the modes of dropout layers as they were. Switch every one with "
            "`train()`, whatever its mode was.",
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
        Misconception(
            "block around it woken",
            _block_woken,
            "The modules beside a dropout wake with it, and a model that is itself a "
            "dropout stays asleep: you call `train()` on the block around it, which "
            "switches all inside. Call it on the dropout layer itself.",
        ),
        Misconception(
            "every kind of dropout",
            _every_kind,
            "An `nn.Dropout2d` is in training mode too. It is a class of its own, no "
            "`nn.Dropout`, and the task switches `nn.Dropout` layers alone: "
            "`isinstance(module, nn.Dropout)` is true of no other kind.",
        ),
        Misconception(
            "found by its `p`",
            _woken_by(("p",)),
            "Other layers than `nn.Dropout` are in training mode too: those that have "
            "an attribute of the same name, as a `p`. Ask for the class: "
            "`isinstance(module, nn.Dropout)`.",
        ),
        Misconception(
            "found by `p` or `norm_type`",
            _woken_by(("p", "norm_type")),
            "Other layers than `nn.Dropout` are in training mode too: those that have "
            "an attribute of the same name, as a `p`. Ask for the class: "
            "`isinstance(module, nn.Dropout)`.",
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
            "root of p alone",
            lambda p: 1 - math.sqrt(p),
            "You take the root of p and subtract it from 1. The variance that "
            "comes out is 1 - p: the root is of the whole.",
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
            "You add p(1 - p), the variance of a mask of ones and zeros. Survivors are "
            "divided by 1 - p, so more variance is added: p / (1 - p).",
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
            "near 0 only",
            lambda p: 1 - p / 2,
            "1 - p/2 is nearly √(1 - p), but for small p only. Return the root itself.",
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
        Misconception(
            "p for the added variance",
            lambda p: 1 / math.sqrt(1 + p),
            "You add a variance of p. A mask divided by 1 - p has the variance p / (1 "
            "- p), and with the input's own that is 1 / (1 - p) in all.",
        ),
        Misconception(
            "running variance of 20 steps",
            lambda p: (1 / (1 - p) + 0.9**20 * (1 - 1 / (1 - p))) ** -0.5,
            "Near, but a share of the 1 from which `running_var` starts is still in "
            "your number, as after some twenty steps. The training is long: then "
            "`running_var` is the variance of the batches, 1 / (1 - p).",
        ),
    ),
    lambda: [(0.2,), (0.5,), (0.75,), (0.36,)],
    hints=(
        "BatchNorm divides by the spread that it saw in training. In evaluation an "
        "input of spread 1 arrives.",
        "In training, dropout turns variance 1 into 1 + p / (1 - p), on average over "
        "inputs. Simplify that.",
        "The variance in training is 1 / (1 - p). Divide 1 by its square root.",
    ),
)

NOISE = Exercise(
    "dropout.noise",
    lambda x, weight, p: x**2 @ (weight**2).T * p / (1 - p),
    (
        Misconception(
            "survivors not rescaled",
            lambda x, weight, p: x**2 @ (weight**2).T * p * (1 - p),
            "This is the noise if survivors stay as they are. Dividing them by 1 - p "
            "divides the variance by (1 - p)².",
        ),
        Misconception(
            "standard deviation",
            lambda x, weight, p: (x**2 @ (weight**2).T * p / (1 - p)).sqrt(),
            "This is the standard deviation. The task asks for the variance, its "
            "square.",
        ),
        Misconception(
            "sum squared",
            lambda x, weight, p: (x @ weight.T) ** 2 * p / (1 - p),
            "You square the sum. Each term has a mask of its own, so the *variances* "
            "of the terms are added: square first, then sum.",
        ),
        Misconception(
            "weight not squared",
            lambda x, weight, p: x**2 @ weight.T * p / (1 - p),
            "A term is weight · x · mask, and a number twice as large has four times "
            "the variance: the weight is squared too.",
        ),
        Misconception(
            "x not squared",
            lambda x, weight, p: x @ (weight**2).T * p / (1 - p),
            "A term is weight · x · mask, and a number twice as large has four times "
            "the variance: x is squared too.",
        ),
        Misconception(
            "nothing squared",
            lambda x, weight, p: x @ weight.T * p / (1 - p),
            "Nothing is squared here, and a variance is never negative. A term is "
            "weight · x · mask: what is its variance?",
        ),
        Misconception(
            "mean square",
            lambda x, weight, p: x**2 @ (weight**2).T / (1 - p),
            "This adds up the means of the squares. From each term its own squared "
            "mean, (x · w)², is to be subtracted before the terms are added up: "
            "1 / (1 - p) becomes p / (1 - p).",
        ),
        Misconception(
            "p and 1 - p exchanged",
            lambda x, weight, p: x**2 @ (weight**2).T * (1 - p) / p,
            "p and 1 - p are swapped. With p = 0 nothing varies, but your result "
            "would be infinite.",
        ),
        Misconception(
            "mean over the inputs",
            lambda x, weight, p: x**2 @ (weight**2).T * p / (1 - p) / x.shape[1],
            "You average over the inputs. The output is their *sum*, and so is its "
            "variance.",
        ),
        Misconception(
            "weights left out",
            lambda x, weight, p: (
                (x**2).sum(dim=1, keepdim=True).expand(-1, len(weight)) * p / (1 - p)
            ),
            "This is the variance of the plain sum of the inputs. Each is multiplied "
            "by a weight first, squared in the variance.",
        ),
        Misconception(
            "parentheses forgotten",
            lambda x, weight, p: x**2 @ (weight**2).T * p / 1 - p,
            "`... / 1 - p` divides by 1 and then subtracts p. Put 1 - p in "
            "parentheses.",
        ),
        Misconception(
            "factor twice",
            lambda x, weight, p: x**2 @ (weight**2).T * p / (1 - p) ** 2,
            "You divide by (1 - p)², but leave out the other factor: a mask of ones "
            "and zeros has the variance p · (1 - p).",
        ),
        Misconception(
            "everything squared",
            lambda x, weight, p: x**2 @ (weight**2).T * (p / (1 - p)) ** 2,
            "p / (1 - p) is squared too in your result. It is a variance already.",
        ),
        Misconception(
            "other way round",
            lambda x, weight, p: weight**2 @ (x**2).T * p / (1 - p),
            "The numbers are right, but stand in the shape `(out, N)`. Asked for is "
            "`(N, out)`, one row per example.",
        ),
        Misconception(
            "one mean square for the batch",
            lambda x, weight, p: (
                p / (1 - p) * (x**2).mean(0).expand_as(x) @ (weight**2).T
            ),
            "Your rows are all the same: the squares of `x` are averaged over the "
            "examples. Each example has its own: no mean over dimension 0.",
        ),
        Misconception(
            "squared mean added",
            lambda x, weight, p: (
                p / (1 - p) * x**2 @ (weight**2).T + (x @ weight.T) ** 2
            ),
            "This is the variance plus the square of the mean, `(x @ weight.T) ** 2`. "
            "Leave that square out: the variance counts the distance from the mean "
            "only.",
        ),
    ),
    lambda: [
        (*randn((n, n_in), (n_out, n_in)), p)
        for n, n_in, n_out, p in [
            (2, 3, 4, 0.3),
            (1, 5, 2, 0.5),
            (3, 1, 2, 0.8),
            (4, 4, 1, 0.25),
            (3, 3, 3, 0.6),
        ]
    ],
    hints=(
        "An output is a sum of terms weight · x · mask / (1 - p), plus a bias that "
        "does not vary.",
        "The masks are independent, so the variance of the sum is the sum of the "
        "variances. What is that of one term?",
        "One term has weight² · x² · p / (1 - p). For all examples and outputs at "
        "once, a sum over inputs of products is a matrix product.",
    ),
)


def _penalised(penalty: Callable[[Tensor, float], Tensor]) -> Answer:
    """Return the answer that adds this penalty to XᵀX before it solves."""

    def answer(x: Tensor, y: Tensor, p: float) -> Tensor:
        return torch.linalg.solve(x.T @ x + penalty(x, p), x.T @ y)

    return answer


def _sums_of_squares(x: Tensor) -> Tensor:
    return torch.diag((x**2).sum(dim=0))


RIDGE = Exercise(
    "dropout.ridge",
    _penalised(lambda x, p: _sums_of_squares(x) * p / (1 - p)),
    (
        Misconception(
            "least squares",
            lambda x, y, p: torch.linalg.lstsq(x, y[:, None]).solution[:, 0],
            "These are the weights of plain least squares, whatever p is: the penalty "
            "is missing.",
        ),
        Misconception(
            "plain ridge",
            _penalised(lambda x, p: p / (1 - p) * torch.eye(x.shape[1]).to(x)),
            "You charge p / (1 - p) for every w². Dropout charges more for the "
            "features that are large: times the sum of their squares.",
        ),
        Misconception(
            "factor p",
            _penalised(lambda x, p: _sums_of_squares(x) * p),
            "Your penalty has the factor p. Survivors are divided by 1 - p, so it is "
            "p / (1 - p).",
        ),
        Misconception(
            "p and 1 - p exchanged",
            _penalised(lambda x, p: _sums_of_squares(x) * (1 - p) / p),
            "Your penalty has the factor (1 - p) / p: it would vanish as p nears 1. "
            "More dropout is a larger penalty.",
        ),
        Misconception(
            "mean square",
            _penalised(lambda x, p: _sums_of_squares(x) / (1 - p)),
            "Your penalty has the factor 1 / (1 - p), so that even p = 0 would shrink "
            "the weights. It is p / (1 - p).",
        ),
        Misconception(
            "survivors not rescaled",
            _penalised(lambda x, p: _sums_of_squares(x) * p * (1 - p)),
            "Your penalty has the factor p · (1 - p), the variance of an unscaled "
            "mask. Divided by (1 - p)² it is p / (1 - p).",
        ),
        Misconception(
            "diagonal as a row",
            lambda x, y, p: torch.linalg.solve(
                x.T @ x + p / (1 - p) * (x**2).sum(dim=0), x.T @ y
            ),
            "Your penalty is added to every row of XᵀX: the diagonal of a matrix, "
            "as `torch.diag(gram)` takes it, is a vector. Make a diagonal matrix "
            "of it, with `torch.diag` once more.",
        ),
        Misconception(
            "lengths for squares",
            _penalised(lambda x, p: torch.diag(x.norm(dim=0)) * p / (1 - p)),
            "Your penalty takes the length of each column (`norm`). It takes the "
            "square of that: the sum of the squares, without a root.",
        ),
        Misconception(
            "all products penalised",
            _penalised(lambda x, p: x.T @ x * p / (1 - p)),
            "You add the whole of XᵀX again, so the weights only shrink by one factor. "
            "The masks of two features are independent: only the squares, on the "
            "diagonal, are penalised.",
        ),
        Misconception(
            "mean over the examples",
            _penalised(lambda x, p: _sums_of_squares(x) * p / (1 - p) / len(x)),
            "Your penalty takes the mean over the examples. The loss is a sum over "
            "them, and so is the penalty.",
        ),
        Misconception(
            "half",
            _penalised(lambda x, p: _sums_of_squares(x) * p / (1 - p) / 2),
            "Your penalty is half as large as it must be. Both terms of the loss are "
            "squares, so both get a 2 when you take the derivative, and it cancels.",
        ),
        Misconception(
            "mean subtracted",
            _penalised(lambda x, p: _sums_of_squares(x - x.mean(dim=0)) * p / (1 - p)),
            "Your penalty takes each column's spread around its mean, as a variance "
            "does. Dropout sets entries to 0, not to the mean: add up the squares of "
            "`x` as it is.",
        ),
        Misconception(
            "not squared",
            _penalised(lambda x, p: torch.diag(x.sum(dim=0)) * p / (1 - p)),
            "You add up the entries of each column. The penalty is made of their "
            "squares.",
        ),
        Misconception(
            "one penalty for all columns",
            _penalised(
                lambda x, p: (
                    p / (1 - p) * (x**2).sum(dim=0).mean() * torch.eye(x.shape[1])
                )
            ),
            "You charge the same for every weight: the mean of the columns' sums of "
            "squares. Each column has its own sum: put them on the diagonal as they "
            "are.",
        ),
    ),
    lambda: [
        (*randn((n, d), (n,)), p)
        for n, d, p in [
            (8, 3, 0.5),
            (6, 1, 0.3),
            (12, 5, 0.2),
            (9, 2, 0.75),
            (2, 4, 0.4),
        ]
    ],
    hints=(
        "Write the mean loss as one formula in w, then ask where its derivative is 0.",
        "Without the penalty the answer solves (XᵀX) w = Xᵀy. What does "
        "p/(1-p) · Σ x² · w² add on the left?",
        "It adds a diagonal matrix: p / (1 - p) times the sum of the squares of each "
        "column of X. `torch.linalg.solve(A, b)` does the rest.",
    ),
    arguments=("x", "y", "p"),
)


_IN, _HIDDEN, _OUT = 12, 32, 4
_AS_ASKED = "as asked"
_HIDDEN_FROM_EVAL = (
    "In evaluation your network still drops: `eval()` doesn't reach a dropout that is "
    "kept in a plain list, tuple or dict. Make it an attribute of `self`, or use "
    "`nn.ModuleList`."
)


def _net(
    inputs: float = 0.2,
    hidden: float = 0.5,
    scores: float = 0.0,
    *,
    always: str = "",
    scaled: bool = True,
    bent: bool = True,
) -> type[nn.Module]:
    """Return the class of the repair exercise, with the faults asked for.

    `always` names the places, of "inputs hidden scores", that drop in evaluation too.
    """

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(_IN, _HIDDEN), nn.Linear(_HIDDEN, _OUT)

        def _drop(self, x: Tensor, p: float, place: str) -> Tensor:
            dropped = F.dropout(x, p, self.training or place in always)
            return dropped if scaled or not self.training else dropped * (1 - p)

        def forward(self, x: Tensor) -> Tensor:
            h = self.first(self._drop(x, inputs, "inputs"))
            h = h.relu() if bent else h
            y = self.last(self._drop(h, hidden, "hidden"))
            return self._drop(y, scores, "scores")

    return Net


def _seen(
    net: nn.Module, layers: Sequence[nn.Linear], x: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Return what arrives at the layers of a network, and its scores."""
    arrived: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs: arrived.append(inputs[0]))
        for layer in layers
    ]
    scores = watched_call(net, x)
    for hook in hooks:
        hook.remove()
    return arrived, scores


def _tenths(kept: Tensor) -> str:
    return f"{10 - round(10 * kept.float().mean().item())} in 10"


def _what_drops(net_class: Answer, n: int) -> Any:
    """Say the first thing that is wrong with a network, in evaluation or training."""
    net = net_class()
    if not isinstance(net, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    layers = []
    for name, sizes in {"first": (_IN, _HIDDEN), "last": (_HIDDEN, _OUT)}.items():
        layer = getattr(net, name, None)
        if not isinstance(layer, nn.Linear) or layer.weight.shape != sizes[::-1]:
            return f"self.{name} is not nn.Linear{sizes}"
        with torch.no_grad():  # all hidden units are above 0, so a 0 was dropped
            layer.weight.uniform_(0.1, 0.2)
            layer.bias.fill_(0.5)
        layers.append(layer)
    net.to(current_device())
    x = randn((n, _IN))[0].abs() + 0.1
    for mode, rates in (("evaluation", (0.0, 0.0)), ("training", (0.2, 0.5))):
        if fact := _mode_fact(net.train(mode == "training"), layers, x, rates):
            if mode == "evaluation" and any(m.training for m in hidden_modules(net)):
                raise ValueError(_HIDDEN_FROM_EVAL)
            return f"in {mode} {fact}" if isinstance(fact, str) else fact
    return _AS_ASKED if _has_relu(net.eval(), layers, x) else "there is no ReLU between"


def _has_relu(net: nn.Module, layers: Sequence[nn.Linear], x: Tensor) -> bool:
    first, last = layers
    with torch.no_grad():  # now a ReLU has something to cut off
        first.bias.sub_(first(x).mean(dim=0))
    return torch.allclose(net(x), last(first(x).relu()), atol=1e-5)


def _mode_fact(
    net: nn.Module, layers: Sequence[nn.Linear], x: Tensor, rates: tuple[float, float]
) -> Any:
    """Say the first thing that is wrong in the mode that the network is in."""
    first, last = layers
    arrived, scores = _seen(net, layers, x)
    if not isinstance(scores, Tensor):
        return scores
    if len(arrived) != 2 or arrived[1].shape != (len(x), _HIDDEN):
        return "the two layers are not called once each, one after the other"
    full = (x, first(arrived[0]).relu())
    names = ("inputs", "hidden units")
    for name, p, whole, now in zip(names, rates, full, arrived, strict=True):
        if fact := _rate_fact(whole, now, p):
            return f"{fact} {name}"
    whole = last(arrived[1])
    if scores.shape != whole.shape:
        return f"the scores have the shape {tuple(scores.shape)}"
    dropped = not torch.allclose(scores, whole, rtol=1e-4)
    return f"{_tenths(scores != 0)} scores are dropped" if dropped else ""


def _rate_fact(full: Tensor, now: Tensor, p: float) -> str:
    if now.shape != full.shape:
        return "the shape changes at the"
    kept = now != 0
    if kept.any() and not kept.all() and (kept == kept[:1]).all():
        return "all examples share one mask of the"
    if abs(kept.float().mean().item() - (1 - p)) > 0.03:
        return f"{_tenths(kept)} are dropped, of the"
    if not torch.allclose(now[kept], full[kept] / (1 - p), rtol=1e-3):
        return "survivors are not divided by 1 - p, of the"
    if full.ndim == 2 and not kept.any(dim=1).all():
        return "rows are dropped whole, as by `nn.Dropout1d`, of the"
    return ""


REPAIR = Exercise(
    "dropout.repair",
    _net(),
    (
        Misconception(
            "nothing mended",
            _net(0.8, 0.0, 0.5, always="inputs scores"),
            "In evaluation 8 in 10 of the inputs are still dropped: `F.dropout` knows "
            "nothing of `eval()`, and its second argument is the share that is "
            "*dropped*.",
        ),
        Misconception(
            "flag forgotten",
            _net(always="inputs"),
            "In evaluation 2 in 10 of the inputs are still dropped. `F.dropout` drops "
            "unless it is told `training=self.training`; and a module made in "
            "`forward` is new at each call, and never hears of `eval()`.",
        ),
        Misconception(
            "share kept",
            _net(0.8),
            "In training 8 in 10 of the inputs are dropped. In PyTorch p is the share "
            "that goes; 0.8 was meant as the share that stays.",
        ),
        Misconception(
            "made in forward",
            _net(always="hidden"),
            "In evaluation half of the hidden units are dropped. A module made in "
            "`forward` is new at each call, and new modules are in training mode: "
            "make it in `__init__`. And `F.dropout` drops unless it is told "
            "`training=self.training`.",
        ),
        Misconception(
            "scores dropped, never off",
            _net(0.2, 0.0, 0.5, always="scores"),
            "In evaluation half of the scores are dropped: the last dropout stands "
            "behind the last layer, and `eval()` doesn't reach it.",
        ),
        Misconception(
            "scores dropped",
            _net(0.2, 0.0, 0.5),
            "In training no hidden unit is dropped. Do you drop the scores instead? A "
            "score that is struck out sends no gradient back: move the dropout before "
            "the last layer.",
        ),
        Misconception(
            "scores dropped too",
            _net(0.2, 0.5, 0.5),
            "Inputs and hidden units are right, but half of the scores are dropped as "
            "well: nothing belongs behind the last layer.",
        ),
        Misconception(
            "no dropout left",
            _net(0.0, 0.0),
            "In training no input is dropped; 2 in 10 should be. The dropout is to be "
            "mended, not to go.",
        ),
        Misconception(
            "one rate for both",
            _net(0.5, 0.5),
            "In training half of the inputs are dropped. 0.5 is for the hidden units, "
            "0.2 for the inputs.",
        ),
        Misconception(
            "inputs' rate for both",
            _net(0.2, 0.2),
            "In training 2 in 10 of the hidden units are dropped. 0.2 is for the "
            "inputs, 0.5 for the hidden units.",
        ),
        Misconception(
            "no ReLU",
            _net(bent=False),
            "The dropout is mended, but the scores are not those of first, a ReLU and "
            "last: is the ReLU still there, called with `()`, between the two?",
        ),
        Misconception(
            "not scaled",
            _net(scaled=False),
            "The right shares are dropped, but survivors are not divided by 1 - p. Did "
            "you write the mask yourself? `nn.Dropout` scales.",
        ),
    ),
    lambda: [(600,), (1000,)],
    _what_drops,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "A dropout that is a module, made in `__init__`, follows `train()` and "
        "`eval()` by itself.",
        "There are two of them: one before `first`, one between the ReLU and `last`. "
        "Which p drops 2 in 10?",
    ),
    result="network",
    arguments=("n",),
)


def _stack(
    width: int = 69,
    pixels: float = 0.2,
    rates: tuple[float, ...] = (0.3, 0.3),
    scores: float | None = None,
    bend: bool = True,
) -> Answer:
    """Return an answer that builds the network of the design, or a worse one."""

    def build() -> nn.Sequential:
        layers: list[nn.Module] = [nn.Flatten(), nn.Dropout(pixels)]
        size = 784
        for p in rates:
            layers += [nn.Linear(size, width), *([nn.ReLU()] if bend else [])]
            layers += [nn.Dropout(p)] if p else []
            size = width
        layers.append(nn.Linear(size, 10))
        return nn.Sequential(*layers, *([] if scores is None else [nn.Dropout(scores)]))

    return build


_DROPOUTS = nn.Dropout.__module__


def _design_fact(build: Answer, n: int) -> Any:
    """Say the first thing that is wrong with the design."""
    net = build()
    if not isinstance(net, nn.Sequential):
        raise TypeError("Return an `nn.Sequential`.")
    net.to(current_device())
    try:
        scores = net.eval()(randn((n, 1, 28, 28))[0])
    except RuntimeError:
        parts = list(net.modules())
        first = next((part for part in parts if isinstance(part, nn.Linear)), None)
        flat = any(isinstance(part, nn.Flatten) for part in parts)
        if first and first.in_features == 784 and not flat:
            raise ValueError(
                f"The images come in the shape ({n}, 1, 28, 28), and your first linear "
                "layer takes rows of 784 numbers: put an `nn.Flatten()` at the start."
            ) from None
        raise
    if not isinstance(scores, Tensor):
        return scores
    if scores.shape != (n, 10):
        return f"{n} images give scores of the shape {tuple(scores.shape)}"
    for module in net.modules():
        if module.__module__ == _DROPOUTS and not isinstance(module, nn.Dropout):
            return f"a {type(module).__name__} drops in another way than `nn.Dropout`"
    kinds = (nn.Linear, nn.Dropout)
    chain = [module for module in _every_use(net) if isinstance(module, kinds)]
    places = [i for i, module in enumerate(chain) if isinstance(module, nn.Linear)]
    linear = [module for module in chain if isinstance(module, nn.Linear)]
    if len(linear) < 3:
        return "there are fewer than two hidden layers"
    if places[-1] != len(chain) - 1:
        return "the scores are dropped"
    before = [
        [m.p for m in chain[a + 1 : b] if isinstance(m, nn.Dropout)]
        for a, b in zip([-1, *places], places, strict=False)
    ]
    if any(len(rates) != 1 for rates in before):
        return "a linear layer has no dropout, or more than one, right before it"
    (pixels,), *hidden = before
    if not 0.1 <= pixels <= 0.3:
        return "the rate of the pixels is not from 0.1 to 0.3"
    if not all(0.3 <= p <= 0.6 for (p,) in hidden):
        return "a rate of a hidden layer is not from 0.3 to 0.6"
    widths = [layer.out_features for layer in linear[:-1]]
    left = [w * (1 - p) for w, (p,) in zip(widths, hidden, strict=True)]
    if min(left) < 48 - 1e-6:
        return "in a hidden layer fewer than 48 units survive on average"
    count = sum(parameter.numel() for parameter in net.parameters())
    weights = sum(layer.weight.numel() for layer in linear)
    if weights <= 60_000 < count:
        raise ValueError(
            f"Your network has {count:,} parameters, over the budget of 60,000. The "
            f"weights alone are {weights:,}: the biases count too."
        )
    if count > 60_000:
        return "the network has more than 60,000 parameters"
    if not _bends(net):
        return "there is no activation between the layers"
    if not all(_activations(net)):
        return "a hidden layer has no activation after it"
    if other := _between(net):
        return f"a {other} stands between a dropout and its linear layer"
    if _noisy_beside_dropout(net):
        return "with every `nn.Dropout` off, training still gives random scores"
    return _AS_ASKED


def _every_use(net: nn.Module) -> list[nn.Module]:
    """Return the modules in order; one that stands in two places comes twice."""
    return [module for _, module in net.named_modules(remove_duplicate=False)]


def _activations(net: nn.Module) -> Iterator[bool]:
    """Tell for each hidden layer whether an activation comes before the next layer."""
    leaves = [module for module in _every_use(net) if not list(module.children())]
    places = [i for i, module in enumerate(leaves) if isinstance(module, nn.Linear)]
    for a, b in pairwise(places):
        yield any(_may_be_activation(module) for module in leaves[a + 1 : b])


def _may_be_activation(module: nn.Module) -> bool:
    """Tell whether a module is one of torch's activations, or none of torch's own."""
    home = module.__module__
    return home.endswith(".activation") or not home.startswith("torch.nn.")


def _between(net: nn.Module) -> str:
    """Name what stands between a dropout and the linear layer after it; "" if nothing.

    An activation or a flatten may.
    """
    allowed = (nn.Dropout, nn.Flatten, nn.Unflatten, nn.Identity)
    leaves = [module for module in _every_use(net) if not list(module.children())]
    dropped = False
    for module in leaves:
        if isinstance(module, nn.Linear):
            dropped = False
        elif isinstance(module, nn.Dropout):
            dropped = True
        elif dropped and not isinstance(module, allowed):
            if not _may_be_activation(module):
                return type(module).__name__
    return ""


def _noisy_beside_dropout(net: nn.Module) -> bool:
    """Tell whether a network gives other numbers at each call, its dropout apart.

    Torch's own modules are in evaluation, but for `nn.RReLU`, whose slopes are random
    in training; the others are in training.
    """
    for module in net.modules():
        torchs = module.__module__.startswith("torch.nn.")
        quiet = torchs and not isinstance(module, nn.RReLU)
        module.training = not (quiet or isinstance(module, nn.Dropout))
    (images,) = randn((32, 1, 28, 28))
    first, second = net(images), net(images)
    return not torch.allclose(first, second, rtol=1e-4, atol=1e-5, equal_nan=True)


def _bends(net: nn.Module) -> bool:
    """Tell whether a network, in evaluation, is more than one linear map."""
    a, b = randn((8, 1, 28, 28), (8, 1, 28, 28), seed=3)
    middle = (net(a) + net(b)) / 2
    return not torch.allclose(net((a + b) / 2), middle, rtol=1e-3, atol=1e-4)


DESIGN = Exercise(
    "dropout.design",
    _stack(),
    (
        Misconception(
            "p = 0.5 out of habit",
            _stack(96, rates=(0.5, 0.5)),
            "Rates and widths are right, but the network has more than 60,000 "
            "parameters, usually nearly all of them behind the pixels. A smaller p "
            "needs fewer units, and a smaller picture fewer weights.",
        ),
        Misconception(
            "not widened",
            _stack(48),
            "In a hidden layer fewer than 48 units survive on average. Of `width` "
            "units `width · (1 - p)` do: make it wider.",
        ),
        Misconception(
            "scores dropped",
            _stack(scores=0.3),
            "There is a dropout behind the last linear layer: the scores themselves "
            "are dropped. Take it away.",
        ),
        Misconception(
            "a layer left out",
            _stack(rates=(0.3, 0.0)),
            "Right before one of the linear layers there is no dropout, or more than "
            "one. Each needs one: the first for the pixels, the others for the hidden "
            "units.",
        ),
        Misconception(
            "pixels like the rest",
            _stack(pixels=0.5),
            "The rate of the pixels is not from 0.1 to 0.3.",
        ),
        Misconception(
            "hidden rate too small",
            _stack(60, rates=(0.2, 0.2)),
            "The rate of a hidden layer is not from 0.3 to 0.6.",
        ),
        Misconception(
            "one hidden layer",
            _stack(rates=(0.3,)),
            "There are fewer than two hidden layers: you need three `nn.Linear` at "
            "least.",
        ),
        Misconception(
            "no activation",
            _stack(bend=False),
            "Rates, widths and budget are right, but without an activation the layers "
            "are one linear map. Put one after each hidden layer.",
        ),
    ),
    lambda: [(2,), (3,)],
    _design_fact,
    hints=(
        "Nearly all parameters are in the first layer: 784 · width. Which width does "
        "the budget allow?",
        "Of `width` units `width · (1 - p)` survive on average. Which p in the range "
        "asks for the smallest width?",
        "Or shrink the picture first: `nn.AvgPool2d(2)` leaves 14 · 14 pixels, and the "
        "first layer costs a quarter.",
    ),
    result="network",
    arguments=("n",),
)

EXERCISES = (
    RECIPE,
    BACKWARD,
    CHANNELS,
    LAYER,
    NOISE,
    SHIFT,
    AWAKE,
    RIDGE,
    REPAIR,
    DESIGN,
)
