"""Exercises of lesson 07: recurrent layers."""

from course_utils.exercises.recurrent.clipping import CLIP
from course_utils.exercises.recurrent.counts import COUNT
from course_utils.exercises.recurrent.design import DELAY
from course_utils.exercises.recurrent.gru import GRU_STEP
from course_utils.exercises.recurrent.loop import RNN
from course_utils.exercises.recurrent.lstm import LSTM_STEP
from course_utils.exercises.recurrent.padding import LAST_VALID
from course_utils.exercises.recurrent.shapes import SHAPES

EXERCISES = (SHAPES, COUNT, RNN, LAST_VALID, LSTM_STEP, GRU_STEP, CLIP, DELAY)
