"""Every exercise of the course: its reference, its mistakes, and malformed answers."""

import importlib
import pkgutil

import pytest
import torch

from course_utils.exercises import bank
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.registry import find_exercise

LESSONS = sorted(m.name for m in pkgutil.iter_modules(bank.__path__))
ALL = {
    exercise.name: exercise
    for name in LESSONS
    for exercise in importlib.import_module(
        f"course_utils.exercises.bank.{name}"
    ).EXERCISES
}
MISTAKES = [(n, m.name) for n, e in ALL.items() for m in e.misconceptions]
every_exercise = pytest.mark.parametrize("name", ALL)


def stub(*args): ...


def none_at_the_end(*args):
    str(args)


def failing(*args):
    raise ZeroDivisionError("division by nothing")


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_five_exercises_or_more_with_names_of_its_own(lesson):
    named = [name for name in ALL if name.split(".")[0] == lesson]
    assert len(named) >= 5


@every_exercise
def test_is_found_by_its_name_and_knows_three_mistakes(name):
    assert find_exercise(name) is ALL[name]
    mistakes = [m.name for m in ALL[name].misconceptions]
    assert len(set(mistakes)) == len(mistakes) >= 3


@every_exercise
def test_the_reference_is_correct(name):
    assert diagnose(ALL[name], ALL[name].reference).state == "correct"


@every_exercise
def test_the_stub_is_not_attempted(name):
    answers = [...] if ALL[name].cases is None else [..., stub]
    assert {diagnose(ALL[name], a).state for a in answers} == {"not attempted"}


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_mistake_gets_its_own_hint(name, mistake):
    (known,) = [m for m in ALL[name].misconceptions if m.name == mistake]
    verdict = diagnose(ALL[name], known.answer)
    assert verdict.misconception == mistake
    assert verdict.messages == (known.hint,)
    assert verdict.state in ("wrong", "error")


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_hint_is_a_sentence(name, mistake):
    (known,) = [m for m in ALL[name].misconceptions if m.name == mistake]
    assert known.hint.rstrip(")").endswith((".", "?", "!"))
    assert len(known.hint.split()) >= 5
    assert known.hint.count("`") % 2 == 0


@every_exercise
def test_malformed_answers_get_a_sentence_and_no_mistake_s_name(name):
    exercise = ALL[name]
    answers = [None, "text", object()]
    if exercise.cases is not None:
        answers += [none_at_the_end, lambda *args: object(), failing, torch.zeros(2)]
    for answer in answers:
        verdict = diagnose(exercise, answer)
        assert verdict.state in ("wrong", "error")
        assert verdict.misconception is None
        assert all(message.strip() for message in verdict.messages)


@every_exercise
def test_cases_are_the_same_each_time_and_not_all_zero(name):
    exercise = ALL[name]
    if exercise.cases is None:
        pytest.skip("the answer is a value")
    first, second = list(exercise.cases()), list(exercise.cases())
    assert len(first) == len(second) >= 1
    tensors = [a for case in first for a in case if isinstance(a, torch.Tensor)]
    again = [a for case in second for a in case if isinstance(a, torch.Tensor)]
    assert all(torch.equal(a, b) for a, b in zip(tensors, again, strict=True))
    assert all(a.count_nonzero() for a in tensors)
