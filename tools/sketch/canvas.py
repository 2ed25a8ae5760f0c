"""A 28 x 28 canvas: soft-edged polygons, lines and folds, in exact arithmetic.

Only + - * / sqrt, comparisons and rounding to whole numbers are used, which IEEE 754
fixes to the last bit, so every processor draws the same picture.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from dice import Dice
from numpy.typing import NDArray
from outlines import Point, rounded

Array: TypeAlias = NDArray[np.float64]
Grey: TypeAlias = Array | float  # 0 (black) to 1, for each pixel or for all
SIZE = 28
ACROSS = np.arange(SIZE) + 0.5  # centres of the pixels along a side


class Canvas:
    """Draws in the garment's own coordinates, -1..1 in x (right) and y (down)."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.grey = np.zeros((SIZE, SIZE))
        size = dice.between(0.76, 1.0)
        room = 13.5 * (1 - size) + 0.7
        self.middle = 14 + dice.between(-room, room), 14 + dice.between(-room, room)
        self.wide = 13 * size * dice.between(0.9, 1.04)
        self.tall = 13 * size * dice.between(0.92, 1.02)
        t = dice.between(-0.06, 0.06)  # tangent of half the tilt: no sine needed
        self.cos, self.sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        right = ACROSS[None, :] - self.middle[0]
        down = ACROSS[:, None] - self.middle[1]
        self.x = (right * self.cos + down * self.sin) / self.wide
        self.y = (down * self.cos - right * self.sin) / self.tall

    def _place(self, points: Sequence[Point]) -> Array:
        """Return the points in pixels: (2, points), x and y."""
        p = np.array(points, dtype=np.float64)
        x, y = self.wide * p[:, 0], self.tall * p[:, 1]
        across = self.middle[0] + x * self.cos - y * self.sin
        return np.stack([across, self.middle[1] + x * self.sin + y * self.cos])

    def _distance(self, starts: Array, ends: Array) -> Array:
        """Return pixels from each centre to the nearest segment; ends (2, segments)."""
        ax, ay = starts[:, :, None]
        ex, ey = (ends - starts)[:, :, None]
        px, py = ACROSS - ax, ACROSS - ay  # (segments, 28) along columns, along rows
        length = ex * ex + ey * ey
        length = np.where(length == 0, 1.0, length)
        tx, ty = px * ex / length, py * ey / length
        nearest: Array = np.full((SIZE, SIZE), np.inf)
        for i in range(0, len(ex), 8):  # a few at a time stay in the cache: 3x faster
            some = slice(i, i + 8)
            t = tx[some, None, :] + ty[some, :, None]
            np.minimum(np.maximum(t, 0.0, out=t), 1.0, out=t)
            dx = px[some, None, :] - ex[some, :, None] * t
            dy = py[some, :, None] - ey[some, :, None] * t
            squared = dx * dx + dy * dy
            nearest = np.minimum(nearest, squared.min(axis=0))
        return np.sqrt(nearest)

    def _inside(self, points: Sequence[Point]) -> Array:
        """Return the signed distance in pixels to a polygon: positive inside."""
        starts = self._place(points)
        ends = np.concatenate([starts[:, 1:], starts[:, :1]], axis=1)
        (ax, ay), (bx, by) = starts[:, :, None], ends[:, :, None]
        slope = (bx - ax) / np.where(by == ay, 1.0, by - ay)
        cut = ax + (ACROSS - ay) * slope  # where each edge meets each row
        cut = np.where((ay <= ACROSS) != (by <= ACROSS), cut, -1.0)
        inside = np.logical_xor.reduce(cut[:, :, None] > ACROSS, axis=0)
        distance = self._distance(starts, ends)
        return np.where(inside, distance, -distance)

    def cover(self, mask: Array, grey: Grey) -> None:
        """Paint where `mask` is 1, and blend where it is between 0 and 1."""
        self.grey = self.grey * (1 - mask) + grey * mask

    def fill(
        self, points: Sequence[Point], grey: Grey, edge: float = 0.0, smooth: int = 2
    ) -> Array:
        """Paint a polygon, its rim darker by `edge`; return its soft mask (0..1)."""
        inside = self._inside(rounded(points, smooth))
        mask = np.minimum(np.maximum(inside + 0.5, 0.0), 1.0)
        rim = np.minimum(np.maximum(1.6 - inside, 0.0), 1.0)
        self.cover(mask, grey * (1 - edge * rim))
        return mask

    def line(
        self,
        points: Sequence[Point],
        width: float,
        grey: Grey,
        within: Array | NDArray[np.bool_] | float = 1.0,
        smooth: int = 1,
    ) -> None:
        """Paint an open line, `width` in pixels, only where `within` is not 0."""
        path = rounded(points, smooth, closed=False)
        placed = self._place(path)
        distance = self._distance(placed[:, :-1], placed[:, 1:])
        mask = np.minimum(np.maximum(width / 2 + 0.5 - distance, 0.0), 1.0)
        self.cover(mask * within, grey)

    def dot(
        self, x: float, y: float, radius: float, grey: Grey, within: Array | float = 1.0
    ) -> None:
        """Paint a disc, `radius` in pixels, only where `within` is not 0."""
        self.line([(x, y), (x, y)], 2 * radius, grey, within, smooth=0)

    def _folds(self, depth: float) -> Array:
        """Return a soft, uneven light around 1, blended from a random 5 x 5 grid."""
        knots: Array = self.dice.grid(5, 5)
        at = ACROSS / SIZE * 4
        low = np.floor(at).astype(int)
        part = at - low
        down = knots[low] * (1 - part)[:, None] + knots[low + 1] * part[:, None]
        across: Array = down[:, low] * (1 - part) + down[:, low + 1] * part
        return 1 + depth * (2 * across - 1)

    def pixels(self, noise: float) -> NDArray[np.uint8]:
        """Return the picture as bytes of 16 grey levels; noise only on the garment."""
        rough = noise * (2 * self.dice.grid(SIZE, SIZE) - 1)
        grey = self.grey * self._folds(0.16) + rough * (self.grey > 0.08)
        level = np.floor(np.minimum(np.maximum(grey, 0.0), 1.0) * 15 + 0.5)
        return (level * 17).astype(np.uint8)
