"""How lesson 10's answers are watched at work: data, training, a design."""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import Dataset

from course_utils.data.sketches import load_sketches
from course_utils.exercises.cases import Fact
from course_utils.exercises.compare import describe, difference
from course_utils.exercises.model import Answer
from course_utils.session import current_device


def one_item(
    answer: Answer, images: Tensor, labels: Tensor, mean: float, std: float, i: int
) -> Any:
    """Make a dataset by an answer; return its length and an item, or what is odd.

    >>> images, labels = torch.ones(3, 28, 28).byte(), torch.tensor([4, 5, 6])
    >>> one_item(lambda *arguments: 7, images, labels, 0.3, 0.4, 0)
    'your class makes int 7, not a `Dataset`'
    """
    dataset = answer(images, labels, mean, std)
    if dataset is None:
        return None
    if not isinstance(dataset, Dataset):
        if hasattr(dataset, "__getitem__") and not isinstance(dataset, Tensor | str):
            return Fact("the class is not written as one of `Dataset`")
        return Fact(f"your class makes {describe(dataset)}, not a `Dataset`")
    if type(dataset).__getitem__ is Dataset.__getitem__:
        return Fact("there is no `__getitem__`")
    if not hasattr(dataset, "__len__"):
        return Fact("there is no `__len__`")
    item, _, again = dataset[i], dataset[i - 1], dataset[i]
    if item is None:
        return Fact("item i is None: `__getitem__` may lack a `return`")
    if not isinstance(item, tuple | list) or len(item) != 2:
        return Fact(f"item i is {describe(item)}, not a pair")
    if difference(again, item):
        return Fact("item i is another one when it is asked for again")
    picture, label = item
    sized: Any = dataset
    return len(sized), picture, _whole(label)


def _whole(label: Any) -> Any:
    """Return a label as a number of Python, or a fact if it is no whole number."""
    if isinstance(label, Tensor) and label.numel() == 1:
        if label.dim():
            return Fact(f"a tensor of shape {tuple(label.shape)}, not one number")
        label = label.item()
    if isinstance(label, float):
        return Fact("a float, not a whole number")
    return label


def all_batches(answer: Answer, x: Tensor, y: Tensor, size: int, seed: int) -> Any:
    """Take all batches of an answer; return their sizes, or what is wrong with them.

    >>> x, y = torch.ones(3, 2), torch.tensor([4, 5, 6])
    >>> all_batches(lambda *arguments: (x[:2], y[:2]), x, y, 2, 0)
    'one pair of tensors, not batches'
    """
    generator, other = torch.Generator(), torch.Generator()
    generator.manual_seed(seed)
    other.manual_seed(seed)
    calls: list[list[Any]] = []
    for source in (generator, generator, other):
        result = answer(x, y, size, source)
        if result is None:
            return None
        if fault := _no_batches(result):
            return Fact(fault)
        calls.append(list(islice(result, len(x) + 2)))
        if fault := _no_pairs(calls[-1], x, y):
            return Fact(fault)
    sizes = [len(rows) for rows, _ in calls[0]]
    faults = [*_faults_of_sizes(sizes, len(x), size), *_faults_of_rows(calls, x, y)]
    return Fact("; ".join(faults)) if faults else sizes


def _no_batches(result: Any) -> str:
    """Say why a result can't be gone through batch by batch; "" where it can."""
    if isinstance(result, tuple) and list(map(type, result)) == [Tensor, Tensor]:
        return "one pair of tensors, not batches"
    if isinstance(result, Tensor | str | nn.Module) or not hasattr(result, "__iter__"):
        return f"{describe(result)}, not batches"
    return ""


def _no_pairs(batches: list[Any], x: Tensor, y: Tensor) -> str:
    """Say why batches are no pairs of rows and labels; "" where they are."""
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            return f"a batch is {describe(batch)}, not a pair"
        for mine, whole, name in zip(batch, (x, y), ("x", "y"), strict=True):
            if not isinstance(mine, Tensor):
                return f"in place of rows of `{name}` there is {describe(mine)}"
            if mine.shape[1:] != whole.shape[1:] or mine.dim() != whole.dim():
                shape = tuple(mine.shape)
                return f"in place of rows of `{name}` there is a tensor {shape}"
            if mine.dtype != whole.dtype:
                return f"`{name}` has become {mine.dtype}"
        if len(batch[0]) != len(batch[1]):
            return f"{len(batch[0])} rows come with {len(batch[1])} labels"
    return ""


def _faults_of_sizes(sizes: list[int], n: int, size: int) -> Iterator[str]:
    wanted = [min(size, n - start) for start in range(0, n, size)]
    if sizes != wanted:
        found = ", ".join(map(str, sizes[:8])) or "nothing"
        more = ", …" if len(sizes) > 8 else ""
        yield f"{n} rows in batches of {size} come as {found}{more}"


def _faults_of_rows(calls: list[list[Any]], x: Tensor, y: Tensor) -> Iterator[str]:
    orders: list[list[list[int]]] = []
    for batches in calls:
        orders.append([])
        for rows, labels in batches:
            same = (rows[:, None] == x[None]).flatten(2).all(2)  # (rows, rows of x)
            if not same.any(1).all():
                yield "a batch holds rows that are none of `x`"
                return
            places = same.int().argmax(1)
            if not torch.equal(labels, y[places]):
                together = torch.cat([part for _, part in batches])
                kept = torch.equal(together, y[: len(together)])
                fault = "rows of `x` come with labels of others"
                yield f"{fault}: `y` is in its old order" if kept else fault
                return
            orders[-1].append(places.tolist())
    first, second, third = ([i for batch in order for i in batch] for order in orders)
    if len(set(first)) < len(first):
        yield "some rows come twice in one call"
    elif first == second == sorted(first):
        yield "the rows come in the order of `x`"
    elif first == second:
        yield "each call gives the same order"
    elif first != third:
        yield "generators with the same seed give two orders"
    else:
        yield from _faults_of_mixing(orders[0])


def _faults_of_mixing(order: list[list[int]]) -> Iterator[str]:
    """Tell where rows stay together that stood side by side."""
    if len(order) < 2 or len(order[0]) < 2:
        return
    if all(max(rows) - min(rows) < len(rows) for rows in order):
        kept = all(rows == sorted(rows) for rows in order)
        moved = "whole batches are" if kept else "only rows inside the batches are"
        yield f"{moved} shuffled"


def one_epoch(answer: Answer, x: Tensor, y: Tensor, size: int) -> Any:
    """Let an answer train a small network for one epoch; return what came of it.

    >>> x, y = torch.ones(2, 3), torch.tensor([0, 1])
    >>> one_epoch(lambda model, batches, optimizer: 0.5, x, y, size=1)[0]
    0.5
    """
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(6)
    layers = [nn.Linear(x.shape[1], 6), norm, nn.ReLU(), nn.Linear(6, 4)]
    model = nn.Sequential(*layers).to(x.device).eval()  # as an evaluation leaves it
    optimizer = SGD(model.parameters(), lr=0.3)
    batches = list(zip(x.split(size), y.split(size), strict=True))
    loss = answer(model, batches, optimizer)
    if loss is None:
        return None
    parameters = nn.utils.parameters_to_vector(model.parameters()).detach()
    left = "; ".join(_faults_afterwards(_modes(model), True)) or IN_TRAINING
    return _named(loss), parameters, norm.running_mean, Fact(left)


IN_TRAINING = "the network is left in training mode"
MENDED = "all that is asked for"
BUDGET, SHARE = 5_500, 0.85


@cache
def few_sketches() -> tuple[Tensor, Tensor]:
    """Return 2,000 sketches of the training part, standardised, and their classes."""
    images, labels = load_sketches().train
    rows = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pixels = images[rows[:2_000]] / 255
    return (pixels - pixels.mean()) / pixels.std(), labels[rows[:2_000]]


def designed(answer: Answer, seed: int) -> Any:
    """Train the network that an answer returns; say the first demand it doesn't meet.

    >>> designed(lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), 0)
    'the network has more than 5,500 parameters'
    """
    torch.manual_seed(seed)
    model = answer()
    if not isinstance(model, nn.Module):
        return model
    x, y = (part.to(current_device()) for part in few_sketches())
    model = model.to(x.device)
    if sum(parameter.numel() for parameter in model.parameters()) > BUDGET:
        return f"the network has more than {BUDGET:,} parameters"
    with torch.no_grad():
        scores, others = model.eval()(x[:8]), model(torch.cat([x[:1], x[8:15]]))
    if scores.shape != (8, 10):
        return f"8 pictures give the shape {tuple(scores.shape)}, not (8, 10)"
    if not torch.allclose(scores[0], others[0], atol=1e-5):
        return "in eval() a picture's scores depend on the others in its batch"
    if torch.allclose(scores.sum(1), torch.ones_like(scores[:, 0])):
        return "the scores of a picture sum to 1"
    if not (scores < 0).any():
        return "no score is negative"
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=0.01)
    for rows in torch.randint(1_500, (90, 64)).to(x.device):
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        right = model.eval()(x[1_500:]).argmax(1) == y[1_500:]
    if right.float().mean() < SHARE:
        return f"after 90 batches fewer than {SHARE:.0%} of other sketches are right"
    return MENDED


def _modes(net: nn.Module) -> set[bool]:
    return {module.training for module in net.modules()}


def _named(loss: Any) -> Any:
    if isinstance(loss, Tensor):
        return "a tensor, not a number"
    return "a function, not a number" if callable(loss) else loss


_Run = tuple[set[bool], bool, Tensor]  # modes of all layers, autograd, the classes


def evaluated(answer: Answer, images: Tensor, labels: Tensor, training: bool) -> Any:
    """Return the accuracy, or what the evaluation did wrong, as text.

    >>> images, labels = torch.ones(2, 3), torch.tensor([0, 1])
    >>> evaluated(lambda net, images, labels: 0.5, images, labels, training=True)
    'the network is not used'
    """
    features = images.shape[1]
    runs: list[_Run] = []
    frozen: list[bool] = []

    class Net(nn.Sequential):
        def forward(self, input: Tensor) -> Tensor:
            scores = super().forward(input)
            classes = scores.detach().argmax(1)
            runs.append((_modes(self), torch.is_grad_enabled(), classes))
            frozen.append(_is_frozen(self))
            return scores

    norm = nn.BatchNorm1d(features)
    norm.load_state_dict({"running_mean": torch.full((features,), 0.5)}, strict=False)
    inner = nn.Sequential(norm, nn.Dropout(0.5))
    net = Net(inner, nn.Linear(features, 4)).to(images.device).train(training)
    with torch.enable_grad():
        accuracy = answer(net, images, labels)
        autograd = torch.is_grad_enabled()
    if accuracy is None:
        return None
    faults = [*_faults_of_runs(runs), *_faults_afterwards(_modes(net), training)]
    if _is_frozen(net):
        faults.append("the parameters are left frozen")
    elif any(frozen):
        faults.append("the parameters are frozen for a while")
    if not autograd:
        faults.append("autograd is left off")
    if isinstance(accuracy, Tensor):
        faults.append("the result is a tensor")
    elif not faults and _is_mean_of_batches(accuracy, runs, labels):
        faults.append("every batch counts the same, whatever its size")
    return Fact("; ".join(faults)) if faults else accuracy


def _is_frozen(net: nn.Module) -> bool:
    return not all(parameter.requires_grad for parameter in net.parameters())


def _faults_of_runs(runs: list[_Run]) -> Iterator[str]:
    if not runs:
        yield "the network is not used"
    modes = {mode for run in runs for mode in run[0]}
    if True in modes:
        which = "some layers run" if False in modes else "the network runs"
        yield f"{which} in training mode"
    if any(autograd for _, autograd, _ in runs):
        yield "autograd is on"


def _faults_afterwards(modes: set[bool], training: bool) -> Iterator[str]:
    if (not training) in modes:
        which = "some layers are" if training in modes else "the network is"
        yield f"{which} left in {'evaluation' if training else 'training'} mode"


def _is_mean_of_batches(accuracy: Any, runs: list[_Run], labels: Tensor) -> bool:
    batches = [classes for _, _, classes in runs]
    sizes = [len(classes) for classes in batches]
    if len(set(sizes)) < 2 or sum(sizes) != len(labels):
        return False
    pairs = zip(batches, labels.split(sizes), strict=True)
    shares = [(a == b).float().mean().item() for a, b in pairs]
    return isinstance(accuracy, float) and (
        abs(accuracy - sum(shares) / len(shares)) < 1e-5
    )
