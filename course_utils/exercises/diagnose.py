"""Diagnose an answer: run it on every case, compare, and name the mistake."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from course_utils.exercises.compare import difference
from course_utils.exercises.explain import explain, show_value
from course_utils.exercises.model import Case, Exercise, State, Verdict


@dataclass(frozen=True)
class _Outcome:
    """What an answer did with one case: a value or an error, and what it changed."""

    value: Any = None
    error: Exception | None = None
    changed: str | None = None  # the name of an argument changed in place


def diagnose(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the exercise's reference on all of its cases.

    Shows nothing and changes nothing: random numbers are drawn from a fork of the
    generators, and every run gets its own copy of the case.

    >>> double = Exercise("mine.double", lambda x: 2 * x, (), lambda: [(3,), (5,)])
    >>> diagnose(double, lambda x: x + x).state.value
    'correct'
    >>> diagnose(double, lambda x: x * x).messages
    ('9 is not the number asked for.',)

    Args:
        exercise: see `find_exercise`.
        answer: the function, class or value to judge; `...` if not attempted.

    Raises:
        Exception: whatever the exercise's own reference or cases raise.
    """
    if answer is ... or _is_stub(answer):
        return _NOT_ATTEMPTED
    if exercise.cases is None:
        return _diagnose_value(exercise, answer)
    if not callable(answer):
        kind = type(answer).__name__
        message = f"Expected a function or class, got {kind}: "
        return Verdict(State.WRONG, (message + "pass its name, without parentheses.",))
    cases = list(exercise.cases())
    expected = [_run(exercise, exercise.reference, case) for case in cases]
    if errors := [outcome.error for outcome in expected if outcome.error]:
        raise errors[0]
    actual = [_run(exercise, answer, case) for case in cases]
    if any(outcome.value is ... for outcome in actual):
        return _NOT_ATTEMPTED
    faults = [_fault(*pair, answer) for pair in zip(actual, expected, strict=True)]
    failing = [index for index, fault in enumerate(faults) if fault]
    if not failing:
        return Verdict(State.CORRECT)
    for mistake in exercise.misconceptions:
        theirs = [_run(exercise, mistake.answer, case) for case in cases]
        if all(_same(*pair) for pair in zip(actual, theirs, strict=True)):
            state = State.ERROR if actual[failing[0]].error else State.WRONG
            return Verdict(state, (mistake.hint,), mistake.name)
    smallest = min(failing, key=lambda index: _size(cases[index]))
    state = State.ERROR if actual[smallest].error else State.WRONG
    shown = _show_case(exercise, cases[smallest], actual[smallest], expected[smallest])
    return Verdict(state, faults[smallest], case=shown)


_NOT_ATTEMPTED = Verdict(
    State.NOT_ATTEMPTED, ("Replace the `...`, then run both cells again.",)
)


def _diagnose_value(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None:
        return Verdict(State.WRONG, ("You gave None: put the value there.",))
    message = difference(answer, exercise.reference)
    if message is None:
        return Verdict(State.CORRECT)
    for mistake in exercise.misconceptions:
        if difference(answer, mistake.answer) is None:
            return Verdict(State.WRONG, (mistake.hint,), mistake.name)
    return Verdict(State.WRONG, (message,))


def _run(exercise: Exercise, answer: Any, case: Case) -> _Outcome:
    args = copy.deepcopy(case)  # so that an in-place change spoils nothing
    recorded, returned = _recording(answer)
    try:
        with torch.random.fork_rng(devices=_gpus()):
            torch.manual_seed(0)  # the same draws for answer, reference and mistakes
            value = exercise.apply(recorded, *args)
    except Exception as error:
        # `apply` stumbles over a stub's `...` and over a missing `return`.
        if not (returned and (returned[-1] is ... or returned[-1] is None)):
            return _Outcome(error=error)
        value = None
    if returned and returned[-1] is ...:
        value = ...
    names = _argument_names(exercise, len(case))
    changed = [
        name
        for name, before, after in zip(names, case, args, strict=True)
        if difference(_tensors(after), _tensors(before))
    ]
    return _Outcome(value, changed=changed[0] if changed else None)


def _recording(answer: Any) -> tuple[Callable[..., Any], list[Any]]:
    """Return the answer, to be called as it is, and a list that ends with its result.

    Of an answer that is a class of layers, the list ends with what `forward` returned.
    While a call is running or after it failed, the list is empty.
    """
    returned: list[Any] = []

    def recorded(*args: Any) -> Any:
        returned.clear()
        result = answer(*args)
        returned.append(result)
        if inspect.isclass(answer) and isinstance(result, torch.nn.Module):
            result.register_forward_hook(lambda *call: returned.append(call[-1]))
        return result

    return recorded, returned


def _tensors(value: Any) -> list[torch.Tensor]:
    items = value if isinstance(value, list | tuple) else [value]
    return [item for item in items if isinstance(item, torch.Tensor)]


def _gpus() -> list[int]:
    ready = torch.cuda.is_available() and torch.cuda.is_initialized()
    return [torch.cuda.current_device()] if ready else []


def _same(a: _Outcome, b: _Outcome) -> bool:
    if a.error or b.error:
        return type(a.error) is type(b.error) and str(a.error) == str(b.error)
    return difference(a.value, b.value) is None and a.changed == b.changed


def _fault(actual: _Outcome, expected: _Outcome, answer: Any) -> tuple[str, ...]:
    """Say what is wrong with an outcome; empty if nothing is."""
    if actual.error:
        return explain(actual.error, answer)
    if actual.changed:
        message = f"Your code changes its input `{actual.changed}` in place. "
        return (message + "Make a new tensor: others may still need the old one.",)
    gap = difference(actual.value, expected.value)
    return (gap,) if gap else ()


def _is_stub(answer: Any) -> bool:
    """Tell whether a function's body (or each of a class) is `...` or a docstring."""

    def bare() -> None: ...

    def documented() -> None:
        """Nothing else."""

    if inspect.isclass(answer):
        methods = [m for m in vars(answer).values() if inspect.isfunction(m)]
        return bool(methods) and all(_is_stub(method) for method in methods)
    body = getattr(answer, "__code__", None)
    if body is None or set(body.co_consts) - {None, answer.__doc__}:
        return False
    return body.co_code in (bare.__code__.co_code, documented.__code__.co_code)


def _argument_names(exercise: Exercise, count: int) -> list[str]:
    try:
        names = list(inspect.signature(exercise.reference).parameters)
    except (TypeError, ValueError):
        names = []
    return names if len(names) == count else [f"input {i + 1}" for i in range(count)]


def _size(case: Case) -> int:
    return sum(a.numel() if isinstance(a, torch.Tensor) else 1 for a in case)


def _show_case(
    exercise: Exercise, case: Case, actual: _Outcome, expected: _Outcome
) -> str:
    names = _argument_names(exercise, len(case))
    pairs = zip(names, case, strict=True)
    lines = [f"{name} = {show_value(value)}" for name, value in pairs]
    if not (actual.error or actual.changed):
        lines.append(f"expected {show_value(expected.value)}")
        lines.append(f"yours    {show_value(actual.value)}")
    return "\n".join(lines)
