"""What an answer does with one case: its value or error, and what it changes."""

import copy
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import difference, plain
from course_utils.exercises.elsewhere import (
    NOTHING,
    Elsewhere,
    runs_beside,
    text_of,
)
from course_utils.exercises.explain import learners_frames
from course_utils.exercises.guard import OutOfTime, gpus, restored
from course_utils.exercises.model import Answer, Case, Exercise

_SEED = 20_011  # no seed that an answer would set


@dataclass(frozen=True)
class Outcome:
    """What an answer did with one case.

    Attributes:
        value: what `apply` made of it; `...` if the answer is not written yet.
        returned: what the answer itself returned last.
        error: what was raised instead of a value.
        own: whether the answer's own code raised it, not the check's.
        changed: the place of an argument that was changed in place: its numbers,
            how many items it has, or whether it requires gradients.
        list_changed: whether that argument is a list that holds other things now.
        marked: whether it is a tensor with the same numbers that requires gradients
            now.
        left: messages on global settings that were changed.
    """

    value: Any = None
    returned: Any = None
    error: BaseException | None = None
    own: bool = False
    changed: int | None = None
    list_changed: bool = False
    marked: bool = False
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gradients:
    """How the result of an answer depends on its floating point arguments.

    Attributes:
        attached: for each tensor of the result, whether a gradient flows through it.
        values: for each tensor among the arguments, its place among them and the
            gradient of a weighted sum of the result.
        error: what was raised, here or in the answer.
    """

    attached: tuple[bool, ...] = ()
    values: tuple[tuple[int, Tensor], ...] = ()
    error: BaseException | None = None


def run(exercise: Exercise, answer: Any, case: Case, seed: int = _SEED) -> Outcome:
    """Apply an answer to its own copy of a case, with the same draws every time.

    Random numbers are drawn from a fork of the generators; what the answer changes
    globally is undone.

    >>> double = Exercise("mine.double", lambda x: 2 * x, ())
    >>> run(double, lambda x: x + 1, (3,)).value
    4
    """
    args = copy.deepcopy(case)  # so that an in-place change spoils nothing
    lists = {place: [*arg] for place, arg in enumerate(args) if isinstance(arg, list)}
    outcome = _run_on(exercise, answer, args, seed)
    for place, (before, after) in enumerate(zip(case, args, strict=True)):
        if _changed(before, after):
            exchanged = place in lists and _others(lists[place], after)
            marked = _marked(before, after)
            return replace(
                outcome, changed=place, list_changed=exchanged, marked=marked
            )
    return outcome


def _changed(before: Any, after: Any) -> bool:
    """Tell whether an argument, or something in it, is not what it was."""
    if isinstance(before, Tensor):
        marks = before.requires_grad, before.grad is None
        if (after.requires_grad, after.grad is None) != marks:
            return True
        return difference(after, before) is not None
    if isinstance(before, list | tuple):
        items = zip(before, after, strict=False)
        return len(before) != len(after) or any(_changed(*pair) for pair in items)
    return False


def _marked(before: Any, after: Any) -> bool:
    """Tell whether a tensor has begun to require gradients, and is else the same."""
    if not isinstance(before, Tensor) or before.requires_grad:
        return False
    return after.requires_grad and difference(after, before) is None


def _others(before: list[Any], after: list[Any]) -> bool:
    """Tell whether two lists hold other things, equal or not."""
    pairs = zip(before, after, strict=False)
    return len(before) != len(after) or any(a is not b for a, b in pairs)


def run_with_gradients(
    exercise: Exercise,
    answer: Any,
    case: Case,
    *,
    alone: bool = False,
    above: float = 1.0,
) -> Gradients:
    """Return the gradients of an answer's result for a case.

    Args:
        exercise: its `apply` is used.
        answer: the answer to run.
        case: the arguments.
        alone: no other call comes between the result and its gradients.
        above: a factor for the gradients that the result gets.

    >>> double = Exercise("mine.double", lambda x: 2 * x, ())
    >>> run_with_gradients(double, lambda x: x.detach(), (torch.ones(3),)).attached
    (False,)
    """
    args = copy.deepcopy(case)
    leaves = [
        (place, tensor.requires_grad_())
        for place, arg in enumerate(args)
        for tensor in tensors_of(arg)
        if tensor.is_floating_point()
    ]
    outcome = _run_on(exercise, answer, args)
    if outcome.error:
        return Gradients(error=outcome.error)
    results = [t for t in tensors_of(outcome.value) if t.is_floating_point()]
    attached = [result for result in results if result.requires_grad]
    found: tuple[Tensor | None, ...] = (None,) * len(leaves)
    if attached and leaves:
        with silenced():
            if not alone:
                _run_on(
                    exercise, answer, _scaled(case)
                )  # what it keeps must not matter
        sums = [(result * _weights(result)).sum() * above for result in attached]
        inputs = [tensor for _, tensor in leaves]
        try:
            found = torch.autograd.grad(sums, inputs, allow_unused=True)
        except RuntimeError as error:  # as after a change in place
            return Gradients(error=error)
    values = [
        (place, torch.zeros_like(tensor) if grad is None else grad)
        for (place, tensor), grad in zip(leaves, found, strict=True)
    ]
    return Gradients(tuple(r.requires_grad for r in results), tuple(values))


@contextmanager
def silenced() -> Iterator[None]:
    """Drop what is printed in a call that the learner doesn't know of.

    >>> with silenced():
    ...     print("once more")
    """
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def tensors_of(value: Any) -> list[Tensor]:
    """Return a tensor, or those in a list or tuple.

    >>> len(tensors_of([torch.ones(2), 3]))
    1
    """
    items = value if isinstance(value, list | tuple) else [value]
    return [item for item in items if isinstance(item, Tensor)]


def _scaled(case: Case) -> Case:
    """Return a copy of a case with other floating point numbers."""

    def scaled(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.detach() * 0.5 if value.is_floating_point() else value.clone()
        return copy.deepcopy(value)

    return tuple(map(scaled, case))


def _weights(like: Tensor) -> Tensor:
    """Return another weight for each number: a plain sum would hide mistakes."""
    steps = torch.arange(like.numel(), device=like.device, dtype=like.dtype)
    return (1.5 + steps.cos()).reshape(like.shape)


def _seed(seed: int) -> None:
    # As `torch.manual_seed` does. But for devices that are not here it notes down the
    # whole stack, for later, and that takes longer than most answers.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def _run_on(exercise: Exercise, answer: Any, args: Case, seed: int = _SEED) -> Outcome:
    recorder = Recorder(answer)
    value, error, own = None, None, False
    with (
        torch.random.fork_rng(devices=gpus()),
        torch.enable_grad(),
    ):
        _seed(seed)  # the same draws for answer, reference and mistakes
        with restored() as left:
            try:
                value = plain(recorder.applied(exercise.apply, args))
            except (KeyboardInterrupt, OutOfTime):
                raise
            except BaseException as caught:  # sys.exit() too
                error, own = (
                    caught,
                    recorder.running or _in_learners_code(caught, exercise),
                )
    left += recorder.left()
    returned = recorder.returned
    if returned is ... or (error and not own and returned is None):
        # `apply` stumbles over a stub's `...` and over a missing `return`.
        return Outcome(returned, returned)
    if returned is NOTHING:
        returned = None
    return Outcome(value, returned, error, own, left=tuple(dict.fromkeys(left)))


class Recorder:
    """Calls an answer as it is, and keeps what it returned last.

    Of an answer that is a class of layers, that is what `forward` returned.

    >>> recorder = Recorder(abs)
    >>> recorder(-3), recorder.returned
    (3, 3)

    Attributes:
        returned: the last result; `NOTHING` while a call is running.
        running: whether the answer's code is running, or has failed.
    """

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.returned: Any = NOTHING
        self.running = False

    def __call__(self, *args: Any, **options: Any) -> Any:
        self._begin()
        result = self._end(self._answer(*args, **options))
        made = inspect.isclass(text_of(self._answer))
        if made and isinstance(result, torch.nn.Module):
            result.register_forward_pre_hook(lambda *_: self._begin())
            result.register_forward_hook(lambda *call: self._keep(call[-1]))
        return result

    def applied(self, application: Answer, args: Case) -> Any:
        """Return what an application makes of the answer, here or where that runs."""
        if not (isinstance(self._answer, Elsewhere) and runs_beside(application)):
            return application(self, *args)
        there = self._answer.applied(application, args)
        self.returned, self.running = there.returned, there.running
        if there.error:
            raise there.error
        return there.value

    def left(self) -> list[str]:
        """Return what an answer elsewhere left changed over there."""
        if not isinstance(self._answer, Elsewhere):
            return []
        left = list(self._answer.left)
        self._answer.left.clear()
        return left

    def _begin(self) -> None:
        self.running, self.returned = True, NOTHING

    def _end(self, result: Any) -> Any:
        self.running, self.returned = False, result
        return result

    def _keep(self, result: Any) -> None:
        self._end(result)


def _in_learners_code(error: BaseException, exercise: Exercise) -> bool:
    own_files = {
        getattr(getattr(function, "__code__", None), "co_filename", None)
        for function in (exercise.apply, exercise.reference)
    }
    return any(f.filename not in own_files for f in learners_frames(error))
