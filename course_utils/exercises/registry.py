"""Exercises by name."""

import importlib
from difflib import get_close_matches

from course_utils.exercises.model import Exercise


def find_exercise(name: str) -> Exercise:
    """Return the exercise with this name.

    Raises:
        LookupError: there is none; the message names the nearest one.
    """
    lesson = str(name).partition(".")[0]
    if not lesson.isidentifier():
        raise LookupError(f"{name!r} is no exercise: names read like linear.affine.")
    try:
        module = importlib.import_module(f"course_utils.exercises.bank.{lesson}")
    except ModuleNotFoundError:
        raise LookupError(f"No lesson has exercises named '{lesson}.…'.") from None
    exercises = {exercise.name: exercise for exercise in module.EXERCISES}
    if name in exercises:
        return exercises[name]
    near = get_close_matches(name, exercises, n=1, cutoff=0)
    raise LookupError(f"There is no exercise '{name}'. Did you mean '{near[0]}'?")
