"""Diagnose an answer: run it on every case, compare, and name the mistake."""

import inspect
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import FunctionType
from typing import Any

from torch import Tensor

from course_utils.exercises.compare import (
    RETURNS_NONE,
    close_gradients,
    describe,
    difference,
    has_numbers,
)
from course_utils.exercises.conditions import Pair, shared_condition
from course_utils.exercises.elsewhere import Elsewhere, text_of
from course_utils.exercises.explain import error_text, explain, learners_frames
from course_utils.exercises.gradients import (
    cut_off_message,
    cutters,
    held_constant,
    passed_back_message,
    wrong_gradient_message,
)
from course_utils.exercises.guard import OutOfTime, put_back, run_guarded
from course_utils.exercises.model import (
    Case,
    Exercise,
    Misconception,
    State,
    Verdict,
)
from course_utils.exercises.outcome import (
    Outcome,
    run,
    run_with_gradients,
    silenced,
    tensors_of,
)
from course_utils.exercises.relate import relate
from course_utils.exercises.show import show_results, show_value
from course_utils.exercises.source import forbidden_calls, is_stub, unused_parameters
from course_utils.exercises.whatif import what_if

SECONDS = 10.0  # for all cases of an answer together
_OTHER_SEED = 4_711
CUT_OFF = "numpy() on Tensor that requires grad"  # an error of torch

_DRAWN = (
    "Your result is drawn at random: with other random numbers it is another one. The "
    "task asks for what is the same every time: use nothing that draws."
)
_KEPT = (
    "Called again with the same input, your code gives another result. The usual "
    "cause: something is kept from call to call, outside the function or in an "
    "argument's default such as `found=[]`, which is made once, for all calls. Create "
    "it anew in each call."
)
_KEPT_ON_FUNCTION = (
    "Your result is right in a first call, and wrong after calls with other inputs: "
    "an attribute of the function keeps something. Create it anew in each call."
)
_REMEMBERS = (
    "The first call gives the right result, a second call with the same input another "
    "one: something is kept from call to call, outside the function or as an "
    "argument's default. Create it anew in each call."
)
_NOT_ATTEMPTED = Verdict(
    State.NOT_ATTEMPTED, ("Replace the `...`, then run both cells again.",)
)


def diagnose(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Verdict:
    """Compare an answer with the exercise's reference on all of its cases.

    Shows nothing and changes nothing: random numbers are drawn from a fork of the
    generators, every run gets its own copy of the case, and what the answer changes
    globally is undone.

    >>> double = Exercise("mine.double", lambda x: 2 * x, (), lambda: [(3,), (5,)])
    >>> diagnose(double, lambda x: x + x).state.value
    'correct'
    >>> diagnose(double, lambda x: x * x).messages
    ('9 is not the number asked for.',)

    Args:
        exercise: see `find_exercise`.
        answer: the function, class or value to judge; `...` if not attempted.
        seconds: the time for the answer on all cases.

    Raises:
        Exception: whatever the exercise's own reference or cases raise.
        KeyboardInterrupt: the learner stopped the check.
    """
    replaced = put_back()
    if isinstance(answer, Elsewhere):
        replaced += answer.replaced
    trials = _trials(exercise)
    try:
        return run_guarded(
            lambda: _judge_all(exercise, answer, trials, replaced), seconds
        )
    except OutOfTime:
        return too_slow(seconds)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if not learners_frames(error):
            raise
        message = f"Your result can't be compared. {explain(error)[0]}"
        return Verdict(State.ERROR, (message,))


def too_slow(seconds: float) -> Verdict:
    """Return the verdict on an answer that was stopped after so many seconds.

    >>> too_slow(10).messages
    ('Your code ran for more than 10 seconds and was stopped: does a loop never end?',)
    """
    message = (
        f"Your code ran for more than {seconds:g} seconds and was stopped: does a loop "
        "never end?"
    )
    return Verdict(State.ERROR, (message,))


@dataclass(frozen=True)
class _Trials:
    """The cases of an exercise, and what its reference does with them."""

    cases: Sequence[Case]
    expected: Sequence[Outcome]


def _trials(exercise: Exercise) -> _Trials:
    cases = list(exercise.cases()) if exercise.cases else []
    expected = [run(exercise, exercise.reference, case) for case in cases]
    for outcome in expected:
        if outcome.error:
            raise outcome.error
    return _Trials(cases, expected)


def _judge_all(
    exercise: Exercise, answer: Any, trials: _Trials, replaced: Sequence[str]
) -> Verdict:
    """Judge the results of an answer, and what else is wrong with it."""
    verdict = _judge(exercise, answer, trials)
    messages = [*replaced, *_forbidden(exercise, answer)]
    if not messages or verdict.state is State.NOT_ATTEMPTED:
        return verdict
    state = State.WRONG if verdict.state is State.CORRECT else verdict.state
    steps = verdict.steps and (0, verdict.steps[1])
    messages = (*verdict.messages, *messages)
    return replace(verdict, state=state, messages=messages, steps=steps)


def _judge(exercise: Exercise, answer: Any, trials: _Trials) -> Verdict:
    if answer is ... or is_stub(answer):
        return _NOT_ATTEMPTED
    if exercise.cases is None:
        return _judge_value(exercise, answer)
    if not callable(answer):
        kind = type(answer).__name__
        message = f"Expected a function or class, got {kind}: "
        return Verdict(State.WRONG, (message + "pass its name, without parentheses.",))
    actual = [run(exercise, answer, case) for case in trials.cases]
    if any(outcome.value is ... for outcome in actual):
        return _NOT_ATTEMPTED
    attempt = _Attempt(exercise, answer, trials, actual)
    verdict = _judge_results(attempt)
    most = len(actual) * (1 + exercise.differentiable)
    right = most if verdict.state is State.CORRECT else len(attempt.passing)
    return replace(verdict, steps=(right, most))


def _judge_results(attempt: "_Attempt") -> Verdict:
    if attempt.failing:
        return _name_mistake(attempt)
    if (again := attempt.changed_by_a_second_call()) is not None:
        case = "\n".join(attempt.show_arguments(again))
        return Verdict(State.WRONG, (_REMEMBERS,), case=case)
    if attempt.exercise.differentiable:
        return _judge_gradients(attempt)
    return Verdict(State.CORRECT)


def _judge_value(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None:
        return Verdict(State.WRONG, ("You gave None: put the value there.",))
    message = difference(answer, exercise.reference, exercise.parts)
    if message is None:
        return Verdict(State.CORRECT)
    for mistake in exercise.misconceptions:
        if difference(answer, mistake.answer) is None:
            return Verdict(State.WRONG, (mistake.hint,), mistake.name)
    pair = Pair({}, answer, exercise.reference)
    message = relate([pair], (), exercise.parts) or message
    return Verdict(State.WRONG, (message,))


class _Attempt:
    """An answer with what it did on all cases, and where that is wrong."""

    def __init__(
        self,
        exercise: Exercise,
        answer: Any,
        trials: _Trials,
        actual: Sequence[Outcome],
    ) -> None:
        self.exercise, self.answer = exercise, answer
        self.cases, self.expected = trials.cases, trials.expected
        self.actual = actual
        self.names = _argument_names(exercise, answer, len(self.cases[0]))
        pairs = zip(self.actual, self.expected, strict=True)
        self.faults = [self._fault(mine, right) for mine, right in pairs]
        self.failing = [index for index, fault in enumerate(self.faults) if fault]
        self.passing = [index for index, fault in enumerate(self.faults) if not fault]

    def _fault(self, mine: Outcome, right: Outcome) -> tuple[str, ...]:
        """Say what is wrong with an outcome; empty if nothing is."""
        if mine.error:
            return _explain(mine, right)
        if mine.changed is not None:
            case, name = self.cases[0], self.names[mine.changed]
            return (_changed_in_place(name, case[mine.changed], mine),)
        gap = difference(mine.value, right.value, self.exercise.parts)
        if gap and mine.returned is None and right.returned is not None:
            return (RETURNS_NONE,)
        left = tuple(m for m in mine.left if m not in right.left)
        return ((gap,) if gap else ()) + left

    def shown(self) -> int:
        """Return the failing case to show: a small one that hides nothing."""
        return min(self.failing, key=lambda index: _hardness(self.cases[index]))

    def pair(self, index: int) -> Pair:
        """Return the results for one case side by side."""
        arguments = dict(zip(self.names, self.cases[index], strict=True))
        return Pair(arguments, self.actual[index].value, self.expected[index].value)

    def changed_by_a_second_call(self) -> int | None:
        """Return the smallest case if another call with it gives another result."""
        index = min(range(len(self.cases)), key=lambda i: _hardness(self.cases[i])[1])
        with silenced():
            again = run(self.exercise, self.answer, self.cases[index])
        return None if _same(again, self.expected[index]) else index

    def does_the_same_as(self, answer: Any) -> bool:
        """Tell whether another answer gives the same outcome for every case."""
        cases = zip(self.cases, self.actual, strict=True)
        return all(
            _same(mine, run(self.exercise, answer, case)) for case, mine in cases
        )

    def show_arguments(self, index: int) -> list[str]:
        pairs = zip(self.names, self.cases[index], strict=True)
        return [f"{name} = {show_value(value, memory=True)}" for name, value in pairs]

    def show_case(self, index: int) -> str:
        mine, right = self.actual[index], self.expected[index]
        if isinstance(mine.value, str) and isinstance(right.value, str):
            return ""  # what the check saw: the message says it
        if mine.error and not mine.own and all(_same(mine, o) for o in self.actual):
            return ""  # nothing that the check met depends on the case
        lines = self.show_arguments(index)
        if not mine.error and mine.changed is None:
            parts = self.exercise.parts
            if difference(mine.value, right.value, parts):
                lines += show_results(mine.value, right.value, parts)
        return "\n".join(lines)


def _changed_in_place(name: str, value: Any, mine: Outcome) -> str:
    """Say that an argument is changed, and what to do in place of that."""
    if mine.marked:
        return (
            f"Your code switches `requires_grad` on in its input `{name}`: it stays on "
            f"for whoever else uses `{name}`. Work on a copy: `{name} = "
            f"{name}.clone().requires_grad_()`."
        )
    seen = f"Your code changes its input `{name}` in place"
    if mine.list_changed:
        return (
            f"{seen}: the list itself, as `pop`, `append`, `del` and `{name}[i] = …` "
            f"do. Loop over it without that, or work on a copy, `list({name})`."
        )
    if isinstance(value, list):
        return f"{seen}. Make new tensors: a copy of the list holds the same."
    message = f"{seen}. Work on a copy: others may still need the old one."
    if not isinstance(value, Tensor):
        return message
    return (
        f"{message} `.clone()` makes one; `y = {name}`, a slice and `.detach()` share "
        f"the numbers of `{name}`."
    )


def _explain(mine: Outcome, right: Outcome) -> tuple[str, ...]:
    assert mine.error is not None
    if mine.own:
        return explain(mine.error)
    if _on_purpose(mine.error):
        return (str(mine.error),)
    actual, expected = describe(mine.returned), describe(right.returned)
    if actual != expected:
        return (f"Your result is of the wrong kind: {actual}; expected is {expected}.",)
    return (f"Your result can't be used: {error_text(mine.error)}",)


def _on_purpose(error: BaseException) -> bool:
    """Tell whether the check's code raised an error itself, for the learner."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and (frames[-1].line or "").startswith("raise ")


def _name_mistake(attempt: _Attempt) -> Verdict:
    if mistakes := _known_mistakes(attempt):
        state = State.ERROR if attempt.actual[attempt.failing[0]].own else State.WRONG
        hints = tuple(mistake.hint for mistake in mistakes)
        if len(hints) > 1:
            hints = ("There are two mistakes.", *hints)
        return Verdict(state, hints, " + ".join(m.name for m in mistakes))
    shown = attempt.shown()
    mine = attempt.actual[shown]
    messages = attempt.faults[shown]
    try:
        if unsteady := _unsteady(attempt, shown):
            messages = (unsteady,)
        elif relation := _relation(attempt, shown):
            messages = (relation,)
        elif mine.changed is None and not mine.left:
            messages += _condition(attempt)
    except (RuntimeError, TypeError, ValueError):
        pass  # numbers too odd to relate: the plain messages stay
    state = State.ERROR if mine.own else State.WRONG
    messages = (*_unused_parameters(attempt), *messages)
    return Verdict(state, messages, case=attempt.show_case(shown))


def _unsteady(attempt: _Attempt, index: int) -> str | None:
    """Say why a result is another one the next time, where it should not be."""
    exercise, case = attempt.exercise, attempt.cases[index]
    mine, right = attempt.actual[index], attempt.expected[index]
    if _right_afresh(attempt, index):
        return _KEPT_ON_FUNCTION
    if mine.error or mine.changed is not None:
        return None
    items = mine.value if isinstance(mine.value, tuple) else (mine.value,)
    if any(isinstance(item, str) for item in items):
        return None  # what the check saw of an answer that may well draw
    if not all(map(has_numbers, tensors_of(mine.value))):
        return None  # nothing that can be compared, as a sparse tensor
    again = run(exercise, attempt.answer, case, seed=_OTHER_SEED)
    wanted = run(exercise, exercise.reference, case, seed=_OTHER_SEED)
    if again.error or _same(again, mine) or not _same(wanted, right):
        return None
    repeated = run(exercise, attempt.answer, case)  # with the draws of the first call
    return _DRAWN if _same(repeated, mine) else _KEPT


def _right_afresh(attempt: _Attempt, index: int) -> bool:
    """Tell whether a result is right without what the function's attributes keep."""
    answer = attempt.answer
    if not isinstance(answer, FunctionType) or not vars(answer):
        return False
    kept = dict(vars(answer))
    vars(answer).clear()
    again = run(attempt.exercise, answer, attempt.cases[index])
    vars(answer).clear()
    vars(answer).update(kept)
    return _same(again, attempt.expected[index])


def _known_mistakes(attempt: _Attempt) -> Sequence[Misconception]:
    """Return the misconception, or the two, that do the same on every case."""
    exercise = attempt.exercise
    for mistake in exercise.misconceptions:
        if attempt.does_the_same_as(mistake.answer):
            return [mistake]
    if exercise.switches is None:
        return []
    for pair in combinations(exercise.misconceptions, 2):
        answer = exercise.switches(frozenset(mistake.name for mistake in pair))
        if answer is not None and attempt.does_the_same_as(answer):
            return pair
    return []


def _unused_parameters(attempt: _Attempt) -> tuple[str, ...]:
    """Name the parameters that the answer ignores and the reference does not."""
    exercise, count = attempt.exercise, len(attempt.names)
    if exercise.apply is not Exercise.apply:
        return ()
    ignored = set(unused_parameters(attempt.answer))
    ignored -= set(unused_parameters(exercise.reference))
    names = [attempt.names[i] for i in sorted(ignored) if i < count]
    return (f"Your code never uses {_listed(names)}.",) if names else ()


def _condition(attempt: _Attempt) -> tuple[str, ...]:
    """Say what the failing cases share, if that is one thing that the others lack."""
    wrong = [attempt.actual[index] for index in attempt.failing]
    if any(outcome.changed is not None for outcome in wrong):
        return ()  # the result itself may be right in every case
    failing = [attempt.pair(i) for i in attempt.failing]
    passing = [attempt.pair(i) for i in attempt.passing]
    condition = shared_condition(failing, passing)
    return (f"In the cases tried, it is {condition}.",) if condition else ()


def _relation(attempt: _Attempt, shown: int) -> str | None:
    """Say what links the wrong results to the right ones, if that is seen."""
    wrong = [attempt.actual[index] for index in attempt.failing]
    if any(o.error or o.left or o.changed is not None for o in wrong):
        return None
    if any(t.isnan().any() for o in wrong for t in tensors_of(o.value)):
        return None  # how many numbers are NaN says more
    hypothesis = what_if(
        attempt.exercise,
        attempt.names,
        attempt.cases,
        attempt.actual,
        attempt.expected,
    )
    # Sizes are quoted from the first: the message and the case shown must agree.
    order = sorted(attempt.failing, key=lambda index: index != shown)
    failing = [attempt.pair(i) for i in order]
    passing = [attempt.pair(i) for i in attempt.passing]
    relation = hypothesis or relate(failing, passing, attempt.exercise.parts)
    return relation and relation.replace("our result", f"our {attempt.exercise.result}")


def _judge_gradients(attempt: _Attempt) -> Verdict:
    """Compare the gradients of results that are right."""
    for index, case in enumerate(attempt.cases):
        if verdict := _gradient_fault(attempt, index, case):
            break
    else:
        return Verdict(State.CORRECT)
    for mistake in attempt.exercise.misconceptions:
        if attempt.does_the_same_as(mistake.answer) and all(
            _same_gradients(attempt, mistake, case) for case in attempt.cases
        ):
            return Verdict(State.WRONG, (mistake.hint,), mistake.name)
    return verdict


def _gradient_fault(attempt: _Attempt, index: int, case: Case) -> Verdict | None:
    exercise = attempt.exercise
    mine = run_with_gradients(exercise, attempt.answer, case)
    right = run_with_gradients(exercise, exercise.reference, case)
    names = [attempt.names[place] for place, _ in right.values]
    arguments = attempt.show_arguments(index)
    if mine.error and CUT_OFF not in error_text(mine.error):
        told = "This comes up where the inputs require gradients."
        messages = (*explain(mine.error), told)
        return Verdict(State.ERROR, messages, case="\n".join(arguments))
    if mine.error or mine.attached != right.attached:
        part = _cut_off_part(attempt, mine.attached, right.attached)
        reached = [n for n, (_, g) in zip(names, right.values, strict=True) if g.any()]
        suspects = cutters(attempt.answer)
        message = cut_off_message(part, reached, _held(attempt), suspects)
        return Verdict(State.WRONG, (message,), case="\n".join(arguments))
    pairs = zip(names, mine.values, right.values, strict=True)
    for name, (_, my_gradient), (_, gradient) in pairs:
        if not close_gradients(my_gradient, gradient):
            held = _held(attempt)
            message = passed_back_message(
                exercise, attempt.answer, case, mine, right
            ) or wrong_gradient_message(
                name, my_gradient, gradient, held, cutters(attempt.answer)
            )
            lines = [
                *arguments,
                f"the gradient of {name}, for a weighted sum of results",
            ]
            lines += show_results(my_gradient, gradient)
            return Verdict(State.WRONG, (message,), case="\n".join(lines))
    return None


def _held(attempt: _Attempt) -> str | None:
    return held_constant(attempt.exercise, attempt.answer, attempt.cases)


def _cut_off_part(
    attempt: _Attempt, mine: Sequence[bool], right: Sequence[bool]
) -> str:
    parts = attempt.exercise.parts
    if len(parts) == len(mine) == len(right) and any(mine):
        return f"Your result for {parts[list(mine).index(False)]}"
    return "Your result"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _same_gradients(attempt: _Attempt, mistake: Misconception, case: Case) -> bool:
    exercise = attempt.exercise
    mine = run_with_gradients(exercise, attempt.answer, case)
    theirs = run_with_gradients(exercise, mistake.answer, case)
    if mine.error or theirs.error:
        return type(mine.error) is type(theirs.error)
    return mine.attached == theirs.attached and all(
        close_gradients(a, b)
        for (_, a), (_, b) in zip(mine.values, theirs.values, strict=True)
    )


def _forbidden(exercise: Exercise, answer: Any) -> list[str]:
    calls = forbidden_calls(answer, exercise.forbidden)
    return [
        f"Your code calls `{call}`, which this exercise does not allow: write it by "
        "hand."
        for call in calls[:1]
    ]


def _same(a: Outcome, b: Outcome) -> bool:
    if a.error or b.error:
        texts = [_error_mark(o.error) if o.error else None for o in (a, b)]
        return type(a.error) is type(b.error) and texts[0] == texts[1]
    unchanged = a.changed == b.changed and a.left == b.left
    return unchanged and difference(a.value, b.value) is None


def _error_mark(error: BaseException) -> str:
    """Return what is said by an error, whichever operand of `a * b` came first."""
    text = error_text(error)
    if "must match the size of tensor" in text:
        return " ".join(sorted(text.split()))
    return text


def _argument_names(exercise: Exercise, answer: Any, count: int) -> list[str]:
    """Return what the learner calls the arguments of a case."""
    own, reference = _parameters(answer), _parameters(exercise.reference)
    candidates = [own, exercise.arguments, reference]
    if exercise.apply is not Exercise.apply:  # it takes others than the answer
        candidates = [exercise.arguments, _parameters(exercise.apply)[1:], own]
    for names in candidates:
        if len(names) == count:
            return list(names)
    return [f"input {i + 1}" for i in range(count)]


def _parameters(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(text_of(function)).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def _hardness(case: Case) -> tuple[int, int]:
    """Rank a case for showing: one that hides no confusion of sizes, then a small one.

    Square tensors, a batch of one and equal numbers hide which size is which.
    """
    tensors = [a for a in case if isinstance(a, Tensor) and a.ndim]
    numbers = [a for a in case if isinstance(a, int) and not isinstance(a, bool)]
    hides = (
        any(len(t) == 1 for t in tensors)
        or any(len(set(t.shape)) < t.ndim for t in tensors)
        or len(set(numbers)) < len(numbers)
    )
    size = sum(a.numel() if isinstance(a, Tensor) else 1 for a in case)
    return int(hides), size
