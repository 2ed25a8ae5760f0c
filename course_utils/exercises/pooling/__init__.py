"""Exercises of lesson 06: pooling."""

from course_utils.exercises.pooling.adaptive import ADAPTIVE
from course_utils.exercises.pooling.flow import ROUTE
from course_utils.exercises.pooling.numbers import HEADS, SIZE
from course_utils.exercises.pooling.pictures import BLUR, THIN
from course_utils.exercises.pooling.windows import AVERAGE, MAX

EXERCISES = (SIZE, MAX, AVERAGE, ADAPTIVE, ROUTE, THIN, BLUR, HEADS)
