"""A 28 x 28 canvas: soft-edged polygons, lines and cloth, in exact arithmetic.

Only + - * / sqrt, comparisons and rounding to whole numbers are used, which IEEE 754
fixes to the last bit, so every processor draws the same picture. Chance comes from
`random.Random.random()`, whose sequence Python keeps between versions.
"""

import random

import numpy as np

SIZE = 28
ACROSS = np.arange(SIZE) + 0.5  # centres of the pixels along a side


class Dice:
    """Repeatable chance, the same on every platform and Python version."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def chance(self, p: float) -> bool:
        return self._random.random() < p

    def pick(self, options):
        return options[int(self._random.random() * len(options))]

    def shuffle(self, items: list) -> None:
        for i in range(len(items) - 1, 0, -1):
            j = int(self._random.random() * (i + 1))
            items[i], items[j] = items[j], items[i]

    def grid(self, rows: int, columns: int) -> np.ndarray:
        values = [self._random.random() for _ in range(rows * columns)]
        return np.array(values).reshape(rows, columns)


def rounded(points, times: int = 2, closed: bool = True) -> list:
    """Cut every corner `times` times (Chaikin); a point given twice stays sharper."""
    for _ in range(times):
        pairs = list(zip(points, points[1:] + points[:1], strict=True))
        cut = [] if closed else [points[0]]
        for (ax, ay), (bx, by) in pairs if closed else pairs[:-1]:
            cut.append((0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by))
            cut.append((0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by))
        points = cut if closed else [*cut, points[-1]]
    return points


def mirrored(half) -> list:
    """A symmetric outline from its right half, listed from top to bottom."""
    return [*half, *((-x, y) for x, y in reversed(half))]


class Canvas:
    """Draws in the garment's own coordinates, -1..1 in x (right) and y (down)."""

    def __init__(self, dice: Dice):
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

    def _place(self, points) -> np.ndarray:
        p = np.array(points, dtype=np.float64)
        x, y = self.wide * p[:, 0], self.tall * p[:, 1]
        across = self.middle[0] + x * self.cos - y * self.sin
        return np.stack([across, self.middle[1] + x * self.sin + y * self.cos])

    def _distance(self, starts, ends) -> np.ndarray:
        """Pixels from each centre to the nearest segment; ends are (2, segments)."""
        ax, ay = starts[:, :, None]
        ex, ey = (ends - starts)[:, :, None]
        px, py = ACROSS - ax, ACROSS - ay  # (segments, 28) along columns, along rows
        length = ex * ex + ey * ey
        length = np.where(length == 0, 1.0, length)
        tx, ty = px * ex / length, py * ey / length
        nearest = np.full((SIZE, SIZE), np.inf)
        for i in range(0, len(ex), 8):  # a few at a time stay in the cache: 3x faster
            some = slice(i, i + 8)
            t = tx[some, None, :] + ty[some, :, None]
            np.minimum(np.maximum(t, 0.0, out=t), 1.0, out=t)
            dx = px[some, None, :] - ex[some, :, None] * t
            dy = py[some, :, None] - ey[some, :, None] * t
            squared = dx * dx + dy * dy
            nearest = np.minimum(nearest, squared.min(axis=0))
        return np.sqrt(nearest)

    def area(self, points) -> np.ndarray:
        """Signed distance in pixels to a polygon: positive inside."""
        starts = self._place(points)
        ends = np.concatenate([starts[:, 1:], starts[:, :1]], axis=1)
        (ax, ay), (bx, by) = starts[:, :, None], ends[:, :, None]
        slope = (bx - ax) / np.where(by == ay, 1.0, by - ay)
        cut = ax + (ACROSS - ay) * slope  # where each edge meets each row
        cut = np.where((ay <= ACROSS) != (by <= ACROSS), cut, -1.0)
        inside = np.logical_xor.reduce(cut[:, :, None] > ACROSS, axis=0)
        distance = self._distance(starts, ends)
        return np.where(inside, distance, -distance)

    def cover(self, mask: np.ndarray, grey) -> None:
        self.grey = self.grey * (1 - mask) + grey * mask

    def fill(self, points, grey, edge: float = 0.0, smooth: int = 2) -> np.ndarray:
        """Paint a polygon, its rim darker by `edge`; gives its soft mask (0..1)."""
        inside = self.area(rounded(points, smooth))
        mask = np.minimum(np.maximum(inside + 0.5, 0.0), 1.0)
        rim = np.minimum(np.maximum(1.6 - inside, 0.0), 1.0)
        self.cover(mask, grey * (1 - edge * rim))
        return mask

    def line(self, points, width: float, grey, within=1.0, smooth: int = 1) -> None:
        """Paint an open line, `width` in pixels, only where `within` is not 0."""
        path = rounded(list(points), smooth, closed=False)
        placed = self._place(path)
        distance = self._distance(placed[:, :-1], placed[:, 1:])
        mask = np.minimum(np.maximum(width / 2 + 0.5 - distance, 0.0), 1.0)
        self.cover(mask * within, grey)

    def dot(self, x: float, y: float, radius: float, grey, within=1.0) -> None:
        self.line([(x, y), (x, y)], 2 * radius, grey, within, smooth=0)

    def folds(self, depth: float) -> np.ndarray:
        """A soft, uneven light around 1: random values on a 5 x 5 grid, blended."""
        knots = self.dice.grid(5, 5)
        at = ACROSS / SIZE * 4
        low = np.floor(at).astype(int)
        part = at - low
        down = knots[low] * (1 - part)[:, None] + knots[low + 1] * part[:, None]
        across = down[:, low] * (1 - part) + down[:, low + 1] * part
        return 1 + depth * (2 * across - 1)

    def pixels(self, noise: float) -> np.ndarray:
        """The picture as bytes of 16 grey levels; noise only where something is."""
        rough = noise * (2 * self.dice.grid(SIZE, SIZE) - 1)
        grey = self.grey * self.folds(0.16) + rough * (self.grey > 0.08)
        level = np.floor(np.minimum(np.maximum(grey, 0.0), 1.0) * 15 + 0.5)
        return (level * 17).astype(np.uint8)
