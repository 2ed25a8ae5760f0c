"""What reaches the page: a picture, with its description as a caption under it."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils.display.bundles import Bundle, caption_bundle, picture_bundle
from course_utils.display.png import palette_png

SHARPNESS = 2  # pixels of a picture to one of the page, for sharp screens


def figure_png(fig: Figure) -> bytes:
    """Return a figure as PNG, with `SHARPNESS` times its pixels.

    >>> figure_png(Figure())[1:4]
    b'PNG'
    """
    # Not savefig: it prepares for printing, which doubles the time of a redraw.
    canvas = fig.canvas
    if not isinstance(canvas, FigureCanvasAgg):  # no window's canvas
        canvas = FigureCanvasAgg(fig)
    dpi = fig.dpi
    fig.set_dpi(SHARPNESS * dpi)
    canvas.draw()
    fig.set_dpi(dpi)
    return palette_png(np.asarray(canvas.buffer_rgba()))


def figure_bundle(fig: Figure, alt: str) -> tuple[Bundle, Bundle]:
    """Return a figure's output data and metadata: a picture and its description.

    Raises:
        ValueError: `alt` is empty.

    >>> fig = Figure(figsize=(4.2, 3), dpi=100)
    >>> data, metadata = figure_bundle(fig, alt="An empty page.")
    >>> data["text/html"]  # doctest: +ELLIPSIS
    '<img class="course-picture" alt="An empty page." width="420" height="300" ...>'
    >>> data["text/plain"], metadata
    ('An empty page.', {'alt': 'An empty page.'})
    """
    if not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the picture shows.")
    width, height = (round(inches * fig.dpi) for inches in fig.get_size_inches())
    data: Bundle = {**picture_bundle(figure_png(fig), alt, width, height)}
    return data, {"alt": alt}


def show(fig: Figure, alt: str) -> None:
    """Put a figure on the page, its description as a caption under it, and close it.

    Args:
        fig: the figure.
        alt: what the picture shows, in a sentence or two, with the numbers that
            matter; never 'a plot of …'.

    Raises:
        ValueError: `alt` is empty.

    Outside a notebook, as here, the outputs are printed instead:

    >>> fig, ax = plt.subplots()
    >>> lines = ax.plot([0, 1, 4, 9])
    >>> show(fig, alt="The squares of 0 to 3.")  # doctest: +ELLIPSIS
    {'text/html': '<img ...>', 'text/plain': 'The squares of 0 to 3.'}
    {'text/html': ..., 'text/plain': 'The squares of 0 to 3.'}
    """
    from IPython.display import display  # kept out of `import course_utils`

    data, metadata = figure_bundle(fig, alt)
    display(data, metadata=metadata, raw=True)
    display(caption_bundle(alt), raw=True)
    plt.close(fig)
