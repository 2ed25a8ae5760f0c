"""Lesson 03: a dropout layer of one's own, judged by what holds for every mask."""

from collections.abc import Callable

import torch
from torch import nn

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _drop(x: torch.Tensor, p: float) -> torch.Tensor:
    return x * (torch.rand_like(x) < 1 - p) / (1 - p)


def _layer(in_training: Callable = _drop, in_evaluation: Callable = lambda x, p: x):
    class Layer(nn.Dropout):
        def __init__(self, p: float) -> None:
            super().__init__(p)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (in_training if self.training else in_evaluation)(x, self.p)

    return Layer


def _facts(layer_class: type, p: float):
    """Say what a layer does to a (40, 50) input, whatever its mask."""
    (x,) = randn((40, 50))
    layer = layer_class(p)
    out = layer.train()(given := x.clone())
    if out is None or out is ...:
        return out
    rest = layer.eval()(x.clone())
    for result in (out, rest):
        if not isinstance(result, torch.Tensor) or result.shape != x.shape:
            raise TypeError("forward must return a tensor of the shape of x.")
    if not torch.equal(given, x):
        raise ValueError("forward changes x in place: make a new tensor.")
    return (*_training_facts(x, out), _evaluation_fact(x, rest))


def _training_facts(x: torch.Tensor, out: torch.Tensor) -> tuple[str, str, str]:
    alive, factors = out != 0, (out / x)[out != 0]
    scale = f"{factors.mean().item():.3g}" if len(factors) else "nothing"
    scaled = f"survivors multiplied by {scale}"
    if alive.any() and not alive.all():  # all or none is no block
        if (alive == alive[:1]).all():
            return "dropped in columns", scaled, "every row has the same mask"
        if (alive == alive[:, :1]).all():
            return "dropped in rows", scaled, "one draw a row"
    share = round(10 * (~alive).float().mean().item())
    return f"{share} in 10 dropped", scaled, "a draw for every entry"


def _evaluation_fact(x: torch.Tensor, rest: torch.Tensor) -> str:
    if torch.equal(rest, x):
        return "x unchanged in evaluation"
    if (rest == 0).any():
        return "still dropping in evaluation"
    return f"x multiplied by {(rest / x).mean().item():.3g} in evaluation"


def _one_mask(x: torch.Tensor, p: float) -> torch.Tensor:
    return x * (torch.rand_like(x[0]) < 1 - p) / (1 - p)


def _whole_rows(x: torch.Tensor, p: float) -> torch.Tensor:
    return x * (torch.rand_like(x[:, :1]) < 1 - p) / (1 - p)


LAYER = Exercise(
    "dropout.layer",
    _layer(),
    (
        Misconception(
            "never asleep",
            _layer(_drop, _drop),
            "It still drops in evaluation. Ask `self.training`; if you call "
            "`F.dropout`, pass it on: `training=self.training`.",
        ),
        Misconception(
            "always asleep",
            _layer(lambda x, p: x),
            "It drops nothing in training either: x comes out as it is.",
        ),
        Misconception(
            "modes exchanged",
            _layer(lambda x, p: x, _drop),
            "It drops in evaluation and not in training: it is the wrong way round.",
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
            "evaluation x comes out as it is.",
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
            "You keep a share p. In PyTorch p is the probability to be dropped.",
        ),
        Misconception(
            "dropped with probability 1 - p",
            _layer(lambda x, p: x * (torch.rand_like(x) < p) / (1 - p)),
            "The factor is right, but you keep a share p: in PyTorch p is the "
            "probability to be dropped.",
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
