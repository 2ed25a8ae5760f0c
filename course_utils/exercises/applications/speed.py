"""How lesson 13's answers are watched at work: what a loop does, and how often."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.exercises.applications.classifier import MENDED, few_sketches
from course_utils.exercises.cases import Fact
from course_utils.exercises.model import Answer
from course_utils.exercises.watch import MultiplyAdds
from course_utils.session import current_device

_PICKS = {"select", "index", "index_select", "gather", "take", "take_along_dim"}


class Calls(TorchDispatchMode):
    """Counts the operations that a block hands to torch, views left out.

    >>> with Calls(rows=6) as calls:
    ...     doubled = 2 * torch.ones(6, 2).view(6, 2)
    ...     total = doubled[0].sum().item()
    >>> calls.all, calls.picks, calls.waits, calls.whole  # ones, mul, sum, item
    (4, 1, 1, 2)

    Attributes:
        rows: how many rows the whole data have.
        all: operations that compute something.
        picks: those that take rows out of a tensor.
        waits: those that bring a single number to Python.
        whole: those that write a tensor of two or more dimensions with `rows` rows.
    """

    def __init__(self, rows: int = -1) -> None:
        super().__init__()
        self.rows = rows
        self.all = self.picks = self.waits = self.whole = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count it."""
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        self.picks += name in _PICKS
        self.waits += name == "_local_scalar_dense"
        if not _is_view(func):
            self.all += 1
            if isinstance(result, Tensor) and result.dim() > 1:
                self.whole += len(result) == self.rows
        return result


def _is_view(func: Any) -> bool:
    """Tell whether an operation only looks at its argument in another way."""
    aliases = [one.alias_info for one in func._schema.returns]
    return any(alias is not None and not alias.is_write for alias in aliases)


QUICK = "as little as is needed"


def trained_quickly(
    answer: Answer, images: Tensor, labels: Tensor, size: int, parts: int
) -> Any:
    """Let an answer train for one epoch; return what came of it and what it took.

    >>> images, labels = torch.ones(6, 3).byte(), torch.arange(6) % 4
    >>> trained_quickly(lambda *arguments: 0.5, images, labels, 2, 3)[0]
    0.5
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(images.shape[1], 6), nn.ReLU(), nn.Linear(6, 4))
    model = model.to(images.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    generator = torch.Generator().manual_seed(1)
    order = torch.randint(len(images), (parts, size), generator=generator)
    batches = list(order.to(images.device).unbind())
    with Calls(rows=len(images)) as calls:
        loss = answer(model, images, labels, batches, optimizer)
    if loss is None:
        return None
    faults = []
    if calls.picks > 3 * parts + 3:
        faults.append("pictures are picked one by one")
    if calls.whole > 6:
        faults.append("all pictures are worked on in every step")
    if calls.waits > 2:
        faults.append("Python waits for a number in every step")
    parameters = nn.utils.parameters_to_vector(model.parameters()).detach()
    if isinstance(loss, Tensor):
        loss = "a tensor, not a number"
    return loss, parameters, Fact("; ".join(faults) or QUICK)


def in_parts(answer: Answer, x: Tensor, y: Tensor, size: int) -> Any:
    """Let an answer leave the gradient of a large batch, part by part.

    >>> x, y = torch.ones(4, 3), torch.arange(4)
    >>> in_parts(lambda model, x, y, size: 0.5, x, y, 2)[:2]
    (0.5, 'no gradient')
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(x.shape[1], 6), nn.Tanh(), nn.Linear(6, 4))
    model = model.to(x.device)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # of an earlier step
    rows: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    loss = answer(model, x, y, size)
    if loss is None:
        return None
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    gradient: Any = "no gradient"
    if len(gradients) == 4 and rows:
        gradient = torch.cat([one.flatten() for one in gradients])
    if isinstance(loss, Tensor):
        loss = "a tensor, not a number"
    enough = sum(rows) >= len(x) and max(rows) <= size
    said = f"the network sees at most {size} rows at once" if enough else ""
    if not said:
        said = f"the network sees {max(rows, default=0)} rows at once"
    return loss, gradient, Fact(said)


WORK, CALLS, SHARE, BATCHES = 300_000, 10, 0.84, 120


def designed(answer: Answer, seed: int) -> Any:
    """Count a network's work and calls, train it; say the first demand it fails.

    >>> designed(lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), 0)
    'after 120 batches fewer than 84% of other sketches are right'
    """
    torch.manual_seed(seed)
    model = answer()
    if not isinstance(model, nn.Module):
        return model
    x, y = (part.to(current_device()) for part in few_sketches())
    model = model.to(x.device)
    with torch.no_grad(), MultiplyAdds() as work, Calls() as calls:
        scores = model.eval()(x[:8])
    if scores.shape != (8, 10):
        return f"8 pictures give the shape {tuple(scores.shape)}, not (8, 10)"
    if work.count // 8 > WORK:
        return f"the network takes more than {WORK:,} multiply-adds"
    if calls.all > CALLS:
        return f"the network makes more than {CALLS} calls"
    with torch.no_grad():
        others = model(torch.cat([x[:1], x[8:15]]))
    if not torch.allclose(scores[0], others[0], atol=1e-5):
        return "in eval() a picture's scores depend on the others in its batch"
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=0.01)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, BATCHES)
    for rows in torch.randint(1_500, (BATCHES, 64)).to(x.device):
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        falling.step()
    with torch.no_grad():
        right = model.eval()(x[1_500:]).argmax(1) == y[1_500:]
    if right.float().mean() < SHARE:
        share = f"{SHARE:.0%} of other sketches"
        return f"after {BATCHES} batches fewer than {share} are right"
    return MENDED
