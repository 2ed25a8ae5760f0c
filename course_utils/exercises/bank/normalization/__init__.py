"""Exercises of lesson 04: normalization."""

from course_utils.exercises.bank.normalization.batch import BATCH_NORM
from course_utils.exercises.bank.normalization.counts import COUNTS
from course_utils.exercises.bank.normalization.fold import FOLD
from course_utils.exercises.bank.normalization.group import GROUP_NORM
from course_utils.exercises.bank.normalization.layer import LAYER_NORM
from course_utils.exercises.bank.normalization.memory import RUNNING, UNDO
from course_utils.exercises.bank.normalization.rms import RMS_NORM

EXERCISES = (
    COUNTS,
    BATCH_NORM,
    LAYER_NORM,
    GROUP_NORM,
    RMS_NORM,
    RUNNING,
    UNDO,
    FOLD,
)
