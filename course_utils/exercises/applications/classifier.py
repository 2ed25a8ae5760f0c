"""How lesson 10's answers are watched at work: an epoch, an evaluation, a design."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from course_utils.data.sketches import load_sketches
from course_utils.exercises.cases import Fact
from course_utils.exercises.model import Answer
from course_utils.session import current_device


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
    return _named(loss), parameters, norm.running_mean


MENDED = "all that is asked for"
BUDGET, SHARE = 5_500, 0.85


@cache
def _sketches() -> tuple[Tensor, Tensor]:
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
    x, y = (part.to(current_device()) for part in _sketches())
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
