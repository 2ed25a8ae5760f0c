"""The repair shop: ten functions that worked until somebody changed a line.

What a function must do is measured on cases drawn at random, beside torch's own layers
where there is one. The broken lines, and the right ones, stand elsewhere.
"""

import ast
import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from course_utils.exercises.explain import explain
from course_utils.labs.model import FOR_TEACHER, Item, Lab, Score, Task
from course_utils.labs.returned import Unfit, tensor_of
from course_utils.labs.work import Work

ROUNDS = 4  # how often each function is tried
_MOST_CHANGED = 3  # lines
_WORDS = 5, 30  # of an explanation
_ALIKE = 0.8  # share of words, from which on two explanations are one
_MENDED = Item("mended", 2, "The function does what its text says.")
_FOUND = Item(
    "found", 1, "It was mended by a change of three lines at most: the rest was right."
)
_EXPLAINED = Item(
    "explained",
    1,
    "It is mended, and its docstring says in 5 to 30 words what was wrong.",
)
_OPENLY = "Counted when graded."


@dataclass(frozen=True)
class Case:
    """A function of the shop.

    Attributes:
        name: of the function.
        title: as on the page.
        takes: its parameters.
        draw: returns the arguments of one call, given a generator and the round.
        check: raises `Unfit` where what came back for these arguments is wrong.
    """

    name: str
    title: str
    takes: Sequence[str]
    draw: Callable[[Generator, int], tuple[Any, ...]]
    check: Callable[[Any, Sequence[Any]], None]


def _measure(case: Case, work: Work) -> Iterator[Score]:
    """Yield what a function is worth; unless it is mended, nothing else counts."""
    trouble = _trouble(case, work)
    if trouble:
        yield _MENDED.none(trouble)
    else:
        yield _MENDED.full(f"Right in {ROUNDS} cases of {ROUNDS}.")
    if not work.graded:
        yield from (item.later(_OPENLY) for item in (_FOUND, _EXPLAINED))
        return
    if trouble:
        yield from (item.none("It is not mended.") for item in (_FOUND, _EXPLAINED))
        return
    yield _explained(work)
    changed = changed_lines(work.stub, work.source, case.name)
    if changed <= _MOST_CHANGED:
        yield _FOUND.full(f"Changed lines: {changed}.")
    else:
        why = f"{changed} lines were changed, and {_MOST_CHANGED} would have done."
        yield _FOUND.none(why)


def _trouble(case: Case, work: Work) -> str:
    """Say what is wrong with a function; "" if nothing is."""
    for number in range(ROUNDS):
        arguments = case.draw(work.generator("shop", case.name, number), number)
        try:
            case.check(work.call(*arguments), arguments)
        except Unfit as error:
            said = str(error)
            return f"In case {number + 1} of {ROUNDS}: {said}"
        except Exception as error:
            return " ".join(explain(error))
    return ""


def changed_lines(stub: str, source: str, name: str) -> int:
    """Count the lines of a function that differ from the stub's.

    Comments, spacing and the docstring count for nothing.

    >>> changed_lines("def f(x):\\n    return x", "def f(x):\\n    return 2*x", "f")
    1
    """
    before, after = _lines(stub, name), _lines(source, name)
    changed = 0
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        changed += 0 if kind == "equal" else max(b - a, d - c)
    return changed


def _lines(source: str, name: str) -> list[str]:
    """Return the lines of a cell in one spelling, without the function's docstring."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return [line for line in ast.unparse(tree).splitlines() if line]


def _explained(work: Work) -> Score:
    """Mark the docstring: by its length, and by words that the right one must have."""
    text = work.docstring.lower()
    if text.strip() == _own_docstring(work.stub).lower().strip():
        return _EXPLAINED.none("The docstring is as it was.")
    words = _words(text)
    count, (least, most) = len(words), _WORDS
    if not least <= count <= most:
        return _EXPLAINED.none(
            f"The docstring has {count} words, not {least} to {most}."
        )
    if any(alike(text, other) for other in work.docstrings):
        return _EXPLAINED.none(
            "Nearly the same sentence stands in another task: each fault has its own."
        )
    groups = work.key.get("words")
    if not groups:
        return _EXPLAINED.none(f"{FOR_TEACHER}no key lies beside this lab.")
    if all(names(text, group) for group in groups):
        return _EXPLAINED.full("It names what was wrong.")
    return _EXPLAINED.none(
        f"{FOR_TEACHER}it lacks an expected word. A sentence that has all: "
        f"{work.key['cause']}"
    )


def names(text: str, words: Sequence[str]) -> bool:
    """Tell whether a text has one of these words, or a longer one that begins so.

    >>> names("the signs and the padding", ["sign"]), names("by design", ["sign"])
    (True, False)
    """
    return any(re.search(_beginning(word), text) for word in words)


def _beginning(word: str) -> str:
    """Return the pattern of a word: not inside another, nor a part of a number."""
    before = r"(?<![^\W_])" if word[0].isalnum() else ""
    after = r"(?!\d)" if word[-1].isdigit() else ""
    return before + re.escape(word) + after


def alike(text: str, other: str) -> bool:
    """Tell whether two explanations are nearly the same, whichever comes first.

    >>> alike("It took the mean of each row.", "It took the sum of each row.")
    True
    >>> alike("It took the mean of each row.", "It took a row for a column.")
    False
    """
    pair = sorted((_words(text), _words(other)))
    return difflib.SequenceMatcher(None, *pair, autojunk=False).ratio() >= _ALIKE


def _words(text: str) -> list[str]:
    return re.findall(r"\w[\w'’-]*", text.lower())


def _own_docstring(stub: str) -> str:
    try:
        found = [n for n in ast.parse(stub).body if isinstance(n, ast.FunctionDef)]
    except SyntaxError:
        return ""
    return ast.get_docstring(found[-1]) or "" if found else ""


# --- comparing ------------------------------------------------------------------


def _same(found: Any, expected: Tensor, what: str = "The result") -> None:
    """Raise `Unfit` unless a result is that tensor, nearly."""
    own = tensor_of(found, tuple(expected.shape), what).double()
    difference = (own - expected).abs().max() if own.numel() else torch.zeros(())
    if not torch.allclose(own, expected.double(), rtol=1e-3, atol=1e-4):
        raise Unfit(f"{what} is off by up to {float(difference):.3g}.")


def _same_pair(found: Any, expected: Sequence[Tensor], names: Sequence[str]) -> None:
    if not isinstance(found, tuple | list) or len(found) != len(expected):
        raise Unfit(f"The result is no tuple of {len(expected)} tensors.")
    for value, wanted, name in zip(found, expected, names, strict=True):
        _same(value, wanted, name)


def _randn(generator: Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _whole(generator: Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high."""
    return int(torch.randint(low, high + 1, (), generator=generator))


# --- the cases ------------------------------------------------------------------


def _draw_scale(g: Generator, number: int) -> tuple[Any, ...]:
    columns = _whole(g, 2, 5)
    spread, middle = torch.rand(columns, generator=g) * 4 + 0.3, 3 * _randn(g, columns)
    rows = 2 if number == 0 else _whole(g, 3, 9)
    train = _randn(g, _whole(g, 6, 20), columns) * spread + middle
    return train, _randn(g, rows, columns) * spread + middle + 1


def _check_scale(found: Any, args: Sequence[Any]) -> None:
    train, test = (part.double() for part in args)
    std, mean = torch.std_mean(train, dim=0)
    expected = (train - mean) / std, (test - mean) / std
    _same_pair(found, expected, ("The training table", "The test table"))


def _draw_regress(g: Generator, number: int) -> tuple[Any, ...]:
    x = _randn(g, _whole(g, 5, 12), _whole(g, 1, 4))
    y = x @ _randn(g, x.shape[1]) + 2 + 0.3 * _randn(g, len(x))
    return x, y, (1, 2, 20, 40)[number], 0.05


def _check_regress(found: Any, args: Sequence[Any]) -> None:
    x, y, steps, rate = args
    # With a column of ones the bias is one more weight.
    x = torch.cat([x, torch.ones(len(x), 1)], dim=1).double()
    both = torch.zeros(x.shape[1], dtype=torch.float64)
    pull = x.T @ x * (2 / len(x)), x.T @ y.double() * (2 / len(x))
    for _ in range(steps):
        both = both - rate * (pull[0] @ both - pull[1])
    _same_pair(found, (both[:-1], both[-1:]), ("The weight", "The bias"))


def _draw_start(g: Generator, number: int) -> tuple[Any, ...]:
    return _whole(g, 3, 6), _whole(g, 70, 110), _whole(g, 0, 2**30)


def _check_start(found: Any, args: Sequence[Any]) -> None:
    depth, width, _ = args
    if not isinstance(found, list | tuple) or len(found) != depth:
        raise Unfit(f"The result is no list of {depth} weights.")
    weights = [tensor_of(w, (width, width), "A weight").double() for w in found]
    for weight in weights:
        ratio = float(weight.square().mean().sqrt()) / (2 / width) ** 0.5
        if not 0.93 < ratio < 1.07:
            raise Unfit(
                "The signal's size is kept through ReLU if the weights' standard "
                f"deviation is 1; in that unit it is {ratio:.3g}."
            )
    flat = torch.stack([weight.flatten() for weight in weights])
    alike = (torch.corrcoef(flat) - torch.eye(depth)).abs().max()
    if alike > 0.2:
        raise Unfit(f"Two layers' weights correlate by {float(alike):.2f}, not by 0.")


def _draw_drop(g: Generator, number: int) -> tuple[Any, ...]:
    n, d, hidden, out = (_whole(g, 2, 7) for _ in range(4))
    noise, p = torch.rand(n, hidden, generator=g), 0.2 + 0.1 * _whole(g, 0, 4)
    weights = _randn(g, d, hidden), _randn(g, hidden, out)
    return _randn(g, n, d), *weights, noise, p, number % 2 == 0


def _check_drop(found: Any, args: Sequence[Any]) -> None:
    x, first, second, noise, p, training = args
    share = (noise >= p) / (1 - p) if training else torch.ones(())
    _same(found, ((x @ first).clamp(min=0) * share) @ second)


def _draw_follow(g: Generator, number: int) -> tuple[Any, ...]:
    columns = _whole(g, 2, 4)
    batches = [
        2 * _randn(g, _whole(g, 3, 6), columns) + 1 for _ in range(_whole(g, 1, 5))
    ]
    return batches, (0.1, 0.3, 0.05, 0.2)[number]


def _check_follow(found: Any, args: Sequence[Any]) -> None:
    batches, momentum = args
    layer = nn.BatchNorm1d(batches[0].shape[1], momentum=momentum)
    for batch in batches:
        layer(batch)
    expected = [buffer for name, buffer in layer.named_buffers() if "running" in name]
    _same_pair(found, expected, ("The running mean", "The running variance"))


def _draw_convolve(g: Generator, number: int) -> tuple[Any, ...]:
    n, out, size = 1 if number == 0 else _whole(g, 2, 4), _whole(g, 2, 4), 4
    kernels = _randn(g, out, 2, 3, 3)
    weight = _randn(g, 3, out * (size // 2) ** 2)
    return _randn(g, n, 2, size, size), kernels, weight, _randn(g, 3)


def _check_convolve(found: Any, args: Sequence[Any]) -> None:
    images, kernels, weight, bias = args
    maps = F.relu(F.conv2d(images, kernels, padding=1))
    n, channels, size, _ = maps.shape
    windows = maps.view(n, channels, size // 2, 2, size // 2, 2)
    _same(found, F.linear(windows.amax((3, 5)).view(n, -1), weight, bias))


def _draw_recur(g: Generator, number: int) -> tuple[Any, ...]:
    n, steps, d, hidden = _whole(g, 3, 5), _whole(g, 4, 6), 3, _whole(g, 2, 4)
    lengths = torch.randint(2, steps + 1, (n,), generator=g)
    lengths[0], lengths[1] = 1, steps
    x = _randn(g, n, steps, d)
    return x, lengths, _randn(g, d, hidden), _randn(g, hidden, hidden)


def _check_recur(found: Any, args: Sequence[Any]) -> None:
    x, lengths, into, across = args
    layer = nn.RNN(len(into), len(across), bias=False, batch_first=True)
    weights = list(layer.parameters())
    with torch.no_grad():
        for own, given in zip(weights, (into.T, across.T), strict=True):
            own.copy_(given)
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        _, last = layer(packed)
        _same(found, last[0])


def _draw_attend(g: Generator, number: int) -> tuple[Any, ...]:
    shape = _whole(g, 1, 3), _whole(g, 2, 6), _whole(g, 3, 9)
    return _randn(g, *shape), _randn(g, *shape), _randn(g, *shape)


def _check_attend(found: Any, args: Sequence[Any]) -> None:
    _same(found, F.scaled_dot_product_attention(*args, is_causal=True))


def _draw_predict(g: Generator, number: int) -> tuple[Any, ...]:
    size = _whole(g, 3, 6)
    tokens = torch.randint(0, size, (_whole(g, 20, 40),), generator=g)
    return tokens, size, (1, 3, 20, 30)[number], 2.0


def _check_predict(found: Any, args: Sequence[Any]) -> None:
    tokens, size, steps, rate = args
    pairs = F.one_hot(tokens[:-1] * size + tokens[1:], size * size).sum(0).double()
    counts = pairs.view(size, size)
    table = torch.zeros(size, size, dtype=torch.float64)
    for _ in range(steps):  # the slope of a softmax's loss: share minus count
        slope = table.softmax(1) * counts.sum(1, keepdim=True) - counts
        table = table - rate * slope / (len(tokens) - 1)
    _same(found, table.softmax(1))


def _draw_block(g: Generator, number: int) -> tuple[Any, ...]:
    n, channels, size = _whole(g, 1, 3), _whole(g, 2, 4), _whole(g, 3, 6)
    kernels = [_randn(g, channels, channels, 3, 3) / 3 for _ in range(2)]
    return _randn(g, n, channels, size, size), *kernels


def _check_block(found: Any, args: Sequence[Any]) -> None:
    x, first, second = args
    inside = nn.Sequential(
        nn.Conv2d(x.shape[1], x.shape[1], 3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(x.shape[1], x.shape[1], 3, padding=1, bias=False),
    )
    with torch.no_grad():
        for own, given in zip(inside.parameters(), (first, second), strict=True):
            own.copy_(given)
        _same(found, F.relu(x + inside(x)))


CASES = (
    Case(
        "scale", "Two tables, one scale", ("train", "test"), _draw_scale, _check_scale
    ),
    Case(
        "regress",
        "A line by gradient descent",
        ("x", "y", "steps", "rate"),
        _draw_regress,
        _check_regress,
    ),
    Case(
        "start",
        "Weights to start from",
        ("depth", "width", "seed"),
        _draw_start,
        _check_start,
    ),
    Case(
        "drop",
        "A network with dropout",
        ("x", "first", "second", "noise", "p", "training"),
        _draw_drop,
        _check_drop,
    ),
    Case(
        "follow",
        "Running statistics",
        ("batches", "momentum"),
        _draw_follow,
        _check_follow,
    ),
    Case(
        "convolve",
        "From images to scores",
        ("images", "kernels", "weight", "bias"),
        _draw_convolve,
        _check_convolve,
    ),
    Case(
        "recur",
        "The last state of each sequence",
        ("x", "lengths", "into", "across"),
        _draw_recur,
        _check_recur,
    ),
    Case(
        "attend",
        "Attention that looks back",
        ("queries", "keys", "values"),
        _draw_attend,
        _check_attend,
    ),
    Case(
        "predict",
        "The next token",
        ("tokens", "size", "steps", "rate"),
        _draw_predict,
        _check_predict,
    ),
    Case(
        "block",
        "A residual block",
        ("x", "first", "second"),
        _draw_block,
        _check_block,
    ),
)
_RUBRIC = (_MENDED, _FOUND, _EXPLAINED)
LAB = Lab(
    "shop",
    [
        Task(f"shop.{c.name}", c.title, c.takes, _RUBRIC, partial(_measure, c))
        for c in CASES
    ],
)
