"""Exercises of lesson 08: transformers."""

from course_utils.exercises.bank.transformer.attention import ATTENTION
from course_utils.exercises.bank.transformer.blocks import PRE_NORM
from course_utils.exercises.bank.transformer.counts import COUNT
from course_utils.exercises.bank.transformer.decoding import GREEDY
from course_utils.exercises.bank.transformer.heads import SPLIT_HEADS
from course_utils.exercises.bank.transformer.masked import MASKED
from course_utils.exercises.bank.transformer.masks import FUTURE, PADDING

EXERCISES = (
    ATTENTION,
    MASKED,
    FUTURE,
    PADDING,
    SPLIT_HEADS,
    COUNT,
    PRE_NORM,
    GREEDY,
)
