"""Lesson 03: a model at rest, except for its dropout layers."""

from torch import nn

from course_utils.exercises.model import Exercise, Misconception


def _model() -> nn.Module:
    inner = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.2))
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), inner)


def _awake(model: nn.Module) -> None:
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()


def _without_eval(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()


def _children_only(model: nn.Module) -> None:
    model.eval()
    for module in model.children():
        if isinstance(module, nn.Dropout):
            module.train()


def _inverted(model: nn.Module) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()


def _apply(answer, model: nn.Module) -> str:
    if answer(model) is ...:
        return ...
    named = [(name or "model", module) for name, module in model.named_modules()]
    awake = [f"{n} {type(m).__name__}" for n, m in named if m.training]
    return f"in training mode: {', '.join(awake) or 'none'}"


AWAKE = Exercise(
    "dropout.awake",
    _awake,
    (
        Misconception(
            "all in training",
            lambda model: model.train(),
            "`model.train()` wakes BatchNorm too: its output would depend on the "
            "batch, and its running statistics would change. Wake the dropout layers "
            "alone.",
        ),
        Misconception(
            "all in evaluation",
            lambda model: model.eval(),
            "`model.eval()` is the first half. Now every dropout layer is asleep as "
            "well: wake those with `train()`.",
        ),
        Misconception(
            "no eval first",
            _without_eval,
            "You wake the dropout layers and leave the rest as it was, which may be "
            "training. Begin with `model.eval()`.",
        ),
        Misconception(
            "children only",
            _children_only,
            "You look at the direct children. A dropout layer may sit deeper: "
            "`model.modules()` visits every level.",
        ),
        Misconception(
            "inverted",
            _inverted,
            "It is the wrong way round: dropout sleeps and all else is in training.",
        ),
    ),
    lambda: [(_model(),), (_model().eval(),)],
    _apply,
)
