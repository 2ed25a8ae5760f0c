"""What is hard to see in a figure: pale, clipped, tiny or crossed texts, pale marks.

Each page is tried, a light and a dark one: the paper of the course lets a little of
it through. Bands, coloured areas and what is drawn behind all else (zorder 0) are left
out, as marks and below marks: a line through them says the same.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import (
    LineCollection,
    PathCollection,
    PolyCollection,
)
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.spines import Spine
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike, NDArray

from course_utils.display import figures
from course_utils.display.contrast import contrast
from course_utils.display.plots import SMALL, TEXT, TITLE

PAGES = {"light": 1.0, "dark": 17 / 255}  # JupyterLab's two themes
FOR_TEXT, FOR_MARKS = 4.5, 3.0
CROSSED = 0.06  # share of a text's box that may lie on something of its colour
LOG = "FIGURE_LOG"  # an environment variable: the file that `watch` writes to
GOOD = "nothing is hard to see"

Placed: TypeAlias = tuple[Text, Bbox]


def faults(fig: Figure) -> list[str]:
    """Return what is hard to see in a figure, a sentence for each."""
    fig.canvas.draw()
    texts = [text for text in _texts(fig) if text.get_visible() and text.get_text()]
    marks = [mark for ax in fig.axes for mark in _marks(ax)]
    # A title that is hidden moves, so where the texts are is noted before.
    placed = [(text, text.get_window_extent()) for text in texts]
    found = [*_misplaced(fig, placed)]
    below_texts = _pixels_without(fig, texts)
    beside = [*fig.findobj(PolyCollection), *fig.findobj(Spine), *fig.findobj(Axis)]
    below_marks = _pixels_without(fig, [*texts, *marks, *beside])
    for page, level in PAGES.items():
        found += _pale_texts(placed, _on_page(below_texts, level), page)
        found += _pale_marks(marks, _on_page(below_marks, level), page)
    return found


def watch() -> None:
    """From now on write to `LOG` what is hard to see in each figure that is drawn."""
    draw = figures.figure_png

    def figure_png(fig: Figure) -> bytes:
        png = draw(fig)
        with Path(os.environ[LOG]).open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in faults(fig) or [GOOD])
        return png

    figures.figure_png = figure_png


def _texts(fig: Figure) -> Iterator[Text]:
    yield from fig.texts
    yield from [fig._suptitle] if fig._suptitle else []
    for ax in fig.axes:
        yield from [*ax.texts, ax.title, ax._left_title, ax._right_title]
        yield from ax.get_legend().findobj(Text) if ax.get_legend() else []
        for axis in [ax.xaxis, ax.yaxis] if ax.axison else []:
            yield axis.label
            for tick in axis._update_ticks():  # those inside the limits
                yield from (tick.label1, tick.label2)


def _marks(ax: Axes) -> Iterator[Artist]:
    kinds = (Line2D, PathCollection, LineCollection)
    for artist in [*ax.lines, *ax.collections]:
        if artist.get_visible() and isinstance(artist, kinds):
            yield artist
    for patch in ax.patches:
        seen = patch.get_visible() and patch.zorder > 0
        if seen and min(np.abs(patch.get_window_extent().size)) > 1:
            yield patch


def _pixels_without(fig: Figure, artists: list) -> NDArray[np.float64]:
    """Draw the figure without some artists; return its pixels, rows from the bottom."""
    artists = [artist for artist in artists if artist.get_visible()]
    for artist in artists:
        artist.set_visible(False)
    engine = fig.get_layout_engine()
    fig.set_layout_engine("none")  # or labels that are gone move everything
    fig.canvas.draw()
    pixels = np.asarray(fig.canvas.buffer_rgba())[::-1] / 255
    fig.set_layout_engine(engine)
    for artist in artists:
        artist.set_visible(True)
    return pixels


def _on_page(pixels: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    return pixels[..., :3] * pixels[..., 3:] + level * (1 - pixels[..., 3:])


def _misplaced(fig: Figure, placed: list[Placed]) -> Iterator[str]:
    width, height = fig.canvas.get_width_height()
    for text, box in placed:
        if min(box.x0, box.y0, width - box.x1, height - box.y1) < -1:
            yield f"'{text.get_text()}' is clipped"
        if text.get_fontsize() not in (SMALL, TEXT, TITLE):
            yield f"'{text.get_text()}' has {text.get_fontsize():g} points"


def _pale_texts(placed: list[Placed], page: NDArray, name: str) -> Iterator[str]:
    for text, box in placed:
        (x0, y0), (x1, y1) = np.floor(box.min).astype(int), np.ceil(box.max).astype(int)
        below = page[max(0, y0) : y1, max(0, x0) : x1].reshape(-1, 3)
        colour = _over(to_rgba_array(text.get_color())[0], below)
        if len(below) and (contrast(colour, below) < FOR_TEXT).mean() > CROSSED:
            yield f"'{text.get_text()}' is pale or crossed on a {name} page"


def _pale_marks(marks: list[Artist], page: NDArray, name: str) -> Iterator[str]:
    for mark in marks:
        below = _below(mark, page)
        if not len(below):
            continue
        each = [contrast(_over(colour, below), below) for colour in _colours(mark)]
        best = np.max(each, axis=0)
        if np.median(best) < FOR_MARKS:
            yield f"{mark} has {np.median(best):.2f}:1 on a {name} page"


def _over(colour: NDArray, below: NDArray) -> NDArray[np.float64]:
    """Return what is seen where a colour with an opacity lies on others."""
    return colour[:3] * colour[3] + below * (1 - colour[3])


def _colours(mark: Artist) -> NDArray[np.float64]:
    """Return the colours of a mark, any of which may be what it is seen by."""
    seams = [effect._gc["foreground"] for effect in mark.get_path_effects() or []]
    if isinstance(mark, Line2D):
        names: list[ArrayLike] = [mark.get_color(), mark.get_markeredgecolor()]
        names += seams
        return np.concatenate([to_rgba_array(name, mark.get_alpha()) for name in names])
    edges = to_rgba_array(mark.get_edgecolor())  # type: ignore[attr-defined]
    if isinstance(mark, LineCollection):
        return edges
    faces = to_rgba_array(mark.get_facecolor())  # type: ignore[attr-defined]
    return np.concatenate([faces, edges, to_rgba_array(seams)])


def _below(mark: Artist, page: NDArray) -> NDArray[np.float64]:
    """Return the pixels of the page at the points of a mark, shape (points, 3)."""
    if isinstance(mark, PathCollection):
        points = mark.get_offset_transform().transform(mark.get_offsets())
    elif isinstance(mark, LineCollection):
        ends = [path.vertices for path in mark.get_paths()]
        points = mark.get_transform().transform(np.concatenate(ends or [[(-1, -1)]]))
    elif isinstance(mark, Line2D):
        points = _with_middles(mark.get_transform().transform(mark.get_xydata()))
    elif mark.get_fill():  # type: ignore[attr-defined]
        points = mark.get_window_extent().get_points().mean(axis=0, keepdims=True)
    else:
        outline = mark.get_transform().transform_path(mark.get_path())  # type: ignore[attr-defined]
        points = _with_middles(outline.vertices)
    points = np.asarray(points, dtype=float)
    points = points[np.isfinite(points).all(axis=1)].astype(int)
    height, width, _ = page.shape
    inside = (points >= 0).all(axis=1) & (points < [width, height]).all(axis=1)
    columns, rows = points[inside].T
    return page[rows, columns]


def _with_middles(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([points, (points[1:] + points[:-1]) / 2])
