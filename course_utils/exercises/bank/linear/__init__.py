"""Exercises of lesson 01: linear layers."""

from course_utils.exercises.bank.linear.algebra import AFFINE, BACKWARD, MERGE
from course_utils.exercises.bank.linear.shapes import BOUND, COUNT, DESIGN, OUTPUT_SHAPE

EXERCISES = (OUTPUT_SHAPE, COUNT, AFFINE, BOUND, MERGE, BACKWARD, DESIGN)
