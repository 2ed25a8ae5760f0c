"""How the answers of lesson 10 are watched at work: a training step, an evaluation."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD

from course_utils.exercises.cases import Fact
from course_utils.exercises.model import Answer

A_TENSOR = "a tensor, not a number"


def three_steps(answer: Answer, x: Tensor, y: Tensor) -> Any:
    """Let an answer take three steps with a small network; return what came of them.

    What spoils everything else comes back alone, as text.

    >>> def step(net, x, y, optimizer):
    ...     net.eval()
    ...     return 0.0
    >>> three_steps(step, torch.ones(2, 3), torch.tensor([0, 1]))
    'the network is in evaluation mode'
    """
    modes: set[bool] = set()
    calls: list[str] = []  # of one step: "backward", "step"
    passes: list[int] = []  # of all steps: the number of examples in each

    class Net(nn.Sequential):
        def forward(self, input: Tensor) -> Tensor:
            modes.update(_modes(self))
            passes.append(len(input))
            return super().forward(input)

    first = nn.Linear(x.shape[1], 6)
    net = Net(first, nn.ReLU(), nn.Linear(6, 4)).to(x.device)
    optimizer = SGD(net.parameters(), lr=0.3)
    first.bias.register_hook(lambda _: calls.append("backward"))
    optimizer.register_step_post_hook(lambda *_: calls.append("step"))
    flat = [nn.utils.parameters_to_vector(net.parameters()).detach()]
    losses: list[Any] = []
    most = 0  # steps of the optimizer in one call
    for _ in range(3):
        calls.clear()
        loss = answer(net, x, y, optimizer)
        if loss is None:
            return None
        losses.append(_named(loss))
        most = max(most, calls.count("step"))
        flat.append(nn.utils.parameters_to_vector(net.parameters()).detach())
    if (modes | _modes(net)) != {True}:
        return "the network is in evaluation mode"
    if most > 1:
        return "more than one `optimizer.step()` in a call"
    if "step" not in calls and not torch.equal(flat[0], flat[-1]):
        return "the parameters move without `optimizer.step()`"
    order = [b for a, b in pairwise(["", *calls]) if a != b]
    in_order = ", ".join(order) or "neither"
    return losses[0], flat[1], losses[2], flat[3], in_order, len(passes) / 3


def _modes(net: nn.Module) -> set[bool]:
    return {module.training for module in net.modules()}


def _named(loss: Any) -> Any:
    if isinstance(loss, Tensor):
        return A_TENSOR
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
