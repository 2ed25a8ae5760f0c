"""Exercises of lesson 03: dropout."""

import math
from collections.abc import Callable

import torch
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
    ),
    lambda: [(3.0, 0.25), (-2.0, 0.1), (7.0, 0.7)],
)


def _uniform(shape: tuple[int, ...]) -> Tensor:
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    return noise.to(current_device())


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
    ),
    lambda: [
        (*randn(shape), _uniform(shape), p)
        for shape, p in [((2, 3), 0.25), ((1, 5), 0.7), ((4, 4), 0.3), ((5, 3), 0.5)]
    ],
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
    ),
    lambda: [
        (*randn(shape), _uniform(shape) < 1 - p, p)
        for shape, p in [((3, 4), 0.4), ((1, 7), 0.25), ((5, 5), 0.5)]
    ],
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
    ),
    lambda: [(*randn((n, 3)), p) for n, p in [(1, 0.3), (4, 0.5), (5, 0.8)]],
)


def _drop(x: Tensor, p: float) -> Tensor:
    return x * (torch.rand_like(x) < 1 - p) / (1 - p)


_Drop = Callable[[Tensor, float], Tensor]


def _layer(
    in_training: _Drop = _drop, in_evaluation: _Drop = lambda x, p: x
) -> type[nn.Module]:
    class Layer(nn.Dropout):
        def __init__(self, p: float) -> None:
            super().__init__(p)

        def forward(self, input: Tensor) -> Tensor:
            return (in_training if self.training else in_evaluation)(input, self.p)

    return Layer


def _one_mask(x: Tensor, p: float) -> Tensor:
    return x * (torch.rand_like(x[0]) < 1 - p) / (1 - p)


def _whole_rows(x: Tensor, p: float) -> Tensor:
    return x * (torch.rand_like(x[:, :1]) < 1 - p) / (1 - p)


def _training_facts(x: Tensor, out: Tensor) -> tuple[str, str, str]:
    alive, factors = out != 0, (out / x)[out != 0]
    scale = f"{factors.mean().item():.3g}" if len(factors) else "nothing"
    scaled = f"survivors multiplied by {scale}"
    if alive.any() and not alive.all():  # all or none is no block
        if (alive == alive[:1]).all():
            return "dropped in columns", scaled, "every row has the same mask"
        if (alive == alive[:, :1]).all():
            return "dropped in rows", scaled, "one draw per row"
    share = round(10 * (~alive).float().mean().item())
    return f"{share} in 10 dropped", scaled, "one draw per entry"


def _evaluation_fact(x: Tensor, rest: Tensor) -> str:
    if torch.equal(rest, x):
        return "x unchanged in evaluation"
    if (rest == 0).any():
        return "still dropping in evaluation"
    return f"x multiplied by {(rest / x).mean().item():.3g} in evaluation"


def _facts(layer_class: Answer, p: float) -> tuple[str, ...]:
    """Say what a layer does to a (40, 50) input, whatever its mask."""
    (x,) = randn((40, 50))
    layer = layer_class(p)
    x_used = x.clone()
    out, rest = layer.train()(x_used), layer.eval()(x.clone())
    for result in (out, rest):
        if not isinstance(result, Tensor) or result.shape != x.shape:
            raise TypeError("forward must return a tensor of the shape of x.")
    if not torch.equal(x_used, x):
        raise ValueError("forward changes x in place: make a new tensor.")
    return (*_training_facts(x, out), _evaluation_fact(x, rest))


LAYER = Exercise(
    "dropout.layer",
    _layer(),
    (
        Misconception(
            "never asleep",
            _layer(_drop, _drop),
            "It still drops in evaluation. Check `self.training`; if you call "
            "`F.dropout`, pass it on: `training=self.training`.",
        ),
        Misconception(
            "always asleep",
            _layer(lambda x, p: x),
            "It drops nothing in training either: x comes out unchanged.",
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
    ),
    lambda: [(0.3,), (0.8,)],
    _facts,
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
    ),
    # In the second case the mask fits height and width by accident.
    lambda: [
        (*randn((n, c, h, w)), _uniform((n, c)), p)
        for n, c, h, w, p in [(2, 3, 4, 5, 0.4), (3, 5, 3, 5, 0.3), (1, 7, 2, 3, 0.5)]
    ],
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


def _mixed_model() -> nn.Module:
    inner = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.2))
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), inner)


def _modes(answer: Answer, model: nn.Module) -> str:
    answer(model)
    named = [(name or "model", module) for name, module in model.named_modules()]
    awake = [f"{n} {type(m).__name__}" for n, m in named if m.training]
    return f"in training mode: {', '.join(awake) or 'none'}"


AWAKE = Exercise(
    "dropout.awake",
    _awake,
    (
        Misconception(
            "all in training",
            lambda model: model.train(),
            "`model.train()` puts BatchNorm in training mode too: its output would "
            "depend on the batch, and its running statistics would change. Switch "
            "only the dropout layers.",
        ),
        Misconception(
            "all in evaluation",
            lambda model: model.eval(),
            "`model.eval()` is the first half. Now every dropout layer is off as "
            "well: switch those back with `train()`.",
        ),
        Misconception(
            "no eval first",
            _without_eval,
            "You switch the dropout layers and leave the rest as it was, which may be "
            "training. Start with `model.eval()`.",
        ),
        Misconception(
            "children only",
            _children_only,
            "You look only at the direct children. A dropout layer may be nested "
            "deeper: `model.modules()` visits every level.",
        ),
        Misconception(
            "inverted",
            _inverted,
            "It is the wrong way round: the dropout layers are in evaluation mode and "
            "everything else is in training mode.",
        ),
    ),
    lambda: [(_mixed_model(),), (_mixed_model().eval(),)],
    _modes,
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
    ),
    lambda: [(0.2,), (0.5,), (0.75,)],
)

EXERCISES = (SURVIVOR, DROP, BACKWARD, VARIANCE, LAYER, CHANNELS, AWAKE, SHIFT)
