"""Exercises of lesson 03: dropout."""

from course_utils.exercises.bank.dropout.layer import LAYER
from course_utils.exercises.bank.dropout.masks import BACKWARD, CHANNELS, DROP
from course_utils.exercises.bank.dropout.numbers import SHIFT, SURVIVOR, VARIANCE
from course_utils.exercises.bank.dropout.switches import AWAKE

EXERCISES = (SURVIVOR, DROP, BACKWARD, VARIANCE, LAYER, CHANNELS, AWAKE, SHIFT)
