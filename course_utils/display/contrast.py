"""How well a colour stands out from another."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def luminance(rgb: ArrayLike) -> NDArray[np.float64]:
    """Return the relative luminance of colours, from 0 (black) to 1 (white).

    Args:
        rgb: shape (..., 3) or (..., 4): red, green and blue, each from 0 to 1, and an
            opacity, which is left out.

    Returns:
        Shape (...).

    Source: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance

    >>> luminance([[1, 0, 0], [1, 1, 1]]).round(4)
    array([0.2126, 1.    ])
    """
    parts = np.asarray(rgb, dtype=float)[..., :3]
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the contrast of colours, from 1 to 21: text needs 4.5, a line 3.

    Args:
        first: as for `luminance`.
        second: as for `luminance`.

    Returns:
        Shape (...).

    Source: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio

    >>> contrast([[0, 0, 0], [1, 1, 1]], [1, 1, 1]).round(1)
    array([21.,  1.])
    """
    one, other = luminance(first) + 0.05, luminance(second) + 0.05
    return np.maximum(one, other) / np.minimum(one, other)
