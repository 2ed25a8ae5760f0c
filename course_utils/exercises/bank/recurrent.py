"""Exercises of lesson 07: recurrent layers."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import permutations
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
        Misconception(
            "steps in h_n",
            lambda x, h, layers, d, first: (
                (*x[:2], d * h),
                (layers * d, x[1] if first else x[0], h),
            ),
            "`output` is right. The middle of `h_n` is the number of steps in yours; "
            "it is the batch size: the first place of `x_shape` with "
            "`batch_first=True`, else the second.",
        ),
        Misconception(
            "batch always first",
            lambda x, h, layers, d, _: ((*x[:2], d * h), (layers * d, x[0], h)),
            "`output` is right. For `h_n` you read the batch size from the first "
            "place; without `batch_first` it is `x_shape[1]`.",
        ),
        Misconception(
            "h_n always batch first",
            _other_h_n(lambda n, h, layers, d, _: (n, layers * d, h)),
            "`output` is right. Your `h_n` has the batch first; it is always "
            "`(layers · directions, N, H)`.",
        ),
        Misconception(
            "layers plus directions",
            _other_h_n(lambda n, h, layers, d, _: (layers + d, n, h)),
            "`output` is right. `h_n` begins with `layers + directions` in yours: "
            "every layer has every direction, so multiply.",
        ),
        Misconception(
            "directions alone in h_n",
            _other_h_n(lambda n, h, layers, d, _: (d, n, h)),
            "`output` is right. `h_n` keeps the last states of all layers: it begins "
            "with `layers · directions`, not with `directions`.",
        ),
        Misconception(
            "directions ignored",
            lambda x, h, layers, d, first: _shapes(x, h, layers, 1, first),
            "Both shapes are those of one direction. Two directions double the last "
            "size of `output` and the first size of `h_n`.",
        ),
        Misconception(
            "width of the input",
            _other_output(lambda x, h, layers, d, _: (*x[:2], d * x[2])),
            "`h_n` is right. The last size of your `output` comes from the input's "
            "width; a state has `hidden` numbers.",
        ),
    ),
    lambda: [
        ((10, 5, 3), 4, 1, 1, False),
        ((10, 5, 3), 4, 2, 2, False),
        ((7, 6, 2), 5, 3, 2, True),
        ((1, 9, 4), 3, 2, 1, True),
        ((8, 1, 6), 2, 3, 1, False),
    ],
    hints=(
        "`output` holds one state per step, `h_n` the last state of each layer: which "
        "of the two grows with the number of layers?",
        "In `output` the directions stand side by side, in the last dimension. In "
        "`h_n` they follow each other, in the first. Only one of the two obeys "
        "`batch_first`.",
        "`h_n` has three sizes: `layers * directions`, the batch size, `hidden`. "
        "`output` begins as the input does.",
    ),
    parts=("the shape of `output`", "the shape of `h_n`"),
)


def _count(
    inputs: int,
    hidden: int,
    layers: int,
    *,
    gates: int = 4,
    states: int = 1,
    biases: int = 2,
    widths: Callable[[int, int, int], list[int]] | None = None,
) -> int:
    if widths is None:
        read = [inputs] + [hidden] * (layers - 1)
    else:
        read = widths(inputs, hidden, layers)
    return sum(gates * hidden * (width + states * hidden + biases) for width in read)


# Mistakes in the count: those of one group exclude each other, others combine.
_COUNT_GROUPS: tuple[tuple[tuple[str, dict[str, Any], str], ...], ...] = (
    (
        (
            "one bias",
            {"biases": 1},
            "You count one bias per sum. PyTorch keeps two, `bias_ih` and `bias_hh`.",
        ),
        (
            "no bias",
            {"biases": 0},
            "The biases are missing: two per sum, `bias_ih` and `bias_hh`.",
        ),
    ),
    (
        (
            "no gates",
            {"gates": 1},
            "You count one sum per step, as in a plain RNN. An LSTM computes four: i, "
            "f, g, o.",
        ),
        (
            "three sums",
            {"gates": 3},
            "You count three sums per step, as in a GRU. An LSTM computes four: beside "
            "the three gates there is the news, g, with weights of its own.",
        ),
    ),
    (
        (
            "every layer reads the input",
            {"widths": lambda inputs, hidden, layers: [inputs] * layers},
            "Every layer reads `inputs` numbers in your count. From the second layer "
            "on, the input is the state of the layer below: `hidden` numbers.",
        ),
        (
            "every layer reads a state",
            {"widths": lambda inputs, hidden, layers: [hidden] * layers},
            "Every layer reads `hidden` numbers in your count. The first one reads "
            "the input: `inputs` numbers.",
        ),
        (
            "one layer",
            {"widths": lambda inputs, hidden, layers: [inputs]},
            "You count only the first layer. There are `layers` of them.",
        ),
        (
            "one layer too many",
            {"widths": lambda inputs, hidden, layers: [inputs] + [hidden] * layers},
            "You count one layer too many: `layers` includes the first, so "
            "`layers - 1` follow it.",
        ),
        (
            "upper layers read both",
            {
                "widths": lambda inputs, hidden, layers: (
                    [inputs] + [inputs + hidden] * (layers - 1)
                )
            },
            "Your upper layers read the input and the state below. They read only the "
            "state of the layer below: `hidden` numbers.",
        ),
    ),
    (
        (
            "no state weights",
            {"states": 0},
            "You count only the weights of the input. Every sum also weighs the old "
            "state: `hidden` more weights.",
        ),
    ),
)


def _count_mistakes() -> list[Misconception]:
    """Return the mistakes of each group, and those two at once that are frequent."""
    single = [mistake for group in _COUNT_GROUPS for mistake in group]
    pairs = [
        (f"{name}, {other}", one | two, f"{hint} And: {more}")
        for group, following in [(0, 1), (0, 2), (1, 2)]
        for name, one, hint in _COUNT_GROUPS[group]
        for other, two, more in _COUNT_GROUPS[following]
    ]
    return [
        Misconception(name, partial(_count, **changes), hint)
        for name, changes, hint in single + pairs
    ]


def _equal_shapes_once(inputs: int, hidden: int, layers: int) -> int:
    shapes = {(4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,)}
    return sum(map(math.prod, shapes))


COUNT = Exercise(
    "recurrent.count",
    lambda inputs, hidden, layers: _count(inputs, hidden, layers),
    (
        *_count_mistakes(),
        Misconception(
            "inputs grow from layer to layer",
            lambda inputs, hidden, layers: (
                _count(inputs, hidden, layers)
                + 4 * hidden * hidden * ((layers - 1) * (layers - 2) // 2)
            ),
            "Right for one and two layers; from the third on your layers get too many "
            "inputs. Every layer after the first reads `hidden` numbers, the states of "
            "the one below.",
        ),
        Misconception(
            "biases of one sum",
            lambda inputs, hidden, layers: (
                _count(inputs, hidden, layers, biases=0) + 2 * hidden * layers
            ),
            "The weights are right, but you count the biases of one sum per layer. "
            "Each of the four sums has its own: `4 * hidden`, twice.",
        ),
        Misconception(
            "biases of one layer",
            lambda inputs, hidden, layers: (
                _count(inputs, hidden, layers, biases=0) + 8 * hidden
            ),
            "The weights are right, but you count the biases of one layer. Every "
            "layer has its own: `8 * hidden` numbers.",
        ),
        Misconception(
            "two layers at most",
            lambda inputs, hidden, layers: _count(inputs, hidden, min(layers, 2)),
            "Right for one and for two layers. All layers after the first are alike, "
            "and there are `layers - 1` of them.",
        ),
        Misconception(
            "two directions",
            lambda inputs, hidden, layers: 2 * _count(inputs, hidden, layers),
            "This is twice the right number. The two biases are two, but there is one "
            "`weight_ih` and one `weight_hh` per layer.",
        ),
        Misconception(
            "inputs and hidden exchanged",
            lambda inputs, hidden, layers: _count(hidden, inputs, layers),
            "`inputs` and `hidden` have changed places in your count: the state has "
            "`hidden` numbers.",
        ),
        Misconception(
            "an output layer",
            lambda inputs, hidden, layers: (
                _count(inputs, hidden, layers) + hidden * hidden
            ),
            "Your count is hidden · hidden too large, the size of one more matrix. An "
            "LSTM has no output layer: `h` itself comes out.",
        ),
        Misconception(
            "equal shapes counted once",
            _equal_shapes_once,
            "Parameters of the same shape are counted once, as in a `dict` with the "
            "shapes as keys, or a `set`. Each has numbers of its own: add up all of "
            "them.",
        ),
    ),
    lambda: [(3, 4, 1), (3, 4, 2), (10, 7, 3), (1, 1, 1), (2, 9, 5), (6, 1, 2)],
    hints=(
        "Count the first layer alone. One of its sums weighs the input and the old "
        "state, and has two biases; how many such sums are there?",
        "The layers above read the states of the layer below, so only their "
        "`weight_ih` has another size.",
        "One layer that reads `width` numbers has `4 * hidden * (width + hidden + 2)` "
        "parameters; add them up.",
    ),
)


def _sum(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    w_ih, w_hh, b_ih, b_hh = weights
    return x @ w_ih.T + b_ih + h @ w_hh.T + b_hh


def _huge(case: tuple[Tensor, ...]) -> Case:
    """Return the case with an input that makes its sums as large as some hundreds."""
    x, *others = case
    return 300 * x, *others


def _finite(answer: Answer, *args: Tensor) -> Any:
    """Call the answer; where sums are huge, judge its values and not its gradients.

    There a right `1 / (1 + torch.exp(-x))` has the gradient NaN: inf · 0.
    """
    result = answer(*args)
    if max(arg.detach().abs().max() for arg in args) < 100:
        return result
    link = sum(0 * arg.sum() for arg in args)  # still attached to all arguments
    if isinstance(result, Tensor):
        return result.detach() + link
    if isinstance(result, tuple | list) and all(isinstance(r, Tensor) for r in result):
        return tuple(r.detach() + link for r in result)
    return result


def _jacobian(
    states: Tensor,
    w_hh: Tensor,
    *,
    slope: Callable[[Tensor], Tensor] = lambda h: 1 - h**2,
    used: slice = slice(1, None),
    factor: Callable[[Tensor, Tensor], Tensor] = lambda d, w: d[:, None] * w,
    join: Callable[[Tensor, Tensor], Tensor] = lambda new, old: new @ old,
) -> Tensor:
    product = torch.eye(len(w_hh), device=w_hh.device)
    for h in states[used]:
        product = join(factor(slope(h), w_hh), product)
    return product


def _jacobian_cases() -> list[Case]:
    sizes = [(2, 2), (4, 3), (3, 2), (1, 3), (5, 1), (3, 4)]
    shapes = [shape for t, h in sizes for shape in ((t, h), (h, h))]
    drawn = randn(*shapes)
    return [(drawn[i].tanh(), drawn[i + 1]) for i in range(0, len(drawn), 2)]


JACOBIAN = Exercise(
    "recurrent.jacobian",
    lambda states, w_hh: _jacobian(states, w_hh),
    (
        Misconception(
            "transposed",
            lambda states, w_hh: _jacobian(states, w_hh).T,
            "This is the transpose. Row i belongs to entry i of the last state, column "
            "j to entry j of the first.",
        ),
        Misconception(
            "one factor too many",
            partial(_jacobian, used=slice(None)),
            "A factor too many. From the first state to the last there are T − 1 "
            "steps, and `states[0]` is where they begin: its slope does not count.",
        ),
        Misconception(
            "slopes one step early",
            partial(_jacobian, used=slice(None, -1)),
            "Each slope is that of the state *before* the step. The tanh of a step "
            "makes the new state, so its slope is 1 − h² of the new one.",
        ),
        Misconception(
            "order reversed",
            partial(_jacobian, join=lambda new, old: old @ new),
            "All factors are right, but in the wrong order: the latest stands at the "
            "left.",
        ),
        Misconception(
            "no slopes",
            partial(_jacobian, slope=torch.ones_like),
            "The tanh is missing: each factor is `w_hh` times the slopes 1 − h², "
            "row by row.",
        ),
        Misconception(
            "slope without the square",
            partial(_jacobian, slope=lambda h: 1 - h),
            "You take 1 − h for the slope of tanh. It is 1 − h².",
        ),
        Misconception(
            "slope of a sigmoid",
            partial(_jacobian, slope=lambda h: h * (1 - h)),
            "h · (1 − h) is the slope of a sigmoid. That of tanh is 1 − h².",
        ),
        Misconception(
            "tanh of the state",
            partial(_jacobian, slope=lambda h: 1 - h.tanh() ** 2),
            "The states are outputs of tanh already: the slope is 1 − h², without "
            "another tanh.",
        ),
        Misconception(
            "slopes along the columns",
            partial(_jacobian, factor=lambda d, w: w * d),
            "The slopes multiply the columns of `w_hh`. A slope belongs to the entry "
            "that comes out of the tanh, so it multiplies a row.",
        ),
        Misconception(
            "weight transposed",
            partial(_jacobian, factor=lambda d, w: d[:, None] * w.T),
            "You use `w_hh.T`. Entry i of the new sum reads the old state by row i of "
            "`w_hh`, so the matrix of derivatives is `w_hh` itself.",
        ),
        Misconception(
            "entry by entry",
            partial(_jacobian, join=lambda new, old: new * old),
            "You multiply the factors entry by entry. Derivatives of steps that "
            "follow each other multiply as matrices, with `@`.",
        ),
        Misconception(
            "added up",
            partial(_jacobian, join=lambda new, old: new + old),
            "You add the steps. By the chain rule they multiply.",
        ),
        Misconception(
            "last step only",
            partial(_jacobian, used=slice(-1, None)),
            "This is the last step alone. Between the first state and the last there "
            "are T − 1 of them.",
        ),
    ),
    _jacobian_cases,
    hints=(
        "One step: h_t = tanh(… + W_hh h_{t−1}). How does entry i of h_t change with "
        "entry j of h_{t−1}?",
        "A step's matrix is `w_hh` with row i times 1 − h[i]², h being the state that "
        "the step makes: `torch.diag(1 - h**2) @ w_hh`.",
        "Start with `torch.eye`, go through `states[1:]`, and multiply each new matrix "
        "from the left.",
    ),
    arguments=("states", "w_hh"),
)


def _pick(output: Tensor, steps: Tensor) -> Tensor:
    return output[steps, torch.arange(len(steps), device=output.device)]


def _lengths_cases() -> list[Case]:
    # T, N, H and the lengths: a small one to look at, T = N = H, fewer steps than
    # sequences, one sequence, one number per state, one step.
    sizes = [
        ((3, 2, 2), [1, 2]),
        ((6, 3, 4), [4, 2, 5]),
        ((3, 3, 3), [3, 1, 2]),
        ((2, 5, 3), [1, 2, 2, 1, 1]),
        ((7, 1, 5), [6]),
        ((5, 4, 1), [5, 5, 3, 4]),
        ((1, 2, 2), [1, 1]),
    ]
    outputs = randn(*[size for size, _ in sizes])
    outputs[1][4:, 0] = 0  # padding that is zero, as packing leaves it; the rest is not
    # On the CPU: an index out of range, which is a frequent mistake here, would end
    # all work on a GPU.
    return [
        (output.cpu(), torch.tensor(lengths))
        for output, (_, lengths) in zip(outputs, sizes, strict=True)
    ]


def _last_that_is_not_zero(output: Tensor, lengths: Tensor) -> Tensor:
    real = (output != 0).any(dim=-1).sum(dim=0)
    return _pick(output, real - 1)


LAST_VALID = Exercise(
    "recurrent.last_valid",
    lambda output, lengths: _pick(output, lengths - 1),
    (
        Misconception(
            "last step",
            lambda output, lengths: output[-1],
            "This is the last step of the padded tensor, `output[-1]`. For a short "
            "sequence that is padding: take step `length - 1` of each.",
        ),
        Misconception(
            "zeros taken for padding",
            _last_that_is_not_zero,
            "You take the last step that is not zero. Padding need not be zero: "
            "where a sequence ends, only `lengths` tells.",
        ),
        Misconception(
            "off by one",
            lambda output, lengths: _pick(output, lengths),
            "Your steps are one too late, and a sequence of full length has none "
            "there. Steps count from 0, so a sequence of length 4 ends at step 3: "
            "`lengths - 1`.",
        ),
        Misconception(
            "one step early",
            lambda output, lengths: _pick(output, lengths - 2),
            "Your steps are one too early: a sequence of length 4 ends at step 3, "
            "`lengths - 1`.",
        ),
        Misconception(
            "counted from the end",
            lambda output, lengths: _pick(output, -lengths),
            "You count `lengths` steps from the end. The padding stands at the end, "
            "so count from the start.",
        ),
        Misconception(
            "all from sequence 0",
            lambda output, lengths: output[lengths - 1, 0],
            "Every row is taken from sequence 0. Row n belongs to sequence n: the "
            "second index counts them, `torch.arange(len(lengths))`.",
        ),
        Misconception(
            "every pair",
            lambda output, lengths: output[lengths - 1],
            "For each length you take a whole step, of all sequences. Give the "
            "sequence an index too, one number per length: `torch.arange(len("
            "lengths))`, after `lengths - 1`.",
        ),
        Misconception(
            "every pair, off by one",
            lambda output, lengths: output[lengths],
            "`output[lengths]` takes whole steps, and one too late. Steps count from "
            "0, and each length needs its own sequence as a second index.",
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
            "counted over the steps",
            lambda output, lengths: output[
                lengths - 1, torch.arange(len(output), device=output.device)
            ],
            "Your second index has one number per step, T of them. It should have one "
            "per sequence: N, as `lengths` does.",
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
            "sum",
            lambda output, lengths: torch.stack(
                [output[:n, i].sum(0) for i, n in enumerate(lengths.tolist())]
            ),
            "This is the sum of the real steps. The task asks for the last one.",
        ),
        Misconception(
            "first step",
            lambda output, lengths: output[0],
            "This is the first step, which is the last one only for a backward net.",
        ),
        Misconception(
            "list of states",
            lambda output, lengths: list(_pick(output, lengths - 1)),
            "The states are right, but they are a list. Make one tensor of it: "
            "`torch.stack`, or index with two tensors at once.",
        ),
        Misconception(
            "off by one, held at the end",
            lambda output, lengths: _pick(output, lengths.clamp(max=len(output) - 1)),
            "Right only for sequences of full length: your steps are one too late. "
            "Steps count from 0, so a sequence of length 4 ends at step 3: "
            "`lengths - 1`.",
        ),
        Misconception(
            "squeezed",
            lambda output, lengths: _pick(output, lengths - 1).squeeze(),
            "Dimensions of size 1 are lost, as by `squeeze()`: a batch of one is still "
            "a batch. The result is always `(N, H)`.",
        ),
        Misconception(
            "sequences mixed by reshape",
            lambda output, lengths: output.reshape(
                output.shape[1], output.shape[0], -1
            )[torch.arange(len(lengths), device=output.device), lengths - 1],
            "Right for a single sequence; several are mixed. `reshape` cuts the "
            "numbers anew, and does not exchange the dimensions of time and batch: "
            "use `transpose(0, 1)`.",
        ),
    ),
    _lengths_cases,
    hints=(
        "A sequence of length 4 fills the steps 0, 1, 2 and 3. Which step do you want "
        "of each sequence?",
        "Two index tensors of the same length are read in pairs: `a[[1, 0], [0, 1]]` "
        "gives `a[1, 0]` and `a[0, 1]`.",
        "The first index is the last step of each sequence, the second the number of "
        "the sequence, from `torch.arange`.",
    ),
    differentiable=True,
)


_Pair = tuple[Tensor, Tensor]  # the hidden state and the cell


def _same(value: Tensor) -> Tensor:
    return value


def _lstm(
    order: str = "ifgo",
    bare: str = "",
    gate: Answer = torch.sigmoid,
    news: Answer = torch.tanh,
    shown: Answer = torch.tanh,
    keep: Answer = _same,
) -> Answer:
    def step(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
        sums = _sum(x, h, *weights).chunk(4, dim=-1)
        named = dict(zip(order, sums, strict=True))
        i, f, o = (named[g] if g in bare else gate(named[g]) for g in "ifo")
        c = keep(f) * c + i * news(named["g"])
        return o * shown(c), c

    return step


def _other_orders(right: str, step: Callable[[str], Answer]) -> Iterator[Misconception]:
    """Yield the mistake of reading the stacked sums in each wrong order."""
    for order in map("".join, permutations(right)):
        if order != right:
            yield Misconception(
                f"order {' '.join(order)}",
                step(order),
                f"The gates have changed places: this is what comes out where the sums "
                f"are read as {', '.join(order)}. PyTorch stacks them as "
                f"{', '.join(right)}; or the update uses one for the other.",
            )


def _old_cell_shown(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    _, cell = _lstm()(x, h, c, *weights)
    o = _sum(x, h, *weights).chunk(4, dim=-1)[3]
    return o.sigmoid() * c.tanh(), cell


def _lstm_coupled(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    _, f, g, o = _sum(x, h, *weights).chunk(4, dim=-1)
    c = f.sigmoid() * c + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _lstm_forgetting_by_i(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    i, _, g, o = _sum(x, h, *weights).chunk(4, dim=-1)
    c = (1 - i.sigmoid()) * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _lstm_of(sums: Iterable[Tensor], c: Tensor) -> _Pair:
    """Return the new state and cell for four sums, however they were cut."""
    i, f, g, o = sums
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _lstm_with_ungated_news(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    _, f, g, o = _sum(x, h, *weights).chunk(4, dim=-1)
    c = f.sigmoid() * c + g.tanh()
    return o.sigmoid() * c.tanh(), c


def _lstm_along_the_batch(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> _Pair:
    return _lstm_of(_sum(x, h, *weights).chunk(4), c)


def _without(step: Answer, place: int) -> Answer:
    """Return the step with the argument at `place` set to zero."""

    def answer(*args: Tensor) -> Any:
        changed = list(args)
        changed[place] = 0 * changed[place]
        return step(*changed)

    return answer


def _step_cases(gates: int, states: int) -> list[Case]:
    # N, D, H: a small one to look at, a square one, more than four units, one unit.
    sizes = [(1, 1, 2), (3, 2, 4), (3, 3, 3), (2, 3, 7), (1, 5, 2), (5, 1, 1)]
    shapes = [
        (
            (n, d),
            *[(n, h)] * states,
            (gates * h, d),
            (gates * h, h),
            *[(gates * h,)] * 2,
        )
        for n, d, h in sizes
    ]
    return [*(randn(*shape) for shape in shapes), _huge(randn(*shapes[1], seed=2))]


LSTM_STEP = Exercise(
    "recurrent.lstm_step",
    lambda x, h, c, w_ih, w_hh, b_ih, b_hh: _lstm()(x, h, c, w_ih, w_hh, b_ih, b_hh),
    (
        Misconception(
            "hidden and cell swapped",
            lambda *args: _lstm()(*args)[::-1],
            "Both are right, but in the wrong order: return `h` first, then `c`.",
        ),
        *_other_orders("ifgo", _lstm),
        *(
            Misconception(
                f"{gate} without sigmoid",
                _lstm(bare=gate),
                f"Your gate {gate} is a raw sum. A gate is a number from 0 to 1: send "
                "it through a sigmoid, as the other two.",
            )
            for gate in "ifo"
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
            "The cell is right, but `h` is made from the old one: use the new cell in "
            "`tanh(c)`.",
        ),
        Misconception(
            "gates without sigmoid",
            _lstm(bare="ifo"),
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
            _without(_lstm(), -1),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`.",
        ),
        Misconception(
            "the other bias",
            _without(_lstm(), -2),
            "The first bias is missing: add `b_ih` beside `x @ w_ih.T`.",
        ),
        Misconception(
            "state forgotten",
            _without(_lstm(), 1),
            "The old `h` has no effect on your sums: add `h @ w_hh.T`.",
        ),
        Misconception(
            "cut along the batch",
            _lstm_along_the_batch,
            "You cut the sums along the batch, the first dimension, which is what "
            "`chunk(4)` does. The four sums stand side by side in the last one: "
            "`chunk(4, dim=-1)`.",
        ),
        Misconception(
            "forget gate turned round",
            _lstm(keep=lambda f: 1 - f),
            "The old cell is multiplied by 1 - f in yours. f says how much is *kept*, "
            "in spite of its name: `f * c`.",
        ),
        Misconception(
            "nothing forgotten",
            _lstm(keep=torch.ones_like),
            "The old cell goes into the new one whole. The forget gate f decides how "
            "much of it is kept: `f * c`.",
        ),
        Misconception(
            "news without tanh",
            _lstm(news=_same),
            "You add g as a raw sum. The news is `tanh(g)`, a number from -1 to 1.",
        ),
        Misconception(
            "gates through tanh",
            _lstm(gate=torch.tanh),
            "You send the gates through tanh, so they may be negative. A gate is a "
            "number from 0 to 1: send i, f and o through a sigmoid.",
        ),
        Misconception(
            "news through a sigmoid, cell shown as it is",
            _lstm(news=torch.sigmoid, shown=_same),
            "Two things: g goes through a sigmoid in yours, but is the news, which "
            "may be negative: use tanh. And the output is `o * tanh(c)`, not `o * c`.",
        ),
        Misconception(
            "cut by reshape",
            lambda x, h, c, *weights: _lstm_of(
                _sum(x, h, *weights).reshape(4, *c.shape), c
            ),
            "Right for a batch of one only: `reshape(4, …)` cuts through the rows of "
            "the batch. The four sums stand side by side: `chunk(4, dim=-1)`.",
        ),
        Misconception(
            "every fourth number",
            lambda x, h, c, *weights: _lstm_of(
                _sum(x, h, *weights).unflatten(-1, (-1, 4)).unbind(-1), c
            ),
            "You take every fourth number of the sums for a gate, often by "
            "`reshape(N, H, 4)`. The sums i, f, g, o are four blocks of H numbers: "
            "`chunk(4, dim=-1)`, or `reshape(N, 4, H)`.",
        ),
        Misconception(
            "forget gate from i",
            _lstm_forgetting_by_i,
            "You keep 1 - i of the old cell, as a coupled LSTM does. Here the share "
            "kept has a gate of its own: f.",
        ),
        Misconception(
            "old cell detached",
            lambda x, h, c, *weights: _lstm()(x, h, c.detach(), *weights),
            "The values are right, but no gradient reaches the old cell: it is cut "
            "off (`.detach()`, `.data` or `.item()` does that).",
        ),
        Misconception(
            "news ungated",
            _lstm_with_ungated_news,
            "The news goes into the cell whole: the gate i has no effect. It decides "
            "how much of the news gets in: `i * tanh(g)`.",
        ),
        Misconception(
            "1 added to the forget gate",
            _lstm(keep=lambda f: (f.logit() + 1).sigmoid()),
            "You add 1 to the sum of the forget gate, as some libraries do. PyTorch "
            "does not: the gate is `sigmoid(f)`.",
        ),
    ),
    lambda: _step_cases(4, 2),
    _finite,
    hints=(
        "All four sums come from one formula: input and old state, each times its "
        "weight, and both biases. Cut the result into four parts of equal width.",
        "PyTorch stacks the parts as i, f, g, o. Three of them are gates and go "
        "through a sigmoid; which one is not?",
        "The new cell keeps `f * c` and adds `i` times the news; the new `h` shows "
        "the *new* cell through a tanh, times `o`.",
    ),
    parts=("the new `h`", "the new `c`"),
    arguments=("x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh"),
    forbidden=("nn.LSTM", "nn.LSTMCell"),
    differentiable=True,
)


def _gru(
    order: str = "rzn",
    keep_old: bool = True,
    inside: bool = True,
    news: Answer = torch.tanh,
) -> Answer:
    def step(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
        w_ih, w_hh, b_ih, b_hh = weights
        of_x = dict(zip(order, (x @ w_ih.T + b_ih).chunk(3, dim=-1), strict=True))
        of_h = dict(zip(order, (h @ w_hh.T + b_hh).chunk(3, dim=-1), strict=True))
        r, z = ((of_x[gate] + of_h[gate]).sigmoid() for gate in "rz")
        n = of_x["n"] + (r * of_h["n"] if inside else of_h["n"])
        n, z = news(n), z if keep_old else 1 - z
        return (1 - z) * n + z * h

    return step


def _gru_cut(cut: Callable[[Tensor], Iterable[Tensor]]) -> Answer:
    """Return the answer that cuts its sums into three by `cut`."""

    def step(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
        w_ih, w_hh, b_ih, b_hh = weights
        r_x, z_x, n_x = cut(x @ w_ih.T + b_ih)
        r_h, z_h, n_h = cut(h @ w_hh.T + b_hh)
        r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
        return (1 - z) * (n_x + r * n_h).tanh() + z * h

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


def _gru_gate(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    return _sum(x, h, *weights).chunk(3, dim=-1)[1].sigmoid()


def _whole_news(x: Tensor, h: Tensor, *weights: Tensor) -> Tensor:
    z, new = _gru_gate(x, h, *weights), _gru()(x, h, *weights)
    w_ih, w_hh, b_ih, b_hh = weights
    n_x = (x @ w_ih.T + b_ih).chunk(3, dim=-1)[2]
    n_h = (h @ w_hh.T + b_hh).chunk(3, dim=-1)[2]
    r = _sum(x, h, *weights).chunk(3, dim=-1)[0].sigmoid()
    return new + z * (n_x + r * n_h).tanh()


GRU_STEP = Exercise(
    "recurrent.gru_step",
    lambda x, h, w_ih, w_hh, b_ih, b_hh: _gru()(x, h, w_ih, w_hh, b_ih, b_hh),
    (
        *_other_orders("rzn", _gru),
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
            "no reset",
            _gru(inside=False),
            "r has no effect: it multiplies the state's part of the news, `r * (h @ "
            "w_hn.T + b_hn)`.",
        ),
        Misconception(
            "one bias",
            _without(_gru(), -1),
            "The second bias is missing: add `b_hh` beside `h @ w_hh.T`, before you "
            "multiply by r.",
        ),
        Misconception(
            "the other bias",
            _without(_gru(), -2),
            "The first bias is missing: add `b_ih` beside `x @ w_ih.T`.",
        ),
        Misconception(
            "order z r n, z turned round",
            _gru("zrn", keep_old=False),
            "Two things: you read the sums as z, r, n, but PyTorch stacks them as r, "
            "z, n. And z multiplies the old state, 1 - z the news.",
        ),
        Misconception(
            "news through a sigmoid",
            _gru(news=torch.sigmoid),
            "You send n through a sigmoid. It is not a gate but the news, which may "
            "be negative: use tanh.",
        ),
        Misconception(
            "news without tanh",
            _gru(news=_same),
            "You use n as a raw sum. The news is tanh of it, a number from -1 to 1.",
        ),
        Misconception(
            "cut along the batch",
            _gru_cut(lambda sums: sums.chunk(3)),
            "You cut the sums along the batch, the first dimension, which is what "
            "`chunk(3)` does. The three sums stand side by side in the last one: "
            "`chunk(3, dim=-1)`.",
        ),
        Misconception(
            "old state not kept",
            lambda x, h, *weights: (
                _gru()(x, h, *weights) - _gru_gate(x, h, *weights) * h
            ),
            "The old state is missing in your last sum: a share z of it is kept, `z * "
            "h`.",
        ),
        Misconception(
            "news whole",
            _whole_news,
            "The news goes in whole in yours. The shares must add up to 1: `(1 - z) * "
            "n + z * h`.",
        ),
        Misconception(
            "cut by reshape",
            _gru_cut(lambda sums: sums.reshape(3, len(sums), -1)),
            "Right for a batch of one only: `reshape(3, …)` cuts through the rows of "
            "the batch. The three sums stand side by side: `chunk(3, dim=-1)`.",
        ),
        Misconception(
            "every third number",
            _gru_cut(lambda sums: sums.unflatten(-1, (-1, 3)).unbind(-1)),
            "You take every third number of the sums for a gate, often by "
            "`reshape(N, H, 3)`. The sums r, z, n are three blocks of H numbers: "
            "`chunk(3, dim=-1)`, or `reshape(N, 3, H)`.",
        ),
        Misconception(
            "old state detached",
            lambda x, h, *weights: (
                _gru()(x, h, *weights) + _gru_gate(x, h, *weights) * (h.detach() - h)
            ),
            "The values are right, but the gradient of `h` is not: in `z * h` the old "
            "state is cut off (`.detach()`, `.data` or `.item()` does that).",
        ),
    ),
    lambda: _step_cases(3, 1),
    _finite,
    hints=(
        "For r and z, input and state may be added at once. For n they may not: keep "
        "`x @ w_ih.T + b_ih` and `h @ w_hh.T + b_hh` apart.",
        "Cut both into three parts, in the order r, z, n. r and z are gates, and go "
        "through a sigmoid.",
        "In n, r multiplies the state's part, its bias included; tanh of the sum is "
        "the news. z is the share of the *old* state in the result.",
    ),
    arguments=("x", "h", "w_ih", "w_hh", "b_ih", "b_hh"),
    forbidden=("nn.GRU", "nn.GRUCell"),
    differentiable=True,
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


def _clip_cases() -> list[Case]:
    # Short to look at, exactly at the limit, short enough though its square is not,
    # too long though its square is not, too long together though none is alone, zeros
    # alone and among others, one tensor.
    small = (
        [[0.0, 0.0], [0.0]],
        [[3.0], [4.0]],
        [[0.6, 0.8], [1.0, 2.0, 2.0]],
        [[0.3], [0.4]],
    )
    zero, exact, short, below_one = (
        [torch.tensor(part, device=current_device()) for part in parts]
        for parts in small
    )
    return [
        (short, 2.0),
        (exact, 5.0),
        (exact, 8.0),
        (below_one, 0.4),
        (list(randn((2, 3), (), (5,), seed=2)), 2.5),
        (zero, 1.0),
        ([zero[0], *randn((3, 2))], 0.5),
        (list(randn((3, 4), (5,), (2, 2))), 0.7),
        (list(randn((2, 3), (4,))), 50.0),
        (list(randn((7,))), 1.5),
    ]


def _clipped_if_one_is_too_long(gradients: _Gradients, most: float) -> _Gradients:
    if not any(g.norm().item() > most for g in gradients):
        return [1.0 * g for g in gradients]
    return [most / _length(gradients) * g for g in gradients]


CLIP = Exercise(
    "recurrent.clip",
    _clipped(_length),
    (
        Misconception(
            "always scaled",
            _scaled(lambda length, most: most / length),
            "You bring every gradient to the length `most`, short ones too (and 0 "
            "gives 0/0). Change only what is too long.",
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
            "some left unscaled",
            lambda gradients, most: [
                most / _length(gradients) * g if g.norm() > most else 1.0 * g
                for g in gradients
            ],
            "Your factor is right, but you leave a tensor alone whose own length is "
            "not above `most`. Compare the common length with `most`: all tensors are "
            "scaled, or none.",
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
            "You add the lengths of the tensors. They combine like the sides of a "
            "right triangle: add their squares, then take the square root.",
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
            "The gradients come out unchanged, even where they are too long: multiply "
            "all of them by one factor. (`clip_grad_norm_` does nothing here: it "
            "scales the `.grad` of the tensors it gets, and yours *are* gradients.)",
        ),
        Misconception(
            "division by zero",
            lambda gradients, most: [
                min(1.0, most / _length(gradients).item()) * g for g in gradients
            ],
            "Right, except where all gradients are 0: there their length is 0, and "
            "Python refuses to divide by it. Divide only where the length exceeds "
            "`most`.",
        ),
        Misconception(
            "zero divided by zero",
            lambda gradients, most: [
                g / _length(gradients) * _length(gradients).clamp(max=most)
                for g in gradients
            ],
            "Right, except where all gradients are 0: there 0/0 gives NaN. Divide "
            "only where the length exceeds `most`.",
        ),
        Misconception(
            "turned round",
            _scaled(lambda length, most: (length / most).clamp(max=1.0)),
            "You multiply by length / most, which shortens the short ones and leaves "
            "the long ones. The factor is most / length, where that is below 1.",
        ),
        Misconception(
            "made longer",
            _scaled(lambda length, most: length / most if length > most else 1.0),
            "Where the gradient is too long, you make it longer: by length / most. "
            "The factor is most / length.",
        ),
        Misconception(
            "divided by the length",
            _scaled(lambda length, most: 1 / length),
            "Every gradient comes out with the length 1. It should have the length "
            "`most`, and only where it was longer.",
        ),
        Misconception(
            "multiplied by most",
            _scaled(lambda length, most: most if length > most else 1.0),
            "You multiply by `most`, so the length comes out as most · length. "
            "Multiply by most / length.",
        ),
        Misconception(
            "mean of the squares",
            _clipped(
                lambda gradients: (
                    _length(gradients) / sum(g.numel() for g in gradients) ** 0.5
                )
            ),
            "Your length is the root of the *mean* of the squares. Take the root of "
            "their sum.",
        ),
        Misconception(
            "absolute values added",
            _clipped(
                lambda gradients: torch.stack([g.abs().sum() for g in gradients]).sum()
            ),
            "Your length is the sum of the absolute values. Take the root of the sum "
            "of the squares.",
        ),
        Misconception(
            "largest number",
            _clipped(
                lambda gradients: torch.stack([g.abs().max() for g in gradients]).max()
            ),
            "You compare the largest number with `most`. The length counts all of "
            "them: the root of the sum of their squares.",
        ),
        Misconception(
            "zeros where too long",
            _scaled(lambda length, most: 1.0 if length <= most else 0.0),
            "Where the gradient is too long, you return zeros. Scale it down, so that "
            "its direction stays.",
        ),
        Misconception(
            "squares compared",
            _scaled(lambda length, most: most / length if length**2 > most else 1.0),
            "You compare the sum of the squares with `most`, so gradients of the wrong "
            "lengths are scaled. Compare its root, the length.",
        ),
        Misconception(
            "stacked",
            _clipped(lambda gradients: torch.stack(gradients).norm()),
            "`torch.stack` joins only tensors of one shape, and these have several. "
            "Sum the squares of each tensor by itself, then add these sums.",
        ),
        Misconception(
            "joined",
            _clipped(lambda gradients: torch.cat(gradients).norm()),
            "`torch.cat` joins only tensors whose shapes agree, and these do not. Sum "
            "the squares of each tensor by itself, then add these sums.",
        ),
        Misconception(
            "always scaled, zeros left",
            _scaled(lambda length, most: most / length if length > 0 else 1.0),
            "You bring every gradient to the length `most`, short ones too. Change "
            "only what is longer than `most`.",
        ),
        Misconception(
            "scaled only if one is too long",
            _clipped_if_one_is_too_long,
            "Nothing is scaled where the common length exceeds `most`, but no single "
            "one does: you compare each tensor's own length. Compare the common one.",
        ),
    ),
    _clip_cases,
    hints=(
        "Which single number tells whether the gradients, all together, are too long?",
        "`g.square().sum()` is one number for a tensor of any shape. Add these "
        "numbers, and take the root of the sum.",
        "Where that length exceeds `most`, multiply every tensor by the same factor: "
        "`most` divided by the length. Elsewhere the factor is 1.",
    ),
)


_Rows = list[list[float]]


def _weights(w_ih: _Rows, w_hh: _Rows) -> Answer:
    return lambda: (torch.tensor(w_ih), torch.tensor(w_hh))


_TAKE: _Rows = [[1.0], [0.0]]
_PASS_ON: _Rows = [[0.0, 0.0], [1.0, 0.0]]


_RIGHT_KIND = "two tensors: (2, 1) float32 and (2, 2) float32"


def _kind(weights: Any) -> str:
    """Say what a design returns: "two tensors: (2, 1) float32 and (2, 2) float32"."""
    if not isinstance(weights, tuple | list):
        return f"one {type(weights).__name__}"
    if len(weights) != 2 or not all(isinstance(w, Tensor) for w in weights):
        return f"{len(weights)} of: {', '.join(type(w).__name__ for w in weights)}"
    kinds = [f"{tuple(w.shape)} {w.dtype}".replace("torch.", "") for w in weights]
    return f"two tensors: {' and '.join(kinds)}"


def _apply_delay(design: Answer, x: Tensor, start: Tensor | None) -> Tensor | None:
    """Return the states that an RNN with these weights goes through."""
    weights = design()
    if weights is None or weights is ...:
        return None
    if (kind := _kind(weights)) != _RIGHT_KIND:
        raise TypeError(f"Return {_RIGHT_KIND}. You return {kind}.")
    w_ih, w_hh = (weight.detach().to(x.device) for weight in weights)
    net = nn.RNN(1, 2, nonlinearity="relu", bias=False, device=x.device)
    net.load_state_dict({"weight_ih_l0": w_ih, "weight_hh_l0": w_hh})
    return net(x, start)[0].detach()


def _as(kind: Callable[[Tensor, Tensor], Any], name: str, hint: str) -> Misconception:
    """Return the mistake of giving right weights as something else."""
    return Misconception(name, lambda: kind(*_weights(_TAKE, _PASS_ON)()), hint)


# The check looks at the kind before it looks at the numbers.
_WRONG_KINDS = (
    _as(
        lambda w_ih, w_hh: (w_ih.long(), w_hh.long()),
        "whole numbers",
        "Your tensors hold whole numbers, which an RNN cannot take as weights. Write "
        "1.0 and 0.0, so that they are floats.",
    ),
    _as(
        lambda w_ih, w_hh: (w_ih.double(), w_hh.double()),
        "float64",
        "Your tensors are float64. PyTorch's layers have float32 weights, which is "
        "what `torch.tensor` makes of 1.0 and 0.0 by itself: leave `dtype` out.",
    ),
    _as(
        lambda w_ih, w_hh: (w_ih.flatten(), w_hh),
        "w_ih flat",
        "`w_ih` has the shape (2,) in yours. It has one row per unit and one column "
        "per input, (2, 1): `[[…], […]]`.",
    ),
    _as(
        lambda w_ih, w_hh: (w_ih.T, w_hh),
        "w_ih as a row",
        "`w_ih` has the shape (1, 2) in yours. It has one row per unit and one column "
        "per input, (2, 1): `[[…], […]]`.",
    ),
    _as(
        lambda w_ih, w_hh: (w_ih.tolist(), w_hh.tolist()),
        "lists",
        "You return lists. Make tensors of them: `torch.tensor([[…], […]])`.",
    ),
    _as(
        lambda w_ih, w_hh: (w_hh, w_ih),
        "order",
        "You return `w_hh` first. The order is `w_ih`, `w_hh`.",
    ),
    _as(
        lambda w_ih, w_hh: w_ih,
        "one weight",
        "You return one tensor. Return two: `w_ih`, `w_hh`.",
    ),
)


def _delay_cases() -> list[Case]:
    # The last does not start from zeros: so no weight is without effect.
    steps = torch.tensor([[[2.0]], [[0.0]], [[3.0]], [[1.0]]], device=current_device())
    drawn, start = (part.abs() for part in randn((5, 3, 1), (1, 3, 2)))
    return [
        (steps, None),
        (drawn, None),
        (drawn, start),
    ]


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
            "The weights into unit 1 are right. But unit 0 also keeps its old state "
            "and adds the new number to it: its own weight must be 0.",
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
            "The weights into unit 1 are right. But unit 1 also passes its state back "
            "to unit 0, so a number never leaves. `w_hh[0, 1]` must be 0.",
        ),
        Misconception(
            "no recurrence",
            _weights([[1.0], [1.0]], [[0.0, 0.0], [0.0, 0.0]]),
            "Without `w_hh` there is no memory: both units hold the current number.",
        ),
        Misconception(
            "unit 1 empty",
            _weights(_TAKE, [[0.0, 0.0], [0.0, 0.0]]),
            "Unit 0 is right. Unit 1 stays 0: it must take over what unit 0 held, by "
            "an entry of `w_hh`.",
        ),
        Misconception(
            "unit 1 keeps alone",
            _weights(_TAKE, [[0.0, 0.0], [0.0, 1.0]]),
            "Unit 0 is right. Unit 1 reads only itself, so it stays 0: it must read "
            "unit 0, by the entry in row 1, column 0.",
        ),
        Misconception(
            "every unit reads both",
            _weights(_TAKE, [[1.0, 1.0], [1.0, 1.0]]),
            "Every unit reads both old states. Only one entry of `w_hh` should not be "
            "0: that by which unit 1 reads unit 0.",
        ),
        *_WRONG_KINDS,
        Misconception(
            "unit 0 subtracts unit 1",
            _weights(_TAKE, [[0.0, -1.0], [1.0, 0.0]]),
            "Unit 0 subtracts what unit 1 holds. Nothing needs to be forgotten: a "
            "state holds only what its weights bring in, anew at each step. Row 0 of "
            "`w_hh` is 0.",
        ),
    ),
    _delay_cases,
    _apply_delay,
    result="network's output",
    hints=(
        "Write down what each unit must hold: unit 0 the number just read, unit 1 "
        "what unit 0 held one step ago. Which of the two needs `w_ih`?",
        "Row i of a weight belongs to unit i, the one that receives; a column to what "
        "it reads. With nothing but 0 and 1 it can be done.",
        "Each of the two weights has a single 1: in `w_ih` in the row of unit 0, in "
        "`w_hh` in the row of unit 1.",
    ),
    arguments=("the numbers read", "the states before"),
)


def _reader(
    *, time_first: bool = False, last: Answer | None = None, kept: bool = False
) -> type[nn.Module]:
    """Return the class of the repair, with the faults asked for."""

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(50, 8)
            self.gru = nn.GRU(8, 12, batch_first=not time_first)
            self.head = nn.Linear(12, 3)
            self.state: Tensor | None = None

        def forward(self, tokens: Tensor) -> Tensor:
            output, state = self.gru(self.embed(tokens), self.state)
            self.state = state.detach() if kept else None
            return self.head((last or _last_word)(output, tokens))

    return Reader


def _last_word(output: Tensor, tokens: Tensor) -> Tensor:
    rows = torch.arange(len(tokens), device=tokens.device)
    return output[rows, (tokens > 0).sum(1) - 1]


def _last_place(output: Tensor, tokens: Tensor) -> Tensor:
    return output[:, -1]


def _mean_word(output: Tensor, tokens: Tensor) -> Tensor:
    real = (tokens > 0)[..., None]
    return (output * real).sum(1) / real.sum(1)


_READER_SIZES = {
    "embed.weight": (50, 8),
    "gru.weight_ih_l0": (36, 8),
    "gru.weight_hh_l0": (36, 12),
    "gru.bias_ih_l0": (36,),
    "gru.bias_hh_l0": (36,),
    "head.weight": (3, 12),
    "head.bias": (3,),
}


def _scores_of(reader_class: Answer, tokens: Tensor) -> Any:
    """Return the scores of the second of two calls, with weights of ours."""
    reader = reader_class()
    sizes = {name: tuple(p.shape) for name, p in reader.named_parameters()}
    if sizes != _READER_SIZES:
        raise ValueError(
            "Keep the layers and their names: `embed` is `nn.Embedding(50, 8)`, `gru` "
            "an `nn.GRU(8, 12, …)`, `head` is `nn.Linear(12, 3)`."
        )
    reader.to(current_device())
    drawn = randn(*_READER_SIZES.values(), seed=4)
    with torch.no_grad():
        for parameter, value in zip(reader.parameters(), drawn, strict=True):
            parameter.copy_(value)
        reader(tokens.flip(0))  # what was read before must not matter
        return reader(tokens)


def _token_cases() -> list[Case]:
    rows = (
        [[7, 3, 12, 0, 0], [4, 44, 9, 31, 2], [5, 0, 0, 0, 0]],
        [[8, 1, 0, 0], [3, 9, 2, 6]],
        [[6, 2], [49, 0], [1, 1]],
        [[3, 9, 2, 0, 0, 0, 0], [2, 11, 0, 0, 0, 0, 0]],
    )
    return [(torch.tensor(tokens, device=current_device()),) for tokens in rows]


REPAIR = Exercise(
    "recurrent.repair",
    _reader(),
    (
        Misconception(
            "broken as it was",
            _reader(time_first=True, last=_last_place, kept=True),
            "Nothing has changed yet. Three things are wrong: the axis that the GRU "
            "takes for time, the place that the head reads, and what is left in the "
            "reader after a call.",
        ),
        Misconception(
            "time first, last place",
            _reader(time_first=True, last=_last_place),
            "Calls don't touch each other any more. The GRU still takes the batch for "
            "time, and the head still reads the last place, padding or not.",
        ),
        Misconception(
            "time first, state kept",
            _reader(time_first=True, kept=True),
            "The head reads the right place. The GRU still takes the batch for time, "
            "and a call still starts from the state of the call before.",
        ),
        Misconception(
            "last place, state kept",
            _reader(last=_last_place, kept=True),
            "The GRU reads along time now. The head still reads the last place, "
            "padding or not, and a call still starts from the state of the one before.",
        ),
        Misconception(
            "time first",
            _reader(time_first=True),
            "The GRU still takes the first dimension for time, and that is the batch: "
            "each sentence depends on those above it.",
        ),
        Misconception(
            "last place",
            _reader(last=_last_place),
            "The head reads the last place. For a short sentence that is padding: read "
            "the state after its last word.",
        ),
        Misconception(
            "state kept",
            _reader(kept=True),
            "A call still starts from the state of the call before. New sentences "
            "start from nothing.",
        ),
        Misconception(
            "mean of the states",
            _reader(last=_mean_word),
            "This is the mean of the states at the words. The text asks for the state "
            "after the last word.",
        ),
        Misconception(
            "one place late",
            _reader(
                last=lambda output, tokens: output[
                    torch.arange(len(tokens), device=tokens.device),
                    (tokens > 0).sum(1).clamp(max=tokens.shape[1] - 1),
                ]
            ),
            "You read one place too late, where there is one. Places count from 0: a "
            "sentence of 3 words ends at place 2.",
        ),
    ),
    _token_cases,
    _scores_of,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "The GRU is told with one argument that the batch comes first. How many words "
        "has each sentence, if 0 is padding?",
        "Two index tensors pick one place of each sentence: "
        "`torch.arange(len(tokens))` and the number of its words minus 1. And nothing "
        "is stored in `self`.",
    ),
    result="scores",
    arguments=("tokens",),
)


_MET = "every demand is met"


class _Next(nn.Module):
    """A language model: an embedding, a recurrent layer, scores."""

    def __init__(
        self, bias: float, hidden: int, time_first: bool, both: bool, only_last: bool
    ) -> None:
        super().__init__()
        self.only_last = only_last
        self.table = nn.Embedding(32, 16)
        self.lstm = nn.LSTM(16, hidden, batch_first=not time_first, bidirectional=both)
        self.scores = nn.Linear(2 * hidden if both else hidden, 32)
        with torch.no_grad():
            for name, parameter in self.lstm.named_parameters():
                if "bias_ih" in name:
                    parameter[hidden : 2 * hidden] += bias

    def forward(self, tokens: Tensor) -> Tensor:
        output = self.lstm(self.table(tokens))[0]
        return self.scores(output[:, -1] if self.only_last else output)


def _model(
    bias: float = 4.0,
    hidden: int = 32,
    time_first: bool = False,
    both: bool = False,
    only_last: bool = False,
) -> Answer:
    return lambda: _Next(bias, hidden, time_first, both, only_last)


@torch.no_grad()
def _unmet(answer: Answer, seed: int) -> Any:
    """Say the first demand of the design that a network does not meet."""
    torch.manual_seed(seed)
    net = answer()
    if not isinstance(net, nn.Module):
        return net
    net = net.to(current_device()).eval()
    if sum(parameter.numel() for parameter in net.parameters()) > 10_000:
        return "the network has more than 10,000 parameters"
    tokens = torch.randint(32, (4, 60), generator=torch.Generator().manual_seed(seed))
    tokens = tokens.to(current_device())
    scores = net(tokens)
    if not isinstance(scores, Tensor) or scores.shape != (4, 60, 32):
        return "tokens of shape (4, 60) don't give scores of shape (4, 60, 32)"

    def moved(row: int, place: int) -> Tensor:
        """Return how far each place's scores move with one token, (4, 60)."""
        moves = []
        for step in (5, 11, 16):
            other = tokens.clone()
            other[row, place] = (other[row, place] + step) % 32
            moves.append((net(other) - scores).abs().amax(-1))
        return torch.stack(moves).mean(0)

    early, late, middle = moved(0, 0), moved(0, 59), moved(3, 30)
    if max(early[1:].max(), late[1:].max(), middle[:3].max()) > 1e-6:
        return "an example's scores change with another example's tokens"
    if max(late[0, :59].max(), middle[3, :30].max()) > 1e-6:
        return "scores change with a token that comes later"
    if late[0, 59] == 0 or early[0, 0] == 0:
        return "scores don't change with their own token"
    if early[0, 59] < 0.01 * early[0, 0]:
        return "59 steps on, less than 1 % of a token's effect is left"
    return _MET


DESIGN = Exercise(
    "recurrent.design",
    _model(),
    (
        Misconception(
            "gate half closed",
            _model(bias=0.0),
            "Within the budget and in order, but it forgets: after 59 steps less than "
            "1 % of a token's effect is left. What decides how much of its state a new "
            "layer keeps at each step, and what is that to the power of 59?",
        ),
        Misconception(
            "too many parameters",
            _model(hidden=64),
            "Over the budget of 10,000 parameters. An LSTM has 4 H (in + H + 2) of "
            "them: what H can you afford?",
        ),
        Misconception(
            "batch taken for time",
            _model(time_first=True),
            "An example's scores change with the tokens of another one: your layer "
            "takes the batch for time.",
        ),
        Misconception(
            "both directions",
            _model(both=True, hidden=16),
            "Scores change with a token that comes later, as with two directions. Who "
            "predicts the next token must not have read it.",
        ),
        Misconception(
            "last state only",
            _model(only_last=True),
            "The shape is wrong. A prediction is asked for at every place: `output` "
            "has a state for each, so don't pick the last.",
        ),
    ),
    lambda: [(1,), (2,), (3,)],
    _unmet,
    hints=(
        "Which layer can keep a number for long, and by which of its parameters does "
        "it decide how much it keeps?",
        "To keep 1 % over 59 steps, a gate must be above 0.01 ** (1 / 59), which is "
        "0.925, with some room. Which bias gives that to a sigmoid?",
        "An embedding, an LSTM with `batch_first=True` whose forget bias you set after "
        "making it, a linear layer on all of `output`. Then count.",
    ),
    result="network",
    arguments=("seed",),
)

EXERCISES = (
    SHAPES,
    COUNT,
    LAST_VALID,
    JACOBIAN,
    LSTM_STEP,
    GRU_STEP,
    CLIP,
    DELAY,
    REPAIR,
    DESIGN,
)
