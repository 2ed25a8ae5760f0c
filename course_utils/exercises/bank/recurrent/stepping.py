"""Lesson 07: what the exercises on one step of an LSTM and a GRU share."""

from collections.abc import Callable

from course_utils.exercises.bank.draw import randn


def without_b_hh(step: Callable) -> Callable:
    return lambda *args: step(*args[:-1], 0 * args[-1])


def step_cases(gates: int, states: int) -> list[tuple]:
    sizes = [(3, 2, 4), (3, 3, 3), (1, 5, 2)]  # square ones among them
    return [
        randn(
            (n, d),
            *[(n, h)] * states,
            (gates * h, d),
            (gates * h, h),
            *[(gates * h,)] * 2,
        )
        for n, d, h in sizes
    ]
