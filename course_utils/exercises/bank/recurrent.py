"""Exercises of lesson 07: recurrent layers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.session import current_device

_Shape = tuple[int, ...]


def _shapes(
    x_shape: _Shape, hidden: int, layers: int, directions: int, batch_first: bool
) -> tuple[_Shape, _Shape]:
    batch = x_shape[0] if batch_first else x_shape[1]
    return (*x_shape[:2], directions * hidden), (layers * directions, batch, hidden)


def _other_h_n(h_n: Callable[[int, int, int, int, bool], _Shape]) -> Answer:
    """Return an answer whose h_n is h_n(batch, hidden, layers, directions, first)."""

    def answer(
        x_shape: _Shape, hidden: int, layers: int, directions: int, batch_first: bool
    ) -> tuple[_Shape, _Shape]:
        output, states = _shapes(x_shape, hidden, layers, directions, batch_first)
        return output, h_n(states[1], hidden, layers, directions, batch_first)

    return answer


def _other_output(output: Callable[..., _Shape]) -> Answer:
    """Return an answer whose output is `output` of the same arguments."""
    return lambda *args: (output(*args), _shapes(*args)[1])


SHAPES = Exercise(
    "recurrent.shapes",
    _shapes,
    (
        Misconception(
            "h_n batch first",
            _other_h_n(
                lambda n, h, layers, d, first: (
                    (n, layers * d, h) if first else (layers * d, n, h)
                )
            ),
            "`output` is right. `batch_first` affects only input and output: `h_n` is "
            "always `(layers · directions, N, H)`.",
        ),
        Misconception(
            "batch always second",
            lambda x, h, layers, d, _: _shapes(x, h, layers, d, False),
            "`output` is right. For `h_n` you read the batch size from the second "
            "place; with `batch_first=True` it is `x_shape[0]`.",
        ),
        Misconception(
            "output always time first",
            _other_output(
                lambda x, h, layers, directions, first: (
                    (x[1], x[0], directions * h) if first else (*x[:2], directions * h)
                )
            ),
            "With `batch_first=True` the output has the batch first, like the input.",
        ),
        Misconception(
            "directions missing in output",
            _other_output(lambda x, hidden, *_: (*x[:2], hidden)),
            "`h_n` is right. In `output` the states of both directions stand side by "
            "side: the last dimension is `directions · hidden`.",
        ),
        Misconception(
            "layers in output",
            _other_output(lambda x, h, layers, d, _: (*x[:2], layers * d * h)),
            "You give `output` the states of all layers. It has only those of the top "
            "layer: `directions · hidden`.",
        ),
        Misconception(
            "directions missing in h_n",
            _other_h_n(lambda n, hidden, layers, *_: (layers, n, hidden)),
            "`output` is right. Every layer has a last state for each direction: "
            "`h_n` begins with `layers · directions`.",
        ),
        Misconception(
            "directions joined in h_n",
            _other_h_n(lambda n, h, layers, d, _: (layers, n, d * h)),
            "`output` joins the directions, but `h_n` does not: there they follow "
            "each other in the first dimension.",
        ),
        Misconception(
            "h_n first",
            lambda *args: _shapes(*args)[::-1],
            "Both are right, but in the wrong order: first the shape of `output`, "
            "then that of `h_n`.",
        ),
        Misconception(
            "top layer only",
            _other_h_n(lambda n, hidden, *_: (1, n, hidden)),
            "`output` is right. `h_n` keeps the last state of every layer and "
            "direction: it begins with `layers · directions`.",
        ),
        Misconception(
            "h_n without layers",
            _other_h_n(lambda n, hidden, *_: (n, hidden)),
            "`h_n` has three dimensions: the first counts layers and directions, even "
            "where that is 1.",
        ),
    ),
    lambda: [
        ((10, 5, 3), 4, 1, 1, False),
        ((10, 5, 3), 4, 2, 2, False),
        ((7, 6, 2), 5, 3, 2, True),
        ((1, 9, 4), 3, 2, 1, True),
    ],
)


def _count(
    inputs: int,
    hidden: int,
    layers: int,
    *,
    gates: int = 4,
    states: int = 1,
    biases: int = 2,
) -> int:
    widths = [inputs] + [hidden] * (layers - 1)
    return sum(gates * hidden * (width + states * hidden + biases) for width in widths)


COUNT = Exercise(
    "recurrent.count",
    lambda inputs, hidden, layers: _count(inputs, hidden, layers),
    (
        Misconception(
            "one bias",
            partial(_count, biases=1),
            "You count one bias per sum. PyTorch keeps two, `bias_ih` and `bias_hh`.",
        ),
        Misconception(
            "no bias",
            partial(_count, biases=0),
            "The weights are right, but the biases are missing: two per sum.",
        ),
        Misconception(
            "no gates",
            partial(_count, gates=1),
            "This is the count of a plain RNN. An LSTM computes four sums: i, f, g, o.",
        ),
        Misconception(
            "three sums",
            partial(_count, gates=3),
            "You count the three gates and leave out the news: the sum for g has "
            "weights too. (With three sums it would be a GRU.)",
        ),
        Misconception(
            "every layer reads the input",
            lambda inputs, hidden, layers: layers * _count(inputs, hidden, 1),
            "You let every layer read `inputs` numbers. From the second layer on, the "
            "input is the state of the layer below: `hidden` numbers.",
        ),
        Misconception(
            "no state weights",
            partial(_count, states=0),
            "You count only the weights of the input. Every sum also weighs the old "
            "state: `hidden` more weights.",
        ),
        Misconception(
            "one layer",
            lambda inputs, hidden, layers: _count(inputs, hidden, 1),
            "You count only the first layer. There are `layers` of them.",
        ),
    ),
    lambda: [(3, 4, 1), (3, 4, 2), (10, 7, 3), (1, 1, 1)],
)


def _rnn_loop(step: Answer, carry: bool = True) -> Answer:
    def rnn(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
        states = []
        for x_t in x:
            state = step(x_t, h, *weights)
            h = state if carry else h
            states.append(state)
        return torch.stack(states)

    return rnn


def _sum(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    w_ih, w_hh, b_ih, b_hh = weights
    return x @ w_ih.T + b_ih + h @ w_hh.T + b_hh


def _rnn_step(*args: Tensor) -> Tensor:
    return _sum(*args).tanh()


def _rnn_cases() -> list[Case]:
    # In the second case T = N = D = H, so that every mistake fits.
    sizes = [(5, 2, 3, 4), (3, 3, 3, 3), (4, 1, 2, 3)]
    return [
        randn((t, n, d), (n, h), (h, d), (h, h), (h,), (h,)) for t, n, d, h in sizes
    ]


RNN = Exercise(
    "recurrent.rnn",
    lambda x, h, w_ih, w_hh, b_ih, b_hh: _rnn_loop(_rnn_step)(
        x, h, w_ih, w_hh, b_ih, b_hh
    ),
    (
        Misconception(
            "one bias",
            _rnn_loop(lambda x, h, wi, wh, bi, bh: _rnn_step(x, h, wi, wh, bi, 0 * bh)),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`.",
        ),
        Misconception(
            "the other bias",
            _rnn_loop(lambda x, h, wi, wh, bi, bh: _rnn_step(x, h, wi, wh, 0 * bi, bh)),
            "The first bias is missing: add `b_ih` beside `x_t @ w_ih.T`.",
        ),
        Misconception(
            "no bias",
            _rnn_loop(
                lambda x, h, wi, wh, bi, bh: _rnn_step(x, h, wi, wh, 0 * bi, 0 * bh)
            ),
            "Both biases are missing: add `b_ih` to the input's sum and `b_hh` to the "
            "state's.",
        ),
        Misconception(
            "relu for tanh",
            _rnn_loop(lambda *args: _sum(*args).relu()),
            "You use ReLU. `nn.RNN` uses tanh unless told otherwise.",
        ),
        Misconception(
            "sigmoid for tanh",
            _rnn_loop(lambda *args: _sum(*args).sigmoid()),
            "You use a sigmoid, which is for gates. An RNN uses tanh.",
        ),
        Misconception(
            "no tanh",
            _rnn_loop(_sum),
            "The sum is right, but the nonlinearity is missing: apply `torch.tanh` to "
            "the whole sum.",
        ),
        Misconception(
            "state not carried",
            _rnn_loop(_rnn_step, carry=False),
            "Every step starts from the first state again. Assign the new state to "
            "`h`, so that the next step uses it.",
        ),
        Misconception(
            "state forgotten",
            _rnn_loop(lambda x, h, wi, wh, bi, bh: _rnn_step(x, 0 * h, wi, wh, bi, bh)),
            "The old state has no effect: add `h @ w_hh.T`.",
        ),
        Misconception(
            "only the last state",
            lambda *args: _rnn_loop(_rnn_step)(*args)[-1],
            "This is the last state. The task asks for all of them: collect them in a "
            "list, and `torch.stack` it.",
        ),
        Misconception(
            "first state too",
            lambda x, h, *rest: torch.cat([h[None], _rnn_loop(_rnn_step)(x, h, *rest)]),
            "You return the initial state as well. The task asks for the T states "
            "after each step.",
        ),
        Misconception(
            "stacked along the second dimension",
            lambda *args: _rnn_loop(_rnn_step)(*args).transpose(0, 1),
            "The states are right, but stacked along `dim=1`. Time is the first "
            "dimension: `torch.stack(states)`.",
        ),
        Misconception(
            "state not transposed",
            _rnn_loop(lambda x, h, wi, wh, bi, bh: _rnn_step(x, h, wi, wh.T, bi, bh)),
            "You use `w_hh` without transposing it. It is `(to, from)`, like every "
            "weight in PyTorch: `h @ w_hh.T`.",
        ),
        Misconception(
            "over the batch",
            lambda x, h, *weights: _rnn_loop(_rnn_step)(
                x.transpose(0, 1), h, *weights
            ).transpose(0, 1),
            "Your loop runs over the batch. Time is the first dimension here: "
            "`for x_t in x`.",
        ),
    ),
    _rnn_cases,
)


def _pick(output: Tensor, steps: Tensor) -> Tensor:
    return output[steps, torch.arange(len(steps), device=output.device)]


def _lengths_cases() -> list[Case]:
    lengths = [[4, 2, 5], [3, 1, 2], [6]]
    outputs = randn((6, 3, 4), (3, 3, 3), (7, 1, 5))
    return [
        (output, torch.tensor(length, device=current_device()))
        for output, length in zip(outputs, lengths, strict=True)
    ]


LAST_VALID = Exercise(
    "recurrent.last_valid",
    lambda output, lengths: _pick(output, lengths - 1),
    (
        Misconception(
            "last step",
            lambda output, lengths: output[-1],
            "This is the last step of the padded tensor. For a short sequence that is "
            "padding: take step `length - 1` of each.",
        ),
        Misconception(
            "off by one",
            lambda output, lengths: _pick(output, lengths),
            "Steps count from 0, so a sequence of length 4 ends at step 3: "
            "`lengths - 1`.",
        ),
        Misconception(
            "every pair",
            lambda output, lengths: output[lengths - 1],
            "`output[lengths - 1]` takes whole steps, each with all sequences. Index "
            "the sequence too: `output[lengths - 1, torch.arange(N)]`.",
        ),
        Misconception(
            "axis order",
            lambda output, lengths: output[
                torch.arange(len(lengths), device=output.device), lengths - 1
            ],
            "You index the batch first and time second. Here time is the first "
            "dimension.",
        ),
        Misconception(
            "step of the longest",
            lambda output, lengths: output[lengths.max() - 1],
            "You take the same step for all, that of the longest sequence. Each has "
            "its own last step: `lengths - 1`.",
        ),
        Misconception(
            "mean",
            lambda output, lengths: torch.stack(
                [output[:n, i].mean(0) for i, n in enumerate(lengths.tolist())]
            ),
            "This is the mean of the real steps. The task asks for the last one.",
        ),
        Misconception(
            "first step",
            lambda output, lengths: output[0],
            "This is the first step, which is the last one only for a backward net.",
        ),
    ),
    _lengths_cases,
)


_Pair = tuple[Tensor, Tensor]  # the hidden state and the cell


def _lstm(
    order: str = "ifgo", news: Answer = torch.tanh, shown: Answer = torch.tanh
) -> Answer:
    def step(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
        sums = _sum(x, h, *weights).chunk(4, dim=-1)
        named = dict(zip(order, sums, strict=True))
        i, f, o = (named[gate].sigmoid() for gate in "ifo")
        c = f * c + i * news(named["g"])
        return o * shown(c), c

    return step


def _old_cell_shown(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    _, cell = _lstm()(x, h, c, *weights)
    o = _sum(x, h, *weights).chunk(4, dim=-1)[3]
    return o.sigmoid() * c.tanh(), cell


def _bare_gates(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    i, f, g, o = _sum(x, h, *weights).chunk(4, dim=-1)
    c = f * c + i * g.tanh()
    return o * c.tanh(), c


def _lstm_coupled(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    _, f, g, o = _sum(x, h, *weights).chunk(4, dim=-1)
    c = f.sigmoid() * c + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _without_b_hh(step: Answer) -> Answer:
    return lambda *args: step(*args[:-1], 0 * args[-1])


def _step_cases(gates: int, states: int) -> list[Case]:
    sizes = [(3, 2, 4), (3, 3, 3), (1, 5, 2)]  # square ones among them
    return [
        randn(
            (n, d),
            *[(n, h)] * states,
            (gates * h, d),
            (gates * h, h),
            *[(gates * h,)] * 2,
        )
        for n, d, h in sizes
    ]


LSTM_STEP = Exercise(
    "recurrent.lstm_step",
    lambda x, h, c, w_ih, w_hh, b_ih, b_hh: _lstm()(x, h, c, w_ih, w_hh, b_ih, b_hh),
    (
        Misconception(
            "hidden and cell swapped",
            lambda *args: _lstm()(*args)[::-1],
            "Both are right, but in the wrong order: return `h` first, then `c`.",
        ),
        Misconception(
            "order i f o g",
            _lstm("ifog"),
            "You read the sums as i, f, o, g. PyTorch stacks them as i, f, g, o.",
        ),
        Misconception(
            "order f i g o",
            _lstm("figo"),
            "You read the sums as f, i, g, o, as they are often drawn. PyTorch stacks "
            "them as i, f, g, o.",
        ),
        Misconception(
            "order i g f o",
            _lstm("igfo"),
            "You read the sums as i, g, f, o, an order that other libraries have "
            "used. PyTorch stacks them as i, f, g, o.",
        ),
        Misconception(
            "news through a sigmoid",
            _lstm(news=torch.sigmoid),
            "You send g through a sigmoid. It is not a gate but the news, which may "
            "be negative: use tanh.",
        ),
        Misconception(
            "cell shown as it is",
            _lstm(shown=lambda c: c),
            "The cell is right. The output is `o * tanh(c)`: the tanh is missing.",
        ),
        Misconception(
            "old cell shown",
            _old_cell_shown,
            "The cell is right, but `h` uses the old one: compute the new cell first.",
        ),
        Misconception(
            "gates without sigmoid",
            _bare_gates,
            "Your gates are raw sums. A gate is a number from 0 to 1: send i, f and o "
            "through a sigmoid.",
        ),
        Misconception(
            "cell in the sums",
            lambda x, h, c, *weights: _lstm()(x, c, c, *weights),
            "You use the cell in the sums. The gates see only x and `h`; the cell is "
            "only kept and added to.",
        ),
        Misconception(
            "only h",
            lambda *args: _lstm()(*args)[0],
            "`h` is right. Return the new cell as well: the next step needs both.",
        ),
        Misconception(
            "i and f coupled",
            _lstm_coupled,
            "You multiply the news by 1 - f, as a GRU does. An LSTM has a separate "
            "gate for it, i.",
        ),
        Misconception(
            "one bias",
            _without_b_hh(_lstm()),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`.",
        ),
    ),
    lambda: _step_cases(4, 2),
)


def _gru(order: str = "rzn", keep_old: bool = True, inside: bool = True) -> Answer:
    def step(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
        w_ih, w_hh, b_ih, b_hh = weights
        of_x = dict(zip(order, (x @ w_ih.T + b_ih).chunk(3, dim=-1), strict=True))
        of_h = dict(zip(order, (h @ w_hh.T + b_hh).chunk(3, dim=-1), strict=True))
        r, z = ((of_x[gate] + of_h[gate]).sigmoid() for gate in "rz")
        n = of_x["n"] + (r * of_h["n"] if inside else of_h["n"])
        n, z = n.tanh(), z if keep_old else 1 - z
        return (1 - z) * n + z * h

    return step


def _reset_before(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    w_ih, w_hh, b_ih, b_hh = weights
    of_x = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    of_h = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r, z = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
    size = h.shape[-1]
    n = (of_x[2] + (r * h) @ w_hh[2 * size :].T + b_hh[2 * size :]).tanh()
    return (1 - z) * n + z * h


def _bias_outside(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    w_ih, w_hh, b_ih, b_hh = weights
    of_x = (x @ w_ih.T + b_ih + b_hh).chunk(3, dim=-1)
    of_h = (h @ w_hh.T).chunk(3, dim=-1)
    r, z = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
    return (1 - z) * (of_x[2] + r * of_h[2]).tanh() + z * h


def _reset_all(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    r, z, n = _sum(x, h, *weights).chunk(3, dim=-1)
    r, z = r.sigmoid(), z.sigmoid()
    return (1 - z) * (r * n).tanh() + z * h


GRU_STEP = Exercise(
    "recurrent.gru_step",
    lambda x, h, w_ih, w_hh, b_ih, b_hh: _gru()(x, h, w_ih, w_hh, b_ih, b_hh),
    (
        Misconception(
            "z turned round",
            _gru(keep_old=False),
            "You keep 1 - z of the old state, as some papers do. In PyTorch z "
            "multiplies the old state and 1 - z the news.",
        ),
        Misconception(
            "reset before the matrix",
            _reset_before,
            "You apply r to `h` before the matrix, as the first paper does. PyTorch "
            "applies it after: `r * (h @ w_hn.T + b_hn)`.",
        ),
        Misconception(
            "b_hn outside",
            _bias_outside,
            "Nearly right: the last third of `b_hh` belongs inside the bracket that r "
            "multiplies, `r * (h @ w_hn.T + b_hn)`.",
        ),
        Misconception(
            "r on the whole sum",
            _reset_all,
            "You also multiply the input's part of the news by r. r decides only how "
            "much of the old state goes in.",
        ),
        Misconception(
            "order z r n",
            _gru("zrn"),
            "You read the sums as z, r, n. PyTorch stacks them as r, z, n.",
        ),
        Misconception(
            "no reset",
            _gru(inside=False),
            "r has no effect: it multiplies the state's part of the news, `r * (h @ "
            "w_hn.T + b_hn)`.",
        ),
        Misconception(
            "one bias",
            _without_b_hh(_gru()),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`, before you "
            "multiply by r.",
        ),
    ),
    lambda: _step_cases(3, 1),
)

_Gradients = list[Tensor]


def _clipped(length: Callable[[_Gradients], Tensor]) -> Answer:
    """Return the answer that takes `length(gradients)` for the common length."""

    def clip(gradients: _Gradients, most: float) -> _Gradients:
        factor = (most / length(gradients)).clamp(max=1.0)
        return [factor * g for g in gradients]

    return clip


def _lengths(gradients: _Gradients) -> Tensor:
    return torch.stack([g.norm() for g in gradients])


def _length(gradients: _Gradients) -> Tensor:
    return _lengths(gradients).norm()


def _scaled(factor: Callable[[Tensor, float], Any]) -> Answer:
    """Return an answer that multiplies every gradient by `factor(length, most)`."""

    def clip(gradients: _Gradients, most: float) -> _Gradients:
        return [factor(_length(gradients), most) * g for g in gradients]

    return clip


CLIP = Exercise(
    "recurrent.clip",
    _clipped(_length),
    (
        Misconception(
            "always scaled",
            _scaled(lambda length, most: most / length),
            "You bring every gradient to the limit, short ones too. Change only what "
            "is too long.",
        ),
        Misconception(
            "each by itself",
            lambda gradients, most: [
                (most / g.norm()).clamp(max=1.0) * g for g in gradients
            ],
            "You clip every tensor by its own length, which changes the direction of "
            "the whole. Use one common length for all.",
        ),
        Misconception(
            "by value",
            lambda gradients, most: [g.clamp(-most, most) for g in gradients],
            "You clip every number, as `clip_grad_value_` does, which changes the "
            "direction. Multiply all by one common factor.",
        ),
        Misconception(
            "lengths added",
            _clipped(lambda gradients: _lengths(gradients).sum()),
            "You add the lengths of the tensors. Lengths add like the sides of a "
            "right angle: add their squares, then take the square root.",
        ),
        Misconception(
            "longest tensor",
            _clipped(lambda gradients: _lengths(gradients).max()),
            "You use the length of the longest tensor. The common length counts the "
            "squares of all.",
        ),
        Misconception(
            "no root",
            _clipped(lambda gradients: _length(gradients) ** 2),
            "You divide by the sum of the squares. The length is its square root.",
        ),
        Misconception(
            "unit length",
            _scaled(lambda length, most: 1 / length if length > most else 1.0),
            "You shorten the gradient to the length 1 instead of `most`.",
        ),
        Misconception(
            "nothing clipped",
            lambda gradients, most: [1.0 * g for g in gradients],
            "The gradients come out unchanged, even where they are too long.",
        ),
    ),
    # Too long, short enough, and one tensor alone.
    lambda: [
        (list(randn((3, 4), (5,), (2, 2))), 0.7),
        (list(randn((2, 3), (4,))), 50.0),
        (list(randn((7,))), 1.5),
    ],
)


_Rows = list[list[float]]


def _weights(w_ih: _Rows, w_hh: _Rows) -> Answer:
    return lambda: (torch.tensor(w_ih), torch.tensor(w_hh))


_TAKE: _Rows = [[1.0], [0.0]]
_PASS_ON: _Rows = [[0.0, 0.0], [1.0, 0.0]]


def _apply_delay(design: Answer, x: Tensor) -> Tensor:
    weights = design()
    if not all(isinstance(weight, Tensor) for weight in weights):
        raise TypeError("return two tensors: torch.tensor([[…], […]]).")
    w_ih, w_hh = weights
    if tuple(w_ih.shape) != (2, 1) or tuple(w_hh.shape) != (2, 2):
        raise ValueError(
            "w_ih must have the shape (2, 1) and w_hh (2, 2), not "
            f"{tuple(w_ih.shape)} and {tuple(w_hh.shape)}."
        )
    net = nn.RNN(1, 2, nonlinearity="relu", bias=False).to(x.device)
    net.load_state_dict({"weight_ih_l0": w_ih, "weight_hh_l0": w_hh})
    return net(x)[0].detach()


DELAY = Exercise(
    "recurrent.delay",
    _weights(_TAKE, _PASS_ON),
    (
        Misconception(
            "transposed",
            _weights(_TAKE, [[0.0, 1.0], [0.0, 0.0]]),
            "Your `w_hh` passes the state from unit 1 to unit 0. A row belongs to the "
            "unit that receives, a column to the one that gives.",
        ),
        Misconception(
            "units exchanged",
            _weights([[0.0], [1.0]], [[0.0, 1.0], [0.0, 0.0]]),
            "It works, but with the units swapped: unit 0 must hold the number just "
            "read, unit 1 the one before.",
        ),
        Misconception(
            "identity",
            _weights(_TAKE, [[1.0, 0.0], [0.0, 1.0]]),
            "With the identity every unit keeps its own state, so unit 0 adds up "
            "everything it has read. Unit 1 must take over what unit 0 held.",
        ),
        Misconception(
            "unit 0 keeps",
            _weights(_TAKE, [[1.0, 0.0], [1.0, 0.0]]),
            "Unit 1 is right. But unit 0 also keeps its old state and adds the new "
            "number to it: its own weight must be 0.",
        ),
        Misconception(
            "unit 1 keeps",
            _weights(_TAKE, [[0.0, 0.0], [1.0, 1.0]]),
            "Unit 1 takes over, but also keeps what it held before, so it adds up. "
            "Its own weight must be 0.",
        ),
        Misconception(
            "both read",
            _weights([[1.0], [1.0]], _PASS_ON),
            "Both units read the input. Unit 1 must get it only through unit 0, one "
            "step later.",
        ),
        Misconception(
            "input to unit 1",
            _weights([[0.0], [1.0]], _PASS_ON),
            "The input goes to unit 1, and unit 0 never gets anything. It belongs to "
            "unit 0, which passes it on.",
        ),
        Misconception(
            "both ways",
            _weights(_TAKE, [[0.0, 1.0], [1.0, 0.0]]),
            "Unit 1 is right. But it also passes its state back to unit 0, so a "
            "number never leaves: the other entry must be 0.",
        ),
        Misconception(
            "no recurrence",
            _weights([[1.0], [1.0]], [[0.0, 0.0], [0.0, 0.0]]),
            "Without `w_hh` there is no memory: both units hold the current number.",
        ),
    ),
    lambda: [(randn((steps, count, 1))[0].abs(),) for steps, count in [(2, 1), (5, 3)]],
    _apply_delay,
)

EXERCISES = (SHAPES, COUNT, RNN, LAST_VALID, LSTM_STEP, GRU_STEP, CLIP, DELAY)
