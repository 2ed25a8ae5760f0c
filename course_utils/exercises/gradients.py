"""Say what is wrong with a gradient, and which line of an answer cuts it off.

Whether a line is the reason is tried: with what it cuts off connected again, all
gradients must be right.
"""

import inspect
import linecache
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_utils.exercises.compare import close_gradients, gradient_limit
from course_utils.exercises.explain import is_library
from course_utils.exercises.model import Case, Exercise
from course_utils.exercises.outcome import Gradients, run_with_gradients
from course_utils.exercises.source import forbidden_calls

# What cuts a gradient off: the name in the code, and how a message calls it.
_CUTTERS = {
    "item": "`.item()`",
    "tolist": "`.tolist()`",
    "detach": "`.detach()`",
    "data": "`.data`",
    "no_grad": "`torch.no_grad()`",
    "numpy": "numpy",
    "from_numpy": "numpy",
    "tensor": "`torch.tensor(...)` around a result",
    "Parameter": "`nn.Parameter(...)`, which makes a new tensor",
}
_COURSE = str(Path(__file__).parents[1])
_MOST_LINES = 4

_Cut = tuple[str, str, int]  # what cuts a gradient off, the file and the line


def cutters(answer: Any) -> str:
    """Return what the code names that may cut a gradient off; "" if nothing.

    >>> cutters(lambda x: x.detach() + x.sum().item())
    '`.item()` or `.detach()`'
    """
    named = forbidden_calls(answer, list(_CUTTERS))
    *first, last = dict.fromkeys(_CUTTERS[name] for name in named) or [""]
    return f"{', '.join(first)} or {last}" if first else last


def cut_off_message(
    part: str, reached: Sequence[str], held: str | None, suspects: str
) -> str:
    """Say that no gradient flows through a result.

    Args:
        part: the result, or which part of it: "Your result".
        reached: the arguments that a gradient should reach.
        held: see `held_constant`.
        suspects: see `cutters`; told where nothing is held.

    >>> cut_off_message("Your result", ["x"], "`.detach()`", "")
    'Your result is cut off from autograd, by `.detach()`: no gradient reaches `x`.'
    """
    names = ", ".join(f"`{name}`" for name in reached)
    seen = f"{part} is cut off from autograd"
    if not held and not suspects:
        return (
            f"{seen}: no gradient reaches {names}. Comparisons, `argmax`, whole "
            "numbers, `float(…)` and `int(…)` let none through."
        )
    by = f"by {held}" if held else f"for example by {suspects}"
    return f"{seen}, {by}: no gradient reaches {names}."


def wrong_gradient_message(
    name: str, mine: Tensor, right: Tensor, held: str | None, suspects: str
) -> str:
    """Say how the gradient of an argument is wrong.

    Args:
        name: what the learner calls the argument.
        mine: the gradient that came through.
        right: the right one.
        held: see `held_constant`.
        suspects: see `cutters`; told where nothing is held.

    >>> wrong_gradient_message("x", Tensor([2]), Tensor([3]), None, "")[45:]
    'not: a gradient comes through, but another one than asked for.'
    """
    seen = f"The values are right, the gradient of `{name}` is not"
    if not mine.isfinite().all() and right.isfinite().all():
        return (
            f"{seen} finite everywhere: on its way back it meets a division by 0, or a "
            "root, logarithm or power at 0."
        )
    if not mine.any() and not held and not suspects:
        return (
            f"The values are right, but the gradient of `{name}` is 0 everywhere. "
            "Nothing is cut off: either every way back has a slope of 0, as `round`, "
            "`floor` and `sign` have, or terms that cancel do so on the way back too, "
            "as in `a + (b - a)`."
        )
    if not mine.any():
        by = f"by {held}" if held else f"for example by {suspects}"
        return (
            f"The values are right, but no gradient reaches `{name}`: its way back is "
            f"cut off, {by}."
        )
    if held:
        return (
            f"{seen}: a part of your result is held constant, by {held}. That part "
            f"depends on `{name}` too: let the gradient flow through it."
        )
    missing = ((mine == 0) & (right.abs() > gradient_limit(right))).any()
    if missing and not suspects:
        return f"{seen}: it is 0 in places where it should not be."
    if missing:
        return (
            f"{seen}: on its way back it, or a part of it, may be cut off by "
            f"{suspects}."
        )
    return f"{seen}: a gradient comes through, but another one than asked for."


def passed_back_message(
    exercise: Exercise, answer: Any, case: Case, mine: Gradients, right: Gradients
) -> str | None:
    """Say what is wrong with a gradient where the way back itself is the learner's.

    Args:
        exercise: its `apply` is used.
        answer: the learner's function; its result is right.
        case: the input to try.
        mine: the gradients that came through.
        right: the right ones.

    >>> double = Exercise("mine.double", lambda x: 2 * x, ())
    >>> def deaf(x):
    ...     y = 2 * x
    ...     y.register_hook(torch.ones_like)
    ...     return y
    >>> case = (torch.ones(3),)
    >>> mine = run_with_gradients(double, deaf, case)
    >>> right = run_with_gradients(double, double.reference, case)
    >>> passed_back_message(double, deaf, case, mine, right)[22:61]
    'Your way back ignores the gradient that'
    """
    alone = run_with_gradients(exercise, answer, case, alone=True)
    if _agree(alone, right):
        return (
            "The values are right. The gradients are right as well if `backward` "
            "follows at once, and wrong if another call comes between: it overwrites "
            "what the first kept for its way back. Keep that with its own call, as "
            "`ctx.save_for_backward(…)` does."
        )
    doubled = run_with_gradients(exercise, answer, case, above=2.0)
    if _same_for_any(mine, doubled):
        return (
            "The values are right. Your way back ignores the gradient that comes from "
            "above: twice as large, it gives the same. Multiply the slope by it."
        )
    return None


def _same_for_any(mine: Gradients, doubled: Gradients) -> bool:
    moving = [place for place, gradient in mine.values if gradient.any()]
    return bool(moving) and _agree(doubled, mine)


def held_constant(exercise: Exercise, answer: Any, cases: Sequence[Case]) -> str | None:
    """Name what cuts off a gradient that is right without it; None if nothing does.

    Args:
        exercise: its reference has the right gradients.
        answer: the learner's function; its results are right.
        cases: the inputs to try.

    >>> double = Exercise("mine.double", lambda x: 2 * x, ())
    >>> half = lambda x: x + x.detach()
    >>> held_constant(double, half, [(torch.ones(2),)])
    '`.detach()` in the line `half = lambda x: x + x.detach()`'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the first run has shown them
        return _find_held(exercise, answer, cases)


def _find_held(exercise: Exercise, answer: Any, cases: Sequence[Case]) -> str | None:
    cuts = sorted(_cuts_of(exercise, answer, cases))
    right = [run_with_gradients(exercise, exercise.reference, case) for case in cases]
    if not cuts and _right_without_parameters(exercise, answer, cases, right):
        return "`nn.Parameter(…)`, which makes a new tensor of what it is given"
    if not 0 < len(cuts) <= _MOST_LINES:
        return None
    for undone in (*([cut] for cut in cuts), cuts):
        with _Connecting(undone):
            mine = [run_with_gradients(exercise, answer, case) for case in cases]
        if all(map(_agree, mine, right)):
            return " and ".join(map(_described, undone))
    return None


def _right_without_parameters(
    exercise: Exercise, answer: Any, cases: Sequence[Case], right: Sequence[Gradients]
) -> bool:
    if not forbidden_calls(answer, ["nn.Parameter"]):
        return False
    mine = []
    for case in cases:  # `guard` puts back what is patched, after each run
        with patch.object(torch.nn, "Parameter", lambda data, requires_grad=True: data):
            mine.append(run_with_gradients(exercise, answer, case, alone=True))
    return all(map(_agree, mine, right))


def _cuts_of(exercise: Exercise, answer: Any, cases: Sequence[Case]) -> set[_Cut]:
    with _Connecting() as watch:
        for case in cases:
            run_with_gradients(exercise, answer, case)
    return watch.seen


def _agree(mine: Gradients, right: Gradients) -> bool:
    return (
        not mine.error
        and mine.attached == right.attached
        and all(
            close_gradients(a, b)
            for (_, a), (_, b) in zip(mine.values, right.values, strict=True)
        )
    )


def _described(cut: _Cut) -> str:
    what, file, number = cut
    line = linecache.getline(file, number).strip()
    return f"`{what}` in the line `{line}`" if line else f"`{what}`"


class _Connecting(TorchFunctionMode):
    """Notes what the learner's lines cut off from autograd, and undoes some of it.

    Attributes:
        seen: what cuts a gradient off, and where.
    """

    def __init__(self, undone: Sequence[_Cut] = ()) -> None:
        super().__init__()
        self.seen: set[_Cut] = set()
        self._undone = undone

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        what, connected = _cutting(func, args)
        place = _learners_place() if what else None
        if place:
            cut = (what, *place)
            self.seen.add(cut)
            if cut in self._undone:
                return connected()
        return func(*args, **(kwargs or {}))


def _cutting(func: Any, args: Sequence[Any]) -> tuple[str, Callable[[], Any]]:
    """Return how code names a call that cuts off, "" for others, and how to undo it."""
    if func is torch._C._set_grad_enabled:
        return "" if args[0] else "torch.no_grad()", lambda: None
    value = args[0] if args else None
    if func is torch.tensor and isinstance(value, list | tuple) and value:
        if all(isinstance(item, Tensor) for item in value):
            return "torch.tensor(…)", lambda: torch.stack(list(value))
    if not isinstance(value, Tensor) or not value.requires_grad:
        return "", lambda: None
    if func is torch.tensor:
        return "torch.tensor(…)", value.clone
    if func in (Tensor.detach, Tensor.detach_, torch.detach):
        return ".detach()", lambda: value
    if func == Tensor.data.__get__:  # type: ignore[attr-defined]
        return ".data", lambda: value
    return "", lambda: None


def _learners_place() -> tuple[str, int] | None:
    """Return the file and line of the learner's that called; None if the course did."""
    frame = inspect.currentframe()
    frame = frame.f_back.f_back if frame and frame.f_back else None
    while frame and is_library(file := frame.f_code.co_filename):
        if file.startswith(_COURSE):
            return None
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else None
