"""Outlines: lists of points (x, y), x to the right and y down, both from -1 to 1."""

from collections.abc import Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]


def rounded(
    points: Sequence[Point], times: int = 2, closed: bool = True
) -> list[Point]:
    """Cut every corner `times` times (Chaikin); a point given twice stays sharper.

    Example:
        >>> rounded([(0, 0), (4, 0), (4, 4)], times=1, closed=False)
        [(0, 0), (1.0, 0.0), (3.0, 0.0), (4.0, 1.0), (4.0, 3.0), (4, 4)]
    """
    points = list(points)
    for _ in range(times):
        pairs = list(zip(points, points[1:] + points[:1], strict=True))
        cut = [] if closed else [points[0]]
        for (ax, ay), (bx, by) in pairs if closed else pairs[:-1]:
            cut.append((0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by))
            cut.append((0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by))
        points = cut if closed else [*cut, points[-1]]
    return points


def mirrored(half: Sequence[Point]) -> list[Point]:
    """Complete a symmetric outline from its right half, listed from top to bottom.

    Example:
        >>> mirrored([(1, 0), (2, 5)])
        [(1, 0), (2, 5), (-2, 5), (-1, 0)]
    """
    return [*half, *((-x, y) for x, y in reversed(half))]
