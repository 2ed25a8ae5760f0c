"""Lesson 07: an RNN as a loop."""

from collections.abc import Callable

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _step(x, h, w_ih, w_hh, b_ih, b_hh):
    return torch.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)


def _loop(step: Callable, carry: bool = True) -> Callable:
    def rnn(x, h, w_ih, w_hh, b_ih, b_hh):
        states = []
        for x_t in x:
            state = step(x_t, h, w_ih, w_hh, b_ih, b_hh)
            h = state if carry else h
            states.append(state)
        return torch.stack(states)

    return rnn


def _over_the_batch(x, h, w_ih, w_hh, b_ih, b_hh):
    along = _loop(_step)(x.transpose(0, 1), h, w_ih, w_hh, b_ih, b_hh)
    return along.transpose(0, 1)


def _no_transpose(x, h, w_ih, w_hh, b_ih, b_hh):
    return torch.tanh(x @ w_ih.T + b_ih + h @ w_hh + b_hh)


def _relu(x, h, w_ih, w_hh, b_ih, b_hh):
    return torch.relu(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)


def _rnn_cases() -> list[tuple]:
    # In the second case T = N = D = H, so that every mistake fits.
    sizes = [(5, 2, 3, 4), (3, 3, 3, 3), (4, 1, 2, 3)]
    return [
        randn((t, n, d), (n, h), (h, d), (h, h), (h,), (h,)) for t, n, d, h in sizes
    ]


RNN = Exercise(
    "recurrent.rnn",
    _loop(_step),
    (
        Misconception(
            "one bias",
            _loop(lambda x, h, wi, wh, bi, bh: _step(x, h, wi, wh, bi, 0 * bh)),
            "The second bias is missing: `b_hh` is added beside `h @ w_hh.T`.",
        ),
        Misconception(
            "the other bias",
            _loop(lambda x, h, wi, wh, bi, bh: _step(x, h, wi, wh, 0 * bi, bh)),
            "The first bias is missing: `b_ih` is added beside `x_t @ w_ih.T`.",
        ),
        Misconception(
            "no bias",
            _loop(lambda x, h, wi, wh, bi, bh: _step(x, h, wi, wh, 0 * bi, 0 * bh)),
            "Both biases are missing: `b_ih` beside the input's sum, `b_hh` beside the "
            "state's.",
        ),
        Misconception(
            "relu for tanh",
            _loop(_relu),
            "You squash with ReLU; `nn.RNN` takes tanh unless told otherwise.",
        ),
        Misconception(
            "sigmoid for tanh",
            _loop(
                lambda x, h, wi, wh, bi, bh: torch.sigmoid(
                    x @ wi.T + bi + h @ wh.T + bh
                )
            ),
            "You squash with a sigmoid; that is for gates. An RNN takes tanh.",
        ),
        Misconception(
            "no tanh",
            _loop(lambda x, h, wi, wh, bi, bh: x @ wi.T + bi + h @ wh.T + bh),
            "The sum is right, but nothing squashes it: take `torch.tanh` of it all.",
        ),
        Misconception(
            "state not carried",
            _loop(_step, carry=False),
            "Every step starts from the first state again. Give the new state the "
            "name `h`, so that the next step finds it.",
        ),
        Misconception(
            "state forgotten",
            _loop(lambda x, h, wi, wh, bi, bh: _step(x, 0 * h, wi, wh, bi, bh)),
            "The old state plays no part: add `h @ w_hh.T`.",
        ),
        Misconception(
            "only the last state",
            lambda *args: _loop(_step)(*args)[-1],
            "This is the last state. Asked for are all of them: collect them in a "
            "list, and `torch.stack` it.",
        ),
        Misconception(
            "first state too",
            lambda x, h, *rest: torch.cat([h[None], _loop(_step)(x, h, *rest)]),
            "You return the first state as well. Asked for are the T states after each "
            "step.",
        ),
        Misconception(
            "stacked along the second dimension",
            lambda *args: _loop(_step)(*args).transpose(0, 1),
            "The states are right, stacked along `dim=1`. Time is the first dimension: "
            "`torch.stack(states)`.",
        ),
        Misconception(
            "state not transposed",
            _loop(_no_transpose),
            "`w_hh` is `(to, from)`, like any weight of PyTorch: `h @ w_hh.T`.",
        ),
        Misconception(
            "over the batch",
            _over_the_batch,
            "Your loop runs over the batch. Time is the first dimension here: "
            "`for x_t in x`.",
        ),
    ),
    _rnn_cases,
)
