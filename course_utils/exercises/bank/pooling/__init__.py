"""Exercises of lesson 06: pooling."""

from course_utils.exercises.bank.pooling.adaptive import ADAPTIVE
from course_utils.exercises.bank.pooling.flow import ROUTE
from course_utils.exercises.bank.pooling.numbers import HEADS, SIZE
from course_utils.exercises.bank.pooling.pictures import BLUR, THIN
from course_utils.exercises.bank.pooling.windows import AVERAGE, MAX

EXERCISES = (SIZE, MAX, AVERAGE, ADAPTIVE, ROUTE, THIN, BLUR, HEADS)
