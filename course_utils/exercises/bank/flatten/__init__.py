"""Exercises of lesson 09: Flatten and Unflatten."""

from course_utils.exercises.bank.flatten.orders import (
    ANY_IMAGE,
    HWC_TO_CHW,
    KEEP_BATCH,
    UNFLATTEN,
)
from course_utils.exercises.bank.flatten.places import INDEX, PLACE, SHAPE
from course_utils.exercises.bank.flatten.sizes import LINEAR_SIZE

EXERCISES = (
    INDEX,
    PLACE,
    SHAPE,
    KEEP_BATCH,
    UNFLATTEN,
    HWC_TO_CHW,
    ANY_IMAGE,
    LINEAR_SIZE,
)
