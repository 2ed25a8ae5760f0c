"""The helpers the lessons share: what would repeat, and none of the layers taught."""

import os

# Before torch loads OpenMP: its idle threads spin by default, and where another
# program wants the core, a small network then trains ten times slower and more.
os.environ["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")

from course_utils.checking import Exercise, Misconception, check
from course_utils.data import FashionMNIST, Split, load_fashion_mnist, load_sketches
from course_utils.device import current_device, seed_everything, select_device, setup
from course_utils.environment import environment_report
from course_utils.errors import CourseError, expect_error
from course_utils.page import show
from course_utils.playground import playground
from course_utils.plotting import (
    PALETTE,
    course_style,
    plot_band,
    plot_image,
    plot_matrix,
)
from course_utils.quiz import predict

__all__ = [
    "PALETTE",
    "CourseError",
    "Exercise",
    "FashionMNIST",
    "Misconception",
    "Split",
    "check",
    "course_style",
    "current_device",
    "environment_report",
    "expect_error",
    "load_fashion_mnist",
    "load_sketches",
    "playground",
    "plot_band",
    "plot_image",
    "plot_matrix",
    "predict",
    "seed_everything",
    "select_device",
    "setup",
    "show",
]
