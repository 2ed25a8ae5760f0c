"""Exercises of lesson 02: activations."""

from course_utils.exercises.bank.activations.curves import LEAKY, RELU, SIGMOID_SLOPE
from course_utils.exercises.bank.activations.loss import CROSS_ENTROPY
from course_utils.exercises.bank.activations.shares import LOG_SOFTMAX, SOFTMAX
from course_utils.exercises.bank.activations.units import DEAD, MAXIMUM

EXERCISES = (
    RELU,
    LEAKY,
    SIGMOID_SLOPE,
    DEAD,
    SOFTMAX,
    LOG_SOFTMAX,
    CROSS_ENTROPY,
    MAXIMUM,
)
