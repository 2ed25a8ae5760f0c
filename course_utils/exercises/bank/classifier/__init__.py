"""Exercises of lesson 10: a classifier, from its scores to its training."""

from course_utils.exercises.bank.classifier.confusion import CONFUSION
from course_utils.exercises.bank.classifier.data import COUNT, NORMALISE
from course_utils.exercises.bank.classifier.evaluating import EVALUATE
from course_utils.exercises.bank.classifier.scores import ACCURACY, CROSS_ENTROPY
from course_utils.exercises.bank.classifier.training import TRAIN_STEP

EXERCISES = (
    COUNT,
    ACCURACY,
    CROSS_ENTROPY,
    NORMALISE,
    CONFUSION,
    TRAIN_STEP,
    EVALUATE,
)
