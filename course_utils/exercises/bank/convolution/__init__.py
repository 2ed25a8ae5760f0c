"""Exercises of lesson 05: convolution."""

from course_utils.exercises.bank.convolution.pictures import CONV2D, MOVE_RIGHT
from course_utils.exercises.bank.convolution.reach import COUNT, RECEPTIVE_FIELD
from course_utils.exercises.bank.convolution.sizes import OUTPUT_SIZE, SAME_PADDING
from course_utils.exercises.bank.convolution.sliding import SLIDE, STAMP

EXERCISES = (
    SLIDE,
    OUTPUT_SIZE,
    SAME_PADDING,
    COUNT,
    CONV2D,
    MOVE_RIGHT,
    RECEPTIVE_FIELD,
    STAMP,
)
