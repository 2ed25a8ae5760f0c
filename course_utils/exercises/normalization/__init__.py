"""Exercises of lesson 04: normalization."""

from course_utils.exercises.normalization.batch import BATCH_NORM
from course_utils.exercises.normalization.counts import COUNTS
from course_utils.exercises.normalization.fold import FOLD
from course_utils.exercises.normalization.group import GROUP_NORM
from course_utils.exercises.normalization.layer import LAYER_NORM
from course_utils.exercises.normalization.memory import RUNNING, UNDO
from course_utils.exercises.normalization.rms import RMS_NORM

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
