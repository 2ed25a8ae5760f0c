"""Plots in one style, each drawn into one axes.

The functions take `ax=None`, return `ax` and never show anything: `show` is the one
way a figure reaches the page.
"""

from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.rcsetup import cycler
from numpy.typing import ArrayLike, NDArray

# Eight colours that colour-blind readers can tell apart. Source: M. Okabe and K. Ito,
# "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}

Numbers: TypeAlias = torch.Tensor | ArrayLike


def course_style() -> None:
    """Set matplotlib's defaults to the course's: palette, sizes, quiet axes.

    >>> course_style()
    >>> plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == PALETTE["blue"]
    True
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=list(PALETTE.values())[:6]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.labelsize": 11,
            "figure.figsize": (6.4, 3.6),
            "figure.dpi": 110,
            "figure.facecolor": "white",  # dark themes keep the picture readable
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "image.cmap": "cividis",  # even in lightness, safe for the colour-blind
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def to_numpy(values: Numbers) -> NDArray[Any]:
    """Return `values` as an array on the CPU, detached from autograd.

    >>> to_numpy(torch.tensor([1.0, 2.0], requires_grad=True))
    array([1., 2.], dtype=float32)
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.is_floating_point() else values).numpy()
    return np.asarray(values)


def plot_matrix(
    values: Numbers,
    ax: Axes | None = None,
    *,
    fmt: str = "{:g}",
    title: str = "",
    cmap: str = "cividis",
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draw a matrix as coloured cells with its numbers written in them.

    Args:
        values: shape (rows, columns), or (columns,) for a single row.
        ax: the axes to draw into; a new figure's if None.
        fmt: the format of a number; "" writes none.
        title: the title above it.
        cmap: the colours, a colour map of matplotlib.
        limits: the values at the two ends of the colours; the extremes if None.

    Returns:
        The axes.

    >>> ax = plot_matrix([[1, 2], [3, 4.5]], title="weight")
    >>> [text.get_text() for text in ax.texts]
    ['1', '2', '3', '4.5']
    """
    ax = ax or plt.subplots()[1]
    grid = np.atleast_2d(to_numpy(values))
    low, high = limits or (grid.min(), grid.max())
    image = ax.imshow(grid, cmap=cmap, vmin=low, vmax=high)
    ax.set(xticks=range(grid.shape[1]), yticks=range(grid.shape[0]))
    ax.tick_params(length=0, labelsize=9)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    if fmt:
        for (row, column), value in np.ndenumerate(grid):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            colour = "white" if dark else "black"
            text = fmt.format(value)
            ax.text(column, row, text, ha="center", va="center", color=colour)
    return ax


def plot_image(image: Numbers, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw a grey image without axes: ink is dark, as on paper.

    Args:
        image: shape (height, width) or (1, height, width), any range.
        ax: the axes to draw into; a new figure's if None.
        title: the title above it.

    Returns:
        The axes.

    >>> ax = plot_image(torch.eye(3), title="eye")
    >>> ax.get_title()
    'eye'
    """
    ax = ax or plt.subplots()[1]
    pixels = to_numpy(image)
    ax.imshow(pixels.reshape(pixels.shape[-2:]), cmap="gray_r")
    ax.set_axis_off()
    ax.set_title(title, fontsize=10, loc="center")
    return ax


def plot_band(
    x: Numbers,
    runs: Numbers,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: str | None = None,
) -> Axes:
    """Draw the mean of several runs as a line, and their range as a band.

    Args:
        x: shape (points,).
        runs: shape (runs, points), one row per run.
        ax: the axes to draw into; a new figure's if None.
        label: the line's name in a legend.
        color: the colour of line and band; the next of the style's if None.

    Returns:
        The axes.

    >>> ax = plot_band([1, 2, 3], [[0.9, 0.5, 0.3], [0.7, 0.5, 0.1]], label="loss")
    >>> ax.lines[0].get_ydata()
    array([0.8, 0.5, 0.2])
    """
    ax = ax or plt.subplots()[1]
    points, rows = to_numpy(x), np.atleast_2d(to_numpy(runs))
    (line,) = ax.plot(points, rows.mean(axis=0), label=label, color=color)
    low, high = rows.min(axis=0), rows.max(axis=0)
    ax.fill_between(points, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    return ax
