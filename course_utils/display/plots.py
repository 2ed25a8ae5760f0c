"""Plots in one style, each drawn into one axes.

The functions take `ax=None`, return `ax` and never show anything: `show` is the one
way a figure reaches the page.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.image import AxesImage, BboxImage
from matplotlib.patheffects import withStroke
from matplotlib.rcsetup import cycler
from matplotlib.transforms import Bbox, TransformedBbox
from numpy.typing import ArrayLike, NDArray

from course_utils.display.contrast import contrast

# Six colours that colour-blind readers can tell apart: the hues of M. Okabe and
# K. Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/, dark enough
# for a thin line (3:1 on the paper, light page or dark) and further apart in lightness.
PALETTE = {
    "blue": "#1146B0",
    "orange": "#AD6800",
    "green": "#00734F",
    "vermilion": "#9E2A0C",
    "purple": "#7A1F7A",
    "sky": "#187EAB",
}
GREY = "0.45"  # what helps to read a picture: grids, means, zero lines
# For `path_effects=` of a frame over an image: a white edge, seen on dark colours.
HALO = [withStroke(linewidth=6, foreground="white")]

# White, and a little of the page shines through: on a light page the paper is white,
# on a dark one a soft grey. Ink and data are opaque, so their colours stay.
PAPER = (1.0, 1.0, 1.0, 0.84)

DPI = 100  # pixels of the page to an inch, so 10 points are 14 pixels, as its text
WIDTHS = (4.2, 5.6, 7.6)  # inches: narrow, half, full
TITLE, TEXT, SMALL = 11, 10, 9  # points; nothing in a picture has another size

# As matplotlib's gray_r, but white is the paper itself.
INK = LinearSegmentedColormap.from_list("ink", [(0, 0, 0, 0), (0, 0, 0, 1)])

Numbers: TypeAlias = torch.Tensor | ArrayLike


def course_style() -> None:
    """Set matplotlib's defaults to the course's: palette, sizes, quiet axes.

    >>> course_style()
    >>> plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == PALETTE["blue"]
    True
    """
    plt.rcParams.update(
        {
            "axes.facecolor": "none",
            "axes.prop_cycle": cycler(color=list(PALETTE.values())),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "axes.titlesize": TITLE,
            "axes.titlelocation": "left",
            "axes.labelsize": TEXT,
            "figure.figsize": (WIDTHS[1], 3.4),
            "figure.dpi": DPI,
            "figure.facecolor": PAPER,
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.h_pad": 0.08,  # inches: the paper's margin
            "figure.constrained_layout.w_pad": 0.08,
            "figure.titlesize": TITLE,
            "font.size": TEXT,
            "image.cmap": "cividis",  # even in lightness, safe for the colour-blind
            "legend.fontsize": SMALL,
            "legend.frameon": False,
            "lines.linewidth": 2,
            "xtick.labelsize": SMALL,
            "ytick.labelsize": SMALL,
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
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    if fmt:
        for (row, column), value in np.ndenumerate(grid):
            cell = image.cmap(image.norm(value))
            # One of the two always reaches 4.5:1.
            colour = max(["white", "black"], key=lambda c: contrast(to_rgb(c), cell))
            # As the numbers along an axis.
            text = fmt.format(value).replace("-", "\N{MINUS SIGN}")
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
    ax.imshow(pixels.reshape(pixels.shape[-2:]), cmap=INK)
    ax.set_axis_off()
    ax.set_title(title, fontsize=SMALL, loc="center")
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


def colour_key(image: AxesImage, words: Mapping[float, str], label: str = "") -> Axes:
    """Draw what the colours of an image mean, as a bar to the right of it.

    For a playground: `colorbar` makes axes of its own, a fifth of a move's time.

    Args:
        image: what `imshow` returned.
        words: what to write beside the bar at these values of the image.
        label: the name of the values, written above the bar.

    Returns:
        The axes of the image.

    >>> image = plt.subplots()[1].imshow([[0.0, 1.0]], vmin=-1, vmax=1)
    >>> ax = colour_key(image, {-1: "against", 1: "for"})
    >>> [(text.get_text(), text.get_position()[1]) for text in ax.texts]
    [('against', 0.0), ('for', 1.0)]
    """
    ax = image.axes
    left, width = 1.05, 0.05  # shares of the axes' width
    place = Bbox.from_bounds(left, 0, width, 1)
    bar = BboxImage(TransformedBbox(place, ax.transAxes))
    bar.set_data(np.asarray(image.cmap(np.linspace(1, 0, 256)))[:, None])
    ax.add_artist(bar)
    bar.set_clip_on(False)
    beside: dict[str, Any] = {"transform": ax.transAxes, "fontsize": SMALL}
    heights = np.asarray(image.norm(np.array([*words]))).tolist()
    for height, word in zip(heights, words.values(), strict=True):
        ax.text(left + width + 0.02, height, word, va="center", **beside)
    if label:
        ax.text(left, 1.07, label, **beside)
    return ax
