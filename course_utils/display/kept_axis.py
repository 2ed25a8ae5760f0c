"""An axis of a picture that is drawn again and again, kept as pixels.

Ticks, their labels and the grid take two fifths of the time of a playground's picture,
and most moves leave them as they are.
"""

import numpy as np
from matplotlib.axis import Axis, Tick
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.lines import Line2D
from matplotlib.text import Text


class KeptAxis:
    """Draws an axis; from the second time on that it looks the same, pastes its pixels.

    Args:
        axis: its label has a place of its own (`set_label_coords`): it doesn't move
            with the labels of the ticks.
    """

    def __init__(self, axis: Axis) -> None:
        self._axis, self._draw = axis, axis.draw
        self._look: object = None
        self._layer: tuple[int, int, np.ndarray] | None = None

    def __call__(self, renderer: RendererBase) -> None:
        """Draw the axis, as `Axis.draw` does."""
        if not isinstance(renderer, RendererAgg):  # a file without pixels
            self._draw(renderer)
            return
        look = (renderer.width, renderer.height, renderer.dpi, _look(self._axis))
        if look != self._look:  # perhaps it changes with every move: keep nothing yet
            self._look, self._layer = look, None
            self._draw(renderer)
            return
        if self._layer is None:
            self._layer = self._alone(renderer)
        left, bottom, pixels = self._layer
        renderer.draw_image(renderer.new_gc(), left, bottom, pixels)

    def _alone(self, renderer: RendererAgg) -> tuple[int, int, np.ndarray]:
        """Return the axis's own pixels, and how far they are from left and bottom."""
        height = int(renderer.height)
        alone = RendererAgg(int(renderer.width), height, renderer.dpi)
        self._draw(alone)
        pixels = np.asarray(alone.buffer_rgba())
        drawn = pixels[..., 3] > 0
        rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
        if not len(rows):
            return 0, 0, np.zeros((1, 1, 4), np.uint8)
        top, bottom, left = rows[0], rows[-1] + 1, columns[0]
        part = pixels[top:bottom, left : columns[-1] + 1]
        return int(left), height - int(bottom), np.ascontiguousarray(part[::-1])


def _look(axis: Axis) -> object:
    """Return what an axis's pixels depend on; something new each time where unsure."""
    axes = axis.axes
    if any(spine.get_position() != ("outward", 0.0) for spine in axes.spines.values()):
        return object()  # the ticks go with the spine, wherever that is
    view = (*axis.get_view_interval(), *axes.bbox.bounds, axis.get_scale())
    return (
        view,
        axis.get_visible(),
        axis.label.get_position(),
        _looks(axis.label),
        [_ticks(axis, minor) for minor in (False, True)],
    )


def _ticks(axis: Axis, minor: bool) -> object:
    places = axis.get_ticklocs(minor=minor)
    formatter = axis.get_minor_formatter() if minor else axis.get_major_formatter()
    ticks = (axis.get_minor_ticks if minor else axis.get_major_ticks)(len(places))
    texts = formatter.format_ticks(list(places))
    steps = axis.get_transform().transform(places).tolist()  # of this very scale
    return steps, texts, formatter.get_offset(), [_tick(tick) for tick in ticks]


def _tick(tick: Tick) -> object:
    parts = (tick.tick1line, tick.tick2line, tick.gridline, tick.label1, tick.label2)
    return tick.get_pad(), [_looks(part) for part in parts]


def _looks(part: Line2D | Text) -> str:
    """Return the style of a line or a text, without its place."""
    if not part.get_visible():
        return ""
    style = part.get_color(), part.get_alpha()
    if isinstance(part, Text):
        align = part.get_horizontalalignment(), part.get_verticalalignment()
        font = part.get_rotation(), hash(part.get_fontproperties())
        return repr((style, align, font, part.get_text()))  # a colour can be an array
    marks = part.get_marker(), part.get_markersize(), part.get_markeredgewidth()
    return repr((style, part.get_linestyle(), part.get_linewidth(), marks))
