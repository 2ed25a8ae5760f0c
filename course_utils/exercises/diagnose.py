"""The examination of an answer: run it on every case, find the mistake, say it."""

import copy
import inspect
from dataclasses import dataclass
from typing import Any

import torch

from course_utils.exercises.compare import difference
from course_utils.exercises.explain import explain, show_value
from course_utils.exercises.model import Exercise, State, Verdict


@dataclass(frozen=True)
class Outcome:
    """What an answer did with one case: a value or an error, and what it changed."""

    value: Any = None
    error: Exception | None = None
    changed: str | None = None  # the name of an argument changed in place


def diagnose(exercise: Exercise, answer: Any) -> Verdict:
    """Compare an answer with the exercise's reference on all of its cases."""
    if answer is ... or _is_stub(answer):
        return _not_attempted()
    if exercise.cases is None:
        return _diagnose_value(exercise, answer)
    if not callable(answer):
        said = f"Expected a function or class, got {type(answer).__name__}: "
        return Verdict(State.WRONG, (said + "pass its name, without parentheses.",))
    cases = list(exercise.cases())
    expected = [_run(exercise, exercise.reference, case) for case in cases]
    got = [_run(exercise, answer, case) for case in cases]
    if any(outcome.value is ... for outcome in got):
        return _not_attempted()
    failing = [
        index
        for index in range(len(cases))
        if got[index].changed or not _same(got[index], expected[index])
    ]
    if not failing:
        return Verdict(State.CORRECT)
    for mistake in exercise.misconceptions:
        theirs = [_run(exercise, mistake.answer, case) for case in cases]
        if all(_same(a, b) for a, b in zip(got, theirs, strict=True)):
            state = State.ERROR if got[failing[0]].error else State.WRONG
            return Verdict(state, (mistake.hint,), mistake.name)
    smallest = min(failing, key=lambda index: _size(cases[index]))
    case, mine, right = cases[smallest], got[smallest], expected[smallest]
    return _describe(exercise, answer, case, mine, right)


def _not_attempted() -> Verdict:
    return Verdict(
        State.NOT_ATTEMPTED, ("Replace the `...`, then run both cells again.",)
    )


def _diagnose_value(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None:
        return Verdict(State.WRONG, ("You gave None: put the value there.",))
    said = difference(answer, exercise.reference)
    if said is None:
        return Verdict(State.CORRECT)
    for mistake in exercise.misconceptions:
        if difference(answer, mistake.answer) is None:
            return Verdict(State.WRONG, (mistake.hint,), mistake.name)
    return Verdict(State.WRONG, (said,))


def _run(exercise: Exercise, answer: Any, case: tuple) -> Outcome:
    args = copy.deepcopy(case)  # so that an in-place change spoils nothing
    try:
        with torch.random.fork_rng(devices=_gpus()):
            torch.manual_seed(0)  # the same draws for answer, reference and mistakes
            value = exercise.apply(answer, *args)
    except Exception as error:
        return Outcome(error=error)
    names = _argument_names(exercise, len(case))
    changed = [
        name
        for name, before, after in zip(names, case, args, strict=True)
        if isinstance(before, torch.Tensor) and difference(after, before)
    ]
    return Outcome(value, changed=changed[0] if changed else None)


def _gpus() -> list[int]:
    ready = torch.cuda.is_available() and torch.cuda.is_initialized()
    return [torch.cuda.current_device()] if ready else []


def _same(a: Outcome, b: Outcome) -> bool:
    if a.error or b.error:
        return type(a.error) is type(b.error) and str(a.error) == str(b.error)
    return difference(a.value, b.value) is None and a.changed == b.changed


def _describe(exercise, answer, case, mine: Outcome, right: Outcome) -> Verdict:
    shown = _show_case(exercise, case)
    if mine.error:
        return Verdict(State.ERROR, explain(mine.error, answer), case=shown)
    if mine.changed:
        said = f"Your code changes its input `{mine.changed}` in place. "
        said += "Make a new tensor: others may still need the old one."
        return Verdict(State.WRONG, (said,), case=shown)
    shown += f"\nexpected {show_value(right.value)}\nyours    {show_value(mine.value)}"
    return Verdict(State.WRONG, (difference(mine.value, right.value),), case=shown)


def _is_stub(answer: Any) -> bool:
    """Tell whether a function's body (or each of a class) is `...` or a docstring."""

    def bare(): ...

    def documented():
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


def _size(case: tuple) -> int:
    return sum(a.numel() if isinstance(a, torch.Tensor) else 1 for a in case)


def _show_case(exercise: Exercise, case: tuple) -> str:
    names = _argument_names(exercise, len(case))
    pairs = zip(names, case, strict=True)
    return "\n".join(f"{name} = {show_value(value)}" for name, value in pairs)
