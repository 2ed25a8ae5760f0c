"""What reaches the page: a picture, with its description as a caption under it."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils.display.bundles import PLAIN, PNG, Bundle, caption_bundle


def figure_bundle(fig: Figure, alt: str) -> tuple[Bundle, Bundle]:
    """Return a figure's output data and metadata: a PNG and its description.

    Raises:
        ValueError: `alt` is empty.

    >>> data, metadata = figure_bundle(Figure(), alt="An empty page.")
    >>> list(data), metadata["image/png"]
    (['image/png', 'text/plain'], {'alt': 'An empty page.'})
    """
    if not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the picture shows.")
    # Not savefig: it prepares for printing, which doubles the time of a redraw.
    canvas = fig.canvas
    if not isinstance(canvas, FigureCanvasAgg):  # no window's canvas
        canvas = FigureCanvasAgg(fig)
    canvas.draw()
    buffer = io.BytesIO()
    plt.imsave(buffer, np.asarray(canvas.buffer_rgba()), format="png")
    png = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {PNG: png, PLAIN: alt}, {"alt": alt, PNG: {"alt": alt}}


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
    {'image/png': 'iVBOR...', 'text/plain': 'The squares of 0 to 3.'}
    {'text/html': ..., 'text/plain': 'The squares of 0 to 3.'}
    """
    from IPython.display import display  # kept out of `import course_utils`

    data, metadata = figure_bundle(fig, alt)
    display(data, metadata=metadata, raw=True)
    display(caption_bundle(alt), raw=True)
    plt.close(fig)
