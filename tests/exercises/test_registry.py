"""Exercises found by name: those of the course, and a teacher's own."""

import pytest

from course_utils import CourseError, check
from course_utils.display.bundles import CHECK
from course_utils.exercises import registry
from course_utils.exercises.bank.linear import EXERCISES
from course_utils.exercises.model import Exercise
from course_utils.exercises.registry import (
    find_exercise,
    numbered_exercises,
    register,
)


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


def double(name: str = "mine.double", factor: int = 2) -> Exercise:
    return Exercise(name, lambda x: factor * x, (), lambda: [(3,), (5,)])


def test_every_exercise_of_a_lesson_is_found():
    assert [find_exercise(e.name) for e in EXERCISES] == list(EXERCISES)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "linear.afine",
            "There is no exercise 'linear.afine'. Did you mean 'linear.affine'?",
        ),
        ("linear", "There is no exercise 'linear'. Did you mean 'linear.merge'?"),
        ("start.x", "There is no exercise 'start.x'. Did you mean 'start.fit'?"),
        (
            "linear.xyzxyzxyz",
            "There is no exercise 'linear.xyzxyzxyz'. Did you mean 'linear.merge'?",
        ),
        ("lineal.affine", "No lesson has exercises named 'lineal.…'."),
        (
            "3x.affine",
            "'3x.affine' is not the name of an exercise: "
            "names look like linear.affine.",
        ),
        (3, "3 is not the name of an exercise: names look like linear.affine."),
    ],
)
def test_unknown_name_is_reported(name, message):
    with pytest.raises(LookupError) as error:
        find_exercise(name)
    assert str(error.value) == message


def test_registered_exercise_is_found_and_checked(displayed):
    exercise = double()
    register(exercise)
    assert find_exercise("mine.double") is exercise
    check("mine.double", lambda x: x + x)
    assert displayed[0][0][CHECK]["state"] == "correct"


def test_registering_again_replaces_the_exercise():
    register(double())
    register(double(factor=-2))
    assert find_exercise("mine.double").reference(1) == -2


def test_own_exercise_may_stand_beside_a_lesson_s():
    register(double("linear.double"))
    assert find_exercise("linear.double").reference(1) == 2
    assert find_exercise("linear.affine") is not None


def test_nearest_name_is_looked_for_among_own_exercises_of_the_lesson():
    register(double())
    register(double("other.doubles"))
    with pytest.raises(LookupError, match=r"Did you mean 'mine.double'\?"):
        find_exercise("mine.doubles")


@pytest.mark.parametrize(
    "name", ["double", "mine.", ".double", "my own.double", "a.b.c"]
)
def test_malformed_name_is_refused(name):
    with pytest.raises(CourseError) as error:
        register(double(name))
    assert str(error.value) == (
        f"{name!r} can't be the name of an exercise: names look like linear.affine."
    )


def test_name_of_the_course_is_refused():
    with pytest.raises(CourseError) as error:
        register(double("linear.affine"))
    assert str(error.value) == (
        "The course already has an exercise 'linear.affine': use another name."
    )


def test_exercises_are_numbered_in_the_lesson_s_order():
    names = [exercise.name for exercise in EXERCISES]
    assert numbered_exercises("linear") == dict(zip(names, range(1, 10), strict=True))


@pytest.mark.parametrize("lesson", ["mine", "none", "", "a b", "..linear"])
def test_own_and_unknown_exercises_have_no_number(lesson):
    register(double())
    register(double("linear.double"))
    assert numbered_exercises(lesson) == {}
    assert "linear.double" not in numbered_exercises("linear")


def test_own_exercise_s_verdict_has_its_name_alone(displayed):
    register(double("linear.double"))
    check("linear.double", lambda x: x + x)
    assert displayed[0][0]["text/plain"] == "✓ linear.double: correct."
    assert "<small>" not in displayed[0][0]["text/html"]
