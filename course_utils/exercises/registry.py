"""Exercises by name: those of the course, and those a teacher registers."""

import importlib
import importlib.util
from difflib import get_close_matches

from course_utils.errors import CourseError
from course_utils.exercises.model import Exercise

_registered: dict[str, Exercise] = {}


def find_exercise(name: str) -> Exercise:
    """Return the exercise with this name.

    >>> find_exercise("linear.affine").name
    'linear.affine'
    >>> find_exercise("linear.afine")
    Traceback (most recent call last):
    LookupError: There is no exercise 'linear.afine'. Did you mean 'linear.affine'?

    Raises:
        LookupError: there is none; the message names the nearest one.
    """
    lesson = str(name).partition(".")[0]
    if not lesson.isidentifier():
        raise LookupError(
            f"{name!r} is not the name of an exercise: names look like linear.affine."
        )
    exercises = _of_the_course(lesson) | _of_a_teacher(lesson)
    if not exercises:
        raise LookupError(f"No lesson has exercises named '{lesson}.…'.")
    if name in exercises:
        return exercises[name]
    near = get_close_matches(name, exercises, n=1, cutoff=0)
    raise LookupError(f"There is no exercise '{name}'. Did you mean '{near[0]}'?")


def register(exercise: Exercise) -> None:
    """Add an exercise of your own, so that `check` knows its name.

    It lasts as long as the process. Registering the same name again replaces the
    exercise, so that a cell can be run again.

    >>> register(Exercise("mine.double", lambda x: 2 * x, (), lambda: [(3,), (5,)]))
    >>> find_exercise("mine.double").reference(4)
    8

    Raises:
        CourseError: the name does not look like "lesson.exercise", or the course
            itself has an exercise with this name.
    """
    lesson, _, own = exercise.name.partition(".")
    if not (lesson.isidentifier() and own.isidentifier()):
        raise CourseError(
            f"{exercise.name!r} can't be the name of an exercise: "
            "names look like linear.affine."
        )
    if exercise.name in _of_the_course(lesson):
        raise CourseError(
            f"The course already has an exercise '{exercise.name}': use another name."
        )
    _registered[exercise.name] = exercise


def numbered_exercises(lesson: str) -> dict[str, int]:
    """Return {name: number} of the course's exercises in a lesson, in its order.

    Empty for a lesson that the course does not have; exercises of your own have no
    number.

    >>> numbered_exercises("linear")["linear.affine"]
    3
    """
    if not lesson.isidentifier():
        return {}
    return {name: n for n, name in enumerate(_of_the_course(lesson), 1)}


def _of_the_course(lesson: str) -> dict[str, Exercise]:
    module = f"course_utils.exercises.bank.{lesson}"
    if importlib.util.find_spec(module) is None:
        return {}
    return {e.name: e for e in importlib.import_module(module).EXERCISES}


def _of_a_teacher(lesson: str) -> dict[str, Exercise]:
    return {n: e for n, e in _registered.items() if n.partition(".")[0] == lesson}
