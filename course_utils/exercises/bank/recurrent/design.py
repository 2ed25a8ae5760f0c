"""Lesson 07: a memory of one step, designed by hand."""

import torch
from torch import nn

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception

Weights = tuple[torch.Tensor, torch.Tensor]


def _weights(w_ih: list, w_hh: list):
    return lambda: (torch.tensor(w_ih), torch.tensor(w_hh))


def _apply(design, x: torch.Tensor):
    weights = design()
    if weights is ...:
        return ...
    if not all(isinstance(weight, torch.Tensor) for weight in weights):
        raise TypeError("return two tensors: torch.tensor([[…], […]]).")
    w_ih, w_hh = weights
    if tuple(w_ih.shape) != (2, 1) or tuple(w_hh.shape) != (2, 2):
        raise ValueError(
            "w_ih must have the shape (2, 1) and w_hh (2, 2), not "
            f"{tuple(w_ih.shape)} and {tuple(w_hh.shape)}."
        )
    net = nn.RNN(1, 2, nonlinearity="relu", bias=False).to(x.device)
    with torch.no_grad():
        net.weight_ih_l0.copy_(w_ih)
        net.weight_hh_l0.copy_(w_hh)
        return net(x)[0]


TAKE, PASS_ON = [[1.0], [0.0]], [[0.0, 0.0], [1.0, 0.0]]

DELAY = Exercise(
    "recurrent.delay",
    _weights(TAKE, PASS_ON),
    (
        Misconception(
            "transposed",
            _weights(TAKE, [[0.0, 1.0], [0.0, 0.0]]),
            "Your `w_hh` passes from unit 1 to unit 0. A row belongs to the unit that "
            "receives, a column to the one that gives.",
        ),
        Misconception(
            "units exchanged",
            _weights([[0.0], [1.0]], [[0.0, 1.0], [0.0, 0.0]]),
            "It works, with the units exchanged: unit 0 must hold the number just "
            "read, unit 1 the one before.",
        ),
        Misconception(
            "identity",
            _weights(TAKE, [[1.0, 0.0], [0.0, 1.0]]),
            "With the identity every unit keeps its own state, so unit 0 adds up all "
            "it has read. Unit 1 must take over what unit 0 held.",
        ),
        Misconception(
            "unit 0 keeps",
            _weights(TAKE, [[1.0, 0.0], [1.0, 0.0]]),
            "Unit 1 takes over rightly. But unit 0 keeps its old state as well and "
            "adds the new number to it: its own weight must be 0.",
        ),
        Misconception(
            "unit 1 keeps",
            _weights(TAKE, [[0.0, 0.0], [1.0, 1.0]]),
            "Unit 1 takes over, and keeps what it held before as well, so it adds up. "
            "Its own weight must be 0.",
        ),
        Misconception(
            "both read",
            _weights([[1.0], [1.0]], PASS_ON),
            "Both units read the input. Unit 1 must hear of it only through unit 0, "
            "one step later.",
        ),
        Misconception(
            "input to unit 1",
            _weights([[0.0], [1.0]], PASS_ON),
            "The input goes to unit 1, and unit 0 never hears of anything. It belongs "
            "to unit 0, which passes it on.",
        ),
        Misconception(
            "both ways",
            _weights(TAKE, [[0.0, 1.0], [1.0, 0.0]]),
            "Unit 1 takes over rightly. But it also gives back to unit 0, so a number "
            "never leaves: the other entry must be 0.",
        ),
        Misconception(
            "no recurrence",
            _weights([[1.0], [1.0]], [[0.0, 0.0], [0.0, 0.0]]),
            "Without `w_hh` there is no memory: both units hold the present number.",
        ),
    ),
    lambda: [(randn((steps, count, 1))[0].abs(),) for steps, count in [(2, 1), (5, 3)]],
    _apply,
)
