"""Lesson 07: one step of an LSTM."""

from collections.abc import Callable

import torch

from course_utils.exercises.bank.recurrent.stepping import step_cases, without_b_hh
from course_utils.exercises.model import Exercise, Misconception


def _lstm(order: str = "ifgo", news: Callable = torch.tanh, shown=torch.tanh):
    def step(x, h, c, w_ih, w_hh, b_ih, b_hh):
        sums = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
        named = dict(zip(order, sums, strict=True))
        i, f, o = (named[gate].sigmoid() for gate in "ifo")
        c = f * c + i * news(named["g"])
        return o * shown(c), c

    return step


def _swapped(*args):
    h, c = _lstm()(*args)
    return c, h


def _old_cell_shown(x, h, c, w_ih, w_hh, b_ih, b_hh):
    _, cell = _lstm()(x, h, c, w_ih, w_hh, b_ih, b_hh)
    o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)[3]
    return o.sigmoid() * c.tanh(), cell


def _bare_gates(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c = f * c + i * g.tanh()
    return o * c.tanh(), c


def _coupled(x, h, c, w_ih, w_hh, b_ih, b_hh):
    _, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c = f.sigmoid() * c + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * c.tanh(), c


LSTM_STEP = Exercise(
    "recurrent.lstm_step",
    _lstm(),
    (
        Misconception(
            "hidden and cell swapped",
            _swapped,
            "Both are right, in the wrong order: return `h` first, then `c`.",
        ),
        Misconception(
            "order i f o g",
            _lstm("ifog"),
            "You take the sums as i, f, o, g. PyTorch stacks them i, f, g, o.",
        ),
        Misconception(
            "order f i g o",
            _lstm("figo"),
            "You take the sums as f, i, g, o, as they are often drawn. PyTorch stacks "
            "them i, f, g, o.",
        ),
        Misconception(
            "order i g f o",
            _lstm("igfo"),
            "You take the sums as i, g, f, o, an order other libraries have used. "
            "PyTorch stacks them i, f, g, o.",
        ),
        Misconception(
            "news through a sigmoid",
            _lstm(news=torch.sigmoid),
            "g is no gate but the news, which may be negative: it goes through tanh.",
        ),
        Misconception(
            "cell shown as it is",
            _lstm(shown=lambda c: c),
            "The cell is right. What is shown is `o * tanh(c)`: the tanh is missing.",
        ),
        Misconception(
            "old cell shown",
            _old_cell_shown,
            "The cell is right, but `h` shows the old one: compute the new cell first.",
        ),
        Misconception(
            "gates without sigmoid",
            _bare_gates,
            "The gates are raw sums. A gate is a number from 0 to 1: send i, f and o "
            "through a sigmoid.",
        ),
        Misconception(
            "cell in the sums",
            lambda x, h, c, *weights: _lstm()(x, c, c, *weights),
            "You let the cell into the sums. The gates look at x and at `h`; the cell "
            "is only kept and added to.",
        ),
        Misconception(
            "only h",
            lambda *args: _lstm()(*args)[0],
            "`h` is right. Return the new cell as well: the next step needs both.",
        ),
        Misconception(
            "i and f coupled",
            _coupled,
            "You let in 1 - f, as a GRU does. An LSTM has a gate of its own for it, i.",
        ),
        Misconception(
            "one bias",
            without_b_hh(_lstm()),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`.",
        ),
    ),
    lambda: step_cases(4, 2),
)
