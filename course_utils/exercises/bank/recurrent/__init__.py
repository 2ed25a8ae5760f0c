"""Exercises of lesson 07: recurrent layers."""

from course_utils.exercises.bank.recurrent.clipping import CLIP
from course_utils.exercises.bank.recurrent.counts import COUNT
from course_utils.exercises.bank.recurrent.design import DELAY
from course_utils.exercises.bank.recurrent.gru import GRU_STEP
from course_utils.exercises.bank.recurrent.loop import RNN
from course_utils.exercises.bank.recurrent.lstm import LSTM_STEP
from course_utils.exercises.bank.recurrent.padding import LAST_VALID
from course_utils.exercises.bank.recurrent.shapes import SHAPES

EXERCISES = (SHAPES, COUNT, RNN, LAST_VALID, LSTM_STEP, GRU_STEP, CLIP, DELAY)
