"""Repeatable chance: the same on every platform and Python version."""

import random
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Dice:
    """Random choices from `random.random()`, whose sequence Python never changes.

    Example:
        >>> dice = Dice(seed=1)
        >>> round(dice.between(2, 3), 4), dice.pick("abc"), dice.chance(0.5)
        (2.1344, 'c', False)
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def between(self, low: float, high: float) -> float:
        """Return a number from `low` to `high`, each equally likely."""
        return low + (high - low) * self._random.random()

    def chance(self, p: float) -> bool:
        """Return True with probability `p`."""
        return self._random.random() < p

    def pick(self, options: Sequence[T]) -> T:
        """Return one of `options`, each equally likely."""
        return options[int(self._random.random() * len(options))]

    def shuffle(self, items: list[T]) -> None:
        """Put `items` into random order, in place."""
        for i in range(len(items) - 1, 0, -1):
            j = int(self._random.random() * (i + 1))
            items[i], items[j] = items[j], items[i]

    def grid(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Return numbers from 0 to 1 in an array (rows, columns)."""
        values = [self._random.random() for _ in range(rows * columns)]
        return np.array(values).reshape(rows, columns)
