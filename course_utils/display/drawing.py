"""The drawing of a playground: one figure, emptied and drawn into again."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from course_utils.display.kept_axis import KeptAxis
from course_utils.display.png import palette_png

# A sentence, or none; with a goal also whether it is reached.
Draw: TypeAlias = Callable[..., str | tuple[str, bool] | None]

STEPS = 5  # of an axis at most, where a drawing sets no ticks: each costs a millisecond


class Said(NamedTuple):
    """What `draw` said of its picture."""

    sentence: str
    reached: bool = False


class Drawing:
    """A figure that `draw` fills; drawn once to lay it out, then kept in place.

    Args:
        draw: called with one axes (a list of them if `ncols` > 1) and the values.
        values: those of the first drawing.
        ncols: how many axes stand side by side.
        figsize: the figure's width and height in inches.
        has_goal: whether `draw` returns, besides its sentence, if a goal is reached.

    Raises:
        TypeError: `draw` returns something else than `has_goal` asks for.
    """

    def __init__(
        self,
        draw: Draw,
        values: Mapping[str, Any],
        *,
        ncols: int = 1,
        figsize: tuple[float, float] | None = None,
        has_goal: bool = False,
    ) -> None:
        self._draw, self._has_goal = draw, has_goal
        size = figsize or (4.2 * ncols + 2.2, 3.8)
        self.figure, _ = plt.subplots(1, ncols, figsize=size)
        plt.close(self.figure)  # pyplot forgets it; nothing else is lost
        self._canvas = FigureCanvasAgg(self.figure)  # no window's canvas
        self._dpi = self.figure.dpi
        self.said = self.redraw(values)
        self._canvas.draw()  # lay out once; later frames keep the places and don't jump
        self.figure.set_layout_engine("none")
        for ax in self.figure.axes:
            keep_labels(ax)
            for axis in (ax.xaxis, ax.yaxis):
                axis.draw = KeptAxis(axis)

    @property
    def size(self) -> tuple[int, int]:
        """The picture's width and height on the page, in pixels."""
        width, height = self.figure.get_size_inches() * self._dpi
        return round(width), round(height)

    def redraw(self, values: Mapping[str, Any]) -> Said:
        """Draw for these values; return what `draw` said."""
        axes = self.figure.axes
        for ax in axes:
            empty(ax)
        said = self._draw(axes if len(axes) > 1 else axes[0], **values)
        self.said = self._checked(said)
        return self.said

    def looked_ahead(self, values: Mapping[str, Any]) -> Said:
        """Return what `draw` says for these values, and draw nothing if that can be.

        Nearly all of its time goes into pictures, which a search for a goal throws
        away. A `draw` that needs an answer from its axes gets the real ones.
        """
        axes = [_Unseen() for _ in self.figure.axes]
        try:
            said = self._draw(axes if len(axes) > 1 else axes[0], **values)
        except Exception:  # whatever it misses, the real axes have it
            return self.redraw(values)
        return self._checked(said)

    def _checked(self, said: str | tuple[str, bool] | None) -> Said:
        match said, self._has_goal:
            case None | str(), False:
                return Said(said or "")
            case (str(sentence), reached), True:
                return Said(sentence, bool(reached))
            case _, True:
                wanted = "as there is a goal, a sentence and whether it is reached"
            case _:
                wanted = "a sentence or None"
        raise TypeError(f"draw returned {said!r}: return {wanted}.")

    def png(self, scale: float = 1) -> bytes:
        """Return the picture as PNG: `scale` of its pixels to one of the page."""
        return palette_png(self.pixels(scale), quick=True)

    def pixels(self, scale: float = 1) -> NDArray[np.uint8]:
        """Return the picture, shape (height, width, 4), until the next drawing."""
        self.figure.set_dpi(self._dpi * scale)
        self._canvas.draw()
        pixels = np.asarray(self._canvas.buffer_rgba())
        self.figure.set_dpi(self._dpi)
        return pixels


class _Unseen:
    """Stands in for axes: takes every call and draws nothing."""

    def __getattr__(self, name: str) -> "_Unseen":
        if name.startswith("_"):  # what Python and NumPy ask of each object
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> "_Unseen":
        return self


def keep_labels(ax: Axes) -> None:
    """Keep the labels where they are: placing them takes a seventh of a move."""
    for axis in (ax.xaxis, ax.yaxis):
        place = axis.label.get_transform().transform(axis.label.get_position())
        axis.set_label_coords(*ax.transAxes.inverted().transform(place))


def empty(ax: Axes) -> None:
    """Reset `ax`, but keep its ticks: recreating them, as `clear` does, is slow."""
    artists = [*ax.child_axes]  # first: a colour bar needs what it explains to go
    artists += [*ax.lines, *ax.patches, *ax.texts, *ax.images, *ax.collections]
    artists += [*ax.tables, *ax.artists]
    for artist in artists:
        artist.remove()
    if legend := ax.get_legend():
        legend.remove()
    for loc in ("left", "center", "right"):
        ax.set_title("", loc=loc)
    ax.containers.clear()  # else the next legend lists bars that are gone
    ax.set_prop_cycle(None)
    ax.set(xlabel="", ylabel="", aspect="auto", xscale="linear", yscale="linear")
    ax.locator_params(nbins=STEPS)
    style = plt.rcParams
    ax.set(axisbelow=style["axes.axisbelow"], frame_on=True)
    ax.set_axis_on()
    ax.grid(style["axes.grid"])
    ax.spines["left"].set_visible(style["axes.spines.left"])
    ax.spines["right"].set_visible(style["axes.spines.right"])
    ax.spines["top"].set_visible(style["axes.spines.top"])
    ax.spines["bottom"].set_visible(style["axes.spines.bottom"])
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.relim()  # else the next limits reach to data that are gone
    ax.set_autoscale_on(True)
